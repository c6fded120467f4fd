#include "outer_push.h"

/* Copy the template by constant sizes: whole blocks, then one that ends with the header and may overlap. */
static inline void
copy_bytes(uint8_t *dst, const struct outer_template *t)
{
	enum { BLOCK = 16 };

	if (t->size < BLOCK) {
		memcpy(dst, t->bytes, ETH_HDR_SIZE);
		return;
	}
	switch ((t->size - 1) / BLOCK) {
	case 5:
		memcpy(dst + 4 * BLOCK, t->bytes + 4 * BLOCK, BLOCK);
		/* fall through */
	case 4:
		memcpy(dst + 3 * BLOCK, t->bytes + 3 * BLOCK, BLOCK);
		/* fall through */
	case 3:
		memcpy(dst + 2 * BLOCK, t->bytes + 2 * BLOCK, BLOCK);
		/* fall through */
	case 2:
		memcpy(dst + BLOCK, t->bytes + BLOCK, BLOCK);
		/* fall through */
	default:
		memcpy(dst, t->bytes, BLOCK);
	}
	memcpy(dst + t->size - BLOCK, t->bytes + t->size - BLOCK, BLOCK);
}

/* Lengths, DSCP and ECN, flow label; returns the header above. */
static inline uint8_t *
fill_ip(uint8_t *ip, const struct outer_template *t, uint16_t upper_size, uint16_t entropy, uint8_t tos)
{
	if (t->family == NSH_IPV4) {
		struct nsh_ipv4_hdr *ip4 = (struct nsh_ipv4_hdr *)ip;

		ip4->tos = tos;
		ip4->total_size = rte_cpu_to_be_16((uint16_t)(upper_size + NSH_IPV4_SIZE));
		ip4->checksum = (uint16_t)~nsh_sum_fold(
			(uint64_t)t->ip_sum + rte_cpu_to_be_16(tos) + ip4->total_size);
		return ip + NSH_IPV4_SIZE;
	}
	((struct nsh_ipv6_hdr *)ip)->version_tc_label =
		rte_cpu_to_be_32(NSH_IPV6_VERSION | (uint32_t)tos << NSH_IPV6_TC_SHIFT | entropy);
	((struct nsh_ipv6_hdr *)ip)->payload_size = rte_cpu_to_be_16(upper_size);
	return ip + NSH_IPV6_SIZE;
}

void
outer_push_any(void *dst, const struct outer_template *t, uint32_t payload_size, uint16_t entropy,
	uint8_t tos, uint16_t payload_sum)
{
	uint64_t sum = (uint64_t)t->check_sum + payload_sum;
	struct nsh_udp_hdr *udp;
	uint8_t *upper;
	uint16_t size;

	copy_bytes((uint8_t *)dst, t);
	if (t->shape == OUTER_SHAPE_ETHERNET)
		return;
	size = (uint16_t)(payload_size + t->size - t->ip_at -
			  (t->family == NSH_IPV4 ? NSH_IPV4_SIZE : NSH_IPV6_SIZE));
	upper = fill_ip((uint8_t *)dst + t->ip_at, t, size, entropy, tos);
	if (t->shape == OUTER_SHAPE_GRE) {
		rte_be16_t checksum = nsh_sum_checksum(sum);

		if (t->needs_sum)
			memcpy(upper + GRE_HDR_SIZE, &checksum, sizeof(checksum));
		return;
	}
	udp = (struct nsh_udp_hdr *)upper;
	udp->src_port = rte_cpu_to_be_16(entropy);
	udp->size = rte_cpu_to_be_16(size);
	/* The length counts twice: in the pseudo header too. */
	if (t->needs_sum)
		udp->checksum = nsh_sum_checksum(sum + udp->src_port + 2 * (uint64_t)udp->size);
}
