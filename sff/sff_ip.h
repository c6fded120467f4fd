/**
 * IP as the payload of NSH (Next Protocol 1 and 2): taken out of its frame where it enters a path, put into a
 * frame again where it leaves.
 *
 * Included by the stages that impose or remove NSH, and by those that answer to who sent a packet.
 */
#ifndef SFF_IP_H
#define SFF_IP_H

#include "sff_stage.h"

#include "nsh_hdr.h"
#include "nsh_ip.h"

#include <stddef.h>

struct sff_lcore;

/**
 * Bytes of the IP packet that data begins with, by its own length.
 *
 * @param np     NSH_NP_IPV4 or NSH_NP_IPV6.
 * @param avail  readable bytes.
 * @param size   bytes there are in all.
 * @return       at most `size`; 0 = no whole packet of that version.
 */
uint32_t sff_ip_size(const void *data, size_t avail, uint32_t size, uint8_t np);

/**
 * Take the link's header off a frame, and the padding behind its IP packet.
 *
 * @param link_size  bytes of Ethernet header and tags; they are contiguous with the IP header where that is
 *                   whole.
 * @param type       EtherType of what follows.
 * @return           Next Protocol of what is left; NSH_NP_NONE = no whole IP packet: the frame is as it was.
 */
uint8_t sff_ip_strip(struct rte_mbuf *m, uint16_t link_size, uint16_t type);

/**
 * Make a frame of an IP packet and find out whom it goes to on the link of a port: the destination itself, a
 * group, or the port's gateway.
 *
 * @param m       begins with a packet of this Next Protocol that sff_ip_size() found whole.
 * @param port    external.
 * @return        SFF_STAGE_PORT_TX with the frame complete, SFF_NEXT_KEPT, or a drop. Thread: the lcore.
 */
uint8_t sff_ip_output(struct sff_lcore *lc, struct rte_mbuf *m, uint16_t port, uint8_t np);

#endif
