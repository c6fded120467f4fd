/* One point of a curve: what a packet costs when one thing grows. bench/scaling.py draws the curves. */
#include "cases.h"
#include "frames.h"
#include "scale.h"
#include "world.h"

#include <stdlib.h>
#include <string.h>

#define CALIBRATE_SECONDS 0.2

static int
usage(void)
{
	fputs("usage: scaling WHAT [--paths N] [--rules N] [--flows N] [--zipf] [--frame BYTES|imix] [--tlvs "
	      "N]\n"
	      "                [--burst N] [--workers N] [--windows N]\n"
	      "\n"
	      "Measures one point and prints one line of JSON. WHAT:\n"
	      "  forward   NSH frames from the transport to the next SFF (--tlvs: MD type 2 with so many)\n"
	      "  classify  plain frames of known flows, pushed and sent to the next SFF\n"
	      "  match     the rules alone\n"
	      "  copy-in, copy-out   a VM's ring\n"
	      "  workers   forward, as many workers at once, each on a CPU of its own\n",
		stderr);
	return BENCH_EXIT_USAGE;
}

static bool
number(const char *text, uint32_t low, uint32_t high, uint32_t *value)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	*value = (uint32_t)n;
	return *text >= '0' && *text <= '9' && *end == '\0' && n >= low && n <= high;
}

static bool
parse(int argc, char **argv, struct scale *s, uint32_t *windows)
{
	const struct {
		const char *name;
		uint32_t low, high, *value;
	} options[] = {{"--paths", 1, 16384, &s->paths}, {"--rules", 1, 10000, &s->rules},
		{"--flows", 1, 1 << 22, &s->flows}, {"--frame", FRAME_INNER, 9000, &s->frame},
		{"--tlvs", 0, 4, &s->tlvs}, {"--burst", 1, 64, &s->burst},
		{"--workers", 1, SCALE_WORKERS, &s->workers}, {"--windows", 10, 1000000, windows}};

	if (argc < 2)
		return false;
	s->what = argv[1];
	for (int i = 2; i < argc; i++) {
		bool good = false;

		if (strcmp(argv[i], "--zipf") == 0) {
			s->zipf = true;
			continue;
		}
		if (i + 1 == argc)
			return false;
		if (strcmp(argv[i], "--frame") == 0 && strcmp(argv[i + 1], "imix") == 0) {
			s->frame = 0;
			i++;
			continue;
		}
		for (size_t k = 0; k < RTE_DIM(options); k++)
			if (strcmp(argv[i], options[k].name) == 0)
				good = number(argv[i + 1], options[k].low, options[k].high, options[k].value);
		if (!good)
			return false;
		i++;
	}
	return true;
}

int
main(int argc, char **argv)
{
	struct scale s = {.paths = 16,
		.rules = 1,
		.flows = 4096,
		.frame = FRAME_INNER,
		.tlvs = SCALE_MD1,
		.burst = BENCH_BURST,
		.workers = 1};
	struct bench_plan plan = bench_plan_default;
	struct bench_calibration cal;
	/* Static: what it holds lasts until the process ends. */
	static struct bench_case c = {.name = "point"};
	struct bench_result r;
	int (*open)(struct bench_case *);

	if (!parse(argc, argv, &s, &plan.windows) || (open = scale_find(s.what)) == NULL)
		return usage();
	c.state = &s;
	bench_pin();
	if (world_eal() != 0)
		return BENCH_EXIT_USAGE;
	bench_calibrate(&cal, CALIBRATE_SECONDS, BENCH_CALIBRATE_NAME);
	if (open(&c) != 0)
		return BENCH_EXIT_FAILED;
	if (strcmp(s.what, "workers") == 0)
		scale_workers_measure(&c, &plan, &r);
	else
		bench_measure(&c, &plan, &r);
	if (c.check != NULL && c.check(&c) != 0)
		return BENCH_EXIT_FAILED;
	printf("{\"what\":\"%s\",\"paths\":%u,\"rules\":%u,\"flows\":%u,\"zipf\":%s,\"frame\":%u,\"md\":%d,"
	       "\"tlvs\":%u,"
	       "\"burst\":%u,\"workers\":%u,\"unit\":\"tc/"
	       "pkt\",\"lo\":%.2f,\"p10\":%.2f,\"med\":%.2f,\"p90\":%.2f,"
	       "\"windows\":%u,\"preempted\":%.3f,\"env\":",
		s.what, s.paths, s.rules, s.flows, s.zipf ? "true" : "false", s.frame,
		s.tlvs == SCALE_MD1 ? 1 : 2, s.tlvs == SCALE_MD1 ? 0 : s.tlvs, s.burst, s.workers, r.lo,
		r.p10, r.med, r.p90, r.windows, r.preempted);
	bench_json_env(stdout, &cal);
	printf("}\n");
	return BENCH_EXIT_OK;
}
