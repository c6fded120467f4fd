#include "offload.h"

#include "eth.h"

#define IPPROTO_TCP  6  /* IANA "Protocol Numbers" */
#define TCP_SIZE     20 /* without options; RFC 9293, 3.1 */
#define TCP_CHECKSUM 16 /* its offset there */
#define UDP_CHECKSUM 6  /* RFC 768 */

/* Is a checksum no more than the sum of what the pseudo header says? */
static bool
is_partial(const uint8_t *upper, size_t size, uint8_t protocol, uint64_t pseudo)
{
	size_t at = protocol == IPPROTO_TCP ? TCP_CHECKSUM : UDP_CHECKSUM;
	uint16_t checksum;

	if (protocol != IPPROTO_TCP && protocol != NSH_IPPROTO_UDP)
		return false;
	if (size < (protocol == IPPROTO_TCP ? (size_t)TCP_SIZE : (size_t)NSH_UDP_SIZE))
		return false;
	memcpy(&checksum, upper + at, sizeof(checksum));
	return checksum == nsh_sum_fold(pseudo) && nsh_sum_fold(pseudo + nsh_sum(upper, size)) != UINT16_MAX;
}

static bool
is_offloaded4(const uint8_t *packet, size_t avail, size_t room)
{
	const struct nsh_ipv4_hdr *ip = (const struct nsh_ipv4_hdr *)packet;
	size_t ihl, size;

	if (avail < NSH_IPV4_SIZE)
		return false;
	ihl = (size_t)(ip->version_ihl & 0xF) * 4;
	size = rte_be_to_cpu_16(ip->total_size);
	if (ip->version_ihl >> 4 != 4 || ihl < NSH_IPV4_SIZE || size < ihl)
		return false;
	if (size > room)
		return true;
	if (size > avail || (ip->fragment & RTE_BE16(NSH_IPV4_FRAGMENT_MASK)) != 0)
		return false;
	return is_partial(packet + ihl, size - ihl, ip->protocol,
		nsh_sum_pseudo4(ip->src, ip->dst, ip->protocol, (uint16_t)(size - ihl)));
}

static bool
is_offloaded6(const uint8_t *packet, size_t avail, size_t room)
{
	const struct nsh_ipv6_hdr *ip = (const struct nsh_ipv6_hdr *)packet;
	struct nsh_ipv6_upper upper;

	if (avail < NSH_IPV6_SIZE || packet[0] >> 4 != 6)
		return false;
	if ((size_t)NSH_IPV6_SIZE + rte_be_to_cpu_16(ip->payload_size) > room)
		return true;
	if (nsh_ipv6_walk(packet, avail, room, &upper) != NSH_IPV6_OK ||
		(size_t)upper.at + upper.size > avail)
		return false;
	return is_partial(packet + upper.at, upper.size, upper.protocol,
		nsh_sum_pseudo6(ip->src, ip->dst, upper.protocol, upper.size));
}

bool
nsh_is_offloaded(const void *frame, size_t avail, size_t frame_size)
{
	const uint8_t *packet;
	struct eth_info eth;

	if (!eth_parse(frame, avail, &eth))
		return false;
	packet = (const uint8_t *)frame + eth.size;
	if (eth.type == ETH_IPV4)
		return is_offloaded4(packet, avail - eth.size, frame_size - eth.size);
	return eth.type == ETH_IPV6 && is_offloaded6(packet, avail - eth.size, frame_size - eth.size);
}
