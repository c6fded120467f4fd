#include "frames.h"

#include <string.h>

/* Where things stand in Ethernet, IPv4 (RFC 791), UDP (RFC 768), VXLAN-GPE, NSH (RFC 8300). */
#define IP_AT       FRAME_ETH
#define UDP_AT      (IP_AT + 20u)
#define GPE_AT      (UDP_AT + 8u)
#define PAYLOAD_AT  (UDP_AT + 8u) /* in the inner frame */
#define SEQUENCE_AT PAYLOAD_AT
#define FLOW_AT     (PAYLOAD_AT + 4u)
#define TAIL_AT     (PAYLOAD_AT + 8u)

#define PORT_GPE       4790u  /* IANA */
#define PORT_ENTROPY   49152u /* RFC 7348, 5 */
#define INNER_PROTOCOL 17u    /* UDP */

static void
put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void
put32(uint8_t *at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value);
}

static uint32_t
get16(const uint8_t *at)
{
	return (uint32_t)at[0] << 8 | at[1];
}

static uint32_t
get32(const uint8_t *at)
{
	return get16(at) << 16 | get16(at + 2);
}

uint16_t
frame_ip_sum(const uint8_t *ip)
{
	uint32_t sum = 0;

	for (unsigned int i = 0; i < 20; i += 2)
		sum += get16(ip + i);
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static void
put_eth(uint8_t *at, uint8_t to, uint8_t from, uint32_t type)
{
	const uint8_t macs[12] = {2, 0, 0, 0, 0, to, 2, 0, 0, 0, 0, from};

	memcpy(at, macs, sizeof(macs));
	put16(at + 12, type);
}

static void
put_ip(uint8_t *ip, uint32_t size, uint32_t src, uint32_t dst)
{
	memset(ip, 0, 20);
	ip[0] = 0x45;
	put16(ip + 2, size);
	put16(ip + 6, 0x4000); /* DF */
	ip[8] = 64;
	ip[9] = INNER_PROTOCOL;
	put32(ip + 12, src);
	put32(ip + 16, dst);
	put16(ip + 10, (uint16_t)~frame_ip_sum(ip));
}

/* The inner checksum is 0 in what flows change: nobody on the path looks at it. */
static void
put_inner(uint8_t *at)
{
	put_eth(at, 0x11, 0x22, 0x0800);
	put_ip(at + IP_AT, FRAME_INNER - FRAME_ETH, 0x0a000000, 0xc0000201);
	put16(at + IP_AT + 10, 0);
	put16(at + UDP_AT + 2, 9); /* discard, RFC 863 */
	put16(at + UDP_AT + 4, FRAME_INNER - UDP_AT);
	put16(at + UDP_AT + 6, 0);
	for (unsigned int i = TAIL_AT; i < FRAME_INNER; i++)
		at[i] = (uint8_t)(i * 7);
}

static void
put_nsh(uint8_t *at, uint8_t si, uint8_t ttl)
{
	put32(at, (uint32_t)ttl << 22 | 6u << 16 | 1u << 8 | 3u); /* 6 words, MD type 1, Ethernet */
	put32(at + 4, si);
	for (unsigned int i = 8; i < FRAME_NSH; i++)
		at[i] = (uint8_t)(0x80 + i);
}

void
frame_maker_init(struct frame_maker *maker, enum frame_kind kind, uint8_t si, uint8_t ttl, uint32_t src,
	uint32_t dst, uint32_t vni)
{
	uint8_t *at = maker->bytes;
	uint16_t outer = kind == FRAME_OF_TRANSPORT ? FRAME_OUTER : kind == FRAME_OF_SF ? FRAME_ETH : 0;

	memset(maker, 0, sizeof(*maker));
	maker->nsh_at = outer;
	maker->inner_at = kind == FRAME_OF_ACCESS ? 0 : (uint16_t)(outer + FRAME_NSH);
	maker->size = (uint16_t)(maker->inner_at + FRAME_INNER);
	put_inner(at + maker->inner_at);
	if (kind == FRAME_OF_ACCESS)
		return;
	put_nsh(at + outer, si, ttl);
	put_eth(at, 0x0a, 0x0b, kind == FRAME_OF_SF ? 0x894f : 0x0800);
	if (kind == FRAME_OF_SF)
		return;
	put_ip(at + IP_AT, FRAME_TRANSPORT - FRAME_ETH, src, dst);
	put16(at + UDP_AT + 2, PORT_GPE);
	put16(at + UDP_AT + 4, FRAME_TRANSPORT - UDP_AT);
	put32(at + GPE_AT, 0x0c000004); /* I, P, next protocol NSH */
	put32(at + GPE_AT + 4, vni << 8);
}

/* Outer lengths of a frame of `size` bytes in all, and the checksum that follows. */
static void
put_lengths(uint8_t *at, uint32_t size)
{
	put16(at + IP_AT + 2, size - FRAME_ETH);
	put16(at + IP_AT + 10, 0);
	put16(at + IP_AT + 10, (uint16_t)~frame_ip_sum(at + IP_AT));
	put16(at + UDP_AT + 4, size - UDP_AT);
}

void
frame_maker_md2(struct frame_maker *maker, unsigned int tlvs)
{
	uint8_t *nsh = maker->bytes + maker->nsh_at;
	uint16_t words = (uint16_t)(2 + 3 * tlvs), inner_at = (uint16_t)(maker->nsh_at + 4 * words);

	memmove(maker->bytes + inner_at, maker->bytes + maker->inner_at, FRAME_INNER);
	put32(nsh, (get32(nsh) & ~(0x3fu << 16 | 0xfu << 8)) | (uint32_t)words << 16 | 2u << 8);
	for (unsigned int i = 0; i < tlvs; i++) {
		uint8_t *tlv = nsh + 8 + 12 * i;

		put32(tlv, 0xfff60000u | i << 8 | 8); /* class for experiments (RFC 8300, 9.1.4); 8 bytes */
		memset(tlv + 4, (int)(0xa0 + i), 8);
	}
	maker->inner_at = inner_at;
	maker->size = (uint16_t)(inner_at + FRAME_INNER);
	put_lengths(maker->bytes, maker->size);
}

void
frame_maker_inner(struct frame_maker *maker, uint32_t size)
{
	put16(maker->bytes + maker->inner_at + IP_AT + 2, size - FRAME_ETH);
	put16(maker->bytes + maker->inner_at + UDP_AT + 4, size - UDP_AT);
	if (maker->nsh_at == FRAME_OUTER)
		put_lengths(maker->bytes, maker->inner_at + size);
}

static uint32_t
flow_source(uint32_t flow)
{
	return 0x0a000000u | (flow % FRAME_FLOW_PATHS) << 16 | (flow / FRAME_FLOW_PATHS & 0xffff);
}

void
frame_put(const struct frame_maker *maker, struct rte_mbuf *m, uint32_t spi, uint32_t flow, uint32_t sequence)
{
	uint8_t *at = (uint8_t *)m->buf_addr + RTE_PKTMBUF_HEADROOM;
	uint8_t *inner = at + maker->inner_at;

	m->data_off = RTE_PKTMBUF_HEADROOM;
	m->data_len = maker->size;
	m->pkt_len = maker->size;
	memcpy(at, maker->bytes, maker->size);
	put32(inner + IP_AT + 12, flow_source(flow));
	/* Bits above the 20 of the address are in the port, so that 4 M flows differ. */
	put16(inner + UDP_AT, 1024 + ((flow ^ flow >> 15) & 0x7fff));
	put32(inner + SEQUENCE_AT, sequence);
	put32(inner + FLOW_AT, flow);
	if (maker->inner_at == 0)
		return;
	at[maker->nsh_at + 4] = (uint8_t)(spi >> 16);
	put16(at + maker->nsh_at + 5, spi);
	if (maker->nsh_at == FRAME_OUTER)
		put16(at + UDP_AT, PORT_ENTROPY | (flow & 0x3fff));
}

const char *
frame_check(const struct rte_mbuf *m, const struct frame_expect *expect, uint32_t *flow, uint32_t *sequence)
{
	const uint8_t *at = rte_pktmbuf_mtod(m, const uint8_t *);
	const uint8_t *nsh = at + FRAME_OUTER, *inner = nsh + FRAME_NSH;
	struct frame_maker whole;

	if (m->nb_segs != 1 || m->pkt_len != FRAME_TRANSPORT || m->data_len != FRAME_TRANSPORT)
		return "size";
	*sequence = get32(inner + SEQUENCE_AT);
	*flow = get32(inner + FLOW_AT);
	if (get16(at + 12) != 0x0800 || at[IP_AT] != 0x45 || at[IP_AT + 9] != 17 ||
		get16(at + IP_AT + 2) != FRAME_TRANSPORT - FRAME_ETH)
		return "outer headers";
	if (frame_ip_sum(at + IP_AT) != 0xffff)
		return "outer checksum";
	if (get32(at + IP_AT + 12) != expect->src || get32(at + IP_AT + 16) != expect->dst)
		return "outer addresses";
	if (get16(at + UDP_AT) < PORT_ENTROPY || get16(at + UDP_AT + 2) != PORT_GPE ||
		get16(at + UDP_AT + 4) != FRAME_TRANSPORT - UDP_AT)
		return "UDP header";
	if (get32(at + GPE_AT) != 0x0c000004 || get32(at + GPE_AT + 4) != expect->vni << 8)
		return "VXLAN-GPE header";
	if ((get32(nsh) >> 22 & 0x3f) != expect->ttl)
		return "NSH TTL";
	if (nsh[7] != expect->si)
		return "NSH SI";
	if (get32(nsh + 4) >> 8 != expect->spi_base + *flow % expect->paths)
		return "NSH SPI";
	frame_maker_init(&whole, FRAME_OF_ACCESS, 0, 0, 0, 0, 0);
	if (get32(inner + IP_AT + 12) != flow_source(*flow) ||
		memcmp(inner + TAIL_AT, whole.bytes + TAIL_AT, FRAME_INNER - TAIL_AT) != 0 ||
		memcmp(inner, whole.bytes, IP_AT + 12) != 0 ||
		memcmp(inner + IP_AT + 16, whole.bytes + IP_AT + 16, 4) != 0)
		return "inner frame";
	return NULL;
}
