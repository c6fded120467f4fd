#include "sff_lcore.h"
#include "sff_mirror.h"
#include "sff_tx.h"

#include <string.h>

/* Into the transmit buffers; the loop gives them to the ports at the end of its pass. */
void
sff_port_tx(struct sff_lcore *lc, struct sff_burst *b)
{
	if (unlikely(lc->mirror != NULL))
		sff_mirror_mark(lc, b);
	for (uint16_t i = 0, run; i < b->n; i += run) {
		uint16_t port = b->meta[i].port, most;
		struct sff_tx *tx = &lc->tx[port];

		if (unlikely(tx->n == SFF_TX_BUFFER))
			sff_tx_flush(lc, port, true);
		/* Neighbours in a burst mostly leave through one port. */
		most = RTE_MIN((uint16_t)(b->n - i), (uint16_t)(SFF_TX_BUFFER - tx->n));
		for (run = 1; run < most && b->meta[i + run].port == port; run++)
			;
		memcpy(&tx->pkt[tx->n], &b->pkt[i], run * sizeof(tx->pkt[0]));
		tx->n += run;
	}
}
