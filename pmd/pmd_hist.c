#include "pmd_hist.h"

static const uint64_t decade[PMD_HIST_DECADES + 1] = {
	100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000};

unsigned int
pmd_hist_index(uint64_t ns)
{
	unsigned int d = 0;

	if (ns < PMD_HIST_LOW)
		return 0;
	if (ns >= PMD_HIST_HIGH)
		return PMD_HIST_BUCKETS - 1;
	while (ns >= decade[d + 1])
		d++;
	return d * PMD_HIST_STEPS + (unsigned int)(ns / (decade[d] / 10)) - 10;
}

uint64_t
pmd_hist_low(unsigned int index)
{
	unsigned int d = index / PMD_HIST_STEPS;

	return (index % PMD_HIST_STEPS + 10) * (decade[d] / 10);
}

void
pmd_hist_add(struct pmd_hist *hist, uint64_t ns)
{
	hist->bucket[pmd_hist_index(ns)]++;
	hist->count++;
	if (ns > hist->max_ns)
		hist->max_ns = ns;
}

uint64_t
pmd_hist_share(const struct pmd_hist *hist, double share)
{
	uint64_t seen = 0;

	for (unsigned int i = 0; i + 1 < PMD_HIST_BUCKETS; i++) {
		seen += hist->bucket[i];
		if (seen > 0 && (double)seen >= share * (double)hist->count) {
			uint64_t high = pmd_hist_low(i + 1);

			return high < hist->max_ns ? high : hist->max_ns;
		}
	}
	return hist->max_ns;
}
