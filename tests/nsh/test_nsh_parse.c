#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "guard.h"
#include "nsh_parse.h"

/* A Base Header from its fields; U bits by themselves. */
static uint32_t
base_of(uint32_t version, uint32_t length_words, uint32_t md_type)
{
	return version << 30 | 63u << NSH_TTL_SHIFT | length_words << NSH_LENGTH_SHIFT | md_type << 8 |
	       NSH_NP_ETHERNET;
}

static enum nsh_verdict
verdict_of(uint32_t base, size_t avail, struct nsh_info *info)
{
	struct nsh_hdr hdr = {.base = rte_cpu_to_be_32(base), .path = rte_cpu_to_be_32(0x00006401)};
	uint8_t bytes[GUARD_ROOM] = {0};

	memcpy(bytes, &hdr, sizeof(hdr));
	return nsh_parse(guarded(bytes, avail), avail, info);
}

struct row {
	const char *what;
	uint32_t version, length_words, md_type;
	size_t avail;
	enum nsh_verdict verdict;
};

static void
check_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct row *r = &rows[i];
		uint32_t base = base_of(r->version, r->length_words, r->md_type);
		struct nsh_info plain = {0}, with_u = {0};

		if (verdict_of(base, r->avail, &plain) != r->verdict)
			fail_msg("%s: got %s", r->what, nsh_verdict_name(verdict_of(base, r->avail, &plain)));
		/* N2: the same result with all U bits set. */
		assert_int_equal(verdict_of(base | NSH_U_MASK, r->avail, &with_u), r->verdict);
		assert_memory_equal(&plain, &with_u, sizeof(plain));
		if (r->verdict == NSH_OK)
			assert_int_equal(plain.size, r->length_words * 4);
	}
}

