#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "guard.h"
#include "outer_frames.h"
#include "outer_push.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

/* The conf that must give a frame like the shape's. */
static struct outer_conf
conf_of(const struct shape *s)
{
	struct outer_conf conf = {.transport = s->transport,
		.family = s->family,
		.vni = s->transport == OUTER_GRE ? 0x12345678 : VNI,
		.has_key = s->gre_flags & GRE_K,
		.udp_port = NSH_PORT,
		.ttl = 64,
		.tags = s->tags,
		.checksum = s->checksum || (s->gre_flags & GRE_C) ? OUTER_CHECKSUM_ON : OUTER_CHECKSUM_OFF,
		.inner_ethernet = s->inner_ethernet,
		.inner_dmac = {2, 1, 1, 1, 1, 1},
		.inner_smac = {2, 2, 2, 2, 2, 2}};

	memcpy(conf.dmac, frame_dmac, 6);
	memcpy(conf.smac, frame_smac, 6);
	if (s->family == NSH_IPV4) {
		memcpy(conf.src.bytes, frame_src4, 4);
		memcpy(conf.dst.bytes, frame_dst4, 4);
	} else {
		memcpy(conf.src.bytes, frame_src6, 16);
		memcpy(conf.dst.bytes, frame_dst6, 16);
	}
	for (uint8_t i = 0; i < s->tags; i++) {
		conf.tag[i].type = i + 1 < s->tags ? ETH_QINQ : ETH_VLAN;
		conf.tag[i].tci = i + 1 < s->tags ? 5 : 0x2006;
	}
	return conf;
}

/* What we send: every transport over every family, with and without what is optional. */
static size_t
make_shapes(struct shape *shapes)
{
	size_t count = 0;

	for (unsigned int i = 0; i < OUTER_TRANSPORTS * 2 * 3 * 2 * 2 * 2; i++) {
		struct shape s = {.transport = i % OUTER_TRANSPORTS,
			.family = i / OUTER_TRANSPORTS % 2 ? NSH_IPV6 : NSH_IPV4,
			.tags = (uint8_t)(i / (OUTER_TRANSPORTS * 2) % 3),
			.checksum = i / (OUTER_TRANSPORTS * 6) % 2,
			.inner_ethernet = i / (OUTER_TRANSPORTS * 12) % 2};
		bool key = i / (OUTER_TRANSPORTS * 24);

		if (s.transport == OUTER_ETHERNET)
			s.family = NSH_NO_IP;
		if (s.transport == OUTER_GRE)
			s.gre_flags = (uint16_t)((s.checksum ? GRE_C : 0) | (key ? GRE_K : 0));
		if (s.transport == OUTER_GRE || s.transport == OUTER_ETHERNET)
			s.checksum = false;
		if (s.transport != OUTER_GENEVE)
			s.inner_ethernet = false;
		shapes[count++] = s;
	}
	return count;
}

#define SHAPES_MAX (OUTER_TRANSPORTS * 2 * 3 * 2 * 2 * 2)

static void
pushed_bytes_are_those_of_the_rfcs(void **state)
{
	struct shape shapes[SHAPES_MAX];
	size_t count = make_shapes(shapes);

	(void)state;
	for (size_t i = 0; i < count; i++) {
		struct outer_conf conf = conf_of(&shapes[i]);
		struct outer_template t;
		uint8_t outer[OUTER_PUSH_MAX];
		struct frame f;

		frame_make(&f, &shapes[i]);
		assert_int_equal(outer_template_init(&t, &conf), 0);
		assert_int_equal(t.size, f.nsh_at);
		assert_int_equal(t.needs_sum, shapes[i].checksum || (shapes[i].gre_flags & GRE_C));
		outer_push(outer, &t, PAYLOAD_SIZE, SRC_PORT, TOS, nsh_sum(f.bytes + f.nsh_at, PAYLOAD_SIZE));
		assert_memory_equal(outer, f.bytes, t.size);
	}
}

static void
push_writes_its_bytes_at_any_alignment_and_none_more(void **state)
{
	struct shape shapes[SHAPES_MAX];
	size_t count = make_shapes(shapes);

	(void)state;
	for (size_t i = 0; i < count; i++) {
		struct outer_conf conf = conf_of(&shapes[i]);
		struct outer_template t;
		uint8_t plain[OUTER_PUSH_MAX], room[OUTER_PUSH_MAX + 32];

		assert_int_equal(outer_template_init(&t, &conf), 0);
		outer_push(plain, &t, 100, SRC_PORT, 0, 0x1234);
		for (size_t shift = 1; shift < 16; shift++) {
			memset(room, 0xEE, sizeof(room));
			outer_push(room + shift, &t, 100, SRC_PORT, 0, 0x1234);
			assert_memory_equal(room + shift, plain, t.size);
			for (size_t at = 0; at < sizeof(room); at++) {
				if (at < shift || at >= shift + t.size)
					assert_int_equal(room[at], 0xEE);
			}
		}
		/* At the end of what can be written. */
		outer_push(guarded(plain, t.size), &t, 100, SRC_PORT, 0, 0x1234);
	}
}

