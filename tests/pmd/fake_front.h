/**
 * A vhost-user front end for tests: listens, negotiates, gives a sealed memfd with split rings, and can send
 * any message in any order, with any files, whole or in part. Included by tests/pmd.
 */
#ifndef FAKE_FRONT_H
#define FAKE_FRONT_H

#include "guest_ring.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define FRONT_RINGS_MAX 8
#define FRONT_GUEST     0x40000000ull     /* guest address of the memory */
#define FRONT_USER      0x700000000000ull /* where the front end says it has it */

enum front_request {
	FRONT_GET_FEATURES = 1,
	FRONT_SET_FEATURES = 2,
	FRONT_SET_OWNER = 3,
	FRONT_RESET_OWNER = 4,
	FRONT_SET_MEM_TABLE = 5,
	FRONT_SET_LOG_BASE = 6,
	FRONT_SET_VRING_NUM = 8,
	FRONT_SET_VRING_ADDR = 9,
	FRONT_SET_VRING_BASE = 10,
	FRONT_GET_VRING_BASE = 11,
	FRONT_SET_VRING_KICK = 12,
	FRONT_SET_VRING_CALL = 13,
	FRONT_GET_PROTOCOL_FEATURES = 15,
	FRONT_SET_PROTOCOL_FEATURES = 16,
	FRONT_GET_QUEUE_NUM = 17,
	FRONT_SET_VRING_ENABLE = 18,
	FRONT_SEND_RARP = 19,
	FRONT_SET_SLAVE_REQ_FD = 21,
	FRONT_IOTLB = 22,
	FRONT_POSTCOPY_ADVISE = 28,
	FRONT_GET_INFLIGHT = 31,
	FRONT_SET_INFLIGHT = 32,
	FRONT_SET_STATUS = 39,
};

struct front_region {
	uint64_t guest, size, user, offset;
} __attribute__((packed));

struct front_message {
	uint32_t request, flags, size;
	union {
		uint64_t u64;
		struct {
			uint32_t index, num;
		} state;
		struct {
			uint32_t index, flags;
			uint64_t desc, used, avail, log;
		} addr;
		struct {
			uint32_t count, padding;
			struct front_region region[9];
		} memory;
		uint8_t bytes[512];
	} payload;
} __attribute__((packed));

struct front {
	int listener;
	int fd; /* the connection */
	int memory_fd;
	size_t memory_size;
	uint8_t *memory;
	unsigned int rings;
	size_t ring_bytes;
	int call[FRONT_RINGS_MAX];
	int kick[FRONT_RINGS_MAX];
	struct guest_ring ring[FRONT_RINGS_MAX];
	uint64_t features;
	bool packed; /* survives front_listen() */
};

static inline int
front_listen(struct front *f, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	*f = (struct front){.fd = -1, .packed = f->packed};
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	f->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(f->listener, (const struct sockaddr *)&address, sizeof(address)) != 0)
		return -1;
	return listen(f->listener, 4);
}

/* Wait for the back end; 0 or -1. */
static inline int
front_accept(struct front *f, int timeout_ms)
{
	struct pollfd p = {.fd = f->listener, .events = POLLIN};

	if (poll(&p, 1, timeout_ms) != 1)
		return -1;
	f->fd = accept4(f->listener, NULL, NULL, SOCK_CLOEXEC);
	return f->fd >= 0 ? 0 : -1;
}

/* A memfd with `seals`, mapped, for `rings` rings. */
static inline int
front_memory(struct front *f, unsigned int rings, uint16_t size, uint32_t buffer_size, int seals)
{
	f->rings = rings;
	f->ring_bytes = guest_ring_bytes(size, buffer_size);
	f->memory_size = rings * f->ring_bytes;
	f->memory_fd = memfd_create("front", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (f->memory_fd < 0 || ftruncate(f->memory_fd, (off_t)f->memory_size) != 0)
		return -1;
	f->memory = mmap(NULL, f->memory_size, PROT_READ | PROT_WRITE, MAP_SHARED, f->memory_fd, 0);
	if (f->memory == MAP_FAILED || fcntl(f->memory_fd, F_ADD_SEALS, seals) != 0)
		return -1;
	for (unsigned int i = 0; i < rings; i++) {
		size_t at = i * f->ring_bytes;
		guest_ring_init(&f->ring[i], f->packed, f->memory + at, FRONT_GUEST + at, size, buffer_size);
		f->call[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		f->kick[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	}
	return 0;
}

#define FRONT_SEALS (F_SEAL_SHRINK | F_SEAL_GROW)

/* Send the first `bytes` of a message with files. */
static inline int
front_send_part(struct front *f, const struct front_message *m, size_t bytes, const int *fds, unsigned int n)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int) * 16)];
	} control;
	struct iovec part = {.iov_base = (void *)(uintptr_t)m, .iov_len = bytes};
	struct msghdr h = {.msg_iov = &part, .msg_iovlen = 1};

	if (n > 0) {
		memset(&control, 0, sizeof(control));
		h.msg_control = &control;
		h.msg_controllen = CMSG_SPACE(sizeof(int) * n);
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		control.head.cmsg_len = CMSG_LEN(sizeof(int) * n);
		memcpy(CMSG_DATA(&control.head), fds, sizeof(int) * n);
	}
	return sendmsg(f->fd, &h, MSG_NOSIGNAL) == (ssize_t)bytes ? 0 : -1;
}

