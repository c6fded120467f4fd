#include "stages.h"

static struct frame in, out;

static uint32_t
number(const struct frame *f, unsigned int at, unsigned int size)
{
	uint32_t value = 0;

	while (size-- > 0)
		value = value << 8 | f->bytes[at++];
	return value;
}

/* Every byte in front of NSH, by the RFCs and not by our own structs; returns the source port. */
static uint16_t
check_outer(const struct frame *f)
{
	uint32_t sum = 0;

	assert_memory_equal(f->bytes, mac_there, 6);
	assert_memory_equal(f->bytes + 6, mac_here, 6);
	assert_int_equal(number(f, 12, 2), 0x0800);
	assert_int_equal(number(f, 14, 2), 0x4500);
	assert_int_equal(number(f, 16, 2), f->size - 14);
	assert_int_equal(number(f, 20, 2), 0x4000); /* DF */
	assert_int_equal(number(f, 22, 2), 0x4011); /* TTL 64, UDP */
	for (unsigned int at = 14; at < 34; at += 2)
		sum += number(f, at, 2);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	assert_int_equal(sum, 0xffff);
	assert_int_equal(number(f, 26, 4), ADDRESS_HERE);
	assert_int_equal(number(f, 30, 4), ADDRESS_THERE);
	assert_int_equal(number(f, 36, 2), 4790);
	assert_int_equal(number(f, 38, 2), f->size - 34);
	assert_int_equal(number(f, 40, 2), 0); /* no checksum */
	assert_int_equal(number(f, 42, 4), 0x0c000004);
	assert_int_equal(number(f, 46, 4), VNI_THERE << 8);
	return (uint16_t)number(f, 34, 2);
}

static void
outer_headers_are_right_in_every_byte(void **state)
{
	struct fixture *f = *state;
	static const uint32_t payload[] = {0, 1, 100, 1400, 2000, 4000, 9000, 65535 - 50 - 24 - 42};

	for (unsigned int i = 0; i < RTE_DIM(payload); i++) {
		frame_udp(&in, 1, 1103, payload[i]);
		expect_frame(f, "out", LAN, &in, "to core", CORE, &out);
		assert_int_equal(out.size, in.size + 74);
		check_outer(&out);
		assert_memory_equal(out.bytes + 74, in.bytes, in.size);
	}
	assert_int_equal(f->lc->path[3].out, RTE_DIM(payload));
}

static void
the_source_port_is_of_the_flow_and_spreads(void **state)
{
	static uint8_t seen[65536];
	struct fixture *f = *state;
	unsigned int distinct = 0;

	memset(seen, 0, sizeof(seen));
	for (uint16_t flow = 0; flow < 500; flow++) {
		uint16_t port;

		frame_udp(&in, flow, 1103, 10);
		expect_frame(f, "out", LAN, &in, "to core", CORE, &out);
		port = check_outer(&out);
		assert_in_range(port, 49152, 65535);
		distinct += !seen[port];
		seen[port] = 1;
		frame_udp(&in, flow, 1103, 700);
		expect_frame(f, "again", LAN, &in, "to core", CORE, &out);
		assert_int_equal(check_outer(&out), port);
	}
	assert_true(distinct > 450);
}

/* The hash is of the inner flow also where the frame never met our classifier, and alike. */
static void
the_source_port_behind_an_sf_is_that_of_the_flow(void **state)
{
	struct fixture *f = *state;

	for (uint16_t flow = 0; flow < 50; flow++) {
		uint16_t direct;

		frame_udp(&in, flow, 1103, 10);
		expect_frame(f, "direct", LAN, &in, "to core", CORE, &out);
		direct = check_outer(&out);
		frame_md1(&in, 105, 254, 62, NSH_NP_ETHERNET);
		fixture_wrap_sf(f, FW_1, &in);
		expect_frame(f, "from an SF", FW_1, &in, "to core", CORE, &out);
		assert_int_equal(check_outer(&out), direct);
	}
}

static void
ip_in_nsh_has_the_flow_of_ip_in_ethernet(void **state)
{
	struct fixture *f = *state;
	uint16_t port;

	frame_udp(&in, 77, 1103, 10);
	frame_md1(&in, 105, 254, 62, NSH_NP_ETHERNET);
	fixture_wrap_sf(f, FW_1, &in);
	expect_frame(f, "Ethernet", FW_1, &in, "to core", CORE, &out);
	port = check_outer(&out);
	frame_udp(&in, 77, 1103, 10);
	frame_pull(&in, ETH_HDR_SIZE);
	frame_md1(&in, 105, 254, 62, NSH_NP_IPV4);
	fixture_wrap_sf(f, FW_1, &in);
	expect_frame(f, "IPv4", FW_1, &in, "to core", CORE, &out);
	assert_int_equal(check_outer(&out), port);
}

