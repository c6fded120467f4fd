/* The KVM runtime: one VM, one vCPU on a thread of its own. */
#include "hv_kvm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#define TSS_HOST_ADDR 0xfffbd000ULL /* three pages KVM wants on old Intel CPUs; away from the guest's map */
#define VCPU_STACK    0x10000u

struct kvm_state {
	int kvm, vm, vcpu;
	struct kvm_run *run;
	uint8_t *private_memory;
	pthread_t thread;
	int go_fd; /* start() rings it */
	uint64_t go_tsc;
	atomic_bool sample; /* main asks the vCPU thread where the guest is */
	int sampled_fd;     /* its answer is in regs */
	struct kvm_regs regs;
};

static void
ring(int fd)
{
	uint64_t one = 1;

	/* An eventfd that is full is readable already. */
	if (write(fd, &one, sizeof(one)) < 0)
		return;
}

static void
end(struct hv_guest *guest, int code, const char *reason, uint64_t value)
{
	guest->end_reason = reason;
	guest->end_value = value;
	atomic_store(&guest->end_code, code);
	ring(guest->event_fd);
}

static void
ready(struct hv_guest *guest)
{
	if (atomic_load(&guest->heartbeat_ns) != 0)
		return;
	atomic_store(&guest->heartbeat_ns, hv_now_ns());
	if (hv_mem_prefault(&guest->mem) != 0) {
		end(guest, HV_EXIT_NO_MEMORY, NULL, 0);
		return;
	}
	atomic_store(&guest->prefaulted, true);
	ring(guest->event_fd);
}

static void
doorbell(struct hv_guest *guest, const struct kvm_run *run)
{
	uint64_t offset = run->mmio.phys_addr - HV_DOORBELL_ADDR;
	uint32_t value;

	if (!run->mmio.is_write || run->mmio.len != sizeof(value)) {
		end(guest, HV_EXIT_EXCEPTION, "doorbell: not a 32-bit store", run->mmio.phys_addr);
		return;
	}
	memcpy(&value, run->mmio.data, sizeof(value));
	switch (offset) {
	case HV_DOORBELL_EXIT:
		if (value > HV_EXIT_DRAINED)
			end(guest, HV_EXIT_ABI, "exit code over 69", value);
		else
			end(guest, (int)value, NULL, 0);
		return;
	case HV_DOORBELL_WAIT:
		hv_guest_wait(guest, value);
		return;
	case HV_DOORBELL_READY:
		ready(guest);
		return;
	default:
		end(guest, HV_EXIT_EXCEPTION, "store to no doorbell", run->mmio.phys_addr);
	}
}

static void
interrupted(struct kvm_state *s)
{
	s->run->immediate_exit = 0;
	if (!atomic_exchange(&s->sample, false))
		return;
	ioctl(s->vcpu, KVM_GET_REGS, &s->regs);
	ring(s->sampled_fd);
}

/* How long idling may spin: what one exit costs plus what waking the runner's thread costs. */
static uint64_t
measure(struct kvm_state *s, uint64_t wake_tsc)
{
	uint64_t start = 0;

	for (int i = 0; i < 3; i++) { /* the first one faults its pages in */
		start = __rdtsc();
		if (ioctl(s->vcpu, KVM_RUN, 0) < 0)
			break;
	}
	return wake_tsc + (__rdtsc() - start);
}

static void *
vcpu_thread(void *arg)
{
	struct hv_guest *guest = arg;
	struct kvm_state *s = guest->state;
	struct kvm_run *run = s->run;
	uint64_t one;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	if (read(s->go_fd, &one, sizeof(one)) < 0)
		return NULL;
	hv_mem_boot(&guest->mem)->spin_tsc = measure(s, __rdtsc() - s->go_tsc);
	/* The probe's last store is still to be completed by the next entry; do that before its RIP is
	 * replaced. */
	run->immediate_exit = 1;
	ioctl(s->vcpu, KVM_RUN, 0);
	run->immediate_exit = 0;
	hv_kvm_entry(s->vcpu, guest->image.entry, guest->mem.stack_top);

	while (atomic_load(&guest->end_code) < 0) {
		if (ioctl(s->vcpu, KVM_RUN, 0) < 0) {
			if (errno == EINTR)
				interrupted(s);
			else
				end(guest, HV_EXIT_EXCEPTION, "KVM_RUN failed", (uint64_t)errno);
			continue;
		}
		switch (run->exit_reason) {
		case KVM_EXIT_MMIO:
			doorbell(guest, run);
			break;
		case KVM_EXIT_INTR:
			interrupted(s);
			break;
		case KVM_EXIT_SHUTDOWN:
			end(guest, HV_EXIT_EXCEPTION, "triple fault", 0);
			break;
		case KVM_EXIT_INTERNAL_ERROR:
			end(guest, HV_EXIT_EXCEPTION, "KVM internal error", run->internal.suberror);
			break;
		case KVM_EXIT_FAIL_ENTRY:
			end(guest, HV_EXIT_EXCEPTION, "KVM cannot enter the guest",
				run->fail_entry.hardware_entry_failure_reason);
			break;
		default:
			end(guest, HV_EXIT_EXCEPTION, "unexpected KVM exit", run->exit_reason);
		}
	}
	return NULL;
}

