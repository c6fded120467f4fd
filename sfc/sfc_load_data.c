#include "sfc_load.h"

#include <stdlib.h>
#include <string.h>

const struct sfc_yaml *
sfc_data_yaml(const struct lyd_node *node)
{
	return node->priv;
}

const struct lyd_node *
sfc_data_next(const struct lyd_node *parent, const struct lyd_node *last, const char *name)
{
	const struct lyd_node *node = last ? last->next : parent ? lyd_child(parent) : NULL;

	while (node && strcmp(node->schema->name, name))
		node = node->next;
	return node;
}

const struct lyd_node *
sfc_data_child(const struct lyd_node *parent, const char *name)
{
	return sfc_data_next(parent, NULL, name);
}

unsigned int
sfc_data_count(const struct lyd_node *parent, const char *name)
{
	const struct lyd_node *node = NULL;
	unsigned int n = 0;

	while ((node = sfc_data_next(parent, node, name)))
		n++;
	return n;
}

bool
sfc_data_refused(const struct lyd_node *parent, const char *name)
{
	const struct sfc_yaml *yaml = parent ? sfc_data_yaml(parent) : NULL;
	const struct sfc_yaml *value = yaml ? sfc_yaml_get(yaml, name) : NULL;
	const struct lyd_node *child = sfc_data_child(parent, name);

	return value && !value->is_null && (!child || !child->priv);
}

const char *
sfc_data_text(const struct lyd_node *parent, const char *name)
{
	const struct lyd_node *node = sfc_data_child(parent, name);

	return node ? lyd_get_value(node) : NULL;
}

uint32_t
sfc_data_number(const struct lyd_node *parent, const char *name)
{
	const char *text = sfc_data_text(parent, name);

	return text ? (uint32_t)strtoul(text, NULL, 10) : 0; /* canonical: in range, decimal */
}

bool
sfc_data_is(const struct lyd_node *parent, const char *name, const char *value)
{
	const char *text = sfc_data_text(parent, name);

	return text && !strcmp(text, value);
}

int
sfc_names_init(struct sfc_load *load, struct sfc_names *names, unsigned int n)
{
	names->n = 0;
	names->entry = sfc_load_temp(load, n, sizeof(*names->entry));
	return names->entry ? 0 : -1;
}

void
sfc_names_add(struct sfc_names *names, const char *name, int owner, int index, const struct lyd_node *at)
{
	names->entry[names->n++] = (struct sfc_name){name, owner, index, at};
}

static int
by_name(const void *a, const void *b)
{
	const struct sfc_name *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	if (order == 0)
		order = (x->owner > y->owner) - (x->owner < y->owner);
	return order ? order : (x->index > y->index) - (x->index < y->index);
}

void
sfc_names_sort(struct sfc_names *names)
{
	if (names->n > 1)
		qsort(names->entry, names->n, sizeof(*names->entry), by_name);
}

const struct sfc_name *
sfc_names_find(const struct sfc_names *names, const char *name)
{
	unsigned int low = 0, high = names->n;

	while (low < high) {
		unsigned int middle = low + (high - low) / 2;

		if (strcmp(names->entry[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < names->n && !strcmp(names->entry[low].name, name) ? &names->entry[low] : NULL;
}

const struct sfc_name *
sfc_names_next(const struct sfc_names *names, const struct sfc_name *entry)
{
	bool is_last = entry + 1 == names->entry + names->n;

	return is_last || strcmp(entry[1].name, entry->name) ? NULL : entry + 1;
}

int
sfc_names_index(const struct sfc_names *names, const char *name, int owner)
{
	const struct sfc_name *entry = sfc_names_find(names, name);

	while (entry && entry->owner != owner)
		entry = sfc_names_next(names, entry);
	return entry ? entry->index : -1;
}
