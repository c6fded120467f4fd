/*
 * The outer headers of a frame that carries NSH: VXLAN-GPE, VXLAN, Geneve, GRE, NSH in UDP, each over IPv4
 * and IPv6, and Ethernet alone. outer_parse() on entry; sending is in outer_push.h.
 *
 * Included by the SFF's transport stages. What we send ourselves most, VXLAN-GPE over IPv4 without VLAN tag,
 * IPv4 options and UDP checksum, is told at a glance: outer_is_gpe4().
 */
#ifndef OUTER_H
#define OUTER_H

#include "eth.h"
#include "geneve.h"
#include "gre.h"
#include "nsh_hdr.h"
#include "nsh_ipv6.h"
#include "vxlan.h"

#include <smmintrin.h>

/* The dynamic ports, from which tunnels take their source port; RFC 7348, 5 and RFC 6335, 6. */
#define OUTER_SRC_PORT_MIN 49152

/* The most bytes before NSH that a parse may read: Ethernet with 2 tags, IPv6 with all extension headers that
 * are walked, UDP, Geneve with 63 words of options, an inner Ethernet header. IPv4 with options is shorter.
 */
#define OUTER_SIZE_MAX                                                                                       \
	(ETH_HDR_SIZE + ETH_TAGS_MAX * ETH_TAG_SIZE + NSH_IPV6_SIZE +                                        \
		NSH_IPV6_EXT_COUNT_MAX * NSH_IPV6_EXT_SIZE_MAX + NSH_UDP_SIZE + GENEVE_HDR_SIZE + 63 * 4 +   \
		ETH_HDR_SIZE)

enum outer_transport {
	OUTER_ETHERNET,  /* EtherType 0x894F; RFC 8300, 10.1 */
	OUTER_VXLAN_GPE, /* Next Protocol NSH, or Ethernet with NSH as its type */
	OUTER_VXLAN,     /* Ethernet with NSH as its type */
	OUTER_GENEVE,    /* protocol NSH, or Ethernet with NSH as its type (what OVS sends) */
	OUTER_GRE,       /* protocol NSH */
	OUTER_UDP,       /* NSH right behind UDP, on a configured port */
	OUTER_TRANSPORTS
};

#define OUTER_BIT(transport) (UINT32_C(1) << (transport))

/** What a port accepts. */
struct outer_accept {
	uint32_t transports;   /* OUTER_BIT()s */
	uint16_t nsh_udp_port; /* of OUTER_UDP, host order; a port of another accepted transport stays that
	                          one's */
	bool zero_checksum6;   /* take IPv6 UDP without a checksum (RFC 6935, RFC 6936) */
};

/** Why a frame is refused, in the order of the checks; each but OK is a drop. */
enum outer_verdict {
	OUTER_OK,
	OUTER_NOT_OURS,        /* no transport that is accepted here */
	OUTER_TRUNCATED,       /* a header is cut off, or reaches beyond the contiguous bytes */
	OUTER_IP_HEADER,       /* version, lengths, IPv6 extension headers */
	OUTER_IP_CHECKSUM,     /* of the IPv4 header */
	OUTER_FRAGMENT,        /* of an IP packet; to which port only the first one tells */
	OUTER_UDP_LENGTH,      /* below the UDP and tunnel headers, or beyond the IP packet */
	OUTER_UDP_ZERO,        /* no UDP checksum over IPv6 */
	OUTER_GPE_VERSION,     /* Ver is not 0 */
	OUTER_GPE_FLAGS,       /* the I bit is 0 */
	OUTER_GPE_OAM,         /* the O bit is 1 */
	OUTER_GPE_PROTO,       /* neither Next Protocol nor the inner EtherType is NSH */
	OUTER_VXLAN_FLAGS,     /* the I bit is 0 */
	OUTER_GENEVE_VERSION,  /* Ver is not 0 */
	OUTER_GENEVE_OAM,      /* the O bit is 1 */
	OUTER_GENEVE_OPTIONS,  /* options reach beyond the packet, or beyond their length field */
	OUTER_GENEVE_CRITICAL, /* a critical option; we know none */
	OUTER_GRE_VERSION,     /* Ver is not 0 */
	OUTER_GRE_FLAGS,       /* a bit that must be 0 is not */
	OUTER_PROTO,           /* the payload of a VXLAN, Geneve or GRE tunnel is not NSH */
	OUTER_VERDICTS
};

/** What the outer headers say; host order where nothing else is said. Written only with OUTER_OK. */
struct outer_info {
	union nsh_addr src, dst;    /* 0 on Ethernet alone */
	uint32_t vni;               /* 24 bits; GRE: its Key, 32 bits. 0 when has_vni is not set */
	uint32_t payload_size;      /* from NSH on; size + this <= frame. Ethernet: padding is in it */
	uint32_t check_size;        /* bytes that a checksum to be verified covers; 0 = nothing to verify */
	uint16_t check_at;          /* with check_size: where they begin in the frame */
	uint16_t check_pseudo;      /* with check_size: sum of the pseudo header, memory order */
	uint16_t size;              /* bytes to strip: all before NSH */
	uint16_t src_port;          /* UDP; else 0 */
	uint8_t dmac[ETH_MAC_SIZE]; /* of the outermost Ethernet header */
	uint8_t smac[ETH_MAC_SIZE];
	uint16_t tci[ETH_TAGS_MAX]; /* outermost first; [0, tags) are set */
	uint8_t tags;
	uint8_t transport;   /* enum outer_transport */
	uint8_t family;      /* enum nsh_family */
	bool has_vni;        /* VXLAN-GPE, VXLAN, Geneve, and GRE with a Key */
	bool inner_ethernet; /* NSH was inside an Ethernet frame inside the tunnel */
	uint8_t tos;         /* DSCP and ECN of the IP header; 0 on Ethernet */
};

