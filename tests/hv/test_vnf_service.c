/* What the guest library does to a frame round vnf_packet(): NSH checks, SI, addresses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "vnf_host.h"

const char vnf_name[] = "service-test";

static struct vnf_pkt seen;
static unsigned calls;
static enum vnf_verdict verdict;

enum vnf_verdict
vnf_packet(struct vnf_pkt *pkt)
{
	seen = *pkt;
	calls++;
	return verdict;
}

static int
setup(void **state)
{
	(void)state;
	host_init();
	calls = 0;
	verdict = VNF_PASS;
	return 0;
}

/* One frame: NSH base header bytes and what must become of them. */
struct row {
	const char *what;
	uint8_t nsh[8];
	uint32_t size; /* bytes after Ethernet, all readable */
	const char *drop;
	uint32_t inner; /* offset of the inner packet behind NSH */
};

static void
frames_are_served_or_dropped_by_name(void **state)
{
	static const struct row rows[] = {
		{"MD 1, SI 255", {0x0f, 0xc6, 0x01, 0x03, 0, 0, 1, 255}, 100, NULL, 24},
		{"MD 1, SI 1 becomes 0", {0x0f, 0xc6, 0x01, 0x03, 0, 0, 1, 1}, 100, NULL, 24},
		{"MD 1, SI 0", {0x0f, 0xc6, 0x01, 0x03, 0, 0, 1, 0}, 100, "drop.si-zero", 0},
		{"TTL 0 is the SFF's business", {0x00, 0x06, 0x01, 0x01, 0, 0, 1, 9}, 100, NULL, 24},
		{"all U bits set", {0x1f, 0xc6, 0xf1, 0x03, 0, 0, 1, 9}, 100, NULL, 24},
		{"O bit set", {0x2f, 0xc6, 0x01, 0x07, 0, 0, 1, 9}, 100, NULL, 24},
		{"NP 0", {0x0f, 0xc6, 0x01, 0x00, 0, 0, 1, 9}, 24, NULL, 24},
		{"NP 0xff", {0x0f, 0xc6, 0x01, 0xff, 0, 0, 1, 9}, 30, NULL, 24},
		{"MD 2, no context", {0x0f, 0xc2, 0x02, 0x02, 0, 0, 1, 9}, 60, NULL, 8},
		{"MD 2, 244 bytes of context", {0x0f, 0xff, 0x02, 0x02, 0, 0, 1, 9}, 300, NULL, 252},
		{"version 1", {0x4f, 0xc6, 0x01, 0x03, 0, 0, 1, 9}, 100, "drop.malformed", 0},
		{"version 3", {0xcf, 0xc6, 0x01, 0x03, 0, 0, 1, 9}, 100, "drop.malformed", 0},
		{"MD 1 of 5 words", {0x0f, 0xc5, 0x01, 0x03, 0, 0, 1, 9}, 100, "drop.malformed", 0},
		{"MD 1 of 7 words", {0x0f, 0xc7, 0x01, 0x03, 0, 0, 1, 9}, 100, "drop.malformed", 0},
		{"MD 2 of 1 word", {0x0f, 0xc1, 0x02, 0x03, 0, 0, 1, 9}, 100, "drop.malformed", 0},
		{"MD 2 of 0 words", {0x0f, 0xc0, 0x02, 0x03, 0, 0, 1, 9}, 100, "drop.malformed", 0},
		{"MD 0", {0x0f, 0xc6, 0x00, 0x03, 0, 0, 1, 9}, 100, "drop.malformed", 0},
		{"MD 15", {0x0f, 0xc6, 0x0f, 0x03, 0, 0, 1, 9}, 100, "drop.malformed", 0},
		{"length beyond the frame", {0x0f, 0xc6, 0x01, 0x03, 0, 0, 1, 9}, 23, "drop.malformed", 0},
		{"7 bytes of NSH", {0x0f, 0xc6, 0x01, 0x03, 0, 0, 1, 9}, 7, "drop.malformed", 0},
		{"no NSH at all", {0}, 0, "drop.malformed", 0},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		uint8_t *frame, before[14 + 300], want[14 + 300];
		bool sent;

		setup(NULL);
		memset(before, 0x5a, sizeof(before));
		host_frame(before, 0, 0, "", 0);
		memcpy(before + 14, row->nsh, 8);
		frame = malloc(14 + row->size); /* exact: a sanitizer sees a byte read too many */
		memcpy(frame, before, 14 + row->size);
		sent = vnf_service(frame, 14 + row->size, 14 + row->size);
		if (sent != !row->drop || calls != !row->drop)
			fail_msg("%s: sent %d, calls %u", row->what, sent, calls);
		if (row->drop)
			assert_int_equal(host_metric(row->drop), 1);
		assert_int_equal(
			host_metric("drop.malformed") + host_metric("drop.si-zero"), row->drop != NULL);
		assert_int_equal(host_metric("drop.policy"), 0);
		if (sent) {
			memcpy(want, before, sizeof(want));
			memcpy(want, before + 6, 6);
			memcpy(want + 6, before, 6);
			want[21]--;
			if (memcmp(frame, want, 14 + row->size) != 0)
				fail_msg("%s: more than SI and addresses changed", row->what);
			assert_int_equal(seen.inner - seen.nsh, row->inner);
			assert_int_equal(seen.inner_len, row->size - row->inner);
			assert_int_equal(seen.inner_size, row->size - row->inner);
			assert_int_equal(seen.spi, 1);
			assert_int_equal(seen.si, row->nsh[7]);
			assert_int_equal(seen.next_proto, row->nsh[3]);
		}
		free(frame);
	}
}

