/* The vhost-user front end against a scripted back end: what it says in which order, and what it makes of
 * every wrong answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hv_vhost.h"

#define F_NEEDED ((1ULL << 32) | (1ULL << 30) | (1ULL << 15))
#define F_MQ     (1ULL << 22)

struct sent {
	struct hv_vhost_header header;
	uint64_t body[5];
	int fd;
};

static struct hv_mem mem;
static struct hv_net net;
static struct hv_queue_fds fds;
static struct hv_vhost v;
static struct sent sent[128];
static uint32_t sents;

static int
record(int sock, const void *bytes, size_t size, int fd)
{
	(void)sock;
	assert_true(sents < 128 && size <= offsetof(struct sent, fd));
	memset(&sent[sents], 0, sizeof(sent[0]));
	memcpy(&sent[sents].header, bytes, 12);
	memcpy(sent[sents].body, (const uint8_t *)bytes + 12, size - 12);
	assert_int_equal(sent[sents].header.size, size - 12);
	sent[sents++].fd = fd;
	return 0;
}

static void
setup_pairs(uint32_t pairs)
{
	static uint8_t memory[0x10000] __attribute__((aligned(4096)));

	memset(memory, 0, sizeof(memory));
	mem = (struct hv_mem){
		.ring = {.fd = 50, .host = memory, .addr = HV_RING_ADDR, .size = sizeof(memory)}};
	net = (struct hv_net){.pairs = pairs, .features = (1ULL << 32) | (1ULL << 15)};
	hv_mem_queues(&mem, pairs, &net);
	for (int q = 0; q < 4; q++) {
		fds.kick[q] = 60 + q;
		fds.call[q] = 70 + q;
	}
	sents = 0;
	hv_vhost_init(&v, &mem, &net, &fds);
	v.send = record;
	assert_int_equal(hv_vhost_begin(&v, 99), 0);
}

static int
setup(void **state)
{
	(void)state;
	setup_pairs(1);
	return 0;
}

static int
reply(uint32_t request, uint32_t flags, uint32_t size, uint64_t value)
{
	uint8_t bytes[20];

	memcpy(bytes, &(struct hv_vhost_header){request, flags, size}, 12);
	memcpy(bytes + 12, &value, 8);
	return hv_vhost_input(&v, bytes, size == 8 ? 20 : 12);
}

static uint32_t
last(void)
{
	return sent[sents - 1].header.request;
}

/* Answer everything well until `request` waits for its answer. */
static void
up_to(uint32_t request, uint64_t features, uint64_t protocol)
{
	while (!v.attached && last() != request) {
		uint64_t value = last() == 1 ? features : last() == 15 ? protocol : last() == 17 ? 2 : 0;
		assert_int_equal(reply(last(), 5, 8, value), 0);
	}
}

static void
order_is_that_of_the_protocol(void **state)
{
	static const uint32_t order[] = {3, 1, 15, 16, 2, 5, 8, 9, 10, 13, 12, 18, 8, 9, 10, 13, 12, 18};

	(void)state;
	up_to(0, F_NEEDED, 0);
	assert_true(v.attached);
	assert_int_equal(v.deadline_ns, 0);
	assert_int_equal(sents, sizeof(order) / sizeof(order[0]));
	for (uint32_t i = 0; i < sents; i++) {
		assert_int_equal(sent[i].header.request, order[i]);
		assert_int_equal(sent[i].header.flags, 1);
	}
	assert_int_equal(sent[4].body[0], F_NEEDED);
}

static void
every_setting_is_confirmed_when_the_back_end_can(void **state)
{
	(void)state;
	up_to(0, F_NEEDED, 1 << 3);
	assert_true(v.attached);
	for (uint32_t i = 4; i < sents; i++)
		assert_int_equal(sent[i].header.flags, 9);
}

static void
driver_ok_comes_last(void **state)
{
	(void)state;
	up_to(0, F_NEEDED, ~0ULL);
	assert_true(v.attached);
	assert_int_equal(last(), 39);
	assert_int_equal(sent[sents - 1].body[0], 15);
	assert_int_equal(sent[3].body[0], 0x10009); /* of all it offers: MQ, REPLY_ACK, STATUS */
}

static void
addresses_and_descriptors_belong_to_the_queue(void **state)
{
	(void)state;
	setup_pairs(2);
	up_to(0, F_NEEDED | F_MQ, 1);
	assert_true(v.attached);
	for (uint32_t i = 0, q = 0; i < sents; i++) {
		uint64_t *body = sent[i].body;
		uint64_t base = (uintptr_t)mem.ring.host - HV_RING_ADDR;

		switch (sent[i].header.request) {
		case 5:
			assert_int_equal(body[0], 1);
			assert_int_equal(body[1], HV_RING_ADDR);
			assert_int_equal(body[3], (uintptr_t)mem.ring.host);
			assert_int_equal(sent[i].fd, 50);
			break;
		case 9:
			assert_int_equal(body[0], q);
			assert_int_equal(body[1], net.queue[q].desc + base);
			assert_int_equal(body[2], net.queue[q].used + base);
			assert_int_equal(body[3], net.queue[q].avail + base);
			assert_int_equal(body[4], net.queue[q].used);
			break;
		case 12:
			assert_int_equal(sent[i].fd, 60 + (int)q);
			break;
		case 13:
			assert_int_equal(sent[i].fd, 70 + (int)q);
			break;
		case 18:
			assert_int_equal(body[0], q | 1ULL << 32);
			q++;
			break;
		default:
			assert_int_equal(sent[i].fd, -1);
		}
	}
}

