#include "sfc_position.h"

#include <errno.h>
#include <stdlib.h>

/* A rule that gives words to a path tells every function of the domain what they are (RFC 8300, 2.4). */
static void
find_words(const struct sfc_config *config, struct sfc_table *table)
{
	for (unsigned int i = 0; i < config->n_rules; i++) {
		const struct sfc_rule *rule = &config->rule[i];

		if (rule->action == SFC_ACTION_PATH &&
			(rule->word[0] | rule->word[1] | rule->word[2] | rule->word[3]) != 0)
			table->path[rule->path].has_words = 1;
	}
}

int
sfc_positions_build(const struct sfc_config *config, struct sfc_table *table)
{
	uint32_t n = 0;

	find_words(config, table);
	for (unsigned int p = 0; p < config->n_paths; p++)
		for (unsigned int h = 0; h < config->path[p].n_hops; h++) {
			if (config->function[config->path[p].hop[h]].nsh_aware)
				continue;
			table->group[config->path[p].hop[h]].n_positions++;
			n++;
		}
	table->position = calloc(n + 1, sizeof(table->position[0]));
	if (table->position == NULL)
		return -ENOMEM;
	n = 0;
	for (uint32_t g = 0; g < table->n_groups; g++) {
		table->group[g].first_position = n;
		n += table->group[g].n_positions;
		table->group[g].n_positions = 0;
	}
	for (unsigned int p = 0; p < config->n_paths; p++) {
		const struct sfc_path *path = &config->path[p];

		for (unsigned int h = 0; h < path->n_hops; h++) {
			const struct sfc_function *function = &config->function[path->hop[h]];
			struct sfc_group *group = &table->group[path->hop[h]];
			uint32_t sp = path->spi << 8 | (uint32_t)(path->initial_si - h);
			const struct sfp_entry *entry;
			int known_spi;

			if (function->nsh_aware)
				continue;
			table->position[group->first_position + group->n_positions++] = sp;
			entry = sfp_lookup(table, sp, &known_spi);
			if (entry != NULL && function->proxy.style == SFC_PROXY_VLAN)
				table->entry[entry - table->entry].vlan = (uint16_t)group->n_positions;
		}
	}
	return 0;
}
