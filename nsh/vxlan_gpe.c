#include "vxlan_gpe.h"

static enum vxlan_gpe_verdict
parse_gpe(const struct vxlan_gpe_hdr *gpe, struct vxlan_gpe_info *info)
{
	uint32_t word = rte_be_to_cpu_32(gpe->flags_np);
	uint8_t np = (uint8_t)(word & VXLAN_GPE_NP_MASK);

	if (word & VXLAN_GPE_VERSION_MASK)
		return VXLAN_GPE_VERSION;
	if (!(word & VXLAN_GPE_I))
		return VXLAN_GPE_FLAGS;
	if (word & VXLAN_GPE_O)
		return VXLAN_GPE_OAM;
	/* Without P the field is reserved and the payload that of plain VXLAN. */
	if (!(word & VXLAN_GPE_P))
		np = NSH_NP_ETHERNET;
	if (np < NSH_NP_IPV4 || np > NSH_NP_MPLS)
		return VXLAN_GPE_NEXT_PROTO;
	info->vni = rte_be_to_cpu_32(gpe->vni) >> 8;
	info->next_proto = np;
	info->payload_is_ethernet = np == NSH_NP_ETHERNET;
	return VXLAN_GPE_OK;
}

/* packet[0, avail) can be read, of packet_size bytes; Ethernet padding counts in both. */
static enum vxlan_gpe_verdict
parse_ipv4(const uint8_t *packet, size_t avail, size_t packet_size, struct vxlan_gpe_info *info)
{
	const struct nsh_ipv4_hdr *ip = (const struct nsh_ipv4_hdr *)packet;
	const struct nsh_udp_hdr *udp;
	size_t ihl, ip_size, udp_size;

	if (avail < NSH_IPV4_SIZE)
		return VXLAN_GPE_TRUNCATED;
	ihl = (size_t)(ip->version_ihl & 0xF) * 4;
	ip_size = rte_be_to_cpu_16(ip->total_size);
	if (ip->version_ihl >> 4 != 4 || ihl < NSH_IPV4_SIZE || ip_size < ihl || ip_size > packet_size)
		return VXLAN_GPE_IP_HEADER;
	if (ip->protocol != NSH_IPPROTO_UDP)
		return VXLAN_GPE_NOT_OURS;
	if (avail < ihl)
		return VXLAN_GPE_TRUNCATED;
	if (nsh_sum(ip, ihl) != UINT16_MAX)
		return VXLAN_GPE_IP_CHECKSUM;
	if (ip->fragment & RTE_BE16(NSH_IPV4_FRAGMENT_MASK))
		return VXLAN_GPE_FRAGMENT;

	if (ip_size - ihl < NSH_UDP_SIZE)
		return VXLAN_GPE_UDP_LENGTH;
	if (avail - ihl < NSH_UDP_SIZE)
		return VXLAN_GPE_TRUNCATED;
	udp = (const struct nsh_udp_hdr *)(packet + ihl);
	if (udp->dst_port != RTE_BE16(VXLAN_GPE_PORT))
		return VXLAN_GPE_NOT_OURS;
	udp_size = rte_be_to_cpu_16(udp->size);
	if (udp_size < NSH_UDP_SIZE + VXLAN_GPE_HDR_SIZE || udp_size > ip_size - ihl)
		return VXLAN_GPE_UDP_LENGTH;
	if (avail - ihl < NSH_UDP_SIZE + VXLAN_GPE_HDR_SIZE)
		return VXLAN_GPE_TRUNCATED;

	info->src = rte_be_to_cpu_32(ip->src);
	info->dst = rte_be_to_cpu_32(ip->dst);
	info->tos = ip->tos;
	info->src_port = rte_be_to_cpu_16(udp->src_port);
	info->udp_checksum = rte_be_to_cpu_16(udp->checksum);
	info->size = (uint16_t)(ihl + NSH_UDP_SIZE + VXLAN_GPE_HDR_SIZE);
	info->payload_size = (uint16_t)(udp_size - NSH_UDP_SIZE - VXLAN_GPE_HDR_SIZE);
	return parse_gpe((const struct vxlan_gpe_hdr *)(udp + 1), info);
}

