/* The side of the process runtime that becomes the guest. */
#include "hv_process.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>
#include <x86intrin.h>

#ifndef PR_SET_MDWE /* Linux 6.3 */
#define PR_SET_MDWE              65
#define PR_MDWE_REFUSE_EXEC_GAIN 1
#endif

#define HANDLER_STACK 0x4000u
#define MAX_NOFILE    64u /* ppoll takes no more descriptors than this limit */

static_assert(2 * HV_MAX_PAIRS + 1 <= MAX_NOFILE, "ppoll on all of wait_fds");

static uint8_t handler_stack[HANDLER_STACK] __attribute__((aligned(16)));

/* A step of the way failed: say so and end. The runner sees exit code 73. */
static void
give_up(const char *what)
{
	hv_error("process runtime: %s failed (errno %d)", what, errno);
	_exit(HV_EXIT_NO_MEMORY);
}

/*
 * The guest faulted, or hangs and got SIGXCPU. Guest code owns FS: no libc, no stack protector, no sanitizer.
 */
__attribute__((no_sanitize("address", "undefined"), no_stack_protector)) static void
crashed(int signal, siginfo_t *info, void *context)
{
	const greg_t *r = ((const ucontext_t *)context)->uc_mcontext.gregs;
	volatile struct hv_status *status = (volatile struct hv_status *)HV_STATUS_ADDR;

	(void)info;
	status->crash.vector = (uint64_t)signal;
	status->crash.error = (uint64_t)r[REG_ERR];
	status->crash.cr2 = (uint64_t)r[REG_CR2];
	status->crash.rip = (uint64_t)r[REG_RIP];
	status->crash.cs = (uint64_t)r[REG_CSGSFS] & 0xffff;
	status->crash.rflags = (uint64_t)r[REG_EFL];
	status->crash.rsp = (uint64_t)r[REG_RSP];
	status->crash.ss = (uint64_t)r[REG_CSGSFS] >> 48;
	status->state = HV_STATE_CRASHED;
	__asm__ volatile("syscall"
			 :
			 : "a"(SYS_exit_group), "D"(signal == SIGXCPU ? HV_EXIT_WATCHDOG : HV_EXIT_EXCEPTION)
			 : "rcx", "r11", "memory");
}

static void
map_fixed(uint64_t addr, uint64_t size, int prot, int fd, uint64_t offset)
{
	void *want = (void *)(uintptr_t)addr;

	if (mmap(want, size, prot, MAP_SHARED | MAP_FIXED_NOREPLACE, fd, (off_t)offset) != want)
		give_up("mapping guest memory");
}

static void
map_guest(const struct hv_mem *mem)
{
	map_fixed(mem->boot.addr, mem->boot.size, PROT_READ, mem->boot.fd, 0);
	map_fixed(mem->shared.addr, mem->shared.size, PROT_READ | PROT_WRITE, mem->shared.fd, 0);
	map_fixed(mem->ring.addr, mem->ring.size, PROT_READ | PROT_WRITE, mem->ring.fd, 0);
	for (uint32_t i = 0; i < mem->regions; i++) {
		const struct hv_region *r = &mem->region[i];
		if (r->prot != PROT_NONE)
			map_fixed(r->addr, r->size, r->prot, mem->ram.fd, r->addr - mem->ram.addr);
	}
	/* The runner's own views: they would make code writable. */
	munmap(mem->shared.host, mem->shared.size);
	munmap(mem->ring.host, mem->ring.size);
	munmap(mem->ram.host, mem->ram.size);
}

static void
catch_faults(void)
{
	static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGXCPU};
	struct sigaction action = {.sa_sigaction = crashed, .sa_flags = SA_SIGINFO | SA_ONSTACK};
	stack_t stack = {.ss_sp = handler_stack, .ss_size = sizeof(handler_stack)};
	sigset_t none;

	if (sigaltstack(&stack, NULL) < 0)
		give_up("sigaltstack");
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &action, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void
limit(const struct hv_guest *guest)
{
	const struct rlimit none = {0, 0}, files = {MAX_NOFILE, MAX_NOFILE};
	cpu_set_t cpus;

	if (guest->options->cpu >= 0) {
		CPU_ZERO(&cpus);
		CPU_SET(guest->options->cpu, &cpus);
		if (sched_setaffinity(0, sizeof(cpus), &cpus) < 0)
			give_up("sched_setaffinity");
	}
	setrlimit(RLIMIT_CORE, &none);
	setrlimit(RLIMIT_FSIZE, &none);
	setrlimit(RLIMIT_NPROC, &none);
	setrlimit(RLIMIT_MEMLOCK, &none);
	setrlimit(RLIMIT_NOFILE, &files);
	capng_clear(CAPNG_SELECT_BOTH);
	capng_apply(CAPNG_SELECT_BOTH);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		give_up("PR_SET_NO_NEW_PRIVS");
	prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0); /* where the kernel has it */
}

