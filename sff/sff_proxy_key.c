#include "sff_proxy_key.h"

#include "nsh_ip.h"

#include <netinet/in.h>
#include <string.h>

#define IPV4_SIZE     20 /* RFC 791, 3.1 */
#define IPV6_SIZE     40 /* RFC 8200, 3 */
#define FRAGMENT_SIZE 8  /* RFC 8200, 4.5; also the unit of the other extension headers */
/* As far as cls_parse() looks. */
#define EXTENSIONS_MAX 8

/* Identification of an IPv6 fragment; 0 when its header is not where a sender would put it. */
static uint32_t
ipv6_id(const uint8_t *at, size_t avail)
{
	uint8_t next;
	uint32_t id;

	if (avail < IPV6_SIZE)
		return 0;
	next = at[6];
	at += IPV6_SIZE;
	avail -= IPV6_SIZE;
	for (int i = 0; i < EXTENSIONS_MAX && avail >= FRAGMENT_SIZE; i++) {
		size_t size = (at[1] + 1u) * 8;

		if (next == IPPROTO_FRAGMENT) {
			memcpy(&id, at + 4, sizeof(id));
			return id;
		}
		if ((next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING && next != IPPROTO_DSTOPTS) ||
			size > avail)
			return 0;
		next = at[0];
		at += size;
		avail -= size;
	}
	return 0;
}

static uint32_t
identification(const uint8_t *frame, size_t avail)
{
	struct eth_info eth;
	uint16_t id;

	if (!eth_parse(frame, avail, &eth))
		return 0;
	if (eth.type == ETH_IPV6)
		return ipv6_id(frame + eth.size, avail - eth.size);
	if (eth.type != ETH_IPV4 || avail - eth.size < IPV4_SIZE)
		return 0;
	memcpy(&id, frame + eth.size + 4, sizeof(id));
	return id;
}

void
sff_proxy_keys(const uint8_t *frame, size_t avail, const uint8_t macs[2 * ETH_MAC_SIZE], uint32_t circuit,
	uint32_t sp, struct sff_proxy_keys *keys)
{
	struct cls_key *key = &keys->flow;
	size_t payload = avail - ETH_HDR_SIZE;
	bool fragment;

	if (payload > sizeof(key->source) + sizeof(key->destination))
		payload = sizeof(key->source) + sizeof(key->destination);
	cls_parse(frame, avail, 0, (uint16_t)circuit, key);
	fragment = key->fragment;
	key->fragment = 0;
	memcpy(key->pad, &sp, sizeof(sp));
	key->pad[4] = (uint8_t)(circuit >> 24);
	key->pad[5] = (uint8_t)(circuit >> 16);
	if (key->family == 0) {
		if (macs != NULL)
			memcpy(key->destination, macs, 2 * ETH_MAC_SIZE);
		else
			memcpy(key, frame + ETH_HDR_SIZE, payload); /* both addresses: ARP is 28 bytes */
		memcpy(&key->destination_port, frame + 2 * ETH_MAC_SIZE, sizeof(key->destination_port));
	}
	keys->has_fragment = fragment;
	keys->has_flow = !fragment || key->has_ports;
	if (!fragment)
		return;
	keys->fragment = *key;
	keys->fragment.fragment = 1;
	keys->fragment.has_ports = 0;
	uint32_t id = identification(frame, avail);
	memcpy(&keys->fragment.source_port, &id, sizeof(id));
}

void
sff_proxy_key_turn(const struct cls_key *key, struct cls_key *turned)
{
	*turned = *key;
	memcpy(turned->source, key->destination, sizeof(turned->source));
	memcpy(turned->destination, key->source, sizeof(turned->destination));
	turned->source_port = key->destination_port;
	turned->destination_port = key->source_port;
}
