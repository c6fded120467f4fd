/*
 * ARP for IPv4 on Ethernet (RFC 826): read a packet, build requests, replies and announcements (RFC 5227).
 *
 * Included by who finds the next hop of the underlay and answers for our addresses. A packet here begins
 * behind the Ethernet header and its tags; requests and announcements go to the broadcast address, replies to
 * who asked.
 */
#ifndef ARP_H
#define ARP_H

#include "eth.h"
#include "nsh_ip.h"

#define ARP_SIZE 28 /* with Ethernet and IPv4 addresses; RFC 826 */

/** Opcodes; IANA "ARP Parameters". */
enum arp_op {
	ARP_REQUEST = 1,
	ARP_REPLY = 2,
};

/** Packet as on the wire; alignment 1. */
struct arp_hdr {
	rte_be16_t hardware;
	rte_be16_t protocol;
	uint8_t hardware_size;
	uint8_t protocol_size;
	rte_be16_t op;
	uint8_t sender_mac[ETH_MAC_SIZE];
	rte_be32_t sender;
	uint8_t target_mac[ETH_MAC_SIZE];
	rte_be32_t target;
} __attribute__((packed, may_alias));

static_assert(sizeof(struct arp_hdr) == ARP_SIZE, "RFC 826");

/** What a packet says; addresses in network order. */
struct arp_info {
	rte_be32_t sender; /* 0 = a probe (RFC 5227, 2.1.1): nothing to learn from it */
	rte_be32_t target; /* the sender itself in an announcement (RFC 5227, 2.3) */
	uint8_t sender_mac[ETH_MAC_SIZE];
	uint8_t op; /* enum arp_op */
};

/**
 * Check and read a packet. Refused: other hardware, protocols and opcodes, and senders that are no one host:
 * a multicast or zero MAC, a multicast, broadcast or loopback address.
 *
 * @param avail  readable bytes; none beyond is read. What follows the packet is Ethernet padding.
 * @param info   written only with true.
 */
bool arp_parse(const void *packet, size_t avail, struct arp_info *info);

/**
 * Write a request: who has target? With mac = that of the sender.
 *
 * @param dst  ARP_SIZE writable bytes, any alignment.
 */
void arp_build_request(void *dst, const uint8_t mac[ETH_MAC_SIZE], rte_be32_t sender, rte_be32_t target);

/**
 * Write the reply to a request: its target is at mac.
 *
 * @param request  from arp_parse(); op is ARP_REQUEST and target is an address of ours.
 */
void arp_build_reply(void *dst, const struct arp_info *request, const uint8_t mac[ETH_MAC_SIZE]);

/** Write an announcement (RFC 5227, 2.3, "gratuitous ARP"): address is at mac. */
void arp_build_announcement(void *dst, const uint8_t mac[ETH_MAC_SIZE], rte_be32_t address);

#endif
