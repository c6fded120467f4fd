#include "cli.h"

#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct cli_verb *const verbs[] = {&cli_check, &cli_replay, &cli_bench};

#define VERBS (sizeof(verbs) / sizeof(verbs[0]))

static void
print_help(FILE *out)
{
	fprintf(out, "sluice: service function chains for NSH packets\n\nusage: sluice VERB ...\n\n");
	for (size_t i = 0; i < VERBS; i++)
		fprintf(out, "  %-10s %s\n", verbs[i]->name, verbs[i]->summary);
	fprintf(out,
		"\n'sluice VERB --help' says more and gives an example; 'sluice --version' the version.\n"
		"\nexample:\n  sluice check chain.yaml\n");
}

/* Descriptors 0 to 2 are taken, so that nothing of ours gets in their place. */
static void
hold_standard_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

static int
run(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : NULL;

	if (word == NULL) {
		print_help(stderr);
		return CLI_USAGE;
	}
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
		print_help(stdout);
		return CLI_DONE;
	}
	if (strcmp(word, "--version") == 0) {
		printf("sluice %s\n", SLUICE_VERSION);
		return CLI_DONE;
	}
	for (size_t i = 0; i < VERBS; i++)
		if (strcmp(word, verbs[i]->name) == 0)
			return verbs[i]->run(verbs[i], argc - 1, argv + 1);
	return cli_fail(
		cli_wants_json(argc, argv), CLI_USAGE, "'%s' is not a verb; see 'sluice --help'", word);
}

int
main(int argc, char **argv)
{
	int exit_code;

	hold_standard_descriptors();
	setlocale(LC_CTYPE, ""); /* only this: numbers stay as they are in C */
	exit_code = run(argc, argv);
	/* A report that nobody got was not given. */
	if (fflush(stdout) == 0 && !ferror(stdout))
		return exit_code;
	cli_fail(false, CLI_USAGE, "the standard output cannot be written");
	return exit_code == CLI_DONE ? CLI_USAGE : exit_code;
}
