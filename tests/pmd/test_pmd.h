/**
 * EAL, a packet pool and a started pmd room for the tests of tests/pmd.
 */
#ifndef TEST_PMD_H
#define TEST_PMD_H

#include "../test_eal.h"
#include "pmd_priv.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define POOL_SIZE 1023u

static struct rte_mempool *test_pool;
static struct rte_rcu_qsbr *test_qsbr;

static inline int
test_pmd_init(void)
{
	if (test_pool != NULL)
		return 0;
	test_eal_init();
	test_pool =
		rte_pktmbuf_pool_create("test", POOL_SIZE, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	size_t size = rte_rcu_qsbr_get_memsize(RTE_MAX_LCORE);
	test_qsbr = aligned_alloc(RTE_CACHE_LINE_SIZE, RTE_ALIGN_CEIL(size, (size_t)RTE_CACHE_LINE_SIZE));
	if (test_pool == NULL || test_qsbr == NULL || rte_rcu_qsbr_init(test_qsbr, RTE_MAX_LCORE) != 0)
		return -1;
	return pmd_init(test_pool, test_qsbr);
}

/* Every buffer is back: what a test took it gave back. */
static inline void
assert_no_mbuf_lost(void)
{
	assert_int_equal(rte_mempool_avail_count(test_pool), POOL_SIZE);
}

/* A frame whose bytes depend on their position and on the seed. */
static inline void
fill(uint8_t *bytes, uint32_t size, uint32_t seed)
{
	for (uint32_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(i * 31 + (i >> 8) + seed);
}

static inline void
assert_frame(struct rte_mbuf *m, const uint8_t *bytes, uint32_t size)
{
	static uint8_t flat[PMD_FRAME_MAX];

	assert_int_equal(rte_pktmbuf_pkt_len(m), size);
	assert_int_equal(rte_mbuf_check(m, 1, &(const char *){NULL}), 0);
	assert_memory_equal(rte_pktmbuf_read(m, 0, size, flat), bytes, size);
}

#endif
