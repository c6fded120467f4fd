/* Keys against compiled rules: the IPv4 keys of a burst are searched together, and so are the IPv6 keys. */
#include "cls_rules.h"

#include <rte_common.h>

/* Keys of one family, gathered from a burst. */
struct gathered {
	const uint8_t *key[CLS_BURST_MAX];
	uint8_t place[CLS_BURST_MAX]; /* in the burst */
	uint32_t n;
};

static inline void
gather(struct gathered *g, const struct cls_key *key, uint32_t place)
{
	g->key[g->n] = (const uint8_t *)key;
	g->place[g->n++] = (uint8_t)place;
}

static inline void
match_family(const struct cls *cls, const struct cls_acl *rules, struct gathered *g, uint32_t verdict[])
{
	uint32_t result[CLS_BURST_MAX];

	if (g->n == 0)
		return;
	cls_acl_match(rules, g->key, g->n, result);
	for (uint32_t i = 0; i < g->n; i++)
		verdict[g->place[i]] = result[i] != 0 ? result[i] : cls->default_verdict;
}

void
cls_match(const struct cls *cls, const struct cls_key *const key[], uint32_t n, uint32_t verdict[])
{
	struct gathered ipv4, ipv6;

	ipv4.n = 0;
	ipv6.n = 0;
	for (uint32_t i = 0; i < n; i++) {
		if (key[i]->family == 4)
			gather(&ipv4, key[i], i);
		else if (key[i]->family == 6)
			gather(&ipv6, key[i], i);
		else
			verdict[i] = cls->non_ip[RTE_MIN(key[i]->port, cls->n_ports)];
	}
	match_family(cls, &cls->ipv4, &ipv4, verdict);
	match_family(cls, &cls->ipv6, &ipv6, verdict);
}
