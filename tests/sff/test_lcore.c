#include "stages.h"

#include <rte_cycles.h>

static struct frame in, out;

static struct fixture *
open_feed(enum sff_feed feed, uint16_t lockstep, bool stamps)
{
	return fixture_open(&(struct fixture_conf){.feed = feed, .lockstep = lockstep, .stamps = stamps});
}

/* Frames n..m-1, told apart by their inner source port. */
static void
put(struct fixture *f, enum fixture_port_index port, uint16_t dst_port, uint16_t from, uint16_t to)
{
	for (uint16_t i = from; i < to; i++) {
		frame_udp(&in, i, dst_port, 10);
		fixture_put(f, port, &in);
	}
}

/* The inner source port: UDP header and 10 bytes stand at the end. */
static int
number(const struct frame *f)
{
	return f->bytes[f->size - 18] << 8 | f->bytes[f->size - 17];
}

static void
assert_got(struct fixture *f, enum fixture_port_index port, int from, int to)
{
	for (int i = from; i < to; i++) {
		assert_true(fixture_take(f, port, &out));
		assert_int_equal(number(&out), i);
	}
	assert_int_equal(fixture_waiting(f, port), 0);
}

static void
live_names_what_does_not_fit(void **state)
{
	struct fixture *f = open_feed(SFF_FEED_LIVE, 0, false);

	(void)state;
	f->fake[FW_1].room = 3;
	put(f, LAN, 1100, 0, 10);
	fixture_run(f);
	assert_got(f, FW_1, 0, 3);
	assert_int_equal(f->lc->dropped[SFC_DROP_SF_RING_FULL], 7);

	f->fake[WAN].room = 4;
	put(f, LAN, 9999, 0, 10);
	fixture_run(f);
	assert_got(f, WAN, 0, 4);
	assert_int_equal(f->lc->dropped[SFC_DROP_TX_FULL], 6);

	/* Its rings are gone, but nobody has cleared the flag yet. */
	f->fake[IDS_1].up = f->fake[IDS_2].up = f->fake[IDS_3].up = false;
	f->fake[IDS_1].room = f->fake[IDS_2].room = f->fake[IDS_3].room = 0;
	put(f, LAN, 1102, 0, 10);
	fixture_run(f);
	assert_int_equal(f->lc->dropped[SFC_DROP_SF_DOWN], 10);
	assert_int_equal(sff_lcore_in_flight(f->lc), 3);
	fixture_close(f);
}

static void
a_transmit_buffer_that_is_full_is_flushed(void **state)
{
	struct fixture *f = open_feed(SFF_FEED_LIVE, 0, false);

	(void)state;
	/* One pass takes at most 32 frames of each port: many SFs fill one buffer. */
	for (enum fixture_port_index p = IDS_1; p <= IDS_3; p++)
		for (uint16_t i = 0; i < 128; i++) {
			frame_udp(&in, i, 1, 10);
			frame_md1(&in, 102, 254, 62, NSH_NP_ETHERNET);
			fixture_wrap_sf(f, p, &in);
			fixture_put(f, p, &in);
		}
	fixture_run(f);
	assert_int_equal(fixture_waiting(f, WAN), 384);
	fixture_close(f);
}

/* A pass may bring more for one port than its buffer holds. */
static void
a_burst_beyond_the_buffer_goes_out_in_order(void **state)
{
	struct fixture *f = open_feed(SFF_FEED_LIVE, 0, false);
	struct sff_burst *b = &f->lc->burst[0];
	unsigned int left = 2 * SFF_TX_BUFFER + 40;
	uint16_t i = 0;

	(void)state;
	put(f, LAN, 9999, 0, (uint16_t)left);
	while (left > 0) {
		b->n = pmd_rx(&f->fake[LAN].pmd, 0, b->pkt, RTE_MIN(SFF_BURST, left));
		f->lc->received += b->n;
		memset(b->meta, 0, sizeof(b->meta));
		left -= b->n;
		sff_run(f->lc, b, SFF_STAGE_ACCESS_INPUT);
	}
	fixture_run(f);
	while (fixture_take(f, WAN, &out))
		assert_int_equal(number(&out), i++);
	assert_int_equal(i, 2 * SFF_TX_BUFFER + 40);
	fixture_close(f);
}

