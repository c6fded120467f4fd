#include "sff_lcore.h"

/* Impose NSH (RFC 8300, 3): the verdict's header in front of the whole Ethernet frame. */
void
sff_nsh_push(struct sff_lcore *lc, struct sff_burst *b)
{
	const struct sff_plane *plane = lc->plane;

	for (uint16_t i = 0; i < b->n; i++) {
		const struct nsh_template *t = &plane->impose[b->meta[i].verdict];
		void *payload = rte_pktmbuf_mtod(b->pkt[i], void *);

		if (unlikely(rte_pktmbuf_prepend(b->pkt[i], t->size) == NULL)) {
			b->next[i] = SFF_NEXT_DROP(SFC_DROP_NO_HEADROOM);
			continue;
		}
		b->meta[i].sp = nsh_sp(nsh_push(payload, t));
		b->meta[i].nsh_size = (uint8_t)t->size;
		b->meta[i].np = NSH_NP_ETHERNET;
		b->next[i] = SFF_STAGE_NSH_TTL;
	}
}
