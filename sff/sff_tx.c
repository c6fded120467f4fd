#include "sff_tx.h"
#include "sff_mirror.h"
#include "sff_probe.h"
#include "sff_stamp.h"

#include <string.h>

/* The name under which a port that takes no more loses a frame. */
static enum sfc_drop
reason(const struct sff_port *port, const struct pmd_port *pmd)
{
	if (port->kind != SFF_PORT_SF)
		return SFC_DROP_TX_FULL;
	return pmd != NULL && pmd_vm_up(pmd) ? SFC_DROP_SF_RING_FULL : SFC_DROP_SF_DOWN;
}

static void
give_to_probe(struct sff_lcore *lc, uint16_t port_index, const struct pmd_port *pmd, struct sff_tx *tx)
{
	struct pmd_vm_queue_stats stats = {0};

	if (pmd != NULL)
		pmd_vm_queue_stats(pmd, lc->queue, &stats);
	sff_probe_give(lc->probe, port_index, tx->pkt, tx->n, stats.enqueued);
}

uint16_t
sff_tx_flush(struct sff_lcore *lc, uint16_t port_index, bool force)
{
	const struct sff_port *port = &lc->plane->port[port_index];
	struct sff_tx *tx = &lc->tx[port_index];
	struct pmd_port *pmd = sff_port_pmd(port);
	bool sf = port->kind == SFF_PORT_SF;
	uint16_t taken, left;

	if (tx->n == 0)
		return 0;
	if (sf && lc->stamps != NULL)
		sff_stamps_note(lc->stamps, port_index, tx->pkt, tx->n);
	if (!sf && lc->feed == SFF_FEED_LOCKSTEP)
		sff_stamps_sort(lc->stamps, tx->pkt, tx->n);
	if (unlikely(lc->mirror != NULL))
		sff_mirror_out(lc, port_index, tx->pkt, tx->n);
	if (unlikely(sf && lc->probe != NULL))
		give_to_probe(lc, port_index, pmd, tx);
	taken = likely(pmd != NULL) ? pmd_tx(pmd, lc->queue, tx->pkt, tx->n) : 0;
	if (unlikely(lc->mirror != NULL))
		sff_mirror_taken(lc, taken);
	if (sf && lc->stamps != NULL)
		sff_stamps_keep(lc->stamps, port_index, taken);
	if (unlikely(sf && lc->probe != NULL))
		sff_probe_given(lc->probe, port_index, taken);
	if (!sf)
		lc->sent += taken;
	left = (uint16_t)(tx->n - taken);
	if (left == 0) {
		tx->n = 0;
		return taken;
	}
	tx->full = true;
	if (!force && sf && lc->feed != SFF_FEED_LIVE && pmd != NULL && pmd_vm_up(pmd)) {
		memmove(tx->pkt, &tx->pkt[taken], left * sizeof(tx->pkt[0]));
		tx->n = left;
		return taken;
	}
	sff_drop(lc, &tx->pkt[taken], left, reason(port, pmd));
	tx->n = 0;
	return taken;
}
