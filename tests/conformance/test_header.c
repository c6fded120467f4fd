/* RFC 8300: the Base Header, the Service Path Header, and what an SFF does with them. */
#include "conformance.h"

static struct frame in, out, want, inner;

#define WIRE OUTER_GPE4_SIZE

static void
n1_n2_o1_version_and_unassigned_bits_are_sent_0(void **state)
{
	static const struct {
		uint16_t port;
		enum fixture_port_index out;
		const char *want;
		size_t at;
		uint32_t base;
	} rows[] = {
		{1100, FW_1, "to fw-1", ETH_HDR_SIZE, 0x0f860103},
		{1103, CORE, "to core", WIRE, 0x0f860103},
		{1104, CORE, "to core", WIRE, 0x0f820203},
	};

	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		frame_udp(&in, 7, rows[i].port, 40);
		expect_frame(*state, "imposed", LAN, &in, rows[i].want, rows[i].out, &out);
		/* Ver 0, O 0, U 0, TTL 62, Length, U 0, MD type, NP 3. */
		assert_int_equal(rte_be_to_cpu_32(nsh_at(&out, rows[i].at)->base), rows[i].base);
	}
}

static void
n1_other_versions_are_discarded(void **state)
{
	struct fixture *f = *state;

	for (uint32_t version = 1; version < 4; version++) {
		frame_udp(&in, 1, 2, 40);
		frame_md1(&in, 100, 255, 63, NSH_NP_ETHERNET);
		nsh_at(&in, 0)->base |= rte_cpu_to_be_32(version << 30);
		frame_gpe(&in, 50000);
		expect(f, "from a transport", CORE, &in, "nsh_input: nsh-version");
		frame_udp(&in, 1, 2, 40);
		frame_md1(&in, 100, 254, 63, NSH_NP_ETHERNET);
		nsh_at(&in, 0)->base |= rte_cpu_to_be_32(version << 30);
		fixture_wrap_sf(f, FW_1, &in);
		expect(f, "from an SF", FW_1, &in, "sf_input: nsh-version");
	}
	assert_int_equal(dropped(f, SFC_DROP_NSH_VERSION), 6);
}

/* Through an SF and out to the next SFF: of `want`, only TTL (once) and SI (by the SF) change. */
static void
through(struct fixture *f, const char *what)
{
	struct nsh_hdr *hdr = nsh_at(&want, 0);

	in = want;
	frame_gpe(&in, 50000);
	expect(f, what, CORE, &in, "to fw-1");
	assert_int_equal(fixture_serve(f, FW_1), 1);
	expect_text(what, fixture_verdict(f), "to core");
	assert_true(fixture_take(f, CORE, &out));
	frame_pull(&out, WIRE);
	nsh_ttl_set(hdr, (uint8_t)(nsh_ttl(hdr) - 1));
	nsh_sp_set(hdr, nsh_sp(hdr) - 1);
	assert_frame_equal(&out, &want);
}

static void
n2_n18_unassigned_bits_and_context_are_kept_and_change_nothing(void **state)
{
	static const uint32_t bits[] = {0, 0x10000000, 0x8000, 0x4000, 0x2000, 0x1000, 0x1000f000};

	for (unsigned int i = 0; i < RTE_DIM(bits); i++) {
		frame_udp(&want, 1, 2, 40);
		frame_md1(&want, 105, 255, 9, NSH_NP_ETHERNET);
		nsh_at(&want, 0)->base |= rte_cpu_to_be_32(bits[i]);
		through(*state, "U bits");
		/* At the end of a path, too. */
		frame_udp(&inner, 1, 2, 40);
		in = inner;
		frame_md1(&in, 100, 254, 9, NSH_NP_ETHERNET);
		nsh_at(&in, 0)->base |= rte_cpu_to_be_32(bits[i]);
		frame_gpe(&in, 50000);
		expect_frame(*state, "end", CORE, &in, "to wan", WAN, &out);
		assert_frame_equal(&out, &inner);
	}
	assert_int_equal(all_dropped(*state), 0);
}

