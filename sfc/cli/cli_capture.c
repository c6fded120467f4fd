#include "cli_replay.h"

#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int
parse_one(struct cli_replay *replay, const char *word, bool output)
{
	const struct sfc_node *node = &replay->config->node[replay->node];
	const char *option = output ? "--out" : "--in";
	const char *equals = strchr(word, '=');
	struct cli_capture *capture = &replay->capture[replay->n_captures];

	if (equals == NULL || equals == word || equals[1] == '\0')
		return cli_fail(replay->json, CLI_USAGE, "%s %s is not PORT=FILE", option, word);
	*capture = (struct cli_capture){.port_name = strndup(word, (size_t)(equals - word)),
		.file = equals + 1,
		.port = -1,
		.output = output};
	replay->n_captures++;
	for (unsigned int i = 0; i < node->n_ports; i++)
		if (strcmp(node->port[i].name, capture->port_name) == 0)
			capture->port = (int)i;
	if (capture->port < 0)
		return cli_fail(replay->json, CLI_USAGE, "%s %s: node '%s' has no port '%s'", option, word,
			node->name, capture->port_name);
	return CLI_DONE;
}

static int
check_input(const struct cli_replay *replay, const struct cli_capture *capture)
{
	struct stat st;

	if (stat(capture->file, &st) < 0 || access(capture->file, R_OK) < 0)
		return cli_fail(replay->json, CLI_USAGE, "--in %s=%s: %s", capture->port_name, capture->file,
			strerror(errno));
	if (S_ISDIR(st.st_mode))
		return cli_fail(replay->json, CLI_USAGE, "--in %s=%s: %s", capture->port_name, capture->file,
			strerror(EISDIR));
	return CLI_DONE;
}

/* Two names of one file: through links, or, when it does not exist yet, through its folder. */
static bool
same_file(const char *a, const char *b)
{
	struct stat x, y;
	char *copy_a, *copy_b;
	char *folder_a, *folder_b;
	bool same;
	bool a_exists = stat(a, &x) == 0;

	if (a_exists != (stat(b, &y) == 0))
		return false;
	if (a_exists)
		return S_ISREG(x.st_mode) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
	copy_a = strdup(a);
	copy_b = strdup(b);
	folder_a = realpath(dirname(copy_a), NULL);
	folder_b = realpath(dirname(copy_b), NULL);
	free(copy_a);
	free(copy_b);
	copy_a = strdup(a);
	copy_b = strdup(b);
	same = folder_a != NULL && folder_b != NULL && strcmp(folder_a, folder_b) == 0 &&
	       strcmp(basename(copy_a), basename(copy_b)) == 0;
	free(copy_a);
	free(copy_b);
	free(folder_a);
	free(folder_b);
	return same;
}

static int
check_output(const struct cli_replay *replay, const struct cli_capture *capture)
{
	char *copy = strdup(capture->file);
	struct stat st;
	int error = 0;

	if (stat(capture->file, &st) == 0) {
		if (S_ISDIR(st.st_mode))
			error = EISDIR;
		else if (access(capture->file, W_OK) < 0)
			error = errno;
	} else if (access(dirname(copy), W_OK | X_OK) < 0) {
		error = errno;
	}
	free(copy);
	if (error == 0 && same_file(capture->file, replay->file))
		return cli_fail(replay->json, CLI_USAGE, "--out %s=%s would overwrite the configuration",
			capture->port_name, capture->file);
	if (error == 0)
		return CLI_DONE;
	return cli_fail(replay->json, CLI_USAGE, "--out %s=%s: %s", capture->port_name, capture->file,
		strerror(error));
}

static int
check_pair(const struct cli_replay *replay, const struct cli_capture *a, const struct cli_capture *b)
{
	if (a->output == b->output && a->port == b->port)
		return cli_fail(replay->json, CLI_USAGE, "%s %s is given twice: %s and %s",
			a->output ? "--out" : "--in", a->port_name, a->file, b->file);
	if (!a->output && !b->output)
		return CLI_DONE;
	if (!same_file(a->file, b->file))
		return CLI_DONE;
	if (a->output && b->output)
		return cli_fail(replay->json, CLI_USAGE,
			"--out %s=%s: the output of port '%s' goes there too", b->port_name, b->file,
			a->port_name);
	return cli_fail(replay->json, CLI_USAGE, "--out %s=%s would overwrite the input of port '%s'",
		b->port_name, b->file, a->port_name);
}

int
cli_captures_check(struct cli_replay *replay)
{
	int rc = CLI_DONE;

	replay->capture = calloc(replay->in.n + replay->out.n + 1, sizeof(*replay->capture));
	if (replay->capture == NULL)
		return cli_fail(replay->json, CLI_USAGE, "no memory");
	for (unsigned int i = 0; i < replay->in.n && rc == CLI_DONE; i++)
		rc = parse_one(replay, replay->in.item[i], false);
	for (unsigned int i = 0; i < replay->out.n && rc == CLI_DONE; i++)
		rc = parse_one(replay, replay->out.item[i], true);
	for (unsigned int i = 0; i < replay->n_captures && rc == CLI_DONE; i++) {
		const struct cli_capture *capture = &replay->capture[i];

		rc = capture->output ? check_output(replay, capture) : check_input(replay, capture);
		for (unsigned int k = 0; k < i && rc == CLI_DONE; k++)
			rc = check_pair(replay, &replay->capture[k], capture);
	}
	return rc;
}

void
cli_captures_free(struct cli_replay *replay)
{
	for (unsigned int i = 0; i < replay->n_captures; i++)
		free(replay->capture[i].port_name);
	free(replay->capture);
}
