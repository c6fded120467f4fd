#include "cli.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* More options than any verb has; getopt_long wants an array of them. */
#define OPTIONS_MAX 16
/* getopt_long values: 1 is an argument without a name (its own), options count from here. */
#define FIRST_VALUE 256

static void
print_help(const struct cli_verb *verb)
{
	printf("sluice %s: %s\n\nusage: sluice %s %s\n\n", verb->name, verb->summary, verb->name,
		verb->usage);
	for (const struct cli_option *o = verb->options; o->name != NULL; o++) {
		char left[40];

		snprintf(left, sizeof(left), "%s%s%s%s", o->kind == CLI_FILE ? "" : "--", o->name,
			o->value == NULL ? "" : " ", o->value == NULL ? "" : o->value);
		printf("  %-22s %s\n", left, o->help);
	}
	printf("  %-22s %s\n\nexample:\n%s", "--help", "print this", verb->example);
}

static void
list_add(struct cli_list *list, const char *item)
{
	const char **grown = reallocarray(list->item, list->n + 1, sizeof(*grown));

	if (grown == NULL) {
		fprintf(stderr, "sluice: no memory for the arguments\n");
		exit(CLI_USAGE);
	}
	list->item = grown;
	list->item[list->n++] = item;
}

void
cli_list_free(struct cli_list *list)
{
	free(list->item);
	*list = (struct cli_list){0};
}

static void *
field(void *args, const struct cli_option *option)
{
	return (char *)args + option->offset;
}

static void
store(void *args, const struct cli_option *option, const char *value)
{
	switch (option->kind) {
	case CLI_FLAG:
		*(bool *)field(args, option) = true;
		break;
	case CLI_OPTIONAL:
		*(const char **)field(args, option) = value == NULL ? "" : value;
		break;
	case CLI_LIST:
		list_add(field(args, option), value);
		break;
	case CLI_FILE:
	case CLI_TEXT:
		*(const char **)field(args, option) = value;
		break;
	}
}

/* A word without dashes: one more value of the option before it, or the file. */
static bool
store_word(const struct cli_verb *verb, void *args, const struct cli_option *before, const char *word)
{
	if (before != NULL && before->kind == CLI_LIST && strchr(word, '=') != NULL) {
		store(args, before, word);
		return true;
	}
	if (before != NULL && before->kind == CLI_OPTIONAL && word[0] != '\0' &&
		word[strspn(word, "0123456789")] == '\0' && **(const char **)field(args, before) == '\0') {
		store(args, before, word);
		return true;
	}
	for (const struct cli_option *o = verb->options; o->name != NULL; o++)
		if (o->kind == CLI_FILE && *(const char **)field(args, o) == NULL) {
			store(args, o, word);
			return true;
		}
	return false;
}

static unsigned int
getopt_table(const struct cli_verb *verb, struct option table[OPTIONS_MAX + 2])
{
	static const int has_arg[] = {[CLI_FLAG] = no_argument,
		[CLI_TEXT] = required_argument,
		[CLI_OPTIONAL] = optional_argument,
		[CLI_LIST] = required_argument};
	unsigned int n = 0;

	for (unsigned int i = 0; verb->options[i].name != NULL && n < OPTIONS_MAX; i++)
		if (verb->options[i].kind != CLI_FILE)
			table[n++] = (struct option){verb->options[i].name, has_arg[verb->options[i].kind],
				NULL, FIRST_VALUE + (int)i};
	table[n++] = (struct option){"help", no_argument, NULL, 'h'};
	table[n] = (struct option){0};
	return n;
}

bool
cli_parse(const struct cli_verb *verb, int argc, char **argv, void *args, int *exit_code)
{
	const struct cli_option *before = NULL;
	bool json = cli_wants_json(argc, argv);
	struct option table[OPTIONS_MAX + 2];
	int value;

	getopt_table(verb, table);
	*exit_code = CLI_DONE;
	optind = 0; /* start afresh */
	/* '-': words come in order, as value 1; ':': a missing value is told apart. */
	while ((value = getopt_long(argc, argv, "-:h", table, NULL)) != -1) {
		const char *word = argv[optind - 1];

		if (value == 'h') {
			print_help(verb);
			return false;
		}
		if (value == ':') {
			*exit_code =
				cli_fail(json, CLI_USAGE, "%s: option '%s' needs a value", verb->name, word);
			return false;
		}
		if (value == '?') {
			*exit_code = cli_fail(json, CLI_USAGE,
				"%s: option '%s' is unknown, or takes no value; see 'sluice %s --help'",
				verb->name, word, verb->name);
			return false;
		}
		if (value >= FIRST_VALUE) {
			before = &verb->options[value - FIRST_VALUE];
			store(args, before, optarg);
		} else if (!store_word(verb, args, before, optarg)) {
			*exit_code = cli_fail(json, CLI_USAGE,
				"%s: '%s' is one word too many; usage: sluice %s %s", verb->name, optarg,
				verb->name, verb->usage);
			return false;
		}
	}
	for (; optind < argc; optind++) /* after "--" */
		if (!store_word(verb, args, NULL, argv[optind])) {
			*exit_code = cli_fail(
				json, CLI_USAGE, "%s: '%s' is one word too many", verb->name, argv[optind]);
			return false;
		}
	for (const struct cli_option *o = verb->options; o->name != NULL; o++)
		if (o->kind == CLI_FILE && *(const char **)field(args, o) == NULL) {
			*exit_code = cli_fail(json, CLI_USAGE, "%s: %s is missing; usage: sluice %s %s",
				verb->name, o->name, verb->name, verb->usage);
			return false;
		}
	return true;
}
