#include "sff_lcore.h"
#include "sff_mbuf.h"
#include "sff_nsh.h"

/* Check NSH that came over a transport, in the order of RFC 8300 2.2: version, MD type, length. */
void
sff_nsh_input(struct sff_lcore *lc, struct sff_burst *b)
{
	(void)lc;
	for (uint16_t i = 0; i < b->n; i++) {
		struct rte_mbuf *m = b->pkt[i];
		uint16_t avail = sff_mbuf_contiguous(m, NSH_MAX_SIZE);
		uint8_t edge = sff_nsh_check(rte_pktmbuf_mtod(m, void *), avail, &b->meta[i]);

		b->next[i] = edge == SFF_STAGE_MAX ? SFF_STAGE_NSH_TTL : edge;
	}
}
