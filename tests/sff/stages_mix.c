/* Every transport but the one of port CORE, on one port: what is sent, what is accepted, what is refused. */
#include "stages.h"

#include "nsh_ecn.h"
#include "peers.h"

static struct frame in, out, inner, sent;

static void
from_peer(unsigned int k, uint32_t spi, uint8_t si)
{
	struct outer_conf conf = peer_conf(k);

	in = inner;
	frame_md1(&in, spi, si, 63, NSH_NP_ETHERNET);
	frame_wrap(&in, &conf, 50000, 0);
}

static void
v1_e1_r1_l1_s1_every_transport_is_accepted_and_its_payload_untouched(void **state)
{
	struct fixture *f = *state;

	for (unsigned int k = 0; k < PEER_KINDS; k++)
		for (uint32_t payload = 0; payload < 5000; payload += 333) {
			frame_udp(&inner, 4000, 5000, payload);
			from_peer(k, 100, 254);
			expect_frame(f, peer_kinds[k].name, MIX, &in, "to wan", WAN, &out);
			assert_frame_equal(&out, &inner);
		}
}

/* On an access port NSH is refused where a frame is NSH. A tunnel of others that carries it is their packet:
 * it is not opened, for no locator is there, and passes as it came. */
static void
a3_nsh_in_tunnels_of_others_is_a_payload(void **state)
{
	struct fixture *f = *state;

	for (unsigned int k = 0; k < PEER_KINDS; k++) {
		frame_udp(&inner, 4000, 5000, 100);
		from_peer(k, 100, 254);
		sent = in;
		expect(f, peer_kinds[k].name, LAN, &in,
			peer_kinds[k].transport == OUTER_ETHERNET ? "access_input: nsh-port" : "to wan");
		if (fixture_take(f, WAN, &out))
			assert_frame_equal(&out, &sent);
	}
	frame_transport(&in, 100, 254, 63);
	sent = in;
	expect_frame(f, "VXLAN-GPE over IPv4", LAN, &in, "to wan", WAN, &out);
	assert_frame_equal(&out, &sent);
	assert_int_equal(f->lc->path[fixture_path("web")].in, 0);
	assert_int_equal(f->lc->dropped[SFC_DROP_NSH_PORT], 3);
}

/* The words of another decoder are in tests/nsh; here the fields must be those of the configuration. */
static void
v1_e1_r1_l1_s1_u4_u5_every_transport_is_sent_as_its_locator_says(void **state)
{
	static const struct outer_accept accept = {.transports = UINT32_MAX, .nsh_udp_port = 7001};
	struct fixture *f = *state;

	for (unsigned int k = 0; k < PEER_KINDS; k++) {
		const struct peer_kind *kind = &peer_kinds[k];
		union nsh_addr src = peer_address(kind->family, 1),
			       dst = peer_address(kind->family, peer_host(k));
		const uint8_t mac[6] = {0x02, 0, 0, 0, 0x0c, (uint8_t)k};
		struct outer_info info;

		frame_udp(&inner, 4000, 5000, 100 + k);
		in = inner;
		frame_md1(&in, 130 + k, 254, 63, NSH_NP_ETHERNET);
		frame_gpe(&in, 50000);
		expect_frame(f, kind->name, CORE, &in, "to mix", MIX, &sent);
		assert_int_equal(outer_parse(&accept, sent.bytes, sent.size, sent.size, &info), OUTER_OK);
		assert_int_equal(info.transport, kind->transport);
		assert_int_equal(info.family, kind->family);
		assert_true(nsh_addr_equal(&info.src, &src));
		assert_true(nsh_addr_equal(&info.dst, &dst));
		assert_int_equal(info.vni, kind->has_vni ? 400 + k : 0);
		assert_memory_equal(info.dmac, mac, 6);
		assert_memory_equal(info.smac, mac_mix, 6);
		assert_int_equal(info.tags, kind->tags);
		for (uint8_t t = 0; t < info.tags; t++)
			assert_int_equal(info.tci[t], peer_vid[kind->tags][t]);
		assert_true(outer_check(sent.bytes, &info));
		/* Computed by default over IPv6 (RFC 8200, 8.1) and with Geneve (RFC 8926, 3.3). */
		if (info.src_port != 0) {
			assert_int_equal(info.src_port, 50000);
			assert_int_equal(info.check_size != 0, kind->family == NSH_IPV6 ||
								       kind->transport == OUTER_GENEVE ||
								       kind->transport == OUTER_UDP);
		}
		assert_int_equal(info.size + info.payload_size, sent.size);
		frame_pull(&sent, info.size + NSH_MD1_SIZE);
		assert_frame_equal(&sent, &inner);
	}
}

