#include "pmd_capture_file.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[] = "/tmp/sluice-writer-XXXXXX";
static char path[sizeof(dir) + 16];
static uint8_t bytes[65535];

static int
setup(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 5 + (i >> 7));
	return mkdtemp(dir) == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
	(void)state;
	return rmdir(dir);
}

static const struct {
	uint64_t stamp_ns;
	uint32_t size;
} frames[] = {
	{0, 1},
	{1700000000000000001, 60},
	{1700000000999999999, 61},
	{1700000001000000000, 9014},
	{4294967295123456789, 65535},
};

#define FRAMES (sizeof(frames) / sizeof(frames[0]))

/* Each frame starts at another address, so that padding and alignment vary. */
static void
round_trip(const char *name, uint32_t magic)
{
	struct pmd_writer *writer;
	struct pmd_reader *reader;
	struct pmd_record record;
	char err[256] = "";
	uint32_t got = 0;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_int_equal(pmd_writer_open(path, NULL, NULL, &writer, err, sizeof(err)), 0);
	for (size_t i = 0; i < FRAMES; i++)
		assert_int_equal(
			pmd_writer_add(writer, frames[i].stamp_ns, bytes + i % 7, frames[i].size - i % 7), 0);
	assert_int_equal(pmd_writer_close(writer), 0);

	FILE *file = fopen(path, "rb");
	assert_non_null(file);
	assert_int_equal(fread(&got, sizeof(got), 1, file), 1);
	fclose(file);
	assert_int_equal(got, magic);

	assert_int_equal(pmd_reader_open(path, &reader, err, sizeof(err)), 0);
	for (size_t i = 0; i < FRAMES; i++) {
		uint32_t size = frames[i].size - (uint32_t)(i % 7);
		assert_int_equal(pmd_reader_next(reader, &record, err, sizeof(err)), 1);
		assert_true(record.stamp_ns == frames[i].stamp_ns);
		assert_int_equal(record.size, size);
		assert_memory_equal(record.bytes, bytes + i % 7, size);
	}
	assert_int_equal(pmd_reader_next(reader, &record, err, sizeof(err)), 0);
	pmd_reader_close(reader);
	unlink(path);
}

static void
pcap_round_trip_keeps_bytes_and_nanoseconds(void **state)
{
	(void)state;
	round_trip("out.pcap", 0xa1b23c4d);
}

static void
pcapng_round_trip_keeps_bytes_and_nanoseconds(void **state)
{
	(void)state;
	round_trip("out.pcapng", 0x0a0d0d0a);
}

static void
only_the_end_of_the_name_chooses_pcapng(void **state)
{
	(void)state;
	round_trip("a.pcapng.x", 0xa1b23c4d);
	round_trip("pcapng", 0xa1b23c4d);
}

static void
full_disk_is_told_once_and_kept(void **state)
{
	static const char *const names[] = {"full.pcap", "full.pcapng"};
	char err[256] = "";

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct pmd_writer *writer;
		int rc = 0;
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		assert_int_equal(symlink("/dev/full", path), 0);
		assert_int_equal(pmd_writer_open(path, NULL, NULL, &writer, err, sizeof(err)), 0);
		for (int j = 0; j < 1000 && rc == 0; j++)
			rc = pmd_writer_add(writer, 1, bytes, 1514);
		assert_int_equal(rc, ENOSPC);
		assert_int_equal(pmd_writer_add(writer, 1, bytes, 60), ENOSPC);
		assert_int_equal(pmd_writer_flush(writer), -ENOSPC);
		assert_int_equal(pmd_writer_close(writer), -ENOSPC);

		/* What fits the buffer fails at the flush. */
		assert_int_equal(pmd_writer_open(path, NULL, NULL, &writer, err, sizeof(err)), 0);
		assert_int_equal(pmd_writer_add(writer, 1, bytes, 60), 0);
		assert_int_equal(pmd_writer_close(writer), -ENOSPC);
		unlink(path);
	}
}

static void
file_that_cannot_be_made_is_named(void **state)
{
	struct pmd_writer *writer;
	char err[256] = "";

	(void)state;
	assert_int_equal(
		pmd_writer_open("/nonexistent/a.pcap", NULL, NULL, &writer, err, sizeof(err)), -ENOENT);
	assert_string_equal(err, "/nonexistent/a.pcap: No such file or directory");
}

static bool
refuse(void *arg, const struct stat *file)
{
	(void)arg;
	return S_ISREG(file->st_mode);
}

static void
refused_file_keeps_its_content(void **state)
{
	struct pmd_writer *writer;
	char err[256] = "", content[8] = "";

	(void)state;
	snprintf(path, sizeof(path), "%s/kept", dir);
	FILE *file = fopen(path, "w+");
	assert_non_null(file);
	assert_true(fputs("content", file) >= 0);
	fflush(file);
	assert_int_equal(pmd_writer_open(path, refuse, NULL, &writer, err, sizeof(err)), -EEXIST);
	rewind(file);
	assert_int_equal(fread(content, 1, 7, file), 7);
	assert_string_equal(content, "content");
	fclose(file);
	unlink(path);
}

static void
a_pipe_that_nobody_reads_is_not_waited_for(void **state)
{
	struct pmd_writer *writer;
	char err[256] = "";

	(void)state;
	snprintf(path, sizeof(path), "%s/pipe", dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(pmd_writer_open(path, NULL, NULL, &writer, err, sizeof(err)), -ENXIO);
	assert_non_null(strstr(err, "pipe: a pipe that nobody reads"));
	unlink(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pipe_that_nobody_reads_is_not_waited_for),
		cmocka_unit_test(pcap_round_trip_keeps_bytes_and_nanoseconds),
		cmocka_unit_test(pcapng_round_trip_keeps_bytes_and_nanoseconds),
		cmocka_unit_test(only_the_end_of_the_name_chooses_pcapng),
		cmocka_unit_test(full_disk_is_told_once_and_kept),
		cmocka_unit_test(file_that_cannot_be_made_is_named),
		cmocka_unit_test(refused_file_keeps_its_content),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
