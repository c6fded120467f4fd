#include "stages.h"

static struct frame in, out, inner;

enum {
	AT_TYPE = 12,
	AT_IP = ETH_HDR_SIZE,
	AT_UDP = AT_IP + NSH_IPV4_SIZE,
	AT_GPE = AT_UDP + NSH_UDP_SIZE,
};

struct row {
	const char *what;
	struct patch patch[PATCHES];
	const char *want;
};

/* Each defect of the outer headers, on a frame that is right otherwise; IP checksums fit. 156 bytes in all.
 */
static const struct row outer_rows[] = {
	{"nothing wrong", {{0}}, "to fw-1"},
	{"IPv4 that says it is IPv6", {{AT_TYPE, 2, ETH_IPV6}}, "transport_input: outer-header"},
	{"ARP", {{AT_TYPE, 2, ETH_ARP}}, "underlay_input: not-nsh"},
	{"NSH directly in Ethernet", {{AT_TYPE, 2, NSH_ETHERTYPE}}, "underlay_input: not-nsh"},
	{"TCP", {{AT_IP + 9, 1, 6}}, "underlay_input: not-nsh"},
	{"plain VXLAN port", {{AT_UDP + 2, 2, 4789}}, "underlay_input: not-nsh"},
	{"IP version 5", {{AT_IP, 1, 0x55}}, "transport_input: outer-header"},
	{"header of 4 words", {{AT_IP, 1, 0x44}}, "transport_input: outer-header"},
	{"total length below the header", {{AT_IP + 2, 2, 19}}, "transport_input: outer-header"},
	{"total length beyond the frame", {{AT_IP + 2, 2, 157}}, "transport_input: outer-header"},
	{"more fragments", {{AT_IP + 6, 2, 0x2000}}, "transport_input: outer-fragment"},
	{"a later fragment", {{AT_IP + 6, 2, 1}}, "transport_input: outer-fragment"},
	{"no DF", {{AT_IP + 6, 2, 0}}, "to fw-1"},
	{"reserved flag", {{AT_IP + 6, 2, 0xc000}}, "to fw-1"},
	{"DSCP and ECT(0)", {{AT_IP + 1, 1, 0xba}}, "to fw-1"},
	{"CE on what is not ECN-capable", {{AT_IP + 1, 1, 0xbb}}, "nsh_input: ecn"},
	{"IP TTL 1: the tunnel ends here", {{AT_IP + 8, 1, 1}}, "to fw-1"},
	{"UDP length below its headers", {{AT_UDP + 4, 2, 15}}, "transport_input: outer-header"},
	{"UDP length beyond IP", {{AT_UDP + 4, 2, 157 - 20}}, "transport_input: outer-header"},
	{"IP without room for UDP", {{AT_IP + 2, 2, 27}}, "transport_input: outer-header"},
	{"our own address as source", {{AT_IP + 12, 4, ADDRESS_HERE}}, "transport_input: outer-peer"},
	{"a stranger", {{AT_IP + 12, 4, ADDRESS_THERE + 1}}, "transport_input: outer-peer"},
	{"source 0.0.0.0", {{AT_IP + 12, 4, 0}}, "transport_input: outer-peer"},
	{"source 255.255.255.255", {{AT_IP + 12, 4, UINT32_MAX}}, "transport_input: outer-peer"},
	{"to somebody else", {{AT_IP + 16, 4, ADDRESS_THERE}}, "transport_input: not-ours"},
	{"to 0.0.0.0", {{AT_IP + 16, 4, 0}}, "transport_input: not-ours"},
	{"GPE version 1", {{AT_GPE, 1, 0x1c}}, "transport_input: gpe-version"},
	{"GPE version 2", {{AT_GPE, 1, 0x2c}}, "transport_input: gpe-version"},
	{"GPE version 3", {{AT_GPE, 1, 0x3c}}, "transport_input: gpe-version"},
	{"I bit 0", {{AT_GPE, 1, 0x04}}, "transport_input: gpe-flags"},
	{"O bit", {{AT_GPE, 1, 0x0d}}, "transport_input: gpe-oam"},
	{"P bit 0: plain VXLAN", {{AT_GPE, 1, 0x08}}, "transport_input: gpe-proto"},
	{"B bit", {{AT_GPE, 1, 0x0e}}, "to fw-1"},
	{"reserved bits", {{AT_GPE, 1, 0xcc}, {AT_GPE + 1, 2, 0xffff}, {AT_GPE + 7, 1, 0xff}}, "to fw-1"},
	{"next protocol 0", {{AT_GPE + 3, 1, 0}}, "transport_input: gpe-proto"},
	{"IPv4 in GPE", {{AT_GPE + 3, 1, NSH_NP_IPV4}}, "transport_input: gpe-proto"},
	{"Ethernet in GPE", {{AT_GPE + 3, 1, NSH_NP_ETHERNET}}, "transport_input: gpe-proto"},
	{"next protocol 6", {{AT_GPE + 3, 1, 6}}, "transport_input: gpe-proto"},
	{"next protocol 255", {{AT_GPE + 3, 1, 255}}, "transport_input: gpe-proto"},
	{"another VNI", {{AT_GPE + 4, 3, VNI_HERE + 1}}, "transport_input: outer-vni"},
	{"VNI 0", {{AT_GPE + 4, 3, 0}}, "transport_input: outer-vni"},
	{"two things wrong: the first counts", {{AT_IP + 16, 4, 0}, {AT_GPE + 4, 3, 0}},
		"transport_input: not-ours"},
};

