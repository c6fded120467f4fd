/* When a VM that died starts again. */
#include "sff_backoff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void
each_death_of_a_minute_doubles_the_wait_up_to_five_seconds(void **state)
{
	static const uint64_t wait[SFF_BACKOFF_DEATHS_MAX] = {
		100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000, 5000};
	struct sff_backoff backoff = {0};
	uint64_t now = 0;

	(void)state;
	for (unsigned int i = 0; i < SFF_BACKOFF_DEATHS_MAX; i++) {
		assert_int_equal(sff_backoff_next(&backoff, now), wait[i]);
		now += wait[i];
	}
	assert_int_equal(sff_backoff_next(&backoff, now), SFF_BACKOFF_NEVER);
	assert_int_equal(sff_backoff_next(&backoff, now + 1), SFF_BACKOFF_NEVER);
}

static void
a_death_is_forgotten_after_a_minute(void **state)
{
	struct sff_backoff backoff = {0};

	(void)state;
	assert_int_equal(sff_backoff_next(&backoff, 1000), 100);
	assert_int_equal(sff_backoff_next(&backoff, 60999), 200);
	assert_int_equal(sff_backoff_next(&backoff, 61000), 200);
	assert_int_equal(sff_backoff_next(&backoff, 200000), 100);
}

static void
one_death_in_seven_seconds_goes_on_for_ever(void **state)
{
	struct sff_backoff backoff = {0};

	(void)state;
	/* Nine fit a minute. */
	for (uint64_t now = 0; now < 1000000; now += 7000)
		assert_in_range(sff_backoff_next(&backoff, now), 100, 5000);
}

static void
a_crash_loop_may_be_over(void **state)
{
	struct sff_backoff backoff = {0};

	(void)state;
	for (unsigned int i = 0; i <= SFF_BACKOFF_DEATHS_MAX; i++)
		sff_backoff_next(&backoff, i);
	assert_int_equal(sff_backoff_next(&backoff, 11), SFF_BACKOFF_NEVER);
	assert_int_equal(sff_backoff_next(&backoff, 61000), 100);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_death_of_a_minute_doubles_the_wait_up_to_five_seconds),
		cmocka_unit_test(a_death_is_forgotten_after_a_minute),
		cmocka_unit_test(one_death_in_seven_seconds_goes_on_for_ever),
		cmocka_unit_test(a_crash_loop_may_be_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
