/*
 * ICMP as a node of the underlay and a bridge of packets needs it: answer echo requests (RFC 792, RFC 4443
 * 4), and tell a sender that its packet was too big for the path (RFC 1191, RFC 8201).
 *
 * Included by the stages that answer for our addresses and that drop for the MTU. Nothing here limits rates:
 * the caller must (RFC 1812, 4.3.2.8; RFC 4443, 2.4 (f)).
 */
#ifndef ICMP_H
#define ICMP_H

#include "eth.h"
#include "nsh_ipv6.h"

#define ICMP_HDR_SIZE    8   /* RFC 792; RFC 4443, 2.1 and its 4-byte field */
#define ICMP_ERROR_MAX   576 /* IPv4 packet with as much of the offender as fits; RFC 1812, 4.3.2.3 */
#define ICMP_MTU_MIN     68  /* a link must take 68 bytes; RFC 791, 3.2 */
#define ICMP_TOO_BIG_MAX (ETH_HDR_SIZE + ETH_TAGS_MAX * ETH_TAG_SIZE + NSH_IPV6_MTU_MIN)

/** IANA "ICMP Type Numbers" and "ICMPv6 type Numbers". */
enum icmp_type {
	ICMP4_ECHO_REPLY = 0,
	ICMP4_UNREACHABLE = 3, /* code 4: fragmentation needed and DF set */
	ICMP4_ECHO = 8,
	ICMP6_TOO_BIG = 2,
	ICMP6_ECHO = 128,
	ICMP6_ECHO_REPLY = 129,
};

/** Message as on the wire; alignment 1. */
struct icmp_hdr {
	uint8_t type;
	uint8_t code;
	rte_be16_t checksum;
	rte_be32_t rest; /* echo: identifier and sequence number; too big: the MTU */
} __attribute__((packed, may_alias));

static_assert(sizeof(struct icmp_hdr) == ICMP_HDR_SIZE, "RFC 792");

/**
 * Turn an ICMP or ICMPv6 echo request into its reply, in place: MAC and IP addresses, type, checksum, TTL 64.
 * VLAN tags, DSCP and data stay. Not answered: what is no whole and valid echo request, IPv4 options, IPv6
 * extension headers, and a source that is no one host.
 *
 * @param frame    the whole frame in one piece, from the Ethernet header on; any alignment.
 * @param size     its bytes.
 * @param own      our address of the frame's family: the request must be to it.
 * @return         true = the frame is the reply, its size unchanged; false = it is untouched.
 */
bool icmp_echo_reply(void *frame, size_t size, const union nsh_addr *own);

/**
 * Build the message that a frame's packet was too big: ICMP unreachable, code 4 (RFC 1191, 4), or ICMPv6
 * Packet Too Big (RFC 4443, 3.2). It goes back where the frame came from, with its VLAN tags.
 *
 * Never about: an ICMP error or redirect, a packet or frame to more than one station, a fragment but the
 * first, a source that is no one host, an IPv4 packet without DF (RFC 1122, 3.2.2; RFC 4443, 2.4 (e)). The
 * exception of RFC 4443 for multicast we do not make: one frame must not bring forth many.
 *
 * @param dst    ICMP_TOO_BIG_MAX writable bytes, not within frame.
 * @param frame  the offender, as received.
 * @param avail  its readable bytes; the message quotes no more.
 * @param mtu    bytes of IP packet that fit, ICMP_MTU_MIN or more, over IPv6 NSH_IPV6_MTU_MIN or more.
 * @param src    whose address the message comes from; NULL = that of the packet's destination, as a bridge
 * without an address does.
 * @return       bytes of the message's frame; 0 = no message may be sent.
 */
size_t icmp_too_big(void *dst, const void *frame, size_t avail, uint16_t mtu, const union nsh_addr *src);

/**
 * The same about a packet without a frame: dst gets the packet of the message alone.
 *
 * @param type  EtherType of the packet: ETH_IPV4, ETH_IPV6; there is no message about others.
 */
size_t icmp_too_big_ip(
	void *dst, const void *packet, size_t avail, uint16_t type, uint16_t mtu, const union nsh_addr *src);

#endif
