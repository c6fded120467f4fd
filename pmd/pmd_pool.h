/**
 * Packet buffers in bursts: take and return at the price of the pool's cache. Included by every packet path.
 *
 * A buffer in a pool has one reference, one segment and no attachment (rte_mbuf.h: what
 * rte_pktmbuf_prefree_seg leaves), so a burst of plain buffers of one pool goes back as it is. Only line 0 of
 * an mbuf is touched.
 */
#ifndef PMD_POOL_H
#define PMD_POOL_H

#include <rte_mbuf.h>

#include <smmintrin.h>
#include <stdbool.h>
#include <stddef.h>

/* The first 8 bytes that a driver rearms, of a buffer that is taken: data_off, one reference, one segment, no
 * port. Little endian, as the rest of this room. */
#define PMD_POOL_FRESH                                                                                       \
	(RTE_PKTMBUF_HEADROOM | UINT64_C(1) << 16 | UINT64_C(1) << 32 | (uint64_t)RTE_MBUF_PORT_INVALID << 48)

static_assert(offsetof(struct rte_mbuf, rearm_data) % 16 == 0 &&
		      offsetof(struct rte_mbuf, refcnt) == offsetof(struct rte_mbuf, rearm_data) + 2 &&
		      offsetof(struct rte_mbuf, nb_segs) == offsetof(struct rte_mbuf, rearm_data) + 4 &&
		      offsetof(struct rte_mbuf, ol_flags) == offsetof(struct rte_mbuf, rearm_data) + 8 &&
		      offsetof(struct rte_mbuf, rx_descriptor_fields1) ==
			      offsetof(struct rte_mbuf, rearm_data) + 16 &&
		      offsetof(struct rte_mbuf, data_len) == offsetof(struct rte_mbuf, rearm_data) + 24,
	"line 0 of an mbuf as DPDK 22.11 lays it out");

/**
 * Take n empty buffers, as rte_pktmbuf_alloc_bulk() but for tx_offload and vlan_tci_outer, which no flag of
 * theirs announces.
 *
 * @param pool  with a data room over RTE_PKTMBUF_HEADROOM, as pmd_init() checks.
 * @return      false: the pool has too few, none is taken. Thread: any with an lcore's cache, or none.
 */
static inline bool
pmd_pool_take(struct rte_mempool *pool, struct rte_mbuf **pkts, unsigned int n)
{
	if (rte_mempool_get_bulk(pool, (void **)pkts, n) != 0)
		return false;
	/* data_off, refcnt, nb_segs, port; ol_flags follows and is 0. */
	const __m128i fresh = _mm_set_epi64x(0, (int64_t)PMD_POOL_FRESH);
	for (unsigned int i = 0; i < n; i++) {
		_mm_store_si128((__m128i *)&pkts[i]->rearm_data, fresh);
		/* packet_type, pkt_len, data_len, vlan_tci, hash.rss */
		_mm_store_si128((__m128i *)&pkts[i]->rx_descriptor_fields1, _mm_setzero_si128());
	}
	return true;
}

/** Give buffers back, chained, shared, attached or of several pools as they may be. Thread: as above. */
static inline void
pmd_pool_return(struct rte_mbuf **pkts, unsigned int n)
{
	/* Where a plain buffer differs from a fresh one: data_off and port are the frame's own, and so are
	 * the flags that say nothing about its memory. */
	const __m128i fresh = _mm_set_epi64x(0, (int64_t)PMD_POOL_FRESH);
	const __m128i matter = _mm_set_epi64x(
		(int64_t)(RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL), INT64_C(0x0000ffffffff0000));
	__m128i odd = _mm_setzero_si128();
	uint64_t pools = 0;

	if (n == 0)
		return;
	struct rte_mempool *pool = pkts[0]->pool;
	for (unsigned int i = 0; i < n; i++) {
		__m128i m = _mm_load_si128((const __m128i *)&pkts[i]->rearm_data);

		odd = _mm_or_si128(odd, _mm_xor_si128(m, fresh));
		pools |= (uintptr_t)pkts[i]->pool ^ (uintptr_t)pool;
	}
	if (_mm_testz_si128(odd, matter) && pools == 0)
		rte_mempool_put_bulk(pool, (void **)pkts, n);
	else
		rte_pktmbuf_free_bulk(pkts, n);
}

#endif
