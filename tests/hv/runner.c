#include "runner.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void
sleep_ms(unsigned int ms)
{
	nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000L}, NULL);
}

int
runner_init(struct runner *r)
{
	strcpy(r->folder, "/tmp/hv-test-XXXXXX");
	r->pid = -1;
	r->errors = -1;
	if (mkdtemp(r->folder) == NULL)
		return -1;
	snprintf(r->net, sizeof(r->net), "%s/net", r->folder);
	snprintf(r->control, sizeof(r->control), "%s/control", r->folder);
	return 0;
}

void
runner_fini(struct runner *r)
{
	DIR *folder = opendir(r->folder);
	struct dirent *entry;
	char path[300];

	if (r->pid > 0) {
		kill(r->pid, SIGKILL);
		waitpid(r->pid, NULL, 0);
	}
	if (r->errors >= 0)
		close(r->errors);
	while (folder != NULL && (entry = readdir(folder)) != NULL) {
		snprintf(path, sizeof(path), "%s/%s", r->folder, entry->d_name);
		unlink(path);
	}
	if (folder != NULL)
		closedir(folder);
	rmdir(r->folder);
}

int
runner_spawn(struct runner *r, const char *hv, const char *const *args)
{
	char *argv[RUNNER_MAX_ARGS + 2];
	int errors[2], n = 0;

	argv[n++] = strdup(hv);
	for (; *args != NULL && n < RUNNER_MAX_ARGS; args++)
		argv[n++] = strdup(*args);
	argv[n] = NULL;
	if (pipe(errors) < 0)
		return -1;
	r->errors = errors[0];
	fcntl(errors[0], F_SETFD, FD_CLOEXEC);
	r->pid = fork();
	if (r->pid == 0) {
		dup2(errors[1], STDERR_FILENO);
		close(errors[1]);
		execv(hv, argv);
		_exit(127);
	}
	close(errors[1]);
	while (n > 0)
		free(argv[--n]);
	return r->pid > 0 ? 0 : -1;
}

int
runner_start(
	struct runner *r, const char *hv, const char *image, const char *runtime, const char *const *options)
{
	const char *args[RUNNER_MAX_ARGS] = {"run", image, "--memory", "4", "--net", r->net, "--control",
		r->control, "--runtime", runtime};
	int n = 10;

	while (*options != NULL && n < RUNNER_MAX_ARGS - 1)
		args[n++] = *options++;
	return runner_spawn(r, hv, args);
}

int
runner_wait(struct runner *r, unsigned int timeout_ms, char *text, size_t size)
{
	size_t used = 0;
	int status;

	fcntl(r->errors, F_SETFL, O_NONBLOCK);
	for (unsigned int waited = 0; waited < timeout_ms; waited += 5) {
		bool ended = waitpid(r->pid, &status, WNOHANG) == r->pid;
		ssize_t got;
		char drop[4096];

		while ((got = used + 1 < size ? read(r->errors, text + used, size - used - 1)
		                              : read(r->errors, drop, sizeof(drop))) > 0)
			if (used + 1 < size)
				used += (size_t)got;
		if (size > 0)
			text[used] = '\0';
		if (ended) {
			r->pid = -1;
			close(r->errors);
			r->errors = -1;
			return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
		}
		sleep_ms(5);
	}
	return -1000;
}

int
runner_connect(const char *path)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};

	strncpy(sun.sun_path, path, sizeof(sun.sun_path) - 1);
	for (int i = 0; i < 4000; i++) {
		int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

		if (connect(sock, (struct sockaddr *)&sun, sizeof(sun)) == 0)
			return sock;
		close(sock);
		nanosleep(&(struct timespec){0, 500000}, NULL);
	}
	return -1;
}