static void
base_is_the_used_index(void **state)
{
	uint16_t *used = hv_mem_at(&mem, net.queue[1].used, 4);

	(void)state;
	used[1] = 0xfffe;
	up_to(0, F_NEEDED, 0);
	hv_vhost_end(&v);
	sents = 0;
	assert_int_equal(hv_vhost_begin(&v, 99), 0);
	up_to(0, F_NEEDED, 0);
	for (uint32_t i = 0; i < sents; i++)
		if (sent[i].header.request == 10)
			assert_int_equal(sent[i].body[0] >> 32, (uint32_t)sent[i].body[0] == 1 ? 0xfffe : 0);
}

static void
replies_may_come_in_pieces(void **state)
{
	uint8_t bytes[20];
	uint64_t features = F_NEEDED;

	(void)state;
	memcpy(bytes, &(struct hv_vhost_header){1, 5, 8}, 12);
	memcpy(bytes + 12, &features, 8);
	for (size_t i = 0; i < sizeof(bytes); i++) {
		assert_int_equal(last(), 1);
		assert_int_equal(hv_vhost_input(&v, bytes + i, 1), 0);
	}
	assert_int_equal(last(), 15);
}

static void
refused(int rc, const char *why)
{
	assert_int_equal(rc, -EPROTO);
	assert_false(v.attached);
	if (strstr(v.error, why) == NULL)
		fail_msg("no \"%s\" in \"%s\"", why, v.error);
}

static void
malformed_replies_end_the_connection(void **state)
{
	static const struct {
		uint32_t request, flags, size;
		const char *why;
	} rows[] = {
		{2, 5, 8, "another request"},
		{0, 5, 8, "another request"},
		{1, 1, 8, "wrong flags"},
		{1, 4, 8, "wrong flags"},
		{1, 6, 8, "wrong flags"},
		{1, 5, 0, "wrong size"},
		{1, 5, 4, "wrong size"},
		{1, 5, 16, "wrong size"},
		{1, 5, 4096, "wrong size"},
		{1, 5, 4097, "too long (0x1001, want 0x1000)"},
		{1, 5, UINT32_MAX, "too long"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		setup_pairs(1);
		refused(reply(rows[i].request, rows[i].flags, rows[i].size, F_NEEDED), rows[i].why);
	}
}

static void
back_end_without_our_features_is_refused(void **state)
{
	(void)state;
	refused(reply(1, 5, 8, F_NEEDED & ~(1ULL << 15)), "lacks virtio features");
	setup_pairs(1);
	refused(reply(1, 5, 8, F_NEEDED & ~(1ULL << 30)), "lacks virtio features");
	setup_pairs(2);
	up_to(15, F_NEEDED | F_MQ, 0);
	refused(reply(15, 5, 8, 0), "one queue pair");
	setup_pairs(2);
	up_to(17, F_NEEDED | F_MQ, 1);
	refused(reply(17, 5, 8, 1), "too few queue pairs (0x1, want 0x2)");
}

static void
refused_setting_ends_the_connection(void **state)
{
	static const uint32_t settings[] = {2, 5, 8, 9, 10, 13, 12, 18, 39};

	(void)state;
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		setup_pairs(1);
		up_to(settings[i], F_NEEDED, ~0ULL);
		assert_false(v.attached);
		refused(reply(settings[i], 5, 8, 1), "refuses request");
	}
}

static void
bytes_after_the_end_end_the_connection(void **state)
{
	(void)state;
	up_to(0, F_NEEDED, 0);
	assert_true(v.attached);
	assert_int_equal(reply(18, 5, 8, 0), -EPROTO);
	assert_non_null(strstr(v.error, "nobody asked for"));
}

static void
a_reply_is_waited_for_two_seconds(void **state)
{
	uint64_t now = hv_now_ns();

	(void)state;
	assert_true(v.deadline_ns > now && v.deadline_ns <= now + HV_VHOST_TIMEOUT_NS);
}

/* Over a real socket: descriptors that come along are closed and end the connection. */
static void
descriptors_are_closed_and_refused(void **state)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(3 * sizeof(int))];
	} control = {0};
	char byte = 1;
	struct iovec iov = {&byte, 1};
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	int pair[2], three[3] = {0, 1, 2}, before, after;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	v.sock = pair[0];
	before = dup(0);
	close(before);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(three));
	memcpy(CMSG_DATA(c), three, sizeof(three));
	assert_int_equal(sendmsg(pair[1], &msg, 0), 1);
	assert_int_equal(hv_vhost_readable(&v), -EPROTO);
	after = dup(0);
	close(after);
	assert_int_equal(before, after);
	close(pair[1]);
	assert_int_equal(hv_vhost_readable(&v), -ECONNRESET);
	hv_vhost_end(&v);
	assert_int_equal(v.sock, -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(order_is_that_of_the_protocol, setup),
		cmocka_unit_test_setup(every_setting_is_confirmed_when_the_back_end_can, setup),
		cmocka_unit_test_setup(driver_ok_comes_last, setup),
		cmocka_unit_test_setup(addresses_and_descriptors_belong_to_the_queue, setup),
		cmocka_unit_test_setup(base_is_the_used_index, setup),
		cmocka_unit_test_setup(replies_may_come_in_pieces, setup),
		cmocka_unit_test_setup(malformed_replies_end_the_connection, setup),
		cmocka_unit_test_setup(back_end_without_our_features_is_refused, setup),
		cmocka_unit_test_setup(refused_setting_ends_the_connection, setup),
		cmocka_unit_test_setup(bytes_after_the_end_end_the_connection, setup),
		cmocka_unit_test_setup(a_reply_is_waited_for_two_seconds, setup),
		cmocka_unit_test_setup(descriptors_are_closed_and_refused, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
