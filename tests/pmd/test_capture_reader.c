#include "capture_make.h"
#include "pmd_capture_file.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define ETHERNET 1u
#define RAW      101u /* LINKTYPE_RAW */
#define SEC      1700000000u

static char dir[] = "/tmp/sluice-reader-XXXXXX";
static char path[sizeof(dir) + 16];
static uint8_t bytes[70000];

static int
setup(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7 + (i >> 8));
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/in", dir);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir);
}

static struct pmd_reader *
open_file(void)
{
	struct pmd_reader *reader = NULL;
	char err[256] = "";

	if (pmd_reader_open(path, &reader, err, sizeof(err)) != 0)
		fail_msg("%s", err);
	return reader;
}

static void
assert_next(struct pmd_reader *reader, uint64_t stamp_ns, const uint8_t *want, uint32_t size)
{
	struct pmd_record record;
	char err[256] = "";

	if (pmd_reader_next(reader, &record, err, sizeof(err)) != 1)
		fail_msg("no record: %s", err);
	assert_true(record.stamp_ns == stamp_ns);
	assert_int_equal(record.size, size);
	assert_memory_equal(record.bytes, want, size);
}

static void
assert_end(struct pmd_reader *reader)
{
	struct pmd_record record;
	char err[256];

	assert_int_equal(pmd_reader_next(reader, &record, err, sizeof(err)), 0);
	assert_int_equal(pmd_reader_next(reader, &record, err, sizeof(err)), 0);
	pmd_reader_close(reader);
}

static void
pcap_is_read_in_both_orders_and_resolutions(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		bool swap = i & 1, nano = i & 2;
		struct capture_make c;
		make_pcap(&c, swap, nano, 262144, ETHERNET);
		make_record(&c, SEC, 123456, bytes, 60, 60);
		make_record(&c, SEC + 1, 999999, bytes + 1, 65535, 65535);
		make_file(&c, path, 0);
		struct pmd_reader *reader = open_file();
		assert_next(reader, SEC * 1000000000ull + 123456 * (nano ? 1 : 1000), bytes, 60);
		assert_next(reader, (SEC + 1) * 1000000000ull + 999999 * (nano ? 1 : 1000), bytes + 1, 65535);
		assert_end(reader);
	}
}

static void
pcapng_is_read_in_both_orders_and_resolutions(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		bool swap = i & 1, nano = i & 2;
		uint64_t unit = nano ? 1 : 1000;
		struct capture_make c;
		make_pcapng(&c, swap, nano ? 9 : 6, ETHERNET);
		make_packet(&c, (SEC * 1000000000ull + 7000) / unit, bytes, 61);
		make_packet(&c, (SEC * 1000000000ull + 5000) / unit, bytes + 3, 9000);
		make_file(&c, path, 0);
		struct pmd_reader *reader = open_file();
		assert_next(reader, SEC * 1000000000ull + 7000, bytes, 61);
		assert_next(reader, SEC * 1000000000ull + 5000, bytes + 3, 9000);
		assert_end(reader);
	}
}

static void
seconds_of_pcap_have_no_sign(void **state)
{
	struct capture_make c;

	(void)state;
	make_pcap(&c, false, true, 65535, ETHERNET);
	make_record(&c, 0xfffffff0, 5, bytes, 60, 60);
	make_file(&c, path, 0);
	struct pmd_reader *reader = open_file();
	assert_next(reader, 0xfffffff0 * 1000000000ull + 5, bytes, 60);
	assert_end(reader);
}

static void
records_of_no_or_too_many_bytes_are_counted(void **state)
{
	struct capture_make c;

	(void)state;
	make_pcap(&c, false, true, 65535, ETHERNET);
	make_record(&c, SEC, 0, bytes, 0, 0);
	make_record(&c, SEC, 1, bytes, 60, 60);
	make_record(&c, SEC, 2, bytes, 0, 1500);
	make_record(&c, SEC, 3, bytes, 65536, 65536);
	make_record(&c, SEC, 4, bytes, 70000, 70000);
	make_record(&c, SEC, 5, bytes, 1, 1);
	make_file(&c, path, 0);
	struct pmd_reader *reader = open_file();
	assert_next(reader, SEC * 1000000000ull + 1, bytes, 60);
	assert_next(reader, SEC * 1000000000ull + 5, bytes, 1);
	assert_int_equal(pmd_reader_skipped(reader), 4);
	assert_end(reader);
}

