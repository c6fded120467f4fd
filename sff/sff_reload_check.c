#include "sff_reload.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ERR_SIZE 512

int
sff_reload_refuse(const struct sff_node *node, const char *format, ...)
{
	char text[ERR_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	sff_say(node->options, "error", "%s: not changed: %s", node->options->config, text);
	return -EINVAL;
}

static bool
same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Such a port hears what is for others: it was opened for that. */
static bool
has_attached(const struct sfc_config *config, int node, unsigned int port)
{
	for (unsigned int i = 0; i < config->n_instances; i++)
		if (config->instance[i].node == node && config->instance[i].attach.present &&
			config->instance[i].attach.port == (int)port)
			return true;
	return false;
}

/* A value that differs is said. */
static unsigned int
differs(const struct sff_node *node, bool differ, const char *object, const char *name, const char *what)
{
	if (differ)
		sff_reload_refuse(node, "%s '%s': another %s; restart the node for it", object, name, what);
	return differ;
}

static unsigned int
check_port(const struct sff_node *node, const struct sfc_port *was, const struct sfc_port *is)
{
	const char *name = was->name;

	/* Ports are told apart by their place: the rest of two that changed places says nothing. */
	if (differs(node, !same_text(was->name, is->name), "port", name, "name or place"))
		return 1;
	return differs(node, !same_text(was->device, is->device), "port", name, "device") +
	       differs(node, was->role != is->role, "port", name, "role") +
	       differs(node, was->mtu != is->mtu, "port", name, "MTU") +
	       differs(node,
		       was->has_mac != is->has_mac ||
			       (is->has_mac && memcmp(was->mac, is->mac, sizeof(is->mac)) != 0),
		       "port", name, "MAC address");
}

int
sff_reload_check(const struct sff_node *node, const struct sfc_config *config, int index)
{
	const struct sfc_node *was = &node->config->node[node->index], *is = &config->node[index];
	unsigned int n =
		differs(node, was->workers != is->workers, "node", is->name, "number of workers") +
		differs(node, was->memory_mib != is->memory_mib, "node", is->name, "size of memory") +
		differs(node, was->flows != is->flows, "node", is->name, "number of flows") +
		differs(node, was->n_ports != is->n_ports, "node", is->name, "number of ports");

	for (unsigned int p = 0; p < was->n_ports && p < is->n_ports; p++) {
		n += check_port(node, &was->port[p], &is->port[p]);
		n += differs(node,
			has_attached(node->config, node->index, p) != has_attached(config, index, p), "port",
			was->name, "answer to whether instances are attached to it");
	}
	return n == 0 ? 0 : -EINVAL;
}
