#include "sff_flow.h"
#include "sff_lcore.h"

/* To the next SFF: one template store, then lengths and the entropy port. */
void
sff_remote_output(struct sff_lcore *lc, struct sff_burst *b)
{
	const struct sff_plane *plane = lc->plane;

	for (uint16_t i = 0; i < b->n; i++) {
		struct rte_mbuf *m = b->pkt[i];
		struct sff_meta *meta = &b->meta[i];
		const struct sfc_remote *remote = &plane->table->remote[meta->remote];
		uint32_t payload_size = m->pkt_len;
		void *outer;

		if (unlikely(payload_size > VXLAN_GPE_PAYLOAD_MAX ||
			     payload_size + VXLAN_GPE_OUTER_SIZE > plane->port[remote->port].pmd->mtu)) {
			b->next[i] = SFF_NEXT_DROP(SFC_DROP_MTU);
			continue;
		}
		if (meta->src_port == 0)
			meta->src_port = vxlan_gpe_src_port(sff_flow_hash(lc, m, meta));
		outer = rte_pktmbuf_prepend(m, VXLAN_GPE_OUTER_SIZE);
		if (unlikely(outer == NULL)) {
			b->next[i] = SFF_NEXT_DROP(SFC_DROP_NO_HEADROOM);
			continue;
		}
		/* DF is set, so the identification may be any value (RFC 6864, 4.1). */
		vxlan_gpe_push(
			outer, &plane->remote[meta->remote], (uint16_t)payload_size, meta->src_port, 0, 0);
		lc->path[meta->path].out++;
		meta->port = remote->port;
		b->next[i] = SFF_STAGE_PORT_TX;
	}
}
