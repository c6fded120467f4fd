/**
 * The runtime directory: sockets of runners and EAL's files live here, and nowhere else.
 *
 * A replay's directory is its own and is removed at its end. A live node's is named after the node and
 * locked, so that a restarted sff finds the VMs that outlived the last one, and two of the same node never
 * meet. Included by control.
 */
#ifndef SFF_RUN_DIR_H
#define SFF_RUN_DIR_H

#include <limits.h>
#include <stdbool.h>

struct sff_run_dir {
	char path[PATH_MAX];
	int lock;    /* open while it is ours, -1 = none */
	bool remove; /* at the end */
};

/**
 * Make or enter the directory.
 *
 * @param given   from the command line, or NULL.
 * @param node    of a live node, NULL for a replay.
 * @return        0, -EBUSY (that node runs already), -errno, with one message in err.
 */
int sff_run_dir_open(const char *given, const char *node, struct sff_run_dir *dir, char *err, int err_size);

/** Whoever gave us the directory is gone: if it was made for one replay alone, it is ours to remove. */
void sff_run_dir_inherit(struct sff_run_dir *dir);

/** Remove it when it is ours to remove, with all that is in it. */
void sff_run_dir_close(struct sff_run_dir *dir);

#endif