/* Exactly `size` bytes within two seconds; 0 at the end, -1 on silence. */
static int
receive(int sock, void *bytes, size_t size, int *fd)
{
	size_t done = 0;

	while (done < size) {
		union {
			struct cmsghdr align;
			char bytes[CMSG_SPACE(8 * sizeof(int))];
		} control;
		struct iovec iov = {(char *)bytes + done, size - done};
		struct msghdr msg = {.msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = &control,
			.msg_controllen = sizeof(control)};
		struct pollfd readable = {.fd = sock, .events = POLLIN};

		if (poll(&readable, 1, 2000) != 1)
			return -1;
		ssize_t got = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
		if (got <= 0)
			return 0;
		done += (size_t)got;
		struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
		if (c != NULL && c->cmsg_type == SCM_RIGHTS) {
			int passed;
			memcpy(&passed, CMSG_DATA(c), sizeof(passed));
			if (fd != NULL)
				*fd = passed;
			else
				close(passed);
		}
	}
	return (int)done;
}

int
runner_receive(int sock, char *text, size_t size, int *fd)
{
	uint32_t length;
	int rc;

	if (fd != NULL)
		*fd = -1;
	rc = receive(sock, &length, sizeof(length), fd);
	if (rc <= 0)
		return rc;
	length = ntohl(length);
	if (length == 0 || length >= size || receive(sock, text, length, fd) != (int)length)
		return -1;
	text[length] = '\0';
	return (int)length;
}

int
runner_send(int sock, const char *text)
{
	uint32_t length = htonl((uint32_t)strlen(text));

	if (send(sock, &length, sizeof(length), MSG_NOSIGNAL) != sizeof(length))
		return -1;
	return send(sock, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text) ? 0 : -1;
}

long
runner_number(const char *text, const char *name)
{
	char key[64];
	const char *at;

	snprintf(key, sizeof(key), "\"%s\":", name);
	at = strstr(text, key);
	return at != NULL ? atol(at + strlen(key)) : -1;
}

bool
runner_gone(pid_t pid)
{
	for (int i = 0; i < 200; i++) {
		char path[32], line[256] = "";
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
		f = fopen(path, "r");
		if (f == NULL)
			return true;
		if (fgets(line, sizeof(line), f) == NULL)
			line[0] = '\0';
		fclose(f);
		if (line[0] == '\0' || strstr(line, ") Z ") != NULL)
			return true;
		sleep_ms(5);
	}
	return false;
}

pid_t
runner_child(pid_t pid)
{
	char path[64];
	int child = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
	f = fopen(path, "r");
	if (f == NULL)
		return -1;
	if (fscanf(f, "%d", &child) != 1)
		child = -1;
	fclose(f);
	return child;
}

int
runner_back_end(int sock, unsigned int queues)
{
	struct {
		uint32_t request, flags, size;
		uint64_t body[8];
	} __attribute__((packed)) m;
	unsigned int enabled = 0;

	while (enabled < queues) {
		uint64_t value = 0;

		if (receive(sock, &m, 12, NULL) != 12 || m.size > sizeof(m.body) ||
			(m.size > 0 && receive(sock, m.body, m.size, NULL) != (int)m.size))
			return -1;
		switch (m.request) {
		case 1: /* GET_FEATURES: VERSION_1, MQ, PROTOCOL_FEATURES, MRG_RXBUF */
			value = (1ULL << 32) | (1ULL << 30) | (1ULL << 22) | (1ULL << 15);
			break;
		case 15: /* GET_PROTOCOL_FEATURES: MQ, REPLY_ACK */
			value = (1ULL << 0) | (1ULL << 3);
			break;
		case 17: /* GET_QUEUE_NUM */
			value = 16;
			break;
		case 18: /* SET_VRING_ENABLE */
			enabled++;
			break;
		default:
			break;
		}
		if (m.request == 1 || m.request == 15 || m.request == 17 || (m.flags & 8)) {
			m.flags = 5;
			m.size = sizeof(value);
			m.body[0] = value;
			if (send(sock, &m, 12 + sizeof(value), MSG_NOSIGNAL) != 12 + (ssize_t)sizeof(value))
				return -1;
		}
	}
	return 0;
}
