#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "sff_hv_message.h"

#include "hv_abi.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define MAX_FDS 16u

struct pair {
	int ours, theirs;
	int fds; /* open descriptors before the test */
};

static int
open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

static int
setup(void **state)
{
	static struct pair pair;
	int fd[2];

	pair.fds = open_fds();
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) != 0)
		return -1;
	pair.ours = fd[0];
	pair.theirs = fd[1];
	*state = &pair;
	return 0;
}

/* No descriptor may stay behind. */
static int
teardown(void **state)
{
	struct pair *pair = *state;

	close(pair->ours);
	if (pair->theirs >= 0)
		close(pair->theirs);
	return open_fds() != pair->fds;
}

static int
memory(size_t size, int seals)
{
	int fd = memfd_create("shared", MFD_ALLOW_SEALING | MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

/* `size` bytes at once, with n copies of a descriptor. */
static void
say(const struct pair *pair, const void *bytes, size_t size, int fd, unsigned int n)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(MAX_FDS * sizeof(int))];
	} control = {0};
	struct iovec iov = {(char *)(uintptr_t)bytes, size};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	if (n > 0) {
		struct cmsghdr *c;

		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(n * sizeof(int));
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n * sizeof(int));
		for (unsigned int i = 0; i < n && i < MAX_FDS; i++)
			memcpy(CMSG_DATA(c) + i * sizeof(int), &fd, sizeof(int));
	}
	assert_int_equal(sendmsg(pair->theirs, &msg, MSG_NOSIGNAL), (ssize_t)size);
}

static size_t
message(uint8_t *bytes, const char *json)
{
	size_t size = strlen(json);

	bytes[0] = (uint8_t)(size >> 24);
	bytes[1] = (uint8_t)(size >> 16);
	bytes[2] = (uint8_t)(size >> 8);
	bytes[3] = (uint8_t)size;
	memcpy(bytes + 4, json, size);
	return size + 4;
}

static void
say_json(const struct pair *pair, const char *json, int fd, unsigned int n)
{
	static uint8_t bytes[70000];

	say(pair, bytes, message(bytes, json), fd, n);
}

static const char ready[] = "{\"event\":\"ready\",\"runtime\":\"kvm\",\"boot_us\":1234,\"pid\":77}";

static void
a_ready_message_brings_memory_and_facts(void **state)
{
	struct sff_hv_message m;
	int fd = memory(HV_SHARED_SIZE, F_SEAL_SHRINK | F_SEAL_GROW);

	say_json(*state, ready, fd, 1);
	close(fd);
	assert_int_equal(sff_hv_receive(((struct pair *)*state)->ours, &m), 0);
	assert_true(m.shared_fd >= 0);
	assert_string_equal(m.runtime, "kvm");
	assert_int_equal(m.boot_us, 1234);
	assert_int_equal(m.pid, 77);
	assert_int_equal(m.exit_code, -1);
	assert_true(fcntl(m.shared_fd, F_GETFD) & FD_CLOEXEC);
	close(m.shared_fd);
}

static void
an_exit_message_brings_a_code(void **state)
{
	struct sff_hv_message m;

	say_json(*state, "{\"event\":\"exit\",\"code\":66}", -1, 0);
	say_json(*state, "{}", -1, 0);
	assert_int_equal(sff_hv_receive(((struct pair *)*state)->ours, &m), 0);
	assert_int_equal(m.exit_code, 66);
	assert_int_equal(m.shared_fd, -1);
	assert_int_equal(sff_hv_receive(((struct pair *)*state)->ours, &m), 0);
	assert_int_equal(m.exit_code, -1);
	assert_string_equal(m.runtime, "");
}

static void
silence_is_eagain_and_the_end_is_epipe(void **state)
{
	struct pair *pair = *state;
	struct sff_hv_message m;

	assert_int_equal(sff_hv_receive(pair->ours, &m), -EAGAIN);
	assert_int_equal(m.shared_fd, -1);
	close(pair->theirs);
	pair->theirs = -1;
	assert_int_equal(sff_hv_receive(pair->ours, &m), -EPIPE);
}

static void *
drip(void *arg)
{
	const struct pair *pair = arg;
	uint8_t bytes[256];
	size_t size = message(bytes, ready);

	for (size_t i = 0; i < size; i++) {
		struct timespec pause = {.tv_nsec = 1000000};

		if (send(pair->theirs, bytes + i, 1, MSG_NOSIGNAL) != 1)
			break;
		nanosleep(&pause, NULL);
	}
	return NULL;
}

