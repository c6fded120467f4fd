/**
 * What the files of the runner share: options, guest memory, the image, one guest.
 *
 * Included by hv/ only; a guest and a supervisor include hv_abi.h. A guest address is a plain uint64_t and is
 * turned into a host pointer by hv_mem_at() alone, which checks it.
 */
#ifndef HV_H
#define HV_H

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#include "hv_abi.h"

#define HV_MIB        0x100000ULL
#define HV_MEMORY_MIN 2u    /* MiB: the smallest image, its stack and some heap */
#define HV_MEMORY_MAX 1022u /* MiB: HV_RAM_MAX */
#define HV_STACK_SIZE 0x40000ULL
#define HV_QUEUE_SIZE 256u  /* entries; the packet buffers of a pair are twice both its rings */
#define HV_BUFFERS    1024u /* per pair */
#define HV_BUFFER     2048u /* bytes: a full Ethernet frame and its virtio header */
#define HV_ERROR_SIZE 256u
#define HV_SAMPLES    16u

static_assert(HV_MEMORY_MAX * HV_MIB == HV_RAM_MAX, "options and map agree");

enum hv_runtime_kind {
	HV_RUNTIME_AUTO,
	HV_RUNTIME_KVM,
	HV_RUNTIME_PROCESS,
};

/* The command line, checked. Strings are the caller's. */
struct hv_options {
	const char *image;
	const char *net;
	const char *control; /* or NULL */
	uint32_t memory_mib;
	enum hv_runtime_kind runtime;
	int cpu; /* -1: any */
	uint32_t pairs;
	uint8_t mac[6];
	bool mac_set;
	int lifeline;      /* read end of a pipe, or -1 */
	bool stamps;       /* HV_BOOT_STAMPS */
	uint64_t start_ns; /* CLOCK_MONOTONIC at exec; 0: when main() began */
	uint64_t main_ns;  /* CLOCK_MONOTONIC and TSC when main() began: origin of the guest's clock */
	uint64_t main_tsc;
	const char *arg[HV_MAX_ARGS];
	uint32_t args;
};

/**
 * Parse the command line of `hv run`.
 *
 * @return  0, or HV_EXIT_USAGE after one message on stderr.
 */
int hv_options_parse(int argc, char **argv, struct hv_options *out);

/** Print the help text. */
void hv_options_help(void);

/** One line "hv: ..." on stderr. Thread: any. */
void hv_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** CLOCK_MONOTONIC in nanoseconds. Thread: any. */
uint64_t hv_now_ns(void);

/* A range of guest memory with one protection, page aligned. */
struct hv_region {
	uint64_t addr; /* guest address */
	uint64_t size; /* bytes */
	int prot;      /* PROT_*; 0 is a guard: unmapped */
};

/* An ELF segment and where its bytes come from. */
struct hv_segment {
	uint64_t addr; /* guest address of the first byte, need not be aligned */
	uint64_t size; /* in memory */
	uint64_t file_offset;
	uint64_t file_size;
	int prot;
};

#define HV_MAX_SEGMENTS 8u

struct hv_image {
	uint64_t entry;
	struct hv_note note;
	uint32_t segments; /* in use, sorted by address */
	struct hv_segment segment[HV_MAX_SEGMENTS];
	uint64_t end; /* first page after the image */
};

/**
 * Check an image in memory: static ELF64 x86-64 (System V ABI, chapter 4 and the AMD64 supplement) with the
 * note of hv_abi.h. Nothing in it is trusted; PT_INTERP is not looked at, it only keeps the host from running
 * the file.
 *
 * @param name      of the file, for the message.
 * @param bytes     the whole file, `size` bytes.
 * @param ram_size  bytes of guest memory from HV_RAM_ADDR on.
 * @param error     HV_ERROR_SIZE bytes: one line naming file, value and limit when it is refused.
 * @return          0 or -ENOEXEC. Thread: any.
 */
int hv_elf_parse(const char *name, const uint8_t *bytes, size_t size, uint64_t ram_size, struct hv_image *out,
	char *error);

/* A piece of guest memory that the runner has mapped. */
struct hv_area {
	int fd;
	uint8_t *host;
	uint64_t addr; /* guest address */
	uint64_t size;
};

#define HV_MAX_REGIONS (HV_MAX_SEGMENTS + 8u)

struct hv_mem {
	struct hv_area boot;   /* struct hv_boot and struct hv_control */
	struct hv_area shared; /* memfd S */
	struct hv_area ram;    /* memfd A */
	struct hv_area ring;   /* memfd B, sealed */
	int shared_ro;         /* memfd S opened read only, for supervisors */
	uint32_t regions;      /* protections of memfd A, sorted, without holes */
	struct hv_region region[HV_MAX_REGIONS];
	uint64_t stack_top;
	uint64_t heap;
};

/**
 * Make the four memories and seal them.
 *
 * @return  0, or HV_EXIT_NO_MEMORY after one message.
 */
int hv_mem_init(struct hv_mem *mem, uint32_t memory_mib, uint32_t pairs);

/**
 * Copy the image into memfd A and lay out guard, stack, guard and heap behind it.
 *
 * @return  0, or HV_EXIT_IMAGE after one message when stack and heap do not fit.
 */
