/**
 * Another configuration for a node that runs: built whole beside the one in force, then exchanged between two
 * passes of each worker, or refused whole.
 *
 * Included by control. Ports, workers, memory and flows stay as the node was started with; everything else
 * may change. Thread: control.
 */
#ifndef SFF_RELOAD_H
#define SFF_RELOAD_H

#include "sff_node.h"

/**
 * One round of control: begin a change when one was asked for (sff_node.change_asked), and go on with the one
 * that is under way: wait for VMs, learn flows, exchange the planes.
 *
 * What is wrong is said, all of it, and nothing changes. Who asks while a change is under way gets another
 * after it.
 */
void sff_reload_step(struct sff_node *node, uint64_t now_ms);

/** Give up a change that is under way, when the node ends. */
void sff_reload_abandon(struct sff_node *node);

/** Say all that a running node cannot change to. 0, or -EINVAL. @param index  of the node in `config`. */
int sff_reload_check(const struct sff_node *node, const struct sfc_config *config, int index);

/** Say why nothing changes. Returns -EINVAL. */
int sff_reload_refuse(const struct sff_node *node, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