static void
n1_version_other_than_0_is_refused(void **state)
{
	static const struct row rows[] = {
		{"version 0", 0, 6, 1, 24, NSH_OK},
		{"version 1, for ever reserved", 1, 6, 1, 24, NSH_VERSION},
		{"version 2", 2, 6, 1, 24, NSH_VERSION},
		{"version 3", 3, 6, 1, 24, NSH_VERSION},
	};

	(void)state;
	check_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

static void
n10_length_fits_the_md_type(void **state)
{
	static const struct row rows[] = {
		{"MD1 of 0 words", 0, 0, 1, 252, NSH_LENGTH},
		{"MD1 of 2 words", 0, 2, 1, 252, NSH_LENGTH},
		{"MD1 of 5 words", 0, 5, 1, 252, NSH_LENGTH},
		{"MD1 of 6 words", 0, 6, 1, 252, NSH_OK},
		{"MD1 of 7 words", 0, 7, 1, 252, NSH_LENGTH},
		{"MD1 of 63 words", 0, 63, 1, 252, NSH_LENGTH},
		{"MD2 of 0 words", 0, 0, 2, 252, NSH_LENGTH},
		{"MD2 of 1 word", 0, 1, 2, 252, NSH_LENGTH},
		{"MD2 of 2 words", 0, 2, 2, 252, NSH_OK},
		{"MD2 of 3 words", 0, 3, 2, 252, NSH_OK},
		{"MD2 of 6 words", 0, 6, 2, 252, NSH_OK},
		{"MD2 of 63 words", 0, 63, 2, 252, NSH_OK},
	};

	(void)state;
	check_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

static void
n11_md_types_other_than_1_and_2_are_refused(void **state)
{
	(void)state;
	for (uint32_t md_type = 0; md_type < 16; md_type++) {
		const struct row row = {
			"MD Type", 0, 6, md_type, 24, md_type == 1 || md_type == 2 ? NSH_OK : NSH_MD_TYPE};

		check_rows(&row, 1);
	}
}

static void
n10_header_beyond_the_bytes_available_is_truncated(void **state)
{
	static const struct row rows[] = {
		{"nothing", 0, 6, 1, 0, NSH_TRUNCATED},
		{"one byte", 0, 6, 1, 1, NSH_TRUNCATED},
		{"one less than the base", 0, 2, 2, 7, NSH_TRUNCATED},
		{"the base alone, MD2", 0, 2, 2, 8, NSH_OK},
		{"the base alone, MD1", 0, 6, 1, 8, NSH_TRUNCATED},
		{"MD1 less one", 0, 6, 1, 23, NSH_TRUNCATED},
		{"MD1 whole", 0, 6, 1, 24, NSH_OK},
		{"MD2 of 252 less one", 0, 63, 2, 251, NSH_TRUNCATED},
		{"MD2 of 252 whole", 0, 63, 2, 252, NSH_OK},
		{"payload behind", 0, 6, 1, 1500, NSH_OK},
	};

	(void)state;
	check_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

static void
first_wrong_thing_in_receive_order_is_the_verdict(void **state)
{
	static const struct row rows[] = {
		{"short before version", 3, 6, 1, 7, NSH_TRUNCATED},
		{"version before MD Type", 1, 6, 0, 24, NSH_VERSION},
		{"version before Length", 1, 5, 1, 24, NSH_VERSION},
		{"MD Type before Length", 0, 0, 15, 24, NSH_MD_TYPE},
		{"MD Type before the frame's end", 0, 63, 15, 8, NSH_MD_TYPE},
		{"Length against MD Type before the frame's end", 0, 7, 1, 8, NSH_LENGTH},
	};

	(void)state;
	check_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

static void
fields_are_read_at_every_alignment(void **state)
{
	static const uint8_t wire[NSH_MD1_SIZE] = {0x2A, 0x86, 0x01, 0x05, 0xFE, 0xDC, 0xBA, 0x98};
	uint8_t room[NSH_MD1_SIZE + 8];

	(void)state;
	for (size_t shift = 0; shift < 8; shift++) {
		struct nsh_info info;

		memcpy(room + shift, wire, sizeof(wire));
		assert_int_equal(nsh_parse(room + shift, sizeof(wire), &info), NSH_OK);
		assert_int_equal(info.sp, 0xFEDCBA98);
		assert_int_equal(info.size, NSH_MD1_SIZE);
		assert_int_equal(info.ttl, 0x2A);
		assert_int_equal(info.md_type, 1);
		assert_int_equal(info.next_proto, NSH_NP_MPLS);
		assert_true(info.oam);
	}
}

static void
ttl_next_protocol_o_bit_and_si_are_not_judged(void **state)
{
	struct nsh_info info;

	(void)state;
	for (uint32_t np = 0; np < 256; np++) {
		uint32_t base = base_of(0, 6, 1) & ~NSH_NP_MASK & ~NSH_TTL_MASK;

		assert_int_equal(verdict_of(base | np, 24, &info), NSH_OK);
		assert_int_equal(info.next_proto, np);
		assert_int_equal(info.ttl, 0);
		assert_false(info.oam);
		assert_int_equal(verdict_of(base | np | NSH_OAM_MASK, 24, &info), NSH_OK);
		assert_true(info.oam);
	}
}

static void
n3_draft_era_header_without_ttl_reads_as_ttl_0(void **state)
{
	/* draft-ietf-sfc-nsh before 13: O set, C set (now a U bit), bits 4-9 reserved 0. */
	struct nsh_info info;

	(void)state;
	assert_int_equal(verdict_of(0x30060103, 24, &info), NSH_OK);
	assert_int_equal(info.ttl, 0);
	assert_true(info.oam);
}

static void
every_verdict_has_its_own_name(void **state)
{
	(void)state;
	for (int a = NSH_OK; a <= NSH_LENGTH; a++) {
		assert_string_not_equal(nsh_verdict_name(a), "nsh-unknown");
		for (int b = NSH_OK; b < a; b++)
			assert_string_not_equal(nsh_verdict_name(a), nsh_verdict_name(b));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(n1_version_other_than_0_is_refused),
		cmocka_unit_test(n10_length_fits_the_md_type),
		cmocka_unit_test(n11_md_types_other_than_1_and_2_are_refused),
		cmocka_unit_test(n10_header_beyond_the_bytes_available_is_truncated),
		cmocka_unit_test(first_wrong_thing_in_receive_order_is_the_verdict),
		cmocka_unit_test(fields_are_read_at_every_alignment),
		cmocka_unit_test(ttl_next_protocol_o_bit_and_si_are_not_judged),
		cmocka_unit_test(n3_draft_era_header_without_ttl_reads_as_ttl_0),
		cmocka_unit_test(every_verdict_has_its_own_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
