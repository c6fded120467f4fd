#include "sff_carry.h"
#include "sff_proxy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int
sff_carried_create(const struct sff_plane *plane, struct sff_carried *carried)
{
	*carried = (struct sff_carried){
		.path = calloc(plane->table->n_paths + 1, sizeof(carried->path[0])),
		.hop = calloc(plane->table->n_entries + 1, sizeof(carried->hop[0])),
		.proxy = calloc(plane->table->n_groups + 1, sizeof(carried->proxy[0])),
	};
	if (carried->path != NULL && carried->hop != NULL && carried->proxy != NULL)
		return 0;
	sff_carried_free(carried);
	return -ENOMEM;
}

void
sff_carried_free(struct sff_carried *carried)
{
	free(carried->path);
	free(carried->hop);
	free(carried->proxy);
	*carried = (struct sff_carried){0};
}

static void
add_path(struct sff_path_count *to, const struct sff_path_count *from)
{
	to->in += from->in;
	to->out += from->out;
	to->unknown_context += from->unknown_context;
}

static void
add_hop(struct sff_hop_count *to, const struct sff_hop_count *from)
{
	to->in += from->in;
	to->out += from->out;
}

static void
add_proxy(struct sfc_report_proxy *to, const struct sfc_report_proxy *from)
{
	to->saved += from->saved;
	to->restored += from->restored;
	to->templated += from->templated;
	to->missed += from->missed;
	to->evicted += from->evicted;
	to->answered += from->answered;
}

void
sff_carried_add_proxy(struct sfc_report_proxy *to, struct sff_proxy *from)
{
	const struct sff_proxy_count *count = from != NULL ? sff_proxy_count(from) : NULL;

	if (count == NULL)
		return;
	add_proxy(to, &(struct sfc_report_proxy){
			      .saved = __atomic_load_n(&count->saved, __ATOMIC_RELAXED),
			      .restored = __atomic_load_n(&count->restored, __ATOMIC_RELAXED),
			      .templated = __atomic_load_n(&count->templated, __ATOMIC_RELAXED),
			      .missed = __atomic_load_n(&count->missed, __ATOMIC_RELAXED),
			      .evicted = __atomic_load_n(&count->evicted, __ATOMIC_RELAXED),
			      .answered = __atomic_load_n(&count->answered, __ATOMIC_RELAXED),
		      });
}

void
sff_carried_add_view(struct sff_carried *carried, const struct sff_view *view)
{
	for (uint32_t p = 0; p < view->plane->table->n_paths; p++)
		add_path(&carried->path[p], &view->path[p]);
	for (uint32_t e = 0; e < view->plane->table->n_entries; e++)
		add_hop(&carried->hop[e], &view->hop[e]);
	/* Those that went on by the next plane are not in it any more. */
	for (uint32_t g = 0; g < view->plane->table->n_groups; g++)
		sff_carried_add_proxy(&carried->proxy[g], view->proxy[g]);
}

static int
path_named(const struct sfc_config *config, const char *name)
{
	for (unsigned int p = 0; p < config->n_paths; p++)
		if (strcmp(config->path[p].name, name) == 0)
			return (int)p;
	return -1;
}

static const struct sfp_entry *
entry_at(const struct sff_plane *plane, const struct sfc_path *path, unsigned int hop)
{
	int known;

	return sfp_lookup(plane->table, path->spi << 8 | (uint32_t)(path->initial_si - hop), &known);
}

static void
add_hops(struct sff_carried *to, const struct sff_plane *to_plane, const struct sfc_path *is,
	const struct sff_carried *from, const struct sff_plane *from_plane, const struct sfc_path *was)
{
	for (unsigned int h = 0; h < was->n_hops && h < is->n_hops; h++) {
		const struct sfp_entry *a = entry_at(from_plane, was, h), *b = entry_at(to_plane, is, h);

		if (a != NULL && b != NULL &&
			strcmp(from_plane->config->function[was->hop[h]].name,
				to_plane->config->function[is->hop[h]].name) == 0)
			add_hop(&to->hop[b - to_plane->table->entry],
				&from->hop[a - from_plane->table->entry]);
	}
}

void
sff_carried_add(struct sff_carried *to, const struct sff_plane *to_plane, const struct sff_carried *from,
	const struct sff_plane *from_plane)
{
	for (uint32_t g = 0; from->proxy != NULL && g < to_plane->table->n_groups; g++)
		for (uint32_t k = 0; k < from_plane->table->n_groups; k++)
			if (strcmp(to_plane->config->function[g].name,
				    from_plane->config->function[k].name) == 0)
				add_proxy(&to->proxy[g], &from->proxy[k]);
	for (unsigned int p = 0; from->path != NULL && p < to_plane->config->n_paths; p++) {
		const struct sfc_path *is = &to_plane->config->path[p];
		int was = path_named(from_plane->config, is->name);

		if (was < 0)
			continue;
		add_path(&to->path[p], &from->path[was]);
		add_hops(to, to_plane, is, from, from_plane, &from_plane->config->path[was]);
	}
}
