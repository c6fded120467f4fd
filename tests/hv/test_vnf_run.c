/* The images under hv: to READY, frames through them, and out again. Runs in one runtime: "process", or "kvm"
 * when that is the argument. Also builds and runs the example of docs/vnf.md. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <unistd.h>

#include "vnf_inner.h"
#include "vnf_run.h"

#define IMAGES BUILD_DIR "/lib/sluice/vnf/"
#define FRAMES 400u

static const char *runtime = "process";
static struct run_frame sent[FRAMES], back[FRAMES];
static const char *const no_args[] = {NULL};

/* An NSH frame round `in`, then padding up to `size`. */
static void
build(struct run_frame *frame, const struct inner *in, uint32_t size)
{
	static const uint8_t outer[14] = {2, 0, 0, 0, 0, 0xaa, 2, 0, 0, 0, 0, 0xbb, 0x89, 0x4f};
	const uint8_t nsh[24] = {0x0f, 0xc6, 0x01, 0x03, 0, 0, 100, 255, 1, 2, 3, 4};

	memset(frame->bytes, 0, sizeof(frame->bytes));
	memcpy(frame->bytes, outer, sizeof(outer));
	memcpy(frame->bytes + 14, nsh, sizeof(nsh));
	frame->size = 38 + inner_ether(frame->bytes + 38, in);
	for (; frame->size < size; frame->size++)
		frame->bytes[frame->size] = (uint8_t)(frame->size * 13);
}

/* What a frame must be on return: addresses swapped, SI one less. */
static void
expect_served(const struct run_frame *was, const struct run_frame *now)
{
	static struct run_frame want;

	want = *was;
	memcpy(want.bytes, was->bytes + 6, 6);
	memcpy(want.bytes + 6, was->bytes, 6);
	want.bytes[21]--;
	assert_int_equal(now->size, want.size);
	assert_memory_equal(now->bytes, want.bytes, want.size);
}

static void
expect_books(const struct run *run, uint64_t rx, uint64_t tx)
{
	const struct hv_status *status = run_status(run);

	assert_int_equal(status->rx_frames, rx);
	assert_int_equal(status->tx_frames, tx);
	assert_int_equal(status->consumed, rx - tx);
	assert_int_equal(status->bad_used, 0);
	assert_int_equal(run_metric(run, "drop.policy"), rx - tx);
	assert_int_equal(run_metric(run, "drop.malformed") + run_metric(run, "drop.si-zero"), 0);
}

/* Mixed sizes, some longer than a buffer; even ones to port 53, odd ones to 80. */
static void
build_all(void)
{
	static const struct inner in[2] = {
		{.src = "10.0.0.1", .dst = "10.0.0.2", .proto = 17, .sport = 1000, .dport = 53},
		{.src = "2001:db8::1", .dst = "2001:db8::2", .proto = 6, .sport = 2000, .dport = 80},
	};

	for (unsigned i = 0; i < FRAMES; i++)
		build(&sent[i], &in[i % 2], i % 50 == 7 ? 9000 : i % 50 == 9 ? 2036 + i % 3 : 100 + i);
}

static void
every_image_gets_ready_sleeps_and_stops(void **state)
{
	static const char *const images[] = {IMAGES "bridge", IMAGES "firewall", IMAGES "monitor"};

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct run run = {0};
		uint64_t beat;

		run_start(&run, images[i], runtime, no_args);
		assert_int_equal(run_status(&run)->state, HV_STATE_READY);
		assert_true(run_console_has(&run, "ready: 1 queue pairs"));
		usleep(100000);
		assert_int_equal(run_status(&run)->idle, 1);
		beat = run_status(&run)->heartbeat;
		assert_true(beat > 0);
		assert_int_equal(run_command(&run, "stop"), HV_EXIT_DONE);
	}
}

static void
an_idle_guest_drains_at_once(void **state)
{
	struct run run = {0};

	(void)state;
	run_start(&run, IMAGES "bridge", runtime, no_args);
	assert_int_equal(run_command(&run, "drain"), HV_EXIT_DRAINED);
}

