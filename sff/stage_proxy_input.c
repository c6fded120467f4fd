#include "sff_ip.h"
#include "sff_lcore.h"
#include "sff_mbuf.h"
#include "sff_mirror.h"
#include "sff_proxy.h"
#include "sff_proxy_key.h"

#include "arp.h"
#include "nd.h"

#include <netinet/in.h>

/* What is found out about a frame that came back. */
struct returned {
	uint32_t sp; /* position it comes back from */
	bool known;  /* saved is its header; else one is made anew */
	struct sff_proxy_saved saved;
	uint8_t header[NSH_MAX_SIZE];
	uint16_t size;
};

/*
 * ARP, or what an SF of its own says to find a neighbour or router: never part of a path. All frames of an
 * attached SF have its source address; what it speaks of tells its own from those of others.
 */
static bool
is_local(const uint8_t *frame, const struct eth_info *eth, uint16_t avail, const struct sff_port *port)
{
	const uint8_t *packet = frame + eth->size;
	uint16_t left = (uint16_t)(avail - eth->size);
	struct arp_info arp;
	struct nd_info nd;

	if (memcmp(frame + ETH_MAC_SIZE, port->sf_mac, ETH_MAC_SIZE) != 0)
		return false;
	if (eth->type == ETH_ARP)
		return !port->sf.attached || (arp_parse(packet, left, &arp) &&
						     memcmp(arp.sender_mac, port->sf_mac, ETH_MAC_SIZE) == 0);
	/* Router solicitation to redirect, right behind IPv6: RFC 4861, 4; RFC 6980. */
	if (eth->type != ETH_IPV6 || left <= NSH_IPV6_SIZE || packet[6] != IPPROTO_ICMPV6 ||
		packet[NSH_IPV6_SIZE] < 133 || packet[NSH_IPV6_SIZE] > 137)
		return false;
	return !port->sf.attached || (nd_parse(packet, left, left, &nd) == ND_OK && nd.has_mac &&
					     memcmp(nd.mac, port->sf_mac, ETH_MAC_SIZE) == 0);
}

/* Where this function stands on a path, 0 = nowhere. */
static uint32_t
position_on(const struct sfc_table *table, uint16_t path, uint16_t function)
{
	uint32_t first = table->path[path].sp;
	int known_spi;
	const struct sfp_entry *entry = sfp_lookup(table, first, &known_spi);

	/* Entries of a path stand in a row and end with one that is no SF. */
	for (uint32_t i = 0; entry != NULL && entry[i].kind == SFP_SF; i++)
		if (entry[i].index == function)
			return first - i;
	return 0;
}

/* Policy `template` for a frame of no known flow: the reverse path when the flow is known in the other
 * direction (an SF's own reset or ICMP error), else the only position there is. 0 = drop. */
static uint32_t
guess(struct sff_lcore *lc, const struct sff_port *port, const struct sff_proxy_keys *keys, uint32_t now)
{
	const struct sfc_table *table = lc->plane->table;
	const struct sfc_group *group = &table->group[port->function];
	struct sff_proxy *proxy = lc->proxy[port->function];
	struct sff_proxy_saved other;
	struct cls_key turned;

	if (!port->sf.miss_template)
		return 0;
	if (keys != NULL) {
		sff_proxy_key_turn(&keys->flow, &turned);
		if (sff_proxy_find(proxy, &turned, now, &other)) {
			int known_spi;
			const struct sfp_entry *entry =
				sfp_lookup(table, nsh_sp((const struct nsh_hdr *)other.nsh), &known_spi);
			int reverse = entry == NULL ? -1 : lc->plane->config->path[entry->path].reverse;

			if (reverse >= 0)
				return position_on(table, (uint16_t)reverse, port->function);
		}
	}
	return group->n_positions == 1 ? table->position[group->first_position] : 0;
}