static void
ipv4_checksum_is_right_for_every_size_and_tos(void **state)
{
	static const uint8_t addresses[3][4] = {{0, 0, 0, 0}, {10, 99, 0, 1}, {255, 255, 255, 255}};
	static const enum outer_transport transports[] = {OUTER_VXLAN_GPE, OUTER_GENEVE, OUTER_GRE};

	(void)state;
	for (size_t i = 0; i < 9; i++) {
		struct shape s = {.transport = transports[i / 3], .family = NSH_IPV4};
		struct outer_conf conf = conf_of(&s);
		struct outer_template t;
		uint8_t outer[OUTER_PUSH_MAX];

		memcpy(conf.src.bytes, addresses[i % 3], 4);
		assert_int_equal(outer_template_init(&t, &conf), 0);
		/* Both carries of the fold occur. */
		for (uint32_t size = 0; size <= t.payload_max; size++) {
			outer_push(outer, &t, size, SRC_PORT, (uint8_t)(size * 7), 0);
			assert_int_equal(nsh_sum(outer + 14, 20), UINT16_MAX);
		}
		assert_int_equal(outer[16] << 8 | outer[17], UINT16_MAX);
	}
}

static void
payload_max_is_what_the_length_fields_can_tell(void **state)
{
	static const struct {
		enum outer_transport transport;
		enum nsh_family family;
		uint16_t max;
	} rows[] = {
		{OUTER_ETHERNET, NSH_NO_IP, UINT16_MAX},
		{OUTER_VXLAN_GPE, NSH_IPV4, UINT16_MAX - 20 - 8 - 8},
		{OUTER_VXLAN_GPE, NSH_IPV6, UINT16_MAX - 8 - 8},
		{OUTER_VXLAN, NSH_IPV4, UINT16_MAX - 20 - 8 - 8 - 14},
		{OUTER_GENEVE, NSH_IPV6, UINT16_MAX - 8 - 8},
		{OUTER_GRE, NSH_IPV4, UINT16_MAX - 20 - 4},
		{OUTER_GRE, NSH_IPV6, UINT16_MAX - 4},
		{OUTER_UDP, NSH_IPV4, UINT16_MAX - 20 - 8},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct shape s = {.transport = rows[i].transport, .family = rows[i].family};
		struct outer_conf conf = conf_of(&s);
		struct outer_template t;

		assert_int_equal(outer_template_init(&t, &conf), 0);
		assert_int_equal(t.payload_max, rows[i].max);
	}
}

static void
n17_underlay_mtu_for_a_1514_byte_inner_frame(void **state)
{
	static const struct {
		uint16_t nsh_size, mtu;
	} rows[] = {{NSH_BASE_SIZE, 1558}, {NSH_MD1_SIZE, 1574}, {NSH_MAX_SIZE, 1802}};

	(void)state;
	for (size_t i = 0; i < COUNT(rows) * 2; i++) {
		struct shape s = {
			.transport = OUTER_VXLAN_GPE, .family = i < COUNT(rows) ? NSH_IPV4 : NSH_IPV6};
		struct outer_conf conf = conf_of(&s);
		struct outer_template t;

		assert_int_equal(outer_template_init(&t, &conf), 0);
		assert_int_equal(t.size - ETH_HDR_SIZE + rows[i % 3].nsh_size + 1514,
			rows[i % 3].mtu + (i < COUNT(rows) ? 0 : 20));
	}
}

