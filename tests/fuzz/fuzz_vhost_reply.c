/* The vhost-user front end on any bytes of a back end: it ends in an error or attached after every step, and
 * never reads past a reply. The first byte picks how the rest is cut into pieces. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "hv_vhost.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t requests;

static int
swallow(int sock, const void *bytes, size_t size, int fd)
{
	struct hv_vhost_header header;

	(void)sock;
	(void)fd;
	memcpy(&header, bytes, sizeof(header));
	if (size != sizeof(header) + header.size || (header.flags & 7) != 1)
		abort();
	requests++;
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t memory[0x8000] __attribute__((aligned(4096)));
	const struct hv_mem mem = {
		.ring = {.fd = 9, .host = memory, .addr = HV_RING_ADDR, .size = sizeof(memory)}};
	struct hv_net net = {.pairs = 2, .features = (1ULL << 32) | (1ULL << 15)};
	const struct hv_queue_fds fds = {0};
	struct hv_vhost v;
	size_t piece;

	if (size == 0)
		return 0;
	piece = data[0] + 1u;
	requests = 0;
	hv_mem_queues(&mem, net.pairs, &net);
	hv_vhost_init(&v, &mem, &net, &fds);
	v.send = swallow;
	if (hv_vhost_begin(&v, -1) < 0)
		abort();
	for (size_t at = 1; at < size; at += piece) {
		size_t n = size - at < piece ? size - at : piece;

		if (hv_vhost_input(&v, data + at, n) < 0) {
			if (v.error[0] == '\0')
				abort();
			return 0;
		}
		/* 4 queues of 6 settings, and 6 to 8 messages before and after. */
		if (v.attached && (requests < 30 || v.deadline_ns != 0))
			abort();
	}
	return 0;
}
