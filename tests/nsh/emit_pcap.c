/*
 * Write a capture of frames built by our code, and what each must decode to as one line of text:
 * emit_pcap nsh|underlay FILE.pcap > FILE.txt. Two foreign decoders then read the capture
 * (check_decoders.py).
 *
 * Line: frame number and key=value words; "-" where a field does not apply. Of the underlay the keys are the
 * names of tshark's fields.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pcap/pcap.h>

#include "arp.h"
#include "icmp.h"
#include "nd.h"
#include "nsh_build.h"
#include "nsh_md2.h"
#include "outer_push.h"

static const uint8_t dmac[ETH_MAC_SIZE] = {2, 0, 0, 0, 0x0B, 1};
static const uint8_t smac[ETH_MAC_SIZE] = {2, 0, 0, 0, 0x0A, 1};

struct emitter {
	pcap_dumper_t *dumper;
	unsigned int count;
};

/* What stands behind NSH: an Ethernet frame, or the IPv4 packet in it. IPv4 and UDP as the RFCs draw them. */
static size_t
build_inner(uint8_t *dst, uint8_t np)
{
	struct nsh_ipv4_hdr ip = {.version_ihl = NSH_IPV4_VERSION_IHL,
		.total_size = RTE_BE16(NSH_IPV4_SIZE + NSH_UDP_SIZE + 4),
		.ttl = 64,
		.protocol = NSH_IPPROTO_UDP,
		.src = RTE_BE32(0xC0000201),
		.dst = RTE_BE32(0xC6336402)};
	const struct nsh_udp_hdr udp = {
		.src_port = RTE_BE16(40000), .dst_port = RTE_BE16(40001), .size = RTE_BE16(NSH_UDP_SIZE + 4)};
	uint8_t *at = dst;

	ip.checksum = (uint16_t)~nsh_sum(&ip, sizeof(ip));
	if (np == NSH_NP_ETHERNET) {
		eth_build(at, dmac, smac, ETH_IPV4);
		at += ETH_HDR_SIZE;
	}
	memcpy(at, &ip, sizeof(ip));
	at += sizeof(ip);
	memcpy(at, &udp, sizeof(udp));
	at += sizeof(udp);
	memcpy(at, "abcd", 4);
	at += 4;
	return (size_t)(at - dst);
}

/* What NSH is carried by; addresses, VNI and so on are the same everywhere. */
static const struct outer_conf confs[] = {
	{.transport = OUTER_ETHERNET},
	{.transport = OUTER_ETHERNET, .tags = 1, .tag = {{ETH_VLAN, 30}}},
	{.transport = OUTER_ETHERNET, .tags = 2, .tag = {{ETH_QINQ, 5}, {ETH_VLAN, 30}}},
	{.transport = OUTER_VXLAN_GPE, .family = NSH_IPV4},
	{.transport = OUTER_VXLAN_GPE, .family = NSH_IPV4, .checksum = OUTER_CHECKSUM_ON},
	{.transport = OUTER_VXLAN_GPE, .family = NSH_IPV6, .tags = 1, .tag = {{ETH_VLAN, 30}}},
	{.transport = OUTER_VXLAN, .family = NSH_IPV4, .tags = 1, .tag = {{ETH_VLAN, 30}}},
	{.transport = OUTER_VXLAN, .family = NSH_IPV6},
	{.transport = OUTER_GENEVE, .family = NSH_IPV4},
	{.transport = OUTER_GENEVE, .family = NSH_IPV4, .checksum = OUTER_CHECKSUM_OFF},
	{.transport = OUTER_GENEVE, .family = NSH_IPV4, .inner_ethernet = true},
	{.transport = OUTER_GENEVE, .family = NSH_IPV6},
	{.transport = OUTER_GENEVE, .family = NSH_IPV6, .inner_ethernet = true},
	{.transport = OUTER_GRE, .family = NSH_IPV4},
	{.transport = OUTER_GRE, .family = NSH_IPV4, .checksum = OUTER_CHECKSUM_ON, .has_key = true},
	{.transport = OUTER_GRE, .family = NSH_IPV6, .has_key = true},
	{.transport = OUTER_GRE, .family = NSH_IPV6, .checksum = OUTER_CHECKSUM_ON},
	{.transport = OUTER_UDP, .family = NSH_IPV4, .udp_port = 6633},
	{.transport = OUTER_UDP, .family = NSH_IPV6, .udp_port = 6633},
};

static const union nsh_addr src6 = {.bytes = {0xFD, 0, 0, 0x99, [15] = 1}};
static const union nsh_addr dst6 = {.bytes = {0xFD, 0, 0, 0x99, [15] = 2}};

