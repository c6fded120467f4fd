/* The guest library's queue pairs against honest and lying back ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "vnf_host.h"

#define DROP_ME 0xdd

static struct host_net host;
static struct vnf_pair pair;
static uint8_t frame[70000], back[70000];

const char vnf_name[] = "ring-test";

enum vnf_verdict
vnf_packet(struct vnf_pkt *pkt)
{
	return pkt->inner_len && pkt->inner[0] == DROP_ME ? VNF_DROP : VNF_PASS;
}

static void
start(uint32_t ring, uint32_t buffers)
{
	host_init();
	host_net_init(&host, 1, ring, buffers);
	assert_null(vnf_pair_init(&pair, &host.net, 0));
	vnf_pair_post(&pair);
	memset(host_kicks, 0, sizeof(host_kicks));
}

static int
setup(void **state)
{
	(void)state;
	start(HOST_RING, 2 * HOST_RING);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	host_net_fini(&host);
	return 0;
}

/* A frame of `size` bytes whose payload tells frames apart. */
static uint32_t
make(uint32_t size, uint8_t mark)
{
	static uint8_t inner[70000];

	for (uint32_t i = 0; i < size; i++)
		inner[i] = (uint8_t)(i * 7 + mark);
	if (size)
		inner[0] = mark;
	return host_frame(frame, 0, 9, inner, size);
}

static void
expect_back(uint32_t size)
{
	assert_int_equal(host_receive(&host, back, sizeof(back)), size);
	assert_int_equal(back[14 + 7], 8);
	assert_memory_equal(back + 22, frame + 22, size - 22);
}

/* Every buffer is in exactly one place, whatever the back end says. */
static void
check_buffers(void)
{
	uint32_t total = pair.pool_count, held = 0;
	unsigned seen[4 * HOST_RING] = {0};

	for (uint32_t i = 0; i < pair.pool_count; i++)
		seen[(pair.pool[i] - host.buffers) / VNF_BUFFER_SIZE]++;
	for (unsigned q = 0; q < 2; q++) {
		struct vnf_queue *queue = q ? &pair.tx : &pair.rx;

		for (unsigned i = 0; i < queue->size; i++) {
			if (!queue->slot[i].buffer)
				continue;
			held++;
			total++;
			seen[(queue->slot[i].buffer - host.buffers) / VNF_BUFFER_SIZE]++;
		}
		assert_int_equal(queue->free_count + held, queue->size);
		held = 0;
	}
	assert_int_equal(total, host.net.buffers_size / VNF_BUFFER_SIZE);
	for (uint32_t i = 0; i < total; i++)
		assert_int_equal(seen[i], 1);
}

static void
check_books(uint64_t rx, uint64_t tx, uint64_t consumed, uint64_t bad)
{
	assert_int_equal(vnf_env.status->rx_frames, rx);
	assert_int_equal(vnf_env.status->tx_frames, tx);
	assert_int_equal(vnf_env.status->consumed, consumed);
	assert_int_equal(vnf_env.status->bad_used, bad);
	check_buffers();
}

/* One honest frame goes through: whatever came before did no lasting harm. */
static void
expect_service(void)
{
	uint32_t size = make(200, 1);

	host_send(&host, frame, size);
	assert_int_equal(vnf_pair_poll(&pair, true), 1);
	expect_back(size);
}

static void
all_buffers_are_posted_at_start(void **state)
{
	(void)state;
	assert_int_equal(host_avail(&host, 0)->idx, HOST_RING);
	assert_int_equal(host_avail(&host, 0)->flags, VRING_AVAIL_NO_INTERRUPT);
	assert_int_equal(host_avail(&host, 1)->flags, VRING_AVAIL_NO_INTERRUPT);
	check_books(0, 0, 0, 0);
}

static void
a_frame_goes_back_in_the_buffer_it_came_in(void **state)
{
	uint32_t size = make(100, 1);
	uint64_t address;

	(void)state;
	address = host_desc(&host, 0)[host_avail(&host, 0)->ring[0]].addr;
	host_send(&host, frame, size);
	assert_int_equal(vnf_pair_poll(&pair, true), 1);
	assert_int_equal(host_desc(&host, 1)[host_avail(&host, 1)->ring[0]].addr, address);
	expect_back(size);
	assert_int_equal(host_avail(&host, 0)->idx, HOST_RING + 1);
	check_books(1, 1, 0, 0);
	assert_int_equal(vnf_pair_poll(&pair, true), 0);
}

