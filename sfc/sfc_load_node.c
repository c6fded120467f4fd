#include "sfc_load.h"
#include "sfc_way.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool
sfc_load_mac(struct sfc_load *load, const struct lyd_node *parent, uint8_t mac[6])
{
	const struct lyd_node *leaf = sfc_data_child(parent, "mac");

	if (!leaf)
		return false;
	if (!sfc_value_mac(lyd_get_value(leaf), mac))
		return true;
	sfc_load_error_node(load, leaf, "'%s' is not the MAC address of one station", lyd_get_value(leaf));
	return false;
}

/* A router that hosts of this link can use is on this link. */
static void
take_gateways(struct sfc_load *load, const struct lyd_node *data, struct sfc_port *port)
{
	const struct lyd_node *leaf = NULL;

	while ((leaf = sfc_data_next(data, leaf, "gateway"))) {
		struct sfc_addr address, *slot;

		if (!sfc_load_addr(load, leaf, &address))
			continue;
		slot = address.family == 6 ? &port->gateway6 : &port->gateway4;
		if (slot->family)
			sfc_load_error_node(load, leaf, "another gateway for IPv%u", address.family);
		else if (!sfc_port_on_link(port, &address))
			sfc_load_error_node(load, leaf, "gateway %s is in no prefix of port '%s'",
				lyd_get_value(leaf), port->name);
		else if (sfc_port_has(port, &address))
			sfc_load_error_node(load, leaf, "%s is the address of port '%s' itself",
				lyd_get_value(leaf), port->name);
		else
			*slot = address;
	}
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
	port->has_mac = sfc_load_mac(load, data, port->mac);
	port->address = sfc_load_new(load, sfc_data_count(data, "address"), sizeof(*port->address));
	while (port->address && (address = sfc_data_next(data, address, "address"))) {
		const char *text = lyd_get_value(address);

		if (sfc_value_addr(text, true, &port->address[port->n_addresses++]))
			sfc_load_error_node(load, address,
				"'%.64s' must be an IPv4 or IPv6 address with a prefix "
				"length, for example 10.99.0.1/24",
				text);
	}
	take_gateways(load, data, port);
	port->mtu = (uint16_t)sfc_data_number(data, "mtu");
	port->udp_zero_checksum = sfc_data_is(data, "udp-zero-checksum", "true");
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
		sfc_load_locators(load, node, (int)i, &config->node[i]);
	}
	if (!load->no_memory)
		sfc_load_locators_check(load);
}
