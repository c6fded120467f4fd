/*
 * IPv4 and UDP headers of the transports below NSH, and the Internet checksum (RFC 791, 768, 1071).
 *
 * Included by the transports of this room and their tests.
 */
#ifndef NSH_IP_H
#define NSH_IP_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <rte_byteorder.h>

#define NSH_IPV4_SIZE          20     /* without options; RFC 791, 3.1 */
#define NSH_IPV4_VERSION_IHL   0x45   /* version 4, five words */
#define NSH_IPV4_DF            0x4000 /* Don't Fragment; RFC 791, 3.1 */
#define NSH_IPV4_FRAGMENT_MASK 0x3FFF /* More Fragments and Fragment Offset: 0 in a whole packet */
#define NSH_IPPROTO_UDP        17     /* IANA "Protocol Numbers" */
#define NSH_UDP_SIZE           8      /* RFC 768 */

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

#endif