static int
failed(char *error, const char *what, int code)
{
	snprintf(error, HV_ERROR_SIZE, "%s: %s", what, strerror(code));
	return HV_EXIT_KVM;
}

static int
add_slots(const struct kvm_state *s, const struct hv_mem *mem)
{
	const struct hv_area private_area = {-1, s->private_memory, HV_PRIVATE_ADDR, HV_PRIVATE_SIZE};
	const struct hv_area *areas[] = {&private_area, &mem->boot, &mem->shared, &mem->ram, &mem->ring};

	for (uint32_t i = 0; i < sizeof(areas) / sizeof(areas[0]); i++) {
		struct kvm_userspace_memory_region slot = {
			.slot = i,
			.guest_phys_addr = areas[i]->addr,
			.memory_size = areas[i]->size,
			.userspace_addr = (uintptr_t)areas[i]->host,
		};
		if (ioctl(s->vm, KVM_SET_USER_MEMORY_REGION, &slot) < 0)
			return -errno;
	}
	return 0;
}

static int
add_doorbells(const struct kvm_state *s, const struct hv_queue_fds *fds, uint32_t queues)
{
	for (uint32_t q = 0; q < queues; q++) {
		struct kvm_ioeventfd kick = {
			.addr = HV_DOORBELL_ADDR + HV_DOORBELL_KICK + 4ULL * q,
			.len = 0, /* any: KVM need not decode the store */
			.fd = fds->kick[q],
		};
		if (ioctl(s->vm, KVM_IOEVENTFD, &kick) == 0)
			continue;
		kick.len = 4;
		if (ioctl(s->vm, KVM_IOEVENTFD, &kick) < 0)
			return -errno;
	}
	return 0;
}

static void
woken(int signal)
{
	(void)signal; /* only there to end KVM_RUN */
}

static int
start_thread(struct hv_guest *guest)
{
	struct kvm_state *s = guest->state;
	struct sigaction action = {.sa_handler = woken};
	pthread_attr_t attr;
	cpu_set_t cpus;
	int rc;

	sigaction(SIGUSR1, &action, NULL);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, VCPU_STACK);
	if (guest->options->cpu >= 0) {
		CPU_ZERO(&cpus);
		CPU_SET(guest->options->cpu, &cpus);
		pthread_attr_setaffinity_np(&attr, sizeof(cpus), &cpus);
	}
	rc = pthread_create(&s->thread, &attr, vcpu_thread, guest);
	pthread_attr_destroy(&attr);
	return -rc;
}

