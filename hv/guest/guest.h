/**
 * Inside the guest library: memory shared with the runner, doorbells, queue pairs.
 *
 * Included by hv/guest/ and its tests only. The library reaches everything through `vnf_env`, so that the
 * tests can run it on the host over memory of their own.
 */
#ifndef VNF_GUEST_H
#define VNF_GUEST_H

#include "vnf.h"

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/** Where the pages of hv_abi.h are. */
struct vnf_env {
	const struct hv_boot *boot;
	const struct hv_control *control;
	struct hv_status *status;
	struct hv_console *console;
	struct hv_metrics *metrics;
};

extern struct vnf_env vnf_env;

/* Split virtqueue in shared memory (virtio 1.1, 2.6); little endian as the machine is. */
#define VRING_DESC_NEXT          1u
#define VRING_DESC_WRITE         2u
#define VRING_AVAIL_NO_INTERRUPT 1u
#define VRING_USED_NO_NOTIFY     1u

struct vring_desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags;
	uint16_t next;
};

struct vring_avail {
	uint16_t flags;
	uint16_t idx;
	uint16_t ring[];
};

struct vring_used_elem {
	uint32_t id;
	uint32_t len;
};

struct vring_used {
	uint16_t flags;
	uint16_t idx;
	struct vring_used_elem ring[];
};

/* virtio_net_hdr with num_buffers (virtio 1.1, 5.1.6), the only form with VERSION_1. */
#define VNET_HDR_SIZE        12u
#define VNET_HDR_NUM_BUFFERS 10u

#define VNF_BUFFER_SIZE 2048u /* one packet buffer; a longer frame is a chain of them */
#define VNF_BATCH       32u   /* most frames taken per poll of a pair */

/** What we know of one descriptor. */
struct vnf_slot {
	uint8_t *buffer; /* its buffer, NULL when the descriptor is free */
	uint16_t chain;  /* descriptors of the chain it heads and the back end holds, or 0 */
	uint16_t next;   /* the next one of its chain */
};

/** Our side of one virtqueue. Nothing here is ever read back from shared memory. */
struct vnf_queue {
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	struct vnf_slot *slot; /* per descriptor */
	uint16_t *free;        /* stack of free descriptors */
	/* 32 bits wide, so that a compiler knows them apart from the 16-bit arrays. Ring places count on for
	 * ever; their low 16 bits are what the back end sees. */
	uint32_t free_count;
	uint32_t size;      /* entries, a power of two */
	uint32_t avail_at;  /* next entry of the avail ring */
	uint32_t published; /* avail_at as the back end knows it */
	uint32_t used_at;   /* next entry of the used ring */
	uint32_t index;     /* of the queue in the device */
};

struct vnf_segment {
	uint8_t *buffer;
	uint32_t len;
};

/** A queue pair and its packet buffers. */
struct vnf_pair {
	struct vnf_queue rx, tx;
	uint8_t **pool; /* stack of buffers that are in no ring */
	uint32_t pool_count;
	uint32_t rx_target;          /* buffers to keep posted */
	bool blocked;                /* a received frame waits for room in the TX ring */
	struct vnf_segment *segment; /* of the frame at hand, rx.size entries */
};

/**
 * Take over a pair of ready-made rings.
 *
 * @param pair   filled here.
 * @param net    the device; ring addresses and sizes are checked.
 * @param index  of the pair; it owns that share of net->buffers.
 * @return       NULL, or what is wrong with the rings.
 */
const char *vnf_pair_init(struct vnf_pair *pair, const struct hv_net *net, uint32_t index);

/** Give the back end buffers until rx_target are posted, as far as the pool lasts. */
void vnf_pair_post(struct vnf_pair *pair);

/**
 * Take up to VNF_BATCH frames, serve them in place and send those that pass: RX buffers are posted again
 * first, then TX is published with one release store, then the counters. A frame is taken only when the TX
 * ring has room for it.
 *
 * @param post  false while draining: received buffers are not replaced.
 * @return      frames taken.
 */
unsigned vnf_pair_poll(struct vnf_pair *pair, bool post);

/** True when a poll would find work. */
bool vnf_pair_ready(const struct vnf_pair *pair);

/** True when the back end holds nothing of ours to send and has given nothing we did not take. */
bool vnf_pair_drained(const struct vnf_pair *pair);

/** Ask for (on) or against (off) interrupts from this pair, before and after a sleep. */
void vnf_pair_interrupts(struct vnf_pair *pair, bool on);

/** Make the library's own counters; before the first frame. */
void vnf_service_init(void);

/**
 * Serve one frame: NSH checks, vnf_packet(), SI - 1, addresses swapped (RFC 8300, 2.3).
 *
 * @param data      Ethernet header.
 * @param data_len  bytes readable there.
 * @param size      bytes of the whole frame.
 * @return          true: send it back.
 */
bool vnf_service(uint8_t *data, uint32_t data_len, uint32_t size);

/** Hand out [start, start + size) from now on. */
void vnf_heap_init(void *start, size_t size);

/* Doorbells (hv_abi.h): a store under KVM, a system call in process mode. */
void vnf_door_ready(void);
void vnf_door_wait(uint32_t timeout_us);
void vnf_door_kick(uint32_t queue);
void vnf_door_exit(uint32_t code) __attribute__((noreturn));

static inline uint64_t
vnf_tsc(void)
{
	return __builtin_ia32_rdtsc();
}

/** Entry point of the image; the runner passes HV_BOOT_ADDR. */
void vnf_start(const struct hv_boot *boot) __attribute__((noreturn));

#endif
