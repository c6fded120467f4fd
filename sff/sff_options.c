#include "sff_options.h"
#include "sff_stage.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
	"Usage: sff --config FILE [--node NAME] [--json]\n"
	"       sff --replay --config FILE [--in PORT=CAPTURE]... [--out PORT=CAPTURE]...\n"
	"\n"
	"The dataplane: classifier and service function forwarder of one node. Runs until SIGINT or\n"
	"SIGTERM, then prints its ledger. `sluice replay` and `sluice check` are the usual way in.\n"
	"\n"
	"  --config FILE        service plane, YAML or JSON\n"
	"  --node NAME          which node of the file this is (default: the only one, or the host's name)\n"
	"  --json               print the ledger as JSON\n"
	"  --run-dir DIR        where sockets are made (default: one of our own, removed at exit)\n"
	"  --replay             ports are capture files, or nothing; end when all was read and drained\n"
	"  --in PORT=FILE       replay: frames that enter at a port\n"
	"  --out PORT=FILE      replay: where frames that leave a port are written\n"
	"  --runtime R          replay: auto, kvm or process for every instance\n"
	"  --lockstep BURST     replay: send BURST frames, drain everything, repeat (1 to 64)\n"
	"  --speed X            replay: X times recorded time, or max (lossless, the default)\n"
	"  --loop N             replay: play the input N times\n"
	"  --report-fd FD       replay: write events and the report there, one JSON document a line\n"
	"  --bench              rate the chain by made traffic, or one --in; wants --report-fd\n"
	"  --flows N            bench: flows of made frames (default 1024)\n"
	"  --size BYTES|imix    bench: size of made frames (default 64)\n"
	"  --trial SECONDS      bench: length of a trial (default 1)\n"
	"  --sum SECONDS        bench: length of all trials of one load (default 21)\n"
	"  --width PERCENT      bench: how close a rate is to be found (default 0.5)\n"
	"  --help, --version\n"
	"\n"
	"Example: sff --config edge.yaml --node edge-1\n";

enum option_code {
	OPT_CONFIG = 256,
	OPT_NODE,
	OPT_JSON,
	OPT_RUN_DIR,
	OPT_REPLAY,
	OPT_IN, /* from here to OPT_REPORT_FD: of a replay or bench alone */
	OPT_OUT,
	OPT_RUNTIME,
	OPT_LOCKSTEP,
	OPT_SPEED,
	OPT_LOOP,
	OPT_REPORT_FD,
	OPT_BENCH,
	OPT_FLOWS, /* from here to OPT_WIDTH: of a bench alone */
	OPT_SIZE,
	OPT_TRIAL,
	OPT_SUM,
	OPT_WIDTH,
	OPT_HELP,
	OPT_VERSION,
};

static const struct option long_options[] = {
	{"config", required_argument, NULL, OPT_CONFIG},
	{"node", required_argument, NULL, OPT_NODE},
	{"json", no_argument, NULL, OPT_JSON},
	{"run-dir", required_argument, NULL, OPT_RUN_DIR},
	{"replay", no_argument, NULL, OPT_REPLAY},
	{"in", required_argument, NULL, OPT_IN},
	{"out", required_argument, NULL, OPT_OUT},
	{"runtime", required_argument, NULL, OPT_RUNTIME},
	{"lockstep", required_argument, NULL, OPT_LOCKSTEP},
	{"speed", required_argument, NULL, OPT_SPEED},
	{"loop", required_argument, NULL, OPT_LOOP},
	{"report-fd", required_argument, NULL, OPT_REPORT_FD},
	{"bench", no_argument, NULL, OPT_BENCH},
	{"flows", required_argument, NULL, OPT_FLOWS},
	{"size", required_argument, NULL, OPT_SIZE},
	{"trial", required_argument, NULL, OPT_TRIAL},
	{"sum", required_argument, NULL, OPT_SUM},
	{"width", required_argument, NULL, OPT_WIDTH},
	{"help", no_argument, NULL, OPT_HELP},
	{"version", no_argument, NULL, OPT_VERSION},
	{0},
};

static bool
read_number(const char *name, const char *text, uint64_t low, uint64_t high, uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(text, &end, 10);
	if (errno == 0 && *text >= '0' && *text <= '9' && *end == '\0' && *value >= low && *value <= high)
		return true;
	fprintf(stderr, "sff: --%s: '%s' is not a number from %llu to %llu\n", name, text,
		(unsigned long long)low, (unsigned long long)high);
	return false;
}

static bool
read_speed(const char *text, double *speed)
{
	char *end;

	if (strcmp(text, "max") == 0) {
		*speed = 0;
		return true;
	}
	*speed = strtod(text, &end);
	if (end != text && *end == '\0' && *speed > 0 && *speed <= 1e6)
		return true;
	fprintf(stderr, "sff: --speed: '%s' is neither max nor a factor above 0, up to 1000000\n", text);
	return false;
}

static bool
read_real(const char *name, const char *text, double low, double high, double *value)
{
	char *end;

	*value = strtod(text, &end);
	if (end != text && *end == '\0' && *value >= low && *value <= high)
		return true;
	fprintf(stderr, "sff: --%s: '%s' is not a number from %g to %g\n", name, text, low, high);
	return false;
}

static bool
read_runtime(const char *text, int *runtime)
{
	static const char *const names[] = {
		[SFC_RUNTIME_AUTO] = "auto",
		[SFC_RUNTIME_KVM] = "kvm",
		[SFC_RUNTIME_PROCESS] = "process",
	};

	for (*runtime = SFC_RUNTIME_AUTO; *runtime <= SFC_RUNTIME_PROCESS; (*runtime)++)
		if (strcmp(text, names[*runtime]) == 0)
			return true;
	fprintf(stderr, "sff: --runtime: '%s' is not auto, kvm or process\n", text);
	return false;
}

