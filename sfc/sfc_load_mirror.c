#include "sfc_load.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

static const struct sfc_port *
port_of(const struct sfc_config *config, const struct sfc_mirror *mirror, int port)
{
	return &config->node[mirror->node].port[port];
}

/* One of two leaves: which, or NULL with an error. */
static const struct lyd_node *
take_either(struct sfc_load *load, const struct lyd_node *data, const char *container, const char *a,
	const char *b)
{
	const struct lyd_node *parent = sfc_data_child(data, container);
	const struct lyd_node *first = sfc_data_child(parent, a), *second = sfc_data_child(parent, b);

	if (first && second) {
		sfc_load_error_node(load, second, "'%s' and '%s' exclude each other", a, b);
		return NULL;
	}
	/* what is there and no good has its own error */
	if (!first && !second && !sfc_data_refused(data, container) && !sfc_data_refused(parent, a) &&
		!sfc_data_refused(parent, b))
		sfc_load_error_node(load, parent, "'%s' needs '%s' or '%s'", container, a, b);
	return first ? first : second;
}

static void
take_hop(struct sfc_load *load, const struct lyd_node *from, const struct lyd_node *leaf,
	struct sfc_mirror *mirror)
{
	const struct lyd_node *hop = sfc_data_child(from, "hop");
	int index = sfc_names_index(&load->paths, lyd_get_value(leaf), 0);

	if (index < 0) {
		sfc_load_error_node(load, leaf, "no path '%s'", lyd_get_value(leaf));
		return;
	}
	if (!hop) {
		if (!sfc_data_refused(from, "hop"))
			sfc_load_error_missing(load, sfc_data_yaml(from), "hop");
		return;
	}
	mirror->from_hop = sfc_data_number(from, "hop");
	if (mirror->from_hop > load->config->path[index].n_hops)
		sfc_load_error_node(load, hop, "path '%s' has %u hops", lyd_get_value(leaf),
			load->config->path[index].n_hops);
	else
		mirror->from_path = index;
}

static void
take_from(struct sfc_load *load, const struct lyd_node *data, struct sfc_mirror *mirror)
{
	const struct lyd_node *from = sfc_data_child(data, "from"), *hop = sfc_data_child(from, "hop");
	const struct lyd_node *leaf = take_either(load, data, "from", "port", "path");

	if (!leaf)
		return;
	if (!strcmp(leaf->schema->name, "path"))
		take_hop(load, from, leaf, mirror);
	else if (hop)
		sfc_load_error_node(load, hop, "a hop goes with a path: there is none");
	else
		sfc_load_port_ref(load, leaf, &mirror->node, &mirror->from_port);
}

static char *
take_file(struct sfc_load *load, const struct lyd_node *leaf)
{
	const char *file = lyd_get_value(leaf);
	char path[PATH_MAX];

	if (file[0] == '/')
		return sfc_load_copy(load, file);
	if (!load->folder) {
		sfc_load_error_node(load, leaf, "the current directory is gone: write an absolute path");
		return NULL;
	}
	if ((size_t)snprintf(path, sizeof(path), "%s/%s", load->folder, file) >= sizeof(path)) {
		sfc_load_error_node(load, leaf, "path of the file is longer than %d bytes", PATH_MAX - 1);
		return NULL;
	}
	return sfc_load_copy(load, path);
}

/* A hop is copied where its frames are given to an instance. */
static void
check_hop_node(struct sfc_load *load, const struct lyd_node *leaf, const struct sfc_mirror *mirror)
{
	const struct sfc_config *config = load->config;
	const struct sfc_path *path = &config->path[mirror->from_path];
	int index = path->hop[mirror->from_hop - 1];
	const struct sfc_function *function = index < 0 ? NULL : &config->function[index];
	unsigned int i;

	for (i = 0; function && i < function->n_instances; i++) {
		if (config->instance[function->instance[i]].node == mirror->node)
			return;
	}
	if (function)
		sfc_load_error_node(load, leaf,
			"port '%s' is on node '%s', where hop %u of path '%s', function '%s', has no "
			"instance",
			port_of(config, mirror, mirror->to_port)->name, config->node[mirror->node].name,
			mirror->from_hop, path->name, function->name);
}

