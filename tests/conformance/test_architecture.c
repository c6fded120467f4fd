/* RFC 7665: roles, steering, borders of the domain, both directions, instances. */
#include "conformance.h"

static struct frame in, out, other, inner;

static void
a1_an_sf_cannot_tell_a_classifier_here_from_one_elsewhere(void **state)
{
	struct fixture *f = *state;
	static const uint32_t words[NSH_MD1_WORDS] = {1, 2, 3, UINT32_MAX}; /* of the rule, in domain.yaml */
	uint8_t nsh[NSH_MD1_SIZE];

	for (uint32_t payload = 0; payload < 3000; payload += 271) {
		frame_udp(&in, 7, 1100, payload);
		expect_frame(f, "classifier and SFF on one node", LAN, &in, "to fw-1", FW_1, &out);
		frame_push(&in, nsh, nsh_build_md1(nsh, nsh_sp_make(100, 255), 63, NSH_NP_ETHERNET, words));
		frame_gpe(&in, 50000);
		expect_frame(f, "a classifier elsewhere", CORE, &in, "to fw-1", FW_1, &other);
		assert_frame_equal(&out, &other);
	}
	assert_int_equal(all_dropped(f), 0);
}

static void
a1_the_next_sff_cannot_tell_either(void **state)
{
	struct fixture *f = *state;
	static const uint32_t words[NSH_MD1_WORDS] = {10, 20, 0, 0};
	uint8_t nsh[NSH_MD1_SIZE];

	for (uint16_t flow = 0; flow < 50; flow++) {
		frame_udp(&in, flow, 1103, 100);
		expect_frame(f, "from the classifier here", LAN, &in, "to core", CORE, &out);
		frame_push(&in, nsh, nsh_build_md1(nsh, nsh_sp_make(103, 255), 63, NSH_NP_ETHERNET, words));
		frame_gpe(&in, 1); /* a source port that is not kept: both are of the flow */
		expect_frame(f, "from one elsewhere", CORE, &in, "to core", CORE, &other);
		assert_frame_equal(&out, &other);
	}
}

static void
a1_a_path_ends_alike_here_and_elsewhere(void **state)
{
	struct fixture *f = *state;

	frame_udp(&inner, 7, 1100, 100);
	expect(f, "to the SF", LAN, &inner, "to fw-1");
	assert_int_equal(fixture_serve(f, FW_1), 1);
	expect_text("ends here", fixture_verdict(f), "to wan");
	assert_true(fixture_take(f, WAN, &out));
	assert_frame_equal(&out, &inner);

	frame_udp(&inner, 7, 1105, 100);
	expect(f, "to the SF", LAN, &inner, "to fw-1");
	assert_int_equal(fixture_serve(f, FW_1), 1);
	expect_text("ends elsewhere", fixture_verdict(f), "to core");
	assert_true(fixture_take(f, CORE, &out));
	frame_pull(&out, OUTER_GPE4_SIZE + NSH_MD1_SIZE);
	assert_frame_equal(&out, &inner);
}

static void
a2_the_payload_does_not_choose_the_hop(void **state)
{
	struct fixture *f = *state;

	/* Flows for which the rules of this node have other paths, and what is no flow at all. */
	for (uint16_t port = 1100; port < 1112; port++) {
		frame_udp(&in, 7, port, 40);
		over_the_wire(&in, 100, 255, 63, NSH_NP_ETHERNET);
		expect(f, "a flow of another path", CORE, &in, "to fw-1");
	}
	frame_udp(&in, 7, 53, 40);
	over_the_wire(&in, 100, 255, 63, NSH_NP_ETHERNET);
	expect(f, "a flow that a rule drops", CORE, &in, "to fw-1");
	for (unsigned int byte = 0; byte < 256; byte++) {
		memset(in.bytes, (int)byte, 60);
		in.size = 60;
		over_the_wire(&in, 100, 255, 63, (uint8_t)(byte % (NSH_NP_IOAM + 1)));
		expect(f, "no flow", CORE, &in, "to fw-1");
	}
	assert_int_equal(path_count(f, 100)->in, 12 + 1 + 256);
}

static void
put_tag(struct frame *f, uint16_t type)
{
	const uint8_t tag[ETH_TAG_SIZE] = {(uint8_t)(type >> 8), (uint8_t)type, 0, 30};

	frame_push(f, NULL, ETH_TAG_SIZE);
	memmove(f->bytes, f->bytes + ETH_TAG_SIZE, 2 * ETH_MAC_SIZE);
	memcpy(f->bytes + 2 * ETH_MAC_SIZE, tag, sizeof(tag));
}

