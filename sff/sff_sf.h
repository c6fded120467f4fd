/**
 * How frames go to and come from one local SF: its link header, its attachment, the style of its proxy.
 *
 * Included by sff_plane.h. A VM is at the end of its own port; an attached SF is behind an external port and
 * has a port of kind SFF_PORT_ATTACHED that is only a place in tables: it is neither polled nor sent to.
 */
#ifndef SFF_SF_H
#define SFF_SF_H

#include "sfc_table.h"

#include "eth.h"

#include <stdbool.h>
#include <stdint.h>

struct sff_plane;

/* The longest header in front of NSH: addresses, two tags, type. */
#define SFF_SF_LINK_MAX (ETH_HDR_SIZE + SFC_VLANS_MAX * ETH_TAG_SIZE)

struct sff_sf {
	bool proxied;       /* its function knows no NSH */
	bool attached;      /* not a VM */
	uint8_t style;      /* enum sfc_proxy_style */
	bool miss_template; /* as in struct sfc_proxy */
	bool carry_opaque;
	uint8_t link_size;
	uint16_t out;                  /* the port its frames leave through */
	uint32_t circuit;              /* of its name: the same after the configuration has changed */
	uint8_t link[SFF_SF_LINK_MAX]; /* DA its own, SA ours, tags, type NSH */
};

/** Bytes of VLAN tags that tell an attached SF's frames. */
static inline uint16_t
sff_sf_tags_size(const struct sff_sf *sf)
{
	return (uint16_t)(sf->link_size - ETH_HDR_SIZE);
}

/* Style mac: 02 (locally administered, IEEE 802) and 53 ('S'), then the Service Path word. Never our own
 * address on VM ports: that would be SI 0, where no function stands. */
#define SFF_PROXY_MAC_0 0x02
#define SFF_PROXY_MAC_1 0x53

/** Write the source address that stands for a position. @param sp  SPI << 8 | SI, host order. */
static inline void
sff_proxy_mac(uint32_t sp, uint8_t mac[ETH_MAC_SIZE])
{
	rte_be32_t word = rte_cpu_to_be_32(sp);

	mac[0] = SFF_PROXY_MAC_0;
	mac[1] = SFF_PROXY_MAC_1;
	memcpy(mac + 2, &word, sizeof(word));
}

/** The position a source address stands for, 0 = none. */
static inline uint32_t
sff_proxy_mac_sp(const uint8_t mac[ETH_MAC_SIZE])
{
	rte_be32_t word;

	if (mac[0] != SFF_PROXY_MAC_0 || mac[1] != SFF_PROXY_MAC_1)
		return 0;
	memcpy(&word, mac + 2, sizeof(word));
	return rte_be_to_cpu_32(word);
}

/* A place of the table that finds an attached SF by its frames: port, source address, tags. */
struct sff_attach {
	uint64_t station; /* port << 48 | MAC, memory order */
	uint32_t vlans;   /* outer VID << 16 | inner VID, 0 = no tag */
	uint16_t port;    /* of the SF; SFC_NONE = empty */
	uint16_t pad;
};

/**
 * Fill port->sf of an SF whose kind, instance, function and sf_mac are set.
 *
 * @param via  attached: the external port it is behind, open. Thread: control.
 */
void sff_sf_describe(struct sff_plane *plane, uint16_t port);

/** Build plane->attach from the ports of kind SFF_PORT_ATTACHED. 0 or -ENOMEM. Thread: control. */
int sff_attach_build(struct sff_plane *plane);

/**
 * The attached SF that sent a frame: the one with these addresses whose tags are the first of the frame's.
 *
 * @param port  the external port it came from.
 * @param eth   what eth_parse() said.
 * @return      its port, or SFC_NONE. Thread: any lcore.
 */
uint16_t sff_attach_find(
	const struct sff_plane *plane, uint16_t port, const uint8_t smac[6], const struct eth_info *eth);

#endif
