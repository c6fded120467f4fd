/* A guest that does one thing, named by its first argument: the runner's tests look at what comes of it. It
 * has nothing of the guest library, so that only the ABI is between it and the runner. */
#include <stdbool.h>

#include "hv_abi.h"

#define STATUS  ((volatile struct hv_status *)HV_STATUS_ADDR)
#define CONTROL ((const volatile struct hv_control *)HV_CONTROL_ADDR)

static const struct {
	uint32_t name_size, desc_size, type;
	char name[4];
	struct hv_note note;
} note __attribute__((section(".note.vnf"), used)) = {
	sizeof(HV_NOTE_NAME), sizeof(struct hv_note), HV_NOTE_TYPE, HV_NOTE_NAME, {HV_ABI_VERSION, 4, 2, 0}};

static const char constant[64] = "a constant";
static const struct hv_boot *boot;

static long
call(long number, long a, long b, long c, long d)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = 0;
	long result = number;

	__asm__ volatile("syscall"
			 : "+a"(result)
			 : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
			 : "rcx", "r11", "memory");
	return result;
}

static void
ring(uint32_t offset, uint32_t value)
{
	*(volatile uint32_t *)(HV_DOORBELL_ADDR + offset) = value;
}

static void
leave(uint32_t code)
{
	for (;;) {
		if (boot->backend == HV_BACKEND_KVM)
			ring(HV_DOORBELL_EXIT, code);
		else
			call(231, code, 0, 0, 0);
	}
}

static void
wait_us(uint32_t us)
{
	struct {
		int32_t fd;
		int16_t events, revents;
	} fds[sizeof(boot->wait_fds) / sizeof(boot->wait_fds[0])];
	uint32_t n = 0;
	uint64_t count;
	int64_t timeout[2] = {us / 1000000, us % 1000000 * 1000L};

	STATUS->idle = 1;
	if (boot->backend == HV_BACKEND_KVM) {
		ring(HV_DOORBELL_WAIT, us);
		STATUS->idle = 0;
		return;
	}
	for (; n < sizeof(fds) / sizeof(fds[0]) && boot->wait_fds[n] >= 0; n++) {
		fds[n].fd = boot->wait_fds[n];
		fds[n].events = 1;
		fds[n].revents = 0;
	}
	if (call(271, (long)fds, n, (long)timeout, 0) > 0)
		for (uint32_t i = 0; i < n; i++)
			if (fds[i].revents)
				call(0, fds[i].fd, (long)&count, sizeof(count), 0);
	STATUS->idle = 0;
}

static void
kick(uint32_t queue)
{
	uint64_t one = 1;

	if (boot->backend == HV_BACKEND_KVM)
		ring(boot->net[0].queue[queue].kick, queue);
	else
		call(1, (int)boot->net[0].queue[queue].kick, (long)&one, sizeof(one), 0);
}

static bool
is(const char *name)
{
	const char *arg = boot->args + boot->arg[0];

	while (*name != '\0' && *name == *arg) {
		name++;
		arg++;
	}
	return *name == *arg;
}

static uint32_t
number(void)
{
	const char *arg = boot->args + boot->arg[1];
	uint32_t n = 0;

	while (*arg != '\0')
		n = n * 10 + (uint32_t)(*arg++ - '0');
	return n;
}

static volatile uint64_t depth_limit = UINT64_MAX; /* nobody gets there */

static uint64_t
recurse(uint64_t depth)
{
	volatile uint64_t frame[64];

	frame[depth % 64] = depth;
	if (depth == depth_limit)
		return 0;
	return recurse(depth + 1) + frame[(depth + 1) % 64];
}

static void
say(const char *text)
{
	volatile struct hv_console *console = (volatile struct hv_console *)HV_CONSOLE_ADDR;

	for (; *text != '\0'; text++) {
		console->data[console->written % HV_CONSOLE_DATA] = *text;
		console->written++;
	}
}

static void
serve(bool obey)
{
	for (;;) {
		STATUS->heartbeat++;
		if (obey && CONTROL->request == HV_REQ_STOP)
			leave(HV_EXIT_DONE);
		if (obey && CONTROL->request == HV_REQ_DRAIN)
			leave(HV_EXIT_DRAINED);
		wait_us(1000000);
	}
}

void vnf_start(const struct hv_boot *info);