static inline int
front_send(struct front *f, struct front_message *m, const int *fds, unsigned int n)
{
	m->flags |= 1;
	return front_send_part(f, m, 12 + (size_t)m->size, fds, n);
}

/* Wait for a reply; its payload's u64, or -1 as all ones when the connection ended. */
static inline uint64_t
front_reply(struct front *f)
{
	struct front_message m = {0};
	struct pollfd p = {.fd = f->fd, .events = POLLIN};

	if (poll(&p, 1, 3000) != 1 || recv(f->fd, &m, 12, MSG_WAITALL) != 12 || m.size > sizeof(m.payload))
		return UINT64_MAX;
	if (m.size > 0 && recv(f->fd, &m.payload, m.size, MSG_WAITALL) != (ssize_t)m.size)
		return UINT64_MAX;
	return m.payload.u64;
}

static inline int
front_number(struct front *f, uint32_t request, uint64_t n)
{
	struct front_message m = {.request = request, .size = 8, .payload.u64 = n};

	return front_send(f, &m, NULL, 0);
}

static inline int
front_state(struct front *f, uint32_t request, uint32_t index, uint32_t num)
{
	return front_number(f, request, (uint64_t)num << 32 | index);
}

static inline int
front_ask(struct front *f, uint32_t request, uint64_t *answer)
{
	struct front_message m = {.request = request};

	if (front_send(f, &m, NULL, 0) != 0)
		return -1;
	*answer = front_reply(f);
	return *answer == UINT64_MAX ? -1 : 0;
}

static inline void
front_table(const struct front *f, struct front_message *m)
{
	*m = (struct front_message){.request = FRONT_SET_MEM_TABLE, .size = 8 + 32};
	m->payload.memory.count = 1;
	m->payload.memory.region[0] =
		(struct front_region){.guest = FRONT_GUEST, .size = f->memory_size, .user = FRONT_USER};
}

static inline int
front_addr(struct front *f, uint32_t index)
{
	struct front_message m = {.request = FRONT_SET_VRING_ADDR, .size = 40};
	const struct guest_ring *r = &f->ring[index];

	m.payload.addr.index = index;
	m.payload.addr.desc = FRONT_USER + (uint64_t)((uint8_t *)r->desc - f->memory);
	m.payload.addr.avail = FRONT_USER + (uint64_t)((uint8_t *)r->avail - f->memory);
	m.payload.addr.used = FRONT_USER + (uint64_t)((uint8_t *)r->used - f->memory);
	return front_send(f, &m, NULL, 0);
}

static inline int
front_file(struct front *f, uint32_t request, uint64_t index, int fd)
{
	struct front_message m = {.request = request, .size = 8, .payload.u64 = index};

	return front_send(f, &m, &fd, fd >= 0 ? 1 : 0);
}

/* The steps of a connection; each returns 0 or -1. */
static inline int
front_negotiate(struct front *f, uint64_t features)
{
	struct front_message owner = {.request = FRONT_SET_OWNER};
	uint64_t protocol;

	if (front_send(f, &owner, NULL, 0) != 0 || front_ask(f, FRONT_GET_FEATURES, &f->features) != 0 ||
		front_ask(f, FRONT_GET_PROTOCOL_FEATURES, &protocol) != 0)
		return -1;
	return front_number(f, FRONT_SET_PROTOCOL_FEATURES, protocol & (1u << 0 | 1u << 3 | 1u << 16)) |
	       front_number(f, FRONT_SET_FEATURES,
		       f->features & (f->packed ? features : features & ~(1ULL << 34 /* RING_PACKED */)));
}

static inline int
front_set_memory(struct front *f)
{
	struct front_message m;

	front_table(f, &m);
	return front_send(f, &m, &f->memory_fd, 1);
}

static inline int
front_set_ring(struct front *f, uint32_t i)
{
	return front_state(f, FRONT_SET_VRING_NUM, i, f->ring[i].size) | front_addr(f, i) |
	       front_state(f, FRONT_SET_VRING_BASE, i, guest_base(&f->ring[i])) |
	       front_file(f, FRONT_SET_VRING_CALL, i, f->call[i]) |
	       front_file(f, FRONT_SET_VRING_KICK, i, f->kick[i]) |
	       front_state(f, FRONT_SET_VRING_ENABLE, i, 1);
}

#define FRONT_STATUS_OK 15u /* virtio 1.1, 2.1 */

static inline int
front_start(struct front *f)
{
	int rc = front_negotiate(f, UINT64_MAX) | front_set_memory(f);

	for (unsigned int i = 0; i < f->rings; i++)
		rc |= front_set_ring(f, i);
	return rc | front_number(f, FRONT_SET_STATUS, FRONT_STATUS_OK);
}

/* True when the back end ended the connection within the time. */
static inline bool
front_was_dropped(struct front *f, int timeout_ms)
{
	struct pollfd p = {.fd = f->fd, .events = POLLIN};
	char bytes[256];

	while (poll(&p, 1, timeout_ms) == 1) {
		ssize_t n = recv(f->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno == ECONNRESET))
			return true;
		if (n < 0)
			return false;
	}
	return false;
}

static inline void
front_hang_up(struct front *f)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
}

static inline void
front_close(struct front *f)
{
	front_hang_up(f);
	close(f->listener);
	for (unsigned int i = 0; i < f->rings; i++) {
		close(f->call[i]);
		close(f->kick[i]);
	}
	if (f->memory != NULL) {
		munmap(f->memory, f->memory_size);
		close(f->memory_fd);
	}
}

#endif
