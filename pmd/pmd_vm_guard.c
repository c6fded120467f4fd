#include "pmd_vm_guard.h"

#include "pmd_vm_seal.h"

#include <rte_version.h>

#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

/* What rte_vhost passes to message handlers is not in its public headers: lib/vhost/vhost_user.h, struct
 * vhu_msg_context. The message is the protocol's own; the size of the payload union, and with it where the
 * files are, is that of its largest member, the crypto session, which grew in 25.03. A layout that is not the
 * expected one shows in the files (see fds_valid) and refuses everything. */
#if RTE_VERSION < RTE_VERSION_NUM(25, 3, 0, 0)
#define PAYLOAD_SIZE 632
#else
#define PAYLOAD_SIZE 1072
#endif

#define MAX_REGIONS 8

#define FLAG_VERSION_MASK 3u
#define FLAG_VERSION      1u
#define FLAG_REPLY        4u
#define FLAG_NEED_REPLY   8u

struct message {
	uint32_t request;
	uint32_t flags;
	uint32_t size;
	union {
		uint64_t u64;
		struct {
			uint32_t index;
			uint32_t num;
		} state;
		struct {
			uint32_t index;
			uint32_t flags;
			uint64_t desc;
			uint64_t used;
			uint64_t avail;
			uint64_t log;
		} addr;
		struct {
			uint32_t count;
			uint32_t padding;
			struct pmd_vm_claim region[MAX_REGIONS];
		} memory;
		uint8_t bytes[PAYLOAD_SIZE];
	} payload;
	int fds[MAX_REGIONS];
	int fds_count;
} __attribute__((packed));

static_assert(offsetof(struct message, payload) == 12, "header of the protocol");
static_assert(sizeof(struct pmd_vm_claim) == 32, "memory region of the protocol");
static_assert(offsetof(struct message, fds) == 12 + PAYLOAD_SIZE, "files follow the message");

enum request {
	GET_FEATURES = 1,
	SET_FEATURES = 2,
	SET_OWNER = 3,
	SET_MEM_TABLE = 5,
	SET_VRING_NUM = 8,
	SET_VRING_ADDR = 9,
	SET_VRING_BASE = 10,
	GET_VRING_BASE = 11,
	SET_VRING_KICK = 12,
	SET_VRING_CALL = 13,
	SET_VRING_ERR = 14,
	GET_PROTOCOL_FEATURES = 15,
	SET_PROTOCOL_FEATURES = 16,
	GET_QUEUE_NUM = 17,
	SET_VRING_ENABLE = 18,
	NET_SET_MTU = 20,
	SET_STATUS = 39,
	GET_STATUS = 40,
};

enum payload { NONE, NUMBER, STATE, ADDRESS, FILE_OF_RING, MEMORY };

/* All requests that are let through. */
static const struct rule {
	bool known;
	bool frozen; /* not while workers use the rings */
	enum payload payload;
} rules[] = {
	[GET_FEATURES] = {true, false, NONE},
	[SET_FEATURES] = {true, true, NUMBER},
	[SET_OWNER] = {true, false, NONE},
	[SET_MEM_TABLE] = {true, true, MEMORY},
	[SET_VRING_NUM] = {true, true, STATE},
	[SET_VRING_ADDR] = {true, true, ADDRESS},
	[SET_VRING_BASE] = {true, true, STATE},
	[GET_VRING_BASE] = {true, false, STATE},
	[SET_VRING_KICK] = {true, true, FILE_OF_RING},
	[SET_VRING_CALL] = {true, true, FILE_OF_RING},
	[SET_VRING_ERR] = {true, true, FILE_OF_RING},
	[GET_PROTOCOL_FEATURES] = {true, false, NONE},
	[SET_PROTOCOL_FEATURES] = {true, true, NUMBER},
	[GET_QUEUE_NUM] = {true, false, NONE},
	[SET_VRING_ENABLE] = {true, false, STATE},
	[NET_SET_MTU] = {true, false, NUMBER},
	[SET_STATUS] = {true, false, NUMBER},
	[GET_STATUS] = {true, false, NONE},
};

/* A front end needs some 250 for 32 rings; what goes on for ever only keeps the event thread busy. */
#define MESSAGES_MAX 1024u

#define RING_SIZE_MAX 32768u /* virtio 1.1, 2.6 */
#define NO_FILE       0x100u /* bit of the ring number in KICK, CALL and ERR */

/* rte_vhost fills the places behind the files it got with -1. */
static bool
fds_valid(const struct message *m)
{
	if (m->fds_count < 0 || m->fds_count > MAX_REGIONS)
		return false;
	for (int i = 0; i < MAX_REGIONS; i++) {
		if (i < m->fds_count ? m->fds[i] < 0 : m->fds[i] != -1)
			return false;
	}
	return true;
}

static bool
size_fits(const struct message *m, enum payload payload)
{
	uint32_t memory = 8 + m->payload.memory.count * (uint32_t)sizeof(struct pmd_vm_claim);

	switch (payload) {
	case NONE:
		return m->size == 0;
	case NUMBER:
	case STATE:
	case FILE_OF_RING:
		return m->size == 8;
	case ADDRESS:
		return m->size == sizeof(m->payload.addr);
	case MEMORY:
		/* Some front ends always send the whole table. */
		return m->size >= 8 && m->payload.memory.count <= MAX_REGIONS && m->size >= memory &&
		       m->size <= sizeof(m->payload.memory);
	}
	return false;
}

