#include "sff_lcore.h"
#include "sff_mirror.h"
#include "sff_tx.h"

/* Into the transmit buffers; the loop gives them to the ports at the end of its pass. */
void
sff_port_tx(struct sff_lcore *lc, struct sff_burst *b)
{
	if (unlikely(lc->mirror != NULL))
		sff_mirror_mark(lc, b);
	for (uint16_t i = 0; i < b->n; i++) {
		struct sff_tx *tx = &lc->tx[b->meta[i].port];

		if (unlikely(tx->n == SFF_TX_BUFFER))
			sff_tx_flush(lc, b->meta[i].port, true);
		tx->pkt[tx->n++] = b->pkt[i];
	}
}
