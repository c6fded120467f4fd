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
 * port is up, and is dropped by name otherwise.
 *
 * @param force  keep nothing: the buffer must be empty afterwards.
 * @return       frames the port took.
 */
uint16_t sff_tx_flush(struct sff_lcore *lc, uint16_t port, bool force);

#endif
