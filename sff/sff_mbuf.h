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
	if (unlikely(m->nb_segs > 1 && m->data_len < want))
		sff_mbuf_gather(m, want);
	return m->data_len;
}

/* Room that the outer headers of every transport need: OUTER_SIZE_MAX of nsh/outer.h is for receiving; we
 * send Ethernet with two tags, IPv6, UDP, a tunnel header and an inner Ethernet header at most. */
#define SFF_OUTER_ROOM (22u + 40u + 8u + 8u + 14u)

/**
 * Put `size` bytes in front of a frame, with room for outer headers before them: in its headroom, else in a
 * buffer of its own, into which the first bytes of the frame move.
 *
 * @return the new first byte of the frame *m, or NULL without a buffer; then nothing changed.
 */
void *sff_mbuf_push(struct rte_mbuf **m, uint16_t size);

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

/** Take `size` bytes off the front; size <= data_len. */
static inline void
sff_mbuf_strip(struct rte_mbuf *m, uint16_t size)
{
	m->data_off = (uint16_t)(m->data_off + size);
	m->data_len = (uint16_t)(m->data_len - size);
	m->pkt_len -= size;
}

/** Put `size` bytes on the front; size <= data_off. */
static inline void
sff_mbuf_grow(struct rte_mbuf *m, uint16_t size)
{
	m->data_off = (uint16_t)(m->data_off - size);
	m->data_len = (uint16_t)(m->data_len + size);
	m->pkt_len += size;
}

#endif
