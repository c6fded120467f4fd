#include "sff_stamp.h"

#include "eth.h"
#include "nsh_hdr.h"
#include "pmd.h"

#include <rte_errno.h>
#include <rte_hash_crc.h>
#include <rte_mbuf_dyn.h>

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Frames inside one SF at once: at least SFF_WINDOW plus a transmit buffer, a power of two. */
#define QUEUE_SIZE 1024u
/* Bytes of payload that tell frames of a window apart: inner headers and the start of data. */
#define FINGERPRINT_SIZE 128u

struct entry {
	uint64_t stamp;
	uint64_t number;
	uint32_t fingerprint;
	bool taken;
};

/* Positions run freely: [head, next) were overtaken, or consumed, or taken; [next, tail) are inside the SF.
 */
struct queue {
	uint32_t head, next, tail;
	struct entry last; /* for frames the SF made itself */
	struct entry entry[QUEUE_SIZE];
};

struct sff_stamps {
	int number_offset; /* dynamic mbuf field */
	uint64_t next_number;
	uint16_t n_ports;
	struct queue *queue[]; /* per port */
};

static uint64_t *
number_of(const struct sff_stamps *stamps, struct rte_mbuf *m)
{
	return RTE_MBUF_DYNFIELD(m, stamps->number_offset, uint64_t *);
}

int
sff_stamps_create(uint16_t n_ports, struct sff_stamps **out)
{
	static const struct rte_mbuf_dynfield field = {
		.name = "sluice_replay_number",
		.size = sizeof(uint64_t),
		.align = _Alignof(uint64_t),
	};
	struct sff_stamps *stamps = calloc(1, sizeof(*stamps) + n_ports * sizeof(stamps->queue[0]));

	if (stamps == NULL)
		return -ENOMEM;
	stamps->n_ports = n_ports;
	for (uint16_t i = 0; i < n_ports; i++) {
		stamps->queue[i] = calloc(1, sizeof(*stamps->queue[i]));
		if (stamps->queue[i] == NULL) {
			sff_stamps_destroy(stamps);
			return -ENOMEM;
		}
	}
	stamps->number_offset = rte_mbuf_dynfield_register(&field);
	if (stamps->number_offset < 0) {
		sff_stamps_destroy(stamps);
		return -rte_errno;
	}
	*out = stamps;
	return 0;
}

void
sff_stamps_destroy(struct sff_stamps *stamps)
{
	if (stamps == NULL)
		return;
	for (uint16_t i = 0; i < stamps->n_ports; i++)
		free(stamps->queue[i]);
	free(stamps);
}

void
sff_stamps_number(struct sff_stamps *stamps, struct rte_mbuf **pkts, uint16_t n)
{
	for (uint16_t i = 0; i < n; i++)
		*number_of(stamps, pkts[i]) = stamps->next_number++;
}

/* Over the payload behind NSH: an SF changes Ethernet addresses and SI, never what it only passes on. */
static uint32_t
fingerprint(const struct rte_mbuf *m)
{
	uint32_t size = m->data_len, at = ETH_HDR_SIZE, bytes;
	uint64_t copy[FINGERPRINT_SIZE /
		      sizeof(uint64_t)]; /* the CRC reads words; a payload stands anywhere */

	if (size < ETH_HDR_SIZE + NSH_BASE_SIZE)
		return m->pkt_len;
	/* An SF without NSH gets the frame that is inside. */
	if (rte_pktmbuf_mtod(m, const struct eth_hdr *)->type == RTE_BE16(NSH_ETHERTYPE))
		at += nsh_size(rte_pktmbuf_mtod_offset(m, const struct nsh_hdr *, ETH_HDR_SIZE));
	if (at > size)
		at = size;
	bytes = RTE_MIN(size - at, FINGERPRINT_SIZE);
	memcpy(copy, rte_pktmbuf_mtod_offset(m, const uint8_t *, at), bytes);
	return rte_hash_crc(copy, bytes, m->pkt_len - at);
}

void
sff_stamps_note(struct sff_stamps *stamps, uint16_t port, struct rte_mbuf **pkts, uint16_t n)
{
	struct queue *q = stamps->queue[port];

	/* Room for all of them: what nobody came back for makes way. */
	if (q->tail + n - q->head > QUEUE_SIZE)
		q->head = q->tail + n - QUEUE_SIZE;
	if (q->next - q->head > QUEUE_SIZE)
		q->next = q->head;
	for (uint16_t i = 0; i < n; i++)
		q->entry[(q->tail + i) % QUEUE_SIZE] = (struct entry){
			.stamp = *pmd_stamp(pkts[i]),
			.number = *number_of(stamps, pkts[i]),
			.fingerprint = fingerprint(pkts[i]),
		};
}

void
sff_stamps_keep(struct sff_stamps *stamps, uint16_t port, uint16_t taken)
{
	stamps->queue[port]->tail += taken;
}

/* The entry of a frame: by its payload, else the next one in order. q->tail = the SF made it. */
static uint32_t
find(const struct queue *q, uint32_t want)
{
	for (uint32_t at = q->next; at != q->tail; at++)
		if (q->entry[at % QUEUE_SIZE].fingerprint == want)
			return at;
	for (uint32_t at = q->head; at != q->next; at++)
		if (!q->entry[at % QUEUE_SIZE].taken && q->entry[at % QUEUE_SIZE].fingerprint == want)
			return at;
	return q->next;
}

void
sff_stamps_restore(struct sff_stamps *stamps, uint16_t port, struct rte_mbuf **pkts, uint16_t n)
{
	struct queue *q = stamps->queue[port];

	for (uint16_t i = 0; i < n; i++) {
		uint32_t at = find(q, fingerprint(pkts[i]));

		if (at != q->tail) {
			q->last = q->entry[at % QUEUE_SIZE];
			q->entry[at % QUEUE_SIZE].taken = true;
			if (at - q->next < q->tail - q->next)
				q->next = at + 1;
			while (q->head != q->next && q->entry[q->head % QUEUE_SIZE].taken)
				q->head++;
		}
		*pmd_stamp(pkts[i]) = q->last.stamp;
		*number_of(stamps, pkts[i]) = q->last.number;
	}
}

void
sff_stamps_sort(const struct sff_stamps *stamps, struct rte_mbuf **pkts, uint16_t n)
{
	/* Insertion: stable, and nearly sorted already. */
	for (uint16_t i = 1; i < n; i++) {
		struct rte_mbuf *m = pkts[i];
		uint64_t number = *number_of(stamps, m);
		uint16_t at = i;

		for (; at > 0 && *number_of(stamps, pkts[at - 1]) > number; at--)
			pkts[at] = pkts[at - 1];
		pkts[at] = m;
	}
}
