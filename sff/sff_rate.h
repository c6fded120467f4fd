/**
 * The search for the highest load that a chain carries: MLRsearch's goals (RFC draft of bmwg), as pure logic.
 *
 * Included by sff_bench.c and its test. A load is carried when, of trials that last `sum_s` together, at most
 * half by duration lose more than the goal allows; the verdict falls as soon as the rest cannot change it.
 */
#ifndef SFF_RATE_H
#define SFF_RATE_H

#include <stdint.h>

struct sff_rate_goal {
	double loss;    /* share of the offered frames */
	double width;   /* of the interval between carried and not carried, relative */
	double trial_s; /* of one trial */
	double sum_s;   /* of the trials of one load */
};

/**
 * Run one trial.
 *
 * @param loss  out: share of the offered frames that were lost.
 * @return      0, or less to give up.
 */
typedef int (*sff_rate_trial)(void *arg, double pps, double seconds, double *loss);

struct sff_rate_result {
	double pps;        /* the highest load that was carried; 0 = none */
	double above_pps;  /* the lowest that was not; 0 = everything was carried up to the top */
	double loss;       /* mean of the trials at pps */
	uint32_t trials;   /* at pps */
	uint32_t exceeded; /* of these, how many lost more than the goal */
	uint32_t all;      /* trials of the whole search */
};

/**
 * Search.
 *
 * @param guess  where to begin, and top: nothing above is offered; frames per second.
 * @return       0, or what a trial gave up with.
 */
int sff_rate_find(const struct sff_rate_goal *goal, double guess, double top, sff_rate_trial trial, void *arg,
	struct sff_rate_result *result);

#endif
