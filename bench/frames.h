/**
 * Frames of the benches, written byte by byte from the RFCs: they share nothing with the code they measure,
 * so that the same bench runs against any revision.
 *
 * Included by world.h, memory_port.c and the cases. Inner frame 64 bytes, so the whole is 138 on a transport.
 */
#ifndef BENCH_FRAMES_H
#define BENCH_FRAMES_H

#include <rte_mbuf.h>

#include <stdbool.h>
#include <stdint.h>

#define FRAME_INNER      64u
#define FRAME_ETH        14u
#define FRAME_NSH        24u /* MD type 1 */
#define FRAME_OUTER      50u /* Ethernet, IPv4, UDP, VXLAN-GPE */
#define FRAME_TRANSPORT  (FRAME_OUTER + FRAME_NSH + FRAME_INNER)
#define FRAME_FLOW_PATHS 16u /* flow modulo this = second byte of its source address, which rules look at */

enum frame_kind {
	FRAME_OF_ACCESS,    /* a plain frame */
	FRAME_OF_TRANSPORT, /* NSH in VXLAN-GPE from the other node */
	FRAME_OF_SF,        /* Ethernet and NSH from a local SF */
};

struct frame_maker {
	uint8_t bytes[192];
	uint16_t size;
	uint16_t nsh_at; /* not of ACCESS */
	uint16_t inner_at;
};

/**
 * Prepare frames of a kind.
 *
 * @param si   NSH SI. @param ttl  NSH TTL.
 * @param src  outer IPv4 source and destination, host order, and VNI: for TRANSPORT.
 */
void frame_maker_init(struct frame_maker *maker, enum frame_kind kind, uint8_t si, uint8_t ttl, uint32_t src,
	uint32_t dst, uint32_t vni);

/** Give frames MD type 2 with 0 to 4 TLVs of 8 bytes. TRANSPORT only. */
void frame_maker_md2(struct frame_maker *maker, unsigned int tlvs);

/** Let headers say that the inner frame has so many bytes, from FRAME_INNER; what is behind is the caller's.
 */
void frame_maker_inner(struct frame_maker *maker, uint32_t size);

/**
 * Write a frame into a buffer, at the default headroom, so that headers begin on a cache line.
 *
 * @param flow  chooses addresses and ports; carried in the payload, as is `sequence`.
 * @param spi   of NSH; ignored for ACCESS.
 */
void frame_put(
	const struct frame_maker *maker, struct rte_mbuf *m, uint32_t spi, uint32_t flow, uint32_t sequence);

/** What must be true of a frame that the SFF sent to the other node. */
struct frame_expect {
	uint8_t ttl, si;
	uint32_t src, dst, vni;
	uint32_t spi_base, paths; /* SPI is spi_base + flow % paths */
};

/**
 * Check every header of a frame on the transport, its outer checksum and its inner bytes.
 *
 * @param flow      out. @param sequence  out.
 * @return          NULL, or what is wrong.
 */
const char *frame_check(
	const struct rte_mbuf *m, const struct frame_expect *expect, uint32_t *flow, uint32_t *sequence);

/**
 * The next of 32 random bits (Knuth, MMIX: the upper bits of its state). An order with a pattern would be
 * learned by predictors, or meet the same few cache sets.
 */
static inline uint32_t
frame_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*state >> 32);
}

/** 16-bit one's complement sum of an IPv4 header of 20 bytes; 0xffff when its checksum is right. */
uint16_t frame_ip_sum(const uint8_t *ip);

#endif
