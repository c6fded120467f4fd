#include "nsh_ecn.h"

#include "eth.h"
#include "nsh_hdr.h"
#include "nsh_ipv6.h"

/* Offset of the IP header behind NSH, all of which can be read, and its family. */
static enum nsh_family
find_ip(const uint8_t *payload, size_t avail, uint8_t np, size_t *at)
{
	struct eth_info eth = {0};

	switch (np) {
	case NSH_NP_IPV4:
		eth.type = ETH_IPV4;
		break;
	case NSH_NP_IPV6:
		eth.type = ETH_IPV6;
		break;
	case NSH_NP_ETHERNET:
		if (!eth_parse(payload, avail, &eth))
			return NSH_NO_IP;
		break;
	default:
		return NSH_NO_IP;
	}
	*at = eth.size;
	avail -= eth.size;
	if (eth.type == ETH_IPV4 && avail >= NSH_IPV4_SIZE && payload[*at] >> 4 == 4)
		return NSH_IPV4;
	if (eth.type == ETH_IPV6 && avail >= NSH_IPV6_SIZE && payload[*at] >> 4 == 6)
		return NSH_IPV6;
	return NSH_NO_IP;
}

static uint8_t
read_tos(const uint8_t *ip, enum nsh_family family)
{
	switch (family) {
	case NSH_IPV4:
		return ((const struct nsh_ipv4_hdr *)ip)->tos;
	case NSH_IPV6:
		return nsh_ipv6_tos((const struct nsh_ipv6_hdr *)ip);
	default:
		return 0;
	}
}

/* RFC 1624, 3, equation 3: HC' = ~(~HC + ~m + m'). */
static void
write_ecn4(struct nsh_ipv4_hdr *ip, uint8_t ecn)
{
	uint8_t tos = (uint8_t)((ip->tos & ~NSH_ECN_MASK) | ecn);
	uint64_t sum = (uint16_t)~ip->checksum;

	sum += (uint16_t)~rte_cpu_to_be_16(ip->tos);
	sum += rte_cpu_to_be_16(tos);
	ip->checksum = (uint16_t)~nsh_sum_fold(sum);
	ip->tos = tos;
}

static void
write_ecn6(struct nsh_ipv6_hdr *ip, uint8_t ecn)
{
	ip->version_tc_label =
		(ip->version_tc_label & ~RTE_BE32((uint32_t)NSH_ECN_MASK << NSH_IPV6_TC_SHIFT)) |
		rte_cpu_to_be_32((uint32_t)ecn << NSH_IPV6_TC_SHIFT);
}

uint8_t
nsh_ecn_inner(const void *payload, size_t avail, uint8_t np)
{
	size_t at = 0;
	enum nsh_family family = find_ip((const uint8_t *)payload, avail, np, &at);

	return read_tos((const uint8_t *)payload + at, family);
}

bool
nsh_ecn_apply(void *payload, size_t avail, uint8_t np, uint8_t outer_tos)
{
	size_t at = 0;
	enum nsh_family family = find_ip((const uint8_t *)payload, avail, np, &at);
	uint8_t *ip = (uint8_t *)payload + at;
	uint8_t tos = read_tos(ip, family);
	int ecn = nsh_ecn_decap(tos, outer_tos);

	if (ecn < 0)
		return false;
	if (ecn == (tos & NSH_ECN_MASK))
		return true;
	/* Only IP gets here: what is not ECN-capable stays that or is dropped. */
	if (family == NSH_IPV4)
		write_ecn4((struct nsh_ipv4_hdr *)ip, (uint8_t)ecn);
	else
		write_ecn6((struct nsh_ipv6_hdr *)ip, (uint8_t)ecn);
	return true;
}
