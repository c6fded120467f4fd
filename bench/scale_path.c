#include "frames.h"
#include "scale.h"
#include "world.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* As in cases_stage.c: sets of buffers take turns. */
#define SETS      8u
#define MAX_SEGS  5u /* of 2 KiB, for 9,000 bytes and headers */
#define ZIPF_LIST (1u << 20)

struct state {
	struct scale *scale;
	struct world w;
	struct rte_mbuf *m[SETS][BENCH_CHUNK];
	unsigned int set, n_bursts;
	struct sff_burst burst[BENCH_CHUNK]; /* of one packet each, at most */
	enum sff_stage first;
	uint16_t port;
	struct frame_maker maker[3]; /* of up to three sizes */
	uint32_t met, draw;          /* the next flow to learn; the next of zipf[] */
	bool learning;
	uint64_t random;
	uint32_t *zipf; /* ZIPF_LIST draws */
	struct cls_key key[BENCH_CHUNK];
};

uint32_t
scale_frame(const struct scale *s, uint32_t i)
{
	static const uint16_t mix[] = {64, 570, 64, 64, 570, 64, 1518, 64, 570, 64, 570, 64};

	return s->frame > 0 ? s->frame : mix[i % RTE_DIM(mix)];
}

static struct frame_maker *
maker_of(struct state *s, uint32_t size)
{
	return &s->maker[size == 570 ? 1 : size == 1518 ? 2 : 0];
}

static uint32_t
next_flow(struct state *s)
{
	if (s->learning)
		return s->met++ & (s->scale->flows - 1);
	if (s->zipf != NULL)
		return s->zipf[s->draw++ % ZIPF_LIST];
	return frame_random(&s->random) & (s->scale->flows - 1);
}

/* Inverse of the distribution, taken as continuous; ranks are scattered over the flows. */
static int
draw_zipf(struct state *s)
{

	s->zipf = malloc(ZIPF_LIST * sizeof(s->zipf[0]));
	for (uint32_t i = 0; s->zipf != NULL && i < ZIPF_LIST; i++) {
		double u = frame_random(&s->random) / 4294967296.0;

		s->zipf[i] = (uint32_t)exp(u * log(s->scale->flows)) * 2654435761u & (s->scale->flows - 1);
	}
	return s->zipf != NULL ? 0 : -1;
}

/* Let a frame be as long as it says: its chain of buffers is there. */
static void
stretch(struct rte_mbuf *m, uint32_t size)
{
	uint32_t left = size;

	m->pkt_len = size;
	for (m->nb_segs = 0; m != NULL; m = m->next) {
		uint32_t part = RTE_MIN(left, (uint32_t)(m->buf_len - m->data_off));

		m->data_len = (uint16_t)part;
		left -= part;
	}
}

static void
prepare(struct bench_case *c)
{
	struct state *s = c->state;
	struct rte_mbuf **m = s->m[s->set++ % SETS];
	uint32_t burst = s->scale->burst, at = 0;

	for (unsigned int i = 0; i < s->n_bursts; i++) {
		struct sff_burst *b = &s->burst[i];

		b->n = (uint16_t)burst;
		memset(b->meta, 0, burst * sizeof(b->meta[0]));
		for (unsigned int k = 0; k < burst; k++, at++) {
			uint32_t flow = next_flow(s), size = scale_frame(s->scale, at), segs = 1;
			struct frame_maker *maker = maker_of(s, size);

			frame_put(maker, m[at], WORLD_SPI + flow % s->scale->paths, flow, 0);
			stretch(m[at], maker->inner_at + size);
			for (struct rte_mbuf *next = m[at]->next; next != NULL; next = next->next)
				segs++;
			m[at]->nb_segs = (uint16_t)segs;
			b->pkt[k] = m[at];
			b->meta[k].port = s->port;
		}
	}
}

static uint32_t
run(struct bench_case *c)
{
	struct state *s = c->state;

	for (unsigned int i = 0; i < s->n_bursts; i++) {
		sff_run(s->w.lc, &s->burst[i], s->first);
		s->w.lc->tx[WORLD_CORE].n = 0;
	}
	return s->n_bursts * s->scale->burst;
}

static int
check(struct bench_case *c)
{
	struct state *s = c->state;

	for (unsigned int d = 0; d < SFC_DROP_MAX; d++)
		if (s->w.lc->dropped[d] > 0) {
			world_say_drops(&s->w);
			return -1;
		}
	return 0;
}

