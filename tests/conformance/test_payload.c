/* What stands in and behind NSH: MD type 2 context, payload or none, OAM. */
#include "conformance.h"

#include "nsh_md2.h"

#include <stdlib.h>

static struct frame in, out, want, inner;

#define WIRE     OUTER_GPE4_SIZE
#define TLVS_MAX (NSH_MAX_SIZE - NSH_BASE_SIZE)

/* TLVs and a frame in MD type 2: into an SF, back, and on to the next SFF; then to the end of a path. */
static void
carried(struct fixture *f, const char *what, const uint8_t *tlvs, size_t size)
{
	frame_udp(&inner, 1, 2, 40);
	want = inner;
	frame_md2(&want, 105, 255, 62, NSH_NP_ETHERNET, tlvs, size);
	in = inner;
	frame_md2(&in, 105, 255, 63, NSH_NP_ETHERNET, tlvs, size);
	frame_gpe(&in, 50000);
	expect_frame(f, what, CORE, &in, "to fw-1", FW_1, &out);
	frame_pull(&out, ETH_HDR_SIZE);
	assert_frame_equal(&out, &want);

	assert_true(nsh_si_dec(nsh_at(&want, 0)));
	out = want;
	fixture_wrap_sf(f, FW_1, &out);
	expect_frame(f, what, FW_1, &out, "to core", CORE, &in);
	frame_pull(&in, WIRE);
	assert_frame_equal(&in, &want);

	in = inner;
	frame_md2(&in, 100, 254, 63, NSH_NP_ETHERNET, tlvs, size);
	frame_gpe(&in, 50000);
	expect_frame(f, what, CORE, &in, "to wan", WAN, &out);
	assert_frame_equal(&out, &inner);
}

static void
n11_n13_n14_tlvs_of_every_length_are_carried_byte_for_byte(void **state)
{
	uint8_t tlvs[TLVS_MAX], value[NSH_MD2_LEN_MAX];

	for (unsigned int i = 0; i < sizeof(value); i++)
		value[i] = (uint8_t)(i * 31 + 7);
	for (uint8_t len = 0; len <= NSH_MD2_LEN_MAX; len++) {
		size_t size = nsh_md2_put(tlvs, sizeof(tlvs), 0xfff6, len, value, len);

		assert_true(size > 0);
		carried(*state, "one TLV", tlvs, size);
		/* Its U bit, and padding that is not 0. */
		tlvs[3] |= 0x80;
		memset(tlvs + NSH_MD2_HDR_SIZE + len, 0xee, size - NSH_MD2_HDR_SIZE - len);
		carried(*state, "U bit and padding", tlvs, size);
	}
	carried(*state, "none", NULL, 0);
	assert_int_equal(all_dropped(*state), 0);
}

static void
n14_duplicates_and_unknown_classes_are_carried(void **state)
{
	static const uint16_t classes[] = {0x0000, 0x0200, 0x7fff, 0xfff6, 0xffff};
	uint8_t tlvs[TLVS_MAX];
	size_t size = 0;

	for (unsigned int copy = 0; copy < 2; copy++)
		for (unsigned int c = 0; c < RTE_DIM(classes); c++)
			size += nsh_md2_put(tlvs + size, sizeof(tlvs) - size, classes[c], 0x55, "abcde", 5);
	assert_int_equal(size, 2 * RTE_DIM(classes) * 12);
	carried(*state, "duplicates", tlvs, size);
}

static void
n13_what_is_no_tlv_is_opaque_to_a_plain_sff(void **state)
{
	uint8_t tlvs[TLVS_MAX];

	srand(8300);
	for (size_t size = 4; size <= sizeof(tlvs); size += 4) {
		for (size_t i = 0; i < size; i++)
			tlvs[i] = (uint8_t)rand();
		carried(*state, "noise", tlvs, size);
		memset(tlvs, 0xff, size); /* a TLV that runs past the header */
		carried(*state, "overrun", tlvs, size);
	}
	assert_int_equal(all_dropped(*state), 0);
}

static void
c1_identifiers_go_to_the_sf_and_not_out_of_the_domain(void **state)
{
	static const char subscriber[] = "subscriber-0123456789", policy[] = "gold";
	uint8_t tlvs[TLVS_MAX];
	size_t size = 0;

	size += nsh_md2_put(tlvs + size, sizeof(tlvs) - size, NSH_MD_CLASS_IETF, NSH_MD2_SUBSCRIBER,
		subscriber, sizeof(subscriber) - 1);
	size += nsh_md2_put(tlvs + size, sizeof(tlvs) - size, NSH_MD_CLASS_IETF, NSH_MD2_PERFORMANCE_POLICY,
		policy, sizeof(policy) - 1);
	carried(*state, "RFC 8979", tlvs, size);
	/* Twice the same: which one counts is for those who read them. */
	size += nsh_md2_put(tlvs + size, sizeof(tlvs) - size, NSH_MD_CLASS_IETF, NSH_MD2_SUBSCRIBER, "x", 1);
	carried(*state, "twice", tlvs, size);
}

