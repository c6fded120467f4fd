/**
 * Text for people: numbers, tables, names that may hold anything. Included by the parts of `sluice` that
 * print.
 */
#ifndef CLI_TEXT_H
#define CLI_TEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* The widest line of human output. */
#define CLI_COLUMNS 100
/* Bytes of a formatted number. */
#define CLI_NUMBER 32

/** 1234567 -> "1,234,567". @return text. */
const char *cli_number(char text[CLI_NUMBER], uint64_t value);

/** A rate with its unit, three digits: "2.41 Mframe/s". @return text. */
const char *cli_rate(char text[CLI_NUMBER], double value, const char *unit);

/** Microseconds as "4.1 ms" or "1.25 s". @return text. */
const char *cli_time_us(char text[CLI_NUMBER], uint64_t us);

/** Columns a UTF-8 text takes, one per code point. */
unsigned int cli_width(const char *text);

/** A copy that takes at most `columns`, its end cut to "..". Owned by the caller; never NULL. */
char *cli_cut(const char *text, unsigned int columns);

/** True when stdout's locale is UTF-8: lines can be drawn. */
bool cli_utf8(void);

/** Print text with control characters as '?': no foreign text moves the cursor. */
void cli_put_clean(FILE *out, const char *text);

/** A JSON string of text; bytes that are not UTF-8 become '?'. New reference. */
json_t *cli_json_text(const char *text);

/** Text as one word of a POSIX shell. Owned by the caller; never NULL. */
char *cli_shell_word(const char *text);

/** printf to a new string. Owned by the caller; never NULL: without memory the program ends. */
__attribute__((format(printf, 1, 2))) char *cli_format(const char *format, ...);

/* A table of at most this many columns; rows are added, then it is printed once. */
#define CLI_TABLE_COLUMNS 8

struct cli_table {
	unsigned int n_columns;
	const char *align; /* per column 'l' or 'r' */
	char **cell;       /* rows * n_columns */
	unsigned int n_rows;
};

/** Add a row: n_columns texts, copied. The first row is the heading. */
void cli_table_row(struct cli_table *table, const char *const cell[]);

/** Print with two spaces before each column, texts cut to fit CLI_COLUMNS; frees the rows. */
void cli_table_print(struct cli_table *table, FILE *out);

/** Print a section heading, bold on a terminal. */
void cli_heading(FILE *out, const char *text);

/** True when `out` is a terminal that takes colour (NO_COLOR is not set). */
bool cli_colour(FILE *out);

#endif
