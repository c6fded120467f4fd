/* SFs without NSH (RFC 7665, 4.6; RFC 8300, 3): what they get, and what comes back becomes. */
#include "stages.h"

#include "arp.h"
#include "nd.h"
#include "sff_proxy.h"

#include <rte_cycles.h>

static struct frame in, out, got;

static struct nsh_hdr *
nsh_of(struct frame *f)
{
	return (struct nsh_hdr *)(f->bytes + OUTER_GPE4_SIZE);
}

/* A frame from there to the first position of a path, all U bits set and TTL 17. */
static void
from_there(uint32_t spi, uint8_t np)
{
	frame_md1(&in, spi, 255, 17, np);
	((struct nsh_hdr *)in.bytes)->base |= RTE_BE32(NSH_U_MASK);
	frame_gpe(&in, 50000);
}

static void
to_sf(struct fixture *f, const char *what, enum fixture_port_index sf)
{
	char want[80];

	snprintf(want, sizeof(want), "to %s", f->fake[sf].pmd.name);
	expect_frame(f, what, CORE, &in, want, sf, &got);
}

static void
x1_n5_n6_the_whole_header_comes_back(void **state)
{
	static const struct {
		enum fixture_port_index sf;
		uint32_t spi;
	} rows[] = {{FLOW_1, 206}, {TAG_1, 204}, {ADDR_1, 213}, {ONLY_1, 209}};
	struct fixture *f = *state;

	for (unsigned int i = 0; i < RTE_DIM(rows); i++)
		for (size_t tlvs = 0; tlvs <= 3; tlvs++) {
			static const size_t sizes[] = {0, 0, 16, NSH_MAX_SIZE - NSH_BASE_SIZE};
			uint8_t tlv[NSH_MAX_SIZE];

			for (size_t b = 0; b < sizeof(tlv); b++)
				tlv[b] = (uint8_t)(b * 13 + 1);
			frame_udp(&in, 4000, 5000, 40);
			if (tlvs == 0) {
				from_there(rows[i].spi, NSH_NP_ETHERNET);
			} else {
				frame_md2(&in, rows[i].spi, 255, 17, NSH_NP_ETHERNET, tlv, sizes[tlvs]);
				((struct nsh_hdr *)in.bytes)->base |= RTE_BE32(NSH_U_MASK);
				frame_gpe(&in, 50000);
			}
			to_sf(f, "there", rows[i].sf);
			expect_frame(f, "back", rows[i].sf, &got, "to core", CORE, &out);
			/* N5, N6: the proxy took the TTL of this SFF's visit, and SI - 1. */
			assert_true(nsh_si_dec(nsh_of(&in)));
			nsh_ttl_dec(nsh_of(&in));
			assert_int_equal(out.size, in.size);
			assert_memory_equal(nsh_of(&out), nsh_of(&in), in.size - OUTER_GPE4_SIZE);
		}
}

static void
n18_the_sf_gets_the_frame_inside(void **state)
{
	struct fixture *f = *state;
	struct frame *inside = &out;
	uint8_t position[6] = {0x02, 0x53, 0, 0, 213, 255};

	frame_udp(inside, 4000, 5000, 40);
	in = *inside;
	from_there(206, NSH_NP_ETHERNET);
	to_sf(f, "flow", FLOW_1);
	assert_frame_equal(&got, inside);
	in = *inside;
	from_there(204, NSH_NP_ETHERNET);
	to_sf(f, "tag", TAG_1);
	assert_int_equal(got.size, inside->size + ETH_TAG_SIZE);
	assert_memory_equal(got.bytes, inside->bytes, 12);
	assert_memory_equal(got.bytes + 12, "\x81\0\0", 3);
	/* Positions in the order of the file: two of path tag, then that of tag-md2. */
	assert_int_equal(got.bytes[15], 3);
	assert_memory_equal(got.bytes + 16, inside->bytes + 12, inside->size - 12);
	in = *inside;
	from_there(213, NSH_NP_ETHERNET);
	to_sf(f, "addr", ADDR_1);
	assert_memory_equal(got.bytes + 6, position, 6);
	memcpy(got.bytes + 6, inside->bytes + 6, 6);
	assert_frame_equal(&got, inside);
}

