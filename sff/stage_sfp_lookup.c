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

/*
 * The instance this flow met before, if it still can be met; else one by hash, which is remembered. A frame
 * that came over a transport stays here if it can (see sfc_group_choose), so for it a pin to another node
 * says nothing.
 */
static uint16_t
choose_pinned(struct sff_lcore *lc, const struct sfc_group *group, uint16_t g, uint32_t hash, bool transport)
{
	const struct sff_plane *plane = lc->plane;
	const struct sfc_table *table = plane->table;
	uint64_t key = sff_pin_key(plane->identities.function[g], hash);
	struct sff_pin *pin = sff_pin_find(lc->pins, key);
	uint16_t chosen;
	uint32_t id;

	if (pin != NULL && sff_pin_is_live(lc->pins, pin)) {
		uint16_t t = sff_identity_target(&plane->identities, g, pin->instance);

		if (t != SFC_NONE && plane->up[table->target[t].instance] != SFC_DOWN) {
			if (unlikely(transport && table->target[t].kind == SFC_TARGET_REMOTE))
				return sfc_group_choose(table, group, plane->up, hash, transport);
			sff_pin_touch(lc->pins, pin);
			return t;
		}
	}
	chosen = sfc_group_choose(table, group, plane->up, hash, transport);
	if (chosen == SFC_NONE || (transport && table->target[chosen].kind == SFC_TARGET_REMOTE))
		return chosen;
	id = plane->identities.instance[table->target[chosen].instance];
	if (unlikely(plane->identities.function[g] == 0 || id == 0))
		return chosen;
	if (pin == NULL) {
		sff_pin_add(lc->pins, key, id);
		return chosen;
	}
	if (sff_pin_is_live(lc->pins, pin) && pin->instance != id)
		lc->steering.repinned++;
	pin->instance = id;
	pin->used = lc->pins->now;
	return chosen;
}

static uint16_t
choose(struct sff_lcore *lc, struct rte_mbuf *m, struct sff_meta *meta, uint16_t g, bool transport)
{
	const struct sfc_table *table = lc->plane->table;
	const struct sfc_group *group = &table->group[g];

	if (lc->plane->pinned[g] && likely(lc->pins != NULL))
		return choose_pinned(lc, group, g, sff_flow_hash(lc, m, meta), transport);
	return sfc_group_choose(table, group, lc->plane->up,
		group->n_targets > 1 ? sff_flow_hash(lc, m, meta) : 0, transport);
}

/* Choose among the instances of an entry's function; SFF_STAGE_SFP_LOOKUP = none is up, and it is bypassed.
 */
static __rte_noinline uint8_t
choose_edge(struct sff_lcore *lc, struct rte_mbuf *m, struct sff_meta *meta, uint16_t g, bool transport)
{
	const struct sff_plane *plane = lc->plane;
	uint16_t chosen = choose(lc, m, meta, g, transport);
	const struct sfc_target *target;

	if (unlikely(chosen == SFC_NONE)) {
		if (plane->table->group[g].on_failure == SFC_ON_FAILURE_CLOSED)
			return SFF_NEXT_DROP(SFC_DROP_SF_DOWN);
		return SFF_STAGE_SFP_LOOKUP;
	}
	target = &plane->table->target[chosen];
	if (target->kind == SFC_TARGET_REMOTE) {
		meta->remote = target->index;
		return SFF_STAGE_REMOTE_OUTPUT;
	}
	meta->port = plane->port_of_instance[target->instance];
	return plane->port[meta->port].sf.proxied ? SFF_STAGE_PROXY_OUTPUT : SFF_STAGE_SF_OUTPUT;
}

/* Every case. */
static __rte_noinline uint8_t
lookup_any(struct sff_lcore *lc, struct rte_mbuf *m, struct sff_meta *meta)
{
	const struct sff_plane *plane = lc->plane;
	const struct sfc_table *table = plane->table;
	bool transport = meta->flags & SFF_META_TRANSPORT;

	/* More than once only where a function that is down is bypassed; the path's length bounds it. */
	for (;;) {
		const struct sfp_row *row = sfp_row(table, meta->sp);
		uint32_t offset = (uint32_t)row->initial_si - (meta->sp & 0xff);
		const struct sff_next *next;
		uint8_t edge;

		if (unlikely(offset >= row->count)) /* a higher SI wraps to a huge offset */
			return no_entry(meta->sp, row != table->row);
		next = &plane->next[row->base + offset];
		/* Fail closed (RFC 8300, 8): whoever could reach this link could have read or made it. */
		if (unlikely((next->flags & SFP_SECURE) && transport && !plane->port[meta->port].secure))
			return SFF_NEXT_DROP(SFC_DROP_INSECURE);
		meta->path = next->path;
		if (!(meta->flags & SFF_META_VISITED)) {
			meta->flags |= SFF_META_VISITED;
			lc->path[next->path].in++;
		}
		lc->hop[row->base + offset].in++;
		if (likely(plane->up[next->instance] == SFC_UP)) {
			if (next->stage == SFF_STAGE_REMOTE_OUTPUT)
				meta->remote = next->to;
			else
				meta->port = next->to;
			return next->stage;
		}
		edge = choose_edge(lc, m, meta, table->entry[row->base + offset].index, transport);
		if (likely(edge != SFF_STAGE_SFP_LOOKUP))
			return edge;
		/* Bypass: as if it had been served. A hop is never at SI 0, so this cannot wrap. */
		lc->steering.bypassed++;
		nsh_sp_set(rte_pktmbuf_mtod(m, struct nsh_hdr *), --meta->sp);
	}
}

/* RFC 7665, 4.3: the next hop depends on (SPI, SI) alone; the flow only chooses among equal instances. */
void
sff_sfp_lookup(struct sff_lcore *lc, struct sff_burst *b)
{
	const struct sfc_table *table = lc->plane->table;
	const struct sff_next *nexts = lc->plane->next;
	const uint8_t *up = lc->plane->up;
	struct sff_path_count *path = lc->path;
	struct sff_hop_count *hop = lc->hop;

	/* Mostly there is an entry, it is no choice, and nothing is amiss. */
	for (size_t i = 0, n = b->n; i < n; i++) {
		struct sff_meta *meta = &b->meta[i];
		const struct sfp_row *row = sfp_row(table, meta->sp);
		uint32_t offset = (uint32_t)row->initial_si - (meta->sp & 0xff);
		const struct sff_next *next = &nexts[row->base + offset];

		if (unlikely(offset >= row->count || (next->flags & SFP_SECURE) ||
			     up[next->instance] != SFC_UP)) {
			b->next[i] = lookup_any(lc, b->pkt[i], meta);
			continue;
		}
		meta->path = next->path;
		path[next->path].in += !(meta->flags & SFF_META_VISITED);
		meta->flags |= SFF_META_VISITED;
		hop[row->base + offset].in++;
		if (next->stage == SFF_STAGE_REMOTE_OUTPUT)
			meta->remote = next->to;
		else
			meta->port = next->to;
		b->next[i] = next->stage;
	}
}