static void
a_refused_packet_is_drop_policy(void **state)
{
	uint8_t frame[100];
	uint32_t size = host_frame(frame, 3, 9, "inner", 5);

	(void)state;
	verdict = VNF_DROP;
	assert_false(vnf_service(frame, size, size));
	assert_int_equal(host_metric("drop.policy"), 1);
	assert_int_equal(frame[21], 9);
}

static void
a_frame_without_nsh_passes_untouched(void **state)
{
	uint8_t frame[60], before[60];

	(void)state;
	memset(frame, 0x11, sizeof(frame));
	memcpy(before, frame, sizeof(frame));
	assert_true(vnf_service(frame, sizeof(frame), sizeof(frame)));
	assert_memory_equal(frame, before, sizeof(frame));
	assert_null(seen.nsh);
	assert_ptr_equal(seen.inner, frame);
	assert_int_equal(seen.next_proto, VNF_NP_ETHERNET);
	assert_int_equal(seen.inner_len, 60);
}

static void
runts_are_malformed(void **state)
{
	(void)state;
	for (uint32_t size = 0; size < 14; size++) {
		uint8_t *frame = malloc(size + 1);

		memset(frame, 0x89, size + 1);
		assert_false(vnf_service(frame, size, size));
		assert_int_equal(host_metric("drop.malformed"), size + 1);
		free(frame);
	}
	assert_int_equal(calls, 0);
}

static void
a_long_frame_shows_its_first_buffer_and_its_size(void **state)
{
	uint8_t frame[2036];

	(void)state;
	memset(frame, 0, sizeof(frame));
	host_frame(frame, 3, 9, "", 0);
	assert_true(vnf_service(frame, sizeof(frame), 9038));
	assert_int_equal(seen.inner_len, 2036 - 38);
	assert_int_equal(seen.inner_size, 9000);
	/* NSH must lie in the first buffer, whatever follows. */
	host_frame(frame, 3, 9, "", 0);
	assert_false(vnf_service(frame, 37, 9038));
	assert_int_equal(host_metric("drop.malformed"), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(frames_are_served_or_dropped_by_name, setup),
		cmocka_unit_test_setup(a_refused_packet_is_drop_policy, setup),
		cmocka_unit_test_setup(a_frame_without_nsh_passes_untouched, setup),
		cmocka_unit_test_setup(runts_are_malformed, setup),
		cmocka_unit_test_setup(a_long_frame_shows_its_first_buffer_and_its_size, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
