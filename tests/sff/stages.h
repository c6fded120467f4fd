/**
 * The stage tests: rows of (what, frame in, verdict), grouped by the port a frame enters at.
 *
 * Included by test_stages.c and stages_*.c.
 */
#ifndef TESTS_SFF_STAGES_H
#define TESTS_SFF_STAGES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "fixture.h"

#include <string.h>

/* Each runs a group; returns failures. */
int stages_access(void);
int stages_transport(void);
int stages_transport_nsh(void);
int stages_sf(void);
int stages_output(void);
int stages_proxy(void);
int stages_attach(void);
int stages_mix(void);
int stages_underlay(void);
int stages_ip(void);

/* One write into a frame: `size` bytes of `value`, big endian, at `at`; size 0 = no patch. */
struct patch {
	uint16_t at;
	uint8_t size;
	uint32_t value;
};

#define PATCHES 3

static inline void
patch(struct frame *f, const struct patch p[PATCHES])
{
	for (unsigned int i = 0; i < PATCHES; i++)
		for (unsigned int b = 0; b < p[i].size; b++)
			f->bytes[p[i].at + b] = (uint8_t)(p[i].value >> 8 * (p[i].size - 1 - b));
}

static inline void
expect_text(const char *what, const char *got, const char *want)
{
	if (strcmp(got, want) != 0)
		fail_msg("%s: got '%s', want '%s'", what, got, want);
}

/* One frame in, one verdict; what was sent is left at its port. */
static inline void
expect(struct fixture *f, const char *what, enum fixture_port_index port, const struct frame *frame,
	const char *want)
{
	expect_text(what, fixture_send(f, port, frame), want);
}

/* Same, then take what `out` got. */
static inline void
expect_frame(struct fixture *f, const char *what, enum fixture_port_index port, const struct frame *frame,
	const char *want, enum fixture_port_index out, struct frame *got)
{
	expect(f, what, port, frame, want);
	assert_true(fixture_take(f, out, got));
	assert_int_equal(fixture_waiting(f, out), 0);
}

static inline void
assert_frame_equal(const struct frame *a, const struct frame *b)
{
	assert_int_equal(a->size, b->size);
	assert_memory_equal(a->bytes, b->bytes, a->size);
}

static inline int
stages_open(void **state)
{
	*state = fixture_open(&(struct fixture_conf){.feed = SFF_FEED_LIVE});
	return 0;
}

static inline int
stages_close(void **state)
{
	fixture_close(*state);
	return 0;
}

#define STAGE_TEST(name) cmocka_unit_test_setup_teardown(name, stages_open, stages_close)

#endif
