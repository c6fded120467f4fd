#include "sff_lcore.h"
#include "sff_mbuf.h"

#include <rte_ip.h>

static const uint8_t gpe_drop[] = {
	[VXLAN_GPE_NOT_OURS] = SFC_DROP_NOT_NSH,
	[VXLAN_GPE_TRUNCATED] = SFC_DROP_OUTER_TRUNCATED,
	[VXLAN_GPE_IP_HEADER] = SFC_DROP_OUTER_HEADER,
	[VXLAN_GPE_IP_CHECKSUM] = SFC_DROP_OUTER_CHECKSUM,
	[VXLAN_GPE_FRAGMENT] = SFC_DROP_OUTER_FRAGMENT,
	[VXLAN_GPE_UDP_LENGTH] = SFC_DROP_OUTER_HEADER,
	[VXLAN_GPE_VERSION] = SFC_DROP_GPE_VERSION,
	[VXLAN_GPE_FLAGS] = SFC_DROP_GPE_FLAGS,
	[VXLAN_GPE_OAM] = SFC_DROP_GPE_OAM,
	[VXLAN_GPE_NEXT_PROTO] = SFC_DROP_GPE_PROTO,
};

static bool
is_peer(const struct sfc_table *table, uint32_t address)
{
	uint32_t low = 0, high = table->n_peers;

	while (low < high) {
		uint32_t mid = (low + high) >> 1;

		if (table->peer[mid] < address)
			low = mid + 1;
		else
			high = mid;
	}
	return low < table->n_peers && table->peer[low] == address;
}

/* RFC 768: a checksum that is there must be right. Rare: tunnels send 0 over IPv4 (RFC 7348, 5). */
static bool
udp_checksum_ok(struct rte_mbuf *m, const struct vxlan_gpe_info *info)
{
	uint32_t udp_size = NSH_UDP_SIZE + VXLAN_GPE_HDR_SIZE + (uint32_t)info->payload_size;
	uint32_t udp_at = info->size - NSH_UDP_SIZE - VXLAN_GPE_HDR_SIZE;
	uint16_t sum;
	struct {
		rte_be32_t src, dst;
		uint8_t zero, protocol;
		rte_be16_t size;
	} pseudo = {
		.src = rte_cpu_to_be_32(info->src),
		.dst = rte_cpu_to_be_32(info->dst),
		.protocol = NSH_IPPROTO_UDP,
		.size = rte_cpu_to_be_16((uint16_t)udp_size),
	};
	uint32_t total;

	if (rte_raw_cksum_mbuf(m, udp_at, udp_size, &sum) != 0)
		return false;
	total = (uint32_t)sum + rte_raw_cksum(&pseudo, sizeof(pseudo));
	total = (total & UINT16_MAX) + (total >> 16);
	return total == UINT16_MAX;
}

static uint8_t
input(const struct sff_plane *plane, struct rte_mbuf *m, struct sff_meta *meta)
{
	const struct sff_port *port = &plane->port[meta->port];
	uint16_t avail = sff_mbuf_contiguous(m, SFF_HEADERS_MAX);
	struct vxlan_gpe_info info;
	enum vxlan_gpe_verdict verdict;

	if (unlikely(avail < ETH_HDR_SIZE))
		return SFF_NEXT_DROP(SFC_DROP_ETH_TRUNCATED);
	verdict = vxlan_gpe_parse(rte_pktmbuf_mtod(m, void *), avail, m->pkt_len, &info);
	if (unlikely(verdict != VXLAN_GPE_OK))
		return SFF_NEXT_DROP(gpe_drop[verdict]);
	if (unlikely(info.dst != port->address))
		return SFF_NEXT_DROP(SFC_DROP_NOT_OURS);
	if (unlikely(!is_peer(plane->table, info.src)))
		return SFF_NEXT_DROP(SFC_DROP_OUTER_PEER);
	if (unlikely(info.udp_checksum != 0 && !udp_checksum_ok(m, &info)))
		return SFF_NEXT_DROP(SFC_DROP_OUTER_CHECKSUM);
	if (unlikely(info.vni != port->vni))
		return SFF_NEXT_DROP(SFC_DROP_OUTER_VNI);
	if (unlikely(info.next_proto != NSH_NP_NSH))
		return SFF_NEXT_DROP(SFC_DROP_GPE_PROTO);

	/* What Ethernet padded behind the UDP datagram is not payload. */
	sff_mbuf_cut(m, (uint32_t)info.size + info.payload_size);
	rte_pktmbuf_adj(m, info.size);
	meta->flags |= SFF_META_TRANSPORT;
	/* Entropy chosen upstream stays (RFC 7348, 5). */
	meta->src_port = info.src_port >= VXLAN_GPE_SRC_PORT_MIN ? info.src_port : 0;
	return SFF_STAGE_NSH_INPUT;
}

/* A frame from the underlay: it must be NSH in VXLAN-GPE between two nodes of this domain. */
void
sff_transport_input(struct sff_lcore *lc, struct sff_burst *b)
{
	for (uint16_t i = 0; i < b->n; i++)
		b->next[i] = input(lc->plane, b->pkt[i], &b->meta[i]);
}