/* The position that the frame itself tells, in the way of the style; 0 = none. Takes the tag off. */
static uint32_t
told_position(const struct sff_lcore *lc, const struct sff_port *port, struct rte_mbuf *m,
	const struct eth_info *eth)
{
	const struct sfc_table *table = lc->plane->table;
	const struct sfc_group *group = &table->group[port->function];
	uint8_t *frame = rte_pktmbuf_mtod(m, uint8_t *);
	uint16_t vid;

	switch (port->sf.style) {
	case SFC_PROXY_MAC:
		return sff_proxy_mac_sp(frame + ETH_MAC_SIZE);
	case SFC_PROXY_VLAN:
		vid = eth->tags > 0 ? eth->tci[0] & ETH_VID_MASK : 0;
		if (vid == 0 || vid > group->n_positions)
			return 0;
		memmove(frame + ETH_TAG_SIZE, frame, 2 * ETH_MAC_SIZE);
		rte_pktmbuf_adj(m, ETH_TAG_SIZE);
		return table->position[group->first_position + vid - 1];
	default:
		return 0;
	}
}

/* Find what belongs to a frame. False = a miss. */
static bool
find(struct sff_lcore *lc, const struct sff_port *port, struct rte_mbuf *m, const struct eth_info *eth,
	uint32_t now, struct returned *r)
{
	const struct sfc_group *group = &lc->plane->table->group[port->function];
	struct sff_proxy *proxy = lc->proxy[port->function];
	uint32_t told = told_position(lc, port, m, eth);
	const uint8_t *frame = rte_pktmbuf_mtod(m, uint8_t *);
	struct sff_proxy_keys keys;

	r->known = false;
	if (port->sf.style == SFC_PROXY_STATIC) {
		r->sp = group->n_positions > 0 ? lc->plane->table->position[group->first_position] : 0;
		return r->sp != 0;
	}
	if (port->sf.style != SFC_PROXY_FLOW && told == 0) {
		sff_proxy_count(proxy)->missed++;
		r->sp = guess(lc, port, NULL, now);
		return r->sp != 0;
	}
	sff_proxy_keys(frame, m->data_len, port->sf.attached ? NULL : frame, port->sf.circuit, told, &keys);
	r->known = keys.has_flow ? sff_proxy_find(proxy, &keys.flow, now, &r->saved)
	                         : sff_proxy_find(proxy, &keys.fragment, now, &r->saved);
	if (r->known) {
		r->sp = nsh_sp((const struct nsh_hdr *)r->saved.nsh);
		sff_proxy_count(proxy)->restored++;
		/* An SF that cuts a packet up sends its first part first: the rest goes the same way. */
		if (unlikely(keys.has_flow && keys.has_fragment)) {
			struct sff_proxy_saved parts;

			memcpy(r->header, r->saved.nsh, r->saved.size);
			if (!sff_proxy_find(proxy, &keys.fragment, now, &parts))
				sff_proxy_save(
					proxy, &keys.fragment, now, r->header, r->saved.size, r->saved.macs);
			r->saved.nsh = r->header;
		}
		return true;
	}
	sff_proxy_count(proxy)->missed++;
	r->sp = told != 0 ? told : guess(lc, port, keys.has_flow ? &keys : NULL, now);
	return r->sp != 0;
}

/* The header as it was, or one made anew from what the path says: then metadata and TTL are lost. */
static void
make_header(
	struct sff_lcore *lc, const struct sff_port *port, const struct sfp_entry *entry, struct returned *r)
{
	const struct sfc_table_path *path = &lc->plane->table->path[entry->path];
	struct sff_proxy *proxy = lc->proxy[port->function];
	uint8_t np = NSH_NP_ETHERNET;

	if (r->known) {
		if (r->saved.nsh != r->header)
			memcpy(r->header, r->saved.nsh, r->saved.size);
		r->size = r->saved.size;
		return;
	}
	/* IPv4 stands for both: what came back decides. */
	if (lc->plane->config->path[entry->path].payload_ip)
		np = NSH_NP_IPV4;
	if (path->md_type == NSH_MD1)
		r->size = (uint16_t)nsh_build_md1(r->header, r->sp, path->ttl, np, NULL);
	else
		r->size = (uint16_t)nsh_build_md2(r->header, r->sp, path->ttl, np, NULL, 0);
	if (proxy != NULL)
		sff_proxy_count(proxy)->templated++;
}

