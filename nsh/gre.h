/*
 * The GRE header (RFC 2784, 2) with the Key and Sequence Number of RFC 2890; over IPv6 RFC 7676.
 *
 * Included by outer.h.
 */
#ifndef GRE_H
#define GRE_H

#include <assert.h>

#include <rte_byteorder.h>

#define GRE_HDR_SIZE  4 /* without optional fields; RFC 2784, 2.1 */
#define GRE_WORD_SIZE 4 /* each optional field: checksum and reserved, key, sequence number; RFC 2890, 2 */

/* The first 16 bits in host order; RFC 2784, 2.1 and RFC 2890, 2. */
#define GRE_C 0x8000
#define GRE_K 0x2000
#define GRE_S 0x1000
#define GRE_MUST_BE_ZERO                                                                                     \
	0x4C00 /* those of bits 1-5 that RFC 2890 did not take; RFC 2784, 2.3: else discard */
#define GRE_VERSION_MASK 0x0007 /* bits 6-12 in between are reserved and ignored */

/** Header as on the wire; alignment 1. The optional fields follow in the order C, K, S. */
struct gre_hdr {
	rte_be16_t flags_version;
	rte_be16_t protocol; /* EtherType */
} __attribute__((packed, may_alias));

static_assert(sizeof(struct gre_hdr) == GRE_HDR_SIZE, "RFC 2784, 2.1");

#endif
