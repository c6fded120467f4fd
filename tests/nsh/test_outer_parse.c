#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "guard.h"
#include "outer_frames.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static const struct outer_accept all = {
	.transports = (1 << OUTER_TRANSPORTS) - 1, .nsh_udp_port = NSH_PORT, .zero_checksum6 = true};
static const struct outer_accept strict = {
	.transports = (1 << OUTER_TRANSPORTS) - 1, .nsh_udp_port = NSH_PORT, .zero_checksum6 = false};

/* Every transport over every family, and each of their variants. */
static const struct shape shapes[] = {
	{.transport = OUTER_ETHERNET},
	{.transport = OUTER_VXLAN_GPE, .family = NSH_IPV4},
	{.transport = OUTER_VXLAN_GPE, .family = NSH_IPV4, .checksum = true},
	{.transport = OUTER_VXLAN_GPE, .family = NSH_IPV4, .inner_ethernet = true},
	{.transport = OUTER_VXLAN_GPE, .family = NSH_IPV4, .ip_words = 1},
	{.transport = OUTER_VXLAN_GPE, .family = NSH_IPV4, .ip_words = 10},
	{.transport = OUTER_VXLAN_GPE, .family = NSH_IPV6, .checksum = true},
	{.transport = OUTER_VXLAN_GPE, .family = NSH_IPV6},
	{.transport = OUTER_VXLAN_GPE, .family = NSH_IPV6, .checksum = true, .ext = 4},
	{.transport = OUTER_VXLAN, .family = NSH_IPV4},
	{.transport = OUTER_VXLAN, .family = NSH_IPV6, .checksum = true},
	{.transport = OUTER_GENEVE, .family = NSH_IPV4},
	{.transport = OUTER_GENEVE, .family = NSH_IPV4, .checksum = true, .opt_words = 1},
	{.transport = OUTER_GENEVE, .family = NSH_IPV4, .checksum = true, .opt_words = 63},
	{.transport = OUTER_GENEVE, .family = NSH_IPV4, .inner_ethernet = true},
	{.transport = OUTER_GENEVE, .family = NSH_IPV6, .checksum = true, .opt_words = 5},
	{.transport = OUTER_GENEVE, .family = NSH_IPV6, .checksum = true, .inner_ethernet = true},
	{.transport = OUTER_GENEVE, .family = NSH_IPV6, .checksum = true, .ext = 1},
	{.transport = OUTER_GRE, .family = NSH_IPV4},
	{.transport = OUTER_GRE, .family = NSH_IPV4, .gre_flags = GRE_K},
	{.transport = OUTER_GRE, .family = NSH_IPV4, .gre_flags = GRE_C | GRE_K | GRE_S},
	{.transport = OUTER_GRE, .family = NSH_IPV4, .gre_flags = GRE_S, .ip_words = 3},
	{.transport = OUTER_GRE, .family = NSH_IPV6},
	{.transport = OUTER_GRE, .family = NSH_IPV6, .gre_flags = GRE_C, .ext = 3},
	{.transport = OUTER_UDP, .family = NSH_IPV4},
	{.transport = OUTER_UDP, .family = NSH_IPV4, .checksum = true},
	{.transport = OUTER_UDP, .family = NSH_IPV6, .checksum = true, .ext = 2},
};

static void
assert_same(const struct outer_info *a, const struct outer_info *b)
{
	assert_true(nsh_addr_equal(&a->src, &b->src));
	assert_true(nsh_addr_equal(&a->dst, &b->dst));
	assert_int_equal(a->vni, b->vni);
	assert_int_equal(a->payload_size, b->payload_size);
	assert_int_equal(a->check_size, b->check_size);
	if (a->check_size > 0) {
		assert_int_equal(a->check_at, b->check_at);
		assert_int_equal(a->check_pseudo, b->check_pseudo);
	}
	assert_int_equal(a->size, b->size);
	assert_int_equal(a->src_port, b->src_port);
	assert_memory_equal(a->dmac, b->dmac, ETH_MAC_SIZE);
	assert_memory_equal(a->smac, b->smac, ETH_MAC_SIZE);
	assert_int_equal(a->tags, b->tags);
	for (uint8_t i = 0; i < a->tags; i++)
		assert_int_equal(a->tci[i], b->tci[i]);
	assert_int_equal(a->transport, b->transport);
	assert_int_equal(a->family, b->family);
	assert_int_equal(a->has_vni, b->has_vni);
	assert_int_equal(a->inner_ethernet, b->inner_ethernet);
	assert_int_equal(a->tos, b->tos);
}

/* What the general way must say of a frame that is known at a glance. */
static void
assert_is_gpe4(const uint8_t *frame, enum outer_verdict verdict, const struct outer_info *info)
{
	const struct outer_gpe4 *o = (const struct outer_gpe4 *)frame;

	assert_int_equal(verdict, OUTER_OK);
	assert_int_equal(info->transport, OUTER_VXLAN_GPE);
	assert_int_equal(info->family, NSH_IPV4);
	assert_int_equal(info->size, OUTER_GPE4_SIZE);
	assert_int_equal(info->payload_size, rte_be_to_cpu_16(o->udp.size) - NSH_UDP_SIZE - VXLAN_HDR_SIZE);
	assert_int_equal(info->check_size, 0);
	assert_int_equal(info->src.v4, o->ip.src);
	assert_int_equal(info->dst.v4, o->ip.dst);
	assert_int_equal(info->vni, rte_be_to_cpu_32(o->gpe.vni) >> 8);
	assert_int_equal(info->src_port, rte_be_to_cpu_16(o->udp.src_port));
	assert_int_equal(info->tos, o->ip.tos);
	assert_false(info->inner_ethernet);
}

