#include "cli_config.h"

#include "cli.h"
#include "cli_text.h"
#include "sfc_table.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static json_t *
list_of(const struct sfc_error *error, unsigned int n)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < n; i++)
		json_array_append_new(
			list, json_pack("{s:o, s:i, s:i, s:o, s:o}", "file", cli_json_text(error[i].file),
				      "line", (int)error[i].line, "column", (int)error[i].column, "path",
				      cli_json_text(error[i].path == NULL ? "" : error[i].path), "reason",
				      cli_json_text(error[i].reason)));
	return list;
}

/* @param what  "" or "warning: ". */
static void
print(const struct sfc_error *error, unsigned int n, const char *what)
{
	for (unsigned int i = 0; i < n; i++) {
		const struct sfc_error *e = &error[i];

		cli_put_clean(stderr, e->file);
		if (e->line > 0)
			fprintf(stderr, ":%u:%u", e->line, e->column);
		fprintf(stderr, ": %s", what);
		if (e->path != NULL && e->path[0] != '\0') {
			cli_put_clean(stderr, e->path);
			fputs(": ", stderr);
		}
		cli_put_clean(stderr, e->reason);
		fputc('\n', stderr);
	}
}

void
cli_print_errors(const struct sfc_error *error, unsigned int n)
{
	cli_print_json(json_pack("{s:o}", "errors", list_of(error, n)));
}

static void
report(const struct sfc_error *error, unsigned int n, bool json)
{
	print(error, n, "");
	if (json)
		cli_print_errors(error, n);
}

void
cli_print_warnings(const struct sfc_errors *warnings, bool json)
{
	print(warnings->error, warnings->n, "warning: ");
	if (json && warnings->n == 0)
		cli_print_errors(NULL, 0);
	else if (json)
		cli_print_json(json_pack(
			"{s:[], s:o}", "errors", "warnings", list_of(warnings->error, warnings->n)));
}

int
cli_load(const char *file, bool json, struct sfc_config **config)
{
	struct sfc_errors errors = {0};
	int rc = sfc_load(file, config, &errors);

	if (rc == 0)
		return CLI_DONE;
	if (errors.n > 0)
		report(errors.error, errors.n, json);
	else
		cli_fail(json, 0, "%s: %s", file, strerror(-rc));
	sfc_errors_free(&errors);
	return rc == -EINVAL ? CLI_CONFIG : CLI_USAGE;
}

int
cli_check_node(const struct sfc_config *config, int node, bool json)
{
	struct sfc_table *table;
	char reason[512];
	int rc = sfc_table_build(config, node, &table, reason, sizeof(reason));

	if (rc == 0) {
		sfc_table_free(table);
		return CLI_DONE;
	}
	if (rc != -EINVAL)
		return cli_fail(json, CLI_USAGE, "%s", reason);
	char *path = cli_format("/sfc/node[name='%s']", config->node[node].name);
	const struct sfc_error error = {.file = config->file, .path = path, .reason = reason};

	report(&error, 1, json);
	free(path);
	return CLI_CONFIG;
}
