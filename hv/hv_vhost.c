#include "hv_vhost.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "hv_socket.h"

#define VERSION    1u
#define REPLY      4u
#define NEED_REPLY 8u

enum request {
	GET_FEATURES = 1,
	SET_FEATURES = 2,
	SET_OWNER = 3,
	SET_MEM_TABLE = 5,
	SET_VRING_NUM = 8,
	SET_VRING_ADDR = 9,
	SET_VRING_BASE = 10,
	SET_VRING_KICK = 12,
	SET_VRING_CALL = 13,
	GET_PROTOCOL_FEATURES = 15,
	SET_PROTOCOL_FEATURES = 16,
	GET_QUEUE_NUM = 17,
	SET_VRING_ENABLE = 18,
	SET_STATUS = 39,
};

#define F_MQ                (1ULL << 22)
#define F_PROTOCOL_FEATURES (1ULL << 30)

#define P_MQ        (1ULL << 0)
#define P_REPLY_ACK (1ULL << 3)
#define P_STATUS    (1ULL << 16)
#define P_WANTED    (P_MQ | P_REPLY_ACK | P_STATUS)

#define STATUS_RUNNING 15u /* VIRTIO 1.1, 2.1: ACKNOWLEDGE | DRIVER | DRIVER_OK | FEATURES_OK */

/* The order in which a connection comes up. */
static const struct step {
	enum request request;
	bool answer;        /* the protocol has a reply of its own */
	bool per_queue;     /* a run of such steps is repeated for each queue */
	uint64_t only_with; /* protocol feature, 0: always */
} steps[] = {
	{SET_OWNER, false, false, 0},
	{GET_FEATURES, true, false, 0},
	{GET_PROTOCOL_FEATURES, true, false, 0},
	{SET_PROTOCOL_FEATURES, false, false, 0},
	{GET_QUEUE_NUM, true, false, P_MQ},
	{SET_FEATURES, false, false, 0},
	{SET_MEM_TABLE, false, false, 0},
	{SET_VRING_NUM, false, true, 0},
	{SET_VRING_ADDR, false, true, 0},
	{SET_VRING_BASE, false, true, 0},
	{SET_VRING_CALL, false, true, 0},
	{SET_VRING_KICK, false, true, 0},
	{SET_VRING_ENABLE, false, true, 0},
	{SET_STATUS, false, false, P_STATUS},
};

#define STEPS (sizeof(steps) / sizeof(steps[0]))

struct vring_state {
	uint32_t index;
	uint32_t num;
};

struct vring_addr {
	uint32_t index;
	uint32_t flags;
	uint64_t desc;
	uint64_t used;
	uint64_t avail;
	uint64_t log;
};

struct memory_table {
	uint32_t regions;
	uint32_t pad;
	uint64_t guest_addr;
	uint64_t size;
	uint64_t user_addr;
	uint64_t offset;
};

struct message {
	struct hv_vhost_header header;
	union {
		uint64_t u64;
		struct vring_state state;
		struct vring_addr addr;
		struct memory_table table;
	} __attribute__((packed)) body;
};

static_assert(offsetof(struct message, body) == sizeof(struct hv_vhost_header), "no padding on the wire");

static int
fail(struct hv_vhost *v, int code, const char *reason, uint64_t value, uint64_t wanted)
{
	snprintf(v->error, sizeof(v->error), "%s (0x%" PRIx64 ", want 0x%" PRIx64 ")", reason, value, wanted);
	return code;
}

static uint64_t
user_addr(const struct hv_vhost *v, uint64_t addr)
{
	return (uintptr_t)v->mem->ring.host + (addr - v->mem->ring.addr);
}

/* Where a back end goes on: what it had finished, so that nothing in flight in a dead one is lost. */
static uint32_t
used_index(const struct hv_vhost *v)
{
	const uint16_t *used = hv_mem_at(v->mem, v->net->queue[v->queue].used, 4);

	return __atomic_load_n(&used[1], __ATOMIC_ACQUIRE);
}