/* One eventfd operation: this call, on this descriptor, of 8 bytes. */
static int
allow_8_bytes(scmp_filter_ctx filter, int call, int fd)
{
	const struct scmp_arg_cmp same[2] = {
		{.arg = 0, .op = SCMP_CMP_EQ, .datum_a = (scmp_datum_t)fd},
		{.arg = 2, .op = SCMP_CMP_EQ, .datum_a = 8},
	};

	return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, 2, same);
}

/*
 * ppoll, exit_group and restart_syscall need no look at their arguments: they reach only descriptors that are
 * eventfds. read and write are for the doorbells of hv_abi.h. rt_sigreturn is not there: the handler exits.
 * libseccomp checks the architecture and refuses the x32 numbers; int 0x80 is another architecture.
 */
static scmp_filter_ctx
make_filter(const struct hv_guest *guest)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	uint32_t queues = 2 * guest->options->pairs;
	int rc = 0;

	if (filter == NULL)
		give_up("seccomp_init");
	rc |= seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	rc |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ppoll), 0);
	rc |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(exit_group), 0);
	rc |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(restart_syscall), 0);
	for (uint32_t q = 0; q <= queues; q++) {
		int wait_fd = q < queues ? guest->fds.call[q] : guest->fds.control;
		rc |= allow_8_bytes(filter, SCMP_SYS(read), wait_fd);
	}
	for (uint32_t q = 0; q < queues; q++)
		rc |= allow_8_bytes(filter, SCMP_SYS(write), guest->fds.kick[q]);
	if (rc != 0)
		give_up("seccomp_rule_add");
	return filter;
}

/* Close all but the eventfds. */
static void
close_others(const struct hv_guest *guest)
{
	uint32_t queues = 2 * guest->options->pairs;
	int highest = guest->fds.control;

	for (uint32_t q = 0; q < queues; q++) {
		highest = guest->fds.kick[q] > highest ? guest->fds.kick[q] : highest;
		highest = guest->fds.call[q] > highest ? guest->fds.call[q] : highest;
	}
	for (int fd = 0; fd < highest; fd++) {
		bool ours = fd == guest->fds.control;

		for (uint32_t q = 0; q < queues; q++)
			ours = ours || fd == guest->fds.kick[q] || fd == guest->fds.call[q];
		if (!ours)
			close(fd);
	}
	close_range((unsigned int)highest + 1, ~0u, 0);
}

/*
 * Tie our life to the runner's, then wait for its word. It keeps the other end of the pipe open: if it died
 * before the first line took effect, the pipe has hung up.
 */
static void
wait_for_go(int go)
{
	struct pollfd alive = {.fd = go};
	char byte;

	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0); /* after the capabilities went: that may clear it */
	if (read(go, &byte, 1) != 1 || poll(&alive, 1, 0) != 0)
		_exit(HV_EXIT_DONE);
}

void
hv_process_child(struct hv_guest *guest)
{
	const struct process_state *s = guest->state;
	uint64_t entry = guest->image.entry, stack = guest->mem.stack_top - 8;
	scmp_filter_ctx filter;

	close(s->go_write);
	map_guest(&guest->mem);
	catch_faults();
	limit(guest);
	filter = make_filter(guest);
	wait_for_go(s->go_read);
	*s->go_tsc = __rdtsc() - *s->go_tsc; /* boot.spin_tsc: what waking this process costs */
	munmap(guest->mem.boot.host, guest->mem.boot.size);
	close_others(guest);
	if (seccomp_load(filter) != 0)
		_exit(HV_EXIT_NO_MEMORY);
	__asm__ volatile("mov %[stack], %%rsp\n"
			 "xor %%eax, %%eax\n xor %%ebx, %%ebx\n xor %%edx, %%edx\n xor %%esi, %%esi\n"
			 "xor %%ebp, %%ebp\n xor %%r8d, %%r8d\n xor %%r9d, %%r9d\n xor %%r10d, %%r10d\n"
			 "xor %%r12d, %%r12d\n xor %%r13d, %%r13d\n xor %%r14d, %%r14d\n xor %%r15d, %%r15d\n"
			 "jmp *%[entry]"
			 :
			 : [stack] "r"(stack), [entry] "c"(entry), "D"(HV_BOOT_ADDR)
			 : "memory");
	__builtin_unreachable();
}
