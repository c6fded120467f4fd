#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "pmd_hist.h"

static void
buckets_have_two_digits_and_no_gap(void **state)
{
	(void)state;
	for (unsigned int i = 0; i + 1 < PMD_HIST_BUCKETS; i++) {
		uint64_t low = pmd_hist_low(i), next = pmd_hist_low(i + 1);

		assert_int_equal(pmd_hist_index(low), i);
		assert_int_equal(pmd_hist_index(next - 1), i);
		assert_true(next - low <= low / 10); /* two digits: a tenth at most */
	}
	assert_int_equal(pmd_hist_low(0), 100);
	assert_int_equal(pmd_hist_low(PMD_HIST_BUCKETS - 1), 1000000000);
}

static void
what_is_outside_is_counted_at_the_edge(void **state)
{
	(void)state;
	assert_int_equal(pmd_hist_index(0), 0);
	assert_int_equal(pmd_hist_index(99), 0);
	assert_int_equal(pmd_hist_index(UINT64_MAX), PMD_HIST_BUCKETS - 1);
}

static void
shares_are_upper_edges_and_never_above_the_largest(void **state)
{
	struct pmd_hist hist = {0};

	(void)state;
	assert_int_equal(pmd_hist_share(&hist, 0.5), 0);
	for (uint64_t ns = 1; ns <= 1000; ns++)
		pmd_hist_add(&hist, ns * 1000);
	assert_int_equal(hist.count, 1000);
	assert_int_equal(pmd_hist_share(&hist, 0.5), 510000); /* 500 us are in the bucket from 500 to 510 */
	assert_int_equal(pmd_hist_share(&hist, 0.99), 1000000);
	assert_int_equal(pmd_hist_share(&hist, 0), 1100);
	assert_int_equal(pmd_hist_share(&hist, 1), 1000000);
	pmd_hist_add(&hist, 5000000000u);
	assert_int_equal(pmd_hist_share(&hist, 1), 5000000000u);
	assert_int_equal(hist.max_ns, 5000000000u);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buckets_have_two_digits_and_no_gap),
		cmocka_unit_test(what_is_outside_is_counted_at_the_edge),
		cmocka_unit_test(shares_are_upper_edges_and_never_above_the_largest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
