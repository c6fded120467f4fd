#include "cli_draw.h"

#include "cli_text.h"

#include <stdlib.h>
#include <string.h>

#define INDENT 2u
#define ARROW  4u /* columns of " -> " */

/* What things are drawn with. */
struct pens {
	const char *top_left, *top_right, *bottom_left, *bottom_right, *flat, *side, *arrow;
};

static const struct pens ascii = {"+", "+", "+", "+", "-", "|", " -> "};
static const struct pens unicode = {"┌", "┐", "└", "┘", "─", "│", " ─▶ "};

void
cli_draw_cell(struct cli_drawing *drawing, bool boxed)
{
	struct cli_cell *grown = reallocarray(drawing->cell, drawing->n_cells + 1, sizeof(*grown));

	if (grown == NULL) {
		fputs("sluice: no memory\n", stderr);
		exit(1);
	}
	drawing->cell = grown;
	drawing->cell[drawing->n_cells++] = (struct cli_cell){.boxed = boxed};
}

void
cli_draw_line(struct cli_drawing *drawing, const char *text)
{
	struct cli_cell *cell = &drawing->cell[drawing->n_cells - 1];

	if (cell->n_lines < CLI_CELL_LINES)
		cell->line[cell->n_lines++] = cli_cut(text, CLI_CELL_COLUMNS);
}

static unsigned int
text_columns(const struct cli_cell *cell)
{
	unsigned int columns = 0;

	for (unsigned int i = 0; i < cell->n_lines; i++)
		if (cli_width(cell->line[i]) > columns)
			columns = cli_width(cell->line[i]);
	return columns;
}

static unsigned int
cell_columns(const struct cli_cell *cell)
{
	return text_columns(cell) + (cell->boxed ? 4 : 0);
}

static void
blank(FILE *out, unsigned int n)
{
	fprintf(out, "%*s", (int)n, "");
}

static void
edge(FILE *out, const char *left, const char *flat, const char *right, unsigned int columns)
{
	fputs(left, out);
	for (unsigned int i = 0; i < columns + 2; i++)
		fputs(flat, out);
	fputs(right, out);
}

/* Line y of a cell: 0 is the upper edge, its text starts on line 1. */
static void
cell_line(FILE *out, const struct cli_cell *cell, const struct pens *pens, unsigned int y)
{
	unsigned int columns = text_columns(cell);
	bool is_text = y >= 1 && y <= cell->n_lines;

	if (!is_text && !(cell->boxed && y <= cell->n_lines + 1)) {
		blank(out, cell_columns(cell));
	} else if (!is_text) {
		edge(out, y == 0 ? pens->top_left : pens->bottom_left, pens->flat,
			y == 0 ? pens->top_right : pens->bottom_right, columns);
	} else {
		const char *text = cell->line[y - 1];

		fprintf(out, "%s%s", cell->boxed ? pens->side : "", cell->boxed ? " " : "");
		cli_put_clean(out, text);
		blank(out, columns - cli_width(text));
		fprintf(out, "%s%s", cell->boxed ? " " : "", cell->boxed ? pens->side : "");
	}
}

/* Print a line without the blanks at its end. */
static void
put_trimmed(FILE *out, char *line)
{
	size_t n = strlen(line);

	while (n > 0 && line[n - 1] == ' ')
		n--;
	fprintf(out, "%.*s\n", (int)n, line);
}

static void
print_row(FILE *out, const struct cli_drawing *drawing, unsigned int first, unsigned int end,
	const struct pens *pens)
{
	unsigned int height = 2;

	for (unsigned int i = first; i < end; i++) {
		const struct cli_cell *cell = &drawing->cell[i];
		unsigned int h = cell->n_lines + (cell->boxed ? 2 : 1);

		height = h > height ? h : height;
	}
	for (unsigned int y = 0; y < height; y++) {
		char *line = NULL;
		size_t size;
		FILE *row = open_memstream(&line, &size);

		if (row == NULL)
			return;
		blank(row, INDENT);
		for (unsigned int i = first; i < end; i++) {
			if (i > 0 && y == 1)
				fputs(pens->arrow, row);
			else if (i > 0)
				blank(row, ARROW);
			cell_line(row, &drawing->cell[i], pens, y);
		}
		fclose(row);
		put_trimmed(out, line);
		free(line);
	}
}

void
cli_draw_print(struct cli_drawing *drawing, FILE *out)
{
	const struct pens *pens = cli_utf8() ? &unicode : &ascii;
	unsigned int first = 0;

	while (first < drawing->n_cells) {
		unsigned int end = first;
		unsigned int columns = INDENT;

		do {
			columns += (end > 0 ? ARROW : 0) + cell_columns(&drawing->cell[end]);
			end++;
		} while (end < drawing->n_cells &&
			 columns + ARROW + cell_columns(&drawing->cell[end]) <= CLI_COLUMNS);
		print_row(out, drawing, first, end, pens);
		first = end;
	}
	for (unsigned int i = 0; i < drawing->n_cells; i++)
		for (unsigned int k = 0; k < drawing->cell[i].n_lines; k++)
			free(drawing->cell[i].line[k]);
	free(drawing->cell);
	*drawing = (struct cli_drawing){0};
}
