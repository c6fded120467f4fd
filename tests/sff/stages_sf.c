#include "stages.h"

static struct frame in, out;

/* What an SF sends: (SPI, SI) and the usual rest. */
static void
from_sf(struct fixture *f, enum fixture_port_index port, uint32_t spi, uint8_t si, uint8_t ttl)
{
	frame_udp(&in, 4000, 5000, 40);
	frame_md1(&in, spi, si, ttl, NSH_NP_ETHERNET);
	fixture_wrap_sf(f, port, &in);
}

/* The configuration's index of a path, by SPI. */
static uint16_t
sfp_path(const struct fixture *f, uint32_t spi)
{
	uint16_t p = 0;

	while (f->plane.config->path[p].spi != spi)
		p++;
	return p;
}

static void
frames_that_are_not_nsh_are_sf_frame(void **state)
{
	struct fixture *f = *state;

	from_sf(f, FW_1, 100, 254, 62);
	for (in.size = 0; in.size < ETH_HDR_SIZE; in.size++)
		expect(f, "runt", FW_1, &in, "sf_input: sf-frame");
	frame_udp(&in, 1, 2, 40);
	expect(f, "plain", FW_1, &in, "sf_input: sf-frame");
	from_sf(f, FW_1, 100, 254, 62);
	patch(&in, (struct patch[PATCHES]){{12, 2, ETH_VLAN}, {14, 4, NSH_ETHERTYPE}});
	expect(f, "tagged", FW_1, &in, "sf_input: sf-frame");
}

static void
nsh_of_an_sf_is_checked_like_any_other(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *what;
		struct patch patch[PATCHES];
		const char *want;
	} rows[] = {
		{"right", {{0}}, "to wan"},
		{"other addresses", {{0, 4, 0xdeadbeef}, {6, 4, 0xdeadbeef}}, "to wan"},
		{"version 1", {{14, 1, 0x4f}}, "sf_input: nsh-version"},
		{"MD type 0", {{16, 1, 0x00}}, "sf_input: nsh-md-type"},
		{"5 words", {{14, 2, 0x0f85}}, "sf_input: nsh-length"},
		{"MD2 of 1 word", {{14, 3, 0x0f8102}}, "sf_input: nsh-length"},
		{"MD2 beyond the frame", {{14, 3, 0x0fbf02}}, "sf_input: nsh-truncated"},
		{"TTL 0", {{14, 2, 0x0006}}, "sf_input: nsh-ttl"},
		{"O bit", {{14, 1, 0x2f}}, "sf_input: oam"},
		{"next protocol 7", {{17, 1, 7}}, "sf_input: nsh-proto"},
		{"next protocol 254", {{17, 1, 0xfe}}, "sf_input: nsh-proto"},
		{"next protocol 1", {{17, 1, 1}}, "terminal: ip-payload"},
		{"next protocol 4", {{17, 1, 4}}, "terminal: nsh-proto"},
		{"U bits", {{14, 1, 0x1f}, {16, 1, 0xf1}}, "to wan"},
	};

	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		from_sf(f, FW_1, 100, 254, 62);
		patch(&in, rows[i].patch);
		expect(f, rows[i].what, FW_1, &in, rows[i].want);
	}
	from_sf(f, FW_1, 100, 254, 62);
	for (in.size = ETH_HDR_SIZE; in.size < ETH_HDR_SIZE + NSH_MD1_SIZE; in.size++)
		expect(f, "cut", FW_1, &in, "sf_input: nsh-truncated");
}

