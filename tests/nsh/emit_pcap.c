/*
 * Write a capture of frames built by our code, and what each must decode to as one line of text:
 * emit_pcap FILE.pcap > FILE.txt. Two foreign decoders then read the capture (check_decoders.py).
 *
 * Line: frame number and key=value words; "-" where a field does not apply.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <pcap/pcap.h>

#include "nsh_build.h"
#include "nsh_md2.h"
#include "vxlan_gpe.h"

enum transport {
	ON_ETHERNET,
	ON_VLAN,
	ON_GPE,
	ON_GPE_CHECKSUM, /* with a UDP checksum */
};

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

static size_t
build_outer(uint8_t *frame, enum transport transport)
{
	switch (transport) {
	case ON_ETHERNET:
		eth_build(frame, dmac, smac, NSH_ETHERTYPE);
		return ETH_HDR_SIZE;
	case ON_VLAN:
		eth_build_tagged(frame, dmac, smac, 30, NSH_ETHERTYPE);
		return ETH_HDR_SIZE + ETH_TAG_SIZE;
	default:
		return VXLAN_GPE_OUTER_SIZE;
	}
}

static void
push_gpe(uint8_t *frame, size_t size, uint32_t vni, uint16_t port, uint16_t id, enum transport transport)
{
	struct vxlan_gpe_template t;

	vxlan_gpe_template_init(&t, dmac, smac, 0x0A630001, 0x0A630002, vni, 64);
	vxlan_gpe_push(frame, &t, (uint16_t)(size - VXLAN_GPE_OUTER_SIZE), port, id, 0x28);
	if (transport == ON_GPE_CHECKSUM) {
		struct vxlan_gpe_outer *o = (struct vxlan_gpe_outer *)frame;

		o->udp.checksum = rte_cpu_to_be_16(vxlan_gpe_udp_checksum(frame, size));
	}
}

/* One frame with the given NSH header on a transport, and its line. */
static void
emit(struct emitter *e, enum transport transport, const uint8_t *header, size_t header_size, uint8_t np)
{
	struct pcap_pkthdr record = {.ts = {.tv_sec = (time_t)++e->count}};
	uint32_t vni = 0x00FFFF00 | e->count;
	uint16_t port = vxlan_gpe_src_port(e->count * 977);
	const struct nsh_hdr *hdr = (const struct nsh_hdr *)header;
	uint8_t frame[512] = {0};
	size_t outer = build_outer(frame, transport), size = outer;

	memcpy(frame + size, header, header_size);
	size += header_size;
	size += build_inner(frame + size, np);
	if (transport == ON_GPE || transport == ON_GPE_CHECKSUM)
		push_gpe(frame, size, vni, port, (uint16_t)(e->count * 4099), transport);
	record.caplen = record.len = (bpf_u_int32)size;
	pcap_dump((u_char *)e->dumper, &record, frame);

	printf("%u oam=%d ttl=%u length=%zu mdtype=%u np=%u spi=%" PRIu32 " si=%u", e->count, nsh_oam(hdr),
		nsh_ttl(hdr), header_size / 4, nsh_md_type(hdr), np, nsh_spi(hdr), nsh_si(hdr));
	printf(" context=");
	for (size_t i = NSH_BASE_SIZE; i < header_size; i++)
		printf("%02x", header[i]);
	printf(" header_at=%zu", outer);
	if (outer == VXLAN_GPE_OUTER_SIZE)
		printf(" vni=%" PRIu32 " port=%u udp_checksum=%d\n", vni, port, transport == ON_GPE_CHECKSUM);
	else
		printf(" vni=- port=- udp_checksum=-\n");
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

int
main(int argc, char **argv)
{
	static const uint32_t context[NSH_MD1_WORDS] = {0xDEADBEEF, 2, 3, 0xFFFFFFFF};
	static const uint32_t sps[] = {0, 0x000064FF, 0x123456FE, UINT32_MAX};
	static const uint8_t nps[] = {NSH_NP_IPV4, NSH_NP_ETHERNET};
	struct emitter e = {0};
	pcap_t *pcap = pcap_open_dead(DLT_EN10MB, 65535);
	uint8_t header[NSH_MAX_SIZE];

	if (argc != 2 || pcap == NULL || (e.dumper = pcap_dump_open(pcap, argv[1])) == NULL) {
		fprintf(stderr, "usage: emit_pcap FILE.pcap\n");
		return 1;
	}
	for (enum transport t = ON_ETHERNET; t <= ON_GPE_CHECKSUM; t++) {
		for (size_t s = 0; s < sizeof(sps) / sizeof(sps[0]); s++) {
			for (size_t n = 0; n < sizeof(nps); n++) {
				size_t size = nsh_build_md1(
					header, sps[s], (uint8_t)(63 - s * 21), nps[n], context);

				emit(&e, t, header, size, nps[n]);
				size = nsh_build_md2(header, sps[s], (uint8_t)(s * 21), nps[n], NULL, 0);
				nsh_oam_set((struct nsh_hdr *)header, s % 2 != 0);
				emit(&e, t, header, size, nps[n]);
			}
		}
		for (unsigned int variant = 0; variant < 12; variant++)
			emit(&e, t, header, build_md2_with_tlvs(header, variant), NSH_NP_ETHERNET);
	}
	if (pcap_dump_flush(e.dumper) != 0) {
		fprintf(stderr, "%s: cannot write\n", argv[1]);
		return 1;
	}
	pcap_dump_close(e.dumper);
	pcap_close(pcap);
	return 0;
}
