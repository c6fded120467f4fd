#include "pmd_pool.h"
#include "pmd_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint16_t
null_rx(struct pmd_port *port, uint16_t queue, struct rte_mbuf **pkts, uint16_t n)
{
	(void)port;
	(void)queue;
	(void)pkts;
	(void)n;
	return 0;
}

static uint16_t
null_tx(struct pmd_port *port, uint16_t queue, struct rte_mbuf **pkts, uint16_t n)
{
	(void)port;
	(void)queue;
	pmd_pool_return(pkts, n);
	return n;
}

static int
null_flush(struct pmd_port *port)
{
	(void)port;
	return 0;
}

static void
null_stats(const struct pmd_port *port, struct pmd_stats *stats)
{
	(void)port;
	memset(stats, 0, sizeof(*stats));
}

static void
null_close(struct pmd_port *port)
{
	free(port);
}

static const struct pmd_ops null_ops = {
	.name = "null",
	.rx = null_rx,
	.tx = null_tx,
	.flush = null_flush,
	.stats = null_stats,
	.close = null_close,
};

int
pmd_null_open(const char *name, struct pmd_port **out, char *err, int err_size)
{
	struct pmd_port *port = calloc(1, sizeof(*port));
	if (port == NULL)
		return pmd_fail(-ENOMEM, err, err_size, "port '%s': no memory", name);
	/* It keeps no state of a queue, so any number of lcores may use it. */
	pmd_port_init(port, &null_ops, name, RTE_MAX_LCORE);
	*out = port;
	return 0;
}
