/* What the runner gives up before the first instruction of the guest. */
#include "hv.h"

#include <cap-ng.h>
#include <errno.h>
#include <linux/kvm.h>
#include <seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>

/* Sanitizers call what no filter of ours foresees: a build with them has no filter. */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

/* Whatever the arguments: nothing here opens a file, starts a program or a thread, or discards memory. */
static const int allowed[] = {
	SCMP_SYS(read),
	SCMP_SYS(write),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll), /* the loop */
	SCMP_SYS(accept4),
	SCMP_SYS(getsockopt),
	SCMP_SYS(sendmsg),
	SCMP_SYS(recvmsg),
	SCMP_SYS(close),
	SCMP_SYS(getuid),
	SCMP_SYS(getpid),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(tgkill),
	SCMP_SYS(pidfd_send_signal),
	SCMP_SYS(waitid), /* the guest */
	SCMP_SYS(unlink),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group), /* the end */
	SCMP_SYS(restart_syscall),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(rt_sigprocmask), /* libc */
	SCMP_SYS(futex),
	SCMP_SYS(set_robust_list),
	SCMP_SYS(rseq),
	SCMP_SYS(brk),
	SCMP_SYS(munmap),
};

static const unsigned long kvm_ioctls[] = {KVM_RUN, KVM_GET_REGS, KVM_SET_REGS};

/* Allow a call when argument `arg` under `mask` is `value`. */
static int
allow_if(scmp_filter_ctx filter, int call, unsigned int arg, uint64_t mask, uint64_t value)
{
	const struct scmp_arg_cmp same = {
		.arg = arg, .op = SCMP_CMP_MASKED_EQ, .datum_a = mask, .datum_b = value};

	return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, 1, &same);
}

static int
add_rules(scmp_filter_ctx filter, bool kvm)
{
	int rc = 0;

	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
		rc |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
	for (size_t i = 0; kvm && i < sizeof(kvm_ioctls) / sizeof(kvm_ioctls[0]); i++)
		rc |= allow_if(filter, SCMP_SYS(ioctl), 1, 0xffffffff, kvm_ioctls[i]);
	/* No new code. */
	rc |= allow_if(filter, SCMP_SYS(mmap), 2, PROT_EXEC, 0);
	rc |= allow_if(filter, SCMP_SYS(mprotect), 2, PROT_EXEC, 0);
	/* No holes in shared memory: MADV_REMOVE and fallocate would fault every tenant. */
	rc |= allow_if(filter, SCMP_SYS(madvise), 2, 0xffffffff, MADV_POPULATE_WRITE);
	rc |= allow_if(filter, SCMP_SYS(madvise), 2, 0xffffffff, MADV_DONTNEED);
	return rc == 0 ? 0 : -EINVAL;
}

static int
load_filter(bool kvm)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int rc = -ENOMEM;

	if (filter == NULL)
		return rc;
	rc = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1); /* the vCPU thread too */
	if (rc == 0)
		rc = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (rc == 0)
		rc = add_rules(filter, kvm);
	if (rc == 0)
		rc = seccomp_load(filter);
	seccomp_release(filter);
	return rc;
}

int
hv_sandbox_privileges(void)
{
	capng_clear(CAPNG_SELECT_CAPS);
	if (capng_apply(CAPNG_SELECT_CAPS) != 0)
		return -EPERM;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

int
hv_sandbox_runner(const struct hv_guest *guest)
{
	int rc = hv_sandbox_privileges();

	if (rc == 0 && !SANITIZED)
		rc = load_filter(guest->runtime->backend == HV_BACKEND_KVM);
	if (rc < 0) {
		hv_error("sandbox: %s (runtime %s)", strerror(-rc), guest->runtime->name);
		return HV_EXIT_KVM;
	}
	return 0;
}
