#include "sff_mirror.h"
#include "sff_lcore.h"
#include "sff_stamp.h"

#include "eth.h"
#include "nsh_hdr.h"

#include <rte_mbuf_dyn.h>
#include <rte_ring.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Most bytes of a frame: the 16-bit length that everything here relies on. */
#define FRAME_MAX 65535u
/* Copies one frame makes for one mirror: in and out, of the same port or the same hop. */
#define COPIES_PER_FRAME 2u
/* Ethernet header, NSH base header and service path header (RFC 8300, 2.2 and 2.3). */
#define NSH_SP_END (ETH_HDR_SIZE + NSH_BASE_SIZE)

/* A copy of which it is not known yet whether it counts. */
struct pending {
	struct rte_mbuf *copy; /* NULL = there was no room for one */
	const struct sff_tap *tap;
	uint16_t frame; /* place in its burst */
};

struct pendings {
	uint32_t n;
	struct pending *at;
};

struct buffer {
	uint16_t n, size;
	struct rte_mbuf **pkt;
};

struct sff_mirror_lcore {
	const struct sff_mirrors *mirrors;
	struct pendings out;  /* to a port that has not taken them */
	struct pendings back; /* from SFs, perhaps: of no known position */
	uint8_t *scratch;     /* a chained frame in one piece, for filters */
	uint16_t n_buffers;
	struct buffer buffer[]; /* per sink */
};

int
sff_mirror_lcore_create(const struct sff_mirrors *mirrors, struct sff_mirror_lcore **out)
{
	struct sff_mirror_lcore *part;
	bool ok;

	*out = NULL;
	if (mirrors == NULL)
		return 0;
	part = calloc(1, sizeof(*part) + mirrors->n_sinks * sizeof(part->buffer[0]));
	if (part == NULL)
		return -ENOMEM;
	part->mirrors = mirrors;
	part->out.at = calloc((size_t)mirrors->n * SFF_TX_BUFFER, sizeof(part->out.at[0]));
	part->back.at = calloc((size_t)mirrors->n * SFF_BURST, sizeof(part->back.at[0]));
	part->scratch = malloc(FRAME_MAX);
	part->n_buffers = mirrors->n_sinks;
	ok = part->out.at != NULL && part->back.at != NULL && part->scratch != NULL;
	for (uint16_t s = 0; s < part->n_buffers; s++) {
		struct buffer *b = &part->buffer[s];
		uint32_t step = SFF_BURST * COPIES_PER_FRAME * mirrors->sink[s].n_mirrors;

		/* All of a step of lockstep, so that its copies are sorted as its frames are. */
		b->size = (uint16_t)RTE_MAX(step, SFF_TX_BUFFER);
		b->pkt = calloc(b->size, sizeof(b->pkt[0]));
		ok &= b->pkt != NULL;
	}
	if (!ok) {
		sff_mirror_lcore_destroy(part);
		return -ENOMEM;
	}
	*out = part;
	return 0;
}

/* Copies that do not count. */
static void
forget(struct pendings *p)
{
	while (p->n > 0)
		rte_pktmbuf_free(p->at[--p->n].copy);
}

void
sff_mirror_lcore_destroy(struct sff_mirror_lcore *part)
{
	if (part == NULL)
		return;
	for (uint16_t s = 0; s < part->n_buffers; s++) {
		rte_pktmbuf_free_bulk(part->buffer[s].pkt, part->buffer[s].n);
		free(part->buffer[s].pkt);
	}
	forget(&part->out);
	forget(&part->back);
	free(part->out.at);
	free(part->back.at);
	free(part->scratch);
	free(part);
}

/* At most SFF_TX_BUFFER copies, as every port is used to. Returns how many were taken. */
static uint16_t
give(struct sff_lcore *lc, const struct sff_sink *sink, struct rte_mbuf **pkts, uint16_t n)
{
	if (sink->file != NULL && sink->file->ring != NULL)
		return (uint16_t)rte_ring_enqueue_burst(sink->file->ring, (void *const *)pkts, n, NULL);
	if (sink->file != NULL)
		return pmd_tx(sink->file->pmd, lc->queue, pkts, n);
	/* A port whose own frames found no room has none for copies. */
	if (lc->tx[sink->port].full)
		return 0;
	return pmd_tx(lc->plane->port[sink->port].pmd, lc->queue, pkts, n);
}