/* One frame from CORE to a peer over MIX; what its headers say. */
static void
send_to(struct fixture *f, uint32_t spi, struct outer_info *info)
{
	static const struct outer_accept accept = {.transports = UINT32_MAX, .nsh_udp_port = 7001};

	frame_udp(&inner, 4000, 5000, 100);
	in = inner;
	frame_md1(&in, spi, 254, 63, NSH_NP_ETHERNET);
	frame_gpe(&in, 50000);
	expect_frame(f, "sent", CORE, &in, "to mix", MIX, &sent);
	assert_int_equal(outer_parse(&accept, sent.bytes, sent.size, sent.size, info), OUTER_OK);
	assert_true(outer_check(sent.bytes, info));
}

static void
e1_geneve_to_a_peer_that_wants_it_holds_an_ethernet_frame(void **state)
{
	struct fixture *f = *state;
	struct outer_info info;

	send_to(f, 142, &info);
	assert_int_equal(info.transport, OUTER_GENEVE);
	assert_true(info.inner_ethernet);
	assert_int_equal(info.vni, 412);
	for (unsigned int plain = 0; plain < 2; plain++) {
		struct outer_conf conf = peer_conf(3);

		in = inner;
		frame_md1(&in, 100, 254, 63, NSH_NP_ETHERNET);
		conf.inner_ethernet = !plain;
		frame_wrap(&in, &conf, 50000, 0);
		expect_frame(f, "either form", MIX, &in, "to wan", WAN, &out);
		assert_frame_equal(&out, &inner);
	}
}

static void
r1_a_gre_key_is_sent_and_wanted_where_the_locator_has_one(void **state)
{
	/* The first locator has no key: whatever a peer sends. */
	static const struct {
		bool has_key;
		uint32_t key;
		uint8_t host;
		const char *want;
	} rows[] = {
		{true, 305, 2, "to wan"},
		{true, 306, 2, "transport_input: outer-vni"},
		{false, 0, 2, "transport_input: outer-vni"},
		{false, 0, 1, "to wan"},
		{true, 305, 1, "to wan"},
	};
	struct fixture *f = *state;
	struct outer_info info;

	send_to(f, 143, &info);
	assert_int_equal(info.transport, OUTER_GRE);
	assert_true(info.has_vni);
	assert_int_equal(info.vni, UINT32_MAX);
	send_to(f, 136, &info);
	assert_false(info.has_vni);
	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		struct outer_conf conf = peer_conf(6);

		in = inner;
		frame_md1(&in, 100, 254, 63, NSH_NP_ETHERNET);
		conf.dst = peer_address(NSH_IPV6, rows[i].host);
		conf.has_key = rows[i].has_key;
		conf.vni = rows[i].key;
		frame_wrap(&in, &conf, 50000, 0);
		expect(f, "key", MIX, &in, rows[i].want);
	}
}

