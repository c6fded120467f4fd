/**
 * A way through a whole node: frames from a source, through the worker's loop, into a sink.
 *
 * Included by pipeline.c and e2e.c. Each frame of the first and the last ones is looked at.
 */
#ifndef BENCH_WAY_H
#define BENCH_WAY_H

#include "bench.h"
#include "world.h"

/* Flows where their number is not the point. */
#define WAY_FEW_FLOWS 4096u
/* Frames that are looked at one by one before and after a measurement, at least. */
#define WAY_VERIFY (1u << 16)

struct way {
	struct world w;
	struct memory_source source;
	struct frame_expect expect;
	struct memory_port *in, *out;
	uint32_t buffers;
	bool stuck; /* frames went in and nothing came out any more */
};

/**
 * Build a node and the way through it; run() is the caller's.
 *
 * @param kind     of the frames that come in: ACCESS from port lan, TRANSPORT from port core.
 * @param near     the paths pass the local SF.
 * @param buffers  that go round: no more frames are ever in flight.
 * @param reduced  few flows.
 * @return         NULL, said.
 */
struct way *way_open(struct bench_case *c, enum frame_kind kind, bool near, uint32_t buffers, bool reduced);

/** Send frames and look at each one that comes out; then nothing may be left inside. 0 or -1, said. */
int way_verify(struct bench_case *c, uint32_t frames);

/** Poll until `frames` came out; they did not if nothing moves for seconds (stuck). Returns what came out. */
uint32_t way_run(struct way *way, uint32_t frames);

/** Frames that let every flow come at least once, so that the classifier knows them all. */
uint32_t way_learn_frames(const struct way *way);

#endif
