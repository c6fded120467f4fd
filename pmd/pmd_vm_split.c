/* Split layout: virtio 1.1, 2.6. */
#include "pmd_vm_frame.h"

#include <errno.h>

/* virtio 1.1, 2.6: the most entries of a queue. */
#define SIZE_MAX_ENTRIES 32768u

static int
init(struct pmd_vm_ring *ring)
{
	if (ring->size == 0 || ring->size > SIZE_MAX_ENTRIES || (ring->size & (ring->size - 1)) != 0)
		return -EINVAL;
	/* virtio 1.1, 2.6: alignments 16, 2 and 4. */
	if ((uintptr_t)ring->desc % 16 != 0 || (uintptr_t)ring->avail % 2 != 0 ||
		(uintptr_t)ring->used % 4 != 0)
		return -EINVAL;
	/* We poll: the guest need not kick. */
	__atomic_store_n(&ring->used->flags, VRING_USED_F_NO_NOTIFY, __ATOMIC_RELAXED);
	return 0;
}

/* Buffers between what we have seen and what the guest offers; -1 when the index jumped. */
static int
available(struct pmd_vm_ring *ring)
{
	uint16_t head = __atomic_load_n(&ring->avail->idx, __ATOMIC_ACQUIRE);
	uint16_t count = (uint16_t)(head - ring->last_avail);

	return count <= ring->size ? count : -1;
}

/* The first descriptor of the buffer `at` places ahead. */
static inline uint16_t
head_of(const struct pmd_vm_ring *ring, uint32_t at)
{
	return pmd_vm_load16(&ring->avail->ring[(ring->last_avail + at) & (ring->size - 1u)]);
}

/* Nobody sees it before used->idx moves. */
static void
put_used(struct pmd_vm_ring *ring, uint32_t at, uint32_t id, uint32_t len)
{
	ring->used->ring[(ring->last_used + at) & (ring->size - 1u)] =
		(struct vring_used_elem){.id = id, .len = len};
}

static void
publish(struct pmd_vm_ring *ring, uint16_t used)
{
	ring->last_avail = (uint16_t)(ring->last_avail + used);
	ring->last_used = (uint16_t)(ring->last_used + used);
	__atomic_store_n(&ring->used->idx, ring->last_used, __ATOMIC_RELEASE);
}

/* What a burst needs of a ring, in locals: no store to guest memory can change them. */
struct view {
	const struct vring_desc *desc;
	const struct vring_avail *avail;
	struct vring_used *used;
	uint32_t mask, at, used_at;
	struct pmd_vm_region near;
};

static __rte_always_inline struct view
view(const struct pmd_vm_ring *ring, uint16_t at)
{
	return (struct view){
		.desc = ring->desc,
		.avail = ring->avail,
		.used = ring->used,
		.mask = ring->size - 1u,
		.at = ring->last_avail + at,
		.used_at = ring->last_used + at,
		.near = pmd_vm_near(ring),
	};
}

/* The buffer k places ahead, of one descriptor near the last one; false: look closer. */
static __rte_always_inline bool
plain(const struct view *v, uint32_t k, uint16_t direction, uint16_t *head, struct pmd_vm_segment *piece)
{
	*head = pmd_vm_load16(&v->avail->ring[(v->at + k) & v->mask]);
	const struct vring_desc *d = &v->desc[*head & v->mask];

	piece->size = __atomic_load_n(&d->len, __ATOMIC_RELAXED);
	piece->host = pmd_vm_inside(&v->near, __atomic_load_n(&d->addr, __ATOMIC_RELAXED), piece->size);
	return *head <= v->mask && (pmd_vm_load16(&d->flags) & PMD_VM_DESC_BITS) == direction &&
	       piece->host != NULL;
}

static __rte_always_inline void
put_plain_used(const struct view *v, uint32_t k, uint32_t id, uint32_t len)
{
	const struct vring_used_elem e = {.id = id, .len = len};

	memcpy(&v->used->ring[(v->used_at + k) & v->mask], &e, sizeof(e));
}

