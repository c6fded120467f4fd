#include "stages.h"

static struct frame in, out, want;

static void
tag(struct frame *f, uint16_t type)
{
	struct eth_tag t = {.tci = RTE_BE16(30)};
	struct eth_hdr *eth = (struct eth_hdr *)f->bytes;
	struct eth_hdr copy = *eth;

	t.type = copy.type;
	copy.type = rte_cpu_to_be_16(type);
	frame_pull(f, sizeof(copy));
	frame_push(f, &t, sizeof(t));
	frame_push(f, &copy, sizeof(copy));
}

static void
plain_nsh(struct frame *f)
{
	static const uint8_t mac[6] = {2, 1, 1, 1, 1, 1};
	uint8_t eth[ETH_HDR_SIZE];

	frame_udp(f, 1, 2, 20);
	frame_md1(f, 100, 255, 63, NSH_NP_ETHERNET);
	eth_build(eth, mac, mac, NSH_ETHERTYPE);
	frame_push(f, eth, sizeof(eth));
}

static void
runt_frames_are_eth_truncated(void **state)
{
	frame_udp(&in, 1, 2, 0);
	in.bytes[12] = 0x12; /* not a tag, not NSH */
	for (in.size = 0; in.size < ETH_HDR_SIZE; in.size++)
		expect(*state, "runt", LAN, &in, "access_input: eth-truncated");
	expect(*state, "a header alone", LAN, &in, "to wan");
}

static void
nsh_is_refused_on_an_access_port_also_behind_tags(void **state)
{
	static const uint16_t types[] = {ETH_VLAN, ETH_QINQ};

	plain_nsh(&in);
	expect(*state, "no tag", LAN, &in, "access_input: nsh-port");
	for (unsigned int a = 0; a < 2; a++) {
		plain_nsh(&in);
		tag(&in, types[a]);
		expect(*state, "one tag", LAN, &in, "access_input: nsh-port");
		for (unsigned int b = 0; b < 2; b++) {
			want = in;
			tag(&want, types[b]);
			expect(*state, "two tags", WAN, &want, "access_input: nsh-port");
		}
	}
}

static void
a_third_tag_and_a_cut_tag_are_payload(void **state)
{
	plain_nsh(&in);
	tag(&in, ETH_VLAN);
	tag(&in, ETH_VLAN);
	tag(&in, ETH_QINQ);
	expect_frame(*state, "three tags", LAN, &in, "to wan", WAN, &out);
	assert_frame_equal(&out, &in);
	for (in.size = ETH_HDR_SIZE; in.size < ETH_HDR_SIZE + ETH_TAG_SIZE; in.size++) {
		expect_frame(*state, "cut tag", LAN, &in, "to wan", WAN, &out);
		assert_frame_equal(&out, &in);
	}
}

static void
unclassified_frames_are_forwarded_byte_for_byte(void **state)
{
	static const uint32_t payload[] = {0, 1, 18, 1472, 2000, 2030, 2048, 9000, 65535 - 42};

	for (unsigned int i = 0; i < RTE_DIM(payload); i++) {
		frame_udp(&in, 7, 9999, payload[i]);
		expect_frame(*state, "lan to wan", LAN, &in, "to wan", WAN, &out);
		assert_frame_equal(&out, &in);
		expect_frame(*state, "wan to lan", WAN, &in, "to lan", LAN, &out);
		assert_frame_equal(&out, &in);
	}
	memset(in.bytes, 0xff, 60); /* no IP at all */
	in.size = 60;
	expect_frame(*state, "broadcast", LAN, &in, "to wan", WAN, &out);
	assert_frame_equal(&out, &in);
}

static void
a_port_without_peer_drops(void **state)
{
	frame_udp(&in, 7, 9999, 10);
	expect(*state, "no peer", LONE, &in, "forward: no-peer");
}

static void
forwarding_obeys_the_mtu_of_the_peer(void **state)
{
	struct fixture *f = *state;

	f->fake[WAN].pmd.mtu = 1514;
	frame_udp(&in, 7, 9999, 1514 - 42);
	expect(f, "fits", LAN, &in, "to wan");
	frame_udp(&in, 7, 9999, 1514 - 41);
	expect(f, "one byte more", LAN, &in, "forward: mtu");
}

static void
a_drop_rule_drops(void **state)
{
	frame_udp(&in, 7, 53, 10);
	expect(*state, "dns", LAN, &in, "classify: rule");
	expect(*state, "the rule is for lan", WAN, &in, "to lan");
}

static void
default_drop_drops_by_another_name(void **state)
{
	struct fixture *f = fixture_open(&(struct fixture_conf){.feed = SFF_FEED_LIVE, .drop_default = true});

	(void)state;
	frame_udp(&in, 7, 9999, 10);
	expect(f, "no rule", LAN, &in, "classify: default");
	frame_udp(&in, 7, 53, 10);
	expect(f, "a rule", LAN, &in, "classify: rule");
	frame_udp(&in, 7, 1100, 10);
	expect(f, "a path", LAN, &in, "to fw-1");
	fixture_close(f);
}

