#include "sfc_load.h"

#include <string.h>

/* The widest mapping of the model has 10 keys. */
#define CHILDREN_MAX 16u

static void take(struct sfc_load *load, struct sfc_yaml *yaml, const struct lysc_node *schema,
	struct lyd_node *parent);

/* Data nodes are made under `parent`; without one (an entry whose keys are bad) values are only checked. */
static void
keep(struct sfc_load *load, LY_ERR rc, struct lyd_node *const *node, struct sfc_yaml *yaml)
{
	if (rc == LY_SUCCESS)
		(*node)->priv = yaml;
	else
		load->no_memory = true; /* the value was checked before */
}

/* The loader numbers the entries. */
static bool
is_positioned(const struct lysc_node *list)
{
	return list->nodetype == LYS_LIST && !strcmp(lysc_node_child(list)->name, "position");
}

/* A key that is not written in the file. */
static bool
is_position(const struct lysc_node *schema)
{
	return lysc_is_key(schema) && is_positioned(schema->parent);
}

static bool
is_needed(const struct lysc_node *schema)
{
	if (is_position(schema))
		return false;
	if (schema->nodetype == LYS_LIST)
		return ((const struct lysc_node_list *)schema)->min > 0;
	return lysc_is_key(schema) || schema->flags & LYS_MAND_TRUE;
}

/* A scalar for a leaf: is it one, and does the type accept it? */
static bool
accept_scalar(struct sfc_load *load, struct sfc_yaml *yaml, const struct lysc_node *leaf)
{
	char words[256];

	if (yaml->type != SFC_YAML_SCALAR) {
		sfc_load_error_yaml(load, yaml, "must be one value");
		return false;
	}
	if (yaml->is_null) {
		sfc_load_error_yaml(load, yaml, "has no value");
		return false;
	}
	if (strlen(yaml->text) != yaml->size) {
		sfc_load_error_yaml(load, yaml, "a NUL character is not accepted");
		return false;
	}
	if (sfc_load_type_accepts(load, leaf, yaml->text))
		return true;
	sfc_load_type_expects(leaf, yaml->text, words, sizeof(words));
	sfc_load_error_yaml(load, yaml, "'%.64s'%s %s", yaml->text, yaml->size > 64 ? "..." : "", words);
	return false;
}

/* Refuse YAML that readers disagree about. */
static bool
has_value(struct sfc_load *load, const struct sfc_yaml *yaml)
{
	if (yaml->is_alias) {
		sfc_load_error_yaml(load, yaml, "aliases are not accepted");
		return false;
	}
	if (yaml->has_anchor)
		sfc_load_error_yaml(load, yaml, "anchors are not accepted");
	if (yaml->has_tag)
		sfc_load_error_yaml(load, yaml, "tags are not accepted");
	if (yaml->is_garbled)
		sfc_load_error_yaml(load, yaml, "two '' in a row are not accepted: use double quotes");
	return true; /* there is a value: what is wrong in it is said, too */
}

static const struct lysc_node *
child_named(struct sfc_load *load, const struct lysc_node *schema, const char *key, unsigned int *place)
{
	const struct lysc_node *child = NULL;

	*place = 0;
	while ((child = lys_getnext(child, schema, load->schema->module->compiled, 0))) {
		if (!strcmp(child->name, key))
			return child;
		(*place)++;
	}
	return NULL;
}

static void
unknown(struct sfc_load *load, const struct sfc_yaml *yaml, const struct lysc_node *schema)
{
	const struct lysc_node *child = NULL;
	char known[256];
	size_t used = 0;

	if (!strcmp(yaml->key, "<<")) {
		sfc_load_error_key(load, yaml, "merge keys are not accepted");
		return;
	}
	while ((child = lys_getnext(child, schema, load->schema->module->compiled, 0)) &&
		used < sizeof(known)) {
		if (!is_position(child))
			used += (size_t)snprintf(
				known + used, sizeof(known) - used, "%s%s", used ? ", " : "", child->name);
	}
	sfc_load_error_key(load, yaml, "unknown leaf '%.64s' (known: %s)", yaml->key, known);
}

/* Children of a mapping. Keys of a list entry are done already. */
static void
take_children(
	struct sfc_load *load, struct sfc_yaml *yaml, const struct lysc_node *schema, struct lyd_node *parent)
{
	const struct sfc_yaml *seen[CHILDREN_MAX] = {0};
	const struct lysc_node *child;
	struct sfc_yaml *value;
	unsigned int place;

