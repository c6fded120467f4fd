/**
 * The guest library with the image `bridge`, over rings in our own memory. Included by case_guest.c, which
 * plays the host; apart from it because both sides have their own virtio structures.
 */
#ifndef BENCH_CASE_GUEST_H
#define BENCH_CASE_GUEST_H

#include <stdint.h>

#define GUEST_RING 256u

/* Where the rings and buffers are: guest address = host address. */
struct guest_side {
	uint8_t *area;
	uint64_t area_size;
	void *desc[2], *avail[2], *used[2]; /* 0: to the guest, 1: from it */
};

/** Set the library up and let it post its buffers. 0 or -1. */
int guest_side_open(struct guest_side *side);

/** One poll: reap, touch, post. Returns frames. */
unsigned int guest_side_poll(void);

/** Back-end lies the library found: must stay 0. */
uint64_t guest_side_bad(void);

#endif
