#include "sff_flow.h"
#include "sff_lcore.h"

static uint8_t
terminal(struct sff_lcore *lc, struct rte_mbuf *m, struct sff_meta *meta)
{
	const struct sff_plane *plane = lc->plane;
	const struct sfc_table_path *path = &plane->table->path[meta->path];

	/* An egress port is Ethernet; without a payload (RFC 8393) there is nothing to deliver. */
	if (unlikely(meta->np != NSH_NP_ETHERNET))
		return SFF_NEXT_DROP(SFC_DROP_NSH_PROTO);
	if (unlikely(m->pkt_len < (uint32_t)meta->nsh_size + ETH_HDR_SIZE))
		return SFF_NEXT_DROP(SFC_DROP_ETH_TRUNCATED);
	if (unlikely(m->pkt_len - meta->nsh_size > plane->port[meta->port].pmd->mtu))
		return SFF_NEXT_DROP(SFC_DROP_MTU);
	if (path->reverse != SFC_NONE && path->reverse_port >= 0) {
		struct cls_key key;

		sff_flow_key(m, meta, &key);
		cls_learn_reverse(plane->cls, lc->flows, &key, cls_hash(&key, plane->hash_seed),
			(uint16_t)path->reverse_port, path->reverse);
	}
	rte_pktmbuf_adj(m, meta->nsh_size);
	lc->path[meta->path].out++;
	return SFF_STAGE_PORT_TX;
}

/* RFC 8300, 3: the last SFF removes NSH and forwards what is inside. */
void
sff_terminal(struct sff_lcore *lc, struct sff_burst *b)
{
	for (uint16_t i = 0; i < b->n; i++)
		b->next[i] = terminal(lc, b->pkt[i], &b->meta[i]);
}