int hv_mem_load(struct hv_mem *mem, const char *name, const uint8_t *bytes, const struct hv_image *image);

/**
 * Allocate all of memfd A, so that the packet path never faults.
 *
 * @return  0 or HV_EXIT_NO_MEMORY after one message. Thread: any.
 */
int hv_mem_prefault(struct hv_mem *mem);

/** Host pointer to `size` bytes at guest address `addr`, or NULL if they are not all in one area. */
void *hv_mem_at(const struct hv_mem *mem, uint64_t addr, uint64_t size);

/** Write where the rings and packet buffers of memfd B are. */
void hv_mem_queues(const struct hv_mem *mem, uint32_t pairs, struct hv_net *net);

static inline struct hv_boot *
hv_mem_boot(const struct hv_mem *mem)
{
	return (struct hv_boot *)mem->boot.host;
}

static inline struct hv_control *
hv_mem_control(const struct hv_mem *mem)
{
	return (struct hv_control *)(mem->boot.host + HV_CONTROL_ADDR - HV_BOOT_ADDR);
}

/* Written by the guest: read each field once. */
static inline struct hv_status *
hv_mem_status(const struct hv_mem *mem)
{
	return (struct hv_status *)mem->shared.host;
}

/* Eventfds of the virtqueues, 2 per pair. */
struct hv_queue_fds {
	int kick[2 * HV_MAX_PAIRS]; /* guest to back end */
	int call[2 * HV_MAX_PAIRS]; /* back end to guest */
	int control;                /* runner to guest: look at hv_control */
};

struct hv_guest;

/* A way to run a guest. create() runs before the sandbox of the runner closes, start() after. */
struct hv_runtime {
	const char *name; /* as reported: "kvm" or "process" */
	enum hv_backend backend;
	/* 0 or HV_EXIT_*; the reason in error (HV_ERROR_SIZE bytes) */
	int (*create)(struct hv_guest *guest, char *error);
	void (*start)(struct hv_guest *guest);
	/* guest->event_fd is readable: returns true when the guest has ended and end_* is filled */
	bool (*event)(struct hv_guest *guest);
	/* CPU time used by guest code */
	uint64_t (*cpu_ns)(struct hv_guest *guest);
	/* the guest hangs: fill hv_status.crash with where, end with HV_EXIT_WATCHDOG */
	void (*hang)(struct hv_guest *guest);
	/* end it now */
	void (*kill)(struct hv_guest *guest);
};

extern const struct hv_runtime hv_runtime_kvm;
extern const struct hv_runtime hv_runtime_process;

/* One guest. The main thread owns it; fields the vCPU thread writes are atomic. */
struct hv_guest {
	const struct hv_options *options;
	const struct hv_runtime *runtime;
	struct hv_mem mem;
	struct hv_image image;
	struct hv_queue_fds fds;
	int event_fd;                      /* poll it for what event() handles */
	atomic_uint_fast64_t heartbeat_ns; /* CLOCK_MONOTONIC of the first heartbeat, 0 before */
	atomic_bool prefaulted;
	atomic_int end_code;         /* exit code, -1 while it runs */
	uint64_t sample[HV_SAMPLES]; /* RIP of a guest that hangs */
	uint32_t samples;
	const char *end_reason; /* what the host saw, NULL for a plain exit; set before end_code */
	uint64_t end_value;     /* detail of end_reason */
	void *state;            /* of the runtime */
};

/** XCR0 of the host without what the guest ABI does not know. */
uint64_t hv_host_xcr0(void);

/** HV_CPU_* that run with this XCR0. */
uint32_t hv_cpu_features(uint64_t xcr0);

/**
 * Fill the boot page, but for what the runtime finds out itself: xcr0, cpu_features, spin_tsc. Call when
 * memory and descriptors are there and the runtime is chosen.
 */
void hv_boot_fill(struct hv_guest *guest);

/** Set up the clock of hv_control from two readings; tsc_hz of boot is set too. Main thread. */
void hv_clock_init(struct hv_guest *guest, uint64_t tsc_hz);

/** Correct the rate of the clock from all time since the start, without a step. Main thread. */
void hv_clock_refine(struct hv_guest *guest);

/** Tell the guest: set a field of hv_control and ring the control eventfd. Main thread. */
void hv_control_set(struct hv_guest *guest, uint32_t *field, uint32_t value);

/**
 * Wait at the doorbell as the guest asks: until a call, the control eventfd or the time-out; drain them.
 * Thread: vCPU.
 */
void hv_guest_wait(struct hv_guest *guest, uint32_t timeout_us);

/** Write the crash report to stderr, bounded and printable. Main thread, guest ended. */
void hv_report(struct hv_guest *guest);

/** Say on stderr that the application ended with this code, and the last line of its console. Main thread. */
void hv_report_exit(const struct hv_guest *guest, int code);

/** Drop capabilities and set no_new_privs, for the calling thread and those it makes from now on. 0 or
 * -errno. */
int hv_sandbox_privileges(void);

/** The same, and load the seccomp filter on all threads. 0, or HV_EXIT_KVM after one message. */
int hv_sandbox_runner(const struct hv_guest *guest);

/** Run a guest to its end. @return exit code of the program. */
int hv_run(const struct hv_options *options);

#endif
