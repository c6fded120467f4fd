#include "pmd_vm_ring.h"

#include "pmd_vm_frame.h"

#include <rte_cpuflags.h>

int
pmd_vm_ring_init(struct pmd_vm_ring *ring, uint16_t last_avail, uint16_t last_used)
{
	ring->last_avail = last_avail;
	ring->last_used = last_used;
	ring->near = 0;
	ring->broken = false;
	bool wide = rte_cpu_get_flag_enabled(RTE_CPUFLAG_AVX2) > 0;

	if (ring->packed)
		ring->layout = wide ? &pmd_vm_packed_avx2 : &pmd_vm_packed;
	else
		ring->layout = wide ? &pmd_vm_split_avx2 : &pmd_vm_split;
	return ring->layout->init(ring);
}

uint16_t
pmd_vm_ring_dequeue(
	struct pmd_vm_ring *ring, struct rte_mempool *pool, struct rte_mbuf **pkts, uint16_t n, uint64_t *bad)
{
	return ring->layout->dequeue(ring, pool, pkts, n, bad);
}

uint16_t
pmd_vm_ring_enqueue(struct pmd_vm_ring *ring, struct rte_mbuf **pkts, uint16_t n, uint64_t *bad)
{
	return ring->layout->enqueue(ring, pkts, n, bad);
}

bool
pmd_vm_ring_wants_call(const struct pmd_vm_ring *ring)
{
	/* The guest allows calls and looks at the ring again; we did it the other way round. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (ring->packed)
		return pmd_vm_load16(&ring->driver_event->flags) != VRING_PACKED_EVENT_FLAG_DISABLE;
	return (pmd_vm_load16(&ring->avail->flags) & VRING_AVAIL_F_NO_INTERRUPT) == 0;
}
