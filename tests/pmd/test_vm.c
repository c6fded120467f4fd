#include "vm_port.h"

#include <rte_launch.h>
#include <rte_lcore.h>

static void
frames_of_all_sizes_pass_both_ways_on_each_pair(void **state)
{
	static const uint32_t sizes[] = {14, 60, 1514, 2048, 9014, 65535};
	struct pmd_vm_queue_stats stats;

	(void)state;
	open_running_port(3);
	for (uint16_t q = 0; q < 3; q++) {
		for (size_t i = 0; i < RTE_DIM(sizes); i++)
			assert_echo(q, sizes[i]);
		pmd_vm_queue_stats(port, q, &stats);
		assert_int_equal(stats.enqueued, RTE_DIM(sizes));
		assert_int_equal(stats.dequeued, RTE_DIM(sizes));
	}
	close_port();
}

static void
full_ring_takes_the_first_frames_and_frees_them(void **state)
{
	struct rte_mbuf *pkts[32];

	(void)state;
	open_running_port(1);
	guest_post(&front.ring[RX], 20);
	for (int i = 0; i < 32; i++)
		pkts[i] = pmd_mbuf_copy(frame, 60);
	assert_int_equal(pmd_tx(port, 0, pkts, 32), 20);
	assert_int_equal(rte_mempool_avail_count(test_pool), POOL_SIZE - 12);
	assert_int_equal(pmd_tx(port, 0, pkts + 20, 12), 0);
	rte_pktmbuf_free_bulk(pkts + 20, 12);
	close_port();
}

static void
guest_that_sleeps_is_called_and_one_that_polls_is_not(void **state)
{
	struct rte_mbuf *m;
	uint64_t calls;

	(void)state;
	open_running_port(1);
	struct guest_ring *rx = &front.ring[RX];
	guest_post(rx, 2);
	guest_call_me(rx, false);
	m = pmd_mbuf_copy(frame, 60);
	assert_int_equal(pmd_tx(port, 0, &m, 1), 1);
	assert_int_equal(read(front.call[RX], &calls, sizeof(calls)), -1);
	guest_call_me(rx, true);
	m = pmd_mbuf_copy(frame, 60);
	assert_int_equal(pmd_tx(port, 0, &m, 1), 1);
	assert_int_equal(read(front.call[RX], &calls, sizeof(calls)), sizeof(calls));
	assert_int_equal(calls, 1);
	/* Nor is it asked to kick. */
	assert_false(guest_must_kick(&front.ring[TX]));
	assert_false(guest_must_kick(rx));
	close_port();
}

static void
only_plain_features_are_offered(void **state)
{
	uint64_t features, pairs;

	(void)state;
	open_port(3);
	assert_int_equal(front_ask(&front, FRONT_GET_FEATURES, &features), 0);
	assert_true(features == (1ull << 3 | 1ull << 15 | 1ull << 22 | 1ull << 30 | 1ull << 32 | 1ull << 34 |
					1ull << 35));
	assert_int_equal(front_ask(&front, FRONT_GET_QUEUE_NUM, &pairs), 0);
	assert_int_equal(pairs, 3);
	close_port();
}

static void
port_is_up_only_with_all_pairs(void **state)
{
	(void)state;
	open_port(2);
	assert_int_equal(front_memory(&front, 4, SIZE, BUFFER, FRONT_SEALS), 0);
	assert_int_equal(front_negotiate(&front, UINT64_MAX) | front_set_memory(&front), 0);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(front_set_ring(&front, i), 0);
	assert_int_equal(front_number(&front, FRONT_SET_STATUS, FRONT_STATUS_OK), 0);
	for (int i = 0; i < 50; i++)
		nap();
	assert_false(pmd_vm_up(port));
	assert_int_equal(front_set_ring(&front, 3), 0);
	assert_true(becomes(true));
	assert_echo(1, 60);

	/* A ring that is disabled is not served, and is again later. */
	struct rte_mbuf *m;
	assert_int_equal(front_state(&front, FRONT_SET_VRING_ENABLE, 3, 0), 0);
	assert_true(becomes(false));
	guest_send(&front.ring[3], frame, 60);
	assert_int_equal(pmd_rx(port, 1, &m, 1), 0);
	assert_int_equal(front_state(&front, FRONT_SET_VRING_ENABLE, 3, 1), 0);
	assert_true(becomes(true));
	assert_int_equal(pmd_rx(port, 1, &m, 1), 1);
	rte_pktmbuf_free(m);
	close_port();
}

