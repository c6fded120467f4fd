/* From bytes to a flow key: Ethernet, VLAN tags, IPv4, IPv6 and its extension headers, ports. */
#include "cls.h"
#include "eth.h"

#include <netinet/in.h>
#include <string.h>

#define IPV4_SIZE          20     /* without options; RFC 791, 3.1 */
#define IPV4_FRAGMENT_MASK 0x3FFF /* More Fragments and Fragment Offset */
#define IPV4_OFFSET_MASK   0x1FFF
#define IPV6_SIZE          40     /* RFC 8200, 3 */
#define IPV6_OFFSET_MASK   0xFFF8 /* RFC 8200, 4.5 */
#define IPV6_MORE_MASK     0x0001

/* RFC 8200, 4.1: a sender puts seven extension headers at most before the upper layer. */
#define EXTENSIONS_MAX 8

static inline uint16_t
be16_at(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

/* at[0, size) is what is readable and inside the datagram. */
static inline void
parse_ports(const uint8_t *at, size_t size, struct cls_key *key)
{
	switch (key->protocol) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_DCCP:
	case IPPROTO_SCTP:
	case IPPROTO_UDPLITE:
		break;
	default:
		return;
	}
	if (size < CLS_PORTS_SIZE)
		return;
	memcpy(&key->source_port, at, sizeof(key->source_port));
	memcpy(&key->destination_port, at + sizeof(key->source_port), sizeof(key->destination_port));
	key->has_ports = 1;
}

/* In one store of 8 bytes, because cls_hash reads 8: it would wait for two stores to leave the store buffer.
 */
static inline void
put_ipv4(uint8_t address[16], const uint8_t *at)
{
	uint64_t half = 0;

	memcpy(&half, at, 4);
	memcpy(address, &half, sizeof(half));
}

static inline void
parse_ipv4(const uint8_t *ip, size_t avail, struct cls_key *key)
{
	if (avail < IPV4_SIZE || ip[0] >> 4 != 4 || (ip[0] & 0xf) * 4u < IPV4_SIZE)
		return;

	size_t header = (ip[0] & 0xf) * 4u;
	size_t total = be16_at(ip + 2);
	uint16_t fragment = be16_at(ip + 6);

	key->family = 4;
	key->protocol = ip[9];
	key->fragment = (fragment & IPV4_FRAGMENT_MASK) != 0;
	put_ipv4(key->source, ip + 12);
	put_ipv4(key->destination, ip + 16);
	if (total > avail)
		total = avail;
	if ((fragment & IPV4_OFFSET_MASK) == 0 && total > header)
		parse_ports(ip + header, total - header, key);
}

static inline bool
is_extension(uint8_t next)
{
	switch (next) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_FRAGMENT:
	case IPPROTO_AH:
	case IPPROTO_DSTOPTS:
		return true;
	default:
		return false;
	}
}

/*
 * Follow the extension headers in at[0, size). RFC 8200, 4; Authentication Header: RFC 4302, 2.2.
 *
 * The protocol stays 0 when the end of the chain cannot be read: cut off, too long, or not in this fragment.
 */
static void
parse_extensions(const uint8_t *at, size_t size, uint8_t next, struct cls_key *key)
{
	for (int i = 0; i < EXTENSIONS_MAX && is_extension(next); i++) {
		uint8_t type = next;
		size_t header = 8; /* of a Fragment header, and the least of all others */
		if (size < header)
			return;
		if (type == IPPROTO_AH)
			header = (at[1] + 2u) * 4;
		else if (type != IPPROTO_FRAGMENT)
			header = (at[1] + 1u) * 8;
		if (size < header)
			return;

		next = at[0];
		if (type == IPPROTO_FRAGMENT) {
			uint16_t fragment = be16_at(at + 2);
			key->fragment |= (fragment & (IPV6_OFFSET_MASK | IPV6_MORE_MASK)) != 0;
			if ((fragment & IPV6_OFFSET_MASK) != 0) {
				/* What follows is the middle of something: only its name is known. */
				if (!is_extension(next))
					key->protocol = next;
				return;
			}
		}
		at += header;
		size -= header;
	}
	if (is_extension(next))
		return;
	key->protocol = next;
	parse_ports(at, size, key);
}

static inline void
parse_ipv6(const uint8_t *ip, size_t avail, struct cls_key *key)
{
	if (avail < IPV6_SIZE || ip[0] >> 4 != 6)
		return;

	size_t payload = be16_at(ip + 4);

	key->family = 6;
	memcpy(key->source, ip + 8, 16);
	memcpy(key->destination, ip + 24, 16);
	if (payload > avail - IPV6_SIZE)
		payload = avail - IPV6_SIZE;
	parse_extensions(ip + IPV6_SIZE, payload, ip[6], key);
}

void
cls_parse(const void *data, size_t avail, uint16_t ethertype, uint16_t port, struct cls_key *key)
{
	const uint8_t *at = data;
	uint16_t type = ethertype;

	*key = (struct cls_key){.port = port};
	if (type == 0) {
		size_t header = ETH_HDR_SIZE;
		if (avail < header)
			return;
		type = be16_at(at + header - 2);
		for (int i = 0; i < ETH_TAGS_MAX && eth_type_is_tag(type); i++) {
			header += ETH_TAG_SIZE;
			if (avail < header)
				return;
			type = be16_at(at + header - 2);
		}
		at += header;
		avail -= header;
	}
	if (type == ETH_IPV4)
		parse_ipv4(at, avail, key);
	else if (type == ETH_IPV6)
		parse_ipv6(at, avail, key);
}
