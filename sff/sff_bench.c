#include "sff_bench.h"
#include "sff_control.h"
#include "sff_node.h"
#include "sff_report.h"

#include <rte_cycles.h>

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Frames inside make no progress for so long: they are lost. */
#define DRAIN_S 0.5
/* The first trial at full load is not counted: tables, caches and guests warm up. */
#define WARM_S 0.2
/* "No load": frames so far apart that each is alone. */
#define IDLE_PPS 1000.0
/* Above this rate, one frame in 17 is stamped (a prime: no pattern of the traffic has it), else each. */
#define SAMPLE_ALL_PPS 20000.0
#define SAMPLE         17u
/* Latency trials are longer than others: a tail of 0.1 % wants many frames. */
#define LATENCY_TRIALS 3

#define PDR_LOSS 0.005

/* Everything of one run. */
struct run {
	struct sff_node *node;
	bool (*go_on)(void *);
	void *arg;
	double busy[SFF_VMS_MAX]; /* of the last trial, per VM */
};

void
sff_bench_keep_cpu(bool keep)
{
	static cpu_set_t before;
	cpu_set_t rest;
	int last = CPU_SETSIZE;

	if (!keep) {
		sched_setaffinity(0, sizeof(before), &before);
		return;
	}
	if (sched_getaffinity(0, sizeof(before), &before) != 0)
		return;
	rest = before;
	/* Workers are pinned from the last one down: sff_eal.c. */
	while (last-- > 0 && !CPU_ISSET(last, &rest))
		;
	if (last >= 0 && CPU_COUNT(&rest) > 1)
		CPU_CLR(last, &rest);
	sched_setaffinity(0, sizeof(rest), &rest);
}

int
sff_bench_open(struct sff_node *node, char *err, int err_size)
{
	struct sff_bench *bench = calloc(1, sizeof(*bench));
	int rc;

	node->bench = bench;
	if (bench == NULL)
		return -ENOMEM;
	bench->results = json_array();
	rc = sff_traffic_create(node->config, node->index, node->options, &bench->traffic, err, err_size);
	if (rc == 0)
		rc = pmd_load_create(bench->traffic.frame, bench->traffic.n, &bench->load);
	if (rc == 0)
		rc = sff_probe_create(node->plane->n_ports, bench->load, &bench->probe);
	for (uint16_t p = 0; rc == 0 && p < node->plane->n_external; p++) {
		struct pmd_port *was = node->plane->port[p].pmd, *pmd;

		rc = pmd_load_open(bench->load, was->name, p == bench->traffic.port, &pmd);
		if (rc != 0)
			break;
		memcpy(pmd->mac, was->mac, sizeof(pmd->mac));
		pmd->mtu = was->mtu;
		was->ops->close(was);
		node->plane->port[p].pmd = pmd;
	}
	return rc;
}

void
sff_bench_close(struct sff_node *node)
{
	struct sff_bench *bench = node->bench;

	if (bench == NULL)
		return;
	sff_probe_destroy(bench->probe);
	pmd_load_destroy(bench->load);
	sff_traffic_free(&bench->traffic);
	json_decref(bench->results);
	json_decref(bench->bottleneck);
	free(bench);
}

/* What workers and guests counted so far. */
struct counts {
	uint64_t dropped[SFC_DROP_MAX], consumed, busy_cycles, tsc;
	uint64_t guest_busy[SFF_VMS_MAX];
};

static void
look(const struct sff_node *node, struct counts *c)
{
	const struct sff_lcore *lc = node->lcore[0];

	c->tsc = rte_rdtsc();
	c->consumed = 0;
	c->busy_cycles = __atomic_load_n(&lc->busy_cycles, __ATOMIC_RELAXED);
	for (unsigned int d = 0; d < SFC_DROP_MAX; d++)
		c->dropped[d] = __atomic_load_n(&lc->dropped[d], __ATOMIC_RELAXED);
	for (unsigned int i = 0; i < node->vms.n; i++) {
		const volatile struct sff_shared *shared = node->vms.vm[i].shared;

		c->guest_busy[i] = shared != NULL ? shared->status.busy_tsc : 0;
		c->consumed += shared != NULL ? shared->status.consumed : 0;
	}
}

