/**
 * A histogram of latencies: log-linear, two decimal digits, 100 ns to 1 s (performance: docs/benchmarks.md).
 *
 * Included by the load port, by sff's probe and by what prints them. One writer; read at rest.
 */
#ifndef PMD_HIST_H
#define PMD_HIST_H

#include <stdbool.h>
#include <stdint.h>

#define PMD_HIST_LOW     100u        /* ns; anything less is counted here */
#define PMD_HIST_HIGH    1000000000u /* ns; anything more is counted here */
#define PMD_HIST_DECADES 7u
#define PMD_HIST_STEPS   90u /* 10 to 99 of a decade */
#define PMD_HIST_BUCKETS (PMD_HIST_DECADES * PMD_HIST_STEPS + 1)

struct pmd_hist {
	uint64_t bucket[PMD_HIST_BUCKETS];
	uint64_t count;
	uint64_t max_ns; /* the exact largest value */
};

/** The bucket of a value. */
unsigned int pmd_hist_index(uint64_t ns);

/** Least value of a bucket, ns: exact in two digits. */
uint64_t pmd_hist_low(unsigned int index);

void pmd_hist_add(struct pmd_hist *hist, uint64_t ns);

/**
 * The value that a share of all values do not exceed: the upper edge of its bucket, never above the largest.
 *
 * @param share  0..1. @return ns, 0 of an empty histogram.
 */
uint64_t pmd_hist_share(const struct pmd_hist *hist, double share);

#endif
