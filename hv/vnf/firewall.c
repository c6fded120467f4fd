/* A stateless packet filter. Each argument is one rule (fw_rule.h); the first that matches decides, what none
 * matches passes. Metrics: rule.N.packets, N counted from 1, and default.packets; the console lists which
 * text rule N has. */
#include "fw_rule.h"

VNF_IMAGE("firewall", .ram_mib = 2);

static struct fw_rule rule[HV_MAX_ARGS];
static struct vnf_counter *rule_packets[HV_MAX_ARGS];
static struct vnf_counter *default_packets;
static unsigned rules;

int
vnf_init(int argc, char **argv)
{
	char why[FW_WHY_SIZE];

	for (rules = 0; rules < (unsigned)argc; rules++) {
		if (!fw_rule_parse(argv[rules], &rule[rules], why)) {
			vnf_log("argument %u, \"%s\": %s", rules + 1, argv[rules], why);
			return 1;
		}
		vnf_log("rule %u: %s", rules + 1, argv[rules]);
		rule_packets[rules] = vnf_counter("rule.%u.packets", rules + 1);
	}
	default_packets = vnf_counter("default.packets");
	return 0;
}

enum vnf_verdict
vnf_packet(struct vnf_pkt *pkt)
{
	struct vnf_ip ip;

	vnf_ip_parse(pkt, &ip);
	for (unsigned i = 0; i < rules; i++) {
		if (fw_rule_match(&rule[i], &ip)) {
			vnf_count(rule_packets[i], 1);
			return rule[i].allow ? VNF_PASS : VNF_DROP;
		}
	}
	vnf_count(default_packets, 1);
	return VNF_PASS;
}