static void
each_outer_defect_has_its_name(void **state)
{
	for (unsigned int i = 0; i < RTE_DIM(outer_rows); i++) {
		frame_transport(&in, 100, 255, 63);
		patch(&in, outer_rows[i].patch);
		if ((in.bytes[AT_IP] & 0xf) >= 5)
			frame_fix_ip(&in, AT_IP);
		expect(*state, outer_rows[i].what, CORE, &in, outer_rows[i].want);
	}
}

static void
a_bad_ip_checksum_is_outer_checksum(void **state)
{
	frame_transport(&in, 100, 255, 63);
	for (unsigned int bit = 0; bit < 16; bit++) {
		in.bytes[AT_IP + 10 + bit / 8] ^= (uint8_t)(1 << bit % 8);
		expect(*state, "checksum", CORE, &in, "transport_input: outer-checksum");
		in.bytes[AT_IP + 10 + bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

/* By the book (RFC 768), byte by byte, as the code under test does not. */
static uint16_t
udp_checksum(const struct frame *f, size_t ip_at, size_t udp_at, size_t udp_size)
{
	uint32_t sum = NSH_IPPROTO_UDP + (uint32_t)udp_size;

	for (size_t i = 0; i < 8; i += 2)
		sum += (uint32_t)f->bytes[ip_at + 12 + i] << 8 | f->bytes[ip_at + 13 + i];
	for (size_t i = 0; i < udp_size; i++)
		sum += i == 6 || i == 7 ? 0 : (uint32_t)f->bytes[udp_at + i] << (i % 2 == 0 ? 8 : 0);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	sum = ~sum & 0xffff;
	return sum == 0 ? 0xffff : (uint16_t)sum;
}

static void
a_udp_checksum_is_verified_over_all_segments(void **state)
{
	static const uint32_t payload[] = {0, 1, 2, 39, 40, 1999, 5001, 9000};

	for (unsigned int i = 0; i < RTE_DIM(payload); i++) {
		uint16_t sum;

		frame_udp(&in, 1, 2, payload[i]);
		frame_md1(&in, 100, 255, 63, NSH_NP_ETHERNET);
		frame_gpe(&in, 50000);
		sum = udp_checksum(&in, AT_IP, AT_UDP, in.size - AT_UDP);
		patch(&in, (struct patch[PATCHES]){{AT_UDP + 6, 2, sum}});
		expect(*state, "right", CORE, &in, "to fw-1");
		in.bytes[in.size - 1] ^= 0x10;
		expect(*state, "wrong", CORE, &in, "transport_input: outer-checksum");
	}
	frame_transport(&in, 100, 255, 63);
	patch(&in, (struct patch[PATCHES]){{AT_UDP + 6, 2, 0xffff}});
	expect(*state, "all ones, wrong", CORE, &in, "transport_input: outer-checksum");
	/* Make it right: the last two bytes take what is missing, so that the sum itself is 0, sent as all
	 * ones. */
	patch(&in, (struct patch[PATCHES]){{(uint16_t)(in.size - 2), 2, 0}});
	patch(&in, (struct patch[PATCHES]){
			   {(uint16_t)(in.size - 2), 2, udp_checksum(&in, AT_IP, AT_UDP, in.size - AT_UDP)}});
	expect(*state, "all ones, right", CORE, &in, "to fw-1");
}

static void
frames_cut_in_the_outer_headers_have_names(void **state)
{
	uint32_t size;

	frame_transport(&in, 100, 255, 63);
	size = in.size;
	for (in.size = 0; in.size < ETH_HDR_SIZE; in.size++)
		expect(*state, "in Ethernet", CORE, &in, "transport_input: eth-truncated");
	for (; in.size < AT_UDP; in.size++)
		expect(*state, "in IP", CORE, &in, "transport_input: outer-truncated");
	for (; in.size < size; in.size++)
		expect(*state, "behind IP", CORE, &in, "transport_input: outer-header");
	expect(*state, "whole", CORE, &in, "to fw-1");
	/* Ethernet that ends in its tag. */
	patch(&in, (struct patch[PATCHES]){{AT_TYPE, 2, ETH_VLAN}});
	in.size = ETH_HDR_SIZE + 3;
	expect(*state, "in the tag", CORE, &in, "transport_input: outer-truncated");
}

/* Tags, options and padding of the outer frame, and what must come out: the inner frame, alone. */
static void
what_the_underlay_adds_is_stripped(void **state)
{
	struct fixture *f = *state;
	static const uint8_t tags[8] = {0x00, 0x05, 0x81, 0x00, 0x00, 0x06, 0x08, 0x00};

	for (unsigned int tag = 0; tag <= 2; tag++)
		for (unsigned int options = 0; options <= 40; options += 4)
			for (unsigned int pad = 0; pad <= 46; pad += 23) {
				uint8_t head[ETH_HDR_SIZE + NSH_IPV4_SIZE];
				char what[64];

				snprintf(
					what, sizeof(what), "%u tags, %u options, %u pad", tag, options, pad);
				frame_udp(&inner, 4000, 5000, 3);
				in = inner;
				frame_md1(&in, 100, 254, 63, NSH_NP_ETHERNET);
				frame_gpe(&in, 50000);
				/* Options: no operation (RFC 791, 3.1), counted in both lengths. */
				memcpy(head, in.bytes, sizeof(head));
				frame_pull(&in, sizeof(head));
				frame_push(&in, NULL, options);
				memset(in.bytes, 1, options);
				frame_push(&in, head, sizeof(head));
				in.bytes[AT_IP] = (uint8_t)(0x45 + options / 4);
				in.bytes[AT_IP + 3] = (uint8_t)(in.bytes[AT_IP + 3] + options);
				frame_fix_ip(&in, AT_IP);
				frame_pull(&in, ETH_HDR_SIZE);
				frame_push(&in, tags + 8 - 4 * tag, 4 * tag);
				frame_push(&in, head, ETH_HDR_SIZE);
				if (tag > 0)
					patch(&in, (struct patch[PATCHES]){
							   {AT_TYPE, 2, tag == 2 ? ETH_QINQ : ETH_VLAN}});
				memset(in.bytes + in.size, 0x77, pad);
				in.size += pad;
				expect_frame(f, what, CORE, &in, "to wan", WAN, &out);
				assert_frame_equal(&out, &inner);
			}
}

static void
padding_of_many_segments_is_cut(void **state)
{
	struct fixture *f = *state;

	frame_udp(&inner, 4000, 5000, 3000);
	for (uint32_t pad = 1; pad < 9000; pad += 997) {
		in = inner;
		frame_md1(&in, 100, 254, 63, NSH_NP_ETHERNET);
		frame_gpe(&in, 50000);
		memset(in.bytes + in.size, 0x77, pad);
		in.size += pad;
		expect_frame(f, "padded", CORE, &in, "to wan", WAN, &out);
		assert_frame_equal(&out, &inner);
	}
}

static void
transit_keeps_the_source_port_and_hashes_others(void **state)
{
	struct fixture *f = *state;
	static const struct {
		uint16_t in, out; /* 0 = by hash */
	} rows[] = {{49152, 49152}, {50000, 50000}, {65535, 65535}, {49151, 0}, {1, 0}, {0, 0}};
	uint16_t hashed = 0;

	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		uint16_t port;

		frame_udp(&in, 4000, 5000, 10);
		frame_md1(&in, 105, 254, 63, NSH_NP_ETHERNET);
		frame_gpe(&in, rows[i].in);
		expect_frame(f, "transit", CORE, &in, "to core", CORE, &out);
		port = (uint16_t)(out.bytes[AT_UDP] << 8 | out.bytes[AT_UDP + 1]);
		if (rows[i].out != 0) {
			assert_int_equal(port, rows[i].out);
			continue;
		}
		assert_true(port >= OUTER_SRC_PORT_MIN);
		assert_true(hashed == 0 || hashed == port); /* the same flow */
		hashed = port;
	}
	assert_true(hashed != 0);
}

int
stages_transport(void)
{
	const struct CMUnitTest tests[] = {
		STAGE_TEST(each_outer_defect_has_its_name),
		STAGE_TEST(a_bad_ip_checksum_is_outer_checksum),
		STAGE_TEST(a_udp_checksum_is_verified_over_all_segments),
		STAGE_TEST(frames_cut_in_the_outer_headers_have_names),
		STAGE_TEST(what_the_underlay_adds_is_stripped),
		STAGE_TEST(padding_of_many_segments_is_cut),
		STAGE_TEST(transit_keeps_the_source_port_and_hashes_others),
	};

	return cmocka_run_group_tests_name("transport port, outer headers", tests, NULL, NULL);
}
