#include "sff_lcore.h"
#include "sff_mbuf.h"
#include "sff_nsh.h"

#include "nsh_ecn.h"

/* Congestion that the transport met is told to the packet inside (RFC 6040, 4.2). */
static __rte_noinline bool
mark(struct rte_mbuf *m, const struct sff_meta *meta)
{
	uint16_t avail = sff_mbuf_contiguous(m, SFF_HEADERS_MAX);
	void *payload = rte_pktmbuf_mtod_offset(m, void *, meta->nsh_size);

	return nsh_ecn_apply(payload, (size_t)avail - meta->nsh_size, meta->np, meta->tos);
}

/* Check NSH that came over a transport, in the order of RFC 8300 2.2: version, MD type, length, TTL. */
void
sff_nsh_input(struct sff_lcore *lc, struct sff_burst *b)
{
	(void)lc;
	for (size_t i = 0, n = b->n; i < n; i++) {
		struct rte_mbuf *m = b->pkt[i];
		struct sff_meta *meta = &b->meta[i];
		uint16_t avail = sff_mbuf_contiguous(m, NSH_MAX_SIZE);
		struct nsh_hdr *hdr = rte_pktmbuf_mtod(m, struct nsh_hdr *);
		uint8_t edge = sff_nsh_check(hdr, avail, meta);

		/* ECT(1) and CE are rare; the others change nothing inside. */
		if (unlikely(edge != SFF_STAGE_MAX))
			b->next[i] = edge;
		else if (unlikely((meta->tos & NSH_ECN_ECT1) && !mark(m, meta)))
			b->next[i] = SFF_NEXT_DROP(SFC_DROP_ECN);
		else
			b->next[i] = sff_nsh_visit(hdr, meta);
	}
}
