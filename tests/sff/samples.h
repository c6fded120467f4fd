/**
 * Frames to damage: one of each kind that this node handles. Included by test_damage.c, test_segments.c and
 * the maker of fuzz seeds.
 */
#ifndef TESTS_SFF_SAMPLES_H
#define TESTS_SFF_SAMPLES_H

#include "fixture.h"

#define SAMPLES 39u

/** Build sample `i` of SAMPLES; returns the port it is meant for and its name. */
enum fixture_port_index sample_build(
	const struct fixture *f, unsigned int i, struct frame *frame, const char **name);

#endif
