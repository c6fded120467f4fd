/* Memory of a flow table: anonymous, in huge pages where the kernel has them, all of it there from the start.
 */
#include "cls_flow.h"

#include <errno.h>
#include <linux/mempolicy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <rte_common.h>

#define HUGE_PAGE (2u << 20) /* of x86-64 */

/* EAL's heap is not asked: without hugepages it is small and fixed, and this table is the largest thing we
 * have. */
static int
map_lines(struct cls_flows *table, size_t size, int socket)
{
	table->map_size = size + HUGE_PAGE; /* so that it can begin at a huge page */
	table->map = mmap(NULL, table->map_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (table->map == MAP_FAILED) {
		table->map = NULL;
		return -errno;
	}
	table->line = RTE_PTR_ALIGN_CEIL(table->map, HUGE_PAGE);
	/* Both are wishes: any memory will do. */
	madvise(table->line, size, MADV_HUGEPAGE);
	if (socket >= 0 && socket < 64) {
		unsigned long nodes = 1ul << socket;
		syscall(SYS_mbind, table->line, size, MPOL_PREFERRED, &nodes, 64ul + 1, 0);
	}
	/* Page faults now rather than in the packet path. */
	if (madvise(table->line, size, MADV_POPULATE_WRITE) == 0)
		return 0;
	if (errno != EINVAL)
		return -errno;
	memset(table->line, 0, size); /* Linux before 5.14 */
	return 0;
}

int
cls_flows_create(
	uint32_t flows, uint32_t seed, int socket, struct cls_flows **result, char *err, int err_size)
{
	if (flows == 0 || flows > CLS_FLOWS_MAX) {
		snprintf(
			err, (size_t)err_size, "flow table: %u flows, limits 1 and %u", flows, CLS_FLOWS_MAX);
		return -EINVAL;
	}

	uint32_t lines = RTE_MAX(2 * rte_align32pow2(flows), CLS_FLOW_BLOCK);
	size_t size = (size_t)lines * (sizeof(struct cls_flow) + sizeof(uint8_t));
	struct cls_flows *table =
		aligned_alloc(RTE_CACHE_LINE_SIZE, RTE_ALIGN(sizeof(*table), RTE_CACHE_LINE_SIZE));
	int rc = -ENOMEM;
	if (table != NULL) {
		*table = (struct cls_flows){.mask = lines - 1, .seed = seed};
		rc = map_lines(table, size, socket);
		table->tag = (uint8_t *)&table->line[lines];
	}
	if (rc != 0) {
		snprintf(err, (size_t)err_size, "flow table: no %zu MiB for %u flows: %s", size >> 20, flows,
			strerror(-rc));
		cls_flows_destroy(table);
		return rc;
	}
	*result = table;
	return 0;
}

void
cls_flows_destroy(struct cls_flows *table)
{
	if (table == NULL)
		return;
	if (table->map != NULL)
		munmap(table->map, table->map_size);
	free(table);
}

void
cls_flows_stats(const struct cls_flows *table, struct cls_stats *stats)
{
	stats->hits = __atomic_load_n(&table->stats.hits, __ATOMIC_RELAXED);
	stats->misses = __atomic_load_n(&table->stats.misses, __ATOMIC_RELAXED);
	stats->inserts = __atomic_load_n(&table->stats.inserts, __ATOMIC_RELAXED);
	stats->evictions = __atomic_load_n(&table->stats.evictions, __ATOMIC_RELAXED);
}
