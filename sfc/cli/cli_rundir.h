/**
 * The private runtime directory of one replay: sockets and EAL's files live there, and go with it.
 *
 * Whoever lives from it holds a lock on its file `lock`; a directory nobody holds is swept at the next start.
 * Included by cli_sff and its tests.
 */
#ifndef CLI_RUNDIR_H
#define CLI_RUNDIR_H

#include <stddef.h>

/* sun_path is 108 bytes (unix(7)); the rest is for the names of sockets inside. */
#define CLI_RUNDIR_SIZE 64

struct cli_rundir {
	char path[CLI_RUNDIR_SIZE];
	int lock; /* descriptor that holds the lock, close-on-exec; inherited on purpose by the dataplane */
};

/**
 * Sweep what the dead left, then make a directory of mode 0700 under $XDG_RUNTIME_DIR, else /run/sluice for
 * root, else /tmp.
 *
 * @return 0, or -errno with one message in err.
 */
int cli_rundir_create(struct cli_rundir *dir, char *err, size_t err_size);

/** Remove it with all contents, and release the lock. */
void cli_rundir_remove(struct cli_rundir *dir);

#endif