static void
h1_a_packet_without_payload_is_carried_and_ends_in_a_drop(void **state)
{
	struct fixture *f = *state;
	unsigned int n = 0;

	/* Nothing behind NSH, and bytes that must not be read as anything. The source port is not kept: the
	 * flow is asked for. */
	for (uint32_t size = 0; size <= 60; size += 4, n++) {
		in.size = size;
		memset(in.bytes, 0x45, size);
		frame_md1(&in, 105, 255, 63, NSH_NP_NONE);
		want = in;
		frame_gpe(&in, 7);
		expect_frame(f, "to an SF", CORE, &in, "to fw-1", FW_1, &out);
		frame_pull(&out, ETH_HDR_SIZE);
		nsh_ttl_set(nsh_at(&want, 0), 62);
		assert_frame_equal(&out, &want);
		assert_true(nsh_si_dec(nsh_at(&out, 0)));
		fixture_wrap_sf(f, FW_1, &out);
		expect_frame(f, "transit", FW_1, &out, "to core", CORE, &in);
		assert_int_equal(in.size, WIRE + NSH_MD1_SIZE + size);

		in.size = size;
		memset(in.bytes, 0x45, size);
		over_the_wire(&in, 100, 254, 63, NSH_NP_NONE);
		expect(f, "the end", CORE, &in, "terminal: nsh-proto");
	}
	assert_int_equal(dropped(f, SFC_DROP_NSH_PROTO), n);
}

static void
o1_user_packets_keep_o_0_also_with_ioam(void **state)
{
	struct fixture *f = *state;

	for (uint8_t np = NSH_NP_IPV4; np <= NSH_NP_IOAM; np++) {
		frame_udp(&in, 1, 2, 40);
		over_the_wire(&in, 105, 255, 63, np);
		expect(f, "to an SF", CORE, &in, "to fw-1");
		assert_int_equal(fixture_serve(f, FW_1), 1);
		expect_text("on", fixture_verdict(f), "to core");
		assert_true(fixture_take(f, CORE, &out));
		assert_false(nsh_oam(nsh_at(&out, WIRE)));
	}
}

static void
o2_o3_packets_with_the_o_bit_are_discarded_whatever_they_carry(void **state)
{
	static const struct {
		uint32_t spi;
		uint8_t si;
	} where[] = {{100, 255}, {100, 254}, {105, 254}, {103, 255}, {9999, 1}};
	struct fixture *f = *state;
	unsigned int n = 0;

	for (unsigned int np = 0; np < 256; np++) {
		for (unsigned int w = 0; w < RTE_DIM(where); w++, n++) {
			frame_udp(&in, 1, 2, 40);
			frame_md1(&in, where[w].spi, where[w].si, 63, (uint8_t)np);
			nsh_oam_set(nsh_at(&in, 0), true);
			frame_gpe(&in, 50000);
			expect(f, "from a transport", CORE, &in, "nsh_input: oam");
		}
		frame_udp(&in, 1, 2, 40);
		frame_md1(&in, 100, 254, 62, (uint8_t)np);
		nsh_oam_set(nsh_at(&in, 0), true);
		fixture_wrap_sf(f, FW_1, &in);
		expect(f, "from an SF", FW_1, &in, "sf_input: oam");
		n++;
	}
	assert_int_equal(dropped(f, SFC_DROP_OAM), n);
	assert_int_equal(f->lc->sent, 0);
}

static void
o1_o3_active_oam_without_the_o_bit_is_not_carried(void **state)
{
	struct fixture *f = *state;

	frame_udp(&in, 1, 2, 40);
	over_the_wire(&in, 105, 254, 63, NSH_NP_OAM);
	expect(f, "O 0, next protocol 7", CORE, &in, "nsh_input: nsh-proto");
	assert_int_equal(dropped(f, SFC_DROP_NSH_PROTO), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STAGE_TEST(n11_n13_n14_tlvs_of_every_length_are_carried_byte_for_byte),
		STAGE_TEST(n14_duplicates_and_unknown_classes_are_carried),
		STAGE_TEST(n13_what_is_no_tlv_is_opaque_to_a_plain_sff),
		STAGE_TEST(c1_identifiers_go_to_the_sf_and_not_out_of_the_domain),
		STAGE_TEST(h1_a_packet_without_payload_is_carried_and_ends_in_a_drop),
		STAGE_TEST(o1_user_packets_keep_o_0_also_with_ioam),
		STAGE_TEST(o2_o3_packets_with_the_o_bit_are_discarded_whatever_they_carry),
		STAGE_TEST(o1_o3_active_oam_without_the_o_bit_is_not_carried),
	};

	return cmocka_run_group_tests_name("payload", tests, NULL, NULL);
}
