#include "sff_lcore.h"
#include "sff_mbuf.h"

#include "arp.h"
#include "icmp.h"
#include "nd.h"

#define FOR_US      SFF_NEXT_DROP(SFC_DROP_UNDERLAY)
#define IN_CONFLICT SFF_NEXT_DROP(SFC_DROP_ADDR_CONFLICT)

/* What is no business of ours: a transport port has no use for it, an access port passes it on. */
static uint8_t
unknown(const struct sff_lcore *lc, uint16_t port)
{
	return lc->plane->port[port].kind == SFF_PORT_ACCESS ? SFF_STAGE_CLASSIFY
	                                                     : SFF_NEXT_DROP(SFC_DROP_NOT_NSH);
}

/* What was heard and is for others, too. */
static uint8_t
for_all(const struct sff_lcore *lc, uint16_t port)
{
	return lc->plane->port[port].kind == SFF_PORT_ACCESS ? SFF_STAGE_CLASSIFY : FOR_US;
}

/* Somebody else on the link says that an address of ours is his: we keep it, and what he says is not learnt.
 */
static bool
is_conflict(const struct sff_lcore *lc, uint16_t port, uint8_t family, const union nsh_addr *address,
	const uint8_t mac[ETH_MAC_SIZE])
{
	return sff_port_owns(lc->plane, port, family, address) &&
	       memcmp(mac, lc->plane->port[port].pmd->mac, ETH_MAC_SIZE) != 0;
}

/* Only for next hops of ours: others have no entry. Frames that waited go before those that come. */
static void
learn(struct sff_lcore *lc, uint16_t port, uint8_t family, const union nsh_addr *address,
	const uint8_t mac[ETH_MAC_SIZE], enum sff_heard heard)
{
	struct sff_underlay *u = &lc->underlay;
	struct sff_neighbour *n = sff_neighbours_hold(lc->plane->neighbours, port, family, address);

	if (n == NULL)
		return;
	sff_neighbour_learn(n, mac, heard, u->now, u->hz);
	sff_neighbour_release(n);
	if (u->n_held > 0)
		sff_underlay_settle(lc);
}

/* A frame of ours to who asked, or to all. */
static void
reply(struct sff_lcore *lc, const struct rte_mbuf *cause, uint16_t port, const uint8_t to[ETH_MAC_SIZE],
	uint16_t type, const void *packet, size_t size)
{
	struct rte_mbuf *m = sff_underlay_answer_to(lc, cause);
	uint8_t *frame;

	if (unlikely(m == NULL))
		return;
	frame = rte_pktmbuf_mtod(m, uint8_t *);
	eth_build(frame, to, lc->plane->port[port].pmd->mac, type);
	memcpy(frame + ETH_HDR_SIZE, packet, size);
	m->data_len = (uint16_t)(ETH_HDR_SIZE + size);
	m->pkt_len = m->data_len;
	sff_underlay_send(lc, port, m);
}

/* RFC 826: learn from the sender, answer for our addresses. */
static uint8_t
arp_input(struct sff_lcore *lc, const struct rte_mbuf *m, uint16_t port, const uint8_t *packet, size_t avail)
{
	uint8_t out[ARP_SIZE];
	union nsh_addr sender, target;
	struct arp_info arp;

	if (!arp_parse(packet, avail, &arp))
		return unknown(lc, port);
	sender = nsh_addr_of4(arp.sender);
	target = nsh_addr_of4(arp.target);
	if (is_conflict(lc, port, NSH_IPV4, &sender, arp.sender_mac))
		return IN_CONFLICT;
	learn(lc, port, NSH_IPV4, &sender, arp.sender_mac, SFF_HEARD_ANSWER);
	if (!sff_port_owns(lc->plane, port, NSH_IPV4, &target))
		return for_all(lc, port);
	if (arp.op == ARP_REQUEST) {
		arp_build_reply(out, &arp, lc->plane->port[port].pmd->mac);
		reply(lc, m, port, arp.sender_mac, ETH_ARP, out, sizeof(out));
	}
	return FOR_US;
}

/* RFC 4861, 7.2.3 and 7.2.4. */
static uint8_t
solicited(struct sff_lcore *lc, const struct rte_mbuf *m, uint16_t port, const struct nd_info *nd)
{
	const struct eth_hdr *eth = rte_pktmbuf_mtod(m, const struct eth_hdr *);
	bool probe = nsh_ipv6_is_unspecified(nd->src.bytes);
	uint8_t out[ND_SIZE_MAX], to[ETH_MAC_SIZE];
	size_t size;

	if (!sff_port_owns(lc->plane, port, NSH_IPV6, &nd->target))
		return for_all(lc, port);
	if (!probe && nd->has_mac)
		learn(lc, port, NSH_IPV6, &nd->src, nd->mac, SFF_HEARD_CLAIM);
	size = nd_build_answer(out, nd, lc->plane->port[port].pmd->mac);
	memcpy(to, eth->smac, sizeof(to));
	if (probe) {
		union nsh_addr all;

		memcpy(all.bytes, ((const struct nsh_ipv6_hdr *)out)->dst, sizeof(all.bytes));
		nd_multicast_mac(&all, to);
	}
	reply(lc, m, port, to, ETH_IPV6, out, size);
	return FOR_US;
}

