#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "guard.h"
#include "nsh_ip.h"

/* RFC 1071, 1, word by word: the oracle. */
static uint16_t
slow_sum(const uint8_t *data, size_t size)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < size; i++)
		sum += i % 2 == 0 ? (uint32_t)data[i] << 8 : data[i];
	while (sum >> 16)
		sum = (sum & 0xFFFF) + (sum >> 16);
	return (uint16_t)sum;
}

static void
sum_of_the_rfc1071_example(void **state)
{
	static const uint8_t data[] = {0x00, 0x01, 0xF2, 0x03, 0xF4, 0xF5, 0xF6, 0xF7};

	(void)state;
	assert_int_equal(rte_be_to_cpu_16(nsh_sum(data, sizeof(data))), 0xDDF2);
}

static void
sum_of_any_size_and_alignment_is_that_of_the_words(void **state)
{
	uint8_t data[256];
	uint32_t seed = 1;

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)((seed = seed * 1664525 + 1013904223) >> 24);
	for (size_t size = 0; size <= sizeof(data); size++)
		assert_int_equal(rte_be_to_cpu_16(nsh_sum(guarded(data, size), size)), slow_sum(data, size));
}

static void
sum_does_not_overflow_on_the_longest_datagram(void **state)
{
	static uint8_t data[UINT16_MAX];

	(void)state;
	memset(data, 0xFF, sizeof(data));
	assert_int_equal(rte_be_to_cpu_16(nsh_sum(data, sizeof(data))), slow_sum(data, sizeof(data)));
}

static void
fold_adds_every_carry_back(void **state)
{
	(void)state;
	assert_int_equal(nsh_sum_fold(0), 0);
	assert_int_equal(nsh_sum_fold(0xFFFF), 0xFFFF);
	assert_int_equal(nsh_sum_fold(0x10000), 1);
	assert_int_equal(nsh_sum_fold(UINT64_MAX), 0xFFFF);
	assert_int_equal(nsh_sum_fold(0xFFFFFFFF00000001), 1);
	assert_int_equal(nsh_sum_fold(0x1FFFE0001), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sum_of_the_rfc1071_example),
		cmocka_unit_test(sum_of_any_size_and_alignment_is_that_of_the_words),
		cmocka_unit_test(sum_does_not_overflow_on_the_longest_datagram),
		cmocka_unit_test(fold_adds_every_carry_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
