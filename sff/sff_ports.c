#include "sff_ports.h"
#include "sff_lcore.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *
capture_of(const struct sff_capture *list, unsigned int n, const char *port)
{
	for (unsigned int i = 0; i < n; i++)
		if (strcmp(list[i].port, port) == 0)
			return list[i].file;
	return NULL;
}

/* Every --in and --out names a port of the node, once. */
static int
check_captures(const struct sfc_node *node, const struct sff_capture *list, unsigned int n,
	const char *option, char *err, int err_size)
{
	for (unsigned int i = 0; i < n; i++) {
		unsigned int p = 0;

		while (p < node->n_ports && strcmp(node->port[p].name, list[i].port) != 0)
			p++;
		if (p == node->n_ports) {
			snprintf(err, (size_t)err_size, "--%s: node '%s' has no port '%s'", option,
				node->name, list[i].port);
			return -EINVAL;
		}
		if (capture_of(list, i, list[i].port) != NULL) {
			snprintf(err, (size_t)err_size, "--%s: port '%s' is named twice", option,
				list[i].port);
			return -EINVAL;
		}
	}
	return 0;
}

static int
open_replay(struct sff_plane *plane, const struct sfc_node *node, uint16_t p,
	const struct sff_options *options, struct pmd_captures *captures, char *err, int err_size)
{
	const struct sfc_port *conf = &node->port[p];
	const char *in = options->bench ? NULL : capture_of(options->in, options->n_in, conf->name);
	const char *out = capture_of(options->out, options->n_out, conf->name);
	int rc;

	if (in == NULL && out == NULL)
		rc = pmd_null_open(conf->name, &plane->port[p].pmd, err, err_size);
	else
		rc = pmd_capture_open(captures, conf->name, in, out, &plane->port[p].pmd, err, err_size);
	if (rc == 0 && conf->has_mac)
		memcpy(plane->port[p].pmd->mac, conf->mac, sizeof(conf->mac));
	return rc;
}

/* An SF without NSH sends frames that are for whoever they were for. */
static bool
has_attached(const struct sff_plane *plane, uint16_t p)
{
	for (unsigned int i = 0; i < plane->config->n_instances; i++)
		if (plane->config->instance[i].node == plane->table->node &&
			plane->config->instance[i].attach.present &&
			plane->config->instance[i].attach.port == p)
			return true;
	return false;
}

static int
open_live(struct sff_plane *plane, const struct sfc_node *node, uint16_t p, uint16_t queues, char *err,
	int err_size)
{
	const struct sfc_port *conf = &node->port[p];

	if (conf->device == NULL) {
		snprintf(err, (size_t)err_size, "port '%s' of node '%s' names no device", conf->name,
			node->name);
		return -ENODEV;
	}
	return pmd_ethdev_open(conf->name, conf->device, queues, conf->has_mac ? conf->mac : NULL,
		conf->role == SFC_ROLE_ACCESS || has_attached(plane, p), &plane->port[p].pmd, err, err_size);
}

/* What the file says of a link counts also where the device would take more. Tags are not part of an MTU. */
static void
limit(struct pmd_port *pmd, const struct sfc_port *conf)
{
	if (conf->mtu > 0)
		pmd->mtu = (uint16_t)RTE_MIN(
			pmd->mtu, (uint32_t)conf->mtu + ETH_HDR_SIZE + ETH_TAGS_MAX * ETH_TAG_SIZE);
}

static void
describe(struct sff_plane *plane, const struct sfc_node *node, uint16_t p)
{
	const struct sfc_port *conf = &node->port[p];
	struct sff_port *port = &plane->port[p];

	port->kind = conf->role == SFC_ROLE_ACCESS ? SFF_PORT_ACCESS : SFF_PORT_TRANSPORT;
	port->peer = conf->peer < 0 ? SFC_NONE : (uint16_t)conf->peer;
	port->secure = conf->secure;
}