static void
n6_an_sf_reaches_only_what_follows_a_position_of_its_own(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *what;
		enum fixture_port_index port;
		uint32_t spi;
		uint8_t si;
		const char *want;
	} rows[] = {
		{"its own", FW_1, 100, 254, "to wan"},
		{"SI not decremented", FW_1, 100, 255, "sf_input: sf-index"},
		{"SI decremented twice", FW_1, 100, 253, "sf_input: sf-index"},
		{"SI 0", FW_1, 100, 0, "sf_input: sf-index"},
		{"an unknown path", FW_1, 999, 254, "sf_input: sf-index"},
		{"SPI 0", FW_1, 0, 254, "sf_input: sf-index"},
		{"a path without this function", FW_1, 102, 254, "sf_input: sf-reclassify"},
		{"another's path", IDS_1, 100, 254, "sf_input: sf-reclassify"},
		{"any instance of the function", IDS_3, 102, 254, "to wan"},
		{"first of its two positions", FW_1, 107, 254, NULL},
		{"second of its two positions", FW_1, 107, 252, "to wan"},
		{"between its positions: the other's", FW_1, 107, 253, "sf_input: sf-index"},
		{"the other's own", IDS_2, 107, 253, "to fw-1"},
		{"the other may not skip it", IDS_2, 107, 252, "sf_input: sf-index"},
		{"back to the start", IDS_2, 107, 254, "sf_input: sf-index"},
		{"SI 255 never follows, not even SI 0 of the next SPI", FW_1, 105, 255, "sf_input: sf-index"},
		{"SI 0 that is the end", FW_1, 106, 0, "to wan"},
		{"the last SPI", FW_1, 0xffffff, 254, "to wan"},
		{"the last word of all", FW_1, 0xffffff, 255, "sf_input: sf-index"},
		{"the end of a path, again", FW_1, 101, 253, "sf_input: sf-index"},
		{"a path that ends on another node", FW_1, 105, 254, "to core"},
		{"behind that end", FW_1, 105, 253, "sf_input: sf-index"},
		{"a position of a function of another node", FW_1, 103, 254, "sf_input: sf-reclassify"},
		{"a local instance of a function of both nodes", WIDE_1, 109, 254, "to wan"},
	};

	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		const char *got;

		from_sf(f, rows[i].port, rows[i].spi, rows[i].si, 62);
		got = fixture_send(f, rows[i].port, &in);
		if (rows[i].want != NULL)
			expect_text(rows[i].what, got, rows[i].want);
		else
			assert_memory_equal(got, "to ids-", 7);
	}
}

/* A hostile SF tries every word of every path near its own: what is accepted leads strictly on. */
static void
no_word_of_an_sf_leads_back(void **state)
{
	struct fixture *f = *state;
	unsigned int accepted = 0;

	for (uint32_t spi = 98; spi < 114; spi++)
		for (unsigned int si = 0; si < 256; si++) {
			from_sf(f, FW_1, spi, (uint8_t)si, 62);
			if (strstr(fixture_send(f, FW_1, &in), "sf_input: ") == NULL)
				accepted++;
			/* Never to itself again, unless a later position is its own: this domain has none in
			 * a row. */
			assert_int_equal(fixture_waiting(f, FW_1), 0);
			fixture_forget(f);
		}
	/* 100, 101, 105, 106, 107 twice, 108, 110: as the domain says. */
	assert_int_equal(accepted, 8);
}

/* A4: a function moves a frame to the beginning of a path it lists, and nowhere else. */
static void
a4_an_sf_branches_only_to_where_its_function_may(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *what;
		uint32_t spi;
		uint8_t si;
		const char *want;
	} rows[] = {
		{"on its way", 120, 254, "to wan"},
		{"a path it may choose", 100, 255, "to fw-1"},
		{"another, from its initial SI", 121, 9, "to fw-1"},
		{"in the middle of it", 121, 8, "sf_input: sf-index"},
		{"before its beginning", 121, 255, "sf_input: sf-index"},
		{"the end of one it may choose", 100, 254, "sf_input: sf-index"},
		{"its own path again", 120, 255, "sf_input: sf-index"},
		{"a path with itself", 122, 255, "to turn-1"},
		{"a path that is not listed", 102, 255, "sf_input: sf-reclassify"},
		{"the end of such a path", 102, 254, "sf_input: sf-reclassify"},
		{"an SI such a path does not have", 102, 7, "sf_input: sf-reclassify"},
		{"no path", 999, 255, "sf_input: sf-index"},
		{"SPI 0", 0, 255, "sf_input: sf-index"},
	};
	uint64_t branched;

	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		from_sf(f, TURN_1, rows[i].spi, rows[i].si, 62);
		expect(f, rows[i].what, TURN_1, &in, rows[i].want);
	}
	assert_int_equal(f->lc->steering.reclassified, 3);
	/* A function that lists nothing never does. */
	branched = f->lc->steering.reclassified;
	from_sf(f, FW_1, 120, 255, 62);
	expect(f, "none listed", FW_1, &in, "sf_input: sf-reclassify");
	assert_int_equal(f->lc->steering.reclassified, branched);
}

