#include "bench.h"
#include "world.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Seconds of the calibration that begins every run, and of the short ones between. */
#define CALIBRATE_SECONDS 2.0
#define CALIBRATE_AGAIN   0.05

/* performance.md, 6: beyond these a run has no verdict. */
#define VOID_PREEMPTED 0.30

struct options {
	const char *only[64];
	unsigned int n_only;
	const char *json;
	uint64_t once;
	bool list, serve, once_given;
	struct bench_plan plan;
};

static int
usage(const char *bench)
{
	fprintf(stderr,
		"usage: %s [--case NAME]... [--windows N] [--json FILE] [--once PACKETS] [--serve] [--list]\n"
		"          [--plant CASE=PERCENT]\n"
		"\n"
		"  --case     measure these cases only\n"
		"  --windows  windows that count, of each trial (default 2000)\n"
		"  --json     append one object per result\n"
		"  --once     run this many packets through each case, untimed: for callgrind (bench/ir.py)\n"
		"  --serve    read 'run CASE' and 'calibrate [full]' lines, answer in JSON (bench/compare)\n"
		"  --plant    make a case slower, inside the measured wrapper: the harness's own test\n",
		bench);
	return BENCH_EXIT_USAGE;
}

static bool
parse_plant(char *text, struct bench_plan *plan)
{
	char *equals = strchr(text, '=');

	if (equals == NULL)
		return false;
	*equals = '\0';
	plan->plant_case = text;
	plan->plant_percent = strtod(equals + 1, NULL);
	return plan->plant_percent > 0;
}

static bool
parse(int argc, char **argv, struct options *o)
{
	*o = (struct options){.plan = bench_plan_default};
	for (int i = 1; i < argc; i++) {
		const char *name = argv[i];

		if (strcmp(name, "--list") == 0) {
			o->list = true;
			continue;
		}
		if (strcmp(name, "--serve") == 0) {
			o->serve = true;
			continue;
		}
		if (++i == argc)
			return false;
		if (strcmp(name, "--case") == 0 && o->n_only < sizeof(o->only) / sizeof(o->only[0])) {
			o->only[o->n_only++] = argv[i];
		} else if (strcmp(name, "--windows") == 0) {
			o->plan.windows = (uint32_t)strtoul(argv[i], NULL, 10);
		} else if (strcmp(name, "--json") == 0) {
			o->json = argv[i];
		} else if (strcmp(name, "--once") == 0) {
			o->once_given = true;
			o->once = strtoull(argv[i], NULL, 10);
		} else if (strcmp(name, "--plant") != 0 || !parse_plant(argv[i], &o->plan)) {
			return false;
		}
	}
	return o->plan.windows >= 10 && (!o->once_given || (o->once > 0 && o->once % BENCH_CHUNK == 0));
}

void
bench_pin(void)
{
	cpu_set_t all, one;

	CPU_ZERO(&one);
	if (sched_getaffinity(0, sizeof(all), &all) != 0)
		return;
	for (int c = CPU_SETSIZE - 1; c >= 0; c--)
		if (CPU_ISSET(c, &all)) {
			CPU_SET(c, &one);
			sched_setaffinity(0, sizeof(one), &one);
			return;
		}
}

static struct bench_case *
find(struct bench_case *cases, unsigned int n, const char *name)
{
	for (unsigned int i = 0; i < n; i++)
		if (strcmp(cases[i].name, name) == 0)
			return &cases[i];
	return NULL;
}

static int
open_case(struct bench_case *c, bool reduced)
{
	if (c->opened)
		return 0;
	if (c->open(c, reduced) != 0) {
		fprintf(stderr, "bench: case '%s' cannot be set up\n", c->name);
		return -1;
	}
	c->opened = true;
	return 0;
}

static int
check_case(struct bench_case *c)
{
	return c->check != NULL ? c->check(c) : 0;
}

/* What callgrind counts: its --toggle-collect and --dump-after name these two, so they stay functions. */
uint32_t bench_once_run(struct bench_case *c);
void bench_once_end(const char *name, uint64_t packets);

__attribute__((noinline)) uint32_t
bench_once_run(struct bench_case *c)
{
	return c->run(c);
}

__attribute__((noinline)) void
bench_once_end(const char *name, uint64_t packets)
{
	printf("once %s %llu\n", name, (unsigned long long)packets);
	fflush(stdout);
}

static uint64_t
once_packets(struct bench_case *c, uint64_t want)
{
	uint64_t packets = 0;

	while (packets < want) {
		if (c->prepare != NULL)
			c->prepare(c);
		packets += bench_once_run(c);
	}
	return packets;
}

