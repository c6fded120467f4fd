#include "arp.h"

#define HARDWARE_ETHERNET 1 /* IANA "ARP Parameters" */

static const uint8_t no_mac[ETH_MAC_SIZE];

/* 0 is a probe's; else an address of one host. */
static bool
sender_ok(rte_be32_t sender)
{
	return sender == 0 || nsh_ipv4_is_host(sender);
}

bool
arp_parse(const void *packet, size_t avail, struct arp_info *info)
{
	const struct arp_hdr *arp = (const struct arp_hdr *)packet;

	if (avail < ARP_SIZE || arp->hardware != RTE_BE16(HARDWARE_ETHERNET) ||
		arp->protocol != RTE_BE16(ETH_IPV4) || arp->hardware_size != ETH_MAC_SIZE ||
		arp->protocol_size != sizeof(arp->sender))
		return false;
	if (arp->op != RTE_BE16(ARP_REQUEST) && arp->op != RTE_BE16(ARP_REPLY))
		return false;
	if (eth_is_multicast(arp->sender_mac) || memcmp(arp->sender_mac, no_mac, ETH_MAC_SIZE) == 0 ||
		!sender_ok(arp->sender))
		return false;
	info->op = (uint8_t)rte_be_to_cpu_16(arp->op);
	memcpy(info->sender_mac, arp->sender_mac, ETH_MAC_SIZE);
	info->sender = arp->sender;
	info->target = arp->target;
	return true;
}

static void
build(void *dst, enum arp_op op, const uint8_t *sender_mac, rte_be32_t sender, const uint8_t *target_mac,
	rte_be32_t target)
{
	struct arp_hdr arp = {.hardware = RTE_BE16(HARDWARE_ETHERNET),
		.protocol = RTE_BE16(ETH_IPV4),
		.hardware_size = ETH_MAC_SIZE,
		.protocol_size = sizeof(arp.sender),
		.op = rte_cpu_to_be_16((uint16_t)op),
		.sender = sender,
		.target = target};

	memcpy(arp.sender_mac, sender_mac, ETH_MAC_SIZE);
	memcpy(arp.target_mac, target_mac, ETH_MAC_SIZE);
	memcpy(dst, &arp, sizeof(arp));
}

void
arp_build_request(void *dst, const uint8_t mac[ETH_MAC_SIZE], rte_be32_t sender, rte_be32_t target)
{
	build(dst, ARP_REQUEST, mac, sender, no_mac, target);
}

void
arp_build_reply(void *dst, const struct arp_info *request, const uint8_t mac[ETH_MAC_SIZE])
{
	build(dst, ARP_REPLY, mac, request->target, request->sender_mac, request->sender);
}

void
arp_build_announcement(void *dst, const uint8_t mac[ETH_MAC_SIZE], rte_be32_t address)
{
	build(dst, ARP_REQUEST, mac, address, no_mac, address);
}
