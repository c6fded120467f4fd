/*
 * VXLAN-GPE over UDP over IPv4 over Ethernet (draft-ietf-nvo3-vxlan-gpe), the transport between SFFs.
 *
 * Included by the SFF's transport stages: vxlan_gpe_parse() on entry, vxlan_gpe_push() on exit. Both have a
 * fixed-offset path for what we send ourselves: no VLAN tag, no IPv4 options, NSH inside.
 */
#ifndef VXLAN_GPE_H
#define VXLAN_GPE_H

#include "eth.h"
#include "nsh_hdr.h"
#include "nsh_ip.h"

#define VXLAN_GPE_PORT         4790 /* IANA "Service Name and Transport Protocol Port Number" */
#define VXLAN_GPE_HDR_SIZE     8    /* draft-ietf-nvo3-vxlan-gpe, 3 */
#define VXLAN_GPE_OUTER_SIZE   50   /* Ethernet 14 + IPv4 20 + UDP 8 + GPE 8, no VLAN */
#define VXLAN_GPE_VNI_MAX      0xFFFFFF
#define VXLAN_GPE_PAYLOAD_MAX  (UINT16_MAX - NSH_IPV4_SIZE - NSH_UDP_SIZE - VXLAN_GPE_HDR_SIZE)
#define VXLAN_GPE_SRC_PORT_MIN 49152 /* start of the dynamic ports; RFC 7348, 5 and RFC 6335, 6 */

/* The first word of the header in host order; draft-ietf-nvo3-vxlan-gpe, 3. Other bits are reserved. */
#define VXLAN_GPE_VERSION_MASK UINT32_C(0x30000000)
#define VXLAN_GPE_I            UINT32_C(0x08000000) /* the VNI is valid */
#define VXLAN_GPE_P            UINT32_C(0x04000000) /* Next Protocol is valid */
#define VXLAN_GPE_O            UINT32_C(0x01000000) /* OAM of the tunnel, not of NSH */
#define VXLAN_GPE_NP_MASK      UINT32_C(0x000000FF)

/** VXLAN-GPE header as on the wire; alignment 1. */
struct vxlan_gpe_hdr {
	rte_be32_t flags_np; /* R R Ver 2 I P B O, reserved 16, Next Protocol 8 */
	rte_be32_t vni;      /* VNI 24, reserved 8 */
} __attribute__((packed, may_alias));

/** All outer headers of a frame without VLAN tag and IPv4 options. */
struct vxlan_gpe_outer {
	struct eth_hdr eth;
	struct nsh_ipv4_hdr ip;
	struct nsh_udp_hdr udp;
	struct vxlan_gpe_hdr gpe;
} __attribute__((packed, may_alias));

static_assert(sizeof(struct vxlan_gpe_hdr) == VXLAN_GPE_HDR_SIZE, "draft-ietf-nvo3-vxlan-gpe, 3");
static_assert(sizeof(struct vxlan_gpe_outer) == VXLAN_GPE_OUTER_SIZE, "wire layout");
static_assert(_Alignof(struct vxlan_gpe_outer) == 1, "headers may stand at any address");

/** Why a frame is refused, in the order of the checks; each but NOT_OURS is a drop counter. */
enum vxlan_gpe_verdict {
	VXLAN_GPE_OK,
	VXLAN_GPE_NOT_OURS,    /* not IPv4, not UDP or not to port 4790: not this transport */
	VXLAN_GPE_TRUNCATED,   /* a header is cut off, or reaches beyond the contiguous bytes */
	VXLAN_GPE_IP_HEADER,   /* version, header length or total length */
	VXLAN_GPE_IP_CHECKSUM, /* of the IPv4 header */
	VXLAN_GPE_FRAGMENT,    /* of a UDP packet; to which port only the first one tells */
	VXLAN_GPE_UDP_LENGTH,  /* below the UDP and GPE headers, or beyond the IPv4 packet */
	VXLAN_GPE_VERSION,     /* Ver is not 0 */
	VXLAN_GPE_FLAGS,       /* the I bit is 0 */
	VXLAN_GPE_OAM,         /* the O bit is 1 */
	VXLAN_GPE_NEXT_PROTO,  /* P is 1 and Next Protocol not 1-5 */
};