/* Fill the message of the current step; returns the descriptor that goes with it, or -1. */
static int
build(const struct hv_vhost *v, struct message *m)
{
	const struct hv_queue *q = &v->net->queue[v->queue];
	uint32_t size = sizeof(m->body.u64);
	int fd = -1;

	memset(m, 0, sizeof(*m));
	m->header.request = steps[v->step].request;
	m->header.flags = VERSION;
	switch (steps[v->step].request) {
	case SET_OWNER:
	case GET_FEATURES:
	case GET_PROTOCOL_FEATURES:
	case GET_QUEUE_NUM:
		size = 0;
		break;
	case SET_PROTOCOL_FEATURES:
		m->body.u64 = v->features;
		break;
	case SET_FEATURES:
		m->body.u64 = v->net->features | F_PROTOCOL_FEATURES | (v->net->pairs > 1 ? F_MQ : 0);
		break;
	case SET_MEM_TABLE:
		m->body.table = (struct memory_table){
			1, 0, v->mem->ring.addr, v->mem->ring.size, user_addr(v, v->mem->ring.addr), 0};
		size = sizeof(m->body.table);
		fd = v->mem->ring.fd;
		break;
	case SET_VRING_NUM:
		m->body.state = (struct vring_state){v->queue, q->size};
		break;
	case SET_VRING_ADDR:
		/* User addresses, but for `log`, which is the used ring's guest address. */
		m->body.addr = (struct vring_addr){v->queue, 0, user_addr(v, q->desc), user_addr(v, q->used),
			user_addr(v, q->avail), q->used};
		size = sizeof(m->body.addr);
		break;
	case SET_VRING_BASE:
		m->body.state = (struct vring_state){v->queue, used_index(v)};
		break;
	case SET_VRING_CALL:
		m->body.u64 = v->queue;
		fd = v->fds->call[v->queue];
		break;
	case SET_VRING_KICK:
		m->body.u64 = v->queue;
		fd = v->fds->kick[v->queue];
		break;
	case SET_VRING_ENABLE:
		m->body.state = (struct vring_state){v->queue, 1};
		break;
	case SET_STATUS:
		m->body.u64 = STATUS_RUNNING;
		break;
	}
	m->header.size = size;
	return fd;
}

/* To the next step, or back to the first of the per-queue ones for the next queue. */
static void
next_step(struct hv_vhost *v)
{
	bool last_of_queue = steps[v->step].per_queue && !steps[v->step + 1].per_queue;

	v->step++;
	if (last_of_queue && v->queue + 1 < 2 * v->net->pairs) {
		v->queue++;
		while (steps[v->step - 1].per_queue)
			v->step--;
	}
}

static bool
acknowledged(const struct hv_vhost *v)
{
	/* REPLY_ACK counts from the message after SET_PROTOCOL_FEATURES on. */
	return (v->features & P_REPLY_ACK) != 0 && steps[v->step].request != SET_PROTOCOL_FEATURES;
}

/* Send until a reply has to come, or all is said. */
static int
advance(struct hv_vhost *v)
{
	struct message m;

	v->deadline_ns = 0;
	for (; v->step < STEPS; next_step(v)) {
		const struct step *s = &steps[v->step];
		bool wait = s->answer || acknowledged(v);

		if (s->only_with != 0 && !(v->features & s->only_with))
			continue;
		int fd = build(v, &m);
		if (wait && !s->answer)
			m.header.flags |= NEED_REPLY;
		int rc = v->send(v->sock, &m, sizeof(m.header) + m.header.size, fd);
		if (rc < 0)
			return fail(v, rc, "cannot send request", s->request, s->request);
		if (wait) {
			v->deadline_ns = hv_now_ns() + HV_VHOST_TIMEOUT_NS;
			return 0;
		}
	}
	v->attached = true;
	return 0;
}