static void
n3_ttl_of_every_value_before_the_lookup(void **state)
{
	struct fixture *f = *state;

	for (unsigned int ttl = 0; ttl <= NSH_TTL_MAX; ttl++) {
		frame_transport(&in, 105, 254, (uint8_t)ttl);
		expect(f, "known SPI", CORE, &in, ttl == 1 ? "nsh_input: nsh-ttl" : "to core");
		if (ttl != 1) {
			assert_true(fixture_take(f, CORE, &out));
			assert_int_equal(nsh_ttl(nsh_at(&out, WIRE)), ttl == 0 ? 63 : ttl - 1);
		}
		frame_transport(&in, 9999, 254, (uint8_t)ttl);
		expect(f, "unknown SPI", CORE, &in, ttl == 1 ? "nsh_input: nsh-ttl" : "sfp_lookup: no-path");
		frame_transport(&in, 100, 254, (uint8_t)ttl);
		expect(f, "the end", CORE, &in, ttl == 1 ? "nsh_input: nsh-ttl" : "to wan");
	}
	assert_int_equal(dropped(f, SFC_DROP_NSH_TTL), 3);
}

static void
n3_a_path_may_have_a_ttl_of_its_own(void **state)
{
	struct fixture *f = *state;

	frame_udp(&in, 7, 1110, 10); /* ttl: 1 */
	expect(f, "spent", LAN, &in, "nsh_push: nsh-ttl");
	assert_int_equal(path_count(f, 110)->in, 0);
}

static void
n3_n4_first_wire_hop_shows_62(void **state)
{
	frame_udp(&in, 7, 1103, 10);
	expect_frame(*state, "wire", LAN, &in, "to core", CORE, &out);
	assert_int_equal(nsh_ttl(nsh_at(&out, WIRE)), 62);
}

static void
n4_local_functions_cost_nothing(void **state)
{
	struct fixture *f = *state;

	/* Three functions and the end with what is left of a TTL of 2. */
	frame_udp(&inner, 1, 2, 40);
	in = inner;
	over_the_wire(&in, 107, 255, 2, NSH_NP_ETHERNET);
	fixture_put(f, CORE, &in);
	fixture_settle(f);
	assert_true(fixture_take(f, WAN, &out));
	assert_frame_equal(&out, &inner);
	for (uint8_t ttl = 1; ttl <= NSH_TTL_MAX; ttl++) {
		frame_udp(&in, 1, 2, 40);
		frame_md1(&in, 105, 254, ttl, NSH_NP_ETHERNET);
		fixture_wrap_sf(f, FW_1, &in);
		expect_frame(f, "return", FW_1, &in, "to core", CORE, &out);
		assert_int_equal(nsh_ttl(nsh_at(&out, WIRE)), ttl);
	}
}

/* No SF was given TTL 0: it changed what is not its own. The next SFF would make 63 of it. */
static void
n3_n5_ttl_0_of_an_sf_is_not_forwarded(void **state)
{
	struct fixture *f = *state;

	frame_udp(&in, 1, 2, 40);
	frame_md1(&in, 105, 254, 0, NSH_NP_ETHERNET);
	fixture_wrap_sf(f, FW_1, &in);
	expect(f, "on its way", FW_1, &in, "sf_input: nsh-ttl");
	frame_udp(&in, 1, 2, 40);
	frame_md1(&in, 121, 9, 0, NSH_NP_ETHERNET);
	fixture_wrap_sf(f, TURN_1, &in);
	expect(f, "branch", TURN_1, &in, "sf_input: nsh-ttl");
	assert_int_equal(dropped(f, SFC_DROP_NSH_TTL), 2);
}

