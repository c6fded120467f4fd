/**
 * Frame bytes for the stages: headers contiguous in the first segment, sizes and trims over all segments.
 *
 * Included by the stages only.
 */
#ifndef SFF_MBUF_H
#define SFF_MBUF_H

#include <rte_branch_prediction.h>
#include <rte_mbuf.h>

#include <stdint.h>

/* The most header bytes a stage reads at once: Ethernet with 2 tags, IPv4 with options, UDP, GPE, the longest
 * NSH, then an inner Ethernet, IPv6 and ports: 22 + 60 + 16 + 252 + 22 + 40 + 4, rounded up. */
#define SFF_HEADERS_MAX 448u

/* Gather headers that a device split over segments. */
void sff_mbuf_gather(struct rte_mbuf *m, uint16_t want);

/**
 * Contiguous bytes at the start of a frame, after gathering up to `want` where they are split.
 *
 * @return readable bytes, at most the frame's size.
 */
static inline uint16_t
sff_mbuf_contiguous(struct rte_mbuf *m, uint16_t want)
{
	if (unlikely(m->data_len < want && m->nb_segs > 1))
		sff_mbuf_gather(m, want);
	return m->data_len;
}

/** Cut a frame to `size` bytes; size <= pkt_len. */
void sff_mbuf_cut_segments(struct rte_mbuf *m, uint32_t size);

static inline void
sff_mbuf_cut(struct rte_mbuf *m, uint32_t size)
{
	if (m->pkt_len == size)
		return;
	if (likely(m->nb_segs == 1)) {
		m->pkt_len = size;
		m->data_len = (uint16_t)size;
	} else {
		sff_mbuf_cut_segments(m, size);
	}
}

#endif
