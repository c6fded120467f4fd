/*
 * The NSH Base and Service Path Headers (RFC 8300, 2.2 and 2.3): constants, layout, field access.
 *
 * Included by everything that looks at an NSH header. Nothing here checks bounds: either the caller wrote
 * the header, or nsh_parse() accepted it. All structs of this room have alignment 1 and may alias bytes, so
 * a header may stand at any address of a packet.
 */
#ifndef NSH_HDR_H
#define NSH_HDR_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_byteorder.h>

#define NSH_ETHERTYPE   0x894F /* IANA "EtherTypes"; RFC 8300, 10.1 */
#define NSH_BASE_SIZE   8      /* Base Header + Service Path Header; RFC 8300, 2.1 */
#define NSH_MD1_SIZE    24     /* MD Type 1: Length is 6 words; RFC 8300, 2.4 */
#define NSH_MAX_SIZE    252    /* Length is 6 bits of 4-byte words: 63 * 4; RFC 8300, 2.2 */
#define NSH_MD1_WORDS   4      /* words of Fixed-Length Context Header; RFC 8300, 2.4 */
#define NSH_TTL_MAX     63     /* 6 bits; RFC 8300, 2.2 */
#define NSH_SPI_MAX     0xFFFFFF
#define NSH_TTL_DEFAULT 63  /* RFC 8300, 2.2 */
#define NSH_SI_DEFAULT  255 /* RFC 8300, 2.3 */

/* Fields of the Base Header in host order; RFC 8300, 2.2, figure 2. */
#define NSH_VERSION_MASK  UINT32_C(0xC0000000)
#define NSH_OAM_MASK      UINT32_C(0x20000000)
#define NSH_TTL_MASK      UINT32_C(0x0FC00000)
#define NSH_LENGTH_MASK   UINT32_C(0x003F0000)
#define NSH_MD_TYPE_MASK  UINT32_C(0x00000F00)
#define NSH_NP_MASK       UINT32_C(0x000000FF)
#define NSH_U_MASK        UINT32_C(0x1000F000) /* unassigned: sent 0, ignored and preserved */
#define NSH_TTL_SHIFT     22
#define NSH_LENGTH_SHIFT  16
#define NSH_MD_TYPE_SHIFT 8

/** MD Types; IANA "NSH Parameters", RFC 8300, 2.2. 0 is reserved, 3-14 unassigned. */
enum nsh_md_type {
	NSH_MD1 = 1,
	NSH_MD2 = 2,
	NSH_MD_EXPERIMENT = 15,
};

/** Next Protocols; IANA "NSH Parameters". VXLAN-GPE gives 1-5 the same meaning. */
enum nsh_np {
	NSH_NP_NONE = 0, /* RFC 8393 */
	NSH_NP_IPV4 = 1,
	NSH_NP_IPV6 = 2,
	NSH_NP_ETHERNET = 3,
	NSH_NP_NSH = 4,
	NSH_NP_MPLS = 5,
	NSH_NP_IOAM = 6, /* RFC 9452 */
	NSH_NP_OAM = 7,  /* SFC Active OAM, RFC 9516 */
	NSH_NP_EXPERIMENT_1 = 0xFE,
	NSH_NP_EXPERIMENT_2 = 0xFF,
};

/** Base Header and Service Path Header as on the wire; alignment 1. */
struct nsh_hdr {
	rte_be32_t base; /* Ver 2, O, U, TTL 6, Length 6, U 4, MD Type 4, Next Protocol 8 */
	rte_be32_t path; /* SPI 24, SI 8 */
} __attribute__((packed, may_alias));

static_assert(sizeof(struct nsh_hdr) == NSH_BASE_SIZE, "RFC 8300, 2.1");
static_assert(_Alignof(struct nsh_hdr) == 1, "a header may stand at any address");

/** The Service Path word, SPI << 8 | SI, host order: the key of every lookup. */
static inline uint32_t
nsh_sp(const struct nsh_hdr *hdr)
{
	return rte_be_to_cpu_32(hdr->path);
}

/** Replace SPI and SI: reclassification, RFC 8300, 2.3. @param sp host order, SPI << 8 | SI. */
static inline void
nsh_sp_set(struct nsh_hdr *hdr, uint32_t sp)
{
	hdr->path = rte_cpu_to_be_32(sp);
}