static void
x1_a_static_proxy_makes_the_header_of_its_only_position(void **state)
{
	struct fixture *f = *state;

	frame_udp(&in, 1, 1200, 60);
	expect_frame(f, "to the SF", LAN, &in, "to stat-1", STAT_1, &got);
	assert_frame_equal(&got, &in);
	/* Anything it sends is of that path: also what nobody sent it. */
	frame_udp(&in, 77, 78, 60);
	expect_frame(f, "made up", STAT_1, &in, "to wan", WAN, &out);
	assert_frame_equal(&out, &in);
}

static void
a_template_has_the_ttl_and_md_type_of_the_path(void **state)
{
	struct fixture *f = *state;
	uint8_t want[NSH_MD1_SIZE];
	size_t size;

	/* A tag tells the position, the flow is unknown. */
	frame_udp(&in, 9, 9, 60);
	got = in;
	frame_push(&in, NULL, ETH_TAG_SIZE);
	memcpy(in.bytes, got.bytes, 12);
	memcpy(in.bytes + 12, "\x81\0\0\3", 4);
	expect_frame(f, "tag", TAG_1, &in, "to core", CORE, &out);
	size = nsh_build_md2(want, nsh_sp_make(204, 254), 50, NSH_NP_ETHERNET, NULL, 0);
	assert_memory_equal(nsh_of(&out), want, size);
	assert_int_equal(out.size, OUTER_GPE4_SIZE + size + got.size);
	assert_memory_equal(out.bytes + OUTER_GPE4_SIZE + size, got.bytes, got.size);
	/* A source address does, and is lost. */
	memcpy(got.bytes + 6, "\x02\x53\0\0\xd5\xff", 6);
	expect_frame(f, "mac", ADDR_1, &got, "to core", CORE, &out);
	size = nsh_build_md1(want, nsh_sp_make(213, 254), 63, NSH_NP_ETHERNET, NULL);
	assert_memory_equal(nsh_of(&out), want, size);
	assert_memory_equal(out.bytes + OUTER_GPE4_SIZE + size + 6, sff_sf_side_mac, 6);
}

static void
x2_next_protocol_is_that_of_what_came_back(void **state)
{
	struct fixture *f = *state;
	uint8_t ip6[ETH_HDR_SIZE + NSH_IPV6_SIZE + 8] = {0};

	frame_udp(&in, 4000, 5000, 40);
	frame_pull(&in, ETH_HDR_SIZE);
	out = in;
	from_there(206, NSH_NP_IPV4);
	to_sf(f, "IPv4", FLOW_1);
	assert_memory_equal(got.bytes, f->port[FLOW_1].sf_mac, 6);
	assert_memory_equal(got.bytes + 6, sff_sf_side_mac, 6);
	assert_memory_equal(got.bytes + 12, "\x08\0", 2);
	assert_int_equal(got.size, out.size + ETH_HDR_SIZE);
	assert_memory_equal(got.bytes + ETH_HDR_SIZE, out.bytes, out.size);
	/* Padding of the SF is not payload. */
	memset(got.bytes + got.size, 0xee, 9);
	got.size += 9;
	expect_frame(f, "IPv4 back", FLOW_1, &got, "to core", CORE, &out);
	assert_int_equal(nsh_np(nsh_of(&out)), NSH_NP_IPV4);
	assert_int_equal(out.size, in.size);
	assert_memory_equal(out.bytes + OUTER_GPE4_SIZE + NSH_MD1_SIZE,
		in.bytes + OUTER_GPE4_SIZE + NSH_MD1_SIZE, in.size - OUTER_GPE4_SIZE - NSH_MD1_SIZE);

	/* A translator: policy template knows the one path, the frame says which IP. */
	ip6[12] = 0x86;
	ip6[13] = 0xdd;
	ip6[ETH_HDR_SIZE] = 0x60;
	ip6[ETH_HDR_SIZE + 5] = 8;
	ip6[ETH_HDR_SIZE + 6] = 59;
	in.size = 0;
	frame_push(&in, ip6, sizeof(ip6));
	expect_frame(f, "IPv6", ONLY_1, &in, "to core", CORE, &out);
	assert_int_equal(nsh_np(nsh_of(&out)), NSH_NP_IPV6);
	assert_int_equal(out.size, OUTER_GPE4_SIZE + NSH_MD1_SIZE + sizeof(ip6) - ETH_HDR_SIZE);
	in.bytes[12] = 0x88;
	expect(f, "neither", ONLY_1, &in, "proxy_input: sf-frame");
	in.size = ETH_HDR_SIZE + 12;
	in.bytes[12] = 0x86;
	expect(f, "cut", ONLY_1, &in, "proxy_input: sf-frame");
}