static const char *
check_memory(const struct pmd_vm_guard *g, const struct message *m)
{
	struct pmd_vm_claim claims[MAX_REGIONS];
	int fds[MAX_REGIONS];
	uint32_t count = m->payload.memory.count;

	if (g->addressed != 0)
		return "memory must not change under rings";
	if (count == 0 || (uint32_t)m->fds_count != count)
		return "memory table does not have one file per region";
	memcpy(claims, m->payload.memory.region, count * sizeof(claims[0]));
	memcpy(fds, m->fds, sizeof(fds));
	return pmd_vm_seal_check(claims, count, fds);
}

/* A worker writes to this file, so it must be an eventfd, and one that does not block when it is full. */
static const char *
check_call(int fd)
{
	char link[32], target[32] = "";
	int flags = fcntl(fd, F_GETFL);

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (readlink(link, target, sizeof(target) - 1) < 0 || strcmp(target, "anon_inode:[eventfd]") != 0)
		return "call file is no eventfd";
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)
		return "call file cannot be made non-blocking";
	return NULL;
}

static const char *
check_file(const struct pmd_vm_guard *g, const struct message *m)
{
	uint64_t n = m->payload.u64;

	if ((n & ~(uint64_t)NO_FILE) >= g->rings)
		return "ring does not exist";
	if (m->fds_count != ((n & NO_FILE) != 0 ? 0 : 1))
		return "wrong number of files";
	return m->request == SET_VRING_CALL && m->fds_count == 1 ? check_call(m->fds[0]) : NULL;
}

static const char *
check_addr(struct pmd_vm_guard *g, const struct message *m)
{
	uint32_t index = m->payload.addr.index;

	if (index >= g->rings)
		return "ring does not exist";
	if ((g->sized >> index & 1) == 0)
		return "ring has addresses before a size";
	if (m->payload.addr.flags != 0)
		return "logging was not offered";
	g->addressed |= 1u << index;
	return NULL;
}

static const char *
check_state(struct pmd_vm_guard *g, const struct message *m)
{
	uint32_t index = m->payload.state.index, num = m->payload.state.num;

	if (index >= g->rings)
		return "ring does not exist";
	switch ((enum request)m->request) {
	case SET_VRING_NUM:
		/* rte_vhost would go on with the old mapping. */
		if ((g->addressed >> index & 1) != 0)
			return "size of a ring changes after its addresses";
		if (num == 0 || num > RING_SIZE_MAX || (num & (num - 1)) != 0)
			return "ring size is no power of two up to 32768";
		g->sized |= 1u << index;
		return NULL;
	case SET_VRING_BASE:
		return num <= UINT16_MAX ? NULL : "ring index above 65535";
	case GET_VRING_BASE: /* ends the ring */
		g->sized &= ~(1u << index);
		g->addressed &= ~(1u << index);
		return NULL;
	default:
		return NULL;
	}
}

static const char *
check(struct pmd_vm_guard *g, const struct message *m)
{
	uint32_t request = m->request;

	if ((m->flags & FLAG_VERSION_MASK) != FLAG_VERSION || (m->flags & FLAG_REPLY) != 0)
		return "not a request of version 1";
	if (request >= sizeof(rules) / sizeof(rules[0]) || !rules[request].known)
		return "request was not offered";
	const struct rule *rule = &rules[request];
	if (++g->messages > MESSAGES_MAX)
		return "too many messages";
	if (rule->frozen && g->attached)
		return "rings in use must not change";
	if (!size_fits(m, rule->payload))
		return "wrong size of message";
	if (rule->payload != MEMORY && rule->payload != FILE_OF_RING && m->fds_count != 0)
		return "message has files";
	if (request == SET_FEATURES && g->addressed != 0)
		return "features must not change under rings";
	switch (rule->payload) {
	case MEMORY:
		return check_memory(g, m);
	case FILE_OF_RING:
		return check_file(g, m);
	case ADDRESS:
		return check_addr(g, m);
	case STATE:
		return check_state(g, m);
	case NONE:
	case NUMBER:
		break;
	}
	return NULL;
}

enum rte_vhost_msg_result
pmd_vm_guard_check(struct pmd_vm_guard *g, void *msg, const char **why)
{
	struct message *m = msg;

	if (!fds_valid(m)) {
		*why = "message layout of this DPDK is not known";
		return RTE_VHOST_MSG_RESULT_ERR;
	}
	*why = check(g, m);
	if (*why == NULL && m->request == GET_QUEUE_NUM) {
		m->payload.u64 = g->rings / 2;
		m->size = sizeof(m->payload.u64);
		return RTE_VHOST_MSG_RESULT_REPLY;
	}
	if (*why == NULL)
		return RTE_VHOST_MSG_RESULT_NOT_HANDLED;

	/* rte_vhost takes a refused message for handled, and with an acknowledgement wanted it would send
	 * that and keep the connection. */
	for (int i = 0; i < m->fds_count; i++) {
		close(m->fds[i]);
		m->fds[i] = -1;
	}
	m->flags &= ~FLAG_NEED_REPLY;
	return RTE_VHOST_MSG_RESULT_ERR;
}

void
pmd_vm_guard_timeouts(const char *path)
{
	/* A message comes in one piece, and only who does not read its replies lets us wait to send one. */
	const struct timeval receive = {.tv_usec = 100000}, send = {.tv_usec = 1000};
	DIR *dir = opendir("/proc/self/fd");

	if (dir == NULL)
		return;
	for (const struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
		struct sockaddr_un peer;
		socklen_t size = sizeof(peer);
		int fd = atoi(e->d_name);

		memset(&peer, 0, sizeof(peer));
		if (e->d_name[0] == '.' || getpeername(fd, (struct sockaddr *)&peer, &size) != 0)
			continue;
		if (peer.sun_family != AF_UNIX || strncmp(peer.sun_path, path, sizeof(peer.sun_path)) != 0)
			continue;
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &receive, sizeof(receive));
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &send, sizeof(send));
	}
	closedir(dir);
}
