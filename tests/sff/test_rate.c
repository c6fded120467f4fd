#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "sff_rate.h"

/* A chain made of numbers: it carries `limit`, and loses what is above; every n-th trial it is disturbed. */
struct chain {
	double limit;
	unsigned int every; /* 0 = never */
	unsigned int trials;
	double highest; /* load offered */
	double seconds;
	int stop_after; /* trials, then give up; 0 = never */
};

static int
offer(void *arg, double pps, double seconds, double *loss)
{
	struct chain *c = arg;

	c->trials++;
	c->seconds += seconds;
	c->highest = c->highest > pps ? c->highest : pps;
	*loss = pps > c->limit ? 1 - c->limit / pps : 0;
	if (c->every > 0 && c->trials % c->every == 0)
		*loss += 0.2;
	return c->stop_after > 0 && (int)c->trials >= c->stop_after ? -7 : 0;
}

static const struct sff_rate_goal pdr = {.loss = 0.005, .width = 0.005, .trial_s = 1, .sum_s = 21};
static const struct sff_rate_goal ndr = {.loss = 0, .width = 0.005, .trial_s = 1, .sum_s = 21};

static void
the_rate_is_found_within_its_width(void **state)
{
	static const double guess[] = {1e3, 4e5, 1e6, 2e6, 5e6};

	(void)state;
	for (unsigned int i = 0; i < 5; i++) {
		struct chain chain = {.limit = 1e6};
		struct sff_rate_result r;

		assert_int_equal(sff_rate_find(&ndr, guess[i], 1e7, offer, &chain, &r), 0);
		assert_true(r.pps <= 1e6 && r.above_pps > 1e6);
		assert_true(r.pps >= r.above_pps * (1 - ndr.width));
		assert_int_equal(r.exceeded, 0);
		assert_true(r.loss == 0);
	}
}

static void
a_goal_with_loss_finds_more_than_one_without(void **state)
{
	struct chain chain = {.limit = 1e6};
	struct sff_rate_result r;

	(void)state;
	assert_int_equal(sff_rate_find(&pdr, 1e6, 1e7, offer, &chain, &r), 0);
	/* A loss of 0.5 % is 1,005,025 offered. */
	assert_true(r.pps <= 1005026 && r.above_pps > 1005025);
	assert_true(r.loss <= pdr.loss);
}

static void
half_of_a_load_s_duration_decides_and_no_more_is_spent(void **state)
{
	struct chain chain = {.limit = 1e6};
	struct sff_rate_result r;

	(void)state;
	assert_int_equal(sff_rate_find(&ndr, 1e6, 1e6, offer, &chain, &r), 0);
	assert_true(r.pps == 1e6 && r.above_pps == 0);
	assert_int_equal(r.trials, 11); /* 11 s good of 21: the rest cannot change it */
	assert_int_equal(r.all, 12);    /* and one of the first look */
}

/* One trial in three is disturbed: less than the exceed ratio, so the rate stands and says so. */
static void
disturbed_trials_are_counted_and_do_not_decide(void **state)
{
	struct chain chain = {.limit = 1e6, .every = 3};
	struct sff_rate_result r;

	(void)state;
	assert_int_equal(sff_rate_find(&ndr, 9e5, 1e7, offer, &chain, &r), 0);
	assert_true(r.pps > 7e5 && r.pps <= 1e6);
	assert_true(r.exceeded > 0 && r.exceeded * 2 <= r.trials);
}

static void
nothing_above_the_top_is_offered(void **state)
{
	struct chain chain = {.limit = 1e9};
	struct sff_rate_result r;

	(void)state;
	assert_int_equal(sff_rate_find(&pdr, 5e6, 2e6, offer, &chain, &r), 0);
	assert_true(chain.highest == 2e6 && r.pps == 2e6);
	assert_int_equal(sff_rate_find(&pdr, 1e3, 2e6, offer, &chain, &r), 0);
	assert_true(chain.highest == 2e6 && r.pps == 2e6);
}

static void
a_chain_that_carries_nothing_has_the_rate_0(void **state)
{
	struct chain chain = {.limit = 0};
	struct sff_rate_result r;

	(void)state;
	assert_int_equal(sff_rate_find(&pdr, 1e6, 1e7, offer, &chain, &r), 0);
	assert_true(r.pps == 0);
	assert_true(chain.trials < 40);
}

static void
a_search_ends_when_a_trial_gives_up(void **state)
{
	struct chain chain = {.limit = 1e6, .stop_after = 3};
	struct sff_rate_result r;

	(void)state;
	assert_int_equal(sff_rate_find(&pdr, 1e5, 1e7, offer, &chain, &r), -7);
	assert_int_equal(chain.trials, 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_rate_is_found_within_its_width),
		cmocka_unit_test(a_goal_with_loss_finds_more_than_one_without),
		cmocka_unit_test(half_of_a_load_s_duration_decides_and_no_more_is_spent),
		cmocka_unit_test(disturbed_trials_are_counted_and_do_not_decide),
		cmocka_unit_test(nothing_above_the_top_is_offered),
		cmocka_unit_test(a_chain_that_carries_nothing_has_the_rate_0),
		cmocka_unit_test(a_search_ends_when_a_trial_gives_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
