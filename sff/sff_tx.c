#include "sff_tx.h"
#include "sff_mbuf.h"
#include "sff_mirror.h"
#include "sff_nsh.h"
#include "sff_probe.h"
#include "sff_proxy.h"
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

/* Take a frame back that was made ready for an SF: NSH first, as it came to the look-up. False: it cannot be.
 */
static bool
take_back(struct sff_lcore *lc, const struct sff_port *port, struct rte_mbuf **pm, struct sff_meta *meta)
{
	const struct sfc_table *table = lc->plane->table;
	const struct sfp_entry *entry;
	int known_spi;

	if (port->sf.proxied) {
		if (!sff_proxy_take_back(lc, pm, meta))
			return false;
	} else {
		uint16_t avail = sff_mbuf_contiguous(*pm, SFF_HEADERS_MAX);

		if (avail < ETH_HDR_SIZE || sff_nsh_check(rte_pktmbuf_mtod_offset(*pm, void *, ETH_HDR_SIZE),
						    (uint16_t)(avail - ETH_HDR_SIZE), meta) != SFF_STAGE_MAX)
			return false;
		rte_pktmbuf_adj(*pm, ETH_HDR_SIZE);
	}
	/* It is about to be counted once more. */
	entry = sfp_lookup(table, meta->sp, &known_spi);
	if (entry == NULL)
		return false;
	lc->hop[entry - table->entry].in--;
	meta->flags |= SFF_META_VISITED;
	return true;
}

/* Frames for an instance that turned out to be down go where those go that come after them. */
static void
steer_anew(struct sff_lcore *lc, uint16_t port_index, struct rte_mbuf **pkt, uint16_t n)
{
	const struct sff_port *port = &lc->plane->port[port_index];
	struct sff_burst *b = &lc->burst[0];

	/* Control says the same in a moment, and says when it is up again. */
	if (port->instance != SFC_NONE)
		__atomic_store_n(&lc->plane->up[port->instance], SFC_DOWN, __ATOMIC_RELAXED);
	for (uint16_t at = 0; at < n;) {
		b->n = 0;
		for (; at < n && b->n < SFF_BURST; at++) {
			b->meta[b->n] = (struct sff_meta){.port = port_index};
			b->pkt[b->n] = pkt[at];
			if (take_back(lc, port, &b->pkt[b->n], &b->meta[b->n]))
				b->n++;
			else
				sff_drop(lc, &b->pkt[b->n], 1, SFC_DROP_SF_DOWN);
		}
		sff_run(lc, b, SFF_STAGE_SFP_LOOKUP);
	}
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
	tx->n = 0;
	if (!force && reason(port, pmd) == SFC_DROP_SF_DOWN) {
		struct rte_mbuf *pkt[SFF_TX_BUFFER];

		memcpy(pkt, &tx->pkt[taken], left * sizeof(pkt[0]));
		steer_anew(lc, port_index, pkt, left);
		return taken;
	}
	sff_drop(lc, &tx->pkt[taken], left, reason(port, pmd));
	return taken;
}
