#include "sff_mbuf.h"

#include <string.h>

void
sff_mbuf_gather(struct rte_mbuf *m, uint16_t want)
{
	struct rte_mbuf *seg = m->next;

	while (seg != NULL && m->data_len < want) {
		uint16_t room = rte_pktmbuf_tailroom(m);
		uint16_t n = RTE_MIN(RTE_MIN(seg->data_len, room), (uint16_t)(want - m->data_len));

		if (n == 0 && room == 0)
			return;
		memcpy(rte_pktmbuf_mtod_offset(m, char *, m->data_len), rte_pktmbuf_mtod(seg, char *), n);
		m->data_len += n;
		seg->data_off += n;
		seg->data_len -= n;
		if (seg->data_len == 0) {
			m->next = seg->next;
			m->nb_segs--;
			seg->next = NULL;
			seg->nb_segs = 1;
			rte_pktmbuf_free_seg(seg);
			seg = m->next;
		}
	}
}

void *
sff_mbuf_push(struct rte_mbuf **m, uint16_t size)
{
	struct rte_mbuf *head;

	if (likely(rte_pktmbuf_headroom(*m) >= size + SFF_OUTER_ROOM))
		return rte_pktmbuf_prepend(*m, size);
	head = rte_pktmbuf_alloc((*m)->pool);
	if (head == NULL)
		return NULL;
	rte_mbuf_dynfield_copy(head, *m);
	head->port = (*m)->port;
	rte_pktmbuf_append(head, size);
	rte_pktmbuf_chain(head, *m);
	*m = head;
	sff_mbuf_gather(head, (uint16_t)RTE_MIN(head->pkt_len, SFF_HEADERS_MAX));
	return rte_pktmbuf_mtod(head, void *);
}

void
sff_mbuf_cut_segments(struct rte_mbuf *m, uint32_t size)
{
	struct rte_mbuf *seg = m;
	uint32_t left = size;
	uint16_t segs = 1;

	while (left > seg->data_len && seg->next != NULL) {
		left -= seg->data_len;
		seg = seg->next;
		segs++;
	}
	seg->data_len = (uint16_t)left;
	rte_pktmbuf_free(seg->next);
	seg->next = NULL;
	m->nb_segs = segs;
	m->pkt_len = size;
}