/* The general way and the glance on a guarded copy: what is good at a glance is good, and says the same. */
static enum outer_verdict
parse(const struct outer_accept *accept, const uint8_t *frame, size_t avail, size_t frame_size,
	struct outer_info *info)
{
	const uint8_t *copy = guarded(frame, avail);
	enum outer_verdict verdict = outer_parse(accept, copy, avail, frame_size, info);
	struct outer_gpe4_match match = {0};

	if (avail >= OUTER_GPE4_SIZE) {
		const struct outer_gpe4 *o = (const struct outer_gpe4 *)copy;

		outer_gpe4_match_init(&match, o->ip.dst, rte_be_to_cpu_32(o->gpe.vni) >> 8);
	}
	if ((accept->transports & OUTER_BIT(OUTER_VXLAN_GPE)) &&
		outer_is_gpe4(&match, copy, avail, frame_size))
		assert_is_gpe4(copy, verdict, info);
	return verdict;
}

static void
v1_e1_r1_l1_s1_every_transport_over_every_family_is_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(shapes); i++) {
		for (uint8_t tags = 0; tags <= 2; tags++) {
			struct shape s = shapes[i];
			struct outer_info info;
			struct frame f;
			bool vni = s.transport != OUTER_ETHERNET && s.transport != OUTER_UDP &&
			           (s.transport != OUTER_GRE || (s.gre_flags & GRE_K));

			s.tags = tags;
			s.pad = (uint8_t)(i % 3);
			frame_make(&f, &s);
			if (parse(&all, f.bytes, f.size, f.size, &info) != OUTER_OK)
				fail_msg("shape %zu with %u tags", i, tags);
			assert_int_equal(info.transport, s.transport);
			assert_int_equal(info.family, s.family);
			assert_int_equal(info.size, f.nsh_at);
			/* Only Ethernet alone cannot tell padding from payload. */
			assert_int_equal(info.payload_size,
				PAYLOAD_SIZE + (s.transport == OUTER_ETHERNET ? s.pad : 0));
			assert_int_equal(info.tags, tags);
			if (tags > 0)
				assert_int_equal(info.tci[tags - 1], 0x2006);
			if (tags > 1)
				assert_int_equal(info.tci[0], 5);
			assert_memory_equal(info.dmac, frame_dmac, 6);
			assert_memory_equal(info.smac, frame_smac, 6);
			assert_int_equal(info.has_vni, vni);
			assert_int_equal(info.vni, !vni ? 0 : s.transport == OUTER_GRE ? 0x12345678 : VNI);
			assert_int_equal(info.inner_ethernet, s.inner_ethernet || s.transport == OUTER_VXLAN);
			assert_int_equal(info.src_port, f.tunnel_at > f.l4_at ? SRC_PORT : 0);
			assert_int_equal(info.tos, s.family == NSH_NO_IP ? 0 : TOS);
		}
	}
}

static void
addresses_are_in_network_order_and_padded_with_zeros(void **state)
{
	static const uint8_t zeros[16] = {0};
	struct shape s = {.transport = OUTER_VXLAN_GPE, .family = NSH_IPV4};
	struct outer_info info;
	struct frame f;

	(void)state;
	frame_make(&f, &s);
	memset(&info, 0xEE, sizeof(info));
	assert_int_equal(parse(&all, f.bytes, f.size, f.size, &info), OUTER_OK);
	assert_memory_equal(info.src.bytes, frame_src4, 4);
	assert_memory_equal(info.dst.bytes, frame_dst4, 4);
	assert_memory_equal(info.src.bytes + 4, zeros, 12);
	assert_memory_equal(info.dst.bytes + 4, zeros, 12);

	s.family = NSH_IPV6;
	frame_make(&f, &s);
	assert_int_equal(parse(&all, f.bytes, f.size, f.size, &info), OUTER_OK);
	assert_memory_equal(info.src.bytes, frame_src6, 16);
	assert_memory_equal(info.dst.bytes, frame_dst6, 16);

	s.transport = OUTER_ETHERNET;
	s.family = NSH_NO_IP;
	frame_make(&f, &s);
	assert_int_equal(parse(&all, f.bytes, f.size, f.size, &info), OUTER_OK);
	assert_memory_equal(info.src.bytes, zeros, 16);
	assert_memory_equal(info.dst.bytes, zeros, 16);
}

static void
a_transport_that_is_not_accepted_is_not_ours(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(shapes); i++) {
		struct outer_accept accept = all;
		struct outer_info info;
		struct frame f;

		frame_make(&f, &shapes[i]);
		accept.transports &= ~OUTER_BIT(shapes[i].transport);
		assert_int_equal(parse(&accept, f.bytes, f.size, f.size, &info), OUTER_NOT_OURS);
		accept.transports = OUTER_BIT(shapes[i].transport);
		assert_int_equal(parse(&accept, f.bytes, f.size, f.size, &info), OUTER_OK);
		accept.transports = 0;
		assert_int_equal(parse(&accept, f.bytes, f.size, f.size, &info), OUTER_NOT_OURS);
	}
}

static void
s1_nsh_in_udp_is_known_by_its_port_alone(void **state)
{
	struct shape s = {.transport = OUTER_UDP, .family = NSH_IPV4};
	struct outer_accept accept = all;
	struct outer_info info;
	struct frame f;

	(void)state;
	frame_make(&f, &s);
	accept.nsh_udp_port = NSH_PORT + 1;
	assert_int_equal(parse(&accept, f.bytes, f.size, f.size, &info), OUTER_NOT_OURS);
	/* A port of another transport stays that one's. */
	s.transport = OUTER_VXLAN_GPE;
	frame_make(&f, &s);
	accept.nsh_udp_port = 4790;
	assert_int_equal(parse(&accept, f.bytes, f.size, f.size, &info), OUTER_OK);
	assert_int_equal(info.transport, OUTER_VXLAN_GPE);
	accept.transports = OUTER_BIT(OUTER_UDP);
	assert_int_equal(parse(&accept, f.bytes, f.size, f.size, &info), OUTER_OK);
	assert_int_equal(info.transport, OUTER_UDP);
	assert_int_equal(info.payload_size, PAYLOAD_SIZE + 8);
}

