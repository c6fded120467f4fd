#include "sff_flow.h"
#include "sff_ip.h"
#include "sff_lcore.h"
#include "sff_mbuf.h"
#include "sff_nsh.h"

/* What is no plain IP: is there a frame, and is it one that may leave? NSH may carry NSH again, for an SF can
 * write what it likes. */
static __rte_noinline uint8_t
look(const struct sff_port *port, struct rte_mbuf *m, uint16_t nsh_size)
{
	uint16_t avail;

	if (m->pkt_len < (uint32_t)nsh_size + ETH_HDR_SIZE)
		return SFF_NEXT_DROP(SFC_DROP_ETH_TRUNCATED);
	avail = sff_mbuf_contiguous(m, nsh_size + ETH_HDR_SIZE + ETH_TAGS_MAX * ETH_TAG_SIZE);
	if (port->kind == SFF_PORT_ACCESS &&
		sff_frame_is_nsh(rte_pktmbuf_mtod_offset(m, void *, nsh_size), (size_t)avail - nsh_size))
		return SFF_NEXT_DROP(SFC_DROP_NSH_LEAK);
	return SFF_STAGE_PORT_TX;
}

static inline bool
is_plain_ip(const struct rte_mbuf *m, uint16_t nsh_size)
{
	const struct eth_hdr *eth = rte_pktmbuf_mtod_offset(m, const struct eth_hdr *, nsh_size);

	return m->data_len >= nsh_size + ETH_HDR_SIZE &&
	       (eth->type == RTE_BE16(ETH_IPV4) || eth->type == RTE_BE16(ETH_IPV6));
}

static __rte_noinline void
remember(struct sff_lcore *lc, struct rte_mbuf *m, const struct sff_meta *meta,
	const struct sfc_table_path *path)
{
	const struct sff_plane *plane = lc->plane;
	struct cls_key key;

	sff_flow_key(m, meta, &key);
	cls_learn_reverse(plane->cls, lc->flows, &key, cls_hash(&key, plane->hash_seed),
		(uint16_t)path->reverse_port, path->reverse);
}

/* The other direction of its flow comes in by this port. */
static inline void
learn_reverse(struct sff_lcore *lc, struct rte_mbuf *m, const struct sff_meta *meta)
{
	const struct sfc_table_path *path = &lc->plane->table->path[meta->path];

	if (path->reverse != SFC_NONE && path->reverse_port >= 0)
		remember(lc, m, meta, path);
}

/* IP without a frame of its own gets one of ours; with another payload, or none (RFC 8393), there is nothing
 * to deliver. */
static __rte_noinline uint8_t
end_ip(struct sff_lcore *lc, struct rte_mbuf *m, struct sff_meta *meta)
{
	const struct sff_port *port = &lc->plane->port[meta->port];
	uint16_t avail = sff_mbuf_contiguous(m, meta->nsh_size + NSH_IPV6_SIZE);
	uint32_t size;

	if (meta->np != NSH_NP_IPV4 && meta->np != NSH_NP_IPV6)
		return SFF_NEXT_DROP(SFC_DROP_NSH_PROTO);
	if (unlikely(m->pkt_len <= meta->nsh_size || avail < meta->nsh_size))
		return SFF_NEXT_DROP(SFC_DROP_IP_PAYLOAD);
	size = sff_ip_size(rte_pktmbuf_mtod_offset(m, void *, meta->nsh_size), (size_t)avail - meta->nsh_size,
		m->pkt_len - meta->nsh_size, meta->np);
	if (unlikely(size == 0))
		return SFF_NEXT_DROP(SFC_DROP_IP_PAYLOAD);
	if (unlikely(size + ETH_HDR_SIZE > port->pmd->mtu))
		return SFF_NEXT_DROP(SFC_DROP_MTU);
	learn_reverse(lc, m, meta);
	sff_mbuf_cut(m, meta->nsh_size + size);
	rte_pktmbuf_adj(m, meta->nsh_size);
	lc->path[meta->path].out++;
	return sff_ip_output(lc, m, meta->port, meta->np);
}

static __rte_always_inline uint8_t
end_ethernet(struct sff_lcore *lc, struct rte_mbuf *m, struct sff_meta *meta)
{
	const struct sff_port *port = &lc->plane->port[meta->port];

	if (unlikely(!is_plain_ip(m, meta->nsh_size))) {
		uint8_t edge = look(port, m, meta->nsh_size);

		if (edge != SFF_STAGE_PORT_TX)
			return edge;
	}
	if (unlikely(m->pkt_len - meta->nsh_size > port->pmd->mtu))
		return SFF_NEXT_DROP(SFC_DROP_MTU);
	learn_reverse(lc, m, meta);
	rte_pktmbuf_adj(m, meta->nsh_size);
	lc->path[meta->path].out++;
	return SFF_STAGE_PORT_TX;
}

/* RFC 8300, 3: the last SFF removes NSH and forwards what is inside, by its Next Protocol. */
void
sff_terminal(struct sff_lcore *lc, struct sff_burst *b)
{
	for (uint16_t i = 0; i < b->n; i++)
		b->next[i] = likely(b->meta[i].np == NSH_NP_ETHERNET)
		                     ? end_ethernet(lc, b->pkt[i], &b->meta[i])
		                     : end_ip(lc, b->pkt[i], &b->meta[i]);
}
