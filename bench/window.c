#include "bench.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <x86intrin.h>

const struct bench_plan bench_plan_default = {.discard = 200, .windows = 2000, .window_tc = 30000};

/* Above this many times the median somebody else ran in between: performance.md, 4. */
#define PREEMPTED 3.0

/* Reading the clock waits for what came before, and what comes after waits for it. */
static inline uint64_t
clock_read(void)
{
	unsigned int cpu;
	uint64_t tsc = __rdtscp(&cpu);

	_mm_lfence();
	return tsc;
}

static uint64_t
clock_cost(void)
{
	uint64_t best = UINT64_MAX;

	for (int i = 0; i < 1000; i++) {
		uint64_t start = clock_read();
		uint64_t cost = clock_read() - start;

		if (cost < best)
			best = cost;
	}
	return best;
}

/* The measured wrapper. */
static inline uint64_t
timed(struct bench_case *c, uint32_t (*run)(struct bench_case *), double plant, uint32_t *packets)
{
	uint64_t start = clock_read(), end;

	*packets = run(c);
	if (plant > 0) {
		uint64_t until = __rdtsc();

		until += (uint64_t)((double)(until - start) * plant / 100);
		while (__rdtsc() < until)
			;
	}
	end = clock_read();
	return end - start;
}

static int
ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

void
bench_summarise(double *cost, uint32_t n, struct bench_result *result)
{
	uint32_t preempted = 0;

	qsort(cost, n, sizeof(cost[0]), ascending);
	result->windows = n;
	result->lo = cost[0];
	result->p10 = cost[n / 10];
	result->med = cost[n / 2];
	result->p90 = cost[n * 9 / 10];
	for (uint32_t i = 0; i < n; i++)
		preempted += cost[i] > PREEMPTED * result->med;
	result->preempted = (double)preempted / n;
}

/* Windows of one loop into cost[]; returns its packets per TSC cycle. */
static double
measure(struct bench_case *c, uint32_t (*run)(struct bench_case *), const struct bench_plan *plan,
	double plant, double *cost)
{
	uint64_t overhead = clock_cost(), all_tc = 0, all_packets = 0;

	for (uint32_t w = 0; w < plan->discard + plan->windows; w++) {
		uint64_t tc = 0, packets = 0;

		while (tc < plan->window_tc) {
			uint64_t spent;
			uint32_t n;

			if (c->prepare != NULL)
				c->prepare(c);
			spent = timed(c, run, plant, &n);
			tc += spent > overhead ? spent - overhead : 0;
			packets += n;
		}
		if (w < plan->discard)
			continue;
		cost[w - plan->discard] = (double)tc / (double)packets;
		all_tc += tc;
		all_packets += packets;
	}
	return (double)all_packets / (double)all_tc;
}

void
bench_measure(struct bench_case *c, const struct bench_plan *plan, struct bench_result *result)
{
	bool planted = plan->plant_case != NULL && strcmp(plan->plant_case, c->name) == 0;
	uint32_t trials = c->null != NULL ? BENCH_TRIALS : 1;
	double *cost = calloc(2 * (size_t)trials * plan->windows, sizeof(*cost));
	double *null = cost + (size_t)trials * plan->windows;
	double pps[BENCH_TRIALS];
	struct bench_result subtract;

	if (cost == NULL)
		abort();
	for (uint32_t t = 0; t < trials; t++) {
		pps[t] =
			measure(c, c->run, plan, planted ? plan->plant_percent : 0, &cost[t * plan->windows]);
		if (c->null != NULL)
			measure(c, c->null, plan, 0, &null[t * plan->windows]);
	}
	bench_summarise(cost, trials * plan->windows, result);
	qsort(pps, trials, sizeof(pps[0]), ascending);
	result->pps = pps[trials / 2];
	if (c->null != NULL) {
		bench_summarise(null, trials * plan->windows, &subtract);
		result->lo = fmax(result->lo - subtract.lo, 0);
		result->p10 = fmax(result->p10 - subtract.p10, 0);
		result->med = fmax(result->med - subtract.p10, 0);
		result->p90 = fmax(result->p90 - subtract.p10, 0);
	}
	free(cost);
}
