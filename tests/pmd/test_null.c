#include "test_pmd.h"

static int
setup(void **state)
{
	(void)state;
	return test_pmd_init();
}

static void
frames_sent_are_taken_and_freed_and_none_arrives(void **state)
{
	struct rte_mbuf *pkts[32];
	struct pmd_port *port;
	struct pmd_stats stats;
	char err[128];

	(void)state;
	assert_int_equal(pmd_null_open("nowhere", &port, err, sizeof(err)), 0);
	assert_string_equal(port->name, "nowhere");
	assert_int_equal(rte_pktmbuf_alloc_bulk(test_pool, pkts, 32), 0);
	assert_int_equal(pmd_tx(port, 3, pkts, 32), 32);
	assert_no_mbuf_lost();
	assert_int_equal(pmd_rx(port, 3, pkts, 32), 0);
	port->ops->stats(port, &stats);
	assert_int_equal(stats.tx_errors + stats.rx_missed + stats.rx_capture_size, 0);
	assert_int_equal(port->ops->flush(port), 0);
	port->ops->close(port);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_sent_are_taken_and_freed_and_none_arrives),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