static void
x3_a_flow_that_was_never_sent_is_a_miss(void **state)
{
	struct fixture *f = *state;

	frame_udp(&in, 4000, 5000, 40);
	expect(f, "unknown", FLOW_1, &in, "proxy_input: proxy-miss");
	from_there(206, NSH_NP_ETHERNET);
	to_sf(f, "known", FLOW_1);
	expect(f, "its own", FLOW_1, &got, "to core");
	expect(f, "again", FLOW_1, &got, "to core");
	/* The other direction has a header of its own, once it was seen. */
	frame_udp_back(&in, 5000, 4000, 40);
	out = in;
	expect(f, "other direction", FLOW_1, &in, "proxy_input: proxy-miss");
	frame_md1(&in, 201, 255, 63, NSH_NP_ETHERNET);
	frame_gpe(&in, 50000);
	to_sf(f, "back", FLOW_1);
	expect(f, "other direction, seen", FLOW_1, &out, "to wan");
	fixture_forget(f);
	/* Another SF's flows are not known here. */
	expect(f, "another circuit", GUESS_1, &out, "proxy_input: proxy-miss");
	/* What is not IP is told by its addresses and type. */
	frame_udp(&in, 1, 2, 40);
	in.bytes[12] = 0x88;
	from_there(206, NSH_NP_ETHERNET);
	to_sf(f, "not IP", FLOW_1);
	expect(f, "not IP, back", FLOW_1, &got, "to core");
	got.bytes[13] ^= 1;
	expect(f, "another type", FLOW_1, &got, "proxy_input: proxy-miss");
}

static void
x3_template_sends_an_answer_of_the_sf_on_the_reverse_path(void **state)
{
	struct fixture *f = *state;

	frame_udp_back(&in, 1207, 10, 20);
	expect(f, "nothing known, two positions", GUESS_1, &in, "proxy_input: proxy-miss");
	frame_udp(&in, 10, 1207, 20);
	expect_frame(f, "a flow", LAN, &in, "to guess-1", GUESS_1, &got);
	frame_udp_back(&in, 1207, 10, 20);
	expect_frame(f, "its answer", GUESS_1, &in, "to lan", LAN, &out);
	assert_frame_equal(&out, &in);
	/* The way back has no way back of its own. */
	frame_udp_back(&in, 50, 51, 20);
	frame_md1(&in, 208, 255, 63, NSH_NP_ETHERNET);
	frame_gpe(&in, 50000);
	to_sf(f, "reverse path", GUESS_1);
	frame_udp(&in, 51, 50, 20);
	expect(f, "answer to it", GUESS_1, &in, "proxy_input: proxy-miss");
}

static void
flows_are_forgotten_when_idle(void **state)
{
	struct fixture *f = *state;

	frame_udp(&in, 10, 1207, 20);
	expect_frame(f, "a flow", LAN, &in, "to guess-1", GUESS_1, &got);
	expect(f, "at once", GUESS_1, &got, "to wan");
	rte_delay_us_sleep(1300000);
	expect(f, "after idle", GUESS_1, &got, "proxy_input: proxy-miss");
}

static void
fragment_of(struct frame *frame, uint16_t id, uint16_t offset)
{
	struct nsh_ipv4_hdr *ip = (struct nsh_ipv4_hdr *)(frame->bytes + ETH_HDR_SIZE);
	uint8_t *raw = (uint8_t *)ip;

	raw[4] = (uint8_t)(id >> 8);
	raw[5] = (uint8_t)id;
	raw[6] = (uint8_t)(offset >> 8);
	raw[7] = (uint8_t)offset;
	frame_fix_ip(frame, ETH_HDR_SIZE);
}

#define MORE 0x2000 /* RFC 791, 3.1 */

