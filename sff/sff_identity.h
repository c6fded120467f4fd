/**
 * Names of functions and instances as 32-bit identities that hold across configurations, and back to indices
 * of the present one.
 *
 * Included by sff_plane.h: part of a plane, made anew with it, and read by the look-up stage.
 */
#ifndef SFF_IDENTITY_H
#define SFF_IDENTITY_H

#include "sfc_table.h"

#include <stdint.h>

struct sff_identity {
	uint32_t id;     /* 0 = free */
	uint16_t target; /* in table->target */
	uint16_t group;
};

struct sff_identities {
	uint32_t *
		function; /* per group; 0: its name cannot be told from another's, so nothing is remembered */
	uint32_t *instance;        /* per config instance; 0 as above */
	struct sff_identity *slot; /* open addressing, at most half full */
	uint32_t mask;
};

/** @return 0 or -ENOMEM (nothing is left to free). Thread: control. */
int sff_identities_build(
	const struct sfc_config *config, const struct sfc_table *table, struct sff_identities *identities);
void sff_identities_fini(struct sff_identities *identities);

/** The target of an instance in a group, SFC_NONE when the group does not have it any more. Thread: any
 * lcore. */
static inline uint16_t
sff_identity_target(const struct sff_identities *identities, uint16_t group, uint32_t id)
{
	for (uint32_t i = id;; i++) {
		const struct sff_identity *slot = &identities->slot[i & identities->mask];

		if (slot->id == id && slot->group == group)
			return slot->target;
		if (slot->id == 0)
			return SFC_NONE;
	}
}

#endif
