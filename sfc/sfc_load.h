/**
 * Inside of the loader: bytes -> YAML tree -> libyang data -> struct sfc_config.
 *
 * Included by sfc_load*.c, their tests and the fuzz target. Everything a load needs for a while comes from an
 * arena of struct sfc_load; what outlives it (configuration, errors) is malloc'ed. One thread per load.
 */
#ifndef SFC_LOAD_H
#define SFC_LOAD_H

#include "sfc_config.h"

#include <libyang/libyang.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Four times the largest domain we test (16,384 paths, 10,000 rules, as indented JSON); refuses a stray file
 * before it is read. */
#define SFC_LOAD_SIZE_MAX (16u << 20)
/* Keys and values in a file, twice those of the largest domain we test: bounds memory, 128 bytes each. */
#define SFC_LOAD_VALUES_MAX 1000000u
/* Nesting. The model needs 11 levels. */
#define SFC_LOAD_DEPTH_MAX 32u
/* Errors kept; the rest is counted. */
#define SFC_LOAD_ERRORS_MAX 10000u

enum sfc_yaml_type {
	SFC_YAML_SCALAR,
	SFC_YAML_SEQUENCE,
	SFC_YAML_MAPPING,
};

/* One YAML value. Lines and columns count from 1, columns in characters. */
struct sfc_yaml {
	uint8_t type; /* enum sfc_yaml_type */
	bool is_null; /* plain and empty, ~ or null */
	bool is_alias;
	bool has_anchor;
	bool has_tag;
	bool is_garbled;  /* text that libfyaml misreads */
	bool key_is_text; /* its key is a scalar without anchor or tag */
	unsigned int line, column;
	unsigned int key_line, key_column;
	unsigned int index; /* place in a sequence, from 1 */
	const char *key;    /* in a mapping */
	const char *text;   /* of a scalar, NUL-terminated; may contain more NULs */
	size_t size;        /* of text */
	struct sfc_yaml *parent, *next;
	struct sfc_yaml *first, *last; /* children */
	const struct sfc_yaml *id[2];  /* of a list entry: its keys, once they are known to be good */
};

/* The compiled YANG module. */
struct sfc_schema {
	struct ly_ctx *ctx;
	const struct lys_module *module;
};

struct sfc_load_error {
	struct sfc_error error;
	unsigned int order; /* of discovery: keeps the sort stable */
};

/* What is said about a file. */
struct sfc_load_list {
	struct sfc_load_error *error;
	unsigned int n, size, more;
};

/* A name and what it stands for. */
struct sfc_name {
	const char *name;
	int owner; /* node of a port, else 0 */
	int index;
	const struct lyd_node *at;
};

/* Names sorted for lookup. */
struct sfc_names {
	struct sfc_name *entry;
	unsigned int n;
};

struct sfc_load {
	const struct sfc_schema *schema;
	const char *file;
	const char *folder; /* of the file, absolute; NULL when it has no name any more */
	struct sfc_arena *arena;
	bool no_memory;
	struct sfc_load_list errors, warnings;
	struct lyd_node *tree; /* container sfc */
	struct sfc_config *config;
	struct sfc_names nodes, ports, functions, instances, paths;
};

/* sfc_load.c */

/** Compile the embedded YANG module. @return 0, -ENOMEM or -EINVAL (a broken module). */
int sfc_schema_create(struct sfc_schema *schema);
void sfc_schema_destroy(struct sfc_schema *schema);

/**
 * Load a configuration from memory; sfc_load() is this after reading the file.
 *
 * @param name   file name for messages; images with a slash are relative to its folder.
 * @param bytes  any bytes.
 * @return       as sfc_load.
 */
int sfc_load_memory(const struct sfc_schema *schema, const char *name, const void *bytes, size_t size,
	struct sfc_config **config, struct sfc_errors *errors);

/* sfc_load_memory.c: memory */

