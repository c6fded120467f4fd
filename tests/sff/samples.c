#include "samples.h"

#include "nsh_md2.h"
#include "peers.h"

enum around { PLAIN, GPE, SF, PEER };

/* What stands around an inner UDP frame. */
static const struct sample {
	const char *name;
	enum around around;
	enum fixture_port_index port;
	uint16_t dst_port; /* of the inner UDP */
	uint32_t spi;
	uint8_t si, ttl, np, md;
	uint8_t tlv;      /* MD2: bytes of value of one TLV */
	uint8_t options;  /* GPE: bytes of IPv4 options */
	uint8_t tags;     /* outermost VLAN tags */
	uint8_t checksum; /* GPE: 1 = with a UDP checksum */
	uint8_t peer;     /* PEER: whose */
} samples[SAMPLES] = {
	{"forwarded", PLAIN, LAN, 9999, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
	{"to a local SF", PLAIN, LAN, 1100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
	{"to another node", PLAIN, LAN, 1103, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
	{"to another node, MD2", PLAIN, LAN, 1104, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
	{"tagged twice", PLAIN, LAN, 1102, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0},
	{"dropped by rule", PLAIN, LAN, 53, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
	{"from a transport", GPE, CORE, 5000, 100, 255, 63, 3, 1, 0, 0, 0, 0, 0},
	{"from a transport, its end", GPE, CORE, 5000, 100, 254, 63, 3, 1, 0, 0, 0, 0, 0},
	{"transit", GPE, CORE, 5000, 105, 254, 2, 3, 1, 0, 0, 0, 0, 0},
	{"transit, TTL 0", GPE, CORE, 5000, 105, 254, 0, 1, 1, 0, 0, 0, 0, 0},
	{"transit, no payload", GPE, CORE, 5000, 105, 254, 9, 0, 1, 0, 0, 0, 0, 0},
	{"MD2 without TLV", GPE, CORE, 5000, 107, 254, 63, 3, 2, 0, 0, 0, 0, 0},
	{"MD2 with a TLV", GPE, CORE, 5000, 107, 255, 63, 3, 2, 13, 0, 0, 0, 0},
	{"MD2 with a long TLV", GPE, CORE, 5000, 106, 0, 63, 3, 2, 127, 0, 0, 0, 0},
	{"outer tag", GPE, CORE, 5000, 100, 255, 63, 3, 1, 0, 0, 1, 0, 0},
	{"outer options", GPE, CORE, 5000, 100, 255, 63, 3, 1, 0, 12, 0, 0, 0},
	{"UDP checksum", GPE, CORE, 5000, 100, 255, 63, 3, 1, 0, 0, 0, 1, 0},
	{"unknown path", GPE, CORE, 5000, 999, 255, 63, 3, 1, 0, 0, 0, 0, 0},
	{"balanced", GPE, CORE, 5000, 102, 255, 63, 3, 1, 0, 0, 0, 0, 0},
	{"from an SF, the end", SF, FW_1, 5000, 100, 254, 62, 3, 1, 0, 0, 0, 0, 0},
	{"from an SF, out", SF, FW_1, 5000, 105, 254, 62, 3, 1, 0, 0, 0, 0, 0},
	{"from an SF, on", SF, FW_1, 5000, 107, 254, 62, 3, 2, 9, 0, 0, 0, 0},
	{"from an SF, IPv6", SF, FW_1, 5000, 105, 254, 62, 2, 1, 0, 0, 0, 0, 0},
	{"from an SF, not its own", SF, IDS_1, 5000, 100, 254, 62, 3, 1, 0, 0, 0, 0, 0},
	{"VXLAN-GPE over IPv6", PEER, MIX, 5000, 100, 254, 63, 3, 1, 0, 0, 0, 0, 0},
	{"VXLAN over IPv4", PEER, MIX, 5000, 100, 255, 63, 3, 1, 0, 0, 0, 0, 1},
	{"VXLAN over IPv6", PEER, MIX, 5000, 105, 254, 63, 3, 2, 0, 0, 0, 0, 2},
	{"Geneve over IPv4", PEER, MIX, 5000, 100, 254, 63, 3, 2, 0, 0, 0, 0, 3},
	{"Geneve over IPv6", PEER, MIX, 5000, 130, 254, 63, 3, 1, 0, 0, 0, 0, 4},
	{"GRE over IPv4", PEER, MIX, 5000, 100, 254, 63, 3, 1, 0, 0, 0, 0, 5},
	{"GRE over IPv6", PEER, MIX, 5000, 134, 254, 63, 3, 1, 0, 0, 0, 0, 6},
	{"UDP over IPv4", PEER, MIX, 5000, 100, 254, 63, 3, 1, 0, 0, 0, 0, 7},
	{"UDP over IPv6", PEER, MIX, 5000, 141, 254, 63, 3, 1, 0, 0, 0, 0, 8},
	{"Ethernet", PEER, MIX, 5000, 100, 254, 63, 3, 1, 0, 0, 0, 0, 9},
	{"Ethernet with a tag", PEER, MIX, 5000, 139, 254, 63, 3, 2, 0, 0, 0, 0, 10},
	{"Ethernet with two tags", PEER, MIX, 5000, 100, 254, 63, 3, 1, 0, 0, 0, 0, 11},
	{"a packet to another node", PLAIN, YARD, 1222, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
	{"a packet at its end", GPE, CORE, 5000, 222, 254, 63, 1, 1, 0, 0, 0, 0, 0},
	{"a packet at its end by GRE", PEER, MIX, 5000, 222, 254, 63, 1, 2, 0, 0, 0, 0, 5},
};

static void
around_gpe(struct frame *f, const struct sample *s)
{
	uint8_t head[ETH_HDR_SIZE + NSH_IPV4_SIZE];

	frame_gpe(f, 50000);
	memcpy(head, f->bytes, sizeof(head));
	frame_pull(f, sizeof(head));
	frame_push(f, NULL, s->options);
	memset(f->bytes, 1, s->options); /* no operation */
	frame_push(f, head, sizeof(head));
	f->bytes[ETH_HDR_SIZE] = (uint8_t)(0x45 + s->options / 4);
	f->bytes[ETH_HDR_SIZE + 3] = (uint8_t)(f->bytes[ETH_HDR_SIZE + 3] + s->options);
	frame_fix_ip(f, ETH_HDR_SIZE);
	if (s->checksum) {
		const struct nsh_ipv4_hdr *ip = (const struct nsh_ipv4_hdr *)(f->bytes + ETH_HDR_SIZE);
		size_t at = ETH_HDR_SIZE + NSH_IPV4_SIZE + s->options, size = f->size - at;
		struct nsh_udp_hdr *udp = (struct nsh_udp_hdr *)(f->bytes + at);

		udp->checksum =
			nsh_sum_checksum(nsh_sum_pseudo4(ip->src, ip->dst, NSH_IPPROTO_UDP, (uint16_t)size) +
					 nsh_sum(udp, size));
	}
}

static void
around_peer(struct frame *f, unsigned int peer)
{
	struct outer_conf conf = peer_conf(peer);

	frame_wrap(f, &conf, 50000, 0);
}

enum fixture_port_index
sample_build(const struct fixture *f, unsigned int i, struct frame *frame, const char **name)
{
	const struct sample *s = &samples[i];
	uint8_t tlv[NSH_MD2_HDR_SIZE + NSH_MD2_LEN_MAX + 1], value[NSH_MD2_LEN_MAX], macs[12];

	memset(value, 0x42, sizeof(value));
	frame_udp(frame, (uint16_t)(4000 + i), s->dst_port, 20);
	if (s->around != PLAIN && s->np != NSH_NP_ETHERNET)
		frame_pull(frame, s->np == NSH_NP_NONE ? frame->size : ETH_HDR_SIZE);
	/* At its end a packet is for all hosts of the link: nobody has to be asked. */
	if (s->spi == 222) {
		memcpy(frame->bytes + 16, "\xe0\0\0\1", 4);
		frame_fix_ip(frame, 0);
	}
	if (s->md == NSH_MD1)
		frame_md1(frame, s->spi, s->si, s->ttl, s->np);
	else if (s->md == NSH_MD2)
		frame_md2(frame, s->spi, s->si, s->ttl, s->np, tlv,
			s->tlv == 0 ? 0 : nsh_md2_put(tlv, sizeof(tlv), 0x0200, 7, value, s->tlv));
	if (s->around == GPE)
		around_gpe(frame, s);
	else if (s->around == SF)
		fixture_wrap_sf(f, s->port, frame);
	else if (s->around == PEER)
		around_peer(frame, s->peer);
	for (unsigned int t = 0; t < s->tags; t++) {
		static const uint8_t tag[4] = {0x81, 0x00, 0x00, 0x07};

		memcpy(macs, frame->bytes, sizeof(macs));
		frame_pull(frame, sizeof(macs));
		frame_push(frame, tag, sizeof(tag));
		frame_push(frame, macs, sizeof(macs));
	}
	*name = s->name;
	return s->port;
}
