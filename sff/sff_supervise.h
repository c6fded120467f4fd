/**
 * The life of VMs under a live node: ports that come and go, VMs that die and start again, VMs that leave.
 *
 * Included by control and by the change of configuration. Replays never start a VM again. Thread: control.
 */
#ifndef SFF_SUPERVISE_H
#define SFF_SUPERVISE_H

#include "sff_node.h"

/**
 * Look after one VM's port: open it when the VM is ready, and let the instance take frames while it is
 * attached.
 *
 * @param plane  its port is vm->port of this one.
 * @return       0, or -errno (said).
 */
int sff_supervise_port(struct sff_node *node, struct sff_plane *plane, struct sff_vm *vm);

/**
 * One round over all VMs of a live node: failover, restart with backoff, the end of those that leave.
 *
 * A VM starts again 0.1 s after it died, then after twice that, up to 5 s; when it died more than
 * SFF_VM_DEATHS_MAX times within a minute it stays down. What died inside it is in its books.
 */
void sff_supervise(struct sff_node *node, uint64_t now_ms);

#endif
