#include "case_guest.h"

#include "guest.h"

#include <stdlib.h>
#include <string.h>

#define HEAP_SIZE (1u << 20)

struct vnf_env vnf_env;
const char vnf_name[] = "bench";

static struct vnf_pair pair;
static struct hv_boot boot;
static struct hv_control control;
static struct hv_status status;
static struct hv_console console;
static struct hv_metrics metrics;

/* What the image `bridge` does with a packet. */
enum vnf_verdict
vnf_packet(struct vnf_pkt *pkt)
{
	(void)pkt;
	return VNF_PASS;
}

void
vnf_exit(uint32_t code)
{
	exit((int)code);
}

/* The host polls. */
void
vnf_door_kick(uint32_t queue)
{
	(void)queue;
}

int
guest_side_open(struct guest_side *side)
{
	size_t ring_bytes = GUEST_RING * 16 + 1024 + 4096; /* descriptors, avail, used: each aligned */
	size_t buffers = 2 * GUEST_RING * (size_t)VNF_BUFFER_SIZE;
	static uint8_t heap[HEAP_SIZE] __attribute__((aligned(4096)));
	struct hv_net net = {.header_size = VNET_HDR_SIZE, .pairs = 1};

	side->area_size = 2 * 4096 * ((ring_bytes + 4095) / 4096) + buffers;
	side->area = aligned_alloc(4096, side->area_size);
	if (side->area == NULL)
		return -1;
	memset(side->area, 0, side->area_size);
	for (unsigned int q = 0; q < 2; q++) {
		uint8_t *at = side->area + q * 4096 * ((ring_bytes + 4095) / 4096);

		side->desc[q] = at;
		side->avail[q] = at + GUEST_RING * 16;
		side->used[q] = at + GUEST_RING * 16 + 1024;
		net.queue[q] = (struct hv_queue){.desc = (uintptr_t)side->desc[q],
			.avail = (uintptr_t)side->avail[q],
			.used = (uintptr_t)side->used[q],
			.size = GUEST_RING};
	}
	net.buffers = (uintptr_t)(side->area + side->area_size - buffers);
	net.buffers_size = buffers;
	vnf_env = (struct vnf_env){&boot, &control, &status, &console, &metrics};
	vnf_heap_init(heap, sizeof(heap));
	vnf_service_init();
	if (vnf_pair_init(&pair, &net, 0) != NULL)
		return -1;
	vnf_pair_post(&pair);
	return 0;
}

unsigned int
guest_side_poll(void)
{
	return vnf_pair_poll(&pair, true);
}

uint64_t
guest_side_bad(void)
{
	return status.bad_used;
}