/* Fail closed (RFC 8300, 8): copies go no way that the frames themselves may not. */
static void
check_secure(struct sfc_load *load, const struct lyd_node *leaf, const struct sfc_mirror *mirror)
{
	const struct sfc_config *config = load->config;
	const struct sfc_port *to = port_of(config, mirror, mirror->to_port);

	if (to->secure)
		return;
	if (mirror->from_path >= 0 && config->path[mirror->from_path].secure)
		sfc_load_error_node(load, leaf, "path '%s' is secure, port '%s' is not",
			config->path[mirror->from_path].name, to->name);
	else if (mirror->from_port >= 0 && port_of(config, mirror, mirror->from_port)->secure)
		sfc_load_error_node(load, leaf, "port '%s' is secure, port '%s' is not",
			port_of(config, mirror, mirror->from_port)->name, to->name);
}

static void
take_to(struct sfc_load *load, const struct lyd_node *data, struct sfc_mirror *mirror)
{
	const struct lyd_node *leaf = take_either(load, data, "to", "port", "file");
	int node;

	if (leaf && !strcmp(leaf->schema->name, "file"))
		mirror->to_file = take_file(load, leaf);
	if (!leaf || mirror->to_file || strcmp(leaf->schema->name, "port"))
		return;
	sfc_load_port_ref(load, leaf, &node, &mirror->to_port);
	if (mirror->to_port < 0 || (mirror->from_port < 0 && mirror->from_path < 0))
		return;
	if (mirror->from_port < 0) {
		mirror->node = node;
		check_hop_node(load, leaf, mirror);
	} else if (mirror->node != node) {
		sfc_load_error_node(load, leaf, "port '%s' is on node '%s', what it copies on node '%s'",
			lyd_get_value(leaf), load->config->node[node].name,
			load->config->node[mirror->node].name);
		mirror->to_port = -1;
		return;
	} else if (mirror->from_port == mirror->to_port) {
		sfc_load_error_node(load, leaf, "port '%s' cannot be copied to itself", lyd_get_value(leaf));
		mirror->to_port = -1;
		return;
	}
	check_secure(load, leaf, mirror);
}

/* Copies of copies would have no end. */
static void
check_loop(struct sfc_load *load, const struct lyd_node *data, const struct sfc_mirror *mirror)
{
	const struct sfc_config *config = load->config;
	unsigned int i;

	for (i = 0; i < config->n_mirrors; i++) {
		const struct sfc_mirror *other = &config->mirror[i];

		if (other == mirror || other->to_port < 0 || other->node != mirror->node ||
			other->to_port != mirror->from_port)
			continue;
		sfc_load_error_node(load, sfc_data_child(sfc_data_child(data, "from"), "port"),
			"port '%s' gets the copies of mirror '%s': it cannot be copied itself",
			port_of(config, mirror, mirror->from_port)->name, other->name);
		return;
	}
}

static void
take_mirror(struct sfc_load *load, const struct lyd_node *data, struct sfc_mirror *mirror)
{
	const struct lyd_node *filter = sfc_data_child(data, "filter");
	const struct sfc_yaml *at = filter ? sfc_data_yaml(filter) : NULL;

	mirror->name = sfc_load_copy(load, sfc_data_text(data, "name"));
	mirror->node = mirror->from_port = mirror->from_path = mirror->to_port = -1;
	mirror->direction = sfc_data_is(data, "direction", "in")    ? SFC_DIRECTION_IN
	                    : sfc_data_is(data, "direction", "out") ? SFC_DIRECTION_OUT
	                                                            : SFC_DIRECTION_BOTH;
	if (at) {
		mirror->filter = sfc_load_copy(load, lyd_get_value(filter));
		mirror->filter_line = at->line;
		mirror->filter_column = at->column;
	}
	take_from(load, data, mirror);
	take_to(load, data, mirror);
}

void
sfc_load_mirrors(struct sfc_load *load)
{
	struct sfc_config *config = load->config;
	const struct lyd_node *mirror = NULL;
	unsigned int i;

	config->mirror = sfc_load_new(load, sfc_data_count(load->tree, "mirror"), sizeof(*config->mirror));
	while (config->mirror && (mirror = sfc_data_next(load->tree, mirror, "mirror")))
		take_mirror(load, mirror, &config->mirror[config->n_mirrors++]);
	for (i = 0; (mirror = sfc_data_next(load->tree, mirror, "mirror")); i++) {
		if (config->mirror && config->mirror[i].from_port >= 0)
			check_loop(load, mirror, &config->mirror[i]);
	}
}
