/**
 * The guest library on the host: shared pages, a device, and a hand-written back end that can lie.
 *
 * Included by the tests of hv/guest/ and hv/vnf/. One device, one or more pairs; all memory is from malloc,
 * so that a sanitizer sees every step over its edge.
 */
#ifndef VNF_HOST_H
#define VNF_HOST_H

#include <setjmp.h>

#include "guest.h"

#define HOST_RING 64u

extern struct hv_control host_control;
extern unsigned host_kicks[2 * HV_MAX_PAIRS];

/* Where vnf_exit() goes when a test expects it, and the code it had. */
extern jmp_buf host_exit;
extern bool host_exit_expected;
extern uint32_t host_exit_code;

/** Fresh pages, heap and library counters. Call before each case. */
void host_init(void);

/** Value of a metric; the test fails when it does not exist. */
uint64_t host_metric(const char *name);

/** True when the metric exists. */
bool host_has_metric(const char *name);

/** Everything on the console, as a string. Valid until the next call. */
const char *host_console(void);

/* The device and the back end's own view of it. */
struct host_net {
	struct hv_net net;
	uint16_t rx_avail, rx_used; /* per pair 0 */
	uint16_t tx_avail, tx_used;
	uint8_t *buffers;
};

/** A device with `pairs` pairs, rings of `ring` entries, `buffers` packet buffers per pair. */
void host_net_init(struct host_net *host, uint32_t pairs, uint32_t ring, uint32_t buffers);
void host_net_fini(struct host_net *host);

struct vring_avail *host_avail(const struct host_net *host, unsigned queue);
struct vring_used *host_used(const struct host_net *host, unsigned queue);
struct vring_desc *host_desc(const struct host_net *host, unsigned queue);

/** Write a used entry of queue 0 (RX) or 1 (TX) without showing it. */
void host_put_used(struct host_net *host, unsigned queue, uint32_t id, uint32_t len);

/** Show what host_put_used() wrote. */
void host_show_used(struct host_net *host, unsigned queue);

/** Take the next posted RX descriptor of pair 0; the test fails when there is none. */
uint16_t host_take_rx(struct host_net *host);

/** True when pair 0 has `n` posted RX buffers left. */
bool host_can_take(const struct host_net *host, unsigned n);

/** Deliver one honest frame to pair 0, over as many buffers as it needs. */
void host_send(struct host_net *host, const uint8_t *frame, uint32_t size);

/** Take one frame pair 0 sends: its bytes to `frame`. @return its size, 0: there is none. */
uint32_t host_receive(struct host_net *host, uint8_t *frame, uint32_t room);

/** Ethernet + NSH MD 1 (TTL 63, SPI 0x010203) around an inner packet. @return bytes at frame. */
uint32_t host_frame(uint8_t *frame, uint8_t next_proto, uint8_t si, const void *inner, uint32_t inner_size);

/** A packet as vnf_packet() gets it, plain Ethernet or an NSH payload. */
struct vnf_pkt host_packet(uint8_t next_proto, uint8_t *inner, uint32_t size);

#endif
