#include "sff_lcore.h"
#include "sff_nsh.h"

/* RFC 8300, 2.2: every SFF decrements the TTL once, before the look-up; 0 in becomes 63, 0 out is dropped. */
void
sff_nsh_ttl(struct sff_lcore *lc, struct sff_burst *b)
{
	(void)lc;
	for (size_t i = 0, n = b->n; i < n; i++) {
		struct nsh_hdr *hdr = rte_pktmbuf_mtod(b->pkt[i], struct nsh_hdr *);

		if (unlikely(nsh_ttl_dec(hdr) == 0))
			b->next[i] = SFF_NEXT_DROP(SFC_DROP_NSH_TTL);
		else
			b->next[i] = sff_nsh_payload_edge(&b->meta[i], SFF_STAGE_SFP_LOOKUP);
	}
}
