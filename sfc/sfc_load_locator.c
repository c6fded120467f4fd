#include "geneve.h"
#include "sfc_load.h"
#include "sfc_way.h"
#include "vxlan.h"

#include <stdlib.h>
#include <string.h>

/* What a frame of a locator is recognised by, for finding two that are the same. */
struct located {
	struct sfc_addr address; /* family 1: a MAC */
	unsigned int order;
	const struct sfc_node *node;
	const struct sfc_locator *locator;
	const struct lyd_node *at;
};

static bool
has_vni(enum sfc_transport transport)
{
	return transport == SFC_TRANSPORT_VXLAN_GPE || transport == SFC_TRANSPORT_VXLAN ||
	       transport == SFC_TRANSPORT_GENEVE;
}

static enum sfc_transport
take_transport(const struct lyd_node *data)
{
	for (int t = SFC_TRANSPORT_VXLAN_GPE; t <= SFC_TRANSPORT_UDP; t++)
		if (sfc_data_is(data, "transport", sfc_transport_name((enum sfc_transport)t)))
			return (enum sfc_transport)t;
	return SFC_TRANSPORT_VXLAN_GPE; /* it is missing or unknown, which an error says */
}

/* A leaf that another transport has. */
static bool
refuse_leaf(
	struct sfc_load *load, const struct lyd_node *data, const char *name, enum sfc_transport transport)
{
	const struct lyd_node *leaf = sfc_data_child(data, name);

	if (!leaf || !sfc_data_yaml(leaf))
		return false;
	sfc_load_error_node(load, leaf, "transport '%s' has no %s", sfc_transport_name(transport), name);
	return true;
}

/* An error at the entry when the file lacks a leaf; one that is there and wrong has its own. */
static void
need_leaf(struct sfc_load *load, const struct lyd_node *data, const char *name)
{
	if (!sfc_data_child(data, name) && !sfc_data_refused(data, name) && sfc_data_yaml(data))
		sfc_load_error_missing(load, sfc_data_yaml(data), name);
}

bool
sfc_load_addr(struct sfc_load *load, const struct lyd_node *leaf, struct sfc_addr *address)
{
	static const uint8_t any6[16], loopback6[16] = {[15] = 1};
	const char *text = lyd_get_value(leaf);
	const uint8_t *b = address->bytes;
	bool unicast;

	if (sfc_value_addr(text, false, address)) {
		sfc_load_error_node(
			load, leaf, "'%.64s' must be an IPv4 or IPv6 address, for example 10.99.0.1", text);
		return false;
	}
	/* Not 0/8, 127/8, multicast, or above (RFC 6890); not ::, ::1, multicast (RFC 4291). */
	if (address->family == 4)
		unicast = b[0] != 0 && b[0] != 127 && b[0] < 224;
	else
		unicast = b[0] != 0xff && memcmp(b, any6, 16) != 0 && memcmp(b, loopback6, 16) != 0;
	if (!unicast)
		sfc_load_error_node(load, leaf, "'%s' is not the address of one machine", text);
	return unicast;
}

static void
take_address(struct sfc_load *load, const struct lyd_node *data, struct sfc_locator *locator)
{
	const struct lyd_node *leaf = sfc_data_child(data, "address");

	if (locator->transport == SFC_TRANSPORT_ETHERNET)
		refuse_leaf(load, data, "address", locator->transport);
	else if (leaf)
		sfc_load_addr(load, leaf, &locator->address);
	else
		need_leaf(load, data, "address");
}