static void
a_bad_rule_ends_the_image_with_1(void **state)
{
	static const char *const args[] = {"deny udp any any 53", "deny tcp 10.0.0.0/33 any", NULL};
	char output[2000];

	(void)state;
	assert_int_equal(run_to_end(IMAGES "firewall", runtime, args, output, sizeof(output)), 1);
}

static void
bridge_returns_every_frame(void **state)
{
	struct run run = {0};

	(void)state;
	build_all();
	run_start(&run, IMAGES "bridge", runtime, no_args);
	/* Twice: the second back end finds the rings where the first one left them. */
	for (unsigned turn = 1; turn <= 2; turn++) {
		assert_int_equal(run_frames(&run, sent, FRAMES, back), FRAMES);
		for (unsigned i = 0; i < FRAMES; i++)
			expect_served(&sent[i], &back[i]);
		expect_books(&run, turn * FRAMES, turn * FRAMES);
	}
	assert_int_equal(run_command(&run, "stop"), HV_EXIT_DONE);
}

static void
every_queue_pair_is_served(void **state)
{
	struct run run = {.pairs = RUN_PAIRS_MAX};

	(void)state;
	build_all();
	run_start(&run, IMAGES "bridge", runtime, no_args);
	assert_true(run_console_has(&run, "ready: 4 queue pairs"));
	assert_int_equal(run_frames(&run, sent, FRAMES, back), FRAMES);
	for (unsigned i = 0; i < FRAMES; i++)
		expect_served(&sent[i], &back[i]);
	expect_books(&run, RUN_PAIRS_MAX * FRAMES, RUN_PAIRS_MAX * FRAMES);
	assert_int_equal(run_command(&run, "stop"), HV_EXIT_DONE);
}

static void
firewall_returns_what_it_allows(void **state)
{
	static const char *const args[] = {
		"deny udp 10.0.0.0/8 any 50-60", "allow tcp any 2001:db8::/32", NULL};
	struct run run = {0};

	(void)state;
	build_all();
	run_start(&run, IMAGES "firewall", runtime, args);
	assert_int_equal(run_frames(&run, sent, FRAMES, back), FRAMES / 2);
	for (unsigned i = 0; i < FRAMES / 2; i++)
		expect_served(&sent[2 * i + 1], &back[i]);
	expect_books(&run, FRAMES, FRAMES / 2);
	assert_int_equal(run_metric(&run, "rule.1.packets"), FRAMES / 2);
	assert_int_equal(run_metric(&run, "rule.2.packets"), FRAMES / 2);
	assert_int_equal(run_metric(&run, "default.packets"), 0);
	assert_int_equal(run_command(&run, "stop"), HV_EXIT_DONE);
}

static void
monitor_counts_what_passes(void **state)
{
	uint64_t bytes = 0;
	struct run run = {0};

	(void)state;
	build_all();
	for (unsigned i = 0; i < FRAMES; i += 2)
		bytes += sent[i].size - 38;
	run_start(&run, IMAGES "monitor", runtime, no_args);
	assert_int_equal(run_frames(&run, sent, FRAMES, back), FRAMES);
	expect_books(&run, FRAMES, FRAMES);
	assert_int_equal(run_metric(&run, "flows.active"), 2);
	assert_int_equal(run_metric(&run, "flow.udp.10.0.0.1:1000>10.0.0.2:53"), FRAMES / 2);
	assert_int_equal(run_metric(&run, "flow.tcp.[2001:db8::1]:2000>[2001:db8::2]:80"), FRAMES / 2);
	assert_int_equal(run_metric(&run, "proto.udp.packets"), FRAMES / 2);
	assert_int_equal(run_metric(&run, "proto.udp.bytes"), bytes);
	assert_int_equal(run_command(&run, "stop"), HV_EXIT_DONE);
}