static void
record_cut_by_the_capture_is_given_as_captured(void **state)
{
	struct capture_make c;

	(void)state;
	make_pcap(&c, true, false, 96, ETHERNET);
	make_record(&c, SEC, 0, bytes, 96, 1514);
	make_file(&c, path, 0);
	struct pmd_reader *reader = open_file();
	assert_next(reader, SEC * 1000000000ull, bytes, 96);
	assert_end(reader);
}

static void
snap_length_that_lies_cuts_nothing(void **state)
{
	(void)state;
	for (int swap = 0; swap < 2; swap++) {
		struct capture_make c;
		make_pcap(&c, swap, false, 64, ETHERNET);
		make_record(&c, SEC, 0, bytes, 1514, 1514);
		make_file(&c, path, 0);
		struct pmd_reader *reader = open_file();
		assert_next(reader, SEC * 1000000000ull, bytes, 1514);
		assert_end(reader);
	}
}

/* Read the file of three frames whose damage is in frame `damaged`; 0: no damage. */
static void
assert_damage(unsigned int damaged)
{
	struct pmd_reader *reader = open_file();
	struct pmd_record record;
	char err[256] = "", want[64];

	for (unsigned int i = 1; i < damaged; i++)
		assert_int_equal(pmd_reader_next(reader, &record, err, sizeof(err)), 1);
	assert_int_equal(pmd_reader_next(reader, &record, err, sizeof(err)), -EIO);
	snprintf(want, sizeof(want), "%s: frame %u: ", path, damaged);
	assert_memory_equal(err, want, strlen(want));
	assert_true(strlen(err) > strlen(want));
	assert_end(reader);
}

static void
pcap_damage_names_its_frame(void **state)
{
	/* Cut inside the header and inside the bytes of the last record of 3. */
	static const size_t cuts[] = {1, 59, 60 + 1, 60 + 15};
	struct capture_make c;

	(void)state;
	for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
		make_pcap(&c, false, true, 65535, ETHERNET);
		for (int j = 0; j < 3; j++)
			make_record(&c, SEC, 0, bytes, 60, 60);
		make_file(&c, path, cuts[i]);
		assert_damage(3);
	}

	/* A length nobody can mean. */
	make_pcap(&c, false, true, 65535, ETHERNET);
	make_record(&c, SEC, 0, bytes, 60, 60);
	make_u32(&c, SEC);
	make_u32(&c, 0);
	make_u32(&c, 0xfffffff0);
	make_u32(&c, 60);
	make_bytes(&c, bytes, 60);
	make_file(&c, path, 0);
	assert_damage(2);
}

static void
pcapng_damage_names_its_frame(void **state)
{
	static const size_t cuts[] = {1, 4, 63, 70, 91};
	struct capture_make c;

	(void)state;
	for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
		make_pcapng(&c, true, 9, ETHERNET);
		make_packet(&c, 1, bytes, 60);
		make_packet(&c, 2, bytes, 60);
		make_file(&c, path, cuts[i]);
		assert_damage(2);
	}

	/* The two lengths of a block differ. */
	make_pcapng(&c, false, 9, ETHERNET);
	make_packet(&c, 1, bytes, 60);
	c.bytes[c.size - 4] ^= 8;
	make_file(&c, path, 0);
	assert_damage(1);

	/* A packet of an interface that was never described. */
	make_pcapng(&c, false, 9, ETHERNET);
	make_packet(&c, 1, bytes, 60);
	c.bytes[60 + 8] = 1;
	make_file(&c, path, 0);
	assert_damage(1);
}

static void
assert_refused(const char *reason)
{
	struct pmd_reader *reader;
	char err[256] = "", want[128];

	assert_int_equal(pmd_reader_open(path, &reader, err, sizeof(err)), -EINVAL);
	snprintf(want, sizeof(want), "%s: %s", path, reason);
	assert_memory_equal(err, want, strlen(want));
}

