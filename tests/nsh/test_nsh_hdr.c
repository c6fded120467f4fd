#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "nsh_build.h"

/* A header with every bit of the Base Header set that the field under test does not own. */
static struct nsh_hdr
hdr_of(uint32_t base, uint32_t path)
{
	return (struct nsh_hdr){.base = rte_cpu_to_be_32(base), .path = rte_cpu_to_be_32(path)};
}

static void
masks_cover_the_base_header_once(void **state)
{
	(void)state;
	assert_int_equal(NSH_VERSION_MASK ^ NSH_OAM_MASK ^ NSH_TTL_MASK ^ NSH_LENGTH_MASK ^ NSH_MD_TYPE_MASK ^
				 NSH_NP_MASK ^ NSH_U_MASK,
		UINT32_MAX);
}

static void
fields_stand_where_rfc8300_draws_them(void **state)
{
	/* Ver 0, O 1, U 0, TTL 0x2A, Length 6, U 0, MD Type 1, NP 3, SPI 0x010203, SI 0x04, by hand. */
	static const uint8_t wire[] = {0x2A, 0x86, 0x01, 0x03, 0x01, 0x02, 0x03, 0x04};
	struct nsh_hdr hdr;

	(void)state;
	memcpy(&hdr, wire, sizeof(hdr));
	assert_int_equal(nsh_ttl(&hdr), 0x2A);
	assert_int_equal(nsh_size(&hdr), 24);
	assert_int_equal(nsh_md_type(&hdr), 1);
	assert_int_equal(nsh_np(&hdr), 3);
	assert_true(nsh_oam(&hdr));
	assert_int_equal(nsh_sp(&hdr), 0x01020304);
	assert_int_equal(nsh_spi(&hdr), 0x010203);
	assert_int_equal(nsh_si(&hdr), 4);
	assert_int_equal(nsh_sp_make(0x010203, 4), nsh_sp(&hdr));
}

static void
ttl_in_and_out(uint8_t in, uint8_t out)
{
	static const uint32_t others[] = {0, ~NSH_TTL_MASK};

	for (size_t i = 0; i < 2; i++) {
		struct nsh_hdr hdr = hdr_of(others[i], 0x12345678);

		nsh_ttl_set(&hdr, in);
		assert_int_equal(nsh_ttl(&hdr), in);
		assert_int_equal(nsh_ttl_dec(&hdr), out);
		assert_int_equal(nsh_ttl(&hdr), out);
		assert_int_equal(rte_be_to_cpu_32(hdr.base) & ~NSH_TTL_MASK, others[i]);
		assert_int_equal(nsh_sp(&hdr), 0x12345678);
	}
}

static void
n3_ttl_zero_in_becomes_63(void **state)
{
	(void)state;
	ttl_in_and_out(0, 63);
}

static void
n3_ttl_one_in_becomes_0_which_is_not_forwarded(void **state)
{
	(void)state;
	ttl_in_and_out(1, 0);
}

static void
n3_ttl_63_in_becomes_62(void **state)
{
	(void)state;
	ttl_in_and_out(63, 62);
}

static void
ttl_loses_one_and_touches_no_other_bit(void **state)
{
	(void)state;
	for (uint8_t ttl = 1; ttl <= NSH_TTL_MAX; ttl++)
		ttl_in_and_out(ttl, ttl - 1);
}

static void
ttl_set_cuts_to_six_bits(void **state)
{
	struct nsh_hdr hdr = hdr_of(0, 0);

	(void)state;
	nsh_ttl_set(&hdr, 0xFF);
	assert_int_equal(rte_be_to_cpu_32(hdr.base), NSH_TTL_MASK);
}

static void
n6_si_loses_one_and_never_borrows_from_spi(void **state)
{
	(void)state;
	for (uint32_t si = 1; si <= 255; si++) {
		struct nsh_hdr hdr = hdr_of(0xFFFFFFFF, nsh_sp_make(0xABCDEF, (uint8_t)si));

		assert_true(nsh_si_dec(&hdr));
		assert_int_equal(nsh_spi(&hdr), 0xABCDEF);
		assert_int_equal(nsh_si(&hdr), si - 1);
		assert_int_equal(hdr.base, UINT32_MAX);
	}
}

