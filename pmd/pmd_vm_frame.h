/**
 * Frames in guest memory, whatever the layout of the ring: look-up of buffers, copies in both directions.
 * Included by pmd_vm_split.c, pmd_vm_packed.c and pmd_vm_frame.c.
 *
 * Nearly all frames are one buffer in the region of the one before. Those go in bursts: a first pass checks
 * descriptors and fetches data, a second one copies. Any other frame is a chain, one at a time.
 */
#ifndef PMD_VM_FRAME_H
#define PMD_VM_FRAME_H

#include "pmd_pool.h"
#include "pmd_priv.h"
#include "pmd_vm_ring.h"

#include <string.h>

/* Frames that go together: an SFF's burst is 32, sff/sff_lcore.h takes up to 64. */
#define PMD_VM_BURST 64u

/* Descriptors of one frame: 65,547 bytes in 1,024-byte buffers with a header of their own are 129. */
#define PMD_VM_SEGMENTS 256u

#define PMD_VM_DESC_BITS (VRING_DESC_F_NEXT | VRING_DESC_F_WRITE | VRING_DESC_F_INDIRECT)

struct pmd_vm_segment {
	uint8_t *host;
	uint32_t size;
};

struct pmd_vm_chain {
	uint32_t count; /* of segments */
	uint64_t bytes;
	struct pmd_vm_segment segment[PMD_VM_SEGMENTS];
};

enum pmd_vm_walk {
	PMD_VM_WALK_OK,
	PMD_VM_WALK_LONG,  /* more than a frame can hold, or in more pieces than a sane driver makes */
	PMD_VM_WALK_BROKEN /* breaks the rules */
};

enum pmd_vm_offer {
	PMD_VM_OFFER_OK,
	PMD_VM_OFFER_WAIT,  /* not enough buffers posted now */
	PMD_VM_OFFER_NEVER, /* the frame does not fit what the guest can post */
	PMD_VM_OFFER_BROKEN
};

/* What one layout does, as the functions of pmd_vm_ring.h; pmd_vm_ring.c chooses when a ring is set up. The
 * body of each is inlined twice: the second may use AVX2. */
struct pmd_vm_layout {
	int (*init)(struct pmd_vm_ring *ring);
	uint16_t (*dequeue)(struct pmd_vm_ring *ring, struct rte_mempool *pool, struct rte_mbuf **pkts,
		uint16_t n, uint64_t *bad);
	uint16_t (*enqueue)(struct pmd_vm_ring *ring, struct rte_mbuf **pkts, uint16_t n, uint64_t *bad);
};

extern const struct pmd_vm_layout pmd_vm_split, pmd_vm_split_avx2, pmd_vm_packed, pmd_vm_packed_avx2;

#define PMD_VM_AVX2 __attribute__((target("avx2")))

/* The four functions of a layout around its dequeue() and enqueue(). */
#define PMD_VM_LAYOUT(name)                                                                                  \
	static uint16_t dequeue_plain(struct pmd_vm_ring *ring, struct rte_mempool *pool,                    \
		struct rte_mbuf **pkts, uint16_t n, uint64_t *bad)                                           \
	{                                                                                                    \
		return dequeue(ring, pool, pkts, n, bad);                                                    \
	}                                                                                                    \
	static uint16_t enqueue_plain(                                                                       \
		struct pmd_vm_ring *ring, struct rte_mbuf **pkts, uint16_t n, uint64_t *bad)                 \
	{                                                                                                    \
		return enqueue(ring, pkts, n, bad);                                                          \
	}                                                                                                    \
	PMD_VM_AVX2 static uint16_t dequeue_avx2(struct pmd_vm_ring *ring, struct rte_mempool *pool,         \
		struct rte_mbuf **pkts, uint16_t n, uint64_t *bad)                                           \
	{                                                                                                    \
		return dequeue(ring, pool, pkts, n, bad);                                                    \
	}                                                                                                    \
	PMD_VM_AVX2 static uint16_t enqueue_avx2(                                                            \
		struct pmd_vm_ring *ring, struct rte_mbuf **pkts, uint16_t n, uint64_t *bad)                 \
	{                                                                                                    \
		return enqueue(ring, pkts, n, bad);                                                          \
	}                                                                                                    \
	const struct pmd_vm_layout name = {init, dequeue_plain, enqueue_plain};                              \
	const struct pmd_vm_layout name##_avx2 = {init, dequeue_avx2, enqueue_avx2}

static inline uint16_t
pmd_vm_load16(const uint16_t *from)
{
	return __atomic_load_n(from, __ATOMIC_RELAXED);
}

/* No sum of guest numbers, so nothing can overflow. */
static inline uint8_t *
pmd_vm_inside(const struct pmd_vm_region *r, uint64_t guest, uint32_t size)
{
	uint64_t at = guest - r->guest;

	return guest >= r->guest && at < r->size && size <= r->size - at ? r->host + at : NULL;
}

/* The same in all regions; remembers where it was. */
uint8_t *pmd_vm_host_far(struct pmd_vm_ring *ring, uint64_t guest, uint32_t size);