static void
u4_a_checksum_covers_all_segments(void **state)
{
	static const struct outer_accept accept = {.transports = UINT32_MAX, .nsh_udp_port = 7001};
	struct fixture *f = *state;

	for (unsigned int k = 0; k < PEER_KINDS; k++)
		for (uint32_t payload = 1900; payload < 9000; payload += 1777) {
			struct outer_info info;

			if (peer_kinds[k].family != NSH_IPV6 || peer_kinds[k].transport == OUTER_GRE)
				continue;
			frame_udp(&inner, 4000, (uint16_t)(1130 + k), payload);
			from_peer(k, 130 + k, 254);
			expect_frame(f, peer_kinds[k].name, MIX, &in, "to mix", MIX, &out);
			assert_int_equal(
				outer_parse(&accept, out.bytes, out.size, out.size, &info), OUTER_OK);
			assert_true(info.check_size > payload);
			assert_true(outer_check(out.bytes, &info));
			from_peer(k, 130 + k, 254);
			in.bytes[in.size - 1] ^= 1;
			expect(f, peer_kinds[k].name, MIX, &in, "transport_input: outer-checksum");
		}
}

/* What stands where, for patches. */
enum {
	IP4 = ETH_HDR_SIZE,
	IP6 = ETH_HDR_SIZE,
	UDP4 = IP4 + NSH_IPV4_SIZE,
	UDP6 = IP6 + NSH_IPV6_SIZE,
	TUNNEL4 = UDP4 + NSH_UDP_SIZE,
	GRE4 = IP4 + NSH_IPV4_SIZE,
	NO_SUM = 40, /* of UDP over IPv4: patched to 0, so that other defects are found */
};

static void
v1_e1_r1_l1_s1_each_defect_of_a_transport_has_its_name(void **state)
{
	static const struct {
		unsigned int kind;
		const char *what;
		struct patch patch[PATCHES];
		const char *want;
	} rows[] = {
		{0, "IPv6 version 5", {{IP6, 1, 0x50}}, "transport_input: outer-header"},
		{0, "IPv6 length", {{IP6 + 4, 2, 5000}}, "transport_input: outer-header"},
		{0, "a stranger", {{IP6 + 23, 1, 0x77}}, "transport_input: outer-peer"},
		{0, "another's address", {{IP6 + 39, 1, 0x77}}, "transport_input: not-ours"},
		{0, "no checksum", {{UDP6 + 6, 2, 0}}, "transport_input: outer-zero"},
		{0, "bad checksum", {{UDP6 + 6, 2, 1}}, "transport_input: outer-checksum"},
		{1, "VXLAN without I", {{TUNNEL4, 1, 0}}, "transport_input: vxlan-flags"},
		{1, "VXLAN, reserved bits", {{TUNNEL4, 2, 0xf7ff | 0x0800}}, "to fw-1"},
		{1, "VXLAN with no NSH inside", {{TUNNEL4 + 8 + 12, 2, 0x0800}},
			"transport_input: outer-proto"},
		{1, "VXLAN, another VNI", {{TUNNEL4 + 4, 3, 7}}, "transport_input: outer-vni"},
		{3, "Geneve version 1", {{TUNNEL4, 1, 0x40}, {NO_SUM, 2, 0}},
			"transport_input: geneve-version"},
		{3, "Geneve control", {{TUNNEL4 + 1, 1, 0x80}, {NO_SUM, 2, 0}},
			"transport_input: geneve-oam"},
		{3, "Geneve options beyond", {{TUNNEL4, 1, 0x3f}, {NO_SUM, 2, 0}},
			"transport_input: geneve-options"},
		{3, "Geneve of Ethernet that is no NSH", {{TUNNEL4 + 2, 2, 0x6558}, {NO_SUM, 2, 0}},
			"transport_input: outer-proto"},
		{3, "Geneve of IPv4", {{TUNNEL4 + 2, 2, 0x0800}, {NO_SUM, 2, 0}},
			"transport_input: outer-proto"},
		{3, "Geneve, another VNI", {{TUNNEL4 + 4, 3, 9}, {NO_SUM, 2, 0}},
			"transport_input: outer-vni"},
		{3, "Geneve, bad checksum", {{NO_SUM, 2, 1}}, "transport_input: outer-checksum"},
		{5, "GRE version 1", {{GRE4 + 1, 1, 1}}, "transport_input: gre-header"},
		{5, "GRE routing", {{GRE4, 1, 0x40}}, "transport_input: gre-header"},
		{5, "GRE of IPv4", {{GRE4 + 2, 2, 0x0800}}, "transport_input: outer-proto"},
		{7, "another UDP port", {{UDP4 + 2, 2, 7002}}, "underlay_input: not-nsh"},
		{7, "UDP without checksum", {{UDP4 + 6, 2, 0}}, "to fw-1"},
		{9, "a stranger's MAC", {{11, 1, 0x77}}, "transport_input: outer-peer"},
		{9, "another's MAC", {{5, 1, 0x77}}, "transport_input: not-ours"},
		{10, "another VLAN", {{15, 1, 31}}, "transport_input: not-ours"},
		{10, "priority of a VLAN", {{14, 1, 0xe0}}, "to fw-1"},
		{11, "another inner VLAN", {{19, 1, 42}}, "transport_input: not-ours"},
	};
	struct fixture *f = *state;

	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		frame_udp(&inner, 4000, 5000, 40);
		from_peer(rows[i].kind, 100, 255);
		patch(&in, rows[i].patch);
		if (peer_kinds[rows[i].kind].family == NSH_IPV4)
			frame_fix_ip(&in, IP4);
		expect(f, rows[i].what, MIX, &in, rows[i].want);
	}
}

