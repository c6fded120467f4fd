/* vxlan_gpe_parse() on any frame: the fixed-offset and the general parser agree, what is accepted lies inside
 * the frame, and pushing what was read parses to the same again. The IPv4 checksum is also made right, else
 * hardly any input would get past it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vxlan_gpe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
expect(int condition)
{
	if (!condition)
		abort();
}

static void
expect_same(const struct vxlan_gpe_info *a, const struct vxlan_gpe_info *b)
{
	expect(a->src == b->src && a->dst == b->dst && a->vni == b->vni);
	expect(a->src_port == b->src_port && a->payload_size == b->payload_size && a->tos == b->tos);
	expect(memcmp(a->dmac, b->dmac, ETH_MAC_SIZE) == 0);
}

static void
check_pushed(const struct vxlan_gpe_info *info)
{
	static const uint8_t smac[ETH_MAC_SIZE] = {2, 0, 0, 0, 0, 1};
	uint8_t outer[VXLAN_GPE_OUTER_SIZE];
	struct vxlan_gpe_template t;
	struct vxlan_gpe_info again;

	vxlan_gpe_template_init(&t, info->dmac, smac, info->src, info->dst, info->vni, 64);
	vxlan_gpe_push(outer, &t, info->payload_size, info->src_port, info->payload_size ^ 0x5555, info->tos);
	expect(vxlan_gpe_parse(outer, sizeof(outer), sizeof(outer) + info->payload_size, &again) ==
		VXLAN_GPE_OK);
	expect_same(&again, info);
	expect(again.size == VXLAN_GPE_OUTER_SIZE && again.udp_checksum == 0);
	expect(again.next_proto == NSH_NP_NSH && !again.payload_is_ethernet);
}

static void
check(const uint8_t *frame, size_t avail, size_t frame_size)
{
	struct vxlan_gpe_info info, any;
	enum vxlan_gpe_verdict verdict = vxlan_gpe_parse(frame, avail, frame_size, &info);

	expect(vxlan_gpe_parse_any(frame, avail, frame_size, &any) == verdict);
	if (verdict != VXLAN_GPE_OK)
		return;
	expect_same(&info, &any);
	expect(info.size == any.size && info.udp_checksum == any.udp_checksum);
	expect(info.next_proto == any.next_proto && info.payload_is_ethernet == any.payload_is_ethernet);
	expect(info.size <= avail && (size_t)info.size + info.payload_size <= frame_size);
	expect(info.payload_size <= VXLAN_GPE_PAYLOAD_MAX && info.vni <= VXLAN_GPE_VNI_MAX);
	expect(info.next_proto >= NSH_NP_IPV4 && info.next_proto <= NSH_NP_MPLS);
	check_pushed(&info);
}

/* Put the checksum in that the header would need; the frame may be too short or be no IPv4 at all. */
static void
fix_ip_checksum(uint8_t *frame, size_t size)
{
	struct eth_info eth;
	uint8_t *ip;
	size_t ihl;
	uint16_t sum;

	if (!eth_parse(frame, size, &eth) || size - eth.size < NSH_IPV4_SIZE)
		return;
	ip = frame + eth.size;
	ihl = (size_t)(ip[0] & 0xF) * 4;
	if (ihl < NSH_IPV4_SIZE || ihl > size - eth.size)
		return;
	memset(ip + 10, 0, 2);
	sum = (uint16_t)~nsh_sum(ip, ihl);
	memcpy(ip + 10, &sum, sizeof(sum));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *frame = malloc(size > 0 ? size : 1);

	if (frame == NULL)
		abort();
	check(data, size, size);
	if (size > 0)
		memcpy(frame, data, size);
	fix_ip_checksum(frame, size);
	check(frame, size, size);
	vxlan_gpe_udp_checksum(frame, size);
	/* The same bytes as the first segment of a longer frame, and as more than the frame. */
	check(frame, size, size + 1500);
	check(frame, size, size / 2);
	free(frame);
	return 0;
}
