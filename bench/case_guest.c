#include "case_guest.h"
#include "cases.h"
#include "world.h"

#include "pmd_vm_ring.h"

#include <stdlib.h>

/* Half a ring is in flight at most, as a lossless replay has it. */
#define IN_FLIGHT (GUEST_RING / 2)

struct state {
	struct guest_side side;
	struct pmd_vm_memory memory;
	struct pmd_vm_ring to, from;
	struct rte_mbuf *m[IN_FLIGHT];
	uint64_t bad;
};

/* The host's part: take what the guest sent in the last chunk, give it the next frames. */
static void
prepare(struct bench_case *c)
{
	struct state *s = c->state;
	struct rte_mbuf *back[IN_FLIGHT];
	uint16_t n;

	while ((n = pmd_vm_ring_dequeue(&s->from, world_pool(), back, IN_FLIGHT, &s->bad)) > 0)
		rte_pktmbuf_free_bulk(back, n);
	pmd_vm_ring_enqueue(&s->to, s->m, IN_FLIGHT, &s->bad);
}

static uint32_t
run(struct bench_case *c)
{
	uint32_t n = 0;

	(void)c;
	for (unsigned int i = 0; i < IN_FLIGHT; i += BENCH_BURST)
		n += guest_side_poll();
	return n;
}

static int
check(struct bench_case *c)
{
	struct state *s = c->state;

	if (s->bad > 0 || guest_side_bad() > 0 || s->to.broken || s->from.broken) {
		fprintf(stderr, "bench: %s: the two sides of the ring disagree\n", c->name);
		return -1;
	}
	return world_check_buffers(c->name);
}

static int
open_ring(struct state *s, unsigned int q, struct pmd_vm_ring *ring)
{
	*ring = (struct pmd_vm_ring){
		.desc = s->side.desc[q],
		.avail = s->side.avail[q],
		.used = s->side.used[q],
		.memory = &s->memory,
		.size = GUEST_RING,
		.mergeable = true,
	};
	return pmd_vm_ring_init(ring, 0, 0);
}

int
case_guest_open(struct bench_case *c, bool reduced)
{
	struct state *s = calloc(1, sizeof(*s));
	struct frame_maker maker;

	(void)reduced;
	if (s == NULL || world_eal() != 0 || guest_side_open(&s->side) != 0 ||
		world_buffers(s->m, IN_FLIGHT) != 0)
		return -1;
	s->memory.count = 1;
	s->memory.region[0] = (struct pmd_vm_region){
		.guest = (uintptr_t)s->side.area, .size = s->side.area_size, .host = s->side.area};
	if (open_ring(s, 0, &s->to) != 0 || open_ring(s, 1, &s->from) != 0)
		return -1;
	frame_maker_init(&maker, FRAME_OF_SF, WORLD_SI, WORLD_TTL, 0, 0, 0);
	for (unsigned int i = 0; i < IN_FLIGHT; i++)
		frame_put(&maker, s->m[i], WORLD_SPI, i, 0);
	c->state = s;
	c->prepare = prepare;
	c->run = run;
	c->check = check;
	return 0;
}