static int
create_vm(struct kvm_state *s, char *error)
{
	long run_size;

	s->kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (s->kvm < 0)
		return failed(error, "open", errno);
	if (ioctl(s->kvm, KVM_GET_API_VERSION, 0) != KVM_API_VERSION)
		return failed(error, "not KVM API version 12", ENOTTY);
	do
		s->vm = ioctl(s->kvm, KVM_CREATE_VM, 0);
	while (s->vm < 0 && errno == EINTR);
	if (s->vm < 0)
		return failed(error, "KVM_CREATE_VM", errno);
	ioctl(s->vm, KVM_SET_TSS_ADDR, TSS_HOST_ADDR); /* needed on old Intel CPUs only, absent elsewhere */
	s->private_memory =
		mmap(NULL, HV_PRIVATE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (s->private_memory == MAP_FAILED)
		return failed(error, "private memory", errno);
	s->vcpu = ioctl(s->vm, KVM_CREATE_VCPU, 0);
	if (s->vcpu < 0)
		return failed(error, "KVM_CREATE_VCPU", errno);
	run_size = ioctl(s->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (run_size < (long)sizeof(*s->run))
		return failed(error, "KVM_GET_VCPU_MMAP_SIZE", EINVAL);
	s->run = mmap(NULL, (size_t)run_size, PROT_READ | PROT_WRITE, MAP_SHARED, s->vcpu, 0);
	if (s->run == MAP_FAILED)
		return failed(error, "kvm_run", errno);
	s->go_fd = eventfd(0, EFD_CLOEXEC);
	s->sampled_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->go_fd < 0 || s->sampled_fd < 0)
		return failed(error, "eventfd", errno);
	return 0;
}

static int
create(struct hv_guest *guest, struct kvm_state *s, char *error)
{
	struct hv_boot *boot = hv_mem_boot(&guest->mem);
	const char *call = "";
	int rc = create_vm(s, error);

	if (rc != 0)
		return rc;
	rc = hv_kvm_tables(s->private_memory, &guest->mem);
	if (rc < 0)
		return failed(error, "page tables of the image", -rc);
	rc = add_slots(s, &guest->mem);
	if (rc < 0)
		return failed(error, "KVM_SET_USER_MEMORY_REGION", -rc);
	rc = add_doorbells(s, &guest->fds, 2 * guest->options->pairs);
	if (rc < 0)
		return failed(error, "KVM_IOEVENTFD", -rc);
	rc = hv_kvm_registers(s->kvm, s->vcpu, hv_kvm_probe(), guest->mem.stack_top, &boot->xcr0, &call);
	if (rc < 0)
		return failed(error, call, -rc);
	boot->cpu_features = hv_cpu_features(boot->xcr0);
	guest->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (guest->event_fd < 0)
		return failed(error, "eventfd", errno);
	rc = hv_sandbox_privileges(); /* they are per thread: before the vCPU's is made */
	if (rc < 0)
		return failed(error, "dropping privileges", -rc);
	rc = start_thread(guest);
	if (rc < 0)
		return failed(error, "vCPU thread", -rc);
	return 0;
}

static int
kvm_create(struct hv_guest *guest, char *error)
{
	static struct kvm_state state = {.kvm = -1, .vm = -1, .vcpu = -1, .go_fd = -1, .sampled_fd = -1};
	struct kvm_state *s = &state;
	int rc;

	guest->state = s;
	rc = create(guest, s, error);
	if (rc != 0) {
		/* Another runtime may follow: leave it nothing. */
		const int fds[] = {s->kvm, s->vm, s->vcpu, s->go_fd, s->sampled_fd};

		for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
			if (fds[i] >= 0)
				close(fds[i]);
	}
	return rc;
}

static void
kvm_start(struct hv_guest *guest)
{
	struct kvm_state *s = guest->state;

	s->go_tsc = __rdtsc();
	ring(s->go_fd);
}

static bool
kvm_event(struct hv_guest *guest)
{
	uint64_t count;

	if (read(guest->event_fd, &count, sizeof(count)) < 0)
		return false;
	return atomic_load(&guest->end_code) >= 0;
}

static uint64_t
kvm_cpu_ns(struct hv_guest *guest)
{
	struct kvm_state *s = guest->state;
	struct timespec t;
	clockid_t clock;

	if (pthread_getcpuclockid(s->thread, &clock) != 0 || clock_gettime(clock, &t) != 0)
		return 0;
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* One look at the guest's registers; false when the vCPU thread does not answer in 50 ms. */
static bool
look(struct kvm_state *s)
{
	struct pollfd answer = {.fd = s->sampled_fd, .events = POLLIN};
	uint64_t count;

	atomic_store(&s->sample, true);
	s->run->immediate_exit = 1;
	pthread_kill(s->thread, SIGUSR1);
	return poll(&answer, 1, 50) == 1 && read(s->sampled_fd, &count, sizeof(count)) == sizeof(count);
}

static void
kvm_hang(struct hv_guest *guest)
{
	struct kvm_state *s = guest->state;
	struct hv_crash *crash = &hv_mem_status(&guest->mem)->crash;

	for (uint32_t i = 0; i < HV_SAMPLES && look(s); i++) {
		struct timespec pause = {.tv_nsec = 1000000};

		guest->sample[guest->samples++] = s->regs.rip;
		nanosleep(&pause, NULL);
	}
	crash->rip = s->regs.rip;
	crash->rsp = s->regs.rsp;
	crash->rflags = s->regs.rflags;
	end(guest, HV_EXIT_WATCHDOG, "no heartbeat", 0);
}

static void
kvm_kill(struct hv_guest *guest)
{
	/* The vCPU thread ends with the process; nothing of the guest outlives it. */
	(void)guest;
}

const struct hv_runtime hv_runtime_kvm = {
	.name = "kvm",
	.backend = HV_BACKEND_KVM,
	.create = kvm_create,
	.start = kvm_start,
	.event = kvm_event,
	.cpu_ns = kvm_cpu_ns,
	.hang = kvm_hang,
	.kill = kvm_kill,
};
