/*
 * Addresses, IPv4 and UDP headers of the transports below NSH, and the Internet checksum (RFC 791, 768,
 * 1071). IPv6 is in nsh_ipv6.h.
 *
 * Included by the transports of this room and by those who fill or compare addresses.
 */
#ifndef NSH_IP_H
#define NSH_IP_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <rte_byteorder.h>

#define NSH_IPV4_SIZE          20     /* without options; RFC 791, 3.1 */
#define NSH_IPV4_VERSION_IHL   0x45   /* version 4, five words */
#define NSH_IPV4_DF            0x4000 /* Don't Fragment; RFC 791, 3.1 */
#define NSH_IPV4_FRAGMENT_MASK 0x3FFF /* More Fragments and Fragment Offset: 0 in a whole packet */
#define NSH_IPV4_OFFSET_MASK   0x1FFF /* Fragment Offset alone: 0 in a first fragment too */
#define NSH_UDP_SIZE           8      /* RFC 768 */

/* IANA "Protocol Numbers". */
#define NSH_IPPROTO_ICMP  1
#define NSH_IPPROTO_UDP   17
#define NSH_IPPROTO_GRE   47
#define NSH_IPPROTO_ICMP6 58

/** Which kind of address; the values are the version numbers of the headers (RFC 791, 3.1; RFC 8200, 3). */
enum nsh_family {
	NSH_NO_IP = 0, /* Ethernet alone */
	NSH_IPV4 = 4,
	NSH_IPV6 = 6,
};

/** An address in network order. IPv4 fills the first 4 bytes, the others are 0; the family stands apart. */
union nsh_addr {
	uint8_t bytes[16];
	rte_be32_t v4;
	uint64_t half[2]; /* to compare; memory order */
};

static_assert(sizeof(union nsh_addr) == 16, "RFC 8200, 3");

struct nsh_ipv4_hdr {
	uint8_t version_ihl;
	uint8_t tos;
	rte_be16_t total_size;
	rte_be16_t id;
	rte_be16_t fragment;
	uint8_t ttl;
	uint8_t protocol;
	rte_be16_t checksum;
	rte_be32_t src;
	rte_be32_t dst;
} __attribute__((packed, may_alias));

struct nsh_udp_hdr {
	rte_be16_t src_port;
	rte_be16_t dst_port;
	rte_be16_t size; /* of header and payload */
	rte_be16_t checksum;
} __attribute__((packed, may_alias));

static_assert(sizeof(struct nsh_ipv4_hdr) == NSH_IPV4_SIZE, "RFC 791, 3.1");
static_assert(sizeof(struct nsh_udp_hdr) == NSH_UDP_SIZE, "RFC 768");

/** Four bytes at any alignment, in memory order. */
static inline uint32_t
nsh_load32(const void *at)
{
	uint32_t word;

	memcpy(&word, at, sizeof(word));
	return word;
}

/** Fold a sum of 16-bit words to 16 bits, carries added back in; RFC 1071, 2. */
static inline uint16_t
nsh_sum_fold(uint64_t sum)
{
	sum = (sum & UINT32_MAX) + (sum >> 32);
	sum = (sum & UINT32_MAX) + (sum >> 32);
	sum = (sum & UINT16_MAX) + (sum >> 16);
	sum = (sum & UINT16_MAX) + (sum >> 16);
	return (uint16_t)sum;
}

/**
 * The ones' complement sum of bytes, in memory order: an IPv4 header with its checksum in place sums to
 * 0xFFFF in any byte order. An odd last byte is padded with zero. RFC 1071, 1 and 2.
 *
 * @return  folded sum, not complemented; rte_be_to_cpu_16() of it is the sum in host order.
 */
static inline uint16_t
nsh_sum(const void *data, size_t size)
{
	const uint8_t *at = (const uint8_t *)data;
	uint64_t sum = 0;
	uint32_t word;

	for (; size >= sizeof(word); at += sizeof(word), size -= sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		sum += word;
	}
	word = 0;
	memcpy(&word, at, size);
	return nsh_sum_fold(sum + word);
}

/**
 * The checksum field that makes a message sum to 0xFFFF, from the sum of all its other words (and of the
 * pseudo header): its complement, but never 0, which in UDP means "none" (RFC 768) and elsewhere is the same
 * number (RFC 1071, 2). All in memory order.
 */
static inline rte_be16_t
nsh_sum_checksum(uint64_t sum)
{
	uint16_t checksum = (uint16_t)~nsh_sum_fold(sum);

	return checksum == 0 ? UINT16_MAX : checksum;
}

/** Sum of the IPv4 pseudo header (RFC 768), memory order, not folded. @param size of the UDP datagram. */
static inline uint64_t
nsh_sum_pseudo4(rte_be32_t src, rte_be32_t dst, uint8_t protocol, uint16_t size)
{
	return (uint64_t)src + dst + rte_cpu_to_be_16(protocol) + rte_cpu_to_be_16(size);
}

/** An IPv4 address, network order. */
static inline union nsh_addr
nsh_addr_of4(rte_be32_t v4)
{
	union nsh_addr address = {.half = {0, 0}};

	address.v4 = v4;
	return address;
}

/**
 * Is it the address of one host, as a source must be? Not "this network" (0/8), loopback, multicast, reserved
 * or broadcast (RFC 1122, 3.2.1.3). Broadcasts of a subnet look like hosts to us.
 */
static inline bool
nsh_ipv4_is_host(rte_be32_t address)
{
	uint32_t a = rte_be_to_cpu_32(address);

	return a >> 24 != 0 && a >> 24 != 127 && a < UINT32_C(0xE0000000);
}

/** Two addresses of one family. */
static inline bool
nsh_addr_equal(const union nsh_addr *a, const union nsh_addr *b)
{
	return ((a->half[0] ^ b->half[0]) | (a->half[1] ^ b->half[1])) == 0;
}

#endif