static void
x3_later_fragments_are_found_by_their_identification(void **state)
{
	static struct frame first, later;
	struct fixture *f = *state;

	frame_udp(&first, 4000, 5000, 40);
	fragment_of(&first, 7, MORE);
	frame_udp(&later, 1, 2, 40);
	fragment_of(&later, 7, 6);
	in = first;
	from_there(206, NSH_NP_ETHERNET);
	to_sf(f, "first", FLOW_1);
	/* A rule with ports did not see the later one: another path. */
	in = later;
	frame_md1(&in, 201, 255, 63, NSH_NP_ETHERNET);
	frame_gpe(&in, 50000);
	to_sf(f, "later", FLOW_1);
	expect(f, "first", FLOW_1, &first, "to core");
	expect(f, "later", FLOW_1, &later, "to wan");
	fragment_of(&later, 8, 6);
	expect(f, "another datagram", FLOW_1, &later, "proxy_input: proxy-miss");
	/* The SF itself cuts up a datagram of a known flow. */
	frame_udp(&first, 4000, 5000, 40);
	fragment_of(&first, 9, MORE);
	fragment_of(&later, 9, 6);
	expect(f, "first of the SF's", FLOW_1, &first, "to core");
	expect(f, "later of the SF's", FLOW_1, &later, "to core");
}

static void
x3_later_fragments_of_ipv6_too(void **state)
{
	struct fixture *f = *state;
	uint8_t bytes[ETH_HDR_SIZE + NSH_IPV6_SIZE + 8 + 8 + 16] = {0};

	bytes[12] = 0x86;
	bytes[13] = 0xdd;
	bytes[14] = 0x60;
	bytes[19] = 32;
	bytes[20] = 60; /* destination options, then the fragment header */
	bytes[54] = 44;
	bytes[62] = 17;
	bytes[64] = 0x10; /* a later fragment */
	bytes[69] = 3;    /* identification */
	in.size = 0;
	frame_push(&in, bytes, sizeof(bytes));
	out = in;
	from_there(206, NSH_NP_ETHERNET);
	to_sf(f, "fragment", FLOW_1);
	expect(f, "back", FLOW_1, &out, "to core");
	out.bytes[69] = 4;
	expect(f, "another datagram", FLOW_1, &out, "proxy_input: proxy-miss");
}

