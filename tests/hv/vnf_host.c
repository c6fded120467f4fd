#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "vnf_host.h"

#define HEAP_SIZE (4u << 20)

struct vnf_env vnf_env;
struct hv_control host_control;
unsigned host_kicks[2 * HV_MAX_PAIRS];
jmp_buf host_exit;
bool host_exit_expected;
uint32_t host_exit_code;

static struct hv_boot boot;
static struct hv_status status;
static struct hv_console console;
static struct hv_metrics metrics;

void
vnf_exit(uint32_t code)
{
	host_exit_code = code;
	if (host_exit_expected)
		longjmp(host_exit, 1);
	abort();
}

void
vnf_door_kick(uint32_t queue)
{
	host_kicks[queue]++;
}

void
host_init(void)
{
	static uint8_t heap[HEAP_SIZE];

	memset(&host_control, 0, sizeof(host_control));
	memset(&boot, 0, sizeof(boot));
	memset(&status, 0, sizeof(status));
	memset(&console, 0, sizeof(console));
	memset(&metrics, 0, sizeof(metrics));
	memset(host_kicks, 0, sizeof(host_kicks));
	host_exit_expected = false;
	vnf_env = (struct vnf_env){&boot, &host_control, &status, &console, &metrics};
	vnf_heap_init(heap, sizeof(heap));
	vnf_service_init();
}

static const struct hv_metric *
find_metric(const char *name)
{
	for (uint32_t i = 0; i < metrics.count; i++) {
		if (strcmp(metrics.metric[i].name, name) == 0)
			return &metrics.metric[i];
	}
	return NULL;
}

bool
host_has_metric(const char *name)
{
	return find_metric(name) != NULL;
}

uint64_t
host_metric(const char *name)
{
	const struct hv_metric *metric = find_metric(name);

	if (!metric)
		fail_msg("no metric %s", name);
	return metric->value;
}

const char *
host_console(void)
{
	static char text[HV_CONSOLE_DATA + 1];

	memcpy(text, console.data, HV_CONSOLE_DATA);
	text[console.written < HV_CONSOLE_DATA ? console.written : HV_CONSOLE_DATA] = '\0';
	return text;
}

static void *
zeroed(size_t size)
{
	void *memory = NULL;

	assert_int_equal(posix_memalign(&memory, 4096, size), 0);
	return memset(memory, 0, size);
}

void
host_net_init(struct host_net *host, uint32_t pairs, uint32_t ring, uint32_t buffers)
{
	memset(host, 0, sizeof(*host));
	host->buffers = zeroed((size_t)pairs * buffers * VNF_BUFFER_SIZE);
	host->net.buffers = (uintptr_t)host->buffers;
	host->net.buffers_size = (uint64_t)pairs * buffers * VNF_BUFFER_SIZE;
	host->net.pairs = pairs;
	host->net.header_size = VNET_HDR_SIZE;
	for (uint32_t i = 0; i < 2 * pairs; i++) {
		host->net.queue[i].size = ring;
		host->net.queue[i].desc = (uintptr_t)zeroed(ring * sizeof(struct vring_desc));
		host->net.queue[i].avail = (uintptr_t)zeroed(4 + ring * sizeof(uint16_t));
		host->net.queue[i].used = (uintptr_t)zeroed(4 + ring * sizeof(struct vring_used_elem));
	}
}

void
host_net_fini(struct host_net *host)
{
	for (uint32_t i = 0; i < 2 * host->net.pairs; i++) {
		free(host_desc(host, i));
		free(host_avail(host, i));
		free(host_used(host, i));
	}
	free(host->buffers);
}

struct vring_desc *
host_desc(const struct host_net *host, unsigned queue)
{
	return (struct vring_desc *)(uintptr_t)host->net.queue[queue].desc;
}

struct vring_avail *
host_avail(const struct host_net *host, unsigned queue)
{
	return (struct vring_avail *)(uintptr_t)host->net.queue[queue].avail;
}

struct vring_used *
host_used(const struct host_net *host, unsigned queue)
{
	return (struct vring_used *)(uintptr_t)host->net.queue[queue].used;
}

void
host_put_used(struct host_net *host, unsigned queue, uint32_t id, uint32_t len)
{
	uint16_t *at = queue == 0 ? &host->rx_used : &host->tx_used;

	host_used(host, queue)->ring[(*at)++ % host->net.queue[queue].size] =
		(struct vring_used_elem){id, len};
}