static void
flush(struct sff_lcore *lc, uint16_t s)
{
	const struct sff_sink *sink = &lc->mirror->mirrors->sink[s];
	struct buffer *b = &lc->mirror->buffer[s];
	uint16_t at = 0, want, taken;

	if (b->n > 0 && lc->feed == SFF_FEED_LOCKSTEP)
		sff_stamps_sort(lc->stamps, b->pkt, b->n);
	for (want = taken = 0; at < b->n && taken == want; at = (uint16_t)(at + taken)) {
		want = (uint16_t)RTE_MIN(b->n - at, SFF_TX_BUFFER);
		taken = give(lc, sink, &b->pkt[at], want);
	}
	lc->sent += at;
	sff_drop(lc, &b->pkt[at], (uint16_t)(b->n - at), SFC_DROP_MIRROR_FULL);
	b->n = 0;
	if (sink->file == NULL)
		lc->tx[sink->port].full = false;
}

void
sff_mirror_flush(struct sff_lcore *lc)
{
	forget(&lc->mirror->back);
	for (uint16_t s = 0; s < lc->mirror->n_buffers; s++)
		flush(lc, s);
}

void
sff_mirror_stop(struct sff_lcore *lc)
{
	if (lc->mirror == NULL)
		return;
	forget(&lc->mirror->back);
	for (uint16_t s = 0; s < lc->mirror->n_buffers; s++) {
		struct buffer *b = &lc->mirror->buffer[s];

		sff_drop(lc, b->pkt, b->n, SFC_DROP_SHUTDOWN);
		b->n = 0;
	}
}

uint64_t
sff_mirror_held(const struct sff_lcore *lc)
{
	uint64_t n = 0;

	for (uint16_t s = 0; lc->mirror != NULL && s < lc->mirror->n_buffers; s++)
		n += lc->mirror->buffer[s].n;
	return n;
}

static const struct sff_taps *
taps_of(const struct sff_lcore *lc, uint16_t port, bool out)
{
	return lc->mirror->mirrors->taps[2 * port + out];
}

