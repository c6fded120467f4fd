/**
 * The ports of this node: devices of a live node, capture files of a replay, the VM port of each local
 * instance.
 *
 * Included by control.
 */
#ifndef SFF_PORTS_H
#define SFF_PORTS_H

#include "sff_options.h"
#include "sff_plane.h"
#include "sff_vm.h"

/**
 * Open every port of the node into plane->port (external ports first, then one slot per local instance).
 *
 * @param captures  replay: out, the set its capture ports are in; NULL for a live node.
 * @return          0, or -errno with one message in err; then nothing is left open. Thread: control.
 */
int sff_ports_open(struct sff_plane *plane, const struct sff_options *options, uint16_t queues,
	struct pmd_captures **captures, char *err, int err_size);

/**
 * The ports of another plane of the same node: external ones as they are open, then a place for each VM, by
 * its index, then attached instances.
 *
 * @param plane  config and table are set.
 * @return       0, or -errno with one message in err. Thread: control.
 */
int sff_ports_inherit(struct sff_plane *plane, const struct sff_plane *from, const struct sff_vms *vms,
	char *err, int err_size);

/** Take over what became of VM ports since; VMs that are pending have theirs in `plane`. Thread: control. */
void sff_ports_refresh(struct sff_plane *plane, const struct sff_plane *from, const struct sff_vms *vms);

/** Connect the VM port of a VM that is ready, in slot `port`. 0, or -errno with one message in err. */
int sff_ports_open_vm(struct sff_plane *plane, uint16_t port, const struct sff_vm *vm, uint16_t queues,
	char *err, int err_size);

/** Flush and close all. No lcore polls any more. 0, or -errno of the first flush that failed. */
int sff_ports_flush(struct sff_plane *plane);
void sff_ports_close(struct sff_plane *plane);

#endif
