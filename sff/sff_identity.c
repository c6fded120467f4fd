#include "sff_identity.h"

#include "sfc_group.h"

#include <rte_common.h>

#include <errno.h>
#include <stdlib.h>

static uint32_t
identity(const char *name)
{
	uint64_t hash = sfc_name_hash(name);
	uint32_t id = (uint32_t)(hash ^ hash >> 32);

	return id != 0 ? id : 1;
}

static int
by_id(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Two names of one identity, one chance in 2^32 for a pair: neither gets it. */
static int
clear_twins(uint32_t *id, uint32_t n)
{
	uint32_t *sorted = calloc(n + 1, sizeof(*sorted));

	if (sorted == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++)
		sorted[i] = id[i];
	qsort(sorted, n, sizeof(*sorted), by_id);
	for (uint32_t i = 1; i < n; i++)
		for (uint32_t k = 0; sorted[i] == sorted[i - 1] && k < n; k++)
			if (id[k] == sorted[i])
				id[k] = 0;
	free(sorted);
	return 0;
}

static void
add(struct sff_identities *ids, uint32_t id, uint32_t target, uint16_t group)
{
	uint32_t i = id;

	while (ids->slot[i & ids->mask].id != 0)
		i++;
	ids->slot[i & ids->mask] =
		(struct sff_identity){.id = id, .target = (uint16_t)target, .group = group};
}

int
sff_identities_build(
	const struct sfc_config *config, const struct sfc_table *table, struct sff_identities *ids)
{
	uint32_t n_slots = rte_align32pow2(2 * table->n_targets + 2);
	int rc = -ENOMEM;

	*ids = (struct sff_identities){
		.function = calloc(table->n_groups + 1, sizeof(ids->function[0])),
		.instance = calloc(config->n_instances + 1, sizeof(ids->instance[0])),
		.slot = calloc(n_slots, sizeof(ids->slot[0])),
		.mask = n_slots - 1,
	};
	if (ids->function == NULL || ids->instance == NULL || ids->slot == NULL)
		goto fail;
	for (uint32_t g = 0; g < table->n_groups; g++)
		ids->function[g] = identity(config->function[table->group[g].function].name);
	for (uint32_t i = 0; i < config->n_instances; i++)
		ids->instance[i] = identity(config->instance[i].name);
	rc = clear_twins(ids->function, table->n_groups);
	if (rc == 0)
		rc = clear_twins(ids->instance, config->n_instances);
	if (rc != 0)
		goto fail;
	for (uint32_t g = 0; g < table->n_groups; g++) {
		const struct sfc_group *group = &table->group[g];

		for (uint32_t t = group->first_target; t < group->first_target + group->n_targets; t++)
			if (ids->instance[table->target[t].instance] != 0)
				add(ids, ids->instance[table->target[t].instance], t, (uint16_t)g);
	}
	return 0;
fail:
	sff_identities_fini(ids);
	return rc;
}

void
sff_identities_fini(struct sff_identities *ids)
{
	free(ids->function);
	free(ids->instance);
	free(ids->slot);
	*ids = (struct sff_identities){0};
}
