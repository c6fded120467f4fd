#include "cases.h"
#include "world.h"

#include <stdlib.h>
#include <string.h>

#define BURSTS (BENCH_CHUNK / BENCH_BURST)

/* Chunks take turns on so many sets of buffers: where the kernel happened to put a few pages differs from
 * process to process, and would look like a change of the code. A set is in L2 when it is measured. */
#define SETS 8u

/* Flows the classifier knows in cases that are about something else. */
#define FEW_FLOWS 4096u

/* Shared by all cases: one runs at a time. */
static struct rte_mbuf *buffers[SETS * BENCH_CHUNK];

struct state {
	struct world w;
	struct rte_mbuf **m; /* buffers of this chunk */
	struct rte_mbuf *own[BENCH_CHUNK];
	unsigned int set;
	struct sff_burst burst[BURSTS];
	enum sff_stage first; /* of the path */
	enum sff_stage stage; /* that is measured; SFF_STAGE_MAX = the path to its end */
	struct frame_maker maker;
	uint32_t spi, flows;
	uint32_t met; /* while flows are learned: the next one */
	bool learning;
	uint64_t random;
	uint16_t paths, port;
	bool drops; /* the node frees the buffers */
	struct cls_key key[BENCH_CHUNK];
};

/* Set a burst up as the worker does for frames from a port. */
static void
fill(struct state *s, struct sff_burst *b, struct rte_mbuf **m)
{
	b->n = BENCH_BURST;
	memset(b->meta, 0, BENCH_BURST * sizeof(b->meta[0]));
	for (unsigned int i = 0; i < BENCH_BURST; i++) {
		uint32_t flow = (s->learning ? s->met++ : frame_random(&s->random)) & (s->flows - 1);

		frame_put(&s->maker, m[i], s->spi + flow % s->paths, flow, 0);
		b->pkt[i] = m[i];
		b->meta[i].port = s->port;
	}
}

/* Run the stages before the measured one; all packets of a burst take the same way. */
static void
advance(struct state *s, struct sff_burst *b)
{
	for (enum sff_stage at = s->first; at != s->stage && s->stage != SFF_STAGE_MAX; at = b->next[0])
		sff_stages[at].fn(s->w.lc, b);
}

static void
empty_tx(struct state *s)
{
	for (uint16_t p = 0; p < s->w.plane.n_ports; p++)
		s->w.lc->tx[p].n = 0;
}

static void
prepare(struct bench_case *c)
{
	struct state *s = c->state;

	s->m = s->drops ? s->own : &buffers[s->set++ % SETS * BENCH_CHUNK];
	if (s->drops && rte_pktmbuf_alloc_bulk(world_pool(), s->m, BENCH_CHUNK) != 0)
		abort();
	for (unsigned int i = 0; i < BURSTS; i++) {
		fill(s, &s->burst[i], &s->m[i * BENCH_BURST]);
		advance(s, &s->burst[i]);
	}
	empty_tx(s);
}

/* The whole way: the runner, all stages, into the transmit buffer or a drop. */
static uint32_t
run_path(struct bench_case *c)
{
	struct state *s = c->state;

	for (unsigned int i = 0; i < BURSTS; i++) {
		sff_run(s->w.lc, &s->burst[i], s->first);
		s->w.lc->tx[WORLD_CORE].n = 0;
	}
	return BENCH_CHUNK;
}

static uint32_t
run_stage(struct bench_case *c)
{
	struct state *s = c->state;

	for (unsigned int i = 0; i < BURSTS; i++)
		sff_stages[s->stage].fn(s->w.lc, &s->burst[i]);
	return BENCH_CHUNK;
}