/* Where a row changes bytes. */
enum anchor { ETHERTYPE, IP, L4, TUNNEL, INNER_TYPE };

/* One change to a frame, and what becomes of it. */
struct row {
	const char *what;
	enum anchor anchor;
	uint8_t at, count, bytes[8];
	enum outer_verdict verdict;
	bool keep_checksum; /* else the IPv4 checksum is made right again */
};

static void
check_rows(const struct outer_accept *accept, const struct shape *shape, const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct row *r = &rows[i];
		enum outer_verdict verdict;
		struct outer_info info;
		struct frame f;
		size_t anchors[5];

		frame_make(&f, shape);
		anchors[ETHERTYPE] = f.ip_at - 2;
		anchors[IP] = f.ip_at;
		anchors[L4] = f.l4_at;
		anchors[TUNNEL] = f.tunnel_at;
		anchors[INNER_TYPE] = f.nsh_at - 2;
		memcpy(f.bytes + anchors[r->anchor] + r->at, r->bytes, r->count);
		if (!r->keep_checksum)
			fix_ip_checksum(f.bytes + f.ip_at);
		verdict = parse(accept, f.bytes, f.size, f.size, &info);
		if (verdict != r->verdict)
			fail_msg("%s: got %s", r->what, outer_verdict_name(verdict));
	}
}

static void
frames_of_other_protocols_are_not_ours(void **state)
{
	static const struct shape gpe4 = {.transport = OUTER_VXLAN_GPE, .family = NSH_IPV4};
	static const struct shape gpe6 = {.transport = OUTER_VXLAN_GPE, .family = NSH_IPV6, .checksum = true};
	static const struct row rows4[] = {
		{"ARP", ETHERTYPE, 0, 2, {0x08, 0x06}, OUTER_NOT_OURS, false},
		{"MPLS", ETHERTYPE, 0, 2, {0x88, 0x47}, OUTER_NOT_OURS, false},
		{"TCP", IP, 9, 1, {6}, OUTER_NOT_OURS, false},
		{"ICMP", IP, 9, 1, {1}, OUTER_NOT_OURS, false},
		{"DNS", L4, 2, 2, {0, 53}, OUTER_NOT_OURS, false},
		{"source port 4790 alone", L4, 0, 4, {0x12, 0xB6, 0xC3, 0x50}, OUTER_NOT_OURS, false},
		{"port 0", L4, 2, 2, {0, 0}, OUTER_NOT_OURS, false},
	};
	static const struct row rows6[] = {
		{"TCP", IP, 6, 1, {6}, OUTER_NOT_OURS, false},
		{"ICMPv6", IP, 6, 1, {58}, OUTER_NOT_OURS, false},
		{"No Next Header", IP, 6, 1, {59}, OUTER_NOT_OURS, false},
		{"AH", IP, 6, 1, {51}, OUTER_NOT_OURS, false},
		{"DNS", L4, 2, 2, {0, 53}, OUTER_NOT_OURS, false},
	};

	(void)state;
	check_rows(&all, &gpe4, rows4, COUNT(rows4));
	check_rows(&all, &gpe6, rows6, COUNT(rows6));
}

static void
ipv4_header_is_checked(void **state)
{
	static const struct shape gpe = {.transport = OUTER_VXLAN_GPE, .family = NSH_IPV4};
	static const struct shape gre = {.transport = OUTER_GRE, .family = NSH_IPV4};
	static const struct row rows[] = {
		{"version 5", IP, 0, 1, {0x55}, OUTER_IP_HEADER, false},
		{"version 6", IP, 0, 1, {0x65}, OUTER_IP_HEADER, false},
		{"header of 4 words", IP, 0, 1, {0x44}, OUTER_IP_HEADER, false},
		{"header of 0 words", IP, 0, 1, {0x40}, OUTER_IP_HEADER, false},
		{"total length 0", IP, 2, 2, {0, 0}, OUTER_IP_HEADER, false},
		{"total length below the header", IP, 2, 2, {0, 19}, OUTER_IP_HEADER, false},
		{"total length 65535", IP, 2, 2, {0xFF, 0xFF}, OUTER_IP_HEADER, false},
		{"checksum 0", IP, 10, 2, {0, 0}, OUTER_IP_CHECKSUM, true},
		{"a bit of the source flipped", IP, 12, 1, {0x0B}, OUTER_IP_CHECKSUM, true},
		{"More Fragments", IP, 6, 2, {0x20, 0}, OUTER_FRAGMENT, false},
		{"offset 1", IP, 6, 2, {0, 1}, OUTER_FRAGMENT, false},
		{"offset 8191", IP, 6, 2, {0x1F, 0xFF}, OUTER_FRAGMENT, false},
		{"without DF", IP, 6, 2, {0, 0}, OUTER_OK, false},
		{"the reserved flag", IP, 6, 2, {0xC0, 0}, OUTER_OK, false},
		{"checksum before fragment", IP, 6, 2, {0x20, 0}, OUTER_IP_CHECKSUM, true},
		{"protocol before checksum", IP, 9, 1, {6}, OUTER_NOT_OURS, true},
	};

	(void)state;
	check_rows(&all, &gpe, rows, COUNT(rows));
	check_rows(&all, &gre, rows, COUNT(rows));
}

static void
ipv4_options_are_covered_by_the_checksum(void **state)
{
	static const struct shape gpe = {.transport = OUTER_VXLAN_GPE, .family = NSH_IPV4, .ip_words = 10};
	static const struct row row = {"last option byte", IP, 59, 1, {0}, OUTER_IP_CHECKSUM, true};

	(void)state;
	check_rows(&all, &gpe, &row, 1);
}

