#include "sfc_load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
sfc_load_port_ref(struct sfc_load *load, const struct lyd_node *leaf, int *node, int *port)
{
	const char *text = lyd_get_value(leaf), *slash = strchr(text, '/'), *name = slash ? slash + 1 : text;
	const struct sfc_name *found, *next;
	char node_name[64];

	*node = *port = -1;
	if (slash) {
		snprintf(node_name, sizeof(node_name), "%.*s", (int)(slash - text), text);
		*node = sfc_names_index(&load->nodes, node_name, 0);
		*port = *node < 0 ? -1 : sfc_names_index(&load->ports, name, *node);
		if (*node < 0)
			sfc_load_error_node(load, leaf, "no node '%s'", node_name);
		else if (*port < 0)
			sfc_load_error_node(load, leaf, "node '%s' has no port '%s'", node_name, name);
		return;
	}
	found = sfc_names_find(&load->ports, name);
	if (!found) {
		sfc_load_error_node(load, leaf, "no node has a port '%s'", name);
		return;
	}
	*node = found->owner;
	*port = found->index;
	next = sfc_names_next(&load->ports, found);
	if (next) {
		const char *first = load->config->node[found->owner].name;
		const char *other = load->config->node[next->owner].name;

		sfc_load_error_node(load, leaf,
			"nodes '%s' and '%s' both have a port '%s': write %s/%s or %s/%s", first, other, name,
			first, name, other, name);
	}
}

static void
take_hops(struct sfc_load *load, const struct lyd_node *data, struct sfc_path *path)
{
	const struct lyd_node *entry = NULL;

	path->hop = sfc_load_new(load, sfc_data_count(data, "hops"), sizeof(*path->hop));
	while (path->hop && (entry = sfc_data_next(data, entry, "hops"))) {
		const char *name = sfc_data_text(entry, "function");
		const struct sfc_name *function = name ? sfc_names_find(&load->functions, name) : NULL;

		path->hop[path->n_hops++] = function ? function->index : -1;
		if (!function)
			sfc_load_error_node(load, entry, "no function '%s'", name ? name : "");
		else if (load->config->function[function->index].n_instances == 0 &&
			 !sfc_data_refused(function->at, "instance"))
			sfc_load_error_node(load, entry, "function '%s' has no instances", name);
	}
	if (path->n_hops > path->initial_si)
		sfc_load_error_node(load, sfc_data_child(data, "initial-si"),
			"%u must be at least %u, the number of hops", path->initial_si, path->n_hops);
}

/* Packets get a new Ethernet header there, and whose it is to be is asked from an address of the port. */
static void
check_ip_egress(struct sfc_load *load, const struct lyd_node *data, const struct sfc_path *path)
{
	const struct sfc_node *node = &load->config->node[path->egress_node];
	const struct sfc_port *port = &node->port[path->egress_port];

	if (port->n_addresses == 0)
		sfc_load_error_node(load, sfc_data_child(data, "payload"),
			"payload 'ip' needs an address on port '%s' of node '%s', where the path ends",
			port->name, node->name);
}

static void
take_path(struct sfc_load *load, const struct lyd_node *data, struct sfc_path *path)
{
	const struct lyd_node *egress = sfc_data_child(data, "egress");

	path->name = sfc_load_copy(load, sfc_data_text(data, "name"));
	path->spi = sfc_data_number(data, "spi");
	path->initial_si = (uint8_t)sfc_data_number(data, "initial-si");
	path->ttl = (uint8_t)sfc_data_number(data, "ttl");
	path->md_type = (uint8_t)sfc_data_number(data, "md-type");
	path->secure = sfc_data_is(data, "secure", "true");
	path->payload_ip = sfc_data_is(data, "payload", "ip");
	path->mtu_refuse = sfc_data_is(data, "mtu-check", "refuse");
	path->reverse = path->egress_node = path->egress_port = -1;
	if (egress)
		sfc_load_port_ref(load, egress, &path->egress_node, &path->egress_port);
	if (path->payload_ip && path->egress_port >= 0)
		check_ip_egress(load, data, path);
	take_hops(load, data, path);
}

