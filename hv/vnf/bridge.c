/* The least service function: every packet passes. */
#include "vnf.h"

VNF_IMAGE("bridge", .ram_mib = 2);

int
vnf_init(int argc, char **argv)
{
	if (argc == 0)
		return 0;
	vnf_log("takes no arguments, got \"%s\"", argv[0]);
	return 1;
}

enum vnf_verdict
vnf_packet(struct vnf_pkt *pkt)
{
	(void)pkt;
	return VNF_PASS;
}
