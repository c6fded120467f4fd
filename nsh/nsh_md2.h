/*
 * Variable-Length Context Headers of MD Type 2 (RFC 8300, 2.5.1): walk received ones, write new ones.
 *
 * Included by those who read or make metadata. A plain SFF does not: to it the TLVs are opaque bytes.
 */
#ifndef NSH_MD2_H
#define NSH_MD2_H

#include <stddef.h>

#include "nsh_hdr.h"
#include "nsh_parse.h"

#define NSH_MD2_HDR_SIZE 4   /* MD Class 16, Type 8, U 1, Length 7; RFC 8300, 2.5.1 */
#define NSH_MD2_LEN_MAX  127 /* 7 bits of bytes; RFC 8300, 2.5.1 */

/** MD Classes; IANA "NSH MD Class". */
#define NSH_MD_CLASS_IETF 0x0000

/** Types of class NSH_MD_CLASS_IETF; IANA "NSH IETF-Assigned Optional Variable-Length Metadata Types". */
enum nsh_md2_ietf_type {
	NSH_MD2_SUBSCRIBER = 0x00,         /* RFC 8979 */
	NSH_MD2_PERFORMANCE_POLICY = 0x01, /* RFC 8979 */
	NSH_MD2_MAC_1 = 0x02,              /* RFC 9145; the MAC leaves the Base Header out */
	NSH_MD2_MAC_2 = 0x03,              /* RFC 9145; the MAC covers the Base Header */
	NSH_MD2_FORWARDING_CONTEXT = 0x04, /* RFC 9263, 4.1 and so on down */
	NSH_MD2_TENANT = 0x05,
	NSH_MD2_INGRESS_NODE = 0x06,
	NSH_MD2_INGRESS_INTERFACE = 0x07,
	NSH_MD2_FLOW_ID = 0x08,
	NSH_MD2_GROUPS = 0x09,
	NSH_MD2_POLICY_ID = 0x0A,
};

/** One context header in the packet. */
struct nsh_md2_tlv {
	uint16_t md_class; /* host order */
	uint8_t type;
	uint8_t len;          /* bytes of value, 0..127, without padding */
	const uint8_t *value; /* into the packet */
};

/** Where a walk stands. Fields belong to nsh_md2.c. */
struct nsh_md2_iter {
	const uint8_t *at;
	size_t left; /* bytes from at to the end of the header */
};

enum nsh_md2_verdict {
	NSH_MD2_TLV,     /* a context header was read */
	NSH_MD2_END,     /* there are no more */
	NSH_MD2_OVERRUN, /* this one reaches beyond the header's Length; the walk ends here for good */
};

/**
 * Begin a walk over the context headers of a checked header. A header of MD Type 1 has none.
 *
 * @param header  first byte of the Base Header; info->size bytes stay readable during the walk.
 * @param info    result of nsh_parse() on it with verdict NSH_OK.
 */
void nsh_md2_iter_init(struct nsh_md2_iter *it, const void *header, const struct nsh_info *info);

/**
 * Read the next context header: only its Length bytes are value, the next one stands at the next multiple
 * of 4. The U bit is ignored.
 *
 * @param tlv  written only with NSH_MD2_TLV.
 */
enum nsh_md2_verdict nsh_md2_next(struct nsh_md2_iter *it, struct nsh_md2_tlv *tlv);

/**
 * Find the first context header of a class and type: of duplicates the first wins (RFC 8300, 2.5.1).
 *
 * @return  NSH_MD2_TLV found, NSH_MD2_END not there, NSH_MD2_OVERRUN a broken one came before.
 */
enum nsh_md2_verdict nsh_md2_find(const void *header, const struct nsh_info *info, uint16_t md_class,
	uint8_t type, struct nsh_md2_tlv *tlv);

/**
 * Write one context header, padded with zeros to a multiple of 4.
 *
 * @param dst   room writable bytes, any alignment.
 * @param len   bytes of value, 0..NSH_MD2_LEN_MAX; value may be NULL when 0.
 * @return      bytes written, or 0 with nothing written when len is too large or room too small.
 */
size_t nsh_md2_put(void *dst, size_t room, uint16_t md_class, uint8_t type, const void *value, size_t len);

#endif