/* A4: the TTL goes on, and a branch counts as a visit of this SFF; N5: the rest of the header is as the SF
 * sent it. */
static void
a4_a_branch_keeps_the_ttl_and_costs_one(void **state)
{
	struct fixture *f = *state;

	for (uint8_t ttl = 2; ttl < 64; ttl++) {
		const struct nsh_hdr *nsh = (const struct nsh_hdr *)(out.bytes + ETH_HDR_SIZE);

		from_sf(f, TURN_1, 121, 9, ttl);
		expect_frame(f, "branch", TURN_1, &in, "to fw-1", FW_1, &out);
		assert_int_equal(nsh_ttl(nsh), ttl - 1);
		assert_int_equal(nsh_sp(nsh), nsh_sp_make(121, 9));
		/* Context and payload behind the two header words. */
		assert_int_equal(out.size, in.size);
		assert_memory_equal(out.bytes + ETH_HDR_SIZE + 8, in.bytes + ETH_HDR_SIZE + 8,
			in.size - ETH_HDR_SIZE - 8);
	}
	from_sf(f, TURN_1, 121, 9, 1);
	expect(f, "the last one", TURN_1, &in, "nsh_ttl: nsh-ttl");
	from_sf(f, TURN_1, 121, 9, 2);
	nsh_oam_set((struct nsh_hdr *)(in.bytes + ETH_HDR_SIZE), true);
	expect(f, "O bit", TURN_1, &in, "nsh_ttl: oam");
	from_sf(f, TURN_1, 121, 9, 2);
	nsh_np_set((struct nsh_hdr *)(in.bytes + ETH_HDR_SIZE), NSH_NP_OAM);
	expect(f, "OAM without O bit", TURN_1, &in, "nsh_ttl: nsh-proto");
	/* Of the new path it is the first look-up here. */
	assert_int_equal(f->lc->path[sfp_path(f, 121)].in, 62);
}

/* A4: a function that branches to itself for ever: the TTL ends it. */
static void
a4_a_loop_of_branches_dies_by_ttl(void **state)
{
	struct fixture *f = *state;
	unsigned int rounds = 0;
	const char *got = "to turn-1";

	from_sf(f, TURN_1, 122, 255, 63);
	while (strcmp(got, "to turn-1") == 0 && rounds < 100) {
		got = fixture_send(f, TURN_1, &in);
		rounds += fixture_take(f, TURN_1, &in);
	}
	expect_text("loop", got, "nsh_ttl: nsh-ttl");
	assert_int_equal(rounds, 62);
}

/* Fail closed: what a secure path carries is taken from ports that are secure, whoever sent it. */
static void
a_secure_path_is_not_entered_over_an_open_link(void **state)
{
	struct fixture *f = *state;

	frame_udp(&in, 1, 1123, 40);
	expect(f, "from its classifier", LAN, &in, "to fw-1");
	from_sf(f, FW_1, 123, 254, 62);
	expect(f, "from its SF", FW_1, &in, "to wan");
	frame_transport(&in, 123, 255, 63);
	expect(f, "from an open link", CORE, &in, "sfp_lookup: insecure");
	frame_transport(&in, 123, 254, 63);
	expect(f, "its end, from an open link", CORE, &in, "sfp_lookup: insecure");
	f->port[CORE].secure = true;
	expect(f, "from a protected link", CORE, &in, "to wan");
	f->port[CORE].secure = false;
	frame_transport(&in, 100, 255, 63);
	expect(f, "another path, from an open link", CORE, &in, "to fw-1");
}

