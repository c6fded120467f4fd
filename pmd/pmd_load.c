#include "pmd_load.h"
#include "pmd_priv.h"

#include <rte_cycles.h>
#include <rte_errno.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BURST 32u

/* Of one trial: written by the lcore, read by control. */
struct run {
	uint64_t begin, end; /* TSC */
	double per_tc;       /* frames per TSC cycle; 0 = as fast as they are taken */
	double interval;     /* TSC cycles from frame to frame */
	uint64_t total;      /* frames to offer, UINT64_MAX until `end` */
	uint32_t sample, until_sample;
	uint64_t next; /* frame to give; those before it were given or missed */
	uint64_t given, missed, back, away;
	uint64_t last_poll;
	uint64_t disturbed; /* TSC until which something was preempted */
	struct pmd_hist latency, clean, egress;
};

struct pmd_load {
	const struct pmd_load_frame *frame;
	uint32_t n_frames, at;
	uint32_t number;
	double ns_per_tc;
	uint64_t gap; /* PMD_LOAD_GAP_NS in TSC cycles */
	struct run run;
	struct pmd_load_trial trial;
	_Atomic uint32_t asked; /* trials that control wants; the lcore has begun `begun` */
	_Atomic uint32_t begun;
	_Atomic bool over;
};

struct load_port {
	struct pmd_port port;
	struct pmd_load *load;
};

int pmd_load_since_offset = -1;
uint64_t pmd_load_mark;

int
pmd_load_create(const struct pmd_load_frame *frames, uint32_t n, struct pmd_load **out)
{
	static const struct rte_mbuf_dynfield since = {
		.name = "sluice_load_since", .size = sizeof(uint64_t), .align = __alignof__(uint64_t)};
	static const struct rte_mbuf_dynflag mark = {.name = "sluice_load_mark"};
	int bit;
	struct pmd_load *load = calloc(1, sizeof(*load));

	if (load == NULL)
		return -ENOMEM;
	pmd_load_since_offset = rte_mbuf_dynfield_register(&since);
	bit = rte_mbuf_dynflag_register(&mark);
	if (pmd_load_since_offset < 0 || bit < 0) {
		free(load);
		return -rte_errno;
	}
	pmd_load_mark = 1ULL << bit;
	load->frame = frames;
	load->n_frames = n;
	load->ns_per_tc = 1e9 / (double)rte_get_tsc_hz();
	load->gap = (uint64_t)(PMD_LOAD_GAP_NS / load->ns_per_tc);
	atomic_init(&load->over, true);
	*out = load;
	return 0;
}

void
pmd_load_destroy(struct pmd_load *load)
{
	free(load);
}