/* Ver 0, O 0, U 0, TTL 62 (one SFF was passed: ours), Length 6, MD type 1, NP 3; SPI 103, SI 255; words. */
static const uint8_t md1_far[NSH_MD1_SIZE] = {
	0x0f, 0x86, 0x01, 0x03, 0x00, 0x00, 0x67, 0xff, 0, 0, 0, 10, 0, 0, 0, 20, 0, 0, 0, 0, 0, 0, 0, 0};
static const uint8_t md2_far[NSH_BASE_SIZE] = {0x0f, 0x82, 0x02, 0x03, 0x00, 0x00, 0x68, 0xff};

static void
the_first_wire_hop_shows_ttl_62_and_si_255(void **state)
{
	frame_udp(&in, 7, 1103, 30);
	expect_frame(*state, "MD1", LAN, &in, "to core", CORE, &out);
	want = in;
	frame_push(&want, md1_far, sizeof(md1_far));
	frame_pull(&out, OUTER_GPE4_SIZE);
	assert_frame_equal(&out, &want);
}

static void
md_type_2_is_pushed_with_length_2(void **state)
{
	frame_udp(&in, 7, 1104, 30);
	expect_frame(*state, "MD2", LAN, &in, "to core", CORE, &out);
	want = in;
	frame_push(&want, md2_far, sizeof(md2_far));
	frame_pull(&out, OUTER_GPE4_SIZE);
	assert_frame_equal(&out, &want);
}

static void
a_local_sf_gets_ethernet_nsh_and_the_whole_frame(void **state)
{
	static const uint8_t head[ETH_HDR_SIZE + NSH_MD1_SIZE] = {0x02, 0x56, 0x4d, 0, 0, FW_1, /* its MAC */
		0x02, 0x53, 0x46, 0x46, 0, 0, 0x89, 0x4f,       /* ours, NSH */
		0x0f, 0x86, 0x01, 0x03, 0x00, 0x00, 0x64, 0xff, /* SPI 100 */
		0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0xff, 0xff, 0xff, 0xff};
	struct fixture *f = *state;

	frame_udp(&in, 7, 1100, 30);
	expect_frame(f, "to the SF", LAN, &in, "to fw-1", FW_1, &out);
	want = in;
	frame_push(&want, head, sizeof(head));
	assert_frame_equal(&out, &want);
	assert_int_equal(f->lc->path[0].in, 1);
	assert_int_equal(f->lc->path[0].out, 0);
}

static void
a_path_leaves_no_trace_on_the_frame(void **state)
{
	struct fixture *f = *state;

	for (uint16_t path = 1100; path <= 1107; path++) {
		if (path == 1101 || (path >= 1103 && path <= 1105))
			continue; /* without a rule, or over the wire */
		frame_udp(&in, path, path, 100);
		fixture_put(f, LAN, &in);
		fixture_settle(f);
		assert_true(fixture_take(f, WAN, &out));
		assert_frame_equal(&out, &in);
	}
	assert_int_equal(f->lc->path[7].in, 1);
	assert_int_equal(f->lc->path[7].out, 1);
}

static void
a_path_of_ttl_1_ends_in_its_first_sff(void **state)
{
	frame_udp(&in, 7, 1110, 10);
	expect(*state, "TTL 1", LAN, &in, "nsh_push: nsh-ttl");
}

static void
rules_see_through_tags(void **state)
{
	frame_udp(&in, 7, 1100, 10);
	tag(&in, ETH_VLAN);
	expect(*state, "one", LAN, &in, "to fw-1");
	tag(&in, ETH_QINQ);
	expect(*state, "two", LAN, &in, "to fw-1");
}

static void
headers_need_headroom(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *what;
		uint16_t dst_port, headroom;
		const char *want;
	} rows[] = {
		{"nothing to add", 9999, 0, "to wan"},
		{"none for NSH", 1100, 0, "nsh_push: no-headroom"},
		{"a byte less than NSH", 1100, 23, "nsh_push: no-headroom"},
		{"NSH only", 1100, 24, "sf_output: no-headroom"},
		{"a byte less than Ethernet", 1100, 37, "sf_output: no-headroom"},
		{"enough", 1100, 38, "to fw-1"},
		{"NSH only, remote", 1103, 24, "remote_output: no-headroom"},
		{"a byte less than outer", 1103, 73, "remote_output: no-headroom"},
		{"enough, remote", 1103, 74, "to core"},
		{"MD2 is shorter", 1104, 58, "to core"},
	};

	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		f->headroom = rows[i].headroom;
		frame_udp(&in, 7, rows[i].dst_port, 10);
		expect(f, rows[i].what, LAN, &in, rows[i].want);
	}
}