/** Zeroed memory for the time of the load; NULL and no_memory when there is none. */
void *sfc_load_temp(struct sfc_load *load, size_t n, size_t size);
/** Zeroed memory for the result. NULL when n is 0, or with no_memory when there is none. */
void *sfc_load_new(struct sfc_load *load, size_t n, size_t size);
/** A copy of text for the result; NULL for NULL, or with no_memory. */
char *sfc_load_copy(struct sfc_load *load, const char *text);
void sfc_load_temp_free(struct sfc_load *load);

/* sfc_load_error.c: what is wrong, and where */

/** An error at a position of its own; line 0 = the whole file. Control characters in the text are masked. */
void sfc_load_error_position(struct sfc_load *load, unsigned int line, unsigned int column,
	const char *format, ...) __attribute__((format(printf, 4, 5)));
/** An error at a YAML value: a scalar's own position, that of the key for anything else which has one. */
void sfc_load_error_yaml(struct sfc_load *load, const struct sfc_yaml *yaml, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/** An error at the key of a YAML value, for keys that the model does not have. */
void sfc_load_error_key(struct sfc_load *load, const struct sfc_yaml *yaml, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/** A mapping lacks a key. */
void sfc_load_error_missing(struct sfc_load *load, const struct sfc_yaml *yaml, const char *name);
/** An error at a data node, or at its nearest ancestor that stands in the file. */
void sfc_load_error_node(struct sfc_load *load, const struct lyd_node *node, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/** Something that is not wrong, but that its author should know, at a data node. */
void sfc_load_warning_node(struct sfc_load *load, const struct lyd_node *node, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/** Hand the errors and the warnings over, in file order. */
void sfc_load_errors_take(struct sfc_load *load, struct sfc_errors *errors, struct sfc_errors *warnings);

/* sfc_load_yaml.c: bytes -> YAML tree */

/** @return the root, NULL when there is none (with an error, or no_memory). */
struct sfc_yaml *sfc_yaml_parse(struct sfc_load *load, const char *bytes, size_t size);
/** The value of a key of a mapping, NULL when it has none. */
const struct sfc_yaml *sfc_yaml_get(const struct sfc_yaml *mapping, const char *key);

/* sfc_load_tree.c: YAML tree -> load->tree, each data node's priv pointing to its YAML value. What is wrong
 * is left out: entries with bad or repeated keys, and values their type does not accept. */

void sfc_load_tree(struct sfc_load *load, struct sfc_yaml *root);

/* sfc_load_type.c: what a leaf accepts, said in words */

/** Does the type of a leaf accept this text? Judged by libyang, but for numbers: plain decimals only. */
bool sfc_load_type_accepts(struct sfc_load *load, const struct lysc_node *leaf, const char *text);
/** What it must be instead: "must be a number from 1 to 63". */
void sfc_load_type_expects(const struct lysc_node *leaf, const char *text, char *words, size_t size);

/* sfc_load_data.c: reading data nodes */

/** Next entry of a list or leaf-list after `last` (NULL = first), NULL at the end. */
const struct lyd_node *sfc_data_next(
	const struct lyd_node *parent, const struct lyd_node *last, const char *name);
/** Child by name, NULL when absent. */
const struct lyd_node *sfc_data_child(const struct lyd_node *parent, const char *name);
unsigned int sfc_data_count(const struct lyd_node *parent, const char *name);
/** Values; 0, false or NULL when absent, which an error already says. */
const char *sfc_data_text(const struct lyd_node *parent, const char *name);
uint32_t sfc_data_number(const struct lyd_node *parent, const char *name);
bool sfc_data_is(const struct lyd_node *parent, const char *name, const char *value);
/** Does the file have such a child, though none was good enough for the data tree? Its errors are enough. */
bool sfc_data_refused(const struct lyd_node *parent, const char *name);
/** YAML value of a data node, NULL for defaults. */
const struct sfc_yaml *sfc_data_yaml(const struct lyd_node *node);

/** Names of a list: reserve, add in order, then sort. */
int sfc_names_init(struct sfc_load *load, struct sfc_names *names, unsigned int n);
void sfc_names_add(
	struct sfc_names *names, const char *name, int owner, int index, const struct lyd_node *at);
void sfc_names_sort(struct sfc_names *names);
/** First entry of that name, NULL when there is none. */
const struct sfc_name *sfc_names_find(const struct sfc_names *names, const char *name);
/** Next entry of the same name, by owner; NULL after the last. */
const struct sfc_name *sfc_names_next(const struct sfc_names *names, const struct sfc_name *entry);
/** Index of that name and owner, or -1. */
int sfc_names_index(const struct sfc_names *names, const char *name, int owner);

/* sfc_load_value.c: text of scalars -> values. 0 or -EINVAL. */

/** Address, or prefix when `prefix`; plen is the whole address when there is no length. */
int sfc_value_addr(const char *text, bool prefix, struct sfc_addr *addr);
/** Clear the bits after the prefix. */
void sfc_value_mask(struct sfc_addr *addr);
/** Unicast MAC address, not 0. */
int sfc_value_mac(const char *text, uint8_t mac[6]);
/** IP protocol number; -1 = any. */
int sfc_value_protocol(const char *text, int *protocol);
/** Next "N" or "N-M" of a list; *text moves behind it and its comma, to NULL after the last. */
int sfc_value_range(const char **text, struct sfc_range *range);

/* sfc_load_node.c, sfc_load_function.c, sfc_load_path.c, sfc_load_rule.c: data -> configuration, with every
 * check that needs more than one leaf. In this order. */
void sfc_load_nodes(struct sfc_load *load);
void sfc_load_functions(struct sfc_load *load);
void sfc_load_paths(struct sfc_load *load);
void sfc_load_rules(struct sfc_load *load);
void sfc_load_mirrors(struct sfc_load *load);
/** Port named PORT or NODE/PORT by a leaf; -1 and -1 with an error. */
void sfc_load_port_ref(struct sfc_load *load, const struct lyd_node *leaf, int *node, int *port);

/** The "mac" of an entry; false = there is none, or it is wrong, which an error says. */
bool sfc_load_mac(struct sfc_load *load, const struct lyd_node *parent, uint8_t mac[6]);

/* sfc_load_locator.c: locators of a node, then what holds among those of all nodes. */
void sfc_load_locators(
	struct sfc_load *load, const struct lyd_node *data, int node_index, struct sfc_node *node);
void sfc_load_locators_check(struct sfc_load *load);
/** The address of one machine; false with an error. */
bool sfc_load_addr(struct sfc_load *load, const struct lyd_node *leaf, struct sfc_addr *address);

/* sfc_load_proxy.c: functions without NSH, instances on the wire; and, once paths are known, whether each
 * frame that comes back can be told from every other. */
void sfc_load_proxy(const struct lyd_node *data, struct sfc_function *function);
void sfc_load_attach(struct sfc_load *load, const struct lyd_node *data, int node, struct sfc_attach *attach);
void sfc_load_proxies(struct sfc_load *load);

/* sfc_load_domain.c: what nodes need to reach each other. */
void sfc_load_domain(struct sfc_load *load);

/* sfc_load_way.c: every two nodes that must talk can, and their links are wide enough. */
struct sfc_load_way;
struct sfc_load_ways {
	struct sfc_load_way *way; /* per ordered pair of nodes */
	uint64_t *at;             /* nodes where frames of a path can be */
	unsigned int words;       /* of a set of nodes */
};

int sfc_load_ways_init(struct sfc_load *load, struct sfc_load_ways *ways, unsigned int words);
/**
 * Check the ways of one path.
 *
 * @param at        the path in the file.
 * @param ingress   bit per node: where frames enter it.
 * @param function  per function: bit per node with an instance.
 */
void sfc_load_ways(struct sfc_load *load, struct sfc_load_ways *ways, unsigned int path,
	const struct lyd_node *at, const uint64_t *ingress, const uint64_t *function);

/**
 * sfc_load_secure.c: a path that says `secure: true` keeps its word.
 *
 * @param nodes  bit per node: all that its frames can be on.
 */
void sfc_load_secure(struct sfc_load *load, const struct sfc_path *path, const uint64_t *nodes);

#endif