/* A place for each local instance from `p` on that is attached, or is not. Returns the next one. */
static uint16_t
describe_instances(struct sff_plane *plane, bool attached, uint16_t p)
{
	const struct sfc_config *config = plane->config;

	for (unsigned int i = 0; i < config->n_instances; i++) {
		const struct sfc_instance *instance = &config->instance[i];

		if (instance->node != plane->table->node || instance->attach.present != attached)
			continue;
		plane->port[p++] = (struct sff_port){
			.kind = attached ? SFF_PORT_ATTACHED : SFF_PORT_SF,
			.peer = SFC_NONE,
			.instance = (uint16_t)i,
			.function = (uint16_t)instance->function,
		};
		memcpy(plane->port[p - 1].sf_mac, instance->attach.mac, sizeof(instance->attach.mac));
	}
	return p;
}

int
sff_ports_open(struct sff_plane *plane, const struct sff_options *options, uint16_t queues,
	struct pmd_captures **captures, char *err, int err_size)
{
	const struct sfc_node *node = &plane->config->node[plane->table->node];
	uint32_t n_local = 0;
	int rc = 0;

	for (unsigned int i = 0; i < plane->config->n_instances; i++)
		n_local += plane->config->instance[i].node == plane->table->node;
	if (node->n_ports + n_local > SFF_MAX_PORTS) {
		snprintf(err, (size_t)err_size, "node '%s' has %u ports and instances, the limit is %u",
			node->name, node->n_ports + n_local, SFF_MAX_PORTS);
		return -E2BIG;
	}
	plane->port = calloc(node->n_ports + n_local + 1, sizeof(plane->port[0]));
	if (plane->port == NULL) {
		snprintf(err, (size_t)err_size, "node '%s': out of memory", node->name);
		return -ENOMEM;
	}
	plane->n_external = (uint16_t)node->n_ports;
	plane->n_ports = (uint16_t)(node->n_ports + n_local);

	if (options->replay) {
		struct pmd_captures_conf conf = {.speed = options->speed, .loops = options->loops};

		rc = check_captures(node, options->in, options->n_in, "in", err, err_size);
		if (rc == 0)
			rc = check_captures(node, options->out, options->n_out, "out", err, err_size);
		if (rc == 0)
			rc = pmd_captures_create(&conf, captures, err, err_size);
	}
	/* First VMs, in the order in which sff_vms_start() has them, then those whose frames go over an
	 * external port. */
	describe_instances(plane, true, describe_instances(plane, false, plane->n_external));
	for (uint16_t p = 0; rc == 0 && p < plane->n_external; p++) {
		describe(plane, node, p);
		rc = options->replay ? open_replay(plane, node, p, options, *captures, err, err_size)
		                     : open_live(plane, node, p, queues, err, err_size);
		if (rc == 0)
			limit(plane->port[p].pmd, &node->port[p]);
	}
	if (rc != 0)
		sff_ports_close(plane);
	return rc;
}

static uint16_t
function_named(const struct sfc_config *config, const char *name)
{
	for (unsigned int f = 0; f < config->n_functions; f++)
		if (strcmp(config->function[f].name, name) == 0)
			return (uint16_t)f;
	return SFC_NONE;
}

/* Of a VM that leaves: as it was, but for its function, which may have another place or none. */
static void
inherit_leaving(struct sff_plane *plane, const struct sff_plane *from, uint16_t p)
{
	struct sff_port *port = &plane->port[p];

	*port = from->port[p];
	port->instance = SFC_NONE;
	if (port->function != SFC_NONE)
		port->function = function_named(plane->config, from->config->function[port->function].name);
	/* Without a function there is no way back for a frame without NSH. */
	if (port->function == SFC_NONE || plane->config->function[port->function].nsh_aware)
		port->sf.proxied = false;
}

/* By VM: the instance of the new configuration that it runs, SFC_NONE when it is to leave. */
static void
find_instances(const struct sff_plane *plane, const struct sff_vms *vms, uint16_t instance_of[SFF_VMS_MAX])
{
	for (unsigned int slot = 0; slot < SFF_VMS_MAX; slot++)
		instance_of[slot] = SFC_NONE;
	for (unsigned int i = 0; i < plane->config->n_instances; i++) {
		const struct sfc_instance *instance = &plane->config->instance[i];
		const struct sff_vm *vm;

		if (instance->node != plane->table->node || instance->attach.present)
			continue;
		vm = sff_vms_find(vms, instance);
		if (vm != NULL)
			instance_of[vm - vms->vm] = (uint16_t)i;
	}
}

