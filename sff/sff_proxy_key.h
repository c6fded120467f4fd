/**
 * Under which key a proxy keeps a header: the flow of a frame as its SF sees it.
 *
 * Included by the two proxy stages. Both look at the frame in the same form: addresses, type, payload, with
 * the tags of the attachment and of the position taken off.
 */
#ifndef SFF_PROXY_KEY_H
#define SFF_PROXY_KEY_H

#include "cls.h"
#include "eth.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sff_proxy_keys {
	struct cls_key flow;
	struct cls_key fragment; /* of all fragments of this datagram */
	bool has_flow;           /* not a later fragment */
	bool has_fragment;       /* a fragment */
};

/**
 * Make the keys of a frame.
 *
 * A flow is addresses, protocol and ports in one direction; of a frame that is not IP the MAC addresses and
 * the type, or the type and what follows when the SF has other addresses than the frame. Fragments that have
 * no ports are found by addresses, identification and protocol.
 *
 * @param frame  Ethernet header; its first 12 bytes may be anything.
 * @param avail  readable bytes, at least ETH_HDR_SIZE.
 * @param macs   DA and SA that stay with the frame; NULL = none.
 * @param circuit  of the SF: each attachment is on its own.
 * @param sp     position that the frame itself tells, else 0.
 */
void sff_proxy_keys(const uint8_t *frame, size_t avail, const uint8_t macs[2 * ETH_MAC_SIZE],
	uint32_t circuit, uint32_t sp, struct sff_proxy_keys *keys);

/** The key of the other direction. */
void sff_proxy_key_turn(const struct cls_key *key, struct cls_key *turned);

#endif
