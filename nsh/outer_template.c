#include "outer_push.h"

#include <errno.h>

static_assert(OUTER_PUSH_MAX == ETH_HDR_SIZE + ETH_TAGS_MAX * ETH_TAG_SIZE + NSH_IPV6_SIZE + NSH_UDP_SIZE +
					GENEVE_HDR_SIZE + ETH_HDR_SIZE,
	"the longest headers");

static bool
conf_ok(const struct outer_conf *conf)
{
	if ((conf->transport == OUTER_ETHERNET) != (conf->family == NSH_NO_IP) ||
		(conf->family != NSH_NO_IP && conf->family != NSH_IPV4 && conf->family != NSH_IPV6))
		return false;
	if ((unsigned int)conf->transport >= OUTER_TRANSPORTS || conf->tags > ETH_TAGS_MAX)
		return false;
	for (uint8_t i = 0; i < conf->tags; i++) {
		if (!eth_type_is_tag(conf->tag[i].type))
			return false;
	}
	if (conf->transport != OUTER_GRE && conf->vni > VXLAN_VNI_MAX)
		return false;
	return conf->transport != OUTER_UDP || conf->udp_port != 0;
}

/* Append an Ethernet header; returns the byte behind it. */
static uint8_t *
put_ethernet(uint8_t *at, const struct outer_conf *conf)
{
	static const uint16_t types[] = {
		[NSH_NO_IP] = NSH_ETHERTYPE, [NSH_IPV4] = ETH_IPV4, [NSH_IPV6] = ETH_IPV6};
	uint16_t type = conf->tags > 0 ? conf->tag[0].type : types[conf->family];

	eth_build(at, conf->dmac, conf->smac, type);
	at += ETH_HDR_SIZE;
	for (uint8_t i = 0; i < conf->tags; i++, at += ETH_TAG_SIZE) {
		struct eth_tag *tag = (struct eth_tag *)at;

		type = i + 1 < conf->tags ? conf->tag[i + 1].type : types[conf->family];
		tag->tci = rte_cpu_to_be_16(conf->tag[i].tci);
		tag->type = rte_cpu_to_be_16(type);
	}
	return at;
}

/* The IP header without lengths, DSCP, ECN, flow label and checksum. */
static uint8_t *
put_ip(uint8_t *at, const struct outer_conf *conf)
{
	uint8_t protocol = conf->transport == OUTER_GRE ? NSH_IPPROTO_GRE : NSH_IPPROTO_UDP;

	if (conf->family == NSH_IPV4) {
		const struct nsh_ipv4_hdr ip = {.version_ihl = NSH_IPV4_VERSION_IHL,
			.fragment = RTE_BE16(NSH_IPV4_DF),
			.ttl = conf->ttl,
			.protocol = protocol,
			.src = conf->src.v4,
			.dst = conf->dst.v4};

		memcpy(at, &ip, sizeof(ip));
		return at + sizeof(ip);
	}
	if (conf->family == NSH_IPV6) {
		struct nsh_ipv6_hdr ip = {.next_header = protocol, .hop_limit = conf->ttl};

		memcpy(ip.src, conf->src.bytes, sizeof(ip.src));
		memcpy(ip.dst, conf->dst.bytes, sizeof(ip.dst));
		memcpy(at, &ip, sizeof(ip));
		return at + sizeof(ip);
	}
	return at;
}

static uint8_t *
put_inner_ethernet(uint8_t *at, const struct outer_conf *conf)
{
	eth_build(at, conf->inner_dmac, conf->inner_smac, NSH_ETHERTYPE);
	return at + ETH_HDR_SIZE;
}

static uint8_t *
put_gre(uint8_t *at, const struct outer_conf *conf, bool checksum)
{
	uint16_t flags = (uint16_t)((checksum ? GRE_C : 0) | (conf->has_key ? GRE_K : 0));
	const struct gre_hdr gre = {
		.flags_version = rte_cpu_to_be_16(flags), .protocol = RTE_BE16(NSH_ETHERTYPE)};
	rte_be32_t key = rte_cpu_to_be_32(conf->vni);

	memcpy(at, &gre, sizeof(gre));
	at += sizeof(gre);
	if (checksum)
		at += GRE_WORD_SIZE;
	if (conf->has_key) {
		memcpy(at, &key, sizeof(key));
		at += GRE_WORD_SIZE;
	}
	return at;
}

static uint8_t *
put_udp(uint8_t *at, uint16_t dst_port)
{
	const struct nsh_udp_hdr udp = {.dst_port = rte_cpu_to_be_16(dst_port)};

	memcpy(at, &udp, sizeof(udp));
	return at + sizeof(udp);
}

