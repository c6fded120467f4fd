/**
 * vhost-user front end: brings one connection of a back end to running rings (vhost-user protocol, as QEMU's
 * docs/interop/vhost-user.rst). A state machine without a thread or a wait: the main loop feeds it bytes.
 *
 * Included by hv/ and by its tests. The back end is hostile: any byte that is not the one answer we wait for
 * ends the connection, never the guest.
 */
#ifndef HV_VHOST_H
#define HV_VHOST_H

#include <stdbool.h>
#include <stdint.h>

#include "hv.h"

#define HV_VHOST_TIMEOUT_NS 2000000000ULL /* for one reply */
#define HV_VHOST_MAX_SIZE   4096u         /* of a message's payload */

/* Message header, then `size` bytes. Host byte order, as the protocol has it. */
struct hv_vhost_header {
	uint32_t request;
	uint32_t flags; /* version 1; bit 2 reply, bit 3 reply wanted */
	uint32_t size;
};

static_assert(sizeof(struct hv_vhost_header) == 12, "on the wire");

/* One connection at a time. Main thread only. */
struct hv_vhost {
	const struct hv_mem *mem;
	const struct hv_net *net;
	const struct hv_queue_fds *fds;
	/* Send one message; a test puts its own here. 0 or -errno. */
	int (*send)(int sock, const void *bytes, size_t size, int fd);

	int sock;      /* -1: nobody connected */
	bool attached; /* the back end has all rings */
	uint32_t step;
	uint32_t queue;       /* of a step that runs once per queue */
	uint64_t features;    /* acknowledged protocol features */
	uint64_t deadline_ns; /* of the reply we wait for, 0: none */
	uint32_t input_size;
	uint8_t input[sizeof(struct hv_vhost_header) + sizeof(uint64_t)]; /* no reply of ours is longer */
	char error[HV_ERROR_SIZE];                                        /* why the last connection ended */
};

/** Set up without a connection. The pointers stay the caller's and must outlive it. */
void hv_vhost_init(struct hv_vhost *v, const struct hv_mem *mem, const struct hv_net *net,
	const struct hv_queue_fds *fds);

/** Start talking to a back end that has just connected. Takes `sock`. 0 or -errno and v->error. */
int hv_vhost_begin(struct hv_vhost *v, int sock);

/**
 * Handle bytes from the back end.
 *
 * @return  0, or -EPROTO, or the error of send(), with v->error set: the caller calls hv_vhost_end().
 */
int hv_vhost_input(struct hv_vhost *v, const uint8_t *bytes, size_t size);

/** Handle a readable socket: 0 or -errno as above; -ECONNRESET when the back end went away. */
int hv_vhost_readable(struct hv_vhost *v);

/** Close the connection. The rings stay as they are; the next begin() resumes at their used index. */
void hv_vhost_end(struct hv_vhost *v);

#endif