static void
n4_ttl_is_not_decremented_on_return_from_an_sf(void **state)
{
	struct fixture *f = *state;

	for (uint8_t ttl = 1; ttl < 64; ttl++) {
		from_sf(f, FW_1, 105, 254, ttl);
		expect_frame(f, "return", FW_1, &in, "to core", CORE, &out);
		assert_int_equal(nsh_ttl((const struct nsh_hdr *)(out.bytes + OUTER_GPE4_SIZE)), ttl);
	}
}

static void
x6_a_function_that_is_down_closes_or_is_bypassed(void **state)
{
	struct fixture *f = *state;
	uint8_t *up = f->plane.up;

	frame_transport(&in, 108, 255, 63);
	expect(f, "all up", CORE, &in, "to soft-1");
	up[f->port[SOFT_1].instance] = 0;
	expect_frame(f, "bypassed", CORE, &in, "to fw-1", FW_1, &out);
	assert_int_equal(nsh_sp((const struct nsh_hdr *)(out.bytes + ETH_HDR_SIZE)), nsh_sp_make(108, 254));
	assert_int_equal(nsh_ttl((const struct nsh_hdr *)(out.bytes + ETH_HDR_SIZE)), 62);
	frame_transport(&in, 111, 255, 63);
	expect(f, "bypassed, then the end", CORE, &in, "to wan");
	frame_udp(&in, 1, 1111, 10);
	expect(f, "imposed, bypassed, then the end", LAN, &in, "to wan");
	up[f->port[FW_1].instance] = 0;
	frame_transport(&in, 108, 255, 63);
	expect(f, "bypassed, then closed", CORE, &in, "sfp_lookup: sf-down");
	frame_transport(&in, 100, 255, 63);
	expect(f, "closed", CORE, &in, "sfp_lookup: sf-down");
	frame_udp(&in, 1, 1100, 10);
	expect(f, "closed, from a classifier", LAN, &in, "sfp_lookup: sf-down");
	up[f->port[FW_1].instance] = 1;
	expect(f, "up again", LAN, &in, "to fw-1");
}

static void
frames_from_a_transport_stay_on_this_node_while_they_can(void **state)
{
	struct fixture *f = *state;
	unsigned int local = 0, remote = 0;

	for (uint16_t flow = 0; flow < 200; flow++) {
		const char *got;

		frame_udp(&in, flow, 1109, 10);
		got = fixture_send(f, LAN, &in);
		local += strcmp(got, "to wide-1") == 0;
		remote += strcmp(got, "to core") == 0;
		frame_md1(&in, 109, 255, 63, NSH_NP_ETHERNET);
		frame_gpe(&in, 50000);
		expect(f, "transport", CORE, &in, "to wide-1");
	}
	assert_int_equal(local + remote, 200);
	assert_true(local > 60 && remote > 60);
	fixture_forget(f);

	f->plane.up[f->port[WIDE_1].instance] = 0;
	expect(f, "from a transport, none here", CORE, &in, "to core");
	for (uint16_t flow = 0; flow < 200; flow++) {
		frame_udp(&in, flow, 1109, 10);
		expect(f, "from access, none here", LAN, &in, "to core");
	}
}

#define FLOWS 600

static enum fixture_port_index
instance_of(struct fixture *f, enum fixture_port_index port, const struct frame *frame)
{
	const char *got = fixture_send(f, port, frame);

	for (enum fixture_port_index p = IDS_1; p <= IDS_3; p++)
		if (fixture_take(f, p, &out))
			return p;
	fail_msg("no instance: %s", got);
	return LAN;
}