static void
u3_u4_u5_default_checksum_is_that_of_the_rfcs(void **state)
{
	static const struct {
		enum outer_transport transport;
		enum nsh_family family;
		bool checksum;
	} rows[] = {
		{OUTER_ETHERNET, NSH_NO_IP, false},
		{OUTER_VXLAN_GPE, NSH_IPV4, false}, /* RFC 7348, 5 */
		{OUTER_VXLAN, NSH_IPV4, false},
		{OUTER_GENEVE, NSH_IPV4, true}, /* RFC 8926, 3.3: SHOULD */
		{OUTER_UDP, NSH_IPV4, true},    /* RFC 1122, 4.1.3.4 */
		{OUTER_GRE, NSH_IPV4, false},
		{OUTER_VXLAN_GPE, NSH_IPV6, true}, /* RFC 8200, 8.1: MUST */
		{OUTER_VXLAN, NSH_IPV6, true},
		{OUTER_GENEVE, NSH_IPV6, true},
		{OUTER_UDP, NSH_IPV6, true},
		{OUTER_GRE, NSH_IPV6, false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct shape s = {.transport = rows[i].transport, .family = rows[i].family};
		struct outer_conf conf = conf_of(&s);
		struct outer_template t;

		conf.checksum = OUTER_CHECKSUM_DEFAULT;
		assert_int_equal(outer_template_init(&t, &conf), 0);
		assert_int_equal(t.needs_sum, rows[i].checksum);
		conf.checksum = OUTER_CHECKSUM_OFF;
		assert_int_equal(outer_template_init(&t, &conf), 0);
		assert_false(t.needs_sum);
		conf.checksum = OUTER_CHECKSUM_ON;
		assert_int_equal(outer_template_init(&t, &conf), 0);
		assert_int_equal(t.needs_sum, rows[i].transport != OUTER_ETHERNET);
	}
}

static void
u4_udp_checksum_is_right_for_every_payload_sum_and_never_0(void **state)
{
	struct shape s = {.transport = OUTER_GENEVE, .family = NSH_IPV6, .checksum = true};
	struct outer_conf conf = conf_of(&s);
	struct outer_template t;
	unsigned int ffff = 0;

	(void)state;
	assert_int_equal(outer_template_init(&t, &conf), 0);
	for (uint32_t sum = 0; sum <= UINT16_MAX; sum++) {
		uint8_t frame[OUTER_PUSH_MAX + 2];
		struct outer_accept accept = {.transports = OUTER_BIT(OUTER_GENEVE)};
		struct outer_info info;
		uint16_t word = (uint16_t)sum;

		memcpy(frame + t.size, &word, 2);
		outer_push(frame, &t, 2, SRC_PORT, 0, word);
		/* A checksum of 0 would be refused. */
		assert_int_equal(
			outer_parse(&accept, frame, (size_t)t.size + 2, (size_t)t.size + 2, &info), OUTER_OK);
		assert_true(outer_check(frame, &info));
		ffff += frame[60] == 0xFF && frame[61] == 0xFF;
	}
	assert_true(ffff >= 1);
}

static void
u1_entropy_is_a_dynamic_port_that_depends_on_the_hash(void **state)
{
	(void)state;
	assert_int_equal(outer_entropy(0), 49152);
	assert_int_equal(outer_entropy(UINT32_MAX), 65535);
	for (uint32_t hash = 0; hash < 0x4000; hash++)
		assert_int_equal(outer_entropy(hash), 49152 + hash);
}

static void
u2_entropy_from_upstream_is_kept_in_the_dynamic_range(void **state)
{
	struct outer_info info = {0};

	(void)state;
	assert_int_equal(outer_entropy_of(&info), 0);
	info.src_port = 49151;
	assert_int_equal(outer_entropy_of(&info), 0);
	info.src_port = 49152;
	assert_int_equal(outer_entropy_of(&info), 49152);
	info.src_port = 65535;
	assert_int_equal(outer_entropy_of(&info), 65535);
}

static void
a_conf_that_does_not_fit_together_is_refused(void **state)
{
	struct shape s = {.transport = OUTER_VXLAN_GPE, .family = NSH_IPV4};
	const struct outer_conf good = conf_of(&s);
	struct outer_template t, before;
	struct outer_conf bad[9];

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		bad[i] = good;
	bad[0].transport = OUTER_ETHERNET;
	bad[1].family = NSH_NO_IP;
	bad[2].family = 5;
	bad[3].transport = OUTER_TRANSPORTS;
	bad[4].vni = VXLAN_VNI_MAX + 1;
	bad[5].tags = 3;
	bad[6].tags = 1; /* of type 0 */
	bad[7].transport = OUTER_UDP;
	bad[7].udp_port = 0;
	bad[8].tags = 2;
	bad[8].tag[0].type = ETH_QINQ;
	bad[8].tag[1].type = ETH_IPV4;
	memset(&t, 0xEE, sizeof(t));
	memcpy(&before, &t, sizeof(t));
	for (size_t i = 0; i < COUNT(bad); i++) {
		if (outer_template_init(&t, &bad[i]) != -EINVAL)
			fail_msg("conf %zu", i);
		assert_memory_equal(&t, &before, sizeof(t));
	}
	assert_int_equal(outer_template_init(&t, &good), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pushed_bytes_are_those_of_the_rfcs),
		cmocka_unit_test(push_writes_its_bytes_at_any_alignment_and_none_more),
		cmocka_unit_test(ipv4_checksum_is_right_for_every_size_and_tos),
		cmocka_unit_test(payload_max_is_what_the_length_fields_can_tell),
		cmocka_unit_test(n17_underlay_mtu_for_a_1514_byte_inner_frame),
		cmocka_unit_test(u3_u4_u5_default_checksum_is_that_of_the_rfcs),
		cmocka_unit_test(u4_udp_checksum_is_right_for_every_payload_sum_and_never_0),
		cmocka_unit_test(u1_entropy_is_a_dynamic_port_that_depends_on_the_hash),
		cmocka_unit_test(u2_entropy_from_upstream_is_kept_in_the_dynamic_range),
		cmocka_unit_test(a_conf_that_does_not_fit_together_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
