/* The runner from outside, once per runtime: test_run_kvm.c and test_run_process.c set RUNTIME and IS_KVM. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "hv_abi.h"
#include "runner.h"

#define HV    BUILD_DIR "/bin/hv"
#define IMAGE BUILD_DIR "/tests/hv_guest_case"

static struct runner run;
static char text[8192];

static int
setup(void **state)
{
	(void)state;
	return runner_init(&run);
}

static int
teardown(void **state)
{
	(void)state;
	runner_fini(&run);
	return 0;
}

static void
start(const char *name, const char *value)
{
	const char *options[] = {"--arg", name, value != NULL ? "--arg" : NULL, value, NULL};

	assert_int_equal(runner_start(&run, HV, IMAGE, RUNTIME, options), 0);
}

static int
end_of(const char *name, const char *value)
{
	start(name, value);
	return runner_wait(&run, 8000, text, sizeof(text));
}

static void
assert_says(const char *what)
{
	if (strstr(text, what) == NULL)
		fail_msg("no \"%s\" in: %s", what, text);
}

static int
greeted(char *hello, size_t size, int *shared)
{
	int sock = runner_connect(run.control);

	assert_true(sock >= 0);
	assert_true(runner_receive(sock, hello, size, shared) > 0);
	return sock;
}

static void
exit_codes_pass_through(void **state)
{
	static const char *const codes[] = {"0", "1", "63", "64", "69"};

	(void)state;
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		assert_int_equal(end_of("exit", codes[i]), atoi(codes[i]));
}

static void
exit_code_over_69_is_an_abi_error(void **state)
{
	(void)state;
	assert_int_equal(end_of("exit", "70"), HV_EXIT_ABI);
	assert_says("exit code over 69 (0x46)");
}

/* What a fault is called, under KVM and as a process. "guest crashed": the vector depends on the kind of KVM
 * (int n, hlt and a stray syscall do not fault the same way on PVM and on VMX). */
static const struct {
	const char *name;
	const char *kvm;
	const char *process;
} faults[] = {
	{"null", "page fault", "Segmentation fault"},
	{"write-text", "page fault", "Segmentation fault"},
	{"write-rodata", "page fault", "Segmentation fault"},
	{"write-boot", "page fault", "Segmentation fault"},
	{"write-control", "page fault", "Segmentation fault"},
	{"write-tables", "page fault", "Segmentation fault"},
	{"read-stub", "page fault", "Segmentation fault"},
	{"run-heap", "page fault", "Segmentation fault"},
	{"run-rings", "page fault", "Segmentation fault"},
	{"overflow", "page fault", "Segmentation fault"},
	{"wild-stack", "page fault", "Segmentation fault"},
	{"no-canon", "general protection", "Segmentation fault"},
	{"divide", "divide error", "Floating point exception"},
	{"ud2", "invalid opcode", "Illegal instruction"},
	{"int3", "guest crashed", "Trace/breakpoint trap"},
	{"int-0x80", "guest crashed", "forbidden system call"},
	{"hlt", "guest crashed", "Segmentation fault"},
	{"cr3", "guest crashed", "Segmentation fault"},
	{"syscall", "guest crashed", "forbidden system call"},
	{"read-other-fd", "guest crashed", "forbidden system call"},
	{"x32", "guest crashed", "forbidden system call"},
	{"load-doorbell", "not a 32-bit store", "Segmentation fault"},
	{"no-doorbell", "store to no doorbell", "Segmentation fault"},
	{"byte-doorbell", "not a 32-bit store", "Segmentation fault"},
};

static void
every_fault_is_reported_and_ends_with_67(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		int code = end_of(faults[i].name, NULL);

		if (code != HV_EXIT_EXCEPTION)
			fail_msg("%s: exit %d: %s", faults[i].name, code, text);
		assert_says(IS_KVM ? faults[i].kvm : faults[i].process);
	}
}

static void
a_crash_report_names_the_place(void **state)
{
	char place[64];

	(void)state;
	assert_int_equal(end_of("null", NULL), HV_EXIT_EXCEPTION);
	snprintf(place, sizeof(place), "cr2 %016x", 8);
	assert_says(place);
	assert_says("rip 00000000002");
	assert_says("stack+000");
}

static void
the_console_tail_is_bounded_and_printable(void **state)
{
	(void)state;
	assert_int_equal(end_of("say", NULL), HV_EXIT_ASSERT);
	assert_says("console: last words");
	assert_null(strchr(text, '\033'));
	assert_true(strlen(text) < 4000);
}

static void
doorbell_storms_do_no_harm(void **state)
{
	(void)state;
	assert_int_equal(end_of("kicks", NULL), 0);
	assert_int_equal(end_of("waits", NULL), 0);
}