/* The next frames as long as each is one buffer and fits one mbuf. */
static __rte_always_inline uint16_t
take_plain(
	struct pmd_vm_ring *ring, uint16_t at, uint16_t n, struct rte_mempool *pool, struct rte_mbuf **pkts)
{
	const uint32_t most = pmd_vm_piece_max(pool);
	const struct view v = view(ring, at);
	const bool in_order = ring->in_order;
	struct pmd_vm_segment piece[PMD_VM_BURST];
	uint16_t head[PMD_VM_BURST];
	uint32_t k;

	for (k = 0; k < RTE_MIN((uint32_t)n, PMD_VM_BURST); k++) {
		if (!plain(&v, k, 0, &head[k], &piece[k]) || piece[k].size <= PMD_VM_HEADER ||
			piece[k].size > most)
			break;
		pmd_vm_prefetch(piece[k].host);
		if (!in_order)
			put_plain_used(&v, k, head[k], 0);
	}
	k = pmd_vm_pieces_in(piece, (uint16_t)k, pool, pkts);
	/* virtio 1.1, 2.6.9: the last one stands for all before it. */
	if (k > 0 && in_order)
		put_plain_used(&v, k - 1, head[k - 1], 0);
	return (uint16_t)k;
}

/* All descriptors of one buffer. */
static enum pmd_vm_walk
walk(struct pmd_vm_ring *ring, uint16_t index, uint16_t direction, uint64_t limit, struct pmd_vm_chain *chain)
{
	for (uint16_t i = 0; i < ring->size; i++) {
		if (index >= ring->size)
			return PMD_VM_WALK_BROKEN;
		const struct vring_desc *d = &ring->desc[index];
		uint64_t addr = __atomic_load_n(&d->addr, __ATOMIC_RELAXED);
		uint32_t size = __atomic_load_n(&d->len, __ATOMIC_RELAXED);
		uint16_t flags = pmd_vm_load16(&d->flags);
		enum pmd_vm_walk rc = pmd_vm_chain_add(ring, addr, size, flags, direction, limit, chain);

		if (rc != PMD_VM_WALK_OK || (flags & VRING_DESC_F_NEXT) == 0)
			return rc;
		index = pmd_vm_load16(&d->next);
	}
	return PMD_VM_WALK_BROKEN; /* a loop */
}

/* One frame of any form. False: it stays in the ring. */
static bool
take_chain(
	struct pmd_vm_ring *ring, uint16_t at, struct rte_mempool *pool, struct rte_mbuf **pkt, uint64_t *bad)
{
	uint16_t head = head_of(ring, at);
	struct pmd_vm_chain chain;

	chain.count = 0;
	chain.bytes = 0;
	*pkt = NULL;
	switch (walk(ring, head, 0, PMD_VM_HEADER + PMD_FRAME_MAX, &chain)) {
	case PMD_VM_WALK_BROKEN:
		ring->broken = true;
		return false;
	case PMD_VM_WALK_OK:
		if (chain.bytes > PMD_VM_HEADER) {
			*pkt = pmd_vm_chain_in(&chain, pool);
			if (*pkt == NULL)
				return false;
			break;
		}
		/* fall through */
	case PMD_VM_WALK_LONG:
		++*bad;
	}
	put_used(ring, at, head, 0);
	return true;
}

static __rte_always_inline uint16_t
dequeue(struct pmd_vm_ring *ring, struct rte_mempool *pool, struct rte_mbuf **pkts, uint16_t n, uint64_t *bad)
{
	uint16_t taken = 0, used = 0;
	int offered = available(ring);

	if (offered < 0) {
		ring->broken = true;
		return 0;
	}
	while (taken < n && used < offered) {
		uint16_t run = take_plain(
			ring, used, (uint16_t)RTE_MIN(n - taken, offered - used), pool, pkts + taken);

		taken = (uint16_t)(taken + run);
		used = (uint16_t)(used + run);
		if (run > 0)
			continue;
		if (!take_chain(ring, used, pool, &pkts[taken], bad))
			break;
		taken = (uint16_t)(taken + (pkts[taken] != NULL));
		used++;
	}
	if (used > 0)
		publish(ring, used);
	return taken;
}

