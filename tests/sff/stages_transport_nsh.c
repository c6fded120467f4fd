#include "stages.h"

#include "nsh_md2.h"

static struct frame in, out, want, inner;

/* U bits: one beside the O bit, four beside the MD type (RFC 8300, 2.2). */
#define U_BITS 0x1000f000u

static uint32_t
base(uint32_t version, uint32_t o, uint32_t ttl, uint32_t words, uint32_t md, uint32_t np)
{
	return version << 30 | o << 29 | ttl << 22 | words << 16 | md << 8 | np;
}

static void
nsh_base(struct frame *f, uint32_t value)
{
	patch(f, (struct patch[PATCHES]){{OUTER_GPE4_SIZE, 4, value}});
}

static void
each_nsh_defect_has_its_name(void **state)
{
	const struct {
		const char *what;
		uint32_t base;
		const char *want;
	} rows[] = {
		{"right", base(0, 0, 63, 6, 1, 3), "to fw-1"},
		{"version 1", base(1, 0, 63, 6, 1, 3), "nsh_input: nsh-version"},
		{"version 2", base(2, 0, 63, 6, 1, 3), "nsh_input: nsh-version"},
		{"version 3", base(3, 0, 63, 6, 1, 3), "nsh_input: nsh-version"},
		{"MD type 0", base(0, 0, 63, 6, 0, 3), "nsh_input: nsh-md-type"},
		{"MD type 3", base(0, 0, 63, 6, 3, 3), "nsh_input: nsh-md-type"},
		{"MD type 14", base(0, 0, 63, 6, 14, 3), "nsh_input: nsh-md-type"},
		{"MD type 15", base(0, 0, 63, 6, 15, 3), "nsh_input: nsh-md-type"},
		{"MD1 of 0 words", base(0, 0, 63, 0, 1, 3), "nsh_input: nsh-length"},
		{"MD1 of 5 words", base(0, 0, 63, 5, 1, 3), "nsh_input: nsh-length"},
		{"MD1 of 7 words", base(0, 0, 63, 7, 1, 3), "nsh_input: nsh-length"},
		{"MD1 of 63 words", base(0, 0, 63, 63, 1, 3), "nsh_input: nsh-length"},
		{"MD2 of 0 words", base(0, 0, 63, 0, 2, 3), "nsh_input: nsh-length"},
		{"MD2 of 1 word", base(0, 0, 63, 1, 2, 3), "nsh_input: nsh-length"},
		{"MD2 of 2 words", base(0, 0, 63, 2, 2, 3), "to fw-1"},
		{"MD2 up to the last byte", base(0, 0, 63, 22, 2, 3), "to fw-1"},
		{"MD2 beyond the frame", base(0, 0, 63, 23, 2, 3), "nsh_input: nsh-truncated"},
		{"MD2 of 63 words, beyond", base(0, 0, 63, 63, 2, 3), "nsh_input: nsh-truncated"},
		{"U bits", base(0, 0, 63, 6, 1, 3) | U_BITS, "to fw-1"},
		{"version before all else", base(1, 1, 1, 0, 0, 0xfe), "nsh_input: nsh-version"},
		{"length before TTL", base(0, 0, 1, 0, 1, 3), "nsh_input: nsh-length"},
		{"TTL before O", base(0, 1, 1, 6, 1, 7), "nsh_input: nsh-ttl"},
	};

	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		frame_udp(&in, 1, 2, 22); /* 64 bytes: NSH and payload are 22 words */
		in.size = 64;
		frame_md1(&in, 100, 255, 63, NSH_NP_ETHERNET);
		frame_gpe(&in, 50000);
		nsh_base(&in, rows[i].base);
		expect(*state, rows[i].what, CORE, &in, rows[i].want);
	}
}

