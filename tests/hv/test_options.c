/* What hv says and returns when something is not as it must be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "hv_abi.h"
#include "runner.h"

#define HV    BUILD_DIR "/bin/hv"
#define IMAGE BUILD_DIR "/tests/hv_guest_case"

static struct runner run;
static char text[4096];

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

/* Exit code, and exactly one line that begins with "hv: " and has `what` in it. */
static void
refused(const char *const *args, int code, const char *what)
{
	assert_int_equal(runner_spawn(&run, HV, args), 0);
	int got = runner_wait(&run, 5000, text, sizeof(text));
	char *line_end = strchr(text, '\n');

	if (got != code || strncmp(text, "hv: ", 4) != 0 || strstr(text, what) == NULL || line_end == NULL ||
		line_end[1] != '\0')
		fail_msg("exit %d (want %d), no \"%s\" in: %s", got, code, what, text);
}

static void
wrong_options_are_70(void **state)
{
	static const char *const rows[][9] = {
		{"nothing: unknown verb"},
		{"walk: unknown verb", "walk"},
		{"IMAGE: missing", "run"},
		{"--memory: missing", "run", "x"},
		{"--net: missing", "run", "x", "--memory", "4"},
		{"--memory: not allowed (1, limit: 2 to 1022)", "run", "x", "--memory", "1"},
		{"--memory: not allowed (1023,", "run", "x", "--memory", "1023"},
		{"--memory: not allowed (4x,", "run", "x", "--memory", "4x"},
		{"--memory: not allowed (-4,", "run", "x", "--memory", "-4"},
		{"--memory: value missing", "run", "x", "--memory"},
		{"--pairs: not allowed (17, limit: 1 to 16)", "run", "x", "--pairs", "17"},
		{"--runtime: not allowed (xen, limit: auto, kvm or process)", "run", "x", "--runtime", "xen"},
		{"--mac: not allowed (01:00:00:00:00:01,", "run", "x", "--mac", "01:00:00:00:00:01"},
		{"--mac: not allowed (2:0:0:0:0:1,", "run", "x", "--mac", "2:0:0:0:0:1"},
		{"--lifeline: not allowed (x,", "run", "x", "--lifeline", "x"},
		{"--lifeline: not open", "run", "x", "--lifeline", "99", "--memory", "4", "--net", "n"},
		{"--cpu: no such CPU", "run", "x", "--cpu", "1000", "--memory", "4", "--net", "n"},
		{"--stamps: not allowed (yes, limit: on or off)", "run", "x", "--stamps", "yes"},
		{"--fast: unknown option", "run", "x", "--fast"},
		{"y: a second image", "run", "x", "y"},
		{"--start-ns: not allowed", "run", "x", "--start-ns", "18446744073709551615"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *args[10] = {NULL};

		memcpy(args, &rows[i][1], 8 * sizeof(args[0]));
		refused(args, HV_EXIT_USAGE, rows[i][0]);
	}
}

static void
socket_path_too_long_is_70(void **state)
{
	char path[200];
	const char *args[] = {"run", IMAGE, "--memory", "4", "--net", path, NULL};

	(void)state;
	memset(path, 'x', sizeof(path));
	path[108] = '\0';
	refused(args, HV_EXIT_USAGE, "limit: 1 to 107 bytes");
}

static void
help_and_version_are_0(void **state)
{
	static const char *const args[][3] = {{"--help"}, {"--version"}, {"run", "--help"}};

	(void)state;
	for (size_t i = 0; i < sizeof(args) / sizeof(args[0]); i++) {
		assert_int_equal(runner_spawn(&run, HV, args[i]), 0);
		assert_int_equal(runner_wait(&run, 2000, text, sizeof(text)), 0);
		assert_string_equal(text, "");
	}
}

static void
bad_images_are_71(void **state)
{
	char path[64];
	const char *args[] = {"run", path, "--memory", "4", "--net", run.net, "--pairs", "1", NULL};
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "%s/none", run.folder);
	refused(args, HV_EXIT_IMAGE, "none: cannot open image: No such file");
	snprintf(path, sizeof(path), "%s", run.folder);
	refused(args, HV_EXIT_IMAGE, "not a regular file");
	snprintf(path, sizeof(path), "%s/image", run.folder);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	refused(args, HV_EXIT_IMAGE, "empty file");
	assert_int_equal(write(fd, "#!/bin/sh\n", 10), 10);
	refused(args, HV_EXIT_IMAGE, "image: too short for an ELF header (10 bytes, at least 64)");
	assert_int_equal(ftruncate(fd, 5 << 20), 0);
	refused(args, HV_EXIT_IMAGE, "image larger than guest memory (5242880 bytes, limit 4194304)");
	close(fd);
	strcpy(path, HV);
	refused(args, HV_EXIT_IMAGE, "not a static executable (type 3, want 2)");
	strcpy(path, IMAGE);
	args[7] = "5";
	refused(args, HV_EXIT_IMAGE, "too many queue pairs for this image (5, limit 4)");
	assert_int_equal(access(run.net, F_OK), -1);
}