/* Nanoseconds since 1970 for copies of a live node; 0 = a copy keeps the stamp of its frame. */
static uint64_t
now(const struct sff_lcore *lc)
{
	struct timespec t;

	if (!lc->mirror->mirrors->store->live || clock_gettime(CLOCK_REALTIME, &t) != 0)
		return 0;
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static bool
selects(const struct sff_lcore *lc, const struct sff_tap *tap, const struct rte_mbuf *m)
{
	uint32_t size = RTE_MIN(m->pkt_len, FRAME_MAX);

	if (tap->filter == NULL)
		return true;
	return bpf_filter(tap->filter->bf_insns, rte_pktmbuf_read(m, 0, size, lc->mirror->scratch), size,
		       size) != 0;
}

/* Deep: later stages rewrite the frame in place. NULL = there is no room for it. */
static struct rte_mbuf *
copy(struct sff_lcore *lc, uint16_t s, const struct rte_mbuf *m, uint64_t stamp)
{
	const struct sff_sink *sink = &lc->mirror->mirrors->sink[s];
	struct rte_mempool *pool = lc->mirror->mirrors->store->pool[lc->queue];
	struct rte_mbuf *c;

	if (sink->file == NULL && m->pkt_len > lc->plane->port[sink->port].pmd->mtu)
		return NULL;
	c = rte_pktmbuf_copy(m, pool, 0, UINT32_MAX);
	/* A replay is to lose nothing: its files and ports take everything at once. */
	if (c == NULL && lc->feed != SFF_FEED_LIVE) {
		for (uint16_t i = 0; i < lc->mirror->n_buffers; i++)
			flush(lc, i);
		c = rte_pktmbuf_copy(m, pool, 0, UINT32_MAX);
	}
	if (c != NULL && stamp != 0)
		*pmd_stamp(c) = stamp;
	return c;
}

static void
put(struct sff_lcore *lc, uint16_t s, struct rte_mbuf *c)
{
	struct buffer *b = &lc->mirror->buffer[s];

	lc->replicated++;
	if (c == NULL) {
		lc->dropped[SFC_DROP_MIRROR_FULL]++;
		return;
	}
	if (b->n == b->size)
		flush(lc, s);
	b->pkt[b->n++] = c;
}

/* SPI and SI of a frame around NSH, as it is on an SF port; 0 = it is none. */
static uint32_t
sp_of(const struct rte_mbuf *m)
{
	uint8_t copied[NSH_SP_END];
	const uint8_t *bytes = rte_pktmbuf_read(m, 0, NSH_SP_END, copied);

	if (bytes == NULL || ((const struct eth_hdr *)bytes)->type != RTE_BE16(NSH_ETHERTYPE))
		return 0;
	return nsh_sp((const struct nsh_hdr *)(bytes + ETH_HDR_SIZE));
}

static uint64_t *
mark_of(const struct sff_lcore *lc, struct rte_mbuf *m)
{
	return RTE_MBUF_DYNFIELD(m, lc->mirror->mirrors->store->mark_offset, uint64_t *);
}

static void
pend(struct sff_lcore *lc, struct pendings *p, const struct sff_tap *tap, struct rte_mbuf *m, uint16_t frame,
	uint64_t stamp)
{
	p->at[p->n++] = (struct pending){.copy = copy(lc, tap->sink, m, stamp), .tap = tap, .frame = frame};
}

/* Whose hop a frame comes from is seen later; what it was is copied now, before anything is rewritten. */
void
sff_mirror_in(struct sff_lcore *lc, uint16_t port, struct rte_mbuf *const *pkts, uint16_t n)
{
	const struct sff_taps *taps = taps_of(lc, port, false);
	uint64_t stamp;

	if (taps == NULL)
		return;
	stamp = now(lc);
	forget(&lc->mirror->back);
	for (uint16_t i = 0; i < n; i++) {
		uint32_t sp = taps->hops && taps->plain ? sp_of(pkts[i]) : 0;

		if (taps->hops)
			*mark_of(lc, pkts[i]) = i;
		for (uint16_t t = 0; t < taps->n; t++) {
			const struct sff_tap *tap = &taps->tap[t];

			if ((tap->sp != 0 && taps->plain && tap->sp != sp) || !selects(lc, tap, pkts[i]))
				continue;
			if (tap->sp == 0)
				put(lc, tap->sink, copy(lc, tap->sink, pkts[i], stamp));
			else
				pend(lc, &lc->mirror->back, tap, pkts[i], i, stamp);
		}
	}
}

void
sff_mirror_back(struct sff_lcore *lc, const struct sff_burst *b)
{
	struct pendings *p = &lc->mirror->back;

	for (uint16_t i = 0; i < b->n && p->n > 0; i++) {
		if (!(b->meta[i].flags & SFF_META_VISITED))
			continue;
		for (uint32_t k = 0; k < p->n; k++) {
			struct pending *at = &p->at[k];

			if (at->tap == NULL || at->tap->sp != b->meta[i].sp ||
				at->frame != *mark_of(lc, b->pkt[i]))
				continue;
			put(lc, at->tap->sink, at->copy);
			*at = (struct pending){.copy = NULL};
		}
	}
}

void
sff_mirror_to_sf(struct sff_burst *b)
{
	for (uint16_t i = 0; i < b->n; i++)
		b->meta[i].flags |= SFF_META_TO_SF;
}

void
sff_mirror_mark(struct sff_lcore *lc, const struct sff_burst *b)
{
	for (uint16_t i = 0; i < b->n; i++) {
		const struct sff_taps *taps = taps_of(lc, b->meta[i].port, true);
		uint64_t mark = 0;

		if (taps == NULL || !taps->hops)
			continue;
		for (uint16_t t = 0; t < taps->n && (b->meta[i].flags & SFF_META_TO_SF); t++)
			if (taps->tap[t].sp == b->meta[i].sp)
				mark |= UINT64_C(1) << taps->tap[t].index;
		/* The flag tells marked frames from those that others put into a transmit buffer: it is gone
		 * from a buffer that was free. */
		b->pkt[i]->ol_flags &= ~lc->mirror->mirrors->store->marked;
		if (mark != 0)
			b->pkt[i]->ol_flags |= lc->mirror->mirrors->store->marked;
		*mark_of(lc, b->pkt[i]) = mark;
	}
}

void
sff_mirror_out(struct sff_lcore *lc, uint16_t port, struct rte_mbuf *const *pkts, uint16_t n)
{
	const struct sff_taps *taps = taps_of(lc, port, true);
	uint64_t stamp;

	if (taps == NULL)
		return;
	stamp = now(lc);
	for (uint16_t i = 0; i < n; i++) {
		bool marked = taps->hops && (pkts[i]->ol_flags & lc->mirror->mirrors->store->marked);
		uint64_t mark = marked ? *mark_of(lc, pkts[i]) : 0;

		for (uint16_t t = 0; t < taps->n; t++) {
			const struct sff_tap *tap = &taps->tap[t];

			if ((tap->sp == 0 || mark >> tap->index & 1) && selects(lc, tap, pkts[i]))
				pend(lc, &lc->mirror->out, tap, pkts[i], i, stamp);
		}
	}
}

void
sff_mirror_taken(struct sff_lcore *lc, uint16_t taken)
{
	struct pendings *p = &lc->mirror->out;

	for (uint32_t i = 0; i < p->n; i++) {
		if (p->at[i].frame >= taken)
			continue;
		put(lc, p->at[i].tap->sink, p->at[i].copy);
		p->at[i].copy = NULL;
	}
	forget(p);
}