/* Buffers for SETS chunks; longer frames have more of them. */
static int
take_buffers(struct state *s)
{
	uint32_t largest = s->scale->frame > 0 ? s->scale->frame : 1518, segs = 1 + (largest + 200) / 2048;

	for (unsigned int set = 0; set < SETS; set++)
		for (unsigned int i = 0; i < BENCH_CHUNK; i++) {
			struct rte_mbuf *seg[MAX_SEGS];

			if (world_buffers(seg, segs) != 0)
				return -1;
			for (unsigned int k = 0; k + 1 < segs; k++)
				seg[k]->next = seg[k + 1];
			/* Those behind the first have all of their room. */
			for (unsigned int k = 1; k < segs; k++)
				seg[k]->data_off = 0;
			s->m[set][i] = seg[0];
		}
	return 0;
}

static struct state *
open_state(struct bench_case *c, enum frame_kind kind)
{
	struct state *s = aligned_alloc(RTE_CACHE_LINE_SIZE, RTE_ALIGN_CEIL(sizeof(*s), RTE_CACHE_LINE_SIZE));
	struct scale *scale = c->state;
	struct world_conf conf = {.paths = (uint16_t)scale->paths,
		.rules = scale->rules > 1 ? (uint16_t)scale->rules : 0,
		.flows = rte_align32pow2(scale->flows)};

	if (s == NULL)
		return NULL;
	memset(s, 0, sizeof(*s));
	s->scale = scale;
	scale->flows = conf.flows;
	s->n_bursts = BENCH_CHUNK / scale->burst;
	s->first = kind == FRAME_OF_ACCESS ? SFF_STAGE_ACCESS_INPUT : SFF_STAGE_TRANSPORT_INPUT;
	s->port = kind == FRAME_OF_ACCESS ? WORLD_LAN : WORLD_CORE;
	for (uint32_t i = 0; i < 12; i++) {
		uint32_t size = scale_frame(scale, i);
		struct frame_maker *maker = maker_of(s, size);

		frame_maker_init(maker, kind, WORLD_SI, WORLD_TTL, WORLD_THERE, WORLD_HERE, WORLD_VNI);
		if (scale->tlvs != SCALE_MD1)
			frame_maker_md2(maker, scale->tlvs);
		frame_maker_inner(maker, size);
	}
	if ((scale->zipf && draw_zipf(s) != 0) || world_open(&conf, &s->w) != 0 || take_buffers(s) != 0)
		return NULL;
	c->state = s;
	c->prepare = prepare;
	c->run = run;
	c->check = check;
	return s;
}

static int
open_forward(struct bench_case *c)
{
	return open_state(c, FRAME_OF_TRANSPORT) != NULL ? 0 : -1;
}

/* Every flow once, so that the table holds them all. */
static int
open_classify(struct bench_case *c)
{
	struct state *s = open_state(c, FRAME_OF_ACCESS);

	if (s == NULL)
		return -1;
	s->learning = true;
	for (uint32_t i = 0; i < s->scale->flows; i += BENCH_CHUNK) {
		prepare(c);
		run(c);
	}
	s->learning = false;
	return 0;
}

static void
prepare_keys(struct bench_case *c)
{
	struct state *s = c->state;

	for (unsigned int i = 0; i < BENCH_CHUNK; i++) {
		uint32_t random = frame_random(&s->random);

		s->key[i] = (struct cls_key){.source = {172, (uint8_t)(16 + (random >> 28)),
						     (uint8_t)(random >> 20), (uint8_t)(random >> 8)},
			.destination = {192, 168, (uint8_t)(random >> 16), (uint8_t)(random >> 4)},
			.source_port = (uint16_t)(random >> 3),
			.destination_port = (uint16_t)(random >> 12),
			.port = WORLD_LAN,
			.protocol = random & 0x80000 ? 6 : 17,
			.family = 4,
			.has_ports = 1};
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

static int
open_match(struct bench_case *c)
{
	struct state *s = open_state(c, FRAME_OF_ACCESS);

	if (s == NULL)
		return -1;
	c->prepare = prepare_keys;
	c->run = run_match;
	return 0;
}

int (*scale_find(const char *what))(struct bench_case *c)
{
	static const struct {
		const char *name;
		int (*open)(struct bench_case *c);
	} all[] = {{"forward", open_forward}, {"classify", open_classify}, {"match", open_match},
		{"copy-in", scale_copy_in_open}, {"copy-out", scale_copy_out_open},
		{"workers", scale_workers_open}};

	for (size_t i = 0; i < RTE_DIM(all); i++)
		if (strcmp(what, all[i].name) == 0)
			return all[i].open;
	return NULL;
}
