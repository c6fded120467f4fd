/**
 * The two listening unix sockets of the runner. Included by hv/ only.
 */
#ifndef HV_SOCKET_H
#define HV_SOCKET_H

#include <stddef.h>

/**
 * Listen on `path`. A socket file nobody listens on is replaced; anything else there is left alone.
 *
 * @return  non-blocking descriptor, or -1 after one message.
 */
int hv_socket_listen(const char *path);

/**
 * Take one connection from a peer of our own uid or root (SO_PEERCRED); others are closed.
 *
 * @return  non-blocking descriptor, or -1 when there is none.
 */
int hv_socket_accept(int listener);

/**
 * Send all of `bytes` with at most one descriptor, without blocking.
 *
 * @param fd  descriptor to pass, or -1.
 * @return    0 or -errno; -EAGAIN when the peer does not read.
 */
int hv_socket_send(int sock, const void *bytes, size_t size, int fd);

/**
 * Receive up to `size` bytes without blocking. Descriptors that come along are closed.
 *
 * @return  bytes, 0 at the end, or -errno; -EPROTO when descriptors came.
 */
int hv_socket_recv(int sock, void *bytes, size_t size);

#endif
