#include "test_pmd.h"

#include "pmd_pool.h"

#define N 32

static int
setup(void **state)
{
	(void)state;
	return test_pmd_init();
}

static void
taken_buffers_are_empty_whatever_they_were_used_for(void **state)
{
	struct rte_mbuf *m[N];

	(void)state;
	for (int again = 0; again < 2; again++) {
		assert_true(pmd_pool_take(test_pool, m, N));
		for (int i = 0; i < N; i++) {
			assert_int_equal(rte_mbuf_check(m[i], 1, &(const char *){NULL}), 0);
			assert_int_equal(rte_mbuf_refcnt_read(m[i]), 1);
			assert_int_equal(rte_pktmbuf_headroom(m[i]), RTE_PKTMBUF_HEADROOM);
			assert_int_equal(m[i]->pkt_len + m[i]->data_len + m[i]->vlan_tci, 0);
			assert_int_equal(m[i]->ol_flags | m[i]->packet_type, 0);
			assert_int_equal(m[i]->port, RTE_MBUF_PORT_INVALID);
			assert_non_null(rte_pktmbuf_append(m[i], 60));
			assert_non_null(rte_pktmbuf_prepend(m[i], 60));
			m[i]->ol_flags = RTE_MBUF_F_RX_RSS_HASH;
			m[i]->packet_type = 7;
			m[i]->port = 3;
			m[i]->vlan_tci = 9;
		}
		pmd_pool_return(m, N);
		assert_no_mbuf_lost();
	}
}

static void
a_short_pool_gives_none(void **state)
{
	struct rte_mbuf *held[POOL_SIZE - N + 1], *m[N];

	(void)state;
	assert_true(pmd_pool_take(test_pool, held, RTE_DIM(held)));
	assert_false(pmd_pool_take(test_pool, m, N));
	assert_int_equal(rte_mempool_avail_count(test_pool), N - 1);
	pmd_pool_return(held, RTE_DIM(held));
	pmd_pool_return(held, 0);
	assert_no_mbuf_lost();
}

/* One buffer among many that must not go back as it is. */
static void
chained_shared_and_foreign_buffers_are_told_apart(void **state)
{
	struct rte_mempool *other =
		rte_pktmbuf_pool_create("other", 63, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	struct rte_mbuf *m[N], *more;

	(void)state;
	assert_non_null(other);
	for (int odd = 0; odd < N; odd += N - 1) {
		assert_true(pmd_pool_take(test_pool, m, N));
		more = rte_pktmbuf_alloc(test_pool);
		assert_int_equal(rte_pktmbuf_chain(m[odd], more), 0);
		pmd_pool_return(m, N);
		assert_no_mbuf_lost();

		assert_true(pmd_pool_take(test_pool, m, N));
		rte_mbuf_refcnt_update(m[odd], 1);
		more = m[odd];
		pmd_pool_return(m, N);
		assert_int_equal(rte_mempool_avail_count(test_pool), POOL_SIZE - 1);
		assert_int_equal(rte_mbuf_refcnt_read(more), 1);
		pmd_pool_return(&more, 1);
		assert_no_mbuf_lost();

		assert_true(pmd_pool_take(test_pool, m, N));
		more = rte_pktmbuf_alloc(test_pool);
		rte_pktmbuf_attach(m[odd], more);
		rte_pktmbuf_free(more);
		pmd_pool_return(m, N);
		assert_no_mbuf_lost();

		assert_true(pmd_pool_take(test_pool, m, N));
		more = m[odd];
		m[odd] = rte_pktmbuf_alloc(other);
		pmd_pool_return(m, N);
		pmd_pool_return(&more, 1);
		assert_no_mbuf_lost();
		assert_int_equal(rte_mempool_avail_count(other), 63);
	}
	rte_mempool_free(other);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(taken_buffers_are_empty_whatever_they_were_used_for),
		cmocka_unit_test(a_short_pool_gives_none),
		cmocka_unit_test(chained_shared_and_foreign_buffers_are_told_apart),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