/* Drops for want of room, or of somebody alive: losses. All others are what the chain was told to do. */
static bool
is_loss(enum sfc_drop reason)
{
	switch (reason) {
	case SFC_DROP_NO_MBUF:
	case SFC_DROP_TX_FULL:
	case SFC_DROP_EGRESS_DOWN:
	case SFC_DROP_SF_RING_FULL:
	case SFC_DROP_SF_DOWN:
	case SFC_DROP_NEIGH_FULL:
		return true;
	default:
		return false;
	}
}

/* What became of the frames since `from`; returns how many are still inside. */
static uint64_t
reckon(const struct sff_node *node, const struct counts *from, struct sff_bench_trial *t, struct counts *now)
{
	struct pmd_load_count load;
	uint64_t gone, lost = 0;

	look(node, now);
	pmd_load_count(node->bench->load, &load);
	gone = load.back;
	for (unsigned int d = 0; d < SFC_DROP_MAX; d++) {
		t->dropped[d] = now->dropped[d] - from->dropped[d];
		gone += t->dropped[d];
		lost += is_loss(d) ? t->dropped[d] : 0;
	}
	t->consumed = now->consumed - from->consumed;
	gone += t->consumed;
	t->offered = load.offered;
	t->back = load.back;
	t->missed = load.missed;
	lost += load.missed;
	/* Mirrors and functions may make frames: then more is gone than came. */
	lost += load.given > gone ? load.given - gone : 0;
	t->loss = t->offered > 0 ? (double)lost / (double)t->offered : 0;
	return load.given > gone ? load.given - gone : 0;
}

/* Run one trial into bench->last. 0, or -1 when it is time to end. */
static int
run_trial(struct run *run, const struct pmd_load_trial *trial)
{
	struct sff_node *node = run->node;
	struct sff_bench *bench = node->bench;
	struct sff_bench_trial *t = &bench->last;
	uint64_t hz = rte_get_tsc_hz(), moved, inside, least = UINT64_MAX;
	struct counts from, now;

	memset(t, 0, sizeof(*t));
	sff_probe_reset(bench->probe, trial->sample > 0);
	look(node, &from);
	pmd_load_start(bench->load, trial);
	do {
		if (!run->go_on(run->arg))
			return -1;
	} while (!pmd_load_over(bench->load));
	look(node, &now);
	t->seconds = trial->seconds;
	for (unsigned int i = 0; i < node->vms.n; i++)
		run->busy[i] =
			(double)(now.guest_busy[i] - from.guest_busy[i]) / (double)(now.tsc - from.tsc);
	t->cycles = (double)(now.busy_cycles - from.busy_cycles);
	moved = rte_rdtsc();
	while ((inside = reckon(node, &from, t, &now)) > 0) {
		if (inside < least) {
			least = inside;
			moved = rte_rdtsc();
		}
		if ((double)(rte_rdtsc() - moved) > DRAIN_S * (double)hz)
			break;
		if (!run->go_on(run->arg))
			return -1;
	}
	t->pps = (double)t->offered / t->seconds;
	t->cycles = t->offered > t->missed ? t->cycles / (double)(t->offered - t->missed) : 0;
	return 0;
}

static int
rate_trial(void *arg, double pps, double seconds, double *loss)
{
	struct run *run = arg;
	const struct pmd_load_trial trial = {.pps = pps, .seconds = seconds};
	int rc = run_trial(run, &trial);

	*loss = run->node->bench->last.loss;
	return rc;
}

static void
say_step(const struct sff_node *node, const char *text)
{
	sff_event_send(node->options->report_fd, json_pack("{s:s, s:s}", "event", "step", "text", text));
}

/* Why no frame came out, in one line. */
static int
say_nothing_came(const struct sff_node *node)
{
	const struct sff_bench_trial *t = &node->bench->last;
	const char *port = node->config->node[node->index].port[node->bench->traffic.port].name;
	char text[512];
	int at = snprintf(text, sizeof(text),
		"of %llu frames into port '%s' none came out:", (unsigned long long)t->offered, port);

	for (unsigned int d = 0; d < SFC_DROP_MAX && at < (int)sizeof(text); d++)
		if (t->dropped[d] > 0)
			at += snprintf(text + at, sizeof(text) - (size_t)at, " %llu dropped as %s,",
				(unsigned long long)t->dropped[d], sfc_drop_name(d));
	if (t->consumed > 0 && at < (int)sizeof(text))
		at += snprintf(text + at, sizeof(text) - (size_t)at, " %llu consumed by functions,",
			(unsigned long long)t->consumed);
	text[strlen(text) - 1] = '\0';
	sff_say(node->options, "error", "%s", text);
	return SFF_EXIT_FAILED;
}