/** What the outer headers say; host order. Written only with VXLAN_GPE_OK. */
struct vxlan_gpe_info {
	uint32_t src;          /* IPv4 source */
	uint32_t dst;          /* IPv4 destination */
	uint32_t vni;          /* 24 bits */
	uint16_t src_port;     /* UDP */
	uint16_t udp_checksum; /* as received; 0 = none. Not verified here: it covers the whole payload */
	uint16_t size;         /* bytes to strip: Ethernet, 0-2 VLAN tags, IPv4 with options, UDP, GPE */
	uint16_t payload_size; /* by UDP length, so Ethernet padding is outside; size + this <= frame */
	uint8_t dmac[ETH_MAC_SIZE];
	uint8_t next_proto;       /* enum nsh_np, 1-5; NSH_NP_ETHERNET also when P is 0 */
	uint8_t tos;              /* DSCP and ECN */
	bool payload_is_ethernet; /* P is 0 (plain VXLAN), or Next Protocol says so */
};

/** vxlan_gpe_parse() for every shape of frame; the same arguments, verdicts and results. */
enum vxlan_gpe_verdict vxlan_gpe_parse_any(
	const void *frame, size_t avail, size_t frame_size, struct vxlan_gpe_info *info);

/**
 * Check the outer headers of a received frame and read their fields. Writes nothing to the frame.
 *
 * Source: RFC 791, RFC 768, RFC 7348 5, draft-ietf-nvo3-vxlan-gpe. A UDP checksum of 0 is accepted; another
 * one is reported for the caller to verify. Reserved bits and the B bit are ignored.
 *
 * @param frame       first byte of the Ethernet header, any alignment.
 * @param avail       contiguous readable bytes of frame; none beyond is read.
 * @param frame_size  bytes of the whole frame, all segments.
 * Thread: any.
 */
static inline enum vxlan_gpe_verdict
vxlan_gpe_parse(const void *frame, size_t avail, size_t frame_size, struct vxlan_gpe_info *info)
{
	const struct vxlan_gpe_outer *o = (const struct vxlan_gpe_outer *)frame;
	uint32_t ip_size, udp_size;
	bool plain;

	if (__builtin_expect(avail < VXLAN_GPE_OUTER_SIZE || frame_size < VXLAN_GPE_OUTER_SIZE, 0))
		return vxlan_gpe_parse_any(frame, avail, frame_size, info);

	/* All checks in one word, tested once: whatever is unusual or wrong takes the general way. */
	ip_size = rte_be_to_cpu_16(o->ip.total_size);
	udp_size = rte_be_to_cpu_16(o->udp.size);
	plain = o->eth.type == RTE_BE16(ETH_IPV4);
	plain &= o->ip.version_ihl == NSH_IPV4_VERSION_IHL;
	plain &= o->ip.protocol == NSH_IPPROTO_UDP;
	plain &= (o->ip.fragment & RTE_BE16(NSH_IPV4_FRAGMENT_MASK)) == 0;
	plain &= nsh_sum(&o->ip, NSH_IPV4_SIZE) == UINT16_MAX;
	plain &= ip_size <= frame_size - ETH_HDR_SIZE;
	plain &= o->udp.dst_port == RTE_BE16(VXLAN_GPE_PORT);
	plain &= udp_size + NSH_IPV4_SIZE <= ip_size;
	plain &= udp_size >= NSH_UDP_SIZE + VXLAN_GPE_HDR_SIZE;
	plain &= (o->gpe.flags_np & RTE_BE32(VXLAN_GPE_VERSION_MASK | VXLAN_GPE_I | VXLAN_GPE_P |
					     VXLAN_GPE_O | VXLAN_GPE_NP_MASK)) ==
	         RTE_BE32(VXLAN_GPE_I | VXLAN_GPE_P | NSH_NP_NSH);
	if (__builtin_expect(!plain, 0))
		return vxlan_gpe_parse_any(frame, avail, frame_size, info);

	info->src = rte_be_to_cpu_32(o->ip.src);
	info->dst = rte_be_to_cpu_32(o->ip.dst);
	info->vni = rte_be_to_cpu_32(o->gpe.vni) >> 8;
	info->src_port = rte_be_to_cpu_16(o->udp.src_port);
	info->udp_checksum = rte_be_to_cpu_16(o->udp.checksum);
	info->size = VXLAN_GPE_OUTER_SIZE;
	info->payload_size = (uint16_t)(udp_size - NSH_UDP_SIZE - VXLAN_GPE_HDR_SIZE);
	memcpy(info->dmac, o->eth.dmac, ETH_MAC_SIZE);
	info->next_proto = NSH_NP_NSH;
	info->tos = o->ip.tos;
	info->payload_is_ethernet = false;
	return VXLAN_GPE_OK;
}

