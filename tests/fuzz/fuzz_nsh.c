/* nsh_parse(), the TLV walk, and rebuilding what was read: on any bytes, whatever is accepted must come back
 * from our own builders byte for byte, U and O bits apart. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "nsh_build.h"
#include "nsh_md2.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
expect(int condition)
{
	if (!condition)
		abort();
}

/* The TLVs of a header written anew, padding and U bits as we send them. Returns false on a broken TLV. */
static int
rebuild_tlvs(const uint8_t *data, const struct nsh_info *info, uint8_t *dst, size_t *dst_size)
{
	struct nsh_md2_iter it;
	struct nsh_md2_tlv tlv, first;
	enum nsh_md2_verdict verdict;

	*dst_size = 0;
	nsh_md2_iter_init(&it, data, info);
	while ((verdict = nsh_md2_next(&it, &tlv)) == NSH_MD2_TLV) {
		const uint8_t *end = tlv.value + tlv.len;
		size_t written;

		expect(tlv.value >= data + NSH_BASE_SIZE && end <= data + info->size);
		expect(nsh_md2_find(data, info, tlv.md_class, tlv.type, &first) == NSH_MD2_TLV);
		expect(first.value <= tlv.value);
		written = nsh_md2_put(dst + *dst_size, NSH_MAX_SIZE - NSH_BASE_SIZE - *dst_size, tlv.md_class,
			tlv.type, tlv.value, tlv.len);
		expect(written > 0);
		*dst_size += written;
	}
	expect(nsh_md2_next(&it, &tlv) == verdict);
	return verdict == NSH_MD2_END;
}

static void
check_rebuilt(const uint8_t *data, const struct nsh_info *info)
{
	uint8_t built[NSH_MAX_SIZE], tlvs[NSH_MAX_SIZE - NSH_BASE_SIZE];
	const struct nsh_hdr *hdr = (const struct nsh_hdr *)data;
	uint32_t context[NSH_MD1_WORDS];
	struct nsh_info again;
	size_t tlvs_size, built_size;
	rte_be32_t base;

	if (info->md_type == NSH_MD1) {
		memcpy(context, data + NSH_BASE_SIZE, sizeof(context));
		for (unsigned int i = 0; i < NSH_MD1_WORDS; i++)
			context[i] = rte_be_to_cpu_32(context[i]);
		built_size = nsh_build_md1(built, info->sp, info->ttl, info->next_proto, context);
	} else {
		built_size = nsh_build_md2(built, info->sp, info->ttl, info->next_proto, data + NSH_BASE_SIZE,
			(size_t)info->size - NSH_BASE_SIZE);
	}
	expect(built_size == info->size);
	nsh_oam_set((struct nsh_hdr *)built, info->oam);
	memcpy(&base, built, sizeof(base));
	expect(base == (hdr->base & ~RTE_BE32(NSH_U_MASK)));
	expect(memcmp(built + sizeof(base), data + sizeof(base), info->size - sizeof(base)) == 0);

	if (rebuild_tlvs(data, info, tlvs, &tlvs_size) && info->md_type == NSH_MD2) {
		expect(tlvs_size == (size_t)info->size - NSH_BASE_SIZE);
		expect(nsh_build_md2(built, info->sp, info->ttl, info->next_proto, tlvs, tlvs_size) ==
			info->size);
		expect(nsh_parse(built, info->size, &again) == NSH_OK);
		expect(again.sp == info->sp && again.size == info->size && again.ttl == info->ttl);
		expect(rebuild_tlvs(built, &again, tlvs, &tlvs_size));
		expect(memcmp(built + NSH_BASE_SIZE, tlvs, tlvs_size) == 0);
	}
}

/* What an SFF and an SF do to an accepted header: it stays accepted, all else unchanged. */
static void
check_rewritten(const uint8_t *data, const struct nsh_info *info)
{
	struct nsh_template t;
	uint8_t packet[NSH_MAX_SIZE + 1];
	struct nsh_hdr *hdr;
	struct nsh_info after;
	bool dec;

	t.size = info->size;
	memcpy(t.bytes, data, info->size);
	hdr = nsh_push(packet + info->size, &t);
	expect(memcmp(hdr, data, info->size) == 0);
	expect(nsh_ttl_dec(hdr) == (info->ttl == 0 ? 63 : info->ttl - 1));
	dec = nsh_si_dec(hdr);
	expect(nsh_parse(hdr, info->size, &after) == NSH_OK);
	expect(dec == (nsh_sp_si(info->sp) != 0));
	expect(after.sp == info->sp - (dec ? 1 : 0));
	expect(after.size == info->size && after.md_type == info->md_type && after.oam == info->oam);
	nsh_ttl_set(hdr, info->ttl);
	nsh_sp_set(hdr, info->sp);
	expect(memcmp(hdr, data, info->size) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nsh_info info;

	if (nsh_parse(data, size, &info) != NSH_OK)
		return 0;
	expect(info.size >= NSH_BASE_SIZE && info.size <= NSH_MAX_SIZE && info.size <= size &&
		info.size % 4 == 0);
	expect(info.ttl <= NSH_TTL_MAX);
	check_rebuilt(data, &info);
	check_rewritten(data, &info);
	return 0;
}
