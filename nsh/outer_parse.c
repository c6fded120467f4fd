#include "outer.h"

/* What is left of a packet while its headers are read. */
struct rest {
	const uint8_t *at;
	size_t avail; /* readable from at */
	size_t left;  /* from at to the end of the packet, by the lengths of the headers before */
};

/* Are size bytes of header there? too_short = the packet itself ends before. */
static enum outer_verdict
need(const struct rest *rest, size_t size, enum outer_verdict too_short)
{
	if (rest->left < size)
		return too_short;
	return rest->avail < size ? OUTER_TRUNCATED : OUTER_OK;
}

static void
skip(struct rest *rest, size_t size)
{
	rest->at += size;
	rest->avail -= size;
	rest->left -= size;
}

/* The packet ends after size bytes, size <= left; what follows is the link's padding. */
static void
limit(struct rest *rest, size_t size)
{
	rest->left = size;
	if (rest->avail > size)
		rest->avail = size;
}

/* NSH as the payload of an Ethernet frame in a tunnel. Inner VLAN tags are refused (RFC 7348, 6.1). */
static enum outer_verdict
parse_inner_ethernet(struct rest *rest, enum outer_verdict other, struct outer_info *info)
{
	enum outer_verdict verdict = need(rest, ETH_HDR_SIZE, OUTER_TRUNCATED);

	if (verdict != OUTER_OK)
		return verdict;
	if (((const struct eth_hdr *)rest->at)->type != RTE_BE16(NSH_ETHERTYPE))
		return other;
	skip(rest, ETH_HDR_SIZE);
	info->inner_ethernet = true;
	return OUTER_OK;
}

static enum outer_verdict
parse_vxlan(struct rest *rest, struct outer_info *info)
{
	const struct vxlan_hdr *vxlan = (const struct vxlan_hdr *)rest->at;
	bool gpe = info->transport == OUTER_VXLAN_GPE;
	enum outer_verdict verdict = need(rest, VXLAN_HDR_SIZE, OUTER_UDP_LENGTH);
	uint32_t word;

	if (verdict != OUTER_OK)
		return verdict;
	word = rte_be_to_cpu_32(vxlan->flags_np);
	if (gpe && (word & VXLAN_GPE_VERSION_MASK))
		return OUTER_GPE_VERSION;
	if (!(word & VXLAN_I))
		return gpe ? OUTER_GPE_FLAGS : OUTER_VXLAN_FLAGS;
	if (gpe && (word & VXLAN_GPE_O))
		return OUTER_GPE_OAM;
	info->vni = rte_be_to_cpu_32(vxlan->vni) >> 8;
	info->has_vni = true;
	skip(rest, VXLAN_HDR_SIZE);
	if (!gpe)
		return parse_inner_ethernet(rest, OUTER_PROTO, info);
	/* Without P the Next Protocol is reserved and the payload that of plain VXLAN. */
	if (!(word & VXLAN_GPE_P) || (word & VXLAN_GPE_NP_MASK) == NSH_NP_ETHERNET)
		return parse_inner_ethernet(rest, OUTER_GPE_PROTO, info);
	return (word & VXLAN_GPE_NP_MASK) == NSH_NP_NSH ? OUTER_OK : OUTER_GPE_PROTO;
}

/* RFC 8926, 3.5 and 3.5.1: the options end where the header says, and none that we do not know is critical.
 */
static enum outer_verdict
check_geneve_options(const uint8_t *options, size_t size)
{
	/* All sizes are whole words, so there is always one more option header or nothing. */
	while (size > 0) {
		size_t option_size =
			GENEVE_OPTION_HDR_SIZE + (size_t)(options[3] & GENEVE_OPTION_LEN_MASK) * 4;

		if (option_size > size)
			return OUTER_GENEVE_OPTIONS;
		if (options[2] & GENEVE_OPTION_CRITICAL)
			return OUTER_GENEVE_CRITICAL;
		options += option_size;
		size -= option_size;
	}
	return OUTER_OK;
}