static void
a_dropped_frame_is_consumed_and_its_buffer_kept(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 5 * HOST_RING; i++) {
		host_send(&host, frame, make(60, DROP_ME));
		assert_int_equal(vnf_pair_poll(&pair, true), 1);
	}
	assert_int_equal(host_receive(&host, back, sizeof(back)), 0);
	assert_int_equal(host_metric("drop.policy"), 5 * HOST_RING);
	check_books(5 * HOST_RING, 0, 5 * HOST_RING, 0);
}

static void
a_65535_byte_frame_is_a_chain_both_ways(void **state)
{
	uint32_t size = make(65535 - 38, 3);

	(void)state;
	for (unsigned i = 0; i < 10; i++) {
		host_send(&host, frame, size);
		assert_int_equal(vnf_pair_poll(&pair, true), 1);
		expect_back(size);
	}
	vnf_pair_poll(&pair, true);
	check_books(10, 10, 0, 0);
}

static void
sizes_round_a_buffer_edge_survive(void **state)
{
	(void)state;
	for (uint32_t inner = 2 * 2048 - 60; inner < 2 * 2048 + 20; inner++) {
		uint32_t size = make(inner, 2);

		host_send(&host, frame, size);
		assert_int_equal(vnf_pair_poll(&pair, true), 1);
		expect_back(size);
	}
}

static void
a_poll_takes_at_most_one_batch(void **state)
{
	uint32_t size = make(100, 1);

	(void)state;
	for (unsigned i = 0; i < VNF_BATCH + 3; i++)
		host_send(&host, frame, size);
	assert_int_equal(vnf_pair_poll(&pair, true), VNF_BATCH);
	assert_true(vnf_pair_ready(&pair));
	assert_int_equal(vnf_pair_poll(&pair, true), 3);
	assert_false(vnf_pair_ready(&pair));
}

static void
a_full_tx_ring_holds_frames_and_loses_none(void **state)
{
	uint32_t size = make(100, 1);
	unsigned sent = 0, came = 0;

	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		while (host_can_take(&host, 1)) {
			host_send(&host, frame, size);
			sent++;
		}
		vnf_pair_poll(&pair, true);
	}
	/* TX full, RX full: 64 frames in each, no buffer left over, and nothing to do but wait for TX. */
	assert_int_equal(sent, 2 * HOST_RING);
	check_books(HOST_RING, HOST_RING, 0, 0);
	assert_true(pair.blocked);
	assert_false(vnf_pair_ready(&pair));
	vnf_pair_interrupts(&pair, true);
	assert_int_equal(host_avail(&host, 1)->flags, 0);
	for (unsigned i = 0; i < 10; i++) {
		while (host_receive(&host, back, sizeof(back)) == size)
			came++;
		vnf_pair_poll(&pair, true);
	}
	assert_int_equal(came, sent);
	check_books(sent, sent, 0, 0);
}

static void
ring_indices_wrap(void **state)
{
	uint32_t size = make(60, 1);

	(void)state;
	for (unsigned i = 0; i < 70000; i++) {
		host_send(&host, frame, size);
		assert_int_equal(vnf_pair_poll(&pair, true), 1);
		assert_int_equal(host_receive(&host, back, sizeof(back)), size);
	}
	vnf_pair_poll(&pair, true);
	check_books(70000, 70000, 0, 0);
}

static void
few_buffers_still_serve(void **state)
{
	(void)state;
	host_net_fini(&host);
	start(HOST_RING, 6);
	assert_int_equal(host_avail(&host, 0)->idx, 3);
	for (unsigned i = 0; i < 100; i++)
		expect_service();
	vnf_pair_poll(&pair, true);
	check_books(100, 100, 0, 0);
}

static void
kicks_only_a_back_end_that_asks(void **state)
{
	(void)state;
	host_used(&host, 0)->flags = host_used(&host, 1)->flags = VRING_USED_NO_NOTIFY;
	expect_service();
	assert_int_equal(host_kicks[0] + host_kicks[1], 0);
	host_used(&host, 1)->flags = 0;
	expect_service();
	assert_int_equal(host_kicks[0], 0);
	assert_int_equal(host_kicks[1], 1);
	host_used(&host, 0)->flags = 0;
	expect_service();
	assert_int_equal(host_kicks[0], 1);
	assert_int_equal(host_kicks[1], 2);
	vnf_pair_poll(&pair, true);
	assert_int_equal(host_kicks[0] + host_kicks[1], 3);
}

