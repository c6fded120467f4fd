/*
 * The outer headers of a frame that carries NSH: VXLAN-GPE, VXLAN, Geneve, GRE, NSH in UDP, each over IPv4
 * and IPv6, and Ethernet alone. outer_parse() on entry; sending is in outer_push.h.
 *
 * Included by the SFF's transport stages. What we send ourselves most, VXLAN-GPE over IPv4 without VLAN tag,
 * IPv4 options and UDP checksum, has a fixed-offset path here.
 */
#ifndef OUTER_H
#define OUTER_H

#include "eth.h"
#include "geneve.h"
#include "gre.h"
#include "nsh_hdr.h"
#include "nsh_ipv6.h"
#include "vxlan.h"

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

/** outer_parse() for every shape of frame; the same arguments, verdicts and results. */
enum outer_verdict outer_parse_any(const struct outer_accept *accept, const void *frame, size_t avail,
	size_t frame_size, struct outer_info *info);

/**
 * Is a frame of the fixed-offset shape, accepted, and nothing wrong with it? Then all about it can be read
 * from struct outer_gpe4; payload is what UDP says, behind OUTER_GPE4_SIZE bytes. What is not may still be
 * right: outer_parse_any() tells.
 */
static inline bool
outer_is_gpe4(const struct outer_accept *accept, const void *frame, size_t avail, size_t frame_size)
{
	const struct outer_gpe4 *o = (const struct outer_gpe4 *)frame;
	uint32_t type_version, fragment_protocol, odd;
	int64_t ip_size, udp_size, room;

	if (__builtin_expect(avail < OUTER_GPE4_SIZE || frame_size < OUTER_GPE4_SIZE, 0))
		return false;

	/* All checks in one word, tested once: whatever is unusual or wrong takes the general way. Fields
	 * that stand side by side are read together: EtherType, version and IHL; fragment, TTL and protocol.
	 */
	memcpy(&type_version, &o->eth.type, sizeof(type_version));
	memcpy(&fragment_protocol, &o->ip.fragment, sizeof(fragment_protocol));
	ip_size = rte_be_to_cpu_16(o->ip.total_size);
	udp_size = rte_be_to_cpu_16(o->udp.size);
	odd = ~accept->transports & OUTER_BIT(OUTER_VXLAN_GPE);
	odd |= (type_version ^ RTE_BE32(ETH_IPV4 << 16 | NSH_IPV4_VERSION_IHL << 8)) & RTE_BE32(0xFFFFFF00);
	odd |= (fragment_protocol ^ RTE_BE32(NSH_IPPROTO_UDP)) &
	       RTE_BE32(NSH_IPV4_FRAGMENT_MASK << 16 | 0xFF);
	odd |= nsh_sum(&o->ip, NSH_IPV4_SIZE) ^ UINT16_MAX;
	odd |= o->udp.dst_port ^ RTE_BE16(VXLAN_GPE_PORT);
	odd |= o->udp.checksum;
	odd |= (o->gpe.flags_np & RTE_BE32(VXLAN_GPE_VERSION_MASK | VXLAN_I | VXLAN_GPE_P | VXLAN_GPE_O |
					   VXLAN_GPE_NP_MASK)) ^
	       RTE_BE32(VXLAN_I | VXLAN_GPE_P | NSH_NP_NSH);
	/* No room is negative when each length fits into the one around it. */
	room = (int64_t)frame_size - ETH_HDR_SIZE - ip_size;
	room |= ip_size - NSH_IPV4_SIZE - udp_size;
	room |= udp_size - NSH_UDP_SIZE - VXLAN_HDR_SIZE;
	return odd == 0 && room >= 0;
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
static inline enum outer_verdict
outer_parse(const struct outer_accept *accept, const void *frame, size_t avail, size_t frame_size,
	struct outer_info *info)
{
	const struct outer_gpe4 *o = (const struct outer_gpe4 *)frame;

	if (__builtin_expect(!outer_is_gpe4(accept, frame, avail, frame_size), 0))
		return outer_parse_any(accept, frame, avail, frame_size, info);

	info->src = nsh_addr_of4(o->ip.src);
	info->dst = nsh_addr_of4(o->ip.dst);
	info->vni = rte_be_to_cpu_32(o->gpe.vni) >> 8;
	info->payload_size = rte_be_to_cpu_16(o->udp.size) - (uint32_t)(NSH_UDP_SIZE + VXLAN_HDR_SIZE);
	info->check_size = 0;
	info->size = OUTER_GPE4_SIZE;
	info->src_port = rte_be_to_cpu_16(o->udp.src_port);
	memcpy(info->dmac, o->eth.dmac, ETH_MAC_SIZE);
	memcpy(info->smac, o->eth.smac, ETH_MAC_SIZE);
	info->tags = 0;
	info->transport = OUTER_VXLAN_GPE;
	info->family = NSH_IPV4;
	info->has_vni = true;
	info->inner_ethernet = false;
	info->tos = o->ip.tos;
	return OUTER_OK;
}

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
