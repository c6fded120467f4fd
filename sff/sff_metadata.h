/**
 * Says once per path that a proxy dropped its frames because it does not know what their metadata mean.
 *
 * RFC 8300, 2.4, wants that logged at least once per SPI; the packet path only counts. Included by
 * sff_control.c.
 */
#ifndef SFF_METADATA_H
#define SFF_METADATA_H

#include "sff_node.h"

/** Look at the counters; cheap while nothing was dropped. Thread: control. */
void sff_metadata_look(struct sff_node *node);

#endif