static int
check(struct bench_case *c)
{
	struct state *s = c->state;
	const struct sff_lcore *lc = s->w.lc;

	for (unsigned int d = 0; d < SFC_DROP_MAX; d++)
		if ((lc->dropped[d] > 0) != (s->drops && d == SFC_DROP_NSH_VERSION)) {
			fprintf(stderr, "bench: %s: %llu frames dropped as %s\n", c->name,
				(unsigned long long)lc->dropped[d], sfc_drop_name((enum sfc_drop)d));
			return -1;
		}
	empty_tx(s);
	return world_check_buffers(c->name);
}

static struct state *
open_state(struct bench_case *c, const struct world_conf *conf, enum frame_kind kind, uint8_t si)
{
	static const enum sff_stage first[] = {
		[FRAME_OF_ACCESS] = SFF_STAGE_ACCESS_INPUT,
		[FRAME_OF_TRANSPORT] = SFF_STAGE_TRANSPORT_INPUT,
		[FRAME_OF_SF] = SFF_STAGE_SF_INPUT,
	};
	static const uint16_t port[] = {
		[FRAME_OF_ACCESS] = WORLD_LAN, [FRAME_OF_TRANSPORT] = WORLD_CORE, [FRAME_OF_SF] = WORLD_SF};
	struct state *s = aligned_alloc(RTE_CACHE_LINE_SIZE, RTE_ALIGN_CEIL(sizeof(*s), RTE_CACHE_LINE_SIZE));

	if (s == NULL)
		return NULL;
	memset(s, 0, sizeof(*s));
	frame_maker_init(&s->maker, kind, si, WORLD_TTL, WORLD_THERE, WORLD_HERE, WORLD_VNI);
	s->first = first[kind];
	s->port = port[kind];
	s->stage = SFF_STAGE_MAX;
	s->spi = WORLD_SPI;
	s->paths = conf->paths;
	s->flows = conf->flows > 0 ? conf->flows : FEW_FLOWS;
	if (world_open(conf, &s->w) != 0 ||
		(buffers[0] == NULL && world_buffers(buffers, SETS * BENCH_CHUNK) != 0)) {
		free(s);
		return NULL;
	}
	c->state = s;
	c->prepare = prepare;
	c->run = run_path;
	c->check = check;
	return s;
}

/* Every flow once, so that the table holds them all. */
static void
learn(struct bench_case *c)
{
	struct state *s = c->state;

	s->learning = true;
	for (uint32_t i = 0; i < s->flows; i += BENCH_CHUNK) {
		prepare(c);
		run_path(c);
	}
	s->learning = false;
}

int
case_path_open(struct bench_case *c, bool reduced)
{
	uint32_t flows = reduced && c->flows > FEW_FLOWS ? FEW_FLOWS : c->flows;
	struct world_conf conf = {.paths = c->paths, .flows = flows};
	struct state *s = open_state(c, &conf, (enum frame_kind)c->arg, WORLD_SI);

	if (s == NULL)
		return -1;
	if (flows > 0)
		learn(c);
	return 0;
}

/* Which frame leads to a stage, and on which path. */
static const struct way {
	enum frame_kind kind;
	uint8_t si;
	uint32_t spi;
	bool unknown; /* no rule knows the flow */
} way[SFF_STAGE_MAX] = {
	[SFF_STAGE_ACCESS_INPUT] = {FRAME_OF_ACCESS, 0, 0, false},
	[SFF_STAGE_CLASSIFY] = {FRAME_OF_ACCESS, 0, 0, false},
	[SFF_STAGE_NSH_PUSH] = {FRAME_OF_ACCESS, 0, 0, false},
	[SFF_STAGE_TRANSPORT_INPUT] = {FRAME_OF_TRANSPORT, WORLD_SI, WORLD_SPI, false},
	[SFF_STAGE_NSH_INPUT] = {FRAME_OF_TRANSPORT, WORLD_SI, WORLD_SPI, false},
	[SFF_STAGE_SF_INPUT] = {FRAME_OF_SF, WORLD_SI - 1, WORLD_LAST, false},
	[SFF_STAGE_SFP_LOOKUP] = {FRAME_OF_TRANSPORT, WORLD_SI, WORLD_SPI, false},
	[SFF_STAGE_SF_OUTPUT] = {FRAME_OF_TRANSPORT, WORLD_SI, WORLD_LAST, false},
	[SFF_STAGE_REMOTE_OUTPUT] = {FRAME_OF_TRANSPORT, WORLD_SI, WORLD_SPI, false},
	[SFF_STAGE_TERMINAL] = {FRAME_OF_TRANSPORT, WORLD_SI - 1, WORLD_LAST, false},
	[SFF_STAGE_FORWARD] = {FRAME_OF_ACCESS, 0, 0, true},
	[SFF_STAGE_PORT_TX] = {FRAME_OF_TRANSPORT, WORLD_SI, WORLD_SPI, false},
};

