#include "stages.h"

#include "samples.h"

#include <stdio.h>

/* Where a frame is put in: the port it is meant for first. */
static const enum fixture_port_index entry[] = {FIXTURE_PORTS, LAN, CORE, FW_1};

/* One end for each frame: sent, or one named drop. fixture_run balances the books. */
static void
one_end(struct fixture *f, enum fixture_port_index port, const struct frame *frame, const char *name)
{
	const char *got = fixture_send(f, port, frame);

	if (f->lc->underlay.n_held > 0) {
		/* It waits for a host that is not there. */
		uint64_t before = f->lc->dropped[SFC_DROP_NEIGH_TIMEOUT];

		f->lc->underlay.now += (SFF_PROBES * SFF_PROBE_SECONDS + 1) * f->lc->underlay.hz;
		fixture_run(f);
		assert_int_equal(f->lc->dropped[SFC_DROP_NEIGH_TIMEOUT], before + 1);
		fixture_forget(f);
		return;
	}
	if (strncmp(got, "to ", 3) != 0 && strchr(got, ':') == NULL)
		fail_msg("%s into %s: %s", name, f->fake[port].pmd.name, got);
	fixture_examine(f);
}

static void
every_sample_is_taken_whole(void **state)
{
	struct fixture *f = *state;
	static struct frame frame;
	unsigned int sent = 0;
	const char *name;

	for (unsigned int i = 0; i < SAMPLES; i++) {
		enum fixture_port_index port = sample_build(f, i, &frame, &name);

		sent += strncmp(fixture_send(f, port, &frame), "to ", 3) == 0;
	}
	assert_int_equal(sent, SAMPLES - 3); /* a rule, an unknown path, a foreign position */
}

static void
every_truncation_has_one_end(void **state)
{
	struct fixture *f = *state;
	static struct frame whole, cut;
	const char *name;

	for (unsigned int i = 0; i < SAMPLES; i++) {
		enum fixture_port_index own = sample_build(f, i, &whole, &name);

		cut = whole;
		for (cut.size = 0; cut.size <= whole.size; cut.size++)
			for (unsigned int e = 0; e < RTE_DIM(entry); e++)
				one_end(f, entry[e] == FIXTURE_PORTS ? own : entry[e], &cut, name);
	}
}

static void
every_flipped_bit_has_one_end(void **state)
{
	struct fixture *f = *state;
	static struct frame frame;
	const char *name;

	for (unsigned int i = 0; i < SAMPLES; i++) {
		enum fixture_port_index own = sample_build(f, i, &frame, &name);

		for (uint32_t bit = 0; bit < frame.size * 8; bit++) {
			frame.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
			for (unsigned int e = 0; e < RTE_DIM(entry); e++)
				one_end(f, entry[e] == FIXTURE_PORTS ? own : entry[e], &frame, name);
			frame.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
	}
}

static void
random_headers_have_one_end(void **state)
{
	struct fixture *f = *state;
	static struct frame frame;
	uint32_t x = 12345;

	for (unsigned int i = 0; i < 20000; i++) {
		const char *name;
		enum fixture_port_index own = sample_build(f, i % SAMPLES, &frame, &name),
					at = entry[i % RTE_DIM(entry)];

		/* Four bytes somewhere become something else; lengths and offsets among them. */
		for (unsigned int k = 0; k < 4; k++) {
			x = x * 1664525 + 1013904223; /* Numerical Recipes, 7.1 */
			frame.bytes[(x >> 8) % frame.size] = (uint8_t)(x >> 24);
		}
		one_end(f, at == FIXTURE_PORTS ? own : at, &frame, name);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STAGE_TEST(every_sample_is_taken_whole),
		STAGE_TEST(every_truncation_has_one_end),
		STAGE_TEST(every_flipped_bit_has_one_end),
		STAGE_TEST(random_headers_have_one_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