static void
other_link_types_and_other_files_are_refused(void **state)
{
	struct capture_make c;
	struct pmd_reader *reader;
	char err[256] = "";

	(void)state;
	make_pcap(&c, false, false, 65535, RAW);
	make_record(&c, SEC, 0, bytes, 60, 60);
	make_file(&c, path, 0);
	assert_refused("link type RAW is not Ethernet");
	make_pcapng(&c, false, 6, RAW);
	make_packet(&c, 1, bytes, 60);
	make_file(&c, path, 0);
	assert_refused("link type RAW is not Ethernet");
	make_pcap(&c, false, false, 65535, ETHERNET);
	make_file(&c, path, 24);
	assert_refused("");
	make_pcap(&c, false, false, 65535, ETHERNET);
	make_file(&c, path, 5);
	assert_refused("");
	memset(&c, 0, sizeof(c));
	make_bytes(&c, "sfc:\n  node: []\n", 16);
	make_file(&c, path, 0);
	assert_refused("");
	assert_int_equal(pmd_reader_open("/nonexistent/a.pcap", &reader, err, sizeof(err)), -ENOENT);
	assert_string_equal(err, "/nonexistent/a.pcap: No such file or directory");
}

static void
capture_without_frames_is_at_its_end(void **state)
{
	struct capture_make c;

	(void)state;
	make_pcap(&c, false, true, 65535, ETHERNET);
	make_file(&c, path, 0);
	assert_end(open_file());
}

static void
rewind_plays_the_same_again(void **state)
{
	struct capture_make c;
	struct pmd_record record;
	char err[256];

	(void)state;
	make_pcap(&c, true, true, 65535, ETHERNET);
	make_record(&c, SEC, 1, bytes, 60, 60);
	make_record(&c, SEC, 2, bytes, 61, 61);
	make_file(&c, path, 0);
	struct pmd_reader *reader = open_file();
	for (int i = 0; i < 3; i++) {
		assert_next(reader, SEC * 1000000000ull + 1, bytes, 60);
		assert_next(reader, SEC * 1000000000ull + 2, bytes, 61);
		assert_int_equal(pmd_reader_next(reader, &record, err, sizeof(err)), 0);
		assert_int_equal(pmd_reader_bytes(reader), (uint64_t)(i + 1) * (24 + 16 + 60 + 16 + 61));
		assert_int_equal(pmd_reader_rewind(reader, err, sizeof(err)), 0);
	}
	pmd_reader_close(reader);
}

/* Also a named pipe without a writer, and what never ends: none of them is waited for. */
static void
what_is_no_file_is_refused_at_once(void **state)
{
	static const struct {
		const char *path;
		int rc;
		const char *said;
	} rows[] = {
		{"/tmp", -EISDIR, "/tmp: is no file but a directory"},
		{"/dev/zero", -ESPIPE, "/dev/zero: is no file but a device"},
	};
	struct pmd_reader *reader;
	char err[256] = "", said[300];

	(void)state;
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(pmd_reader_open(rows[i].path, &reader, err, sizeof(err)), rows[i].rc);
		assert_string_equal(err, rows[i].said);
	}
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(pmd_reader_open(path, &reader, err, sizeof(err)), -ESPIPE);
	snprintf(said, sizeof(said), "%s: is no file but a pipe", path);
	assert_string_equal(err, said);
	unlink(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pcap_is_read_in_both_orders_and_resolutions),
		cmocka_unit_test(pcapng_is_read_in_both_orders_and_resolutions),
		cmocka_unit_test(seconds_of_pcap_have_no_sign),
		cmocka_unit_test(records_of_no_or_too_many_bytes_are_counted),
		cmocka_unit_test(record_cut_by_the_capture_is_given_as_captured),
		cmocka_unit_test(snap_length_that_lies_cuts_nothing),
		cmocka_unit_test(pcap_damage_names_its_frame),
		cmocka_unit_test(pcapng_damage_names_its_frame),
		cmocka_unit_test(other_link_types_and_other_files_are_refused),
		cmocka_unit_test(capture_without_frames_is_at_its_end),
		cmocka_unit_test(rewind_plays_the_same_again),
		cmocka_unit_test(what_is_no_file_is_refused_at_once),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