int
sff_ports_inherit(struct sff_plane *plane, const struct sff_plane *from, const struct sff_vms *vms, char *err,
	int err_size)
{
	const struct sfc_config *config = plane->config;
	const struct sfc_node *node = &config->node[plane->table->node];
	uint32_t n = node->n_ports + vms->n;
	uint16_t instance_of[SFF_VMS_MAX];
	uint16_t p = 0;

	for (unsigned int i = 0; i < config->n_instances; i++)
		n += config->instance[i].node == plane->table->node && config->instance[i].attach.present;
	if (n > SFF_MAX_PORTS) {
		snprintf(err, (size_t)err_size, "node '%s' has %u ports and instances, the limit is %u",
			node->name, n, SFF_MAX_PORTS);
		return -E2BIG;
	}
	plane->port = calloc(n + 1, sizeof(plane->port[0]));
	if (plane->port == NULL) {
		snprintf(err, (size_t)err_size, "node '%s': out of memory", node->name);
		return -ENOMEM;
	}
	plane->n_external = (uint16_t)node->n_ports;
	plane->n_ports = (uint16_t)n;
	for (; p < plane->n_external; p++) {
		plane->port[p].pmd = from->port[p].pmd;
		describe(plane, node, p);
	}
	find_instances(plane, vms, instance_of);
	for (unsigned int slot = 0; slot < vms->n; slot++, p++) {
		const struct sff_vm *vm = &vms->vm[slot];
		uint16_t i = instance_of[slot];
		bool had = p < from->n_ports && from->port[p].kind == SFF_PORT_SF && !vm->pending;

		plane->port[p] = (struct sff_port){
			.kind = SFF_PORT_SF, .peer = SFC_NONE, .instance = i, .function = SFC_NONE};
		if (i == SFC_NONE && had)
			inherit_leaving(plane, from, p);
		if (i == SFC_NONE)
			continue;
		plane->port[p].function = (uint16_t)config->instance[i].function;
		memcpy(plane->port[p].sf_mac, vm->mac, sizeof(vm->mac));
	}
	describe_instances(plane, true, p);
	sff_ports_refresh(plane, from, vms);
	return 0;
}

void
sff_ports_refresh(struct sff_plane *plane, const struct sff_plane *from, const struct sff_vms *vms)
{
	for (unsigned int slot = 0; slot < vms->n && plane->n_external + slot < plane->n_ports; slot++) {
		uint16_t p = (uint16_t)(plane->n_external + slot);
		bool had = p < from->n_ports && from->port[p].kind == SFF_PORT_SF;

		if (vms->vm[slot].pending)
			continue;
		/* Also when there is none any more: that of a VM that left is closed. */
		plane->port[p].pmd = had ? from->port[p].pmd : NULL;
		plane->port[p].consumed = had ? from->port[p].consumed : NULL;
	}
}

int
sff_ports_open_vm(struct sff_plane *plane, uint16_t p, const struct sff_vm *vm, uint16_t queues, char *err,
	int err_size)
{
	struct sff_port *port = &plane->port[p];
	struct pmd_port *pmd;
	int rc = pmd_vm_open(vm->name, vm->socket_net, queues, &pmd, err, err_size);

	if (rc != 0)
		return rc;
	port->consumed = &vm->shared->status.consumed;
	/* Workers poll it from here on. */
	__atomic_store_n(&port->pmd, pmd, __ATOMIC_RELEASE);
	return 0;
}

int
sff_ports_flush(struct sff_plane *plane)
{
	int rc = 0;

	for (uint16_t p = 0; p < plane->n_ports; p++) {
		struct pmd_port *pmd = plane->port[p].pmd;
		int failed = pmd != NULL && pmd->ops->flush != NULL ? pmd->ops->flush(pmd) : 0;

		if (rc == 0)
			rc = failed;
	}
	return rc;
}

void
sff_ports_close(struct sff_plane *plane)
{
	for (uint16_t p = 0; p < plane->n_ports; p++)
		if (plane->port[p].pmd != NULL)
			plane->port[p].pmd->ops->close(plane->port[p].pmd);
	free(plane->port);
	plane->port = NULL;
	plane->n_ports = 0;
	plane->n_external = 0;
}
