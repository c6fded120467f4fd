/**
 * The progress line on a terminal; nothing elsewhere. Included by cli_sff.
 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct cli_progress {
	bool on;    /* stderr is a terminal */
	bool shown; /* a line stands there now */
	uint64_t vms;
	uint64_t booted;
};

void cli_progress_init(struct cli_progress *progress);
void cli_progress_start(struct cli_progress *progress, uint64_t vms);
void cli_progress_vm(struct cli_progress *progress, const char *name);
void cli_progress_frames(
	struct cli_progress *progress, uint64_t frames, uint64_t bytes, uint64_t total_bytes);
/** Take the line away, before anything else is printed on stderr. */
void cli_progress_clear(struct cli_progress *progress);

/** What a bench does now. */
void cli_progress_text(struct cli_progress *progress, const char *text);

#endif