static void
n6_si_zero_does_not_wrap(void **state)
{
	struct nsh_hdr hdr = hdr_of(0, nsh_sp_make(100, 0));

	(void)state;
	assert_false(nsh_si_dec(&hdr));
	assert_int_equal(nsh_sp(&hdr), nsh_sp_make(100, 0));
}

static void
n2_u_bits_survive_every_setter(void **state)
{
	struct nsh_hdr hdr = hdr_of(NSH_U_MASK, 0);

	(void)state;
	nsh_ttl_set(&hdr, 63);
	nsh_ttl_dec(&hdr);
	nsh_sp_set(&hdr, nsh_sp_make(5, 5));
	nsh_si_dec(&hdr);
	nsh_np_set(&hdr, NSH_NP_IPV6);
	nsh_oam_set(&hdr, true);
	nsh_oam_set(&hdr, false);
	assert_int_equal(rte_be_to_cpu_32(hdr.base), NSH_U_MASK | 62u << NSH_TTL_SHIFT | NSH_NP_IPV6);
	assert_int_equal(nsh_sp(&hdr), nsh_sp_make(5, 4));
}

static void
oam_bit_is_set_and_cleared_alone(void **state)
{
	struct nsh_hdr hdr = hdr_of(0, 0);

	(void)state;
	nsh_oam_set(&hdr, true);
	assert_int_equal(rte_be_to_cpu_32(hdr.base), NSH_OAM_MASK);
	assert_true(nsh_oam(&hdr));
	hdr = hdr_of(UINT32_MAX, 0);
	nsh_oam_set(&hdr, false);
	assert_int_equal(rte_be_to_cpu_32(hdr.base), ~NSH_OAM_MASK);
	assert_false(nsh_oam(&hdr));
}

static void
next_protocol_is_replaced_alone(void **state)
{
	struct nsh_hdr hdr = hdr_of(UINT32_MAX, 7);

	(void)state;
	nsh_np_set(&hdr, NSH_NP_IPV4);
	assert_int_equal(rte_be_to_cpu_32(hdr.base), 0xFFFFFF01);
	assert_int_equal(nsh_np(&hdr), NSH_NP_IPV4);
}

static void
n2_n11_md_type_is_the_low_nibble_whatever_the_u_bits(void **state)
{
	struct nsh_hdr hdr = hdr_of(0x0000F100, 0);

	(void)state;
	assert_int_equal(nsh_md_type(&hdr), NSH_MD1);
}

static void
n10_longest_header_is_252_bytes_not_256(void **state)
{
	struct nsh_hdr hdr = hdr_of(UINT32_MAX, 0);

	(void)state;
	assert_int_equal(nsh_size(&hdr), NSH_MAX_SIZE);
	assert_int_equal(NSH_MAX_SIZE, 252);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(masks_cover_the_base_header_once),
		cmocka_unit_test(fields_stand_where_rfc8300_draws_them),
		cmocka_unit_test(n3_ttl_zero_in_becomes_63),
		cmocka_unit_test(n3_ttl_one_in_becomes_0_which_is_not_forwarded),
		cmocka_unit_test(n3_ttl_63_in_becomes_62),
		cmocka_unit_test(ttl_loses_one_and_touches_no_other_bit),
		cmocka_unit_test(ttl_set_cuts_to_six_bits),
		cmocka_unit_test(n6_si_loses_one_and_never_borrows_from_spi),
		cmocka_unit_test(n6_si_zero_does_not_wrap),
		cmocka_unit_test(n2_u_bits_survive_every_setter),
		cmocka_unit_test(oam_bit_is_set_and_cleared_alone),
		cmocka_unit_test(next_protocol_is_replaced_alone),
		cmocka_unit_test(n2_n11_md_type_is_the_low_nibble_whatever_the_u_bits),
		cmocka_unit_test(n10_longest_header_is_252_bytes_not_256),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
