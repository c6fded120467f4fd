#include "capture_make.h"
#include "test_pmd.h"

#include <rte_cycles.h>

#include <math.h>
#include <time.h>

#define INPUTS 3

static char dir[] = "/tmp/sluice-set-XXXXXX";
static char path[INPUTS][64];
static struct pmd_captures *set;
static struct pmd_port *ports[INPUTS];

static int
setup(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL || test_pmd_init() != 0)
		return -1;
	for (int i = 0; i < INPUTS; i++)
		snprintf(path[i], sizeof(path[i]), "%s/%d", dir, i);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	for (int i = 0; i < INPUTS; i++)
		unlink(path[i]);
	return rmdir(dir);
}

/* Input i has one frame per stamp (nanoseconds, ended by 0); its bytes tell input and position. */
static void
make_input(int i, const uint64_t *stamps, size_t cut)
{
	struct capture_make c;
	uint8_t frame[60] = {(uint8_t)i};

	make_pcap(&c, false, true, 65535, 1);
	for (uint8_t n = 0; stamps[n] != 0; n++) {
		frame[1] = n;
		make_record(&c, (uint32_t)(stamps[n] / 1000000000u), (uint32_t)(stamps[n] % 1000000000u),
			frame, 60, 60);
	}
	make_file(&c, path[i], cut);
}

static void
open_set(double speed, uint64_t loops, int inputs)
{
	const struct pmd_captures_conf conf = {.speed = speed, .loops = loops};
	char err[256] = "", name[8];

	assert_int_equal(pmd_captures_create(&conf, &set, err, sizeof(err)), 0);
	for (int i = 0; i < inputs; i++) {
		snprintf(name, sizeof(name), "p%d", i);
		if (pmd_capture_open(set, name, path[i], NULL, &ports[i], err, sizeof(err)) != 0)
			fail_msg("%s", err);
	}
}

static void
close_set(int inputs)
{
	for (int i = 0; i < inputs; i++)
		ports[i]->ops->close(ports[i]);
	pmd_captures_destroy(set);
	assert_no_mbuf_lost();
}

/* Poll all ports in turn until the set is done; text gets "INPUT.POSITION " per frame. */
static void
play(int inputs, uint16_t burst, char *text, size_t size)
{
	struct rte_mbuf *pkts[8];
	size_t used = 0;

	text[0] = '\0';
	while (!pmd_captures_done(set)) {
		for (int i = 0; i < inputs; i++) {
			uint16_t n = pmd_rx(ports[i], 0, pkts, burst);
			for (uint16_t j = 0; j < n; j++) {
				const uint8_t *frame = rte_pktmbuf_mtod(pkts[j], const uint8_t *);
				assert_int_equal(frame[0], i);
				used += (size_t)snprintf(
					text + used, size - used, "%u.%u ", frame[0], frame[1]);
			}
			rte_pktmbuf_free_bulk(pkts, n);
		}
	}
}

static void
inputs_merge_by_stamp_and_ties_by_order_of_opening(void **state)
{
	char text[256];

	(void)state;
	make_input(0, (const uint64_t[]){10, 20, 20, 50, 0}, 0);
	make_input(1, (const uint64_t[]){5, 20, 30, 0}, 0);
	make_input(2, (const uint64_t[]){20, 60, 0}, 0);
	for (uint16_t burst = 1; burst <= 8; burst *= 2) {
		open_set(0, 1, 3);
		play(3, burst, text, sizeof(text));
		assert_string_equal(text, "1.0 0.0 0.1 0.2 1.1 2.0 1.2 0.3 2.1 ");
		assert_null(pmd_captures_error(set));
		close_set(3);
	}
}

static void
input_that_goes_back_in_time_keeps_its_order(void **state)
{
	char text[256];

	(void)state;
	make_input(0, (const uint64_t[]){30, 10, 40, 0}, 0);
	make_input(1, (const uint64_t[]){20, 35, 0}, 0);
	open_set(0, 1, 2);
	play(2, 8, text, sizeof(text));
	assert_string_equal(text, "1.0 0.0 0.1 1.1 0.2 ");
	close_set(2);
}

static void
loops_play_all_inputs_before_the_next_loop(void **state)
{
	char text[256];
	uint64_t frames, done, total;

	(void)state;
	make_input(0, (const uint64_t[]){10, 30, 0}, 0);
	make_input(1, (const uint64_t[]){20, 0}, 0);
	open_set(0, 3, 2);
	play(2, 8, text, sizeof(text));
	assert_string_equal(text, "0.0 1.0 0.1 0.0 1.0 0.1 0.0 1.0 0.1 ");
	pmd_captures_progress(set, &frames, &done, &total);
	assert_int_equal(frames, 9);
	assert_int_equal(total, done);
	close_set(2);
}

