#include "cli_config.h"
#include "cli_replay.h"
#include "cli_text.h"

/* The one document: the results, which are taken, else what is wrong with the file, else what failed. */
static void
print_json(const struct cli_replay *r, const struct cli_outcome *outcome, json_t *results)
{
	const struct sfc_error error = {.file = r->config->file, .reason = outcome->error};

	if (results != NULL)
		cli_print_json(results);
	else if (outcome->exit_code == CLI_CONFIG)
		cli_print_errors(&error, 1);
	else
		cli_print_json(json_pack("{s:o}", "error", cli_json_text(outcome->error)));
}

int
cli_run(struct cli_replay *r, const struct cli_show *show)
{
	struct cli_outcome outcome = {0};
	json_t *results;
	char err[256];
	int rc;

	r->node = sfc_config_node(r->config, r->node_name, err, sizeof(err));
	if (r->node < 0)
		return cli_fail(r->json, CLI_USAGE, "%s", err);
	rc = cli_check_node(r->config, r->node, r->json);
	if (rc == CLI_DONE)
		rc = cli_captures_check(r);
	if (rc != CLI_DONE)
		return rc;
	cli_sff_replay(r, &outcome);
	results = show->results(&outcome);
	if (r->json)
		print_json(r, &outcome, results);
	else if (results != NULL)
		show->print(r, outcome.report);
	if (!r->json)
		json_decref(results);
	rc = outcome.exit_code;
	if (rc == CLI_DONE && !cli_report_balanced(outcome.report))
		rc = CLI_BOOKS;
	cli_outcome_free(&outcome);
	return rc;
}
