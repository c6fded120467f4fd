/**
 * The flow of a packet that carries NSH: key and hash of what is inside, read only where they are needed.
 *
 * Included by the stages that choose by flow (sfp_lookup, remote_output) or learn one (terminal).
 */
#ifndef SFF_FLOW_H
#define SFF_FLOW_H

#include "sff_lcore.h"

/** Parse the payload behind NSH into a key. */
static inline void
sff_flow_key(struct rte_mbuf *m, const struct sff_meta *meta, struct cls_key *key)
{
	static const uint16_t ethertype[] = {
		[NSH_NP_IPV4] = ETH_IPV4,
		[NSH_NP_IPV6] = ETH_IPV6,
		[NSH_NP_ETHERNET] = 0,
	};
	const uint8_t *payload = rte_pktmbuf_mtod_offset(m, const uint8_t *, meta->nsh_size);

	if (meta->np >= NSH_NP_IPV4 && meta->np <= NSH_NP_ETHERNET)
		cls_parse(
			payload, (size_t)m->data_len - meta->nsh_size, ethertype[meta->np], meta->port, key);
	else
		*key = (struct cls_key){
			.port = meta->port}; /* not to be looked into: all such packets are one flow */
}

/** The flow's hash, computed once per packet. */
static inline uint32_t
sff_flow_hash(const struct sff_lcore *lc, struct rte_mbuf *m, struct sff_meta *meta)
{
	if (!(meta->flags & SFF_META_HASHED)) {
		struct cls_key key;

		sff_flow_key(m, meta, &key);
		meta->hash = cls_hash(&key, lc->plane->hash_seed);
		meta->flags |= SFF_META_HASHED;
	}
	return meta->hash;
}

#endif