static int
by_carried(const void *a, const void *b)
{
	const struct sff_bench_trial *x = a, *y = b;
	double cx = x->pps * (1 - x->loss), cy = y->pps * (1 - y->loss);

	return (cx > cy) - (cx < cy);
}

/* Trials at full load. @param carried  out: frames per second that were not lost; top: that the worker took.
 */
static int
run_mrr(struct run *run, double *carried, double *top)
{
	struct sff_bench *bench = run->node->bench;
	struct sff_bench_trial trials[SFF_BENCH_MRR_TRIALS];
	struct pmd_load_trial trial = {.seconds = WARM_S};
	const struct sff_bench_trial *middle = &trials[SFF_BENCH_MRR_TRIALS / 2];

	say_step(run->node, "warming up");
	if (run_trial(run, &trial) != 0)
		return -1;
	if (bench->last.back == 0)
		return say_nothing_came(run->node);
	say_step(run->node, "full load");
	trial.seconds = run->node->options->trial_s;
	*top = 0;
	for (unsigned int i = 0; i < SFF_BENCH_MRR_TRIALS; i++) {
		if (run_trial(run, &trial) != 0)
			return -1;
		trials[i] = bench->last;
		*top = trials[i].pps > *top ? trials[i].pps : *top;
	}
	sff_bench_find_bottleneck(run->node, run->busy);
	qsort(trials, SFF_BENCH_MRR_TRIALS, sizeof(trials[0]), by_carried);
	*carried = middle->pps * (1 - middle->loss);
	sff_bench_report_mrr(run->node, trials, SFF_BENCH_MRR_TRIALS, SFF_BENCH_MRR_TRIALS / 2);
	return 0;
}

static int
run_rate(struct run *run, const char *name, double loss, double guess, double top, double *pps)
{
	const struct sff_options *options = run->node->options;
	struct sff_bench_rate rate = {.goal = {.loss = loss,
					      .width = options->width,
					      .trial_s = options->trial_s,
					      .sum_s = options->sum_s}};
	char text[64];

	snprintf(text, sizeof(text), "searching the %s", name);
	say_step(run->node, text);
	if (sff_rate_find(&rate.goal, guess, top, rate_trial, run, &rate.result) != 0)
		return -1;
	*pps = rate.result.pps;
	sff_bench_report_rate(run->node, name, &rate);
	return 0;
}

static int
run_latency(struct run *run, double pdr)
{
	static const struct {
		const char *name;
		double share; /* of the PDR; 0 = no load */
	} loads[SFF_BENCH_LOADS] = {{"none", 0}, {"10", 0.1}, {"50", 0.5}, {"90", 0.9}};

	for (unsigned int i = 0; i < SFF_BENCH_LOADS; i++) {
		double pps = loads[i].share > 0 ? pdr * loads[i].share : IDLE_PPS;
		const struct pmd_load_trial trial = {.pps = pps,
			.seconds = LATENCY_TRIALS * run->node->options->trial_s,
			.sample = pps <= SAMPLE_ALL_PPS ? 1 : SAMPLE};
		char text[64];

		snprintf(text, sizeof(text), "latency at %.0f frames/s", pps);
		say_step(run->node, text);
		if (run_trial(run, &trial) != 0)
			return -1;
		sff_bench_report_latency(run->node, loads[i].name);
	}
	return 0;
}

int
sff_bench_run(struct sff_node *node, bool (*go_on)(void *arg), void *arg)
{
	struct run run = {.node = node, .go_on = go_on, .arg = arg};
	double carried, top, pdr = 0, ndr;
	int rc;

	for (unsigned int i = 0; i < node->vms.n; i++)
		sff_probe_watch(node->bench->probe, node->vms.vm[i].port, &node->vms.vm[i].shared->status);
	rc = run_mrr(&run, &carried, &top);
	if (rc == 0)
		rc = run_rate(&run, "pdr", PDR_LOSS, carried, top, &pdr);
	if (rc == 0)
		rc = run_rate(&run, "ndr", 0, pdr > 0 ? pdr : carried, top, &ndr);
	if (rc == 0 && pdr > 0)
		rc = run_latency(&run, pdr);
	return rc < 0 ? SFF_EXIT_USAGE : rc;
}