static void
arp_of(struct frame *frame, const struct sff_port *port, rte_be32_t sender, rte_be32_t target)
{
	static const uint8_t all[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

	eth_build(frame->bytes, all, port->sf_mac, ETH_ARP);
	arp_build_request(frame->bytes + ETH_HDR_SIZE, port->sf_mac, sender, target);
	frame->size = ETH_HDR_SIZE + ARP_SIZE;
}

static void
x3_arp_of_the_sf_is_answered(void **state)
{
	static const enum fixture_port_index sfs[] = {STAT_1, FLOW_1, TAG_1, ADDR_1, GUESS_1};
	struct fixture *f = *state;
	struct arp_info info;

	for (unsigned int i = 0; i < RTE_DIM(sfs); i++) {
		const struct sff_port *port = &f->port[sfs[i]];
		char want[80];

		snprintf(want, sizeof(want), "to %s", f->fake[sfs[i]].pmd.name);
		arp_of(&in, port, RTE_BE32(0x0a000005), RTE_BE32(0x0a000001));
		/* Ethernet pads. */
		memset(in.bytes + in.size, 0, 18);
		in.size += 18;
		expect_frame(f, "request", sfs[i], &in, want, sfs[i], &out);
		assert_memory_equal(out.bytes, port->sf_mac, 6);
		assert_memory_equal(out.bytes + 6, sff_sf_side_mac, 6);
		assert_int_equal(out.size, ETH_HDR_SIZE + ARP_SIZE);
		assert_true(arp_parse(out.bytes + ETH_HDR_SIZE, ARP_SIZE, &info));
		assert_int_equal(info.op, ARP_REPLY);
		assert_int_equal(info.sender, RTE_BE32(0x0a000001));
		assert_memory_equal(info.sender_mac, sff_sf_side_mac, 6);
	}
	arp_of(&in, &f->port[FLOW_1], 0, RTE_BE32(0x0a000005));
	expect(f, "probe", FLOW_1, &in, "proxy_neighbor: proxy-local");
	arp_of(&in, &f->port[FLOW_1], RTE_BE32(0x0a000005), RTE_BE32(0x0a000005));
	expect(f, "announcement", FLOW_1, &in, "proxy_neighbor: proxy-local");
	in.size = ETH_HDR_SIZE + ARP_SIZE - 1;
	expect(f, "cut", FLOW_1, &in, "proxy_neighbor: proxy-local");
	/* That of others is theirs: part of a path, or nothing. */
	arp_of(&in, &f->port[FW_1], RTE_BE32(0x0a000005), RTE_BE32(0x0a000001));
	expect(f, "of a host", FLOW_1, &in, "proxy_input: proxy-miss");
	out = in;
	from_there(206, NSH_NP_ETHERNET);
	to_sf(f, "of a host, on a path", FLOW_1);
	expect(f, "and back", FLOW_1, &out, "to core");
}

/* Checksum of an ICMPv6 message right behind the IPv6 header; RFC 8200, 8.1. */
static void
fix_icmpv6(struct frame *frame)
{
	uint8_t *ip = frame->bytes + ETH_HDR_SIZE, *sum = ip + NSH_IPV6_SIZE + 2;
	uint32_t total = 58u + ip[5], end = NSH_IPV6_SIZE + (uint32_t)ip[5];

	sum[0] = sum[1] = 0;
	for (uint32_t at = 8; at < end; at += 2)
		total += (uint32_t)ip[at] << 8 | ip[at + 1];
	total = (total & 0xffff) + (total >> 16);
	total = (total & 0xffff) + (total >> 16);
	sum[0] = (uint8_t)(~total >> 8);
	sum[1] = (uint8_t)~total;
}

static void
x3_neighbour_solicitations_of_the_sf_are_answered(void **state)
{
	struct fixture *f = *state;
	const struct sff_port *port = &f->port[FLOW_1];
	union nsh_addr us = {.half = {0, 0}}, target = {.half = {0, 0}}, node;
	uint8_t packet[ND_SIZE_MAX], mac[6];
	struct nd_info info;
	size_t size;

	memcpy(us.bytes, "\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\x05", 16);
	memcpy(target.bytes, "\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\x01", 16);
	node = nd_solicited_node(&target);
	nd_multicast_mac(&node, mac);
	size = nd_build_solicitation(packet, &us, &node, &target, port->sf_mac);
	eth_build(in.bytes, mac, port->sf_mac, ETH_IPV6);
	memcpy(in.bytes + ETH_HDR_SIZE, packet, size);
	in.size = (uint32_t)(ETH_HDR_SIZE + size);
	expect_frame(f, "solicitation", FLOW_1, &in, "to flow-1", FLOW_1, &out);
	assert_memory_equal(out.bytes, port->sf_mac, 6);
	assert_int_equal(
		nd_parse(out.bytes + ETH_HDR_SIZE, out.size - ETH_HDR_SIZE, out.size - ETH_HDR_SIZE, &info),
		ND_OK);
	assert_int_equal(info.type, ND_ADVERTISEMENT);
	assert_memory_equal(info.target.bytes, target.bytes, 16);
	assert_memory_equal(info.mac, sff_sf_side_mac, 6);
	in.bytes[ETH_HDR_SIZE + 40 + 2] ^= 1;
	expect(f, "bad checksum", FLOW_1, &in, "proxy_neighbor: proxy-local");
	in.bytes[ETH_HDR_SIZE + 40 + 2] ^= 1;
	/* A question without its option is shorter than the answer, and here its buffer ends with it. */
	in.size -= 8;
	in.bytes[ETH_HDR_SIZE + 5] -= 8;
	fix_icmpv6(&in);
	expect(f, "without its address", FLOW_1, &in, "to flow-1");
	f->headroom = (uint16_t)(RTE_MBUF_DEFAULT_BUF_SIZE - in.size);
	expect(f, "no room", FLOW_1, &in, "proxy_neighbor: no-headroom");
}

static void
x4_an_sf_that_rewrites_the_tuple_needs_a_tag(void **state)
{
	struct fixture *f = *state;

	frame_udp(&in, 4000, 5000, 40);
	from_there(206, NSH_NP_ETHERNET);
	to_sf(f, "flow", FLOW_1);
	got.bytes[ETH_HDR_SIZE + 15] ^= 0x40;
	expect(f, "NAT, by flow", FLOW_1, &got, "proxy_input: proxy-miss");
	frame_udp(&in, 4000, 5000, 40);
	from_there(204, NSH_NP_ETHERNET);
	to_sf(f, "tag", TAG_1);
	got.bytes[ETH_HDR_SIZE + ETH_TAG_SIZE + 15] ^= 0x40;
	expect_frame(f, "NAT, by tag", TAG_1, &got, "to core", CORE, &out);
	assert_int_equal(nsh_sp(nsh_of(&out)), nsh_sp_make(204, 254));
	frame_udp(&in, 1, 1200, 40);
	expect_frame(f, "static", LAN, &in, "to stat-1", STAT_1, &got);
	got.bytes[ETH_HDR_SIZE + 15] ^= 0x40;
	expect(f, "NAT, static", STAT_1, &got, "to wan");
}

static void
x5_oam_packets_are_never_given_to_an_unaware_sf(void **state)
{
	static const uint32_t spis[] = {200, 201, 203, 205, 207, 209};
	struct fixture *f = *state;

	for (unsigned int i = 0; i < RTE_DIM(spis); i++) {
		frame_udp(&in, 4000, 5000, 40);
		from_there(spis[i], NSH_NP_ETHERNET);
		nsh_oam_set(nsh_of(&in), true);
		expect(f, "O bit", CORE, &in, "nsh_input: oam");
	}
}

static void
n12_x5_unknown_metadata_is_not_ignored(void **state)
{
	struct fixture *f = *state;

	/* No rule of the domain gives words to path 202, and function flow carries nothing opaque. */
	frame_udp(&in, 4000, 5000, 40);
	from_there(202, NSH_NP_ETHERNET);
	expect(f, "context", CORE, &in, "proxy_output: proxy-metadata");
	memset(in.bytes + OUTER_GPE4_SIZE + NSH_BASE_SIZE, 0, 16);
	expect(f, "no context", CORE, &in, "to flow-1");
	for (unsigned int b = 0; b < 16; b++) {
		in.bytes[OUTER_GPE4_SIZE + NSH_BASE_SIZE + b] = 1;
		expect(f, "one byte of context", CORE, &in, "proxy_output: proxy-metadata");
		in.bytes[OUTER_GPE4_SIZE + NSH_BASE_SIZE + b] = 0;
	}
	/* A rule gives words to path 206, and function tag carries what it does not know. */
	frame_udp(&in, 4000, 5000, 40);
	from_there(206, NSH_NP_ETHERNET);
	expect(f, "layout known", CORE, &in, "to flow-1");
	frame_udp(&in, 4000, 5000, 40);
	from_there(203, NSH_NP_ETHERNET);
	expect(f, "carried", CORE, &in, "to tag-1");
}

static void
x6_an_unaware_sf_that_is_down_closes_or_is_bypassed(void **state)
{
	struct fixture *f = *state;

	f->plane.up[f->port[FLOW_1].instance] = 0;
	frame_udp(&in, 1, 1201, 40);
	expect(f, "closed", LAN, &in, "sfp_lookup: sf-down");
	f->plane.up[f->port[ADDR_1].instance] = 0;
	frame_udp(&in, 4000, 5000, 40);
	from_there(213, NSH_NP_ETHERNET);
	expect_frame(f, "bypassed", CORE, &in, "to core", CORE, &out);
	assert_int_equal(nsh_sp(nsh_of(&out)), nsh_sp_make(213, 254));
}

static void
a_function_stands_twice_on_a_path(void **state)
{
	static const struct {
		enum fixture_port_index sf;
		uint16_t port;
	} rows[] = {{TAG_1, 1203}, {ADDR_1, 1205}};
	struct fixture *f = *state;
	static struct frame again;

	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		char want[80];

		snprintf(want, sizeof(want), "to %s", f->fake[rows[i].sf].pmd.name);
		frame_udp(&in, 1, rows[i].port, 40);
		expect_frame(f, "first", LAN, &in, want, rows[i].sf, &got);
		expect(f, "then the firewall", rows[i].sf, &got, "to fw-1");
		assert_int_equal(fixture_serve(f, FW_1), 1);
		expect_text("second", fixture_verdict(f), want);
		assert_true(fixture_take(f, rows[i].sf, &again));
		assert_true(!frame_equal(&again, &got));
		expect_frame(f, "the end", rows[i].sf, &again, "to wan", WAN, &out);
		assert_frame_equal(&out, &in);
	}
}

