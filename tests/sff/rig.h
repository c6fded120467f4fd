/**
 * A forwarder around any configuration, which may change while it runs: real loader, tables, classifier and
 * worker between ports that the test fills and reads. Node 0 of the file runs.
 *
 * Included by the tests of instances, changes and scale. The books are balanced after every run, or the
 * program aborts.
 */
#ifndef TESTS_SFF_RIG_H
#define TESTS_SFF_RIG_H

#include "frames.h"

#include "sff_lcore.h"

#define RIG_QUEUE 4096u

struct rig_port {
	struct pmd_port pmd; /* first: a pmd_port is a rig_port */
	bool up;             /* SF: pmd_vm_up */
	struct pmd_vm_queue_stats stats;
	uint16_t n_in, at_in, n_out;
	struct rte_mbuf *in[RIG_QUEUE];
	struct rte_mbuf *out[RIG_QUEUE];
	struct rig_port *next;
};

struct rig_world {
	struct sfc_config *config;
	struct sfc_table *table;
	struct cls *cls;
	struct sff_plane plane;
};

struct rig {
	struct rig_world *now;
	struct sff_lcore *lc;
	struct rig_port *ports; /* all there ever were, by name */
	uint64_t lost;          /* frames thrown away inside SFs */
};

/** Build a forwarder for a configuration, with pins; all its instances up as the operator says. Aborts. */
struct rig *rig_open(const char *yaml);
void rig_close(struct rig *r);

/** Change the configuration: a whole new plane, exchanged between two passes. Ports are kept by name. */
void rig_apply(struct rig *r, const char *yaml);

/** The port of that name: external, or an instance's. Aborts when there is none. */
struct rig_port *rig_port(struct rig *r, const char *name);

/** Index of an instance, in the configuration of now. */
uint16_t rig_instance(const struct rig *r, const char *name);
void rig_set_state(struct rig *r, const char *instance, enum sfc_state state);

/** Queue a frame at a port. */
void rig_put(struct rig *r, const char *port, const struct frame *frame);

/** Poll until nothing moves, and check the books. */
void rig_run(struct rig *r);

/** The instance that holds a frame, NULL = none; it is taken from it and sent back with SI - 1. */
const char *rig_holder(struct rig *r);

/** What honest SFs do, and run, until nothing moves. */
void rig_settle(struct rig *r);

/** What a VM that dies does: its frames are gone. */
void rig_kill(struct rig *r, const char *instance);

/** Drop what external ports sent; returns frames. */
unsigned int rig_forget(struct rig *r, const char *port);

uint64_t rig_dropped(const struct rig *r);

#endif
