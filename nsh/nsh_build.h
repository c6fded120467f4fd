/*
 * Build NSH headers (RFC 8300, 2.2-2.5) and push them in front of a payload.
 *
 * Included by the classifier (imposes NSH), the proxy (saves and restores NSH) and OAM. Version, O and U
 * bits are sent as 0; nsh_oam_set() marks an OAM packet afterwards.
 */
#ifndef NSH_BUILD_H
#define NSH_BUILD_H

#include <stddef.h>
#include <string.h>

#include "nsh_hdr.h"
#include "nsh_parse.h"

/** A whole header ready to be copied. The size stands in front so that an MD Type 1 header shares its line.
 */
struct nsh_template {
	uint16_t size; /* bytes used of bytes[]; 8..252, or 0 before it is filled */
	uint8_t bytes[NSH_MAX_SIZE];
};

/**
 * Write an MD Type 1 header.
 *
 * @param dst      NSH_MD1_SIZE writable bytes, any alignment.
 * @param sp       SPI << 8 | SI, host order.
 * @param ttl      0..NSH_TTL_MAX.
 * @param np       Next Protocol.
 * @param context  four words in host order; NULL = zero, as unused context must be (RFC 8300, 2.4).
 * @return         NSH_MD1_SIZE, or 0 with nothing written when ttl is out of range.
 */
size_t nsh_build_md1(void *dst, uint32_t sp, uint8_t ttl, uint8_t np, const uint32_t context[NSH_MD1_WORDS]);

/**
 * Write an MD Type 2 header; RFC 8300, 2.5. Without TLVs its Length is 2.
 *
 * @param dst        NSH_BASE_SIZE + tlvs_size writable bytes, any alignment.
 * @param tlvs       context headers on the wire, as nsh_md2_put() makes them; may be NULL when tlvs_size is
 * 0.
 * @param tlvs_size  bytes; a multiple of 4, at most NSH_MAX_SIZE - NSH_BASE_SIZE.
 * @return           bytes of header, or 0 with nothing written when ttl or tlvs_size is out of range.
 */
size_t nsh_build_md2(void *dst, uint32_t sp, uint8_t ttl, uint8_t np, const void *tlvs, size_t tlvs_size);

/**
 * Push a header in front of a payload.
 *
 * @param payload  first byte of the payload; t->size writable bytes (the headroom) stand before it.
 * @return         first byte of the header, payload - t->size.
 * Thread: any; the template is only read.
 */
static inline struct nsh_hdr *
nsh_push(void *payload, const struct nsh_template *t)
{
	uint8_t *dst = (uint8_t *)payload - t->size;

	/* A constant size is two vector moves instead of a call. */
	if (t->size == NSH_MD1_SIZE)
		memcpy(dst, t->bytes, NSH_MD1_SIZE);
	else
		memcpy(dst, t->bytes, t->size);
	return (struct nsh_hdr *)dst;
}

#endif