static enum outer_verdict
parse_geneve(struct rest *rest, struct outer_info *info)
{
	const struct geneve_hdr *geneve = (const struct geneve_hdr *)rest->at;
	enum outer_verdict verdict = need(rest, GENEVE_HDR_SIZE, OUTER_UDP_LENGTH);
	size_t options_size;
	uint32_t word;

	if (verdict != OUTER_OK)
		return verdict;
	word = rte_be_to_cpu_32(geneve->flags_protocol);
	if (word & GENEVE_VERSION_MASK)
		return OUTER_GENEVE_VERSION;
	if (word & GENEVE_O)
		return OUTER_GENEVE_OAM;
	info->vni = rte_be_to_cpu_32(geneve->vni) >> 8;
	info->has_vni = true;
	skip(rest, GENEVE_HDR_SIZE);

	options_size = (size_t)((word & GENEVE_OPT_LEN_MASK) >> GENEVE_OPT_LEN_SHIFT) * 4;
	verdict = need(rest, options_size, OUTER_GENEVE_OPTIONS);
	/* Without C there is nothing in them that must be understood. */
	if (verdict == OUTER_OK && (word & GENEVE_C))
		verdict = check_geneve_options(rest->at, options_size);
	if (verdict != OUTER_OK)
		return verdict;
	skip(rest, options_size);
	if ((word & GENEVE_PROTOCOL_MASK) == GENEVE_TRANS_ETHERNET)
		return parse_inner_ethernet(rest, OUTER_PROTO, info);
	return (word & GENEVE_PROTOCOL_MASK) == NSH_ETHERTYPE ? OUTER_OK : OUTER_PROTO;
}

/* The transport of a UDP port, or OUTER_TRANSPORTS. */
static enum outer_transport
transport_of(const struct outer_accept *accept, uint16_t port)
{
	if (port == VXLAN_GPE_PORT && (accept->transports & OUTER_BIT(OUTER_VXLAN_GPE)))
		return OUTER_VXLAN_GPE;
	if (port == VXLAN_PORT && (accept->transports & OUTER_BIT(OUTER_VXLAN)))
		return OUTER_VXLAN;
	if (port == GENEVE_PORT && (accept->transports & OUTER_BIT(OUTER_GENEVE)))
		return OUTER_GENEVE;
	if (port == accept->nsh_udp_port && (accept->transports & OUTER_BIT(OUTER_UDP)))
		return OUTER_UDP;
	return OUTER_TRANSPORTS;
}

/* The checksum of bytes [at, at + size) of the frame is to be verified. */
static void
to_verify(struct outer_info *info, size_t at, size_t size, uint8_t protocol)
{
	uint64_t pseudo = 0; /* GRE has no pseudo header; RFC 2784, 2.4 */

	if (protocol == NSH_IPPROTO_UDP && info->family == NSH_IPV4)
		pseudo = nsh_sum_pseudo4(info->src.v4, info->dst.v4, protocol, (uint16_t)size);
	else if (protocol == NSH_IPPROTO_UDP)
		pseudo = nsh_sum_pseudo6(info->src.bytes, info->dst.bytes, protocol, (uint32_t)size);
	info->check_at = (uint16_t)at;
	info->check_size = (uint32_t)size;
	info->check_pseudo = nsh_sum_fold(pseudo);
}

