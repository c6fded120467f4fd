/**
 * A bench of a whole chain: highest rates, latency by hop, and what holds it up.
 *
 * Included by sff_node.c, sff_control.c. The worker makes the frames, runs them and takes them back; VMs have
 * the other CPUs. Method and terms: docs/benchmarks.md.
 */
#ifndef SFF_BENCH_H
#define SFF_BENCH_H

#include "sff_probe.h"
#include "sff_rate.h"
#include "sff_traffic.h"

#include "sfc_drop.h"

#include <jansson.h>
#include <stdbool.h>

struct sff_node;

#define SFF_BENCH_MRR_TRIALS 5
#define SFF_BENCH_LOADS      4

/* One trial. */
struct sff_bench_trial {
	double pps; /* offered; of a trial at full load what the worker took */
	double seconds;
	double loss;            /* share of the offered frames */
	double cycles;          /* of the worker per frame, making and taking it back included */
	uint64_t offered, back; /* frames */
	uint64_t missed;        /* that the worker did not take in time */
	uint64_t dropped[SFC_DROP_MAX];
	uint64_t consumed; /* by functions */
};

struct sff_bench_rate {
	struct sff_rate_goal goal;
	struct sff_rate_result result;
};

struct sff_bench {
	struct sff_traffic traffic;
	struct pmd_load *load;
	struct sff_probe *probe;
	struct sff_bench_trial last;
	json_t *results;    /* objects as docs/benchmarks.md has them */
	json_t *bottleneck; /* NULL until full load was tried */
};

/**
 * Let no VM of ours run on the CPU that the worker gets, where there is another: they inherit it.
 *
 * @param keep  true before VMs start; false gives the CPU back to this thread.
 */
void sff_bench_keep_cpu(bool keep);

/**
 * Prepare traffic, and put load ports in the places of the node's own. Plane and memory are there.
 *
 * @return 0, or -errno with one message in err.
 */
int sff_bench_open(struct sff_node *node, char *err, int err_size);

/** After the ports are closed. */
void sff_bench_close(struct sff_node *node);

/**
 * Run all trials; workers run.
 *
 * @param go_on  looks after VMs and signals, a few ms at a time; false = end now.
 * @return       0, or an exit code; what is wrong was said.
 */
int sff_bench_run(struct sff_node *node, bool (*go_on)(void *arg), void *arg);

/* sff_bench_report.c: add what was found to bench->results. */

void sff_bench_report_mrr(
	struct sff_node *node, const struct sff_bench_trial *trials, unsigned int n, unsigned int middle);
void sff_bench_report_rate(struct sff_node *node, const char *name, const struct sff_bench_rate *rate);
void sff_bench_report_latency(struct sff_node *node, const char *name);

/** Who held the last trial up, which was at full load. @param busy  per VM: share of the time its guest
 * worked. */
void sff_bench_find_bottleneck(struct sff_node *node, const double *busy);

#endif
