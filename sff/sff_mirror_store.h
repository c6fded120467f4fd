/**
 * What mirrors use as long as the node runs, whatever becomes of its configuration: packet buffers for
 * copies, and capture files that copies are written to.
 *
 * Included by sff_mirror.h and control. Files of a replay are written by its one lcore. Those of a live node
 * are written by control, to which lcores hand the copies in a ring: writing may take any time.
 */
#ifndef SFF_MIRROR_STORE_H
#define SFF_MIRROR_STORE_H

#include "pmd.h"

#include <rte_ring.h>

#include <stdbool.h>
#include <stdint.h>

struct sff_mirror_file {
	struct sff_mirror_file *next;
	char *path;
	struct pmd_port *pmd;  /* its writer */
	struct rte_ring *ring; /* live: copies on their way to control */
};

struct sff_mirror_store {
	bool live;       /* copies are stamped with the time of day; a replay's keep that of their frame */
	int mark_offset; /* dynamic mbuf field of 64 bits, for sff_mirror.c */
	uint64_t marked; /* dynamic mbuf flag: what stands in it is a mark */
	uint16_t workers;
	uint16_t n_files;
	struct sff_mirror_file *file;
	struct pmd_captures *captures; /* the files' set; a replay's is not owned */
	struct rte_mempool *pool[];    /* per worker */
};

/**
 * @param workers   lcores: each copies into buffers of its own.
 * @param captures  replay: the set of its capture ports, none of which is overwritten; NULL for a live node.
 * @return          0, or -errno with one message in err. Thread: control.
 */
int sff_mirror_store_create(uint16_t workers, struct pmd_captures *captures, struct sff_mirror_store **store,
	char *err, int err_size);

/** A file by its path: one that is open already, or a new one. 0, or -errno with one message in err. */
int sff_mirror_store_open(struct sff_mirror_store *store, const char *path, struct sff_mirror_file **file,
	char *err, int err_size);

/** Live: write what lcores copied. Thread: control. */
void sff_mirror_store_drain(struct sff_mirror_store *store);

/** Write out everything; no lcore runs any more. 0, or -errno of the first file that failed. */
int sff_mirror_store_flush(struct sff_mirror_store *store);

/** Why writing failed first, or NULL. */
const char *sff_mirror_store_error(const struct sff_mirror_store *store);

/** Copies that files took and could not write. */
uint64_t sff_mirror_store_errors(const struct sff_mirror_store *store);

/** Close and free all. Ports and lcores hold no copies any more. NULL is nothing to do, here and above. */
void sff_mirror_store_destroy(struct sff_mirror_store *store);

#endif
