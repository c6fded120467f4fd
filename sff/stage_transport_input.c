#include "sff_lcore.h"
#include "sff_mbuf.h"

#include <rte_ip.h>

static const uint8_t outer_drop[OUTER_VERDICTS] = {
	[OUTER_TRUNCATED] = SFC_DROP_OUTER_TRUNCATED,
	[OUTER_IP_HEADER] = SFC_DROP_OUTER_HEADER,
	[OUTER_IP_CHECKSUM] = SFC_DROP_OUTER_CHECKSUM,
	[OUTER_FRAGMENT] = SFC_DROP_OUTER_FRAGMENT,
	[OUTER_UDP_LENGTH] = SFC_DROP_OUTER_HEADER,
	[OUTER_UDP_ZERO] = SFC_DROP_OUTER_ZERO,
	[OUTER_GPE_VERSION] = SFC_DROP_GPE_VERSION,
	[OUTER_GPE_FLAGS] = SFC_DROP_GPE_FLAGS,
	[OUTER_GPE_OAM] = SFC_DROP_GPE_OAM,
	[OUTER_GPE_PROTO] = SFC_DROP_GPE_PROTO,
	[OUTER_VXLAN_FLAGS] = SFC_DROP_VXLAN_FLAGS,
	[OUTER_GENEVE_VERSION] = SFC_DROP_GENEVE_VERSION,
	[OUTER_GENEVE_OAM] = SFC_DROP_GENEVE_OAM,
	[OUTER_GENEVE_OPTIONS] = SFC_DROP_GENEVE_OPTIONS,
	[OUTER_GENEVE_CRITICAL] = SFC_DROP_GENEVE_CRITICAL,
	[OUTER_GRE_VERSION] = SFC_DROP_GRE_HEADER,
	[OUTER_GRE_FLAGS] = SFC_DROP_GRE_HEADER,
	[OUTER_PROTO] = SFC_DROP_OUTER_PROTO,
};

/* Ethernet has no other address than the MAC, and the VLAN. */
static bool
is_ethernet_of(const struct sff_locator *l, const struct outer_info *info)
{
	bool ours = l->n_vlans == info->tags && memcmp(l->mac, info->dmac, sizeof(l->mac)) == 0;

	for (uint8_t t = 0; ours && t < info->tags; t++)
		ours = (info->tci[t] & ETH_VID_MASK) == l->vlan[t];
	return ours;
}

/* Which of our locators a frame is for; a port has few. */
static const struct sff_locator *
find_locator(const struct sff_port *port, const struct outer_info *info)
{
	for (uint16_t i = 0; i < port->n_locators; i++) {
		const struct sff_locator *l = &port->locator[i];

		if (l->transport == info->transport && l->family == info->family &&
			nsh_addr_equal(&l->address, &info->dst) &&
			(likely(info->family != NSH_NO_IP) || is_ethernet_of(l, info)))
			return l;
	}
	return NULL;
}

static bool
is_peer(const struct sfc_table *table, const struct outer_info *info)
{
	return info->family == NSH_NO_IP ? sfc_is_peer_mac(table, info->smac)
	                                 : sfc_is_peer(table, info->family, &info->src);
}

/* RFC 768, RFC 8200 8.1: a checksum that is there must be right. */
static bool
checksum_ok(struct rte_mbuf *m, const struct outer_info *info)
{
	uint16_t sum;

	return rte_raw_cksum_mbuf(m, info->check_at, info->check_size, &sum) == 0 &&
	       outer_check_sum(info, sum);
}

/* What is told by headers that are taken off. */
static inline uint8_t
note(struct sff_meta *meta, uint8_t tos, uint16_t src_port)
{
	meta->flags = SFF_META_TRANSPORT; /* the first stage: nothing else is known yet */
	meta->tos = tos;
	/* Entropy chosen upstream stays (RFC 7348, 5). */
	meta->src_port = src_port >= OUTER_SRC_PORT_MIN ? src_port : 0;
	return SFF_STAGE_NSH_INPUT;
}

/* Every shape of frame, and every reason to refuse one. */
static __rte_noinline uint8_t
input_any(const struct sff_plane *plane, struct rte_mbuf *m, struct sff_meta *meta, uint16_t avail)
{
	const struct sff_port *port = &plane->port[meta->port];
	const struct sff_locator *locator;
	enum outer_verdict verdict;
	struct outer_info info;

	if (unlikely(avail < ETH_HDR_SIZE))
		return SFF_NEXT_DROP(SFC_DROP_ETH_TRUNCATED);
	verdict = outer_parse(&port->accept, rte_pktmbuf_mtod(m, void *), avail, m->pkt_len, &info);
	if (unlikely(verdict == OUTER_NOT_OURS))
		return SFF_STAGE_UNDERLAY_INPUT;
	if (unlikely(verdict != OUTER_OK))
		return SFF_NEXT_DROP(outer_drop[verdict]);
	locator = find_locator(port, &info);
	if (unlikely(locator == NULL))
		return SFF_NEXT_DROP(SFC_DROP_NOT_OURS);
	if (unlikely(!is_peer(plane->table, &info)))
		return SFF_NEXT_DROP(SFC_DROP_OUTER_PEER);
	if (info.check_size != 0 && unlikely(!checksum_ok(m, &info)))
		return SFF_NEXT_DROP(SFC_DROP_OUTER_CHECKSUM);
	if (unlikely((info.vni != locator->vni && !locator->any_vni) || (locator->has_key && !info.has_vni)))
		return SFF_NEXT_DROP(SFC_DROP_OUTER_VNI);
	/* What Ethernet padded behind the IP packet is not payload. */
	sff_mbuf_cut(m, info.size + info.payload_size);
	sff_mbuf_strip(m, info.size);
	return note(meta, info.tos, info.src_port);
}

/* A frame from the underlay: it must be NSH in one of the port's transports between two nodes of this domain.
 * Most are VXLAN-GPE over IPv4 to our one such locator, from the peer of the frame before. */
void
sff_transport_input(struct sff_lcore *lc, struct sff_burst *b)
{
	const struct sff_plane *plane = lc->plane;
	/* All of a burst is of one port. */
	const struct sff_port *port = &plane->port[b->meta[0].port];
	const struct outer_gpe4_match gpe4 = port->gpe4;
	uint64_t peer = UINT64_MAX; /* no IPv4 address */

	for (size_t i = 0, n = b->n; i < n; i++) {
		struct rte_mbuf *m = b->pkt[i];
		uint16_t avail = sff_mbuf_contiguous(m, RTE_MAX(OUTER_SIZE_MAX, SFF_HEADERS_MAX));
		const struct outer_gpe4 *o = rte_pktmbuf_mtod(m, const struct outer_gpe4 *);

		if (unlikely(!outer_is_gpe4(&gpe4, o, avail, m->pkt_len) || !port->has_gpe4 ||
			     (o->ip.src != peer && !sfc_is_peer4(plane->table, o->ip.src)))) {
			b->next[i] = input_any(plane, m, &b->meta[i], avail);
			continue;
		}
		peer = o->ip.src;
		b->next[i] = note(&b->meta[i], o->ip.tos, rte_be_to_cpu_16(o->udp.src_port));
		sff_mbuf_strip(m, OUTER_GPE4_SIZE);
	}
}