static void
ipv6_header_is_checked(void **state)
{
	static const struct shape gpe = {.transport = OUTER_VXLAN_GPE, .family = NSH_IPV6, .checksum = true};
	static const struct row rows[] = {
		{"version 4", IP, 0, 1, {0x4B}, OUTER_IP_HEADER, false},
		{"version 7", IP, 0, 1, {0x7B}, OUTER_IP_HEADER, false},
		{"payload length 65535", IP, 4, 2, {0xFF, 0xFF}, OUTER_IP_HEADER, false},
		{"payload length 0", IP, 4, 2, {0, 0}, OUTER_UDP_LENGTH, false},
		{"payload length 7", IP, 4, 2, {0, 7}, OUTER_UDP_LENGTH, false},
		{"any hop limit", IP, 7, 1, {0}, OUTER_OK, false},
	};

	(void)state;
	check_rows(&all, &gpe, rows, COUNT(rows));
}

static void
ipv6_fragments_are_refused_and_atomic_ones_are_whole(void **state)
{
	/* All four extension headers: the Fragment header is the last one, 8 bytes before UDP. */
	static const struct shape gpe = {
		.transport = OUTER_VXLAN_GPE, .family = NSH_IPV6, .checksum = true, .ext = 4};
	static const struct row rows[] = {
		{"atomic", IP, 40 + 34, 2, {0, 0}, OUTER_OK, false},
		{"first", IP, 40 + 34, 2, {0, 1}, OUTER_FRAGMENT, false},
		{"middle", IP, 40 + 34, 2, {0, 9}, OUTER_FRAGMENT, false},
		{"last", IP, 40 + 34, 2, {0xFF, 0xF8}, OUTER_FRAGMENT, false},
		{"reserved bits", IP, 40 + 34, 2, {0, 6}, OUTER_OK, false},
		{"first, of TCP", IP, 40 + 32, 4, {6, 0, 0, 1}, OUTER_NOT_OURS, false},
	};

	(void)state;
	check_rows(&all, &gpe, rows, COUNT(rows));
}

static void
u4_ipv6_zero_udp_checksum_needs_the_port_to_opt_in(void **state)
{
	static const enum outer_transport transports[] = {
		OUTER_VXLAN_GPE, OUTER_VXLAN, OUTER_GENEVE, OUTER_UDP};

	(void)state;
	for (size_t i = 0; i < COUNT(transports); i++) {
		struct shape s = {.transport = transports[i], .family = NSH_IPV6};
		struct outer_info info;
		struct frame f;

		frame_make(&f, &s);
		assert_int_equal(parse(&strict, f.bytes, f.size, f.size, &info), OUTER_UDP_ZERO);
		assert_int_equal(parse(&all, f.bytes, f.size, f.size, &info), OUTER_OK);
		assert_int_equal(info.check_size, 0);
		s.checksum = true;
		frame_make(&f, &s);
		assert_int_equal(parse(&strict, f.bytes, f.size, f.size, &info), OUTER_OK);
		assert_int_equal(info.check_size, f.size - f.l4_at);
	}
}

static void
u3_ipv4_zero_udp_checksum_is_accepted(void **state)
{
	struct shape s = {.transport = OUTER_VXLAN_GPE, .family = NSH_IPV4};
	struct outer_info info;
	struct frame f;

	(void)state;
	frame_make(&f, &s);
	assert_int_equal(parse(&strict, f.bytes, f.size, f.size, &info), OUTER_OK);
	assert_int_equal(info.check_size, 0);
	assert_true(outer_check(f.bytes, &info));
}

static void
u3_u4_a_checksum_that_is_there_is_verified(void **state)
{
	unsigned int verified = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(shapes); i++) {
		const struct shape *s = &shapes[i];
		struct outer_info info;
		struct frame f;

		if (!s->checksum && !(s->gre_flags & GRE_C))
			continue;
		verified++;
		frame_make(&f, s);
		assert_int_equal(parse(&strict, f.bytes, f.size, f.size, &info), OUTER_OK);
		assert_int_equal(info.check_at, f.l4_at);
		assert_int_equal(info.check_size, f.size - f.l4_at);
		assert_true(outer_check(f.bytes, &info));
		/* The last byte counts; so do the checksum itself and, with UDP, the addresses. */
		f.bytes[f.size - 1] ^= 1;
		assert_false(outer_check(f.bytes, &info));
		f.bytes[f.size - 1] ^= 1;
		f.bytes[f.l4_at + (s->checksum ? 6 : 4)] ^= 0x80;
		assert_false(outer_check(f.bytes, &info));
		f.bytes[f.l4_at + (s->checksum ? 6 : 4)] ^= 0x80;
		if (!s->checksum)
			continue;
		f.bytes[f.ip_at + (s->family == NSH_IPV4 ? 15 : 23)] ^= 1;
		fix_ip_checksum(f.bytes + f.ip_at);
		assert_int_equal(parse(&strict, f.bytes, f.size, f.size, &info), OUTER_OK);
		assert_false(outer_check(f.bytes, &info));
	}
	assert_true(verified > 8);
}

static void
checksum_of_an_odd_number_of_bytes_is_verified(void **state)
{
	struct shape s = {.transport = OUTER_GENEVE, .family = NSH_IPV6, .checksum = true};
	struct outer_info info;
	struct frame f;

	(void)state;
	frame_make(&f, &s);
	set16(f.bytes + f.l4_at + 4, f.size - f.l4_at - 3);
	fix_udp_checksum(&f);
	assert_int_equal(parse(&strict, f.bytes, f.size, f.size, &info), OUTER_OK);
	assert_int_equal(info.payload_size, PAYLOAD_SIZE - 3);
	assert_int_equal(info.check_size, f.size - f.l4_at - 3);
	assert_true(outer_check(f.bytes, &info));
	f.bytes[f.size - 4] ^= 4;
	assert_false(outer_check(f.bytes, &info));
}

