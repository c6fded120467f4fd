#include "sff_lcore.h"
#include "sff_mbuf.h"

/* A frame from a transport port that has SFs behind it: one of theirs, or from the underlay. */
static uint8_t
input(const struct sff_plane *plane, struct rte_mbuf *m, struct sff_meta *meta)
{
	uint16_t avail = sff_mbuf_contiguous(m, SFF_HEADERS_MAX);
	uint8_t *frame = rte_pktmbuf_mtod(m, uint8_t *);
	const struct sff_sf *sf;
	struct eth_info eth;
	uint16_t port, tags;

	if (unlikely(!eth_parse(frame, avail, &eth)))
		return SFF_STAGE_TRANSPORT_INPUT;
	port = sff_attach_find(plane, meta->port, ((const struct eth_hdr *)frame)->smac, &eth);
	if (port == SFC_NONE)
		return SFF_STAGE_TRANSPORT_INPUT;
	sf = &plane->port[port].sf;
	meta->port = port;
	tags = sff_sf_tags_size(sf);
	if (tags > 0) {
		memmove(frame + tags, frame, 2 * ETH_MAC_SIZE);
		rte_pktmbuf_adj(m, tags);
	}
	return sf->proxied ? SFF_STAGE_PROXY_INPUT : SFF_STAGE_SF_INPUT;
}

void
sff_attach_input(struct sff_lcore *lc, struct sff_burst *b)
{
	for (uint16_t i = 0; i < b->n; i++)
		b->next[i] = input(lc->plane, b->pkt[i], &b->meta[i]);
}
