/*
 * Frames of every transport, written byte by byte from the RFCs and not by the code under test. Included by
 * the tests of the outer headers in this folder.
 */
#ifndef TEST_NSH_OUTER_FRAMES_H
#define TEST_NSH_OUTER_FRAMES_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "outer.h"

#define FRAME_ROOM   2048
#define PAYLOAD_SIZE 88 /* an NSH header of 24 bytes and 64 behind it */
#define NSH_PORT     6633
#define VNI          UINT32_C(0xABCDEF)
#define SRC_PORT     50000
#define TOS          0xB9

/* What a frame looks like. */
struct shape {
	enum outer_transport transport;
	enum nsh_family family;
	bool inner_ethernet; /* Geneve and GPE */
	bool checksum;       /* UDP */
	uint8_t tags;
	uint8_t ip_words;   /* IPv4: words of options */
	uint8_t ext;        /* IPv6: 0-4 extension headers, see below */
	uint8_t opt_words;  /* Geneve: words of options, in options of 1 and 2 words */
	uint16_t gre_flags; /* GRE: C, K, S */
	uint8_t pad;        /* Ethernet padding behind */
};

/* A frame, and where its parts stand. */
struct frame {
	uint8_t bytes[FRAME_ROOM];
	size_t size;
	size_t ip_at, l4_at, tunnel_at, nsh_at;
};

static const uint8_t frame_dmac[6] = {2, 0, 0, 0, 0x0B, 1};
static const uint8_t frame_smac[6] = {2, 0, 0, 0, 0x0A, 1};
static const uint8_t frame_src4[4] = {10, 99, 0, 1};
static const uint8_t frame_dst4[4] = {10, 99, 0, 2};
static const uint8_t frame_src6[16] = {0xFD, 0, 0, 0x99, [15] = 1};
static const uint8_t frame_dst6[16] = {0xFD, 0, 0, 0x99, [15] = 2};

static inline void
put(struct frame *f, const void *bytes, size_t size)
{
	memcpy(f->bytes + f->size, bytes, size);
	f->size += size;
}

static inline void
put16(struct frame *f, uint16_t value)
{
	put(f, (const uint8_t[]){(uint8_t)(value >> 8), (uint8_t)value}, 2);
}

static inline void
put32(struct frame *f, uint32_t value)
{
	put16(f, (uint16_t)(value >> 16));
	put16(f, (uint16_t)value);
}