/* Warm up unseen by the counts that are compared, then N packets and 2N packets. */
static int
once(struct bench_case *c, uint64_t n)
{
	if (open_case(c, true) != 0)
		return -1;
	bench_once_end("warm", once_packets(c, BENCH_CHUNK));
	bench_once_end(c->name, once_packets(c, n));
	bench_once_end(c->name, once_packets(c, 2 * n));
	return check_case(c);
}

static void
serve_calibration(struct bench_calibration *cal, bool full)
{
	if (full) {
		bench_calibrate(cal, CALIBRATE_SECONDS, BENCH_CALIBRATE_FULL);
		bench_json_env(stdout, cal);
		printf("\n");
	} else {
		bench_calibrate(cal, CALIBRATE_AGAIN, BENCH_CALIBRATE_AGAIN);
		printf("{\"core_tsc\":%.4f,\"random_1m_tc\":%.2f,\"steal\":%.3f}\n", cal->core_tsc,
			cal->random_tc[0], cal->steal);
	}
}

/* Returns an exit code when the program cannot go on, else -1. */
static int
serve_case(const char *bench, struct bench_case *c, const struct bench_plan *plan,
	const struct bench_calibration *cal)
{
	struct bench_result result;

	if (c == NULL || open_case(c, false) != 0) {
		printf("{\"error\":\"%s\"}\n", c == NULL ? "no such case" : "case cannot be set up");
		return -1;
	}
	bench_measure(c, plan, &result);
	if (check_case(c) != 0)
		return BENCH_EXIT_FAILED;
	bench_json(stdout, bench, c, &result, cal);
	return -1;
}

static int
serve(const char *bench, struct bench_case *cases, unsigned int n, const struct bench_plan *plan)
{
	struct bench_calibration cal;
	char line[128];

	bench_calibrate(&cal, CALIBRATE_AGAIN, BENCH_CALIBRATE_NAME);
	while (fgets(line, sizeof(line), stdin) != NULL) {
		int rc = -1;

		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "run ", 4) == 0)
			rc = serve_case(bench, find(cases, n, line + 4), plan, &cal);
		else
			serve_calibration(&cal, strcmp(line, "calibrate full") == 0);
		if (rc >= 0)
			return rc;
		fflush(stdout);
	}
	return BENCH_EXIT_OK;
}

static int
measure(const char *bench, struct bench_case *c, const struct options *o, const struct bench_calibration *cal,
	FILE *json)
{
	struct bench_result result;

	if (open_case(c, false) != 0)
		return -1;
	bench_measure(c, &o->plan, &result);
	bench_table_line(stdout, c, &result);
	if (result.preempted > VOID_PREEMPTED)
		printf("%-20s void: %.0f %% of its windows were preempted\n", c->name,
			100 * result.preempted);
	if (json != NULL)
		bench_json(json, bench, c, &result, cal);
	return check_case(c);
}

static bool
wanted(const struct options *o, const struct bench_case *c)
{
	for (unsigned int i = 0; i < o->n_only; i++)
		if (strcmp(o->only[i], c->name) == 0)
			return true;
	return o->n_only == 0;
}

static int
run(const char *bench, struct bench_case *cases, unsigned int n, const struct options *o)
{
	struct bench_calibration cal;
	FILE *json = o->json != NULL ? fopen(o->json, "ae") : NULL;
	int rc = BENCH_EXIT_OK;

	if (o->json != NULL && json == NULL) {
		perror(o->json);
		return BENCH_EXIT_USAGE;
	}
	if (!o->once_given) {
		bench_calibrate(&cal, CALIBRATE_SECONDS, BENCH_CALIBRATE_FULL);
		bench_table_head(stdout, &cal);
	}
	for (unsigned int i = 0; i < n; i++) {
		if (!wanted(o, &cases[i]))
			continue;
		if ((o->once_given ? once(&cases[i], o->once) : measure(bench, &cases[i], o, &cal, json)) !=
			0)
			rc = BENCH_EXIT_FAILED;
	}
	if (json != NULL)
		fclose(json);
	return rc;
}

int
bench_main(const char *bench, struct bench_case *cases, unsigned int n, int argc, char **argv)
{
	struct options o;

	if (!parse(argc, argv, &o))
		return usage(bench);
	for (unsigned int i = 0; i < o.n_only; i++)
		if (find(cases, n, o.only[i]) == NULL) {
			fprintf(stderr, "%s: no case '%s' (see --list)\n", bench, o.only[i]);
			return BENCH_EXIT_USAGE;
		}
	if (o.list) {
		for (unsigned int i = 0; i < n; i++)
			puts(cases[i].name);
		return BENCH_EXIT_OK;
	}
	bench_pin();
	if (world_eal() != 0)
		return BENCH_EXIT_USAGE;
	return o.serve ? serve(bench, cases, n, &o.plan) : run(bench, cases, n, &o);
}
