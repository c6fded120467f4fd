#include "cases.h"
#include "world.h"

#include "pmd_vm_ring.h"

#include <linux/virtio_ring.h>
#include <stdlib.h>
#include <string.h>

/* As the runner makes it: 256 entries, 2 KiB buffers. */
#define ENTRIES     256u
#define BUFFER_SIZE 2048u
#define GUEST_BASE  0x40000000ull

static_assert(ENTRIES == BENCH_CHUNK, "one chunk is one turn of the ring");

/* A ring in memory whose guest has everything ready: to offer it all again is one store. */
struct virtio {
	struct pmd_vm_memory memory;
	struct pmd_vm_ring ring;
	uint8_t *area;
	struct rte_mbuf *m[BENCH_CHUNK];
	uint32_t n; /* of m, which we hold */
	uint32_t descriptor_bytes;
	uint16_t flags; /* of each descriptor */
};

/* One turn of the ring: every buffer is offered again. A packed ring has been written over by the host. */
static void
offer_all(struct virtio *v)
{
	uint16_t turn =
		v->ring.last_used >> 15 ? 1u << VRING_PACKED_DESC_F_AVAIL : 1u << VRING_PACKED_DESC_F_USED;

	if (!v->ring.packed) {
		v->ring.avail->idx = (uint16_t)(v->ring.avail->idx + ENTRIES);
		return;
	}
	for (unsigned int i = 0; i < ENTRIES; i++) {
		v->ring.packed_desc[i].len = v->descriptor_bytes;
		v->ring.packed_desc[i].id = (uint16_t)i;
		v->ring.packed_desc[i].flags = v->flags | turn;
	}
}

/* In order, as our guests are. */
static struct virtio *
open_ring(bool packed, uint32_t descriptor_bytes, uint16_t flags)
{
	size_t desc_bytes = ENTRIES * sizeof(struct vring_desc), avail_bytes = 1024, used_bytes = 4096;
	size_t buffers_at = desc_bytes + avail_bytes + used_bytes;
	size_t bytes = RTE_ALIGN_CEIL(buffers_at + (size_t)ENTRIES * BUFFER_SIZE, (size_t)4096);
	struct virtio *v = calloc(1, sizeof(*v));

	if (v == NULL || world_eal() != 0)
		return NULL;
	v->area = aligned_alloc(4096, bytes);
	if (v->area == NULL)
		return NULL;
	memset(v->area, 0, bytes);
	v->memory.count = 1;
	v->memory.region[0] = (struct pmd_vm_region){.guest = GUEST_BASE, .size = bytes, .host = v->area};
	v->ring.desc = (struct vring_desc *)v->area;
	v->ring.avail = (struct vring_avail *)(v->area + desc_bytes);
	v->ring.used = (struct vring_used *)(v->area + desc_bytes + avail_bytes);
	v->ring.memory = &v->memory;
	v->ring.size = ENTRIES;
	v->ring.packed = packed;
	v->ring.in_order = true;
	v->ring.mergeable = true;
	v->descriptor_bytes = descriptor_bytes;
	v->flags = flags;
	for (unsigned int i = 0; i < ENTRIES; i++) {
		v->ring.desc[i].addr = GUEST_BASE + buffers_at + (uint64_t)i * BUFFER_SIZE;
		v->ring.desc[i].len = descriptor_bytes;
		v->ring.desc[i].flags = flags;
		if (!packed)
			v->ring.avail->ring[i] = (uint16_t)i;
	}
	uint16_t base = packed ? 1u << 15 : 0;
	return pmd_vm_ring_init(&v->ring, base, base) == 0 ? v : NULL;
}

static void
prepare_in(struct bench_case *c)
{
	struct virtio *v = c->state;

	rte_pktmbuf_free_bulk(v->m, v->n);
	v->n = 0;
	offer_all(v);
}

static uint32_t
run_in(struct bench_case *c)
{
	struct virtio *v = c->state;
	uint64_t bad = 0;

	for (unsigned int i = 0; i < BENCH_CHUNK; i += BENCH_BURST)
		v->n += pmd_vm_ring_dequeue(&v->ring, world_pool(), &v->m[v->n], BENCH_BURST, &bad);
	return v->n;
}

static int
check_in(struct bench_case *c)
{
	struct virtio *v = c->state;

	rte_pktmbuf_free_bulk(v->m, v->n);
	v->n = 0;
	return v->ring.broken ? -1 : world_check_buffers(c->name);
}

int
case_copy_in_open(struct bench_case *c, bool reduced)
{
	(void)reduced;
	c->state = open_ring(c->arg == CASE_PACKED, PMD_VM_HEADER + c->frame, 0);
	c->prepare = prepare_in;
	c->run = run_in;
	c->check = check_in;
	return c->state != NULL ? 0 : -1;
}

static void
prepare_out(struct bench_case *c)
{
	offer_all(c->state);
}

static uint32_t
run_out(struct bench_case *c)
{
	struct virtio *v = c->state;
	uint64_t bad = 0;
	uint32_t n = 0;

	for (unsigned int i = 0; i < BENCH_CHUNK; i += BENCH_BURST)
		n += pmd_vm_ring_enqueue(&v->ring, &v->m[i], BENCH_BURST, &bad);
	return n;
}

static int
check_out(struct bench_case *c)
{
	struct virtio *v = c->state;

	return v->ring.broken ? -1 : world_check_buffers(c->name);
}

int
case_copy_out_open(struct bench_case *c, bool reduced)
{
	struct virtio *v = open_ring(c->arg == CASE_PACKED, BUFFER_SIZE, VRING_DESC_F_WRITE);

	(void)reduced;
	if (v == NULL || world_buffers(v->m, BENCH_CHUNK) != 0)
		return -1;
	for (unsigned int i = 0; i < BENCH_CHUNK; i++) {
		v->m[i]->data_len = c->frame;
		v->m[i]->pkt_len = c->frame;
	}
	c->state = v;
	c->prepare = prepare_out;
	c->run = run_out;
	c->check = check_out;
	return 0;
}