int
case_stage_open(struct bench_case *c, bool reduced)
{
	struct world_conf conf = {.paths = c->paths, .flows = FEW_FLOWS};
	const struct way *to = &way[c->arg];
	struct state *s = open_state(c, &conf, to->kind, to->si);

	(void)reduced;
	if (s == NULL)
		return -1;
	s->spi = to->spi;
	if (to->spi == WORLD_LAST)
		s->paths = 1;
	if (to->unknown)
		s->port = WORLD_WAN;
	learn(c);
	s->stage = (enum sff_stage)c->arg;
	c->run = run_stage;
	return 0;
}

/* NSH of version 1: found by the second stage, counted, freed. */
int
case_drop_open(struct bench_case *c, bool reduced)
{
	struct world_conf conf = {.paths = c->paths};
	struct state *s = open_state(c, &conf, FRAME_OF_TRANSPORT, WORLD_SI);

	(void)reduced;
	if (s == NULL)
		return -1;
	s->maker.bytes[s->maker.nsh_at] |= 0x40;
	s->drops = true;
	return 0;
}

/* Keys of ever new flows, so that no branch is learned by heart. */
static void
prepare_keys(struct bench_case *c)
{
	struct state *s = c->state;

	for (unsigned int i = 0; i < BENCH_CHUNK; i++) {
		struct cls_key *key = &s->key[i];
		uint32_t random = frame_random(&s->random);

		key->source[0] = 172;
		key->source[1] = (uint8_t)(16 + (random >> 28));
		key->source[2] = (uint8_t)(random >> 22 & 63);
		key->source[3] = (uint8_t)(random >> 8);
		key->destination[0] = 192;
		key->destination[1] = 168;
		key->destination[2] = (uint8_t)(random >> 16);
		key->destination[3] = (uint8_t)(random >> 4);
		key->source_port = (uint16_t)(random >> 3);
		key->destination_port = (uint16_t)(random >> 12);
		key->port = WORLD_LAN;
		key->protocol = random & 0x80000 ? 6 : 17;
		key->family = 4;
		key->has_ports = 1;
	}
}

static uint32_t
run_match(struct bench_case *c)
{
	struct state *s = c->state;
	uint32_t verdict[BENCH_BURST], sum = 0;

	for (unsigned int i = 0; i < BENCH_CHUNK; i += BENCH_BURST) {
		const struct cls_key *key[BENCH_BURST];

		for (unsigned int k = 0; k < BENCH_BURST; k++)
			key[k] = &s->key[i + k];
		cls_match(s->w.cls, key, BENCH_BURST, verdict);
		sum += verdict[0];
	}
	__asm__ volatile("" : : "r"(sum));
	return BENCH_CHUNK;
}

int
case_miss_open(struct bench_case *c, bool reduced)
{
	struct world_conf conf = {.paths = c->paths, .rules = (uint16_t)c->arg};
	struct state *s = open_state(c, &conf, FRAME_OF_ACCESS, 0);

	(void)reduced;
	if (s == NULL)
		return -1;
	c->prepare = prepare_keys;
	c->run = run_match;
	return 0;
}
