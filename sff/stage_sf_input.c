#include "sff_lcore.h"
#include "sff_mbuf.h"
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

static uint8_t
input(struct sff_lcore *lc, struct rte_mbuf *m, struct sff_meta *meta)
{
	uint16_t avail = sff_mbuf_contiguous(m, SFF_HEADERS_MAX);
	const struct eth_hdr *eth = rte_pktmbuf_mtod(m, const struct eth_hdr *);
	uint8_t edge;

	if (unlikely(avail < ETH_HDR_SIZE || eth->type != RTE_BE16(NSH_ETHERTYPE)))
		return SFF_NEXT_DROP(SFC_DROP_SF_FRAME);
	edge = sff_nsh_check(eth + 1, (uint16_t)(avail - ETH_HDR_SIZE), meta);
	if (unlikely(edge != SFF_STAGE_MAX))
		return edge;
	if (unlikely(!follows_own_position(lc, &lc->plane->port[meta->port], meta->sp)))
		return SFF_NEXT_DROP(SFC_DROP_SF_INDEX);
	rte_pktmbuf_adj(m, ETH_HDR_SIZE);
	meta->flags |= SFF_META_VISITED;
	return sff_nsh_payload_edge(meta, SFF_STAGE_SFP_LOOKUP);
}

/* A frame from a local SF: hostile until checked. No TTL decrement: TTL counts SFFs, not SFs. */
void
sff_sf_input(struct sff_lcore *lc, struct sff_burst *b)
{
	for (uint16_t i = 0; i < b->n; i++)
		b->next[i] = input(lc, b->pkt[i], &b->meta[i]);
}