static enum outer_verdict
parse_udp(const struct outer_accept *accept, const uint8_t *frame, struct rest *rest, struct outer_info *info)
{
	const struct nsh_udp_hdr *udp = (const struct nsh_udp_hdr *)rest->at;
	enum outer_verdict verdict = need(rest, NSH_UDP_SIZE, OUTER_UDP_LENGTH);
	size_t size;

	if (verdict != OUTER_OK)
		return verdict;
	info->transport = (uint8_t)transport_of(accept, rte_be_to_cpu_16(udp->dst_port));
	if (info->transport == OUTER_TRANSPORTS)
		return OUTER_NOT_OURS;
	size = rte_be_to_cpu_16(udp->size);
	if (size < NSH_UDP_SIZE || size > rest->left)
		return OUTER_UDP_LENGTH;
	info->src_port = rte_be_to_cpu_16(udp->src_port);
	if (udp->checksum != 0)
		to_verify(info, (size_t)(rest->at - frame), size, NSH_IPPROTO_UDP);
	else if (info->family == NSH_IPV6 && !accept->zero_checksum6)
		return OUTER_UDP_ZERO;
	limit(rest, size);
	skip(rest, NSH_UDP_SIZE);
	switch (info->transport) {
	case OUTER_GENEVE:
		return parse_geneve(rest, info);
	case OUTER_UDP:
		return OUTER_OK;
	default:
		return parse_vxlan(rest, info);
	}
}

static enum outer_verdict
parse_gre(const uint8_t *frame, struct rest *rest, struct outer_info *info)
{
	const struct gre_hdr *gre = (const struct gre_hdr *)rest->at;
	enum outer_verdict verdict = need(rest, GRE_HDR_SIZE, OUTER_TRUNCATED);
	size_t size = GRE_HDR_SIZE;
	uint16_t flags;

	if (verdict != OUTER_OK)
		return verdict;
	flags = rte_be_to_cpu_16(gre->flags_version);
	if (flags & GRE_VERSION_MASK)
		return OUTER_GRE_VERSION;
	if (flags & GRE_MUST_BE_ZERO)
		return OUTER_GRE_FLAGS;
	if (gre->protocol != RTE_BE16(NSH_ETHERTYPE))
		return OUTER_PROTO;
	info->transport = OUTER_GRE;
	size += flags & GRE_C ? GRE_WORD_SIZE : 0;
	size += flags & GRE_K ? GRE_WORD_SIZE : 0;
	size += flags & GRE_S ? GRE_WORD_SIZE : 0;
	verdict = need(rest, size, OUTER_TRUNCATED);
	if (verdict != OUTER_OK)
		return verdict;
	if (flags & GRE_C)
		to_verify(info, (size_t)(rest->at - frame), rest->left, NSH_IPPROTO_GRE);
	if (flags & GRE_K) {
		rte_be32_t key;

		memcpy(&key, rest->at + GRE_HDR_SIZE + (flags & GRE_C ? GRE_WORD_SIZE : 0), sizeof(key));
		info->vni = rte_be_to_cpu_32(key);
		info->has_vni = true;
	}
	skip(rest, size);
	return OUTER_OK;
}

/* Is a protocol above IP one of ours? */
static bool
is_accepted(const struct outer_accept *accept, uint8_t protocol)
{
	const uint32_t over_udp = OUTER_BIT(OUTER_VXLAN_GPE) | OUTER_BIT(OUTER_VXLAN) |
	                          OUTER_BIT(OUTER_GENEVE) | OUTER_BIT(OUTER_UDP);

	return (protocol == NSH_IPPROTO_UDP && (accept->transports & over_udp)) ||
	       (protocol == NSH_IPPROTO_GRE && (accept->transports & OUTER_BIT(OUTER_GRE)));
}

static enum outer_verdict
parse_ipv4(const struct outer_accept *accept, struct rest *rest, struct outer_info *info, uint8_t *protocol)
{
	const struct nsh_ipv4_hdr *ip = (const struct nsh_ipv4_hdr *)rest->at;
	enum outer_verdict verdict = need(rest, NSH_IPV4_SIZE, OUTER_TRUNCATED);
	size_t ihl, size;

	if (verdict != OUTER_OK)
		return verdict;
	ihl = (size_t)(ip->version_ihl & 0xF) * 4;
	size = rte_be_to_cpu_16(ip->total_size);
	if (ip->version_ihl >> 4 != 4 || ihl < NSH_IPV4_SIZE || size < ihl || size > rest->left)
		return OUTER_IP_HEADER;
	if (!is_accepted(accept, ip->protocol))
		return OUTER_NOT_OURS;
	if (rest->avail < ihl)
		return OUTER_TRUNCATED;
	if (nsh_sum(ip, ihl) != UINT16_MAX)
		return OUTER_IP_CHECKSUM;
	if (ip->fragment & RTE_BE16(NSH_IPV4_FRAGMENT_MASK))
		return OUTER_FRAGMENT;
	info->family = NSH_IPV4;
	info->src = nsh_addr_of4(ip->src);
	info->dst = nsh_addr_of4(ip->dst);
	info->tos = ip->tos;
	*protocol = ip->protocol;
	limit(rest, size);
	skip(rest, ihl);
	return OUTER_OK;
}

