#include "sff_lcore.h"
#include "sff_mirror.h"
#include "sff_nsh.h"
#include "sff_proxy.h"
#include "sff_proxy_key.h"

/*
 * RFC 8300, 2.4: a proxy that does not know the layout of a path's MD type 1 context discards the packet.
 * Known are context that is all zero, which says nothing, and that of paths which a rule gives words.
 */
static bool
context_known(const struct sff_lcore *lc, const struct sff_sf *sf, const struct nsh_hdr *nsh,
	const struct sff_meta *meta)
{
	uint64_t context[2];

	if (nsh_md_type(nsh) != NSH_MD1 || sf->carry_opaque || lc->plane->table->path[meta->path].has_words)
		return true;
	memcpy(context, nsh + 1, sizeof(context));
	return (context[0] | context[1]) == 0;
}

/* Can what is inside be given to an SF that knows Ethernet only? The type of an Ethernet header to make, 0 =
 * it has its own, or a drop edge in *edge. */
static uint16_t
payload_type(const struct rte_mbuf *m, const struct sff_meta *meta, uint8_t *edge)
{
	*edge = SFF_STAGE_PORT_TX;
	switch (meta->np) {
	case NSH_NP_IPV4:
		return ETH_IPV4;
	case NSH_NP_IPV6:
		return ETH_IPV6;
	case NSH_NP_ETHERNET:
		if (unlikely(m->pkt_len < (uint32_t)meta->nsh_size + ETH_HDR_SIZE ||
			     m->data_len < meta->nsh_size + ETH_HDR_SIZE))
			*edge = SFF_NEXT_DROP(SFC_DROP_ETH_TRUNCATED);
		else if (unlikely(sff_frame_is_nsh(rte_pktmbuf_mtod_offset(m, const void *, meta->nsh_size),
				 (size_t)m->data_len - meta->nsh_size)))
			*edge = SFF_NEXT_DROP(SFC_DROP_NSH_LEAK);
		return 0;
	default:
		*edge = SFF_NEXT_DROP(SFC_DROP_NSH_PROTO);
		return 0;
	}
}

/* The addresses the SF sees. */
static void
address(const struct sff_sf *sf, uint32_t sp, bool made, uint8_t macs[2 * ETH_MAC_SIZE])
{
	if (made || sf->attached)
		memcpy(macs, sf->link, 2 * ETH_MAC_SIZE);
	if (sf->style == SFC_PROXY_MAC)
		sff_proxy_mac(sp, macs + ETH_MAC_SIZE);
}

/* Keep what comes back: the header as it is now, and the addresses that the SF may not see. */
static void
keep(struct sff_proxy *proxy, const struct sff_proxy_keys *keys, uint32_t now, const uint8_t *nsh,
	uint16_t nsh_size, const uint8_t macs[2 * ETH_MAC_SIZE])
{
	struct sff_proxy_saved known;

	if (keys->has_flow)
		sff_proxy_save(proxy, &keys->flow, now, nsh, nsh_size, macs);
	/* Later fragments may be on another path than the first, which has ports for the rules to see. */
	if (keys->has_fragment && (!keys->has_flow || !sff_proxy_find(proxy, &keys->fragment, now, &known)))
		sff_proxy_save(proxy, &keys->fragment, now, nsh, nsh_size, macs);
}

static uint8_t
output(struct sff_lcore *lc, struct rte_mbuf *m, struct sff_meta *meta, uint32_t now)
{
	const struct sff_port *port = &lc->plane->port[meta->port];
	const struct sff_sf *sf = &port->sf;
	struct sff_proxy *proxy = lc->proxy[port->function];
	uint8_t nsh[NSH_MAX_SIZE], macs[2 * ETH_MAC_SIZE], seen[2 * ETH_MAC_SIZE] = {0};
	uint16_t tags = sff_sf_tags_size(sf), type, grow;
	struct sff_proxy_keys keys;
	uint8_t edge, *at;

	memcpy(nsh, rte_pktmbuf_mtod(m, void *), meta->nsh_size);
	if (unlikely(!context_known(lc, sf, (const struct nsh_hdr *)nsh, meta))) {
		lc->path[meta->path].unknown_context++;
		return SFF_NEXT_DROP(SFC_DROP_PROXY_METADATA);
	}
	type = payload_type(m, meta, &edge);
	if (unlikely(edge != SFF_STAGE_PORT_TX))
		return edge;
	if (sf->style == SFC_PROXY_VLAN)
		tags += ETH_TAG_SIZE;
	grow = (uint16_t)(tags + (type != 0 ? ETH_HDR_SIZE : 0));
	if (unlikely(m->pkt_len - meta->nsh_size + grow > lc->plane->port[sf->out].pmd->mtu))
		return SFF_NEXT_DROP(SFC_DROP_MTU);

	rte_pktmbuf_adj(m, meta->nsh_size);
	if (type == 0)
		memcpy(seen, rte_pktmbuf_mtod(m, void *), sizeof(seen));
	at = (uint8_t *)rte_pktmbuf_prepend(m, grow);
	if (unlikely(at == NULL))
		return SFF_NEXT_DROP(SFC_DROP_NO_HEADROOM);
	memcpy(macs, seen, sizeof(macs));
	address(sf, meta->sp, type != 0, macs);
	if (type != 0) {
		at[tags + 2 * ETH_MAC_SIZE] = (uint8_t)(type >> 8);
		at[tags + 2 * ETH_MAC_SIZE + 1] = (uint8_t)type;
	}
	if (proxy != NULL) {
		sff_proxy_keys(at + tags, (size_t)m->data_len - tags, sf->attached ? NULL : macs, sf->circuit,
			sf->style == SFC_PROXY_FLOW ? 0 : meta->sp, &keys);
		keep(proxy, &keys, now, nsh, meta->nsh_size, seen);
	}
	memcpy(at, macs, sizeof(macs));
	at += sizeof(macs);
	memcpy(at, sf->link + sizeof(macs), sff_sf_tags_size(sf));
	at += sff_sf_tags_size(sf);
	if (sf->style == SFC_PROXY_VLAN) {
		int known_spi;
		uint16_t vlan = sfp_lookup(lc->plane->table, meta->sp, &known_spi)->vlan;
		const uint8_t tag[ETH_TAG_SIZE] = {
			ETH_VLAN >> 8, ETH_VLAN & 0xff, (uint8_t)(vlan >> 8), (uint8_t)vlan};

		memcpy(at, tag, sizeof(tag));
	}
	meta->port = sf->out;
	return SFF_STAGE_PORT_TX;
}

/* RFC 8300, 3: the proxy removes NSH before an SF that does not know it. */
void
sff_proxy_output(struct sff_lcore *lc, struct sff_burst *b)
{
	uint32_t now = sff_proxy_now();

	for (uint16_t i = 0; i < b->n; i++)
		b->next[i] = output(lc, b->pkt[i], &b->meta[i], now);
	if (unlikely(lc->mirror != NULL))
		sff_mirror_to_sf(b);
}
