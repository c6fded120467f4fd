#include "sff_hv_message.h"

#include "hv_abi.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* A runner says little: a message longer than this is not one. */
#define MESSAGE_MAX 4096u
/* Longest wait for the rest of a message that has begun, however slowly it drips: control waits here. */
#define REST_MS 500

int
sff_hv_connect(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd, rc;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	/* The rest of a message that has begun is waited for, by a limit of its own. */
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 && fcntl(fd, F_SETFL, 0) == 0)
		return fd;
	rc = -errno;
	close(fd);
	return rc;
}

/* Status memory must not be able to shrink under us: a later read would be a SIGBUS. */
static bool
shared_ok(int fd)
{
	struct stat st;
	int seals = fcntl(fd, F_GET_SEALS);

	return seals >= 0 && (seals & F_SEAL_SHRINK) && fstat(fd, &st) == 0 &&
	       st.st_size >= (off_t)HV_SHARED_SIZE;
}

static uint64_t
monotonic_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Read exactly `size` bytes until `deadline`; a descriptor that comes along is taken, surplus ones are
 * closed. */
static int
receive_all(int fd, void *data, size_t size, bool begun, uint64_t deadline, int *passed)
{
	size_t have = 0;

	while (have < size) {
		union {
			struct cmsghdr align;
			char bytes[CMSG_SPACE(8 * sizeof(int))];
		} control;
		struct iovec iov = {(char *)data + have, size - have};
		struct msghdr msg = {.msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = &control,
			.msg_controllen = sizeof(control)};
		ssize_t n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC | (begun || have > 0 ? 0 : MSG_DONTWAIT));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && !begun && have == 0 && errno == EAGAIN)
			return -EAGAIN;
		if (n <= 0)
			return -EPIPE;
		have += (size_t)n;
		for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c != NULL; c = CMSG_NXTHDR(&msg, c)) {
			size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

			if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
				continue;
			for (size_t i = 0; i < count; i++) {
				int got;

				memcpy(&got, CMSG_DATA(c) + i * sizeof(int), sizeof(got));
				if (*passed < 0)
					*passed = got;
				else
					close(got);
			}
		}
		if (have < size && monotonic_ms() > deadline)
			return -EPIPE;
	}
	return 0;
}

static int
parse(const char *text, size_t size, struct sff_hv_message *message)
{
	json_t *root = json_loadb(text, size, 0, NULL);
	const char *runtime = json_string_value(json_object_get(root, "runtime"));
	json_t *code = json_object_get(root, "code");

	if (!json_is_object(root)) {
		json_decref(root);
		return -EPROTO;
	}
	if (runtime != NULL && strlen(runtime) < sizeof(message->runtime))
		strcpy(message->runtime, runtime);
	message->boot_us = (uint64_t)json_integer_value(json_object_get(root, "boot_us"));
	message->pid = (pid_t)json_integer_value(json_object_get(root, "pid"));
	if (json_is_integer(code))
		message->exit_code = (int)json_integer_value(code);
	json_decref(root);
	return 0;
}

int
sff_hv_receive(int fd, struct sff_hv_message *message)
{
	struct timeval rest = {.tv_usec = REST_MS * 1000};
	uint64_t deadline = monotonic_ms() + REST_MS;
	uint8_t head[4];
	char text[MESSAGE_MAX];
	uint32_t size;
	int rc;

	*message = (struct sff_hv_message){.shared_fd = -1, .exit_code = -1};
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &rest, sizeof(rest));
	rc = receive_all(fd, head, sizeof(head), false, deadline, &message->shared_fd);
	if (rc != 0)
		goto fail;
	size = (uint32_t)head[0] << 24 | (uint32_t)head[1] << 16 | (uint32_t)head[2] << 8 | head[3];
	rc = size > 0 && size <= sizeof(text) ? 0 : -EPROTO;
	if (rc == 0)
		rc = receive_all(fd, text, size, true, deadline, &message->shared_fd);
	if (rc == 0)
		rc = parse(text, size, message);
	if (rc == 0 && message->shared_fd >= 0 && !shared_ok(message->shared_fd))
		rc = -EPROTO;
	if (rc == 0)
		return 0;
fail:
	if (message->shared_fd >= 0)
		close(message->shared_fd);
	message->shared_fd = -1;
	return rc;
}

void
sff_hv_send_stop(int fd)
{
	static const char text[] = "{\"command\":\"stop\"}";
	uint8_t message[4 + sizeof(text) - 1] = {0, 0, 0, sizeof(text) - 1};

	memcpy(message + 4, text, sizeof(text) - 1);
	if (send(fd, message, sizeof(message), MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)sizeof(message))
		shutdown(fd, SHUT_RDWR);
}
