#include "frames.h"

#include <stdio.h>
#include <stdlib.h>

const uint8_t mac_here[6] = {0x02, 0, 0, 0, 0x0a, 0x01};
const uint8_t mac_there[6] = {0x02, 0, 0, 0, 0x0b, 0x01};

#define ADDRESS_CLIENT 0x0a000001u /* 10.0.0.1 */
#define ADDRESS_SERVER 0x0a010001u

static void
udp(struct frame *f, uint32_t src, uint32_t dst, uint16_t src_port, uint16_t dst_port, uint32_t payload)
{
	static const uint8_t a[6] = {0x02, 0x11, 0x11, 0x11, 0x11, 0x11},
			     b[6] = {0x02, 0x22, 0x22, 0x22, 0x22, 0x22};
	struct nsh_ipv4_hdr ip = {
		.version_ihl = NSH_IPV4_VERSION_IHL,
		.total_size = rte_cpu_to_be_16((uint16_t)(NSH_IPV4_SIZE + NSH_UDP_SIZE + payload)),
		.ttl = 64,
		.protocol = NSH_IPPROTO_UDP,
		.src = rte_cpu_to_be_32(src),
		.dst = rte_cpu_to_be_32(dst),
	};
	struct nsh_udp_hdr header = {
		.src_port = rte_cpu_to_be_16(src_port),
		.dst_port = rte_cpu_to_be_16(dst_port),
		.size = rte_cpu_to_be_16((uint16_t)(NSH_UDP_SIZE + payload)),
	};

	eth_build(f->bytes, a, b, ETH_IPV4);
	memcpy(f->bytes + ETH_HDR_SIZE, &ip, sizeof(ip));
	frame_fix_ip(f, ETH_HDR_SIZE);
	memcpy(f->bytes + ETH_HDR_SIZE + sizeof(ip), &header, sizeof(header));
	f->size = ETH_HDR_SIZE + sizeof(ip) + sizeof(header);
	for (uint32_t i = 0; i < payload; i++)
		f->bytes[f->size++] = (uint8_t)(i * 7 + (i >> 8) + src_port);
}

void
frame_udp(struct frame *f, uint16_t src_port, uint16_t dst_port, uint32_t payload)
{
	udp(f, ADDRESS_CLIENT, ADDRESS_SERVER, src_port, dst_port, payload);
}

void
frame_udp_back(struct frame *f, uint16_t src_port, uint16_t dst_port, uint32_t payload)
{
	udp(f, ADDRESS_SERVER, ADDRESS_CLIENT, src_port, dst_port, payload);
}

void
frame_push(struct frame *f, const void *bytes, size_t size)
{
	if (f->size + size > sizeof(f->bytes)) {
		fprintf(stderr, "a test frame is larger than %zu bytes\n", sizeof(f->bytes));
		abort();
	}
	memmove(f->bytes + size, f->bytes, f->size);
	if (bytes != NULL)
		memcpy(f->bytes, bytes, size);
	else
		memset(f->bytes, 0, size);
	f->size += (uint32_t)size;
}

void
frame_pull(struct frame *f, size_t size)
{
	f->size -= (uint32_t)size;
	memmove(f->bytes, f->bytes + size, f->size);
}

void
frame_md1(struct frame *f, uint32_t spi, uint8_t si, uint8_t ttl, uint8_t np)
{
	static const uint32_t words[NSH_MD1_WORDS] = {0x01020304, 0x11121314, 0x21222324, 0x31323334};
	uint8_t header[NSH_MD1_SIZE];

	frame_push(f, header, nsh_build_md1(header, nsh_sp_make(spi, si), ttl, np, words));
}

void
frame_md2(struct frame *f, uint32_t spi, uint8_t si, uint8_t ttl, uint8_t np, const void *tlvs, size_t size)
{
	uint8_t header[NSH_MAX_SIZE];

	frame_push(f, header, nsh_build_md2(header, nsh_sp_make(spi, si), ttl, np, tlvs, size));
}

void
frame_gpe(struct frame *f, uint16_t src_port)
{
	struct outer_conf conf = {
		.transport = OUTER_VXLAN_GPE,
		.family = NSH_IPV4,
		.src = nsh_addr_of4(rte_cpu_to_be_32(ADDRESS_THERE)),
		.dst = nsh_addr_of4(rte_cpu_to_be_32(ADDRESS_HERE)),
		.vni = VNI_HERE,
		.ttl = 64,
	};
	uint8_t outer[OUTER_PUSH_MAX];
	struct outer_template t;

	memcpy(conf.dmac, mac_here, sizeof(conf.dmac));
	memcpy(conf.smac, mac_there, sizeof(conf.smac));
	if (outer_template_init(&t, &conf) != 0)
		abort();
	outer_push(outer, &t, f->size, src_port, 0, 0);
	frame_push(f, outer, t.size);
}

void
frame_fix_ip(struct frame *f, size_t ip_at)
{
	struct nsh_ipv4_hdr *ip = (struct nsh_ipv4_hdr *)(f->bytes + ip_at);

	ip->checksum = 0;
	ip->checksum = (uint16_t)~nsh_sum(ip, (size_t)(ip->version_ihl & 0xf) * 4);
}

void
frame_transport(struct frame *f, uint32_t spi, uint8_t si, uint8_t ttl)
{
	frame_udp(f, 4000, 5000, 40);
	frame_md1(f, spi, si, ttl, NSH_NP_ETHERNET);
	frame_gpe(f, 50000);
}

bool
frame_equal(const struct frame *a, const struct frame *b)
{
	return a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
}
