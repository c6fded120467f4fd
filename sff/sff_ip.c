#include "sff_ip.h"

#include "sff_lcore.h"
#include "sff_mbuf.h"

#include "eth.h"
#include "nd.h"

uint32_t
sff_ip_size(const void *data, size_t avail, uint32_t size, uint8_t np)
{
	uint32_t own;

	if (np == NSH_NP_IPV4) {
		const struct nsh_ipv4_hdr *ip = (const struct nsh_ipv4_hdr *)data;
		uint32_t header;

		if (avail < NSH_IPV4_SIZE || ip->version_ihl >> 4 != 4)
			return 0;
		header = (ip->version_ihl & 0xfu) * 4u;
		own = rte_be_to_cpu_16(ip->total_size);
		if (header < NSH_IPV4_SIZE || own < header)
			return 0;
	} else {
		const struct nsh_ipv6_hdr *ip = (const struct nsh_ipv6_hdr *)data;

		if (avail < NSH_IPV6_SIZE || rte_be_to_cpu_32(ip->version_tc_label) >> 28 != 6)
			return 0;
		own = NSH_IPV6_SIZE + (uint32_t)rte_be_to_cpu_16(ip->payload_size);
	}
	return own <= size ? own : 0;
}

uint8_t
sff_ip_strip(struct rte_mbuf *m, uint16_t link_size, uint16_t type)
{
	uint8_t np = type == ETH_IPV4 ? NSH_NP_IPV4 : type == ETH_IPV6 ? NSH_NP_IPV6 : NSH_NP_NONE;
	uint32_t size;

	if (np == NSH_NP_NONE || m->data_len < link_size)
		return NSH_NP_NONE;
	size = sff_ip_size(rte_pktmbuf_mtod_offset(m, const void *, link_size), m->data_len - link_size,
		m->pkt_len - link_size, np);
	if (size == 0)
		return NSH_NP_NONE;
	sff_mbuf_cut(m, link_size + size);
	rte_pktmbuf_adj(m, link_size);
	return np;
}

/* Packets to many need no neighbour: broadcast (RFC 1122, 3.3.6) and multicast (RFC 1112, 6.4; RFC 2464, 7).
 */
static bool
is_to_many(const struct sff_own *own, uint8_t family, const union nsh_addr *dst, uint8_t mac[ETH_MAC_SIZE])
{
	static const uint8_t broadcast[ETH_MAC_SIZE] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	static const uint8_t multicast[] = {0x01, 0x00, 0x5e};

	if (family == NSH_IPV6) {
		if (!nsh_ipv6_is_multicast(dst->bytes))
			return false;
		nd_multicast_mac(dst, mac);
		return true;
	}
	/* A link of two addresses has no broadcast address (RFC 3021). */
	if (dst->v4 == UINT32_MAX || (own != NULL && ~rte_be_to_cpu_32(own->mask.v4) > 1 &&
					     (dst->v4 | own->mask.v4) == UINT32_MAX)) {
		memcpy(mac, broadcast, ETH_MAC_SIZE);
		return true;
	}
	if (dst->bytes[0] >> 4 != 0xe)
		return false;
	memcpy(mac, multicast, sizeof(multicast));
	memcpy(mac + sizeof(multicast), dst->bytes + 1, 3);
	mac[3] &= 0x7f;
	return true;
}

uint8_t
sff_ip_output(struct sff_lcore *lc, struct rte_mbuf *m, uint16_t p, uint8_t np)
{
	const struct sff_port *port = &lc->plane->port[p];
	const void *packet = rte_pktmbuf_mtod(m, const void *);
	uint8_t family = np == NSH_NP_IPV4 ? NSH_IPV4 : NSH_IPV6;
	uint16_t gateway = family == NSH_IPV4 ? port->gateway4 : port->gateway6;
	union nsh_addr dst = {.half = {0, 0}};
	const struct sff_own *own;
	uint8_t *frame;

	if (family == NSH_IPV4)
		memcpy(&dst.v4, &((const struct nsh_ipv4_hdr *)packet)->dst, sizeof(dst.v4));
	else
		memcpy(dst.bytes, ((const struct nsh_ipv6_hdr *)packet)->dst, sizeof(dst.bytes));
	frame = (uint8_t *)rte_pktmbuf_prepend(m, ETH_HDR_SIZE);
	if (unlikely(frame == NULL))
		return SFF_NEXT_DROP(SFC_DROP_NO_HEADROOM);
	eth_build(frame, port->pmd->mac, port->pmd->mac, family == NSH_IPV4 ? ETH_IPV4 : ETH_IPV6);
	own = sff_port_own_towards(lc->plane, p, family, &dst);
	if (is_to_many(own, family, &dst, frame))
		return SFF_STAGE_PORT_TX;
	if (own != NULL && nsh_addr_equal(&own->address, &dst))
		return SFF_NEXT_DROP(SFC_DROP_UNDERLAY);
	/* A gateway has an entry of its own. */
	if (gateway != SFC_NONE &&
		(own == NULL || nsh_addr_equal(&lc->plane->neighbours->entry[gateway].address, &dst)))
		return sff_underlay_resolve(lc, m, gateway);
	if (own == NULL)
		return SFF_NEXT_DROP(SFC_DROP_NO_NEIGHBOUR);
	return sff_underlay_resolve_host(lc, m, p, family, &dst, &own->address);
}
