/*
 * The Geneve header and its options (RFC 8926, 3.4 and 3.5).
 *
 * Included by outer.h.
 */
#ifndef GENEVE_H
#define GENEVE_H

#include <assert.h>

#include <rte_byteorder.h>

#define GENEVE_PORT            6081 /* IANA "Service Name and Transport Protocol Port Number" */
#define GENEVE_HDR_SIZE        8    /* without options; RFC 8926, 3.4 */
#define GENEVE_OPTION_HDR_SIZE 4    /* RFC 8926, 3.5 */

/* The first word in host order; RFC 8926, 3.4. Other bits are reserved: sent 0, ignored. */
#define GENEVE_VERSION_MASK    UINT32_C(0xC0000000)
#define GENEVE_OPT_LEN_MASK    UINT32_C(0x3F000000) /* 4-byte words of options */
#define GENEVE_OPT_LEN_SHIFT   24
#define GENEVE_O               UINT32_C(0x00800000) /* control packet: its payload is never forwarded */
#define GENEVE_C               UINT32_C(0x00400000) /* critical options are there */
#define GENEVE_PROTOCOL_MASK   UINT32_C(0x0000FFFF) /* EtherType */
#define GENEVE_TRANS_ETHERNET  0x6558               /* Transparent Ethernet Bridging; RFC 8926, 3.4 */
#define GENEVE_OPTION_CRITICAL 0x80                 /* in the Type byte of an option; RFC 8926, 3.5 */
#define GENEVE_OPTION_LEN_MASK 0x1F                 /* 4-byte words behind the option header; RFC 8926, 3.5 */

/** Header as on the wire; alignment 1. */
struct geneve_hdr {
	rte_be32_t flags_protocol; /* Ver 2, Opt Len 6, O, C, reserved 6, Protocol Type 16 */
	rte_be32_t vni;            /* VNI 24, reserved 8 */
} __attribute__((packed, may_alias));

static_assert(sizeof(struct geneve_hdr) == GENEVE_HDR_SIZE, "RFC 8926, 3.4");

#endif
