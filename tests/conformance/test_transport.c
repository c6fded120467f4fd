/* VXLAN-GPE over IPv4 byte by byte, source ports, sizes. The other transports are in tests/sff and tests/nsh.
 */
#include "conformance.h"

static struct frame in, out;

enum {
	AT_IP = ETH_HDR_SIZE,
	AT_UDP = AT_IP + NSH_IPV4_SIZE,
	AT_GPE = AT_UDP + NSH_UDP_SIZE,
	AT_NSH = OUTER_GPE4_SIZE,
};

static uint16_t
be16_at(const struct frame *f, size_t at)
{
	return (uint16_t)(f->bytes[at] << 8 | f->bytes[at + 1]);
}

static void
g1_g2_every_first_byte_and_next_protocol(void **state)
{
	struct fixture *f = *state;
	uint64_t n[4] = {0};

	for (unsigned int flags = 0; flags < 256; flags++) {
		const char *want = "to fw-1";

		/* R R Ver(2) I P B O: only R and B say nothing to us. */
		if (flags & 0x30)
			want = "transport_input: gpe-version", n[0]++;
		else if (!(flags & 0x08))
			want = "transport_input: gpe-flags", n[1]++;
		else if (flags & 0x01)
			want = "transport_input: gpe-oam", n[2]++;
		else if (!(flags & 0x04))
			want = "transport_input: gpe-proto", n[3]++;
		frame_transport(&in, 100, 255, 63);
		in.bytes[AT_GPE] = (uint8_t)flags;
		expect(f, "flags", CORE, &in, want);
	}
	for (unsigned int np = 0; np < 256; np++) {
		frame_transport(&in, 100, 255, 63);
		in.bytes[AT_GPE + 3] = (uint8_t)np;
		expect(f, "next protocol", CORE, &in,
			np == NSH_NP_NSH ? "to fw-1" : "transport_input: gpe-proto");
		n[3] += np != NSH_NP_NSH;
	}
	assert_int_equal(dropped(f, SFC_DROP_GPE_VERSION), n[0]);
	assert_int_equal(dropped(f, SFC_DROP_GPE_FLAGS), n[1]);
	assert_int_equal(dropped(f, SFC_DROP_GPE_OAM), n[2]);
	assert_int_equal(dropped(f, SFC_DROP_GPE_PROTO), n[3]);
}

static void
g2_reserved_bits_are_ignored_and_sent_0(void **state)
{
	struct fixture *f = *state;

	frame_transport(&in, 105, 254, 63);
	in.bytes[AT_GPE] |= 0xc0;
	in.bytes[AT_GPE + 1] = in.bytes[AT_GPE + 2] = in.bytes[AT_GPE + 7] = 0xff;
	expect_frame(f, "reserved", CORE, &in, "to core", CORE, &out);
	assert_memory_equal(out.bytes + AT_GPE, ((const uint8_t[8]){0x0c, 0, 0, 4, 0, 0, VNI_THERE, 0}), 8);
}

static void
u1_source_port_is_of_the_inner_flow_and_stable(void **state)
{
	struct fixture *f = *state;
	static bool seen[UINT16_MAX + 1];
	unsigned int distinct = 0;

	memset(seen, 0, sizeof(seen));
	for (uint16_t flow = 0; flow < 400; flow++) {
		uint16_t port;

		frame_udp(&in, flow, 1103, 10);
		expect_frame(f, "first", LAN, &in, "to core", CORE, &out);
		port = be16_at(&out, AT_UDP);
		assert_in_range(port, 49152, 65535);
		frame_udp(&in, flow, 1103, 1000);
		expect_frame(f, "longer", LAN, &in, "to core", CORE, &out);
		assert_int_equal(be16_at(&out, AT_UDP), port);
		/* The same flow in other NSH, met in transit. */
		over_the_wire(&in, 105, 254, 9, NSH_NP_ETHERNET);
		patch(&in, (struct patch[PATCHES]){{AT_UDP, 2, 1}});
		expect_frame(f, "transit", CORE, &in, "to core", CORE, &out);
		assert_int_equal(be16_at(&out, AT_UDP), port);
		distinct += !seen[port];
		seen[port] = true;
	}
	assert_true(distinct > 350);
}

