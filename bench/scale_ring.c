#include "scale.h"
#include "world.h"

#include "pmd_vm_ring.h"

#include <linux/virtio_ring.h>
#include <stdlib.h>
#include <string.h>

/* As the runner makes it: 256 entries, 2 KiB buffers. A frame may take several. */
#define ENTRIES     256u
#define BUFFER_SIZE 2048u
#define MAX_SEGS    5u
#define GUEST_BASE  0x40000000ull

struct state {
	struct pmd_vm_memory memory;
	struct pmd_vm_ring ring;
	uint8_t *area;
	struct rte_mbuf *m[ENTRIES];
	uint32_t frames;        /* of one turn */
	uint32_t entries;       /* of the avail ring that they take */
	uint16_t head[ENTRIES]; /* what the guest offers */
	uint32_t held;          /* of m, when frames come in */
};

static uint32_t
buffers_of(uint32_t frame)
{
	return (PMD_VM_HEADER + frame + BUFFER_SIZE - 1) / BUFFER_SIZE;
}

/* The guest offers all of it again. */
static void
offer(struct state *s)
{
	uint16_t idx = s->ring.avail->idx;

	for (uint32_t i = 0; i < s->entries; i++)
		s->ring.avail->ring[(idx + i) % ENTRIES] = s->head[i];
	s->ring.avail->idx = (uint16_t)(idx + s->entries);
}

static struct state *
open_ring(void)
{
	size_t desc_bytes = ENTRIES * sizeof(struct vring_desc), buffers_at = desc_bytes + 1024 + 4096;
	size_t bytes = RTE_ALIGN_CEIL(buffers_at + (size_t)ENTRIES * BUFFER_SIZE, (size_t)4096);
	struct state *s = calloc(1, sizeof(*s));

	if (s == NULL || (s->area = aligned_alloc(4096, bytes)) == NULL)
		return NULL;
	memset(s->area, 0, bytes);
	s->memory.count = 1;
	s->memory.region[0] = (struct pmd_vm_region){.guest = GUEST_BASE, .size = bytes, .host = s->area};
	s->ring = (struct pmd_vm_ring){.desc = (struct vring_desc *)s->area,
		.avail = (struct vring_avail *)(s->area + desc_bytes),
		.used = (struct vring_used *)(s->area + desc_bytes + 1024),
		.memory = &s->memory,
		.size = ENTRIES,
		.mergeable = true};
	for (uint32_t i = 0; i < ENTRIES; i++) {
		s->ring.desc[i].addr = GUEST_BASE + buffers_at + (uint64_t)i * BUFFER_SIZE;
		s->ring.desc[i].len = BUFFER_SIZE;
		s->ring.desc[i].flags = VRING_DESC_F_WRITE;
		s->head[i] = (uint16_t)i;
	}
	return pmd_vm_ring_init(&s->ring, 0, 0) == 0 ? s : NULL;
}

static int
check(struct bench_case *c)
{
	struct state *s = c->state;

	rte_pktmbuf_free_bulk(s->m, s->held);
	s->held = 0;
	return s->ring.broken ? -1 : world_check_buffers(c->name);
}

static void
prepare_in(struct bench_case *c)
{
	struct state *s = c->state;

	rte_pktmbuf_free_bulk(s->m, s->held);
	s->held = 0;
	offer(s);
}

static uint32_t
run_in(struct bench_case *c)
{
	struct state *s = c->state;
	uint64_t bad = 0;
	uint16_t n;

	do {
		n = pmd_vm_ring_dequeue(&s->ring, world_pool(), &s->m[s->held], BENCH_BURST, &bad);
		s->held += n;
	} while (n > 0 && s->held < s->frames);
	return s->held;
}

int
scale_copy_in_open(struct bench_case *c)
{
	const struct scale *scale = c->state;
	struct state *s = open_ring();
	uint32_t at = 0, size;

	if (s == NULL)
		return -1;
	/* Chains of descriptors, one for each frame, as many as fit. */
	while (at + buffers_of(size = scale_frame(scale, s->frames)) <= ENTRIES) {
		uint32_t left = PMD_VM_HEADER + size;

		s->head[s->frames++] = (uint16_t)at;
		for (; left > 0; at++) {
			uint32_t part = RTE_MIN(left, BUFFER_SIZE);

			left -= part;
			s->ring.desc[at].len = part;
			s->ring.desc[at].flags = left > 0 ? VRING_DESC_F_NEXT : 0;
			s->ring.desc[at].next = (uint16_t)(at + 1);
		}
	}
	s->entries = s->frames;
	c->state = s;
	c->prepare = prepare_in;
	c->run = run_in;
	c->check = check;
	return 0;
}

static void
prepare_out(struct bench_case *c)
{
	offer(c->state);
}

static uint32_t
run_out(struct bench_case *c)
{
	struct state *s = c->state;
	uint64_t bad = 0;
	uint32_t n = 0;

	while (n < s->frames) {
		uint16_t want = (uint16_t)RTE_MIN(BENCH_BURST, s->frames - n);

		n += pmd_vm_ring_enqueue(&s->ring, &s->m[n], want, &bad);
	}
	return n;
}

int
scale_copy_out_open(struct bench_case *c)
{
	const struct scale *scale = c->state;
	struct state *s = open_ring();
	uint32_t size;

	if (s == NULL)
		return -1;
	/* The guest's buffers are merged as needed. */
	while (s->entries + buffers_of(size = scale_frame(scale, s->frames)) <= ENTRIES) {
		uint32_t segs = buffers_of(size), left = size;
		struct rte_mbuf *seg[MAX_SEGS];

		if (world_buffers(seg, segs) != 0)
			return -1;
		for (uint32_t i = 0; i < segs; i++) {
			seg[i]->data_off = 0;
			seg[i]->data_len = (uint16_t)RTE_MIN(left, BUFFER_SIZE);
			left -= seg[i]->data_len;
			seg[i]->next = i + 1 < segs ? seg[i + 1] : NULL;
		}
		seg[0]->nb_segs = (uint16_t)segs;
		seg[0]->pkt_len = size;
		s->entries += segs;
		s->m[s->frames++] = seg[0];
	}
	c->state = s;
	c->prepare = prepare_out;
	c->run = run_out;
	c->check = check;
	return 0;
}
