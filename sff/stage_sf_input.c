#include "sff_lcore.h"
#include "sff_mbuf.h"
#include "sff_mirror.h"
#include "sff_nsh.h"

#include "eth.h"

/* The (SPI, SI) an SF sends must directly follow a position of its own function on that SPI: RFC 8300 2.3 has
 * it decrement SI by one. Otherwise a hostile SF could reach, or loop on, a path that is not its own. */
static bool
follows_own_position(struct sff_lcore *lc, const struct sff_port *port, uint32_t sp)
{
	const struct sfc_table *table = lc->plane->table;
	const struct sfp_entry *entry;
	int known_spi;

	if ((sp & 0xff) == NSH_SI_DEFAULT)
		return false;
	entry = sfp_lookup(table, sp + 1, &known_spi);
	if (entry == NULL || entry->kind != SFP_SF || table->group[entry->index].function != port->function)
		return false;
	lc->hop[entry - table->entry].out++;
	return true;
}

/*
 * RFC 7665, 4.8: an SF may be a classifier, too. Its function lists the paths it may move a frame to, and a
 * frame enters a path at its beginning. The SF kept the TTL; this visit by a new path costs one, so that
 * loops of branches end.
 */
static uint8_t
branch(struct sff_lcore *lc, const struct sff_port *port, uint32_t sp)
{
	const struct sfc_table *table = lc->plane->table;
	int known_spi;
	const struct sfp_entry *entry = sfp_lookup(table, sp, &known_spi);

	if (!known_spi || port->function == SFC_NONE)
		return SFF_NEXT_DROP(SFC_DROP_SF_INDEX);
	if (entry != NULL && table->path[entry->path].sp == sp &&
		sfc_group_may_branch(table, &table->group[port->function], entry->path)) {
		lc->steering.reclassified++;
		return SFF_STAGE_NSH_TTL;
	}
	/* On a path of its own, or one it may choose, only the index is wrong. */
	entry = sfp_lookup(table, sfp_first(table, sp), &known_spi);
	if (sfp_has_function(table, sp >> 8, port->function) ||
		sfc_group_may_branch(table, &table->group[port->function], entry->path))
		return SFF_NEXT_DROP(SFC_DROP_SF_INDEX);
	return SFF_NEXT_DROP(SFC_DROP_SF_RECLASSIFY);
}

static uint8_t
input(struct sff_lcore *lc, struct rte_mbuf *m, struct sff_meta *meta)
{
	uint16_t avail = sff_mbuf_contiguous(m, SFF_HEADERS_MAX);
	const struct eth_hdr *eth = rte_pktmbuf_mtod(m, const struct eth_hdr *);
	const struct sff_port *port = &lc->plane->port[meta->port];
	uint8_t edge;

	if (unlikely(avail < ETH_HDR_SIZE || eth->type != RTE_BE16(NSH_ETHERTYPE)))
		return SFF_NEXT_DROP(SFC_DROP_SF_FRAME);
	edge = sff_nsh_check(eth + 1, (uint16_t)(avail - ETH_HDR_SIZE), meta);
	if (unlikely(edge != SFF_STAGE_MAX))
		return edge;
	/* What an SF is given has a TTL of 1 at least, and SFs do not change it; the next SFF would make 63
	 * of 0. */
	if (unlikely(nsh_ttl((const struct nsh_hdr *)(eth + 1)) == 0))
		return SFF_NEXT_DROP(SFC_DROP_NSH_TTL);
	if (!follows_own_position(lc, port, meta->sp)) {
		edge = branch(lc, port, meta->sp);
		if (edge == SFF_STAGE_NSH_TTL)
			rte_pktmbuf_adj(m, ETH_HDR_SIZE);
		return edge;
	}
	rte_pktmbuf_adj(m, ETH_HDR_SIZE);
	meta->flags |= SFF_META_VISITED;
	return sff_nsh_payload_edge(meta, SFF_STAGE_SFP_LOOKUP);
}

/* A frame from a local SF: hostile until checked. No TTL decrement on its own path: TTL counts SFFs, not SFs.
 */
void
sff_sf_input(struct sff_lcore *lc, struct sff_burst *b)
{
	for (uint16_t i = 0; i < b->n; i++)
		b->next[i] = input(lc, b->pkt[i], &b->meta[i]);
	if (unlikely(lc->mirror != NULL))
		sff_mirror_back(lc, b);
}