static void
interrupts_are_asked_for_only_asleep(void **state)
{
	(void)state;
	vnf_pair_interrupts(&pair, true);
	assert_int_equal(host_avail(&host, 0)->flags, 0);
	assert_int_equal(host_avail(&host, 1)->flags, VRING_AVAIL_NO_INTERRUPT);
	assert_false(vnf_pair_ready(&pair));
	host_send(&host, frame, make(60, 1));
	assert_true(vnf_pair_ready(&pair));
	vnf_pair_interrupts(&pair, false);
	assert_int_equal(host_avail(&host, 0)->flags, VRING_AVAIL_NO_INTERRUPT);
}

static void
draining_serves_what_came_and_posts_nothing(void **state)
{
	uint32_t size = make(100, 1);

	(void)state;
	host_send(&host, frame, size);
	assert_false(vnf_pair_drained(&pair));
	assert_int_equal(vnf_pair_poll(&pair, false), 1);
	assert_int_equal(host_avail(&host, 0)->idx, HOST_RING);
	assert_false(vnf_pair_drained(&pair));
	expect_back(size);
	assert_int_equal(vnf_pair_poll(&pair, false), 0);
	assert_true(vnf_pair_drained(&pair));
	check_books(1, 1, 0, 0);
}

static void
a_back_end_that_comes_back_goes_on_from_used_idx(void **state)
{
	uint32_t size = make(100, 1);
	unsigned came = 0;

	(void)state;
	host_send(&host, frame, size);
	host_take_rx(&host); /* taken, never finished: the back end dies with it */
	vnf_pair_poll(&pair, true);
	vnf_pair_poll(&pair, true);
	/* What it knew is gone; the runner tells the next one used->idx as its base. */
	host.rx_avail = host.rx_used = host_used(&host, 0)->idx;
	host.tx_avail = host.tx_used = host_used(&host, 1)->idx;
	for (unsigned i = 0; i < 3 * HOST_RING; i++) {
		host_send(&host, frame, size);
		vnf_pair_poll(&pair, true);
		while (host_receive(&host, back, sizeof(back)))
			came++;
	}
	vnf_pair_poll(&pair, true);
	assert_int_equal(came, 3 * HOST_RING + 1);
	check_books(came, came, 0, 0);
}

static void
status_tells_where_the_rings_stand(void **state)
{
	(void)state;
	expect_service();
	vnf_pair_poll(&pair, true);
	expect_service();
	assert_int_equal(vnf_env.status->queue[0].last_used, 2);
	assert_int_equal(vnf_env.status->queue[0].last_avail, HOST_RING + 2);
	assert_int_equal(vnf_env.status->queue[1].last_used, 1);
	assert_int_equal(vnf_env.status->queue[1].last_avail, 2);
}

/* One lie of the back end in a used entry of the RX ring. */
struct lie {
	const char *what;
	uint32_t id_add;  /* added to the true id */
	uint32_t len;     /* of the used entry */
	uint16_t buffers; /* num_buffers */
	uint64_t bad;     /* expected in bad_used */
};

static void
lies_about_rx_are_counted_and_cost_nothing_else(void **state)
{
	static const struct lie lies[] = {
		{"id beyond the ring", HOST_RING, 100, 1, 1},
		{"id 2^31 away", 1u << 31, 100, 1, 1},
		{"len beyond the buffer", 0, VNF_BUFFER_SIZE + 1, 1, 1},
		{"len 2^32 - 1", 0, UINT32_MAX, 1, 1},
		{"len 0", 0, 0, 1, 1},
		{"len short of the header", 0, 11, 1, 1},
		{"num_buffers 0", 0, 100, 0, 1},
		{"num_buffers more than given", 0, 100, 2, 1},
		{"num_buffers more than the ring", 0, 100, HOST_RING + 1, 1},
		{"num_buffers 65535", 0, 100, 65535, 1},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		uint16_t id;

		host_net_fini(&host);
		start(HOST_RING, 2 * HOST_RING);
		expect_service();
		id = host_take_rx(&host);
		memcpy((uint8_t *)(uintptr_t)host_desc(&host, 0)[id].addr + VNET_HDR_NUM_BUFFERS,
			&lies[i].buffers, 2);
		host_put_used(&host, 0, id + lies[i].id_add, lies[i].len);
		host_show_used(&host, 0);
		if (vnf_pair_poll(&pair, true) != 0 || vnf_env.status->bad_used != lies[i].bad)
			fail_msg("%s: bad_used %lu", lies[i].what, vnf_env.status->bad_used);
		/* One that is never named again stays with the back end; all others come back. */
		assert_int_equal(pair.rx.free_count, 0);
		for (unsigned n = 0; n < 2 * HOST_RING; n++)
			expect_service();
		vnf_pair_poll(&pair, true);
		check_books(1 + 2 * HOST_RING, 1 + 2 * HOST_RING, 0, lies[i].bad);
	}
}

