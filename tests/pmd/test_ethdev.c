#include "test_pmd.h"

#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_ring.h>

static const uint8_t mac[6] = {0x02, 0, 0, 0, 0x0a, 0x01};
static uint8_t bytes[PMD_FRAME_MAX];
static char err[256];

/* Frames sent to the ring device come back on the same queue. */
static int
setup(void **state)
{
	static struct rte_ring *rings[2];

	(void)state;
	if (test_pmd_init() != 0)
		return -1;
	fill(bytes, sizeof(bytes), 3);
	rings[0] = rte_ring_create("loop0", 64, SOCKET_ID_ANY, 0);
	rings[1] = rte_ring_create("loop1", 64, SOCKET_ID_ANY, 0);
	return rte_eth_from_rings("test_loop", rings, 2, rings, 2, 0) < 0 ? -1 : 0;
}

static void
existing_device_is_taken_and_loops_frames_per_queue(void **state)
{
	struct pmd_port *port;
	struct rte_mbuf *got[8];
	struct pmd_stats stats;

	(void)state;
	for (int again = 0; again < 2; again++) { /* a taken device stays for the next one */
		assert_int_equal(
			pmd_ethdev_open("lan", "net_ring_test_loop", 2, NULL, true, &port, err, sizeof(err)),
			0);
		assert_string_equal(port->name, "lan");
		assert_int_equal(port->queues, 2);
		assert_int_equal(port->mtu, 1500 + 14 + 8);
		for (uint16_t q = 0; q < 2; q++) {
			struct rte_mbuf *m = pmd_mbuf_copy(bytes + q, 1514);
			assert_int_equal(pmd_tx(port, q, &m, 1), 1);
		}
		for (uint16_t q = 0; q < 2; q++) {
			assert_int_equal(pmd_rx(port, q, got, 8), 1);
			assert_frame(got[0], bytes + q, 1514);
			rte_pktmbuf_free(got[0]);
		}
		port->ops->stats(port, &stats);
		assert_int_equal(stats.tx_errors + stats.rx_missed + stats.rx_capture_size, 0);
		assert_int_equal(port->ops->flush(port), 0);
		port->ops->close(port);
	}
	assert_no_mbuf_lost();
}

static void
more_workers_than_queues_are_refused(void **state)
{
	struct pmd_port *port;

	(void)state;
	assert_int_equal(
		pmd_ethdev_open("lan", "net_ring_test_loop", 3, NULL, true, &port, err, sizeof(err)), -E2BIG);
	assert_string_equal(err, "port 'lan': device has 2 queues, 3 workers wanted");
}

static void
device_serves_one_port(void **state)
{
	struct pmd_port *port, *other;

	(void)state;
	assert_int_equal(
		pmd_ethdev_open("lan", "net_ring_test_loop", 1, NULL, true, &port, err, sizeof(err)), 0);
	assert_int_equal(
		pmd_ethdev_open("wan", "net_ring_test_loop", 1, NULL, true, &other, err, sizeof(err)),
		-EBUSY);
	assert_string_equal(err, "port 'wan': device 'net_ring_test_loop' belongs to another port");
	port->ops->close(port);
}

static void
unknown_device_is_named(void **state)
{
	struct pmd_port *port;

	(void)state;
	assert_true(pmd_ethdev_open("lan", "net_nothing0", 1, NULL, true, &port, err, sizeof(err)) < 0);
	assert_non_null(strstr(err, "port 'lan': device 'net_nothing0' cannot be opened: "));
	assert_int_equal(pmd_ethdev_open("lan", ",x=1", 1, NULL, true, &port, err, sizeof(err)), -EINVAL);
}