static void
fault(void)
{
	if (is("null"))
		*(volatile int *)8 = 1;
	if (is("write-text"))
		*(volatile uint8_t *)(uintptr_t)&vnf_start = 0x90;
	if (is("write-rodata"))
		*(volatile char *)(uintptr_t)constant = 1;
	if (is("write-boot"))
		*(volatile uint64_t *)HV_BOOT_ADDR = 0;
	if (is("write-control"))
		*(volatile uint32_t *)HV_CONTROL_ADDR = 0;
	if (is("write-tables"))
		*(volatile uint64_t *)0x3000 = 0;
	if (is("read-stub"))
		(void)*(volatile uint64_t *)0x9000;
	if (is("run-heap")) {
		*(volatile uint8_t *)boot->ram_addr = 0xc3;
		((void (*)(void))boot->ram_addr)();
	}
	if (is("run-rings"))
		((void (*)(void))HV_RING_ADDR)();
	if (is("overflow"))
		recurse(0);
	if (is("wild-stack"))
		__asm__ volatile("mov $0x1234567890, %rsp; push %rax");
	if (is("no-canon"))
		*(volatile int *)0x8000000000000000 = 1;
	if (is("divide"))
		__asm__ volatile("xor %%ecx, %%ecx; div %%ecx" ::: "eax", "ecx", "edx");
	if (is("ud2"))
		__asm__ volatile("ud2");
	if (is("int3"))
		__asm__ volatile("int3");
	if (is("int-0x80"))
		__asm__ volatile("int $0x80");
	if (is("hlt"))
		__asm__ volatile("hlt");
	if (is("cr3"))
		__asm__ volatile("mov %%cr3, %%rax" ::: "rax");
	if (is("syscall"))
		call(39, 0, 0, 0, 0);
	if (is("read-other-fd"))
		call(0, 0, HV_RING_ADDR, 8, 0);
	if (is("x32"))
		call(0x40000000 + 1, 1, HV_RING_ADDR, 1, 0);
	if (is("load-doorbell"))
		(void)*(volatile uint32_t *)HV_DOORBELL_ADDR;
	if (is("no-doorbell"))
		*(volatile uint32_t *)(HV_DOORBELL_ADDR + 0x20) = 1;
	if (is("byte-doorbell"))
		*(volatile uint8_t *)HV_DOORBELL_ADDR = 1;
}

void
vnf_start(const struct hv_boot *info)
{
	boot = info;
	STATUS->heartbeat = 1;
	if (boot->backend == HV_BACKEND_KVM)
		ring(HV_DOORBELL_READY, 1);
	if (is("touch"))
		for (uint64_t at = 0; at < boot->ram_size; at += HV_PAGE_SIZE)
			*(volatile uint64_t *)(boot->ram_addr + at) = at;
	if (is("mute"))
		for (;;)
			wait_us(100000);
	STATUS->state = HV_STATE_READY;
	if (is("exit"))
		leave(number());
	if (is("frozen"))
		for (;;)
			__asm__ volatile("pause");
	if (is("idle-liar"))
		for (STATUS->idle = 1;;)
			__asm__ volatile("pause");
	if (is("say")) {
		for (int i = 0; i < 5000; i++)
			say("flood\033[2J\n");
		say("last words");
		leave(HV_EXIT_ASSERT);
	}
	if (is("kicks")) {
		for (uint32_t i = 0; i < 20000; i++)
			kick(i % (2 * boot->net[0].pairs));
		leave(HV_EXIT_DONE);
	}
	if (is("waits")) {
		for (uint32_t i = 0; i < 2000; i++)
			wait_us(0);
		leave(HV_EXIT_DONE);
	}
	if (is("args")) /* the empty one between two others */
		leave(boot->argc == 3 && boot->args[boot->arg[1]] == '\0' && boot->args[boot->arg[2]] == 'z'
				? 11
				: 1);
	if (is("avx") && (boot->cpu_features & HV_CPU_AVX2))
		__asm__ volatile("vpxor %%ymm0, %%ymm0, %%ymm0; vzeroupper" ::: "xmm0");
	if (is("avx") && (boot->cpu_features & HV_CPU_AVX512))
		__asm__ volatile("vpxorq %zmm1, %zmm1, %zmm1; vzeroupper");
	if (is("avx"))
		leave(HV_EXIT_DONE);
	fault();
	serve(!is("deaf"));
}