static uint8_t *
put_vxlan(uint8_t *at, uint32_t flags_np, uint32_t vni)
{
	const struct vxlan_hdr vxlan = {
		.flags_np = rte_cpu_to_be_32(flags_np), .vni = rte_cpu_to_be_32(vni << 8)};

	memcpy(at, &vxlan, sizeof(vxlan));
	return at + sizeof(vxlan);
}

static uint8_t *
put_geneve(uint8_t *at, uint16_t protocol, uint32_t vni)
{
	const struct geneve_hdr geneve = {
		.flags_protocol = rte_cpu_to_be_32(protocol), .vni = rte_cpu_to_be_32(vni << 8)};

	memcpy(at, &geneve, sizeof(geneve));
	return at + sizeof(geneve);
}

/* All above IP, lengths and checksum 0. */
static uint8_t *
put_tunnel(uint8_t *at, const struct outer_conf *conf, bool checksum)
{
	switch (conf->transport) {
	case OUTER_VXLAN_GPE:
		return put_vxlan(put_udp(at, VXLAN_GPE_PORT), VXLAN_I | VXLAN_GPE_P | NSH_NP_NSH, conf->vni);
	case OUTER_VXLAN:
		return put_inner_ethernet(put_vxlan(put_udp(at, VXLAN_PORT), VXLAN_I, conf->vni), conf);
	case OUTER_GENEVE:
		at = put_udp(at, GENEVE_PORT);
		if (conf->inner_ethernet)
			return put_inner_ethernet(put_geneve(at, GENEVE_TRANS_ETHERNET, conf->vni), conf);
		return put_geneve(at, NSH_ETHERTYPE, conf->vni);
	case OUTER_GRE:
		return put_gre(at, conf, checksum);
	case OUTER_UDP:
		return put_udp(at, conf->udp_port);
	default:
		return at;
	}
}

static bool
wants_checksum(const struct outer_conf *conf)
{
	if (conf->transport == OUTER_ETHERNET || conf->checksum != OUTER_CHECKSUM_DEFAULT)
		return conf->transport != OUTER_ETHERNET && conf->checksum == OUTER_CHECKSUM_ON;
	if (conf->transport == OUTER_GRE)
		return false;
	return conf->family == NSH_IPV6 ||
	       (conf->transport != OUTER_VXLAN_GPE && conf->transport != OUTER_VXLAN);
}

static enum outer_shape
shape_of(const struct outer_conf *conf, bool checksum)
{
	if (conf->transport == OUTER_ETHERNET)
		return OUTER_SHAPE_ETHERNET;
	if (conf->transport == OUTER_GRE)
		return OUTER_SHAPE_GRE;
	return conf->transport == OUTER_VXLAN_GPE && conf->family == NSH_IPV4 && conf->tags == 0 && !checksum
	               ? OUTER_SHAPE_GPE4
	               : OUTER_SHAPE_UDP;
}

/* What a checksum covers: the pseudo header of UDP, and all above IP. */
static uint16_t
sum_of_tunnel(const struct outer_conf *conf, const uint8_t *tunnel, size_t size)
{
	uint64_t sum = nsh_sum(tunnel, size);

	if (conf->transport == OUTER_GRE)
		return nsh_sum_fold(sum);
	if (conf->family == NSH_IPV4)
		sum += nsh_sum_pseudo4(conf->src.v4, conf->dst.v4, NSH_IPPROTO_UDP, 0);
	else
		sum += nsh_sum_pseudo6(conf->src.bytes, conf->dst.bytes, NSH_IPPROTO_UDP, 0);
	return nsh_sum_fold(sum);
}

int
outer_template_init(struct outer_template *t, const struct outer_conf *conf)
{
	struct outer_template made = {0};
	uint8_t *ip, *tunnel, *end;
	size_t counted; /* bytes of ours that the length field of IP counts */

	if (!conf_ok(conf))
		return -EINVAL;
	made.needs_sum = wants_checksum(conf);
	ip = put_ethernet(made.bytes, conf);
	tunnel = put_ip(ip, conf);
	end = put_tunnel(tunnel, conf, made.needs_sum);

	made.size = (uint16_t)(end - made.bytes);
	made.ip_at = (uint8_t)(ip - made.bytes);
	made.shape = (uint8_t)shape_of(conf, made.needs_sum);
	made.family = (uint8_t)conf->family;
	if (conf->family == NSH_IPV4)
		made.ip_sum = nsh_sum(ip, NSH_IPV4_SIZE);
	if (made.needs_sum)
		made.check_sum = sum_of_tunnel(conf, tunnel, (size_t)(end - tunnel));
	counted = conf->family == NSH_IPV4 ? (size_t)(end - ip) : (size_t)(end - tunnel);
	made.payload_max = (uint16_t)(UINT16_MAX - counted);
	*t = made;
	return 0;
}
