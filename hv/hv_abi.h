/**
 * The line between a guest, its runner and whoever watches it: guest ABI version 2.
 *
 * Included by the runner (hv/), by the guest library (hv/guest/, freestanding) and by a supervisor that reads
 * the status memory (sff/). C99 headers only. The same addresses hold under KVM (guest virtual = guest
 * physical) and in process mode (virtual addresses of the sandboxed process).
 *
 * Everything in the status memory is written by the guest: a reader loads each field once, checks, then uses
 * it.
 */
#ifndef HV_ABI_H
#define HV_ABI_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#define HV_ABI_VERSION 2

/* Address map. The gaps are unmapped on purpose. */
#define HV_PRIVATE_ADDR   0x000000ULL /* page tables, GDT, IDT, TSS, stub: supervisor only, KVM only */
#define HV_PRIVATE_SIZE   0x100000ULL
#define HV_BOOT_ADDR      0x100000ULL    /* struct hv_boot, guest: read only */
#define HV_CONTROL_ADDR   0x101000ULL    /* struct hv_control, guest: read only */
#define HV_STATUS_ADDR    0x102000ULL    /* struct hv_status, guest: read and write */
#define HV_CONSOLE_ADDR   0x103000ULL    /* struct hv_console, guest: read and write */
#define HV_METRICS_ADDR   0x10a000ULL    /* struct hv_metrics, guest: read and write */
#define HV_METRICS_SIZE   0x40000ULL     /* 256 KiB: 4,095 metrics */
#define HV_SHARED_ADDR    HV_STATUS_ADDR /* memfd S starts here */
#define HV_SHARED_SIZE    (HV_METRICS_ADDR + HV_METRICS_SIZE - HV_SHARED_ADDR)
#define HV_RAM_ADDR       0x200000ULL   /* memfd A: ELF, heap, stacks; never shared */
#define HV_RAM_MAX        0x3fe00000ULL /* up to the rings: 1,022 MiB */
#define HV_RING_ADDR      0x40000000ULL /* memfd B: rings and packet buffers, the vhost-user memory table */
#define HV_RING_MAX       0x40000000ULL /* 1 GiB */
#define HV_DOORBELL_ADDR  0xd0000000ULL /* one page: MMIO under KVM, unmapped in process mode */
#define HV_DOORBELL_EXIT  0x000         /* 32-bit store of the exit code: the guest ends */
#define HV_DOORBELL_WAIT  0x008 /* 32-bit store of a timeout in microseconds: sleep until work, or then */
#define HV_DOORBELL_READY 0x010 /* 32-bit store of 1: first heartbeat; the runner prefaults memory now */
#define HV_DOORBELL_KICK  0x100 /* + 4 * queue: 32-bit store of the queue index (ioeventfd) */

#define HV_PAGE_SIZE 0x1000u
#define HV_MAX_NETS  1u  /* network devices of a guest */
#define HV_MAX_PAIRS 16u /* queue pairs of a device; one per dataplane worker */
#define HV_MAX_ARGS  32u
#define HV_ARGS_SIZE 2048u

/* Exit codes. 1 to 63 belong to the application. */
enum hv_exit {
	HV_EXIT_DONE = 0,
	HV_EXIT_ABI = 64,
	HV_EXIT_MEMORY = 65,
	HV_EXIT_ASSERT = 66,
	HV_EXIT_EXCEPTION = 67,
	HV_EXIT_WATCHDOG = 68,
	HV_EXIT_DRAINED = 69,
	/* Below: the runner's own, never a guest's. */
	HV_EXIT_USAGE = 70,
	HV_EXIT_IMAGE = 71,
	HV_EXIT_KVM = 72,
	HV_EXIT_NO_MEMORY = 73,
	HV_EXIT_SOCKET = 74,
};

enum hv_backend {
	HV_BACKEND_KVM = 1,     /* doorbells are MMIO stores */
	HV_BACKEND_PROCESS = 2, /* doorbells are system calls: ppoll, read, write, exit_group */
};

