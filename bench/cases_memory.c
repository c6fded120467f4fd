#include "cases.h"
#include "world.h"

#include "pmd_pool.h"

#include <rte_ring.h>

/* What the mempool's cache and a ring cost: nothing of ours in between. */
#define RING_ENTRIES 1024u

int
case_mbuf_open(struct bench_case *c, bool reduced)
{
	(void)c;
	(void)reduced;
	return world_eal();
}

/* As the packet path takes and returns buffers: reset and reference counts included. */
uint32_t
case_mbuf_run(struct bench_case *c)
{
	struct rte_mbuf *m[BENCH_BURST];

	(void)c;
	for (unsigned int i = 0; i < BENCH_CHUNK; i += BENCH_BURST) {
		if (!pmd_pool_take(world_pool(), m, BENCH_BURST))
			return 0;
		pmd_pool_return(m, BENCH_BURST);
	}
	return BENCH_CHUNK;
}

/* The bound: pointers only. */
uint32_t
case_mbuf_raw_run(struct bench_case *c)
{
	void *m[BENCH_BURST];

	(void)c;
	for (unsigned int i = 0; i < BENCH_CHUNK; i += BENCH_BURST) {
		if (rte_mempool_get_bulk(world_pool(), m, BENCH_BURST) != 0)
			return 0;
		rte_mempool_put_bulk(world_pool(), m, BENCH_BURST);
	}
	return BENCH_CHUNK;
}

int
case_ring_open(struct bench_case *c, bool reduced)
{
	(void)reduced;
	if (world_eal() != 0)
		return -1;
	c->state = rte_ring_create("bench", RING_ENTRIES, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	return c->state != NULL ? 0 : -1;
}

uint32_t
case_ring_run(struct bench_case *c)
{
	struct rte_ring *ring = c->state;
	void *m[BENCH_BURST] = {NULL};
	uint32_t n = 0;

	for (unsigned int i = 0; i < BENCH_CHUNK; i += BENCH_BURST) {
		rte_ring_sp_enqueue_burst(ring, m, BENCH_BURST, NULL);
		n += rte_ring_sc_dequeue_burst(ring, m, BENCH_BURST, NULL);
	}
	return n;
}