static void
socket_trouble_is_74(void **state)
{
	char none[80];
	const char *args[] = {"run", IMAGE, "--memory", "4", "--net", run.net, "--arg", "idle", NULL};
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int sock = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)state;
	strcpy(sun.sun_path, run.net);
	assert_int_equal(bind(sock, (struct sockaddr *)&sun, sizeof(sun)), 0);
	assert_int_equal(listen(sock, 1), 0);
	refused(args, HV_EXIT_SOCKET, "net: taken");
	assert_int_equal(access(run.net, F_OK), 0);
	close(sock);
	assert_int_equal(unlink(run.net), 0);

	snprintf(none, sizeof(none), "%s/none/net", run.folder);
	args[5] = none;
	refused(args, HV_EXIT_SOCKET, "none/net: cannot listen: No such file");

	args[5] = run.net;
	assert_int_equal(close(open(run.net, O_CREAT | O_WRONLY, 0600)), 0);
	refused(args, HV_EXIT_SOCKET, "net: exists and is no socket");
	assert_int_equal(access(run.net, F_OK), 0);
}

static void
taken_control_socket_leaves_no_net_socket(void **state)
{
	const char *args[] = {
		"run", IMAGE, "--memory", "4", "--net", run.net, "--control", run.control, NULL};

	(void)state;
	assert_int_equal(close(open(run.control, O_CREAT | O_WRONLY, 0600)), 0);
	refused(args, HV_EXIT_SOCKET, "control: exists and is no socket");
	assert_int_equal(access(run.net, F_OK), -1);
	assert_int_equal(access(run.control, F_OK), 0);
}

#ifndef __SANITIZE_ADDRESS__ /* its shadow does not fit into a limited address space */
static void
no_memory_is_73(void **state)
{
	const char *args[] = {"run", IMAGE, "--memory", "1000", "--net", run.net, NULL};
	struct rlimit old, small = {512 << 20, RLIM_INFINITY};

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_AS, &old), 0);
	small.rlim_max = old.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_AS, &small), 0);
	assert_int_equal(runner_spawn(&run, HV, args), 0);
	assert_int_equal(setrlimit(RLIMIT_AS, &old), 0);
	assert_int_equal(runner_wait(&run, 5000, text, sizeof(text)), HV_EXIT_NO_MEMORY);
	assert_non_null(strstr(text, "hv: guest memory: no memory: Cannot allocate memory (1024000 KiB)"));
}
#endif

/* /dev/kvm hidden in a mount namespace where there is one. */
static void
no_kvm_is_72_or_a_process(void **state)
{
	const char *args[] = {"-m", "sh", "-c", "mount --bind /dev/null /dev/kvm; exec \"$@\"", "sh", HV,
		"run", IMAGE, "--memory", "4", "--net", run.net, "--arg", "exit", "--arg", "7", "--runtime",
		"kvm", NULL};
	const char *probe[] = {"-m", "true", NULL};

	(void)state;
	if (runner_spawn(&run, "/usr/bin/unshare", probe) != 0 ||
		runner_wait(&run, 5000, text, sizeof(text)) != 0) {
		print_message("SKIP: no mount namespaces here\n");
		skip();
	}
	assert_int_equal(runner_spawn(&run, "/usr/bin/unshare", args), 0);
	assert_int_equal(runner_wait(&run, 5000, text, sizeof(text)), HV_EXIT_KVM);
	assert_non_null(strstr(text, "hv: /dev/kvm: "));
	assert_int_equal(access(run.net, F_OK), -1);

	args[17] = "auto";
	assert_int_equal(runner_spawn(&run, "/usr/bin/unshare", args), 0);
	assert_int_equal(runner_wait(&run, 5000, text, sizeof(text)), 7);
	assert_non_null(strstr(text, "; using a sandboxed process"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(wrong_options_are_70),
		T(socket_path_too_long_is_70),
		T(help_and_version_are_0),
		T(bad_images_are_71),
		T(socket_trouble_is_74),
		T(taken_control_socket_leaves_no_net_socket),
#ifndef __SANITIZE_ADDRESS__
		T(no_memory_is_73),
#endif
		T(no_kvm_is_72_or_a_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
