/**
 * The positions of NSH-unaware functions: where in which path each stands, for their proxy.
 *
 * Included by sfc_table.c.
 */
#ifndef SFC_POSITION_H
#define SFC_POSITION_H

#include "sfc_table.h"

/**
 * Number the positions of every function that is not NSH-aware, in the order of paths and hops of the file
 * and whether or not the path has a row here: the same numbers on every node. The last thing of a table.
 *
 * @return 0 or -ENOMEM. Thread: control.
 */
int sfc_positions_build(const struct sfc_config *config, struct sfc_table *table);

#endif