static void
udp_length_lies_between_the_headers_and_the_packet(void **state)
{
	static const struct shape gpe = {.transport = OUTER_VXLAN_GPE, .family = NSH_IPV4};
	static const struct shape nsh = {.transport = OUTER_UDP, .family = NSH_IPV4};
	static const struct row rows[] = {
		{"length 0", L4, 4, 2, {0, 0}, OUTER_UDP_LENGTH, false},
		{"length 7", L4, 4, 2, {0, 7}, OUTER_UDP_LENGTH, false},
		{"length 15", L4, 4, 2, {0, 15}, OUTER_UDP_LENGTH, false},
		{"length 16, no payload", L4, 4, 2, {0, 16}, OUTER_OK, false},
		{"length up to the packet", L4, 4, 2, {0, 104}, OUTER_OK, false},
		{"length one beyond the packet", L4, 4, 2, {0, 105}, OUTER_UDP_LENGTH, false},
		{"length 65535", L4, 4, 2, {0xFF, 0xFF}, OUTER_UDP_LENGTH, false},
		{"packet without room for UDP", IP, 2, 2, {0, 27}, OUTER_UDP_LENGTH, false},
		{"packet of UDP alone", IP, 2, 2, {0, 28}, OUTER_UDP_LENGTH, false},
		{"port before UDP length", L4, 2, 4, {0, 53, 0, 0}, OUTER_NOT_OURS, false},
	};
	static const struct row rows_nsh[] = {
		{"length 7", L4, 4, 2, {0, 7}, OUTER_UDP_LENGTH, false},
		{"length 8, no payload", L4, 4, 2, {0, 8}, OUTER_OK, false},
	};

	(void)state;
	check_rows(&all, &gpe, rows, COUNT(rows));
	check_rows(&all, &nsh, rows_nsh, COUNT(rows_nsh));
}

static void
g1_flags_are_checked_and_the_others_ignored(void **state)
{
	static const struct shape gpe = {.transport = OUTER_VXLAN_GPE, .family = NSH_IPV4};
	static const struct shape inner = {
		.transport = OUTER_VXLAN_GPE, .family = NSH_IPV4, .inner_ethernet = true};
	static const struct row rows[] = {
		{"version 1", TUNNEL, 0, 1, {0x1C}, OUTER_GPE_VERSION, false},
		{"version 2", TUNNEL, 0, 1, {0x2C}, OUTER_GPE_VERSION, false},
		{"version 3", TUNNEL, 0, 1, {0x3C}, OUTER_GPE_VERSION, false},
		{"I is 0", TUNNEL, 0, 1, {0x04}, OUTER_GPE_FLAGS, false},
		{"no flag at all", TUNNEL, 0, 1, {0x00}, OUTER_GPE_FLAGS, false},
		{"O is 1", TUNNEL, 0, 1, {0x0D}, OUTER_GPE_OAM, false},
		{"O is 1, P is 0", TUNNEL, 0, 1, {0x09}, OUTER_GPE_OAM, false},
		{"B is 1", TUNNEL, 0, 1, {0x0E}, OUTER_OK, false},
		{"P is 0: plain VXLAN, and no Ethernet type NSH", TUNNEL, 0, 1, {0x08}, OUTER_GPE_PROTO,
			false},
		{"version before I, O and Next Protocol", TUNNEL, 0, 4, {0x15, 0, 0, 9}, OUTER_GPE_VERSION,
			false},
		{"I before O and Next Protocol", TUNNEL, 0, 4, {0x05, 0, 0, 9}, OUTER_GPE_FLAGS, false},
		{"O before Next Protocol", TUNNEL, 0, 4, {0x0D, 0, 0, 9}, OUTER_GPE_OAM, false},
	};
	static const struct row rows_inner[] = {
		{"Next Protocol Ethernet", TUNNEL, 0, 1, {0x0C}, OUTER_OK, false},
		{"P is 0", TUNNEL, 0, 4, {0x08, 0, 0, 0}, OUTER_OK, false},
		{"P is 0: Next Protocol is reserved", TUNNEL, 0, 4, {0x08, 0, 0, 0xFF}, OUTER_OK, false},
		{"inner type IPv4", INNER_TYPE, 0, 2, {0x08, 0}, OUTER_GPE_PROTO, false},
	};

	(void)state;
	check_rows(&all, &gpe, rows, COUNT(rows));
	check_rows(&all, &inner, rows_inner, COUNT(rows_inner));
}

static void
g2_any_next_protocol_but_nsh_is_refused(void **state)
{
	static const struct shape gpe = {.transport = OUTER_VXLAN_GPE, .family = NSH_IPV4};

	(void)state;
	for (unsigned int np = 0; np < 256; np++) {
		const struct row row = {"Next Protocol", TUNNEL, 3, 1, {(uint8_t)np},
			np == NSH_NP_NSH ? OUTER_OK : OUTER_GPE_PROTO, false};

		check_rows(&all, &gpe, &row, 1);
	}
}

static void
g2_reserved_bits_are_ignored(void **state)
{
	static const struct shape gpe = {.transport = OUTER_VXLAN_GPE, .family = NSH_IPV4};
	static const struct row rows[] = {
		{"R bits", TUNNEL, 0, 1, {0xCC}, OUTER_OK, false},
		{"reserved 16, VPP's Ver included", TUNNEL, 1, 2, {0xFF, 0xFF}, OUTER_OK, false},
		{"reserved 8", TUNNEL, 7, 1, {0xFF}, OUTER_OK, false},
	};

	(void)state;
	check_rows(&all, &gpe, rows, COUNT(rows));
}

