#include "sff_lcore.h"
#include "sff_mbuf.h"
#include "sff_nsh.h"

#include "nsh_ecn.h"

/* Congestion that the transport met is told to the packet inside (RFC 6040, 4.2). */
static uint8_t
mark(struct rte_mbuf *m, const struct sff_meta *meta)
{
	uint16_t avail = sff_mbuf_contiguous(m, SFF_HEADERS_MAX);
	void *payload = rte_pktmbuf_mtod_offset(m, void *, meta->nsh_size);

	if (!nsh_ecn_apply(payload, (size_t)avail - meta->nsh_size, meta->np, meta->tos))
		return SFF_NEXT_DROP(SFC_DROP_ECN);
	return SFF_STAGE_NSH_TTL;
}

static __rte_noinline void
mark_burst(struct sff_burst *b)
{
	for (uint16_t i = 0; i < b->n; i++)
		if ((b->meta[i].tos & NSH_ECN_ECT1) && b->next[i] == SFF_STAGE_NSH_TTL)
			b->next[i] = mark(b->pkt[i], &b->meta[i]);
}

/* Check NSH that came over a transport, in the order of RFC 8300 2.2: version, MD type, length. */
void
sff_nsh_input(struct sff_lcore *lc, struct sff_burst *b)
{
	uint8_t tos = 0;

	(void)lc;
	for (size_t i = 0, n = b->n; i < n; i++) {
		struct rte_mbuf *m = b->pkt[i];
		uint16_t avail = sff_mbuf_contiguous(m, NSH_MAX_SIZE);
		uint8_t edge = sff_nsh_check(rte_pktmbuf_mtod(m, void *), avail, &b->meta[i]);

		b->next[i] = edge == SFF_STAGE_MAX ? SFF_STAGE_NSH_TTL : edge;
		tos |= b->meta[i].tos;
	}
	/* ECT(1) and CE are rare; the others change nothing inside. */
	if (unlikely(tos & NSH_ECN_ECT1))
		mark_burst(b);
}
