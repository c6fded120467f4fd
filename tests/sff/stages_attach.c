/* SFs that are no VMs: behind a transport port, a MAC address and VLAN tags. */
#include "stages.h"

#include "arp.h"

static struct frame in, out, got;

static const uint8_t mac_box[6] = {0x02, 0, 0, 0, 0x0f, 0x01};
static const uint8_t mac_wire[6] = {0x02, 0, 0, 0, 0x0f, 0x02};
static const uint8_t mac_wire_tag[6] = {0x02, 0, 0, 0, 0x0f, 0x03};

static struct nsh_hdr *
nsh_of(struct frame *f)
{
	return (struct nsh_hdr *)(f->bytes + OUTER_GPE4_SIZE);
}

/* Send it back where it came from, as a host does. */
static void
swap(struct frame *frame)
{
	uint8_t mac[6];

	memcpy(mac, frame->bytes, 6);
	memcpy(frame->bytes, frame->bytes + 6, 6);
	memcpy(frame->bytes + 6, mac, 6);
}

static void
an_attached_sf_gets_nsh_behind_its_tags(void **state)
{
	struct fixture *f = *state;
	struct nsh_hdr *nsh = (struct nsh_hdr *)(got.bytes + 22);

	frame_udp(&in, 1, 1210, 40);
	expect_frame(f, "out", LAN, &in, "to core", CORE, &got);
	assert_memory_equal(got.bytes, mac_box, 6);
	assert_memory_equal(got.bytes + 6, mac_here, 6);
	assert_memory_equal(got.bytes + 12, "\x88\xa8\0\x1e\x81\0\0\x1f\x89\x4f", 10);
	assert_int_equal(nsh_sp(nsh), nsh_sp_make(210, 255));
	assert_int_equal(got.size, 22 + NSH_MD1_SIZE + in.size);
	assert_true(nsh_si_dec(nsh));
	swap(&got);
	expect_frame(f, "back", CORE, &got, "to wan", WAN, &out);
	assert_frame_equal(&out, &in);
	/* Other priority, same VLAN. */
	got.bytes[14] = 0xe0;
	expect(f, "priority", CORE, &got, "to wan");
}

static void
the_books_hold_with_frames_to_and_from_attached_sfs(void **state)
{
	struct fixture *f = *state;
	uint64_t received = f->lc->received, sent = f->lc->sent;

	/* External frames: each way counts, and no instance consumed or originated anything. */
	frame_udp(&in, 1, 1211, 40);
	expect_frame(f, "out", LAN, &in, "to core", CORE, &got);
	assert_int_equal(f->lc->received - received, 1);
	assert_int_equal(f->lc->sent - sent, 1);
	swap(&got);
	expect(f, "back", CORE, &got, "to wan");
	assert_int_equal(f->lc->received - received, 2);
	assert_int_equal(f->lc->sent - sent, 2);
	assert_int_equal(sff_lcore_in_flight(f->lc), 0);
}

static void
an_attached_sf_is_checked_like_a_vm(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *what;
		struct patch patch[PATCHES];
		const char *want;
	} rows[] = {
		{"right", {{0}}, "to wan"},
		{"SI not decremented", {{29, 1, 255}}, "sf_input: sf-index"},
		{"another's path", {{26, 4, 100u << 8 | 254}}, "sf_input: sf-reclassify"},
		{"O bit", {{22, 1, 0x2f}}, "sf_input: oam"},
		{"not NSH", {{20, 2, 0x0800}}, "sf_input: sf-frame"},
		{"another outer tag", {{14, 2, 29}}, NULL},
		{"another inner tag", {{18, 2, 30}}, NULL},
		{"another station", {{11, 1, 0x09}}, NULL},
	};

	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		const char *verdict;

		frame_udp(&in, 4000, 5000, 40);
		frame_md1(&in, 210, 254, 62, NSH_NP_ETHERNET);
		frame_push(&in, NULL, 22);
		memcpy(in.bytes, mac_here, 6);
		memcpy(in.bytes + 6, mac_box, 6);
		memcpy(in.bytes + 12, "\x88\xa8\0\x1e\x81\0\0\x1f\x89\x4f", 10);
		patch(&in, rows[i].patch);
		verdict = fixture_send(f, CORE, &in);
		if (rows[i].want != NULL)
			expect_text(rows[i].what, verdict, rows[i].want);
		else if (strcmp(verdict, "underlay_input: not-nsh") != 0)
			fail_msg("%s: got '%s'", rows[i].what, verdict);
	}
	in.size = ETH_HDR_SIZE + 2;
	assert_memory_equal(fixture_send(f, CORE, &in), "transport_input: ", 17);
}

