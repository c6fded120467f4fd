/**
 * Start the program sff for a replay. Included by cli_sff.
 */
#ifndef CLI_START_H
#define CLI_START_H

#include "cli_replay.h"
#include "cli_rundir.h"

#include <sys/types.h>

/** The program sff beside this one (/proc/self/exe). Owned by the caller. */
char *cli_sff_program(void);

/**
 * Start it in a process group of its own, so that a terminal's ^C reaches it once: through us.
 *
 * It inherits the descriptor it reports on and the lock of the runtime directory; its stdout is our stderr.
 *
 * @return 0 with *pid set, or -errno.
 */
int cli_sff_start(const struct cli_replay *replay, const char *program, const struct cli_rundir *dir,
	int report_fd, pid_t *pid);

#endif
