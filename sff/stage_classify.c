#include "sff_lcore.h"

/* RFC 7665, 4.2: which service path a flow takes. The flow's hash is kept: it chooses instances later. */
void
sff_classify(struct sff_lcore *lc, struct sff_burst *b)
{
	const struct cls_key *key[SFF_BURST];
	uint32_t hash[SFF_BURST];
	uint32_t verdict[SFF_BURST];

	for (uint16_t i = 0; i < b->n; i++) {
		struct rte_mbuf *m = b->pkt[i];

		key[i] = &lc->key[i];
		cls_parse(rte_pktmbuf_mtod(m, void *), m->data_len, 0, b->meta[i].port, &lc->key[i]);
		hash[i] = cls_hash(&lc->key[i], lc->plane->hash_seed);
	}
	cls_classify(lc->plane->cls, lc->flows, key, hash, b->n, verdict);
	for (uint16_t i = 0; i < b->n; i++) {
		const struct cls_action *action = cls_action(lc->plane->cls, verdict[i]);

		b->meta[i].verdict = verdict[i];
		b->meta[i].hash = hash[i];
		b->meta[i].flags |= SFF_META_HASHED;
		if (action->kind == SFC_ACTION_PATH)
			b->next[i] = SFF_STAGE_NSH_PUSH;
		else if (action->kind == SFC_ACTION_FORWARD)
			b->next[i] = SFF_STAGE_FORWARD;
		else
			b->next[i] = SFF_NEXT_DROP(action->is_default ? SFC_DROP_DEFAULT : SFC_DROP_RULE);
	}
}