static void
dump(struct emitter *e, const uint8_t *frame, size_t size)
{
	struct pcap_pkthdr record = {.ts = {.tv_sec = (time_t)++e->count}};

	record.caplen = record.len = (bpf_u_int32)size;
	pcap_dump((u_char *)e->dumper, &record, frame);
}

/* One frame with the given NSH header on a transport, and its line. */
static void
emit(struct emitter *e, const struct outer_conf *on, const uint8_t *header, size_t header_size, uint8_t np)
{
	const struct nsh_hdr *hdr = (const struct nsh_hdr *)header;
	uint8_t payload[512] = {0}, frame[512 + OUTER_PUSH_MAX];
	struct outer_conf conf = *on;
	struct outer_template t;
	uint16_t entropy;
	size_t size;

	conf.vni = UINT32_C(0x00FFFF00) | (e->count + 1);
	conf.ttl = 64;
	conf.src = on->family == NSH_IPV6 ? src6 : nsh_addr_of4(RTE_BE32(0x0A630001));
	conf.dst = on->family == NSH_IPV6 ? dst6 : nsh_addr_of4(RTE_BE32(0x0A630002));
	memcpy(conf.dmac, dmac, ETH_MAC_SIZE);
	memcpy(conf.smac, smac, ETH_MAC_SIZE);
	memcpy(conf.inner_dmac, dmac, ETH_MAC_SIZE);
	memcpy(conf.inner_smac, smac, ETH_MAC_SIZE);
	if (outer_template_init(&t, &conf) != 0)
		abort();
	memcpy(payload, header, header_size);
	size = header_size + build_inner(payload + header_size, np);
	memcpy(frame + t.size, payload, size);
	entropy = outer_entropy((e->count + 1) * 977);
	outer_push(frame, &t, (uint32_t)size, entropy, 0x28, nsh_sum(payload, size));
	dump(e, frame, t.size + size);

	printf("%u oam=%d ttl=%u length=%zu mdtype=%u np=%u spi=%" PRIu32 " si=%u", e->count, nsh_oam(hdr),
		nsh_ttl(hdr), header_size / 4, nsh_md_type(hdr), np, nsh_spi(hdr), nsh_si(hdr));
	printf(" context=");
	for (size_t i = NSH_BASE_SIZE; i < header_size; i++)
		printf("%02x", header[i]);
	printf(" header_at=%u transport=%s family=%d tags=%u inner_ethernet=%d", t.size,
		outer_transport_name(conf.transport), conf.family, conf.tags, conf.inner_ethernet);
	printf(" vni=%" PRIu32 " key=%d port=%u checksum=%d\n", conf.vni, conf.has_key, entropy, t.needs_sum);
}

static size_t
build_md2_with_tlvs(uint8_t *header, unsigned int variant)
{
	uint8_t tlvs[NSH_MAX_SIZE];
	size_t size = 0;

	for (unsigned int i = 0; i <= variant; i++)
		size += nsh_md2_put(tlvs + size, sizeof(tlvs) - size, NSH_MD_CLASS_IETF, NSH_MD2_TENANT,
			"0123456789abcdef", i * 3 % 17);
	return nsh_build_md2(header, nsh_sp_make(0x800000 + variant, 7), 12, NSH_NP_ETHERNET, tlvs, size);
}

/* Every NSH header on every transport. */
static void
emit_nsh(struct emitter *e)
{
	static const uint32_t context[NSH_MD1_WORDS] = {0xDEADBEEF, 2, 3, 0xFFFFFFFF};
	static const uint32_t sps[] = {0, 0x000064FF, 0x123456FE, UINT32_MAX};
	static const uint8_t nps[] = {NSH_NP_IPV4, NSH_NP_ETHERNET};
	uint8_t header[NSH_MAX_SIZE];

	for (size_t c = 0; c < sizeof(confs) / sizeof(confs[0]); c++) {
		for (size_t s = 0; s < sizeof(sps) / sizeof(sps[0]); s++) {
			for (size_t n = 0; n < sizeof(nps); n++) {
				size_t size = nsh_build_md1(
					header, sps[s], (uint8_t)(63 - s * 21), nps[n], context);

				emit(e, &confs[c], header, size, nps[n]);
				size = nsh_build_md2(header, sps[s], (uint8_t)(s * 21), nps[n], NULL, 0);
				nsh_oam_set((struct nsh_hdr *)header, s % 2 != 0);
				emit(e, &confs[c], header, size, nps[n]);
			}
		}
		for (unsigned int variant = 0; variant < 12; variant++)
			emit(e, &confs[c], header, build_md2_with_tlvs(header, variant), NSH_NP_ETHERNET);
	}
}

