/**
 * The stages of the packet path: a graph known at compile time, run as a table.
 *
 * A stage reads a burst and writes one edge per packet: another stage, or a named drop. It never frees and
 * never blocks. The runner (sff_stage.c) splits the burst by edge, counts, and frees drops in bulk.
 * Included by the stages (stage_*.c), the lcore loop and the tests.
 */
#ifndef SFF_STAGE_H
#define SFF_STAGE_H

#include "sfc_drop.h"

#include <rte_mbuf.h>

#include <stdint.h>

struct sff_lcore;

/* Packets a stage sees at once: 32 to 64 amortise a stage's instructions and stay in L1. */
#define SFF_BURST 64u

enum sff_stage {
	SFF_STAGE_ACCESS_INPUT,    /* from an access port: a plain frame */
	SFF_STAGE_CLASSIFY,        /* which path, if any */
	SFF_STAGE_NSH_PUSH,        /* impose NSH, as it is after this SFF's visit */
	SFF_STAGE_TRANSPORT_INPUT, /* from a transport port: check and strip the outer headers */
	SFF_STAGE_UNDERLAY_INPUT,  /* what else a port with addresses hears: ARP, ND, ICMP */
	SFF_STAGE_NSH_INPUT,       /* check NSH from another node, TTL - 1 */
	SFF_STAGE_NSH_TTL,         /* TTL - 1 of a frame that an SF moved to another path */
	SFF_STAGE_SF_INPUT,        /* from an SF: check NSH and its position */
	SFF_STAGE_SFP_LOOKUP,      /* (SPI, SI) -> next hop, choose the instance */
	SFF_STAGE_SF_OUTPUT,       /* to a local instance */
	SFF_STAGE_REMOTE_OUTPUT,   /* to the next SFF */
	SFF_STAGE_TERMINAL,        /* end of the path: remove NSH */
	SFF_STAGE_ATTACH_INPUT,    /* from a transport port with SFs behind it: which one, if any */
	SFF_STAGE_PROXY_INPUT,     /* from an SF without NSH: impose it again */
	SFF_STAGE_PROXY_OUTPUT,    /* to a local instance without NSH: remove and keep it */
	SFF_STAGE_PROXY_NEIGHBOR,  /* ARP and neighbour discovery of an SF without NSH */
	SFF_STAGE_FORWARD,         /* not for a path: to the port's peer, untouched */
	SFF_STAGE_PORT_TX,         /* into the transmit buffer of a port */
	SFF_STAGE_MAX
};

/* The edge that drops for a reason; edges below SFF_STAGE_MAX are stages. */
#define SFF_NEXT_DROP(reason) ((uint8_t)(SFF_STAGE_MAX + (reason)))
/* The stage kept the packet; it comes out again by another way, or is dropped by name. */
#define SFF_NEXT_KEPT UINT8_MAX

enum sff_meta_flag {
	SFF_META_HASHED = 1 << 0,    /* hash is valid */
	SFF_META_TRANSPORT = 1 << 1, /* came over a transport: prefer local instances */
	SFF_META_VISITED = 1 << 2,   /* counted as this node's first look-up already: it returns from an SF */
	SFF_META_OAM = 1 << 3,       /* O bit */
	SFF_META_TO_SF = 1 << 4,     /* goes to a local SF; set only where mirrors want to know */
};

/* What is known of one packet between stages. From NSH_PUSH or an input on, its data starts at NSH. */
struct sff_meta {
	uint32_t sp;       /* SPI << 8 | SI, host order */
	uint32_t hash;     /* of the inner flow, both directions alike */
	uint32_t verdict;  /* of the classifier */
	uint16_t port;     /* port it came from; from an output stage on: port it goes to */
	uint16_t remote;   /* next SFF, for REMOTE_OUTPUT */
	uint16_t path;     /* index in the configuration, from SFP_LOOKUP on */
	uint16_t src_port; /* UDP source port to keep on the next transport, 0 = none */
	uint8_t nsh_size;  /* bytes */
	uint8_t np;        /* NSH Next Protocol */
	uint8_t flags;     /* enum sff_meta_flag */
	uint8_t tos;       /* DSCP and ECN of the transport it came over */
};

struct sff_burst {
	uint16_t n;
	uint8_t next[SFF_BURST];
	struct rte_mbuf *pkt[SFF_BURST];
	struct sff_meta meta[SFF_BURST];
};

typedef void sff_stage_fn(struct sff_lcore *lc, struct sff_burst *b);

struct sff_stage_info {
	const char *name;
	sff_stage_fn *fn;
	uint32_t next;  /* bit per stage it may choose */
	uint64_t drops; /* bit per drop reason it may choose */
};

/* The graph. Tests, docs and counters read it; the runner calls it. */
extern const struct sff_stage_info sff_stages[SFF_STAGE_MAX];

sff_stage_fn sff_access_input, sff_classify, sff_nsh_push, sff_transport_input, sff_underlay_input,
	sff_nsh_input, sff_nsh_ttl, sff_sf_input, sff_sfp_lookup, sff_sf_output, sff_remote_output,
	sff_terminal, sff_attach_input, sff_proxy_input, sff_proxy_output, sff_proxy_neighbor, sff_forward,
	sff_port_tx;

/**
 * Run a burst from a stage until every packet stands in a transmit buffer or was dropped and counted.
 *
 * @param b  a burst of the lcore (sff_lcore.burst[depth]); all packets belong to the runner afterwards.
 * Thread: the lcore.
 */
void sff_run(struct sff_lcore *lc, struct sff_burst *b, enum sff_stage stage);

/** Count and free packets that end here, outside of a stage. Thread: the lcore. */
void sff_drop(struct sff_lcore *lc, struct rte_mbuf **pkts, uint16_t n, enum sfc_drop reason);

#endif
