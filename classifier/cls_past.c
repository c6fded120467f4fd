/* What flows of earlier rule sets keep: the way back, which no rule says. */
#include "cls_rules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The verdict of a way back into the path of that name; 0 = it is no path's way back here. */
static uint32_t
reverse_into(const struct cls *cls, const struct sfc_config *config, const char *name)
{
	for (unsigned int p = 0; p < config->n_paths; p++)
		if (strcmp(config->path[p].name, name) == 0)
			return cls->reverse[p];
	return 0;
}

int
cls_inherit(struct cls *cls, const struct sfc_config *config, const struct cls *from,
	const struct sfc_config *from_config)
{
	uint32_t *direct = calloc(from->n_actions, sizeof(*direct));

	if (direct == NULL)
		return -ENOMEM;
	for (uint32_t v = 0; v < from->n_actions; v++)
		if (from->action[v].rule == CLS_RULE_REVERSE)
			direct[v] = reverse_into(cls, config, from_config->path[from->action[v].path].name);
	cls->past[0] = (struct cls_past){from->generation, from->n_actions, direct};
	cls->n_past = 1;
	/* And what it inherited itself; the oldest is forgotten. */
	for (uint32_t i = 0; i < from->n_past && cls->n_past < CLS_PAST_MAX; i++) {
		const struct cls_past *was = &from->past[i];
		struct cls_past *is = &cls->past[cls->n_past];

		is->verdict = calloc(was->n, sizeof(is->verdict[0]));
		if (is->verdict == NULL)
			return -ENOMEM;
		cls->n_past++;
		is->generation = was->generation;
		is->n = was->n;
		for (uint32_t v = 0; v < was->n; v++)
			is->verdict[v] = was->verdict[v] != 0 ? direct[was->verdict[v]] : 0;
	}
	return 0;
}

void
cls_past_free(struct cls *cls)
{
	while (cls->n_past > 0)
		free(cls->past[--cls->n_past].verdict);
}

uint32_t
cls_past_verdict(const struct cls *cls, uint32_t generation, uint32_t verdict)
{
	for (uint32_t i = 0; i < cls->n_past; i++)
		if (cls->past[i].generation == generation)
			return cls->past[i].verdict[verdict];
	return 0;
}