static bool
add_capture(const char *name, const char *text, struct sff_capture **list, unsigned int *n)
{
	const char *equals = strchr(text, '=');
	struct sff_capture *grown;

	if (equals == NULL || equals == text || equals[1] == '\0') {
		fprintf(stderr, "sff: --%s: '%s' is not PORT=FILE\n", name, text);
		return false;
	}
	grown = reallocarray(*list, *n + 1, sizeof(**list));
	if (grown == NULL)
		return false;
	*list = grown;
	grown[*n].port = strndup(text, (size_t)(equals - text));
	grown[*n].file = strdup(equals + 1);
	if (grown[(*n)++].port != NULL && grown[*n - 1].file != NULL)
		return true;
	fprintf(stderr, "sff: --%s: out of memory\n", name);
	return false;
}

static bool
read_option(int code, struct sff_options *o)
{
	uint64_t value;

	switch (code) {
	case OPT_CONFIG:
		o->config = optarg;
		return true;
	case OPT_NODE:
		o->node = optarg;
		return true;
	case OPT_JSON:
		o->json = true;
		return true;
	case OPT_RUN_DIR:
		o->run_dir = optarg;
		return true;
	case OPT_REPLAY:
		o->replay = true;
		return true;
	case OPT_IN:
		return add_capture("in", optarg, &o->in, &o->n_in);
	case OPT_OUT:
		return add_capture("out", optarg, &o->out, &o->n_out);
	case OPT_RUNTIME:
		return read_runtime(optarg, &o->runtime);
	case OPT_LOCKSTEP:
		if (!read_number("lockstep", optarg, 1, SFF_BURST, &value))
			return false;
		o->lockstep = (uint16_t)value;
		return true;
	case OPT_SPEED:
		return read_speed(optarg, &o->speed);
	case OPT_LOOP:
		return read_number("loop", optarg, 1, UINT32_MAX, &o->loops);
	case OPT_BENCH:
		o->bench = o->replay = true;
		return true;
	case OPT_FLOWS:
		if (!read_number("flows", optarg, 1, SFF_OPTIONS_FLOWS, &value))
			return false;
		o->flows = (uint32_t)value;
		return true;
	case OPT_SIZE:
		value = 0;
		if (strcmp(optarg, "imix") != 0 && !read_number("size", optarg, 60, SFF_OPTIONS_SIZE, &value))
			return false;
		o->frame_size = (uint16_t)value;
		return true;
	case OPT_TRIAL:
		return read_real("trial", optarg, 0.01, 60, &o->trial_s);
	case OPT_SUM:
		return read_real("sum", optarg, 0.01, 600, &o->sum_s);
	case OPT_WIDTH:
		if (!read_real("width", optarg, 0.1, 50, &o->width))
			return false;
		o->width /= 100;
		return true;
	case OPT_REPORT_FD:
		if (!read_number("report-fd", optarg, 3, INT16_MAX, &value))
			return false;
		o->report_fd = (int)value;
		return true;
	}
	return false;
}

int
sff_options_parse(int argc, char **argv, struct sff_options *o)
{
	const char *only_replay = NULL, *only_bench = NULL;
	int code, place;

	*o = (struct sff_options){.runtime = -1,
		.loops = 1,
		.report_fd = -1,
		.flows = 1024,
		.frame_size = 64,
		.trial_s = 1,
		.sum_s = 21,
		.width = 0.005};
	while ((code = getopt_long(argc, argv, "", long_options, &place)) != -1) {
		if (code == OPT_HELP) {
			fputs(usage, stdout);
			return 0;
		}
		if (code == OPT_VERSION) {
			puts("sff " SLUICE_VERSION);
			return 0;
		}
		if (!read_option(code, o))
			return 1;
		if (code >= OPT_IN && code <= OPT_REPORT_FD)
			only_replay = long_options[place].name;
		if (code >= OPT_FLOWS && code <= OPT_WIDTH)
			only_bench = long_options[place].name;
	}
	if (optind != argc) {
		fprintf(stderr, "sff: '%s' is not an option (see sff --help)\n", argv[optind]);
		return 1;
	}
	if (o->config == NULL) {
		fputs("sff: --config FILE is missing (see sff --help)\n", stderr);
		return 1;
	}
	if (!o->replay && only_replay) {
		fprintf(stderr, "sff: --%s goes with --replay\n", only_replay);
		return 1;
	}
	if (!o->bench && only_bench) {
		fprintf(stderr, "sff: --%s goes with --bench\n", only_bench);
		return 1;
	}
	if (o->bench && (o->report_fd < 0 || o->n_in > 1 || o->n_out > 0 || o->lockstep > 0 || o->speed > 0 ||
				o->loops > 1)) {
		fputs("sff: --bench wants --report-fd, takes one --in, and no --out, --lockstep, --speed and "
		      "--loop\n",
			stderr);
		return 1;
	}
	if (o->lockstep > 0 && o->speed > 0) {
		fputs("sff: --lockstep and --speed exclude each other\n", stderr);
		return 1;
	}
	return -1;
}

void
sff_options_free(struct sff_options *o)
{
	for (unsigned int i = 0; i < o->n_in; i++) {
		free(o->in[i].port);
		free(o->in[i].file);
	}
	for (unsigned int i = 0; i < o->n_out; i++) {
		free(o->out[i].port);
		free(o->out[i].file);
	}
	free(o->in);
	free(o->out);
}