/** The name of a verdict as counters and messages print it, for example "gpe-version". Static storage. */
const char *vxlan_gpe_verdict_name(enum vxlan_gpe_verdict verdict);

/** The outer headers towards one next hop, all but what changes per packet. */
struct vxlan_gpe_template {
	uint8_t bytes[64];        /* the first VXLAN_GPE_OUTER_SIZE are used; one cache line where aligned */
	uint16_t ip_csum_partial; /* sum of the IPv4 header without tos, total size and id; host order */
};

/**
 * Fill a template: flags I and P, Next Protocol NSH, DF set, UDP checksum 0 (RFC 7348, 5).
 *
 * @param src  IPv4 source, host order; dst likewise.
 * @param vni  24 bits.
 * @param ttl  IPv4 TTL of the tunnel.
 */
void vxlan_gpe_template_init(struct vxlan_gpe_template *t, const uint8_t dmac[ETH_MAC_SIZE],
	const uint8_t smac[ETH_MAC_SIZE], uint32_t src, uint32_t dst, uint32_t vni, uint8_t ttl);

/** UDP source port for a hash of the inner flow: 49152-65535, stable per flow (RFC 7348, 5). */
static inline uint16_t
vxlan_gpe_src_port(uint32_t flow_hash)
{
	return (uint16_t)(VXLAN_GPE_SRC_PORT_MIN | (flow_hash & (UINT16_MAX - VXLAN_GPE_SRC_PORT_MIN)));
}

/**
 * Write the outer headers of one packet.
 *
 * @param dst           VXLAN_GPE_OUTER_SIZE writable bytes in front of the NSH header, any alignment.
 * @param payload_size  NSH header and all behind it; at most VXLAN_GPE_PAYLOAD_MAX.
 * @param src_port      UDP source port, from vxlan_gpe_src_port() or kept from a received frame.
 * @param tos           DSCP and ECN of the tunnel (RFC 6040).
 * Thread: any; the template is only read.
 */
static inline void
vxlan_gpe_push(void *dst, const struct vxlan_gpe_template *t, uint16_t payload_size, uint16_t src_port,
	uint16_t ip_id, uint8_t tos)
{
	struct vxlan_gpe_outer *o = (struct vxlan_gpe_outer *)dst;
	uint16_t udp_size = (uint16_t)(payload_size + NSH_UDP_SIZE + VXLAN_GPE_HDR_SIZE);
	uint16_t ip_size = (uint16_t)(udp_size + NSH_IPV4_SIZE);
	uint32_t sum = (uint32_t)t->ip_csum_partial + tos + ip_size + ip_id;

	sum = (sum & UINT16_MAX) + (sum >> 16);
	sum = (sum & UINT16_MAX) + (sum >> 16);
	memcpy(dst, t->bytes, VXLAN_GPE_OUTER_SIZE);
	o->ip.tos = tos;
	o->ip.total_size = rte_cpu_to_be_16(ip_size);
	o->ip.id = rte_cpu_to_be_16(ip_id);
	o->ip.checksum = rte_cpu_to_be_16((uint16_t)~sum);
	o->udp.src_port = rte_cpu_to_be_16(src_port);
	o->udp.size = rte_cpu_to_be_16(udp_size);
}

/**
 * The UDP checksum a contiguous frame must carry (RFC 768): never 0, that means "none".
 *
 * @param size  bytes of frame, all readable.
 * @return      host order; 0 = vxlan_gpe_parse() refuses the frame.
 */
uint16_t vxlan_gpe_udp_checksum(const void *frame, size_t size);

#endif
