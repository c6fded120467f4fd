#include "sfc_load.h"

#include <stdlib.h>
#include <string.h>

/* VLAN tags a proxy can tell places by: VIDs 1..4094 (IEEE 802.1Q, 9.6). */
#define VLAN_PLACES_MAX 4094u

void
sfc_load_proxy(const struct lyd_node *data, struct sfc_function *function)
{
	const struct lyd_node *proxy = sfc_data_child(data, "proxy");

	function->proxy.style = sfc_data_is(proxy, "style", "static") ? SFC_PROXY_STATIC
	                        : sfc_data_is(proxy, "style", "vlan") ? SFC_PROXY_VLAN
	                        : sfc_data_is(proxy, "style", "mac")  ? SFC_PROXY_MAC
	                                                              : SFC_PROXY_FLOW;
	function->proxy.miss_template = sfc_data_is(proxy, "miss", "template");
	function->proxy.idle_s = sfc_data_number(proxy, "idle");
	function->proxy.flows = sfc_data_number(proxy, "flows");
	function->proxy.carry_opaque = sfc_data_is(proxy, "carry-opaque", "true");
}

void
sfc_load_attach(struct sfc_load *load, const struct lyd_node *data, int node, struct sfc_attach *attach)
{
	const struct lyd_node *port = sfc_data_child(data, "port"), *vlan = NULL;

	attach->present = true;
	attach->port = -1;
	sfc_load_mac(load, data, attach->mac);
	while ((vlan = sfc_data_next(data, vlan, "vlan")) && attach->n_vlans < SFC_VLANS_MAX)
		attach->vlan[attach->n_vlans++] = (uint16_t)sfc_data_number(vlan, "vid");
	if (!port || node < 0)
		return;
	attach->port = sfc_names_index(&load->ports, lyd_get_value(port), node);
	if (attach->port < 0)
		sfc_load_error_node(load, port, "node '%s' has no port '%s'", load->config->node[node].name,
			lyd_get_value(port));
	else if (load->config->node[node].port[attach->port].role != SFC_ROLE_TRANSPORT)
		sfc_load_error_node(load, port, "port '%s' is not a transport port", lyd_get_value(port));
}

/* A place of a function: path and hop. */
struct place {
	int path; /* -1 = none */
	unsigned int hop;
};

/* What the paths ask of a function's proxy. */
struct places {
	struct place first, second; /* second: of any path */
	struct place last;
	struct place again; /* the second place in one path: that of `last` before it */
	unsigned int again_hop;
	unsigned int n;
};

static void
find_places(const struct sfc_config *config, struct places *all)
{
	for (unsigned int i = 0; i < config->n_functions; i++)
		all[i].first.path = all[i].second.path = all[i].last.path = all[i].again.path = -1;
	for (unsigned int p = 0; p < config->n_paths; p++)
		for (unsigned int h = 0; h < config->path[p].n_hops; h++) {
			struct place here = {(int)p, h + 1};
			struct places *f;

			if (config->path[p].hop[h] < 0)
				continue;
			f = &all[config->path[p].hop[h]];
			if (f->n == 0)
				f->first = here;
			if (f->n == 1)
				f->second = here;
			if (f->last.path == (int)p && f->again.path < 0) {
				f->again = f->last;
				f->again_hop = h + 1;
			}
			f->last = here;
			f->n++;
		}
}

static void
check_style(struct sfc_load *load, const struct lyd_node *data, const struct sfc_function *function,
	const struct places *f)
{
	const struct sfc_path *path = load->config->path;
	const struct lyd_node *style = sfc_data_child(sfc_data_child(data, "proxy"), "style");

	if (!style)
		return;
	if (function->proxy.style == SFC_PROXY_STATIC && f->n > 1)
		sfc_load_error_node(load, style,
			"style static knows one place, this function has %u: hop %u of path '%s', hop %u of "
			"path '%s'",
			f->n, f->first.hop, path[f->first.path].name, f->second.hop,
			path[f->second.path].name);
	if (function->proxy.style == SFC_PROXY_FLOW && f->again.path >= 0)
		sfc_load_error_node(load, style,
			"style flow cannot tell hop %u from hop %u of path '%s': it is the same flow",
			f->again.hop, f->again_hop, path[f->again.path].name);
	if (function->proxy.style == SFC_PROXY_VLAN && f->n > VLAN_PLACES_MAX)
		sfc_load_error_node(load, style, "style vlan knows %u places, this function has %u",
			VLAN_PLACES_MAX, f->n);
}

