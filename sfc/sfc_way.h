/**
 * The way from one node to another: which locators, through which port, to which next hop, and how many bytes
 * the transport takes.
 *
 * Included by the loader, which checks that the ways of all paths exist and are wide enough, and by
 * sfc_table, which builds those of one node.
 */
#ifndef SFC_WAY_H
#define SFC_WAY_H

#include "sfc_config.h"

/* IP MTU of an Ethernet link that says nothing else; RFC 894. */
#define SFC_MTU_DEFAULT 1500u
/* The frame an MTU budget is made for: 1,500 bytes of IP and an Ethernet header; protocols N17. */
#define SFC_FRAME_FULL 1514u

struct sfc_way {
	const struct sfc_locator *ours;   /* behind a port of the sender, when it states its ports */
	const struct sfc_locator *theirs; /* where frames go */
	bool has_mac;                     /* of the next hop: nothing is to be resolved */
	uint8_t mac[6];
	struct sfc_addr next_hop; /* to resolve: theirs or a gateway; family 0 with has_mac */
};

/**
 * Find the way: the first locator of `to` whose transport and address family are among those of `from`. Of
 * several ports of `from` that have it, the one whose link the locator is on, else the first.
 *
 * @return 0; -ENOENT: no common transport; -ENETUNREACH: off the link, and no gateway and no mac (way->ours
 *         and theirs are set then).
 */
int sfc_way_find(const struct sfc_node *from, const struct sfc_node *to, struct sfc_way *way);

/** Is this one of the port's own addresses? Any thread. */
bool sfc_port_has(const struct sfc_port *port, const struct sfc_addr *address);

/** Is an address on the link of a port? By its prefixes; IPv6 link-local addresses are (RFC 4291, 2.5.6). */
bool sfc_port_on_link(const struct sfc_port *port, const struct sfc_addr *address);

/** Bytes of an IP packet in front of NSH with a locator's transport; 0 with Ethernet. */
unsigned int sfc_way_overhead(const struct sfc_locator *theirs);

/** "vxlan-gpe", as in the file. Static storage. */
const char *sfc_transport_name(enum sfc_transport transport);

#endif