static void
n5_the_si_goes_on_as_it_came(void **state)
{
	struct fixture *f = *state;
	static const struct {
		uint32_t spi;
		uint8_t si;
		const char *want;
		enum fixture_port_index out;
		size_t at;
	} rows[] = {
		{100, 255, "to fw-1", FW_1, ETH_HDR_SIZE},
		{107, 253, "to fw-1", FW_1, ETH_HDR_SIZE},
		{106, 1, "to fw-1", FW_1, ETH_HDR_SIZE},
		{121, 9, "to fw-1", FW_1, ETH_HDR_SIZE},
		{103, 255, "to core", CORE, WIRE},
		{105, 254, "to core", CORE, WIRE},
	};

	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		frame_transport(&in, rows[i].spi, rows[i].si, 63);
		expect_frame(f, "SI", CORE, &in, rows[i].want, rows[i].out, &out);
		assert_int_equal(nsh_sp(nsh_at(&out, rows[i].at)), nsh_sp_make(rows[i].spi, rows[i].si));
	}
}

static void
n6_si_starts_at_255_or_as_configured(void **state)
{
	struct fixture *f = *state;

	frame_udp(&in, 7, 1100, 10);
	expect_frame(f, "default", LAN, &in, "to fw-1", FW_1, &out);
	assert_int_equal(nsh_sp(nsh_at(&out, ETH_HDR_SIZE)), nsh_sp_make(100, 255));
	frame_udp(&in, 7, 1106, 10);
	expect_frame(f, "initial-si: 1", LAN, &in, "to fw-1", FW_1, &out);
	assert_int_equal(nsh_sp(nsh_at(&out, ETH_HDR_SIZE)), nsh_sp_make(106, 1));
}

static void
n6_an_sf_decrements_by_one_and_cannot_wrap(void **state)
{
	struct fixture *f = *state;

	for (unsigned int si = 0; si < 256; si++) {
		frame_udp(&in, 1, 2, 40);
		frame_md1(&in, 106, (uint8_t)si, 62, NSH_NP_ETHERNET);
		fixture_wrap_sf(f, FW_1, &in);
		expect(f, "SI", FW_1, &in, si == 0 ? "to wan" : "sf_input: sf-index");
	}
	assert_int_equal(dropped(f, SFC_DROP_SF_INDEX), 255);
}

static void
n7_si_0_ends_a_path_or_is_dropped(void **state)
{
	struct fixture *f = *state;

	frame_transport(&in, 106, 0, 63);
	expect(f, "the end", CORE, &in, "to wan");
	frame_transport(&in, 100, 0, 63);
	expect(f, "not the end", CORE, &in, "sfp_lookup: si-zero");
	assert_int_equal(dropped(f, SFC_DROP_SI_ZERO), 1);
}

static void
n8_no_next_hop_is_a_drop_and_nothing_else(void **state)
{
	struct fixture *f = *state;
	static const uint32_t unknown[] = {0, 1, 99, 112, 5000, 0xfffffe};
	unsigned int no_hop = 0;

	/* Payload that the rules and the peers of ports would take. */
	for (unsigned int i = 0; i < RTE_DIM(unknown); i++) {
		frame_udp(&in, 7, 1100, 40);
		over_the_wire(&in, unknown[i], 255, 63, NSH_NP_ETHERNET);
		expect(f, "no path", CORE, &in, "sfp_lookup: no-path");
	}
	for (uint8_t si = 253; si > 0; si--, no_hop++) {
		frame_udp(&in, 7, 1100, 40);
		over_the_wire(&in, 100, si, 63, NSH_NP_ETHERNET);
		expect(f, "no hop", CORE, &in, "sfp_lookup: no-hop");
	}
	assert_int_equal(dropped(f, SFC_DROP_NO_PATH), RTE_DIM(unknown));
	assert_int_equal(dropped(f, SFC_DROP_NO_HOP), no_hop);
	assert_int_equal(f->lc->sent, 0);
}

static void
n9_the_last_sff_removes_nsh(void **state)
{
	struct fixture *f = *state;
	uint8_t tlvs[NSH_MAX_SIZE - NSH_BASE_SIZE];

	memset(tlvs, 0x42, sizeof(tlvs));
	for (size_t size = 0; size <= sizeof(tlvs); size += 4) {
		frame_udp(&inner, 1, 2, (uint32_t)size);
		in = inner;
		frame_md2(&in, 100, 254, 63, NSH_NP_ETHERNET, tlvs, size);
		frame_gpe(&in, 50000);
		expect_frame(f, "end", CORE, &in, "to wan", WAN, &out);
		assert_frame_equal(&out, &inner);
	}
	assert_int_equal(path_count(f, 100)->out, sizeof(tlvs) / 4 + 1);
}