static enum outer_verdict
parse_ipv6(const struct outer_accept *accept, struct rest *rest, struct outer_info *info, uint8_t *protocol)
{
	static const uint8_t verdicts[] = {
		[NSH_IPV6_OK] = OUTER_OK,
		[NSH_IPV6_TRUNCATED] = OUTER_TRUNCATED,
		[NSH_IPV6_HEADER] = OUTER_IP_HEADER,
		[NSH_IPV6_FRAGMENT] = OUTER_FRAGMENT,
	};
	const struct nsh_ipv6_hdr *ip = (const struct nsh_ipv6_hdr *)rest->at;
	struct nsh_ipv6_upper upper;
	enum nsh_ipv6_verdict verdict = nsh_ipv6_walk(ip, rest->avail, rest->left, &upper);

	if (verdict == NSH_IPV6_OK || verdict == NSH_IPV6_FRAGMENT) {
		if (!is_accepted(accept, upper.protocol))
			return OUTER_NOT_OURS;
	}
	if (verdict != NSH_IPV6_OK)
		return verdicts[verdict];
	info->family = NSH_IPV6;
	memcpy(info->src.bytes, ip->src, sizeof(ip->src));
	memcpy(info->dst.bytes, ip->dst, sizeof(ip->dst));
	info->tos = nsh_ipv6_tos(ip);
	*protocol = upper.protocol;
	limit(rest, (size_t)upper.at + upper.size);
	skip(rest, upper.at);
	return OUTER_OK;
}

enum outer_verdict
outer_parse(const struct outer_accept *accept, const void *frame, size_t avail, size_t frame_size,
	struct outer_info *info)
{
	const uint8_t *bytes = (const uint8_t *)frame;
	struct rest rest = {
		.at = bytes, .avail = avail < frame_size ? avail : frame_size, .left = frame_size};
	enum outer_verdict verdict = OUTER_NOT_OURS;
	struct outer_info found = {.transport = OUTER_ETHERNET};
	struct eth_info eth;
	uint8_t protocol;

	if (!eth_parse(frame, rest.avail, &eth))
		return OUTER_TRUNCATED;
	skip(&rest, eth.size);
	if (eth.type == NSH_ETHERTYPE) {
		verdict = accept->transports & OUTER_BIT(OUTER_ETHERNET) ? OUTER_OK : OUTER_NOT_OURS;
	} else if (eth.type == ETH_IPV4 || eth.type == ETH_IPV6) {
		verdict = (eth.type == ETH_IPV4 ? parse_ipv4 : parse_ipv6)(accept, &rest, &found, &protocol);
		if (verdict == OUTER_OK)
			verdict = protocol == NSH_IPPROTO_UDP ? parse_udp(accept, bytes, &rest, &found)
			                                      : parse_gre(bytes, &rest, &found);
	}
	if (verdict != OUTER_OK)
		return verdict;
	for (found.tags = 0; found.tags < eth.tags; found.tags++)
		found.tci[found.tags] = eth.tci[found.tags];
	memcpy(found.dmac, bytes, ETH_MAC_SIZE);
	memcpy(found.smac, bytes + ETH_MAC_SIZE, ETH_MAC_SIZE);
	found.size = (uint16_t)(rest.at - bytes);
	found.payload_size = (uint32_t)rest.left;
	*info = found;
	return OUTER_OK;
}