static void
an_attached_unaware_sf_gets_a_plain_frame_of_ours(void **state)
{
	struct fixture *f = *state;

	frame_udp(&in, 1, 1211, 40);
	expect_frame(f, "out", LAN, &in, "to core", CORE, &got);
	assert_int_equal(got.size, in.size + ETH_TAG_SIZE);
	assert_memory_equal(got.bytes, mac_wire, 6);
	assert_memory_equal(got.bytes + 6, mac_here, 6);
	assert_memory_equal(got.bytes + 12, "\x81\0\0\x20\x08\0", 6);
	assert_memory_equal(got.bytes + 18, in.bytes + 14, in.size - 14);
	/* Its addresses come back with its NSH. */
	swap(&got);
	expect_frame(f, "back", CORE, &got, "to wan", WAN, &out);
	assert_frame_equal(&out, &in);
	got.bytes[30] ^= 1;
	expect(f, "unknown flow", CORE, &got, "proxy_input: proxy-miss");
}

static void
x1_an_attached_unaware_sf_gets_its_header_back(void **state)
{
	struct fixture *f = *state;

	frame_udp(&in, 4000, 5000, 40);
	frame_md1(&in, 216, 255, 17, NSH_NP_ETHERNET);
	frame_gpe(&in, 50000);
	expect_frame(f, "out", CORE, &in, "to core", CORE, &got);
	swap(&got);
	expect_frame(f, "back", CORE, &got, "to core", CORE, &out);
	assert_int_equal(out.size, in.size);
	assert_true(nsh_si_dec(nsh_of(&in)));
	nsh_ttl_dec(nsh_of(&in));
	assert_memory_equal(nsh_of(&out), nsh_of(&in), in.size - OUTER_GPE4_SIZE);
}

static void
an_attached_unaware_sf_with_a_tag_per_position(void **state)
{
	struct fixture *f = *state;

	frame_udp(&in, 1, 1212, 40);
	expect_frame(f, "out", LAN, &in, "to core", CORE, &got);
	assert_int_equal(got.size, in.size + 3 * ETH_TAG_SIZE);
	assert_memory_equal(got.bytes, mac_wire_tag, 6);
	assert_memory_equal(got.bytes + 12, "\x88\xa8\0\x21\x81\0\0\x22\x81\0\0\x01\x08\0", 14);
	swap(&got);
	expect_frame(f, "back", CORE, &got, "to wan", WAN, &out);
	assert_frame_equal(&out, &in);
	got.bytes[23] = 9;
	expect(f, "unknown tag", CORE, &got, "proxy_input: proxy-miss");
}

static void
a_frame_without_room_for_the_tags_is_dropped(void **state)
{
	struct fixture *f = *state;

	/* MD type 2 of two words and IP: less comes off than goes on. */
	frame_udp(&in, 4000, 5000, 40);
	frame_pull(&in, ETH_HDR_SIZE);
	frame_md2(&in, 214, 254, 62, NSH_NP_IPV4, NULL, 0);
	fixture_wrap_sf(f, FW_1, &in);
	expect_frame(f, "room", FW_1, &in, "to core", CORE, &got);
	assert_int_equal(got.size, 14 + 12 + in.size - ETH_HDR_SIZE - NSH_BASE_SIZE);
	assert_memory_equal(got.bytes + 12, "\x88\xa8\0\x21\x81\0\0\x22\x81\0\0\x02\x08\0", 14);
	f->headroom = 0;
	expect(f, "no room", FW_1, &in, "proxy_output: no-headroom");
}

