#include "icmp.h"

#define REPLY_TTL 64 /* IANA "IP Parameters", default TTL; RFC 1700 */

static void
swap(uint8_t *a, uint8_t *b, size_t size)
{
	uint8_t other[16];

	memcpy(other, a, size);
	memcpy(a, b, size);
	memcpy(b, other, size);
}

/* RFC 1624, 3: the type is the first byte of its word, and all else in the sum is only put in another order.
 */
static void
set_type(struct icmp_hdr *icmp, uint8_t type)
{
	uint16_t before, after;

	memcpy(&before, icmp, sizeof(before));
	icmp->type = type;
	memcpy(&after, icmp, sizeof(after));
	icmp->checksum =
		(uint16_t)~nsh_sum_fold((uint64_t)(uint16_t)~icmp->checksum + (uint16_t)~before + after);
}

static bool
reply4(uint8_t *packet, size_t left, const union nsh_addr *own)
{
	struct nsh_ipv4_hdr *ip = (struct nsh_ipv4_hdr *)packet;
	struct icmp_hdr *icmp = (struct icmp_hdr *)(packet + NSH_IPV4_SIZE);
	rte_be32_t src;
	size_t size;

	if (left < NSH_IPV4_SIZE + ICMP_HDR_SIZE)
		return false;
	size = rte_be_to_cpu_16(ip->total_size);
	if (ip->version_ihl != NSH_IPV4_VERSION_IHL || size < NSH_IPV4_SIZE + ICMP_HDR_SIZE || size > left ||
		nsh_sum(ip, NSH_IPV4_SIZE) != UINT16_MAX || ip->protocol != NSH_IPPROTO_ICMP ||
		(ip->fragment & RTE_BE16(NSH_IPV4_FRAGMENT_MASK)) != 0)
		return false;
	if (ip->dst != own->v4 || !nsh_ipv4_is_host(ip->src) || icmp->type != ICMP4_ECHO || icmp->code != 0 ||
		nsh_sum(icmp, size - NSH_IPV4_SIZE) != UINT16_MAX)
		return false;
	src = ip->src;
	ip->src = ip->dst;
	ip->dst = src;
	ip->ttl = REPLY_TTL;
	ip->checksum = 0;
	ip->checksum = (uint16_t)~nsh_sum(ip, NSH_IPV4_SIZE);
	set_type(icmp, ICMP4_ECHO_REPLY);
	return true;
}

static bool
reply6(uint8_t *packet, size_t left, const union nsh_addr *own)
{
	struct nsh_ipv6_hdr *ip = (struct nsh_ipv6_hdr *)packet;
	struct icmp_hdr *icmp = (struct icmp_hdr *)(packet + NSH_IPV6_SIZE);
	size_t size;

	if (left < NSH_IPV6_SIZE + ICMP_HDR_SIZE)
		return false;
	size = rte_be_to_cpu_16(ip->payload_size);
	if (rte_be_to_cpu_32(ip->version_tc_label) >> 28 != 6 || size < ICMP_HDR_SIZE ||
		size > left - NSH_IPV6_SIZE || ip->next_header != NSH_IPPROTO_ICMP6)
		return false;
	if (memcmp(ip->dst, own->bytes, sizeof(ip->dst)) != 0 || !nsh_ipv6_is_host(ip->src) ||
		icmp->type != ICMP6_ECHO || icmp->code != 0 ||
		nsh_sum_fold(nsh_sum_pseudo6(ip->src, ip->dst, NSH_IPPROTO_ICMP6, (uint32_t)size) +
			     nsh_sum(icmp, size)) != UINT16_MAX)
		return false;
	swap(ip->src, ip->dst, sizeof(ip->src));
	ip->hop_limit = REPLY_TTL;
	set_type(icmp, ICMP6_ECHO_REPLY);
	return true;
}

bool
icmp_echo_reply(void *frame, size_t size, const union nsh_addr *own)
{
	struct eth_hdr *eth = (struct eth_hdr *)frame;
	struct eth_info info;
	uint8_t *packet;

	if (!eth_parse(frame, size, &info) || eth_is_multicast(eth->dmac) || eth_is_multicast(eth->smac))
		return false;
	packet = (uint8_t *)frame + info.size;
	if (!(info.type == ETH_IPV4 && reply4(packet, size - info.size, own)) &&
		!(info.type == ETH_IPV6 && reply6(packet, size - info.size, own)))
		return false;
	swap(eth->dmac, eth->smac, ETH_MAC_SIZE);
	return true;
}