/*
 * Doorbells in process mode. Nothing else passes the seccomp filter; anything else kills the process.
 *   EXIT   exit_group(code)
 *   READY  nothing: the runner sees the first change of hv_status.heartbeat
 *   KICK   write(hv_queue.kick, &one, 8) with uint64_t one = 1
 *   WAIT   ppoll(wait_fds, POLLIN, timeout, NULL mask), then read(fd, &u64, 8) once on each fd that is
 *          readable; the eventfds are non-blocking, so a read may answer -EAGAIN, which is harmless.
 * Under KVM the runner does all of that at the WAIT doorbell. In both, a wake-up means only "look at the
 * rings and at hv_control": the control eventfd fires when request, generation, link_up or config_epoch
 * change.
 */

/* Bits of hv_boot.cpu_features: what the guest may use without asking CPUID, which it never runs. */
#define HV_CPU_AVX2    (1u << 0)
#define HV_CPU_AVX512  (1u << 1) /* F, BW, DQ, VL */
#define HV_CPU_WAITPKG (1u << 2)

/* One virtqueue, split layout (virtio 1.1, 2.6), negotiated by the runner before the guest starts. */
struct hv_queue {
	uint64_t desc; /* guest addresses of the three parts */
	uint64_t avail;
	uint64_t used;
	uint32_t size; /* entries, a power of two */
	uint32_t kick; /* doorbell offset under KVM; file descriptor to write 8 bytes to in process mode */
};

/* Queue 2p receives (virtio net: RX of pair p), queue 2p+1 transmits. */
struct hv_net {
	uint64_t features;     /* virtio feature bits in force */
	uint64_t buffers;      /* guest address of the packet buffer area, in memfd B */
	uint64_t buffers_size; /* bytes */
	uint32_t pairs;        /* queue pairs, 1..HV_MAX_PAIRS */
	uint32_t header_size;  /* of virtio_net_hdr before each frame: 12 */
	uint32_t mtu;
	uint8_t mac[6];
	uint8_t pad[6];
	struct hv_queue queue[2 * HV_MAX_PAIRS];
};

/* Bits of hv_boot.flags. */
#define HV_BOOT_STAMPS (1u << 0) /* keep hv_status.batch and busy_tsc: somebody measures */

#define HV_BOOT_MAGIC 0x544f4f4245434953ULL /* "SICEBOOT" read as little-endian bytes */

/* Boot information, filled by the runner before the guest runs, never changed afterwards. */
struct hv_boot {
	uint64_t magic;
	uint32_t abi;          /* HV_ABI_VERSION */
	uint32_t backend;      /* enum hv_backend */
	uint32_t cpu_features; /* HV_CPU_* */
	uint32_t nets;
	uint64_t xcr0;
	uint64_t tsc_hz;
	uint64_t ram_addr;  /* heap: from here, after the ELF and the stack */
	uint64_t ram_size;  /* bytes */
	uint64_t spin_tsc;  /* measured cost of exit plus wake, in TSC cycles: how long idling may spin */
	uint64_t random[4]; /* seed */
	uint32_t flags;     /* HV_BOOT_* */
	uint32_t pad;
	int32_t wait_fds[2 * HV_MAX_PAIRS + 1]; /* process mode: [q] = call eventfd of queue q, then the
	                                           control eventfd, then -1 if there is room */
	uint32_t argc;
	uint16_t arg[HV_MAX_ARGS]; /* offsets into args, each a NUL-terminated string */
	char args[HV_ARGS_SIZE];
	struct hv_net net[HV_MAX_NETS];
};

enum hv_request {
	HV_REQ_RUN = 0,
	HV_REQ_DRAIN = 1, /* stop receiving, flush, exit with HV_EXIT_DRAINED */
	HV_REQ_STOP = 2,  /* exit with HV_EXIT_DONE */
};

/* Written by the runner, read by the guest. Clock: ns = ns_ref + ((tsc - tsc_ref) * mult >> shift), under a
 * seqlock (odd while it is being written). */
struct hv_control {
	uint32_t request;    /* enum hv_request */
	uint32_t generation; /* goes up on resume, restore and migration: reseed, repost */
	uint32_t clock_seq;
	uint32_t clock_shift;
	uint64_t clock_mult;
	uint64_t clock_tsc_ref;
	uint64_t clock_ns_ref;
	uint32_t config_epoch;
	uint32_t link_up; /* 1 when the back end has all rings */
};

enum hv_state {
	HV_STATE_BOOT = 0,
	HV_STATE_READY = 1, /* application initialised, RX buffers posted */
	HV_STATE_DRAINING = 2,
	HV_STATE_EXITED = 3,
	HV_STATE_CRASHED = 4,
};

