/**
 * What machine is this, right now? Run before and between measurements: numbers of two different machines,
 * or of one that changed its clock, are not compared.
 *
 * Included by bench.h.
 */
#ifndef BENCH_CALIBRATE_H
#define BENCH_CALIBRATE_H

#include <stdint.h>

enum { BENCH_RANDOM_SIZES = 4 }; /* 1, 4, 16 and 64 MiB */

/* Latencies are TSC cycles per dependent load. */
struct bench_calibration {
	char cpu[32]; /* family/model/stepping */
	char model[64];
	char run[37]; /* a UUID */
	uint64_t tsc_hz;
	double core_tsc; /* core cycles per TSC cycle */
	double rdtscp_tc;
	double l1_tc, l2_tc, l3_tc, dram_tc;
	double random_tc[BENCH_RANDOM_SIZES];
	double pp_tc; /* round trip of a cache line to another CPU and back; 0 = there is no other */
	double load;  /* 1-minute load average */
	double steal; /* share of CPU time the hypervisor kept */
};

enum bench_calibrate {
	BENCH_CALIBRATE_AGAIN, /* core_tsc, random_tc[0] (1 MiB), load and steal, which tell whether it
	                          changed */
	BENCH_CALIBRATE_NAME,  /* and what it is */
	BENCH_CALIBRATE_FULL,  /* and its caches and its other CPU */
};

/** Calibrate for at least `seconds`. */
void bench_calibrate(struct bench_calibration *cal, double seconds, enum bench_calibrate what);

#endif
