/**
 * The compiled service plane of one node: an immutable table set that the packet path reads.
 *
 * (SPI, SI) lookup is two array reads: SPI -> row, row + (initial SI - SI) -> entry. Built by control, read
 * by every lcore, never changed; up/down of instances is a flag array beside it, so failover needs no
 * rebuild. Included by the classifier and sff.
 */
#ifndef SFC_TABLE_H
#define SFC_TABLE_H

#include "sfc_config.h"

#include "nsh_ip.h"

#include <stddef.h>
#include <stdint.h>

#define SFC_SPI_MAX 0xFFFFFFu /* 24 bits, RFC 8300 2.3 */
/* Slots of a function's balance table: 32 for each of 64 instances of weight 1. With 2048, a fifth instance
 * takes 20 % of the flows give or take 0.6 (tests/sfc/test_group.c); 4 KiB stay in a core's first-level
 * cache. */
#define SFC_GROUP_SLOTS 2048u
#define SFC_NONE        UINT16_MAX

enum sfp_kind {
	SFP_SF,       /* a service function: choose an instance of group `index` */
	SFP_TERMINAL, /* the path ends here: pop NSH, send to port `index` of this node */
	SFP_REMOTE,   /* the path ends on another node: send to remote `index` */
};

#define SFP_SECURE 1u /* entry flag: the path is secure */

/* Next hop of one (SPI, SI). 8 bytes: eight entries in a cache line. */
struct sfp_entry {
	uint8_t kind;  /* enum sfp_kind */
	uint8_t flags; /* SFP_SECURE */
	uint16_t index;
	uint16_t path; /* index in table->path, for counters */
	uint16_t vlan; /* of this position at a proxied function of style vlan, else 0 */
};

/* Where the entries of one SPI are. */
struct sfp_row {
	uint32_t base;      /* of its entries */
	uint16_t count;     /* hops + 1 (terminal) */
	uint8_t initial_si; /* SI of entry `base` */
	uint8_t pad;
};

enum sfc_target_kind {
	SFC_TARGET_LOCAL,  /* instance on this node: `index` = instance in the config */
	SFC_TARGET_REMOTE, /* instance on another node: `index` = remote */
};

/* Of an instance, beside the table. */
enum sfc_state {
	SFC_DOWN,
	SFC_UP,
	SFC_DRAINING, /* keeps the flows it has; is chosen for no other */
};

/* One instance as a next hop. */
struct sfc_target {
	uint16_t kind; /* enum sfc_target_kind */
	uint16_t index;
	uint16_t instance; /* index in the config, for the up flag and counters */
	uint16_t pad;
};

/* A function's instances and who gets which hash. Slots hold indices in table->target; all of them SFC_NONE
 * when there is no target. */
struct sfc_group {
	uint16_t function;  /* index in the config */
	uint16_t n_targets; /* of all nodes */
	uint16_t n_local;   /* the first n_local of them are this node's */
	uint8_t on_failure; /* enum sfc_on_failure */
	uint8_t pad;
	uint32_t first_target; /* in table->target */
	uint32_t first_branch; /* in table->branch: paths its SFs may move a frame to */
	uint32_t n_branches;
	uint32_t first_position; /* in table->position: where it stands, when it is not NSH-aware */
	uint32_t n_positions;
	uint16_t slot[SFC_GROUP_SLOTS];       /* over all targets */
	uint16_t slot_local[SFC_GROUP_SLOTS]; /* over local targets only */
};

/* Another node as the next SFF. For control, which makes a header template of it. */
struct sfc_remote {
	uint16_t node; /* index in the config */
	uint16_t port; /* our port that leads there */
	struct sfc_locator ours, theirs;
	bool has_dmac; /* else next_hop is to be resolved */
	uint8_t dmac[6];
	struct sfc_addr next_hop;
};

/* What the classifier pushes for a path. */
struct sfc_table_path {
	uint32_t sp; /* SPI << 8 | initial SI, host order */
	uint8_t ttl;
	uint8_t md_type;
	uint8_t has_words;    /* some rule gives it metadata: its MD type 1 layout is known */
	int16_t reverse_port; /* this path's egress port on this node when it has a reverse path, else -1 */
	uint16_t reverse;     /* that reverse path's index, else SFC_NONE */
};

struct sfc_table {
	uint32_t spi_limit; /* row_of has this many entries; SPIs at or above have no path */
	uint16_t *row_of;   /* SPI -> row, 0 = none */
	struct sfp_row *row;
	struct sfp_entry *entry;
	struct sfc_target *target;
	struct sfc_group *group; /* one per function, same index as in the config */
	struct sfc_remote *remote;
	uint16_t *branch;            /* paths, sorted within each group */
	uint32_t *position;          /* SPI << 8 | SI, in file order within each group */
	struct sfc_table_path *path; /* one per path, same index as in the config */
	uint32_t n_rows, n_entries, n_targets, n_groups, n_remotes, n_paths, n_branches;
	int node; /* whose table this is */
	/* What NSH is accepted from: addresses of every other node's locators, memory order, sorted. */
	union nsh_addr *peer4, *peer6;
	uint64_t *peer_mac; /* sfc_mac_key() */
	uint32_t n_peers4, n_peers6, n_peers_mac;
};