static void
an_rx_entry_named_twice_is_refused(void **state)
{
	uint16_t id;

	(void)state;
	host_send(&host, frame, make(100, 1));
	id = (uint16_t)host_used(&host, 0)->ring[0].id;
	host_put_used(&host, 0, id, 100);
	host_show_used(&host, 0);
	assert_int_equal(vnf_pair_poll(&pair, true), 1);
	check_books(1, 1, 0, 1);
}

static void
a_chain_with_one_bad_entry_is_dropped_whole(void **state)
{
	uint32_t size = make(5000, 1);

	(void)state;
	host_send(&host, frame, size);
	host_used(&host, 0)->ring[1].id = host_used(&host, 0)->ring[0].id;
	assert_int_equal(vnf_pair_poll(&pair, true), 0);
	check_books(0, 0, 0, 1);
	expect_service();
	host_send(&host, frame, make(5000, 1));
	host_used(&host, 0)->ring[6].len = 0;
	assert_int_equal(vnf_pair_poll(&pair, true), 0);
	check_books(1, 1, 0, 2);
	expect_service();
}

static void
a_used_index_that_jumps_is_refused(void **state)
{
	(void)state;
	expect_service();
	vnf_pair_poll(&pair, true);
	for (unsigned queue = 0; queue < 2; queue++) {
		uint16_t honest = host_used(&host, queue)->idx;

		host_used(&host, queue)->idx = (uint16_t)(honest + 30000);
		assert_int_equal(vnf_pair_poll(&pair, true), 0);
		assert_int_equal(vnf_env.status->bad_used, 2 * queue + 1);
		assert_int_equal(vnf_pair_poll(&pair, true), 0);
		assert_int_equal(vnf_env.status->bad_used, 2 * queue + 1);
		host_used(&host, queue)->idx = honest;
		assert_int_equal(vnf_pair_poll(&pair, true), 0);
		assert_int_equal(vnf_env.status->bad_used, 2 * queue + 2);
		expect_service();
		vnf_pair_poll(&pair, true);
	}
	check_buffers();
}

static void
lies_about_tx_are_counted(void **state)
{
	(void)state;
	expect_service();
	host_used(&host, 1)->ring[0].id = HOST_RING;
	vnf_pair_poll(&pair, true);
	assert_int_equal(vnf_env.status->bad_used, 1);
	assert_int_equal(pair.tx.free_count, HOST_RING - 1);
	host_send(&host, frame, make(5000, 1));
	vnf_pair_poll(&pair, true);
	/* A descriptor inside a chain is not the chain. */
	host_put_used(&host, 1, host_desc(&host, 1)[host_avail(&host, 1)->ring[1]].next, 0);
	host_show_used(&host, 1);
	vnf_pair_poll(&pair, true);
	assert_int_equal(vnf_env.status->bad_used, 2);
	assert_int_equal(pair.tx.free_count, HOST_RING - 4);
	check_buffers();
}

static void
any_noise_in_shared_memory_is_survived(void **state)
{
	uint64_t last = 0;

	(void)state;
	srandom(7);
	for (unsigned i = 0; i < 200000; i++) {
		unsigned queue = (unsigned)random() & 1;
		struct vring_used *used = host_used(&host, queue);
		unsigned at = (unsigned)random() % HOST_RING;

		switch (random() % 8) {
		case 0:
			used->idx = (uint16_t)random();
			break;
		case 1:
		case 2:
			used->idx = (uint16_t)(used->idx + random() % 3);
			break;
		case 3:
			used->ring[at].id = (uint32_t)random() % (HOST_RING + 8);
			used->ring[at].len = (uint32_t)random() % 2100;
			break;
		case 4:
			used->ring[at].len = (uint32_t)random();
			break;
		case 5:
			host.buffers[(unsigned)random() % host.net.buffers_size / 2048 * 2048 + 10] =
				(uint8_t)(random() % 4);
			break;
		case 6:
			host_desc(&host, queue)[at].addr = (uint64_t)random();
			host_desc(&host, queue)[at].next = (uint16_t)random();
			host_avail(&host, queue)->idx = (uint16_t)random();
			break;
		default:
			host.buffers[(unsigned)random() % host.net.buffers_size] = (uint8_t)random();
		}
		vnf_pair_poll(&pair, random() % 8 != 0);
		vnf_pair_ready(&pair);
		assert_true(vnf_env.status->rx_frames >= last);
		last = vnf_env.status->rx_frames;
		assert_int_equal(last, vnf_env.status->tx_frames + vnf_env.status->consumed);
		if (i % 64 == 0)
			check_buffers();
	}
	assert_true(vnf_env.status->bad_used > 1000);
}