/* A frame that is NSH, behind these tags (0 = none), as any bytes that NSH may carry. */
static void
put_nsh_in_ethernet(struct frame *f, uint16_t outer, uint16_t inner_tag)
{
	uint8_t eth[ETH_HDR_SIZE];

	frame_udp(f, 1, 2, 20);
	frame_md1(f, 100, 255, 63, NSH_NP_ETHERNET);
	eth_build(eth, mac_here, mac_there, NSH_ETHERTYPE);
	frame_push(f, eth, sizeof(eth));
	if (inner_tag != 0)
		put_tag(f, inner_tag);
	if (outer != 0)
		put_tag(f, outer);
}

static void
a3_nsh_is_refused_on_an_access_port_behind_any_tags(void **state)
{
	static const uint16_t type[] = {0, ETH_VLAN, ETH_QINQ, 0x9100};
	struct fixture *f = *state;
	unsigned int n = 0;

	for (unsigned int a = 0; a < RTE_DIM(type); a++)
		for (unsigned int b = 0; b < RTE_DIM(type); b++) {
			put_nsh_in_ethernet(&in, type[a], type[b]);
			expect(f, "NSH", LAN, &in, "access_input: nsh-port");
			n++;
		}
	assert_int_equal(dropped(f, SFC_DROP_NSH_PORT), n);
}

static void
a3_nsh_in_nsh_does_not_leave_at_the_end_of_a_path(void **state)
{
	static const uint16_t type[] = {0, ETH_VLAN, ETH_QINQ, 0x9100};
	struct fixture *f = *state;
	unsigned int n = 0;

	for (unsigned int a = 0; a < RTE_DIM(type); a++)
		for (unsigned int b = 0; b < RTE_DIM(type); b++, n += 2) {
			put_nsh_in_ethernet(&inner, type[a], type[b]);
			in = inner;
			frame_md1(&in, 100, 254, 62, NSH_NP_ETHERNET);
			fixture_wrap_sf(f, FW_1, &in);
			expect(f, "an SF's", FW_1, &in, "terminal: nsh-leak");
			in = inner;
			over_the_wire(&in, 100, 254, 63, NSH_NP_ETHERNET);
			expect(f, "another node's", CORE, &in, "terminal: nsh-leak");
			/* Inside the domain it is a payload as any other. */
			in = inner;
			over_the_wire(&in, 105, 254, 63, NSH_NP_ETHERNET);
			expect_frame(f, "transit", CORE, &in, "to core", CORE, &out);
			frame_pull(&out, OUTER_GPE4_SIZE + NSH_MD1_SIZE);
			assert_frame_equal(&out, &inner);
		}
	assert_int_equal(dropped(f, SFC_DROP_NSH_LEAK), n);
	assert_int_equal(path_count(f, 100)->out, 0);
}

static void
a3_nsh_in_nsh_is_found_in_any_segment(void **state)
{
	struct fixture *f = *state;

	put_nsh_in_ethernet(&in, ETH_QINQ, ETH_VLAN);
	over_the_wire(&in, 100, 254, 63, NSH_NP_ETHERNET);
	for (uint16_t cut = 0; cut < in.size; cut++) {
		fixture_put_split(f, CORE, &in, &cut, 1);
		expect_text("cut", fixture_verdict(f), "terminal: nsh-leak");
	}
}

static void
a3_nsh_in_nsh_does_not_reach_an_sf_without_nsh(void **state)
{
	static const uint32_t spi[] = {204, 205, 206, 207, 212}; /* vlan, mac, flow, flow, attached */
	struct fixture *f = *state;

	for (unsigned int i = 0; i < RTE_DIM(spi); i++) {
		uint8_t nsh[NSH_BASE_SIZE];

		put_nsh_in_ethernet(&in, i & 1 ? ETH_VLAN : 0, 0);
		frame_push(
			&in, nsh, nsh_build_md2(nsh, nsh_sp_make(spi[i], 255), 63, NSH_NP_ETHERNET, NULL, 0));
		frame_gpe(&in, 50000);
		expect(f, "to a proxy", CORE, &in, "proxy_output: nsh-leak");
	}
}

static void
a3_nsh_is_refused_from_strangers(void **state)
{
	struct fixture *f = *state;

	frame_transport(&in, 100, 255, 63);
	patch(&in, (struct patch[PATCHES]){{ETH_HDR_SIZE + 12, 4, 0x0a6300fe}});
	frame_fix_ip(&in, ETH_HDR_SIZE);
	expect(f, "no locator", CORE, &in, "transport_input: outer-peer");
	assert_int_equal(dropped(f, SFC_DROP_OUTER_PEER), 1);
	assert_int_equal(path_count(f, 100)->in, 0);
}