static void
take_numbers(struct sfc_load *load, const struct lyd_node *data, struct sfc_locator *locator)
{
	const struct lyd_node *vlan = NULL;

	if (has_vni(locator->transport) || !refuse_leaf(load, data, "vni", locator->transport))
		locator->vni = has_vni(locator->transport) ? sfc_data_number(data, "vni") : 0;
	if (locator->transport != SFC_TRANSPORT_GRE) {
		refuse_leaf(load, data, "key", locator->transport);
	} else if (sfc_data_child(data, "key")) {
		locator->has_key = true;
		locator->vni = sfc_data_number(data, "key");
	}
	if (locator->transport == SFC_TRANSPORT_GENEVE)
		locator->inner_ethernet = sfc_data_is(data, "inner-ethernet", "true");
	else
		refuse_leaf(load, data, "inner-ethernet", locator->transport);
	locator->udp_port = (uint16_t)sfc_data_number(data, "udp-port");
	if (locator->transport != SFC_TRANSPORT_UDP)
		refuse_leaf(load, data, "udp-port", locator->transport);
	else
		need_leaf(load, data, "udp-port");
	while ((vlan = sfc_data_next(data, vlan, "vlan")) && locator->n_vlans < SFC_VLANS_MAX) {
		if (locator->transport != SFC_TRANSPORT_ETHERNET) {
			sfc_load_error_node(load, vlan, "transport '%s' has no vlan",
				sfc_transport_name(locator->transport));
			return;
		}
		locator->vlan[locator->n_vlans++] = (uint16_t)sfc_data_number(vlan, "vid");
	}
}

