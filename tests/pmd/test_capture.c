#include "capture_make.h"
#include "test_pmd.h"

#include "pmd_capture_file.h"

#define SEC 1700000000u
#define NS  (SEC * 1000000000ull)

static char dir[] = "/tmp/sluice-capture-XXXXXX";
static char in_path[64], out_path[64];
static uint8_t bytes[PMD_FRAME_MAX];
static struct pmd_captures *set;

static int
setup(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL || test_pmd_init() != 0)
		return -1;
	fill(bytes, sizeof(bytes), 9);
	snprintf(in_path, sizeof(in_path), "%s/in.pcap", dir);
	snprintf(out_path, sizeof(out_path), "%s/out.pcapng", dir);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	unlink(in_path);
	unlink(out_path);
	return rmdir(dir);
}

static struct pmd_port *
open_port(const char *in, const char *out)
{
	struct pmd_port *port = NULL;
	char err[256] = "";
	const struct pmd_captures_conf conf = {.loops = 1};

	assert_int_equal(pmd_captures_create(&conf, &set, err, sizeof(err)), 0);
	if (pmd_capture_open(set, "lan", in, out, &port, err, sizeof(err)) != 0)
		fail_msg("%s", err);
	assert_string_equal(port->name, "lan");
	assert_int_equal(port->mtu, 65535);
	return port;
}

static void
close_port(struct pmd_port *port)
{
	port->ops->close(port);
	pmd_captures_destroy(set);
	assert_no_mbuf_lost();
}

static void
make_sizes(const uint32_t *sizes, unsigned int n)
{
	struct capture_make c;

	make_pcap(&c, true, true, 262144, 1);
	for (uint32_t i = 0; i < n; i++)
		make_record(&c, SEC, i, bytes, sizes[i], sizes[i]);
	make_file(&c, in_path, 0);
}

static void
frames_pass_from_input_to_output_unchanged(void **state)
{
	static const uint32_t sizes[] = {1, 14, 60, 1514, 2048, 2049, 9014, 65535};
	struct rte_mbuf *pkts[RTE_DIM(sizes) + 1];
	struct pmd_record record;
	struct pmd_reader *reader;
	char err[256];

	(void)state;
	make_sizes(sizes, RTE_DIM(sizes));
	struct pmd_port *port = open_port(in_path, out_path);
	assert_false(pmd_captures_done(set));
	uint16_t n = pmd_rx(port, 0, pkts, RTE_DIM(pkts));
	assert_int_equal(n, RTE_DIM(sizes));
	for (uint16_t i = 0; i < n; i++) {
		assert_frame(pkts[i], bytes, sizes[i]);
		assert_true(*pmd_stamp(pkts[i]) == NS + i);
	}
	assert_true(pmd_captures_done(set));
	assert_int_equal(pmd_tx(port, 0, pkts, n), n);
	assert_no_mbuf_lost();
	assert_null(pmd_captures_error(set));
	close_port(port);

	assert_int_equal(pmd_reader_open(out_path, &reader, err, sizeof(err)), 0);
	for (uint32_t i = 0; i < RTE_DIM(sizes); i++) {
		assert_int_equal(pmd_reader_next(reader, &record, err, sizeof(err)), 1);
		assert_int_equal(record.size, sizes[i]);
		assert_true(record.stamp_ns == NS + i);
		assert_memory_equal(record.bytes, bytes, sizes[i]);
	}
	assert_int_equal(pmd_reader_next(reader, &record, err, sizeof(err)), 0);
	pmd_reader_close(reader);
}

static void
empty_pool_delays_frames_and_loses_none(void **state)
{
	static const uint32_t sizes[] = {60, 9014, 61};
	struct rte_mbuf *held[POOL_SIZE], *pkts[4];

	(void)state;
	make_sizes(sizes, RTE_DIM(sizes));
	struct pmd_port *port = open_port(in_path, NULL);
	assert_int_equal(rte_pktmbuf_alloc_bulk(test_pool, held, POOL_SIZE - 2), 0);
	assert_int_equal(pmd_rx(port, 0, pkts, 4), 1); /* the second needs five buffers, one is left */
	assert_int_equal(pmd_rx(port, 0, pkts + 1, 3), 0);
	assert_false(pmd_captures_done(set));
	rte_pktmbuf_free_bulk(held, POOL_SIZE - 2);
	assert_int_equal(pmd_rx(port, 0, pkts + 1, 3), 2);
	for (unsigned int i = 0; i < 3; i++)
		assert_frame(pkts[i], bytes, sizes[i]);
	assert_int_equal(pmd_tx(port, 0, pkts, 3), 3); /* no output: freed */
	close_port(port);
}

static void
odd_records_are_counted_by_the_port(void **state)
{
	struct rte_mbuf *pkts[4];
	struct pmd_stats stats;
	struct capture_make c;
	uint64_t frames, done, total;

	(void)state;
	make_pcap(&c, false, false, 65535, 1);
	make_record(&c, SEC, 1, bytes, 0, 0);
	make_record(&c, SEC, 2, bytes, 60, 60);
	make_record(&c, SEC, 3, bytes, 65535, 65535);
	make_record(&c, SEC, 4, bytes, 0, 0);
	make_file(&c, in_path, 0);
	struct pmd_port *port = open_port(in_path, NULL);
	assert_int_equal(pmd_rx(port, 0, pkts, 4), 2);
	rte_pktmbuf_free_bulk(pkts, 2);
	port->ops->stats(port, &stats);
	assert_int_equal(stats.rx_capture_size, 2);
	pmd_captures_progress(set, &frames, &done, &total);
	assert_int_equal(frames, 2);
	assert_int_equal(done, 24 + 4 * 16 + 60 + 65535);
	assert_int_equal(total, done);
	close_port(port);
}