/* 64 words behind the outer headers, so that every Length is inside the frame. */
static const char *
with_length_and_type(struct fixture *f, uint32_t words, uint32_t md_type)
{
	memset(in.bytes, 0, 256);
	in.size = 256;
	nsh_at(&in, 0)->base = rte_cpu_to_be_32(63 << 22 | words << 16 | md_type << 8 | NSH_NP_ETHERNET);
	nsh_at(&in, 0)->path = rte_cpu_to_be_32(nsh_sp_make(100, 255));
	frame_gpe(&in, 50000);
	return fixture_send(f, CORE, &in);
}

static void
n10_n11_every_length_of_every_md_type(void **state)
{
	struct fixture *f = *state;

	for (uint32_t type = 0; type < 16; type++)
		for (uint32_t words = 0; words < 64; words++) {
			const char *got = with_length_and_type(f, words, type);

			if (type != 1 && type != 2)
				expect_text("MD type", got, "nsh_input: nsh-md-type");
			else
				expect_text("Length", got,
					(type == 1 && words == 6) || (type == 2 && words >= 2)
						? "to fw-1"
						: "nsh_input: nsh-length");
		}
	assert_int_equal(dropped(f, SFC_DROP_NSH_MD_TYPE), 14 * 64);
	assert_int_equal(dropped(f, SFC_DROP_NSH_LENGTH), 63 + 2);
}

static void
n10_a_length_beyond_the_packet_is_dropped(void **state)
{
	struct fixture *f = *state;

	for (uint32_t size = 0; size < NSH_MD1_SIZE; size++) {
		in.size = 0;
		frame_md1(&in, 100, 255, 63, NSH_NP_ETHERNET);
		in.size = size;
		frame_gpe(&in, 50000);
		expect(f, "cut", CORE, &in, "nsh_input: nsh-truncated");
	}
	assert_int_equal(dropped(f, SFC_DROP_NSH_TRUNCATED), NSH_MD1_SIZE);
}

static void
n12_context_that_no_rule_gives_is_0(void **state)
{
	static const uint8_t zeros[16], far[16] = {[3] = 10, [7] = 20};

	frame_udp(&in, 7, 1103, 10);
	expect_frame(*state, "two words", LAN, &in, "to core", CORE, &out);
	assert_memory_equal(out.bytes + WIRE + NSH_BASE_SIZE, far, sizeof(far));
	frame_udp(&in, 7, 1105, 10);
	expect_frame(*state, "none", LAN, &in, "to fw-1", FW_1, &out);
	assert_memory_equal(out.bytes + ETH_HDR_SIZE + NSH_BASE_SIZE, zeros, sizeof(zeros));
}

static void
n15_every_next_protocol_in_transit_and_at_the_end(void **state)
{
	struct fixture *f = *state;
	uint64_t unsupported = 0;

	/* What is inside is Ethernet, so 1 and 2 claim an IP packet that is not there. */
	for (unsigned int np = 0; np < 256; np++) {
		bool known = np <= NSH_NP_IOAM;

		frame_udp(&inner, 1, 2, 40);
		in = inner;
		over_the_wire(&in, 105, 254, 63, (uint8_t)np);
		expect(f, "transit", CORE, &in, known ? "to core" : "nsh_input: nsh-proto");
		if (fixture_take(f, CORE, &out)) {
			assert_int_equal(nsh_np(nsh_at(&out, WIRE)), np);
			frame_pull(&out, WIRE + NSH_MD1_SIZE);
			assert_frame_equal(&out, &inner);
		}
		in = inner;
		over_the_wire(&in, 100, 254, 63, (uint8_t)np);
		expect(f, "end", CORE, &in,
			np == NSH_NP_ETHERNET                    ? "to wan"
			: np == NSH_NP_IPV4 || np == NSH_NP_IPV6 ? "terminal: ip-payload"
			: known                                  ? "terminal: nsh-proto"
								 : "nsh_input: nsh-proto");
		unsupported += (np == NSH_NP_NONE || np > NSH_NP_ETHERNET) + !known;
	}
	assert_int_equal(dropped(f, SFC_DROP_IP_PAYLOAD), 2);
	assert_int_equal(dropped(f, SFC_DROP_NSH_PROTO), unsupported);
}

