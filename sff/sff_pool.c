#include "sff_pool.h"

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_mbuf_pool_ops.h>

#include <errno.h>
#include <sys/mman.h>

#define HUGE_PAGE ((size_t)2 << 20) /* of x86-64 */

static void
unmap(struct rte_mempool_memhdr *chunk, void *map)
{
	munmap(map, chunk->len + HUGE_PAGE);
}

/* Anonymous memory, which the kernel may back by huge pages: EAL's own without hugepages is a memfd, which it
 * does not. */
static int
populate(struct rte_mempool *pool)
{
	size_t least, align, size, map_size;
	ssize_t needed = rte_mempool_op_calc_mem_size_default(pool, pool->size, 0, &least, &align);
	char *map, *at;
	int n;

	if (needed < 0)
		return (int)needed;
	size = RTE_ALIGN_CEIL((size_t)needed, HUGE_PAGE);
	map_size = size + HUGE_PAGE; /* so that it can begin at a huge page */
	map = mmap(NULL, map_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED)
		return -errno;
	at = RTE_PTR_ALIGN_CEIL(map, HUGE_PAGE);
	madvise(at, size, MADV_HUGEPAGE); /* a wish: any memory will do */
	n = rte_mempool_populate_iova(pool, at, RTE_BAD_IOVA, size, unmap, map);
	if (n <= 0) {
		munmap(map, map_size);
		return n < 0 ? n : -ENOMEM;
	}
	return n == (int)pool->size ? 0 : -ENOMEM;
}

struct rte_mempool *
sff_pool_create(const char *name, unsigned int n, unsigned int cache, bool dma)
{
	int socket = (int)rte_socket_id(), rc;
	struct rte_mempool *pool;

	if (dma || rte_eal_has_hugepages())
		return rte_pktmbuf_pool_create(name, n, cache, 0, RTE_MBUF_DEFAULT_BUF_SIZE, socket);
	pool = rte_mempool_create_empty(name, n, sizeof(struct rte_mbuf) + RTE_MBUF_DEFAULT_BUF_SIZE, cache,
		sizeof(struct rte_pktmbuf_pool_private), socket, RTE_MEMPOOL_F_NO_IOVA_CONTIG);
	if (pool == NULL)
		return NULL;
	rc = rte_mempool_set_ops_byname(pool, rte_mbuf_best_mempool_ops(), NULL);
	if (rc == 0) {
		rte_pktmbuf_pool_init(pool, NULL);
		rc = populate(pool);
	}
	if (rc != 0) {
		rte_mempool_free(pool);
		rte_errno = -rc;
		return NULL;
	}
	rte_mempool_obj_iter(pool, rte_pktmbuf_init, NULL);
	return pool;
}
