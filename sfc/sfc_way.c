#include "sfc_way.h"

#include "eth.h"
#include "geneve.h"
#include "gre.h"
#include "nsh_ipv6.h"
#include "vxlan.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

const char *
sfc_transport_name(enum sfc_transport transport)
{
	static const char *const names[] = {
		[SFC_TRANSPORT_VXLAN_GPE] = "vxlan-gpe",
		[SFC_TRANSPORT_VXLAN] = "vxlan",
		[SFC_TRANSPORT_GENEVE] = "geneve",
		[SFC_TRANSPORT_GRE] = "gre",
		[SFC_TRANSPORT_ETHERNET] = "ethernet",
		[SFC_TRANSPORT_UDP] = "udp",
	};

	return names[transport];
}

static bool
in_prefix(const struct sfc_addr *prefix, const struct sfc_addr *address)
{
	unsigned int whole = prefix->plen / 8, rest = prefix->plen % 8;

	if (prefix->family != address->family || memcmp(prefix->bytes, address->bytes, whole) != 0)
		return false;
	return rest == 0 || ((prefix->bytes[whole] ^ address->bytes[whole]) & (0xff00u >> rest) & 0xff) == 0;
}

bool
sfc_port_has(const struct sfc_port *port, const struct sfc_addr *address)
{
	for (unsigned int i = 0; i < port->n_addresses; i++)
		if (port->address[i].family == address->family &&
			!memcmp(port->address[i].bytes, address->bytes, sizeof(address->bytes)))
			return true;
	return false;
}

bool
sfc_port_on_link(const struct sfc_port *port, const struct sfc_addr *address)
{
	if (address->family == 6 && address->bytes[0] == 0xfe && (address->bytes[1] & 0xc0) == 0x80)
		return true;
	for (unsigned int i = 0; i < port->n_addresses; i++)
		if (in_prefix(&port->address[i], address))
			return true;
	return false;
}

/* Ours of the same kind. */
static const struct sfc_locator *
counterpart(const struct sfc_node *from, const struct sfc_locator *theirs)
{
	const struct sfc_locator *first = NULL;

	for (unsigned int i = 0; i < from->n_locators; i++) {
		const struct sfc_locator *l = &from->locator[i];

		if (l->transport != theirs->transport || l->address.family != theirs->address.family ||
			(from->n_ports > 0 && l->port < 0))
			continue;
		if (l->port >= 0 && theirs->address.family != 0 &&
			sfc_port_on_link(&from->port[l->port], &theirs->address))
			return l;
		if (first == NULL)
			first = l;
	}
	return first;
}

/* Is its MAC just that of its port, and so of use on the same link only? */
static bool
mac_is_of_port(const struct sfc_node *to, const struct sfc_locator *l)
{
	return l->port >= 0 && to->port[l->port].has_mac &&
	       memcmp(to->port[l->port].mac, l->mac, sizeof(l->mac)) == 0;
}

static int
find_next_hop(const struct sfc_port *port, const struct sfc_node *to, struct sfc_way *way)
{
	const struct sfc_locator *theirs = way->theirs;
	const struct sfc_addr *gateway = theirs->address.family == 6 ? &port->gateway6 : &port->gateway4;
	bool on_link = sfc_port_on_link(port, &theirs->address);

	if (theirs->has_mac && (theirs->address.family == 0 || on_link || gateway->family == 0 ||
				       !mac_is_of_port(to, theirs))) {
		way->has_mac = true;
		memcpy(way->mac, theirs->mac, sizeof(way->mac));
		return 0;
	}
	if (on_link)
		way->next_hop = theirs->address;
	else
		way->next_hop = *gateway;
	return way->next_hop.family != 0 ? 0 : -ENETUNREACH;
}

int
sfc_way_find(const struct sfc_node *from, const struct sfc_node *to, struct sfc_way *way)
{
	*way = (struct sfc_way){0};
	for (unsigned int i = 0; way->ours == NULL && i < to->n_locators; i++) {
		way->theirs = &to->locator[i];
		way->ours = counterpart(from, way->theirs);
	}
	if (way->ours == NULL)
		return -ENOENT;
	if (way->ours->port < 0)
		return 0; /* how it gets out is its own business */
	return find_next_hop(&from->port[way->ours->port], to, way);
}

unsigned int
sfc_way_overhead(const struct sfc_locator *theirs)
{
	static const unsigned int tunnel[] = {
		[SFC_TRANSPORT_VXLAN_GPE] = NSH_UDP_SIZE + VXLAN_HDR_SIZE,
		[SFC_TRANSPORT_VXLAN] = NSH_UDP_SIZE + VXLAN_HDR_SIZE + ETH_HDR_SIZE,
		[SFC_TRANSPORT_GENEVE] = NSH_UDP_SIZE + GENEVE_HDR_SIZE,
		[SFC_TRANSPORT_GRE] = GRE_HDR_SIZE,
		[SFC_TRANSPORT_ETHERNET] = 0,
		[SFC_TRANSPORT_UDP] = NSH_UDP_SIZE,
	};
	unsigned int ip = theirs->address.family == 6   ? NSH_IPV6_SIZE
	                  : theirs->address.family == 4 ? NSH_IPV4_SIZE
	                                                : 0;

	return ip + tunnel[theirs->transport] + (theirs->has_key ? GRE_WORD_SIZE : 0) +
	       (theirs->inner_ethernet ? ETH_HDR_SIZE : 0);
}
