/**
 * A small domain in plain C for tests of tables: nodes a, b, c and what a test adds. Included by test_table
 * and test_group.
 */
#ifndef TESTS_SFC_DOMAIN_H
#define TESTS_SFC_DOMAIN_H

#include "sfc_config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DOMAIN_NODES 3

struct domain {
	struct sfc_config config;
	struct sfc_node node[DOMAIN_NODES];
	struct sfc_locator locator[DOMAIN_NODES][2];
	struct sfc_port port[2];
	char names[DOMAIN_NODES][2];
};

static char domain_lan[] = "lan";
static char domain_core[] = "core";

/* Node a has ports lan and core; every node has locator 10.99.0.<1 + index> behind core. */
static inline void
domain_init(struct domain *d)
{
	memset(d, 0, sizeof(*d));
	d->config.node = d->node;
	d->config.n_nodes = DOMAIN_NODES;
	d->port[0] = (struct sfc_port){.name = domain_lan, .role = SFC_ROLE_ACCESS, .peer = -1};
	d->port[1] = (struct sfc_port){.name = domain_core, .role = SFC_ROLE_TRANSPORT, .peer = -1};
	for (int i = 0; i < DOMAIN_NODES; i++) {
		struct sfc_locator *l = &d->locator[i][0];

		d->names[i][0] = (char)('a' + i);
		d->node[i].name = d->names[i];
		d->node[i].locator = l;
		d->node[i].n_locators = 1;
		l->address =
			(struct sfc_addr){.family = 4, .plen = 32, .bytes = {10, 99, 0, (uint8_t)(1 + i)}};
		l->vni = 100 + (uint32_t)i;
		l->has_mac = true;
		l->mac[0] = 2;
		l->mac[5] = (uint8_t)i;
		l->port = -1;
		d->node[i].port = d->port;
		d->node[i].n_ports = 2;
		l->port = 1;
	}
}

static inline int
domain_function(struct domain *d, const char *name)
{
	struct sfc_config *c = &d->config;

	c->function = realloc(c->function, (c->n_functions + 1) * sizeof(*c->function));
	c->function[c->n_functions] = (struct sfc_function){.name = strdup(name)};
	return (int)c->n_functions++;
}

static inline int
domain_instance(struct domain *d, int function, const char *name, int node, uint32_t weight)
{
	struct sfc_config *c = &d->config;
	struct sfc_function *f = &c->function[function];

	c->instance = realloc(c->instance, (c->n_instances + 1) * sizeof(*c->instance));
	c->instance[c->n_instances] = (struct sfc_instance){
		.name = strdup(name), .function = function, .node = node, .weight = weight};
	f->instance = realloc(f->instance, (f->n_instances + 1) * sizeof(*f->instance));
	f->instance[f->n_instances++] = (int)c->n_instances;
	return (int)c->n_instances++;
}

/* A path of n_hops times the same function, to port lan of egress_node. */
static inline int
domain_path(struct domain *d, uint32_t spi, int function, unsigned int n_hops, uint8_t initial_si,
	int egress_node)
{
	struct sfc_config *c = &d->config;
	struct sfc_path path = {.spi = spi,
		.n_hops = n_hops,
		.egress_node = egress_node,
		.reverse = -1,
		.initial_si = initial_si,
		.ttl = 63,
		.md_type = 1};
	char name[32];

	snprintf(name, sizeof(name), "path-%u", spi);
	path.name = strdup(name);
	path.hop = malloc((n_hops + 1) * sizeof(*path.hop));
	for (unsigned int i = 0; i < n_hops; i++)
		path.hop[i] = function;
	c->path = realloc(c->path, (c->n_paths + 1) * sizeof(*c->path));
	c->path[c->n_paths] = path;
	return (int)c->n_paths++;
}

static inline void
domain_fini(struct domain *d)
{
	struct sfc_config *c = &d->config;

	for (unsigned int i = 0; i < c->n_functions; i++) {
		free(c->function[i].name);
		free(c->function[i].instance);
	}
	for (unsigned int i = 0; i < c->n_instances; i++)
		free(c->instance[i].name);
	for (unsigned int i = 0; i < c->n_paths; i++) {
		free(c->path[i].name);
		free(c->path[i].hop);
	}
	free(c->function);
	free(c->instance);
	free(c->path);
}

#endif
