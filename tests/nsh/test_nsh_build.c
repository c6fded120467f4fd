#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "guard.h"
#include "nsh_build.h"

static const uint32_t context[NSH_MD1_WORDS] = {0x01020304, 0x11121314, 0x21222324, 0x31323334};

static void
md1_bytes_are_those_of_rfc8300(void **state)
{
	static const uint8_t wire[NSH_MD1_SIZE] = {0x0F, 0xC6, 0x01, 0x03, 0x00, 0x00, 0x64,
		0xFF, /* SPI 100 */
		0x01, 0x02, 0x03, 0x04, 0x11, 0x12, 0x13, 0x14, 0x21, 0x22, 0x23, 0x24, 0x31, 0x32, 0x33,
		0x34};
	uint8_t dst[NSH_MD1_SIZE];

	(void)state;
	assert_int_equal(nsh_build_md1(dst, nsh_sp_make(100, NSH_SI_DEFAULT), NSH_TTL_DEFAULT,
				 NSH_NP_ETHERNET, context),
		NSH_MD1_SIZE);
	assert_memory_equal(dst, wire, sizeof(wire));
}

static void
n12_unused_md1_context_is_zero(void **state)
{
	static const uint8_t zero[NSH_MD1_SIZE - NSH_BASE_SIZE];
	uint8_t dst[NSH_MD1_SIZE];

	(void)state;
	memset(dst, 0xEE, sizeof(dst));
	assert_int_equal(nsh_build_md1(dst, 0, 63, NSH_NP_IPV4, NULL), NSH_MD1_SIZE);
	assert_memory_equal(dst + NSH_BASE_SIZE, zero, sizeof(zero));
}

static void
n1_n2_version_o_and_u_bits_are_sent_0(void **state)
{
	struct nsh_hdr hdr;

	(void)state;
	for (uint32_t np = 0; np < 256; np++) {
		uint8_t dst[NSH_MD1_SIZE];

		assert_true(nsh_build_md1(dst, UINT32_MAX, 63, (uint8_t)np, context) > 0);
		memcpy(&hdr, dst, sizeof(hdr));
		assert_int_equal(
			rte_be_to_cpu_32(hdr.base) & (NSH_VERSION_MASK | NSH_OAM_MASK | NSH_U_MASK), 0);
		assert_true(nsh_build_md2(dst, UINT32_MAX, 63, (uint8_t)np, NULL, 0) > 0);
		memcpy(&hdr, dst, sizeof(hdr));
		assert_int_equal(
			rte_be_to_cpu_32(hdr.base) & (NSH_VERSION_MASK | NSH_OAM_MASK | NSH_U_MASK), 0);
	}
}

static void
md2_without_tlvs_has_length_2(void **state)
{
	static const uint8_t wire[NSH_BASE_SIZE] = {0x0F, 0xC2, 0x02, 0x01, 0x00, 0x00, 0x01, 0x07};
	uint8_t dst[NSH_BASE_SIZE];

	(void)state;
	assert_int_equal(nsh_build_md2(dst, nsh_sp_make(1, 7), 63, NSH_NP_IPV4, NULL, 0), NSH_BASE_SIZE);
	assert_memory_equal(dst, wire, sizeof(wire));
}

static void
build_writes_its_size_and_no_byte_more(void **state)
{
	uint8_t tlvs[NSH_MAX_SIZE - NSH_BASE_SIZE] = {0};
	uint8_t zero[NSH_MAX_SIZE] = {0};

	(void)state;
	assert_int_equal(nsh_build_md1(guarded(zero, NSH_MD1_SIZE), 1, 1, 1, context), NSH_MD1_SIZE);
	for (size_t size = 0; size <= sizeof(tlvs); size += 4) {
		uint8_t *dst = guarded(zero, NSH_BASE_SIZE + size);

		assert_int_equal(nsh_build_md2(dst, 1, 1, 1, tlvs, size), NSH_BASE_SIZE + size);
	}
}

static void
values_that_have_no_place_on_the_wire_are_refused(void **state)
{
	uint8_t tlvs[NSH_MAX_SIZE + 4] = {0};
	uint8_t dst[NSH_MAX_SIZE + 16], before[sizeof(dst)];

	(void)state;
	memset(dst, 0xEE, sizeof(dst));
	memcpy(before, dst, sizeof(dst));
	assert_int_equal(nsh_build_md1(dst, 1, 64, 1, context), 0);
	assert_int_equal(nsh_build_md2(dst, 1, 64, 1, NULL, 0), 0);
	assert_int_equal(nsh_build_md2(dst, 1, 63, 1, tlvs, 3), 0);
	assert_int_equal(nsh_build_md2(dst, 1, 63, 1, tlvs, 245), 0);
	assert_int_equal(nsh_build_md2(dst, 1, 63, 1, tlvs, 248), 0);
	assert_int_equal(nsh_build_md2(dst, 1, 63, 1, tlvs, SIZE_MAX - 3), 0);
	assert_memory_equal(dst, before, sizeof(dst));
}