static size_t
start(uint8_t *frame, const uint8_t *to, uint16_t type)
{
	eth_build(frame, to, smac, type);
	return ETH_HDR_SIZE;
}

static void
emit_arp(struct emitter *e)
{
	static const uint8_t broadcast[ETH_MAC_SIZE] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
	const rte_be32_t us = RTE_BE32(0x0A630001), them = RTE_BE32(0x0A630002);
	struct arp_info request = {.op = ARP_REQUEST, .sender = them, .target = us};
	uint8_t frame[ETH_HDR_SIZE + ARP_SIZE];

	memcpy(request.sender_mac, dmac, ETH_MAC_SIZE);
	start(frame, broadcast, ETH_ARP);
	arp_build_request(frame + ETH_HDR_SIZE, smac, us, them);
	dump(e, frame, sizeof(frame));
	printf("%u arp.opcode=1 arp.src.proto_ipv4=10.99.0.1 arp.dst.proto_ipv4=10.99.0.2", e->count);
	printf(" arp.src.hw_mac=02:00:00:00:0a:01\n");
	arp_build_announcement(frame + ETH_HDR_SIZE, smac, us);
	dump(e, frame, sizeof(frame));
	printf("%u arp.opcode=1 arp.src.proto_ipv4=10.99.0.1 arp.dst.proto_ipv4=10.99.0.1", e->count);
	printf(" arp.src.hw_mac=02:00:00:00:0a:01 arp.isgratuitous=1\n");
	start(frame, dmac, ETH_ARP);
	arp_build_reply(frame + ETH_HDR_SIZE, &request, smac);
	dump(e, frame, sizeof(frame));
	printf("%u arp.opcode=2 arp.src.proto_ipv4=10.99.0.1 arp.dst.proto_ipv4=10.99.0.2", e->count);
	printf(" arp.src.hw_mac=02:00:00:00:0a:01 arp.dst.hw_mac=02:00:00:00:0b:01\n");
}

static void
emit_nd(struct emitter *e)
{
	const union nsh_addr group = nd_solicited_node(&dst6);
	struct nd_info asked = {.type = ND_SOLICITATION, .src = dst6, .dst = src6, .target = src6};
	uint8_t frame[ETH_HDR_SIZE + ND_SIZE_MAX], mac[ETH_MAC_SIZE];
	size_t size;

	nd_multicast_mac(&group, mac);
	size = start(frame, mac, ETH_IPV6);
	size += nd_build_solicitation(frame + size, &src6, &group, &dst6, smac);
	dump(e, frame, size);
	printf("%u icmpv6.type=135 icmpv6.checksum.status=1 ipv6.dst=ff02::1:ff00:2", e->count);
	printf(" icmpv6.nd.ns.target_address=fd00:99::2 icmpv6.opt.linkaddr=02:00:00:00:0a:01\n");
	size = start(frame, dmac, ETH_IPV6);
	size += nd_build_answer(frame + size, &asked, smac);
	dump(e, frame, size);
	printf("%u icmpv6.type=136 icmpv6.checksum.status=1 ipv6.dst=fd00:99::2", e->count);
	printf(" icmpv6.nd.na.target_address=fd00:99::1 icmpv6.nd.na.flag.s=1 icmpv6.nd.na.flag.o=1"
	       " icmpv6.nd.na.flag.r=0 icmpv6.opt.linkaddr=02:00:00:00:0a:01\n");
	size = start(frame, mac, ETH_IPV6);
	size += nd_build_announcement(frame + size, &src6, smac);
	dump(e, frame, size);
	printf("%u icmpv6.type=136 icmpv6.checksum.status=1 ipv6.dst=ff02::1", e->count);
	printf(" icmpv6.nd.na.target_address=fd00:99::1 icmpv6.nd.na.flag.s=0 icmpv6.nd.na.flag.o=1\n");
}