static inline void
set16(uint8_t *at, size_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* RFC 1071, 1, word by word; folded, host order. */
static inline uint16_t
slow_sum(const uint8_t *data, size_t size, uint32_t sum)
{
	for (size_t i = 0; i < size; i++)
		sum += i % 2 == 0 ? (uint32_t)data[i] << 8 : data[i];
	while (sum >> 16)
		sum = (sum & 0xFFFF) + (sum >> 16);
	return (uint16_t)sum;
}

/* Sum of the pseudo header of a packet whose addresses stand where those of an IP header without extension
 * headers do; RFC 768 and RFC 8200, 8.1. */
static inline uint16_t
slow_pseudo(const uint8_t *ip, uint8_t protocol, size_t size)
{
	bool v4 = ip[0] >> 4 == 4;

	return slow_sum(ip + (v4 ? 12 : 8), v4 ? 8 : 32, protocol + (uint32_t)size);
}

static inline void
fix_ip_checksum(uint8_t *ip)
{
	size_t ihl = (size_t)(ip[0] & 0xF) * 4;

	if (ip[0] >> 4 != 4 || ihl < 20)
		return;
	set16(ip + 10, 0);
	set16(ip + 10, (uint16_t)~slow_sum(ip, ihl, 0));
}

static inline void
fix_udp_checksum(struct frame *f)
{
	uint8_t *udp = f->bytes + f->l4_at;
	size_t size = (size_t)udp[4] << 8 | udp[5];
	uint16_t checksum;

	set16(udp + 6, 0);
	checksum = (uint16_t)~slow_sum(udp, size, slow_pseudo(f->bytes + f->ip_at, 17, size));
	set16(udp + 6, checksum == 0 ? 0xFFFF : checksum);
}

static inline void
put_ext(struct frame *f, unsigned int count)
{
	/* Hop-by-Hop with PadN and Pad1, Destination Options with an unknown option that may be skipped,
	 * Routing with no segment left, an atomic Fragment. */
	static const uint8_t ext[4][16] = {{0, 0, 1, 3, 0, 0, 0, 0}, {0, 1, 0x1E, 2, 9, 9, 1, 8},
		{0, 0, 4, 0, 0, 0, 0, 0}, {0, 0, 0, 0, 1, 2, 3, 4}};
	static const uint8_t sizes[] = {8, 16, 8, 8};

	for (unsigned int i = 0; i < count; i++)
		put(f, ext[i], sizes[i]);
}

static inline void
put_ip(struct frame *f, const struct shape *s)
{
	/* Which protocol number announces which of put_ext(). */
	static const uint8_t ext[] = {0, 60, 43, 44};
	uint8_t protocol = s->transport == OUTER_GRE ? 47 : 17;

	f->ip_at = f->size;
	if (s->family == NSH_IPV4) {
		put(f,
			(const uint8_t[]){
				(uint8_t)(0x45 + s->ip_words), TOS, 0, 0, 0, 0, 0x40, 0, 64, protocol, 0, 0},
			12);
		put(f, frame_src4, 4);
		put(f, frame_dst4, 4);
		for (unsigned int i = 0; i < s->ip_words; i++)
			put32(f, 0x01010101); /* No Operation; RFC 791, 3.1 */
		return;
	}
	put32(f, UINT32_C(6) << 28 | TOS << 20 | SRC_PORT);
	put(f, (const uint8_t[]){0, 0, s->ext > 0 ? ext[0] : protocol, 64}, 4);
	put(f, frame_src6, 16);
	put(f, frame_dst6, 16);
	put_ext(f, s->ext);
	for (size_t i = 0, at = f->ip_at + 40; i < s->ext; at += 8 + (size_t)f->bytes[at + 1] * 8, i++)
		f->bytes[at] = i + 1 < s->ext ? ext[i + 1] : protocol;
}

static inline void
put_tunnel(struct frame *f, const struct shape *s)
{
	static const uint16_t ports[OUTER_TRANSPORTS] = {[OUTER_VXLAN_GPE] = 4790,
		[OUTER_VXLAN] = 4789,
		[OUTER_GENEVE] = 6081,
		[OUTER_UDP] = NSH_PORT};

	f->l4_at = f->size;
	if (s->transport != OUTER_GRE && s->transport != OUTER_ETHERNET) {
		put16(f, SRC_PORT);
		put16(f, ports[s->transport]);
		put32(f, 0);
	}
	f->tunnel_at = f->size;
	switch (s->transport) {
	case OUTER_VXLAN_GPE:
		put32(f, s->inner_ethernet ? 0x0C000003 : 0x0C000004);
		put32(f, VNI << 8);
		break;
	case OUTER_VXLAN:
		put32(f, 0x08000000);
		put32(f, VNI << 8);
		break;
	case OUTER_GENEVE:
		put32(f, (uint32_t)s->opt_words << 24 | (s->inner_ethernet ? 0x6558 : 0x894F));
		put32(f, VNI << 8);
		for (unsigned int left = s->opt_words; left > 0; left -= left > 1 ? 2 : 1) {
			put32(f, left > 1 ? 0xFFFF7F01 : 0xFFFF0100);
			if (left > 1)
				put32(f, 0xDEADBEEF);
		}
		break;
	case OUTER_GRE:
		put16(f, s->gre_flags);
		put16(f, 0x894F);
		if (s->gre_flags & 0x8000)
			put32(f, 0);
		if (s->gre_flags & 0x2000)
			put32(f, 0x12345678);
		if (s->gre_flags & 0x1000)
			put32(f, 1);
		break;
	default:
		break;
	}
	if (s->inner_ethernet || s->transport == OUTER_VXLAN) {
		put(f, (const uint8_t[]){2, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 0x89, 0x4F}, 14);
	}
}

static inline void
frame_make(struct frame *f, const struct shape *s)
{
	memset(f, 0, sizeof(*f));
	put(f, frame_dmac, 6);
	put(f, frame_smac, 6);
	for (unsigned int i = 0; i < s->tags; i++)
		put32(f, i + 1 < s->tags ? 0x88A80005 : 0x81002006);
	put16(f, s->family == NSH_IPV4 ? 0x0800 : s->family == NSH_IPV6 ? 0x86DD : 0x894F);
	f->ip_at = f->size;
	if (s->family != NSH_NO_IP)
		put_ip(f, s);
	put_tunnel(f, s);
	f->nsh_at = f->size;
	put32(f, 0x0FC60103); /* MD Type 1, TTL 63 */
	put32(f, 0x000064FF);
	for (unsigned int i = 8; i < PAYLOAD_SIZE; i++)
		f->bytes[f->size++] = (uint8_t)(i * 37 + 11);
	/* Lengths and checksums, inside out. */
	if (s->transport == OUTER_GRE && (s->gre_flags & 0x8000))
		set16(f->bytes + f->l4_at + 4,
			(uint16_t)~slow_sum(f->bytes + f->l4_at, f->size - f->l4_at, 0));
	if (f->tunnel_at > f->l4_at)
		set16(f->bytes + f->l4_at + 4, f->size - f->l4_at);
	if (s->checksum)
		fix_udp_checksum(f);
	if (s->family == NSH_IPV4)
		set16(f->bytes + f->ip_at + 2, f->size - f->ip_at);
	if (s->family == NSH_IPV6)
		set16(f->bytes + f->ip_at + 4, f->size - f->ip_at - 40);
	fix_ip_checksum(f->bytes + f->ip_at);
	f->size += s->pad;
}

#endif
