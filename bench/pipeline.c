#include "bench.h"
#include "world.h"

#include <stdlib.h>
#include <string.h>

/* Buffers that go round: enough for bursts in flight, few enough for L2. */
#define BUFFERS 256u
/* Frames that are looked at one by one before and after a measurement, at least. */
#define VERIFY (1u << 16)
/* Flows where their number is not the point. */
#define FEW_FLOWS 4096u

enum way {
	WAY_FORWARD,  /* from the transport to the next SFF */
	WAY_CLASSIFY, /* from an access port, 74 bytes pushed, to the next SFF */
	WAY_FUSED,    /* the same over a local SF: classifier and SFF in one */
};

struct state {
	struct world w;
	struct memory_source source;
	struct frame_expect expect;
	struct memory_port *in, *out;
};

static uint32_t
run(struct bench_case *c)
{
	struct state *s = c->state;
	uint64_t before = s->source.taken;

	for (unsigned int i = 0; i < BENCH_CHUNK; i += BENCH_BURST)
		sff_lcore_poll(s->w.lc, true);
	return (uint32_t)(s->source.taken - before);
}

/* The same loop with nothing between the ports. */
static uint32_t
null(struct bench_case *c)
{
	struct state *s = c->state;

	for (unsigned int i = 0; i < BENCH_CHUNK; i += BENCH_BURST) {
		struct rte_mbuf *m[BENCH_BURST];
		uint16_t n = pmd_rx(&s->in->pmd, 0, m, BENCH_BURST);

		pmd_tx(&s->out->pmd, 0, m, n);
	}
	return BENCH_CHUNK;
}

/* Send frames and look at each one that comes out; then nothing may be left inside. */
static int
verify(struct bench_case *c, uint32_t frames)
{
	struct state *s = c->state;

	s->source.expect = &s->expect;
	s->source.left = frames;
	while (sff_lcore_poll(s->w.lc, true) > 0)
		;
	s->source.expect = NULL;
	s->source.left = UINT32_MAX;
	if (s->source.wrong != NULL) {
		fprintf(stderr, "bench: %s: a frame came out wrong: %s\n", c->name, s->source.wrong);
		return -1;
	}
	if (s->source.given != s->source.taken || s->source.n_free != BUFFERS) {
		fprintf(stderr, "bench: %s: %llu frames went in, %llu came out\n", c->name,
			(unsigned long long)s->source.given, (unsigned long long)s->source.taken);
		return -1;
	}
	return world_check(&s->w, c->name);
}

static int
check(struct bench_case *c)
{
	return verify(c, VERIFY);
}

static int
open_way(struct bench_case *c, bool reduced)
{
	uint32_t flows = c->flows > 0 && !reduced ? c->flows : FEW_FLOWS;
	struct world_conf conf = {.paths = c->paths, .flows = flows, .near = c->arg == WAY_FUSED};
	enum frame_kind kind = c->arg == WAY_FORWARD ? FRAME_OF_TRANSPORT : FRAME_OF_ACCESS;
	struct state *s = calloc(1, sizeof(*s));

	if (s == NULL || world_open(&conf, &s->w) != 0 || world_buffers(s->source.free, BUFFERS) != 0)
		return -1;
	frame_maker_init(&s->source.maker, kind, WORLD_SI, WORLD_TTL, WORLD_THERE, WORLD_HERE, WORLD_VNI);
	s->source.n_free = BUFFERS;
	s->source.spi = WORLD_SPI;
	s->source.paths = c->paths;
	s->source.flows = flows;
	s->source.seen = calloc(flows, sizeof(s->source.seen[0]));
	s->expect = (struct frame_expect){
		.ttl = WORLD_TTL - 1,
		.si = c->arg == WAY_FUSED ? WORLD_SI - 1 : WORLD_SI,
		.src = WORLD_HERE,
		.dst = WORLD_THERE,
		.vni = WORLD_VNI,
		.spi_base = WORLD_SPI,
		.paths = c->paths,
	};
	s->in = &s->w.port[kind == FRAME_OF_TRANSPORT ? WORLD_CORE : WORLD_LAN];
	s->out = &s->w.port[WORLD_CORE];
	s->in->source = &s->source;
	s->out->sink = &s->source;
	c->state = s;
	c->run = run;
	c->null = null;
	c->check = check;
	if (s->source.seen == NULL)
		return -1;
	/* Every flow comes at least once, so that the classifier knows it. */
	return verify(c, RTE_MAX(flows, VERIFY));
}

static struct bench_case cases[] = {
	{.name = "sff_fwd", .frame = 138, .paths = 16, .ws = "L2", .open = open_way, .arg = WAY_FORWARD},
	{.name = "cls_64k",
		.frame = 64,
		.paths = 16,
		.flows = 1 << 16,
		.ws = "spill",
		.open = open_way,
		.arg = WAY_CLASSIFY},
	{.name = "cls_1m",
		.frame = 64,
		.paths = 16,
		.flows = 1 << 20,
		.ws = "spill",
		.open = open_way,
		.arg = WAY_CLASSIFY},
	{.name = "fused",
		.frame = 64,
		.paths = 16,
		.flows = 1 << 16,
		.ws = "spill",
		.open = open_way,
		.arg = WAY_FUSED},
};

int
main(int argc, char **argv)
{
	return bench_main("pipeline", cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
