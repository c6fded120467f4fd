#include "sff_ip.h"
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

/* What the payload begins with: bytes in front of its packet and its type; false = no IP. */
static bool
find_packet(const uint8_t *payload, size_t avail, uint8_t np, struct eth_info *eth)
{
	if (np == NSH_NP_ETHERNET)
		return eth_parse(payload, avail, eth) && (eth->type == ETH_IPV4 || eth->type == ETH_IPV6);
	*eth = (struct eth_info){.type = np == NSH_NP_IPV4 ? ETH_IPV4 : ETH_IPV6};
	return np == NSH_NP_IPV4 || np == NSH_NP_IPV6;
}

/* A message about a packet without a frame has to find its way to the sender, as any packet has. */
static void
send_packet(struct sff_lcore *lc, struct rte_mbuf *message, uint16_t port, uint8_t np)
{
	uint8_t edge = sff_ip_output(lc, message, port, np);

	if (edge == SFF_STAGE_PORT_TX)
		sff_underlay_send(lc, port, message);
	else if (edge == SFF_NEXT_KEPT)
		lc->underlay.originated++;
	else
		rte_pktmbuf_free(message);
}

void
sff_too_big(struct sff_lcore *lc, struct rte_mbuf *m, const struct sff_meta *meta, uint32_t room)
{
	struct sff_underlay *u = &lc->underlay;
	uint16_t port = ingress(lc->plane, meta), avail = sff_mbuf_contiguous(m, SFF_HEADERS_MAX);
	const uint8_t *payload = rte_pktmbuf_mtod_offset(m, const uint8_t *, meta->nsh_size);
	const union nsh_addr *own = NULL;
	bool framed = meta->np == NSH_NP_ETHERNET;
	struct rte_mbuf *message;
	struct eth_info eth;
	uint32_t mtu;
	size_t size;
	void *at;

	avail -= meta->nsh_size;
	if (port == SFC_NONE || !find_packet(payload, avail, meta->np, &eth))
		return;
	mtu = room > (uint32_t)meta->nsh_size + eth.size ? room - meta->nsh_size - eth.size : 0;
	mtu = RTE_MAX(mtu, eth.type == ETH_IPV4 ? (uint32_t)ICMP_MTU_MIN : (uint32_t)NSH_IPV6_MTU_MIN);
	mtu = RTE_MIN(mtu, (uint32_t)UINT16_MAX);
	own = sff_port_own(lc->plane, port, eth.type == ETH_IPV4 ? NSH_IPV4 : NSH_IPV6);
	message = sff_underlay_answer_to(lc, m);
	if (message == NULL)
		return;
	at = rte_pktmbuf_mtod(message, void *);
	size = framed ? icmp_too_big(at, payload, avail, (uint16_t)mtu, own)
	              : icmp_too_big_ip(at, payload, avail, eth.type, (uint16_t)mtu, own);
	if (size == 0 || size + (framed ? 0 : ETH_HDR_SIZE) > lc->plane->port[port].pmd->mtu ||
		!sff_rate_take(&u->too_big, u->now, u->hz, SFF_ICMP_PER_SECOND)) {
		rte_pktmbuf_free(message);
		return;
	}
	message->data_len = (uint16_t)size;
	message->pkt_len = (uint32_t)size;
	if (framed)
		sff_underlay_send(lc, port, message);
	else
		send_packet(lc, message, port, meta->np);
}