#define HV_CRASH_STACK_WORDS 32

/* Written by the stub (KVM) or the signal handler (process) when the guest faults. */
struct hv_crash {
	uint64_t vector; /* 0..31; process mode: the signal number */
	uint64_t error;
	uint64_t cr2;
	uint64_t rip;
	uint64_t cs;
	uint64_t rflags;
	uint64_t rsp;
	uint64_t ss;
	uint64_t stack[HV_CRASH_STACK_WORDS];
};

/* Where a queue stands, for a back end that comes back after a crash. */
struct hv_queue_state {
	uint16_t last_used;
	uint16_t last_avail;
};

#define HV_BATCHES 128u /* a power of two; half a ring of batches of one frame */

/* Frames taken from a ring together: where their time went. Only with HV_BOOT_STAMPS. */
struct hv_batch {
	uint64_t taken; /* TSC when the guest looked at the ring */
	uint32_t first; /* rx_frames before it, low 32 bits */
	uint32_t spent; /* TSC cycles until what passed was published */
};

struct hv_status {
	uint32_t state; /* enum hv_state */
	uint32_t exit_code;
	uint64_t heartbeat; /* one store per loop */
	uint32_t idle;      /* 1 while waiting at the doorbell */
	uint32_t pad0;
	uint64_t clock_ns;
	uint64_t pad1[4];
	/* Line 1: frames. rx = taken from RX rings and finished with; tx = given to TX rings. Both per guest.
	 * consumed = finished with and not sent: never more than the difference. */
	uint64_t rx_frames;
	uint64_t tx_frames;
	uint64_t consumed;
	uint64_t bad_used; /* back-end lies the library caught */
	uint64_t pad2[4];
	struct hv_queue_state queue[2 * HV_MAX_PAIRS];
	struct hv_crash crash;
	/* With HV_BOOT_STAMPS: batch i of all ever taken is batch[i % HV_BATCHES], complete below `batches`.
	 */
	uint64_t busy_tsc; /* cycles in batches that had frames */
	uint64_t batches;
	struct hv_batch batch[HV_BATCHES];
};

#define HV_CONSOLE_SIZE 0x7000u
#define HV_CONSOLE_DATA (HV_CONSOLE_SIZE - 64u)

/* Overwriting text ring: byte i of all ever written is data[i % HV_CONSOLE_DATA]. */
struct hv_console {
	uint64_t written; /* bytes ever written */
	uint64_t pad[7];
	char data[HV_CONSOLE_DATA];
};

#define HV_METRIC_NAME 56u

/* One named number of the application. Name: printable ASCII, NUL padded, set once before `count` covers it.
 */
struct hv_metric {
	char name[HV_METRIC_NAME];
	uint64_t value;
};

struct hv_metrics {
	uint32_t count; /* entries in use */
	uint32_t pad[15];
	struct hv_metric metric[HV_METRICS_SIZE / 64 - 1];
};

#define HV_NOTE_NAME "VNF"
#define HV_NOTE_TYPE 1

/* Descriptor of the ELF note "VNF". */
struct hv_note {
	uint32_t abi;      /* HV_ABI_VERSION */
	uint32_t pairs;    /* most queue pairs the image can drive */
	uint32_t ram_mib;  /* least guest memory in MiB */
	uint32_t features; /* 0 in version 1 */
};

static_assert(sizeof(struct hv_boot) <= HV_PAGE_SIZE, "boot info fits its page");
static_assert(sizeof(struct hv_control) <= HV_PAGE_SIZE, "control fits its page");
static_assert(sizeof(struct hv_status) <= HV_PAGE_SIZE, "status fits its page");
static_assert(offsetof(struct hv_status, rx_frames) == 64, "frame counters on a line of their own");
static_assert(sizeof(struct hv_console) == HV_CONSOLE_SIZE, "console fills its pages");
static_assert(sizeof(struct hv_metric) == 64, "a metric is one cache line");
static_assert(sizeof(struct hv_metrics) == HV_METRICS_SIZE, "metrics fill their pages");
static_assert(sizeof(struct hv_net) == 48 + 2 * HV_MAX_PAIRS * sizeof(struct hv_queue), "no hidden padding");

#endif