static void
damage_comes_after_what_was_before_it(void **state)
{
	struct rte_mbuf *pkts[4];
	struct capture_make c;
	char want[128];

	(void)state;
	make_pcap(&c, false, false, 65535, 1);
	make_record(&c, SEC, 1, bytes, 60, 60);
	make_record(&c, SEC, 2, bytes, 61, 61);
	make_record(&c, SEC, 3, bytes, 62, 62);
	make_file(&c, in_path, 10);
	struct pmd_port *port = open_port(in_path, NULL);
	assert_null(pmd_captures_error(set));
	assert_int_equal(pmd_rx(port, 0, pkts, 4), 2);
	assert_frame(pkts[0], bytes, 60);
	assert_frame(pkts[1], bytes, 61);
	rte_pktmbuf_free_bulk(pkts, 2);
	assert_true(pmd_captures_done(set));
	snprintf(want, sizeof(want), "%s: frame 3: ", in_path);
	assert_non_null(pmd_captures_error(set));
	assert_memory_equal(pmd_captures_error(set), want, strlen(want));
	assert_int_equal(pmd_rx(port, 0, pkts, 4), 0);
	close_port(port);
}

static void
full_disk_counts_frames_and_names_the_file(void **state)
{
	struct pmd_stats stats;

	(void)state;
	struct pmd_port *port = open_port(NULL, "/dev/full");
	assert_true(pmd_captures_done(set));
	for (int i = 0; i < 10; i++) {
		struct rte_mbuf *m = pmd_mbuf_copy(bytes, PMD_FRAME_MAX);
		assert_non_null(m);
		*pmd_stamp(m) = NS;
		assert_int_equal(pmd_tx(port, 0, &m, 1), 1);
	}
	assert_string_equal(pmd_captures_error(set), "/dev/full: cannot write: No space left on device");
	port->ops->stats(port, &stats);
	assert_in_range(stats.tx_errors, 5, 9); /* the first ones fit the buffer */
	assert_int_equal(port->ops->flush(port), -ENOSPC);
	close_port(port);

	port = open_port(NULL, "/dev/full");
	struct rte_mbuf *m = pmd_mbuf_copy(bytes, 60);
	assert_int_equal(pmd_tx(port, 0, &m, 1), 1);
	assert_null(pmd_captures_error(set));
	assert_int_equal(port->ops->flush(port), -ENOSPC);
	assert_string_equal(pmd_captures_error(set), "/dev/full: cannot write: No space left on device");
	close_port(port);
}

static void
frame_too_long_for_a_record_is_an_error_of_the_port(void **state)
{
	struct pmd_stats stats;

	(void)state;
	struct pmd_port *port = open_port(NULL, out_path);
	struct rte_mbuf *m = pmd_mbuf_copy(bytes, PMD_FRAME_MAX);
	struct rte_mbuf *tail = pmd_mbuf_copy(bytes, 1);
	assert_int_equal(rte_pktmbuf_chain(m, tail), 0);
	assert_int_equal(pmd_tx(port, 0, &m, 1), 1);
	port->ops->stats(port, &stats);
	assert_int_equal(stats.tx_errors, 1);
	close_port(port);
}

static void
output_over_an_input_is_refused_and_harmless(void **state)
{
	static const uint32_t sizes[] = {60};
	struct pmd_port *port, *other;
	struct rte_mbuf *m;
	char err[256] = "";

	(void)state;
	make_sizes(sizes, 1);
	port = open_port(in_path, NULL);
	assert_int_equal(pmd_capture_open(set, "wan", NULL, in_path, &other, err, sizeof(err)), -EEXIST);
	assert_int_equal(pmd_capture_open(set, "wan", in_path, in_path, &other, err, sizeof(err)), -EEXIST);
	assert_int_equal(pmd_rx(port, 0, &m, 1), 1);
	assert_frame(m, bytes, 60);
	rte_pktmbuf_free(m);
	close_port(port);
}

static void
missing_input_makes_no_output(void **state)
{
	const struct pmd_captures_conf conf = {.loops = 1};
	struct pmd_port *port;
	char err[256] = "", path[64];

	(void)state;
	snprintf(path, sizeof(path), "%s/never", dir);
	assert_int_equal(pmd_captures_create(&conf, &set, err, sizeof(err)), 0);
	assert_int_equal(
		pmd_capture_open(set, "lan", "/nonexistent", path, &port, err, sizeof(err)), -ENOENT);
	assert_string_equal(err, "/nonexistent: No such file or directory");
	assert_int_equal(access(path, F_OK), -1);
	assert_true(pmd_captures_done(set));
	pmd_captures_destroy(set);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_pass_from_input_to_output_unchanged),
		cmocka_unit_test(empty_pool_delays_frames_and_loses_none),
		cmocka_unit_test(odd_records_are_counted_by_the_port),
		cmocka_unit_test(damage_comes_after_what_was_before_it),
		cmocka_unit_test(full_disk_counts_frames_and_names_the_file),
		cmocka_unit_test(frame_too_long_for_a_record_is_an_error_of_the_port),
		cmocka_unit_test(output_over_an_input_is_refused_and_harmless),
		cmocka_unit_test(missing_input_makes_no_output),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