/* Give addresses back that the SF did not see. */
static void
restore_addresses(const struct sff_sf *sf, uint8_t *frame, const struct returned *r)
{
	if (r->known && sf->attached)
		memcpy(frame, r->saved.macs, 2 * ETH_MAC_SIZE);
	else if (r->known && sf->style == SFC_PROXY_MAC)
		memcpy(frame + ETH_MAC_SIZE, r->saved.macs + ETH_MAC_SIZE, ETH_MAC_SIZE);
	else if (sf->style == SFC_PROXY_MAC)
		memcpy(frame + ETH_MAC_SIZE, sff_sf_side_mac, ETH_MAC_SIZE);
}

/* @param served  it comes from the SF; else it was only made ready for it, and is what it was before. */
static inline uint8_t
input(struct sff_lcore *lc, struct rte_mbuf **pm, struct sff_meta *meta, uint32_t now, bool served)
{
	const struct sff_port *port = &lc->plane->port[meta->port];
	const struct sfc_table *table = lc->plane->table;
	uint16_t avail = sff_mbuf_contiguous(*pm, SFF_HEADERS_MAX);
	const struct sfp_entry *entry;
	struct eth_info eth;
	struct returned r;
	struct nsh_hdr *nsh;
	uint8_t np = NSH_NP_ETHERNET;
	int known_spi;

	if (unlikely(!eth_parse(rte_pktmbuf_mtod(*pm, void *), avail, &eth)))
		return SFF_NEXT_DROP(SFC_DROP_SF_FRAME);
	if (unlikely(eth.type == NSH_ETHERTYPE))
		return SFF_NEXT_DROP(SFC_DROP_NSH_PORT);
	if (served && unlikely(is_local(rte_pktmbuf_mtod(*pm, uint8_t *), &eth, avail, port)))
		return SFF_STAGE_PROXY_NEIGHBOR;
	/* What was made ready is kept; what is not is an answer of ours to an SF that asked for a neighbour.
	 */
	if (unlikely(!find(lc, port, *pm, &eth, now, &r) || (!served && !r.known)))
		return SFF_NEXT_DROP(SFC_DROP_PROXY_MISS);
	/* As for an SF that writes NSH itself: only from a position of its own. */
	entry = sfp_lookup(table, r.sp, &known_spi);
	if (unlikely(entry == NULL || entry->kind != SFP_SF || entry->index != port->function))
		return SFF_NEXT_DROP(SFC_DROP_SF_INDEX);
	make_header(lc, port, entry, &r);
	nsh = (struct nsh_hdr *)r.header;
	if (nsh_np(nsh) == NSH_NP_ETHERNET) {
		restore_addresses(&port->sf, rte_pktmbuf_mtod(*pm, uint8_t *), &r);
	} else {
		np = sff_ip_strip(*pm, eth.size, eth.type);
		if (unlikely(np == NSH_NP_NONE))
			return SFF_NEXT_DROP(SFC_DROP_SF_FRAME);
	}
	nsh_np_set(nsh, np);
	/* No function stands at SI 0. */
	r.sp -= served;
	nsh_sp_set(nsh, r.sp);
	nsh = sff_mbuf_push(pm, r.size);
	if (unlikely(nsh == NULL))
		return SFF_NEXT_DROP(SFC_DROP_NO_HEADROOM);
	memcpy(nsh, r.header, r.size);
	lc->hop[entry - table->entry].out += served;
	meta->sp = r.sp;
	meta->nsh_size = (uint8_t)r.size;
	meta->np = np;
	meta->flags |= SFF_META_VISITED;
	return SFF_STAGE_SFP_LOOKUP;
}

bool
sff_proxy_take_back(struct sff_lcore *lc, struct rte_mbuf **pm, struct sff_meta *meta)
{
	return input(lc, pm, meta, sff_proxy_now(), false) == SFF_STAGE_SFP_LOOKUP;
}

/* RFC 8300, 3; RFC 7665, 4.6: a frame comes back without NSH and gets the right one again, with SI - 1. */
void
sff_proxy_input(struct sff_lcore *lc, struct sff_burst *b)
{
	uint32_t now = sff_proxy_now();

	for (uint16_t i = 0; i < b->n; i++)
		b->next[i] = input(lc, &b->pkt[i], &b->meta[i], now, true);
	if (unlikely(lc->mirror != NULL))
		sff_mirror_back(lc, b);
}
