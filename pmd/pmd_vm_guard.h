/**
 * Checks on every message of a vhost-user front end before rte_vhost acts on it. Included by the VM port and
 * its tests.
 *
 * rte_vhost checks much, but leaves open: files that shrink, ring sizes that change while mapped, calls to
 * files that block, messages shorter than their meaning, and requests that were never offered.
 */
#ifndef PMD_VM_GUARD_H
#define PMD_VM_GUARD_H

#include <rte_vhost.h>

#include <stdbool.h>
#include <stdint.h>

/* One connection. Zeroed with `rings` set when it begins. Thread: the one that handles its messages. */
struct pmd_vm_guard {
	uint32_t rings;     /* two per queue pair, at most 32 */
	bool attached;      /* workers use the rings: nothing about them may change */
	uint32_t sized;     /* bit per ring: has a size */
	uint32_t addressed; /* bit per ring: has addresses */
	uint32_t messages;  /* since the connection or since the rings were last attached */
};

/**
 * Judge one message; the pre_msg_handle of rte_vhost.
 *
 * @param msg  as rte_vhost gives it.
 * @param why  when refused: the reason.
 * @return     RTE_VHOST_MSG_RESULT_NOT_HANDLED: rte_vhost goes on with it. _REPLY: answered here. _ERR:
 * refused; its files are closed and rte_vhost will end the connection.
 */
enum rte_vhost_msg_result pmd_vm_guard_check(struct pmd_vm_guard *guard, void *msg, const char **why);

/**
 * Let no front end keep rte_vhost's only event thread waiting inside a message: all sockets of this process
 * that are connected to `path` get short timeouts.
 */
void pmd_vm_guard_timeouts(const char *path);

#endif