/* RFC 4861, 7.2.5. */
static uint8_t
advertised(struct sff_lcore *lc, uint16_t port, const struct nd_info *nd)
{
	uint8_t edge = sff_port_owns(lc->plane, port, NSH_IPV6, &nd->dst) ? FOR_US : for_all(lc, port);
	struct sff_underlay *u = &lc->underlay;
	struct sff_neighbour *n;
	uint64_t word;

	if (!nd->has_mac)
		return edge;
	if (is_conflict(lc, port, NSH_IPV6, &nd->target, nd->mac))
		return IN_CONFLICT;
	n = sff_neighbours_hold(lc->plane->neighbours, port, NSH_IPV6, &nd->target);
	if (n == NULL)
		return edge;
	word = atomic_load_explicit(&n->mac, memory_order_relaxed);
	if (word != 0 && !(nd->flags & ND_OVERRIDE) && word != (sfc_mac_key(nd->mac) | SFF_NEIGHBOUR_KNOWN))
		sff_neighbour_doubt(n, u->now, u->hz);
	else
		sff_neighbour_learn(n, nd->mac,
			nd->flags & (ND_SOLICITED | ND_OVERRIDE) ? SFF_HEARD_ANSWER : SFF_HEARD_CLAIM, u->now,
			u->hz);
	sff_neighbour_release(n);
	if (u->n_held > 0)
		sff_underlay_settle(lc);
	return edge;
}

/* An echo request to us is answered; what else ICMP says to us is taken note of and ignored. */
static uint8_t
ip_input(struct sff_lcore *lc, struct rte_mbuf *m, uint16_t port, uint8_t family, uint8_t protocol,
	const void *dst)
{
	struct sff_underlay *u = &lc->underlay;
	union nsh_addr own = {.half = {0, 0}};
	struct rte_mbuf *answer;

	if (protocol != (family == NSH_IPV4 ? NSH_IPPROTO_ICMP : NSH_IPPROTO_ICMP6))
		return unknown(lc, port);
	memcpy(own.bytes, dst, family == NSH_IPV4 ? 4 : 16);
	if (!sff_port_owns(lc->plane, port, family, &own))
		return unknown(lc, port);
	if (m->nb_segs > 1 || !sff_rate_take(&u->echo, u->now, u->hz, SFF_ICMP_PER_SECOND))
		return FOR_US;
	answer = rte_pktmbuf_copy(m, lc->pool, 0, UINT32_MAX);
	if (unlikely(answer == NULL))
		return FOR_US;
	if (answer->nb_segs == 1 && icmp_echo_reply(rte_pktmbuf_mtod(answer, void *), answer->data_len, &own))
		sff_underlay_send(lc, port, answer);
	else
		rte_pktmbuf_free(answer);
	return FOR_US;
}

static uint8_t
ipv6_input(struct sff_lcore *lc, struct rte_mbuf *m, uint16_t port, const uint8_t *packet, size_t avail)
{
	const struct nsh_ipv6_hdr *ip = (const struct nsh_ipv6_hdr *)packet;
	struct nd_info nd;

	switch (nd_parse(packet, avail, m->pkt_len - ETH_HDR_SIZE, &nd)) {
	case ND_OK:
		if (nd.type == ND_ADVERTISEMENT)
			return advertised(lc, port, &nd);
		return solicited(lc, m, port, &nd);
	case ND_INVALID:
		if (lc->plane->port[port].kind == SFF_PORT_ACCESS)
			return SFF_STAGE_CLASSIFY; /* what others say to each other is theirs to judge */
		return SFF_NEXT_DROP(SFC_DROP_OUTER_HEADER);
	default:
		break;
	}
	if (avail < NSH_IPV6_SIZE)
		return unknown(lc, port);
	return ip_input(lc, m, port, NSH_IPV6, ip->next_header, ip->dst);
}

static uint8_t
input(struct sff_lcore *lc, struct rte_mbuf *m, struct sff_meta *meta)
{
	uint16_t avail = sff_mbuf_contiguous(m, SFF_HEADERS_MAX);
	const uint8_t *packet = rte_pktmbuf_mtod(m, const uint8_t *) + ETH_HDR_SIZE;
	const struct nsh_ipv4_hdr *ip = (const struct nsh_ipv4_hdr *)packet;
	struct eth_info eth;

	/* Our addresses are on the untagged link. */
	if (!eth_parse(packet - ETH_HDR_SIZE, avail, &eth) || eth.tags > 0)
		return unknown(lc, meta->port);
	avail = (uint16_t)(avail - ETH_HDR_SIZE);
	switch (eth.type) {
	case ETH_ARP:
		return arp_input(lc, m, meta->port, packet, avail);
	case ETH_IPV4:
		if (avail < NSH_IPV4_SIZE)
			return unknown(lc, meta->port);
		return ip_input(lc, m, meta->port, NSH_IPV4, ip->protocol, &ip->dst);
	case ETH_IPV6:
		return ipv6_input(lc, m, meta->port, packet, avail);
	default:
		return unknown(lc, meta->port);
	}
}

/* What a port with addresses hears as a host on its link: ARP, neighbour discovery, ICMP. From a transport
 * port nothing of it goes any further; from an access port what is for others does. */
void
sff_underlay_input(struct sff_lcore *lc, struct sff_burst *b)
{
	for (uint16_t i = 0; i < b->n; i++)
		b->next[i] = input(lc, b->pkt[i], &b->meta[i]);
}
