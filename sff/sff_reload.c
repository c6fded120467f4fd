#include "sff_reload.h"
#include "sff_mirror.h"
#include "sff_ports.h"
#include "sff_supervise.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* As at the start of a node. */
#define BOOT_MS 30000u
/* How long flows of a function are learned before it gets a choice: those that speak at least once a second
 * are live flows. */
#define LEARN_MS 1000u
/* Between looks at workers that exchange their plane: a pass takes microseconds. */
#define EXCHANGE_US 50u
#define ERR_SIZE    512

enum phase {
	PHASE_ROOM,  /* until VMs are gone that left and are wanted again: they still have their sockets */
	PHASE_BOOT,  /* VMs of new instances */
	PHASE_LEARN, /* which instance flows meet that had no choice so far */
};

struct sff_change {
	struct sfc_config *config;
	struct sfc_table *table;
	struct cls *cls;
	struct sff_plane *plane;
	int index;
	enum phase phase;
	uint64_t since_ms;
};

static void
release(struct sff_change *change)
{
	if (change->plane != NULL) {
		sff_mirrors_close(change->plane);
		sff_plane_fini(change->plane);
		free(change->plane->port);
		free(change->plane);
	}
	if (change->cls != NULL)
		cls_destroy(change->cls);
	sfc_table_free(change->table);
	sfc_config_free(change->config);
	free(change);
}

void
sff_reload_abandon(struct sff_node *node)
{
	struct sff_change *change = node->change;

	if (change == NULL)
		return;
	for (unsigned int i = 0; i < node->vms.n; i++) {
		struct sff_vm *vm = &node->vms.vm[i];

		if (!vm->pending)
			continue;
		/* No plane in force has its port: it is closed when the VM is gone. */
		if (change->plane != NULL && change->plane->port != NULL)
			vm->closing = change->plane->port[vm->port].pmd;
		vm->port = SFC_NONE;
		vm->pending = vm->up = false;
		vm->instance = NULL;
		vm->leaving = true;
	}
	node->change = NULL;
	release(change);
}

/* An instance of this node that a VM of ours runs. */
static bool
needs_vm(const struct sff_change *change, unsigned int i)
{
	const struct sfc_instance *instance = &change->config->instance[i];

	return instance->node == change->index && !instance->attach.present;
}

static bool
has_room(const struct sff_node *node, const struct sff_change *change)
{
	for (unsigned int i = 0; i < change->config->n_instances; i++)
		if (needs_vm(change, i) && sff_vms_leaving(&node->vms, &change->config->instance[i]))
			return false;
	return true;
}

/* Start VMs of instances that no VM runs exactly so. Which cannot be started is said, of all of them. */
static int
start_vms(struct sff_node *node, struct sff_change *change)
{
	char err[ERR_SIZE];
	int rc = 0;

	for (unsigned int i = 0; i < change->config->n_instances; i++) {
		struct sff_vm *vm;

		if (!needs_vm(change, i) || sff_vms_find(&node->vms, &change->config->instance[i]) != NULL)
			continue;
		if (sff_vms_add(&node->vms, change->config, i, &vm, err, sizeof(err)) != 0) {
			rc = sff_reload_refuse(node, "%s", err);
			continue;
		}
		vm->pending = true;
		vm->port = (uint16_t)(node->plane->n_external + (vm - node->vms.vm));
	}
	return rc;
}

/* The plane of the change: its ports are those of the plane in force, by place, and some more. */
static int
build_plane(struct sff_node *node, struct sff_change *change)
{
	struct sff_plane *plane = calloc(1, sizeof(*plane));
	char err[ERR_SIZE] = "";
	int rc;

	if (plane == NULL)
		return sff_reload_refuse(node, "no memory");
	change->plane = plane;
	plane->config = change->config;
	plane->table = change->table;
	plane->cls = change->cls;
	plane->hash_seed = node->plane->hash_seed;
	rc = sff_ports_inherit(plane, node->plane, &node->vms, err, sizeof(err));
	if (rc == 0) {
		plane->neighbours = node->plane->neighbours;
		rc = sff_plane_build(plane);
	}
	if (rc == 0 && node->mirrors == NULL && sff_mirrors_count(plane) > 0)
		rc = sff_mirror_store_create(node->workers, node->captures, &node->mirrors, err, sizeof(err));
	if (rc == 0)
		rc = sff_mirrors_open(plane, node->mirrors, err, sizeof(err));
	return rc == 0 ? 0 : sff_reload_refuse(node, "%s", err[0] != '\0' ? err : strerror(-rc));
}

