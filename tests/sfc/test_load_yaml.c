/* Any bytes, and files that are none: refused with a position, never a crash. */
#include "sfc_load.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static struct sfc_schema schema;

static int
setup(void **state)
{
	(void)state;
	return sfc_schema_create(&schema);
}

static int
teardown(void **state)
{
	(void)state;
	sfc_schema_destroy(&schema);
	return 0;
}

/* Load bytes; the first error as "L:C: reason", or "" when there is none. */
static const char *
first_error(const void *bytes, size_t size)
{
	static char text[256];
	struct sfc_config *config;
	struct sfc_errors errors;
	int rc = sfc_load_memory(&schema, "x", bytes, size, &config, &errors);

	assert_int_equal(rc, errors.n ? -EINVAL : 0);
	assert_true((config != NULL) == (errors.n == 0));
	text[0] = '\0';
	if (errors.n)
		snprintf(text, sizeof(text), "%u:%u: %s", errors.error[0].line, errors.error[0].column,
			errors.error[0].reason);
	sfc_errors_free(&errors);
	sfc_config_free(config);
	return text;
}

#define FIRST(literal) first_error(literal, sizeof(literal) - 1)

static void
bytes_that_are_not_text_are_refused_where_they_stand(void **state)
{
	(void)state;
	assert_string_equal(FIRST(""), "0:0: the file is empty");
	assert_string_equal(FIRST("sfc:\n  no\0de:"), "2:5: a NUL byte is not text (byte 0x00)");
	assert_string_equal(FIRST("sfc:\n\xc3\xa9 \xff"), "2:3: not UTF-8 text (byte 0xff)");
	assert_string_equal(FIRST("\xc0\x80"), "1:1: not UTF-8 text (byte 0xc0)");     /* overlong */
	assert_string_equal(FIRST("\xed\xa0\x80"), "1:1: not UTF-8 text (byte 0xed)"); /* surrogate */
	assert_string_equal(FIRST("\xf4\x90\x80\x80"), "1:1: not UTF-8 text (byte 0xf4)");
	assert_string_equal(FIRST("ab\xe2\x82"), "1:3: not UTF-8 text (byte 0xe2)");        /* cut short */
	assert_string_equal(FIRST("\xff\xfes\0f\0c\0"), "1:1: not UTF-8 text (byte 0xff)"); /* UTF-16 */
}

static void
escaped_nul_is_refused(void **state)
{
	(void)state;
	assert_string_equal(
		FIRST("sfc: { node: [ { name: \"a\\0b\" } ] }"), "1:24: a NUL character is not accepted");
	assert_string_equal(FIRST("sfc: { node: [ { \"name\\0\": a } ] }"), "1:16: is missing");
}

static void
line_ends_and_byte_order_mark_of_other_systems_are_accepted(void **state)
{
	(void)state;
	assert_string_equal(FIRST("sfc:\r\n  node:\r\n    - name: a\r\n"), "");
	assert_string_equal(FIRST("\xef\xbb\xbfsfc: { node: [ { name: a } ] }"), "");
	assert_string_equal(FIRST("%YAML 1.2\n---\nsfc: { node: [ { name: a } ] }\n...\n"), "");
}

static void
columns_count_characters(void **state)
{
	(void)state;
	assert_string_equal(FIRST("sfc: { node: [ { name: \"\xc3\xa9\xc3\xa9\", dataplane: 1 } ] }"),
		"1:24: '\xc3\xa9\xc3\xa9' must be a name: letters, digits, '_', '-' and '.', the first a "
		"letter, "
		"digit or '_'");
	assert_string_equal(FIRST("sfc: { node: [ { dataplane: { \"\xc3\xa9\": 1 }, name: a } ] }"),
		"1:31: unknown leaf '\xc3\xa9' (known: workers, memory, flows)");
}

static void
every_form_of_a_scalar_gives_its_text(void **state)
{
	static const struct {
		const char *scalar, *text;
	} row[] = {
		{"a b", "a b"},
		{"80", "80"},
		{"a\n      b\n      c", "a b c"},
		{"'it''s'", "it's"},
		{"'x''x''x''x''x''x''x''x''x''x''x''x''x''x''x''x''x''x''x''x'''",
			"x'x'x'x'x'x'x'x'x'x'x'x'x'x'x'x'x'x'x'x'"},
		{"\"\\x41\\u0042\\\"\\/\\\\\"", "AB\"/\\"},
		{"\"a\\\n      b\"", "ab"},
		{"\"a\n      b\"", "a b"},
		{">-\n      a\n      b", "a b"},
		{"|-\n      a, [b]: {c}", "a, [b]: {c}"},
		{"\" \"", " "},
	};
	char bytes[512];

	(void)state;
	for (unsigned int i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct sfc_config *config;
		struct sfc_errors errors;

		snprintf(bytes, sizeof(bytes),
			"sfc:\n node:\n - name: a\n   port:\n   - name: p\n     role: access\n     device: "
			"%s\n",
			row[i].scalar);
		sfc_load_memory(&schema, "x", bytes, strlen(bytes), &config, &errors);
		if (!config)
			print_error("%s: %s\n", bytes, errors.error[0].reason);
		assert_non_null(config);
		assert_string_equal(config->node[0].port[0].device, row[i].text);
		sfc_config_free(config);
	}
}