static void
lossless_keeps_what_a_ring_does_not_take_in_order(void **state)
{
	struct fixture *f = open_feed(SFF_FEED_LOSSLESS, 0, false);

	(void)state;
	f->fake[FW_1].room = 3;
	put(f, LAN, 1100, 0, 10);
	fixture_run(f);
	assert_got(f, FW_1, 0, 3);
	assert_int_equal(f->lc->tx[FW_1].n, 7);
	assert_int_equal(sff_lcore_in_flight(f->lc), 10);
	f->fake[FW_1].room = 5;
	fixture_run(f);
	assert_got(f, FW_1, 3, 8);
	f->fake[FW_1].room = FIXTURE_FULL;
	fixture_run(f);
	assert_got(f, FW_1, 8, 10);
	assert_int_equal(f->lc->tx[FW_1].n, 0);
	for (int d = 0; d < SFC_DROP_MAX; d++)
		assert_int_equal(f->lc->dropped[d], 0);
	fixture_close(f);
}

static void
lossless_drops_by_name_when_the_ring_is_gone(void **state)
{
	struct fixture *f = open_feed(SFF_FEED_LOSSLESS, 0, false);

	(void)state;
	f->fake[FW_1].room = 3;
	put(f, LAN, 1100, 0, 10);
	fixture_run(f);
	f->fake[FW_1].room = 0;
	f->fake[FW_1].up = false;
	fixture_run(f);
	assert_int_equal(f->lc->dropped[SFC_DROP_SF_DOWN], 7);
	assert_int_equal(sff_lcore_in_flight(f->lc), 0); /* what the guest had is not waited for */
	f->fake[WAN].room = 0;
	put(f, LAN, 9999, 0, 2);
	fixture_run(f);
	assert_int_equal(f->lc->dropped[SFC_DROP_TX_FULL], 2);
	fixture_close(f);
}

static void
lossless_has_no_more_than_a_window_inside(void **state)
{
	struct fixture *f = open_feed(SFF_FEED_LOSSLESS, 0, false);
	unsigned int most = 0;

	(void)state;
	put(f, LAN, 1107, 0, 1000);
	while (fixture_waiting(f, WAN) < 1000) {
		unsigned int inside;

		fixture_poll(f);
		inside = (unsigned int)sff_lcore_in_flight(f->lc);
		assert_true(inside <= SFF_WINDOW);
		most = RTE_MAX(most, inside);
		for (enum fixture_port_index p = FW_1; p <= IDS_3; p++)
			fixture_serve(f, p);
	}
	assert_int_equal(most, SFF_WINDOW);
	for (int d = 0; d < SFC_DROP_MAX; d++)
		assert_int_equal(f->lc->dropped[d], 0);
	fixture_close(f);
}

static void
a_consumed_frame_is_not_waited_for_and_the_guest_is_not_believed(void **state)
{
	struct fixture *f = open_feed(SFF_FEED_LOSSLESS, 0, false);

	(void)state;
	put(f, LAN, 1100, 0, 10);
	fixture_run(f);
	assert_int_equal(sff_lcore_in_flight(f->lc), 10);
	f->fake[FW_1].consumed = 4;
	assert_int_equal(sff_lcore_in_flight(f->lc), 6);
	f->fake[FW_1].consumed = UINT64_MAX;
	assert_int_equal(sff_lcore_in_flight(f->lc), 0);
	fixture_serve(f, FW_1);
	fixture_run(f);
	assert_int_equal(sff_lcore_in_flight(f->lc), 0);
	f->fake[FW_1].consumed = 0;
	assert_int_equal(sff_lcore_in_flight(f->lc), 0);
	fixture_close(f);
}

