/**
 * Ports in memory: a source that makes frames, a sink that takes them back, an SF that answers at once.
 *
 * Included by world.h. No device, no pool: a source's buffers go round, so that what is measured is the node.
 */
#ifndef BENCH_MEMORY_PORT_H
#define BENCH_MEMORY_PORT_H

#include "frames.h"

#include "pmd.h"

#include <stdbool.h>
#include <stdint.h>

#define MEMORY_PORT_BUFFERS 1024u

struct memory_source {
	struct rte_mbuf *free[MEMORY_PORT_BUFFERS];
	uint32_t n_free;
	uint32_t left; /* frames it may still give; UINT32_MAX = no end */
	struct frame_maker maker;
	uint32_t spi, paths; /* frame of flow f has SPI spi + f % paths */
	uint32_t flows;      /* a power of two */
	uint32_t met;        /* flows that came once */
	uint64_t random;
	uint32_t sequence;
	/* What comes back is checked, frame by frame, while this is set. */
	const struct frame_expect *expect;
	uint32_t *seen; /* per flow: sequence of the last frame that arrived */
	const char *wrong;
	uint64_t given, taken;
};

struct memory_port {
	struct pmd_port pmd;                        /* first: a pmd_port is a memory_port */
	struct memory_source *source;               /* rx: where frames come from, per queue; NULL = none */
	struct memory_source *sink;                 /* tx: whose buffers come back; NULL on an SF port */
	struct rte_mbuf *held[MEMORY_PORT_BUFFERS]; /* an SF's */
	uint32_t n_held;
};

/** Ports that are neither source nor sink yet. */
void memory_port_init(struct memory_port *port, const char *name);

/** Take up to n frames from a source: what a port's rx does, and all that a null DUT has. */
uint16_t memory_source_take(struct memory_source *source, struct rte_mbuf **pkts, uint16_t n);
void memory_source_return(struct memory_source *source, struct rte_mbuf **pkts, uint16_t n);

#endif