static void
n16_the_outermost_header_steers(void **state)
{
	struct fixture *f = *state;

	/* The inner one would be dropped for its TTL, its version, its path. */
	frame_udp(&in, 1, 2, 40);
	frame_md1(&in, 9999, 0, 1, NSH_NP_ETHERNET);
	in.bytes[0] |= 0xc0;
	inner = in;
	over_the_wire(&in, 105, 254, 63, NSH_NP_NSH);
	expect_frame(f, "nested", CORE, &in, "to core", CORE, &out);
	frame_pull(&out, WIRE + NSH_MD1_SIZE);
	assert_frame_equal(&out, &inner);
	in = inner;
	over_the_wire(&in, 100, 255, 63, NSH_NP_NSH);
	expect_frame(f, "to an SF", CORE, &in, "to fw-1", FW_1, &out);
	frame_pull(&out, ETH_HDR_SIZE + NSH_MD1_SIZE);
	assert_frame_equal(&out, &inner);
}

static void
n18_an_sf_updates_context_and_the_sff_carries_it(void **state)
{
	struct fixture *f = *state;

	frame_udp(&in, 7, 1105, 40);
	expect_frame(f, "to the SF", LAN, &in, "to fw-1", FW_1, &out);
	frame_pull(&out, ETH_HDR_SIZE);
	assert_true(nsh_si_dec(nsh_at(&out, 0)));
	memset(out.bytes + NSH_BASE_SIZE, 0xc7, 16);
	want = out;
	fixture_wrap_sf(f, FW_1, &out);
	expect_frame(f, "from the SF", FW_1, &out, "to core", CORE, &in);
	frame_pull(&in, WIRE);
	assert_frame_equal(&in, &want);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STAGE_TEST(n1_n2_o1_version_and_unassigned_bits_are_sent_0),
		STAGE_TEST(n1_other_versions_are_discarded),
		STAGE_TEST(n2_n18_unassigned_bits_and_context_are_kept_and_change_nothing),
		STAGE_TEST(n3_ttl_of_every_value_before_the_lookup),
		STAGE_TEST(n3_a_path_may_have_a_ttl_of_its_own),
		STAGE_TEST(n3_n4_first_wire_hop_shows_62),
		STAGE_TEST(n4_local_functions_cost_nothing),
		STAGE_TEST(n3_n5_ttl_0_of_an_sf_is_not_forwarded),
		STAGE_TEST(n5_the_si_goes_on_as_it_came),
		STAGE_TEST(n6_si_starts_at_255_or_as_configured),
		STAGE_TEST(n6_an_sf_decrements_by_one_and_cannot_wrap),
		STAGE_TEST(n7_si_0_ends_a_path_or_is_dropped),
		STAGE_TEST(n8_no_next_hop_is_a_drop_and_nothing_else),
		STAGE_TEST(n9_the_last_sff_removes_nsh),
		STAGE_TEST(n10_n11_every_length_of_every_md_type),
		STAGE_TEST(n10_a_length_beyond_the_packet_is_dropped),
		STAGE_TEST(n12_context_that_no_rule_gives_is_0),
		STAGE_TEST(n15_every_next_protocol_in_transit_and_at_the_end),
		STAGE_TEST(n16_the_outermost_header_steers),
		STAGE_TEST(n18_an_sf_updates_context_and_the_sff_carries_it),
	};

	return cmocka_run_group_tests_name("header", tests, NULL, NULL);
}
