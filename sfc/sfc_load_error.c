#include "sfc_load.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Longest path and reason, in bytes: names are at most 63 characters, quoted values are cut. */
#define TEXT_MAX 1024u

/* No control characters to a terminal: C0, DEL, and C1 as UTF-8. Text cut inside a character is mended. */
static void
mask(char *text)
{
	unsigned char *c = (unsigned char *)text;

	while (*c) {
		unsigned int i, n = *c < 0xc0 ? 1 : *c < 0xe0 ? 2 : *c < 0xf0 ? 3 : 4;

		for (i = 1; i < n && (c[i] & 0xc0) == 0x80; i++)
			;
		if (i < n || (n == 1 && (*c < 0x20 || *c >= 0x7f)) || (*c == 0xc2 && c[1] < 0xa0))
			memset(c, '?', i);
		c += i;
	}
}

static void
add(struct sfc_load *load, struct sfc_load_list *list, unsigned int line, unsigned int column, char *path,
	const char *format, va_list args)
{
	struct sfc_load_error *slot;
	char reason[TEXT_MAX];

	if (list->n == SFC_LOAD_ERRORS_MAX) {
		list->more++;
		return;
	}
	if (list->n == list->size) {
		unsigned int size = list->size ? 2 * list->size : 16;

		slot = realloc(list->error, size * sizeof(*slot));
		if (!slot) {
			load->no_memory = true;
			return;
		}
		list->error = slot;
		list->size = size;
	}
	vsnprintf(reason, sizeof(reason), format, args);
	mask(reason);
	mask(path);
	slot = &list->error[list->n];
	slot->error = (struct sfc_error){.line = line, .column = column};
	slot->order = list->n;
	slot->error.file = sfc_load_copy(load, load->file);
	slot->error.path = sfc_load_copy(load, path);
	slot->error.reason = sfc_load_copy(load, reason);
	list->n++;
}

/* [name='web'] when the entry's keys are known and good, else [2]. */
static size_t
predicate(const struct sfc_yaml *yaml, char *path, size_t used)
{
	unsigned int i;

	if (!yaml->id[0] && yaml->index)
		used += (size_t)snprintf(path + used, TEXT_MAX - used, "[%u]", yaml->index);
	for (i = 0; i < 2 && yaml->id[i]; i++)
		used += (size_t)snprintf(
			path + used, TEXT_MAX - used, "[%s='%.64s']", yaml->id[i]->key, yaml->id[i]->text);
	return used;
}

/* Model path of a value. Depth is bounded by SFC_LOAD_DEPTH_MAX, each step by 64 bytes and its predicate. */
static size_t
path_of(const struct sfc_yaml *yaml, char *path)
{
	size_t used;

	if (!yaml->parent)
		return 0;
	used = path_of(yaml->parent, path);
	if (used > TEXT_MAX - 256)
		return used;
	if (yaml->key)
		used += (size_t)snprintf(path + used, TEXT_MAX - used, "/%.64s", yaml->key);
	return predicate(yaml, path, used);
}

void
sfc_load_error_position(
	struct sfc_load *load, unsigned int line, unsigned int column, const char *format, ...)
{
	char path[] = "/";
	va_list args;

	if (line == 0)
		path[0] = '\0';
	va_start(args, format);
	add(load, &load->errors, line, column, path, format, args);
	va_end(args);
}

static void
add_yaml(struct sfc_load *load, struct sfc_load_list *list, const struct sfc_yaml *yaml, bool at_key,
	const char *format, va_list args)
{
	char path[TEXT_MAX] = "/";

	if (list->n < SFC_LOAD_ERRORS_MAX)
		path_of(yaml, path);
	at_key = yaml->key && (at_key || yaml->type != SFC_YAML_SCALAR || yaml->is_null);
	add(load, list, at_key ? yaml->key_line : yaml->line, at_key ? yaml->key_column : yaml->column, path,
		format, args);
}

void
sfc_load_error_yaml(struct sfc_load *load, const struct sfc_yaml *yaml, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add_yaml(load, &load->errors, yaml, false, format, args);
	va_end(args);
}

void
sfc_load_error_key(struct sfc_load *load, const struct sfc_yaml *yaml, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add_yaml(load, &load->errors, yaml, true, format, args);
	va_end(args);
}

void
sfc_load_error_missing(struct sfc_load *load, const struct sfc_yaml *yaml, const char *name)
{
	struct sfc_yaml absent = {.type = SFC_YAML_SCALAR, .key = name};

	absent.parent = (struct sfc_yaml *)(uintptr_t)yaml; /* only for its path */
	absent.line = yaml->key ? yaml->key_line : yaml->line;
	absent.column = yaml->key ? yaml->key_column : yaml->column;
	sfc_load_error_yaml(load, &absent, "is missing");
}

static void
add_node(struct sfc_load *load, struct sfc_load_list *list, const struct lyd_node *node, const char *format,
	va_list args)
{
	char path[] = "/sfc";

	while (!node->priv && node->parent)
		node = &node->parent->node;
	if (node->priv)
		add_yaml(load, list, node->priv, false, format, args);
	else
		add(load, list, 0, 0, path, format, args);
}

void
sfc_load_error_node(struct sfc_load *load, const struct lyd_node *node, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add_node(load, &load->errors, node, format, args);
	va_end(args);
}

void
sfc_load_warning_node(struct sfc_load *load, const struct lyd_node *node, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add_node(load, &load->warnings, node, format, args);
	va_end(args);
}

static int
by_position(const void *a, const void *b)
{
	const struct sfc_load_error *x = a, *y = b;

	if (x->error.line != y->error.line)
		return x->error.line < y->error.line ? -1 : 1;
	if (x->error.column != y->error.column)
		return x->error.column < y->error.column ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

static void
error_fini(struct sfc_error *error)
{
	free(error->file);
	free(error->path);
	free(error->reason);
}

static void
take(struct sfc_load *load, struct sfc_load_list *list, const char *what, struct sfc_errors *errors)
{
	unsigned int i, n = list->n;

	if (n == 0)
		return;
	qsort(list->error, n, sizeof(*list->error), by_position);
	if (list->more) {
		struct sfc_error *last = &list->error[n - 1].error;
		char reason[64];

		snprintf(reason, sizeof(reason), "too many %s: %u more are not shown", what, list->more + 1);
		free(last->reason);
		last->reason = sfc_load_copy(load, reason);
	}
	errors->error = sfc_load_new(load, n, sizeof(*errors->error));
	for (i = 0; i < n; i++) {
		if (errors->error)
			errors->error[errors->n++] = list->error[i].error;
		else
			error_fini(&list->error[i].error);
	}
	if (load->no_memory) /* an error without its text is worth nothing */
		sfc_errors_free(errors);
	free(list->error);
	*list = (struct sfc_load_list){0};
}

void
sfc_load_errors_take(struct sfc_load *load, struct sfc_errors *errors, struct sfc_errors *warnings)
{
	struct sfc_errors nobody = {0};

	*errors = nobody;
	take(load, &load->errors, "errors", errors);
	take(load, &load->warnings, "warnings", warnings ? warnings : &nobody);
	sfc_errors_free(&nobody);
}
