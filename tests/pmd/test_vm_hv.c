/* The VM port with the real runner behind it: a bridge that sends back what it gets. Needs the programs hv
 * and bridge in the build tree and a machine that can run a guest in each runtime. */
#include "test_pmd.h"

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>

static const char runner[] = BUILD_DIR "/bin/hv";
static const char image[] = BUILD_DIR "/lib/sluice/vnf/bridge";

static char dir[] = "/tmp/sluice-hv-XXXXXX";
static char path[64];
static uint8_t frame[PMD_FRAME_MAX];
static struct pmd_port *port;
static pid_t guest;
static bool skipped;

static void
nap(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

/* Start the runner and wait until it listens; false when it cannot run here. */
static bool
start_runner(const char *runtime, const char *pairs)
{
	char *const argv[] = {(char *)(uintptr_t)runner, (char *)(uintptr_t) "run", (char *)(uintptr_t)image,
		(char *)(uintptr_t) "--memory", (char *)(uintptr_t) "16", (char *)(uintptr_t) "--net", path,
		(char *)(uintptr_t) "--runtime", (char *)(uintptr_t)runtime, (char *)(uintptr_t) "--pairs",
		(char *)(uintptr_t)pairs, NULL};

	unlink(path);
	if (posix_spawn(&guest, runner, NULL, NULL, argv, environ) != 0)
		return false;
	for (int i = 0; i < 3000; i++) {
		if (access(path, F_OK) == 0)
			return true;
		if (waitpid(guest, NULL, WNOHANG) != 0)
			return false;
		nap();
	}
	return false;
}

static void
kill_runner(void)
{
	assert_int_equal(kill(guest, SIGKILL), 0);
	assert_int_equal(waitpid(guest, NULL, 0), guest);
}

static bool
becomes(bool up)
{
	for (int i = 0; i < 8000; i++) {
		if (pmd_vm_up(port) == up)
			return true;
		nap();
	}
	return false;
}

static void
open_port(uint16_t pairs)
{
	char err[256] = "";

	if (pmd_vm_open("vm", path, pairs, &port, err, sizeof(err)) != 0)
		fail_msg("%s", err);
	assert_true(becomes(true));
}

static void
assert_echo(uint16_t queue, uint32_t size)
{
	struct rte_mbuf *m = pmd_mbuf_copy(frame, size), *back = NULL;
	uint16_t sent = 0, received = 0;

	for (int i = 0; i < 5000 && sent == 0; i++) {
		sent = pmd_tx(port, queue, &m, 1);
		if (sent == 0)
			nap();
	}
	assert_int_equal(sent, 1);
	for (int i = 0; i < 5000 && received == 0; i++) {
		received = pmd_rx(port, queue, &back, 1);
		if (received == 0)
			nap();
	}
	assert_int_equal(received, 1);
	assert_frame(back, frame, size);
	rte_pktmbuf_free(back);
}

static void
serve(const char *runtime)
{
	static const uint32_t sizes[] = {14, 60, 1514, 2048, 9014, 65535};

	if (access(runner, X_OK) != 0 || access(image, R_OK) != 0 || !start_runner(runtime, "2")) {
		print_message("no runner, no image or no %s here\n", runtime);
		skipped = true;
		skip();
	}
	open_port(2);
	for (uint16_t q = 0; q < 2; q++) {
		for (size_t i = 0; i < RTE_DIM(sizes); i++)
			assert_echo(q, sizes[i]);
	}
	/* It sleeps now and is woken. */
	for (int i = 0; i < 300; i++)
		nap();
	assert_echo(1, 60);

	/* The dataplane comes back to the same runner. */
	for (int i = 0; i < 5; i++) {
		port->ops->close(port);
		open_port(2);
		assert_echo(0, 1514);
	}

	/* The runner dies and another one takes its place. */
	kill_runner();
	assert_true(becomes(false));
	assert_true(start_runner(runtime, "2"));
	assert_true(becomes(true));
	assert_echo(0, 60);
	kill_runner();
	port->ops->close(port);
	assert_no_mbuf_lost();
}

static void
runner_in_a_process_is_served(void **state)
{
	(void)state;
	serve("process");
}

static void
runner_under_kvm_is_served(void **state)
{
	(void)state;
	serve("kvm");
}

static int
setup(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL || test_pmd_init() != 0)
		return -1;
	fill(frame, sizeof(frame), 11);
	snprintf(path, sizeof(path), "%s/sock", dir);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runner_in_a_process_is_served),
		cmocka_unit_test(runner_under_kvm_is_served),
	};

	int rc = cmocka_run_group_tests(tests, setup, teardown);
	return rc == 0 && skipped ? TEST_EAL_SKIP : rc;
}
