#include "sff_lcore.h"
#include "sff_mbuf.h"
#include "sff_nsh.h"

#include "offload.h"

/* From an interface of the kernel: frames that no wire has carried, and that none can. */
static __rte_noinline void
refuse_offloaded(const struct pmd_port *pmd, struct sff_burst *b)
{
	for (uint16_t i = 0; i < b->n; i++) {
		const struct rte_mbuf *m = b->pkt[i];

		if (b->next[i] == SFF_STAGE_CLASSIFY &&
			(m->pkt_len > pmd->mtu ||
				nsh_is_offloaded(rte_pktmbuf_mtod(m, void *), m->data_len, m->pkt_len)))
			b->next[i] = SFF_NEXT_DROP(SFC_DROP_OFFLOAD);
	}
}

/* A frame from outside the SFC domain. NSH has no business here (RFC 8300, 8; RFC 7665, 4.4). */
void
sff_access_input(struct sff_lcore *lc, struct sff_burst *b)
{
	const struct pmd_port *pmd = lc->plane->port[b->meta[0].port].pmd; /* all of a burst come from one */

	for (uint16_t i = 0; i < b->n; i++) {
		struct rte_mbuf *m = b->pkt[i];
		uint16_t avail = sff_mbuf_contiguous(m, SFF_HEADERS_MAX);

		if (unlikely(avail < ETH_HDR_SIZE)) {
			b->next[i] = SFF_NEXT_DROP(SFC_DROP_ETH_TRUNCATED);
			continue;
		}
		/* A frame cut inside its VLAN tag is still a frame: it is forwarded as it came. */
		if (unlikely(sff_frame_is_nsh(rte_pktmbuf_mtod(m, void *), avail))) {
			b->next[i] = SFF_NEXT_DROP(SFC_DROP_NSH_PORT);
			continue;
		}
		b->next[i] = SFF_STAGE_CLASSIFY;
	}
	if (unlikely(pmd->on_kernel))
		refuse_offloaded(pmd, b);
}