static void
quotes_that_libfyaml_misreads_are_refused(void **state)
{
	(void)state;
	assert_string_equal(FIRST("sfc: { node: [ { name: a, port: [ { name: p, role: access, device: "
				  "'a''''b' } ] } ] }"),
		"1:68: two '' in a row are not accepted: use double quotes");
	assert_string_equal(FIRST("sfc: { node: [ { name: a, 'a''''b': 1 } ] }"),
		"1:27: a key must be plain text, without alias, anchor, tag or NUL");
}

static void
nesting_is_bounded(void **state)
{
	char deep[20000];

	(void)state;
	memset(deep, '[', sizeof(deep));
	assert_string_equal(first_error(deep, sizeof(deep)), "1:34: nested deeper than 32 levels");
	memset(deep, '{', sizeof(deep));
	assert_string_equal(first_error(deep, sizeof(deep)), "1:2: a key must be plain text");
	for (unsigned int i = 0; i < sizeof(deep); i += 2)
		memcpy(deep + i, "- ", 2);
	assert_string_equal(first_error(deep, sizeof(deep)), "1:67: nested deeper than 32 levels");
}

static double
seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void
many_values_are_refused_soon(void **state)
{
	size_t size = SFC_LOAD_SIZE_MAX;
	char *bytes = malloc(size);
	double start = seconds();

	(void)state;
	assert_non_null(bytes);
	for (size_t i = 0; i < size; i += 2)
		memcpy(bytes + i, i ? "a," : " [", 2);
	assert_string_equal(first_error(bytes, size), "1:2000001: more than 1000000 values and keys");
	assert_true(seconds() - start < 60); /* linear: some seconds, sanitizers included */
	free(bytes);
}

static void
many_errors_are_counted(void **state)
{
	size_t n = 100000, size = 0;
	char *bytes = malloc(n * 24 + 64);
	struct sfc_config *config;
	struct sfc_errors errors;
	double start = seconds();

	(void)state;
	assert_non_null(bytes);
	size += (size_t)sprintf(bytes, "sfc:\n  node:\n  - { ");
	for (size_t i = 0; i < n; i++)
		size += (size_t)sprintf(bytes + size, "k%zu: 1,\n     ", i);
	size += (size_t)sprintf(bytes + size, " x: 1 }\n");
	assert_int_equal(sfc_load_memory(&schema, "x", bytes, size, &config, &errors), -EINVAL);
	assert_int_equal(errors.n, SFC_LOAD_ERRORS_MAX);
	assert_string_equal(
		errors.error[0].reason, "unknown leaf 'k0' (known: name, dataplane, port, locator)");
	assert_string_equal(errors.error[errors.n - 1].reason, "too many errors: 90003 more are not shown");
	assert_true(seconds() - start < 30);
	sfc_errors_free(&errors);
	free(bytes);
}

static void
refused_file(const char *name, int rc, const char *reason)
{
	struct sfc_config *config;
	struct sfc_errors errors;

	assert_int_equal(sfc_load(name, &config, &errors), rc);
	assert_null(config);
	assert_int_equal(errors.n, 1);
	assert_string_equal(errors.error[0].file, name);
	assert_int_equal(errors.error[0].line, 0);
	assert_int_equal(errors.error[0].column, 0);
	assert_string_equal(errors.error[0].path, "");
	assert_string_equal(errors.error[0].reason, reason);
	sfc_errors_free(&errors);
}

static void
what_is_not_a_file_is_refused_as_a_whole(void **state)
{
	(void)state;
	refused_file("/nowhere/sluice.yaml", -ENOENT, "cannot read: No such file or directory");
	refused_file(BUILD_DIR, -EISDIR, "cannot read: Is a directory");
	refused_file("/dev/null", -EINVAL, "the file is empty");
	refused_file("/dev/zero", -EINVAL, "larger than 16 MiB, the limit of a configuration file");
}

static void
large_file_is_refused_at_once(void **state)
{
	char name[] = "/tmp/sluice-test-XXXXXX";
	int fd = mkstemp(name);
	double start = seconds();

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 100 << 20), 0);
	refused_file(name, -EINVAL, "larger than 16 MiB, the limit of a configuration file");
	assert_true(seconds() - start < 1);
	close(fd);
	unlink(name);
}

static void
small_file_loads_in_milliseconds(void **state)
{
	double best = 1;

	(void)state;
	for (int i = 0; i < 5; i++) {
		double start = seconds();
		struct sfc_config *config;
		struct sfc_errors errors;

		assert_int_equal(sfc_load(SOURCE_DIR "/sfc/examples/two-nodes.yaml", &config, &errors), 0);
		sfc_config_free(config);
		if (seconds() - start < best)
			best = seconds() - start;
	}
	print_message("best of 5: %.1f ms\n", best * 1e3);
	assert_true(best < 0.2); /* 2 ms on an idle machine; sanitizers and neighbours cost some */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_that_are_not_text_are_refused_where_they_stand),
		cmocka_unit_test(escaped_nul_is_refused),
		cmocka_unit_test(line_ends_and_byte_order_mark_of_other_systems_are_accepted),
		cmocka_unit_test(columns_count_characters),
		cmocka_unit_test(every_form_of_a_scalar_gives_its_text),
		cmocka_unit_test(quotes_that_libfyaml_misreads_are_refused),
		cmocka_unit_test(nesting_is_bounded),
		cmocka_unit_test(many_values_are_refused_soon),
		cmocka_unit_test(many_errors_are_counted),
		cmocka_unit_test(what_is_not_a_file_is_refused_as_a_whole),
		cmocka_unit_test(large_file_is_refused_at_once),
		cmocka_unit_test(small_file_loads_in_milliseconds),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
