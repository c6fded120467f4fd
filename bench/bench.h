/**
 * A bench: cases that are measured in windows of TSC cycles, and what is said about them.
 *
 * Included by every program of this folder but hv_life. A case is a small loop of real product calls; the
 * harness around it (window.c) times it, bench_main.c is the command line, report.c the output.
 */
#ifndef BENCH_H
#define BENCH_H

#include "calibrate.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define BENCH_BURST  32u  /* packets of one burst: performance.md, section 2 */
#define BENCH_TRIALS 10   /* of a case with a null loop: CSIT's MRR */
#define BENCH_CHUNK  256u /* packets prepared together and then measured together */

enum {
	BENCH_EXIT_OK = 0,
	BENCH_EXIT_USAGE = 1,
	BENCH_EXIT_FAILED = 4,
};

struct bench_case {
	const char *name;
	uint16_t frame; /* bytes of a frame, 0 = none */
	uint16_t paths;
	uint32_t flows;
	const char *ws; /* where what a window touches fits: L1, L2, spill */
	int arg;        /* the case's own */
	/* Build the state, once. Reduced: a smaller one that runs the same instructions (--once). */
	int (*open)(struct bench_case *c, bool reduced);
	/* Before each measured chunk, not measured. May be NULL. */
	void (*prepare)(struct bench_case *c);
	/* The measured chunk; returns the packets it handled. */
	uint32_t (*run)(struct bench_case *c);
	/* The same loop without what is measured: its cost is subtracted. May be NULL. */
	uint32_t (*null)(struct bench_case *c);
	/* Check all that went through; 0 or one line on stderr and -1. May be NULL. */
	int (*check)(struct bench_case *c);
	void *state;
	bool opened;
};

/** What one run of a case measured, TSC cycles per packet. */
struct bench_result {
	double lo, p10, med, p90;
	uint32_t windows;
	double preempted; /* share of windows above 3 times the median */
	double pps;       /* packets per TSC cycle, source and sink included; median of trials */
};

struct bench_plan {
	uint32_t discard; /* windows before the first that counts */
	uint32_t windows;
	uint64_t window_tc; /* least cycles of a window */
	/* The harness's own test: burn this much more, in percent, inside the measured wrapper of one case.
	 */
	const char *plant_case;
	double plant_percent;
};

extern const struct bench_plan bench_plan_default;

/** Measure a case that is open. */
void bench_measure(struct bench_case *c, const struct bench_plan *plan, struct bench_result *result);

/** Lowest, percentiles and share of preempted windows of n costs, which are sorted in place. */
void bench_summarise(double *cost, uint32_t n, struct bench_result *result);

/** One line of JSON, as performance.md, 5. */
void bench_json(FILE *out, const char *bench, const struct bench_case *c, const struct bench_result *result,
	const struct bench_calibration *cal);
/** Its "env" alone: the machine. */
void bench_json_env(FILE *out, const struct bench_calibration *cal);
/** The same for people. */
void bench_table_head(FILE *out, const struct bench_calibration *cal);
void bench_table_line(FILE *out, const struct bench_case *c, const struct bench_result *result);

/** Run on one CPU from here on: the last one we may use, because the first serves most interrupts. */
void bench_pin(void);

/** The command line of a bench program. Returns its exit code. */
int bench_main(const char *bench, struct bench_case *cases, unsigned int n, int argc, char **argv);

#endif
