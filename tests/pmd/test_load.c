#include "test_pmd.h"

#include "pmd_load.h"

#include <rte_cycles.h>
#include <rte_pause.h>

#include <string.h>

#define NUMBER_AT 42

static uint8_t small[64], large[5000];
static const struct pmd_load_frame frames[] = {
	{.bytes = small, .size = sizeof(small), .number_at = NUMBER_AT},
	{.bytes = large, .size = sizeof(large)}};

static struct pmd_load *load;
static struct pmd_port *in, *out;

static int
setup(void **state)
{
	(void)state;
	memset(small, 0x55, sizeof(small));
	memset(large, 0x66, sizeof(large));
	return test_pmd_init();
}

static void
open_load(uint32_t n)
{
	assert_int_equal(pmd_load_create(frames, n, &load), 0);
	assert_int_equal(pmd_load_open(load, "in", true, &in), 0);
	assert_int_equal(pmd_load_open(load, "out", false, &out), 0);
}

static void
close_load(void)
{
	in->ops->close(in);
	out->ops->close(out);
	pmd_load_destroy(load);
	assert_no_mbuf_lost();
}

static void
wait_us(unsigned int us)
{
	uint64_t until = rte_rdtsc() + us * (rte_get_tsc_hz() / 1000000);

	while (rte_rdtsc() < until)
		rte_pause();
}

/* Take what comes and give it to the other port, until the source has given all. */
static void
forward_all(void)
{
	struct rte_mbuf *m[32];
	bool over;

	do {
		uint16_t n;

		over = pmd_load_over(load);
		n = pmd_rx(in, 0, m, 32);
		assert_int_equal(pmd_tx(out, 0, m, n), n);
		assert_int_equal(pmd_rx(out, 0, m, 32), 0);
	} while (!over);
}

static void
nothing_comes_before_a_trial_and_after_it(void **state)
{
	const struct pmd_load_trial trial = {.pps = 100000, .seconds = 0.001};
	struct pmd_load_count count;
	struct rte_mbuf *m[32];

	(void)state;
	open_load(1);
	assert_true(pmd_load_over(load));
	assert_int_equal(pmd_rx(in, 0, m, 32), 0);
	pmd_load_start(load, &trial);
	assert_false(pmd_load_over(load));
	forward_all();
	assert_int_equal(pmd_rx(in, 0, m, 32), 0);
	pmd_load_count(load, &count);
	assert_int_equal(count.offered, 100);
	assert_int_equal(count.given + count.missed, 100);
	assert_int_equal(count.back, count.given);
	close_load();
}

static void
frames_are_sent_in_turn_with_a_number_that_keeps_sums(void **state)
{
	const struct pmd_load_trial trial = {.seconds = 10};
	struct rte_mbuf *m[8];

	(void)state;
	open_load(2);
	pmd_load_start(load, &trial);
	assert_int_equal(pmd_rx(in, 0, m, 8), 8);
	for (uint32_t i = 0; i < 8; i += 2) {
		const uint32_t *number = rte_pktmbuf_mtod_offset(m[i], uint32_t *, NUMBER_AT);
		uint32_t got[2];

		memcpy(got, number, sizeof(got));
		assert_int_equal(m[i]->pkt_len, sizeof(small));
		assert_int_equal(got[0], i / 2);
		assert_int_equal(got[1], ~got[0]);
		assert_int_equal(m[i + 1]->pkt_len, sizeof(large)); /* over more than one buffer */
		assert_int_equal(m[i + 1]->nb_segs, 3);
	}
	rte_pktmbuf_free_bulk(m, 8);
	close_load();
}

static void
what_the_worker_does_not_take_in_time_is_missed(void **state)
{
	const struct pmd_load_trial trial = {.pps = 1e6, .seconds = 0.01};
	struct pmd_load_count count;
	struct rte_mbuf *m[32];

	(void)state;
	open_load(1);
	pmd_load_start(load, &trial);
	pmd_tx(out, 0, m, pmd_rx(in, 0, m, 1));
	wait_us(12000); /* all 10,000 frames are due, 1,024 wait */
	forward_all();
	pmd_load_count(load, &count);
	assert_int_equal(count.offered, 10000);
	assert_int_equal(count.given, 1 + PMD_LOAD_RING);
	assert_true(pmd_load_away(load) > 0);
	close_load();
}

/* Open loop: a worker that was away does not make the frames look late only from when it came back. */
static void
latency_counts_from_the_time_a_frame_was_meant_to_be_sent(void **state)
{
	const struct pmd_load_trial trial = {.pps = 1000, .seconds = 0.02, .sample = 1};
	const struct pmd_hist *all, *clean;
	struct rte_mbuf *m[32];

	(void)state;
	open_load(1);
	pmd_load_start(load, &trial);
	assert_int_equal(pmd_rx(in, 0, m, 32), 1);
	assert_true(m[0]->ol_flags & pmd_load_mark);
	pmd_tx(out, 0, m, 1);
	wait_us(10500);
	forward_all();
	all = pmd_load_latency(load);
	clean = pmd_load_clean(load);
	assert_int_equal(all->count, 20);
	assert_true(all->max_ns >= 9500000);
	/* Ten frames were due while it was away. */
	assert_true(pmd_hist_share(all, 0.9) >= 7500000);
	assert_true(clean->count <= 10);
	close_load();
}

static void
one_frame_in_so_many_is_marked(void **state)
{
	const struct pmd_load_trial trial = {.seconds = 10, .sample = 5};
	unsigned int marked = 0;
	struct rte_mbuf *m[30];

	(void)state;
	open_load(1);
	pmd_load_start(load, &trial);
	assert_int_equal(pmd_rx(in, 0, m, 30), 30);
	for (unsigned int i = 0; i < 30; i++)
		marked += (m[i]->ol_flags & pmd_load_mark) != 0;
	assert_int_equal(marked, 6);
	rte_pktmbuf_free_bulk(m, 30);
	close_load();
}

static void
without_buffers_frames_wait(void **state)
{
	const struct pmd_load_trial trial = {.seconds = 10};
	unsigned int all = rte_mempool_avail_count(test_pool);
	struct rte_mbuf **taken = calloc(all, sizeof(*taken)), *m[32];

	(void)state;
	open_load(1);
	pmd_load_start(load, &trial);
	assert_int_equal(rte_pktmbuf_alloc_bulk(test_pool, taken, all), 0);
	assert_int_equal(pmd_rx(in, 0, m, 32), 0);
	rte_pktmbuf_free_bulk(taken, all);
	assert_int_equal(pmd_rx(in, 0, m, 32), 32);
	rte_pktmbuf_free_bulk(m, 32);
	free(taken);
	close_load();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_comes_before_a_trial_and_after_it),
		cmocka_unit_test(frames_are_sent_in_turn_with_a_number_that_keeps_sums),
		cmocka_unit_test(what_the_worker_does_not_take_in_time_is_missed),
		cmocka_unit_test(latency_counts_from_the_time_a_frame_was_meant_to_be_sent),
		cmocka_unit_test(one_frame_in_so_many_is_marked),
		cmocka_unit_test(without_buffers_frames_wait),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