static void
guest_may_stop_and_start_its_rings(void **state)
{
	uint64_t base;

	(void)state;
	open_running_port(1);
	for (int i = 0; i < 5; i++)
		assert_echo(0, 60);
	for (uint32_t i = 0; i < 2; i++) {
		assert_int_equal(front_state(&front, FRONT_GET_VRING_BASE, i, 0), 0);
		base = front_reply(&front);
		assert_int_equal(base >> 32,
			guest_base(&front.ring[i])); /* what we have taken, not what rte_vhost would have */
	}
	assert_false(pmd_vm_up(port));
	assert_int_equal(front_set_memory(&front), 0);
	assert_int_equal(front_set_ring(&front, 0) | front_set_ring(&front, 1), 0);
	assert_true(becomes(true));
	assert_echo(0, 61);
	close_port();
}

static void
runner_may_come_back_with_new_memory(void **state)
{
	struct pmd_vm_faults faults;

	(void)state;
	open_running_port(1);
	assert_echo(0, 60);
	for (int i = 0; i < 2; i++) {
		struct rte_mbuf *m = pmd_mbuf_copy(frame, 60);
		front_close(&front);
		assert_true(becomes(false));
		assert_int_equal(pmd_tx(port, 0, &m, 1), 0);
		rte_pktmbuf_free(m);
		unlink(path);
		assert_int_equal(front_listen(&front, path), 0);
		assert_int_equal(front_accept(&front, 3000), 0);
		assert_int_equal(front_memory(&front, 2, SIZE, BUFFER, FRONT_SEALS), 0);
		assert_int_equal(front_start(&front), 0);
		assert_true(becomes(true));
		assert_echo(0, 1514);
	}
	pmd_vm_faults(port, &faults);
	assert_int_equal(faults.refused, 0);
	close_port();
}

static void
back_end_goes_on_where_it_stopped(void **state)
{
	char err[256];

	(void)state;
	open_running_port(1);
	for (int i = 0; i < 10; i++)
		assert_echo(0, 60);
	/* The dataplane restarts; the runner keeps its memory. */
	port->ops->close(port);
	front_hang_up(&front);
	assert_int_equal(pmd_vm_open("vm", path, 1, &port, err, sizeof(err)), 0);
	assert_int_equal(front_accept(&front, 3000), 0);
	assert_int_equal(front_start(&front), 0);
	assert_true(becomes(true));
	assert_echo(0, 61);
	close_port();
}

static volatile bool worker_stops;
static uint64_t worker_frames;

/* A worker that sends back what it gets, as the dataplane does. */
static int
echo_worker(void *arg)
{
	struct rte_mbuf *pkts[32];

	(void)arg;
	rte_rcu_qsbr_thread_register(test_qsbr, 0);
	rte_rcu_qsbr_thread_online(test_qsbr, 0);
	while (!worker_stops) {
		uint16_t n = pmd_rx(port, 0, pkts, 32);
		uint16_t sent = n > 0 ? pmd_tx(port, 0, pkts, n) : 0;
		rte_pktmbuf_free_bulk(pkts + sent, (unsigned int)(n - sent));
		worker_frames += n;
		rte_rcu_qsbr_quiescent(test_qsbr, 0);
	}
	rte_rcu_qsbr_thread_offline(test_qsbr, 0);
	rte_rcu_qsbr_thread_unregister(test_qsbr, 0);
	return 0;
}

