#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "guard.h"
#include "nsh_build.h"
#include "nsh_md2.h"

/* A guarded MD Type 2 header around raw TLV bytes, checked. */
static const uint8_t *
header_of(const void *tlvs, size_t size, struct nsh_info *info)
{
	uint8_t bytes[NSH_MAX_SIZE];
	size_t built = nsh_build_md2(bytes, 1, 63, NSH_NP_ETHERNET, tlvs, size);
	const uint8_t *header;

	assert_int_equal(built, NSH_BASE_SIZE + size);
	header = guarded(bytes, built);
	assert_int_equal(nsh_parse(header, built, info), NSH_OK);
	return header;
}

static void
n13_next_tlv_stands_at_the_next_multiple_of_4(void **state)
{
	(void)state;
	for (uint8_t len = 0; len <= NSH_MD2_LEN_MAX; len++) {
		uint8_t tlvs[NSH_MAX_SIZE] = {0x01, 0x02, 0x33, len};
		size_t step = 4 + ((size_t)len + 3) / 4 * 4;
		struct nsh_md2_iter it;
		struct nsh_md2_tlv tlv;
		struct nsh_info info;
		const uint8_t *header;

		memcpy(tlvs + step, (const uint8_t[]){0xAA, 0xBB, 0x44, 0x00}, 4);
		header = header_of(tlvs, step + 4, &info);
		nsh_md2_iter_init(&it, header, &info);
		assert_int_equal(nsh_md2_next(&it, &tlv), NSH_MD2_TLV);
		assert_int_equal(tlv.md_class, 0x0102);
		assert_int_equal(tlv.type, 0x33);
		assert_int_equal(tlv.len, len);
		assert_ptr_equal(tlv.value, header + 12);
		assert_int_equal(nsh_md2_next(&it, &tlv), NSH_MD2_TLV);
		assert_int_equal(tlv.md_class, 0xAABB);
		assert_int_equal(tlv.len, 0);
		assert_int_equal(nsh_md2_next(&it, &tlv), NSH_MD2_END);
		assert_int_equal(nsh_md2_next(&it, &tlv), NSH_MD2_END);
	}
}

static void
n13_a_header_of_61_empty_tlvs_is_walked_whole(void **state)
{
	uint8_t tlvs[NSH_MAX_SIZE - NSH_BASE_SIZE] = {0};
	struct nsh_md2_iter it;
	struct nsh_md2_tlv tlv;
	struct nsh_info info;
	unsigned int count = 0;

	(void)state;
	nsh_md2_iter_init(&it, header_of(tlvs, sizeof(tlvs), &info), &info);
	while (nsh_md2_next(&it, &tlv) == NSH_MD2_TLV)
		count++;
	assert_int_equal(count, 61);
}

static void
n13_u_bit_of_a_tlv_is_ignored(void **state)
{
	static const uint8_t tlvs[] = {0, 0, 5, 0x84, 1, 2, 3, 4};
	struct nsh_md2_iter it;
	struct nsh_md2_tlv tlv;
	struct nsh_info info;

	(void)state;
	nsh_md2_iter_init(&it, header_of(tlvs, sizeof(tlvs), &info), &info);
	assert_int_equal(nsh_md2_next(&it, &tlv), NSH_MD2_TLV);
	assert_int_equal(tlv.len, 4);
	assert_int_equal(nsh_md2_next(&it, &tlv), NSH_MD2_END);
}

static void
n13_tlv_past_the_length_ends_the_walk_for_good(void **state)
{
	(void)state;
	for (uint8_t len = 1; len <= NSH_MD2_LEN_MAX; len++) {
		/* One good TLV, then one that has no room for its value. */
		const uint8_t tlvs[] = {0, 0, 1, 0, 0, 0, 2, len};
		struct nsh_md2_iter it;
		struct nsh_md2_tlv tlv;
		struct nsh_info info;

		nsh_md2_iter_init(&it, header_of(tlvs, sizeof(tlvs), &info), &info);
		assert_int_equal(nsh_md2_next(&it, &tlv), NSH_MD2_TLV);
		assert_int_equal(tlv.type, 1);
		assert_int_equal(nsh_md2_next(&it, &tlv), NSH_MD2_OVERRUN);
		assert_int_equal(nsh_md2_next(&it, &tlv), NSH_MD2_OVERRUN);
		assert_int_equal(tlv.type, 1);
	}
}

