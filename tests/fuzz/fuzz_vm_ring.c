/* Any bytes as rings and guest memory, driven in both directions: nothing outside the region is touched,
 * every buffer comes back, and a frame never has a size that the dataplane does not take. */
#include "pmd_vm_ring.h"

#include "../test_eal.h"
#include "pmd_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GUEST   0x40000000ull
#define SIZE    16u /* entries */
#define MEMORY  4096u
#define BUFFERS 255u

#define AVAIL_AT (SIZE * 16u)
#define USED_AT  512u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "broken: %s\n", what);
		abort();
	}
}

static struct rte_mempool *
pool_once(void)
{
	static struct rte_mempool *pool;

	if (pool == NULL) {
		must(test_eal_init() == 0, "EAL");
		pool = rte_pktmbuf_pool_create(
			"fuzz", BUFFERS, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
		must(pool != NULL, "pool");
	}
	return pool;
}

static struct pmd_vm_ring
make_ring(uint8_t *bytes, const struct pmd_vm_memory *memory, uint8_t choice)
{
	return (struct pmd_vm_ring){
		.desc = (struct vring_desc *)bytes,
		.avail = (struct vring_avail *)(bytes + AVAIL_AT),
		.used = (struct vring_used *)(bytes + USED_AT),
		.memory = memory,
		.size = SIZE,
		.mergeable = (choice & 1) != 0,
		.packed = (choice & 4) != 0,
		.in_order = (choice & 8) != 0,
	};
}

/* The first two bytes choose; the rest is the memory. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rte_mempool *pool = pool_once();
	struct rte_mbuf *pkts[8];
	uint64_t bad = 0;

	if (size < 2)
		return 0;
	/* Exactly as large as the region, so that a sanitizer sees any access outside. */
	uint8_t *bytes = aligned_alloc(4096, MEMORY);
	must(bytes != NULL, "memory");
	memset(bytes, 0, MEMORY);
	memcpy(bytes, data + 2, size - 2 < MEMORY ? size - 2 : MEMORY);
	struct pmd_vm_memory memory = {.count = 1, .region = {{GUEST, MEMORY, bytes}}};
	struct pmd_vm_ring ring = make_ring(bytes, &memory, data[0]);
	uint16_t base = ring.packed ? (uint16_t)(data[1] % SIZE | data[1] >> 7 << 15) : data[1];
	must(pmd_vm_ring_init(&ring, base, base) == 0, "init");

	for (int i = 0; i < 4 && !ring.broken; i++) {
		uint16_t n = pmd_vm_ring_dequeue(&ring, pool, pkts, RTE_DIM(pkts), &bad);
		must(n <= RTE_DIM(pkts), "count");
		for (uint16_t j = 0; j < n; j++)
			must(pkts[j]->pkt_len >= 1 && pkts[j]->pkt_len <= PMD_FRAME_MAX &&
					rte_mbuf_check(pkts[j], 1, &(const char *){NULL}) == 0,
				"frame");
		/* They go back into the same ring, which the guest may have made for both directions. */
		struct pmd_vm_ring back = make_ring(bytes, &memory, data[0]);
		uint16_t seen = ring.packed ? base : (uint16_t)(base + i);
		must(pmd_vm_ring_init(&back, seen, base) == 0, "init");
		must(pmd_vm_ring_enqueue(&back, pkts, n, &bad) <= n, "taken");
		rte_pktmbuf_free_bulk(pkts, n);
	}
	if (data[0] & 2) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
		must(m != NULL, "mbuf");
		must(rte_pktmbuf_append(m, 1 + data[1] * 4) != NULL, "append");
		ring = make_ring(bytes, &memory, data[0]);
		must(pmd_vm_ring_init(&ring, 0, 0) == 0, "init");
		must(pmd_vm_ring_enqueue(&ring, &m, 1, &bad) <= 1, "taken");
		rte_pktmbuf_free(m);
	}
	must(rte_mempool_avail_count(pool) == BUFFERS, "every buffer is back");
	free(bytes);
	return 0;
}
