#include "stages.h"

#include "samples.h"

#include <stdio.h>

/* Where the frame went and what it looked like there, whole and split. */
static void
same_as_whole(struct fixture *f, unsigned int sample, const uint16_t *cut, unsigned int n)
{
	static struct frame in, out[2];
	static enum fixture_port_index to[2];
	char verdict[96], what[128];
	const char *name;
	enum fixture_port_index port = sample_build(f, sample, &in, &name);

	for (int i = 0; i < 2; i++) {
		if (i == 0) {
			fixture_put(f, port, &in);
			snprintf(verdict, sizeof(verdict), "%s", fixture_verdict(f));
		} else {
			snprintf(what, sizeof(what), "%s, split in %u", name, n + 1);
			fixture_put_split(f, port, &in, cut, n);
			expect_text(what, fixture_verdict(f), verdict);
		}
		to[i] = FIXTURE_PORTS;
		for (enum fixture_port_index p = 0; p < FIXTURE_PORTS; p++)
			if (fixture_take(f, p, &out[i]))
				to[i] = p;
	}
	assert_int_equal(to[0], to[1]);
	if (to[0] != FIXTURE_PORTS)
		assert_frame_equal(&out[0], &out[1]);
}

static uint32_t
size_of(struct fixture *f, unsigned int sample)
{
	static struct frame frame;
	const char *name;

	sample_build(f, sample, &frame, &name);
	return frame.size;
}

static void
headers_may_be_split_at_every_byte(void **state)
{
	for (unsigned int i = 0; i < SAMPLES; i++)
		for (uint16_t at = 0; at <= size_of(*state, i); at++)
			same_as_whole(*state, i, &at, 1);
}

static void
one_byte_may_be_a_segment_of_its_own(void **state)
{
	for (unsigned int i = 0; i < SAMPLES; i++)
		for (uint16_t at = 0; at < size_of(*state, i); at++)
			same_as_whole(*state, i, (uint16_t[]){at, (uint16_t)(at + 1)}, 2);
}

static void
every_byte_may_be_a_segment(void **state)
{
	uint16_t cut[400];

	for (uint16_t i = 0; i < RTE_DIM(cut); i++)
		cut[i] = i;
	for (unsigned int i = 0; i < SAMPLES; i++)
		same_as_whole(*state, i, cut, size_of(*state, i));
}

static void
segments_may_be_empty(void **state)
{
	for (unsigned int i = 0; i < SAMPLES; i++)
		for (uint16_t at = 0; at < size_of(*state, i); at = (uint16_t)(at + 7))
			same_as_whole(*state, i,
				(uint16_t[]){at, at, at, (uint16_t)(at + 1), (uint16_t)(at + 1)}, 5);
}

/* Without room in the first buffer headers cannot be gathered: the frame still has one end. */
static void
a_first_buffer_without_room_has_one_end(void **state)
{
	struct fixture *f = *state;
	static struct frame in;
	const char *name;

	for (unsigned int i = 0; i < SAMPLES; i++)
		for (uint16_t room = 1; room <= 200; room++) {
			enum fixture_port_index port = sample_build(f, i, &in, &name);
			const char *got;

			f->headroom = (uint16_t)(RTE_MBUF_DEFAULT_BUF_SIZE - room);
			fixture_put_split(f, port, &in, NULL, 0);
			got = fixture_verdict(f);
			assert_true(strncmp(got, "to ", 3) == 0 || strchr(got, ':') != NULL);
			fixture_forget(f);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STAGE_TEST(headers_may_be_split_at_every_byte),
		STAGE_TEST(one_byte_may_be_a_segment_of_its_own),
		STAGE_TEST(every_byte_may_be_a_segment),
		STAGE_TEST(segments_may_be_empty),
		STAGE_TEST(a_first_buffer_without_room_has_one_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
