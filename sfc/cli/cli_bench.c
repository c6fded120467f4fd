#include "cli_config.h"
#include "cli_replay.h"
#include "cli_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What --quick stands for: a look, not a rating. */
#define QUICK_TRIAL "0.2"
#define QUICK_SUM   "0.6"
#define QUICK_WIDTH "3"

struct bench {
	struct cli_replay replay;
	bool quick;
};

#define OFFSET(field) offsetof(struct bench, replay.field)

static const struct cli_option options[] = {
	{"FILE", NULL, CLI_FILE, OFFSET(file), "the configuration, YAML or JSON"},
	{"node", "NAME", CLI_TEXT, OFFSET(node_name),
		"the node to be; else the only one, or the host's name"},
	{"in", "PORT=FILE", CLI_LIST, OFFSET(in),
		"send a capture, over and over; else frames made for the first rule"},
	{"runtime", "RUNTIME", CLI_TEXT, OFFSET(runtime), "run every instance as auto, kvm or process"},
	{"size", "BYTES|imix", CLI_TEXT, OFFSET(size), "of made frames: 60..9000 (64), or a mix"},
	{"flows", "N", CLI_TEXT, OFFSET(flows), "of made frames: 1..65536 (1024)"},
	{"trial", "SECONDS", CLI_TEXT, OFFSET(trial), "length of a trial: 0.01..60 (1)"},
	{"sum", "SECONDS", CLI_TEXT, OFFSET(sum), "length of all trials of one load: 0.01..600 (21)"},
	{"width", "PERCENT", CLI_TEXT, OFFSET(width), "how close a rate is found: 0.1..50 (0.5)"},
	{"quick", NULL, CLI_FLAG, offsetof(struct bench, quick),
		"a look in seconds: --trial " QUICK_TRIAL " --sum " QUICK_SUM " --width " QUICK_WIDTH},
	{"json", NULL, CLI_FLAG, OFFSET(json), "print the results as one JSON document"},
	{0},
};

static bool
within(const char *text, double low, double high)
{
	char *end;
	double value = text != NULL ? strtod(text, &end) : low;

	return text == NULL || (end != text && *end == '\0' && value >= low && value <= high);
}

static int
check_options(const struct cli_replay *r)
{
	if (r->in.n > 1)
		return cli_fail(r->json, CLI_USAGE, "bench: one --in PORT=FILE at most");
	if (r->in.n > 0 && (r->size != NULL || r->flows != NULL))
		return cli_fail(
			r->json, CLI_USAGE, "bench: --size and --flows are of made frames: not with --in");
	if (r->runtime != NULL && strcmp(r->runtime, "auto") != 0 && strcmp(r->runtime, "kvm") != 0 &&
		strcmp(r->runtime, "process") != 0)
		return cli_fail(r->json, CLI_USAGE, "--runtime %s is not auto, kvm or process", r->runtime);
	if (r->size != NULL && strcmp(r->size, "imix") != 0 && !within(r->size, 60, 9000))
		return cli_fail(r->json, CLI_USAGE, "--size %s is neither imix nor 60..9000 bytes", r->size);
	if (!within(r->flows, 1, 65536))
		return cli_fail(r->json, CLI_USAGE, "--flows %s is not a number of 1..65536", r->flows);
	if (!within(r->trial, 0.01, 60))
		return cli_fail(r->json, CLI_USAGE, "--trial %s is not 0.01..60 seconds", r->trial);
	if (!within(r->sum, 0.01, 600))
		return cli_fail(r->json, CLI_USAGE, "--sum %s is not 0.01..600 seconds", r->sum);
	if (!within(r->width, 0.1, 50))
		return cli_fail(r->json, CLI_USAGE, "--width %s is not 0.1..50 percent", r->width);
	return CLI_DONE;
}

/* Rates of a chain that failed meanwhile say nothing. */
static json_t *
results_of(const struct cli_outcome *outcome)
{
	const json_t *event = outcome->report;

	if (event == NULL || outcome->error != NULL)
		return NULL;
	return json_pack("{s:O, s:O, s:O}", "results", json_object_get(event, "results"), "bottleneck",
		json_object_get(event, "bottleneck"), "ledger",
		json_object_get(json_object_get(event, "report"), "ledger"));
}

static const struct cli_show show = {results_of, cli_bench_print};

static int
run(const struct cli_verb *verb, int argc, char **argv)
{
	struct bench b = {.replay.bench = true};
	struct cli_replay *r = &b.replay;
	int exit_code;

	if (cli_parse(verb, argc, argv, &b, &exit_code)) {
		exit_code = check_options(r);
		if (b.quick && r->trial == NULL)
			r->trial = QUICK_TRIAL;
		if (b.quick && r->sum == NULL)
			r->sum = QUICK_SUM;
		if (b.quick && r->width == NULL)
			r->width = QUICK_WIDTH;
		if (exit_code == CLI_DONE)
			exit_code = cli_load(r->file, r->json, &r->config);
		if (exit_code == CLI_DONE) {
			exit_code = cli_run(r, &show);
			sfc_config_free(r->config);
		}
	}
	cli_captures_free(r);
	cli_list_free(&r->in);
	return exit_code;
}

const struct cli_verb cli_bench = {
	.name = "bench",
	.summary = "rate a chain: highest rates, latency by hop, what holds it up",
	.usage = "FILE [--in PORT=FILE] [options]",
	.example = "  sluice bench chain.yaml --quick\n"
		   "  sluice bench chain.yaml --size imix --json > rates.json\n",
	.options = options,
	.run = run,
};