/* The next frames as long as each has one segment and its buffer one descriptor. */
static __rte_always_inline uint16_t
put_plain(struct pmd_vm_ring *ring, uint16_t at, int offered, struct rte_mbuf **pkts, uint16_t n)
{
	const struct view v = view(ring, at);
	struct pmd_vm_segment piece[PMD_VM_BURST];
	uint32_t k, most = RTE_MIN(RTE_MIN((uint32_t)n, PMD_VM_BURST), (uint32_t)(offered - at));

	for (k = 0; k < most; k++) {
		uint32_t need = PMD_VM_HEADER + pkts[k]->data_len;
		uint16_t head;

		if (pkts[k]->nb_segs != 1 || !plain(&v, k, VRING_DESC_F_WRITE, &head, &piece[k]) ||
			piece[k].size < need)
			break;
		pmd_vm_prefetch(piece[k].host);
		put_plain_used(&v, k, head, need);
	}
	pmd_vm_pieces_out(piece, (uint16_t)k, pkts);
	return (uint16_t)k;
}

/* Gather buffers for `need` bytes and fill in their used entries. */
static enum pmd_vm_offer
gather(struct pmd_vm_ring *ring, uint16_t at, int offered, uint32_t need, struct pmd_vm_chain *chain,
	uint16_t *buffers)
{
	uint64_t before = 0;

	chain->count = 0;
	chain->bytes = 0;
	*buffers = 0;
	while (chain->bytes < need) {
		uint16_t position = (uint16_t)(at + *buffers);
		if (*buffers > 0 && !ring->mergeable)
			return PMD_VM_OFFER_NEVER;
		if (position >= offered)
			return *buffers == ring->size ? PMD_VM_OFFER_NEVER : PMD_VM_OFFER_WAIT;
		uint16_t head = head_of(ring, position);
		enum pmd_vm_walk rc = walk(ring, head, VRING_DESC_F_WRITE, UINT64_MAX, chain);
		if (rc != PMD_VM_WALK_OK)
			return rc == PMD_VM_WALK_LONG ? PMD_VM_OFFER_NEVER : PMD_VM_OFFER_BROKEN;
		uint64_t filled = RTE_MIN(chain->bytes, (uint64_t)need);
		put_used(ring, position, head, (uint32_t)(filled - before));
		before = filled;
		++*buffers;
	}
	return PMD_VM_OFFER_OK;
}

/* One frame of any form; *used moves on by its buffers. */
static enum pmd_vm_offer
put_chain(struct pmd_vm_ring *ring, uint16_t *used, int offered, const struct rte_mbuf *m)
{
	struct pmd_vm_chain chain;
	uint16_t buffers;

	if (m->pkt_len > PMD_FRAME_MAX)
		return PMD_VM_OFFER_NEVER;
	enum pmd_vm_offer rc = gather(ring, *used, offered, PMD_VM_HEADER + m->pkt_len, &chain, &buffers);
	if (rc != PMD_VM_OFFER_OK)
		return rc;
	pmd_vm_chain_out(&chain, buffers, m);
	*used = (uint16_t)(*used + buffers);
	return rc;
}

static __rte_always_inline uint16_t
enqueue(struct pmd_vm_ring *ring, struct rte_mbuf **pkts, uint16_t n, uint64_t *bad)
{
	uint16_t done = 0, used = 0;
	int offered = available(ring);

	if (offered < 0) {
		ring->broken = true;
		return 0;
	}
	while (done < n) {
		uint16_t run = put_plain(ring, used, offered, pkts + done, (uint16_t)(n - done));

		done = (uint16_t)(done + run);
		used = (uint16_t)(used + run);
		if (run > 0)
			continue;
		enum pmd_vm_offer rc = put_chain(ring, &used, offered, pkts[done]);
		if (rc == PMD_VM_OFFER_WAIT || rc == PMD_VM_OFFER_BROKEN) {
			ring->broken = rc == PMD_VM_OFFER_BROKEN;
			break;
		}
		*bad += rc == PMD_VM_OFFER_NEVER;
		done++;
	}
	if (used > 0)
		publish(ring, used);
	return done;
}

PMD_VM_LAYOUT(pmd_vm_split);
