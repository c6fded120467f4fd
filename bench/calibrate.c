#include "calibrate.h"

#include <cpuid.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#define LINE 64u
#define KIB  1024u
#define MIB  (1024u * KIB)

/* Dependent multiplications of 3 core cycles each: the latency of imul r64 on every x86 core since 2011
 * (vendor optimisation guides). */
#define IMUL_CYCLES 3
#define IMUL_LOOPS  2000
#define IMUL_CHAIN  16

#define CHASE_STEPS 20000
#define CHASE_RUNS  5
#define PING_ROUND  500
#define PINGS       (20 * PING_ROUND)

static uint64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_RAW, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static double
core_per_tsc(void)
{
	double best = 0;

	for (int run = 0; run < 8; run++) {
		uint64_t x = 3, start = __rdtsc(), end;
		double ratio;

		for (int i = 0; i < IMUL_LOOPS; i++)
			__asm__ volatile(".rept 16\n\timul %0, %0\n\t.endr" : "+r"(x));
		end = __rdtsc();
		ratio = (double)IMUL_CYCLES * IMUL_LOOPS * IMUL_CHAIN / (double)(end - start);
		if (ratio > best)
			best = ratio;
	}
	return best;
}

static double
rdtscp_cost(void)
{
	uint64_t best = UINT64_MAX;
	unsigned int cpu;

	for (int i = 0; i < 1000; i++) {
		uint64_t start = __rdtscp(&cpu);
		uint64_t end;

		_mm_lfence();
		end = __rdtscp(&cpu);
		_mm_lfence();
		if (end - start < best)
			best = end - start;
	}
	return (double)best;
}

/* Lines in one random cycle (Sattolo), so that no prefetcher knows the next. */
struct chase {
	struct chase *next;
	char pad[LINE - sizeof(void *)];
};

static struct chase *
chase_build(size_t bytes)
{
	size_t n = bytes / LINE;
	struct chase *line = aligned_alloc(4096, bytes);
	uint64_t seed = 0x9e3779b97f4a7c15u;

	if (line == NULL)
		return NULL;
	for (size_t i = 0; i < n; i++)
		line[i].next = &line[i];
	for (size_t i = n - 1; i > 0; i--) {
		struct chase *swap = line[i].next;
		size_t j;

		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		j = seed % i;
		line[i].next = line[j].next;
		line[j].next = swap;
	}
	return line;
}

/* Lowest of several stretches of one walk: the latency, without what the neighbours add. What is larger than
 * the walk stays as cold as building it left it. */
static double
chase_run(const struct chase *line, size_t bytes)
{
	size_t warm = bytes / LINE < CHASE_STEPS ? bytes / LINE : 0;
	const struct chase *at = line;
	double best = 1e9;

	for (size_t i = 0; i < warm; i++)
		at = at->next;
	for (int run = 0; run < CHASE_RUNS; run++) {
		uint64_t start = __rdtsc();
		double cost;

		for (int i = 0; i < CHASE_STEPS; i++)
			at = at->next;
		__asm__ volatile("" : : "r"(at));
		cost = (double)(__rdtsc() - start) / CHASE_STEPS;
		if (cost < best)
			best = cost;
	}
	return best;
}

static double
latency(size_t bytes)
{
	struct chase *line = chase_build(bytes);
	double cost = line != NULL ? chase_run(line, bytes) : 0;

	free(line);
	return cost;
}

/* Two threads, one line: who writes waits for the other's answer. */
struct ping {
	_Alignas(LINE) volatile uint32_t ball;
	int cpu;
};

static void *
pong(void *arg)
{
	struct ping *ping = arg;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(ping->cpu, &set);
	pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
	for (uint32_t i = 0; i < PINGS; i++) {
		while (ping->ball != 2 * i + 1)
			_mm_pause();
		ping->ball = 2 * i + 2;
	}
	return NULL;
}

static int
other_cpu(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	int here = sched_getcpu();

	for (int c = 0; c < cpus; c++)
		if (c != here)
			return c;
	return -1;
}

/* The fastest of several rounds: the other CPU may be taken away in any of them. */
static double
ping_pong(void)
{
	struct ping ping = {.cpu = other_cpu()};
	uint64_t start = 0, best = UINT64_MAX;
	pthread_t thread;

	if (ping.cpu < 0 || pthread_create(&thread, NULL, pong, &ping) != 0)
		return 0;
	for (uint32_t i = 0; i < PINGS; i++) {
		uint64_t now = __rdtsc();

		if (i % PING_ROUND == 0) {
			if (i > 0 && now - start < best)
				best = now - start;
			start = now;
		}
		ping.ball = 2 * i + 1;
		while (ping.ball != 2 * i + 2)
			_mm_pause();
	}
	pthread_join(thread, NULL);
	return (double)best / PING_ROUND;
}

