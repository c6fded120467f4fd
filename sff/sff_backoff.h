/*
 * How long a VM that died waits for its next start, and when it has died too often. Included by whoever
 * supervises VMs.
 */
#ifndef SFF_BACKOFF_H
#define SFF_BACKOFF_H

#include <stdint.h>

/* More deaths than this within a minute are a crash loop. */
#define SFF_BACKOFF_DEATHS_MAX 10u

/* It stays down. */
#define SFF_BACKOFF_NEVER UINT64_MAX

/* All zero is one that never died. */
struct sff_backoff {
	uint64_t death_ms[SFF_BACKOFF_DEATHS_MAX + 1]; /* the last ones, a ring */
	uint32_t deaths;
};

/**
 * Note a death at `now_ms` (any clock that does not go back), and say how long to wait before the next start:
 * 100 ms after the first death of a minute, twice as long after each further one, never above 5 s;
 * SFF_BACKOFF_NEVER after more than SFF_BACKOFF_DEATHS_MAX of them. Milliseconds. Control thread.
 */
uint64_t sff_backoff_next(struct sff_backoff *backoff, uint64_t now_ms);

#endif