static void
nsh_that_the_datagram_cuts_is_truncated(void **state)
{
	for (uint32_t size = 0; size < NSH_MD1_SIZE; size++) {
		in.size = 0;
		frame_md1(&in, 100, 255, 63, NSH_NP_ETHERNET);
		in.size = size;
		frame_gpe(&in, 50000);
		/* Ethernet padding is no header. */
		memset(in.bytes + in.size, 0x11, 40);
		in.size += 40;
		expect(*state, "cut", CORE, &in, "nsh_input: nsh-truncated");
	}
}

static void
ttl_is_decremented_before_the_lookup(void **state)
{
	static const struct {
		uint8_t in, out;
		const char *known, *unknown;
	} rows[] = {
		{0, 63, "to core", "sfp_lookup: no-path"},
		{1, 0, "nsh_input: nsh-ttl", "nsh_input: nsh-ttl"},
		{2, 1, "to core", "sfp_lookup: no-path"},
		{63, 62, "to core", "sfp_lookup: no-path"},
	};
	struct fixture *f = *state;

	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		frame_transport(&in, 105, 254, rows[i].in);
		expect(f, "known SPI", CORE, &in, rows[i].known);
		if (fixture_take(f, CORE, &out))
			assert_int_equal(
				nsh_ttl((const struct nsh_hdr *)(out.bytes + OUTER_GPE4_SIZE)), rows[i].out);
		frame_transport(&in, 999, 254, rows[i].in);
		expect(f, "unknown SPI", CORE, &in, rows[i].unknown);
	}
}

static void
the_next_hop_is_found_by_spi_and_si_alone(void **state)
{
	static const struct {
		const char *what;
		uint32_t spi;
		uint8_t si;
		const char *want;
	} rows[] = {
		{"first hop", 100, 255, "to fw-1"},
		{"terminal", 100, 254, "to wan"},
		{"behind the path", 100, 253, "sfp_lookup: no-hop"},
		{"SI 0, not terminal", 100, 0, "sfp_lookup: si-zero"},
		{"SI 0 of a path that has it as its end", 106, 0, "to wan"},
		{"SI 1, its only hop", 106, 1, "to fw-1"},
		{"above the initial SI", 106, 2, "sfp_lookup: no-hop"},
		{"far above the initial SI", 106, 255, "sfp_lookup: no-hop"},
		{"SPI 0", 0, 255, "sfp_lookup: no-path"},
		{"SPI 0, SI 0", 0, 0, "sfp_lookup: no-path"},
		{"a gap", 5000, 255, "sfp_lookup: no-path"},
		{"the last SPI", 0xffffff, 255, "to fw-1"},
		{"the last SPI, terminal", 0xffffff, 254, "to wan"},
		{"before the last SPI", 0xfffffe, 255, "sfp_lookup: no-path"},
		{"the path's end is on the other node", 105, 254, "to core"},
		{"a function of the other node", 103, 255, "to core"},
		{"its end is here", 103, 254, "to wan"},
	};

	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		frame_transport(&in, rows[i].spi, rows[i].si, 63);
		expect(*state, rows[i].what, CORE, &in, rows[i].want);
	}
}

/* Through the SF and out to the next node: only TTL (once) and SI (by the SF) differ. */
static void
through_and_out(struct fixture *f, const char *what)
{
	struct nsh_hdr *hdr;

	in = want; /* NSH and payload */
	frame_gpe(&in, 50000);
	expect(f, what, CORE, &in, "to fw-1");
	assert_int_equal(fixture_serve(f, FW_1), 1);
	expect_text(what, fixture_verdict(f), "to core");
	assert_true(fixture_take(f, CORE, &out));
	frame_pull(&out, OUTER_GPE4_SIZE);
	hdr = (struct nsh_hdr *)want.bytes;
	nsh_ttl_set(hdr, (uint8_t)(nsh_ttl(hdr) - 1));
	nsh_sp_set(hdr, nsh_sp(hdr) - 1);
	assert_frame_equal(&out, &want);
}

