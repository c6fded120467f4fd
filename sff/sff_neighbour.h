/**
 * Next hops and their MAC addresses (RFC 826, RFC 4861): one table for all workers.
 *
 * The next hops that the configuration names have an entry each, made by control, for ever. Hosts are those
 * that paths of IP payload end at: workers make their entries when a packet goes there, in a part of the
 * table that is bounded, and an entry that nobody used for a while is given to another. A stranger on the
 * link cannot fill the table: what is heard is noted for entries that exist, no other. MAC and "known" are
 * one atomic word: any worker that hears an answer writes it, every worker reads it, none takes a lock. Who
 * wants to ask races for the entry's next question; one wins.
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
#define SFF_NEXT_HOPS_MAX 1152u
/* Hosts, in buckets of as many as are looked at for one. */
#define SFF_HOSTS_MAX      4096u
#define SFF_HOST_WAYS      8u
#define SFF_NEIGHBOURS_MAX (SFF_NEXT_HOPS_MAX + SFF_HOSTS_MAX)
/* A host's entry is another's after so long without use: longer than frames wait for a MAC. */
#define SFF_HOST_IDLE_SECONDS 10u

struct sff_neighbour {
	_Atomic uint64_t mac;        /* its 6 bytes in memory order and SFF_NEIGHBOUR_KNOWN; 0 = not known */
	_Atomic uint64_t confirmed;  /* TSC of the last answer */
	_Atomic uint64_t ask_at;     /* TSC before which nobody asks again */
	_Atomic uint64_t doubted;    /* TSC of the first question about a stale MAC; 0 = there was none */
	union nsh_addr address, own; /* of the next hop; ours on that link */
	uint16_t port;
	uint8_t family; /* enum nsh_family; a host's is NSH_NO_IP while the entry is free */
	/* Of a host: who it is may change while this is even and nobody holds the entry. */
	_Atomic uint32_t version;
	_Atomic uint32_t holders;
	_Atomic uint64_t used; /* TSC */
} __rte_cache_aligned;

#define SFF_NEIGHBOUR_KNOWN (UINT64_C(1) << 63)

struct sff_neighbours {
	uint16_t n;                                     /* next hops; only control adds */
	unsigned int planes;                            /* that use it; control */
	struct sff_neighbour entry[SFF_NEIGHBOURS_MAX]; /* next hops, then hosts */
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

/**
 * The entry of a host, as it is at this moment: what is read of it holds if sff_neighbour_is_still() says so
 * afterwards. NULL = there is none.
 *
 * Thread: any lcore.
 */
struct sff_neighbour *sff_neighbours_host(struct sff_neighbours *table, uint16_t port, uint8_t family,
	const union nsh_addr *address, uint32_t *version);

/** Find or make the entry of a host and hold it: it stays what it is until sff_neighbour_release(). NULL =
 * the entries it may take are all in use. Thread: any lcore. @param now TSC. */
struct sff_neighbour *sff_neighbours_hold_host(struct sff_neighbours *table, uint16_t port, uint8_t family,
	const union nsh_addr *address, const union nsh_addr *own, uint64_t now, uint64_t hz);

/** The entry of an address, of a next hop or a host, held; NULL when it is neither. Thread: any lcore. */
struct sff_neighbour *sff_neighbours_hold(
	struct sff_neighbours *table, uint16_t port, uint8_t family, const union nsh_addr *address);

/** Hold an entry that is held already. */
static inline void
sff_neighbour_hold_more(struct sff_neighbour *n)
{
	atomic_fetch_add_explicit(&n->holders, 1, memory_order_seq_cst);
}

static inline void
sff_neighbour_release(struct sff_neighbour *n)
{
	atomic_fetch_sub_explicit(&n->holders, 1, memory_order_release);
}

static inline bool
sff_neighbour_is_still(const struct sff_neighbour *n, uint32_t version)
{
	atomic_thread_fence(memory_order_acquire);
	return atomic_load_explicit(&n->version, memory_order_relaxed) == version;
}

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
