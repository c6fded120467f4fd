/**
 * A whole forwarder in memory: real tables, classifier, stages and worker between ports that the test fills
 * and reads. After every run the books are balanced and no packet buffer is lost, or the program aborts.
 *
 * Node `here` of domain.yaml. Included by the tests of this folder and by fuzz_sff.c. Linked with
 * -Wl,--wrap of every stage function, so that each edge a stage takes is seen and checked against
 * sff_stages[].
 */
#ifndef TESTS_SFF_FIXTURE_H
#define TESTS_SFF_FIXTURE_H

#include "frames.h"

#include "sff_lcore.h"

#include <stdbool.h>
#include <stdint.h>

/* Ports of node `here`, in the order of domain.yaml. */
enum fixture_port_index {
	LAN,
	WAN,
	CORE,
	LONE,
	MIX,  /* every transport but VXLAN-GPE over IPv4 */
	YARD, /* access, a host with addresses on its link */
	FW_1,
	IDS_1,
	IDS_2,
	IDS_3,
	SOFT_1,
	WIDE_1,
	TURN_1,
	/* NSH-unaware: */
	STAT_1,
	FLOW_1,
	TAG_1,
	ADDR_1,
	GUESS_1,
	ONLY_1,
	/* behind CORE: */
	BOX,
	WIRE,
	WIRE_TAG,
	FIXTURE_PORTS,
};

#define FIXTURE_QUEUE 2048u
#define FIXTURE_FULL  UINT16_MAX

struct fixture_port {
	struct pmd_port pmd; /* first: a pmd_port is a fixture_port */
	uint16_t n_in, at_in, n_out, at_out;
	uint16_t room;   /* frames it takes before it is full; FIXTURE_FULL = any number */
	bool up;         /* SF: pmd_vm_up */
	uint32_t broken; /* SF: rings that the guest broke */
	struct pmd_vm_queue_stats stats;
	uint64_t consumed; /* SF: what the guest says */
	struct rte_mbuf *in[FIXTURE_QUEUE];
	struct rte_mbuf *out[FIXTURE_QUEUE];
};

struct fixture {
	struct sfc_config config; /* domain.yaml and mirrors */
	struct sff_plane plane;
	struct sff_mirror_store *mirrors;
	struct sff_lcore *lc;
	struct sff_port port[FIXTURE_PORTS];
	struct fixture_port *fake; /* FIXTURE_PORTS of them */
	uint16_t headroom;         /* of frames to come */
	uint64_t stamp;            /* of the next frame on an external port; counts up */
};

struct fixture_conf {
	enum sff_feed feed;
	uint16_t lockstep;
	bool stamps;
	bool drop_default; /* the domain with `default: drop` */
	struct sfc_mirror *mirror;
	unsigned int n_mirrors;
	struct pmd_captures *captures; /* mirrors: as in a replay; NULL = a live node */
};

/* Edges seen since the program started, per stage: bits as in sff_stage_info. */
extern uint32_t fixture_next_seen[SFF_STAGE_MAX];
extern uint64_t fixture_drops_seen[SFF_STAGE_MAX];
/* The stage that dropped last, SFF_STAGE_MAX = none since the last fixture_send. */
extern enum sff_stage fixture_dropped_by;
/* Remember `edge` of a stage; abort when the stage did not declare it. */
void fixture_note_edge(enum sff_stage stage, uint8_t edge);

/** Index of a path of domain.yaml. Aborts when it has none of that name. */
int fixture_path(const char *name);

/** Start EAL and build the domain once; open a forwarder with all ports up. Aborts when it cannot. */
struct fixture *fixture_open(const struct fixture_conf *conf);

/** Check once more, free everything. */
void fixture_close(struct fixture *f);

/** Queue a frame on a port, in buffers of 2 KiB. */
void fixture_put(struct fixture *f, enum fixture_port_index port, const struct frame *frame);

/** Queue a frame that is split at n offsets, ascending; equal ones make empty segments. */
void fixture_put_split(struct fixture *f, enum fixture_port_index port, const struct frame *frame,
	const uint16_t *cut, unsigned int n);

/** Poll until nothing happens, then check. Returns frames handled. */
uint32_t fixture_run(struct fixture *f);

/** One pass, then check. */
uint32_t fixture_poll(struct fixture *f);

/** Balance the books, count buffers. */
void fixture_check(struct fixture *f);

/**
 * Put one frame, run, and say what became of it: "to wan", "nsh_ttl: nsh-ttl", "flush: tx-full". Static
 * storage.
 */
const char *fixture_send(struct fixture *f, enum fixture_port_index port, const struct frame *frame);
/** The same for what was queued already. */
const char *fixture_verdict(struct fixture *f);

/** Frames that a port got and nobody took yet. */
unsigned int fixture_waiting(const struct fixture *f, enum fixture_port_index port);

/** Take the next frame a port got; false = none. */
bool fixture_take(struct fixture *f, enum fixture_port_index port, struct frame *frame);
bool fixture_take_stamped(
	struct fixture *f, enum fixture_port_index port, struct frame *frame, uint64_t *stamp);

/** Drop what ports got. */
void fixture_forget(struct fixture *f);

/** Whatever came in, what went out is right: NSH and outer headers hold. Then drop it. */
void fixture_examine(struct fixture *f);

/** What an honest SF does: send each of its frames back with SI - 1. Returns how many. */
unsigned int fixture_serve(struct fixture *f, enum fixture_port_index port);

/** Run and serve all SFs until nothing moves. */
void fixture_settle(struct fixture *f);

/** A frame from an SF to us, around NSH and payload: Ethernet of the VM port. */
void fixture_wrap_sf(const struct fixture *f, enum fixture_port_index port, struct frame *frame);

#endif
