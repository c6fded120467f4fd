#include "sfc_load.h"

#include <libfyaml.h>
#include <string.h>

/* The tree of one document, built from parser events: libfyaml's own documents resolve aliases, search keys
 * linearly and have no limits, which a hostile file would use. */
struct builder {
	struct sfc_load *load;
	struct fy_token_iter *iter;
	struct sfc_yaml *root;
	struct sfc_yaml *open; /* innermost open sequence or mapping */
	unsigned int depth, values;
	bool done;
	/* A key that waits for its value. */
	bool has_key, key_is_text;
	const char *key;
	unsigned int key_line, key_column;
};

/* Size of a token's text, and with `copy` (of that size) the text. */
static size_t
token_text(struct fy_token_iter *iter, struct fy_token *token, char *copy, size_t room)
{
	const struct fy_iter_chunk *chunk = NULL;
	size_t size = 0;
	int error = 0;

	fy_token_iter_start(token, iter);
	while ((chunk = fy_token_iter_chunk_next(iter, chunk, &error))) {
		if (copy && chunk->len <= room - size)
			memcpy(copy + size, chunk->str, chunk->len);
		size += chunk->len;
	}
	fy_token_iter_finish(iter);
	return size;
}

/* libfyaml 0.7.12 misreads 'a''''b': its scanner knows the size, its reader repeats a quote.
 * fy_token_get_text cuts the result to size and loses memory; here both sizes are compared, so that the text
 * can be refused. */
static const char *
token_copy(struct builder *builder, struct fy_token *token, size_t *size, bool *is_garbled)
{
	char *copy;

	*size = token ? token_text(builder->iter, token, NULL, 0) : 0;
	*is_garbled = token && *size != fy_token_get_text_length(token);
	copy = sfc_load_temp(builder->load, *size + 1, 1);
	if (copy && token)
		token_text(builder->iter, token, copy, *size);
	return copy;
}

/* libfyaml marks quoted text behind its quote; people see the quote. */
static void
position(struct fy_event *event, unsigned int *line, unsigned int *column)
{
	const struct fy_mark *mark = fy_event_start_mark(event);
	struct fy_token *token = event->type == FYET_SCALAR ? event->scalar.value : NULL;
	enum fy_scalar_style style = token ? fy_token_scalar_style(token) : FYSS_PLAIN;
	bool quoted = style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED;

	*line = mark ? (unsigned int)mark->line + 1 : 0;
	*column = mark ? (unsigned int)mark->column + 1 : 0;
	if (quoted && *column > 1)
		(*column)--;
}

static bool
is_null(struct fy_event *event, const char *text, size_t size)
{
	if (event->scalar.value && fy_token_scalar_style(event->scalar.value) != FYSS_PLAIN)
		return false;
	return size == 0 || !strcmp(text, "~") || !strcmp(text, "null");
}

/* Refuse what would let a small file stand for a big tree. */
static bool
within_limits(struct builder *builder, unsigned int line, unsigned int column)
{
	if (++builder->values > SFC_LOAD_VALUES_MAX) {
		sfc_load_error_position(
			builder->load, line, column, "more than %u values and keys", SFC_LOAD_VALUES_MAX);
		return false;
	}
	if (builder->depth > SFC_LOAD_DEPTH_MAX) {
		sfc_load_error_position(
			builder->load, line, column, "nested deeper than %u levels", SFC_LOAD_DEPTH_MAX);
		return false;
	}
	return true;
}

