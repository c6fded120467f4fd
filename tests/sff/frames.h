/**
 * Frames for the tests: built from the calls of nsh/, from the inside out.
 *
 * Included by fixture.h and the tests of this folder.
 */
#ifndef TESTS_SFF_FRAMES_H
#define TESTS_SFF_FRAMES_H

#include "nsh_build.h"
#include "outer_push.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_ROOM 66000u

struct frame {
	uint32_t size;
	uint8_t bytes[FRAME_ROOM];
};

#define ADDRESS_HERE  0x0a630001u /* 10.99.0.1 */
#define ADDRESS_THERE 0x0a630002u
#define VNI_HERE      100u
#define VNI_THERE     200u

extern const uint8_t mac_here[6], mac_there[6];

/* Ethernet, IPv4 10.0.0.1 -> 10.1.0.1, UDP, then `payload` bytes that differ from place to place. */
void frame_udp(struct frame *f, uint16_t src_port, uint16_t dst_port, uint32_t payload);
/* The same from 10.1.0.1 to 10.0.0.1: the way back. */
void frame_udp_back(struct frame *f, uint16_t src_port, uint16_t dst_port, uint32_t payload);

/* Put bytes in front; NULL = zeros. */
void frame_push(struct frame *f, const void *bytes, size_t size);
void frame_pull(struct frame *f, size_t size);

/* MD type 1 in front, all context bytes different. */
void frame_md1(struct frame *f, uint32_t spi, uint8_t si, uint8_t ttl, uint8_t np);
/* MD type 2 with `tlvs` on the wire. */
void frame_md2(
	struct frame *f, uint32_t spi, uint8_t si, uint8_t ttl, uint8_t np, const void *tlvs, size_t size);

/* VXLAN-GPE from there to here. */
void frame_gpe(struct frame *f, uint16_t src_port);
/* Write the outer IPv4 header checksum anew, by its own length field. */
void frame_fix_ip(struct frame *f, size_t ip_at);

/* The most usual: a UDP frame in MD1 in GPE, ready for port CORE. */
void frame_transport(struct frame *f, uint32_t spi, uint8_t si, uint8_t ttl);

bool frame_equal(const struct frame *a, const struct frame *b);

#endif