static void
vector_registers_announced_can_be_used(void **state)
{
	(void)state;
	assert_int_equal(end_of("avx", NULL), 0);
}

static void
arguments_arrive_in_order_empty_ones_too(void **state)
{
	const char *options[] = {"--arg", "args", "--arg", "", "--arg", "z", NULL};

	(void)state;
	assert_int_equal(runner_start(&run, HV, IMAGE, RUNTIME, options), 0);
	assert_int_equal(runner_wait(&run, 5000, text, sizeof(text)), 11);
}

static void
a_frozen_heartbeat_ends_with_68(void **state)
{
	(void)state;
	assert_int_equal(end_of("frozen", NULL), HV_EXIT_WATCHDOG);
	assert_says("no heartbeat");
	assert_says("rip 00000000002");
}

static void
lying_about_idleness_does_not_help(void **state)
{
	(void)state;
	assert_int_equal(end_of("idle-liar", NULL), HV_EXIT_WATCHDOG);
}

static void
a_waiting_guest_without_heartbeat_is_no_hang(void **state)
{
	(void)state;
	start("mute", NULL);
	assert_int_equal(runner_wait(&run, 3000, text, sizeof(text)), -1000);
}

static void
a_client_learns_state_and_gets_read_only_memory(void **state)
{
	const struct hv_status *status;
	char hello[512];
	int shared, sock;

	(void)state;
	start("idle", NULL);
	sock = greeted(hello, sizeof(hello), &shared);
	assert_non_null(strstr(hello, "\"runtime\":\"" RUNTIME "\""));
	assert_non_null(strstr(hello, "\"state\":\"ready\""));
	assert_int_equal(runner_number(hello, "abi"), HV_ABI_VERSION);
	assert_int_equal(runner_number(hello, "pid"), run.pid);
	assert_true(runner_number(hello, "heartbeat_us") > 0);
	assert_true(runner_number(hello, "boot_us") >= runner_number(hello, "heartbeat_us"));

	assert_true(shared >= 0);
	assert_ptr_equal(
		mmap(NULL, HV_SHARED_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, shared, 0), MAP_FAILED);
	assert_int_equal(ftruncate(shared, 0), -1);
	status = mmap(NULL, HV_SHARED_SIZE, PROT_READ, MAP_SHARED, shared, 0);
	assert_ptr_not_equal(status, MAP_FAILED);
	assert_int_equal(status->state, HV_STATE_READY);
	assert_true(status->heartbeat > 0);
	munmap((void *)(uintptr_t)status, HV_SHARED_SIZE);
	close(shared);
	close(sock);
}

static void
commands_are_obeyed_and_the_exit_is_told(void **state)
{
	static const struct {
		const char *command;
		int code;
	} rows[] = {{"{\"command\":\"stop\"}", 0}, {" { \"command\" : \"drain\" }\n", HV_EXIT_DRAINED}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char hello[512], other_hello[512];
		int sock, other;

		start("idle", NULL);
		sock = greeted(hello, sizeof(hello), NULL);
		other = greeted(other_hello, sizeof(other_hello), NULL);
		assert_string_equal(hello, other_hello);
		assert_int_equal(runner_send(sock, rows[i].command), 0);
		assert_true(runner_receive(other, hello, sizeof(hello), NULL) > 0);
		assert_non_null(strstr(hello, "\"event\":\"exit\""));
		assert_int_equal(runner_number(hello, "code"), rows[i].code);
		assert_int_equal(runner_receive(other, hello, sizeof(hello), NULL), 0);
		assert_int_equal(runner_wait(&run, 2000, text, sizeof(text)), rows[i].code);
		close(sock);
		close(other);
		assert_int_equal(access(run.net, F_OK), -1);
		assert_int_equal(access(run.control, F_OK), -1);
	}
}

static void
a_client_that_talks_nonsense_is_dropped_alone(void **state)
{
	static const char *const nonsense[] = {
		"{}", "stop", "{\"command\":\"dance\"}", "{\"command\":\"stop\"}x"};
	char hello[512];

	(void)state;
	start("idle", NULL);
	for (size_t i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++) {
		int sock = greeted(hello, sizeof(hello), NULL);

		assert_int_equal(runner_send(sock, nonsense[i]), 0);
		assert_int_equal(runner_receive(sock, hello, sizeof(hello), NULL), 0);
		close(sock);
	}
	int sock = greeted(hello, sizeof(hello), NULL);
	assert_int_equal(write(sock, "\xff\xff\xff\xff", 4), 4);
	assert_int_equal(runner_receive(sock, hello, sizeof(hello), NULL), 0);
	close(sock);
	sock = greeted(hello, sizeof(hello), NULL);
	close(sock);
}