/** The Service Path word of an SPI (24 bits are used) and an SI. */
static inline uint32_t
nsh_sp_make(uint32_t spi, uint8_t si)
{
	return spi << 8 | si;
}

static inline uint32_t
nsh_sp_spi(uint32_t sp)
{
	return sp >> 8;
}

static inline uint8_t
nsh_sp_si(uint32_t sp)
{
	return (uint8_t)sp;
}

static inline uint32_t
nsh_spi(const struct nsh_hdr *hdr)
{
	return nsh_sp_spi(nsh_sp(hdr));
}

static inline uint8_t
nsh_si(const struct nsh_hdr *hdr)
{
	return nsh_sp_si(nsh_sp(hdr));
}

/**
 * Decrement the Service Index in place, as a service function or its proxy does after service.
 *
 * Source: RFC 8300, 2.3. An SI of 0 never wraps to 255.
 *
 * @return  true; false = the SI was 0, nothing is changed, the caller drops.
 */
static inline bool
nsh_si_dec(struct nsh_hdr *hdr)
{
	uint32_t sp = nsh_sp(hdr);

	if (nsh_sp_si(sp) == 0)
		return false;
	nsh_sp_set(hdr, sp - 1);
	return true;
}

static inline uint8_t
nsh_ttl(const struct nsh_hdr *hdr)
{
	return (uint8_t)((rte_be_to_cpu_32(hdr->base) & NSH_TTL_MASK) >> NSH_TTL_SHIFT);
}

/** Set the TTL. @param ttl 0..NSH_TTL_MAX; higher bits are cut off. */
static inline void
nsh_ttl_set(struct nsh_hdr *hdr, uint8_t ttl)
{
	uint32_t base = rte_be_to_cpu_32(hdr->base);

	base = (base & ~NSH_TTL_MASK) | ((uint32_t)ttl << NSH_TTL_SHIFT & NSH_TTL_MASK);
	hdr->base = rte_cpu_to_be_32(base);
}

/**
 * Decrement the NSH TTL in place.
 *
 * Source: RFC 8300, 2.2. An incoming 0 becomes 63; a result of 0 is not forwarded.
 *
 * @return  new TTL, 0..63 SFF hops; 0 = the caller drops.
 */
static inline uint8_t
nsh_ttl_dec(struct nsh_hdr *hdr)
{
	uint32_t base = rte_be_to_cpu_32(hdr->base);
	/* The six bits wrap from 0 to 63 by themselves. */
	uint32_t ttl = (base - (UINT32_C(1) << NSH_TTL_SHIFT)) & NSH_TTL_MASK;

	hdr->base = rte_cpu_to_be_32((base & ~NSH_TTL_MASK) | ttl);
	return (uint8_t)(ttl >> NSH_TTL_SHIFT);
}

/** Bytes of header; the offset of the payload. RFC 8300, 2.2, Length. */
static inline uint16_t
nsh_size(const struct nsh_hdr *hdr)
{
	return (uint16_t)((rte_be_to_cpu_32(hdr->base) & NSH_LENGTH_MASK) >> NSH_LENGTH_SHIFT << 2);
}

/** The 4-bit MD Type; the U bits above it are not part of it. */
static inline uint8_t
nsh_md_type(const struct nsh_hdr *hdr)
{
	return (uint8_t)((rte_be_to_cpu_32(hdr->base) & NSH_MD_TYPE_MASK) >> NSH_MD_TYPE_SHIFT);
}

static inline uint8_t
nsh_np(const struct nsh_hdr *hdr)
{
	return (uint8_t)(rte_be_to_cpu_32(hdr->base) & NSH_NP_MASK);
}

static inline void
nsh_np_set(struct nsh_hdr *hdr, uint8_t np)
{
	hdr->base = rte_cpu_to_be_32((rte_be_to_cpu_32(hdr->base) & ~NSH_NP_MASK) | np);
}

static inline bool
nsh_oam(const struct nsh_hdr *hdr)
{
	return (hdr->base & RTE_BE32(NSH_OAM_MASK)) != 0;
}

/** Set or clear the O bit. Only the origin of an OAM packet may (RFC 9451). */
static inline void
nsh_oam_set(struct nsh_hdr *hdr, bool oam)
{
	hdr->base = (hdr->base & ~RTE_BE32(NSH_OAM_MASK)) | (oam ? RTE_BE32(NSH_OAM_MASK) : 0);
}

#endif
