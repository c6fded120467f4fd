/**
 * Messages of a runner's control socket: 4 bytes of length (big endian), then JSON; the first one carries the
 * status memory as a file descriptor.
 *
 * Included by sff_vm.c. The runner is hostile until checked: sizes, types and the descriptor's seals are.
 */
#ifndef SFF_HV_MESSAGE_H
#define SFF_HV_MESSAGE_H

#include <stdint.h>
#include <sys/types.h>

struct sff_hv_message {
	int shared_fd; /* status memory, read only, sealed, large enough; the caller closes it. -1 = none */
	char runtime[8];
	uint64_t boot_us;
	pid_t pid;
	int exit_code; /* of an exit event, -1 = none */
};

/**
 * Connect to a runner's control socket, without waiting: one that takes no connections keeps nobody.
 *
 * @return the connection, or -errno: -ENOENT and -ECONNREFUSED while nobody listens, -EAGAIN when as many
 *         wait as may. Thread: control.
 */
int sff_hv_connect(const char *path);

/**
 * Receive one message.
 *
 * @return 0, -EAGAIN (nothing whole yet), -EPIPE (closed), -EPROTO (not what a runner says).
 */
int sff_hv_receive(int fd, struct sff_hv_message *message);

/** Ask a runner to stop its guest and end. One that does not read is hung up on. */
void sff_hv_send_stop(int fd);

#endif