static int
begin(struct sff_node *node, struct sff_change *change)
{
	const char *name = node->config->node[node->index].name;
	char err[ERR_SIZE] = "";

	if (sff_node_read(node->options, name, &change->config, &change->index, &change->table) != 0)
		return sff_reload_refuse(node, "see above");
	if (sff_reload_check(node, change->config, change->index) != 0)
		return -EINVAL;
	if (cls_create(change->config, change->index, &change->cls, err, sizeof(err)) != 0)
		return sff_reload_refuse(node, "%s", err);
	if (cls_inherit(change->cls, change->config, node->cls, node->config) != 0)
		return sff_reload_refuse(node, "no memory");
	return 0;
}

/* Has a new VM done what it will do? Its port is open, or it ended and its exit code is known. */
static bool
is_settled(const struct sff_vm *vm)
{
	return vm->state == SFF_VM_ENDED ? vm->adopted || vm->pid <= 0 : vm->up;
}

/* 0: all new VMs are up, -EAGAIN: not yet, -EINVAL: some never will be, all of which are said. */
static int
await_vms(struct sff_node *node, struct sff_change *change, uint64_t now)
{
	bool late = now - change->since_ms > BOOT_MS;
	int rc = 0;

	for (unsigned int i = 0; i < node->vms.n; i++) {
		struct sff_vm *vm = &node->vms.vm[i];

		if (!vm->pending)
			continue;
		if (vm->state != SFF_VM_ENDED && sff_supervise_port(node, change->plane, vm) != 0)
			return -EINVAL;
		if (!late && !is_settled(vm))
			rc = -EAGAIN;
	}
	if (rc != 0)
		return rc;
	for (unsigned int i = 0; i < node->vms.n; i++) {
		const struct sff_vm *vm = &node->vms.vm[i];
		char text[ERR_SIZE];

		if (!vm->pending || (vm->state != SFF_VM_ENDED && vm->up))
			continue;
		if (vm->state == SFF_VM_ENDED)
			sff_vm_reason(vm, text, sizeof(text));
		else
			snprintf(text, sizeof(text), "instance '%s': not ready after %u s", vm->name,
				BOOT_MS / 1000);
		rc = sff_reload_refuse(node, "%s", text);
	}
	return rc;
}

/* Functions whose flows had no choice so far, and will: flows are remembered from now on. Returns how many.
 */
static unsigned int
learn(struct sff_node *node, const struct sff_change *change)
{
	unsigned int n = 0;

	for (uint32_t g = 0; g < node->table->n_groups; g++) {
		const char *name = node->config->function[g].name;

		if (node->plane->pinned[g])
			continue;
		for (uint32_t k = 0; k < change->table->n_groups; k++)
			if (strcmp(change->config->function[k].name, name) == 0 && change->plane->pinned[k]) {
				sff_plane_learn(node->plane, (uint16_t)g);
				n++;
			}
	}
	return n;
}

/* Who runs what from now on: VMs of the same name and kind go on, the others leave. */
static void
assign_vms(struct sff_node *node, const struct sff_change *change, uint64_t now)
{
	for (unsigned int i = 0; i < node->vms.n; i++)
		node->vms.vm[i].instance = NULL;
	for (unsigned int i = 0; i < change->config->n_instances; i++) {
		const struct sfc_instance *instance = &change->config->instance[i];
		struct sff_vm *vm = needs_vm(change, i) ? sff_vms_find(&node->vms, instance) : NULL;

		if (vm == NULL)
			continue;
		vm->instance = instance;
		vm->index = (uint16_t)i;
		vm->pending = false;
		/* One that was given up gets another chance. */
		if (vm->state == SFF_VM_ENDED && vm->said && vm->again_ms == 0) {
			vm->backoff = (struct sff_backoff){0};
			vm->again_ms = now;
		}
	}
	for (unsigned int i = 0; i < node->vms.n; i++) {
		struct sff_vm *vm = &node->vms.vm[i];

		if (vm->state == SFF_VM_NONE || vm->leaving || vm->instance != NULL)
			continue;
		vm->leaving = true;
		vm->leave_ms = now;
		vm->said = false;
	}
}