static void
the_reverse_path_is_learned_where_the_forward_path_ends(void **state)
{
	struct fixture *f = *state;

	frame_udp_back(&want, 1100, 7, 30);
	expect(f, "not before", WAN, &want, "to lan");
	frame_udp(&in, 7, 1100, 30);
	fixture_put(f, LAN, &in);
	fixture_settle(f);
	fixture_forget(f);

	expect_frame(f, "back", WAN, &want, "to fw-1", FW_1, &out);
	assert_int_equal(nsh_sp((const struct nsh_hdr *)(out.bytes + ETH_HDR_SIZE)), nsh_sp_make(101, 255));
	frame_udp_back(&in, 1100, 8, 30);
	expect(f, "another flow", WAN, &in, "to lan");
	expect(f, "another port", LONE, &want, "forward: no-peer");
	fixture_put(f, WAN, &want);
	fixture_forget(f);
	fixture_settle(f);
	assert_true(fixture_take(f, LAN, &out));
	assert_frame_equal(&out, &want);
}

static void
a_path_without_reverse_learns_nothing(void **state)
{
	struct fixture *f = *state;

	frame_udp(&in, 7, 1106, 30);
	fixture_put(f, LAN, &in);
	fixture_settle(f);
	fixture_forget(f);
	frame_udp_back(&in, 1106, 7, 30);
	expect(f, "back", WAN, &in, "to lan");
}

static void
what_the_kernel_left_to_hardware_is_dropped_on_its_interfaces(void **state)
{
	static const struct {
		const char *what;
		bool on_kernel;
		uint32_t checksum, longer,
			mtu; /* of UDP: the pseudo header's alone; of IP: more than there is */
		const char *want;
	} rows[] = {
		{"whole", true, 0, 0, 1600, "to wan"},
		{"pseudo header alone", true, 1, 0, 1600, "access_input: offload"},
		{"pseudo header alone, a NIC", false, 1, 0, 1600, "to wan"},
		{"cut", true, 0, 1, 1600, "access_input: offload"},
		{"cut, a NIC", false, 0, 1, 1600, "to wan"},
		{"longer than the port's", true, 0, 0, 141, "access_input: offload"},
		{"as long as the port's", true, 0, 0, 142, "to wan"},
	};
	struct fixture *f = *state;

	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		f->fake[LAN].pmd.on_kernel = rows[i].on_kernel;
		f->fake[LAN].pmd.mtu = (uint16_t)rows[i].mtu;
		frame_udp(&in, 1, 9999, 100);
		in.bytes[17] = (uint8_t)(in.bytes[17] + rows[i].longer);
		frame_fix_ip(&in, ETH_HDR_SIZE);
		if (rows[i].checksum) {
			const struct nsh_ipv4_hdr *ip = (const void *)(in.bytes + ETH_HDR_SIZE);
			uint16_t sum = nsh_sum_fold(nsh_sum_pseudo4(ip->src, ip->dst, 17, 108));

			memcpy(in.bytes + 40, &sum, sizeof(sum));
		}
		expect(f, rows[i].what, LAN, &in, rows[i].want);
	}
	f->fake[LAN].pmd.on_kernel = false;
	f->fake[LAN].pmd.mtu = UINT16_MAX;
}

int
stages_access(void)
{
	const struct CMUnitTest tests[] = {
		STAGE_TEST(runt_frames_are_eth_truncated),
		STAGE_TEST(nsh_is_refused_on_an_access_port_also_behind_tags),
		STAGE_TEST(a_third_tag_and_a_cut_tag_are_payload),
		STAGE_TEST(unclassified_frames_are_forwarded_byte_for_byte),
		STAGE_TEST(a_port_without_peer_drops),
		STAGE_TEST(forwarding_obeys_the_mtu_of_the_peer),
		STAGE_TEST(a_drop_rule_drops),
		cmocka_unit_test(default_drop_drops_by_another_name),
		STAGE_TEST(the_first_wire_hop_shows_ttl_62_and_si_255),
		STAGE_TEST(md_type_2_is_pushed_with_length_2),
		STAGE_TEST(a_local_sf_gets_ethernet_nsh_and_the_whole_frame),
		STAGE_TEST(a_path_leaves_no_trace_on_the_frame),
		STAGE_TEST(a_path_of_ttl_1_ends_in_its_first_sff),
		STAGE_TEST(rules_see_through_tags),
		STAGE_TEST(headers_need_headroom),
		STAGE_TEST(the_reverse_path_is_learned_where_the_forward_path_ends),
		STAGE_TEST(a_path_without_reverse_learns_nothing),
		STAGE_TEST(what_the_kernel_left_to_hardware_is_dropped_on_its_interfaces),
	};

	return cmocka_run_group_tests_name("access port", tests, NULL, NULL);
}