static void
x3_arp_of_an_attached_sf_is_answered_behind_its_tags(void **state)
{
	struct fixture *f = *state;
	struct arp_info info;

	in.size = 0;
	frame_push(&in, NULL, 18 + ARP_SIZE);
	memset(in.bytes, 0xff, 6);
	memcpy(in.bytes + 6, mac_wire, 6);
	memcpy(in.bytes + 12, "\x81\0\0\x20\x08\x06", 6);
	arp_build_request(in.bytes + 18, mac_wire, RTE_BE32(0x0a000005), RTE_BE32(0x0a000001));
	expect_frame(f, "request", CORE, &in, "to core", CORE, &out);
	assert_int_equal(out.size, in.size);
	assert_memory_equal(out.bytes, mac_wire, 6);
	assert_memory_equal(out.bytes + 6, mac_here, 6);
	assert_memory_equal(out.bytes + 12, "\x81\0\0\x20\x08\x06", 6);
	assert_true(arp_parse(out.bytes + 18, ARP_SIZE, &info));
	assert_int_equal(info.op, ARP_REPLY);
	assert_memory_equal(info.sender_mac, mac_here, 6);
	/* That of a host on a path is none of its own, though the SF sends it. */
	frame_udp(&out, 1, 2, 40);
	patch(&out, (struct patch[PATCHES]){{12, 2, ETH_ARP}});
	arp_build_request(out.bytes + 14, out.bytes + 6, RTE_BE32(0x0a000006), RTE_BE32(0x0a000001));
	in = out;
	frame_md1(&in, 211, 255, 17, NSH_NP_ETHERNET);
	frame_gpe(&in, 50000);
	expect_frame(f, "ARP on a path", CORE, &in, "to core", CORE, &got);
	swap(&got);
	expect_frame(f, "and back", CORE, &got, "to wan", WAN, &in);
	assert_frame_equal(&in, &out);
	got.bytes[18 + 27] ^= 1;
	expect(f, "another one", CORE, &got, "proxy_input: proxy-miss");
}

static void
frames_to_an_attached_sf_obey_the_mtu_of_its_port(void **state)
{
	struct fixture *f = *state;

	f->fake[CORE].pmd.mtu = 1522;
	frame_udp(&in, 1, 1210, 1522 - 22 - 24 - 42);
	expect(f, "aware, fits", LAN, &in, "to core");
	frame_udp(&in, 1, 1210, 1522 - 22 - 24 - 41);
	expect(f, "aware, one byte more", LAN, &in, "sf_output: mtu");
	frame_udp(&in, 1, 1211, 1522 - 4 - 42);
	expect(f, "unaware, fits", LAN, &in, "to core");
	frame_udp(&in, 1, 1211, 1522 - 4 - 41);
	expect(f, "unaware, one byte more", LAN, &in, "proxy_output: mtu");
}

int
stages_attach(void)
{
	const struct CMUnitTest tests[] = {
		STAGE_TEST(an_attached_sf_gets_nsh_behind_its_tags),
		STAGE_TEST(the_books_hold_with_frames_to_and_from_attached_sfs),
		STAGE_TEST(an_attached_sf_is_checked_like_a_vm),
		STAGE_TEST(an_attached_unaware_sf_gets_a_plain_frame_of_ours),
		STAGE_TEST(x1_an_attached_unaware_sf_gets_its_header_back),
		STAGE_TEST(an_attached_unaware_sf_with_a_tag_per_position),
		STAGE_TEST(a_frame_without_room_for_the_tags_is_dropped),
		STAGE_TEST(x3_arp_of_an_attached_sf_is_answered_behind_its_tags),
		STAGE_TEST(frames_to_an_attached_sf_obey_the_mtu_of_its_port),
	};

	return cmocka_run_group_tests_name("attached SF", tests, NULL, NULL);
}