/* Hand every worker its part, and wait until each has begun a pass with it. */
static void
exchange(struct sff_node *node, struct sff_view *view)
{
	for (uint16_t w = 0; w < node->workers; w++)
		atomic_store_explicit(&node->lcore[w]->next, &view[w], memory_order_release);
	for (uint16_t w = 0; w < node->workers; w++)
		while (atomic_load_explicit(&node->lcore[w]->next, memory_order_acquire) != NULL)
			usleep(EXCHANGE_US);
}

static int
take_over(struct sff_node *node, struct sff_change *change, uint64_t now)
{
	struct sff_view view[SFF_MAX_WORKERS];
	struct sff_carried last = {0}, sum = {0};
	bool *said = calloc(change->config->n_paths + 1, sizeof(*said));
	uint16_t n = 0;
	struct sff_change old;

	while (n < node->workers && sff_view_create(change->plane, node->lcore[n]->pins, &view[n]) == 0)
		n++;
	if (said == NULL || n < node->workers || sff_carried_create(node->plane, &last) != 0 ||
		sff_carried_create(change->plane, &sum) != 0) {
		free(said);
		sff_carried_free(&last);
		while (n > 0)
			sff_view_destroy(&view[--n]);
		return sff_reload_refuse(node, "no memory");
	}
	/* VMs may have died and come back since the plane was built. */
	sff_ports_refresh(change->plane, node->plane, &node->vms);
	assign_vms(node, change, now);
	for (unsigned int i = 0; i < node->vms.n; i++)
		if (node->vms.vm[i].instance != NULL)
			sff_supervise_port(node, change->plane, &node->vms.vm[i]);
	exchange(node, view);

	for (uint16_t w = 0; w < node->workers; w++) {
		sff_carried_add_view(&last, &view[w]);
		sff_view_destroy(&view[w]);
	}
	sff_carried_add(&sum, change->plane, &node->carried, node->plane);
	sff_carried_add(&sum, change->plane, &last, node->plane);
	sff_carried_free(&last);
	sff_carried_free(&node->carried);
	node->carried = sum;
	free(node->metadata_said);
	node->metadata_said = said;

	old = (struct sff_change){
		.config = node->config, .table = node->table, .cls = node->cls, .plane = node->plane};
	node->config = change->config;
	node->table = change->table;
	node->cls = change->cls;
	node->plane = change->plane;
	node->index = change->index;
	*change = old;
	return 0;
}

/* 0: done, and `change` holds what was in force before. -EAGAIN: not yet. */
static int
go_on(struct sff_node *node, struct sff_change *change, uint64_t now)
{
	int rc;

	switch (change->phase) {
	case PHASE_ROOM:
		if (!has_room(node, change))
			return -EAGAIN;
		rc = start_vms(node, change);
		if (rc == 0)
			rc = build_plane(node, change);
		if (rc != 0)
			return rc;
		change->phase = PHASE_BOOT;
		change->since_ms = now;
		return -EAGAIN;
	case PHASE_BOOT:
		rc = await_vms(node, change, now);
		if (rc != 0)
			return rc;
		change->phase = PHASE_LEARN;
		change->since_ms = learn(node, change) > 0 ? now : now - LEARN_MS;
		return -EAGAIN;
	case PHASE_LEARN:
		return now - change->since_ms < LEARN_MS ? -EAGAIN : take_over(node, change, now);
	}
	return -EINVAL;
}

void
sff_reload_step(struct sff_node *node, uint64_t now)
{
	int rc;

	if (node->change == NULL && node->change_asked) {
		node->change_asked = false;
		node->change = calloc(1, sizeof(*node->change));
		if (node->change == NULL)
			sff_reload_refuse(node, "no memory");
		else if (begin(node, node->change) != 0)
			sff_reload_abandon(node);
	}
	if (node->change == NULL)
		return;
	rc = go_on(node, node->change, now);
	if (rc == -EAGAIN)
		return;
	if (rc != 0) {
		sff_reload_abandon(node);
		return;
	}
	release(node->change);
	node->change = NULL;
	sff_node_say_warnings(node);
	sff_say(node->options, "note", "%s: changed", node->options->config);
}