static void
a_step_is_drained_before_the_next(void **state)
{
	struct fixture *f = open_feed(SFF_FEED_LOCKSTEP, 4, true);

	(void)state;
	put(f, LAN, 1100, 0, 10);
	fixture_run(f);
	assert_int_equal(f->lc->received, 4);
	assert_got(f, FW_1, 0, 4);
	fixture_run(f);
	assert_int_equal(f->lc->received, 4);
	fixture_close(f);
}

static void
a_step_is_filled_from_all_ports(void **state)
{
	struct fixture *f = open_feed(SFF_FEED_LOCKSTEP, 64, true);

	(void)state;
	put(f, LAN, 9999, 0, 40);
	put(f, WAN, 9999, 0, 5);
	fixture_poll(f);
	assert_int_equal(f->lc->received, 45);
	assert_got(f, WAN, 0, 40);
	assert_got(f, LAN, 0, 5);
	fixture_close(f);
}

/* Frames of two functions and of none, served in the worst order: they leave as they came. */
static void
output_of_a_step_is_held_and_in_input_order(void **state)
{
	struct fixture *f = open_feed(SFF_FEED_LOCKSTEP, 12, true);
	static const uint16_t kinds[] = {1100, 9999, 1102, 1107};
	unsigned int n;

	(void)state;
	for (uint16_t i = 0; i < 36; i++)
		put(f, LAN, kinds[i % RTE_DIM(kinds)], i, (uint16_t)(i + 1));
	for (uint16_t step = 12; step <= 36; step = (uint16_t)(step + 12)) {
		fixture_run(f);
		assert_int_equal(f->lc->received, step);
		do {
			/* Nothing leaves while one SF still has a frame. */
			assert_int_equal(fixture_waiting(f, WAN), 0);
			n = 0;
			for (enum fixture_port_index p = IDS_3; p >= FW_1 && n == 0; p--)
				n = fixture_serve(f, p);
			sff_lcore_poll(f->lc, false);
		} while (fixture_waiting(f, WAN) == 0);
		fixture_check(f);
		assert_got(f, WAN, step - 12, step);
	}
	fixture_close(f);
}

static void
frames_of_a_dead_sf_do_not_hold_a_step(void **state)
{
	struct fixture *f = open_feed(SFF_FEED_LOCKSTEP, 4, true);

	(void)state;
	put(f, LAN, 1100, 0, 2);
	put(f, LAN, 9999, 2, 8);
	fixture_run(f);
	assert_int_equal(fixture_waiting(f, WAN), 0);
	f->fake[FW_1].up = false;
	fixture_run(f);
	assert_got(f, WAN, 2, 8);
	fixture_close(f);
}

/* The loop itself, run here: as a replay whose input is at its end. */
static void
loop(struct fixture *f, struct pmd_captures **set)
{
	char err[256];

	if (set != NULL)
		assert_int_equal(
			pmd_captures_create(&(struct pmd_captures_conf){.loops = 1}, set, err, sizeof(err)),
			0);
	f->lc->captures = set != NULL ? *set : NULL;
	rte_rcu_qsbr_thread_register(f->lc->qsbr, 0);
	assert_int_equal(sff_lcore_main(f->lc), 0);
	rte_rcu_qsbr_thread_unregister(f->lc->qsbr, 0);
	assert_true(f->lc->done);
	fixture_check(f);
	if (set != NULL)
		pmd_captures_destroy(*set);
}