	for (value = yaml->first; value; value = value->next) {
		if (!value->key_is_text) {
			sfc_load_error_key(
				load, value, "a key must be plain text, without alias, anchor, tag or NUL");
			continue;
		}
		child = child_named(load, schema, value->key, &place);
		if (!child || is_position(child) || place >= CHILDREN_MAX) {
			unknown(load, value, schema);
			continue;
		}
		if (seen[place]) {
			sfc_load_error_key(load, value, "duplicate '%s': the first is at line %u", value->key,
				seen[place]->key_line);
			continue;
		}
		seen[place] = value;
		if (!lysc_is_key(child))
			take(load, value, child, parent);
	}
	child = NULL;
	for (place = 0; (child = lys_getnext(child, schema, load->schema->module->compiled, 0)); place++) {
		bool absent = !seen[place] || (seen[place]->is_null && child->nodetype != LYS_LEAF);

		if (absent && is_needed(child))
			sfc_load_error_missing(load, yaml, child->name);
	}
}

/* The keys of a list entry: all there, once, and accepted? */
static bool
accept_keys(struct sfc_load *load, struct sfc_yaml *yaml, const struct lysc_node *list)
{
	const struct sfc_yaml *id[2] = {0};
	const struct lysc_node *key = lysc_node_child(list);
	bool good = true;
	unsigned int i;

	for (i = 0; i < 2 && key && lysc_is_key(key); i++, key = key->next) {
		struct sfc_yaml *value = yaml->first;

		while (value && (!value->key_is_text || strcmp(value->key, key->name)))
			value = value->next;
		if (value) {
			if (has_value(load, value) && accept_scalar(load, value, key))
				id[i] = value;
		}
		good = good && id[i];
	}
	if (good)
		memcpy(yaml->id, id, sizeof(id));
	return good;
}

/* An entry with the same keys that is there already. Asked before it is added: libyang takes repeated
 * entries, but its hash table becomes a list of them. */
static const struct lyd_node *
entry_named(const struct sfc_yaml *yaml, const struct lysc_node *list, const struct lyd_node *parent)
{
	struct lyd_node *found = NULL;
	char keys[256];
	int used = 0;

	for (unsigned int i = 0; i < 2 && yaml->id[i]; i++) /* keys have at most 63 characters */
		used += snprintf(keys + used, sizeof(keys) - (size_t)used, "[%s='%s']", yaml->id[i]->key,
			yaml->id[i]->text);
	lyd_find_sibling_val(lyd_child(parent), list, keys, (size_t)used, &found);
	return found;
}

static void
take_entry(
	struct sfc_load *load, struct sfc_yaml *yaml, const struct lysc_node *list, struct lyd_node *parent)
{
	const struct lyd_node *twin = NULL;
	struct lyd_node *node = NULL, *key;
	unsigned int i;
	bool is_good;

	if (yaml->type != SFC_YAML_MAPPING || yaml->is_null) {
		sfc_load_error_yaml(load, yaml, "must be a mapping (name: value, ...)");
		return;
	}
	is_good = accept_keys(load, yaml, list);
	if (is_good && parent)
		twin = entry_named(yaml, list, parent);
	if (twin) {
		const struct sfc_yaml *id = yaml->id[1] ? yaml->id[1] : yaml->id[0];

		sfc_load_error_yaml(load, id, "another %s '%s' is at line %u", list->name, id->text,
			((const struct sfc_yaml *)twin->priv)->line);
	} else if (is_good && parent) {
		keep(load,
			lyd_new_list(parent, NULL, list->name, 0, &node, yaml->id[0]->text,
				yaml->id[1] ? yaml->id[1]->text : NULL),
			&node, yaml);
		for (i = 0, key = node ? lyd_child(node) : NULL; i < 2 && yaml->id[i] && key;
			i++, key = key->next)
			key->priv = (void *)(uintptr_t)yaml->id[i];
	}
	take_children(load, yaml, list, node);
}

/* An entry of a list keyed by position: one value in the file, or a mapping without that key. */
static void
take_positioned(
	struct sfc_load *load, struct sfc_yaml *yaml, const struct lysc_node *list, struct lyd_node *parent)
{
	const struct lysc_node *leaf = lysc_node_child(list)->next;
	struct lyd_node *node = NULL, *value = NULL;
	bool is_mapping = leaf->next != NULL;
	char position[16];