/**
 * Build the table set of one node.
 *
 * @param config  loaded configuration; not kept.
 * @param node    index of the node.
 * @param table   on success the table, owned by the caller (sfc_table_free).
 * @param err     one message that says what cannot be built (for example a hop to a node whose MAC is
 * unknown).
 * @return        0, -EINVAL or -ENOMEM. Thread: control.
 *
 * A path that no rule, no instance and no egress of this node takes part in, and that leads to a node which
 * cannot be reached from here, has no row.
 */
int sfc_table_build(
	const struct sfc_config *config, int node, struct sfc_table **table, char *err, int err_size);
void sfc_table_free(struct sfc_table *table);

/** Where the entries of (SPI, SI)'s SPI are; row 0, which has none, when there is no such path. Thread: any
 * lcore. */
static inline const struct sfp_row *
sfp_row(const struct sfc_table *table, uint32_t sp)
{
	uint32_t spi = sp >> 8;

	return &table->row[spi < table->spi_limit ? table->row_of[spi] : 0];
}

/**
 * Next hop of (SPI, SI). Source: RFC 8300 section 3.
 *
 * @param sp  SPI << 8 | SI, host order, any value.
 * @return    entry, or NULL; *known_spi tells "no such path" from "no hop at this index".
 * Thread: any lcore.
 */
static inline const struct sfp_entry *
sfp_lookup(const struct sfc_table *table, uint32_t sp, int *known_spi)
{
	const struct sfp_row *row = sfp_row(table, sp);
	uint32_t offset = (uint32_t)row->initial_si - (sp & 0xff);

	*known_spi = row != table->row;
	if (offset >= row->count) /* a higher SI wraps to a huge offset */
		return NULL;
	return &table->entry[row->base + offset];
}

/** The word of a path's first hop, for a (SPI, SI) whose SPI is known. Thread: any lcore. */
static inline uint32_t
sfp_first(const struct sfc_table *table, uint32_t sp)
{
	return (sp & ~0xffu) | table->row[table->row_of[sp >> 8]].initial_si;
}

/**
 * May an SF of this group move a frame to the beginning of a path (RFC 7665, 4.8)?
 *
 * @param path  index of the path.
 * Thread: any lcore.
 */
bool sfc_group_may_branch(const struct sfc_table *table, const struct sfc_group *group, uint16_t path);

/**
 * Does a function have a position on the path of this entry? Looks through the whole path: for drops only.
 *
 * Thread: any lcore.
 */
bool sfp_has_function(const struct sfc_table *table, uint32_t spi, uint16_t function);

/**
 * Choose an instance by flow hash.
 *
 * @param up          enum sfc_state per instance of the config; only those that are up are chosen.
 * @param hash        of the flow, the same for both directions.
 * @param local_only  the frame came over a transport: a local instance if one is up, else a remote one.
 * @return            target index in table->target, or SFC_NONE when all are down.
 * Thread: any lcore.
 */
uint16_t sfc_group_choose(const struct sfc_table *table, const struct sfc_group *group, const uint8_t *up,
	uint32_t hash, int local_only);

/** A MAC as a number to compare. */
static inline uint64_t
sfc_mac_key(const uint8_t mac[6])
{
	uint64_t key = 0;

	memcpy(&key, mac, 6);
	return key;
}

/**
 * Is this the address of another node? Thread: any lcore.
 *
 * @param family  enum nsh_family, not NSH_NO_IP.
 */
static inline bool
sfc_is_peer(const struct sfc_table *table, uint8_t family, const union nsh_addr *address)
{
	const union nsh_addr *peer = family == NSH_IPV4 ? table->peer4 : table->peer6;
	uint32_t low = 0, high = family == NSH_IPV4 ? table->n_peers4 : table->n_peers6;

	while (low < high) {
		uint32_t mid = (low + high) >> 1;
		const union nsh_addr *p = &peer[mid];

		if (p->half[0] < address->half[0] ||
			(p->half[0] == address->half[0] && p->half[1] < address->half[1]))
			low = mid + 1;
		else
			high = mid;
	}
	return low < (family == NSH_IPV4 ? table->n_peers4 : table->n_peers6) &&
	       nsh_addr_equal(&peer[low], address);
}

/** sfc_is_peer() of an IPv4 address. Thread: any lcore. */
static inline bool
sfc_is_peer4(const struct sfc_table *table, rte_be32_t address)
{
	/* Of such addresses only the first half is not 0. */
	uint64_t key = nsh_addr_of4(address).half[0];
	uint32_t low = 0, high = table->n_peers4;

	while (low < high) {
		uint32_t mid = (low + high) >> 1;

		if (table->peer4[mid].half[0] < key)
			low = mid + 1;
		else
			high = mid;
	}
	return low < table->n_peers4 && table->peer4[low].half[0] == key;
}

/** Is this the MAC of another node's Ethernet locator? Thread: any lcore. */
static inline bool
sfc_is_peer_mac(const struct sfc_table *table, const uint8_t mac[6])
{
	uint64_t key = sfc_mac_key(mac);
	uint32_t low = 0, high = table->n_peers_mac;

	while (low < high) {
		uint32_t mid = (low + high) >> 1;

		if (table->peer_mac[mid] < key)
			low = mid + 1;
		else
			high = mid;
	}
	return low < table->n_peers_mac && table->peer_mac[low] == key;
}

#endif
