/* Packed layout: virtio 1.1, 2.7. A descriptor is offered and used in one place, told apart by two flags that
 * change their sense with each turn of the ring. */
#include "pmd_vm_frame.h"

#include <errno.h>

#define F_AVAIL (1u << VRING_PACKED_DESC_F_AVAIL)
#define F_USED  (1u << VRING_PACKED_DESC_F_USED)

/* virtio 1.1, 2.7: the most entries of a queue; bit 15 of an index is the wrap counter. */
#define SIZE_MAX_ENTRIES 32768u
#define WRAP_BIT         15

struct place {
	uint16_t at;
	bool wrap;
};

/* A buffer that is about to be used. */
struct use {
	struct place place; /* of its first descriptor */
	uint16_t id;
	uint32_t len;
};

static inline struct place
here(const struct pmd_vm_ring *ring)
{
	return (struct place){ring->last_used & (SIZE_MAX_ENTRIES - 1), ring->last_used >> WRAP_BIT};
}

static inline void
move_to(struct pmd_vm_ring *ring, struct place p)
{
	ring->last_avail = ring->last_used = (uint16_t)(p.at | p.wrap << WRAP_BIT);
}

static inline struct place
next(const struct pmd_vm_ring *ring, struct place p)
{
	p.at++;
	return p.at < ring->size ? p : (struct place){0, !p.wrap};
}

static int
init(struct pmd_vm_ring *ring)
{
	if (ring->size == 0 || ring->size > SIZE_MAX_ENTRIES || here(ring).at >= ring->size ||
		ring->last_avail != ring->last_used)
		return -EINVAL;
	/* virtio 1.1, 2.7.10: alignments 16, 4 and 4. */
	if ((uintptr_t)ring->packed_desc % 16 != 0 || (uintptr_t)ring->driver_event % 4 != 0 ||
		(uintptr_t)ring->device_event % 4 != 0)
		return -EINVAL;
	/* We poll: the guest need not kick. */
	__atomic_store_n(&ring->device_event->flags, VRING_PACKED_EVENT_FLAG_DISABLE, __ATOMIC_RELAXED);
	return 0;
}

/* Its flags; they are written last. */
static inline uint16_t
flags_at(const struct pmd_vm_ring *ring, struct place p)
{
	return __atomic_load_n(&ring->packed_desc[p.at].flags, __ATOMIC_ACQUIRE);
}

static inline bool
is_offered(uint16_t flags, struct place p)
{
	return (flags & (F_AVAIL | F_USED)) == (p.wrap ? F_AVAIL : F_USED);
}

/* Length, id and flags are one aligned word: one store shows them together. */
static inline void
put_used(struct pmd_vm_ring *ring, struct place p, uint16_t id, uint32_t len)
{
	uint64_t flags = (p.wrap ? F_AVAIL | F_USED : 0) | (len > 0 ? VRING_DESC_F_WRITE : 0);

	static_assert(offsetof(struct vring_packed_desc, len) == 8, "a word of its own");
	__atomic_store_n((uint64_t *)(void *)&ring->packed_desc[p.at].len,
		len | (uint64_t)id << 32 | flags << 48, __ATOMIC_RELEASE);
}

/* The first one last: who polls for it then sees all. */
static inline void
put_all_used(struct pmd_vm_ring *ring, const struct use *use, uint16_t n)
{
	while (n-- > 0)
		put_used(ring, use[n].place, use[n].id, use[n].len);
}

/* A buffer of one descriptor in guest memory; false: none, or look closer. */
static __rte_always_inline bool
plain(const struct pmd_vm_ring *ring, const struct pmd_vm_region *near, struct place p, uint16_t direction,
	struct pmd_vm_segment *piece, struct use *use)
{
	const struct vring_packed_desc *d = &ring->packed_desc[p.at];
	uint16_t flags = flags_at(ring, p);

	if (!is_offered(flags, p) || (flags & PMD_VM_DESC_BITS) != direction)
		return false;
	*use = (struct use){.place = p, .id = pmd_vm_load16(&d->id)};
	piece->size = __atomic_load_n(&d->len, __ATOMIC_RELAXED);
	piece->host = pmd_vm_inside(near, __atomic_load_n(&d->addr, __ATOMIC_RELAXED), piece->size);
	return piece->host != NULL && use->id < ring->size;
}

