#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../test_eal.h"

#include "sff_mbuf.h"

#define SIZE 600u

static struct rte_mempool *pool;

static int
setup(void **state)
{
	(void)state;
	test_eal_init();
	pool = rte_pktmbuf_pool_create("frames", 1023, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	return pool == NULL;
}

static int
teardown(void **state)
{
	(void)state;
	rte_mempool_free(pool);
	return 0;
}

/* SIZE bytes in segments of `step`, after an empty one where `empty` says so. */
static struct rte_mbuf *
chain(uint16_t step, bool empty)
{
	struct rte_mbuf *head = NULL;
	uint16_t at = 0;

	do {
		struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
		uint16_t n =
			empty && at > 0 && head->nb_segs % 2 == 1 ? 0 : (uint16_t)RTE_MIN(step, SIZE - at);
		uint8_t *data;

		assert_non_null(m);
		data = (uint8_t *)rte_pktmbuf_append(m, n);
		for (uint16_t i = 0; i < n; i++, at++)
			data[i] = (uint8_t)(at * 3);
		if (head == NULL)
			head = m;
		else
			assert_int_equal(rte_pktmbuf_chain(head, m), 0);
	} while (at < SIZE);
	return head;
}

static void
assert_bytes(const struct rte_mbuf *m, uint32_t size)
{
	uint8_t copy[SIZE];
	const uint8_t *bytes = rte_pktmbuf_read(m, 0, size, copy);

	assert_int_equal(m->pkt_len, size);
	rte_mbuf_sanity_check(m, 1);
	if (size > 0)
		assert_non_null(bytes);
	for (uint32_t i = 0; i < size; i++)
		assert_int_equal(bytes[i], (uint8_t)(i * 3));
}

static void
gathering_makes_the_wanted_bytes_contiguous(void **state)
{
	(void)state;
	for (uint16_t step = 20; step <= SIZE; step = (uint16_t)(step + 29))
		for (uint16_t want = 1; want <= SIZE; want++) {
			struct rte_mbuf *m = chain(step, want % 2);

			assert_true(sff_mbuf_contiguous(m, want) >= want);
			assert_bytes(m, SIZE);
			rte_pktmbuf_free(m);
			assert_int_equal(rte_mempool_in_use_count(pool), 0);
		}
}

static void
more_than_there_is_gathers_all(void **state)
{
	struct rte_mbuf *m = chain(100, false);

	(void)state;
	assert_int_equal(sff_mbuf_contiguous(m, SIZE + 1), SIZE);
	assert_int_equal(m->nb_segs, 1);
	assert_bytes(m, SIZE);
	rte_pktmbuf_free(m);
	assert_int_equal(rte_mempool_in_use_count(pool), 0);
}

static void
gathering_ends_where_the_first_buffer_does(void **state)
{
	struct rte_mbuf *m = chain(100, false);

	(void)state;
	/* Bytes to the end of the buffer: 150. */
	m->data_off = (uint16_t)(m->buf_len - 150);
	for (uint16_t i = 0; i < m->data_len; i++)
		rte_pktmbuf_mtod(m, uint8_t *)[i] = (uint8_t)(i * 3);
	assert_int_equal(sff_mbuf_contiguous(m, 448), 150);
	assert_bytes(m, SIZE);
	rte_pktmbuf_free(m);
	assert_int_equal(rte_mempool_in_use_count(pool), 0);
}

static void
what_is_contiguous_already_is_left_alone(void **state)
{
	struct rte_mbuf *m = chain(500, false);

	(void)state;
	assert_int_equal(sff_mbuf_contiguous(m, 448), 500);
	assert_int_equal(m->nb_segs, 2);
	rte_pktmbuf_free(m);
}

static void
a_cut_frame_has_the_first_bytes_and_frees_the_rest(void **state)
{
	(void)state;
	for (uint16_t step = 50; step <= SIZE; step = (uint16_t)(step + 50))
		for (uint32_t size = 0; size <= SIZE; size++) {
			struct rte_mbuf *m = chain(step, size % 2);

			sff_mbuf_cut(m, size);
			assert_bytes(m, size);
			assert_int_equal(rte_mempool_in_use_count(pool), m->nb_segs);
			rte_pktmbuf_free(m);
			assert_int_equal(rte_mempool_in_use_count(pool), 0);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gathering_makes_the_wanted_bytes_contiguous),
		cmocka_unit_test(more_than_there_is_gathers_all),
		cmocka_unit_test(gathering_ends_where_the_first_buffer_does),
		cmocka_unit_test(what_is_contiguous_already_is_left_alone),
		cmocka_unit_test(a_cut_frame_has_the_first_bytes_and_frees_the_rest),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
