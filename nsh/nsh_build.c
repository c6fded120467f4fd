#include "nsh_build.h"

/* Base and Service Path Headers with Ver, O and U bits 0; RFC 8300, 2.2 and 2.3. */
static void
build_base(void *dst, size_t size, uint8_t md_type, uint32_t sp, uint8_t ttl, uint8_t np)
{
	struct nsh_hdr *hdr = (struct nsh_hdr *)dst;
	uint32_t length_words = (uint32_t)size / 4;

	hdr->base = rte_cpu_to_be_32((uint32_t)ttl << NSH_TTL_SHIFT | length_words << NSH_LENGTH_SHIFT |
				     (uint32_t)md_type << NSH_MD_TYPE_SHIFT | np);
	nsh_sp_set(hdr, sp);
}

size_t
nsh_build_md1(void *dst, uint32_t sp, uint8_t ttl, uint8_t np, const uint32_t context[NSH_MD1_WORDS])
{
	uint32_t words[NSH_MD1_WORDS] = {0};

	if (ttl > NSH_TTL_MAX)
		return 0;
	if (context != NULL) {
		for (unsigned int i = 0; i < NSH_MD1_WORDS; i++)
			words[i] = rte_cpu_to_be_32(context[i]);
	}
	build_base(dst, NSH_MD1_SIZE, NSH_MD1, sp, ttl, np);
	memcpy((uint8_t *)dst + NSH_BASE_SIZE, words, sizeof(words));
	return NSH_MD1_SIZE;
}

size_t
nsh_build_md2(void *dst, uint32_t sp, uint8_t ttl, uint8_t np, const void *tlvs, size_t tlvs_size)
{
	if (ttl > NSH_TTL_MAX || tlvs_size > NSH_MAX_SIZE - NSH_BASE_SIZE || tlvs_size % 4 != 0)
		return 0;
	build_base(dst, NSH_BASE_SIZE + tlvs_size, NSH_MD2, sp, ttl, np);
	if (tlvs_size > 0)
		memcpy((uint8_t *)dst + NSH_BASE_SIZE, tlvs, tlvs_size);
	return NSH_BASE_SIZE + tlvs_size;
}
