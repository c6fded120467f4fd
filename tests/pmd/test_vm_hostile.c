#include "vm_port.h"

#include <dirent.h>

static int
open_files(void)
{
	int n = 0;
	DIR *d = opendir("/proc/self/fd");

	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

/* After a step the connection ends and is counted. */
static void
assert_refused(const char *what)
{
	struct pmd_vm_faults faults;

	if (!front_was_dropped(&front, 3000))
		fail_msg("%s: not refused", what);
	assert_false(pmd_vm_up(port));
	pmd_vm_faults(port, &faults);
	if (faults.refused < 1)
		fail_msg("%s: not counted", what);
}

enum memory_lie {
	UNSEALED,
	SHRINK_ONLY,
	GROW_ONLY,
	WRITE_SEALED,
	READ_ONLY,
	NO_MEMFD,
	TOO_SHORT,
	OFFSET_WRAPS,
	GUEST_WRAPS,
	USER_WRAPS,
	EMPTY,
	NO_REGION,
	NINE_REGIONS,
	OVERLAP,
	NO_FILE,
	SURPLUS_FILE,
	TABLE_CUT,
	LIES
};

static void
send_lie(enum memory_lie lie)
{
	static const int seals[LIES] = {
		[UNSEALED] = 0, [SHRINK_ONLY] = F_SEAL_SHRINK, [GROW_ONLY] = F_SEAL_GROW};
	struct front_message m;
	struct front_region *r = m.payload.memory.region;
	unsigned int files = 1;
	int fds[9];

	assert_int_equal(
		front_memory(&front, 2, SIZE, BUFFER, lie <= GROW_ONLY ? seals[lie] : FRONT_SEALS), 0);
	assert_int_equal(front_negotiate(&front, UINT64_MAX), 0);
	front_table(&front, &m);
	for (int i = 0; i < 9; i++)
		fds[i] = front.memory_fd;
	switch (lie) {
	case WRITE_SEALED:
		assert_int_equal(fcntl(front.memory_fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE), 0);
		break;
	case READ_ONLY: {
		char name[32];
		snprintf(name, sizeof(name), "/proc/self/fd/%d", front.memory_fd);
		fds[0] = open(name, O_RDONLY | O_CLOEXEC);
		break;
	}
	case NO_MEMFD:
		fds[0] = open("/dev/zero", O_RDWR | O_CLOEXEC);
		break;
	case TOO_SHORT:
		r->size += 1;
		break;
	case OFFSET_WRAPS:
		r->offset = UINT64_MAX - 4095;
		break;
	case GUEST_WRAPS:
		r->guest = UINT64_MAX - 4095;
		break;
	case USER_WRAPS:
		r->user = UINT64_MAX - 4095;
		break;
	case EMPTY:
		r->size = 0;
		break;
	case NO_REGION:
		m.payload.memory.count = 0;
		m.size = 8;
		files = 0;
		break;
	case NINE_REGIONS:
		m.payload.memory.count = 9;
		for (uint64_t i = 0; i < 9; i++)
			r[i] = (struct front_region){
				FRONT_GUEST + (i << 40), 4096, FRONT_USER + (i << 40), 0};
		m.size = 8 + 9 * 32;
		files = 8; /* the protocol allows no more in a message */
		break;
	case OVERLAP:
		m.payload.memory.count = 2;
		r[1] = r[0];
		r[1].guest += 4096;
		r[1].user += 1ull << 40;
		m.size = 8 + 2 * 32;
		files = 2;
		break;
	case NO_FILE:
		files = 0;
		break;
	case SURPLUS_FILE:
		files = 3;
		break;
	case TABLE_CUT:
		m.size -= 8;
		break;
	default:
		break;
	}
	assert_int_equal(front_send(&front, &m, fds, files), 0);
	if (fds[0] != front.memory_fd)
		close(fds[0]);
}

static void
memory_that_could_vanish_or_lies_is_refused(void **state)
{
	(void)state;
	/* The first port leaves rte_vhost's event thread with its own files. */
	open_running_port(1);
	close_port();
	int files_before = open_files();
	for (int lie = 0; lie < LIES; lie++) {
		char what[32];
		snprintf(what, sizeof(what), "memory lie %d", lie);
		open_port(1);
		send_lie((enum memory_lie)lie);
		assert_refused(what);
		close_port();
	}
	assert_int_equal(open_files(), files_before);
}

static void
sealed_memory_cannot_be_shrunk_afterwards(void **state)
{
	(void)state;
	open_running_port(1);
	assert_int_equal(ftruncate(front.memory_fd, 4096), -1);
	assert_int_equal(errno, EPERM);
	assert_echo(0, 60);
	close_port();
}

/* Messages that no front end may send, before or after the rings run. */
struct hostile {
	const char *what;
	bool running;
	struct front_message message;
};

static const struct hostile hostiles[] = {
	{"ring above the port's", false, {FRONT_SET_VRING_NUM, 1, 8, {.state = {2, 64}}}},
	{"ring 255", false, {FRONT_SET_VRING_NUM, 1, 8, {.state = {255, 64}}}},
	{"ring 256", false, {FRONT_SET_VRING_NUM, 1, 8, {.state = {256, 64}}}},
	{"ring 65536", false, {FRONT_SET_VRING_NUM, 1, 8, {.state = {65536, 64}}}},
	{"ring 2^32-1", false, {FRONT_GET_VRING_BASE, 1, 8, {.state = {UINT32_MAX, 0}}}},
	{"enable ring 200", false, {FRONT_SET_VRING_ENABLE, 1, 8, {.state = {200, 1}}}},
	{"size 0", false, {FRONT_SET_VRING_NUM, 1, 8, {.state = {0, 0}}}},
	{"size 3", false, {FRONT_SET_VRING_NUM, 1, 8, {.state = {0, 3}}}},
	{"size 65536", false, {FRONT_SET_VRING_NUM, 1, 8, {.state = {0, 65536}}}},
	{"size 3, acknowledged", false, {FRONT_SET_VRING_NUM, 9, 8, {.state = {0, 3}}}},
	{"addresses before size", false, {FRONT_SET_VRING_ADDR, 1, 40, {.addr = {.index = 0}}}},
	{"base above 16 bits", false, {FRONT_SET_VRING_BASE, 1, 8, {.state = {0, 65536}}}},
	{"kick without file", false, {FRONT_SET_VRING_KICK, 1, 8, {.u64 = 0}}},
	{"call of ring 200 without file", false, {FRONT_SET_VRING_CALL, 1, 8, {.u64 = 0x1c8}}},
	{"call with high bits", false, {FRONT_SET_VRING_CALL, 1, 8, {.u64 = 1ull << 40 | 0x100}}},
	{"features nobody offered", false, {FRONT_SET_FEATURES, 1, 8, {.u64 = UINT64_MAX}}},
	{"log", false, {FRONT_SET_LOG_BASE, 1, 16, {.u64 = UINT64_MAX}}},
	{"reset owner", false, {FRONT_RESET_OWNER, 1, 0, {.u64 = 0}}},
	{"rarp", false, {FRONT_SEND_RARP, 1, 8, {.u64 = 1}}},
	{"slave channel", false, {FRONT_SET_SLAVE_REQ_FD, 1, 8, {.u64 = 1}}},
	{"iotlb", false, {FRONT_IOTLB, 1, 32, {.u64 = 1}}},
	{"postcopy", false, {FRONT_POSTCOPY_ADVISE, 1, 0, {.u64 = 0}}},
	{"inflight out", false, {FRONT_GET_INFLIGHT, 1, 24, {.bytes = {[16] = 0xff, 0xff, 0xff, 0xff}}}},
	{"inflight in", false, {FRONT_SET_INFLIGHT, 1, 24, {.bytes = {[16] = 1, 0, 0xff, 0xff}}}},
	{"request 0", false, {0, 1, 0, {.u64 = 0}}},
	{"request 23", false, {23, 1, 0, {.u64 = 0}}},
	{"request 4 billion", false, {UINT32_MAX, 1, 0, {.u64 = 0}}},
	{"version 0", false, {FRONT_SET_OWNER, 0, 0, {.u64 = 0}}},
	{"a reply", false, {FRONT_SET_OWNER, 5, 0, {.u64 = 0}}},
	{"message too short", false, {FRONT_SET_FEATURES, 1, 4, {.u64 = 0}}},
	{"message too long", false, {FRONT_SET_FEATURES, 1, 16, {.u64 = 0}}},
	{"live size", true, {FRONT_SET_VRING_NUM, 1, 8, {.state = {0, 32768}}}},
	{"live size, acknowledged", true, {FRONT_SET_VRING_NUM, 9, 8, {.state = {0, 32768}}}},
	{"live addresses", true, {FRONT_SET_VRING_ADDR, 1, 40, {.addr = {.index = 0}}}},
	{"live base", true, {FRONT_SET_VRING_BASE, 1, 8, {.state = {0, 9}}}},
	{"live features", true, {FRONT_SET_FEATURES, 1, 8, {.u64 = 0}}},
	{"live call", true, {FRONT_SET_VRING_CALL, 1, 8, {.u64 = 0x100}}},
	{"live kick", true, {FRONT_SET_VRING_KICK, 1, 8, {.u64 = 0x100}}},
};

static void
malformed_messages_end_the_connection_only(void **state)
{
	(void)state;
	for (size_t i = 0; i < RTE_DIM(hostiles); i++) {
		const struct hostile *h = &hostiles[i];
		if (h->running)
			open_running_port(1);
		else
			open_port(1);
		if (!h->running)
			assert_int_equal(front_memory(&front, 2, SIZE, BUFFER, FRONT_SEALS), 0);
		if (front_send_part(&front, &h->message, 12 + (size_t)h->message.size, NULL, 0) != 0)
			fail_msg("%s: not sent", h->what);
		/* Some are refused by rte_vhost itself. */
		if (!front_was_dropped(&front, 3000))
			fail_msg("%s: not refused", h->what);
		assert_true(becomes(false));
		/* It comes again and is served. */
		front_hang_up(&front);
		assert_int_equal(front_accept(&front, 5000), 0);
		if (front_start(&front) != 0 || !becomes(true))
			fail_msg("%s: no service afterwards", h->what);
		assert_echo(0, 60);
		close_port();
	}
}

static void
files_of_wrong_kind_or_number_are_refused(void **state)
{
	int pipe_fds[2];

	(void)state;
	assert_int_equal(pipe(pipe_fds), 0);
	open_port(1);
	/* A worker would block in a full pipe. */
	assert_int_equal(front_file(&front, FRONT_SET_VRING_CALL, 0, pipe_fds[1]), 0);
	assert_refused("call to a pipe");
	close_port();

	open_port(1);
	struct front_message owner = {.request = FRONT_SET_OWNER};
	assert_int_equal(front_send(&front, &owner, pipe_fds, 2), 0);
	assert_refused("files where none belong");
	close_port();

	open_port(1);
	struct front_message kick = {.request = FRONT_SET_VRING_KICK, .size = 8};
	assert_int_equal(front_send(&front, &kick, pipe_fds, 2), 0);
	assert_refused("two files");
	close_port();
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

static void
ring_that_does_not_fit_its_memory_is_not_served(void **state)
{
	(void)state;
	open_port(1);
	assert_int_equal(front_memory(&front, 2, SIZE, BUFFER, FRONT_SEALS), 0);
	assert_int_equal(front_negotiate(&front, UINT64_MAX) | front_set_memory(&front), 0);
	assert_int_equal(front_set_ring(&front, 0), 0);
	/* The used ring, or event word, of ring 1 ends behind the memory. */
	front.ring[1].used =
		(struct vring_used *)(front.memory + front.memory_size - (front.packed ? 0 : 16));
	assert_int_equal(front_set_ring(&front, 1), 0);
	assert_int_equal(front_number(&front, FRONT_SET_STATUS, FRONT_STATUS_OK), 0);
	for (int i = 0; i < 100; i++)
		nap();
	assert_false(pmd_vm_up(port));
	close_port();
}

static void
front_end_may_stop_at_every_step(void **state)
{
	(void)state;
	open_port(1);
	assert_int_equal(front_memory(&front, 2, SIZE, BUFFER, FRONT_SEALS), 0);
	for (int steps = 0; steps < 8; steps++) {
		if (steps > 0)
			assert_int_equal(front_negotiate(&front, UINT64_MAX), 0);
		if (steps > 1)
			assert_int_equal(front_set_memory(&front), 0);
		if (steps > 2)
			assert_int_equal(front_state(&front, FRONT_SET_VRING_NUM, 0, SIZE), 0);
		if (steps > 3)
			assert_int_equal(front_addr(&front, 0), 0);
		if (steps > 4)
			assert_int_equal(front_set_ring(&front, 1), 0);
		if (steps > 5)
			assert_int_equal(front_file(&front, FRONT_SET_VRING_KICK, 0, front.kick[0]), 0);
		if (steps > 6)
			assert_int_equal(front_file(&front, FRONT_SET_VRING_CALL, 0, front.call[0]), 0);
		front_hang_up(&front);
		assert_int_equal(front_accept(&front, 5000), 0);
	}
	assert_int_equal(front_start(&front), 0);
	assert_true(becomes(true));
	assert_echo(0, 60);
	close_port();
}

static void
message_that_never_ends_does_not_hold_up_other_ports(void **state)
{
	struct front_message m = {.request = FRONT_SET_FEATURES, .flags = 1, .size = 8};
	struct front stuck;
	struct pmd_port *stuck_port;
	char err[256], stuck_path[80];

	(void)state;
	snprintf(stuck_path, sizeof(stuck_path), "%s/stuck", dir);
	assert_int_equal(front_listen(&stuck, stuck_path), 0);
	assert_int_equal(pmd_vm_open("stuck", stuck_path, 1, &stuck_port, err, sizeof(err)), 0);
	assert_int_equal(front_accept(&stuck, 3000), 0);
	assert_int_equal(front_send_part(&stuck, &m, 12, NULL, 0), 0);
	open_running_port(1);
	assert_echo(0, 60);
	close_port();
	assert_true(front_was_dropped(&stuck, 3000));
	stuck_port->ops->close(stuck_port);
	front_close(&stuck);
	unlink(stuck_path);
}

static void
front_end_that_never_reads_does_not_hold_up_other_ports(void **state)
{
	struct front_message m = {.request = FRONT_GET_FEATURES, .flags = 1};
	struct front deaf;
	struct pmd_port *deaf_port;
	struct timespec from, to;
	char err[256], deaf_path[80];

	(void)state;
	snprintf(deaf_path, sizeof(deaf_path), "%s/deaf", dir);
	assert_int_equal(front_listen(&deaf, deaf_path), 0);
	assert_int_equal(pmd_vm_open("deaf", deaf_path, 1, &deaf_port, err, sizeof(err)), 0);
	assert_int_equal(front_accept(&deaf, 3000), 0);
	assert_int_equal(fcntl(deaf.fd, F_SETFL, O_NONBLOCK), 0);
	for (int i = 0; i < 5000 && front_send_part(&deaf, &m, 12, NULL, 0) == 0; i++)
		;
	clock_gettime(CLOCK_MONOTONIC, &from);
	open_running_port(1);
	clock_gettime(CLOCK_MONOTONIC, &to);
	assert_true(to.tv_sec - from.tv_sec < 4);
	assert_echo(0, 60);
	close_port();
	deaf_port->ops->close(deaf_port);
	front_close(&deaf);
	unlink(deaf_path);
}

static void
front_end_that_hangs_up_again_and_again_is_served_in_the_end(void **state)
{
	(void)state;
	open_port(1);
	for (int i = 0; i < 20; i++) {
		front_hang_up(&front);
		assert_int_equal(front_accept(&front, 5000), 0);
	}
	assert_int_equal(front_memory(&front, 2, SIZE, BUFFER, FRONT_SEALS), 0);
	assert_int_equal(front_start(&front), 0);
	assert_true(becomes(true));
	assert_echo(0, 60);
	close_port();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_that_could_vanish_or_lies_is_refused),
		cmocka_unit_test(sealed_memory_cannot_be_shrunk_afterwards),
		cmocka_unit_test(malformed_messages_end_the_connection_only),
		cmocka_unit_test(files_of_wrong_kind_or_number_are_refused),
		cmocka_unit_test(ring_that_does_not_fit_its_memory_is_not_served),
		cmocka_unit_test(front_end_may_stop_at_every_step),
		cmocka_unit_test(message_that_never_ends_does_not_hold_up_other_ports),
		cmocka_unit_test(front_end_that_never_reads_does_not_hold_up_other_ports),
		cmocka_unit_test(front_end_that_hangs_up_again_and_again_is_served_in_the_end),
	};

	return cmocka_run_group_tests_name("split", tests, setup, teardown) +
	       cmocka_run_group_tests_name("packed", tests, setup_packed, teardown);
}