static void
e1_a_critical_geneve_option_is_refused_and_others_are_skipped(void **state)
{
	struct fixture *f = *state;

	for (unsigned int critical = 0; critical < 2; critical++) {
		const uint8_t options[12] = {0x01, 0x02, critical ? 0x80 : 0x03, 2, 1, 2, 3, 4, 5, 6, 7, 8};
		const uint8_t geneve[8] = {3, critical ? 0x40 : 0, 0x89, 0x4f, 0, 1, 0x2f, 0};
		struct outer_conf conf = peer_conf(7);

		/* UDP to Geneve's port, then its header by hand: VNI 303. */
		frame_udp(&inner, 4000, 5000, 40);
		in = inner;
		frame_md1(&in, 100, 254, 63, NSH_NP_ETHERNET);
		frame_push(&in, options, sizeof(options));
		frame_push(&in, geneve, sizeof(geneve));
		conf.udp_port = 6081;
		conf.checksum = OUTER_CHECKSUM_OFF;
		conf.src = peer_address(NSH_IPV4, peer_host(3));
		frame_wrap(&in, &conf, 50000, 0);
		expect(f, "option", MIX, &in, critical ? "transport_input: geneve-critical" : "to wan");
	}
}

static void
a_transport_that_is_no_locator_of_the_port_is_not_accepted(void **state)
{
	struct fixture *f = *state;

	for (unsigned int k = 0; k < PEER_KINDS; k++) {
		frame_udp(&inner, 4000, 5000, 40);
		from_peer(k, 100, 255);
		fixture_put(f, CORE, &in);
		assert_string_not_equal(fixture_verdict(f), "to fw-1");
	}
	frame_transport(
		&in, 100, 255, 63); /* VXLAN-GPE over IPv4: accepted for its port, not to this address */
	expect(f, "GPE over IPv4", MIX, &in, "transport_input: not-ours");
}

static void
u4_zero_checksums_over_ipv6_are_an_option_of_the_port(void **state)
{
	struct fixture *f = *state;

	f->plane.port[MIX].accept.zero_checksum6 = true;
	frame_udp(&inner, 4000, 5000, 40);
	from_peer(0, 100, 255);
	patch(&in, (struct patch[PATCHES]){{UDP6 + 6, 2, 0}});
	expect(f, "no checksum", MIX, &in, "to fw-1");
	patch(&in, (struct patch[PATCHES]){{UDP6 + 6, 2, 1}});
	expect(f, "a wrong one", MIX, &in, "transport_input: outer-checksum");
}

static void
set_tos(struct frame *f, uint8_t tos)
{
	f->bytes[ETH_HDR_SIZE + 1] = tos;
	frame_fix_ip(f, ETH_HDR_SIZE);
}

