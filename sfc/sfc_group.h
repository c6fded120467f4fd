/**
 * Shares of a function's balance table. Included by sfc_table, which builds groups, and by its tests.
 */
#ifndef SFC_GROUP_H
#define SFC_GROUP_H

#include "sfc_table.h"

/** FNV-1a of a name, 64 bits (draft-eastlake-fnv): who an instance or function is on every node. Thread: any.
 */
uint64_t sfc_name_hash(const char *name);

/**
 * Give every slot of a group to one of its targets, over all of them and over the local ones.
 *
 * Weighted rendezvous hashing (Thaler and Ravishankar, "Using name-based mappings to increase hit rates",
 * 1998; weights as in draft-ietf-bess-weighted-hrw): a slot goes to the instance with the best score of
 * (instance name, slot). Names alone decide, in integers, so every node of a domain computes the same table,
 * and a new instance takes its share of the slots and moves no other.
 *
 * @param config  names and weights of the instances.
 * @param target  the table's targets; those of the group are group->first_target and the n_targets after it.
 * @param group   its counts are set; its slots are written.
 * Thread: control.
 */
void sfc_group_fill(
	const struct sfc_config *config, const struct sfc_target *target, struct sfc_group *group);

#endif