static void
u_bits_and_context_are_preserved_end_to_end(void **state)
{
	frame_udp(&want, 1, 2, 40);
	frame_md1(&want, 105, 255, 9, NSH_NP_ETHERNET);
	through_and_out(*state, "U bits clear");
	frame_udp(&want, 1, 2, 40);
	frame_md1(&want, 105, 255, 9, NSH_NP_ETHERNET);
	((struct nsh_hdr *)want.bytes)->base |= rte_cpu_to_be_32(U_BITS);
	through_and_out(*state, "U bits set");
}

static void
md_type_2_is_carried_byte_for_byte(void **state)
{
	uint8_t tlvs[NSH_MAX_SIZE - NSH_BASE_SIZE];
	uint8_t value[NSH_MD2_LEN_MAX];
	size_t size = 0;

	memset(value, 0x5a, sizeof(value));
	frame_udp(&want, 1, 2, 40);
	frame_md2(&want, 105, 255, 9, NSH_NP_ETHERNET, NULL, 0);
	through_and_out(*state, "no TLV");

	size += nsh_md2_put(tlvs + size, sizeof(tlvs) - size, NSH_MD_CLASS_IETF, NSH_MD2_TENANT, NULL, 0);
	size += nsh_md2_put(tlvs + size, sizeof(tlvs) - size, 0xfff6, 0x7f, value, 5);
	size += nsh_md2_put(tlvs + size, sizeof(tlvs) - size, 0x0200, 0x80, value, sizeof(value));
	frame_udp(&want, 1, 2, 40);
	frame_md2(&want, 105, 255, 9, NSH_NP_ETHERNET, tlvs, size);
	through_and_out(*state, "three TLVs, lengths 0, 5 and 127");

	/* A TLV that runs past the header is opaque to us; padding that is not 0 is kept. */
	memset(tlvs, 0xff, sizeof(tlvs));
	frame_udp(&want, 1, 2, 40);
	frame_md2(&want, 105, 255, 9, NSH_NP_ETHERNET, tlvs, sizeof(tlvs));
	through_and_out(*state, "63 words of nonsense");
}

static void
transit_carries_next_protocols_0_to_6(void **state)
{
	struct fixture *f = *state;

	for (unsigned int np = 0; np < 256; np++) {
		char what[32];

		snprintf(what, sizeof(what), "next protocol %u", np);
		frame_udp(&in, 1, 2, 40);
		frame_md1(&in, 105, 254, 63, (uint8_t)np);
		frame_gpe(&in, 50000);
		expect(f, what, CORE, &in, np <= NSH_NP_IOAM ? "to core" : "nsh_input: nsh-proto");
		in.bytes[OUTER_GPE4_SIZE + 7] = 255;
		expect(f, what, CORE, &in, np <= NSH_NP_IOAM ? "to fw-1" : "nsh_input: nsh-proto");
	}
}

static void
transit_does_not_look_into_what_it_carries(void **state)
{
	struct fixture *f = *state;

	/* NP None has no payload (RFC 8393); with a source port that is not kept, the flow is asked for. */
	for (unsigned int np = 0; np <= NSH_NP_IOAM; np++)
		for (uint32_t size = 0; size < 60; size++) {
			frame_udp(&in, 1, 2, 40);
			in.size = size;
			frame_md1(&in, 105, 254, 63, (uint8_t)np);
			frame_gpe(&in, 7);
			expect(f, "short payload", CORE, &in, "to core");
			fixture_forget(f);
		}
}

