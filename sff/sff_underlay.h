/**
 * One worker's part in the underlay: frames that wait for a MAC, questions, answers, and limits on both.
 *
 * Included by the stages that send over a transport or hear from the link, by the worker's loop, and by the
 * report.
 */
#ifndef SFF_UNDERLAY_H
#define SFF_UNDERLAY_H

#include "sff_neighbour.h"
#include "sff_stage.h"

#include <rte_mbuf.h>

struct sff_lcore;

/* Frames held per neighbour: a burst. RFC 4861, 7.2.2 asks for at least one. */
#define SFF_HELD_PER_NEIGHBOUR 64u
/* Held by a worker in all: a sixteenth of the node's packet buffers. */
#define SFF_HELD_MAX 1024u
/* Messages of each kind that a worker sends in a second at most (RFC 1812, 4.3.2.8; RFC 4443, 2.4 (f)). */
#define SFF_ICMP_PER_SECOND 100u

struct sff_rate {
	uint64_t since; /* TSC: where this second began */
	uint32_t used;
};

/* A frame with all its headers but for the destination MAC. */
struct sff_held {
	struct rte_mbuf *pkt;
	uint16_t neighbour;
};

struct sff_underlay {
	uint64_t now; /* TSC at the beginning of the pass */
	uint64_t hz;
	uint64_t originated; /* frames of our own that went to a port's transmit buffer */
	uint32_t n_held;
	uint16_t waiting[SFF_NEIGHBOURS_MAX];  /* frames held, per neighbour */
	uint64_t deadline[SFF_NEIGHBOURS_MAX]; /* TSC: when they are given up */
	struct sff_held held[SFF_HELD_MAX];    /* in the order in which they came */
	struct sff_rate echo, too_big;
};

/**
 * Find the MAC for a frame that a neighbour's is not known to be right for: hold the frame, or send it to a
 * stale one, and ask.
 *
 * @param frame  in pkt, complete but for the destination MAC.
 * @return       SFF_STAGE_PORT_TX with the MAC filled in, SFF_NEXT_KEPT, or a drop. Thread: the lcore.
 */
uint8_t sff_underlay_resolve(struct sff_lcore *lc, struct rte_mbuf *pkt, uint16_t neighbour);

/**
 * The same for a host on the link of a port, which no configuration names.
 *
 * @param own  our address on that link; questions come from there.
 */
uint8_t sff_underlay_resolve_host(struct sff_lcore *lc, struct rte_mbuf *pkt, uint16_t port, uint8_t family,
	const union nsh_addr *address, const union nsh_addr *own);

/** Send what need not wait any more, drop what waited too long, ask again. Once per pass while frames wait.
 */
void sff_underlay_settle(struct sff_lcore *lc);

/** Drop all that is held. */
void sff_underlay_stop(struct sff_lcore *lc);

/**
 * Send a frame of our own; it is counted as originated.
 *
 * @param pkt  of the lcore's pool; not ours afterwards.
 */
void sff_underlay_send(struct sff_lcore *lc, uint16_t port, struct rte_mbuf *pkt);

/** A buffer with the time stamp and place of the frame that it answers; NULL when there is none. */
struct rte_mbuf *sff_underlay_answer_to(struct sff_lcore *lc, const struct rte_mbuf *cause);

/** May one more be sent in this second? */
bool sff_rate_take(struct sff_rate *rate, uint64_t now, uint64_t hz, uint32_t per_second);

/**
 * Tell the sender of a frame that is too big for the way to the next SFF (RFC 1191, RFC 8201), when it
 * entered on this node and it is known where.
 *
 * @param m     NSH and payload.
 * @param room  bytes of NSH and payload that fit.
 */
void sff_too_big(struct sff_lcore *lc, struct rte_mbuf *m, const struct sff_meta *meta, uint32_t room);

#endif
