#include "sff_supervise.h"
#include "sff_ports.h"
#include "sff_report.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Time for a VM to become ready, as at the start of the node; and for its port to come back once it is. */
#define BOOT_MS 30000u
#define PORT_MS 5000u
/* A runner that closed its control socket is gone a moment later. */
#define END_MS 1000u
/* Longest wait for frames inside a VM that leaves; then for its end once it was asked. */
#define LEAVE_MS 5000u

/* From the end of a VM that left to that of its port. */
#define CLOSE_MS 2000u

int
sff_supervise_port(struct sff_node *node, struct sff_plane *plane, struct sff_vm *vm)
{
	struct sff_port *port = &plane->port[vm->port];
	enum sfc_state state;

	/* Another life at the port it had: what it says it finished is in new memory. */
	if (vm->state == SFF_VM_READY && port->pmd != NULL && port->consumed == NULL)
		__atomic_store_n(&port->consumed, &vm->shared->status.consumed, __ATOMIC_RELEASE);
	if (vm->state == SFF_VM_READY && port->pmd == NULL) {
		char err[512];
		int rc = sff_ports_open_vm(plane, vm->port, vm, node->workers, err, sizeof(err));

		if (rc != 0) {
			sff_say(node->options, "error", "%s", err);
			return rc;
		}
	}
	vm->up = vm->state == SFF_VM_READY && port->pmd != NULL && pmd_vm_up(port->pmd);
	if (vm->leaving)
		return 0;
	state = vm->up ? sff_plane_admin(vm->instance) : SFC_DOWN;
	__atomic_store_n(&plane->up[vm->index], (uint8_t)state, __ATOMIC_RELEASE);
	return 0;
}

/* Until every worker has begun another pass. */
static void
wait_for_workers(const struct sff_node *node)
{
	rte_rcu_qsbr_synchronize(node->qsbr, RTE_QSBR_THRID_INVALID);
}

/*
 * Write down what a life did that is over: what is still inside is lost. The port stays: rte_vhost connects
 * again by itself, and to unregister a socket while it takes note of a connection's end leaves it a dangling
 * pointer.
 *
 * Returns false while workers may still use the rings.
 */
static bool
bury(struct sff_node *node, struct sff_vm *vm)
{
	struct sff_port *port;
	uint64_t rest;

	vm->up = false;
	if (vm->port == SFC_NONE)
		return true;
	port = &node->plane->port[vm->port];
	if (!vm->leaving)
		__atomic_store_n(&node->plane->up[vm->index], SFC_DOWN, __ATOMIC_RELEASE);
	if (port->pmd == NULL || vm->shared == NULL)
		return true;
	if (pmd_vm_attached(port->pmd))
		return false;
	sff_report_life(port->pmd, port->consumed, node->workers, &vm->past, &rest);
	vm->past.lost += rest;
	pmd_vm_count_anew(port->pmd);
	/* Workers look at it, too. */
	__atomic_store_n(&port->consumed, NULL, __ATOMIC_RELEASE);
	wait_for_workers(node);
	sff_vm_forget(vm);
	return true;
}

/* No worker polls it any more when it is closed. */
static void
close_port(struct sff_node *node, struct sff_port *port)
{
	struct pmd_port *pmd = port->pmd;

	if (pmd == NULL)
		return;
	__atomic_store_n(&port->pmd, NULL, __ATOMIC_RELEASE);
	wait_for_workers(node);
	pmd->ops->close(pmd);
}

/* When does it start again? `why` it ended is said with it. */
static void
schedule(const struct sff_node *node, struct sff_vm *vm, uint64_t now, const char *why)
{
	uint64_t delay = sff_backoff_next(&vm->backoff, now);

	if (delay == SFF_BACKOFF_NEVER) {
		vm->again_ms = 0;
		sff_say(node->options, "error", "%s; more than %u times in a minute: it stays down", why,
			SFF_BACKOFF_DEATHS_MAX);
		return;
	}
	vm->again_ms = now + delay;
	sff_say(node->options, "error", "%s; it starts again in %.1f s", why, (double)delay / 1000);
}

static void
leave(struct sff_node *node, struct sff_vm *vm, uint64_t now)
{
	const struct sff_port *port = vm->port != SFC_NONE ? &node->plane->port[vm->port] : NULL;
	struct sff_books books = {0};
	uint64_t rest = 0;

	if (port != NULL && port->pmd != NULL)
		sff_report_life(port->pmd, port->consumed, node->workers, &books, &rest);
	if (!vm->stopping && (rest == 0 || now - vm->leave_ms > LEAVE_MS)) {
		vm->stopping = true;
		vm->leave_ms = now;
		sff_vm_stop(vm);
	} else if (vm->stopping && now - vm->leave_ms > END_MS) {
		sff_vm_kill(vm);
	}
}

/* Its place is free once rte_vhost has certainly taken note of the end of its connection: see bury(). */
static void
release(struct sff_node *node, struct sff_vm *vm, uint64_t now)
{
	if (!vm->said) {
		vm->said = true;
		vm->leave_ms = now;
		unlink(vm->socket_net);
		unlink(vm->socket_control);
	}
	if (now - vm->leave_ms < CLOSE_MS)
		return;
	if (vm->port != SFC_NONE)
		close_port(node, &node->plane->port[vm->port]);
	else if (vm->closing != NULL)
		vm->closing->ops->close(vm->closing);
	vm->closing = NULL;
	sff_books_add(&node->vms.past, &vm->past);
	sff_vm_forget(vm);
	vm->state = SFF_VM_NONE;
}

static void
ended(struct sff_node *node, struct sff_vm *vm, uint64_t now)
{
	char text[512];

	/* A child's exit code comes a moment after its socket closes. */
	if (!vm->adopted && vm->pid > 0) {
		if (now - vm->since_ms > END_MS)
			sff_vm_kill(vm);
		return;
	}
	if (vm->leaving) {
		release(node, vm, now);
	} else if (!vm->said) {
		vm->said = true;
		sff_vm_reason(vm, text, sizeof(text));
		schedule(node, vm, now, text);
	} else if (vm->again_ms != 0 && now >= vm->again_ms) {
		if (sff_vms_restart(&node->vms, vm, text, sizeof(text)) != 0)
			schedule(node, vm, now, text);
	}
}

static void
supervise(struct sff_node *node, struct sff_vm *vm, uint64_t now)
{
	if (vm->seen != vm->state) {
		vm->seen = vm->state;
		vm->since_ms = now;
	}
	switch (vm->state) {
	case SFF_VM_NONE:
		return;
	case SFF_VM_STARTING:
		if (now - vm->since_ms > BOOT_MS)
			sff_vm_kill(vm);
		break;
	case SFF_VM_READY:
		if (vm->leaving)
			break;
		if (sff_supervise_port(node, node->plane, vm) != 0 ||
			(!vm->up && now - vm->since_ms > PORT_MS))
			sff_vm_kill(vm);
		if (vm->up)
			vm->since_ms = now;
		break;
	case SFF_VM_ENDED:
		if (bury(node, vm))
			ended(node, vm, now);
		return;
	}
	if (vm->leaving)
		leave(node, vm, now);
}

void
sff_supervise(struct sff_node *node, uint64_t now)
{
	for (unsigned int i = 0; i < node->vms.n; i++)
		if (!node->vms.vm[i].pending)
			supervise(node, &node->vms.vm[i], now);
}
