/**
 * The classifier: which flow goes into which service path (RFC 7665 section 4.2).
 *
 * Rules are compiled once (rte_acl) and shared; a flow table per lcore in front of them remembers verdicts.
 * Included by sff. Frames are parsed here once: the same key and hash choose instances and entropy ports.
 */
#ifndef CLS_H
#define CLS_H

#include "sfc_table.h"

#include "eth.h"
#include "nsh_ip.h"

#include <assert.h>
#include <netinet/in.h>
#include <nmmintrin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define CLS_PORTS_SIZE 4 /* source and destination: the first four bytes of each protocol that has them */

/* What a frame is, as far as rules and flow hashes see it. Compared as bytes: unused fields are zero. */
struct cls_key {
	uint8_t source[16]; /* IPv4 in the first 4 bytes; network byte order */
	uint8_t destination[16];
	uint16_t source_port; /* network byte order; 0 without ports */
	uint16_t destination_port;
	uint16_t port;     /* ingress port index in the node */
	uint8_t protocol;  /* IP protocol after extension headers; 0 when their end cannot be read */
	uint8_t family;    /* 4, 6, or 0: not IP (only rules without L3/L4 fields match) */
	uint8_t has_ports; /* 0: not TCP/UDP/SCTP/UDP-Lite/DCCP, a non-first fragment, or cut short */
	uint8_t fragment;  /* 1: first or later fragment of a datagram: its hash is of the addresses only */
	uint8_t pad[6];    /* zero */
};

static_assert(sizeof(struct cls_key) == 48, "a flow is its key and 16 bytes more in one line");

/* Verdicts: index in the action table of the rule set. 0 and 1 are fixed: one of them is the default. A rule
 * that forwards or drops has an action of its own, so ask the action's kind. */
#define CLS_FORWARD 0u
#define CLS_DROP    1u

struct cls_action {
	uint8_t kind;       /* enum sfc_action */
	uint8_t is_default; /* 1: no rule matched */
	uint16_t path;      /* index in the config, for SFC_ACTION_PATH */
	int32_t rule;       /* index in the config, -1 = default, -2 = reverse of a classified flow */
	uint32_t word[4];   /* MD type 1 context, host order */
};

#define CLS_BURST_MAX 64u /* keys in one call */

struct cls;       /* compiled rules of one node: immutable, any lcore */
struct cls_flows; /* flow table of one lcore */

/**
 * Compile the rules of one node. Needs EAL (rte_acl allocates).
 *
 * The first rule that matches wins. Rules whose port is on another node are left out. Actions: forward, drop,
 * one for each rule, one for each path that is the reverse of another.
 *
 * @param config  read, not kept.
 * @param cls     on success the rules, owned by the caller (cls_destroy, when no lcore uses them any more).
 * @return        0, -E2BIG (a rule's port lists multiply to too many), -ENOMEM; one message in err.
 * Thread: control.
 */
int cls_create(const struct sfc_config *config, int node, struct cls **cls, char *err, int err_size);
void cls_destroy(struct cls *cls);

/**
 * Let flows that an earlier rule set knew as the way back of others stay that, where the path they take is
 * still the reverse of some path. No rule says it, and the flow it is the way back of may be silent. All
 * other flows ask the new rules.
 *
 * @param cls   new, of `config`; no lcore uses it yet.
 * @param from  of `from_config`, both read, not kept. What it inherited itself is inherited, too, over the
 *              last 8 changes.
 * @return      0 or -ENOMEM (cls is good, but knows less). Thread: control.
 */
int cls_inherit(struct cls *cls, const struct sfc_config *config, const struct cls *from,
	const struct sfc_config *from_config);

/** Verdicts there are: indices for cls_action run below this. Thread: any. */
uint32_t cls_verdicts(const struct cls *cls);

/** The action of a verdict. Thread: any. */
const struct cls_action *cls_action(const struct cls *cls, uint32_t verdict);

/**
 * A table that holds `flows` flows: twice as many lines of 64 bytes, rounded up to a power of two, so that
 * nearly every flow is found in the first line. Never grows: a new flow may take the line of an idle one. No
 * pointers inside, so that a restart can map it again.
 *
 * @param flows   1..CLS_FLOWS_MAX.
 * @param seed    of the place in the table; need not be that of cls_hash.
 * @param socket  NUMA node its memory should be on; -1 = any.
 * @return        0, -EINVAL, -ENOMEM; one message in err. Thread: control.
 */
#define CLS_FLOWS_MAX (1u << 26) /* 8 GiB of lines: beyond any machine we know */
int cls_flows_create(
	uint32_t flows, uint32_t seed, int socket, struct cls_flows **table, char *err, int err_size);
void cls_flows_destroy(struct cls_flows *table);

/**
 * Parse a frame into a key.
 *
 * Sees through 0-2 VLAN tags (0x8100, 0x88a8, 0x9100) and IPv6 extension headers; non-first fragments have no
 * ports. The length in the IP header bounds what is read, so Ethernet padding is never taken for ports. Any
 * bytes are safe; what cannot be read is treated as absent.
 *
 * @param data   first byte of an Ethernet header, or of the IP header when ethertype is not 0.
 * @param avail  contiguous readable bytes.
 * @param ethertype 0 = data starts at Ethernet; 0x0800 / 0x86DD = data starts at IP.
 */