static void
v1_rfc7348_5_vxlan_needs_i_and_ignores_the_rest(void **state)
{
	static const struct shape vxlan = {.transport = OUTER_VXLAN, .family = NSH_IPV4};
	static const struct row rows[] = {
		{"I is 0", TUNNEL, 0, 1, {0xF7}, OUTER_VXLAN_FLAGS, false},
		{"all reserved bits", TUNNEL, 0, 4, {0xFF, 0xFF, 0xFF, 0xFF}, OUTER_OK, false},
		{"reserved 8", TUNNEL, 7, 1, {0xFF}, OUTER_OK, false},
		{"inner type IPv4", INNER_TYPE, 0, 2, {0x08, 0}, OUTER_PROTO, false},
		{"inner VLAN tag, RFC 7348, 6.1", INNER_TYPE, 0, 2, {0x81, 0}, OUTER_PROTO, false},
		{"no room for VXLAN", L4, 4, 2, {0, 15}, OUTER_UDP_LENGTH, false},
		{"no room for the inner frame", L4, 4, 2, {0, 29}, OUTER_TRUNCATED, false},
		{"inner frame without payload", L4, 4, 2, {0, 30}, OUTER_OK, false},
	};

	(void)state;
	check_rows(&all, &vxlan, rows, COUNT(rows));
}

static void
e1_rfc8926_geneve_version_control_and_protocol(void **state)
{
	static const struct shape geneve = {.transport = OUTER_GENEVE, .family = NSH_IPV4};
	static const struct shape inner = {
		.transport = OUTER_GENEVE, .family = NSH_IPV4, .inner_ethernet = true};
	static const struct row rows[] = {
		{"version 1", TUNNEL, 0, 1, {0x40}, OUTER_GENEVE_VERSION, false},
		{"version 2", TUNNEL, 0, 1, {0x80}, OUTER_GENEVE_VERSION, false},
		{"version 3", TUNNEL, 0, 1, {0xC0}, OUTER_GENEVE_VERSION, false},
		{"O is 1", TUNNEL, 1, 1, {0x80}, OUTER_GENEVE_OAM, false},
		{"C is 1, no option", TUNNEL, 1, 1, {0x40}, OUTER_OK, false},
		{"reserved bits", TUNNEL, 1, 1, {0x3F}, OUTER_OK, false},
		{"reserved 8", TUNNEL, 7, 1, {0xFF}, OUTER_OK, false},
		{"protocol IPv4", TUNNEL, 2, 2, {0x08, 0}, OUTER_PROTO, false},
		{"protocol 0", TUNNEL, 2, 2, {0, 0}, OUTER_PROTO, false},
		{"options beyond the packet", TUNNEL, 0, 1, {0x3F}, OUTER_GENEVE_OPTIONS, false},
		{"no room for Geneve", L4, 4, 2, {0, 15}, OUTER_UDP_LENGTH, false},
		{"version before O", TUNNEL, 0, 2, {0x40, 0x80}, OUTER_GENEVE_VERSION, false},
		{"O before options", TUNNEL, 0, 2, {0x3F, 0x80}, OUTER_GENEVE_OAM, false},
	};
	static const struct row rows_inner[] = {
		{"inner type IPv4", INNER_TYPE, 0, 2, {0x08, 0}, OUTER_PROTO, false},
		{"inner frame cut", L4, 4, 2, {0, 29}, OUTER_TRUNCATED, false},
	};

	(void)state;
	check_rows(&all, &geneve, rows, COUNT(rows));
	check_rows(&all, &inner, rows_inner, COUNT(rows_inner));
}

static void
e1_rfc8926_3_5_options_are_skipped_unless_critical(void **state)
{
	/* One option of 2 words, then one of 1 word. */
	static const struct shape geneve = {.transport = OUTER_GENEVE, .family = NSH_IPV4, .opt_words = 3};
	static const struct row rows[] = {
		{"C is 0: not looked into", TUNNEL, 8, 4, {0, 0, 0x80, 0x1F}, OUTER_OK, false},
		{"C is 1, none critical", TUNNEL, 1, 1, {0x40}, OUTER_OK, false},
	};
	static const struct row critical[] = {
		{"the first is critical", TUNNEL, 10, 1, {0xFF}, OUTER_GENEVE_CRITICAL, false},
		{"the last is critical", TUNNEL, 18, 1, {0x80}, OUTER_GENEVE_CRITICAL, false},
		{"the first overruns", TUNNEL, 11, 1, {3}, OUTER_GENEVE_OPTIONS, false},
		{"the first takes all", TUNNEL, 11, 1, {2}, OUTER_OK, false},
		{"the last overruns", TUNNEL, 19, 1, {1}, OUTER_GENEVE_OPTIONS, false},
		{"the last overruns and is critical", TUNNEL, 18, 2, {0x80, 0x1F}, OUTER_GENEVE_OPTIONS,
			false},
		{"reserved bits of an option", TUNNEL, 11, 1, {0xE1}, OUTER_OK, false},
	};
	struct outer_info info;
	struct frame f;

	(void)state;
	check_rows(&all, &geneve, rows, COUNT(rows));
	for (size_t i = 0; i < COUNT(critical); i++) {
		frame_make(&f, &geneve);
		f.bytes[f.tunnel_at + 1] |= 0x40;
		memcpy(f.bytes + f.tunnel_at + critical[i].at, critical[i].bytes, critical[i].count);
		if (parse(&all, f.bytes, f.size, f.size, &info) != critical[i].verdict)
			fail_msg("%s", critical[i].what);
	}
}