static void
n6_an_unaware_sf_reaches_only_what_follows_a_position_of_its_own(void **state)
{
	struct fixture *f = *state;
	unsigned int accepted = 0;

	frame_udp(&in, 4000, 5000, 40);
	/* Every word of every path, as source address. */
	for (uint32_t spi = 198; spi < 220; spi++)
		for (unsigned int si = 0; si < 256; si++) {
			sff_proxy_mac(nsh_sp_make(spi, (uint8_t)si), in.bytes + 6);
			if (strcmp(fixture_send(f, ADDR_1, &in), "proxy_input: sf-index") != 0)
				accepted++;
			fixture_forget(f);
		}
	assert_int_equal(accepted, 3); /* 205 twice, 213 */
	frame_udp(&in, 4000, 5000, 40);
	expect(f, "no such address", ADDR_1, &in, "proxy_input: proxy-miss");
	/* Every tag. */
	got = in;
	frame_push(&in, NULL, ETH_TAG_SIZE);
	memcpy(in.bytes, got.bytes, 12);
	accepted = 0;
	for (unsigned int tag = 0; tag < 4096; tag++) {
		patch(&in, (struct patch[PATCHES]){{12, 4, (uint32_t)ETH_VLAN << 16 | tag}});
		if (strcmp(fixture_send(f, TAG_1, &in), "proxy_input: proxy-miss") != 0)
			accepted++;
		fixture_forget(f);
	}
	assert_int_equal(accepted, 3); /* 203 twice, 204 */
	expect(f, "no tag", TAG_1, &got, "proxy_input: proxy-miss");
}