void cls_parse(const void *data, size_t avail, uint16_t ethertype, uint16_t port, struct cls_key *key);

/**
 * cls_parse() of a frame that is whole TCP or UDP over IPv4 without options, in Ethernet without tags.
 *
 * @return  false: it is something else, the key is not written.
 */
static inline bool
cls_parse_plain(const uint8_t *frame, size_t avail, uint16_t port, struct cls_key *key)
{
	const struct nsh_ipv4_hdr *ip = (const struct nsh_ipv4_hdr *)(frame + ETH_HDR_SIZE);
	const uint8_t *ports = (const uint8_t *)(ip + 1);

	/* EtherType, version and header length; the fourth byte is DSCP and ECN. */
	if (avail < ETH_HDR_SIZE + NSH_IPV4_SIZE + CLS_PORTS_SIZE ||
		((nsh_load32(frame + ETH_HDR_SIZE - 2) ^
			 RTE_BE32(ETH_IPV4 << 16 | NSH_IPV4_VERSION_IHL << 8)) &
			RTE_BE32(0xFFFFFF00)) != 0 ||
		(ip->fragment & RTE_BE16(NSH_IPV4_FRAGMENT_MASK)) != 0 ||
		(ip->protocol != IPPROTO_UDP && ip->protocol != IPPROTO_TCP) ||
		rte_be_to_cpu_16(ip->total_size) < NSH_IPV4_SIZE + CLS_PORTS_SIZE)
		return false;
	/* In stores as wide as what is read of them later, which so need not wait for the store buffer. */
	__m128i *words = (__m128i *)key;
	_mm_storeu_si128(&words[0], _mm_cvtsi32_si128((int)ip->src));
	_mm_storeu_si128(&words[1], _mm_cvtsi32_si128((int)ip->dst));
	_mm_storeu_si128(&words[2], _mm_set_epi64x(1 /* has_ports */,
					    (int64_t)(nsh_load32(ports) | (uint64_t)port << 32 |
						      (uint64_t)ip->protocol << 48 | UINT64_C(4) << 56)));
	return true;
}

/* CRC32C of one end of a flow: address, and port in network byte order. */
static inline uint64_t
cls_hash_end(uint64_t seed, const uint8_t address[16], uint16_t port)
{
	uint64_t half[2];

	memcpy(half, address, sizeof(half));
	return _mm_crc32_u64(_mm_crc32_u64(_mm_crc32_u64(seed, half[0]), half[1]), port);
}

/**
 * Hash of the flow: addresses, ports and protocol, the same in both directions, without the ingress port.
 *
 * All fragments of a datagram have the same hash (of the addresses alone), which may differ from that of the
 * unfragmented packets of its flow. Spreads well; it is no defence against someone who chooses the flows.
 *
 * Thread: any.
 */
static inline uint32_t
cls_hash(const struct cls_key *key, uint32_t seed)
{
	/* Only the first fragment has ports, so no fragment may be told by them (nor by the protocol, which
	 * IPv6 may hide from all but the first). */
	uint32_t with_ports = key->fragment != 0 ? 0 : UINT32_MAX;
	uint64_t a = cls_hash_end(seed, key->source, (uint16_t)(key->source_port & with_ports));
	uint64_t b = cls_hash_end(seed, key->destination, (uint16_t)(key->destination_port & with_ports));
	uint64_t low = a < b ? a : b;
	uint64_t high = a < b ? b : a;

	return (uint32_t)_mm_crc32_u64(key->protocol & with_ports, low | high << 32);
}

/**
 * Match against the rules alone, for explain and for what the flow table does not hold.
 *
 * @param n        1..CLS_BURST_MAX
 * @param verdict  out, index for cls_action
 * Thread: any.
 */
void cls_match(const struct cls *cls, const struct cls_key *const key[], uint32_t n, uint32_t verdict[]);

/**
 * Classify a burst: flow table first, rules for what it does not hold, then remember.
 *
 * @param n        1..CLS_BURST_MAX
 * @param hash     cls_hash of each key
 * @param verdict  out, index for cls_action
 * Thread: the owner of `flows`.
 */
void cls_classify(const struct cls *cls, struct cls_flows *flows, const struct cls_key *const key[],
	const uint32_t hash[], uint32_t n, uint32_t verdict[]);

/**
 * Remember that the reverse direction of `key`, entering at port `port`, goes into path `path` (before any
 * rule). Cheap when it is known already: may be called for every packet of the flow, which keeps it known.
 *
 * @param key   as parsed from the flow's own direction; not IP: nothing is remembered.
 * @param hash  cls_hash of key.
 * @param path  the `reverse` of some path in the configuration; else nothing is remembered.
 * Thread: the owner of `flows`.
 */
void cls_learn_reverse(const struct cls *cls, struct cls_flows *flows, const struct cls_key *key,
	uint32_t hash, uint16_t port, uint16_t path);

struct cls_stats {
	uint64_t hits;
	uint64_t misses;    /* non-IP frames, never held by the table, included */
	uint64_t inserts;   /* flows remembered, reverse ones included */
	uint64_t evictions; /* inserts that took the line of a valid flow */
};

/** Counters of a flow table; may be a burst behind. Thread: any. */
void cls_flows_stats(const struct cls_flows *flows, struct cls_stats *stats);

#endif
