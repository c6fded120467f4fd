#include "cli_draw.h"
#include "cli_json.h"
#include "cli_replay.h"
#include "cli_text.h"

#include <stdlib.h>

/* What a reader still takes in; the tables below the picture hold the rest. */
#define PATHS_SHOWN     6u
#define HOPS_SHOWN      12u
#define INSTANCES_SHOWN 5u
/* A cut name keeps this many columns. */
#define NAME_COLUMNS 6u
#define PATH_COLUMNS 24u

/* True when frames that enter at this port may be classified into the path. */
static bool
enters_at(const struct cli_replay *r, int path, int port)
{
	const struct sfc_config *c = r->config;

	for (unsigned int i = 0; i < c->n_rules; i++) {
		const struct sfc_rule *rule = &c->rule[i];
		bool any = rule->match_node < 0 && c->node[r->node].port[port].role == SFC_ROLE_ACCESS;

		if (rule->action == SFC_ACTION_PATH && rule->path == path &&
			(any || (rule->match_node == r->node && rule->match_port == port)))
			return true;
	}
	for (unsigned int i = 0; i < c->n_paths; i++)
		if (c->path[i].reverse == path && c->path[i].egress_node == r->node &&
			c->path[i].egress_port == port)
			return true;
	return false;
}

static bool
has_input(const struct cli_replay *r, int port)
{
	for (unsigned int i = 0; i < r->n_captures; i++)
		if (!r->capture[i].output && r->capture[i].port == port)
			return true;
	return false;
}

/* Name of the port that leads to the other nodes. */
static const char *
transport_port(const struct cli_replay *r)
{
	const struct sfc_node *node = &r->config->node[r->node];

	for (unsigned int i = 0; i < node->n_locators; i++)
		if (node->locator[i].port >= 0)
			return node->port[node->locator[i].port].name;
	return "transport";
}

/* Where frames of the path come from: ports with an input, else ports it could start at, else other nodes. */
static void
draw_start(const struct cli_replay *r, struct cli_drawing *drawing, int path)
{
	const struct sfc_node *node = &r->config->node[r->node];
	unsigned int starts = 0, fed = 0;

	for (unsigned int i = 0; i < node->n_ports; i++) {
		starts += enters_at(r, path, (int)i);
		fed += enters_at(r, path, (int)i) && has_input(r, (int)i);
	}
	cli_draw_cell(drawing, false);
	if (starts == 0) {
		cli_draw_line(drawing, transport_port(r));
		return;
	}
	for (unsigned int i = 0; i < node->n_ports; i++)
		if (enters_at(r, path, (int)i) && (fed == 0 || has_input(r, (int)i)))
			cli_draw_line(drawing, node->port[i].name);
	cli_draw_cell(drawing, true);
	cli_draw_line(drawing, "classifier");
}

/* "fw-1 (kvm, 4.1 ms)" or "fw-2 on edge-2"; a long name is cut, what follows it is not. */
static void
draw_instance(const struct cli_replay *r, const json_t *instances, struct cli_drawing *drawing,
	const struct sfc_instance *instance)
{
	const json_t *booted = cli_json_find(instances, instance->name);
	char boot[CLI_NUMBER];
	char *after, *name, *line;
	unsigned int width;

	if (instance->node != r->node)
		after = cli_format(" on %s", r->config->node[instance->node].name);
	else if (booted == NULL)
		after = cli_format("%s", "");
	else
		after = cli_format(" (%s, %s)", cli_json_get_text(booted, "runtime"),
			cli_time_us(boot, cli_json_get_number(booted, "boot_us")));
	width = cli_width(after);
	name = cli_cut(instance->name,
		width + NAME_COLUMNS < CLI_CELL_COLUMNS ? CLI_CELL_COLUMNS - width : NAME_COLUMNS);
	line = cli_format("%s%s", name, after);
	cli_draw_line(drawing, line);
	free(after);
	free(name);
	free(line);
}

static void
draw_function(const struct cli_replay *r, const json_t *instances, struct cli_drawing *drawing, int function)
{
	const struct sfc_function *f = &r->config->function[function];

	cli_draw_cell(drawing, true);
	cli_draw_line(drawing, f->name);
	for (unsigned int i = 0; i < f->n_instances && i < INSTANCES_SHOWN; i++)
		draw_instance(r, instances, drawing, &r->config->instance[f->instance[i]]);
	if (f->n_instances > INSTANCES_SHOWN) {
		char *text = cli_format("and %u more", f->n_instances - INSTANCES_SHOWN);

		cli_draw_line(drawing, text);
		free(text);
	}
}

static void
draw_path(const struct cli_replay *r, const json_t *instances, int index)
{
	const struct sfc_path *path = &r->config->path[index];
	const struct sfc_node *last = &r->config->node[path->egress_node];
	struct cli_drawing drawing = {0};

	draw_start(r, &drawing, index);
	for (unsigned int i = 0; i < path->n_hops && i < HOPS_SHOWN; i++)
		draw_function(r, instances, &drawing, path->hop[i]);
	if (path->n_hops > HOPS_SHOWN) {
		char *text = cli_format("%u more hops", path->n_hops - HOPS_SHOWN);

		cli_draw_cell(&drawing, false);
		cli_draw_line(&drawing, text);
		free(text);
	}
	cli_draw_cell(&drawing, false);
	if (path->egress_node == r->node) {
		cli_draw_line(&drawing, last->port[path->egress_port].name);
	} else {
		cli_draw_line(&drawing, transport_port(r));
		cli_draw_cell(&drawing, false);
		cli_draw_line(&drawing, last->name);
	}
	cli_draw_print(&drawing, stdout);
}

void
cli_chain_print(const struct cli_replay *r, const json_t *report)
{
	const json_t *paths = json_object_get(report, "paths");
	unsigned int used = 0;

	for (unsigned int i = 0; i < r->config->n_paths; i++) {
		const struct sfc_path *path = &r->config->path[i];
		const json_t *counts = cli_json_find(paths, path->name);
		uint64_t in = cli_json_get_number(counts, "in");
		uint64_t out = cli_json_get_number(counts, "out");
		char in_text[CLI_NUMBER], out_text[CLI_NUMBER];

		if ((in == 0 && out == 0) || used++ >= PATHS_SHOWN)
			continue;
		char *name = cli_cut(path->name, PATH_COLUMNS);
		char *title = cli_format("path %s, SPI %u: %s in, %s out", name, path->spi,
			cli_number(in_text, in), cli_number(out_text, out));

		cli_heading(stdout, title);
		free(title);
		free(name);
		draw_path(r, json_object_get(report, "instances"), (int)i);
	}
	if (used > PATHS_SHOWN)
		printf("\n%u more paths saw frames.\n", used - PATHS_SHOWN);
	if (used == 0)
		printf("\nNo path saw a frame.\n");
}
