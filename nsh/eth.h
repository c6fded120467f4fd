/*
 * Ethernet II and VLAN headers (IEEE 802.3, 802.1Q), as the SFF needs them around NSH.
 *
 * Included by the stages that read or write the outermost header, and by the transports of this room.
 */
#ifndef ETH_H
#define ETH_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <rte_byteorder.h>

#define ETH_MAC_SIZE 6
#define ETH_HDR_SIZE 14     /* IEEE 802.3, 3.1.1: two addresses and the type */
#define ETH_TAG_SIZE 4      /* IEEE 802.1Q, 9.3 */
#define ETH_TAGS_MAX 2      /* we look through a customer and a service tag, no more */
#define ETH_MIN_SIZE 60     /* IEEE 802.3, 4.2.3.3, without the 4-byte FCS: shorter frames are padded */
#define ETH_VID_MASK 0x0FFF /* IEEE 802.1Q, 9.6 */

/* IANA "EtherTypes". NSH is NSH_ETHERTYPE in nsh_hdr.h. */
#define ETH_IPV4     0x0800
#define ETH_ARP      0x0806
#define ETH_VLAN     0x8100 /* customer tag */
#define ETH_IPV6     0x86DD
#define ETH_QINQ     0x88A8 /* service tag */
#define ETH_QINQ_OLD 0x9100 /* service tag of equipment older than IEEE 802.1ad; not of IANA's list */

struct eth_hdr {
	uint8_t dmac[ETH_MAC_SIZE];
	uint8_t smac[ETH_MAC_SIZE];
	rte_be16_t type;
} __attribute__((packed, may_alias));

/** A VLAN tag after the type field that announced it. */
struct eth_tag {
	rte_be16_t tci;  /* PCP 3, DEI 1, VID 12 */
	rte_be16_t type; /* of what follows */
} __attribute__((packed, may_alias));

static_assert(sizeof(struct eth_hdr) == ETH_HDR_SIZE && _Alignof(struct eth_hdr) == 1, "wire layout");
static_assert(sizeof(struct eth_tag) == ETH_TAG_SIZE && _Alignof(struct eth_tag) == 1, "wire layout");

/** What an Ethernet header says; host order. */
struct eth_info {
	uint16_t size;              /* bytes of header and tags = offset of the payload */
	uint16_t type;              /* EtherType of the payload; a third tag is a payload of type ETH_VLAN */
	uint16_t tci[ETH_TAGS_MAX]; /* outermost first; [0, tags) are set */
	uint8_t tags;
};

static inline bool
eth_type_is_tag(uint16_t type)
{
	return type == ETH_VLAN || type == ETH_QINQ || type == ETH_QINQ_OLD;
}

/**
 * Read an Ethernet header and up to two VLAN tags.
 *
 * @param avail  readable bytes of frame; none beyond is read.
 * @return       false = the header or an announced tag is cut off.
 */
static inline bool
eth_parse(const void *frame, size_t avail, struct eth_info *info)
{
	const struct eth_hdr *eth = (const struct eth_hdr *)frame;

	if (avail < ETH_HDR_SIZE)
		return false;
	info->size = ETH_HDR_SIZE;
	info->type = rte_be_to_cpu_16(eth->type);
	info->tags = 0;
	while (eth_type_is_tag(info->type) && info->tags < ETH_TAGS_MAX) {
		const struct eth_tag *tag = (const struct eth_tag *)((const uint8_t *)frame + info->size);

		if (avail - info->size < ETH_TAG_SIZE)
			return false;
		info->tci[info->tags++] = rte_be_to_cpu_16(tag->tci);
		info->type = rte_be_to_cpu_16(tag->type);
		info->size += ETH_TAG_SIZE;
	}
	return true;
}

/** To a group of stations, or to all (IEEE 802, 8.2.2). */
static inline bool
eth_is_multicast(const uint8_t mac[ETH_MAC_SIZE])
{
	return mac[0] & 1;
}

/**
 * Write an Ethernet header; between an SFF and its SF: DA the next one, SA our own, type NSH_ETHERTYPE.
 *
 * @param dst   ETH_HDR_SIZE writable bytes, any alignment.
 * @param type  host order.
 */
static inline void
eth_build(void *dst, const uint8_t dmac[ETH_MAC_SIZE], const uint8_t smac[ETH_MAC_SIZE], uint16_t type)
{
	struct eth_hdr *eth = (struct eth_hdr *)dst;

	memcpy(eth->dmac, dmac, ETH_MAC_SIZE);
	memcpy(eth->smac, smac, ETH_MAC_SIZE);
	eth->type = rte_cpu_to_be_16(type);
}

#endif