static void
r1_rfc2784_gre_version_flags_and_protocol(void **state)
{
	static const struct shape gre = {.transport = OUTER_GRE, .family = NSH_IPV4};
	static const struct row rows[] = {
		{"version 1: PPTP", TUNNEL, 1, 1, {1}, OUTER_GRE_VERSION, false},
		{"version 7", TUNNEL, 1, 1, {7}, OUTER_GRE_VERSION, false},
		{"routing present", TUNNEL, 0, 1, {0x40}, OUTER_GRE_FLAGS, false},
		{"strict source route", TUNNEL, 0, 1, {0x08}, OUTER_GRE_FLAGS, false},
		{"recursion control 4", TUNNEL, 0, 1, {0x04}, OUTER_GRE_FLAGS, false},
		{"bits 6 and 7", TUNNEL, 0, 1, {0x03}, OUTER_OK, false},
		{"bits 8-12", TUNNEL, 1, 1, {0xF8}, OUTER_OK, false},
		{"protocol IPv4", TUNNEL, 2, 2, {0x08, 0}, OUTER_PROTO, false},
		{"version before flags", TUNNEL, 0, 2, {0x40, 1}, OUTER_GRE_VERSION, false},
		{"flags before protocol", TUNNEL, 0, 4, {0x40, 0, 8, 0}, OUTER_GRE_FLAGS, false},
		{"no room for GRE", IP, 2, 2, {0, 23}, OUTER_TRUNCATED, false},
		{"GRE without payload", IP, 2, 2, {0, 24}, OUTER_OK, false},
	};
	struct outer_info info;
	struct frame f;

	(void)state;
	check_rows(&all, &gre, rows, COUNT(rows));
	/* A key is announced, and the packet ends one byte before it does. */
	frame_make(&f, &gre);
	set16(f.bytes + f.ip_at + 2, 27);
	f.bytes[f.tunnel_at] = 0x20;
	fix_ip_checksum(f.bytes + f.ip_at);
	assert_int_equal(parse(&all, f.bytes, f.size, f.size, &info), OUTER_TRUNCATED);
}

static void
r1_rfc2890_every_combination_of_c_k_and_s_is_read(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 8; i++) {
		struct shape s = {.transport = OUTER_GRE, .family = i % 2 ? NSH_IPV6 : NSH_IPV4};
		struct outer_info info;
		struct frame f;

		s.gre_flags = (uint16_t)((i & 1 ? GRE_C : 0) | (i & 2 ? GRE_K : 0) | (i & 4 ? GRE_S : 0));
		frame_make(&f, &s);
		assert_int_equal(parse(&all, f.bytes, f.size, f.size, &info), OUTER_OK);
		assert_int_equal(info.size, f.nsh_at);
		assert_int_equal(info.payload_size, PAYLOAD_SIZE);
		assert_int_equal(info.has_vni, (i & 2) != 0);
		assert_int_equal(info.vni, i & 2 ? 0x12345678 : 0);
		assert_int_equal(info.check_size, i & 1 ? f.size - f.l4_at : 0);
		assert_true(outer_check(f.bytes, &info));
	}
}

static void
l1_a_third_vlan_tag_is_not_ours(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(shapes); i++) {
		struct shape s = shapes[i];
		struct outer_info info;
		struct frame f;

		s.tags = 3;
		frame_make(&f, &s);
		assert_int_equal(parse(&all, f.bytes, f.size, f.size, &info), OUTER_NOT_OURS);
	}
}

static void
a_frame_cut_anywhere_is_refused_and_not_overread(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(shapes); i++) {
		for (uint8_t tags = 0; tags <= 2; tags++) {
			struct shape s = shapes[i];
			struct outer_info info;
			struct frame f;

			s.tags = tags;
			frame_make(&f, &s);
			for (size_t cut = 0; cut < f.size; cut++) {
				enum outer_verdict verdict = parse(&all, f.bytes, cut, cut, &info);

				/* Ethernet alone has no length; IP must fit into the frame. */
				if (s.transport == OUTER_ETHERNET && cut >= f.nsh_at)
					assert_int_equal(verdict, OUTER_OK);
				else if (cut < f.ip_at + (s.family == NSH_IPV4 ? 20 : 40))
					assert_int_equal(verdict, OUTER_TRUNCATED);
				else
					assert_int_equal(verdict, OUTER_IP_HEADER);
			}
		}
	}
}

static void
headers_beyond_the_first_segment_are_truncated_payload_is_not(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(shapes); i++) {
		for (uint8_t tags = 0; tags <= 2; tags++) {
			struct shape s = shapes[i];
			struct outer_info info;
			struct frame f;

			s.tags = tags;
			s.pad = 6;
			frame_make(&f, &s);
			for (size_t avail = 0; avail <= f.size; avail++)
				assert_int_equal(parse(&all, f.bytes, avail, f.size, &info),
					avail < f.nsh_at ? OUTER_TRUNCATED : OUTER_OK);
		}
	}
}

static void
bytes_behind_the_frame_are_not_the_frame(void **state)
{
	struct shape s = {.transport = OUTER_VXLAN_GPE, .family = NSH_IPV4};
	struct outer_info info;
	struct frame f;

	(void)state;
	frame_make(&f, &s);
	assert_int_equal(parse(&all, f.bytes, f.size, f.size - 1, &info), OUTER_IP_HEADER);
	assert_int_equal(parse(&all, f.bytes, f.size, 20, &info), OUTER_TRUNCATED);
}

static void
any_alignment_parses_the_same(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(shapes); i++) {
		uint8_t room[FRAME_ROOM + 16];
		struct outer_info info, shifted;
		struct frame f;

		frame_make(&f, &shapes[i]);
		assert_int_equal(outer_parse(&all, f.bytes, f.size, f.size, &info), OUTER_OK);
		for (size_t shift = 0; shift < 16; shift++) {
			memcpy(room + shift, f.bytes, f.size);
			assert_int_equal(outer_parse(&all, room + shift, f.size, f.size, &shifted), OUTER_OK);
			assert_same(&shifted, &info);
		}
	}
}

