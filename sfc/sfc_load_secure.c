#include "sfc_load.h"

/* One error per path and kind is enough: `secure` is one leaf, and the file is corrected one port at a time.
 */

static bool
has_node(const uint64_t *nodes, unsigned int node)
{
	return nodes[node / 64] >> (node % 64) & 1;
}

/* Fail closed (RFC 8300, 8): a function that is down stops the path, it is not stepped over. */
static void
check_functions(struct sfc_load *load, const struct lyd_node *at, const struct sfc_path *path)
{
	const struct sfc_config *config = load->config;
	unsigned int i, k;

	for (i = 0; i < path->n_hops; i++) {
		const struct sfc_function *function =
			path->hop[i] < 0 ? NULL : &config->function[path->hop[i]];

		if (function && function->on_failure == SFC_ON_FAILURE_BYPASS) {
			sfc_load_error_node(load, at,
				"hop %u, function '%s', is bypassed on failure: it must be closed", i + 1,
				function->name);
			break;
		}
	}
	for (i = 0; i < path->n_hops; i++) {
		const struct sfc_function *function =
			path->hop[i] < 0 ? NULL : &config->function[path->hop[i]];

		for (k = 0; function && k < function->n_may_reclassify; k++) {
			if (config->path[function->may_reclassify[k]].secure)
				continue;
			sfc_load_error_node(load, at,
				"hop %u, function '%s', may move its frames to path '%s', which is not "
				"secure",
				i + 1, function->name, config->path[function->may_reclassify[k]].name);
			return;
		}
	}
}

/* Instances on the wire get their NSH over a port, too. */
static void
check_attachments(struct sfc_load *load, const struct lyd_node *at, const struct sfc_path *path)
{
	const struct sfc_config *config = load->config;
	unsigned int i, k;

	for (i = 0; i < path->n_hops; i++) {
		const struct sfc_function *function =
			path->hop[i] < 0 ? NULL : &config->function[path->hop[i]];

		for (k = 0; function && k < function->n_instances; k++) {
			const struct sfc_instance *instance = &config->instance[function->instance[k]];
			const struct sfc_port *port;

			if (!instance->attach.present || instance->node < 0 || instance->attach.port < 0)
				continue;
			port = &config->node[instance->node].port[instance->attach.port];
			if (port->secure)
				continue;
			sfc_load_error_node(load, at,
				"instance '%s' is behind port '%s' of node '%s', which is not secure",
				instance->name, port->name, config->node[instance->node].name);
			return;
		}
	}
}

void
sfc_load_secure(struct sfc_load *load, const struct sfc_path *path, const uint64_t *nodes)
{
	const struct sfc_config *config = load->config;
	const struct sfc_name *name = path->name ? sfc_names_find(&load->paths, path->name) : NULL;
	const struct lyd_node *at = name ? sfc_data_child(name->at, "secure") : NULL;
	unsigned int i, l, n = 0;

	if (!at)
		return;
	check_functions(load, at, path);
	check_attachments(load, at, path);
	for (i = 0; i < config->n_nodes; i++)
		n += has_node(nodes, i);
	for (i = 0; n > 1 && i < config->n_nodes; i++) {
		const struct sfc_node *node = &config->node[i];

		for (l = 0; has_node(nodes, i) && l < node->n_locators; l++) {
			const struct sfc_port *port =
				node->locator[l].port < 0 ? NULL : &node->port[node->locator[l].port];

			if (!port || port->secure)
				continue;
			sfc_load_error_node(load, at,
				"its NSH may cross port '%s' of node '%s', which is not secure", port->name,
				node->name);
			return;
		}
	}
}