void
outer_gpe4_match_init(struct outer_gpe4_match *match, rte_be32_t dst, uint32_t vni)
{
	const struct outer_gpe4 want = {
		.eth.type = RTE_BE16(ETH_IPV4),
		.ip = {.version_ihl = NSH_IPV4_VERSION_IHL, .protocol = NSH_IPPROTO_UDP, .dst = dst},
		.udp.dst_port = RTE_BE16(VXLAN_GPE_PORT),
		.gpe = {.flags_np = RTE_BE32(VXLAN_I | VXLAN_GPE_P | NSH_NP_NSH),
			.vni = rte_cpu_to_be_32(vni << 8)},
	};
	const struct outer_gpe4 mask = {
		.eth.type = UINT16_MAX,
		.ip = {.version_ihl = UINT8_MAX,
			.fragment = RTE_BE16(NSH_IPV4_FRAGMENT_MASK),
			.protocol = UINT8_MAX,
			.dst = UINT32_MAX},
		.udp = {.dst_port = UINT16_MAX, .checksum = UINT16_MAX},
		.gpe = {.flags_np = RTE_BE32(VXLAN_GPE_VERSION_MASK | VXLAN_I | VXLAN_GPE_P | VXLAN_GPE_O |
					     VXLAN_GPE_NP_MASK),
			.vni = RTE_BE32(VXLAN_VNI_MAX << 8)},
	};

	memcpy(match->want, (const uint8_t *)&want + OUTER_GPE4_MATCH_AT, sizeof(match->want));
	memcpy(match->mask, (const uint8_t *)&mask + OUTER_GPE4_MATCH_AT, sizeof(match->mask));
}

bool
outer_check(const void *frame, const struct outer_info *info)
{
	return outer_check_sum(info, nsh_sum((const uint8_t *)frame + info->check_at, info->check_size));
}

const char *
outer_verdict_name(enum outer_verdict verdict)
{
	static const char *const names[OUTER_VERDICTS] = {
		[OUTER_OK] = "outer-ok",
		[OUTER_NOT_OURS] = "outer-not-ours",
		[OUTER_TRUNCATED] = "outer-truncated",
		[OUTER_IP_HEADER] = "outer-ip-header",
		[OUTER_IP_CHECKSUM] = "outer-ip-checksum",
		[OUTER_FRAGMENT] = "outer-fragment",
		[OUTER_UDP_LENGTH] = "outer-udp-length",
		[OUTER_UDP_ZERO] = "outer-udp-zero",
		[OUTER_GPE_VERSION] = "gpe-version",
		[OUTER_GPE_FLAGS] = "gpe-flags",
		[OUTER_GPE_OAM] = "gpe-oam",
		[OUTER_GPE_PROTO] = "gpe-proto",
		[OUTER_VXLAN_FLAGS] = "vxlan-flags",
		[OUTER_GENEVE_VERSION] = "geneve-version",
		[OUTER_GENEVE_OAM] = "geneve-oam",
		[OUTER_GENEVE_OPTIONS] = "geneve-options",
		[OUTER_GENEVE_CRITICAL] = "geneve-critical",
		[OUTER_GRE_VERSION] = "gre-version",
		[OUTER_GRE_FLAGS] = "gre-flags",
		[OUTER_PROTO] = "outer-proto",
	};

	return (size_t)verdict < OUTER_VERDICTS ? names[verdict] : "outer-unknown";
}

const char *
outer_transport_name(enum outer_transport transport)
{
	static const char *const names[OUTER_TRANSPORTS] = {
		[OUTER_ETHERNET] = "ethernet",
		[OUTER_VXLAN_GPE] = "vxlan-gpe",
		[OUTER_VXLAN] = "vxlan",
		[OUTER_GENEVE] = "geneve",
		[OUTER_GRE] = "gre",
		[OUTER_UDP] = "udp",
	};

	return (size_t)transport < OUTER_TRANSPORTS ? names[transport] : "unknown";
}
