#include "sff_flow.h"
#include "sff_lcore.h"
#include "sff_mbuf.h"

#include "nsh_ecn.h"

#include <rte_ip.h>

/* Whatever the header is: a checksum may cover the payload. */
static uint16_t
payload_sum(struct rte_mbuf *m)
{
	uint16_t sum = 0;

	/* It fails only for bytes that are not there. */
	if (rte_raw_cksum_mbuf(m, 0, m->pkt_len, &sum) != 0)
		return 0;
	return sum;
}

/* DSCP and ECN of what is inside, at a glance where it is IPv4 in a frame without tags. */
static inline uint8_t
inner_tos(struct rte_mbuf *m, const struct sff_meta *meta)
{
	const uint8_t *payload = rte_pktmbuf_mtod_offset(m, const uint8_t *, meta->nsh_size);
	uint16_t avail = (uint16_t)(m->data_len - meta->nsh_size);

	if (likely(meta->np == NSH_NP_ETHERNET && avail >= ETH_HDR_SIZE + NSH_IPV4_SIZE)) {
		/* EtherType, version and header length, then DSCP and ECN. */
		uint32_t word = rte_be_to_cpu_32(nsh_load32(payload + offsetof(struct eth_hdr, type)));

		if (likely(word >> 12 == (ETH_IPV4 << 4 | 4)))
			return (uint8_t)word;
	}
	return nsh_ecn_inner(payload, avail, meta->np);
}

/* Every transport, and every reason not to send. */
static __rte_noinline uint8_t
output_any(struct sff_lcore *lc, struct rte_mbuf *m, struct sff_meta *meta)
{
	const struct sff_remote *remote = &lc->plane->remote[meta->remote];
	uint32_t payload_size = m->pkt_len;
	uint16_t sum = 0;
	uint8_t tos;
	void *outer;

	if (unlikely(payload_size > remote->room)) {
		sff_too_big(lc, m, meta, remote->room);
		return SFF_NEXT_DROP(SFC_DROP_MTU);
	}
	if (meta->src_port == 0)
		meta->src_port = outer_entropy(sff_flow_hash(lc, m, meta));
	tos = inner_tos(m, meta);
	if (remote->outer.needs_sum)
		sum = payload_sum(m);
	outer = rte_pktmbuf_prepend(m, remote->outer.size);
	if (unlikely(outer == NULL))
		return SFF_NEXT_DROP(SFC_DROP_NO_HEADROOM);
	outer_push(outer, &remote->outer, payload_size, meta->src_port,
		nsh_ecn_encap(tos, NSH_DSCP_UNIFORM, 0), sum);
	lc->path[meta->path].out++;
	meta->port = remote->port;
	return remote->neighbour == SFC_NONE ? SFF_STAGE_PORT_TX
	                                     : sff_underlay_resolve(lc, m, remote->neighbour);
}

/* To the next SFF: one template store, then lengths, DSCP, ECN and the entropy port. */
void
sff_remote_output(struct sff_lcore *lc, struct sff_burst *b)
{
	const struct sff_remote *remotes = lc->plane->remote;
	struct sff_path_count *path = lc->path;

	/* Mostly VXLAN-GPE over IPv4, and nothing is in the way. */
	for (size_t i = 0, n = b->n; i < n; i++) {
		struct rte_mbuf *m = b->pkt[i];
		struct sff_meta *meta = &b->meta[i];
		const struct sff_remote *remote = &remotes[meta->remote];
		uint32_t payload_size = m->pkt_len;

		if (unlikely(
			    !remote->plain || payload_size > remote->room || m->data_off < OUTER_GPE4_SIZE)) {
			b->next[i] = output_any(lc, m, meta);
			continue;
		}
		if (meta->src_port == 0)
			meta->src_port = outer_entropy(sff_flow_hash(lc, m, meta));
		outer_push_gpe4(rte_pktmbuf_mtod(m, uint8_t *) - OUTER_GPE4_SIZE, &remote->outer,
			payload_size, meta->src_port, nsh_ecn_encap(inner_tos(m, meta), NSH_DSCP_UNIFORM, 0));
		sff_mbuf_grow(m, OUTER_GPE4_SIZE);
		path[meta->path].out++;
		meta->port = remote->port;
		b->next[i] = SFF_STAGE_PORT_TX;
	}
}
