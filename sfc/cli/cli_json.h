/**
 * Fields of a JSON object that may be missing or of another type. Included by what reads reports.
 */
#ifndef CLI_JSON_H
#define CLI_JSON_H

#include <jansson.h>
#include <stdint.h>
#include <string.h>

/** Text of a field, "" when there is none. */
static inline const char *
cli_json_get_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text == NULL ? "" : text;
}

/** Integer of a field, 0 when there is none. */
static inline uint64_t
cli_json_get_number(const json_t *object, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(object, key));
}

/** The object in an array whose field "name" is this, or NULL. */
static inline const json_t *
cli_json_find(const json_t *array, const char *name)
{
	size_t i;
	json_t *item;

	json_array_foreach(array, i, item)
	{
		const char *text = json_string_value(json_object_get(item, "name"));

		if (text != NULL && strcmp(text, name) == 0)
			return item;
	}
	return NULL;
}

#endif
