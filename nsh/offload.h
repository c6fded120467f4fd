/*
 * Frames that were never on a wire: their sender left segmentation or a checksum to hardware, and an
 * interface of the kernel (veth, bridge) handed them over as they were.
 *
 * Included by the SFF's input of access ports, for ports on such interfaces.
 */
#ifndef OFFLOAD_H
#define OFFLOAD_H

#include "nsh_ipv6.h"

/**
 * Did the sender of a frame leave work to hardware? Either the IP packet is longer than the frame: its
 * segments were not cut, and the port took what fits its buffer. Or the checksum of TCP or UDP is the sum of
 * the pseudo header alone, which is what Linux leaves there (CHECKSUM_PARTIAL), and not right by chance.
 *
 * Source: RFC 791 3.1, RFC 8200 3, RFC 9293 3.1, RFC 768. Fragments and extension headers that are not walked
 * are not looked into.
 *
 * @param frame       first byte of the Ethernet header, any alignment.
 * @param avail       contiguous readable bytes of frame; none beyond is read. Without all of them the
 * checksum is not judged.
 * @param frame_size  bytes of the whole frame.
 * Thread: any.
 */
bool nsh_is_offloaded(const void *frame, size_t avail, size_t frame_size);

#endif
