/*
 * Print what our parser makes of the frames of a capture: read_frames FILE.pcap. One line per frame: its
 * number and key=value words. Port 6633 is NSH in UDP; an IPv6 UDP checksum of 0 is not accepted.
 */
#include <inttypes.h>
#include <stdio.h>

#include <pcap/pcap.h>

#include "outer.h"

int
main(int argc, char **argv)
{
	static const struct outer_accept accept = {
		.transports = OUTER_BIT(OUTER_TRANSPORTS) - 1, .nsh_udp_port = 6633};
	char error[PCAP_ERRBUF_SIZE] = "usage: read_frames FILE.pcap";
	pcap_t *pcap = argc == 2 ? pcap_open_offline(argv[1], error) : NULL;
	struct pcap_pkthdr *record;
	const uint8_t *frame;
	unsigned int number = 0;

	if (pcap == NULL) {
		fprintf(stderr, "%s\n", error);
		return 1;
	}
	while (pcap_next_ex(pcap, &record, &frame) == 1) {
		struct outer_info info;
		enum outer_verdict verdict =
			outer_parse(&accept, frame, record->caplen, record->caplen, &info);

		printf("%u verdict=%s", ++number, outer_verdict_name(verdict));
		if (verdict == OUTER_OK) {
			printf(" transport=%s family=%u tags=%u tos=%u size=%u",
				outer_transport_name(info.transport), info.family, info.tags, info.tos,
				info.size);
			printf(" payload_size=%" PRIu32 " vni=%" PRIu32 " src_port=%u inner_ethernet=%d",
				info.payload_size, info.vni, info.src_port, info.inner_ethernet);
			printf(" checksum=%s", outer_check(frame, &info) ? "good" : "bad");
		}
		printf("\n");
	}
	pcap_close(pcap);
	return 0;
}