static void
frames_an_unaware_sf_may_not_send(void **state)
{
	struct fixture *f = *state;

	frame_udp(&in, 4000, 5000, 40);
	frame_md1(&in, 201, 254, 63, NSH_NP_ETHERNET);
	fixture_wrap_sf(f, FLOW_1, &in);
	expect(f, "NSH", FLOW_1, &in, "proxy_input: nsh-port");
	for (in.size = 0; in.size < ETH_HDR_SIZE; in.size++)
		expect(f, "runt", FLOW_1, &in, "proxy_input: sf-frame");
	frame_udp(&in, 1, 2, 40);
	patch(&in, (struct patch[PATCHES]){{12, 2, ETH_VLAN}});
	in.size = ETH_HDR_SIZE + 2;
	expect(f, "cut tag", FLOW_1, &in, "proxy_input: sf-frame");
}

static void
payloads_an_unaware_sf_cannot_get(void **state)
{
	static const uint8_t nps[] = {NSH_NP_NONE, NSH_NP_NSH, NSH_NP_MPLS, NSH_NP_IOAM};
	struct fixture *f = *state;

	for (unsigned int i = 0; i < RTE_DIM(nps); i++) {
		frame_udp(&in, 4000, 5000, 40);
		from_there(206, nps[i]);
		expect(f, "next protocol", CORE, &in, "proxy_output: nsh-proto");
	}
	frame_udp(&in, 4000, 5000, 40);
	in.size = ETH_HDR_SIZE - 1;
	from_there(206, NSH_NP_ETHERNET);
	expect(f, "runt", CORE, &in, "proxy_output: eth-truncated");
	frame_udp(&in, 4000, 5000, 40);
	memcpy(in.bytes + 12, "\x89\x4f", 2);
	from_there(206, NSH_NP_ETHERNET);
	expect(f, "NSH in NSH", CORE, &in, "proxy_output: nsh-leak");
	f->fake[FLOW_1].pmd.mtu = 1500;
	frame_udp(&in, 1, 1201, 1500 - 42);
	expect(f, "fits", LAN, &in, "to flow-1");
	frame_udp(&in, 1, 1201, 1500 - 41);
	expect(f, "one byte more", LAN, &in, "proxy_output: mtu");
}