static void
a_path_ends_only_for_ethernet_and_ip(void **state)
{
	struct fixture *f = *state;

	for (unsigned int np = 0; np < 256; np++) {
		frame_udp(&inner, 1, 2, 40);
		in = inner;
		frame_md1(&in, 100, 254, 63, (uint8_t)np);
		frame_gpe(&in, 50000);
		if (np == NSH_NP_ETHERNET) {
			expect_frame(f, "Ethernet", CORE, &in, "to wan", WAN, &out);
			assert_frame_equal(&out, &inner);
		} else {
			expect(f, "neither", CORE, &in,
				np == NSH_NP_IPV4 || np == NSH_NP_IPV6 ? "terminal: ip-payload"
				: np <= NSH_NP_IOAM                    ? "terminal: nsh-proto"
								       : "nsh_input: nsh-proto");
		}
	}
}

static void
a_path_does_not_end_in_half_a_header(void **state)
{
	struct fixture *f = *state;

	for (uint32_t size = 0; size < ETH_HDR_SIZE; size++) {
		frame_udp(&in, 1, 2, 40);
		in.size = size;
		frame_md1(&in, 100, 254, 63, NSH_NP_ETHERNET);
		frame_gpe(&in, 50000);
		expect(f, "cut", CORE, &in, "terminal: eth-truncated");
	}
	frame_udp(&in, 1, 2, 40);
	in.size = ETH_HDR_SIZE;
	frame_md1(&in, 100, 254, 63, NSH_NP_ETHERNET);
	frame_gpe(&in, 50000);
	expect(f, "a header alone", CORE, &in, "to wan");
	frame_udp(&in, 1, 2, 40);
	memcpy(in.bytes + 12, "\x89\x4f", 2);
	frame_md1(&in, 100, 254, 63, NSH_NP_ETHERNET);
	frame_gpe(&in, 50000);
	expect(f, "NSH in NSH", CORE, &in, "terminal: nsh-leak");
}

static void
oam_packets_are_discarded_whatever_they_carry(void **state)
{
	static const uint8_t nps[] = {0, 1, 3, 4, 6, 7, 0xfe};

	for (unsigned int i = 0; i < RTE_DIM(nps); i++)
		for (uint8_t si = 254; si != 0; si++) {
			frame_udp(&in, 1, 2, 40);
			frame_md1(&in, 100, si, 63, nps[i]);
			nsh_oam_set((struct nsh_hdr *)in.bytes, true);
			frame_gpe(&in, 50000);
			expect(*state, "O bit", CORE, &in, "nsh_input: oam");
		}
}

static void
nsh_in_nsh_is_steered_by_the_outermost(void **state)
{
	struct fixture *f = *state;

	frame_udp(&in, 1, 2, 40);
	frame_md1(&in, 100, 254, 1, NSH_NP_ETHERNET);
	want = in;
	frame_md1(&in, 105, 254, 63, NSH_NP_NSH);
	frame_gpe(&in, 50000);
	expect_frame(f, "nested", CORE, &in, "to core", CORE, &out);
	frame_pull(&out, OUTER_GPE4_SIZE + NSH_MD1_SIZE);
	assert_frame_equal(&out, &want);
}

int
stages_transport_nsh(void)
{
	const struct CMUnitTest tests[] = {
		STAGE_TEST(each_nsh_defect_has_its_name),
		STAGE_TEST(nsh_that_the_datagram_cuts_is_truncated),
		STAGE_TEST(ttl_is_decremented_before_the_lookup),
		STAGE_TEST(the_next_hop_is_found_by_spi_and_si_alone),
		STAGE_TEST(u_bits_and_context_are_preserved_end_to_end),
		STAGE_TEST(md_type_2_is_carried_byte_for_byte),
		STAGE_TEST(transit_carries_next_protocols_0_to_6),
		STAGE_TEST(transit_does_not_look_into_what_it_carries),
		STAGE_TEST(a_path_ends_only_for_ethernet_and_ip),
		STAGE_TEST(a_path_does_not_end_in_half_a_header),
		STAGE_TEST(oam_packets_are_discarded_whatever_they_carry),
		STAGE_TEST(nsh_in_nsh_is_steered_by_the_outermost),
	};

	return cmocka_run_group_tests_name("transport port, NSH", tests, NULL, NULL);
}
