#include "sff_plane.h"

#include "nsh_hdr.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* FNV-1a. */
static uint32_t
circuit_of(const char *name)
{
	uint32_t hash = 2166136261u;

	for (; *name != '\0'; name++)
		hash = (hash ^ (uint8_t)*name) * 16777619u;
	return hash;
}

void
sff_sf_describe(struct sff_plane *plane, uint16_t p)
{
	struct sff_port *port = &plane->port[p];
	const struct sfc_instance *instance = &plane->config->instance[port->instance];
	const struct sfc_function *function = &plane->config->function[port->function];
	const struct sfc_attach *attach = &instance->attach;
	struct sff_sf *sf = &port->sf;
	uint8_t *at = sf->link + 2 * ETH_MAC_SIZE;
	const uint8_t *smac = sff_sf_side_mac;

	sf->proxied = !function->nsh_aware;
	sf->attached = attach->present;
	sf->style = (uint8_t)function->proxy.style;
	sf->miss_template = function->proxy.miss_template;
	sf->carry_opaque = function->proxy.carry_opaque;
	sf->out = p;
	sf->circuit = circuit_of(instance->name);
	if (sf->attached) {
		sf->out = (uint16_t)attach->port;
		smac = plane->port[sf->out].pmd->mac;
	}
	memcpy(sf->link, port->sf_mac, ETH_MAC_SIZE);
	memcpy(sf->link + ETH_MAC_SIZE, smac, ETH_MAC_SIZE);
	for (uint8_t i = 0; sf->attached && i < attach->n_vlans; i++) {
		uint16_t type = i + 1 < attach->n_vlans ? ETH_QINQ : ETH_VLAN;

		*at++ = (uint8_t)(type >> 8);
		*at++ = (uint8_t)type;
		*at++ = (uint8_t)(attach->vlan[i] >> 8);
		*at++ = (uint8_t)attach->vlan[i];
	}
	*at++ = NSH_ETHERTYPE >> 8;
	*at++ = NSH_ETHERTYPE & 0xff;
	sf->link_size = (uint8_t)(at - sf->link);
}

static uint64_t
station_of(uint16_t port, const uint8_t mac[6])
{
	return (uint64_t)port << 48 | sfc_mac_key(mac);
}

/* Knuth's multiplicative hash: the golden ratio of 2^64, high bits used. */
static uint32_t
slot_of(const struct sff_plane *plane, uint64_t station, uint32_t vlans)
{
	return (uint32_t)((station ^ (uint64_t)vlans << 16) * UINT64_C(0x9E3779B97F4A7C15) >> 32) &
	       plane->attach_mask;
}

int
sff_attach_build(struct sff_plane *plane)
{
	uint32_t n = 0, size = 1;

	for (uint16_t p = plane->n_external; p < plane->n_ports; p++)
		n += plane->port[p].kind == SFF_PORT_ATTACHED;
	/* At most half full: a search always ends at an empty place. */
	while (size < 2 * n)
		size *= 2;
	plane->attach = calloc(size, sizeof(plane->attach[0]));
	if (plane->attach == NULL)
		return -ENOMEM;
	plane->attach_mask = size - 1;
	for (uint32_t i = 0; i < size; i++)
		plane->attach[i].port = SFC_NONE;
	for (uint16_t p = plane->n_external; p < plane->n_ports; p++) {
		const struct sff_port *port = &plane->port[p];
		const struct sfc_attach *conf;
		uint32_t at;
		struct sff_attach a;

		if (port->kind != SFF_PORT_ATTACHED)
			continue;
		conf = &plane->config->instance[port->instance].attach;
		a = (struct sff_attach){
			.station = station_of(port->sf.out, conf->mac),
			.vlans = (uint32_t)conf->vlan[0] << 16 | conf->vlan[1],
			.port = p,
		};
		at = slot_of(plane, a.station, a.vlans);
		while (plane->attach[at].port != SFC_NONE)
			at = (at + 1) & plane->attach_mask;
		plane->attach[at] = a;
		plane->port[port->sf.out].n_attached++;
	}
	return 0;
}

static uint16_t
find(const struct sff_plane *plane, uint64_t station, uint32_t vlans)
{
	uint32_t at = slot_of(plane, station, vlans);

	for (; plane->attach[at].port != SFC_NONE; at = (at + 1) & plane->attach_mask)
		if (plane->attach[at].station == station && plane->attach[at].vlans == vlans)
			return plane->attach[at].port;
	return SFC_NONE;
}

uint16_t
sff_attach_find(
	const struct sff_plane *plane, uint16_t port, const uint8_t smac[6], const struct eth_info *eth)
{
	uint64_t station = station_of(port, smac);
	uint32_t outer = eth->tags > 0 ? (uint32_t)(eth->tci[0] & ETH_VID_MASK) << 16 : 0;
	uint16_t found = SFC_NONE;

	/* The loader let no two of one address have tags that begin alike. */
	if (eth->tags > 1)
		found = find(plane, station, outer | (eth->tci[1] & ETH_VID_MASK));
	if (found == SFC_NONE && eth->tags > 0)
		found = find(plane, station, outer);
	return found != SFC_NONE ? found : find(plane, station, 0);
}
