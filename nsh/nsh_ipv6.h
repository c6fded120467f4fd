/*
 * The IPv6 header and the walk over its extension headers (RFC 8200).
 *
 * Included by the transports of this room, by neighbour discovery and by ICMPv6.
 */
#ifndef NSH_IPV6_H
#define NSH_IPV6_H

#include "nsh_ip.h"

#define NSH_IPV6_SIZE            40 /* RFC 8200, 3 */
#define NSH_IPV6_VERSION         UINT32_C(0x60000000)
#define NSH_IPV6_FLOW_LABEL_MASK UINT32_C(0x000FFFFF) /* 20 bits; RFC 8200, 3 */
#define NSH_IPV6_TC_SHIFT        20                   /* Traffic Class in the first word */
#define NSH_IPV6_MTU_MIN         1280                 /* RFC 8200, 5 */

/* Limits a host may set on extension headers (RFC 8504, 5.3): each of them and all of them in bytes. */
#define NSH_IPV6_EXT_SIZE_MAX  64
#define NSH_IPV6_EXT_COUNT_MAX 4 /* those of RFC 8200, 4.1 that can stand before UDP, without AH */

struct nsh_ipv6_hdr {
	rte_be32_t version_tc_label; /* 4, 8 and 20 bits */
	rte_be16_t payload_size;     /* all behind these 40 bytes, extension headers included */
	uint8_t next_header;
	uint8_t hop_limit;
	uint8_t src[16];
	uint8_t dst[16];
} __attribute__((packed, may_alias));

static_assert(sizeof(struct nsh_ipv6_hdr) == NSH_IPV6_SIZE, "RFC 8200, 3");

/** What a walk found; each but OK is a reason not to look any further. */
enum nsh_ipv6_verdict {
	NSH_IPV6_OK,
	NSH_IPV6_TRUNCATED, /* a header reaches beyond the bytes available */
	NSH_IPV6_HEADER,   /* version, lengths, an option that asks to be discarded, a route not at its end */
	NSH_IPV6_FRAGMENT, /* part of a packet */
};

/** Where the upper layer begins. */
struct nsh_ipv6_upper {
	uint16_t at;      /* its offset from the IPv6 header; with a fragment that of the fragment's data */
	uint16_t size;    /* its bytes by Payload Length */
	uint8_t protocol; /* an unknown extension header is a protocol too */
	bool first;       /* not a fragment, or the first one */
};

/**
 * Check an IPv6 header and walk its extension headers: Hop-by-Hop (first only), Destination Options, Routing
 * with no segment left, and a Fragment header that does not fragment (RFC 8200, 4; RFC 6946). The walk is
 * bounded.
 *
 * @param packet       IPv6 header, any alignment.
 * @param avail        readable bytes; none beyond is read.
 * @param packet_size  bytes there are, readable or not; what a link padded counts.
 * @param upper        written with OK and FRAGMENT.
 */
enum nsh_ipv6_verdict nsh_ipv6_walk(
	const void *packet, size_t avail, size_t packet_size, struct nsh_ipv6_upper *upper);

/** Sum of the pseudo header (RFC 8200, 8.1), memory order, not folded. @param size of the upper layer. */
static inline uint64_t
nsh_sum_pseudo6(const void *src, const void *dst, uint8_t protocol, uint32_t size)
{
	return (uint64_t)nsh_sum(src, 16) + nsh_sum(dst, 16) + rte_cpu_to_be_16(protocol) +
	       rte_cpu_to_be_32(size);
}

static inline uint8_t
nsh_ipv6_tos(const struct nsh_ipv6_hdr *ip)
{
	return (uint8_t)(rte_be_to_cpu_32(ip->version_tc_label) >> NSH_IPV6_TC_SHIFT);
}

/** Multicast: ff00::/8 (RFC 4291, 2.7). */
static inline bool
nsh_ipv6_is_multicast(const uint8_t address[16])
{
	return address[0] == 0xFF;
}

/** The unspecified address, :: (RFC 4291, 2.5.2). */
static inline bool
nsh_ipv6_is_unspecified(const uint8_t address[16])
{
	static const uint8_t unspecified[16];

	return memcmp(address, unspecified, sizeof(unspecified)) == 0;
}

/** Is it the address of one host, as a source must be? Not multicast, unspecified or loopback (RFC
 * 4291, 2.5). */
static inline bool
nsh_ipv6_is_host(const uint8_t address[16])
{
	static const uint8_t loopback[16] = {[15] = 1};

	return !nsh_ipv6_is_multicast(address) && !nsh_ipv6_is_unspecified(address) &&
	       memcmp(address, loopback, sizeof(loopback)) != 0;
}

#endif
