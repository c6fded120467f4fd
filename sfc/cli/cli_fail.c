#include "cli.h"
#include "cli_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool
cli_wants_json(int argc, char *const argv[])
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--json") == 0)
			return true;
	return false;
}

int
cli_fail(bool json, int exit_code, const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	fputs("sluice: ", stderr);
	cli_put_clean(stderr, text == NULL ? "no memory" : text);
	fputc('\n', stderr);
	if (json)
		cli_print_json(json_pack("{s:o}", "error", cli_json_text(text == NULL ? "no memory" : text)));
	free(text);
	return exit_code;
}

void
cli_print_json(json_t *document)
{
	json_dumpf(document, stdout, JSON_COMPACT);
	putchar('\n');
	fflush(stdout);
	json_decref(document);
}