	if (is_mapping && (yaml->type != SFC_YAML_MAPPING || yaml->is_null)) {
		sfc_load_error_yaml(load, yaml, "must be a mapping (name: value, ...)");
		return;
	}
	if (!is_mapping && (!accept_scalar(load, yaml, leaf) || !parent))
		return;
	if (parent) {
		snprintf(position, sizeof(position), "%u", yaml->index ? yaml->index : 1);
		keep(load, lyd_new_list(parent, NULL, list->name, 0, &node, position), &node, yaml);
	}
	if (is_mapping)
		take_children(load, yaml, list, node);
	else if (node)
		keep(load, lyd_new_term(node, NULL, leaf->name, yaml->text, 0, &value), &value, yaml);
}

static void
take_one(
	struct sfc_load *load, struct sfc_yaml *yaml, const struct lysc_node *schema, struct lyd_node *parent)
{
	struct lyd_node *node = NULL;

	if (!has_value(load, yaml))
		return;
	if (is_positioned(schema)) {
		take_positioned(load, yaml, schema, parent);
	} else if (schema->nodetype == LYS_LIST) {
		take_entry(load, yaml, schema, parent);
	} else if (accept_scalar(load, yaml, schema) && parent) {
		keep(load, lyd_new_term(parent, NULL, schema->name, yaml->text, 0, &node), &node, yaml);
	}
}

static void
take_list(
	struct sfc_load *load, struct sfc_yaml *yaml, const struct lysc_node *schema, struct lyd_node *parent)
{
	/* struct lysc_node_list and lysc_node_leaflist keep their limits in different places */
	bool is_list = schema->nodetype == LYS_LIST;
	uint32_t max = is_list ? ((const struct lysc_node_list *)schema)->max
	                       : ((const struct lysc_node_leaflist *)schema)->max;
	struct sfc_yaml *entry;

	if (yaml->is_null)
		return;
	if (yaml->type != SFC_YAML_SEQUENCE) {
		/* those that may be one or a list */
		if (!is_list || !strcmp(schema->name, "locator") || !strcmp(schema->name, "vlan"))
			take_one(load, yaml, schema, parent);
		else
			sfc_load_error_yaml(load, yaml, "must be a list");
		return;
	}
	if (!yaml->first && is_needed(schema))
		sfc_load_error_yaml(load, yaml, "needs at least one entry");
	for (entry = yaml->first; entry; entry = entry->next) {
		if (entry->index > max) {
			sfc_load_error_yaml(load, entry, "more than %u entries in '%s'", max, schema->name);
			return;
		}
		take_one(load, entry, schema, parent);
	}
}

static void
take_container(
	struct sfc_load *load, struct sfc_yaml *yaml, const struct lysc_node *schema, struct lyd_node *parent)
{
	struct lyd_node *node = NULL;

	if (yaml->is_null)
		return;
	if (yaml->type != SFC_YAML_MAPPING) {
		sfc_load_error_yaml(load, yaml, "must be a mapping (name: value, ...)");
		return;
	}
	if (parent) {
		keep(load, lyd_new_inner(parent, NULL, schema->name, 0, &node), &node, yaml);
	} else if (!schema->parent) {
		keep(load, lyd_new_inner(NULL, load->schema->module, schema->name, 0, &node), &node, yaml);
		load->tree = node;
	}
	take_children(load, yaml, schema, node);
}

static void
take(struct sfc_load *load, struct sfc_yaml *yaml, const struct lysc_node *schema, struct lyd_node *parent)
{
	if (schema->nodetype == LYS_LEAF)
		take_one(load, yaml, schema, parent);
	else if (!has_value(load, yaml))
		return;
	else if (schema->nodetype == LYS_CONTAINER)
		take_container(load, yaml, schema, parent);
	else
		take_list(load, yaml, schema, parent);
}

void
sfc_load_tree(struct sfc_load *load, struct sfc_yaml *root)
{
	if (!has_value(load, root))
		return;
	if (root->type != SFC_YAML_MAPPING) {
		sfc_load_error_yaml(load, root, "must be a mapping with 'sfc' in it");
		return;
	}
	take_children(load, root, NULL, NULL);
}
