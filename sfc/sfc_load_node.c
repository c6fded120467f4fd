#include "sfc_load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A locator and its address, for finding addresses that occur twice. */
struct located {
	struct sfc_addr address;
	unsigned int order;
	const char *node;
	const struct lyd_node *at;
};

static bool
take_mac(struct sfc_load *load, const struct lyd_node *parent, uint8_t mac[6])
{
	const struct lyd_node *leaf = sfc_data_child(parent, "mac");

	if (!leaf)
		return false;
	if (!sfc_value_mac(lyd_get_value(leaf), mac))
		return true;
	sfc_load_error_node(load, leaf, "'%s' is not the MAC address of one station", lyd_get_value(leaf));
	return false;
}

static void
take_port(struct sfc_load *load, const struct lyd_node *data, struct sfc_port *port)
{
	const struct lyd_node *address = NULL;

	port->name = sfc_load_copy(load, sfc_data_text(data, "name"));
	port->device = sfc_load_copy(load, sfc_data_text(data, "device"));
	port->role = sfc_data_is(data, "role", "transport") ? SFC_ROLE_TRANSPORT : SFC_ROLE_ACCESS;
	port->secure = sfc_data_is(data, "secure", "true");
	port->peer = -1;
	port->has_mac = take_mac(load, data, port->mac);
	port->address = sfc_load_new(load, sfc_data_count(data, "address"), sizeof(*port->address));
	while (port->address && (address = sfc_data_next(data, address, "address"))) {
		const char *text = lyd_get_value(address);

		if (sfc_value_addr(text, true, &port->address[port->n_addresses++]))
			sfc_load_error_node(load, address,
				"'%.64s' must be an IPv4 or IPv6 address with a prefix "
				"length, for example 10.99.0.1/24",
				text);
	}
}

static void
take_peers(struct sfc_load *load, const struct lyd_node *data, int node_index, struct sfc_node *node)
{
	const struct lyd_node *port = NULL, *peer;
	unsigned int i;

	for (i = 0; (port = sfc_data_next(data, port, "port")); i++) {
		peer = sfc_data_child(port, "peer");
		if (!peer)
			continue;
		node->port[i].peer = sfc_names_index(&load->ports, lyd_get_value(peer), node_index);
		if (node->port[i].peer < 0)
			sfc_load_error_node(load, peer, "node '%s' has no port '%s'",
				sfc_data_text(data, "name"), lyd_get_value(peer));
		else if (node->port[i].peer == (int)i)
			sfc_load_error_node(load, peer, "a port is not its own peer");
	}
}

static bool
has_address(const struct sfc_port *port, const struct sfc_addr *address)
{
	unsigned int i;

	for (i = 0; i < port->n_addresses; i++) {
		if (port->address[i].family == address->family &&
			!memcmp(port->address[i].bytes, address->bytes, sizeof(address->bytes)))
			return true;
	}
	return false;
}

/* The transport port with the locator's address, else the only transport port; -1 when there is none. */
static int
find_locator_port(struct sfc_load *load, const struct lyd_node *data, const struct sfc_node *node,
	const struct sfc_addr *address)
{
	int port, only = -1, n = 0;

	for (port = 0; port < (int)node->n_ports; port++) {
		if (node->port[port].role != SFC_ROLE_TRANSPORT)
			continue;
		if (has_address(&node->port[port], address))
			return port;
		only = port;
		n++;
	}
	if (n > 1)
		sfc_load_error_node(load, data,
			"'port' is missing: node '%s' has %d transport ports and none "
			"has this address",
			node->name, n);
	return n == 1 ? only : -1;
}

static int
named_locator_port(
	struct sfc_load *load, const struct lyd_node *leaf, int node_index, const struct sfc_node *node)
{
	const char *name = lyd_get_value(leaf);
	int port = sfc_names_index(&load->ports, name, node_index);

	if (port < 0)
		sfc_load_error_node(load, leaf, "node '%s' has no port '%s'", node->name, name);
	else if (node->port[port].role != SFC_ROLE_TRANSPORT)
		sfc_load_error_node(
			load, leaf, "port '%s' is an access port: a locator needs a transport port", name);
	return port;
}

/* An address that a frame can be sent to: not 0/8, multicast, or above (RFC 6890). */
static bool
is_unicast(const struct sfc_addr *address)
{
	return address->bytes[0] != 0 && address->bytes[0] < 224;
}

static void
take_locator_address(struct sfc_load *load, const struct lyd_node *data, struct sfc_locator *locator)
{
	const struct lyd_node *transport = sfc_data_child(data, "transport");
	const struct lyd_node *address = sfc_data_child(data, "address");
	const char *text = lyd_get_value(address);

	if (!sfc_data_is(data, "transport", "vxlan-gpe"))
		sfc_load_error_node(load, transport,
			"transport '%s' is not available in this version (vxlan-gpe is)",
			lyd_get_value(transport));
	if (sfc_value_addr(text, false, &locator->address))
		sfc_load_error_node(load, address,
			"'%.64s' must be an IPv4 or IPv6 address, for example 10.99.0.1", text);
	else if (locator->address.family == 6)
		sfc_load_error_node(
			load, address, "IPv6 locators are not available in this version (IPv4 ones are)");
	else if (!is_unicast(&locator->address))
		sfc_load_error_node(load, address, "'%s' is not the address of one machine", text);
}