/* RFC 6040, figure 4, by the words of the RFC: what leaves for inner and outer ECN, -1 = dropped. */
static const int leaves[4][4] = {
	{0, 0, 0, -1},
	{1, 1, 1, 3},
	{2, 1, 2, 3},
	{3, 3, 3, 3},
};

static void
u6_congestion_marks_cross_the_tunnel_both_ways(void **state)
{
	struct fixture *f = *state;

	for (unsigned int k = 0; k < PEER_KINDS; k++)
		for (uint8_t ecn = 0; ecn < 16 && peer_kinds[k].family != NSH_NO_IP; ecn++) {
			uint8_t inside = (uint8_t)(0xb8 | ecn >> 2), outside = ecn & 3;
			struct outer_conf conf = peer_conf(k);
			int left = leaves[inside & 3][outside];

			frame_udp(&inner, 4000, 5000, 40);
			set_tos(&inner, inside);
			in = inner;
			frame_md1(&in, 100, 254, 63, NSH_NP_ETHERNET);
			frame_wrap(&in, &conf, 50000, outside);
			if (left < 0) {
				expect(f, peer_kinds[k].name, MIX, &in, "nsh_input: ecn");
				continue;
			}
			set_tos(&inner, (uint8_t)(0xb8 | left)); /* with the checksum made anew */
			expect_frame(f, peer_kinds[k].name, MIX, &in, "to wan", WAN, &out);
			assert_frame_equal(&out, &inner);
		}
	/* DSCP and ECN of the packet are those of its tunnel. */
	for (unsigned int tos = 0; tos < 256; tos++) {
		frame_udp(&inner, 4000, 1103, 40);
		set_tos(&inner, (uint8_t)tos);
		expect_frame(f, "out", LAN, &inner, "to core", CORE, &out);
		assert_int_equal(out.bytes[15], tos);
		assert_int_equal(nsh_sum(out.bytes + 14, 20), 0xffff);
		frame_udp(&inner, 4000, 5000, 40);
		set_tos(&inner, (uint8_t)tos);
		from_peer(4, 134, 254);
		expect_frame(f, "over IPv6", MIX, &in, "to mix", MIX, &out);
		assert_int_equal((out.bytes[14] & 0xf) << 4 | out.bytes[15] >> 4, tos);
	}
	/* What is not IP is not ECN-capable. */
	for (uint8_t np = 0; np <= NSH_NP_IOAM; np++) {
		struct outer_conf conf = peer_conf(3);

		frame_udp(&in, 4000, 5000, 40);
		in.bytes[12] = 0x08;
		in.bytes[13] = 0x06;
		in.bytes[0] = 0x02;
		frame_md1(&in, 100, 255, 63, np);
		frame_wrap(&in, &conf, 50000, NSH_ECN_CE);
		expect(f, "no IP inside", MIX, &in, "nsh_input: ecn");
	}
}

int
stages_mix(void)
{
	const struct CMUnitTest tests[] = {
		STAGE_TEST(v1_e1_r1_l1_s1_every_transport_is_accepted_and_its_payload_untouched),
		STAGE_TEST(a3_nsh_in_tunnels_of_others_is_a_payload),
		STAGE_TEST(v1_e1_r1_l1_s1_u4_u5_every_transport_is_sent_as_its_locator_says),
		STAGE_TEST(e1_geneve_to_a_peer_that_wants_it_holds_an_ethernet_frame),
		STAGE_TEST(r1_a_gre_key_is_sent_and_wanted_where_the_locator_has_one),
		STAGE_TEST(u4_a_checksum_covers_all_segments),
		STAGE_TEST(v1_e1_r1_l1_s1_each_defect_of_a_transport_has_its_name),
		STAGE_TEST(e1_a_critical_geneve_option_is_refused_and_others_are_skipped),
		STAGE_TEST(a_transport_that_is_no_locator_of_the_port_is_not_accepted),
		STAGE_TEST(u4_zero_checksums_over_ipv6_are_an_option_of_the_port),
		STAGE_TEST(u6_congestion_marks_cross_the_tunnel_both_ways),
	};

	return cmocka_run_group_tests_name("every transport", tests, NULL, NULL);
}
