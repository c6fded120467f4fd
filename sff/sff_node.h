/**
 * Everything of a running node in one place, built in order and taken down in reverse.
 *
 * Included by sff_node.c (up and down) and sff_control.c (what happens in between).
 */
#ifndef SFF_NODE_H
#define SFF_NODE_H

#include "sff_carry.h"
#include "sff_lcore.h"
#include "sff_options.h"
#include "sff_plane.h"
#include "sff_run_dir.h"
#include "sff_vm.h"

#define SFF_MAX_WORKERS 16u /* HV_MAX_PAIRS: a queue pair of every VM per worker */

struct sff_bench;

struct sff_node {
	const struct sff_options *options;
	struct sfc_config *config;
	struct sfc_table *table;
	struct cls *cls;
	int index; /* of the node in the configuration */
	uint16_t workers;
	struct sff_run_dir run_dir;
	struct sff_vms vms;
	struct rte_mempool *pool;
	struct rte_rcu_qsbr *qsbr;
	struct pmd_captures *captures; /* replay */
	struct sff_stamps *stamps;     /* replay */
	struct sff_bench *bench;       /* bench */
	struct sff_mirror_store *mirrors;
	struct sff_plane *plane;
	struct sff_lcore *lcore[SFF_MAX_WORKERS];
	bool eal;
	bool launched;
	/* Of sff_metadata.c: drops seen so far, and per path whether they were said. */
	uint64_t metadata_seen;
	bool *metadata_said;
	struct sff_change *change;  /* a configuration that is to take over; NULL = none */
	bool change_asked;          /* by SIGHUP, at any time */
	struct sff_carried carried; /* counts of the planes before this one */
};

/** Give people a line: to the report stream of a replay, or to stderr. */
void sff_say(const struct sff_options *options, const char *event, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/**
 * Read the configuration and build the tables of a node; all that is wrong is said.
 *
 * @param name  of the node; NULL as sfc_config_node().
 * @return      0, or an exit code; then config and table may be set, and are the caller's all the same.
 */
int sff_node_read(const struct sff_options *options, const char *name, struct sfc_config **config, int *index,
	struct sfc_table **table);

/**
 * Load the configuration and find the node; all its errors are said.
 *
 * @return 0, or an exit code. Thread: control.
 */
int sff_node_load(struct sff_node *node);

/** Start VMs, EAL, tables and ports; VMs boot meanwhile. 0, or an exit code. */
int sff_node_open(struct sff_node *node);

/** Say what of the configuration in force is not wrong, but should be known. */
void sff_node_say_warnings(const struct sff_node *node);

/** Connect the VM port of each VM that is ready, and mark it up. 0, -EAGAIN while some are not, or -errno
 * (said). */
int sff_node_connect(struct sff_node *node);

/** Allocate workers; start them. 0, or an exit code. */
int sff_node_launch(struct sff_node *node);

/** Take everything down, whatever part of it was up. */
void sff_node_close(struct sff_node *node);

#endif
