#include "way.h"

#include "sff_hv_message.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Half a guest ring: a ring has room for all that is in flight. */
#define BUFFERS 128u
/* A guest boots in milliseconds; rte_vhost looks for it once a second. */
#define CONNECT_MS  5000
#define LOOK_MS     10
#define LIFELINE_FD 3
#define SOCKET_PATH sizeof(((struct sockaddr_un *)0)->sun_path)

extern char **environ;

/* The runners we started; they end with us: their lifeline is a pipe only we hold. */
static int lifeline[2] = {-1, -1};

/* The CPU the guest gets: not ours. -1 = there is no other. */
static int
guest_cpu(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	for (int c = 0; c < cpus; c++)
		if (c != sched_getcpu())
			return c;
	return -1;
}

/* Programs and images stand in the build tree as they do in the install tree. */
static int
build_dir(char *path, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", path, size - 1);

	if (n < 0)
		return -1;
	path[n] = '\0';
	for (int i = 0; i < 2; i++) {
		char *slash = strrchr(path, '/');

		if (slash == NULL)
			return -1;
		*slash = '\0';
	}
	return 0;
}

static int
start_guest(const char *runtime, const char *net, const char *control)
{
	char dir[PATH_MAX], hv[PATH_MAX + 16], image[PATH_MAX + 32], cpu[16];
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	cpu_set_t mine, all;
	pid_t pid;
	int rc;

	if (guest_cpu() < 0) {
		fputs("bench: a guest needs a CPU of its own, there is one\n", stderr);
		return -1;
	}
	if (build_dir(dir, sizeof(dir)) != 0 || (lifeline[0] < 0 && pipe2(lifeline, O_CLOEXEC) != 0))
		return -1;
	snprintf(hv, sizeof(hv), "%s/bin/hv", dir);
	snprintf(image, sizeof(image), "%s/lib/sluice/vnf/bridge", dir);
	snprintf(cpu, sizeof(cpu), "%d", guest_cpu());
	char *argv[] = {hv, strdupa("run"), image, strdupa("--memory"), strdupa("16"), strdupa("--net"),
		strdupa(net), strdupa("--control"), strdupa(control), strdupa("--runtime"), strdupa(runtime),
		strdupa("--cpu"), cpu, strdupa("--lifeline"), strdupa("3"), NULL};

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, lifeline[0], LIFELINE_FD);
	posix_spawnattr_init(&attr);
	/* It inherits our CPUs: for the moment, all of them. */
	CPU_ZERO(&all);
	for (int c = 0; c < CPU_SETSIZE; c++)
		CPU_SET(c, &all);
	sched_getaffinity(0, sizeof(mine), &mine);
	sched_setaffinity(0, sizeof(all), &all);
	rc = posix_spawn(&pid, hv, &actions, &attr, argv, environ);
	sched_setaffinity(0, sizeof(mine), &mine);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	if (rc != 0)
		fprintf(stderr, "bench: %s: %s\n", hv, strerror(rc));
	return rc == 0 ? 0 : -1;
}

static uint32_t
run(struct bench_case *c)
{
	return way_run(c->state, BENCH_CHUNK);
}

/* The runner says when its guest has posted buffers: before that, frames have nowhere to go. */
static int
wait_ready(const char control[SOCKET_PATH])
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct sff_hv_message message = {.shared_fd = -1};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), rc = -EAGAIN;

	memcpy(address.sun_path, control, SOCKET_PATH);
	for (int ms = 0; ms < CONNECT_MS && message.shared_fd < 0; ms += LOOK_MS) {
		if (rc == -EAGAIN && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
			rc = 0;
		else if (rc == 0 && sff_hv_receive(fd, &message) == -EPIPE)
			break;
		usleep(LOOK_MS * 1000);
	}
	close(fd);
	if (message.shared_fd < 0) {
		fputs("bench: the guest is not ready\n", stderr);
		return -1;
	}
	close(message.shared_fd);
	return 0;
}

static int
connect_guest(struct way *way, const char *net)
{
	char err[512] = "";
	struct pmd_port *port;

	if (pmd_vm_open("near-1", net, 1, &port, err, sizeof(err)) != 0) {
		fprintf(stderr, "bench: %s\n", err);
		return -1;
	}
	for (int ms = 0; ms < CONNECT_MS && !pmd_vm_up(port); ms += LOOK_MS)
		usleep(LOOK_MS * 1000);
	if (!pmd_vm_up(port)) {
		fputs("bench: the guest's port did not come up\n", stderr);
		return -1;
	}
	way->w.plane.port[WORLD_SF].pmd = port;
	return 0;
}

/* arg: 0 = KVM where it works, 1 = process. */
static int
open_vm(struct bench_case *c, bool reduced)
{
	struct way *way = way_open(c, FRAME_OF_TRANSPORT, true, BUFFERS, reduced);
	char net[SOCKET_PATH], control[SOCKET_PATH];

	if (way == NULL)
		return -1;
	rte_rcu_qsbr_thread_register(way->w.lc->qsbr, 0);
	if (snprintf(net, sizeof(net), "%s/%s.net", world_dir(), c->name) >= (int)sizeof(net) ||
		snprintf(control, sizeof(control), "%s/%s.ctl", world_dir(), c->name) >= (int)sizeof(control))
		return -1;
	if (start_guest(c->arg == 0 ? "auto" : "process", net, control) != 0 || wait_ready(control) != 0 ||
		connect_guest(way, net) != 0)
		return -1;
	rte_rcu_qsbr_thread_online(way->w.lc->qsbr, 0);
	c->run = run;
	return way_verify(c, way_learn_frames(way));
}

static struct bench_case cases[] = {
	{.name = "vm_hop", .frame = 138, .paths = 16, .ws = "L2", .open = open_vm, .arg = 0},
	{.name = "vm_hop_process", .frame = 138, .paths = 16, .ws = "L2", .open = open_vm, .arg = 1},
};

int
main(int argc, char **argv)
{
	return bench_main("e2e", cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