static void
count(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

static void
begin(struct pmd_load *load, uint64_t now)
{
	struct run *run = &load->run;
	double hz = (double)rte_get_tsc_hz();
	uint64_t span = (uint64_t)(load->trial.seconds * hz);

	memset(run, 0, sizeof(*run));
	run->begin = run->last_poll = now;
	run->end = now + span;
	run->sample = run->until_sample = load->trial.sample;
	run->total = UINT64_MAX;
	if (load->trial.pps > 0) {
		run->interval = hz / load->trial.pps;
		run->per_tc = 1 / run->interval;
		run->total = (uint64_t)((double)span * run->per_tc);
	}
}

/* How many frames wait for the worker now. */
static uint64_t
waiting(struct run *run, uint64_t now)
{
	uint64_t due;

	if (run->per_tc == 0)
		return now < run->end ? BURST : 0;
	due = (uint64_t)((double)(now - run->begin) * run->per_tc) + 1;
	due = RTE_MIN(due, run->total);
	if (due - run->next > PMD_LOAD_RING) {
		uint64_t lost = due - run->next - PMD_LOAD_RING;

		run->next += lost;
		count(&run->missed, lost);
	}
	return due - run->next;
}

/* Write the next frame into an empty buffer, or into more when it is long; NULL = there are none. */
static struct rte_mbuf *
make(struct pmd_load *load, struct rte_mbuf *m)
{
	const struct pmd_load_frame *frame = &load->frame[load->at];

	if (likely(frame->size <= rte_pktmbuf_tailroom(m))) {
		memcpy(rte_pktmbuf_mtod(m, void *), frame->bytes, frame->size);
		m->data_len = frame->size;
		m->pkt_len = frame->size;
	} else {
		rte_pktmbuf_free(m);
		m = pmd_mbuf_copy(frame->bytes, frame->size);
		if (m == NULL)
			return NULL;
	}
	load->at = load->at + 1 < load->n_frames ? load->at + 1 : 0;
	if (frame->number_at > 0) {
		uint8_t *at = rte_pktmbuf_mtod_offset(m, uint8_t *, frame->number_at);
		uint32_t number[2] = {load->number, ~load->number};

		memcpy(at, number, sizeof(number));
		load->number++;
	}
	return m;
}

static uint16_t
load_rx(struct pmd_port *port, uint16_t queue, struct rte_mbuf **pkts, uint16_t n)
{
	struct pmd_load *load = ((struct load_port *)port)->load;
	struct run *run = &load->run;
	uint64_t now = rte_rdtsc();
	uint32_t asked = atomic_load_explicit(&load->asked, memory_order_acquire);
	uint64_t wait;

	(void)queue;
	if (unlikely(asked != atomic_load_explicit(&load->begun, memory_order_relaxed))) {
		begin(load, now);
		atomic_store_explicit(&load->over, false, memory_order_relaxed);
		atomic_store_explicit(&load->begun, asked, memory_order_release);
	}
	if (unlikely(now - run->last_poll > load->gap)) {
		count(&run->away, now - run->last_poll);
		pmd_load_disturbed(load, now);
	}
	run->last_poll = now;
	if (atomic_load_explicit(&load->over, memory_order_relaxed))
		return 0;
	wait = waiting(run, now);
	n = (uint16_t)RTE_MIN(RTE_MIN(wait, n), BURST);
	/* Without buffers the ring waits. */
	if (n > 0 && rte_pktmbuf_alloc_bulk(pmd_env.pool, pkts, n) != 0)
		n = 0;
	for (uint16_t i = 0; i < n; i++) {
		struct rte_mbuf *m = make(load, pkts[i]);

		if (unlikely(m == NULL)) {
			rte_pktmbuf_free_bulk(&pkts[i + 1], n - i - 1u);
			n = i;
			break;
		}
		pkts[i] = m;
		if (run->sample > 0 && --run->until_sample == 0) {
			uint64_t meant = run->begin + (uint64_t)((double)(run->next + i) * run->interval);

			run->until_sample = run->sample;
			*pmd_stamp(m) = *pmd_load_since(m) = meant;
			m->ol_flags |= pmd_load_mark;
		}
	}
	run->next += n;
	count(&run->given, n);
	if (run->next >= run->total || (run->per_tc == 0 && now >= run->end))
		atomic_store_explicit(&load->over, true, memory_order_release);
	return n;
}

static uint16_t
load_tx(struct pmd_port *port, uint16_t queue, struct rte_mbuf **pkts, uint16_t n)
{
	struct pmd_load *load = ((struct load_port *)port)->load;
	struct run *run = &load->run;
	uint64_t now = 0;

	(void)queue;
	for (uint16_t i = 0; i < n; i++) {
		uint64_t meant, ns;

		if (likely((pkts[i]->ol_flags & pmd_load_mark) == 0))
			continue;
		if (now == 0)
			now = rte_rdtsc();
		meant = *pmd_stamp(pkts[i]);
		ns = (uint64_t)((double)(now - meant) * load->ns_per_tc);
		pmd_hist_add(&run->latency, ns);
		if (meant > run->disturbed)
			pmd_hist_add(&run->clean, ns);
		pmd_hist_add(
			&run->egress, (uint64_t)((double)(now - *pmd_load_since(pkts[i])) * load->ns_per_tc));
	}
	count(&run->back, n);
	rte_pktmbuf_free_bulk(pkts, n);
	return n;
}

static int
load_flush(struct pmd_port *port)
{
	(void)port;
	return 0;
}

static void
load_stats(const struct pmd_port *port, struct pmd_stats *stats)
{
	(void)port;
	memset(stats, 0, sizeof(*stats));
}

static void
load_close(struct pmd_port *port)
{
	free(port);
}

/* Not the source: nothing comes from here. */
static uint16_t
sink_rx(struct pmd_port *port, uint16_t queue, struct rte_mbuf **pkts, uint16_t n)
{
	(void)port;
	(void)queue;
	(void)pkts;
	(void)n;
	return 0;
}

int
pmd_load_open(struct pmd_load *load, const char *name, bool source, struct pmd_port **out)
{
	static const struct pmd_ops source_ops = {.name = "load",
		.rx = load_rx,
		.tx = load_tx,
		.flush = load_flush,
		.stats = load_stats,
		.close = load_close};
	static const struct pmd_ops sink_ops = {.name = "load",
		.rx = sink_rx,
		.tx = load_tx,
		.flush = load_flush,
		.stats = load_stats,
		.close = load_close};
	struct load_port *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return -ENOMEM;
	pmd_port_init(&p->port, source ? &source_ops : &sink_ops, name, 1);
	p->load = load;
	*out = &p->port;
	return 0;
}

void
pmd_load_start(struct pmd_load *load, const struct pmd_load_trial *trial)
{
	uint32_t asked = atomic_load_explicit(&load->asked, memory_order_relaxed) + 1;

	load->trial = *trial;
	atomic_store_explicit(&load->asked, asked, memory_order_release);
}

bool
pmd_load_over(const struct pmd_load *load)
{
	return atomic_load_explicit(&load->begun, memory_order_acquire) ==
	               atomic_load_explicit(&load->asked, memory_order_relaxed) &&
	       atomic_load_explicit(&load->over, memory_order_acquire);
}

void
pmd_load_count(const struct pmd_load *load, struct pmd_load_count *c)
{
	c->given = __atomic_load_n(&load->run.given, __ATOMIC_RELAXED);
	c->missed = __atomic_load_n(&load->run.missed, __ATOMIC_RELAXED);
	c->back = __atomic_load_n(&load->run.back, __ATOMIC_RELAXED);
	c->offered = c->given + c->missed;
}

void
pmd_load_disturbed(struct pmd_load *load, uint64_t tsc)
{
	if (tsc > load->run.disturbed)
		load->run.disturbed = tsc;
}

uint64_t
pmd_load_away(const struct pmd_load *load)
{
	return __atomic_load_n(&load->run.away, __ATOMIC_RELAXED);
}

const struct pmd_hist *
pmd_load_latency(const struct pmd_load *load)
{
	return &load->run.latency;
}

const struct pmd_hist *
pmd_load_clean(const struct pmd_load *load)
{
	return &load->run.clean;
}

const struct pmd_hist *
pmd_load_egress(const struct pmd_load *load)
{
	return &load->run.egress;
}
