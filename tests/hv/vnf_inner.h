/**
 * Inner packets for the tests of hv/vnf/: built field by field, sizes returned.
 */
#ifndef VNF_INNER_H
#define VNF_INNER_H

#include <string.h>

#include <arpa/inet.h>

/* What a test packet has. Text addresses choose IPv4 or IPv6; NULL source: no IP at all. */
struct inner {
	const char *src, *dst;
	uint8_t proto;
	uint16_t sport, dport;
	uint8_t tags;             /* VLAN tags */
	uint16_t fragment_offset; /* in bytes */
	uint8_t extensions;       /* IPv6: hop-by-hop, routing, destination options, AH, as many of them */
	uint16_t ether_type;      /* without IP */
	uint8_t l4_size;          /* bytes behind the IP header; 0: 20 */
};

static inline uint32_t
inner_put16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
	return 2;
}

/** The IP packet alone. @return its size. */
static inline uint32_t
inner_ip(uint8_t *at, const struct inner *in)
{
	static const uint8_t extension[] = {0, 43, 60, 51}, words[] = {2, 2, 2, 3};
	uint8_t l4 = in->l4_size ? in->l4_size : 20;
	uint32_t size;

	memset(at, 0, 256);
	if (inet_pton(AF_INET, in->src, at + 12) == 1) {
		at[0] = 0x45;
		inner_put16(at + 2, (uint16_t)(20 + l4));
		inner_put16(at + 6, in->fragment_offset / 8);
		at[8] = 64;
		at[9] = in->proto;
		inet_pton(AF_INET, in->dst, at + 16);
		size = 20;
	} else {
		uint8_t *next = at + 6;

		at[0] = 0x60;
		inet_pton(AF_INET6, in->src, at + 8);
		inet_pton(AF_INET6, in->dst, at + 24);
		size = 40;
		for (unsigned i = 0; i < in->extensions; i++) {
			*next = extension[i % 4];
			next = at + size;
			/* All count 8 bytes beyond the first 8, but AH 4 beyond the first 8 (RFC 4302, 2.2).
			 */
			next[1] = extension[i % 4] == 51 ? words[i % 4] - 2 : words[i % 4] / 2 - 1;
			size += words[i % 4] * 4u;
		}
		if (in->fragment_offset) {
			*next = 44;
			next = at + size;
			inner_put16(at + size + 2, in->fragment_offset);
			size += 8;
		}
		*next = in->proto;
		inner_put16(at + 4, (uint16_t)(size - 40 + l4));
	}
	if (l4 >= 4) {
		inner_put16(at + size, in->sport);
		inner_put16(at + size + 2, in->dport);
	}
	return size + l4;
}

/** The Ethernet frame. @return its size. */
static inline uint32_t
inner_ether(uint8_t *at, const struct inner *in)
{
	uint32_t size = 12;

	memset(at, 0x02, 12);
	for (unsigned i = 0; i < in->tags; i++) {
		size += inner_put16(at + size, i + 1 < in->tags ? 0x88a8 : 0x8100);
		size += inner_put16(at + size, (uint16_t)(100 + i));
	}
	if (!in->src) {
		size += inner_put16(at + size, in->ether_type);
		memset(at + size, 0, 46);
		return size + 46;
	}
	size += inner_put16(at + size, strchr(in->src, ':') ? 0x86dd : 0x0800);
	return size + inner_ip(at + size, in);
}

#endif
