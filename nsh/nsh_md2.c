#include "nsh_md2.h"

#include <string.h>

#define U_MASK 0x80 /* unassigned bit above the 7-bit Length; RFC 8300, 2.5.1 */

/* A context header as on the wire. */
struct tlv_hdr {
	rte_be16_t md_class;
	uint8_t type;
	uint8_t u_len;
} __attribute__((packed, may_alias));

static_assert(sizeof(struct tlv_hdr) == NSH_MD2_HDR_SIZE, "RFC 8300, 2.5.1");

static size_t
round_up_4(size_t size)
{
	return (size + 3) & ~(size_t)3;
}

void
nsh_md2_iter_init(struct nsh_md2_iter *it, const void *header, const struct nsh_info *info)
{
	it->at = (const uint8_t *)header + NSH_BASE_SIZE;
	it->left = info->md_type == NSH_MD2 ? (size_t)info->size - NSH_BASE_SIZE : 0;
}

enum nsh_md2_verdict
nsh_md2_next(struct nsh_md2_iter *it, struct nsh_md2_tlv *tlv)
{
	const struct tlv_hdr *hdr = (const struct tlv_hdr *)it->at;
	size_t len, step;

	if (it->left == 0)
		return NSH_MD2_END;
	if (it->left < NSH_MD2_HDR_SIZE)
		return NSH_MD2_OVERRUN;
	len = hdr->u_len & (uint8_t)~U_MASK;
	step = NSH_MD2_HDR_SIZE + round_up_4(len);
	if (step > it->left)
		return NSH_MD2_OVERRUN;
	tlv->md_class = rte_be_to_cpu_16(hdr->md_class);
	tlv->type = hdr->type;
	tlv->len = (uint8_t)len;
	tlv->value = it->at + NSH_MD2_HDR_SIZE;
	it->at += step;
	it->left -= step;
	return NSH_MD2_TLV;
}

enum nsh_md2_verdict
nsh_md2_find(const void *header, const struct nsh_info *info, uint16_t md_class, uint8_t type,
	struct nsh_md2_tlv *tlv)
{
	struct nsh_md2_iter it;
	enum nsh_md2_verdict verdict;
	struct nsh_md2_tlv seen;

	nsh_md2_iter_init(&it, header, info);
	while ((verdict = nsh_md2_next(&it, &seen)) == NSH_MD2_TLV) {
		if (seen.md_class == md_class && seen.type == type) {
			*tlv = seen;
			return NSH_MD2_TLV;
		}
	}
	return verdict;
}

size_t
nsh_md2_put(void *dst, size_t room, uint16_t md_class, uint8_t type, const void *value, size_t len)
{
	struct tlv_hdr *hdr = (struct tlv_hdr *)dst;
	uint8_t *at = (uint8_t *)dst + NSH_MD2_HDR_SIZE;
	size_t size = NSH_MD2_HDR_SIZE + round_up_4(len);

	if (len > NSH_MD2_LEN_MAX || size > room)
		return 0;
	hdr->md_class = rte_cpu_to_be_16(md_class);
	hdr->type = type;
	hdr->u_len = (uint8_t)len;
	if (len > 0)
		memcpy(at, value, len);
	memset(at + len, 0, size - NSH_MD2_HDR_SIZE - len);
	return size;
}
