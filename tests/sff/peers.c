#include "peers.h"

#include <stdlib.h>
#include <string.h>

const struct peer_kind peer_kinds[PEER_KINDS] = {
	{"VXLAN-GPE over IPv6", OUTER_VXLAN_GPE, NSH_IPV6, 0, true},
	{"VXLAN over IPv4", OUTER_VXLAN, NSH_IPV4, 0, true},
	{"VXLAN over IPv6", OUTER_VXLAN, NSH_IPV6, 0, true},
	{"Geneve over IPv4", OUTER_GENEVE, NSH_IPV4, 0, true},
	{"Geneve over IPv6", OUTER_GENEVE, NSH_IPV6, 0, true},
	{"GRE over IPv4", OUTER_GRE, NSH_IPV4, 0, false},
	{"GRE over IPv6", OUTER_GRE, NSH_IPV6, 0, false},
	{"UDP over IPv4", OUTER_UDP, NSH_IPV4, 0, false},
	{"UDP over IPv6", OUTER_UDP, NSH_IPV6, 0, false},
	{"Ethernet", OUTER_ETHERNET, NSH_NO_IP, 0, false},
	{"Ethernet, one tag", OUTER_ETHERNET, NSH_NO_IP, 1, false},
	{"Ethernet, two tags", OUTER_ETHERNET, NSH_NO_IP, 2, false},
};

const uint8_t mac_mix[6] = {0x02, 0, 0, 0, 0x0a, 0x02};
const uint16_t peer_vid[3][2] = {{0}, {30}, {40, 41}};

union nsh_addr
peer_address(enum nsh_family family, uint8_t host)
{
	union nsh_addr a = {.half = {0, 0}};

	if (family == NSH_IPV4)
		a = nsh_addr_of4(rte_cpu_to_be_32(0x0a620000 | host));
	else if (family == NSH_IPV6)
		memcpy(a.bytes, (uint8_t[16]){0xfd, 0, 0, 0x98, [15] = host}, 16);
	return a;
}

uint8_t
peer_host(unsigned int k)
{
	return (uint8_t)((peer_kinds[k].family == NSH_IPV6 ? 0x10 : 10) + k);
}

struct outer_conf
peer_conf(unsigned int k)
{
	const struct peer_kind *kind = &peer_kinds[k];
	struct outer_conf conf = {
		.transport = kind->transport,
		.family = kind->family,
		.smac = {0x02, 0, 0, 0, 0x0c, (uint8_t)k},
		.src = peer_address(kind->family, peer_host(k)),
		.dst = peer_address(kind->family, 1),
		.vni = kind->has_vni ? 300 + k : 0,
		.udp_port = kind->transport == OUTER_UDP ? 7000 : 0,
		.ttl = 64,
		.tags = kind->tags,
	};

	memcpy(conf.dmac, mac_mix, 6);
	for (uint8_t t = 0; t < kind->tags; t++)
		conf.tag[t] = (struct outer_vlan){
			.type = t + 1 < kind->tags ? ETH_QINQ : ETH_VLAN, .tci = peer_vid[kind->tags][t]};
	return conf;
}

void
frame_wrap(struct frame *f, const struct outer_conf *conf, uint16_t entropy, uint8_t tos)
{
	uint8_t outer[OUTER_PUSH_MAX];
	struct outer_template t;

	if (outer_template_init(&t, conf) != 0)
		abort();
	outer_push(outer, &t, f->size, entropy, tos, nsh_sum(f->bytes, f->size));
	frame_push(f, outer, t.size);
}
