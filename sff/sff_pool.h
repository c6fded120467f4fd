/**
 * The packet buffers of a node. Included by sff_node.c and the benches.
 */
#ifndef SFF_POOL_H
#define SFF_POOL_H

#include <rte_mempool.h>

#include <stdbool.h>

/**
 * A pool of packet buffers of the default size, in large pages where that can be: a worker goes round more
 * buffers than a core remembers small pages of.
 *
 * @param n      buffers; best a power of two less one.
 * @param cache  buffers that an lcore keeps for itself.
 * @param dma    devices or other processes reach into the buffers: they must be EAL's memory, in large pages
 *               only where that is. Else, without hugepages, in those that the kernel makes of ordinary
 * memory.
 * @return       the pool, or NULL with rte_errno. Thread: control, after EAL.
 */
struct rte_mempool *sff_pool_create(const char *name, unsigned int n, unsigned int cache, bool dma);

#endif
