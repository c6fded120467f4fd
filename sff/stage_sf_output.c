#include "sff_lcore.h"

#include "eth.h"

/* To a local SF: Ethernet (DA the SF's, SA ours) and NSH. */
void
sff_sf_output(struct sff_lcore *lc, struct sff_burst *b)
{
	for (uint16_t i = 0; i < b->n; i++) {
		const struct sff_port *port = &lc->plane->port[b->meta[i].port];
		void *eth;

		if (unlikely(b->pkt[i]->pkt_len + ETH_HDR_SIZE > port->pmd->mtu)) {
			b->next[i] = SFF_NEXT_DROP(SFC_DROP_MTU);
			continue;
		}
		eth = rte_pktmbuf_prepend(b->pkt[i], ETH_HDR_SIZE);
		if (unlikely(eth == NULL)) {
			b->next[i] = SFF_NEXT_DROP(SFC_DROP_NO_HEADROOM);
			continue;
		}
		eth_build(eth, port->sf_mac, sff_sf_side_mac, NSH_ETHERTYPE);
		b->next[i] = SFF_STAGE_PORT_TX;
	}
}