static void
sigterm_stops_even_a_deaf_guest(void **state)
{
	static const char *const names[] = {"idle", "deaf"};
	char hello[512];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		start(names[i], NULL);
		close(greeted(hello, sizeof(hello), NULL));
		kill(run.pid, SIGTERM);
		assert_int_equal(runner_wait(&run, 1500, text, sizeof(text)), 0);
		assert_int_equal(access(run.net, F_OK), -1);
	}
}

static void
nothing_outlives_a_killed_runner(void **state)
{
	char hello[512];
	pid_t guest;

	(void)state;
	start("deaf", NULL);
	close(greeted(hello, sizeof(hello), NULL));
	guest = runner_child(run.pid);
	assert_true((guest > 0) == !IS_KVM);
	kill(run.pid, SIGKILL);
	assert_int_equal(runner_wait(&run, 1000, text, sizeof(text)), -SIGKILL);
	if (guest > 0)
		assert_true(runner_gone(guest));
	/* The next runner takes the sockets the dead one left. */
	assert_int_equal(end_of("exit", "0"), 0);
}

/* A parent that starts hv with a lifeline, says its pid and is then killed as hard as can be. */
static void
a_guest_dies_with_its_parent(void **state)
{
	pid_t parent, hv = 0, guest;
	char hello[512];
	int tell[2];

	(void)state;
	assert_int_equal(pipe(tell), 0);
	parent = fork();
	if (parent == 0) {
		int life[2];
		char fd[16];
		const char *options[] = {"--lifeline", fd, "--arg", "deaf", NULL};

		if (pipe(life) < 0)
			_exit(1);
		fcntl(life[1], F_SETFD, FD_CLOEXEC);
		snprintf(fd, sizeof(fd), "%d", life[0]);
		if (runner_start(&run, HV, IMAGE, RUNTIME, options) < 0 ||
			write(tell[1], &run.pid, sizeof(run.pid)) != sizeof(run.pid))
			_exit(1);
		pause();
		_exit(0);
	}
	assert_int_equal(read(tell[0], &hv, sizeof(hv)), sizeof(hv));
	close(greeted(hello, sizeof(hello), NULL));
	guest = runner_child(hv);
	kill(parent, SIGKILL);
	waitpid(parent, NULL, 0);
	assert_true(runner_gone(hv));
	if (guest > 0)
		assert_true(runner_gone(guest));
	assert_int_equal(access(run.net, F_OK), -1);
	assert_int_equal(access(run.control, F_OK), -1);
	close(tell[0]);
	close(tell[1]);
}

static const struct hv_status *
map_status(int shared)
{
	void *m = mmap(NULL, HV_SHARED_SIZE, PROT_READ, MAP_SHARED, shared, 0);

	assert_ptr_not_equal(m, MAP_FAILED);
	close(shared);
	return m;
}

static void
back_ends_come_and_go(void **state)
{
	const char *options[] = {"--pairs", "4", "--arg", "idle", NULL};
	char hello[512];
	int shared, sock;

	(void)state;
	assert_int_equal(runner_start(&run, HV, IMAGE, RUNTIME, options), 0);
	sock = greeted(hello, sizeof(hello), &shared);
	const struct hv_status *status = map_status(shared);
	for (int i = 0; i < 20; i++) {
		uint64_t beat = status->heartbeat;
		int back = runner_connect(run.net);

		assert_int_equal(runner_back_end(back, 8), 0);
		/* The runner wakes the guest to tell of the link. */
		for (int k = 0; k < 200 && status->heartbeat == beat; k++)
			usleep(5000);
		assert_true(status->heartbeat > beat);
		close(back);
	}
	/* One that lies is dropped; the next is served. */
	int liar = runner_connect(run.net);
	char bytes[64] = "not vhost-user at all, but long enough for a header";
	assert_int_equal(write(liar, bytes, sizeof(bytes)), sizeof(bytes));
	while (read(liar, bytes, sizeof(bytes)) > 0)
		;
	close(liar);
	int back = runner_connect(run.net);
	assert_int_equal(runner_back_end(back, 8), 0);
	close(back);
	munmap((void *)(uintptr_t)status, HV_SHARED_SIZE);
	assert_int_equal(runner_send(sock, "{\"command\":\"stop\"}"), 0);
	assert_int_equal(runner_wait(&run, 2000, text, sizeof(text)), 0);
	assert_says("back end dropped: reply");
	close(sock);
}

/* A number of a status file in /proc; all those asked for are hexadecimal or below ten. */
static unsigned long
proc_field(const char *path, const char *field)
{
	unsigned long value = ~0UL;
	char line[256];
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, field, strlen(field)) == 0)
			value = strtoul(line + strlen(field), NULL, 16);
	fclose(f);
	return value;
}

