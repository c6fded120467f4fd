#include "sfc_load.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct lysc_type *
type_of(const struct lysc_node *leaf)
{
	/* struct lysc_node_leaf and lysc_node_leaflist agree up to here */
	const struct lysc_type *type = ((const struct lysc_node_leaf *)leaf)->type;

	return type->basetype == LY_TYPE_LEAFREF ? ((const struct lysc_type_leafref *)type)->realtype : type;
}

static bool
is_unsigned(const struct lysc_type *type)
{
	return type->basetype == LY_TYPE_UINT8 || type->basetype == LY_TYPE_UINT16 ||
	       type->basetype == LY_TYPE_UINT32 || type->basetype == LY_TYPE_UINT64;
}

/* libyang also takes spaces, signs and leading zeros, which YAML readers do not agree about. */
static bool
is_number(const char *text)
{
	if (text[0] == '0')
		return !text[1];
	return text[0] && strspn(text, "0123456789") == strlen(text);
}

bool
sfc_load_type_accepts(struct sfc_load *load, const struct lysc_node *leaf, const char *text)
{
	const struct ly_ctx *ctx = load->schema->ctx;
	LY_ERR rc;

	if (is_unsigned(type_of(leaf)) && !is_number(text))
		return false;
	rc = lyd_value_validate(ctx, leaf, text, strlen(text), NULL, NULL, NULL);
	if (rc == LY_EMEM)
		load->no_memory = true;
	return rc == LY_SUCCESS || rc == LY_EINCOMPLETE; /* incomplete: a reference, resolved later */
}

static void
expects_number(const struct lysc_type *type, char *words, size_t size)
{
	const struct lysc_range *range = ((const struct lysc_type_num *)type)->range;
	uint64_t low = 0, high;

	high = type->basetype == LY_TYPE_UINT8    ? UINT8_MAX
	       : type->basetype == LY_TYPE_UINT16 ? UINT16_MAX
	       : type->basetype == LY_TYPE_UINT32 ? UINT32_MAX
	                                          : UINT64_MAX;
	if (range) {
		low = range->parts[0].min_u64;
		high = range->parts[LY_ARRAY_COUNT(range->parts) - 1].max_u64;
	}
	snprintf(words, size, "must be a number from %" PRIu64 " to %" PRIu64, low, high);
}

static void
expects_enum(const struct lysc_type *type, char *words, size_t size)
{
	struct lysc_type_bitenum_item *item = ((const struct lysc_type_enum *)type)->enums;
	size_t i, n = LY_ARRAY_COUNT(item), used;

	used = (size_t)snprintf(words, size, "must be ");
	for (i = 0; i < n && used < size; i++)
		used += (size_t)snprintf(words + used, size - used, "%s%s",
			i == 0       ? ""
			: i == n - 1 ? " or "
				     : ", ",
			item[i].name);
}

static void
expects_string(const struct lysc_type *type, const char *text, char *words, size_t size)
{
	const struct lysc_type_str *string = (const struct lysc_type_str *)type;
	const struct lysc_range *length = string->length;
	size_t n = strlen(text);

	bool fits = !length || (n >= length->parts[0].min_u64 && n <= length->parts[0].max_u64);

	if (!fits && length->emsg)
		snprintf(words, size, "%s", length->emsg);
	else if (!fits)
		snprintf(words, size, "must have %" PRIu64 " to %" PRIu64 " characters",
			length->parts[0].min_u64, length->parts[0].max_u64);
	else
		snprintf(words, size, "%s", string->patterns ? string->patterns[0]->emsg : "must be text");
}

void
sfc_load_type_expects(const struct lysc_node *leaf, const char *text, char *words, size_t size)
{
	const struct lysc_type *type = type_of(leaf);

	if (is_unsigned(type))
		expects_number(type, words, size);
	else if (type->basetype == LY_TYPE_ENUM)
		expects_enum(type, words, size);
	else if (type->basetype == LY_TYPE_BOOL)
		snprintf(words, size, "must be true or false");
	else
		expects_string(type, text, words, size);
}