static int
take_key(struct builder *builder, struct fy_event *event)
{
	bool is_garbled = false;
	size_t size = 0;

	position(event, &builder->key_line, &builder->key_column);
	if (!within_limits(builder, builder->key_line, builder->key_column))
		return -1;
	if (event->type == FYET_SEQUENCE_START || event->type == FYET_MAPPING_START) {
		sfc_load_error_position(
			builder->load, builder->key_line, builder->key_column, "a key must be plain text");
		return -1;
	}
	builder->has_key = true;
	builder->key_is_text = event->type == FYET_SCALAR && !event->scalar.anchor && !event->scalar.tag;
	builder->key = event->type == FYET_SCALAR
	                       ? token_copy(builder, event->scalar.value, &size, &is_garbled)
	                       : "*";
	if (builder->key && event->type == FYET_SCALAR && (is_garbled || strlen(builder->key) != size))
		builder->key_is_text = false; /* a NUL in it */
	return builder->key ? 0 : -1;
}

static void
hang(struct builder *builder, struct sfc_yaml *yaml)
{
	struct sfc_yaml *parent = builder->open;

	yaml->parent = parent;
	if (!parent) {
		builder->root = yaml;
		return;
	}
	if (parent->type == SFC_YAML_MAPPING) {
		yaml->key = builder->key;
		yaml->key_is_text = builder->key_is_text;
		yaml->key_line = builder->key_line;
		yaml->key_column = builder->key_column;
		builder->has_key = false;
	} else {
		yaml->index = parent->last ? parent->last->index + 1 : 1;
	}
	if (parent->last)
		parent->last->next = yaml;
	else
		parent->first = yaml;
	parent->last = yaml;
}

static int
take_value(struct builder *builder, struct fy_event *event)
{
	struct sfc_yaml *yaml;

	if (builder->open && builder->open->type == SFC_YAML_MAPPING && !builder->has_key)
		return take_key(builder, event);
	yaml = sfc_load_temp(builder->load, 1, sizeof(*yaml));
	if (!yaml)
		return -1;
	position(event, &yaml->line, &yaml->column);
	if (!within_limits(builder, yaml->line, yaml->column))
		return -1;
	hang(builder, yaml);
	yaml->has_anchor = fy_event_get_anchor_token(event) != NULL && event->type != FYET_ALIAS;
	yaml->has_tag = fy_event_get_tag_token(event) != NULL;
	yaml->is_alias = event->type == FYET_ALIAS;
	if (event->type == FYET_SCALAR) {
		yaml->text = token_copy(builder, event->scalar.value, &yaml->size, &yaml->is_garbled);
		if (!yaml->text)
			return -1;
		yaml->is_null = is_null(event, yaml->text, yaml->size);
		if (yaml->line == 0 || (yaml->is_null && yaml->size == 0)) { /* nothing there to point at */
			yaml->line = yaml->key ? yaml->key_line : yaml->parent ? yaml->parent->line : 1;
			yaml->column = yaml->key ? yaml->key_column : yaml->parent ? yaml->parent->column : 1;
		}
	} else if (event->type != FYET_ALIAS) {
		yaml->type = event->type == FYET_MAPPING_START ? SFC_YAML_MAPPING : SFC_YAML_SEQUENCE;
		builder->open = yaml;
		builder->depth++;
	}
	return 0;
}

static int
take(struct builder *builder, struct fy_event *event)
{
	unsigned int line, column;

	switch (event->type) {
	case FYET_DOCUMENT_START:
		if (!builder->done)
			return 0;
		position(event, &line, &column);
		sfc_load_error_position(builder->load, line, column, "a second document: one file holds one");
		return -1;
	case FYET_DOCUMENT_END:
		builder->done = true;
		return 0;
	case FYET_SEQUENCE_END:
	case FYET_MAPPING_END:
		builder->open = builder->open->parent;
		builder->depth--;
		return 0;
	case FYET_ALIAS:
	case FYET_SCALAR:
	case FYET_SEQUENCE_START:
	case FYET_MAPPING_START:
		return take_value(builder, event);
	default:
		return 0;
	}
}

