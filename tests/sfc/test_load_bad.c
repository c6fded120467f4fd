/* Bad files: config/bad/NAME is refused with exactly the lines of config/bad/NAME.errors, as FILE:LINE:COL:
 * PATH: REASON (FILE: REASON for the whole file). */
#include "sfc_config.h"

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* Goes up with each file: none is skipped by accident. */
#define BAD_FILES_MIN 31

static void
print(const struct sfc_errors *errors, FILE *to)
{
	for (unsigned int i = 0; i < errors->n; i++) {
		const struct sfc_error *error = &errors->error[i];

		if (error->line)
			fprintf(to, "%s:%u:%u: %s: %s\n", error->file, error->line, error->column,
				error->path, error->reason);
		else
			fprintf(to, "%s: %s\n", error->file, error->reason);
	}
}

static char *
read_file(const char *name)
{
	FILE *file = fopen(name, "r");
	char *text = NULL;
	size_t size = 0;

	if (!file)
		fail_msg("%s: %s", name, strerror(errno));
	if (getdelim(&text, &size, '\0', file) < 0)
		fail_msg("%s is empty", name);
	fclose(file);
	return text;
}

static void
check(const char *name)
{
	char expected_name[300], *expected, *got = NULL;
	struct sfc_config *config;
	struct sfc_errors errors;
	size_t size;
	FILE *memory = open_memstream(&got, &size);

	snprintf(expected_name, sizeof(expected_name), "%s.errors", name);
	expected = read_file(expected_name);
	assert_non_null(memory);
	assert_int_equal(sfc_load(name, &config, &errors), -EINVAL);
	assert_null(config);
	assert_true(errors.n > 0);
	print(&errors, memory);
	fclose(memory);
	assert_string_equal(got, expected);
	sfc_errors_free(&errors);
	free(expected);
	free(got);
}

static void
every_bad_file_gets_exactly_its_errors(void **state)
{
	struct dirent *entry;
	unsigned int n = 0;
	DIR *folder;

	(void)state;
	assert_int_equal(chdir(SOURCE_DIR "/tests/sfc/config/bad"), 0);
	folder = opendir(".");
	assert_non_null(folder);
	while ((entry = readdir(folder))) {
		const char *end = strrchr(entry->d_name, '.');

		if (!end || (strcmp(end, ".yaml") && strcmp(end, ".json")))
			continue;
		check(entry->d_name);
		n++;
	}
	closedir(folder);
	assert_true(n >= BAD_FILES_MIN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_bad_file_gets_exactly_its_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
