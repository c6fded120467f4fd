/*
 * Check a received NSH header against the bytes that are really there (RFC 8300, 2.2).
 *
 * Included by every stage and tool that receives NSH. The header is checked in place; TLVs of an MD Type 2
 * header are opaque here (nsh_md2.h walks them).
 */
#ifndef NSH_PARSE_H
#define NSH_PARSE_H

#include <stddef.h>

#include "nsh_hdr.h"

/** Why a header is refused; each is a drop counter of the SFF. Checked in this order of causes. */
enum nsh_verdict {
	NSH_OK,
	NSH_TRUNCATED, /* fewer than 8 bytes, or (last check) Length reaches beyond the bytes available */
	NSH_VERSION,   /* Ver is not 0 */
	NSH_MD_TYPE,   /* MD Type is neither 1 nor 2 */
	NSH_LENGTH,    /* Length is not 6 (MD Type 1), or below 2 (MD Type 2) */
};

/** What a header says; host order. */
struct nsh_info {
	uint32_t sp;   /* SPI << 8 | SI */
	uint16_t size; /* bytes of header = offset of the payload; 8..252 when the verdict is NSH_OK */
	uint8_t ttl;   /* as received, 0..63 */
	uint8_t md_type;
	uint8_t next_proto;
	bool oam;
};

/**
 * Check an NSH header and read its fields. Writes nothing to the packet; TTL, O bit, Next Protocol and
 * SPI/SI are the business of the caller, U bits are ignored.
 *
 * Source: RFC 8300, 2.2, 2.4, 2.5. Order: 8 bytes, version, MD Type, Length against MD Type, Length against
 * the bytes available.
 *
 * @param data   first byte of the Base Header, any alignment.
 * @param avail  readable bytes from data on; no byte beyond is read.
 * @param info   written whenever 8 bytes are available; meant to be used only with NSH_OK.
 * Thread: any.
 */
static inline enum nsh_verdict
nsh_parse(const void *data, size_t avail, struct nsh_info *info)
{
	const struct nsh_hdr *hdr = (const struct nsh_hdr *)data;

	if (__builtin_expect(avail < NSH_BASE_SIZE, 0))
		return NSH_TRUNCATED;
	info->sp = nsh_sp(hdr);
	info->size = nsh_size(hdr);
	info->ttl = nsh_ttl(hdr);
	info->md_type = nsh_md_type(hdr);
	info->next_proto = nsh_np(hdr);
	info->oam = nsh_oam(hdr);

	if (__builtin_expect((hdr->base & RTE_BE32(NSH_VERSION_MASK)) != 0, 0))
		return NSH_VERSION;
	switch (info->md_type) {
	case NSH_MD1:
		if (__builtin_expect(info->size != NSH_MD1_SIZE, 0))
			return NSH_LENGTH;
		break;
	case NSH_MD2:
		if (__builtin_expect(info->size < NSH_BASE_SIZE, 0))
			return NSH_LENGTH;
		break;
	default:
		return NSH_MD_TYPE;
	}
	if (__builtin_expect(info->size > avail, 0))
		return NSH_TRUNCATED;
	return NSH_OK;
}

/**
 * Is it MD Type 1 with nothing wrong? What is not may still be right: nsh_parse() tells.
 *
 * @param avail  readable bytes.
 */
static inline bool
nsh_is_md1(const struct nsh_hdr *hdr, size_t avail)
{
	return avail >= NSH_MD1_SIZE &&
	       (hdr->base & RTE_BE32(NSH_VERSION_MASK | NSH_LENGTH_MASK | NSH_MD_TYPE_MASK)) ==
	               RTE_BE32(NSH_MD1_SIZE / 4 << NSH_LENGTH_SHIFT | NSH_MD1 << NSH_MD_TYPE_SHIFT);
}

/** The name of a verdict as counters and messages print it, for example "nsh-length". Static storage. */
const char *nsh_verdict_name(enum nsh_verdict verdict);

#endif