enum vxlan_gpe_verdict
vxlan_gpe_parse_any(const void *frame, size_t avail, size_t frame_size, struct vxlan_gpe_info *info)
{
	const uint8_t *bytes = (const uint8_t *)frame;
	enum vxlan_gpe_verdict verdict;
	struct vxlan_gpe_info found;
	struct eth_info eth;

	if (avail > frame_size)
		avail = frame_size;
	if (!eth_parse(frame, avail, &eth))
		return VXLAN_GPE_TRUNCATED;
	if (eth.type != ETH_IPV4)
		return VXLAN_GPE_NOT_OURS;
	verdict = parse_ipv4(bytes + eth.size, avail - eth.size, frame_size - eth.size, &found);
	if (verdict != VXLAN_GPE_OK)
		return verdict;
	found.size += eth.size;
	memcpy(found.dmac, bytes, ETH_MAC_SIZE);
	*info = found;
	return VXLAN_GPE_OK;
}

const char *
vxlan_gpe_verdict_name(enum vxlan_gpe_verdict verdict)
{
	switch (verdict) {
	case VXLAN_GPE_OK:
		return "gpe-ok";
	case VXLAN_GPE_NOT_OURS:
		return "gpe-not-ours";
	case VXLAN_GPE_TRUNCATED:
		return "gpe-truncated";
	case VXLAN_GPE_IP_HEADER:
		return "gpe-ip-header";
	case VXLAN_GPE_IP_CHECKSUM:
		return "gpe-ip-checksum";
	case VXLAN_GPE_FRAGMENT:
		return "gpe-fragment";
	case VXLAN_GPE_UDP_LENGTH:
		return "gpe-udp-length";
	case VXLAN_GPE_VERSION:
		return "gpe-version";
	case VXLAN_GPE_FLAGS:
		return "gpe-flags";
	case VXLAN_GPE_OAM:
		return "gpe-oam";
	case VXLAN_GPE_NEXT_PROTO:
		return "gpe-next-proto";
	}
	return "gpe-unknown";
}

void
vxlan_gpe_template_init(struct vxlan_gpe_template *t, const uint8_t dmac[ETH_MAC_SIZE],
	const uint8_t smac[ETH_MAC_SIZE], uint32_t src, uint32_t dst, uint32_t vni, uint8_t ttl)
{
	struct vxlan_gpe_outer *o = (struct vxlan_gpe_outer *)t->bytes;

	memset(t, 0, sizeof(*t));
	eth_build(&o->eth, dmac, smac, ETH_IPV4);
	o->ip.version_ihl = NSH_IPV4_VERSION_IHL;
	o->ip.fragment = RTE_BE16(NSH_IPV4_DF);
	o->ip.ttl = ttl;
	o->ip.protocol = NSH_IPPROTO_UDP;
	o->ip.src = rte_cpu_to_be_32(src);
	o->ip.dst = rte_cpu_to_be_32(dst);
	o->udp.dst_port = RTE_BE16(VXLAN_GPE_PORT);
	o->gpe.flags_np = RTE_BE32(VXLAN_GPE_I | VXLAN_GPE_P | NSH_NP_NSH);
	o->gpe.vni = rte_cpu_to_be_32(vni << 8);
	t->ip_csum_partial = rte_be_to_cpu_16(nsh_sum(&o->ip, NSH_IPV4_SIZE));
}

uint16_t
vxlan_gpe_udp_checksum(const void *frame, size_t size)
{
	const uint8_t *udp;
	struct vxlan_gpe_info info;
	uint16_t udp_size, checksum;
	uint64_t sum;

	if (vxlan_gpe_parse(frame, size, size, &info) != VXLAN_GPE_OK)
		return 0;
	udp_size = (uint16_t)(info.payload_size + NSH_UDP_SIZE + VXLAN_GPE_HDR_SIZE);
	udp = (const uint8_t *)frame + info.size - NSH_UDP_SIZE - VXLAN_GPE_HDR_SIZE;
	/* Pseudo header, then header and payload without the checksum they carry; RFC 768. */
	sum = (uint64_t)info.src + info.dst + NSH_IPPROTO_UDP + udp_size;
	sum += rte_be_to_cpu_16(nsh_sum(udp, udp_size));
	sum += (uint16_t)~info.udp_checksum;
	checksum = (uint16_t)~nsh_sum_fold(sum);
	return checksum == 0 ? UINT16_MAX : checksum;
}
