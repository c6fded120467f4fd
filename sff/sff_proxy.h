/**
 * What a proxy keeps of the NSH it takes off (RFC 8300, 3; RFC 7665, 4.6): a table of directions of flows.
 *
 * One table per worker and NSH-unaware function; all of its memory is there from the start. A line of eight
 * places is searched at once; a new flow takes an empty place, one that has been idle for too long, or the
 * one that was used least lately. Headers up to MD type 1 stand beside their flow, longer ones in a bounded
 * number of blocks, where the next one in turn makes way when all are taken.
 *
 * Included by the proxy stages, sff_lcore.c and tests. Thread: the owner.
 */
#ifndef SFF_PROXY_H
#define SFF_PROXY_H

#include "cls.h"
#include "eth.h"

#include <rte_cycles.h>

#include <stdint.h>

struct rte_mbuf;
struct sff_lcore;
struct sff_meta;
struct sff_proxy;

/* Time of the table: 2^27 cycles are a twentieth of a second on a CPU of 2.7 GHz. */
#define SFF_PROXY_TICK_SHIFT 27

static inline uint32_t
sff_proxy_now(void)
{
	return (uint32_t)(rte_rdtsc() >> SFF_PROXY_TICK_SHIFT);
}

/* Any lcore's control may read them; plain ++ by the owner. */
struct sff_proxy_count {
	uint64_t saved;     /* flows entered */
	uint64_t restored;  /* frames that got their header back */
	uint64_t templated; /* frames that got a header made anew */
	uint64_t missed;    /* frames whose flow was not known */
	uint64_t evicted;   /* flows that made way before their time */
	uint64_t answered;  /* ARP and neighbour solicitations of SFs answered */
};

/* A header that was kept; valid until the next save. */
struct sff_proxy_saved {
	const uint8_t *nsh;
	uint16_t size;
	uint8_t macs[2 * ETH_MAC_SIZE]; /* DA and SA of the frame inside, when it was one */
};

/**
 * @param flows   directions of flows it holds at least; 1..2^24.
 * @param idle_s  seconds without use after which one is forgotten.
 * @return        0 or -ENOMEM. Thread: control.
 */
int sff_proxy_create(uint32_t flows, uint32_t idle_s, struct sff_proxy **proxy);
void sff_proxy_destroy(struct sff_proxy *proxy);

/**
 * Put the header back on a frame that was made ready for an SF, which did not get it. Position and payload
 * are noted as of a frame with NSH.
 *
 * @param meta  port is the SF's.
 * @return      false: what was kept is not there, or no room; the frame may be changed. Thread: the lcore.
 */
bool sff_proxy_take_back(struct sff_lcore *lc, struct rte_mbuf **pm, struct sff_meta *meta);

/** Places for flows. */
uint32_t sff_proxy_size(const struct sff_proxy *proxy);

/**
 * Keep a header under a key; what was kept under it is replaced.
 *
 * @param size  of the header, 8..252.
 * @param now   sff_proxy_now(), or any clock that ticks like it.
 */
void sff_proxy_save(struct sff_proxy *proxy, const struct cls_key *key, uint32_t now, const uint8_t *nsh,
	uint16_t size, const uint8_t macs[2 * ETH_MAC_SIZE]);

/** Find the header of a key and note its use. @return false: never seen, idle for too long, or evicted. */
bool sff_proxy_find(
	struct sff_proxy *proxy, const struct cls_key *key, uint32_t now, struct sff_proxy_saved *saved);

struct sff_proxy_count *sff_proxy_count(struct sff_proxy *proxy);

#endif