static void
take_locators(struct sfc_load *load, const struct lyd_node *data, int node_index, struct sfc_node *node)
{
	const struct lyd_node *entry = NULL, *leaf;

	node->locator = sfc_load_new(load, sfc_data_count(data, "locator"), sizeof(*node->locator));
	while (node->locator && (entry = sfc_data_next(data, entry, "locator"))) {
		struct sfc_locator *locator = &node->locator[node->n_locators++];

		take_locator_address(load, entry, locator);
		locator->transport = SFC_TRANSPORT_VXLAN_GPE;
		locator->vni = sfc_data_number(entry, "vni");
		leaf = sfc_data_child(entry, "port");
		locator->port = leaf ? named_locator_port(load, leaf, node_index, node)
		                     : find_locator_port(load, entry, node, &locator->address);
		locator->has_mac = take_mac(load, entry, locator->mac);
		if (!locator->has_mac && locator->port >= 0 && node->port[locator->port].has_mac) {
			locator->has_mac = true;
			memcpy(locator->mac, node->port[locator->port].mac, sizeof(locator->mac));
		}
	}
}

/* A transport port without a locator would send from no address. */
static void
check_transport_ports(struct sfc_load *load, const struct lyd_node *data, const struct sfc_node *node)
{
	const struct lyd_node *port = NULL;
	unsigned int i, k;

	for (k = 0; k < node->n_locators; k++) {
		if (node->locator[k].port < 0)
			return; /* has its own error */
	}
	if (node->n_locators == 0 && sfc_data_refused(data, "locator"))
		return;

	for (i = 0; (port = sfc_data_next(data, port, "port")); i++) {
		if (node->port[i].role != SFC_ROLE_TRANSPORT)
			continue;
		for (k = 0; k < node->n_locators && node->locator[k].port != (int)i; k++)
			;
		if (k == node->n_locators)
			sfc_load_error_node(load, port, "transport port '%s' needs a locator of node '%s'",
				node->port[i].name, node->name);
	}
}

static void
take_node(struct sfc_load *load, const struct lyd_node *data, int node_index, struct sfc_node *node)
{
	const struct lyd_node *dataplane = sfc_data_child(data, "dataplane"), *port = NULL;

	node->name = sfc_load_copy(load, sfc_data_text(data, "name"));
	node->workers = sfc_data_number(dataplane, "workers");
	node->memory_mib = sfc_data_number(dataplane, "memory");
	node->flows = sfc_data_number(dataplane, "flows");
	node->port = sfc_load_new(load, sfc_data_count(data, "port"), sizeof(*node->port));
	while (node->port && (port = sfc_data_next(data, port, "port"))) {
		sfc_names_add(
			&load->ports, sfc_data_text(port, "name"), node_index, (int)node->n_ports, port);
		take_port(load, port, &node->port[node->n_ports++]);
	}
}

static int
by_address(const void *a, const void *b)
{
	const struct located *x = a, *y = b;
	int order = memcmp(&x->address, &y->address, sizeof(x->address));

	return order ? order : (x->order > y->order) - (x->order < y->order);
}

/* NSH is accepted by source address: an address belongs to one node. */
static void
check_addresses(struct sfc_load *load, const struct lyd_node *sfc)
{
	const struct lyd_node *node = NULL, *locator;
	struct located *all;
	unsigned int i, n = 0;

	for (i = 0; i < load->config->n_nodes; i++)
		n += load->config->node[i].n_locators;
	all = sfc_load_temp(load, n, sizeof(*all));
	for (n = 0; all && (node = sfc_data_next(sfc, node, "node"));) {
		for (locator = NULL; (locator = sfc_data_next(node, locator, "locator")); n++) {
			all[n].order = n;
			all[n].node = sfc_data_text(node, "name");
			all[n].at = sfc_data_child(locator, "address");
			sfc_value_addr(lyd_get_value(all[n].at), false, &all[n].address);
		}
	}
	if (n > 1)
		qsort(all, n, sizeof(*all), by_address);
	for (i = 1; i < n; i++) {
		if (!memcmp(&all[i].address, &all[i - 1].address, sizeof(all[i].address)))
			sfc_load_error_node(load, all[i].at, "%s is already a locator of node '%s'",
				lyd_get_value(all[i].at), all[i - 1].node);
	}
}

void
sfc_load_nodes(struct sfc_load *load)
{
	struct sfc_config *config = load->config;
	const struct lyd_node *node = NULL;
	unsigned int i, n_ports = 0, n_nodes = sfc_data_count(load->tree, "node");

	while ((node = sfc_data_next(load->tree, node, "node")))
		n_ports += sfc_data_count(node, "port");
	config->node = sfc_load_new(load, n_nodes, sizeof(*config->node));
	if (!config->node || sfc_names_init(load, &load->nodes, n_nodes) ||
		sfc_names_init(load, &load->ports, n_ports))
		return;
	while ((node = sfc_data_next(load->tree, node, "node"))) {
		sfc_names_add(&load->nodes, sfc_data_text(node, "name"), 0, (int)config->n_nodes, node);
		take_node(load, node, (int)config->n_nodes, &config->node[config->n_nodes]);
		config->n_nodes++;
	}
	sfc_names_sort(&load->nodes);
	sfc_names_sort(&load->ports);
	for (i = 0; (node = sfc_data_next(load->tree, node, "node")); i++) {
		if (!config->node[i].port && sfc_data_child(node, "port"))
			return; /* no memory */
		take_peers(load, node, (int)i, &config->node[i]);
		take_locators(load, node, (int)i, &config->node[i]);
		check_transport_ports(load, node, &config->node[i]);
	}
	if (!load->no_memory)
		check_addresses(load, load->tree);
}