/* The transport port with the locator's address, else the only transport port; -1 when there is none. */
static int
find_port(struct sfc_load *load, const struct lyd_node *data, const struct sfc_node *node,
	const struct sfc_addr *address)
{
	int port, only = -1, n = 0;

	for (port = 0; port < (int)node->n_ports; port++) {
		if (node->port[port].role != SFC_ROLE_TRANSPORT)
			continue;
		if (sfc_port_has(&node->port[port], address))
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
named_port(struct sfc_load *load, const struct lyd_node *leaf, int node_index, const struct sfc_node *node)
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

static void
take_locator(struct sfc_load *load, const struct lyd_node *data, int node_index, const struct sfc_node *node,
	struct sfc_locator *locator)
{
	const struct lyd_node *leaf = sfc_data_child(data, "port");

	locator->transport = take_transport(data);
	take_address(load, data, locator);
	take_numbers(load, data, locator);
	locator->port = leaf ? named_port(load, leaf, node_index, node)
	                     : find_port(load, data, node, &locator->address);
	locator->has_mac = sfc_load_mac(load, data, locator->mac);
	if (!locator->has_mac && locator->port >= 0 && node->port[locator->port].has_mac) {
		locator->has_mac = true;
		memcpy(locator->mac, node->port[locator->port].mac, sizeof(locator->mac));
	}
	if (locator->transport == SFC_TRANSPORT_ETHERNET && !locator->has_mac &&
		!sfc_data_child(data, "mac") && !sfc_data_refused(data, "mac"))
		sfc_load_error_node(load, data,
			"'mac' is missing: transport 'ethernet' needs one, here or of its "
			"port");
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

/* UDP port that a transport has by its standard, 0 = none. */
static uint16_t
standard_udp_port(enum sfc_transport transport)
{
	switch (transport) {
	case SFC_TRANSPORT_VXLAN_GPE:
		return VXLAN_GPE_PORT;
	case SFC_TRANSPORT_VXLAN:
		return VXLAN_PORT;
	case SFC_TRANSPORT_GENEVE:
		return GENEVE_PORT;
	default:
		return 0;
	}
}

/* NSH in UDP is recognised by the port alone, so a port of ours has one, and no other transport has it there.
 */
static void
check_udp_ports(struct sfc_load *load, const struct lyd_node *data, const struct sfc_node *node)
{
	const struct lyd_node *entry = NULL;
	unsigned int i, k;

	for (i = 0; i < node->n_locators && (entry = sfc_data_next(data, entry, "locator")); i++) {
		const struct sfc_locator *l = &node->locator[i];

		for (k = 0; k < node->n_locators && l->udp_port != 0; k++) {
			const struct sfc_locator *other = &node->locator[k];
			bool second = k < i && other->udp_port != 0 && other->udp_port != l->udp_port;
			bool standard = standard_udp_port(other->transport) == l->udp_port;

			if (other->port != l->port || (!standard && (!second || l->port < 0)))
				continue;
			if (standard)
				sfc_load_error_node(load, sfc_data_child(entry, "udp-port"),
					"UDP port %u is that of transport '%s', which node '%s' has, too",
					l->udp_port, sfc_transport_name(other->transport), node->name);
			else
				sfc_load_error_node(load, sfc_data_child(entry, "udp-port"),
					"port '%s' takes NSH on UDP port %u already",
					node->port[l->port].name, other->udp_port);
			break;
		}
	}
}

void
sfc_load_locators(struct sfc_load *load, const struct lyd_node *data, int node_index, struct sfc_node *node)
{
	const struct lyd_node *entry = NULL;

	node->locator = sfc_load_new(load, sfc_data_count(data, "locator"), sizeof(*node->locator));
	while (node->locator && (entry = sfc_data_next(data, entry, "locator")))
		take_locator(load, entry, node_index, node, &node->locator[node->n_locators++]);
	check_transport_ports(load, data, node);
	check_udp_ports(load, data, node);
}

static int
by_address(const void *a, const void *b)
{
	const struct located *x = a, *y = b;
	int order = memcmp(&x->address, &y->address, sizeof(x->address));

	return order ? order : (x->order > y->order) - (x->order < y->order);
}

/* Why two locators of one address cannot both be, or NULL. */
static const char *
conflict(const struct located *x, const struct located *y)
{
	const struct sfc_locator *a = x->locator, *b = y->locator;

	if (x->node != y->node)
		return "a locator";
	if (a->port != b->port && a->transport != SFC_TRANSPORT_ETHERNET)
		return "behind another port";
	if (a->transport != b->transport)
		return NULL;
	if (a->transport != SFC_TRANSPORT_ETHERNET)
		return "such a locator";
	return a->port == b->port && a->n_vlans == b->n_vlans && !memcmp(a->vlan, b->vlan, sizeof(a->vlan))
	               ? "such a locator"
	               : NULL;
}

static unsigned int
collect(struct sfc_load *load, struct located *all)
{
	const struct lyd_node *node = NULL, *entry;
	unsigned int n = 0, n_node, i;

	for (n_node = 0; (node = sfc_data_next(load->tree, node, "node")); n_node++) {
		const struct sfc_node *conf = &load->config->node[n_node];

		for (entry = NULL, i = 0;
			i < conf->n_locators && (entry = sfc_data_next(node, entry, "locator")); i++) {
			const struct sfc_locator *l = &conf->locator[i];
			const struct lyd_node *leaf =
				sfc_data_child(entry, l->address.family ? "address" : "mac");

			if (!l->address.family && (l->transport != SFC_TRANSPORT_ETHERNET || !l->has_mac))
				continue; /* has its own error */
			all[n] = (struct located){.address = l->address,
				.order = n,
				.node = conf,
				.locator = l,
				.at = leaf ? leaf : entry};
			if (!l->address.family) {
				all[n].address.family = 1;
				memcpy(all[n].address.bytes, l->mac, sizeof(l->mac));
			}
			n++;
		}
	}
	return n;
}

void
sfc_load_locators_check(struct sfc_load *load)
{
	struct located *all;
	unsigned int i, k, n = 0;

	for (i = 0; i < load->config->n_nodes; i++)
		n += load->config->node[i].n_locators;
	all = sfc_load_temp(load, n, sizeof(*all));
	n = all ? collect(load, all) : 0;
	if (n > 1)
		qsort(all, n, sizeof(*all), by_address);
	for (i = 1; i < n; i++) {
		/* Of one address there are at most all locators of a node: the first of another node ends it.
		 */
		for (k = i; k-- > 0 && !memcmp(&all[i].address, &all[k].address, sizeof(all[i].address));) {
			const char *what = conflict(&all[i], &all[k]);

			if (!what)
				continue;
			sfc_load_error_node(load, all[i].at, "%s is already %s of node '%s'",
				all[i].at->schema->nodetype == LYS_LEAF ? lyd_get_value(all[i].at)
									: "its mac",
				what, all[k].node->name);
			break;
		}
	}
}
