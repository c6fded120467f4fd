/**
 * One virtqueue seen from the device side: split layout (virtio 1.1, 2.6) in memory the guest writes at any
 * moment. Included by the VM port, its tests and its fuzz target. Knows no vhost-user.
 *
 * Everything in the rings is hostile: each field is loaded once, checked, then used. A ring that breaks the
 * rules is marked broken and never touched again until it is set up anew. Frames carry no offloads.
 */
#ifndef PMD_VM_RING_H
#define PMD_VM_RING_H

#include <linux/virtio_ring.h>
#include <rte_mbuf.h>

#include <stdbool.h>
#include <stdint.h>

/* Bytes before each frame: struct virtio_net_hdr_v1 (virtio 1.1, 5.1.6). */
#define PMD_VM_HEADER 12u

/* vhost-user: a memory table has up to 8 regions. */
#define PMD_VM_REGIONS 8

struct pmd_vm_region {
	uint64_t guest; /* guest physical address of the first byte */
	uint64_t size;
	uint8_t *host;
};

struct pmd_vm_memory {
	uint32_t count;
	struct pmd_vm_region region[PMD_VM_REGIONS];
};

struct pmd_vm_ring {
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	const struct pmd_vm_memory *memory;
	uint16_t size; /* entries, a power of two */
	uint16_t last_avail;
	uint16_t last_used;
	bool mergeable; /* a frame may span several buffers */
	bool broken;    /* written by its lcore */
};

/**
 * Check what the ring consists of and begin at the given indices.
 *
 * @param ring  desc, avail, used, memory, size and mergeable are set; the three parts are mapped for `size`
 * entries.
 * @return  0, or -EINVAL for a size or an alignment that virtio does not allow (2.6).
 */
int pmd_vm_ring_init(struct pmd_vm_ring *ring, uint16_t last_avail, uint16_t last_used);

/**
 * Take frames the guest sent.
 *
 * A frame of no bytes or more than 65,535 is taken from the ring and counted in *bad. Without buffers in the
 * pool frames stay in the ring.
 *
 * @return  frames in pkts. Thread: the ring's lcore.
 */
uint16_t pmd_vm_ring_dequeue(struct pmd_vm_ring *ring, struct rte_mempool *pool, struct rte_mbuf **pkts,
	uint16_t n, uint64_t *bad);

/**
 * Copy frames into buffers the guest posted. The mbufs stay the caller's.
 *
 * A frame the guest has no room for, even with all its buffers posted, is skipped and counted in *bad.
 *
 * @return  how many of the first frames are done with. Thread: the ring's lcore.
 */
uint16_t pmd_vm_ring_enqueue(struct pmd_vm_ring *ring, struct rte_mbuf **pkts, uint16_t n, uint64_t *bad);

/** True when the guest sleeps and asked to be called for what was used since. Thread: the ring's lcore. */
bool pmd_vm_ring_wants_call(const struct pmd_vm_ring *ring);

#endif