static void
a_header_without_room_gets_a_buffer(void **state)
{
	struct fixture *f = *state;
	struct rte_mbuf *held[8192];
	unsigned int n = 0;

	frame_udp(&in, 4000, 5000, 40);
	from_there(206, NSH_NP_ETHERNET);
	to_sf(f, "there", FLOW_1);
	f->headroom = 0;
	expect_frame(f, "back", FLOW_1, &got, "to core", CORE, &out);
	assert_int_equal(out.size, in.size);
	assert_memory_equal(out.bytes + OUTER_GPE4_SIZE + NSH_MD1_SIZE,
		in.bytes + OUTER_GPE4_SIZE + NSH_MD1_SIZE, got.size);
	fixture_put(f, FLOW_1, &got);
	while ((held[n] = rte_pktmbuf_alloc(f->lc->pool)) != NULL)
		n++;
	assert_int_equal(sff_lcore_poll(f->lc, true), 1);
	rte_pktmbuf_free_bulk(held, n);
	assert_int_equal(f->lc->dropped[SFC_DROP_NO_HEADROOM], 1);
	fixture_check(f);
}

static void
proxies_count_what_they_do(void **state)
{
	const struct sff_proxy_count *count;
	struct fixture *f = *state;

	frame_udp(&in, 1, 1201, 40);
	for (int i = 0; i < 3; i++)
		fixture_put(f, LAN, &in);
	fixture_settle(f);
	assert_int_equal(fixture_waiting(f, WAN), 3);
	while (fixture_take(f, WAN, &out))
		assert_frame_equal(&out, &in);
	count = sff_proxy_count(f->lc->proxy[f->port[FLOW_1].function]);
	assert_int_equal(count->saved, 1);
	assert_int_equal(count->restored, 3);
	assert_int_equal(count->missed, 0);
	frame_udp(&in, 2, 1201, 40);
	expect(f, "unknown", FLOW_1, &in, "proxy_input: proxy-miss");
	assert_int_equal(count->missed, 1);
	arp_of(&in, &f->port[FLOW_1], RTE_BE32(0x0a000005), RTE_BE32(0x0a000001));
	expect(f, "ARP", FLOW_1, &in, "to flow-1");
	assert_int_equal(count->answered, 1);
	frame_udp(&in, 3, 4, 40);
	sff_proxy_mac(nsh_sp_make(213, 255), in.bytes + 6);
	expect(f, "position, but no flow", ADDR_1, &in, "to core");
	count = sff_proxy_count(f->lc->proxy[f->port[ADDR_1].function]);
	assert_int_equal(count->templated, 1);
	assert_int_equal(count->missed, 1);
}

int
stages_proxy(void)
{
	const struct CMUnitTest tests[] = {
		STAGE_TEST(x1_n5_n6_the_whole_header_comes_back),
		STAGE_TEST(x1_a_static_proxy_makes_the_header_of_its_only_position),
		STAGE_TEST(n18_the_sf_gets_the_frame_inside),
		STAGE_TEST(a_template_has_the_ttl_and_md_type_of_the_path),
		STAGE_TEST(x2_next_protocol_is_that_of_what_came_back),
		STAGE_TEST(x3_a_flow_that_was_never_sent_is_a_miss),
		STAGE_TEST(x3_template_sends_an_answer_of_the_sf_on_the_reverse_path),
		STAGE_TEST(flows_are_forgotten_when_idle),
		STAGE_TEST(x3_later_fragments_are_found_by_their_identification),
		STAGE_TEST(x3_later_fragments_of_ipv6_too),
		STAGE_TEST(x3_arp_of_the_sf_is_answered),
		STAGE_TEST(x3_neighbour_solicitations_of_the_sf_are_answered),
		STAGE_TEST(x4_an_sf_that_rewrites_the_tuple_needs_a_tag),
		STAGE_TEST(x5_oam_packets_are_never_given_to_an_unaware_sf),
		STAGE_TEST(n12_x5_unknown_metadata_is_not_ignored),
		STAGE_TEST(x6_an_unaware_sf_that_is_down_closes_or_is_bypassed),
		STAGE_TEST(a_function_stands_twice_on_a_path),
		STAGE_TEST(n6_an_unaware_sf_reaches_only_what_follows_a_position_of_its_own),
		STAGE_TEST(frames_an_unaware_sf_may_not_send),
		STAGE_TEST(payloads_an_unaware_sf_cannot_get),
		STAGE_TEST(a_header_without_room_gets_a_buffer),
		STAGE_TEST(proxies_count_what_they_do),
	};

	return cmocka_run_group_tests_name("SFC proxy", tests, NULL, NULL);
}
