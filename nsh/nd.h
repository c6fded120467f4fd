/*
 * IPv6 Neighbour Discovery, the two messages that find a MAC address (RFC 4861, 4.3 and 4.4): read and build
 * Neighbour Solicitations and Advertisements.
 *
 * Included by who finds the next hop of the underlay and answers for our addresses. A packet here begins
 * behind the Ethernet header and its tags.
 */
#ifndef ND_H
#define ND_H

#include "eth.h"
#include "nsh_ipv6.h"

#define ND_SIZE_MAX 72 /* what we build: IPv6 40, message 24, link-layer address option 8 */

/** ICMPv6 types; RFC 4861, 4.3 and 4.4. */
enum nd_type {
	ND_SOLICITATION = 135,
	ND_ADVERTISEMENT = 136,
};

/** Flags of an advertisement, in the first byte behind the checksum; RFC 4861, 4.4. */
enum nd_flags {
	ND_ROUTER = 0x80,
	ND_SOLICITED = 0x40,
	ND_OVERRIDE = 0x20,
};

enum nd_verdict {
	ND_OK,
	ND_OTHER,   /* another protocol or another ICMPv6 message: not our business */
	ND_INVALID, /* must be discarded silently; RFC 4861, 7.1.1 and 7.1.2 */
};

/** What a message says; addresses in network order. */
struct nd_info {
	uint8_t type;  /* enum nd_type */
	uint8_t flags; /* enum nd_flags; 0 in a solicitation */
	bool has_mac;  /* it had a source (solicitation) or target (advertisement) link-layer address */
	uint8_t mac[ETH_MAC_SIZE];
	union nsh_addr src, dst, target; /* src :: = duplicate address detection (RFC 4862) */
};

/**
 * Check and read a message as RFC 4861, 7.1.1 and 7.1.2 demand: hop limit 255, checksum, code, lengths,
 * addresses.
 *
 * @param packet       IPv6 header, any alignment. Extension headers are not expected (RFC 6980): ND_OTHER.
 * @param avail        readable bytes; none beyond is read. A message that is not all there is ND_INVALID.
 * @param packet_size  bytes there are; Ethernet padding counts.
 * @param info         written only with ND_OK.
 */
enum nd_verdict nd_parse(const void *packet, size_t avail, size_t packet_size, struct nd_info *info);

/** The solicited-node multicast address of an address, ff02::1:ffXX:XXXX; RFC 4291, 2.7.1. */
union nsh_addr nd_solicited_node(const union nsh_addr *target);

/** The MAC that an IPv6 multicast address is sent to, 33:33 and its last 4 bytes; RFC 2464, 7. */
void nd_multicast_mac(const union nsh_addr *group, uint8_t mac[ETH_MAC_SIZE]);

/**
 * Write a solicitation for the link-layer address of target.
 *
 * @param out  ND_SIZE_MAX writable bytes, any alignment.
 * @param src  an address of the port.
 * @param dst  nd_solicited_node(target) to resolve, target itself to probe (RFC 4861, 7.3.3).
 * @param mac  of the port: the source link-layer address.
 * @return     bytes written.
 */
size_t nd_build_solicitation(void *out, const union nsh_addr *src, const union nsh_addr *dst,
	const union nsh_addr *target, const uint8_t mac[ETH_MAC_SIZE]);

/**
 * Write the advertisement that answers a solicitation: its target, an address of ours, is at mac. To who
 * asked, or to all nodes when that was duplicate address detection (RFC 4861, 7.2.4).
 *
 * @return  bytes written. The Ethernet DA is the one the solicitation came from, or nd_multicast_mac() of the
 *          packet's destination.
 */
size_t nd_build_answer(void *out, const struct nd_info *solicitation, const uint8_t mac[ETH_MAC_SIZE]);

/** Write an unsolicited advertisement to all nodes (RFC 4861, 7.2.6): address is at mac. @return bytes
 * written. */
size_t nd_build_announcement(void *out, const union nsh_addr *address, const uint8_t mac[ETH_MAC_SIZE]);

#endif