/* Where `size` bytes of the guest are, or NULL. */
static inline uint8_t *
pmd_vm_host(struct pmd_vm_ring *ring, uint64_t guest, uint32_t size)
{
	uint8_t *host = pmd_vm_inside(&ring->memory->region[ring->near], guest, size);

	return host != NULL ? host : pmd_vm_host_far(ring, guest, size);
}

/* The region of the last buffer: bursts have it in registers, and look closer when a buffer is elsewhere. */
static inline struct pmd_vm_region
pmd_vm_near(const struct pmd_vm_ring *ring)
{
	return ring->memory->region[ring->near];
}

/**
 * Check one descriptor and add it to a chain. Indirect ones are not offered, so they break the rules.
 *
 * @param direction  VRING_DESC_F_WRITE or 0: what the flags have to say.
 * @param limit      most bytes of a chain.
 */
enum pmd_vm_walk pmd_vm_chain_add(struct pmd_vm_ring *ring, uint64_t addr, uint32_t size, uint16_t flags,
	uint16_t direction, uint64_t limit, struct pmd_vm_chain *chain);

/** Copy a chain without its header into mbufs; NULL when the pool has too few. */
struct rte_mbuf *pmd_vm_chain_in(const struct pmd_vm_chain *chain, struct rte_mempool *pool);

/** Copy the header and the frame into a chain of `buffers` that is large enough. */
void pmd_vm_chain_out(const struct pmd_vm_chain *chain, uint16_t buffers, const struct rte_mbuf *m);

/* Wide moves, one or two instructions each as the function they are in may use. */
typedef uint8_t pmd_vm_wide __attribute__((vector_size(32), aligned(1), may_alias));
typedef uint8_t pmd_vm_narrow __attribute__((vector_size(16), aligned(1), may_alias));

static __rte_always_inline void
pmd_vm_copy16(uint8_t *to, const uint8_t *from)
{
	*(pmd_vm_narrow *)to = *(const pmd_vm_narrow *)from;
}

static __rte_always_inline void
pmd_vm_copy64(uint8_t *to, const uint8_t *from)
{
	*(pmd_vm_wide *)to = *(const pmd_vm_wide *)from;
	*(pmd_vm_wide *)(to + 32) = *(const pmd_vm_wide *)(from + 32);
}

/* Exactly `size` bytes, the last block overlapping the one before. The source may change meanwhile. */
static __rte_always_inline void
pmd_vm_copy(uint8_t *to, const uint8_t *from, uint32_t size)
{
	if (size >= 64) {
		/* One block that begins anywhere, then whole lines: a store over the end of one costs two. */
		uint32_t lead = 64 - ((uintptr_t)to & 63);

		if (size > 64 + lead) {
			pmd_vm_copy64(to, from);
			to += lead;
			from += lead;
			size -= lead;
		}
		for (; size > 64; size -= 64, to += 64, from += 64)
			pmd_vm_copy64(to, from);
		pmd_vm_copy64(to + size - 64, from + size - 64);
	} else if (size >= 16) {
		for (; size > 16; size -= 16, to += 16, from += 16)
			pmd_vm_copy16(to, from);
		pmd_vm_copy16(to + size - 16, from + size - 16);
	} else {
		memcpy(to, from, size);
	}
}

/* Of what the other side wrote or will read next, the lines of a header and a small frame: that side may run
 * on another core. */
static inline void
pmd_vm_prefetch(const uint8_t *host)
{
	rte_prefetch0(host);
	rte_prefetch0(host + RTE_CACHE_LINE_SIZE);
}

/* Copy frames of one buffer each, header included in `piece`, into new mbufs. Returns n, or 0 without mbufs.
 */
static __rte_always_inline uint16_t
pmd_vm_pieces_in(
	const struct pmd_vm_segment *piece, uint16_t n, struct rte_mempool *pool, struct rte_mbuf **pkts)
{
	if (n == 0 || !pmd_pool_take(pool, pkts, n))
		return 0;
	for (uint16_t i = 0; i < n; i++) {
		uint32_t size = piece[i].size - PMD_VM_HEADER;

		pmd_vm_copy(rte_pktmbuf_mtod(pkts[i], uint8_t *), piece[i].host + PMD_VM_HEADER, size);
		pkts[i]->data_len = (uint16_t)size;
		pkts[i]->pkt_len = size;
	}
	return n;
}

/* Most bytes, header included, that a piece may have to fit one mbuf. */
static inline uint32_t
pmd_vm_piece_max(struct rte_mempool *pool)
{
	return PMD_VM_HEADER + rte_pktmbuf_data_room_size(pool) - RTE_PKTMBUF_HEADROOM;
}

/* A header that says no offload (virtio 1.1, 5.1.6.4), then one-segment frames. */
static __rte_always_inline void
pmd_vm_pieces_out(const struct pmd_vm_segment *piece, uint16_t n, struct rte_mbuf *const *pkts)
{
	static const uint8_t header[PMD_VM_HEADER] = {[10] = 1}; /* num_buffers, little-endian */

	for (uint16_t i = 0; i < n; i++) {
		memcpy(piece[i].host, header, sizeof(header));
		pmd_vm_copy(piece[i].host + PMD_VM_HEADER, rte_pktmbuf_mtod(pkts[i], const uint8_t *),
			pkts[i]->data_len);
	}
}

#endif
