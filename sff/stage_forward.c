#include "sff_lcore.h"

/* A frame that no rule steers: to the port's peer, byte for byte. */
void
sff_forward(struct sff_lcore *lc, struct sff_burst *b)
{
	const struct sff_plane *plane = lc->plane;

	for (uint16_t i = 0; i < b->n; i++) {
		uint16_t peer = plane->port[b->meta[i].port].peer;

		if (unlikely(peer == SFC_NONE)) {
			b->next[i] = SFF_NEXT_DROP(SFC_DROP_NO_PEER);
			continue;
		}
		if (unlikely(b->pkt[i]->pkt_len > plane->port[peer].pmd->mtu)) {
			b->next[i] = SFF_NEXT_DROP(SFC_DROP_MTU);
			continue;
		}
		b->meta[i].port = peer;
		b->next[i] = SFF_STAGE_PORT_TX;
	}
}