static void
u2_transit_keeps_a_source_port_of_the_range(void **state)
{
	static const uint16_t ports[] = {0, 1, 4790, 49151, 49152, 50000, 65535};
	struct fixture *f = *state;

	for (unsigned int i = 0; i < RTE_DIM(ports); i++) {
		frame_udp(&in, 4000, 5000, 10);
		frame_md1(&in, 105, 254, 63, NSH_NP_ETHERNET);
		frame_gpe(&in, ports[i]);
		expect_frame(f, "transit", CORE, &in, "to core", CORE, &out);
		if (ports[i] >= 49152)
			assert_int_equal(be16_at(&out, AT_UDP), ports[i]);
		else
			assert_in_range(be16_at(&out, AT_UDP), 49152, 65535);
	}
}

static void
u3_u7_outer_ipv4_as_sent(void **state)
{
	struct fixture *f = *state;

	frame_udp(&in, 7, 1103, 100);
	expect_frame(f, "out", LAN, &in, "to core", CORE, &out);
	assert_int_equal(be16_at(&out, AT_UDP + 6), 0);     /* no UDP checksum */
	assert_int_equal(be16_at(&out, AT_IP + 6), 0x4000); /* DF, no fragment */
	assert_int_equal(be16_at(&out, AT_IP + 2), out.size - ETH_HDR_SIZE);
	assert_int_equal(be16_at(&out, AT_UDP + 4), out.size - AT_UDP);
}

/* By RFC 768, byte by byte. */
static uint16_t
udp_checksum(const struct frame *f)
{
	uint32_t size = f->size - AT_UDP, sum = NSH_IPPROTO_UDP + size;

	for (size_t at = AT_IP + 12; at < AT_IP + 20; at += 2)
		sum += be16_at(f, at);
	for (size_t i = 0; i < size; i++)
		sum += i == 6 || i == 7 ? 0 : (uint32_t)f->bytes[AT_UDP + i] << (i % 2 == 0 ? 8 : 0);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	sum = ~sum & 0xffff;
	return sum == 0 ? 0xffff : (uint16_t)sum;
}

static void
u3_a_checksum_over_ipv4_may_be_0_or_right(void **state)
{
	struct fixture *f = *state;

	for (unsigned int bit = 0; bit < 17; bit++) {
		uint16_t sum;

		frame_transport(&in, 100, 255, 63);
		expect(f, "0", CORE, &in, "to fw-1");
		sum = (uint16_t)(udp_checksum(&in) ^ (bit < 16 ? 1 << bit : 0));
		patch(&in, (struct patch[PATCHES]){{AT_UDP + 6, 2, sum}});
		expect(f, "not 0", CORE, &in, bit < 16 ? "transport_input: outer-checksum" : "to fw-1");
	}
	assert_int_equal(dropped(f, SFC_DROP_OUTER_CHECKSUM), 16);
}

static void
u7_outer_fragments_are_dropped(void **state)
{
	struct fixture *f = *state;

	for (unsigned int bit = 0; bit < 14; bit++) {
		frame_transport(&in, 100, 255, 63);
		patch(&in, (struct patch[PATCHES]){{AT_IP + 6, 2, UINT32_C(1) << bit}});
		frame_fix_ip(&in, AT_IP);
		expect(f, "more fragments, or an offset", CORE, &in, "transport_input: outer-fragment");
	}
	assert_int_equal(dropped(f, SFC_DROP_OUTER_FRAGMENT), 14);
}

