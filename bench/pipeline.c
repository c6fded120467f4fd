#include "way.h"

/* Buffers that go round: enough for bursts in flight, few enough for L2. */
#define BUFFERS 256u

enum {
	FORWARD,  /* from the transport to the next SFF */
	CLASSIFY, /* from an access port, 74 bytes pushed, to the next SFF */
	FUSED,    /* the same over a local SF: classifier and SFF in one */
};

static uint32_t
run(struct bench_case *c)
{
	return way_run(c->state, BENCH_CHUNK);
}

static int
open_pipeline(struct bench_case *c, bool reduced)
{
	enum frame_kind kind = c->arg == FORWARD ? FRAME_OF_TRANSPORT : FRAME_OF_ACCESS;
	struct way *way = way_open(c, kind, c->arg == FUSED, BUFFERS, reduced);

	c->run = run;
	return way != NULL ? way_verify(c, way_learn_frames(way)) : -1;
}

static struct bench_case cases[] = {
	{.name = "sff_fwd", .frame = 138, .paths = 16, .ws = "L2", .open = open_pipeline, .arg = FORWARD},
	{.name = "cls_64k",
		.frame = 64,
		.paths = 16,
		.flows = 1 << 16,
		.ws = "spill",
		.open = open_pipeline,
		.arg = CLASSIFY},
	{.name = "cls_1m",
		.frame = 64,
		.paths = 16,
		.flows = 1 << 20,
		.ws = "spill",
		.open = open_pipeline,
		.arg = CLASSIFY},
	{.name = "fused",
		.frame = 64,
		.paths = 16,
		.flows = 1 << 16,
		.ws = "spill",
		.open = open_pipeline,
		.arg = FUSED},
};

int
main(int argc, char **argv)
{
	return bench_main("pipeline", cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
