#include "way.h"

#include <rte_cycles.h>

#include <stdlib.h>

/* No progress for so long is an end; as sff_lcore.c has it. */
#define STUCK_SECONDS 2u

/* The same loop with nothing between the ports. */
static uint32_t
null(struct bench_case *c)
{
	struct way *way = c->state;

	for (unsigned int i = 0; i < BENCH_CHUNK; i += BENCH_BURST) {
		struct rte_mbuf *m[BENCH_BURST];
		uint16_t n = pmd_rx(&way->in->pmd, 0, m, BENCH_BURST);

		pmd_tx(&way->out->pmd, 0, m, n);
	}
	return BENCH_CHUNK;
}

uint32_t
way_run(struct way *way, uint32_t frames)
{
	uint64_t before = way->source.taken, last = before, since = 0;

	while (way->source.taken - before < frames && !way->stuck) {
		sff_lcore_poll(way->w.lc, true);
		rte_rcu_qsbr_quiescent(way->w.lc->qsbr, 0);
		if (way->source.taken != last || since == 0) {
			last = way->source.taken;
			since = rte_rdtsc();
		} else if (rte_rdtsc() - since > STUCK_SECONDS * rte_get_tsc_hz()) {
			way->stuck = true;
		}
	}
	return (uint32_t)(way->source.taken - before);
}

int
way_verify(struct bench_case *c, uint32_t frames)
{
	struct way *way = c->state;
	struct memory_source *s = &way->source;
	uint64_t inside = s->given - s->taken;

	s->left = frames;
	s->expect = &way->expect;
	way_run(way, (uint32_t)(frames + inside));
	s->expect = NULL;
	s->left = UINT32_MAX;
	if (s->wrong != NULL) {
		fprintf(stderr, "bench: %s: a frame came out wrong: %s\n", c->name, s->wrong);
		return -1;
	}
	if (way->stuck || s->given != s->taken || s->n_free != way->buffers) {
		fprintf(stderr, "bench: %s: %llu frames went in, %llu came out\n", c->name,
			(unsigned long long)s->given, (unsigned long long)s->taken);
		world_say_drops(&way->w);
		return -1;
	}
	return world_check(&way->w, c->name);
}

static int
check(struct bench_case *c)
{
	return way_verify(c, WAY_VERIFY);
}

uint32_t
way_learn_frames(const struct way *way)
{
	return RTE_MAX(way->source.flows, WAY_VERIFY);
}

struct way *
way_open(struct bench_case *c, enum frame_kind kind, bool near, uint32_t buffers, bool reduced)
{
	uint32_t flows = c->flows > 0 && !reduced ? c->flows : WAY_FEW_FLOWS;
	struct world_conf conf = {.paths = c->paths, .flows = flows, .near = near};
	struct way *way = calloc(1, sizeof(*way));

	if (way == NULL || world_open(&conf, &way->w) != 0 || world_buffers(way->source.free, buffers) != 0)
		return NULL;
	way->buffers = buffers;
	way->source.n_free = buffers;
	way->source.left = UINT32_MAX;
	way->source.spi = WORLD_SPI;
	way->source.paths = c->paths;
	way->source.flows = flows;
	way->source.seen = calloc(flows, sizeof(way->source.seen[0]));
	if (way->source.seen == NULL)
		return NULL;
	frame_maker_init(&way->source.maker, kind, WORLD_SI, WORLD_TTL, WORLD_THERE, WORLD_HERE, WORLD_VNI);
	way->expect = (struct frame_expect){
		.ttl = WORLD_TTL - 1,
		.si = near ? WORLD_SI - 1 : WORLD_SI,
		.src = WORLD_HERE,
		.dst = WORLD_THERE,
		.vni = WORLD_VNI,
		.spi_base = WORLD_SPI,
		.paths = c->paths,
	};
	way->in = &way->w.port[kind == FRAME_OF_TRANSPORT ? WORLD_CORE : WORLD_LAN];
	way->out = &way->w.port[WORLD_CORE];
	way->in->source = &way->source;
	way->out->sink = &way->source;
	c->state = way;
	c->null = null;
	c->check = check;
	return way;
}
