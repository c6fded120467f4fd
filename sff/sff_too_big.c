#include "sff_lcore.h"
#include "sff_mbuf.h"
#include "sff_underlay.h"

#include "icmp.h"

/* Where a frame entered this node: its port, or, when it came back from an SF, the one port that leads into
 * its path here. Another node's sender is not behind a port of ours. */
static uint16_t
ingress(const struct sff_plane *plane, const struct sff_meta *meta)
{
	if (meta->flags & SFF_META_TRANSPORT)
		return SFC_NONE;
	if (plane->port[meta->port].kind == SFF_PORT_ACCESS)
		return meta->port;
	return plane->ingress[meta->path];
}

void
sff_too_big(struct sff_lcore *lc, struct rte_mbuf *m, const struct sff_meta *meta, uint32_t room)
{
	struct sff_underlay *u = &lc->underlay;
	uint16_t port = ingress(lc->plane, meta), avail = sff_mbuf_contiguous(m, SFF_HEADERS_MAX);
	const uint8_t *frame = rte_pktmbuf_mtod_offset(m, const uint8_t *, meta->nsh_size);
	const union nsh_addr *own = NULL;
	struct rte_mbuf *message;
	struct eth_info eth;
	uint32_t mtu;
	size_t size;

	if (port == SFC_NONE || meta->np != NSH_NP_ETHERNET ||
		!eth_parse(frame, (size_t)avail - meta->nsh_size, &eth) ||
		(eth.type != ETH_IPV4 && eth.type != ETH_IPV6))
		return;
	mtu = room > (uint32_t)meta->nsh_size + eth.size ? room - meta->nsh_size - eth.size : 0;
	mtu = RTE_MAX(mtu, eth.type == ETH_IPV4 ? (uint32_t)ICMP_MTU_MIN : (uint32_t)NSH_IPV6_MTU_MIN);
	own = sff_port_own(lc->plane, port, eth.type == ETH_IPV4 ? NSH_IPV4 : NSH_IPV6);
	message = sff_underlay_answer_to(lc, m);
	if (message == NULL)
		return;
	size = icmp_too_big(rte_pktmbuf_mtod(message, void *), frame, (size_t)avail - meta->nsh_size,
		(uint16_t)RTE_MIN(mtu, (uint32_t)UINT16_MAX), own);
	if (size == 0 || size > lc->plane->port[port].pmd->mtu ||
		!sff_rate_take(&u->too_big, u->now, u->hz, SFF_ICMP_PER_SECOND)) {
		rte_pktmbuf_free(message);
		return;
	}
	message->data_len = (uint16_t)size;
	message->pkt_len = (uint32_t)size;
	sff_underlay_send(lc, port, message);
}