static void
virtual_device_is_created_and_removed(void **state)
{
	struct pmd_port *port;
	struct rte_mbuf *pkts[8];
	uint16_t id;

	(void)state;
	for (int again = 0; again < 2; again++) {
		assert_int_equal(
			pmd_ethdev_open("gen", "net_null7,size=64", 1, mac, true, &port, err, sizeof(err)),
			0);
		assert_memory_equal(port->mac, mac, 6);
		assert_int_equal(rte_eth_dev_get_port_by_name("net_null7", &id), 0);
		assert_int_equal(pmd_rx(port, 0, pkts, 8), 8);
		assert_int_equal(pkts[0]->pkt_len, 64);
		assert_int_equal(pmd_tx(port, 0, pkts, 8), 8);
		port->ops->close(port);
		assert_int_not_equal(rte_eth_dev_get_port_by_name("net_null7", &id), 0);
	}
	assert_no_mbuf_lost();
}

static void
full_device_takes_the_first_ones(void **state)
{
	struct pmd_port *port;
	struct rte_mbuf *pkts[70];

	(void)state;
	assert_int_equal(
		pmd_ethdev_open("lan", "net_ring_test_loop", 1, NULL, true, &port, err, sizeof(err)), 0);
	for (int i = 0; i < 70; i++)
		pkts[i] = pmd_mbuf_copy(bytes, 60);
	uint16_t taken = pmd_tx(port, 0, pkts, 70);
	assert_int_equal(taken, 63); /* a ring of 64 holds one less */
	rte_pktmbuf_free_bulk(pkts + taken, 70u - taken);
	assert_int_equal(pmd_rx(port, 0, pkts, 70), taken);
	rte_pktmbuf_free_bulk(pkts, taken);
	port->ops->close(port);
	assert_no_mbuf_lost();
}

static void
set_types(struct rte_mbuf *m, const uint16_t *types)
{
	rte_be16_t *at = rte_pktmbuf_mtod_offset(m, rte_be16_t *, 12);

	for (; *types != 0; types++, at += 2)
		*at = rte_cpu_to_be_16(*types);
}

static void
longest_frame_grows_with_its_vlan_tags(void **state)
{
	static const struct {
		uint32_t size;
		uint16_t types[4];
		bool sent;
	} rows[] = {
		{1514, {0x0800}, true},
		{1515, {0x0800}, false},
		{1518, {0x8100, 0x0800}, true},
		{1519, {0x8100, 0x0800}, false},
		{1522, {0x88a8, 0x8100, 0x0800}, true},
		{1523, {0x88a8, 0x8100, 0x0800}, false},
		{1523, {0x8100, 0x8100, 0x8100}, false},
		{9000, {0x0800}, false},
	};
	struct rte_mbuf *pkts[RTE_DIM(rows) + 1];
	struct pmd_port *port;
	struct pmd_stats stats;
	unsigned int sent = 0;

	(void)state;
	assert_int_equal(
		pmd_ethdev_open("lan", "net_ring_test_loop", 1, NULL, true, &port, err, sizeof(err)), 0);
	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		pkts[i] = pmd_mbuf_copy(bytes, rows[i].size);
		set_types(pkts[i], rows[i].types);
	}
	pkts[RTE_DIM(rows)] = pmd_mbuf_copy(bytes, 60);
	assert_int_equal(pmd_tx(port, 0, pkts, RTE_DIM(pkts)), RTE_DIM(pkts));
	uint16_t n = pmd_rx(port, 0, pkts, RTE_DIM(pkts));
	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		if (rows[i].sent)
			assert_int_equal(pkts[sent++]->pkt_len, rows[i].size);
	}
	assert_int_equal(n, sent + 1);
	assert_int_equal(pkts[sent]->pkt_len, 60);
	port->ops->stats(port, &stats);
	assert_int_equal(stats.tx_errors, RTE_DIM(rows) - sent);
	rte_pktmbuf_free_bulk(pkts, n);
	port->ops->close(port);
	assert_no_mbuf_lost();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(existing_device_is_taken_and_loops_frames_per_queue),
		cmocka_unit_test(more_workers_than_queues_are_refused),
		cmocka_unit_test(device_serves_one_port),
		cmocka_unit_test(unknown_device_is_named),
		cmocka_unit_test(virtual_device_is_created_and_removed),
		cmocka_unit_test(full_device_takes_the_first_ones),
		cmocka_unit_test(longest_frame_grows_with_its_vlan_tags),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