static void
parse_gives_back_what_build_was_given(void **state)
{
	static const uint32_t sps[] = {0, 1, 0x000064FF, 0xFFFFFF00, UINT32_MAX};
	uint8_t tlvs[NSH_MAX_SIZE - NSH_BASE_SIZE] = {0};
	uint8_t dst[NSH_MAX_SIZE];
	struct nsh_info info;

	(void)state;
	for (size_t i = 0; i < sizeof(sps) / sizeof(sps[0]); i++) {
		for (uint8_t ttl = 0; ttl <= NSH_TTL_MAX; ttl++) {
			size_t tlvs_size = (size_t)ttl % 62 * 4;

			assert_int_equal(nsh_build_md1(dst, sps[i], ttl, ttl, context), NSH_MD1_SIZE);
			assert_int_equal(nsh_parse(dst, NSH_MD1_SIZE, &info), NSH_OK);
			assert_int_equal(info.sp, sps[i]);
			assert_int_equal(info.ttl, ttl);
			assert_int_equal(info.next_proto, ttl);
			assert_int_equal(info.md_type, NSH_MD1);
			assert_false(info.oam);

			assert_int_equal(
				nsh_build_md2(dst, sps[i], ttl, ttl, tlvs, tlvs_size), 8 + tlvs_size);
			assert_int_equal(nsh_parse(dst, 8 + tlvs_size, &info), NSH_OK);
			assert_int_equal(info.sp, sps[i]);
			assert_int_equal(info.size, 8 + tlvs_size);
			assert_int_equal(info.md_type, NSH_MD2);
		}
	}
}

/* What a proxy does: keep the header, take it off, give it back. */
static void
saved_and_pushed(const uint8_t *header, size_t size)
{
	uint8_t packet[NSH_MAX_SIZE + 4];
	uint8_t *payload = packet + size;
	struct nsh_template t;
	struct nsh_info info;

	assert_int_equal(nsh_parse(header, size, &info), NSH_OK);
	t.size = info.size;
	memcpy(t.bytes, header, size);
	memset(packet, 0xEE, sizeof(packet));
	assert_ptr_equal(nsh_push(payload, &t), packet);
	assert_memory_equal(packet, header, size);
	assert_int_equal(payload[0], 0xEE);
}

static void
x1_a_saved_header_comes_back_whole(void **state)
{
	uint8_t header[NSH_MAX_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(header); i++)
		header[i] = (uint8_t)(i * 7);
	/* All U bits, TTL 0x15, context of every size. */
	memcpy(header, (const uint8_t[]){0x15, 0x46, 0xF1, 0x03}, 4);
	saved_and_pushed(header, NSH_MD1_SIZE);
	for (uint8_t words = 2; words <= 63; words++) {
		memcpy(header, (const uint8_t[]){0x35, 0x40 | words, 0xF2, 0xFE}, 4);
		saved_and_pushed(header, (size_t)words * 4);
	}
}

static void
x2_next_protocol_of_a_pushed_header_can_be_replaced(void **state)
{
	uint8_t packet[NSH_MD1_SIZE + 1];
	struct nsh_template t = {.size = NSH_MD1_SIZE};
	struct nsh_hdr *hdr;

	(void)state;
	nsh_build_md1(t.bytes, 1, 63, NSH_NP_ETHERNET, NULL);
	hdr = nsh_push(packet + NSH_MD1_SIZE, &t);
	nsh_np_set(hdr, NSH_NP_IPV6);
	assert_int_equal(packet[3], NSH_NP_IPV6);
	assert_int_equal(t.bytes[3], NSH_NP_ETHERNET);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(md1_bytes_are_those_of_rfc8300),
		cmocka_unit_test(n12_unused_md1_context_is_zero),
		cmocka_unit_test(n1_n2_version_o_and_u_bits_are_sent_0),
		cmocka_unit_test(md2_without_tlvs_has_length_2),
		cmocka_unit_test(build_writes_its_size_and_no_byte_more),
		cmocka_unit_test(values_that_have_no_place_on_the_wire_are_refused),
		cmocka_unit_test(parse_gives_back_what_build_was_given),
		cmocka_unit_test(x1_a_saved_header_comes_back_whole),
		cmocka_unit_test(x2_next_protocol_of_a_pushed_header_can_be_replaced),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
