/**
 * Next hops of the underlay and their MAC addresses (RFC 826, RFC 4861): one table for all workers.
 *
 * An entry exists for each next hop that the tables name and no other, so it is bounded by the configuration
 * and a stranger on the link cannot fill it. MAC and "known" are one atomic word: any worker that hears an
 * answer writes it, every worker reads it, none takes a lock. Who wants to ask races for the entry's next
 * question; one wins.
 *
 * States, told from the fields: incomplete (no MAC), reachable (confirmed less than SFF_REACHABLE_SECONDS
 * ago), stale (used on, but asked for again when it is; without an answer it becomes incomplete).
 *
 * Included by sff_plane (who makes entries), sff_underlay and the stages that send or hear.
 */
#ifndef SFF_NEIGHBOUR_H
#define SFF_NEIGHBOUR_H

#include "nsh_ip.h"
#include "sfc_table.h"

#include <rte_common.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* RFC 4861, 10: REACHABLE_TIME, RETRANS_TIMER, MAX_MULTICAST_SOLICIT and MAX_UNICAST_SOLICIT. */
#define SFF_REACHABLE_SECONDS 30u
#define SFF_PROBE_SECONDS     1u
#define SFF_PROBES            3u
/* Nodes of a domain (sluice.yang) and two gateways for each of 64 ports. */
#define SFF_NEIGHBOURS_MAX 1152u

struct sff_neighbour {
	_Atomic uint64_t mac;        /* its 6 bytes in memory order and SFF_NEIGHBOUR_KNOWN; 0 = not known */
	_Atomic uint64_t confirmed;  /* TSC of the last answer */
	_Atomic uint64_t ask_at;     /* TSC before which nobody asks again */
	_Atomic uint64_t doubted;    /* TSC of the first question about a stale MAC; 0 = there was none */
	union nsh_addr address, own; /* of the next hop; ours on that link */
	uint16_t port;
	uint8_t family; /* enum nsh_family */
} __rte_cache_aligned;

#define SFF_NEIGHBOUR_KNOWN (UINT64_C(1) << 63)

struct sff_neighbours {
	uint16_t n;          /* entries; only control adds */
	unsigned int planes; /* that use it; control */
	struct sff_neighbour entry[SFF_NEIGHBOURS_MAX];
};

/** An empty table with one user, or NULL. Thread: control. */
struct sff_neighbours *sff_neighbours_create(void);
/** One user less; the last one frees it. NULL is none. Thread: control. */
void sff_neighbours_leave(struct sff_neighbours *table);

/**
 * Find or add the entry of a next hop.
 *
 * @param own  our address that questions come from.
 * @return     index, or SFC_NONE when the table is full. Thread: control.
 */
uint16_t sff_neighbours_add(struct sff_neighbours *table, uint16_t port, uint8_t family,
	const union nsh_addr *address, const union nsh_addr *own);

/** The entry of an address, NULL when it is no next hop of ours. Thread: any lcore. */
struct sff_neighbour *sff_neighbours_find(
	struct sff_neighbours *table, uint16_t port, uint8_t family, const union nsh_addr *address);

/** What was heard of a neighbour. */
enum sff_heard {
	SFF_HEARD_ANSWER, /* to a question of ours, or said to all: it is so */
	SFF_HEARD_CLAIM,  /* somebody says so (RFC 4861, 7.2.3): a MAC that is new has to be confirmed */
};

/** Note a MAC. Thread: any lcore. @param now TSC. */
void sff_neighbour_learn(struct sff_neighbour *neighbour, const uint8_t mac[6], enum sff_heard heard,
	uint64_t now, uint64_t hz);

/** RFC 4861, 7.2.5: an advertisement without Override does not change a MAC, it makes it doubtful. */
void sff_neighbour_doubt(struct sff_neighbour *neighbour, uint64_t now, uint64_t hz);

static inline bool
sff_neighbour_is_fresh(const struct sff_neighbour *n, uint64_t now, uint64_t hz)
{
	return now - atomic_load_explicit(&n->confirmed, memory_order_relaxed) < SFF_REACHABLE_SECONDS * hz;
}

#endif