static void
n14_first_of_duplicates_wins(void **state)
{
	static const uint8_t tlvs[] = {0, 1, 0, 0, 0, 0, 0, 1, 'a', 0, 0, 0, 0, 0, 0, 1, 'b', 0, 0, 0};
	struct nsh_md2_tlv tlv;
	struct nsh_info info;
	const uint8_t *header = header_of(tlvs, sizeof(tlvs), &info);

	(void)state;
	assert_int_equal(
		nsh_md2_find(header, &info, NSH_MD_CLASS_IETF, NSH_MD2_SUBSCRIBER, &tlv), NSH_MD2_TLV);
	assert_int_equal(tlv.value[0], 'a');
	assert_int_equal(nsh_md2_find(header, &info, 1, 0, &tlv), NSH_MD2_TLV);
	assert_int_equal(tlv.len, 0);
	assert_int_equal(nsh_md2_find(header, &info, 1, 9, &tlv), NSH_MD2_END);
}

static void
find_reports_a_broken_tlv_that_comes_first(void **state)
{
	static const uint8_t tlvs[] = {0, 0, 1, 0, 0, 0, 2, 5};
	struct nsh_md2_tlv tlv;
	struct nsh_info info;
	const uint8_t *header = header_of(tlvs, sizeof(tlvs), &info);

	(void)state;
	assert_int_equal(nsh_md2_find(header, &info, 0, 1, &tlv), NSH_MD2_TLV);
	assert_int_equal(nsh_md2_find(header, &info, 0, 3, &tlv), NSH_MD2_OVERRUN);
}

static void
md1_context_is_not_read_as_tlvs(void **state)
{
	uint8_t header[NSH_MD1_SIZE];
	struct nsh_md2_iter it;
	struct nsh_md2_tlv tlv;
	struct nsh_info info;

	(void)state;
	nsh_build_md1(header, 1, 63, 1, NULL);
	assert_int_equal(nsh_parse(header, sizeof(header), &info), NSH_OK);
	nsh_md2_iter_init(&it, header, &info);
	assert_int_equal(nsh_md2_next(&it, &tlv), NSH_MD2_END);
}

static void
put_pads_with_zeros_and_reads_back(void **state)
{
	uint8_t value[NSH_MD2_LEN_MAX];

	(void)state;
	memset(value, 0xC3, sizeof(value));
	for (uint8_t len = 0; len <= NSH_MD2_LEN_MAX; len++) {
		uint8_t tlvs[NSH_MAX_SIZE];
		size_t size;
		struct nsh_md2_tlv tlv;
		struct nsh_info info;

		memset(tlvs, 0xEE, sizeof(tlvs));
		size = nsh_md2_put(tlvs, sizeof(tlvs), 0x0200, 0x7F, value, len);
		assert_int_equal(size, 4 + (len + 3u) / 4 * 4);
		assert_int_equal(tlvs[3], len);
		for (size_t i = 4u + len; i < size; i++)
			assert_int_equal(tlvs[i], 0);
		assert_int_equal(tlvs[size], 0xEE);
		assert_int_equal(
			nsh_md2_find(header_of(tlvs, size, &info), &info, 0x0200, 0x7F, &tlv), NSH_MD2_TLV);
		assert_int_equal(tlv.len, len);
		assert_memory_equal(tlv.value, value, len);
	}
}

static void
put_refuses_what_does_not_fit(void **state)
{
	uint8_t value[NSH_MD2_LEN_MAX + 1] = {0};
	uint8_t zero[8] = {0};

	(void)state;
	assert_int_equal(nsh_md2_put(guarded(zero, 8), 8, 0, 0, value, 4), 8);
	assert_int_equal(nsh_md2_put(guarded(zero, 8), 8, 0, 0, value, 5), 0);
	assert_int_equal(nsh_md2_put(guarded(zero, 3), 3, 0, 0, NULL, 0), 0);
	assert_int_equal(nsh_md2_put(guarded(zero, 8), 4096, 0, 0, value, NSH_MD2_LEN_MAX + 1), 0);
	assert_int_equal(nsh_md2_put(guarded(zero, 8), 4096, 0, 0, value, SIZE_MAX), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(n13_next_tlv_stands_at_the_next_multiple_of_4),
		cmocka_unit_test(n13_a_header_of_61_empty_tlvs_is_walked_whole),
		cmocka_unit_test(n13_u_bit_of_a_tlv_is_ignored),
		cmocka_unit_test(n13_tlv_past_the_length_ends_the_walk_for_good),
		cmocka_unit_test(n14_first_of_duplicates_wins),
		cmocka_unit_test(find_reports_a_broken_tlv_that_comes_first),
		cmocka_unit_test(md1_context_is_not_read_as_tlvs),
		cmocka_unit_test(put_pads_with_zeros_and_reads_back),
		cmocka_unit_test(put_refuses_what_does_not_fit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
