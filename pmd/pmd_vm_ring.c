#include "pmd_vm_ring.h"

#include "pmd_priv.h"

#include <rte_memcpy.h>

#include <errno.h>
#include <string.h>

/* Descriptors of one frame: 65,547 bytes in 1,024-byte buffers with a header of their own are 129. */
#define SEGMENTS 256

/* virtio 1.1, 2.6: the most entries of a queue. */
#define SIZE_MAX_ENTRIES 32768u

struct segment {
	uint8_t *host;
	uint32_t size;
};

struct chain {
	uint32_t count; /* of segments */
	uint64_t bytes;
	struct segment segment[SEGMENTS];
};

enum walk {
	WALK_OK,
	WALK_LONG,  /* more than a frame can hold, or in more pieces than a sane driver makes */
	WALK_BROKEN /* breaks the rules */
};

static inline uint16_t
load16(const uint16_t *from)
{
	return __atomic_load_n(from, __ATOMIC_RELAXED);
}

int
pmd_vm_ring_init(struct pmd_vm_ring *ring, uint16_t last_avail, uint16_t last_used)
{
	if (ring->size == 0 || ring->size > SIZE_MAX_ENTRIES || (ring->size & (ring->size - 1)) != 0)
		return -EINVAL;
	/* virtio 1.1, 2.6: alignments 16, 2 and 4. */
	if ((uintptr_t)ring->desc % 16 != 0 || (uintptr_t)ring->avail % 2 != 0 ||
		(uintptr_t)ring->used % 4 != 0)
		return -EINVAL;
	ring->last_avail = last_avail;
	ring->last_used = last_used;
	ring->broken = false;
	/* We poll: the guest need not kick. */
	__atomic_store_n(&ring->used->flags, VRING_USED_F_NO_NOTIFY, __ATOMIC_RELAXED);
	return 0;
}

static uint8_t *
translate(const struct pmd_vm_memory *memory, uint64_t guest, uint32_t size)
{
	for (uint32_t i = 0; i < memory->count; i++) {
		const struct pmd_vm_region *r = &memory->region[i];
		/* No sum of guest numbers, so nothing can overflow. */
		if (guest >= r->guest && guest - r->guest < r->size && size <= r->size - (guest - r->guest))
			return r->host + (guest - r->guest);
	}
	return NULL;
}

/* Buffers between what we have seen and what the guest offers; -1 when the index jumped. */
static int
available(struct pmd_vm_ring *ring)
{
	uint16_t head = __atomic_load_n(&ring->avail->idx, __ATOMIC_ACQUIRE);
	uint16_t count = (uint16_t)(head - ring->last_avail);

	return count <= ring->size ? count : -1;
}

/* Add the descriptors of one buffer to a chain. Indirect ones are not offered, so they break the rules. */
static enum walk
walk(const struct pmd_vm_ring *ring, uint16_t index, uint16_t direction, uint64_t limit, struct chain *chain)
{
	for (uint16_t i = 0; i < ring->size; i++) {
		if (index >= ring->size)
			return WALK_BROKEN;
		const struct vring_desc *d = &ring->desc[index];
		uint64_t addr = __atomic_load_n(&d->addr, __ATOMIC_RELAXED);
		uint32_t size = __atomic_load_n(&d->len, __ATOMIC_RELAXED);
		uint16_t flags = load16(&d->flags);
		index = load16(&d->next);

		uint8_t *host = translate(ring->memory, addr, size);
		if (host == NULL || size == 0 ||
			(flags & (VRING_DESC_F_INDIRECT | VRING_DESC_F_WRITE)) != direction)
			return WALK_BROKEN;
		if (chain->count == SEGMENTS || size > limit - chain->bytes)
			return WALK_LONG;
		chain->segment[chain->count++] = (struct segment){.host = host, .size = size};
		chain->bytes += size;
		if ((flags & VRING_DESC_F_NEXT) == 0)
			return WALK_OK;
	}
	return WALK_BROKEN; /* a loop */
}

static void
put_used(struct pmd_vm_ring *ring, uint16_t position, uint32_t id, uint32_t len)
{
	struct vring_used_elem *e = &ring->used->ring[position & (ring->size - 1)];

	__atomic_store_n(&e->id, id, __ATOMIC_RELAXED);
	__atomic_store_n(&e->len, len, __ATOMIC_RELAXED);
}

/* Copy a chain without its first `skip` bytes into mbufs; NULL when the pool has too few. */
static struct rte_mbuf *
copy_in(const struct chain *chain, uint32_t skip, struct rte_mempool *pool)
{
	struct rte_mbuf *first = rte_pktmbuf_alloc(pool);
	struct rte_mbuf *last = first;

	if (first == NULL)
		return NULL;
	for (uint32_t i = 0; i < chain->count; i++) {
		uint32_t passed = RTE_MIN(skip, chain->segment[i].size);
		const uint8_t *from = chain->segment[i].host + passed;
		uint32_t left = chain->segment[i].size - passed;

		skip -= passed;
		while (left > 0) {
			uint32_t part = RTE_MIN(left, (uint32_t)rte_pktmbuf_tailroom(last));
			if (part == 0) {
				struct rte_mbuf *next = rte_pktmbuf_alloc(pool);
				if (next == NULL) {
					rte_pktmbuf_free(first);
					return NULL;
				}
				last->next = next;
				last = next;
				first->nb_segs++;
				continue;
			}
			rte_memcpy(rte_pktmbuf_mtod_offset(last, uint8_t *, last->data_len), from, part);
			last->data_len = (uint16_t)(last->data_len + part);
			first->pkt_len += part;
			from += part;
			left -= part;
		}
	}
	return first;
}

