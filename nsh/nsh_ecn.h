/*
 * DSCP and ECN across a tunnel (RFC 6040, RFC 2983): what the outer header says when a packet is
 * encapsulated, and what becomes of the packet inside when the outer one was marked.
 *
 * Included by the SFF's transport stages.
 */
#ifndef NSH_ECN_H
#define NSH_ECN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NSH_ECN_MASK 0x03 /* the low bits of the DSCP and ECN byte; RFC 3168, 5 */

/** The ECN field; RFC 3168, 5. */
enum nsh_ecn {
	NSH_ECN_NOT_ECT = 0,
	NSH_ECN_ECT1 = 1,
	NSH_ECN_ECT0 = 2,
	NSH_ECN_CE = 3,
};

/** How the outer DSCP is found; RFC 2983, 3. */
enum nsh_dscp_model {
	NSH_DSCP_PIPE,    /* that of the tunnel */
	NSH_DSCP_UNIFORM, /* that of the packet inside */
};

/**
 * The outer DSCP and ECN byte: ECN is copied (RFC 6040, 4.1, normal mode).
 *
 * @param inner_tos  of the packet inside; 0 when that is not IP.
 * @param dscp       of the tunnel, 0..63; read with NSH_DSCP_PIPE.
 */
static inline uint8_t
nsh_ecn_encap(uint8_t inner_tos, enum nsh_dscp_model model, uint8_t dscp)
{
	return model == NSH_DSCP_UNIFORM ? inner_tos : (uint8_t)(dscp << 2 | (inner_tos & NSH_ECN_MASK));
}

/**
 * The ECN field that leaves the tunnel; RFC 6040, 4.2, figure 4.
 *
 * @param inner, outer  DSCP and ECN bytes; only ECN is read.
 * @return              enum nsh_ecn, or -1: the packet is dropped, for it cannot tell its end points of
 *                      congestion (outer CE, inner Not-ECT).
 */
static inline int
nsh_ecn_decap(uint8_t inner, uint8_t outer)
{
	/* By inner, then outer, each in the order Not-ECT, ECT(1), ECT(0), CE. */
	static const int8_t leaves[4][4] = {
		[NSH_ECN_NOT_ECT] = {NSH_ECN_NOT_ECT, NSH_ECN_NOT_ECT, NSH_ECN_NOT_ECT, -1},
		[NSH_ECN_ECT1] = {NSH_ECN_ECT1, NSH_ECN_ECT1, NSH_ECN_ECT1, NSH_ECN_CE},
		[NSH_ECN_ECT0] = {NSH_ECN_ECT0, NSH_ECN_ECT1, NSH_ECN_ECT0, NSH_ECN_CE},
		[NSH_ECN_CE] = {NSH_ECN_CE, NSH_ECN_CE, NSH_ECN_CE, NSH_ECN_CE},
	};

	return leaves[inner & NSH_ECN_MASK][outer & NSH_ECN_MASK];
}

/**
 * The DSCP and ECN byte of the IP packet behind NSH, directly or in an Ethernet frame with up to 2 tags.
 *
 * @param payload  first byte behind the NSH header.
 * @param avail    readable bytes.
 * @param np       Next Protocol of NSH.
 * @return         0 when there is no IPv4 or IPv6 header: such a packet is not ECN-capable.
 */
uint8_t nsh_ecn_inner(const void *payload, size_t avail, uint8_t np);

/**
 * Carry the congestion mark of a tunnel into the packet behind NSH; the IPv4 checksum is kept right (RFC
 * 1624).
 *
 * @param payload    as for nsh_ecn_inner(), and writable.
 * @param outer_tos  of the tunnel's IP header.
 * @return           false = drop: outer CE, and the packet inside is Not-ECT or not IP.
 */
bool nsh_ecn_apply(void *payload, size_t avail, uint8_t np, uint8_t outer_tos);

#endif
