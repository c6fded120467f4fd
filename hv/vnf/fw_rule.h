/**
 * One rule of the firewall image: its text form and what it matches.
 *
 * Included by firewall.c, its tests and its fuzzer. Text: `allow|deny PROTO SRC DST [DPORTS]`, words apart by
 * blanks; PROTO any, tcp, udp, icmp, icmp6 or 0-255; SRC and DST any, an address or ADDRESS/LENGTH, IPv4 or
 * IPv6; DPORTS a list as 80,443,8000-8080, only with tcp, udp, sctp (132), dccp (33), udp-lite (136) or any.
 */
#ifndef FW_RULE_H
#define FW_RULE_H

#include "vnf.h"

#define FW_PORTS_MAX 16u
#define FW_WHY_SIZE  128u

struct fw_net {
	unsigned version; /* 4, 6, or 0: any */
	union vnf_addr addr, mask;
};

struct fw_rule {
	bool allow;
	bool any_proto;
	uint8_t proto;
	uint8_t ranges; /* of ports; 0: the rule has none */
	struct fw_net src, dst;
	struct {
		uint16_t low, high;
	} port[FW_PORTS_MAX];
};

/**
 * Read a rule.
 *
 * @param why  on failure one line that names the word, its value and what it should be.
 * @return     true: rule is filled.
 */
bool fw_rule_parse(const char *text, struct fw_rule *rule, char why[FW_WHY_SIZE]);

/**
 * True when the rule speaks of this packet. A field the packet lacks (an address in ARP, ports in a later
 * fragment, anything in a header that lies) is matched by `any` alone, or by no DPORTS.
 */
bool fw_rule_match(const struct fw_rule *rule, const struct vnf_ip *ip);

#endif