uint16_t
pmd_vm_ring_dequeue(
	struct pmd_vm_ring *ring, struct rte_mempool *pool, struct rte_mbuf **pkts, uint16_t n, uint64_t *bad)
{
	struct chain chain;
	uint16_t taken = 0, used = 0;
	int offered = available(ring);

	if (offered < 0) {
		ring->broken = true;
		return 0;
	}
	while (taken < n && used < offered) {
		uint16_t head =
			load16(&ring->avail->ring[(uint16_t)(ring->last_avail + used) & (ring->size - 1)]);
		chain.count = 0;
		chain.bytes = 0;
		enum walk rc = walk(ring, head, 0, PMD_VM_HEADER + PMD_FRAME_MAX, &chain);
		if (rc == WALK_BROKEN) {
			ring->broken = true;
			break;
		}
		if (rc == WALK_OK && chain.bytes > PMD_VM_HEADER) {
			pkts[taken] = copy_in(&chain, PMD_VM_HEADER, pool);
			if (pkts[taken] == NULL)
				break;
			taken++;
		} else {
			++*bad;
		}
		put_used(ring, (uint16_t)(ring->last_used + used), head, 0);
		used++;
	}
	if (used > 0) {
		ring->last_avail = (uint16_t)(ring->last_avail + used);
		ring->last_used = (uint16_t)(ring->last_used + used);
		__atomic_store_n(&ring->used->idx, ring->last_used, __ATOMIC_RELEASE);
	}
	return taken;
}

/* Copy the header and the frame into a chain that is large enough. */
static void
copy_out(const struct chain *chain, uint16_t buffers, const struct rte_mbuf *m)
{
	/* struct virtio_net_hdr_v1: no offload, then num_buffers, little-endian. */
	const uint8_t header[PMD_VM_HEADER] = {[10] = (uint8_t)buffers, [11] = (uint8_t)(buffers >> 8)};
	const uint8_t *from = header;
	uint32_t left = sizeof(header);

	for (uint32_t i = 0; i < chain->count; i++) {
		uint8_t *to = chain->segment[i].host;
		uint32_t room = chain->segment[i].size;

		while (room > 0) {
			while (left == 0) {
				if (m == NULL)
					return;
				from = rte_pktmbuf_mtod(m, const uint8_t *);
				left = m->data_len;
				m = m->next;
			}
			uint32_t part = RTE_MIN(room, left);
			rte_memcpy(to, from, part);
			to += part;
			room -= part;
			from += part;
			left -= part;
		}
	}
}

enum offer {
	OFFER_OK,
	OFFER_WAIT,  /* not enough buffers posted now */
	OFFER_NEVER, /* the frame does not fit what the guest can post */
	OFFER_BROKEN
};

/* Gather buffers for `need` bytes and fill in their used entries, which nobody sees before used->idx moves.
 */
static enum offer
gather(struct pmd_vm_ring *ring, uint16_t skip, int offered, uint32_t need, struct chain *chain,
	uint16_t *buffers)
{
	uint64_t before = 0;

	chain->count = 0;
	chain->bytes = 0;
	*buffers = 0;
	while (chain->bytes < need) {
		uint16_t position = (uint16_t)(skip + *buffers);
		if (*buffers > 0 && !ring->mergeable)
			return OFFER_NEVER;
		if (position >= offered)
			return *buffers == ring->size ? OFFER_NEVER : OFFER_WAIT;
		uint16_t head = load16(
			&ring->avail->ring[(uint16_t)(ring->last_avail + position) & (ring->size - 1)]);
		enum walk rc = walk(ring, head, VRING_DESC_F_WRITE, UINT64_MAX, chain);
		if (rc != WALK_OK)
			return rc == WALK_LONG ? OFFER_NEVER : OFFER_BROKEN;
		uint64_t filled = RTE_MIN(chain->bytes, (uint64_t)need);
		put_used(ring, (uint16_t)(ring->last_used + position), head, (uint32_t)(filled - before));
		before = filled;
		++*buffers;
	}
	return OFFER_OK;
}

uint16_t
pmd_vm_ring_enqueue(struct pmd_vm_ring *ring, struct rte_mbuf **pkts, uint16_t n, uint64_t *bad)
{
	struct chain chain;
	uint16_t done, used = 0, buffers;
	int offered = available(ring);

	if (offered < 0) {
		ring->broken = true;
		return 0;
	}
	for (done = 0; done < n; done++) {
		uint32_t size = pkts[done]->pkt_len;
		enum offer rc = size <= PMD_FRAME_MAX
		                        ? gather(ring, used, offered, PMD_VM_HEADER + size, &chain, &buffers)
		                        : OFFER_NEVER;
		if (rc == OFFER_NEVER) {
			++*bad;
			continue;
		}
		if (rc != OFFER_OK) {
			ring->broken = rc == OFFER_BROKEN;
			break;
		}
		copy_out(&chain, buffers, pkts[done]);
		used = (uint16_t)(used + buffers);
	}
	if (used > 0) {
		ring->last_avail = (uint16_t)(ring->last_avail + used);
		ring->last_used = (uint16_t)(ring->last_used + used);
		__atomic_store_n(&ring->used->idx, ring->last_used, __ATOMIC_RELEASE);
	}
	return done;
}

bool
pmd_vm_ring_wants_call(const struct pmd_vm_ring *ring)
{
	/* The guest clears the flag and looks at the index again; we did it the other way round. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return (load16(&ring->avail->flags) & VRING_AVAIL_F_NO_INTERRUPT) == 0;
}
