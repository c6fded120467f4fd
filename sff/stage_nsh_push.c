#include "sff_ip.h"
#include "sff_lcore.h"

#include "eth.h"

static inline uint8_t
push(struct rte_mbuf *m, struct sff_meta *meta, const struct nsh_template *t, uint8_t np)
{
	void *payload = rte_pktmbuf_mtod(m, void *);
	struct nsh_hdr *nsh;

	if (unlikely(rte_pktmbuf_prepend(m, t->size) == NULL))
		return SFF_NEXT_DROP(SFC_DROP_NO_HEADROOM);
	nsh = nsh_push(payload, t);
	if (np != NSH_NP_ETHERNET)
		nsh_np_set(nsh, np);
	meta->sp = nsh_sp(nsh);
	meta->nsh_size = (uint8_t)t->size;
	meta->np = np;
	return SFF_STAGE_NSH_TTL;
}

/* A path of IP payload: the frame's header stays here, and its packet tells the Next Protocol. */
static __rte_noinline uint8_t
push_ip(struct rte_mbuf *m, struct sff_meta *meta, const struct nsh_template *t)
{
	uint8_t np = NSH_NP_NONE;
	struct eth_info eth;

	if (eth_parse(rte_pktmbuf_mtod(m, void *), m->data_len, &eth))
		np = sff_ip_strip(m, eth.size, eth.type);
	if (unlikely(np == NSH_NP_NONE))
		return SFF_NEXT_DROP(SFC_DROP_IP_PAYLOAD);
	return push(m, meta, t, np);
}

/* Impose NSH (RFC 8300, 3): the verdict's header in front of the whole Ethernet frame, or of its packet. */
void
sff_nsh_push(struct sff_lcore *lc, struct sff_burst *b)
{
	const struct nsh_template *impose = lc->plane->impose;

	if (unlikely(lc->plane->carries_ip)) {
		for (uint16_t i = 0; i < b->n; i++) {
			const struct nsh_template *t = &impose[b->meta[i].verdict];

			if (nsh_np((const struct nsh_hdr *)t->bytes) == NSH_NP_ETHERNET)
				b->next[i] = push(b->pkt[i], &b->meta[i], t, NSH_NP_ETHERNET);
			else
				b->next[i] = push_ip(b->pkt[i], &b->meta[i], t);
		}
		return;
	}
	for (uint16_t i = 0; i < b->n; i++)
		b->next[i] = push(b->pkt[i], &b->meta[i], &impose[b->meta[i].verdict], NSH_NP_ETHERNET);
}
