#include "sff_flow.h"
#include "sff_lcore.h"

/* RFC 8300, 3: no valid next hop is a drop, never a fall-back to forwarding what is inside. */
static uint8_t
no_entry(uint32_t sp, int known_spi)
{
	if (!known_spi)
		return SFF_NEXT_DROP(SFC_DROP_NO_PATH);
	return SFF_NEXT_DROP((sp & 0xff) == 0 ? SFC_DROP_SI_ZERO : SFC_DROP_NO_HOP);
}

static uint8_t
lookup(struct sff_lcore *lc, struct rte_mbuf *m, struct sff_meta *meta)
{
	const struct sff_plane *plane = lc->plane;
	const struct sfc_table *table = plane->table;
	bool transport = meta->flags & SFF_META_TRANSPORT;

	/* More than once only where a function that is down is bypassed; the path's length bounds it. */
	for (;;) {
		int known_spi;
		const struct sfp_entry *entry = sfp_lookup(table, meta->sp, &known_spi);
		const struct sfc_group *group;
		uint16_t chosen;

		if (unlikely(entry == NULL))
			return no_entry(meta->sp, known_spi);
		/* Fail closed (RFC 8300, 8): whoever could reach this link could have read or made it. */
		if (unlikely(transport && (entry->flags & SFP_SECURE) && !plane->port[meta->port].secure))
			return SFF_NEXT_DROP(SFC_DROP_INSECURE);
		meta->path = entry->path;
		if (!(meta->flags & SFF_META_VISITED)) {
			meta->flags |= SFF_META_VISITED;
			lc->path[entry->path].in++;
		}
		lc->hop[entry - table->entry].in++;
		switch (entry->kind) {
		case SFP_TERMINAL:
			meta->port = entry->index;
			return SFF_STAGE_TERMINAL;
		case SFP_REMOTE:
			meta->remote = entry->index;
			return SFF_STAGE_REMOTE_OUTPUT;
		}

		group = &table->group[entry->index];
		chosen = sfc_group_choose(table, group, plane->up,
			group->n_targets > 1 ? sff_flow_hash(lc, m, meta) : 0, transport);
		if (likely(chosen != SFC_NONE)) {
			const struct sfc_target *target = &table->target[chosen];

			if (target->kind == SFC_TARGET_REMOTE) {
				meta->remote = target->index;
				return SFF_STAGE_REMOTE_OUTPUT;
			}
			meta->port = plane->port_of_instance[target->instance];
			return SFF_STAGE_SF_OUTPUT;
		}
		if (group->on_failure == SFC_ON_FAILURE_CLOSED)
			return SFF_NEXT_DROP(SFC_DROP_SF_DOWN);
		/* Bypass: as if it had been served. A hop is never at SI 0, so this cannot wrap. */
		nsh_sp_set(rte_pktmbuf_mtod(m, struct nsh_hdr *), --meta->sp);
	}
}

/* RFC 7665, 4.3: the next hop depends on (SPI, SI) alone; the flow only chooses among equal instances. */
void
sff_sfp_lookup(struct sff_lcore *lc, struct sff_burst *b)
{
	for (uint16_t i = 0; i < b->n; i++)
		b->next[i] = lookup(lc, b->pkt[i], &b->meta[i]);
}
