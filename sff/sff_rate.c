#include "sff_rate.h"

#include <stdbool.h>

/* Share of the duration in which a carried load may exceed the goal. */
#define EXCEED 0.5
/* The first look: one trial for each load, until this close. */
#define COARSE_WIDTH 0.05
/* A chain that carries less than this has nothing to be rated. */
#define LEAST_PPS 10.0
/* How far a step beyond a bound goes at most, relative to it. */
#define STEP_MAX 0.5

struct search {
	const struct sff_rate_goal *goal;
	sff_rate_trial trial;
	void *arg;
	struct sff_rate_result *result;
};

/* Is a load carried? 1, 0, or less than 0 to give up. */
static int
classify(struct search *s, double pps, double sum_s)
{
	double good = 0, bad = 0, losses = 0;
	uint32_t trials = 0, exceeded = 0;
	int carried = -1;

	while (carried < 0) {
		double loss, whole;
		int rc = s->trial(s->arg, pps, s->goal->trial_s, &loss);

		if (rc < 0)
			return rc;
		s->result->all++;
		trials++;
		losses += loss;
		exceeded += loss > s->goal->loss;
		*(loss > s->goal->loss ? &bad : &good) += s->goal->trial_s;
		whole = good + bad > sum_s ? good + bad : sum_s;
		if (bad > EXCEED * whole)
			carried = 0;
		else if (whole - good <= EXCEED * whole)
			carried = 1;
	}
	if (carried) {
		s->result->pps = pps;
		s->result->loss = losses / trials;
		s->result->trials = trials;
		s->result->exceeded = exceeded;
	}
	return carried;
}

/* From a guess outwards until there is a bound on either side, then halve. */
static int
close_in(struct search *s, double guess, double top, double width, double sum_s)
{
	double low = 0, high = 0, step = width, load = guess < top ? guess : top;

	*s->result = (struct sff_rate_result){.all = s->result->all};
	while (load >= LEAST_PPS) {
		int carried = classify(s, load, sum_s);

		if (carried < 0)
			return carried;
		*(carried ? &low : &high) = load;
		if (low >= top || (high > 0 && (high - low) / high <= width))
			break;
		if (low > 0 && high > 0) {
			load = (low + high) / 2;
			continue;
		}
		load = carried ? load * (1 + step) : load * (1 - step);
		if (load > top)
			load = top;
		step = 2 * step < STEP_MAX ? 2 * step : STEP_MAX;
	}
	s->result->above_pps = high;
	return 0;
}

int
sff_rate_find(const struct sff_rate_goal *goal, double guess, double top, sff_rate_trial trial, void *arg,
	struct sff_rate_result *result)
{
	struct search s = {.goal = goal, .trial = trial, .arg = arg, .result = result};
	double coarse = goal->width > COARSE_WIDTH ? goal->width : COARSE_WIDTH;
	int rc;

	*result = (struct sff_rate_result){0};
	rc = close_in(&s, guess, top, coarse, goal->trial_s);
	if (rc != 0 || result->pps == 0 || (goal->width >= coarse && goal->sum_s <= goal->trial_s))
		return rc;
	return close_in(&s, result->pps, top, goal->width, goal->sum_s);
}