/* CPU time that passed and that the hypervisor gave to others, in ticks; proc(5). */
static void
cpu_ticks(uint64_t *all, uint64_t *stolen)
{
	unsigned long long t[8] = {0};
	FILE *file = fopen("/proc/stat", "re");

	*all = *stolen = 0;
	if (file == NULL)
		return;
	if (fscanf(file, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &t[0], &t[1], &t[2], &t[3], &t[4],
		    &t[5], &t[6], &t[7]) == 8) {
		for (int i = 0; i < 8; i++)
			*all += t[i];
		*stolen = t[7];
	}
	fclose(file);
}

static void
first_line(const char *path, char *text, int size)
{
	FILE *file = fopen(path, "re");

	text[0] = '\0';
	if (file == NULL)
		return;
	if (fgets(text, size, file) == NULL)
		text[0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	fclose(file);
}

/* Family, model and stepping: CPUID leaf 1; the name: leaves 0x80000002 to 4. */
static void
identify(struct bench_calibration *cal)
{
	unsigned int r[12] = {0}, a = 0, b, c, d;

	__get_cpuid(1, &a, &b, &c, &d);
	unsigned int family = (a >> 8 & 0xf) + ((a >> 8 & 0xf) == 0xf ? a >> 20 & 0xff : 0);
	unsigned int model = (a >> 4 & 0xf) | (a >> 12 & 0xf0);
	snprintf(cal->cpu, sizeof(cal->cpu), "%u/%u/%u", family, model, a & 0xf);
	for (unsigned int i = 0; i < 3; i++)
		__get_cpuid(0x80000002 + i, &r[4 * i], &r[4 * i + 1], &r[4 * i + 2], &r[4 * i + 3]);
	memcpy(cal->model, r, sizeof(r));
	cal->model[sizeof(r)] = '\0';
	first_line("/proc/sys/kernel/random/uuid", cal->run, sizeof(cal->run));
}

static void
caches(struct bench_calibration *cal)
{
	static const size_t random_size[BENCH_RANDOM_SIZES] = {MIB, 4 * MIB, 16 * MIB, 64 * MIB};

	cal->rdtscp_tc = rdtscp_cost();
	cal->l1_tc = latency(16 * KIB);
	cal->l2_tc = latency(512 * KIB);
	for (int i = 0; i < BENCH_RANDOM_SIZES; i++)
		cal->random_tc[i] = latency(random_size[i]);
	cal->l3_tc = cal->random_tc[1];
	cal->dram_tc = latency(256 * MIB);
	cal->pp_tc = ping_pong();
}

void
bench_calibrate(struct bench_calibration *cal, double seconds, enum bench_calibrate what)
{
	uint64_t start_ns = now_ns(), start_tsc = __rdtsc(), ticks[2], stolen[2], passed;
	char load[64];

	cpu_ticks(&ticks[0], &stolen[0]);
	if (what >= BENCH_CALIBRATE_NAME) {
		memset(cal, 0, sizeof(*cal));
		identify(cal);
	}
	if (what == BENCH_CALIBRATE_FULL)
		caches(cal);
	cal->core_tsc = 0;
	cal->random_tc[0] = 1e9;
	do { /* best of the whole time: what the machine can do, not what a neighbour left of it */
		double ratio = core_per_tsc(), random = latency(MIB);

		if (ratio > cal->core_tsc)
			cal->core_tsc = ratio;
		if (random < cal->random_tc[0])
			cal->random_tc[0] = random;
		passed = now_ns() - start_ns;
	} while ((double)passed < seconds * 1e9);
	if (what >= BENCH_CALIBRATE_NAME)
		cal->tsc_hz =
			(uint64_t)((double)(__rdtsc() - start_tsc) * 1e9 / (double)(now_ns() - start_ns));
	cpu_ticks(&ticks[1], &stolen[1]);
	cal->steal =
		ticks[1] > ticks[0] ? (double)(stolen[1] - stolen[0]) / (double)(ticks[1] - ticks[0]) : 0;
	first_line("/proc/loadavg", load, sizeof(load));
	cal->load = strtod(load, NULL);
}
