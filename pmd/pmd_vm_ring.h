/**
 * One virtqueue seen from the device side, split or packed (virtio 1.1, 2.6 and 2.7), in memory the guest
 * writes at any moment. Included by the VM port, its tests and its fuzz target. Knows no vhost-user.
 *
 * Everything in the rings is hostile: each field is loaded once, checked, then used. A ring that breaks the
 * rules is marked broken and never touched again until it is set up anew. Frames carry no offloads. Buffers
 * are used in the order in which they were offered, whether VIRTIO_F_IN_ORDER was negotiated or not.
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
	union {
		struct vring_desc *desc;
		struct vring_packed_desc *packed_desc;
	};
	union {
		struct vring_avail *avail;
		struct vring_packed_desc_event *driver_event;
	};
	union {
		struct vring_used *used;
		struct vring_packed_desc_event *device_event;
	};
	const struct pmd_vm_memory *memory;
	const struct pmd_vm_layout *layout; /* what init chose */
	/* Split: entries ever seen and used. Packed: bits 0-14 the place, 15 the wrap counter, both the same.
	 */
	uint16_t last_avail;
	uint16_t last_used;
	uint16_t size;  /* entries; split: a power of two */
	uint8_t near;   /* region of the last buffer that was looked up */
	bool packed;    /* VIRTIO_F_RING_PACKED */
	bool in_order;  /* VIRTIO_F_IN_ORDER: one used entry tells of a whole burst that was sent */
	bool mergeable; /* a frame may span several buffers */
	bool broken;    /* written by its lcore */
};

/**
 * Check what the ring consists of and begin at the given indices.
 *
 * @param ring  its three parts, memory, size, packed, in_order and mergeable are set; the parts are mapped
 * for `size` entries.
 * @return  0, or -EINVAL for a size, an alignment or an index that virtio does not allow (2.6, 2.7).
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
