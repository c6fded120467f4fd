/*
 * Frames that an ICMP message may be about, or that are ICMP echo requests; written from the RFCs and not by
 * the code under test. Included by the tests of ICMP in this folder.
 */
#ifndef TEST_NSH_ICMP_FRAMES_H
#define TEST_NSH_ICMP_FRAMES_H

#include "outer_frames.h"

/* Ethernet with tags, IPv4 with DF or IPv6, then size bytes of protocol that begin with type and, for ICMP,
 * carry a right checksum. */
static inline void
make_packet(struct frame *f, enum nsh_family family, unsigned int tags, uint8_t protocol, uint8_t type,
	size_t size)
{
	uint8_t *l4;

	memset(f, 0, sizeof(*f));
	put(f, frame_dmac, 6);
	put(f, frame_smac, 6);
	for (unsigned int i = 0; i < tags; i++)
		put32(f, i + 1 < tags ? 0x88A80005 : 0x81002006);
	put16(f, family == NSH_IPV4 ? 0x0800 : 0x86DD);
	f->ip_at = f->size;
	if (family == NSH_IPV4) {
		put32(f, UINT32_C(0x45B90000) | (uint32_t)(20 + size));
		put32(f, 0x12344000);
		put32(f, UINT32_C(0x40000000) | (uint32_t)protocol << 16);
		put(f, frame_src4, 4);
		put(f, frame_dst4, 4);
		fix_ip_checksum(f->bytes + f->ip_at);
	} else {
		put32(f, 0x6B912345);
		put16(f, (uint16_t)size);
		put(f, (const uint8_t[]){protocol, 5}, 2);
		put(f, frame_src6, 16);
		put(f, frame_dst6, 16);
	}
	f->l4_at = f->size;
	l4 = f->bytes + f->l4_at;
	for (size_t i = 0; i < size; i++)
		l4[i] = (uint8_t)(i * 31 + 7);
	f->size += size;
	l4[0] = type;
	l4[1] = 0;
	set16(l4 + 2, 0);
	set16(l4 + 2, (uint16_t)~slow_sum(
			      l4, size, family == NSH_IPV4 ? 0 : slow_pseudo(f->bytes + f->ip_at, 58, size)));
}

#endif
