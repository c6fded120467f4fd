/* Doorbells. Under KVM each is one plain 32-bit store to a page without memory, which the runner decodes; in
 * process mode each is one of the few system calls the filter lets through (hv_abi.h). */
#include "guest.h"

/* Linux x86-64 system call numbers; this file sees no libc header. */
enum {
	SYS_READ = 0,
	SYS_WRITE = 1,
	SYS_EXIT_GROUP = 231,
	SYS_PPOLL = 271,
};

#define POLLIN   1
#define WAIT_FDS (sizeof(((struct hv_boot *)0)->wait_fds) / sizeof(int32_t))

struct poll_fd {
	int32_t fd;
	int16_t events;
	int16_t revents;
};

struct time_spec {
	int64_t seconds;
	int64_t nanoseconds;
};

static long
system_call(long number, long a, const void *b, long c, const void *d)
{
	register const void *r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = 0;
	long result = number;

	__asm__ volatile("syscall"
			 : "+a"(result)
			 : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
			 : "rcx", "r11", "memory");
	return result;
}

static void
ring(uint32_t doorbell, uint32_t value)
{
	uint64_t address = HV_DOORBELL_ADDR + doorbell;

	__asm__ volatile("movl %0, (%1)" : : "r"(value), "r"(address) : "memory");
}

static bool
in_process(void)
{
	return vnf_env.boot->backend == HV_BACKEND_PROCESS;
}

void
vnf_door_ready(void)
{
	if (!in_process())
		ring(HV_DOORBELL_READY, 1);
}

void
vnf_door_kick(uint32_t queue)
{
	uint32_t door = vnf_env.boot->net[0].queue[queue].kick;
	uint64_t one = 1;

	if (in_process())
		system_call(SYS_WRITE, (int32_t)door, &one, sizeof(one), NULL);
	else
		ring(door, queue);
}

static void
wait_process(uint32_t timeout_us)
{
	struct time_spec timeout = {timeout_us / 1000000, timeout_us % 1000000 * 1000};
	struct poll_fd fds[WAIT_FDS];
	uint64_t count;
	long n = 0;

	for (; n < (long)WAIT_FDS && vnf_env.boot->wait_fds[n] >= 0; n++)
		fds[n] = (struct poll_fd){vnf_env.boot->wait_fds[n], POLLIN, 0};
	if (system_call(SYS_PPOLL, (long)(uintptr_t)fds, (const void *)n, (long)(uintptr_t)&timeout, NULL) <=
		0)
		return;
	while (n--) {
		if (fds[n].revents & POLLIN)
			system_call(SYS_READ, fds[n].fd, &count, sizeof(count), NULL);
	}
}

void
vnf_door_wait(uint32_t timeout_us)
{
	if (in_process())
		wait_process(timeout_us);
	else
		ring(HV_DOORBELL_WAIT, timeout_us);
}

void
vnf_door_exit(uint32_t code)
{
	for (;;) {
		if (in_process())
			system_call(SYS_EXIT_GROUP, code, NULL, 0, NULL);
		else
			ring(HV_DOORBELL_EXIT, code);
	}
}
