/**
 * The control thread: from the command line to the exit code.
 *
 * Included by main.c.
 */
#ifndef SFF_CONTROL_H
#define SFF_CONTROL_H

#include "sff_options.h"

/* Exit codes of every program here (design: the command). */
enum sff_exit {
	SFF_EXIT_DONE = 0,
	SFF_EXIT_USAGE = 1,      /* or what the machine lacks */
	SFF_EXIT_CONFIG = 2,     /* anything wrong in the config file itself */
	SFF_EXIT_UNBALANCED = 3, /* the books do not balance */
	SFF_EXIT_FAILED = 4,     /* a replay in which a VM died */
};

/** Run a node, or a replay, to its end. Returns the exit code; every message was given. */
int sff_control_run(const struct sff_options *options);

#endif