/* The sizes that headers add up to: a frame of 1514 bytes in an underlay of exactly so many bytes of IP. */
static void
n17_m1_the_underlay_must_have_room_for_all_headers(void **state)
{
	static const struct {
		uint16_t dst_port;
		uint32_t ip_mtu;
	} rows[] = {{1104, 1558}, {1103, 1574}};
	struct fixture *f = *state;

	for (unsigned int i = 0; i < RTE_DIM(rows); i++)
		for (uint32_t less = 0; less < 2; less++) {
			f->fake[CORE].pmd.mtu = (uint16_t)(ETH_HDR_SIZE + rows[i].ip_mtu - less);
			sff_plane_set_room(&f->plane);
			frame_udp(&in, 7, rows[i].dst_port, 1514 - 42);
			assert_int_equal(in.size, 1514);
			expect(f, "1514 bytes", LAN, &in, less ? "remote_output: mtu" : "to core");
		}
	/* The longest header, met in transit. */
	for (uint32_t less = 0; less < 2; less++) {
		f->fake[CORE].pmd.mtu = (uint16_t)(ETH_HDR_SIZE + 1802 - less);
		sff_plane_set_room(&f->plane);
		frame_udp(&in, 7, 8, 1514 - 42);
		frame_push(&in, NULL, NSH_MAX_SIZE - NSH_BASE_SIZE);
		frame_md2(&in, 105, 254, 63, NSH_NP_ETHERNET, NULL, 0);
		nsh_at(&in, 0)->base |= rte_cpu_to_be_32(63 << 16);
		frame_gpe(&in, 50000);
		assert_int_equal(in.size, ETH_HDR_SIZE + 1802);
		expect(f, "252 bytes of NSH", CORE, &in, less ? "remote_output: mtu" : "to core");
	}
	assert_int_equal(dropped(f, SFC_DROP_MTU), 3);
}

static void
m1_every_way_out_obeys_its_mtu(void **state)
{
	struct fixture *f = *state;
	static const struct {
		uint16_t dst_port;
		enum fixture_port_index out;
		uint32_t headers;
		const char *fits, *drops;
	} rows[] = {
		{9999, WAN, 0, "to wan", "forward: mtu"},
		{1100, FW_1, ETH_HDR_SIZE + NSH_MD1_SIZE, "to fw-1", "sf_output: mtu"},
		{1103, CORE, OUTER_GPE4_SIZE + NSH_MD1_SIZE, "to core", "remote_output: mtu"},
	};

	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		f->fake[rows[i].out].pmd.mtu = 1600;
		sff_plane_set_room(&f->plane);
		frame_udp(&in, 7, rows[i].dst_port, 1600 - 42 - rows[i].headers);
		expect(f, "fits", LAN, &in, rows[i].fits);
		frame_udp(&in, 7, rows[i].dst_port, 1600 - 42 - rows[i].headers + 1);
		expect(f, "one byte more", LAN, &in, rows[i].drops);
	}
	for (uint32_t size = 1600; size <= 1601; size++) {
		frame_udp(&in, 7, 8, size - 42);
		over_the_wire(&in, 100, 254, 63, NSH_NP_ETHERNET);
		expect(f, "the end", CORE, &in, size == 1600 ? "to wan" : "terminal: mtu");
	}
	assert_int_equal(dropped(f, SFC_DROP_MTU), 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STAGE_TEST(g1_g2_every_first_byte_and_next_protocol),
		STAGE_TEST(g2_reserved_bits_are_ignored_and_sent_0),
		STAGE_TEST(u1_source_port_is_of_the_inner_flow_and_stable),
		STAGE_TEST(u2_transit_keeps_a_source_port_of_the_range),
		STAGE_TEST(u3_u7_outer_ipv4_as_sent),
		STAGE_TEST(u3_a_checksum_over_ipv4_may_be_0_or_right),
		STAGE_TEST(u7_outer_fragments_are_dropped),
		STAGE_TEST(n17_m1_the_underlay_must_have_room_for_all_headers),
		STAGE_TEST(m1_every_way_out_obeys_its_mtu),
	};

	return cmocka_run_group_tests_name("transport", tests, NULL, NULL);
}