/* The first byte that is not UTF-8 text (RFC 3629), or -1. */
static ptrdiff_t
first_bad_byte(const unsigned char *bytes, size_t size)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t i = 0;

	while (i < size) {
		unsigned int c = bytes[i], n, k;

		if (c < 0x80) {
			if (c == 0)
				return (ptrdiff_t)i;
			i++;
			continue;
		}
		n = c >= 0xf0 && c < 0xf8 ? 4 : c >= 0xe0 && c < 0xf0 ? 3 : c >= 0xc0 && c < 0xe0 ? 2 : 0;
		if (n == 0 || n > size - i)
			return (ptrdiff_t)i;
		c &= 0x7fu >> n;
		for (k = 1; k < n; k++) {
			if ((bytes[i + k] & 0xc0) != 0x80)
				return (ptrdiff_t)i;
			c = c << 6 | (bytes[i + k] & 0x3f);
		}
		if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
			return (ptrdiff_t)i;
		i += n;
	}
	return -1;
}

static bool
is_text(struct sfc_load *load, const char *bytes, size_t size)
{
	ptrdiff_t i, bad = first_bad_byte((const unsigned char *)bytes, size);
	unsigned int line = 1, column = 1;

	if (bad < 0)
		return true;
	for (i = 0; i < bad; i++) {
		if (bytes[i] == '\n') {
			line++;
			column = 1;
		} else if (((unsigned char)bytes[i] & 0xc0) != 0x80) {
			column++;
		}
	}
	sfc_load_error_position(load, line, column, "%s (byte 0x%02x)",
		bytes[bad] ? "not UTF-8 text" : "a NUL byte is not text", (unsigned char)bytes[bad]);
	return false;
}

static void
report_syntax(struct sfc_load *load, struct fy_diag *diag)
{
	void *last = NULL;
	struct fy_diag_error *error = fy_diag_errors_iterate(diag, &last);

	if (error)
		sfc_load_error_position(load, error->line > 0 ? (unsigned int)error->line : 0,
			error->column > 0 ? (unsigned int)error->column : 0, "not YAML: %s", error->msg);
	else
		sfc_load_error_position(load, 0, 0, "not YAML");
}

struct sfc_yaml *
sfc_yaml_parse(struct sfc_load *load, const char *bytes, size_t size)
{
	struct builder builder = {.load = load};
	struct fy_parse_cfg cfg = {.flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG};
	struct fy_diag_cfg diag_cfg;
	struct fy_parser *parser;
	struct fy_event *event;
	int rc = 0;

	if (!is_text(load, bytes, size))
		return NULL;
	if (size >= 3 && !memcmp(bytes, "\xef\xbb\xbf", 3)) { /* byte order mark */
		bytes += 3;
		size -= 3;
	}
	fy_diag_cfg_default(&diag_cfg);
	diag_cfg.fp = NULL;
	cfg.diag = fy_diag_create(&diag_cfg);
	if (cfg.diag)
		fy_diag_set_collect_errors(cfg.diag, true);
	parser = cfg.diag ? fy_parser_create(&cfg) : NULL;
	builder.iter = fy_token_iter_create(NULL);
	if (!parser || !builder.iter || fy_parser_set_string(parser, bytes, size)) {
		load->no_memory = true;
		rc = -1;
	}
	while (rc == 0 && (event = fy_parser_parse(parser))) {
		rc = take(&builder, event);
		fy_parser_event_free(parser, event);
	}
	if (rc == 0 && fy_parser_get_stream_error(parser)) {
		report_syntax(load, cfg.diag);
		rc = -1;
	} else if (rc == 0 && !builder.root) {
		sfc_load_error_position(load, 0, 0, "the file is empty");
	}
	fy_token_iter_destroy(builder.iter);
	if (parser)
		fy_parser_destroy(parser);
	fy_diag_destroy(cfg.diag);
	return rc == 0 ? builder.root : NULL;
}

const struct sfc_yaml *
sfc_yaml_get(const struct sfc_yaml *mapping, const char *key)
{
	const struct sfc_yaml *child;

	for (child = mapping->first; child; child = child->next) {
		if (!strcmp(child->key, key))
			return child;
	}
	return NULL;
}