static void
check_attached(struct sfc_load *load, const struct lyd_node *data, const struct sfc_function *function)
{
	const struct sfc_config *config = load->config;
	const struct lyd_node *entry = NULL;

	for (unsigned int i = 0; (entry = sfc_data_next(data, entry, "instance")); i++) {
		const struct sfc_instance *instance = &config->instance[function->instance[i]];
		const struct lyd_node *at = sfc_data_child(entry, "attach");

		if (!instance->attach.present || instance->node < 0)
			continue;
		if (function->proxy.style == SFC_PROXY_MAC)
			sfc_load_error_node(load, at,
				"an attached instance is known by its source address, which style mac needs: "
				"take style vlan");
		else if (function->proxy.style == SFC_PROXY_FLOW && config->node[instance->node].workers > 1)
			sfc_load_error_node(load, at,
				"style flow needs 1 worker for an attached instance, node '%s' has %u: its "
				"frames come back to any of them",
				config->node[instance->node].name, config->node[instance->node].workers);
	}
}

/* Tags of one are the first tags of the other. */
static bool
tags_overlap(const struct sfc_attach *a, const struct sfc_attach *b)
{
	uint8_t n = a->n_vlans < b->n_vlans ? a->n_vlans : b->n_vlans;

	return memcmp(a->vlan, b->vlan, n * sizeof(a->vlan[0])) == 0;
}

struct circuit {
	const struct sfc_instance *instance;
	const struct lyd_node *at;
};

static int
order_circuits(const void *a, const void *b)
{
	const struct sfc_instance *x = ((const struct circuit *)a)->instance;
	const struct sfc_instance *y = ((const struct circuit *)b)->instance;
	int macs = memcmp(x->attach.mac, y->attach.mac, sizeof(x->attach.mac));

	if (x->node != y->node)
		return x->node - y->node;
	if (x->attach.port != y->attach.port)
		return x->attach.port - y->attach.port;
	if (macs != 0)
		return macs;
	for (unsigned int i = 0; i < x->attach.n_vlans && i < y->attach.n_vlans; i++)
		if (x->attach.vlan[i] != y->attach.vlan[i])
			return x->attach.vlan[i] - y->attach.vlan[i];
	if (x->attach.n_vlans != y->attach.n_vlans)
		return x->attach.n_vlans - y->attach.n_vlans;
	return (x > y) - (x < y);
}

/* An Ethernet locator, by its MAC address. */
struct station {
	const struct sfc_locator *locator;
	const struct sfc_node *node;
};

static int
order_stations(const void *a, const void *b)
{
	const struct station *x = a, *y = b;

	return memcmp(x->locator->mac, y->locator->mac, sizeof(x->locator->mac));
}

/* Does a port of the node take NSH behind tags that are also an attachment's? */
static bool
takes_nsh_there(const struct sfc_node *node, const struct sfc_attach *attach)
{
	for (unsigned int i = 0; i < node->n_locators; i++) {
		const struct sfc_locator *l = &node->locator[i];
		struct sfc_attach tags = {.n_vlans = l->n_vlans};

		memcpy(tags.vlan, l->vlan, sizeof(tags.vlan));
		if (l->transport == SFC_TRANSPORT_ETHERNET && l->port == attach->port &&
			tags_overlap(&tags, attach))
			return true;
	}
	return false;
}

