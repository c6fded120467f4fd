#include "sfc_config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void
node_free(struct sfc_node *node)
{
	unsigned int i;

	for (i = 0; i < node->n_ports; i++) {
		free(node->port[i].name);
		free(node->port[i].device);
		free(node->port[i].address);
	}
	free(node->port);
	free(node->locator);
	free(node->name);
}

static void
instance_free(struct sfc_instance *instance)
{
	unsigned int i;

	for (i = 0; i < instance->n_args; i++)
		free(instance->arg[i]);
	free(instance->arg);
	free(instance->image);
	free(instance->name);
}

void
sfc_config_free(struct sfc_config *config)
{
	unsigned int i;

	if (!config)
		return;
	for (i = 0; i < config->n_nodes; i++)
		node_free(&config->node[i]);
	for (i = 0; i < config->n_functions; i++) {
		free(config->function[i].name);
		free(config->function[i].instance);
		free(config->function[i].may_reclassify);
	}
	for (i = 0; i < config->n_instances; i++)
		instance_free(&config->instance[i]);
	for (i = 0; i < config->n_paths; i++) {
		free(config->path[i].name);
		free(config->path[i].hop);
	}
	for (i = 0; i < config->n_mirrors; i++) {
		free(config->mirror[i].name);
		free(config->mirror[i].filter);
		free(config->mirror[i].to_file);
	}
	for (i = 0; i < config->n_rules; i++) {
		free(config->rule[i].name);
		free(config->rule[i].source_port);
		free(config->rule[i].destination_port);
	}
	free(config->node);
	free(config->function);
	free(config->instance);
	free(config->path);
	free(config->rule);
	free(config->mirror);
	sfc_errors_free(&config->warnings);
	free(config->file);
	free(config);
}

void
sfc_errors_free(struct sfc_errors *errors)
{
	unsigned int i;

	for (i = 0; i < errors->n; i++) {
		free(errors->error[i].file);
		free(errors->error[i].path);
		free(errors->error[i].reason);
	}
	free(errors->error);
	*errors = (struct sfc_errors){0};
}

static int
node_named(const struct sfc_config *config, const char *name)
{
	unsigned int i;

	for (i = 0; i < config->n_nodes; i++) {
		if (!strcmp(config->node[i].name, name))
			return (int)i;
	}
	return -1;
}

int
sfc_config_node(const struct sfc_config *config, const char *name, char *err, int err_size)
{
	char host[256] = ""; /* HOST_NAME_MAX is 64 on Linux */
	int node;

	if (name) {
		node = node_named(config, name);
		if (node < 0)
			snprintf(err, (size_t)err_size, "no node '%s' in %s", name, config->file);
		return node < 0 ? -ENOENT : node;
	}
	if (config->n_nodes == 1)
		return 0;
	if (gethostname(host, sizeof(host) - 1) < 0)
		host[0] = '\0';
	node = node_named(config, host);
	if (node < 0)
		snprintf(err, (size_t)err_size,
			"%s has %u nodes and none is named as this host, '%s': choose one by name",
			config->file, config->n_nodes, host);
	return node < 0 ? -ENOENT : node;
}
