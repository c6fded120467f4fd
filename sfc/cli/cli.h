/**
 * The `sluice` command: verbs, their options, and how they fail. Included by every file of the command.
 *
 * With --json, stdout holds one JSON document and nothing else; what is meant for people goes to stderr.
 */
#ifndef CLI_H
#define CLI_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* Exit codes, a contract with scripts (docs/architecture.md). */
enum cli_exit {
	CLI_DONE = 0,
	CLI_USAGE = 1,  /* usage, or what the machine lacks */
	CLI_CONFIG = 2, /* the configuration file is wrong */
	CLI_BOOKS = 3,  /* the books do not balance */
	CLI_BOUND = 4,  /* a test or bound failed */
};

/* What an option's value is stored as, at its offset in the verb's arguments. */
enum cli_kind {
	CLI_FILE,     /* const char *: the argument without a name */
	CLI_FLAG,     /* bool */
	CLI_TEXT,     /* const char * */
	CLI_OPTIONAL, /* const char *: NULL = not given, "" = given without a value; a value is a number */
	CLI_LIST,     /* struct cli_list: may be repeated, and may take several values at once */
};

struct cli_list {
	const char **item;
	unsigned int n;
};

struct cli_option {
	const char *name;  /* without dashes; NULL ends the table */
	const char *value; /* name of the value in the help, NULL when there is none */
	enum cli_kind kind;
	size_t offset;
	const char *help;
};

struct cli_verb {
	const char *name;
	const char *summary; /* one line */
	const char *usage;   /* after "sluice NAME" */
	const char *example; /* lines that end in \n */
	const struct cli_option *options;
	int (*run)(const struct cli_verb *verb, int argc, char **argv); /* argv[0] is the verb; exit code */
};

extern const struct cli_verb cli_bench;
extern const struct cli_verb cli_check;
extern const struct cli_verb cli_replay;

/**
 * Fill a verb's arguments from its option table; --help is answered here.
 *
 * @param args       the verb's struct of arguments, zeroed.
 * @param exit_code  set when the verb is not to run: help was printed, or the usage is wrong and was
 * reported.
 * @return           true when the verb is to run. Lists belong to the caller (cli_list_free).
 */
bool cli_parse(const struct cli_verb *verb, int argc, char **argv, void *args, int *exit_code);
void cli_list_free(struct cli_list *list);

/** True when --json is among the words: what errors before and during parsing go by. */
bool cli_wants_json(int argc, char *const argv[]);

/** Print `sluice: text` on stderr, and {"error": text} on stdout when json is true. @return exit_code. */
__attribute__((format(printf, 3, 4))) int cli_fail(bool json, int exit_code, const char *format, ...);

/** Print a document on stdout as one line. Takes the reference. */
void cli_print_json(json_t *document);

#endif
