/**
 * The nodes that domain.yaml has on port MIX, one for each transport but VXLAN-GPE over IPv4, and what they
 * send.
 *
 * Included by samples.c and the tests of transports.
 */
#ifndef TESTS_SFF_PEERS_H
#define TESTS_SFF_PEERS_H

#include "frames.h"

/* In the order of domain.yaml; also our own locators on port MIX. */
struct peer_kind {
	const char *name;
	enum outer_transport transport;
	enum nsh_family family;
	uint8_t tags;
	bool has_vni;
};

#define PEER_KINDS 12u

extern const struct peer_kind peer_kinds[PEER_KINDS];
extern const uint8_t mac_mix[6];
extern const uint16_t peer_vid[3][2]; /* by number of tags, outer first */

/* An address of the link of MIX. */
union nsh_addr peer_address(enum nsh_family family, uint8_t host);
/* Of peer k, as the last byte of its address. */
uint8_t peer_host(unsigned int k);

/* What peer k writes to send to us. */
struct outer_conf peer_conf(unsigned int k);

/* NSH in a frame gets the headers that a conf makes. Aborts when it makes none. */
void frame_wrap(struct frame *f, const struct outer_conf *conf, uint16_t entropy, uint8_t tos);

#endif
