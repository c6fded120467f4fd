/**
 * One replay or bench: what was asked for, and what came out. Included by the parts of `sluice replay` and
 * `sluice bench`.
 */
#ifndef CLI_REPLAY_H
#define CLI_REPLAY_H

#include "cli.h"
#include "sfc_config.h"

/* PORT=FILE of --in or --out. */
struct cli_capture {
	char *port_name;
	const char *file;
	int port; /* index in the node */
	bool output;
};

struct cli_replay {
	const char *file;
	const char *node_name;
	struct cli_list in;
	struct cli_list out;
	const char *runtime;
	const char *lockstep;
	const char *speed;
	const char *loop;
	/* bench: NULL = the dataplane's default */
	bool bench;
	const char *size, *flows, *trial, *sum, *width;
	bool json;

	struct sfc_config *config;
	int node;
	struct cli_capture *capture;
	unsigned int n_captures;
};

/* What the dataplane said before it ended. */
struct cli_outcome {
	json_t *report; /* the whole "report" event; NULL when there was none */
	char *error;    /* the first failure, NULL when there was none */
	int exit_code;
};

/**
 * Take --in and --out apart and see that each can be read or written.
 *
 * @return CLI_DONE with replay->capture filled, or an exit code; it was reported.
 */
int cli_captures_check(struct cli_replay *replay);
void cli_captures_free(struct cli_replay *replay);

/**
 * Start the program sff beside this one, follow it until it ended, and take away what it left.
 *
 * Failures and notes are printed on stderr as they come. The caller owns what is in outcome
 * (cli_outcome_free).
 */
void cli_sff_replay(const struct cli_replay *replay, struct cli_outcome *outcome);
void cli_outcome_free(struct cli_outcome *outcome);

/** How an outcome is shown. */
struct cli_show {
	/* For programs: a new reference, NULL when there is nothing but a failure to show. */
	json_t *(*results)(const struct cli_outcome *outcome);
	/* For people, on stdout, when there are results. */
	void (*print)(const struct cli_replay *replay, const json_t *event);
};

/**
 * The command line in itself is good: check node and captures, run the dataplane, show what came out, or what
 * failed, and say with which code to exit.
 */
int cli_run(struct cli_replay *replay, const struct cli_show *show);

/** True when the report's own numbers balance; it is not taken at its word. */
bool cli_report_balanced(const json_t *event);

/** Print chain, tables, ledger and verdict of an outcome with a report for people, on stdout. */
void cli_report_print(const struct cli_replay *replay, const json_t *event);

/** Print what a bench found for people, on stdout. */
void cli_bench_print(const struct cli_replay *replay, const json_t *event);

/** Draw the paths that saw frames, with their instances, on stdout. */
void cli_chain_print(const struct cli_replay *replay, const json_t *report);

#endif
