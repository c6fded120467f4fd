/**
 * Boxes and arrows on a terminal: a chain of cells that wraps at the page's width. Included by cli_chain.
 */
#ifndef CLI_DRAW_H
#define CLI_DRAW_H

#include <stdbool.h>
#include <stdio.h>

/* Lines in a cell, and columns of each: two boxed functions of any name and both ends fit in a row. */
#define CLI_CELL_LINES   8u
#define CLI_CELL_COLUMNS 26u

struct cli_cell {
	char *line[CLI_CELL_LINES]; /* owned; at least one */
	unsigned int n_lines;
	bool boxed;
};

struct cli_drawing {
	struct cli_cell *cell;
	unsigned int n_cells;
};

/** Begin a new cell. Lines are added to the last one. */
void cli_draw_cell(struct cli_drawing *drawing, bool boxed);

/** Add a line, cut at CLI_CELL_COLUMNS; beyond CLI_CELL_LINES it is not kept. */
void cli_draw_line(struct cli_drawing *drawing, const char *text);

/** Print with lines where the locale is UTF-8, in ASCII elsewhere; frees the cells. */
void cli_draw_print(struct cli_drawing *drawing, FILE *out);

#endif
