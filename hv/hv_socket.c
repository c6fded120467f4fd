#include "hv_socket.h"

#include "hv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 8
#define MAX_FDS 32 /* descriptors we take off one message, only to close them */

static int
refuse(const char *path, const char *reason, int code)
{
	hv_error("%s: %s: %s", path, reason, strerror(code));
	return -1;
}

/* Remove what a dead runner left. 0 when the path is free, -1 after a message. */
static int
clear_stale(const char *path, const struct sockaddr_un *sun)
{
	struct stat st;
	int probe, rc;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : refuse(path, "socket", errno);
	if (!S_ISSOCK(st.st_mode))
		return refuse(path, "exists and is no socket", EEXIST);
	probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (probe < 0)
		return refuse(path, "socket", errno);
	rc = connect(probe, (const struct sockaddr *)sun, sizeof(*sun)) < 0 ? errno : 0;
	close(probe);
	if (rc != ECONNREFUSED)
		return refuse(path, "taken: somebody listens there", EADDRINUSE);
	if (unlink(path) < 0 && errno != ENOENT)
		return refuse(path, "cannot remove the stale socket", errno);
	return 0;
}

int
hv_socket_listen(const char *path)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	mode_t mask;
	int sock, rc;

	if (strlen(path) >= sizeof(sun.sun_path)) {
		hv_error("%.60s...: socket path too long (%zu bytes, limit %zu)", path, strlen(path),
			sizeof(sun.sun_path) - 1);
		return -1;
	}
	strcpy(sun.sun_path, path);
	if (clear_stale(path, &sun) < 0)
		return -1;
	sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (sock < 0)
		return refuse(path, "socket", errno);
	mask = umask(0177);
	rc = bind(sock, (const struct sockaddr *)&sun, sizeof(sun)) < 0 || listen(sock, BACKLOG) < 0 ? errno
	                                                                                             : 0;
	umask(mask);
	if (rc != 0) {
		close(sock);
		return refuse(path, "cannot listen", rc);
	}
	return sock;
}

int
hv_socket_accept(int listener)
{
	int sock = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (sock < 0)
		return -1;
	if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 ||
		(peer.uid != 0 && peer.uid != getuid())) {
		close(sock);
		return -1;
	}
	return sock;
}

int
hv_socket_send(int sock, const void *bytes, size_t size, int fd)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec iov = {.iov_len = size};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t sent;

	memcpy(&iov.iov_base, &bytes, sizeof(bytes)); /* sendmsg only reads it */
	if (fd >= 0) {
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
		struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	sent = sendmsg(sock, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (sent < 0)
		return -errno;
	return (size_t)sent == size ? 0 : -EAGAIN;
}

/* Close every descriptor of a message; returns how many there were. */
static unsigned int
close_fds(struct msghdr *msg)
{
	unsigned int closed = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t at = 0; at + sizeof(int) <= c->cmsg_len - CMSG_LEN(0); at += sizeof(int)) {
			int fd;
			memcpy(&fd, CMSG_DATA(c) + at, sizeof(fd));
			close(fd);
			closed++;
		}
	}
	return closed;
}

int
hv_socket_recv(int sock, void *bytes, size_t size)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(MAX_FDS * sizeof(int))];
	} control;
	struct iovec iov = {.iov_base = bytes, .iov_len = size};
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
	ssize_t got = recvmsg(sock, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (got < 0)
		return -errno;
	if (close_fds(&msg) > 0)
		return -EPROTO;
	return (int)got;
}
