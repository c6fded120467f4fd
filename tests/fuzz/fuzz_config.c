/* The configuration loader over any bytes: no crash or leak, and what it hands over is whole. */
#include "sfc_load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sfc_schema schema;

static void
require(bool holds)
{
	if (!holds)
		abort();
}

static bool
within(int index, unsigned int n)
{
	return index >= 0 && (unsigned int)index < n;
}

static void
check_attach(const struct sfc_config *config, const struct sfc_instance *instance)
{
	const struct sfc_node *node = &config->node[instance->node];
	const struct sfc_attach *attach = &instance->attach;

	require(within(attach->port, node->n_ports));
	require(node->port[attach->port].role == SFC_ROLE_TRANSPORT);
	require(attach->n_vlans <= SFC_VLANS_MAX && (attach->mac[0] & 1) == 0);
	for (unsigned int i = 0; i < attach->n_vlans; i++)
		require(attach->vlan[i] >= 1 && attach->vlan[i] <= 4094);
}

/* Everybody behind the loader relies on these. */
static void
check_config(const struct sfc_config *config)
{
	require(config->n_nodes > 0);
	for (unsigned int i = 0; i < config->n_instances; i++) {
		require(within(config->instance[i].node, config->n_nodes));
		require(within(config->instance[i].function, config->n_functions));
		require(config->instance[i].name);
		if (config->instance[i].attach.present)
			check_attach(config, &config->instance[i]);
		else
			require(config->instance[i].image);
		require(config->instance[i].weight >= 1 && config->instance[i].weight <= 255);
	}
	for (unsigned int i = 0; i < config->n_paths; i++) {
		const struct sfc_path *path = &config->path[i];

		require(path->spi >= 1 && path->spi <= 0xffffff);
		require(path->n_hops >= 1 && path->n_hops <= path->initial_si);
		require(within(path->egress_node, config->n_nodes));
		require(within(path->egress_port, config->node[path->egress_node].n_ports));
		require(path->reverse < (int)config->n_paths && path->reverse != (int)i);
		for (unsigned int k = 0; k < path->n_hops; k++) {
			require(within(path->hop[k], config->n_functions));
			require(config->function[path->hop[k]].n_instances > 0);
		}
	}
	for (unsigned int i = 0; i < config->n_rules; i++) {
		const struct sfc_rule *rule = &config->rule[i];

		require((rule->action == SFC_ACTION_PATH) == within(rule->path, config->n_paths));
		require(rule->match_node < 0 ||
			within(rule->match_port, config->node[rule->match_node].n_ports));
		for (unsigned int k = 0; k < rule->n_destination_ports; k++)
			require(rule->destination_port[k].low <= rule->destination_port[k].high);
	}
}

static void
check_errors(const struct sfc_errors *errors)
{
	require(errors->n > 0);
	for (unsigned int i = 0; i < errors->n; i++) {
		const struct sfc_error *error = &errors->error[i];

		require(error->file && error->path && error->reason && error->reason[0]);
		require(i == 0 || error[-1].line <= error->line);
		for (const char *c = error->reason; *c; c++)
			require((unsigned char)*c >= 0x20 && *c != 0x7f);
		for (const char *c = error->path; *c; c++)
			require((unsigned char)*c >= 0x20 && *c != 0x7f);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sfc_config *config;
	struct sfc_errors errors;
	int rc;

	if (!schema.ctx)
		require(sfc_schema_create(&schema) == 0);
	rc = sfc_load_memory(&schema, "fuzz.yaml", data, size, &config, &errors);
	require(rc == (config ? 0 : -EINVAL));
	if (config)
		check_config(config);
	else
		check_errors(&errors);
	sfc_config_free(config);
	sfc_errors_free(&errors);
	return 0;
}