/* Frames of an attached instance are not those of another node, nor our own. */
static void
check_stations(struct sfc_load *load, const struct circuit *circuit, unsigned int n)
{
	const struct sfc_config *config = load->config;
	unsigned int n_stations = 0, i, k;
	struct station *station;

	for (i = 0; i < config->n_nodes; i++)
		n_stations += config->node[i].n_locators;
	station = sfc_load_temp(load, n_stations, sizeof(*station));
	for (i = 0, n_stations = 0; station && i < config->n_nodes; i++)
		for (k = 0; k < config->node[i].n_locators; k++)
			if (config->node[i].locator[k].transport == SFC_TRANSPORT_ETHERNET)
				station[n_stations++] =
					(struct station){&config->node[i].locator[k], &config->node[i]};
	if (n_stations > 1)
		qsort(station, n_stations, sizeof(*station), order_stations);
	for (i = 0; i < n; i++) {
		const struct sfc_attach *attach = &circuit[i].instance->attach;
		const struct sfc_node *node = &config->node[circuit[i].instance->node];
		const struct sfc_port *port = &node->port[attach->port];
		const struct lyd_node *at = sfc_data_child(circuit[i].at, "mac");
		struct sfc_locator like = {.n_vlans = 0};
		const struct station key = {&like, NULL}, *found;

		memcpy(like.mac, attach->mac, sizeof(like.mac));
		found = n_stations ? bsearch(&key, station, n_stations, sizeof(*station), order_stations)
		                   : NULL;
		if (port->has_mac && !memcmp(port->mac, attach->mac, sizeof(port->mac)))
			sfc_load_error_node(
				load, at, "it is the MAC address of port '%s' itself", port->name);
		else if (found && found->node != node && takes_nsh_there(node, attach))
			sfc_load_error_node(load, at,
				"its frames look like those of node '%s': same port, MAC address and VLAN "
				"tags",
				found->node->name);
	}
}

/* Every attached instance is told from every other by what its frames look like. */
static void
check_circuits(struct sfc_load *load)
{
	const struct sfc_config *config = load->config;
	struct circuit *circuit = sfc_load_temp(load, config->n_instances, sizeof(*circuit));
	const struct lyd_node *function = NULL, *entry;
	unsigned int n = 0, i = 0;

	while (circuit && (function = sfc_data_next(load->tree, function, "function")))
		for (entry = NULL; (entry = sfc_data_next(function, entry, "instance")); i++)
			if (config->instance[i].attach.present && config->instance[i].attach.port >= 0)
				circuit[n++] = (struct circuit){
					&config->instance[i], sfc_data_child(entry, "attach")};
	if (n == 0)
		return;
	check_stations(load, circuit, n);
	qsort(circuit, n, sizeof(*circuit), order_circuits);
	/* In this order a list of tags stands right before those it begins. */
	for (i = 1; i < n; i++) {
		const struct sfc_instance *a = circuit[i - 1].instance, *b = circuit[i].instance;

		if (a->node == b->node && a->attach.port == b->attach.port &&
			!memcmp(a->attach.mac, b->attach.mac, sizeof(a->attach.mac)) &&
			tags_overlap(&a->attach, &b->attach))
			sfc_load_error_node(load, circuit[i].at,
				"its frames look like those of instance '%s': same port, MAC address and "
				"VLAN tags",
				a->name);
	}
}

void
sfc_load_proxies(struct sfc_load *load)
{
	const struct sfc_config *config = load->config;
	struct places *places = sfc_load_temp(load, config->n_functions, sizeof(*places));
	const struct lyd_node *data = NULL;

	if (!places)
		return;
	find_places(config, places);
	for (unsigned int i = 0; (data = sfc_data_next(load->tree, data, "function")); i++) {
		const struct sfc_function *function = &config->function[i];

		if (function->nsh_aware)
			continue;
		check_style(load, data, function, &places[i]);
		check_attached(load, data, function);
	}
	check_circuits(load);
}
