#include "sff_lcore.h"
#include "sff_mbuf.h"
#include "sff_proxy.h"

#include "arp.h"
#include "nd.h"

/* The answer to one question; nothing is learnt and nothing sent unasked, so an SF gets at most what it gave.
 * Returns the bytes of the answer, 0 = none. */
static size_t
answer(const uint8_t *packet, uint16_t avail, uint16_t type, const uint8_t mac[ETH_MAC_SIZE],
	uint8_t out[ND_SIZE_MAX])
{
	struct arp_info arp;
	struct nd_info nd;

	if (type == ETH_ARP) {
		/* Neither a probe nor an announcement may be contested: RFC 5227, 2.1.1 and 2.3. */
		if (!arp_parse(packet, avail, &arp) || arp.op != ARP_REQUEST || arp.sender == 0 ||
			arp.target == arp.sender)
			return 0;
		arp_build_reply(out, &arp, mac);
		return ARP_SIZE;
	}
	/* Duplicate address detection comes from :: (RFC 4862, 5.4.2). */
	if (nd_parse(packet, avail, avail, &nd) != ND_OK || nd.type != ND_SOLICITATION ||
		(nd.src.half[0] | nd.src.half[1]) == 0)
		return 0;
	return nd_build_answer(out, &nd, mac);
}

/*
 * An SF without NSH believes it is on a link: whatever address it asks for, the SFF is there (RFC 1027). Its
 * questions never enter a path.
 */
static uint8_t
neighbor(struct sff_lcore *lc, struct rte_mbuf *m, struct sff_meta *meta)
{
	const struct sff_port *port = &lc->plane->port[meta->port];
	const uint8_t *mac = port->sf.link + ETH_MAC_SIZE;
	uint8_t *frame = rte_pktmbuf_mtod(m, uint8_t *), out[ND_SIZE_MAX], *at;
	uint16_t avail = m->data_len, tags = sff_sf_tags_size(&port->sf);
	struct eth_info eth = {0};
	struct sff_proxy *proxy = lc->proxy[port->function];
	size_t size;

	eth_parse(frame, avail, &eth);
	size = answer(frame + eth.size, (uint16_t)(avail - eth.size), eth.type, mac, out);
	if (size == 0)
		return SFF_NEXT_DROP(SFC_DROP_PROXY_LOCAL);
	/* Into the same buffer, behind the header and the tags it came with. */
	sff_mbuf_cut(m, eth.size);
	at = (uint8_t *)rte_pktmbuf_append(m, (uint16_t)size);
	if (unlikely(at == NULL))
		return SFF_NEXT_DROP(SFC_DROP_NO_HEADROOM);
	memcpy(at, out, size);
	memcpy(frame, frame + ETH_MAC_SIZE, ETH_MAC_SIZE);
	memcpy(frame + ETH_MAC_SIZE, mac, ETH_MAC_SIZE);
	if (tags > 0) {
		frame = (uint8_t *)rte_pktmbuf_prepend(m, tags);
		memmove(frame, frame + tags, 2 * ETH_MAC_SIZE);
		memcpy(frame + 2 * ETH_MAC_SIZE, port->sf.link + 2 * ETH_MAC_SIZE, tags);
	}
	if (proxy != NULL)
		sff_proxy_count(proxy)->answered++;
	meta->port = port->sf.out;
	return SFF_STAGE_PORT_TX;
}

void
sff_proxy_neighbor(struct sff_lcore *lc, struct sff_burst *b)
{
	for (uint16_t i = 0; i < b->n; i++)
		b->next[i] = neighbor(lc, b->pkt[i], &b->meta[i]);
}
