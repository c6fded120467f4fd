#include "stages.h"

#define FRAMES 6

static struct frame in, out, frames[FRAMES];

static struct fixture *
open_stamped(void)
{
	return fixture_open(&(struct fixture_conf){.feed = SFF_FEED_LOSSLESS, .stamps = true});
}

/* Put frames with stamps 1000.. into the firewall and take what it got. */
static void
into_the_sf(struct fixture *f)
{
	f->stamp = 1000;
	for (uint16_t i = 0; i < FRAMES; i++) {
		frame_udp(&in, i, 1100, 10);
		fixture_put(f, LAN, &in);
	}
	fixture_run(f);
	for (int i = 0; i < FRAMES; i++) {
		assert_true(fixture_take(f, FW_1, &frames[i]));
		assert_true(nsh_si_dec((struct nsh_hdr *)(frames[i].bytes + ETH_HDR_SIZE)));
	}
}

static void
back(struct fixture *f, int i)
{
	fixture_put(f, FW_1, &frames[i]);
}

/* The next frame sent has this inner source port and stamp. */
static void
assert_next(struct fixture *f, int i, uint64_t stamp)
{
	uint64_t got;

	assert_true(fixture_take_stamped(f, WAN, &out, &got));
	if (i >= 0)
		assert_int_equal(out.bytes[ETH_HDR_SIZE + NSH_IPV4_SIZE + 1], i);
	assert_int_equal(got, stamp);
}

static void
a_frame_that_is_forwarded_keeps_its_stamp(void **state)
{
	struct fixture *f = open_stamped();

	(void)state;
	f->stamp = 77;
	frame_udp(&in, 3, 9999, 10);
	fixture_send(f, LAN, &in);
	assert_next(f, 3, 77);
	fixture_close(f);
}

static void
stamps_come_back_in_order(void **state)
{
	struct fixture *f = open_stamped();

	(void)state;
	into_the_sf(f);
	for (int i = 0; i < FRAMES; i++)
		back(f, i);
	fixture_run(f);
	for (int i = 0; i < FRAMES; i++)
		assert_next(f, i, 1000u + (unsigned int)i);
	fixture_close(f);
}

static void
a_consumed_frame_takes_its_stamp_along(void **state)
{
	struct fixture *f = open_stamped();

	(void)state;
	into_the_sf(f);
	back(f, 1);
	back(f, 4);
	fixture_run(f);
	assert_next(f, 1, 1001);
	assert_next(f, 4, 1004);
	fixture_close(f);
}

static void
a_payload_that_the_sf_changed_takes_the_oldest_stamp(void **state)
{
	struct fixture *f = open_stamped();

	(void)state;
	into_the_sf(f);
	for (int i = 0; i < FRAMES; i++) {
		frames[i].bytes[frames[i].size - 1] ^= 0x55;
		back(f, i);
	}
	fixture_run(f);
	for (int i = 0; i < FRAMES; i++)
		assert_next(f, i, 1000u + (unsigned int)i);
	fixture_close(f);
}

static void
a_frame_that_the_sf_made_has_the_stamp_of_the_one_before(void **state)
{
	struct fixture *f = open_stamped();

	(void)state;
	into_the_sf(f);
	for (int i = 0; i < FRAMES; i++)
		back(f, i);
	frames[0].bytes[frames[0].size - 1] ^= 0x55;
	back(f, 0);
	fixture_run(f);
	for (int i = 0; i < FRAMES; i++)
		assert_next(f, i, 1000u + (unsigned int)i);
	assert_next(f, 0, 1000 + FRAMES - 1);
	fixture_close(f);
}

static void
frames_in_any_order_keep_their_own_stamps(void **state)
{
	static const int orders[][FRAMES] = {{2, 0, 1, 3, 5, 4}, {5, 4, 3, 2, 1, 0}, {1, 0, 3, 2, 5, 4}};

	(void)state;
	for (unsigned int o = 0; o < RTE_DIM(orders); o++) {
		struct fixture *f = open_stamped();

		into_the_sf(f);
		for (int i = 0; i < FRAMES; i++)
			back(f, orders[o][i]);
		fixture_run(f);
		for (int i = 0; i < FRAMES; i++)
			assert_next(f, orders[o][i], 1000u + (unsigned int)orders[o][i]);
		fixture_close(f);
	}
}