/* What we send ourselves most is known at a glance; with any one bit of what must be as wanted flipped, it is
 * not. */
static void
vxlan_gpe_over_ipv4_is_known_at_a_glance(void **state)
{
	/* By byte: bits that do not matter. The checksum tells of every bit of the IPv4 header. */
	static const uint8_t any[OUTER_GPE4_SIZE] = {
		[34] = 0xFF,
		[35] = 0xFF, /* UDP source port */
		[42] = 0xC2,
		[43] = 0xFF,
		[44] = 0xFF, /* GPE: R, R, B, reserved */
		[49] = 0xFF, /* reserved, behind the VNI */
	};
	const struct shape s = {.transport = OUTER_VXLAN_GPE, .family = NSH_IPV4};
	struct outer_gpe4_match match;
	struct outer_gpe4 *o;
	struct frame f;

	(void)state;
	frame_make(&f, &s);
	o = (struct outer_gpe4 *)f.bytes;
	outer_gpe4_match_init(&match, o->ip.dst, rte_be_to_cpu_32(o->gpe.vni) >> 8);
	assert_true(outer_is_gpe4(&match, f.bytes, f.size, f.size));
	assert_false(outer_is_gpe4(&match, f.bytes, OUTER_GPE4_SIZE - 1, f.size));
	assert_false(outer_is_gpe4(&match, f.bytes, f.size, f.size + 1));
	assert_false(outer_is_gpe4(&match, f.bytes, f.size, f.size - 1));
	for (unsigned int at = ETH_HDR_SIZE - 2; at < OUTER_GPE4_SIZE; at++) {
		for (unsigned int bit = 0; bit < 8; bit++) {
			f.bytes[at] ^= (uint8_t)(1u << bit);
			if (outer_is_gpe4(&match, f.bytes, f.size, f.size) != (any[at] >> bit & 1))
				fail_msg("bit %u of byte %u", bit, at);
			f.bytes[at] ^= (uint8_t)(1u << bit);
		}
	}
}

static void
info_is_not_written_unless_ok(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(shapes); i++) {
		struct outer_info info, before;
		struct outer_accept none = {0};
		struct frame f;

		frame_make(&f, &shapes[i]);
		memset(&info, 0xEE, sizeof(info));
		memcpy(&before, &info, sizeof(info));
		assert_int_equal(outer_parse(&none, f.bytes, f.size, f.size, &info), OUTER_NOT_OURS);
		assert_memory_equal(&info, &before, sizeof(info));
	}
}

static void
every_verdict_and_transport_has_its_own_name(void **state)
{
	(void)state;
	for (int a = 0; a < OUTER_VERDICTS; a++) {
		assert_non_null(outer_verdict_name(a));
		for (int b = 0; b < a; b++)
			assert_string_not_equal(outer_verdict_name(a), outer_verdict_name(b));
	}
	assert_string_equal(outer_verdict_name(OUTER_VERDICTS), "outer-unknown");
	for (int a = 0; a < OUTER_TRANSPORTS; a++) {
		assert_non_null(outer_transport_name(a));
		for (int b = 0; b < a; b++)
			assert_string_not_equal(outer_transport_name(a), outer_transport_name(b));
	}
	assert_string_equal(outer_transport_name(OUTER_TRANSPORTS), "unknown");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(v1_e1_r1_l1_s1_every_transport_over_every_family_is_read),
		cmocka_unit_test(addresses_are_in_network_order_and_padded_with_zeros),
		cmocka_unit_test(a_transport_that_is_not_accepted_is_not_ours),
		cmocka_unit_test(s1_nsh_in_udp_is_known_by_its_port_alone),
		cmocka_unit_test(frames_of_other_protocols_are_not_ours),
		cmocka_unit_test(ipv4_header_is_checked),
		cmocka_unit_test(ipv4_options_are_covered_by_the_checksum),
		cmocka_unit_test(ipv6_header_is_checked),
		cmocka_unit_test(ipv6_fragments_are_refused_and_atomic_ones_are_whole),
		cmocka_unit_test(u4_ipv6_zero_udp_checksum_needs_the_port_to_opt_in),
		cmocka_unit_test(u3_ipv4_zero_udp_checksum_is_accepted),
		cmocka_unit_test(u3_u4_a_checksum_that_is_there_is_verified),
		cmocka_unit_test(checksum_of_an_odd_number_of_bytes_is_verified),
		cmocka_unit_test(udp_length_lies_between_the_headers_and_the_packet),
		cmocka_unit_test(g1_flags_are_checked_and_the_others_ignored),
		cmocka_unit_test(g2_any_next_protocol_but_nsh_is_refused),
		cmocka_unit_test(g2_reserved_bits_are_ignored),
		cmocka_unit_test(v1_rfc7348_5_vxlan_needs_i_and_ignores_the_rest),
		cmocka_unit_test(e1_rfc8926_geneve_version_control_and_protocol),
		cmocka_unit_test(e1_rfc8926_3_5_options_are_skipped_unless_critical),
		cmocka_unit_test(r1_rfc2784_gre_version_flags_and_protocol),
		cmocka_unit_test(r1_rfc2890_every_combination_of_c_k_and_s_is_read),
		cmocka_unit_test(l1_a_third_vlan_tag_is_not_ours),
		cmocka_unit_test(a_frame_cut_anywhere_is_refused_and_not_overread),
		cmocka_unit_test(headers_beyond_the_first_segment_are_truncated_payload_is_not),
		cmocka_unit_test(bytes_behind_the_frame_are_not_the_frame),
		cmocka_unit_test(any_alignment_parses_the_same),
		cmocka_unit_test(vxlan_gpe_over_ipv4_is_known_at_a_glance),
		cmocka_unit_test(info_is_not_written_unless_ok),
		cmocka_unit_test(every_verdict_and_transport_has_its_own_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