/* Descriptors that the back end does not hold. */
static int
free_descriptors(struct guest_ring *r)
{
	uint32_t len;

	if (!r->packed)
		return SIZE - (uint16_t)(r->avail->idx - r->used->idx);
	while (guest_used(r) > 0)
		guest_reap(r, &len);
	return SIZE - (uint16_t)(r->next_desc - r->last_used);
}

static void
runner_may_vanish_in_full_traffic(void **state)
{
	const unsigned int lcore = 1;

	(void)state;
	worker_stops = false;
	open_running_port(1);
	assert_int_equal(rte_eal_remote_launch(echo_worker, NULL, lcore), 0);
	for (int round = 0; round < 20; round++) {
		uint64_t before = worker_frames;
		guest_post(&front.ring[RX], SIZE);
		for (int i = 0; i < 2000 && worker_frames < before + 200; i++) {
			struct guest_ring *tx = &front.ring[TX], *rx = &front.ring[RX];
			if (free_descriptors(tx) > 0)
				guest_send(tx, frame, 60);
			else
				nap();
			while (guest_receive(rx, got) >= 0)
				guest_post(rx, 1);
		}
		assert_true(worker_frames > before);
		front_close(&front);
		unlink(path);
		assert_int_equal(front_listen(&front, path), 0);
		assert_int_equal(front_accept(&front, 3000), 0);
		assert_int_equal(front_memory(&front, 2, SIZE, BUFFER, FRONT_SEALS), 0);
		assert_int_equal(front_start(&front), 0);
		assert_true(becomes(true));
	}
	worker_stops = true;
	assert_int_equal(rte_eal_wait_lcore(lcore), 0);
	close_port();
}

static void
broken_ring_takes_the_port_down_and_nothing_else(void **state)
{
	struct pmd_vm_faults faults;
	struct rte_mbuf *m;

	(void)state;
	open_running_port(2);
	guest_send(&front.ring[TX], frame, 60);
	front.ring[TX].desc[0].addr = 1;
	assert_int_equal(pmd_rx(port, 0, &m, 1), 0);
	assert_false(pmd_vm_up(port));
	pmd_vm_faults(port, &faults);
	assert_int_equal(faults.broken, 1);
	assert_int_equal(pmd_rx(port, 0, &m, 1), 0);
	assert_echo(1, 60);
	close_port();
}

static void
wrong_settings_are_named(void **state)
{
	struct pmd_port *other;
	char err[256], longest[120];

	(void)state;
	assert_int_equal(pmd_vm_open("vm", path, 0, &other, err, sizeof(err)), -EINVAL);
	assert_int_equal(pmd_vm_open("vm", path, 17, &other, err, sizeof(err)), -EINVAL);
	assert_string_equal(err, "port 'vm': 17 queue pairs: 1 to 16");
	memset(longest, 'x', sizeof(longest));
	longest[108] = '\0';
	assert_int_equal(pmd_vm_open("vm", longest, 1, &other, err, sizeof(err)), -ENAMETOOLONG);
	open_port(1);
	assert_int_equal(pmd_vm_open("other", path, 1, &other, err, sizeof(err)), -EEXIST);
	assert_non_null(strstr(err, "port 'other': socket '"));
	close_port();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_of_all_sizes_pass_both_ways_on_each_pair),
		cmocka_unit_test(full_ring_takes_the_first_frames_and_frees_them),
		cmocka_unit_test(guest_that_sleeps_is_called_and_one_that_polls_is_not),
		cmocka_unit_test(only_plain_features_are_offered),
		cmocka_unit_test(port_is_up_only_with_all_pairs),
		cmocka_unit_test(guest_may_stop_and_start_its_rings),
		cmocka_unit_test(runner_may_come_back_with_new_memory),
		cmocka_unit_test(back_end_goes_on_where_it_stopped),
		cmocka_unit_test(runner_may_vanish_in_full_traffic),
		cmocka_unit_test(broken_ring_takes_the_port_down_and_nothing_else),
		cmocka_unit_test(wrong_settings_are_named),
	};

	return cmocka_run_group_tests_name("split", tests, setup, teardown) +
	       cmocka_run_group_tests_name("packed", tests, setup_packed, teardown);
}