static void
nobody_keeps_privileges(void **state)
{
	char hello[512], path[300];
	struct dirent *entry;
	pid_t guest;
	DIR *tasks;

	(void)state;
	start("idle", NULL);
	close(greeted(hello, sizeof(hello), NULL));
	snprintf(path, sizeof(path), "/proc/%d/task", (int)run.pid);
	tasks = opendir(path);
	assert_non_null(tasks);
	while ((entry = readdir(tasks)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/proc/%d/task/%s/status", (int)run.pid, entry->d_name);
		assert_int_equal(proc_field(path, "CapEff:"), 0);
		assert_int_equal(proc_field(path, "CapPrm:"), 0);
		assert_int_equal(proc_field(path, "NoNewPrivs:"), 1);
#ifndef __SANITIZE_ADDRESS__
		assert_int_equal(proc_field(path, "Seccomp:"), 2);
#endif
	}
	closedir(tasks);
	guest = runner_child(run.pid);
	if (guest < 0)
		return;
	snprintf(path, sizeof(path), "/proc/%d/status", (int)guest);
	assert_int_equal(proc_field(path, "CapEff:"), 0);
	assert_int_equal(proc_field(path, "CapPrm:"), 0);
	assert_int_equal(proc_field(path, "NoNewPrivs:"), 1);
	assert_int_equal(proc_field(path, "Seccomp:"), 2);
}

#if !IS_KVM
/* A process guest has nothing open but the eventfds of its two queues and the control eventfd. */
static void
a_process_guest_holds_eventfds_only(void **state)
{
	char hello[512], path[300], target[64];
	struct dirent *entry;
	unsigned int open_fds = 0;
	DIR *fds;

	(void)state;
	if (getuid() != 0)
		skip();
	start("idle", NULL);
	close(greeted(hello, sizeof(hello), NULL));
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)runner_child(run.pid));
	fds = opendir(path);
	assert_non_null(fds);
	while ((entry = readdir(fds)) != NULL) {
		char link[600];
		ssize_t size;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(link, sizeof(link), "%s/%s", path, entry->d_name);
		size = readlink(link, target, sizeof(target) - 1);
		assert_true(size > 0);
		target[size] = '\0';
		assert_string_equal(target, "anon_inode:[eventfd]");
		open_fds++;
	}
	closedir(fds);
	assert_int_equal(open_fds, 5);
}
#endif

static void
a_silent_back_end_is_dropped_after_two_seconds(void **state)
{
	struct timespec begin, now;
	char hello[512], byte;
	int silent, ended;

	(void)state;
	start("idle", NULL);
	close(greeted(hello, sizeof(hello), NULL));
	clock_gettime(CLOCK_MONOTONIC, &begin);
	silent = runner_connect(run.net);
	while ((ended = (int)read(silent, &byte, 1)) > 0)
		; /* its requests */
	clock_gettime(CLOCK_MONOTONIC, &now);
	assert_int_equal(ended, 0);
	assert_in_range(
		(now.tv_sec - begin.tv_sec) * 1000 + (now.tv_nsec - begin.tv_nsec) / 1000000, 1900, 3500);
	close(silent);
	silent = runner_connect(run.net);
	assert_int_equal(runner_back_end(silent, 2), 0);
	close(silent);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(exit_codes_pass_through),
		T(exit_code_over_69_is_an_abi_error),
		T(every_fault_is_reported_and_ends_with_67),
		T(a_crash_report_names_the_place),
		T(the_console_tail_is_bounded_and_printable),
		T(doorbell_storms_do_no_harm),
		T(vector_registers_announced_can_be_used),
		T(arguments_arrive_in_order_empty_ones_too),
		T(a_frozen_heartbeat_ends_with_68),
		T(lying_about_idleness_does_not_help),
		T(a_waiting_guest_without_heartbeat_is_no_hang),
		T(a_client_learns_state_and_gets_read_only_memory),
		T(commands_are_obeyed_and_the_exit_is_told),
		T(a_client_that_talks_nonsense_is_dropped_alone),
		T(sigterm_stops_even_a_deaf_guest),
		T(nothing_outlives_a_killed_runner),
		T(a_guest_dies_with_its_parent),
		T(back_ends_come_and_go),
		T(nobody_keeps_privileges),
#if !IS_KVM
		T(a_process_guest_holds_eventfds_only),
#endif
		T(a_silent_back_end_is_dropped_after_two_seconds),
	};

	if (IS_KVM && access("/dev/kvm", R_OK | W_OK) < 0) {
		printf("SKIP: /dev/kvm: %s\n", strerror(errno));
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