static void
loops_over_no_frames_end(void **state)
{
	(void)state;
	make_input(0, (const uint64_t[]){0}, 0);
	open_set(0, UINT64_MAX, 1);
	assert_true(pmd_captures_done(set));
	close_set(1);
}

static void
damaged_input_does_not_stop_the_others(void **state)
{
	char text[256], want[128];

	(void)state;
	make_input(0, (const uint64_t[]){10, 30, 0}, 1);
	make_input(1, (const uint64_t[]){20, 40, 0}, 0);
	open_set(0, 2, 2);
	play(2, 8, text, sizeof(text));
	assert_string_equal(text, "0.0 1.0 1.1 1.0 1.1 ");
	snprintf(want, sizeof(want), "%s: frame 2: ", path[0]);
	assert_memory_equal(pmd_captures_error(set), want, strlen(want));
	close_set(2);
}

static void
first_error_stays(void **state)
{
	char want[128];

	(void)state;
	make_input(0, (const uint64_t[]){10, 0}, 1);
	make_input(1, (const uint64_t[]){20, 0}, 1);
	open_set(0, 1, 2);
	snprintf(want, sizeof(want), "%s: frame 1: ", path[0]);
	assert_memory_equal(pmd_captures_error(set), want, strlen(want));
	assert_true(pmd_captures_done(set));
	close_set(2);
}

static void
closed_port_does_not_hold_up_the_others(void **state)
{
	struct rte_mbuf *m;

	(void)state;
	make_input(0, (const uint64_t[]){10, 0}, 0);
	make_input(1, (const uint64_t[]){20, 0}, 0);
	open_set(0, 1, 2);
	assert_int_equal(pmd_rx(ports[1], 0, &m, 1), 0);
	ports[0]->ops->close(ports[0]);
	assert_int_equal(pmd_rx(ports[1], 0, &m, 1), 1);
	rte_pktmbuf_free(m);
	ports[1]->ops->close(ports[1]);
	pmd_captures_destroy(set);
}

static double
seconds_to_play(double speed, uint64_t loops)
{
	char text[256];
	struct timespec from, to;

	open_set(speed, loops, 2);
	clock_gettime(CLOCK_MONOTONIC, &from);
	play(2, 8, text, sizeof(text));
	clock_gettime(CLOCK_MONOTONIC, &to);
	close_set(2);
	return (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
}

static void
speed_scales_recorded_time(void **state)
{
	const uint64_t ms = 1000000, start = 1700000000000 * ms;

	(void)state;
	/* 200 ms between first and last frame; the second loop starts where the first one ended. */
	make_input(0, (const uint64_t[]){start, start + 100 * ms, 0}, 0);
	make_input(1, (const uint64_t[]){start + 50 * ms, start + 200 * ms, 0}, 0);
	double once = seconds_to_play(1, 1), twice = seconds_to_play(2, 2), fast = seconds_to_play(0, 1);
	assert_true(once >= 0.199 && once < 0.6);
	assert_true(twice >= 0.199 && twice < 0.6);
	assert_true(fast < 0.1);
}

static void
frame_is_not_given_before_it_is_due(void **state)
{
	const uint64_t ms = 1000000;
	struct rte_mbuf *pkts[4];

	(void)state;
	make_input(0, (const uint64_t[]){ms, 60000 * ms, 0}, 0);
	open_set(1, 1, 1);
	assert_int_equal(pmd_rx(ports[0], 0, pkts, 4), 1);
	assert_int_equal(pmd_rx(ports[0], 0, pkts + 1, 3), 0);
	assert_false(pmd_captures_done(set));
	rte_pktmbuf_free(pkts[0]);
	close_set(1);
}

static void
senseless_settings_are_refused(void **state)
{
	static const struct pmd_captures_conf rows[] = {{.speed = -1, .loops = 1}, {.speed = NAN, .loops = 1},
		{.speed = INFINITY, .loops = 1}, {.loops = 0}};
	char err[256];

	(void)state;
	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		err[0] = '\0';
		assert_int_equal(pmd_captures_create(&rows[i], &set, err, sizeof(err)), -EINVAL);
		assert_true(err[0] != '\0');
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(inputs_merge_by_stamp_and_ties_by_order_of_opening),
		cmocka_unit_test(input_that_goes_back_in_time_keeps_its_order),
		cmocka_unit_test(loops_play_all_inputs_before_the_next_loop),
		cmocka_unit_test(loops_over_no_frames_end),
		cmocka_unit_test(damaged_input_does_not_stop_the_others),
		cmocka_unit_test(first_error_stays),
		cmocka_unit_test(closed_port_does_not_hold_up_the_others),
		cmocka_unit_test(speed_scales_recorded_time),
		cmocka_unit_test(frame_is_not_given_before_it_is_due),
		cmocka_unit_test(senseless_settings_are_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
