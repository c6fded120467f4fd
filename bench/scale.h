/**
 * What bench/scaling measures, with everything that can grow. Included by scaling.c and the scale_*.c.
 */
#ifndef BENCH_SCALE_H
#define BENCH_SCALE_H

#include "bench.h"

#define SCALE_MD1     UINT32_MAX /* instead of a number of TLVs */
#define SCALE_WORKERS 8u

struct scale {
	const char *what;
	uint32_t paths, rules;
	uint32_t flows; /* rounded up to a power of two */
	bool zipf;      /* flow k comes with a probability of 1/k; else all alike */
	uint32_t frame; /* bytes of the inner frame; 0 = a mix of 64, 570 and 1,518, 7 : 4 : 1 */
	uint32_t tlvs;
	uint32_t burst;
	uint32_t workers;
};

/** How to open what is measured; NULL = there is no such thing. The case's state is its struct scale. */
int (*scale_find(const char *what))(struct bench_case *c);

/** Size of the i-th frame. */
uint32_t scale_frame(const struct scale *s, uint32_t i);

/* scale_ring.c: a VM's ring. */
int scale_copy_in_open(struct bench_case *c);
int scale_copy_out_open(struct bench_case *c);

/* scale_workers.c */
int scale_workers_open(struct bench_case *c);
/** The mean of what workers measure at the same time. */
void scale_workers_measure(struct bench_case *c, const struct bench_plan *plan, struct bench_result *result);

#endif
