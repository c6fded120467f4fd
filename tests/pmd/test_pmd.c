#include "test_pmd.h"

static int
setup(void **state)
{
	(void)state;
	return test_pmd_init();
}

static void
init_without_pool_or_qsbr_is_refused(void **state)
{
	(void)state;
	assert_int_equal(pmd_init(NULL, test_qsbr), -EINVAL);
	assert_int_equal(pmd_init(test_pool, NULL), -EINVAL);
	assert_int_equal(pmd_init(test_pool, test_qsbr), 0);
}

static void
copy_chains_what_exceeds_one_buffer(void **state)
{
	static const struct {
		uint32_t size;
		uint16_t segments;
	} rows[] = {{1, 1}, {14, 1}, {2048, 1}, {2049, 2}, {4096, 2}, {9000, 5}, {65535, 32}};
	static uint8_t bytes[PMD_FRAME_MAX];

	(void)state;
	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		fill(bytes, rows[i].size, (uint32_t)i);
		struct rte_mbuf *m = pmd_mbuf_copy(bytes, rows[i].size);
		assert_non_null(m);
		/* Each further buffer loses its headroom, too. */
		assert_in_range(m->nb_segs, rows[i].segments, rows[i].segments);
		assert_int_equal(rte_pktmbuf_headroom(m), RTE_PKTMBUF_HEADROOM);
		assert_frame(m, bytes, rows[i].size);
		rte_pktmbuf_free(m);
	}
	assert_no_mbuf_lost();
}

static void
copy_from_a_short_pool_takes_nothing(void **state)
{
	static uint8_t bytes[PMD_FRAME_MAX];
	struct rte_mbuf *held[POOL_SIZE - 3];

	(void)state;
	assert_int_equal(rte_pktmbuf_alloc_bulk(test_pool, held, POOL_SIZE - 3), 0);
	assert_null(pmd_mbuf_copy(bytes, sizeof(bytes)));
	assert_int_equal(rte_mempool_avail_count(test_pool), 3);
	rte_pktmbuf_free_bulk(held, POOL_SIZE - 3);
	assert_no_mbuf_lost();
}

static void
message_never_exceeds_its_buffer(void **state)
{
	char err[9] = "xxxxxxxx";

	(void)state;
	assert_int_equal(pmd_fail(-EBUSY, err, 5, "%s", "a long reason"), -EBUSY);
	assert_string_equal(err, "a lo");
	assert_int_equal(err[5], 'x');
	assert_int_equal(pmd_fail(-EBUSY, NULL, 0, "x"), -EBUSY);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(init_without_pool_or_qsbr_is_refused),
		cmocka_unit_test(copy_chains_what_exceeds_one_buffer),
		cmocka_unit_test(copy_from_a_short_pool_takes_nothing),
		cmocka_unit_test(message_never_exceeds_its_buffer),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