static int
take_value(struct hv_vhost *v, uint64_t value)
{
	uint64_t wanted;

	switch (steps[v->step].request) {
	case GET_FEATURES:
		wanted = v->net->features | F_PROTOCOL_FEATURES | (v->net->pairs > 1 ? F_MQ : 0);
		if ((value & wanted) != wanted)
			return fail(v, -EPROTO, "back end lacks virtio features", value, wanted);
		return 0;
	case GET_PROTOCOL_FEATURES:
		v->features = value & P_WANTED;
		if (v->net->pairs > 1 && !(v->features & P_MQ))
			return fail(v, -EPROTO, "back end has one queue pair", value, P_MQ);
		return 0;
	case GET_QUEUE_NUM:
		if (value < v->net->pairs)
			return fail(v, -EPROTO, "back end has too few queue pairs", value, v->net->pairs);
		return 0;
	default:
		if (value != 0)
			return fail(v, -EPROTO, "back end refuses request", steps[v->step].request, 0);
		return 0;
	}
}

/* One whole reply is in v->input. */
static int
take_reply(struct hv_vhost *v)
{
	uint64_t value;
	int rc;

	memcpy(&value, v->input + sizeof(struct hv_vhost_header), sizeof(value));
	v->input_size = 0;
	rc = take_value(v, value);
	if (rc < 0)
		return rc;
	next_step(v);
	return advance(v);
}

static int
check_header(struct hv_vhost *v)
{
	struct hv_vhost_header h;

	memcpy(&h, v->input, sizeof(h));
	if (h.size > HV_VHOST_MAX_SIZE)
		return fail(v, -EPROTO, "reply too long", h.size, HV_VHOST_MAX_SIZE);
	if (h.request != steps[v->step].request)
		return fail(v, -EPROTO, "reply to another request", h.request, steps[v->step].request);
	if ((h.flags & 7) != (VERSION | REPLY))
		return fail(v, -EPROTO, "reply with wrong flags", h.flags, VERSION | REPLY);
	if (h.size != sizeof(uint64_t))
		return fail(v, -EPROTO, "reply of wrong size", h.size, sizeof(uint64_t));
	return 0;
}

int
hv_vhost_input(struct hv_vhost *v, const uint8_t *bytes, size_t size)
{
	int rc;

	while (size > 0) {
		bool in_header = v->input_size < sizeof(struct hv_vhost_header);
		size_t want = (in_header ? sizeof(struct hv_vhost_header) : sizeof(v->input)) - v->input_size;
		size_t n = size < want ? size : want;

		if (v->deadline_ns == 0)
			return fail(v, -EPROTO, "bytes nobody asked for", size, 0);
		memcpy(v->input + v->input_size, bytes, n);
		v->input_size += (uint32_t)n;
		bytes += n;
		size -= n;
		if (n < want)
			return 0;
		rc = in_header ? check_header(v) : take_reply(v);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int
hv_vhost_readable(struct hv_vhost *v)
{
	uint8_t bytes[64];
	int got = hv_socket_recv(v->sock, bytes, sizeof(bytes));

	if (got == -EAGAIN || got == -EINTR)
		return 0;
	if (got == -EPROTO)
		return fail(v, got, "descriptors nobody asked for", 1, 0);
	if (got <= 0) {
		snprintf(v->error, sizeof(v->error), "back end went away");
		return -ECONNRESET;
	}
	return hv_vhost_input(v, bytes, (size_t)got);
}

void
hv_vhost_init(struct hv_vhost *v, const struct hv_mem *mem, const struct hv_net *net,
	const struct hv_queue_fds *fds)
{
	*v = (struct hv_vhost){.mem = mem, .net = net, .fds = fds, .send = hv_socket_send, .sock = -1};
}

int
hv_vhost_begin(struct hv_vhost *v, int sock)
{
	v->sock = sock;
	v->step = 0;
	v->queue = 0;
	v->features = 0;
	v->input_size = 0;
	v->attached = false;
	return advance(v);
}

void
hv_vhost_end(struct hv_vhost *v)
{
	close(v->sock);
	v->sock = -1;
	v->attached = false;
	v->deadline_ns = 0;
}
