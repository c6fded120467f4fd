#include "cli_text.h"

#include <langinfo.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *
need(void *memory)
{
	if (memory == NULL) {
		fputs("sluice: no memory\n", stderr);
		exit(1);
	}
	return memory;
}

const char *
cli_number(char text[CLI_NUMBER], uint64_t value)
{
	char digits[CLI_NUMBER];
	int n = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)value);
	char *to = text;

	for (int i = 0; i < n; i++) {
		if (i > 0 && (n - i) % 3 == 0)
			*to++ = ',';
		*to++ = digits[i];
	}
	*to = '\0';
	return text;
}

const char *
cli_rate(char text[CLI_NUMBER], double value, const char *unit)
{
	static const char *const prefixes[] = {"", "k", "M", "G", "T"};
	unsigned int p = 0;

	while (value >= 1000 && p < 4) {
		value /= 1000;
		p++;
	}
	snprintf(text, CLI_NUMBER, "%.*f %s%s",
		value < 10    ? 2
		: value < 100 ? 1
			      : 0,
		value, prefixes[p], unit);
	return text;
}

const char *
cli_time_us(char text[CLI_NUMBER], uint64_t us)
{
	if (us < 1000000)
		snprintf(text, CLI_NUMBER, "%llu.%llu ms", (unsigned long long)(us / 1000),
			(unsigned long long)(us % 1000 / 100));
	else
		snprintf(text, CLI_NUMBER, "%llu.%02llu s", (unsigned long long)(us / 1000000),
			(unsigned long long)(us % 1000000 / 10000));
	return text;
}

unsigned int
cli_width(const char *text)
{
	unsigned int n = 0;

	for (; *text != '\0'; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80; /* not a continuation byte */
	return n;
}

char *
cli_cut(const char *text, unsigned int columns)
{
	char *copy = need(malloc(strlen(text) + 3));
	size_t bytes = 0;
	unsigned int n = 0;

	strcpy(copy, text);
	if (cli_width(text) <= columns)
		return copy;
	while (columns >= 2 && text[bytes] != '\0') {
		n += ((unsigned char)text[bytes] & 0xc0) != 0x80;
		if (n > columns - 2)
			break;
		bytes++;
	}
	strcpy(copy + bytes, columns >= 2 ? ".." : "");
	return copy;
}

bool
cli_utf8(void)
{
	return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

void
cli_put_clean(FILE *out, const char *text)
{
	for (; *text != '\0'; text++)
		fputc((unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text, out);
}

json_t *
cli_json_text(const char *text)
{
	json_t *string = json_string(text);

	if (string == NULL) {
		char *copy = cli_cut(text, UINT32_MAX);

		for (char *c = copy; *c != '\0'; c++)
			if ((unsigned char)*c >= 0x80)
				*c = '?';
		string = json_string(copy);
		free(copy);
	}
	return string;
}

char *
cli_shell_word(const char *text)
{
	/* Each quote becomes four characters, and two stand around. */
	char *word = need(malloc(strlen(text) * 4 + 3));
	char *to = word;

	if (text[0] != '\0' && text[0] != '-' &&
		text[strspn(text,
			"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./-+,:=@%")] == '\0')
		return strcpy(word, text);
	*to++ = '\'';
	for (; *text != '\0'; text++) {
		if (*text == '\'')
			to = stpcpy(to, "'\\''");
		else
			*to++ = *text;
	}
	strcpy(to, "'");
	return word;
}

char *
cli_format(const char *format, ...)
{
	va_list args;
	char *text = NULL;
	int n;

	va_start(args, format);
	n = vasprintf(&text, format, args);
	va_end(args);
	return need(n < 0 ? NULL : text);
}

void
cli_table_row(struct cli_table *table, const char *const cell[])
{
	size_t used = (size_t)table->n_rows * table->n_columns;

	table->cell = need(reallocarray(table->cell, used + table->n_columns, sizeof(*table->cell)));
	for (unsigned int i = 0; i < table->n_columns; i++)
		table->cell[used + i] = need(strdup(cell[i]));
	table->n_rows++;
}

/* Make the widest text narrower until a line fits the page; numbers stay whole. */
static void
fit(const struct cli_table *table, unsigned int width[])
{
	unsigned int total = 0;

	for (unsigned int c = 0; c < table->n_columns; c++)
		total += 2 + width[c];
	for (; total > CLI_COLUMNS; total--) {
		unsigned int *widest = NULL;

		for (unsigned int c = 0; c < table->n_columns; c++)
			if (table->align[c] == 'l' && (widest == NULL || width[c] > *widest))
				widest = &width[c];
		if (widest == NULL || *widest <= 8)
			return;
		--*widest;
	}
}

static void
print_row(const struct cli_table *table, unsigned int row, const unsigned int width[], FILE *out)
{
	unsigned int blanks = 0; /* owed before the next text: none stand at a line's end */

	for (unsigned int c = 0; c < table->n_columns; c++) {
		char *text = cli_cut(table->cell[row * table->n_columns + c], width[c]);
		unsigned int pad = width[c] - cli_width(text);

		blanks += 2 + (table->align[c] == 'r' ? pad : 0);
		if (text[0] != '\0') {
			fprintf(out, "%*s", (int)blanks, "");
			cli_put_clean(out, text);
			blanks = 0;
		}
		blanks += table->align[c] == 'r' ? 0 : pad;
		free(text);
	}
	fputc('\n', out);
}

void
cli_table_print(struct cli_table *table, FILE *out)
{
	unsigned int width[CLI_TABLE_COLUMNS] = {0};

	for (unsigned int i = 0; i < table->n_rows * table->n_columns; i++) {
		unsigned int w = cli_width(table->cell[i]);

		if (w > width[i % table->n_columns])
			width[i % table->n_columns] = w;
	}
	fit(table, width);
	for (unsigned int r = 0; r < table->n_rows; r++)
		print_row(table, r, width, out);
	for (unsigned int i = 0; i < table->n_rows * table->n_columns; i++)
		free(table->cell[i]);
	free(table->cell);
	table->cell = NULL;
	table->n_rows = 0;
}

bool
cli_colour(FILE *out)
{
	return isatty(fileno(out)) && getenv("NO_COLOR") == NULL;
}

void
cli_heading(FILE *out, const char *text)
{
	fprintf(out, cli_colour(out) ? "\n\033[1m%s\033[0m\n" : "\n%s\n", text);
}
