#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bench.h"

#include <x86intrin.h>

#define PACKETS 100u
#define SPIN_TC 20000u

static void
percentiles_are_those_of_the_sorted_costs(void **state)
{
	double cost[100];
	struct bench_result r;

	(void)state;
	for (int i = 0; i < 100; i++)
		cost[i] = (double)((i * 37) % 100);
	bench_summarise(cost, 100, &r);
	assert_true(r.lo == 0 && r.p10 == 10 && r.med == 50 && r.p90 == 90);
	assert_int_equal(r.windows, 100);
	assert_true(r.preempted == 0);
}

static void
windows_above_three_medians_are_counted_not_hidden(void **state)
{
	double cost[100];
	struct bench_result r;

	(void)state;
	for (int i = 0; i < 100; i++)
		cost[i] = i < 60 ? 10 : i < 80 ? 30 : 31; /* 30 is not above */
	bench_summarise(cost, 100, &r);
	assert_true(r.med == 10 && r.preempted == 0.2);
	assert_true(r.p90 == 31);
}

static int prepared, ran;

static void
prepare(struct bench_case *c)
{
	(void)c;
	prepared++;
	for (uint64_t until = __rdtsc() + 5 * SPIN_TC; __rdtsc() < until;)
		;
}

/* Every chunk takes SPIN_TC cycles for PACKETS packets. */
static uint32_t
spin(struct bench_case *c)
{
	(void)c;
	ran++;
	for (uint64_t until = __rdtsc() + SPIN_TC; __rdtsc() < until;)
		;
	return PACKETS;
}

static uint32_t
spin_half(struct bench_case *c)
{
	(void)c;
	for (uint64_t until = __rdtsc() + SPIN_TC / 2; __rdtsc() < until;)
		;
	return PACKETS;
}

static const struct bench_plan plan = {.discard = 2, .windows = 50, .window_tc = 30000};

static void
only_the_chunk_is_measured_not_its_preparation(void **state)
{
	struct bench_case c = {.name = "spin", .prepare = prepare, .run = spin};
	struct bench_result r;

	(void)state;
	prepared = ran = 0;
	bench_measure(&c, &plan, &r);
	assert_true(r.lo >= 199 && r.lo < 220);
	assert_int_equal(r.windows, 50);
	assert_int_equal(prepared, ran);
	/* Two chunks make a window, or one that lost the CPU meanwhile. */
	assert_in_range(ran, 52, 2 * 52);
}

static void
a_null_loop_is_subtracted(void **state)
{
	struct bench_case c = {.name = "spin", .run = spin, .null = spin_half};
	struct bench_result r;

	(void)state;
	bench_measure(&c, &plan, &r);
	assert_true(r.lo > 90 && r.lo < 120);
	assert_int_equal(r.windows, 50 * BENCH_TRIALS);
}

static void
a_planted_slowdown_shows_in_its_case_alone(void **state)
{
	struct bench_case c = {.name = "spin", .run = spin};
	struct bench_plan planted = plan;
	struct bench_result r;

	(void)state;
	planted.plant_case = "spin";
	planted.plant_percent = 50;
	bench_measure(&c, &planted, &r);
	assert_true(r.lo >= 298 && r.lo < 330);
	planted.plant_case = "other";
	bench_measure(&c, &planted, &r);
	assert_true(r.lo < 220);
}

static void
calibration_knows_this_machine(void **state)
{
	struct bench_calibration cal;

	(void)state;
	bench_calibrate(&cal, 0.02, BENCH_CALIBRATE_FULL);
	assert_true(cal.tsc_hz > 500000000u && cal.tsc_hz < 10000000000u);
	assert_true(cal.core_tsc > 0.2 && cal.core_tsc < 5);
	assert_true(cal.l1_tc > 0 && cal.l1_tc < cal.dram_tc);
	assert_int_equal(strlen(cal.run), 36);
	assert_non_null(strchr(cal.cpu, '/'));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(percentiles_are_those_of_the_sorted_costs),
		cmocka_unit_test(windows_above_three_medians_are_counted_not_hidden),
		cmocka_unit_test(only_the_chunk_is_measured_not_its_preparation),
		cmocka_unit_test(a_null_loop_is_subtracted),
		cmocka_unit_test(a_planted_slowdown_shows_in_its_case_alone),
		cmocka_unit_test(calibration_knows_this_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
