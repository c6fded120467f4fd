#include "sff_ip.h"
#include "sff_lcore.h"

#include "eth.h"

static inline uint8_t
push(struct rte_mbuf *m, struct sff_meta *meta, const struct sff_impose *impose, uint8_t np)
{
	const struct nsh_template *t = &impose->header;
	void *payload = rte_pktmbuf_mtod(m, void *);
	struct nsh_hdr *nsh;

	if (unlikely(rte_pktmbuf_prepend(m, t->size) == NULL))
		return SFF_NEXT_DROP(SFC_DROP_NO_HEADROOM);
	nsh = nsh_push(payload, t);
	if (np != NSH_NP_ETHERNET)
		nsh_np_set(nsh, np);
	meta->sp = nsh_sp((const struct nsh_hdr *)t->bytes);
	meta->nsh_size = (uint8_t)t->size;
	meta->np = np;
	return likely(!impose->spent) ? SFF_STAGE_SFP_LOOKUP : SFF_NEXT_DROP(SFC_DROP_NSH_TTL);
}

/* A path of IP payload: the frame's header stays here, and its packet tells the Next Protocol. */
static __rte_noinline uint8_t
push_ip(struct rte_mbuf *m, struct sff_meta *meta, const struct sff_impose *impose)
{
	uint8_t np = NSH_NP_NONE;
	struct eth_info eth;

	if (eth_parse(rte_pktmbuf_mtod(m, void *), m->data_len, &eth))
		np = sff_ip_strip(m, eth.size, eth.type);
	if (unlikely(np == NSH_NP_NONE))
		return SFF_NEXT_DROP(SFC_DROP_IP_PAYLOAD);
	return push(m, meta, impose, np);
}

/* Impose NSH (RFC 8300, 3): the verdict's header in front of the whole Ethernet frame, or of its packet. */
void
sff_nsh_push(struct sff_lcore *lc, struct sff_burst *b)
{
	const struct sff_impose *imposes = lc->plane->impose;

	if (unlikely(lc->plane->carries_ip)) {
		for (uint16_t i = 0; i < b->n; i++) {
			const struct sff_impose *impose = &imposes[b->meta[i].verdict];

			if (nsh_np((const struct nsh_hdr *)impose->header.bytes) == NSH_NP_ETHERNET)
				b->next[i] = push(b->pkt[i], &b->meta[i], impose, NSH_NP_ETHERNET);
			else
				b->next[i] = push_ip(b->pkt[i], &b->meta[i], impose);
		}
		return;
	}
	for (size_t i = 0, n = b->n; i < n; i++)
		b->next[i] = push(b->pkt[i], &b->meta[i], &imposes[b->meta[i].verdict], NSH_NP_ETHERNET);
}