void
host_show_used(struct host_net *host, unsigned queue)
{
	uint16_t at = queue == 0 ? host->rx_used : host->tx_used;

	__atomic_store_n(&host_used(host, queue)->idx, at, __ATOMIC_RELEASE);
}

bool
host_can_take(const struct host_net *host, unsigned n)
{
	return (uint16_t)(host_avail(host, 0)->idx - host->rx_avail) >= n;
}

uint16_t
host_take_rx(struct host_net *host)
{
	assert_true(host_can_take(host, 1));
	return host_avail(host, 0)->ring[host->rx_avail++ % host->net.queue[0].size];
}

void
host_send(struct host_net *host, const uint8_t *frame, uint32_t size)
{
	uint32_t room = VNF_BUFFER_SIZE - VNET_HDR_SIZE, done = 0;
	uint16_t count = (uint16_t)((size + VNET_HDR_SIZE + VNF_BUFFER_SIZE - 1) / VNF_BUFFER_SIZE);

	for (uint16_t i = 0; i < count; i++) {
		uint16_t id = host_take_rx(host);
		struct vring_desc *desc = &host_desc(host, 0)[id];
		uint8_t *to = (uint8_t *)(uintptr_t)desc->addr;
		uint32_t part = size - done < room ? size - done : room;
		uint32_t header = i == 0 ? VNET_HDR_SIZE : 0;

		assert_int_equal(desc->len, VNF_BUFFER_SIZE);
		assert_int_equal(desc->flags, VRING_DESC_WRITE);
		if (header) {
			memset(to, 0xa5, VNET_HDR_SIZE);
			memcpy(to + VNET_HDR_NUM_BUFFERS, &count, sizeof(count));
		}
		memcpy(to + header, frame + done, part);
		host_put_used(host, 0, id, part + header);
		done += part;
		room = VNF_BUFFER_SIZE;
	}
	assert_int_equal(done, size);
	host_show_used(host, 0);
}

uint32_t
host_receive(struct host_net *host, uint8_t *frame, uint32_t room)
{
	static const uint8_t no_offload[VNET_HDR_SIZE];
	struct vring_desc *desc = host_desc(host, 1);
	uint32_t size = 0, skip = VNET_HDR_SIZE;
	uint16_t head, id;

	if (host_avail(host, 1)->idx == host->tx_avail)
		return 0;
	head = id = host_avail(host, 1)->ring[host->tx_avail++ % host->net.queue[1].size];
	assert_memory_equal((void *)(uintptr_t)desc[id].addr, no_offload, VNET_HDR_SIZE);
	for (;;) {
		assert_true(desc[id].len >= skip && size + desc[id].len - skip <= room);
		memcpy(frame + size, (uint8_t *)(uintptr_t)desc[id].addr + skip, desc[id].len - skip);
		size += desc[id].len - skip;
		skip = 0;
		if (!(desc[id].flags & VRING_DESC_NEXT))
			break;
		id = desc[id].next;
	}
	host_put_used(host, 1, head, 0);
	host_show_used(host, 1);
	return size;
}

uint32_t
host_frame(uint8_t *frame, uint8_t next_proto, uint8_t si, const void *inner, uint32_t inner_size)
{
	static const uint8_t outer[14] = {2, 0, 0, 0, 0, 0xaa, 2, 0, 0, 0, 0, 0xbb, 0x89, 0x4f};
	/* Version 0, TTL 63, length 6 words, MD type 1. */
	const uint8_t nsh[24] = {0x0f, 0xc6, 0x01, next_proto, 0x01, 0x02, 0x03, si, 0xde, 0xad, 0xbe, 0xef};

	memcpy(frame, outer, sizeof(outer));
	memcpy(frame + sizeof(outer), nsh, sizeof(nsh));
	memcpy(frame + sizeof(outer) + sizeof(nsh), inner, inner_size);
	return (uint32_t)(sizeof(outer) + sizeof(nsh)) + inner_size;
}

struct vnf_pkt
host_packet(uint8_t next_proto, uint8_t *inner, uint32_t size)
{
	return (struct vnf_pkt){
		.data = inner,
		.inner = inner,
		.data_len = size,
		.inner_len = size,
		.inner_size = size,
		.next_proto = next_proto,
	};
}
