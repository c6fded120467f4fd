/* How long a guest takes to live, and what it costs alive: hv_life [--json FILE]
 *
 * Per runtime, 20 times: exec to first heartbeat; exec to ready with 16 MiB touched, memory allocated and a
 * back end that has all rings; memory of the runner beyond the guest's (RssAnon + RssFile; guest memory is
 * RssShmem; in process mode the guest's process counts too). Then CPU time of one idle guest over 2 s. Exit 4
 * when a median is over its target (docs: hypervisor targets). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "runner.h"

#define RUNS   20
#define IDLE_S 2

enum what { HEARTBEAT_US, READY_US, RSS_KIB, IDLE_PERMYRIAD, WHATS };

static const struct {
	const char *name;
	long limit; /* of the median */
} whats[WHATS] = {
	[HEARTBEAT_US] = {"exec_to_heartbeat_us", 5000},
	[READY_US] = {"exec_to_ready_us", 40000},
	[RSS_KIB] = {"runner_rss_kib", 2048},
	[IDLE_PERMYRIAD] = {"idle_cpu_percent_x100", 200},
};

static char hv[512], image[512];

static uint64_t
clock_ns(clockid_t clock)
{
	struct timespec t;

	if (clock_gettime(clock, &t) < 0)
		return 0;
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* A field of /proc/PID/status in KiB; 0 when there is none. */
static long
status_kib(pid_t pid, const char *field)
{
	char path[64], line[256];
	long kib = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "r");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, field, strlen(field)) == 0)
			kib = atol(line + strlen(field));
	if (f != NULL)
		fclose(f);
	return kib;
}

static long
own_kib(pid_t pid)
{
	return pid > 0 ? status_kib(pid, "RssAnon:") + status_kib(pid, "RssFile:") : 0;
}

static uint64_t
cpu_ns(pid_t pid)
{
	clockid_t clock;

	return pid > 0 && clock_getcpuclockid(pid, &clock) == 0 ? clock_ns(clock) : 0;
}

/* Start, bring the rings up, be greeted; returns the control connection or -1. */
static int
start(struct runner *r, const char *runtime, const char *what, long values[WHATS], int *back_end)
{
	char start_ns[24], hello[512];
	const char *args[] = {"run", image, "--memory", "17", "--net", r->net, "--control", r->control,
		"--runtime", runtime, "--start-ns", start_ns, "--arg", what, NULL};
	uint64_t begin = clock_ns(CLOCK_MONOTONIC);
	int control;

	snprintf(start_ns, sizeof(start_ns), "%llu", (unsigned long long)begin);
	if (runner_spawn(r, hv, args) < 0)
		return -1;
	*back_end = runner_connect(r->net);
	if (*back_end < 0 || runner_back_end(*back_end, 2) < 0)
		return -1;
	long rings_us = (long)((clock_ns(CLOCK_MONOTONIC) - begin) / 1000);
	control = runner_connect(r->control);
	if (control < 0 || runner_receive(control, hello, sizeof(hello), NULL) <= 0)
		return -1;
	values[HEARTBEAT_US] = runner_number(hello, "heartbeat_us");
	values[READY_US] = runner_number(hello, "boot_us");
	if (rings_us > values[READY_US])
		values[READY_US] = rings_us;
	values[RSS_KIB] = own_kib(r->pid) + own_kib(runner_child(r->pid));
	return control;
}

static int
one_run(const char *runtime, bool idle, long values[WHATS])
{
	int back_end = -1, control, rc = -1;
	struct runner r;
	char text[1024] = "";

	if (runner_init(&r) < 0)
		return -1;
	control = start(&r, runtime, idle ? "idle" : "touch", values, &back_end);
	if (control >= 0) {
		if (idle) {
			pid_t child = runner_child(r.pid);
			uint64_t before = cpu_ns(r.pid) + cpu_ns(child);

			sleep(IDLE_S);
			values[IDLE_PERMYRIAD] = (long)((cpu_ns(r.pid) + cpu_ns(child) - before) * 10000 /
							(IDLE_S * 1000000000ULL));
		}
		if (runner_send(control, "{\"command\":\"stop\"}") == 0 &&
			runner_wait(&r, 5000, text, sizeof(text)) == 0)
			rc = 0;
		close(control);
	}
	if (rc < 0 && r.pid > 0)
		runner_wait(&r, 100, text, sizeof(text));
	if (rc < 0)
		fprintf(stderr, "hv_life: %s: a run failed: %s\n", runtime, text);
	if (back_end >= 0)
		close(back_end);
	runner_fini(&r);
	return rc;
}