/* The block after ```FENCE in docs/vnf.md. */
static char *
doc_block(const char *fence)
{
	static char text[40000];
	FILE *file = fopen(SOURCE_DIR "/docs/vnf.md", "rb");
	char *start, *end;

	assert_non_null(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	start = strstr(text, fence);
	assert_non_null(start);
	start = strchr(start, '\n') + 1;
	end = strstr(start, "```");
	assert_non_null(end);
	*end = '\0';
	return start;
}

/* Build the example as the page says, in a folder whose build/ is this build. */
static void
build_example(char image[80])
{
	char path[64], command[300], *line;
	FILE *file;

	snprintf(path, sizeof(path), "%s/dscp.c", run_dir());
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(doc_block("```c\n"), file);
	assert_int_equal(fclose(file), 0);
	snprintf(path, sizeof(path), "%s/build", run_dir());
	unlink(path);
	assert_int_equal(symlink(BUILD_DIR, path), 0);
	line = doc_block("```sh\n");
	*strchr(line, '\n') = '\0';
	assert_memory_equal(line, "build/bin/vnf-cc ", 17);
	snprintf(command, sizeof(command), "cd %s && %s", run_dir(), line);
	assert_int_equal(run_program((const char *const[]){"sh", "-c", command, NULL}), 0);
	snprintf(image, 80, "%s/dscp", run_dir());
}

static uint32_t
ipv4_sum(const uint8_t *header)
{
	uint32_t sum = 0;

	for (unsigned i = 0; i < 20; i += 2)
		sum += (uint32_t)(header[i] << 8 | header[i + 1]);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static void
the_example_of_the_docs_builds_and_marks(void **state)
{
	static const char *const args[] = {"53=46", "80=10", NULL}, *const bad[] = {"53=64", NULL};
	char image[80], output[2000];
	struct run run = {0};

	(void)state;
	build_example(image);
	assert_int_equal(run_to_end(image, runtime, bad, output, sizeof(output)), 1);
	build_all();
	for (unsigned i = 0; i < FRAMES; i += 2) {
		uint32_t sum = ~ipv4_sum(sent[i].bytes + 38 + 14);

		inner_put16(sent[i].bytes + 38 + 14 + 10, (uint16_t)sum);
	}
	run_start(&run, image, runtime, args);
	assert_int_equal(run_frames(&run, sent, FRAMES, back), FRAMES);
	for (unsigned i = 0; i < FRAMES; i += 2) {
		uint8_t *ipv4 = back[i].bytes + 38 + 14, *ipv6 = back[i + 1].bytes + 38 + 14;

		assert_int_equal(ipv4[1], 46 << 2);
		assert_int_equal(ipv4_sum(ipv4), 0xffff);
		assert_int_equal((ipv6[0] << 8 | ipv6[1]), 0x6000 | 10 << 6);
		/* Nothing else changed. */
		memcpy(ipv4, sent[i].bytes + 38 + 14, 12);
		memcpy(ipv6, sent[i + 1].bytes + 38 + 14, 2);
		expect_served(&sent[i], &back[i]);
		expect_served(&sent[i + 1], &back[i + 1]);
	}
	assert_int_equal(run_metric(&run, "marked.53"), FRAMES / 2);
	assert_int_equal(run_metric(&run, "marked.80"), FRAMES / 2);
	assert_int_equal(run_command(&run, "stop"), HV_EXIT_DONE);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_image_gets_ready_sleeps_and_stops),
		cmocka_unit_test(an_idle_guest_drains_at_once),
		cmocka_unit_test(a_bad_rule_ends_the_image_with_1),
		cmocka_unit_test(bridge_returns_every_frame),
		cmocka_unit_test(every_queue_pair_is_served),
		cmocka_unit_test(firewall_returns_what_it_allows),
		cmocka_unit_test(monitor_counts_what_passes),
		cmocka_unit_test(the_example_of_the_docs_builds_and_marks),
	};
	int failed;

	if (argc > 1)
		runtime = argv[1];
	if (strcmp(runtime, "kvm") == 0 && access("/dev/kvm", R_OK | W_OK) != 0) {
		printf("SKIP: /dev/kvm is missing or not ours to use\n");
		return 77;
	}
	if (run_program((const char *const[]){"sh", "-c", "command -v dpdk-testpmd", NULL}) != 0) {
		printf("SKIP: dpdk-testpmd is not installed\n");
		run_clean();
		return 77;
	}
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	run_clean();
	return failed;
}