/* The next frames as long as each is one buffer and fits one mbuf. */
static __rte_always_inline uint16_t
take_plain(struct pmd_vm_ring *ring, uint16_t n, struct rte_mempool *pool, struct rte_mbuf **pkts)
{
	uint32_t most = pmd_vm_piece_max(pool);
	struct pmd_vm_segment piece[PMD_VM_BURST];
	struct use use[PMD_VM_BURST];
	const struct pmd_vm_region near = pmd_vm_near(ring);
	struct place p = here(ring);
	uint16_t k;

	n = RTE_MIN(n, PMD_VM_BURST);
	for (k = 0; k < n; k++) {
		if (!plain(ring, &near, p, 0, &piece[k], &use[k]) || piece[k].size <= PMD_VM_HEADER ||
			piece[k].size > most)
			break;
		pmd_vm_prefetch(piece[k].host);
		p = next(ring, p);
	}
	if (pmd_vm_pieces_in(piece, k, pool, pkts) == 0)
		return 0;
	/* virtio 1.1, 2.7.6: in the place of the first, the last one stands for all before it. */
	if (ring->in_order)
		put_used(ring, use[0].place, use[k - 1].id, 0);
	else
		put_all_used(ring, use, k);
	move_to(ring, p);
	return k;
}

/* All descriptors of the buffer at *p; the place behind it, and its id. A buffer that is too long is walked
 * to its end, too: that is where the next one begins. */
static enum pmd_vm_walk
walk(struct pmd_vm_ring *ring, struct place *p, uint16_t direction, uint64_t limit,
	struct pmd_vm_chain *chain, uint16_t *id)
{
	enum pmd_vm_walk all = PMD_VM_WALK_OK;

	for (uint16_t i = 0; i < ring->size; i++) {
		const struct vring_packed_desc *d = &ring->packed_desc[p->at];
		uint16_t flags = flags_at(ring, *p);
		uint64_t addr = __atomic_load_n(&d->addr, __ATOMIC_RELAXED);
		uint32_t size = __atomic_load_n(&d->len, __ATOMIC_RELAXED);

		*id = pmd_vm_load16(&d->id);
		if (!is_offered(flags, *p))
			return PMD_VM_WALK_BROKEN;
		if (all == PMD_VM_WALK_OK)
			all = pmd_vm_chain_add(ring, addr, size, flags, direction, limit, chain);
		if (all == PMD_VM_WALK_BROKEN)
			return all;
		*p = next(ring, *p);
		if ((flags & VRING_DESC_F_NEXT) == 0)
			return *id < ring->size ? all : PMD_VM_WALK_BROKEN;
	}
	return PMD_VM_WALK_BROKEN; /* no end */
}