static void
a_tunnel_obeys_the_mtu_of_its_port(void **state)
{
	struct fixture *f = *state;

	f->fake[CORE].pmd.mtu = 1600;
	sff_plane_set_room(&f->plane);
	frame_udp(&in, 1, 1103, 1600 - 74 - 42);
	expect(f, "fits", LAN, &in, "to core");
	frame_udp(&in, 1, 1103, 1600 - 74 - 41);
	expect(f, "one byte more", LAN, &in, "remote_output: mtu");
	f->fake[CORE].pmd.mtu = UINT16_MAX;
	sff_plane_set_room(&f->plane);
	frame_udp(&in, 1, 1103, 65535 - 74 - 42);
	expect(f, "the largest of all", LAN, &in, "to core");
	frame_udp(&in, 1, 1103, 65535 - 74 - 41);
	expect(f, "one byte more", LAN, &in, "remote_output: mtu");
	frame_udp(&in, 1, 1103, 65535 - 42);
	expect(f, "65,535 bytes before NSH", LAN, &in, "remote_output: mtu");
}

static void
jumbo_frames_pass_an_sf_up_to_65535_bytes(void **state)
{
	struct fixture *f = *state;
	static const uint32_t size[] = {2009, 2010, 2011, 4096, 9000, 65535 - 38};

	for (unsigned int i = 0; i < RTE_DIM(size); i++) {
		frame_udp(&in, 1, 1100, size[i] - 42);
		fixture_put(f, LAN, &in);
		fixture_settle(f);
		assert_true(fixture_take(f, WAN, &out));
		assert_frame_equal(&out, &in);
	}
	frame_udp(&in, 1, 1100, 65535 - 37 - 42);
	expect(f, "one byte more", LAN, &in, "sf_output: mtu");
}

static void
the_end_of_a_path_obeys_the_mtu_of_its_port(void **state)
{
	struct fixture *f = *state;

	f->fake[WAN].pmd.mtu = 1514;
	for (uint32_t size = 1514; size <= 1515; size++) {
		frame_udp(&in, 1, 2, size - 42);
		frame_md1(&in, 100, 254, 63, NSH_NP_ETHERNET);
		frame_gpe(&in, 50000);
		expect(f, "size", CORE, &in, size == 1514 ? "to wan" : "terminal: mtu");
	}
}

/* A burst of many kinds: each edge keeps the order in which its frames came. */
static void
a_mixed_burst_keeps_order_within_an_edge(void **state)
{
	static const uint16_t ports[] = {1100, 9999, 1103, 53, 1100, 1110, 1107, 8888, 1105, 1104};
	struct fixture *f = *state;
	uint32_t last[FIXTURE_PORTS] = {0};
	unsigned int sent = 0;

	for (uint16_t i = 1; i <= 320; i++) {
		frame_udp(&in, i, ports[(i * 7 + i / 11) % RTE_DIM(ports)], 10);
		fixture_put(f, LAN, &in);
	}
	fixture_run(f);
	for (enum fixture_port_index p = 0; p < FIXTURE_PORTS; p++)
		while (fixture_take(f, p, &out)) {
			/* The source port of the inner UDP is the number of the frame. */
			uint32_t i = number(&out, out.size - 10 - 8, 2);

			assert_true(i > last[p]);
			last[p] = i;
			sent++;
		}
	assert_int_equal(sent + f->lc->dropped[SFC_DROP_RULE] + f->lc->dropped[SFC_DROP_NSH_TTL], 320);
	assert_true(last[WAN] > 0 && last[CORE] > 0 && last[FW_1] > 0);
	/* Each frame passed each of its stages once. */
	assert_int_equal(f->lc->stage[SFF_STAGE_ACCESS_INPUT].packets, 320);
	assert_int_equal(f->lc->stage[SFF_STAGE_ACCESS_INPUT].calls, 10);
	assert_int_equal(f->lc->stage[SFF_STAGE_PORT_TX].packets, sent);
}

int
stages_output(void)
{
	const struct CMUnitTest tests[] = {
		STAGE_TEST(outer_headers_are_right_in_every_byte),
		STAGE_TEST(the_source_port_is_of_the_flow_and_spreads),
		STAGE_TEST(the_source_port_behind_an_sf_is_that_of_the_flow),
		STAGE_TEST(ip_in_nsh_has_the_flow_of_ip_in_ethernet),
		STAGE_TEST(a_tunnel_obeys_the_mtu_of_its_port),
		STAGE_TEST(jumbo_frames_pass_an_sf_up_to_65535_bytes),
		STAGE_TEST(the_end_of_a_path_obeys_the_mtu_of_its_port),
		STAGE_TEST(a_mixed_burst_keeps_order_within_an_edge),
	};

	return cmocka_run_group_tests_name("output", tests, NULL, NULL);
}
