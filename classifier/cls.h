/**
 * The classifier: which flow goes into which service path (RFC 7665 section 4.2).
 *
 * Rules are compiled once (rte_acl) and shared; a flow table per lcore in front of them remembers verdicts.
 * Included by sff. Frames are parsed here once: the same key and hash choose instances and entropy ports.
 */
#ifndef CLS_H
#define CLS_H

#include "sfc_table.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a frame is, as far as rules and flow hashes see it. Compared as bytes: unused fields are zero. */
struct cls_key {
	uint8_t source[16]; /* IPv4 in the first 4 bytes; network byte order */
	uint8_t destination[16];
	uint16_t source_port; /* network byte order; 0 without ports */
	uint16_t destination_port;
	uint16_t port;     /* ingress port index in the node */
	uint8_t protocol;  /* IP protocol after extension headers */
	uint8_t family;    /* 4, 6, or 0: not IP (only rules without L3/L4 fields match) */
	uint8_t has_ports; /* 0: not TCP/UDP/SCTP/UDP-Lite/DCCP, a non-first fragment, or cut short */
	uint8_t pad[7];    /* zero */
};

/* Verdicts: index in the action table of the rule set. 0 and 1 are fixed. */
#define CLS_FORWARD 0u
#define CLS_DROP    1u /* by the rule named in the action, or the default */

struct cls_action {
	uint8_t kind; /* enum sfc_action */
	uint8_t is_default;
	uint16_t path;    /* index in the config, for SFC_ACTION_PATH */
	int32_t rule;     /* index in the config, -1 = default, -2 = reverse of a classified flow */
	uint32_t word[4]; /* MD type 1 context, host order */
};

struct cls;       /* compiled rules of one node: immutable, any lcore */
struct cls_flows; /* flow table of one lcore */

/**
 * Compile the rules of one node. Needs EAL (rte_acl allocates).
 *
 * @return 0, or -errno with one message in err. Thread: control.
 */
int cls_create(const struct sfc_config *config, int node, struct cls **cls, char *err, int err_size);
void cls_destroy(struct cls *cls);

/** The action of a verdict. Thread: any. */
const struct cls_action *cls_action(const struct cls *cls, uint32_t verdict);

/**
 * A flow table of `flows` entries at least (rounded up to a power of two), one 64-byte line each, no pointers
 * inside, so that a restart can map it again.
 */
int cls_flows_create(
	uint32_t flows, uint32_t seed, int socket, struct cls_flows **table, char *err, int err_size);
void cls_flows_destroy(struct cls_flows *table);

/**
 * Parse a frame into a key.
 *
 * Sees through 0-2 VLAN tags (0x8100, 0x88a8) and IPv6 extension headers; non-first fragments have no ports.
 * Any bytes are safe; what cannot be read is treated as absent.
 *
 * @param data   first byte of an Ethernet header, or of the IP header when ethertype is not 0.
 * @param avail  contiguous readable bytes.
 * @param ethertype 0 = data starts at Ethernet; 0x0800 / 0x86DD = data starts at IP.
 */
void cls_parse(const void *data, size_t avail, uint16_t ethertype, uint16_t port, struct cls_key *key);

/** Hash of the flow, the same in both directions and without the ingress port; seeded. Thread: any. */
uint32_t cls_hash(const struct cls_key *key, uint32_t seed);

/**
 * Classify a burst: flow table first, rules for what it does not hold, then remember.
 *
 * @param n        1..64
 * @param hash     cls_hash of each key
 * @param verdict  out, index for cls_action
 * Thread: the owner of `flows`.
 */
void cls_classify(const struct cls *cls, struct cls_flows *flows, const struct cls_key *const key[],
	const uint32_t hash[], uint32_t n, uint32_t verdict[]);

/**
 * Remember that the reverse direction of `key`, entering at port `port`, goes into path `path` (before any
 * rule).
 *
 * `cls` has an action for each reverse path. Thread: the owner of `flows`.
 */
void cls_learn_reverse(const struct cls *cls, struct cls_flows *flows, const struct cls_key *key,
	uint32_t hash, uint16_t port, uint16_t path);

struct cls_stats {
	uint64_t hits, misses, inserts, evictions;
};
void cls_flows_stats(const struct cls_flows *flows, struct cls_stats *stats);

#endif
