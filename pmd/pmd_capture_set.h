/**
 * The inputs of capture ports that are replayed together: merge order, pacing, loops, the first error.
 *
 * Included by the capture port and the set only. One lcore polls all ports of a set.
 */
#ifndef PMD_CAPTURE_SET_H
#define PMD_CAPTURE_SET_H

#include "pmd.h"
#include "pmd_capture_file.h"

struct pmd_capture_input;

/** Add an input; its first record is read. The set owns it. 0 or -errno with "FILE: reason". */
int pmd_captures_add(struct pmd_captures *set, const char *path, struct pmd_capture_input **input, char *err,
	int err_size);

/**
 * Create an output that is no other file of the set. The caller owns the writer.
 */
int pmd_captures_create_out(
	struct pmd_captures *set, const char *path, struct pmd_writer **writer, char *err, int err_size);

/**
 * The next record of an input if it is the earliest of the whole set and due.
 *
 * @return  NULL = not now. Valid until pmd_captures_take. Thread: the polling lcore.
 */
const struct pmd_record *pmd_captures_peek(struct pmd_captures *set, const struct pmd_capture_input *input);

/** Step over the record that was peeked. Thread: the polling lcore. */
void pmd_captures_take(struct pmd_captures *set, struct pmd_capture_input *input);

/** Nothing more from this input, so that it does not hold up the others. */
void pmd_captures_end(struct pmd_captures *set, struct pmd_capture_input *input);

uint64_t pmd_captures_skipped(const struct pmd_capture_input *input);

/** Keep the first error. Thread: the polling lcore, or control while it does not poll. */
void pmd_captures_fail(struct pmd_captures *set, const char *text);

#endif
