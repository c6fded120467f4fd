/* outer_parse() on any frame, for ports that accept everything or little: the fixed-offset and the general
 * parser agree, what is accepted lies inside the frame, and pushing what was read parses to the same again.
 * The IPv4 checksum is also made right, else hardly any input would get past it. ECN of the packet inside is
 * read and written as the SFF would do it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "nsh_ecn.h"
#include "nsh_parse.h"
#include "outer_push.h"

#define NSH_PORT 6633

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
expect(int condition)
{
	if (!condition)
		abort();
}

static void
expect_same(const struct outer_info *a, const struct outer_info *b)
{
	expect(nsh_addr_equal(&a->src, &b->src) && nsh_addr_equal(&a->dst, &b->dst));
	expect(a->vni == b->vni && a->has_vni == b->has_vni && a->src_port == b->src_port);
	expect(a->payload_size == b->payload_size && a->tos == b->tos && a->family == b->family);
	expect(a->transport == b->transport && a->tags == b->tags);
	expect(memcmp(a->tci, b->tci, a->tags * sizeof(a->tci[0])) == 0);
	expect(memcmp(a->dmac, b->dmac, ETH_MAC_SIZE) == 0 && memcmp(a->smac, b->smac, ETH_MAC_SIZE) == 0);
}

static struct outer_conf
conf_of(const struct outer_info *info, enum outer_checksum checksum)
{
	struct outer_conf conf = {.transport = info->transport,
		.family = info->family,
		.src = info->src,
		.dst = info->dst,
		.vni = info->vni,
		.has_key = info->has_vni,
		.udp_port = NSH_PORT,
		.ttl = 64,
		.tags = info->tags,
		.checksum = checksum,
		.inner_ethernet = info->inner_ethernet};

	memcpy(conf.dmac, info->dmac, ETH_MAC_SIZE);
	memcpy(conf.smac, info->smac, ETH_MAC_SIZE);
	for (uint8_t i = 0; i < info->tags; i++)
		conf.tag[i] = (struct outer_vlan){.type = ETH_VLAN, .tci = info->tci[i]};
	return conf;
}

/* A frame of its own around the payload, of which avail bytes are there. */
static void
check_pushed(const struct outer_accept *accept, const struct outer_info *info, const uint8_t *payload,
	size_t avail, enum outer_checksum checksum)
{
	struct outer_conf conf = conf_of(info, checksum);
	struct outer_template t;
	struct outer_info again;
	uint8_t *frame;

	if (avail > info->payload_size)
		avail = info->payload_size;
	expect(outer_template_init(&t, &conf) == 0);
	/* Ethernet alone may be longer than any length field, and a checksum of GRE takes room. */
	if (info->payload_size > t.payload_max)
		return;
	frame = malloc(t.size + avail);
	expect(frame != NULL);
	if (avail > 0)
		memcpy(frame + t.size, payload, avail);
	outer_push(frame, &t, info->payload_size, info->src_port, info->tos, nsh_sum(payload, avail));
	expect(outer_parse(accept, frame, t.size + avail, (size_t)t.size + info->payload_size, &again) ==
		OUTER_OK);
	expect_same(&again, info);
	expect(again.size == t.size && (again.check_size != 0) == t.needs_sum);
	if (avail == info->payload_size)
		expect(outer_check(frame, &again));
	free(frame);
}

/* What is good at a glance is good, and says the same. */
static void
check_glance(const uint8_t *frame, size_t avail, size_t frame_size, enum outer_verdict verdict,
	const struct outer_info *info)
{
	const struct outer_gpe4 *o = (const struct outer_gpe4 *)frame;
	struct outer_gpe4_match match;

	outer_gpe4_match_init(&match, o->ip.dst, rte_be_to_cpu_32(o->gpe.vni) >> 8);
	if (!outer_is_gpe4(&match, frame, avail, frame_size))
		return;
	expect(verdict == OUTER_OK && info->transport == OUTER_VXLAN_GPE && info->family == NSH_IPV4);
	expect(info->size == OUTER_GPE4_SIZE && info->check_size == 0 && !info->inner_ethernet);
	expect(info->payload_size ==
		rte_be_to_cpu_16(o->udp.size) - (uint32_t)(NSH_UDP_SIZE + VXLAN_HDR_SIZE));
}