static void
a6_flows_spread_over_instances_and_stay(void **state)
{
	static enum fixture_port_index first[FLOWS];
	struct fixture *f = *state;
	unsigned int n[FIXTURE_PORTS] = {0};

	for (uint16_t flow = 0; flow < FLOWS; flow++) {
		frame_udp(&in, flow, 1102, 10);
		first[flow] = instance_of(f, LAN, &in);
		n[first[flow]]++;
		frame_udp(&in, flow, 1102, 99);
		assert_int_equal(instance_of(f, LAN, &in), first[flow]);
		/* The way back, over the wire, meets the same instance. */
		frame_udp_back(&in, 1102, flow, 10);
		frame_md1(&in, 102, 255, 63, NSH_NP_ETHERNET);
		frame_gpe(&in, 50000);
		assert_int_equal(instance_of(f, CORE, &in), first[flow]);
	}
	for (enum fixture_port_index p = IDS_1; p <= IDS_3; p++)
		assert_in_range(n[p], FLOWS / 3 - 60, FLOWS / 3 + 60);

	/* One goes down: only its flows move, to both others; it comes back, and so do they. */
	f->plane.up[f->port[IDS_2].instance] = 0;
	memset(n, 0, sizeof(n));
	for (uint16_t flow = 0; flow < FLOWS; flow++) {
		enum fixture_port_index now;

		frame_udp(&in, flow, 1102, 10);
		now = instance_of(f, LAN, &in);
		if (first[flow] == IDS_2)
			n[now]++;
		else
			assert_int_equal(now, first[flow]);
	}
	assert_int_equal(n[IDS_2], 0);
	assert_true(n[IDS_1] > 0 && n[IDS_3] > 0);
	f->plane.up[f->port[IDS_2].instance] = 1;
	for (uint16_t flow = 0; flow < FLOWS; flow++) {
		frame_udp(&in, flow, 1102, 10);
		assert_int_equal(instance_of(f, LAN, &in), first[flow]);
	}
}

static void
frames_to_an_sf_obey_its_mtu(void **state)
{
	struct fixture *f = *state;

	f->fake[FW_1].pmd.mtu = 1500;
	frame_udp(&in, 1, 1100, 1500 - 38 - 42);
	expect(f, "fits", LAN, &in, "to fw-1");
	frame_udp(&in, 1, 1100, 1500 - 38 - 41);
	expect(f, "one byte more", LAN, &in, "sf_output: mtu");
}

static void
hops_count_what_went_in_and_what_came_back(void **state)
{
	struct fixture *f = *state;
	int known;
	const struct sfp_entry *first = sfp_lookup(f->plane.table, nsh_sp_make(107, 255), &known);
	const struct sff_hop_count *hop = &f->lc->hop[first - f->plane.table->entry];

	frame_udp(&in, 1, 1107, 10);
	for (int i = 0; i < 5; i++)
		fixture_put(f, LAN, &in);
	fixture_settle(f);
	for (int h = 0; h < 3; h++) {
		assert_int_equal(hop[h].in, 5);
		assert_int_equal(hop[h].out, 5);
	}
	assert_int_equal(hop[3].in, 5); /* terminal */
	assert_int_equal(hop[3].out, 0);
}

int
stages_sf(void)
{
	const struct CMUnitTest tests[] = {
		STAGE_TEST(frames_that_are_not_nsh_are_sf_frame),
		STAGE_TEST(nsh_of_an_sf_is_checked_like_any_other),
		STAGE_TEST(n6_an_sf_reaches_only_what_follows_a_position_of_its_own),
		STAGE_TEST(no_word_of_an_sf_leads_back),
		STAGE_TEST(a4_an_sf_branches_only_to_where_its_function_may),
		STAGE_TEST(a4_a_branch_keeps_the_ttl_and_costs_one),
		STAGE_TEST(a4_a_loop_of_branches_dies_by_ttl),
		STAGE_TEST(a_secure_path_is_not_entered_over_an_open_link),
		STAGE_TEST(n4_ttl_is_not_decremented_on_return_from_an_sf),
		STAGE_TEST(x6_a_function_that_is_down_closes_or_is_bypassed),
		STAGE_TEST(frames_from_a_transport_stay_on_this_node_while_they_can),
		STAGE_TEST(a6_flows_spread_over_instances_and_stay),
		STAGE_TEST(frames_to_an_sf_obey_its_mtu),
		STAGE_TEST(hops_count_what_went_in_and_what_came_back),
	};

	return cmocka_run_group_tests_name("SF port", tests, NULL, NULL);
}
