/**
 * What the port backends share inside the room. Included by the sources here and their tests only.
 */
#ifndef PMD_PRIV_H
#define PMD_PRIV_H

#include "pmd.h"

#include <rte_log.h>

/* Largest frame a capture record or a VM may carry, bytes: the 16-bit length that everything above relies on.
 */
#define PMD_FRAME_MAX 65535u

extern int pmd_log;

#define PMD_LOG(level, ...) rte_log(RTE_LOG_##level, (uint32_t)pmd_log, "PMD: " __VA_ARGS__)

/* Set once by pmd_init. */
struct pmd_env {
	struct rte_mempool *pool;
	struct rte_rcu_qsbr *qsbr;
};

extern struct pmd_env pmd_env;

/**
 * Write one message into err and pass rc through, so that a failing call is one statement.
 *
 * @param rc  -errno.
 * @return    rc.
 */
int pmd_fail(int rc, char *err, int err_size, const char *format, ...) __attribute__((format(printf, 4, 5)));

/** Fill the common head. The name is cut to fit. */
void pmd_port_init(struct pmd_port *port, const struct pmd_ops *ops, const char *name, uint16_t queues);

/**
 * Copy bytes into a new mbuf, chained when they do not fit one buffer.
 *
 * @param size  1..PMD_FRAME_MAX bytes.
 * @return      NULL when the pool has not enough buffers. Thread: any.
 */
struct rte_mbuf *pmd_mbuf_copy(const void *bytes, uint32_t size);

#endif