static void
check(const struct outer_accept *accept, const uint8_t *frame, size_t avail, size_t frame_size)
{
	struct outer_info info;
	enum outer_verdict verdict = outer_parse(accept, frame, avail, frame_size, &info);

	if (avail >= OUTER_GPE4_SIZE && (accept->transports & OUTER_BIT(OUTER_VXLAN_GPE)))
		check_glance(frame, avail, frame_size, verdict, &info);
	expect(verdict < OUTER_VERDICTS);
	if (verdict != OUTER_OK)
		return;
	expect(accept->transports & OUTER_BIT(info.transport));
	expect(info.size <= avail && info.size <= OUTER_SIZE_MAX);
	expect((size_t)info.size + info.payload_size <= frame_size);
	if (info.check_size > 0) {
		expect((size_t)info.check_at + info.check_size == (size_t)info.size + info.payload_size);
		if ((size_t)info.check_at + info.check_size <= avail)
			outer_check(frame, &info);
	}
	check_pushed(accept, &info, frame + info.size, avail - info.size, OUTER_CHECKSUM_DEFAULT);
	check_pushed(accept, &info, frame + info.size, avail - info.size, OUTER_CHECKSUM_ON);
	if (info.family != NSH_IPV6 || accept->zero_checksum6)
		check_pushed(accept, &info, frame + info.size, avail - info.size, OUTER_CHECKSUM_OFF);
}

/* The tunnel's mark on the packet behind NSH: what is written reads back, and an IPv4 checksum stays right.
 */
static void
check_ecn(const struct outer_accept *accept, uint8_t *frame, size_t size)
{
	struct outer_info outer;
	struct nsh_info nsh;
	uint8_t *payload;
	uint8_t before;
	size_t avail;

	if (outer_parse(accept, frame, size, size, &outer) != OUTER_OK ||
		nsh_parse(frame + outer.size, outer.payload_size, &nsh) != NSH_OK)
		return;
	payload = frame + outer.size + nsh.size;
	avail = outer.payload_size - nsh.size;
	before = nsh_ecn_inner(payload, avail, nsh.next_proto);
	if (nsh_ecn_apply(payload, avail, nsh.next_proto, outer.tos))
		expect((nsh_ecn_inner(payload, avail, nsh.next_proto) & NSH_ECN_MASK) ==
			nsh_ecn_decap(before, outer.tos));
	else
		expect(nsh_ecn_decap(before, outer.tos) < 0);
}

/* Put the checksum in that the header would need; the frame may be too short or be no IPv4 at all. */
static void
fix_ip_checksum(uint8_t *frame, size_t size)
{
	struct eth_info eth;
	uint8_t *ip;
	size_t ihl;
	uint16_t sum;

	if (!eth_parse(frame, size, &eth) || eth.type != ETH_IPV4 || size - eth.size < NSH_IPV4_SIZE)
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
	static const struct outer_accept accepts[] = {
		{.transports = OUTER_BIT(OUTER_TRANSPORTS) - 1,
			.nsh_udp_port = NSH_PORT,
			.zero_checksum6 = true},
		{.transports = OUTER_BIT(OUTER_TRANSPORTS) - 1, .nsh_udp_port = NSH_PORT},
		{.transports = OUTER_BIT(OUTER_VXLAN_GPE)},
		{.transports = OUTER_BIT(OUTER_UDP) | OUTER_BIT(OUTER_ETHERNET), .nsh_udp_port = NSH_PORT},
		{0},
	};
	uint8_t *frame = malloc(size > 0 ? size : 1);

	expect(frame != NULL);
	if (size > 0)
		memcpy(frame, data, size);
	fix_ip_checksum(frame, size);
	for (size_t i = 0; i < sizeof(accepts) / sizeof(accepts[0]); i++) {
		check(&accepts[i], data, size, size);
		check(&accepts[i], frame, size, size);
		/* The same bytes as the first segment of a longer frame, and as more than the frame. */
		check(&accepts[i], frame, size, size + 1500);
		check(&accepts[i], frame, size, size / 2);
	}
	check_ecn(&accepts[0], frame, size);
	free(frame);
	return 0;
}
