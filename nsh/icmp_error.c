#include "icmp.h"

#define ERROR_TTL       64   /* IANA "IP Parameters", default TTL; RFC 1700 */
#define ERROR_TOS       0xC0 /* precedence Internetwork Control; RFC 1812, 4.3.2.5 */
#define CODE_FRAGMENT   4    /* fragmentation needed and DF set; RFC 792 */
#define ICMP6_REDIRECT  137  /* RFC 4861, 4.5 */
#define ICMP6_INFORMING 128  /* types below are errors; RFC 4443, 2.1 */

/* ICMP types that ask or tell and are no errors: IANA "ICMP Type Numbers", echo, router discovery, time
 * stamp. An unknown type may be an error: it is treated as one. */
static bool
icmp4_is_error(uint8_t type)
{
	switch (type) {
	case ICMP4_ECHO_REPLY:
	case ICMP4_ECHO:
	case 9:
	case 10:
	case 13:
	case 14:
		return false;
	default:
		return true;
	}
}

/* May there be a message about this packet, of which avail bytes are there? */
static bool
may_tell4(const uint8_t *packet, size_t avail)
{
	const struct nsh_ipv4_hdr *ip = (const struct nsh_ipv4_hdr *)packet;
	size_t ihl;

	if (avail < NSH_IPV4_SIZE)
		return false;
	ihl = (size_t)(ip->version_ihl & 0xF) * 4;
	if (ip->version_ihl >> 4 != 4 || ihl < NSH_IPV4_SIZE || avail < ihl + ICMP_HDR_SIZE ||
		rte_be_to_cpu_16(ip->total_size) < ihl + ICMP_HDR_SIZE || nsh_sum(ip, ihl) != UINT16_MAX)
		return false;
	if (!nsh_ipv4_is_host(ip->src) || !nsh_ipv4_is_host(ip->dst) ||
		!(ip->fragment & RTE_BE16(NSH_IPV4_DF)) ||
		(ip->fragment & RTE_BE16(NSH_IPV4_OFFSET_MASK)) != 0)
		return false;
	return ip->protocol != NSH_IPPROTO_ICMP || !icmp4_is_error(packet[ihl]);
}

/* What the walk over extension headers does not see through could be an error: there is no message about it.
 */
static bool
may_tell6(const uint8_t *packet, size_t avail)
{
	const struct nsh_ipv6_hdr *ip = (const struct nsh_ipv6_hdr *)packet;
	enum nsh_ipv6_verdict verdict;
	struct nsh_ipv6_upper upper;
	uint8_t type;

	if (avail < NSH_IPV6_SIZE)
		return false;
	verdict = nsh_ipv6_walk(
		packet, avail, (size_t)NSH_IPV6_SIZE + rte_be_to_cpu_16(ip->payload_size), &upper);
	if (verdict != NSH_IPV6_OK && !(verdict == NSH_IPV6_FRAGMENT && upper.first))
		return false;
	if (!nsh_ipv6_is_host(ip->src) || nsh_ipv6_is_multicast(ip->dst))
		return false;
	if (upper.protocol != NSH_IPPROTO_ICMP6)
		return true;
	if (upper.size == 0 || avail <= upper.at)
		return false;
	type = packet[upper.at];
	return type >= ICMP6_INFORMING && type != ICMP6_REDIRECT;
}

static size_t
build4(uint8_t *dst, const uint8_t *packet, size_t avail, uint16_t mtu, const union nsh_addr *src)
{
	const struct nsh_ipv4_hdr *offender = (const struct nsh_ipv4_hdr *)packet;
	struct nsh_ipv4_hdr ip = {.version_ihl = NSH_IPV4_VERSION_IHL,
		.tos = ERROR_TOS,
		.ttl = ERROR_TTL,
		.protocol = NSH_IPPROTO_ICMP,
		.src = src != NULL ? src->v4 : offender->dst,
		.dst = offender->src};
	struct icmp_hdr icmp = {
		.type = ICMP4_UNREACHABLE, .code = CODE_FRAGMENT, .rest = rte_cpu_to_be_32(mtu)};
	size_t quoted = rte_be_to_cpu_16(offender->total_size);

	if (quoted > avail)
		quoted = avail;
	if (quoted > ICMP_ERROR_MAX - NSH_IPV4_SIZE - ICMP_HDR_SIZE)
		quoted = ICMP_ERROR_MAX - NSH_IPV4_SIZE - ICMP_HDR_SIZE;
	ip.total_size = rte_cpu_to_be_16((uint16_t)(NSH_IPV4_SIZE + ICMP_HDR_SIZE + quoted));
	ip.checksum = (uint16_t)~nsh_sum(&ip, sizeof(ip));
	icmp.checksum = nsh_sum_checksum((uint64_t)nsh_sum(&icmp, sizeof(icmp)) + nsh_sum(packet, quoted));
	memcpy(dst, &ip, sizeof(ip));
	memcpy(dst + NSH_IPV4_SIZE, &icmp, sizeof(icmp));
	memcpy(dst + NSH_IPV4_SIZE + ICMP_HDR_SIZE, packet, quoted);
	return NSH_IPV4_SIZE + ICMP_HDR_SIZE + quoted;
}