static void
take_reverse(struct sfc_load *load, const struct lyd_node *data, int index, struct sfc_path *path)
{
	const struct lyd_node *reverse = sfc_data_child(data, "reverse");

	if (!reverse)
		return;
	path->reverse = sfc_names_index(&load->paths, lyd_get_value(reverse), 0);
	if (path->reverse < 0)
		sfc_load_error_node(load, reverse, "no path '%s'", lyd_get_value(reverse));
	else if (path->reverse == index)
		sfc_load_error_node(load, reverse, "a path is not its own reverse");
}

/* Functions come before paths, so what they say of paths is read here. */
static void
take_may_reclassify(struct sfc_load *load, const struct lyd_node *data, struct sfc_function *function)
{
	const struct lyd_node *leaf = NULL;

	function->may_reclassify =
		sfc_load_new(load, sfc_data_count(data, "may-reclassify"), sizeof(*function->may_reclassify));
	while (function->may_reclassify && (leaf = sfc_data_next(data, leaf, "may-reclassify"))) {
		int path = sfc_names_index(&load->paths, lyd_get_value(leaf), 0);

		if (path < 0)
			sfc_load_error_node(load, leaf, "no path '%s'", lyd_get_value(leaf));
		else
			function->may_reclassify[function->n_may_reclassify++] = path;
	}
}

struct numbered {
	uint32_t spi;
	unsigned int order;
	const struct lyd_node *at;
};

static int
by_spi(const void *a, const void *b)
{
	const struct numbered *x = a, *y = b;

	if (x->spi != y->spi)
		return x->spi < y->spi ? -1 : 1;
	return (x->order > y->order) - (x->order < y->order);
}

/* RFC 8300, 2.3: the SPI identifies the path. */
static void
check_spis(struct sfc_load *load)
{
	const struct lyd_node *path = NULL;
	struct numbered *all = sfc_load_temp(load, load->config->n_paths, sizeof(*all));
	unsigned int i, n = 0;

	while (all && (path = sfc_data_next(load->tree, path, "path"))) {
		const struct lyd_node *spi = sfc_data_child(path, "spi");

		if (spi) {
			all[n] = (struct numbered){sfc_data_number(path, "spi"), n, path};
			n++;
		}
	}
	if (n > 1)
		qsort(all, n, sizeof(*all), by_spi);
	for (i = 1; i < n; i++) {
		if (all[i].spi == all[i - 1].spi)
			sfc_load_error_node(load, sfc_data_child(all[i].at, "spi"),
				"%u is already the spi of path '%s'", all[i].spi,
				sfc_data_text(all[i - 1].at, "name"));
	}
}

void
sfc_load_paths(struct sfc_load *load)
{
	struct sfc_config *config = load->config;
	const struct lyd_node *path = NULL, *function = NULL;
	unsigned int i, n_paths = sfc_data_count(load->tree, "path");

	config->path = sfc_load_new(load, n_paths, sizeof(*config->path));
	if (load->no_memory || sfc_names_init(load, &load->paths, n_paths))
		return;
	while ((path = sfc_data_next(load->tree, path, "path"))) {
		sfc_names_add(&load->paths, sfc_data_text(path, "name"), 0, (int)config->n_paths, path);
		take_path(load, path, &config->path[config->n_paths++]);
	}
	sfc_names_sort(&load->paths);
	for (i = 0; (path = sfc_data_next(load->tree, path, "path")); i++)
		take_reverse(load, path, (int)i, &config->path[i]);
	check_spis(load);
	for (i = 0; (function = sfc_data_next(load->tree, function, "function")); i++)
		if (config->function)
			take_may_reclassify(load, function, &config->function[i]);
}