static void
frames_of_a_guest_that_stands_still_are_written_off(void **state)
{
	struct fixture *f = open_feed(SFF_FEED_LOSSLESS, 0, false);
	struct pmd_captures *set;
	uint64_t start = rte_rdtsc();
	double seconds;

	(void)state;
	f->fake[FW_1].room = 3;
	put(f, LAN, 1100, 0, 10);
	put(f, LAN, 9999, 10, 20);
	loop(f, &set);
	seconds = (double)(rte_rdtsc() - start) / (double)rte_get_tsc_hz();
	assert_true(seconds > 1.5 && seconds < 20);
	assert_int_equal(f->lc->written_off[FW_1], 3);
	assert_int_equal(f->lc->dropped[SFC_DROP_SF_STUCK], 7);
	assert_int_equal(f->plane.up[f->port[FW_1].instance], 0);
	assert_int_equal(f->plane.up[f->port[IDS_1].instance], 1);
	assert_int_equal(sff_lcore_in_flight(f->lc), 0);
	assert_got(f, WAN, 10, 20);

	/* Late, they are welcome: the books hold, and nothing is counted twice. */
	fixture_serve(f, FW_1);
	fixture_run(f);
	assert_got(f, WAN, 0, 3);
	assert_int_equal(sff_lcore_in_flight(f->lc), 0);
	fixture_close(f);
}

static void
a_replay_ends_when_all_is_drained(void **state)
{
	struct fixture *f = open_feed(SFF_FEED_LOSSLESS, 0, false);
	struct pmd_captures *set;
	uint64_t start = rte_rdtsc();

	(void)state;
	put(f, LAN, 9999, 0, 500);
	put(f, LAN, 1100, 500, 510);
	f->fake[FW_1].consumed = 10; /* says the guest: a firewall that dropped them */
	loop(f, &set);
	assert_true(rte_rdtsc() - start < rte_get_tsc_hz());
	assert_got(f, WAN, 0, 500);
	assert_int_equal(f->lc->received, 510);
	assert_int_equal(f->lc->dropped[SFC_DROP_SF_STUCK], 0);
	fixture_close(f);
}

static void
an_order_to_drain_takes_no_more_input(void **state)
{
	struct fixture *f = open_feed(SFF_FEED_LIVE, 0, false);

	(void)state;
	put(f, LAN, 1100, 0, 10);
	fixture_run(f);
	fixture_serve(f, FW_1); /* on their way back */
	put(f, LAN, 9999, 10, 15);
	f->lc->order = SFF_ORDER_DRAIN;
	loop(f, NULL);
	assert_got(f, WAN, 0, 10);
	assert_int_equal(f->lc->received, 10);
	fixture_close(f);
}

static void
an_order_to_stop_names_what_is_held(void **state)
{
	struct fixture *f = open_feed(SFF_FEED_LOSSLESS, 0, false);

	(void)state;
	f->fake[FW_1].room = 3;
	put(f, LAN, 1100, 0, 10);
	fixture_run(f);
	f->lc->order = SFF_ORDER_STOP;
	loop(f, NULL);
	assert_int_equal(f->lc->dropped[SFC_DROP_SHUTDOWN], 7);
	fixture_close(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(live_names_what_does_not_fit),
		cmocka_unit_test(a_transmit_buffer_that_is_full_is_flushed),
		cmocka_unit_test(a_burst_beyond_the_buffer_goes_out_in_order),
		cmocka_unit_test(lossless_keeps_what_a_ring_does_not_take_in_order),
		cmocka_unit_test(lossless_drops_by_name_when_the_ring_is_gone),
		cmocka_unit_test(lossless_has_no_more_than_a_window_inside),
		cmocka_unit_test(a_consumed_frame_is_not_waited_for_and_the_guest_is_not_believed),
		cmocka_unit_test(a_step_is_drained_before_the_next),
		cmocka_unit_test(a_step_is_filled_from_all_ports),
		cmocka_unit_test(output_of_a_step_is_held_and_in_input_order),
		cmocka_unit_test(frames_of_a_dead_sf_do_not_hold_a_step),
		cmocka_unit_test(frames_of_a_guest_that_stands_still_are_written_off),
		cmocka_unit_test(a_replay_ends_when_all_is_drained),
		cmocka_unit_test(an_order_to_drain_takes_no_more_input),
		cmocka_unit_test(an_order_to_stop_names_what_is_held),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