static size_t
build6(uint8_t *dst, const uint8_t *packet, size_t avail, uint16_t mtu, const union nsh_addr *src)
{
	const struct nsh_ipv6_hdr *offender = (const struct nsh_ipv6_hdr *)packet;
	struct nsh_ipv6_hdr ip = {.version_tc_label = RTE_BE32(NSH_IPV6_VERSION),
		.next_header = NSH_IPPROTO_ICMP6,
		.hop_limit = ERROR_TTL};
	struct icmp_hdr icmp = {.type = ICMP6_TOO_BIG, .rest = rte_cpu_to_be_32(mtu)};
	size_t quoted = (size_t)NSH_IPV6_SIZE + rte_be_to_cpu_16(offender->payload_size);
	size_t size;

	if (quoted > avail)
		quoted = avail;
	if (quoted > NSH_IPV6_MTU_MIN - NSH_IPV6_SIZE - ICMP_HDR_SIZE)
		quoted = NSH_IPV6_MTU_MIN - NSH_IPV6_SIZE - ICMP_HDR_SIZE;
	size = ICMP_HDR_SIZE + quoted;
	ip.payload_size = rte_cpu_to_be_16((uint16_t)size);
	memcpy(ip.src, src != NULL ? src->bytes : offender->dst, sizeof(ip.src));
	memcpy(ip.dst, offender->src, sizeof(ip.dst));
	icmp.checksum = nsh_sum_checksum(nsh_sum_pseudo6(ip.src, ip.dst, NSH_IPPROTO_ICMP6, (uint32_t)size) +
					 nsh_sum(&icmp, sizeof(icmp)) + nsh_sum(packet, quoted));
	memcpy(dst, &ip, sizeof(ip));
	memcpy(dst + NSH_IPV6_SIZE, &icmp, sizeof(icmp));
	memcpy(dst + NSH_IPV6_SIZE + ICMP_HDR_SIZE, packet, quoted);
	return NSH_IPV6_SIZE + size;
}

size_t
icmp_too_big_ip(
	void *dst, const void *packet, size_t avail, uint16_t type, uint16_t mtu, const union nsh_addr *src)
{
	if (type == ETH_IPV4 && mtu >= ICMP_MTU_MIN && may_tell4(packet, avail))
		return build4(dst, packet, avail, mtu, src);
	if (type == ETH_IPV6 && mtu >= NSH_IPV6_MTU_MIN && may_tell6(packet, avail))
		return build6(dst, packet, avail, mtu, src);
	return 0;
}

size_t
icmp_too_big(void *dst, const void *frame, size_t avail, uint16_t mtu, const union nsh_addr *src)
{
	const struct eth_hdr *eth = (const struct eth_hdr *)frame;
	uint8_t *out = (uint8_t *)dst;
	struct eth_info info;
	size_t size;

	if (!eth_parse(frame, avail, &info) || eth_is_multicast(eth->dmac) || eth_is_multicast(eth->smac))
		return 0;
	size = icmp_too_big_ip(
		out + info.size, (const uint8_t *)frame + info.size, avail - info.size, info.type, mtu, src);
	if (size == 0)
		return 0;
	/* Type and tags as they were; back to the sender. */
	memcpy(out, frame, info.size);
	memcpy(out, eth->smac, ETH_MAC_SIZE);
	memcpy(out + ETH_MAC_SIZE, eth->dmac, ETH_MAC_SIZE);
	return info.size + size;
}
