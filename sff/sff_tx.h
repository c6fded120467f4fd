/**
 * Transmit buffers: what a worker holds for a port until the end of its pass.
 *
 * Included by stage_port_tx.c and sff_lcore.c.
 */
#ifndef SFF_TX_H
#define SFF_TX_H

#include "sff_lcore.h"

/**
 * Give a buffer to its port. What the port does not take stays for the next pass in a lossless feed while the
 * port is up. What an SF does not take that is down is looked up once more: it goes to another instance, or
 * on as the function's on-failure says. All else is dropped by name.
 *
 * @param force  keep nothing, and run no stage: the buffer must be empty afterwards. Without it the caller is
 *               no stage.
 * @return       frames the port took.
 */
uint16_t sff_tx_flush(struct sff_lcore *lc, uint16_t port, bool force);

#endif
