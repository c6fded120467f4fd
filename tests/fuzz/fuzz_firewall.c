/* The firewall image's two readers of foreign bytes. Input: rule text up to the first newline, then one byte
 * NSH Next Protocol, then the inner packet. */
#include <stdlib.h>
#include <string.h>

#include "fw_rule.h"
#include "guest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct vnf_env vnf_env;
const char vnf_name[] = "fuzz";

void
vnf_exit(uint32_t code)
{
	(void)code;
	abort();
}

#define CHECK(cond)                                                                                          \
	do {                                                                                                 \
		if (!(cond))                                                                                 \
			abort();                                                                             \
	} while (0)

static void
check_ip(const struct vnf_pkt *pkt, const struct vnf_ip *ip, bool said)
{
	CHECK(said == (ip->version != 0));
	CHECK(ip->version == 0 || ip->version == 4 || ip->version == 6);
	CHECK((ip->header != NULL) == said);
	CHECK(said || (ip->proto == 0 && !ip->has_ports && !ip->fragment));
	CHECK(!ip->has_ports || !ip->fragment);
	CHECK(ip->has_ports || (ip->sport == 0 && ip->dport == 0));
	if (said) {
		CHECK(ip->header >= pkt->inner && ip->header_len <= pkt->inner_len);
		CHECK(ip->header + ip->header_len <= pkt->inner + pkt->inner_len);
		CHECK(ip->header_len >= (ip->version == 4 ? 20 : 40));
	}
}

/* What an accepted rule says must hold together, and a catch-all of the same kind must match at least as
 * much. */
static void
check_rule(const struct fw_rule *rule, const struct vnf_ip *ip)
{
	struct fw_rule wider = *rule;
	bool match = fw_rule_match(rule, ip);

	CHECK(rule->ranges <= FW_PORTS_MAX);
	for (unsigned i = 0; i < rule->ranges; i++)
		CHECK(rule->port[i].low <= rule->port[i].high);
	CHECK(!match || rule->any_proto || ip->version);
	CHECK(!match || !rule->ranges || ip->has_ports);
	wider.any_proto = true;
	wider.ranges = 0;
	wider.dst.version = 0;
	CHECK(!match || fw_rule_match(&wider, ip));
	wider.src.version = 0;
	CHECK(fw_rule_match(&wider, ip));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *newline = size ? memchr(data, '\n', size) : NULL;
	size_t text_len = newline ? (size_t)(newline - data) : size;
	size_t packet_at = text_len + 2 < size ? text_len + 2 : size;
	char *text = malloc(text_len + 1), why[FW_WHY_SIZE];
	uint8_t *packet = malloc(size - packet_at + 1);
	struct vnf_pkt pkt = {
		.inner = packet + 1, /* so that a size of 0 is exact too */
		.inner_len = (uint32_t)(size - packet_at),
		.next_proto = packet_at < size ? data[packet_at - 1] & 7 : 0,
	};
	struct fw_rule rule;
	struct vnf_ip ip;

	CHECK(text && packet);
	if (size) {
		memcpy(text, data, text_len);
		memcpy(pkt.inner, data + packet_at, pkt.inner_len);
	}
	text[text_len] = '\0';
	check_ip(&pkt, &ip, vnf_ip_parse(&pkt, &ip));
	if (fw_rule_parse(text, &rule, why))
		check_rule(&rule, &ip);
	else
		CHECK(strlen(why) > 0 && strlen(why) < FW_WHY_SIZE);
	free(packet);
	free(text);
	return 0;
}
