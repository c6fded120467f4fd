#include "sff_lcore.h"
#include "sff_nsh.h"

/* A frame that an SF moved to another path pays for this visit again. */
void
sff_nsh_ttl(struct sff_lcore *lc, struct sff_burst *b)
{
	(void)lc;
	for (size_t i = 0, n = b->n; i < n; i++)
		b->next[i] = sff_nsh_visit(rte_pktmbuf_mtod(b->pkt[i], struct nsh_hdr *), &b->meta[i]);
}
