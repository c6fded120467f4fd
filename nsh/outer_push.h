/*
 * Send NSH over a transport: a template per next hop, made once by control, and outer_push() per packet.
 *
 * Included by the SFF's output stages and by control, which fills the templates.
 */
#ifndef OUTER_PUSH_H
#define OUTER_PUSH_H

#include "outer.h"

/* The longest headers we send: Ethernet with 2 tags 22, IPv6 40, UDP 8, Geneve or VXLAN 8, inner Ethernet 14.
 */
#define OUTER_PUSH_MAX 92

/** Whether a UDP checksum (GRE: the C bit) is sent. */
enum outer_checksum {
	OUTER_CHECKSUM_DEFAULT, /* none with GRE and with VXLAN-GPE and VXLAN over IPv4 (RFC 7348, 5), else
	                           yes */
	OUTER_CHECKSUM_OFF,     /* over IPv6 only where the receiver has opted in (RFC 6935, 5) */
	OUTER_CHECKSUM_ON,
};

struct outer_vlan {
	uint16_t type; /* ETH_VLAN or ETH_QINQ */
	uint16_t tci;  /* PCP, DEI and VID */
};

/** How to reach one next hop; host order where nothing else is said. */
struct outer_conf {
	enum outer_transport transport;
	enum nsh_family family; /* NSH_NO_IP with OUTER_ETHERNET and only there */
	uint8_t dmac[ETH_MAC_SIZE];
	uint8_t smac[ETH_MAC_SIZE];
	union nsh_addr src, dst;
	uint32_t vni;      /* 24 bits; GRE: the Key, 32 bits, when has_key is set */
	bool has_key;      /* GRE: send a Key (RFC 2890, 2.1) */
	uint16_t udp_port; /* OUTER_UDP: the port of the next hop */
	uint8_t ttl;       /* or hop limit of the tunnel */
	uint8_t tags;      /* VLAN tags, 0..ETH_TAGS_MAX, outermost first */
	struct outer_vlan tag[ETH_TAGS_MAX];
	enum outer_checksum checksum;
	bool inner_ethernet; /* Geneve: NSH inside an Ethernet frame, as OVS wants it. VXLAN always does that
	                      */
	uint8_t inner_dmac[ETH_MAC_SIZE];
	uint8_t inner_smac[ETH_MAC_SIZE];
};

/** What outer_push() fills in besides the bytes. */
enum outer_shape {
	OUTER_SHAPE_GPE4, /* struct outer_gpe4 without checksum: the fixed-offset path */
	OUTER_SHAPE_ETHERNET,
	OUTER_SHAPE_UDP,
	OUTER_SHAPE_GRE,
};

/** The outer headers towards one next hop, all but what changes per packet. Fields belong to outer_push.[ch].
 * With the shape GPE4 all that is read is the first 64 bytes. */
struct outer_template {
	uint16_t size;        /* bytes to push; the headroom that is needed */
	uint16_t payload_max; /* most bytes of payload that the length fields can tell */
	uint8_t shape;        /* enum outer_shape */
	uint8_t family;       /* enum nsh_family */
	uint8_t ip_at;        /* offset of the IP header; the one above it follows without options */
	bool needs_sum;       /* outer_push() must be given the sum of the payload */
	uint16_t ip_sum;      /* IPv4: sum of the header without tos and total size, memory order */
	uint16_t check_sum;   /* of what the checksum covers without what changes per packet, memory order */
	uint8_t bytes[OUTER_PUSH_MAX];
};

static_assert(offsetof(struct outer_template, bytes) + OUTER_GPE4_SIZE <= 64, "GPE4 in one cache line");

/**
 * Fill a template: version 0, no reserved bit, DF set over IPv4, no GRE field but those of the conf.
 *
 * @return  0, or -EINVAL when the conf does not fit together: transport and family, a VNI of more than 24
 *          bits, more than 2 tags or a tag that is none, no port for OUTER_UDP. Then t is not written.
 * Thread: control.
 */
int outer_template_init(struct outer_template *t, const struct outer_conf *conf);

/**
 * Entropy of a flow for outer_push(): the UDP source port, 49152-65535 (RFC 7348, 5), stable per flow. Geneve
 * could vary all 16 bits (RFC 8926, 3.3); with one range for all, a port kept from upstream fits every next
 * hop.
 */
static inline uint16_t
outer_entropy(uint32_t flow_hash)
{
	return (uint16_t)(OUTER_SRC_PORT_MIN | (flow_hash & (UINT16_MAX - OUTER_SRC_PORT_MIN)));
}

/** Entropy chosen upstream, to be kept (RFC 7348, 5); 0 = there is none, hash the flow. */
static inline uint16_t
outer_entropy_of(const struct outer_info *info)
{
	return info->src_port >= OUTER_SRC_PORT_MIN ? info->src_port : 0;
}

/** outer_push() for every shape but OUTER_SHAPE_GPE4; the same arguments. */
void outer_push_any(void *dst, const struct outer_template *t, uint32_t payload_size, uint16_t entropy,
	uint8_t tos, uint16_t payload_sum);

/** outer_push() for OUTER_SHAPE_GPE4 alone, which has no checksum of the payload. */
static inline void
outer_push_gpe4(
	void *dst, const struct outer_template *t, uint32_t payload_size, uint16_t entropy, uint8_t tos)
{
	struct outer_gpe4 *o = (struct outer_gpe4 *)dst;
	rte_be16_t udp_size, ip_size;
	uint32_t sum;

	udp_size = rte_cpu_to_be_16((uint16_t)(payload_size + NSH_UDP_SIZE + VXLAN_HDR_SIZE));
	ip_size = rte_cpu_to_be_16((uint16_t)(payload_size + NSH_IPV4_SIZE + NSH_UDP_SIZE + VXLAN_HDR_SIZE));
	sum = (uint32_t)t->ip_sum + rte_cpu_to_be_16(tos) + ip_size;
	sum = (sum & UINT16_MAX) + (sum >> 16);
	sum = (sum & UINT16_MAX) + (sum >> 16);
	memcpy(dst, t->bytes, OUTER_GPE4_SIZE);
	o->ip.tos = tos;
	o->ip.total_size = ip_size;
	o->ip.checksum = (uint16_t)~sum;
	o->udp.src_port = rte_cpu_to_be_16(entropy);
	o->udp.size = udp_size;
}

/**
 * Write the outer headers of one packet.
 *
 * @param dst           t->size writable bytes in front of the NSH header, any alignment; no other is written.
 * @param payload_size  NSH header and all behind it; at most t->payload_max.
 * @param entropy       from outer_entropy() or outer_entropy_of(): the UDP source port, and over IPv6 the
 * flow label (RFC 6438), which is what GRE has.
 * @param tos           DSCP and ECN of the tunnel (nsh_ecn.h).
 * @param payload_sum   with t->needs_sum: ones' complement sum of the payload, memory order: nsh_sum(), or
 *                      rte_raw_cksum_mbuf() over segments. Else not read.
 * Thread: any; the template is only read.
 */
static inline void
outer_push(void *dst, const struct outer_template *t, uint32_t payload_size, uint16_t entropy, uint8_t tos,
	uint16_t payload_sum)
{
	if (__builtin_expect(t->shape == OUTER_SHAPE_GPE4, 1))
		outer_push_gpe4(dst, t, payload_size, entropy, tos);
	else
		outer_push_any(dst, t, payload_size, entropy, tos, payload_sum);
}

#endif