static void
a_message_may_come_in_pieces(void **state)
{
	struct pair *pair = *state;
	struct sff_hv_message m;
	pthread_t thread;
	int rc;

	assert_int_equal(pthread_create(&thread, NULL, drip, pair), 0);
	while ((rc = sff_hv_receive(pair->ours, &m)) == -EAGAIN)
		;
	pthread_join(thread, NULL);
	assert_int_equal(rc, 0);
	assert_int_equal(m.boot_us, 1234);
}

static uint64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* One byte every 100 ms of a message that claims 4,096: control must not wait for minutes. */
static void *
drip_slowly(void *arg)
{
	static const uint8_t head[4] = {0, 0, 0x10, 0};
	const struct pair *pair = arg;

	if (send(pair->theirs, head, sizeof(head), MSG_NOSIGNAL) != sizeof(head))
		return NULL;
	for (int i = 0; i < 15; i++) {
		struct timespec pause = {.tv_nsec = 100000000};

		if (send(pair->theirs, " ", 1, MSG_NOSIGNAL) != 1)
			break;
		nanosleep(&pause, NULL);
	}
	return NULL;
}

static void
a_runner_that_drips_does_not_hold_control(void **state)
{
	struct pair *pair = *state;
	struct sff_hv_message m;
	uint64_t start = now_ms();
	pthread_t thread;
	int rc;

	assert_int_equal(pthread_create(&thread, NULL, drip_slowly, pair), 0);
	while ((rc = sff_hv_receive(pair->ours, &m)) == -EAGAIN)
		;
	assert_int_equal(rc, -EPIPE);
	assert_true(now_ms() - start < 1300);
	pthread_join(thread, NULL);
}

static void
a_message_that_stops_in_the_middle_is_epipe(void **state)
{
	struct pair *pair = *state;
	struct sff_hv_message m;
	uint8_t bytes[256];
	size_t size = message(bytes, ready);

	say(pair, bytes, size - 1, -1, 0);
	assert_int_equal(sff_hv_receive(pair->ours, &m), -EPIPE);
	say(pair, bytes, 3, -1, 0);
	close(pair->theirs);
	pair->theirs = -1;
	assert_int_equal(sff_hv_receive(pair->ours, &m), -EPIPE);
}

static void
sizes_of_0_and_above_the_limit_are_refused(void **state)
{
	static const uint8_t heads[][4] = {
		{0, 0, 0, 0}, {0, 0, 0x10, 1}, {0xff, 0xff, 0xff, 0xff}, {0x80, 0, 0, 0}};
	struct pair *pair = *state;
	struct sff_hv_message m;
	char json[4097];

	for (unsigned int i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		say(pair, heads[i], 4, -1, 0);
		assert_int_equal(sff_hv_receive(pair->ours, &m), -EPROTO);
	}
	/* The largest that is taken: spaces around an object. */
	memset(json, ' ', sizeof(json));
	memcpy(json, "{\"code\":5}", 10);
	json[4096] = '\0';
	say_json(pair, json, -1, 0);
	assert_int_equal(sff_hv_receive(pair->ours, &m), 0);
	assert_int_equal(m.exit_code, 5);
}

static void
what_is_not_an_object_is_refused(void **state)
{
	static const char *const texts[] = {"x", "[]", "[{}]", "1", "\"ready\"", "null", "{", "{}{}",
		"{\"a\":}", "{\"a\":1,}", "\xff\xfe", "{\"runtime\":\"\xc0\"}",
		"{\"pid\":99999999999999999999}"};
	struct pair *pair = *state;
	struct sff_hv_message m;

	for (unsigned int i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		say_json(pair, texts[i], -1, 0);
		assert_int_equal(sff_hv_receive(pair->ours, &m), -EPROTO);
	}
}

static void
deep_nesting_is_refused(void **state)
{
	struct pair *pair = *state;
	struct sff_hv_message m;
	char json[4001];

	memset(json, '[', sizeof(json) - 1);
	json[sizeof(json) - 1] = '\0';
	say_json(pair, json, -1, 0);
	assert_int_equal(sff_hv_receive(pair->ours, &m), -EPROTO);
}

static void
fields_of_another_type_are_absent(void **state)
{
	struct pair *pair = *state;
	struct sff_hv_message m;

	say_json(pair, "{\"runtime\":5,\"boot_us\":\"x\",\"pid\":[],\"code\":\"1\"}", -1, 0);
	assert_int_equal(sff_hv_receive(pair->ours, &m), 0);
	assert_string_equal(m.runtime, "");
	assert_int_equal(m.boot_us, 0);
	assert_int_equal(m.pid, 0);
	assert_int_equal(m.exit_code, -1);
	/* A name too long for its field is not cut, it is no runtime. */
	say_json(pair, "{\"runtime\":\"process!\"}", -1, 0);
	assert_int_equal(sff_hv_receive(pair->ours, &m), 0);
	assert_string_equal(m.runtime, "");
}

