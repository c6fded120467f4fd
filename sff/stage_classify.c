#include "sff_lcore.h"

/* RFC 7665, 4.2: which service path a flow takes. The flow's hash is kept: it chooses instances later. */
void
sff_classify(struct sff_lcore *lc, struct sff_burst *b)
{
	const struct sff_plane *plane = lc->plane;
	const struct cls_key *key[SFF_BURST];
	uint32_t hash[SFF_BURST];
	uint32_t verdict[SFF_BURST];

	for (size_t i = 0, n = b->n; i < n; i++) {
		struct rte_mbuf *m = b->pkt[i];
		const void *frame = rte_pktmbuf_mtod(m, void *);

		key[i] = &lc->key[i];
		if (unlikely(!cls_parse_plain(frame, m->data_len, b->meta[i].port, &lc->key[i])))
			cls_parse(frame, m->data_len, 0, b->meta[i].port, &lc->key[i]);
		hash[i] = cls_hash(&lc->key[i], plane->hash_seed);
	}
	cls_classify(plane->cls, lc->flows, key, hash, b->n, verdict);
	for (size_t i = 0, n = b->n; i < n; i++) {
		struct sff_meta *meta = &b->meta[i];

		meta->verdict = verdict[i];
		meta->hash = hash[i];
		meta->flags |= SFF_META_HASHED;
		b->next[i] = plane->verdict_edge[verdict[i]];
	}
}
