/* The process runtime: the same ELF in a sandboxed process. Weaker than a VM: the host's kernel is a filter
 * and six system calls away, and the child, made by fork, can read the program text and the data of a runner
 * that has none of anybody else. */
#include "hv_process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

/* fork() with namespaces and a pidfd. The child shares nothing but the memfds and eventfds. */
static int
clone_into(uint64_t namespaces, int *pidfd)
{
	return (int)syscall(SYS_clone, namespaces | CLONE_PIDFD | SIGCHLD, NULL, pidfd, NULL, NULL);
}

static int
process_create(struct hv_guest *guest, char *error)
{
	/* As much as this host permits to this user. */
	static const uint64_t namespaces[] = {
		CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS,
		CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS,
		0,
	};
	static struct process_state state;
	struct process_state *s = &state;
	struct hv_boot *boot = hv_mem_boot(&guest->mem);
	int go[2];

	guest->state = s;
	boot->xcr0 = hv_host_xcr0();
	boot->cpu_features = hv_cpu_features(boot->xcr0);
	s->go_tsc = &boot->spin_tsc;
	if (pipe2(go, O_CLOEXEC) < 0) {
		snprintf(error, HV_ERROR_SIZE, "pipe: %s", strerror(errno));
		return HV_EXIT_NO_MEMORY;
	}
	s->go_read = go[0];
	s->go_write = go[1];
	s->pid = -1;
	for (size_t i = 0; s->pid < 0 && i < sizeof(namespaces) / sizeof(namespaces[0]); i++)
		s->pid = clone_into(namespaces[i], &guest->event_fd);
	if (s->pid == 0)
		hv_process_child(guest);
	if (s->pid < 0) {
		snprintf(error, HV_ERROR_SIZE, "clone: %s", strerror(errno));
		return HV_EXIT_NO_MEMORY;
	}
	close(s->go_read);
	if (clock_getcpuclockid(s->pid, &s->cpu_clock) != 0) {
		snprintf(error, HV_ERROR_SIZE, "CPU clock of process %d", s->pid);
		return HV_EXIT_NO_MEMORY;
	}
	return 0;
}

static void
process_start(struct hv_guest *guest)
{
	struct process_state *s = guest->state;

	*s->go_tsc = __rdtsc();
	if (write(s->go_write, "", 1) < 0)
		return; /* the child is gone: event() says so */
}

static bool
process_event(struct hv_guest *guest)
{
	siginfo_t info = {0};

	if (atomic_load(&guest->end_code) >= 0)
		return true;
	if (waitid(P_PIDFD, (id_t)guest->event_fd, &info, WEXITED | WNOHANG) < 0 || info.si_pid == 0)
		return false;
	if (info.si_code == CLD_EXITED) {
		int code = info.si_status;

		/* The child's own, before it became the guest: it has said why. */
		bool unborn = code == HV_EXIT_NO_MEMORY && atomic_load(&guest->heartbeat_ns) == 0;

		if (code == HV_EXIT_WATCHDOG) {
			guest->end_reason = "no heartbeat";
		} else if (code > HV_EXIT_DRAINED && !unborn) {
			guest->end_reason = "exit code over 69";
			guest->end_value = (uint64_t)code;
			code = HV_EXIT_ABI;
		}
		atomic_store(&guest->end_code, code);
		return true;
	}
	guest->end_reason = info.si_status == SIGSYS ? "forbidden system call" : "killed by signal";
	guest->end_value = (uint64_t)info.si_status;
	atomic_store(&guest->end_code, HV_EXIT_EXCEPTION);
	return true;
}

static uint64_t
process_cpu_ns(struct hv_guest *guest)
{
	const struct process_state *s = guest->state;
	struct timespec t;

	if (clock_gettime(s->cpu_clock, &t) != 0)
		return 0;
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void
send_signal(const struct hv_guest *guest, int signal)
{
	syscall(SYS_pidfd_send_signal, guest->event_fd, signal, NULL, 0);
}

static void
process_kill(struct hv_guest *guest)
{
	siginfo_t info;

	send_signal(guest, SIGKILL);
	waitid(P_PIDFD, (id_t)guest->event_fd, &info, WEXITED);
}

static void
process_hang(struct hv_guest *guest)
{
	struct pollfd gone = {.fd = guest->event_fd, .events = POLLIN};

	/* Its handler writes down where it was and exits with HV_EXIT_WATCHDOG. */
	send_signal(guest, SIGXCPU);
	poll(&gone, 1, 100);
	process_event(guest);
	if (atomic_load(&guest->end_code) < 0) {
		guest->end_reason = "no heartbeat";
		atomic_store(&guest->end_code, HV_EXIT_WATCHDOG);
	}
}

const struct hv_runtime hv_runtime_process = {
	.name = "process",
	.backend = HV_BACKEND_PROCESS,
	.create = process_create,
	.start = process_start,
	.event = process_event,
	.cpu_ns = process_cpu_ns,
	.hang = process_hang,
	.kill = process_kill,
};
