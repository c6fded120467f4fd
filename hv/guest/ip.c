#include "guest.h"

#define ETHER_SIZE       14u
#define ETHER_TYPE_IPV4  0x0800u
#define ETHER_TYPE_IPV6  0x86ddu
#define ETHER_TYPE_VLAN  0x8100u /* IEEE 802.1Q C-tag */
#define ETHER_TYPE_SVLAN 0x88a8u /* IEEE 802.1Q S-tag */
#define VLAN_TAGS_MAX    2u
#define IPV6_HEADERS_MAX 8u /* RFC 8200, 4.1 names seven, one of them twice */
#define IPV4_OFFSET_MASK 0x1fffu
#define IPV6_OFFSET_MASK 0xfff8u

/* IANA protocol numbers. */
enum {
	PROTO_HOP_BY_HOP = 0,
	PROTO_TCP = 6,
	PROTO_UDP = 17,
	PROTO_DCCP = 33,
	PROTO_ROUTING = 43,
	PROTO_FRAGMENT = 44,
	PROTO_AUTH = 51,
	PROTO_DEST_OPTIONS = 60,
	PROTO_SCTP = 132,
	PROTO_MOBILITY = 135,
	PROTO_UDP_LITE = 136,
	PROTO_HIP = 139,
	PROTO_SHIM6 = 140,
};

static uint16_t
load16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

/* All five keep source and destination port in their first four bytes. */
static bool
proto_has_ports(uint8_t proto)
{
	return proto == PROTO_TCP || proto == PROTO_UDP || proto == PROTO_SCTP || proto == PROTO_DCCP ||
	       proto == PROTO_UDP_LITE;
}

static void
read_ports(struct vnf_ip *ip, uint32_t at)
{
	if (ip->fragment || !proto_has_ports(ip->proto) || at + 4 > ip->header_len)
		return;
	ip->has_ports = true;
	ip->sport = load16(ip->header + at);
	ip->dport = load16(ip->header + at + 2);
}

static void
parse_ipv4(struct vnf_ip *ip, uint8_t *at, uint32_t len)
{
	uint32_t header, total;

	if (len < 20 || at[0] >> 4 != 4)
		return;
	header = (at[0] & 15u) * 4;
	total = load16(at + 2);
	if (header < 20 || header > len || total < header)
		return;
	ip->version = 4;
	ip->header = at;
	ip->header_len = total < len ? total : len;
	ip->proto = at[9];
	ip->fragment = (load16(at + 6) & IPV4_OFFSET_MASK) != 0;
	memcpy(ip->src.byte, at + 12, 4);
	memcpy(ip->dst.byte, at + 16, 4);
	read_ports(ip, header);
}

/* Bytes of the extension header at at[0..8), or 0: it is none. */
static uint32_t
extension_size(uint8_t type, const uint8_t *at)
{
	switch (type) {
	case PROTO_HOP_BY_HOP:
	case PROTO_ROUTING:
	case PROTO_DEST_OPTIONS:
	case PROTO_MOBILITY:
	case PROTO_HIP:
	case PROTO_SHIM6:
		return (at[1] + 1u) * 8;
	case PROTO_FRAGMENT:
		return 8;
	case PROTO_AUTH:
		return (at[1] + 2u) * 4; /* RFC 4302, 2.2 */
	default:
		return 0;
	}
}

static void
parse_ipv6(struct vnf_ip *ip, uint8_t *at, uint32_t len)
{
	uint32_t total, offset = 40;
	uint8_t type;

	if (len < 40 || at[0] >> 4 != 6)
		return;
	total = load16(at + 4) ? 40u + load16(at + 4) : len; /* 0: a jumbogram (RFC 2675), as long as it is */
	ip->version = 6;
	ip->header = at;
	ip->header_len = total < len ? total : len;
	memcpy(ip->src.byte, at + 8, 16);
	memcpy(ip->dst.byte, at + 24, 16);
	type = at[6];
	for (unsigned n = 0; n < IPV6_HEADERS_MAX && offset + 8 <= ip->header_len && !ip->fragment; n++) {
		uint32_t size = extension_size(type, at + offset);

		if (size == 0)
			break;
		if (type == PROTO_FRAGMENT)
			ip->fragment = (load16(at + offset + 2) & IPV6_OFFSET_MASK) != 0;
		type = at[offset];
		offset += size;
	}
	ip->proto = type;
	read_ports(ip, offset);
}

bool
vnf_ip_parse(const struct vnf_pkt *pkt, struct vnf_ip *ip)
{
	uint32_t offset = 0;

	*ip = (struct vnf_ip){0};
	if (pkt->next_proto == VNF_NP_IPV4) {
		ip->ether_type = ETHER_TYPE_IPV4;
	} else if (pkt->next_proto == VNF_NP_IPV6) {
		ip->ether_type = ETHER_TYPE_IPV6;
	} else if (pkt->next_proto == VNF_NP_ETHERNET && pkt->inner_len >= ETHER_SIZE) {
		offset = ETHER_SIZE;
		ip->ether_type = load16(pkt->inner + 12);
		for (unsigned tags = 0; tags < VLAN_TAGS_MAX && offset + 4 <= pkt->inner_len; tags++) {
			if (ip->ether_type != ETHER_TYPE_VLAN && ip->ether_type != ETHER_TYPE_SVLAN)
				break;
			ip->ether_type = load16(pkt->inner + offset + 2);
			offset += 4;
		}
	}
	if (ip->ether_type == ETHER_TYPE_IPV4)
		parse_ipv4(ip, pkt->inner + offset, pkt->inner_len - offset);
	else if (ip->ether_type == ETHER_TYPE_IPV6)
		parse_ipv6(ip, pkt->inner + offset, pkt->inner_len - offset);
	return ip->version != 0;
}