/* A packet of 1,400 bytes of ICMP echo, request or reply, of either family. */
static size_t
build_echo(uint8_t *frame, enum nsh_family family)
{
	struct nsh_ipv4_hdr ip4 = {.version_ihl = NSH_IPV4_VERSION_IHL,
		.total_size = RTE_BE16(NSH_IPV4_SIZE + 1400),
		.fragment = RTE_BE16(NSH_IPV4_DF),
		.ttl = 9,
		.protocol = NSH_IPPROTO_ICMP,
		.src = RTE_BE32(0x0A630002),
		.dst = RTE_BE32(0x0A630001)};
	struct nsh_ipv6_hdr ip6 = {.version_tc_label = RTE_BE32(NSH_IPV6_VERSION),
		.payload_size = RTE_BE16(1400),
		.next_header = NSH_IPPROTO_ICMP6,
		.hop_limit = 9};
	struct icmp_hdr icmp = {
		.type = family == NSH_IPV4 ? ICMP4_ECHO : ICMP6_ECHO, .rest = RTE_BE32(0x12340007)};
	size_t size = start(frame, dmac, family == NSH_IPV4 ? ETH_IPV4 : ETH_IPV6);
	uint64_t sum = 0;

	memcpy(ip6.src, dst6.bytes, sizeof(ip6.src));
	memcpy(ip6.dst, src6.bytes, sizeof(ip6.dst));
	ip4.checksum = (uint16_t)~nsh_sum(&ip4, sizeof(ip4));
	if (family == NSH_IPV4) {
		memcpy(frame + size, &ip4, sizeof(ip4));
		size += sizeof(ip4);
	} else {
		memcpy(frame + size, &ip6, sizeof(ip6));
		size += sizeof(ip6);
		sum = nsh_sum_pseudo6(ip6.src, ip6.dst, NSH_IPPROTO_ICMP6, 1400);
	}
	memset(frame + size, 0x5A, 1400);
	memcpy(frame + size, &icmp, sizeof(icmp));
	icmp.checksum = nsh_sum_checksum(sum + nsh_sum(frame + size, 1400));
	memcpy(frame + size, &icmp, sizeof(icmp));
	return size + 1400;
}

static void
emit_icmp(struct emitter *e)
{
	const union nsh_addr us4 = nsh_addr_of4(RTE_BE32(0x0A630001));
	uint8_t frame[1500], message[ICMP_TOO_BIG_MAX];
	size_t size = build_echo(frame, NSH_IPV4), message_size;

	message_size = icmp_too_big(message, frame, size, 1300, NULL);
	dump(e, message, message_size);
	printf("%u icmp.type=3 icmp.code=4 icmp.mtu=1300 icmp.checksum.status=1 ip.len=576", e->count);
	printf(" ip.src=10.99.0.1 ip.dst=10.99.0.2 ip.checksum.status=1\n");
	dump(e, frame, size);
	printf("%u icmp.type=8 icmp.checksum.status=1\n", e->count);
	if (!icmp_echo_reply(frame, size, &us4))
		abort();
	dump(e, frame, size);
	printf("%u icmp.type=0 icmp.checksum.status=1 ip.src=10.99.0.1 ip.ttl=64 ip.checksum.status=1",
		e->count);
	printf(" icmp.seq=7 icmp.resp_to=%u\n", e->count - 1);

	size = build_echo(frame, NSH_IPV6);
	message_size = icmp_too_big(message, frame, size, 1300, NULL);
	dump(e, message, message_size);
	printf("%u icmpv6.type=2 icmpv6.code=0 icmpv6.mtu=1300 icmpv6.checksum.status=1", e->count);
	printf(" ipv6.plen=1240 ipv6.src=fd00:99::1 ipv6.dst=fd00:99::2\n");
	dump(e, frame, size);
	printf("%u icmpv6.type=128 icmpv6.checksum.status=1\n", e->count);
	if (!icmp_echo_reply(frame, size, &src6))
		abort();
	dump(e, frame, size);
	printf("%u icmpv6.type=129 icmpv6.checksum.status=1 ipv6.src=fd00:99::1 ipv6.hlim=64", e->count);
	printf(" icmpv6.echo.sequence_number=7 icmpv6.resp_to=%u\n", e->count - 1);
}

int
main(int argc, char **argv)
{
	struct emitter e = {0};
	pcap_t *pcap = pcap_open_dead(DLT_EN10MB, 65535);

	if (argc != 3 || pcap == NULL || (e.dumper = pcap_dump_open(pcap, argv[2])) == NULL) {
		fprintf(stderr, "usage: emit_pcap nsh|underlay FILE.pcap\n");
		return 1;
	}
	if (strcmp(argv[1], "nsh") == 0) {
		emit_nsh(&e);
	} else {
		emit_arp(&e);
		emit_nd(&e);
		emit_icmp(&e);
	}
	if (pcap_dump_flush(e.dumper) != 0) {
		fprintf(stderr, "%s: cannot write\n", argv[2]);
		return 1;
	}
	pcap_dump_close(e.dumper);
	pcap_close(pcap);
	return 0;
}
