/**
 * One worker: its state, and the loop that polls its queues and runs packets to completion.
 *
 * Included by the stages, control (which starts workers and reads their counters) and the tests.
 */
#ifndef SFF_LCORE_H
#define SFF_LCORE_H

#include "sff_pin.h"
#include "sff_plane.h"
#include "sff_stage.h"
#include "sff_underlay.h"

#include "sfc_ledger.h"

#include <rte_common.h>
#include <rte_rcu_qsbr.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define SFF_MAX_PORTS 1024u
/* Frames held for one port: a full window of a lossless replay (SFF_WINDOW) and a burst on top fit. */
#define SFF_TX_BUFFER 256u
/* Frames of a lossless replay inside the chain at once: half a guest ring of 256, so that a ring always has
 * room even when all of them meet in one guest. */
#define SFF_WINDOW 128u

struct sff_tx {
	uint16_t n;
	bool full; /* the port did not take all when it last got some; cleared by mirrors that share it */
	struct rte_mbuf *pkt[SFF_TX_BUFFER];
};

struct sff_stage_count {
	uint64_t calls, packets;
};

/* Of one (SPI, SI) entry: frames given to the hop, frames that came back from a local SF. */
struct sff_hop_count {
	uint64_t in, out;
};

struct sff_path_count {
	uint64_t in;              /* first look-ups on this node */
	uint64_t out;             /* sent to egress or to the next SFF */
	uint64_t unknown_context; /* dropped before a proxy that does not know their metadata */
};

struct sff_proxy;
struct sff_stamps;
struct sff_probe;
struct sff_mirror_lcore;

/* How the worker feeds itself from the external ports. */
enum sff_feed {
	SFF_FEED_LIVE,     /* as it comes; what does not fit is dropped by name */
	SFF_FEED_LOSSLESS, /* only while the window has room; nothing is dropped for want of room */
	SFF_FEED_LOCKSTEP, /* a burst, then until everything drained; output in input order */
};

/* What control tells a worker. */
enum sff_lcore_order {
	SFF_ORDER_RUN,
	SFF_ORDER_DRAIN, /* take nothing from external ports, end when nothing is inside any more */
	SFF_ORDER_STOP,  /* end now */
};

/* What of a worker belongs to one plane: made and freed by control, exchanged by the worker. */
struct sff_view {
	const struct sff_plane *plane;
	struct sff_pins *pins;
	struct sff_hop_count *hop;
	struct sff_path_count *path;
	struct sff_tx *tx;
	uint64_t *written_off;
	struct sff_mirror_lcore *mirror;
	struct sff_proxy **proxy; /* per function: the NSH its proxy keeps; NULL = none to keep */
};

/* dataplane: rw; control reads the counters relaxed. Cold configuration first. */
struct sff_lcore {
	const struct sff_plane *plane;
	struct cls_flows *flows;
	struct sff_pins *pins; /* NULL while no function has a choice */
	struct rte_rcu_qsbr *qsbr;
	struct sff_stamps *stamps;     /* replay: carries time stamps over the VM ports; else NULL */
	struct sff_probe *probe;       /* bench: follows marked frames; else NULL */
	struct pmd_captures *captures; /* replay: done when it is; else NULL */
	struct rte_mempool *pool;
	uint16_t queue;        /* this worker's queue on every port */
	uint8_t feed;          /* enum sff_feed */
	uint16_t lockstep;     /* frames per step */
	_Atomic uint8_t order; /* enum sff_lcore_order; ctlplane: w */
	_Atomic bool done;     /* the loop has ended */
	/* Another plane to work by: ctlplane stores it, the worker exchanges it for what it had and stores
	 * NULL. */
	struct sff_view *_Atomic next;

	/* Counters, plain ++ by this lcore. */
	uint64_t received, sent;
	uint64_t replicated; /* copies made by mirrors */
	uint64_t dropped[SFC_DROP_MAX];
	struct sfc_steering steering;
	struct sff_stage_count stage[SFF_STAGE_MAX];
	struct sff_hop_count *hop;   /* per table entry */
	struct sff_path_count *path; /* per path */
	uint64_t busy_cycles, busy_packets;
	uint64_t begin_tsc, last_tsc; /* the loop's start, its last pass with work */

	/* Written off by a lossless replay after a guest made no progress: no longer waited for. Per SF port.
	 */
	uint64_t *written_off;

	struct sff_proxy **proxy; /* per function: the NSH its proxy keeps; NULL = none to keep */

	struct sff_tx *tx;               /* per port */
	struct sff_mirror_lcore *mirror; /* NULL = the node has no mirrors */
	/* Scratch: bursts by depth of the graph, and what one stage hands to the classifier. */
	struct sff_burst burst[SFF_STAGE_MAX];
	uint8_t depth;
	struct cls_key key[SFF_BURST];
	struct sff_underlay underlay;
} __rte_cache_aligned;

/**
 * Allocate a worker.
 *
 * @param lc  plane, flows, qsbr, stamps, captures, pool, queue, feed and lockstep are the caller's to set
 * after.
 * @return    0 or -ENOMEM. Thread: control.
 */
int sff_lcore_create(const struct sff_plane *plane, uint16_t queue, struct sff_lcore **lc);
void sff_lcore_destroy(struct sff_lcore *lc);

/** Allocate what a worker needs for a plane. @param pins  kept as it is. @return 0 or -ENOMEM. Thread:
 * control. */
int sff_view_create(const struct sff_plane *plane, struct sff_pins *pins, struct sff_view *view);
/** Free it, but for its plane and pins. */
void sff_view_destroy(struct sff_view *view);

/**
 * Work by another plane from here on, between two passes: no frame sees half a change. Transmit buffers are
 * emptied first.
 *
 * @param view  in: the new one; out: what the worker had until now, counters at rest.
 * Thread: the lcore.
 */
void sff_lcore_exchange(struct sff_lcore *lc, struct sff_view *view);

/**
 * The loop: poll, run, transmit, until told to end, or everything was read and drained in a replay.
 *
 * @param arg  struct sff_lcore *. An rte lcore function. Returns 0.
 */
int sff_lcore_main(void *arg);

/**
 * One pass over all queues. For the loop and for tests.
 *
 * @param external  also take frames from external ports.
 * @return          packets handled. Thread: the lcore.
 */
uint32_t sff_lcore_poll(struct sff_lcore *lc, bool external);

/** Give every transmit buffer to its port. Returns frames taken. Thread: the lcore. */
uint32_t sff_lcore_flush(struct sff_lcore *lc);

/** Frames inside SFs and transmit buffers that a replay still waits for. Thread: the lcore, or after it
 * ended. */
uint64_t sff_lcore_in_flight(const struct sff_lcore *lc);

#endif