/* Frame 0 was consumed, 1 overtaken, 3 changed. */
static void
a_changed_frame_takes_what_follows_the_last_that_came_back(void **state)
{
	struct fixture *f = open_stamped();

	(void)state;
	into_the_sf(f);
	frames[3].bytes[frames[3].size - 1] ^= 0x55;
	back(f, 2);
	back(f, 3);
	back(f, 4);
	back(f, 1);
	fixture_run(f);
	assert_next(f, 2, 1002);
	assert_next(f, 3, 1003);
	assert_next(f, 4, 1004);
	assert_next(f, 1, 1001);
	fixture_close(f);
}

static void
stamps_survive_a_chain_of_sfs(void **state)
{
	struct fixture *f = open_stamped();

	(void)state;
	f->stamp = 5000;
	for (uint16_t i = 0; i < FRAMES; i++) {
		frame_udp(&in, i, 1107, 10);
		fixture_put(f, LAN, &in);
	}
	fixture_settle(f);
	for (int i = 0; i < FRAMES; i++) {
		uint64_t stamp;

		assert_true(fixture_take_stamped(f, WAN, &out, &stamp));
		assert_int_equal(stamp, 5000 + out.bytes[ETH_HDR_SIZE + NSH_IPV4_SIZE + 1]);
	}
	fixture_close(f);
}

/* More frames than a queue remembers, none of which comes back; then one does. */
static void
a_queue_of_consumed_frames_forgets_the_oldest(void **state)
{
	struct fixture *f = open_stamped();

	(void)state;
	f->stamp = 0;
	for (uint16_t i = 0; i < 3000; i++) {
		frame_udp(&in, i, 1100, 10);
		fixture_put(f, LAN, &in);
		fixture_run(f);
		f->fake[FW_1].consumed++;
		assert_true(fixture_take(f, FW_1, &frames[0]));
	}
	assert_true(nsh_si_dec((struct nsh_hdr *)(frames[0].bytes + ETH_HDR_SIZE)));
	back(f, 0);
	fixture_run(f);
	assert_next(f, -1, 2999);
	fixture_close(f);
}

static void
what_a_ring_did_not_take_is_noted_once(void **state)
{
	struct fixture *f = open_stamped();

	(void)state;
	f->stamp = 1000;
	f->fake[FW_1].room = 2;
	for (uint16_t i = 0; i < FRAMES; i++) {
		frame_udp(&in, i, 1100, 10);
		fixture_put(f, LAN, &in);
	}
	for (int pass = 0; pass < FRAMES; pass++) {
		fixture_run(f);
		f->fake[FW_1].room = 1;
	}
	assert_int_equal(fixture_serve(f, FW_1), FRAMES);
	fixture_run(f);
	for (int i = 0; i < FRAMES; i++)
		assert_next(f, i, 1000u + (unsigned int)i);
	fixture_close(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_frame_that_is_forwarded_keeps_its_stamp),
		cmocka_unit_test(stamps_come_back_in_order),
		cmocka_unit_test(a_consumed_frame_takes_its_stamp_along),
		cmocka_unit_test(a_payload_that_the_sf_changed_takes_the_oldest_stamp),
		cmocka_unit_test(a_frame_that_the_sf_made_has_the_stamp_of_the_one_before),
		cmocka_unit_test(frames_in_any_order_keep_their_own_stamps),
		cmocka_unit_test(a_changed_frame_takes_what_follows_the_last_that_came_back),
		cmocka_unit_test(stamps_survive_a_chain_of_sfs),
		cmocka_unit_test(a_queue_of_consumed_frames_forgets_the_oldest),
		cmocka_unit_test(what_a_ring_did_not_take_is_noted_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