static void
each_pair_has_its_own_buffers(void **state)
{
	struct vnf_pair other;

	(void)state;
	host_net_fini(&host);
	host_init();
	host_net_init(&host, 2, HOST_RING, 2 * HOST_RING);
	assert_null(vnf_pair_init(&pair, &host.net, 0));
	assert_null(vnf_pair_init(&other, &host.net, 1));
	for (uint32_t i = 0; i < pair.pool_count; i++) {
		assert_true(pair.pool[i] < host.buffers + host.net.buffers_size / 2);
		assert_true(other.pool[i] >= host.buffers + host.net.buffers_size / 2);
		assert_true(other.pool[i] <= host.buffers + host.net.buffers_size - VNF_BUFFER_SIZE);
	}
	assert_int_equal(other.rx.index, 2);
	assert_int_equal(other.tx.index, 3);
}

static void
rings_that_make_no_sense_are_refused(void **state)
{
	struct hv_net good = host.net, bad;

	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		bad = good;
		switch (i) {
		case 0:
			bad.queue[0].size = 0;
			break;
		case 1:
			bad.queue[1].size = 48;
			break;
		case 2:
			bad.queue[0].size = 65536;
			break;
		case 3:
			bad.queue[1].desc = 0;
			break;
		case 4:
			bad.queue[0].used += 2;
			break;
		case 5:
			bad.header_size = 10;
			break;
		case 6:
			bad.buffers_size = 3 * VNF_BUFFER_SIZE;
			break;
		default:
			bad.queue[0].avail += 1;
		}
		assert_non_null(vnf_pair_init(&pair, &bad, 0));
	}
	assert_null(vnf_pair_init(&pair, &good, 0));
}

static void
batches_are_stamped_where_asked(void **state)
{
	struct hv_boot boot = *vnf_env.boot;
	const struct hv_status *status = vnf_env.status;
	uint64_t before = vnf_tsc(), after;

	(void)state;
	host_send(&host, frame, make(100, 1));
	vnf_pair_poll(&pair, true);
	assert_int_equal(status->batches, 0);
	boot.flags = HV_BOOT_STAMPS;
	vnf_env.boot = &boot;
	for (uint32_t i = 0; i < 2 * HV_BATCHES; i++) {
		const struct hv_batch *batch = &status->batch[i % HV_BATCHES];

		vnf_pair_poll(&pair, true); /* nothing came: no batch */
		assert_int_equal(status->batches, i);
		host_send(&host, frame, make(100, 2));
		host_send(&host, frame, make(100, DROP_ME));
		vnf_pair_poll(&pair, true);
		after = vnf_tsc();
		assert_int_equal(status->batches, i + 1);
		assert_int_equal(batch->first, 1 + 2 * i);
		assert_true(batch->taken >= before && batch->taken + batch->spent <= after);
		before = batch->taken + batch->spent;
		while (host_receive(&host, back, sizeof(back)) > 0)
			;
	}
	assert_true(status->busy_tsc > 0);
}

#define RING_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RING_TEST(all_buffers_are_posted_at_start),
		RING_TEST(a_frame_goes_back_in_the_buffer_it_came_in),
		RING_TEST(a_dropped_frame_is_consumed_and_its_buffer_kept),
		RING_TEST(a_65535_byte_frame_is_a_chain_both_ways),
		RING_TEST(sizes_round_a_buffer_edge_survive),
		RING_TEST(a_poll_takes_at_most_one_batch),
		RING_TEST(a_full_tx_ring_holds_frames_and_loses_none),
		RING_TEST(ring_indices_wrap),
		RING_TEST(few_buffers_still_serve),
		RING_TEST(kicks_only_a_back_end_that_asks),
		RING_TEST(interrupts_are_asked_for_only_asleep),
		RING_TEST(draining_serves_what_came_and_posts_nothing),
		RING_TEST(a_back_end_that_comes_back_goes_on_from_used_idx),
		RING_TEST(status_tells_where_the_rings_stand),
		RING_TEST(batches_are_stamped_where_asked),
		RING_TEST(lies_about_rx_are_counted_and_cost_nothing_else),
		RING_TEST(an_rx_entry_named_twice_is_refused),
		RING_TEST(a_chain_with_one_bad_entry_is_dropped_whole),
		RING_TEST(a_used_index_that_jumps_is_refused),
		RING_TEST(lies_about_tx_are_counted),
		RING_TEST(any_noise_in_shared_memory_is_survived),
		RING_TEST(each_pair_has_its_own_buffers),
		RING_TEST(rings_that_make_no_sense_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