static void
a3_n9_nothing_of_nsh_leaves_the_domain(void **state)
{
	static const uint16_t ports[] = {1100, 1102, 1106, 1107, 1108};
	struct fixture *f = *state;

	for (unsigned int i = 0; i < RTE_DIM(ports); i++)
		for (uint32_t payload = 0; payload < 2500; payload += 499) {
			frame_udp(&in, 7, ports[i], payload);
			fixture_put(f, LAN, &in);
			fixture_settle(f);
			assert_true(fixture_take(f, WAN, &out));
			assert_frame_equal(&out, &in);
		}
	assert_int_equal(all_dropped(f), 0);
}

static enum fixture_port_index
ids_of(struct fixture *f, enum fixture_port_index port, const struct frame *frame)
{
	const char *got = fixture_send(f, port, frame);

	for (enum fixture_port_index p = IDS_1; p <= IDS_3; p++)
		if (fixture_take(f, p, &out))
			return p;
	fail_msg("to no instance: %s", got);
	return LAN;
}

static void
a5_both_directions_meet_the_same_instance(void **state)
{
	struct fixture *f = *state;

	for (uint16_t flow = 0; flow < 300; flow++) {
		enum fixture_port_index there;

		frame_udp(&in, flow, 1102, 10);
		there = ids_of(f, LAN, &in);
		/* The answer, on another path, where the function is the second hop. */
		frame_udp_back(&in, 1102, flow, 10);
		over_the_wire(&in, 107, 254, 63, NSH_NP_ETHERNET);
		assert_int_equal(ids_of(f, CORE, &in), there);
	}
}

static void
a5_the_answer_takes_the_reverse_path(void **state)
{
	struct fixture *f = *state;

	frame_udp(&in, 7, 1100, 30);
	fixture_put(f, LAN, &in);
	fixture_settle(f);
	fixture_forget(f);
	frame_udp_back(&in, 1100, 7, 30);
	expect_frame(f, "answer", WAN, &in, "to fw-1", FW_1, &out);
	assert_int_equal(nsh_sp(nsh_at(&out, ETH_HDR_SIZE)), nsh_sp_make(101, 255));
	assert_int_equal(path_count(f, 101)->in, 1);
}

#define FLOWS 300

static void
a6_a_flow_keeps_its_instance_and_only_the_flows_of_a_lost_one_move(void **state)
{
	static enum fixture_port_index first[FLOWS];
	struct fixture *f = *state;

	for (uint16_t flow = 0; flow < FLOWS; flow++) {
		frame_udp(&in, flow, 1102, 10);
		first[flow] = ids_of(f, LAN, &in);
		frame_udp(&in, flow, 1102, 900);
		assert_int_equal(ids_of(f, LAN, &in), first[flow]);
	}
	f->plane.up[f->port[IDS_3].instance] = 0;
	for (uint16_t flow = 0; flow < FLOWS; flow++) {
		enum fixture_port_index now;

		frame_udp(&in, flow, 1102, 10);
		now = ids_of(f, LAN, &in);
		if (first[flow] == IDS_3)
			assert_int_not_equal(now, IDS_3);
		else
			assert_int_equal(now, first[flow]);
	}
	f->plane.up[f->port[IDS_1].instance] = 0;
	f->plane.up[f->port[IDS_2].instance] = 0;
	expect(f, "none left", LAN, &in, "sfp_lookup: sf-down");
	assert_int_equal(dropped(f, SFC_DROP_SF_DOWN), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STAGE_TEST(a1_an_sf_cannot_tell_a_classifier_here_from_one_elsewhere),
		STAGE_TEST(a1_the_next_sff_cannot_tell_either),
		STAGE_TEST(a1_a_path_ends_alike_here_and_elsewhere),
		STAGE_TEST(a2_the_payload_does_not_choose_the_hop),
		STAGE_TEST(a3_nsh_is_refused_on_an_access_port_behind_any_tags),
		STAGE_TEST(a3_nsh_in_nsh_does_not_leave_at_the_end_of_a_path),
		STAGE_TEST(a3_nsh_in_nsh_is_found_in_any_segment),
		STAGE_TEST(a3_nsh_in_nsh_does_not_reach_an_sf_without_nsh),
		STAGE_TEST(a3_nsh_is_refused_from_strangers),
		STAGE_TEST(a3_n9_nothing_of_nsh_leaves_the_domain),
		STAGE_TEST(a5_both_directions_meet_the_same_instance),
		STAGE_TEST(a5_the_answer_takes_the_reverse_path),
		STAGE_TEST(a6_a_flow_keeps_its_instance_and_only_the_flows_of_a_lost_one_move),
	};

	return cmocka_run_group_tests_name("architecture", tests, NULL, NULL);
}