/* One frame of any form. False: there is none, or it stays in the ring. */
static bool
take_chain(struct pmd_vm_ring *ring, struct rte_mempool *pool, struct rte_mbuf **pkt, uint64_t *bad)
{
	struct place first = here(ring), p = first;
	struct pmd_vm_chain chain;
	uint16_t id;

	*pkt = NULL;
	if (!is_offered(flags_at(ring, p), p))
		return false;
	chain.count = 0;
	chain.bytes = 0;
	switch (walk(ring, &p, 0, PMD_VM_HEADER + PMD_FRAME_MAX, &chain, &id)) {
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
	put_used(ring, first, id, 0);
	move_to(ring, p);
	return true;
}

static __rte_always_inline uint16_t
dequeue(struct pmd_vm_ring *ring, struct rte_mempool *pool, struct rte_mbuf **pkts, uint16_t n, uint64_t *bad)
{
	uint16_t taken = 0;

	/* Each turn of the ring is a full one at most: a guest that offers faster than we take gets its turn.
	 */
	for (uint32_t looks = 0; taken < n && looks < ring->size; looks++) {
		uint16_t run = take_plain(ring, (uint16_t)(n - taken), pool, pkts + taken);

		taken = (uint16_t)(taken + run);
		if (run > 0)
			continue;
		if (!take_chain(ring, pool, &pkts[taken], bad))
			break;
		taken = (uint16_t)(taken + (pkts[taken] != NULL));
	}
	return taken;
}

/* The next frames as long as each has one segment and its buffer one descriptor. */
static __rte_always_inline uint16_t
put_plain(struct pmd_vm_ring *ring, struct rte_mbuf **pkts, uint16_t n)
{
	struct pmd_vm_segment piece[PMD_VM_BURST];
	struct use use[PMD_VM_BURST];
	const struct pmd_vm_region near = pmd_vm_near(ring);
	struct place p = here(ring);
	uint16_t k;

	n = RTE_MIN(n, PMD_VM_BURST);
	for (k = 0; k < n; k++) {
		uint32_t need = PMD_VM_HEADER + pkts[k]->data_len;

		if (pkts[k]->nb_segs != 1 || !plain(ring, &near, p, VRING_DESC_F_WRITE, &piece[k], &use[k]) ||
			piece[k].size < need)
			break;
		use[k].len = need;
		pmd_vm_prefetch(piece[k].host);
		p = next(ring, p);
	}
	pmd_vm_pieces_out(piece, k, pkts);
	put_all_used(ring, use, k);
	move_to(ring, p);
	return k;
}

/* Gather buffers for `need` bytes; *p: behind the last of them. */
static enum pmd_vm_offer
gather(struct pmd_vm_ring *ring, struct place *p, uint32_t need, struct pmd_vm_chain *chain, struct use *use,
	uint16_t *buffers)
{
	uint64_t before = 0;

	chain->count = 0;
	chain->bytes = 0;
	*buffers = 0;
	while (chain->bytes < need) {
		struct use *u = &use[*buffers];
		if (*buffers > 0 && !ring->mergeable)
			return PMD_VM_OFFER_NEVER;
		if (chain->count == ring->size || *buffers == PMD_VM_SEGMENTS)
			return PMD_VM_OFFER_NEVER;
		if (!is_offered(flags_at(ring, *p), *p))
			return PMD_VM_OFFER_WAIT;
		u->place = *p;
		enum pmd_vm_walk rc = walk(ring, p, VRING_DESC_F_WRITE, UINT64_MAX, chain, &u->id);
		if (rc != PMD_VM_WALK_OK)
			return rc == PMD_VM_WALK_LONG ? PMD_VM_OFFER_NEVER : PMD_VM_OFFER_BROKEN;
		uint64_t filled = RTE_MIN(chain->bytes, (uint64_t)need);
		u->len = (uint32_t)(filled - before);
		before = filled;
		++*buffers;
	}
	return PMD_VM_OFFER_OK;
}

/* One frame of any form. */
static enum pmd_vm_offer
put_chain(struct pmd_vm_ring *ring, const struct rte_mbuf *m)
{
	struct use use[PMD_VM_SEGMENTS];
	struct place p = here(ring);
	struct pmd_vm_chain chain;
	uint16_t buffers;

	if (m->pkt_len > PMD_FRAME_MAX)
		return PMD_VM_OFFER_NEVER;
	enum pmd_vm_offer rc = gather(ring, &p, PMD_VM_HEADER + m->pkt_len, &chain, use, &buffers);
	if (rc != PMD_VM_OFFER_OK)
		return rc;
	pmd_vm_chain_out(&chain, buffers, m);
	put_all_used(ring, use, buffers);
	move_to(ring, p);
	return rc;
}

static __rte_always_inline uint16_t
enqueue(struct pmd_vm_ring *ring, struct rte_mbuf **pkts, uint16_t n, uint64_t *bad)
{
	uint16_t done = 0;

	while (done < n) {
		uint16_t run = put_plain(ring, pkts + done, (uint16_t)(n - done));

		done = (uint16_t)(done + run);
		if (run > 0)
			continue;
		enum pmd_vm_offer rc = put_chain(ring, pkts[done]);
		if (rc == PMD_VM_OFFER_WAIT || rc == PMD_VM_OFFER_BROKEN) {
			ring->broken = rc == PMD_VM_OFFER_BROKEN;
			break;
		}
		*bad += rc == PMD_VM_OFFER_NEVER;
		done++;
	}
	return done;
}

PMD_VM_LAYOUT(pmd_vm_packed);
