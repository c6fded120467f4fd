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
sfc_names_sort(struct sfc_load *load, struct sfc_names *names, const char *what)
{
	unsigned int i;

	qsort(names->entry, names->n, sizeof(*names->entry), by_name);
	for (i = 1; i < names->n; i++) {
		const struct sfc_name *first = &names->entry[i - 1], *again = &names->entry[i];

		if (strcmp(first->name, again->name) || first->owner != again->owner)
			continue;
		names->repeated = true;
		sfc_load_error_node(load, sfc_data_child(again->at, "name"),
			"another %s named '%s' is at line %u", what, again->name,
			sfc_data_yaml(sfc_data_child(first->at, "name"))->line);
	}
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

int
sfc_names_index(const struct sfc_names *names, const char *name, int owner)
{
	const struct sfc_name *end = names->entry + names->n, *entry = sfc_names_find(names, name);

	for (; entry && entry < end && !strcmp(entry->name, name); entry++) {
		if (entry->owner == owner)
			return entry->index;
	}
	return -1;
}