static int
ascending(const void *a, const void *b)
{
	long x = *(const long *)a, y = *(const long *)b;

	return x < y ? -1 : x > y;
}

/* Print one result; true when it is within its target. */
static bool
result(FILE *json, const char *runtime, enum what what, long *value, int n)
{
	long median;
	bool ok;

	qsort(value, (size_t)n, sizeof(*value), ascending);
	median = value[n / 2];
	ok = median <= whats[what].limit;
	printf("%-8s %-22s %7ld - %7ld - %7ld   target %6ld  %s\n", runtime, whats[what].name, value[0],
		median, value[n - 1], whats[what].limit, ok ? "ok" : "OVER");
	if (json != NULL)
		fprintf(json,
			"{\"bench\":\"hv_life\",\"runtime\":\"%s\",\"name\":\"%s\",\"runs\":%d,\"low\":%ld,"
			"\"median\":%ld,\"high\":%ld,\"target\":%ld,\"ok\":%s}\n",
			runtime, whats[what].name, n, value[0], median, value[n - 1], whats[what].limit,
			ok ? "true" : "false");
	return ok;
}

/* 0, or 4 when over a target, or 1 when a run failed. */
static int
measure(FILE *json, const char *runtime)
{
	long all[WHATS][RUNS], values[WHATS];
	int rc = 0;

	for (int i = 0; i < RUNS; i++) {
		if (one_run(runtime, false, values) < 0)
			return 1;
		for (int w = 0; w < IDLE_PERMYRIAD; w++)
			all[w][i] = values[w];
	}
	if (one_run(runtime, true, values) < 0)
		return 1;
	all[IDLE_PERMYRIAD][0] = values[IDLE_PERMYRIAD];
	for (int w = 0; w < WHATS; w++)
		if (!result(json, runtime, (enum what)w, all[w], w == IDLE_PERMYRIAD ? 1 : RUNS))
			rc = 4;
	return rc;
}

static void
header(void)
{
	char line[256], *model = NULL;
	FILE *f = fopen("/proc/cpuinfo", "r");

	while (f != NULL && model == NULL && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, "model name", 10) == 0)
			model = strchr(line, ':');
	if (f != NULL)
		fclose(f);
	line[strcspn(line, "\n")] = '\0';
	printf("hv_life: CPU%s, %ld CPUs, %d runs, lowest - median - highest\n",
		model != NULL ? model : ": ?", sysconf(_SC_NPROCESSORS_ONLN), RUNS);
}

int
main(int argc, char **argv)
{
	static const char *const runtimes[] = {"kvm", "process"};
	char self[400];
	ssize_t size = readlink("/proc/self/exe", self, sizeof(self) - 1);
	FILE *json = NULL;
	int worst = 0;

	if (argc == 3 && strcmp(argv[1], "--json") == 0) {
		json = fopen(argv[2], "w");
		if (json == NULL) {
			fprintf(stderr, "hv_life: %s: %s\n", argv[2], strerror(errno));
			return 1;
		}
	} else if (argc != 1) {
		fprintf(stderr, "usage: hv_life [--json FILE]\n");
		return 1;
	}
	if (size < 0)
		return 1;
	self[size] = '\0';
	*strrchr(self, '/') = '\0';
	snprintf(hv, sizeof(hv), "%s/../bin/hv", self);
	snprintf(image, sizeof(image), "%s/../tests/hv_guest_case", self);
	header();
	for (size_t i = 0; i < sizeof(runtimes) / sizeof(runtimes[0]); i++) {
		if (i == 0 && access("/dev/kvm", R_OK | W_OK) < 0) {
			printf("kvm      SKIP: /dev/kvm: %s\n", strerror(errno));
			continue;
		}
		int rc = measure(json, runtimes[i]);
		worst = rc != 0 && worst != 1 ? rc : worst;
	}
	if (json != NULL)
		fclose(json);
	return worst;
}
