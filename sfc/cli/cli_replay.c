#include "cli_replay.h"

#include "cli_config.h"
#include "cli_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A burst of the packet path: more than this is never in one. */
#define LOCKSTEP_MAX 64
/* Faster than any frame could pass: `max` is meant. The dataplane refuses more, too. */
#define SPEED_MAX 1e6

static const struct cli_option options[] = {
	{"FILE", NULL, CLI_FILE, offsetof(struct cli_replay, file), "the configuration, YAML or JSON"},
	{"node", "NAME", CLI_TEXT, offsetof(struct cli_replay, node_name),
		"the node to be; else the only one, or the host's name"},
	{"in", "PORT=FILE...", CLI_LIST, offsetof(struct cli_replay, in),
		"what this port receives, pcap or pcapng; merged by time"},
	{"out", "PORT=FILE...", CLI_LIST, offsetof(struct cli_replay, out),
		"write what this port sends, pcap or .pcapng"},
	{"runtime", "RUNTIME", CLI_TEXT, offsetof(struct cli_replay, runtime),
		"run every instance as auto, kvm or process"},
	{"lockstep", "[BURST]", CLI_OPTIONAL, offsetof(struct cli_replay, lockstep),
		"drain each burst of 1..64 (1) before the next: same bytes every time"},
	{"speed", "X|max", CLI_TEXT, offsetof(struct cli_replay, speed),
		"X times recorded time; max (the default) loses nothing"},
	{"loop", "N", CLI_TEXT, offsetof(struct cli_replay, loop), "send the captures N times"},
	{"json", NULL, CLI_FLAG, offsetof(struct cli_replay, json), "print the report as one JSON document"},
	{0},
};

/* A whole number within bounds; text is not empty. */
static bool
number_within(const char *text, unsigned long low, unsigned long high)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &end, 10);
	return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 && value >= low &&
	       value <= high;
}

static bool
speed_is_good(const char *text)
{
	char *end;
	double value = strtod(text, &end);

	return strcmp(text, "max") == 0 || (end != text && *end == '\0' && value > 0 && value <= SPEED_MAX);
}

static int
check_options(const struct cli_replay *r)
{
	if (r->in.n == 0)
		return cli_fail(r->json, CLI_USAGE, "replay: --in PORT=FILE is missing: nothing to send");
	if (r->runtime != NULL && strcmp(r->runtime, "auto") != 0 && strcmp(r->runtime, "kvm") != 0 &&
		strcmp(r->runtime, "process") != 0)
		return cli_fail(r->json, CLI_USAGE, "--runtime %s is not auto, kvm or process", r->runtime);
	if (r->lockstep != NULL && r->lockstep[0] != '\0' && !number_within(r->lockstep, 1, LOCKSTEP_MAX))
		return cli_fail(r->json, CLI_USAGE, "--lockstep %s is not a burst of 1..%d", r->lockstep,
			LOCKSTEP_MAX);
	if (r->speed != NULL && !speed_is_good(r->speed))
		return cli_fail(r->json, CLI_USAGE,
			"--speed %s is neither max nor a number above 0, up to 1000000", r->speed);
	if (r->lockstep != NULL && r->speed != NULL && strcmp(r->speed, "max") != 0)
		return cli_fail(r->json, CLI_USAGE, "--lockstep and --speed exclude each other");
	if (r->loop != NULL && !number_within(r->loop, 1, UINT32_MAX))
		return cli_fail(
			r->json, CLI_USAGE, "--loop %s is not a number of 1..%u", r->loop, UINT32_MAX);
	return CLI_DONE;
}

static json_t *
report_of(const struct cli_outcome *outcome)
{
	return json_incref(json_object_get(outcome->report, "report"));
}

static const struct cli_show show = {report_of, cli_report_print};

static int
run(const struct cli_verb *verb, int argc, char **argv)
{
	struct cli_replay r = {0};
	int exit_code;

	if (cli_parse(verb, argc, argv, &r, &exit_code)) {
		exit_code = check_options(&r);
		if (exit_code == CLI_DONE)
			exit_code = cli_load(r.file, r.json, &r.config);
		if (exit_code == CLI_DONE) {
			exit_code = cli_run(&r, &show);
			sfc_config_free(r.config);
		}
	}
	cli_captures_free(&r);
	cli_list_free(&r.in);
	cli_list_free(&r.out);
	return exit_code;
}

const struct cli_verb cli_replay = {
	.name = "replay",
	.summary = "send captures through a chain and print the books",
	.usage = "FILE --in PORT=FILE... [--out PORT=FILE...] [options]",
	.example = "  sluice replay chain.yaml --in lan=web.pcap --out core=core.pcap\n"
		   "  tshark -r core.pcap -Y nsh -T fields -e nsh.spi -e nsh.si -e nsh.ttl\n",
	.options = options,
	.run = run,
};