/** The fixed-offset shape. */
struct outer_gpe4 {
	struct eth_hdr eth;
	struct nsh_ipv4_hdr ip;
	struct nsh_udp_hdr udp;
	struct vxlan_hdr gpe;
} __attribute__((packed, may_alias));

#define OUTER_GPE4_SIZE 50 /* Ethernet 14 + IPv4 20 + UDP 8 + GPE 8 */

static_assert(sizeof(struct outer_gpe4) == OUTER_GPE4_SIZE, "wire layout");
static_assert(_Alignof(struct outer_gpe4) == 1, "headers may stand at any address");

/** What the headers of the fixed-offset shape are like on one port, from OUTER_GPE4_MATCH_AT to their end. */
struct outer_gpe4_match {
	__m128i want[3];
	__m128i mask[3]; /* bits that must be as wanted */
};

#define OUTER_GPE4_MATCH_AT 2

static_assert(OUTER_GPE4_SIZE - OUTER_GPE4_MATCH_AT == sizeof(((struct outer_gpe4_match *)0)->want),
	"whole vectors");

/** @param dst, vni  of our locator. Thread: control. */
void outer_gpe4_match_init(struct outer_gpe4_match *match, rte_be32_t dst, uint32_t vni);

/**
 * Is a frame of the fixed-offset shape, for this locator, without padding, and nothing wrong with it? Then
 * all about it can be read from struct outer_gpe4, and NSH and payload are all behind OUTER_GPE4_SIZE bytes.
 * What is not may still be right: outer_parse() tells. The source address is the caller's to judge, as
 * always.
 */
static inline bool
outer_is_gpe4(const struct outer_gpe4_match *match, const void *frame, size_t avail, size_t frame_size)
{
	const struct outer_gpe4 *o = (const struct outer_gpe4 *)frame;
	const __m128i *at = (const __m128i *)((const uint8_t *)frame + OUTER_GPE4_MATCH_AT);
	const uint8_t *ip = (const uint8_t *)frame + ETH_HDR_SIZE;
	__m128i differ;
	uint64_t sum;
	size_t odd;

	if (__builtin_expect(avail < OUTER_GPE4_SIZE || frame_size < OUTER_GPE4_SIZE, 0))
		return false;
	differ = (_mm_loadu_si128(&at[0]) ^ match->want[0]) & match->mask[0];
	differ |= (_mm_loadu_si128(&at[1]) ^ match->want[1]) & match->mask[1];
	differ |= (_mm_loadu_si128(&at[2]) ^ match->want[2]) & match->mask[2];
	odd = (frame_size - ETH_HDR_SIZE) ^ rte_be_to_cpu_16(o->ip.total_size);
	odd |= (frame_size - ETH_HDR_SIZE - NSH_IPV4_SIZE) ^ rte_be_to_cpu_16(o->udp.size);
	/* A ones' complement sum is 0xFFFF where the plain sum, not 0, is a multiple of that (RFC 1071, 2).
	 */
	sum = (uint64_t)nsh_load32(ip) + nsh_load32(ip + 4) + nsh_load32(ip + 8) + nsh_load32(ip + 12) +
	      nsh_load32(ip + 16);
	return odd == 0 && _mm_testz_si128(differ, differ) && sum % UINT16_MAX == 0;
}

/**
 * Check the outer headers of a received frame and read their fields. Writes nothing to the frame. Addresses,
 * VNI and VLAN are read, not judged; a UDP or GRE checksum is left to outer_check(), for it covers the
 * payload.
 *
 * Source: RFC 791, 768, 8200, 7348 5, 8926 3, 2784, 2890, 7676, draft-ietf-nvo3-vxlan-gpe. Reserved bits and
 * the B bit of GPE are ignored.
 *
 * @param frame       first byte of the Ethernet header, any alignment.
 * @param avail       contiguous readable bytes of frame; none beyond is read.
 * @param frame_size  bytes of the whole frame, all segments.
 * Thread: any.
 */
enum outer_verdict outer_parse(const struct outer_accept *accept, const void *frame, size_t avail,
	size_t frame_size, struct outer_info *info);

/**
 * Is the checksum right that a frame carries? RFC 768, RFC 8200 8.1, RFC 2784 2.4.
 *
 * @param sum  ones' complement sum of the frame's bytes [check_at, check_at + check_size), memory order,
 * folded: nsh_sum(), or rte_raw_cksum_mbuf() over segments. Not asked for when check_size is 0.
 */
static inline bool
outer_check_sum(const struct outer_info *info, uint16_t sum)
{
	return info->check_size == 0 || nsh_sum_fold((uint32_t)info->check_pseudo + sum) == UINT16_MAX;
}

/** outer_check_sum() of a frame that is contiguous: info->check_at + info->check_size readable bytes. */
bool outer_check(const void *frame, const struct outer_info *info);

/** The name of a verdict as messages print it, for example "gpe-version". Static storage. */
const char *outer_verdict_name(enum outer_verdict verdict);

/** The name of a transport as the configuration has it, for example "vxlan-gpe". Static storage. */
const char *outer_transport_name(enum outer_transport transport);

#endif