static void
memory_that_can_shrink_or_is_small_is_refused(void **state)
{
	struct pair *pair = *state;
	struct sff_hv_message m;
	int fds[3] = {memory(HV_SHARED_SIZE, F_SEAL_GROW),
		memory(HV_SHARED_SIZE - 1, F_SEAL_SHRINK | F_SEAL_GROW),
		open("/dev/zero", O_RDONLY | O_CLOEXEC)};

	for (unsigned int i = 0; i < 3; i++) {
		say_json(pair, ready, fds[i], 1);
		assert_int_equal(sff_hv_receive(pair->ours, &m), -EPROTO);
		assert_int_equal(m.shared_fd, -1);
		close(fds[i]);
	}
}

static void
surplus_descriptors_are_closed(void **state)
{
	struct pair *pair = *state;
	struct sff_hv_message m;
	int fd = memory(HV_SHARED_SIZE, F_SEAL_SHRINK);

	for (unsigned int n = 1; n <= MAX_FDS; n++) {
		say_json(pair, ready, fd, n);
		assert_int_equal(sff_hv_receive(pair->ours, &m), 0);
		assert_true(m.shared_fd >= 0);
		close(m.shared_fd);
	}
	/* Also where the message is refused. */
	say_json(pair, "[", fd, MAX_FDS);
	assert_int_equal(sff_hv_receive(pair->ours, &m), -EPROTO);
	close(fd);
}

static void
stop_is_one_whole_message(void **state)
{
	struct pair *pair = *state;
	uint8_t bytes[64], want[64];
	size_t size = message(want, "{\"command\":\"stop\"}");

	sff_hv_send_stop(pair->ours);
	assert_int_equal(recv(pair->theirs, bytes, sizeof(bytes), MSG_DONTWAIT), (ssize_t)size);
	assert_memory_equal(bytes, want, size);
	close(pair->theirs);
	pair->theirs = -1;
	sff_hv_send_stop(pair->ours); /* nobody there: no signal */
}

static void
one_that_takes_no_connections_keeps_nobody(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char dir[] = "/tmp/sluice-connect-XXXXXX";
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int fd[8], n = 0;
	uint64_t begin;
	char far[200];

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/control", dir);
	assert_int_equal(sff_hv_connect(address.sun_path), -ENOENT);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(sff_hv_connect(address.sun_path), -ECONNREFUSED);
	assert_int_equal(listen(listener, 1), 0);
	begin = now_ms();
	while (n < 8 && (fd[n] = sff_hv_connect(address.sun_path)) >= 0)
		n++;
	assert_in_range(n, 1, 7);
	assert_int_equal(fd[n], -EAGAIN);
	assert_in_range(now_ms() - begin, 0, 1000);
	/* What comes over it is waited for in sff_hv_receive(), which asks for blocking reads. */
	assert_int_equal(fcntl(fd[0], F_GETFL) & O_NONBLOCK, 0);
	while (n > 0)
		close(fd[--n]);
	memset(far, 'a', sizeof(far) - 1);
	far[sizeof(far) - 1] = '\0';
	assert_int_equal(sff_hv_connect(far), -ENAMETOOLONG);
	close(listener);
	unlink(address.sun_path);
	rmdir(dir);
}

/* A runner that never reads: what it is told does not keep control. */
static void
one_that_does_not_read_is_hung_up_on(void **state)
{
	struct pair *pair = *state;
	uint64_t begin = now_ms();
	char byte;

	for (int i = 0; i < 100000; i++)
		sff_hv_send_stop(pair->ours);
	assert_in_range(now_ms() - begin, 0, 5000);
	/* What was sent, then the end. */
	while (recv(pair->theirs, &byte, 1, MSG_DONTWAIT) == 1)
		;
	assert_int_equal(recv(pair->theirs, &byte, 1, MSG_DONTWAIT), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_that_takes_no_connections_keeps_nobody),
		TEST(one_that_does_not_read_is_hung_up_on),
		TEST(a_ready_message_brings_memory_and_facts),
		TEST(an_exit_message_brings_a_code),
		TEST(silence_is_eagain_and_the_end_is_epipe),
		TEST(a_message_may_come_in_pieces),
		TEST(a_runner_that_drips_does_not_hold_control),
		TEST(a_message_that_stops_in_the_middle_is_epipe),
		TEST(sizes_of_0_and_above_the_limit_are_refused),
		TEST(what_is_not_an_object_is_refused),
		TEST(deep_nesting_is_refused),
		TEST(fields_of_another_type_are_absent),
		TEST(memory_that_can_shrink_or_is_small_is_refused),
		TEST(surplus_descriptors_are_closed),
		TEST(stop_is_one_whole_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
