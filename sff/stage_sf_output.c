#include "sff_lcore.h"
#include "sff_mirror.h"

#include "eth.h"

/* To a local SF: Ethernet (DA the SF's, SA ours, tags of an attached one) and NSH. */
void
sff_sf_output(struct sff_lcore *lc, struct sff_burst *b)
{
	for (uint16_t i = 0; i < b->n; i++) {
		const struct sff_port *port = &lc->plane->port[b->meta[i].port];
		void *eth;

		const struct sff_sf *sf = &port->sf;

		if (unlikely(b->pkt[i]->pkt_len + sf->link_size > lc->plane->port[sf->out].pmd->mtu)) {
			b->next[i] = SFF_NEXT_DROP(SFC_DROP_MTU);
			continue;
		}
		eth = rte_pktmbuf_prepend(b->pkt[i], sf->link_size);
		if (unlikely(eth == NULL)) {
			b->next[i] = SFF_NEXT_DROP(SFC_DROP_NO_HEADROOM);
			continue;
		}
		/* A constant size is two moves instead of a call. */
		if (likely(sf->link_size == ETH_HDR_SIZE))
			memcpy(eth, sf->link, ETH_HDR_SIZE);
		else
			memcpy(eth, sf->link, sf->link_size);
		b->meta[i].port = sf->out;
		b->next[i] = SFF_STAGE_PORT_TX;
	}
	if (unlikely(lc->mirror != NULL))
		sff_mirror_to_sf(b);
}
