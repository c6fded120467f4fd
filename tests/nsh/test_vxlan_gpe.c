#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "guard.h"
#include "nsh_build.h"
#include "vxlan_gpe.h"

#define INNER_SIZE 64 /* bytes behind the NSH header */
#define PLAIN_SIZE (VXLAN_GPE_OUTER_SIZE + NSH_MD1_SIZE + INNER_SIZE)

/* Where things stand in a plain frame. */
enum {
	AT_TYPE = 12,
	AT_IP = ETH_HDR_SIZE,
	AT_IP_SIZE = AT_IP + 2,
	AT_FRAGMENT = AT_IP + 6,
	AT_PROTOCOL = AT_IP + 9,
	AT_IP_CHECKSUM = AT_IP + 10,
	AT_UDP = AT_IP + NSH_IPV4_SIZE,
	AT_DST_PORT = AT_UDP + 2,
	AT_UDP_SIZE = AT_UDP + 4,
	AT_UDP_CHECKSUM = AT_UDP + 6,
	AT_FLAGS = AT_UDP + NSH_UDP_SIZE,
	AT_NP = AT_FLAGS + 3,
	AT_VNI = AT_FLAGS + 4,
};

static const uint8_t dmac[ETH_MAC_SIZE] = {2, 0, 0, 0, 0x0B, 1};
static const uint8_t smac[ETH_MAC_SIZE] = {2, 0, 0, 0, 0x0A, 1};
static const uint32_t src = 0x0A630001, dst = 0x0A630002; /* 10.99.0.1, 10.99.0.2 */
static const uint32_t vni = 0xABCDEF;

/* A frame as our SFF sends it. */
static size_t
plain_frame(uint8_t *frame)
{
	struct vxlan_gpe_template t;

	vxlan_gpe_template_init(&t, dmac, smac, src, dst, vni, 64);
	memset(frame, 0x5A, PLAIN_SIZE);
	nsh_build_md1(frame + VXLAN_GPE_OUTER_SIZE, nsh_sp_make(100, 255), 63, NSH_NP_ETHERNET, NULL);
	vxlan_gpe_push(frame, &t, NSH_MD1_SIZE + INNER_SIZE, 50000, 0x1234, 0xB9);
	return PLAIN_SIZE;
}

static void
fix_ip_checksum(uint8_t *ip)
{
	uint16_t sum;

	memset(ip + 10, 0, 2);
	sum = (uint16_t)~nsh_sum(ip, (size_t)(ip[0] & 0xF) * 4);
	memcpy(ip + 10, &sum, sizeof(sum));
}

/* Both parsers on a guarded copy: they must agree in everything. */
static enum vxlan_gpe_verdict
parse(const uint8_t *frame, size_t avail, size_t frame_size, struct vxlan_gpe_info *info)
{
	const uint8_t *copy = guarded(frame, avail);
	enum vxlan_gpe_verdict verdict = vxlan_gpe_parse(copy, avail, frame_size, info);
	struct vxlan_gpe_info any;

	assert_int_equal(vxlan_gpe_parse_any(copy, avail, frame_size, &any), verdict);
	if (verdict != VXLAN_GPE_OK)
		return verdict;
	assert_int_equal(any.src, info->src);
	assert_int_equal(any.dst, info->dst);
	assert_int_equal(any.vni, info->vni);
	assert_int_equal(any.src_port, info->src_port);
	assert_int_equal(any.udp_checksum, info->udp_checksum);
	assert_int_equal(any.size, info->size);
	assert_int_equal(any.payload_size, info->payload_size);
	assert_memory_equal(any.dmac, info->dmac, ETH_MAC_SIZE);
	assert_int_equal(any.next_proto, info->next_proto);
	assert_int_equal(any.tos, info->tos);
	assert_int_equal(any.payload_is_ethernet, info->payload_is_ethernet);
	return verdict;
}

static void
outer_bytes_are_those_of_the_draft(void **state)
{
	static const uint8_t wire[VXLAN_GPE_OUTER_SIZE] = {2, 0, 0, 0, 0x0B, 1, 2, 0, 0, 0, 0x0A, 1, 0x08,
		0x00,
		/* IPv4: 124 bytes, DF, checksum worked out by hand */
		0x45, 0xB9, 0x00, 0x7C, 0x12, 0x34, 0x40, 0x00, 0x40, 0x11, 0x12, 0xBC, 10, 99, 0, 1, 10, 99,
		0, 2,
		/* UDP 50000 to 4790, 104 bytes, checksum 0 */
		0xC3, 0x50, 0x12, 0xB6, 0x00, 0x68, 0x00, 0x00,
		/* I and P, Next Protocol NSH, VNI, all else 0 */
		0x0C, 0x00, 0x00, 0x04, 0xAB, 0xCD, 0xEF, 0x00};
	uint8_t frame[PLAIN_SIZE];

	(void)state;
	plain_frame(frame);
	assert_memory_equal(frame, wire, sizeof(wire));
}

static void
parse_gives_back_what_push_was_given(void **state)
{
	uint8_t frame[PLAIN_SIZE];
	size_t size = plain_frame(frame);
	struct vxlan_gpe_info info;

	(void)state;
	assert_int_equal(parse(frame, size, size, &info), VXLAN_GPE_OK);
	assert_int_equal(info.src, src);
	assert_int_equal(info.dst, dst);
	assert_int_equal(info.vni, vni);
	assert_int_equal(info.src_port, 50000);
	assert_int_equal(info.udp_checksum, 0);
	assert_int_equal(info.size, VXLAN_GPE_OUTER_SIZE);
	assert_int_equal(info.payload_size, NSH_MD1_SIZE + INNER_SIZE);
	assert_memory_equal(info.dmac, dmac, ETH_MAC_SIZE);
	assert_int_equal(info.next_proto, NSH_NP_NSH);
	assert_int_equal(info.tos, 0xB9);
	assert_false(info.payload_is_ethernet);
}

static void
folded_checksum_is_right_for_every_id_tos_and_size(void **state)
{
	static const uint32_t addresses[] = {0, 0x0A630001, 0xFFFFFFFF};
	static const uint16_t sizes[] = {0, NSH_MD1_SIZE + INNER_SIZE, VXLAN_GPE_PAYLOAD_MAX};
	uint8_t frame[VXLAN_GPE_OUTER_SIZE];
	struct vxlan_gpe_template t;

	(void)state;
	for (size_t i = 0; i < 9; i++) {
		uint16_t payload_size = sizes[i % 3];

		vxlan_gpe_template_init(&t, dmac, smac, addresses[i / 3], dst, vni, (uint8_t)(255 - i));
		/* Every id: both carries of the fold occur. */
		for (uint32_t id = 0; id <= UINT16_MAX; id++) {
			vxlan_gpe_push(
				frame, &t, payload_size, 50000, (uint16_t)id, (uint8_t)(id & 1 ? 0xFF : i));
			assert_int_equal(nsh_sum(frame + AT_IP, NSH_IPV4_SIZE), UINT16_MAX);
		}
		assert_int_equal(frame[AT_IP_SIZE] << 8 | frame[AT_IP_SIZE + 1], payload_size + 36);
	}
}

static void
push_writes_50_bytes_at_any_alignment_and_none_more(void **state)
{
	uint8_t room[VXLAN_GPE_OUTER_SIZE + 9];
	struct vxlan_gpe_template t;

	(void)state;
	vxlan_gpe_template_init(&t, dmac, smac, src, dst, vni, 64);
	for (size_t shift = 1; shift < 9; shift++) {
		memset(room, 0xEE, sizeof(room));
		vxlan_gpe_push(room + shift, &t, 100, 50000, 1, 0);
		assert_int_equal(room[shift - 1], 0xEE);
		assert_int_equal(room[shift], dmac[0]);
		assert_int_equal(room[shift + VXLAN_GPE_OUTER_SIZE - 2], 0xEF);
		for (size_t i = shift + VXLAN_GPE_OUTER_SIZE; i < sizeof(room); i++)
			assert_int_equal(room[i], 0xEE);
	}
}

static void
n17_underlay_mtu_for_a_1514_byte_inner_frame(void **state)
{
	static const struct {
		uint16_t nsh_size, mtu;
	} rows[] = {{NSH_BASE_SIZE, 1558}, {NSH_MD1_SIZE, 1574}, {NSH_MAX_SIZE, 1802}};
	uint8_t outer[VXLAN_GPE_OUTER_SIZE];
	struct vxlan_gpe_template t;

	(void)state;
	vxlan_gpe_template_init(&t, dmac, smac, src, dst, vni, 64);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		vxlan_gpe_push(outer, &t, (uint16_t)(rows[i].nsh_size + 1514), 50000, 1, 0);
		assert_int_equal(outer[AT_IP_SIZE] << 8 | outer[AT_IP_SIZE + 1], rows[i].mtu);
	}
}

static void
source_port_is_a_dynamic_port_that_depends_on_the_hash(void **state)
{
	(void)state;
	assert_int_equal(vxlan_gpe_src_port(0), 49152);
	assert_int_equal(vxlan_gpe_src_port(UINT32_MAX), 65535);
	for (uint32_t hash = 0; hash < 0x4000; hash++)
		assert_int_equal(vxlan_gpe_src_port(hash), 49152 + hash);
}

/* One change to a plain frame. */
struct row {
	const char *what;
	uint8_t at, count, bytes[4];
	bool keep_checksum; /* else the IPv4 checksum is made right again */
	enum vxlan_gpe_verdict verdict;
	uint8_t next_proto; /* when OK */
};

static void
check_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct row *r = &rows[i];
		uint8_t frame[PLAIN_SIZE];
		size_t size = plain_frame(frame);
		struct vxlan_gpe_info info;
		enum vxlan_gpe_verdict verdict;

		memcpy(frame + r->at, r->bytes, r->count);
		if (!r->keep_checksum && (frame[AT_IP] & 0xF) == 5)
			fix_ip_checksum(frame + AT_IP);
		verdict = parse(frame, size, size, &info);
		if (verdict != r->verdict)
			fail_msg("%s: got %s", r->what, vxlan_gpe_verdict_name(verdict));
		if (verdict == VXLAN_GPE_OK) {
			assert_int_equal(info.next_proto, r->next_proto);
			assert_int_equal(info.payload_is_ethernet, r->next_proto == NSH_NP_ETHERNET);
		}
	}
}

static void
frames_of_other_protocols_are_not_ours(void **state)
{
	static const struct row rows[] = {
		{"ARP", AT_TYPE, 2, {0x08, 0x06}, false, VXLAN_GPE_NOT_OURS, 0},
		{"IPv6", AT_TYPE, 2, {0x86, 0xDD}, false, VXLAN_GPE_NOT_OURS, 0},
		{"NSH on Ethernet", AT_TYPE, 2, {0x89, 0x4F}, false, VXLAN_GPE_NOT_OURS, 0},
		{"TCP", AT_PROTOCOL, 1, {6}, false, VXLAN_GPE_NOT_OURS, 0},
		{"plain VXLAN, port 4789", AT_DST_PORT, 2, {0x12, 0xB5}, false, VXLAN_GPE_NOT_OURS, 0},
		{"source port 4790 alone", AT_UDP, 4, {0x12, 0xB6, 0xC3, 0x50}, false, VXLAN_GPE_NOT_OURS, 0},
	};

	(void)state;
	check_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

static void
ipv4_header_is_checked(void **state)
{
	static const struct row rows[] = {
		{"version 5", AT_IP, 1, {0x55}, false, VXLAN_GPE_IP_HEADER, 0},
		{"version 6", AT_IP, 1, {0x65}, false, VXLAN_GPE_IP_HEADER, 0},
		{"header of 4 words", AT_IP, 1, {0x44}, false, VXLAN_GPE_IP_HEADER, 0},
		{"header of 0 words", AT_IP, 1, {0x40}, false, VXLAN_GPE_IP_HEADER, 0},
		{"total length 0", AT_IP_SIZE, 2, {0, 0}, false, VXLAN_GPE_IP_HEADER, 0},
		{"total length below the header", AT_IP_SIZE, 2, {0, 19}, false, VXLAN_GPE_IP_HEADER, 0},
		{"total length one beyond the frame", AT_IP_SIZE, 2, {0, PLAIN_SIZE - 13}, false,
			VXLAN_GPE_IP_HEADER, 0},
		{"total length 65535", AT_IP_SIZE, 2, {0xFF, 0xFF}, false, VXLAN_GPE_IP_HEADER, 0},
		{"checksum one off", AT_IP_CHECKSUM, 2, {0x12, 0xBD}, true, VXLAN_GPE_IP_CHECKSUM, 0},
		{"checksum 0", AT_IP_CHECKSUM, 2, {0, 0}, true, VXLAN_GPE_IP_CHECKSUM, 0},
		{"a bit of the source flipped", AT_IP + 12, 1, {0x0B}, true, VXLAN_GPE_IP_CHECKSUM, 0},
		{"More Fragments", AT_FRAGMENT, 2, {0x20, 0}, false, VXLAN_GPE_FRAGMENT, 0},
		{"offset 1", AT_FRAGMENT, 2, {0, 1}, false, VXLAN_GPE_FRAGMENT, 0},
		{"offset 8191", AT_FRAGMENT, 2, {0x1F, 0xFF}, false, VXLAN_GPE_FRAGMENT, 0},
		{"without DF", AT_FRAGMENT, 2, {0, 0}, false, VXLAN_GPE_OK, NSH_NP_NSH},
	};

	(void)state;
	check_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

static void
udp_length_lies_between_the_headers_and_the_packet(void **state)
{
	static const struct row rows[] = {
		{"length 0", AT_UDP_SIZE, 2, {0, 0}, false, VXLAN_GPE_UDP_LENGTH, 0},
		{"length 7", AT_UDP_SIZE, 2, {0, 7}, false, VXLAN_GPE_UDP_LENGTH, 0},
		{"length 15", AT_UDP_SIZE, 2, {0, 15}, false, VXLAN_GPE_UDP_LENGTH, 0},
		{"length 16, no payload", AT_UDP_SIZE, 2, {0, 16}, false, VXLAN_GPE_OK, NSH_NP_NSH},
		{"length up to the packet", AT_UDP_SIZE, 2, {0, 104}, false, VXLAN_GPE_OK, NSH_NP_NSH},
		{"length one beyond the packet", AT_UDP_SIZE, 2, {0, 105}, false, VXLAN_GPE_UDP_LENGTH, 0},
		{"length 65535", AT_UDP_SIZE, 2, {0xFF, 0xFF}, false, VXLAN_GPE_UDP_LENGTH, 0},
		{"packet without room for UDP", AT_IP_SIZE, 2, {0, 27}, false, VXLAN_GPE_UDP_LENGTH, 0},
		{"packet of UDP alone", AT_IP_SIZE, 2, {0, 28}, false, VXLAN_GPE_UDP_LENGTH, 0},
	};

	(void)state;
	check_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

static void
g1_flags_are_checked_and_the_others_ignored(void **state)
{
	static const struct row rows[] = {
		{"version 1", AT_FLAGS, 1, {0x1C}, false, VXLAN_GPE_VERSION, 0},
		{"version 2", AT_FLAGS, 1, {0x2C}, false, VXLAN_GPE_VERSION, 0},
		{"version 3", AT_FLAGS, 1, {0x3C}, false, VXLAN_GPE_VERSION, 0},
		{"I is 0", AT_FLAGS, 1, {0x04}, false, VXLAN_GPE_FLAGS, 0},
		{"no flag at all", AT_FLAGS, 1, {0x00}, false, VXLAN_GPE_FLAGS, 0},
		{"O is 1", AT_FLAGS, 1, {0x0D}, false, VXLAN_GPE_OAM, 0},
		{"O is 1, P is 0", AT_FLAGS, 1, {0x09}, false, VXLAN_GPE_OAM, 0},
		{"B is 1", AT_FLAGS, 1, {0x0E}, false, VXLAN_GPE_OK, NSH_NP_NSH},
		{"P is 0: plain VXLAN", AT_FLAGS, 1, {0x08}, false, VXLAN_GPE_OK, NSH_NP_ETHERNET},
		{"P is 0: Next Protocol is reserved", AT_FLAGS, 4, {0x08, 0, 0, 0xFF}, false, VXLAN_GPE_OK,
			NSH_NP_ETHERNET},
	};

	(void)state;
	check_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

static void
g2_next_protocol_is_1_to_5(void **state)
{
	(void)state;
	for (unsigned int np = 0; np < 256; np++) {
		const struct row row = {"Next Protocol", AT_NP, 1, {(uint8_t)np}, false,
			np >= 1 && np <= 5 ? VXLAN_GPE_OK : VXLAN_GPE_NEXT_PROTO, (uint8_t)np};

		check_rows(&row, 1);
	}
}

static void
g2_reserved_bits_are_ignored(void **state)
{
	static const struct row rows[] = {
		{"R bits", AT_FLAGS, 1, {0xCC}, false, VXLAN_GPE_OK, NSH_NP_NSH},
		{"reserved 16, VPP's Ver included", AT_FLAGS + 1, 2, {0xFF, 0xFF}, false, VXLAN_GPE_OK,
			NSH_NP_NSH},
		{"reserved 8", AT_VNI + 3, 1, {0xFF}, false, VXLAN_GPE_OK, NSH_NP_NSH},
	};

	(void)state;
	check_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

static void
udp_checksum_is_reported_and_not_judged(void **state)
{
	uint8_t frame[PLAIN_SIZE];
	size_t size = plain_frame(frame);
	struct vxlan_gpe_info info;

	(void)state;
	memcpy(frame + AT_UDP_CHECKSUM, (const uint8_t[]){0xBE, 0xEF}, 2);
	assert_int_equal(parse(frame, size, size, &info), VXLAN_GPE_OK);
	assert_int_equal(info.udp_checksum, 0xBEEF);
}

static void
first_wrong_thing_is_the_verdict(void **state)
{
	static const struct row rows[] = {
		{"checksum before fragment", AT_FRAGMENT, 2, {0x20, 0}, true, VXLAN_GPE_IP_CHECKSUM, 0},
		{"checksum before port", AT_IP + 13, 1, {0}, true, VXLAN_GPE_IP_CHECKSUM, 0},
		{"port before UDP length", AT_DST_PORT, 4, {0, 53, 0, 0}, false, VXLAN_GPE_NOT_OURS, 0},
		{"version before I, O and Next Protocol", AT_FLAGS, 4, {0x15, 0, 0, 9}, false,
			VXLAN_GPE_VERSION, 0},
		{"I before O and Next Protocol", AT_FLAGS, 4, {0x05, 0, 0, 9}, false, VXLAN_GPE_FLAGS, 0},
		{"O before Next Protocol", AT_FLAGS, 4, {0x0D, 0, 0, 9}, false, VXLAN_GPE_OAM, 0},
	};

	(void)state;
	check_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

/* A frame with tags VLAN tags, words words of IPv4 options and pad bytes of Ethernet padding. */
static size_t
shaped_frame(uint8_t *frame, size_t tags, size_t words, size_t pad)
{
	uint8_t plain[PLAIN_SIZE];
	uint8_t *at = frame, *ip;
	size_t ip_size = PLAIN_SIZE - ETH_HDR_SIZE + words * 4;

	plain_frame(plain);
	memcpy(at, plain, AT_TYPE);
	at += AT_TYPE;
	for (size_t i = 0; i < tags; i++, at += ETH_TAG_SIZE)
		memcpy(at,
			i + 1 < tags ? (const uint8_t[]){0x88, 0xA8, 0, 5} : (const uint8_t[]){0x81, 0, 0, 6},
			4);
	memcpy(at, plain + AT_TYPE, 2);
	ip = at + 2;
	memcpy(ip, plain + AT_IP, NSH_IPV4_SIZE);
	at = ip + NSH_IPV4_SIZE;
	memset(at, 1, words * 4); /* No Operation; RFC 791, 3.1 */
	at += words * 4;
	memcpy(at, plain + AT_UDP, PLAIN_SIZE - AT_UDP);
	at += PLAIN_SIZE - AT_UDP;
	memset(at, 0, pad);
	at += pad;
	ip[0] = (uint8_t)(0x45 + words);
	ip[2] = (uint8_t)(ip_size >> 8);
	ip[3] = (uint8_t)ip_size;
	fix_ip_checksum(ip);
	return (size_t)(at - frame);
}

static void
tags_options_and_padding_are_stripped(void **state)
{
	(void)state;
	for (size_t tags = 0; tags <= 2; tags++) {
		for (size_t words = 0; words <= 10; words++) {
			for (size_t pad = 0; pad <= 18; pad += 6) {
				uint8_t frame[GUARD_ROOM];
				size_t size = shaped_frame(frame, tags, words, pad);
				struct vxlan_gpe_info info;
				struct nsh_info nsh;

				assert_int_equal(parse(frame, size, size, &info), VXLAN_GPE_OK);
				assert_int_equal(info.size, VXLAN_GPE_OUTER_SIZE + tags * 4 + words * 4);
				assert_int_equal(info.payload_size, NSH_MD1_SIZE + INNER_SIZE);
				assert_int_equal(info.size + info.payload_size + pad, size);
				assert_int_equal(info.vni, vni);
				assert_int_equal(
					nsh_parse(frame + info.size, info.payload_size, &nsh), NSH_OK);
				assert_int_equal(nsh.sp, nsh_sp_make(100, 255));
			}
		}
	}
}

static void
options_are_covered_by_the_checksum(void **state)
{
	uint8_t frame[GUARD_ROOM];
	size_t size = shaped_frame(frame, 1, 10, 0);
	struct vxlan_gpe_info info;

	(void)state;
	frame[ETH_HDR_SIZE + ETH_TAG_SIZE + 59] ^= 0x10;
	assert_int_equal(parse(frame, size, size, &info), VXLAN_GPE_IP_CHECKSUM);
}

static void
a_third_tag_is_not_ours(void **state)
{
	uint8_t frame[GUARD_ROOM];
	size_t size = shaped_frame(frame, 3, 0, 0);
	struct vxlan_gpe_info info;

	(void)state;
	assert_int_equal(parse(frame, size, size, &info), VXLAN_GPE_NOT_OURS);
}

static void
a_frame_cut_anywhere_is_refused_and_not_overread(void **state)
{
	(void)state;
	for (size_t tags = 0; tags <= 2; tags++) {
		for (size_t words = 0; words <= 10; words += 5) {
			uint8_t frame[GUARD_ROOM];
			size_t size = shaped_frame(frame, tags, words, 0);
			size_t ip_end = ETH_HDR_SIZE + tags * 4 + NSH_IPV4_SIZE;
			struct vxlan_gpe_info info;

			for (size_t cut = 0; cut < size; cut++)
				assert_int_equal(parse(frame, cut, cut, &info),
					cut < ip_end ? VXLAN_GPE_TRUNCATED : VXLAN_GPE_IP_HEADER);
		}
	}
}

static void
headers_beyond_the_first_segment_are_truncated_payload_is_not(void **state)
{
	(void)state;
	for (size_t tags = 0; tags <= 2; tags++) {
		for (size_t words = 0; words <= 10; words += 5) {
			uint8_t frame[GUARD_ROOM];
			size_t size = shaped_frame(frame, tags, words, 6);
			size_t headers = VXLAN_GPE_OUTER_SIZE + tags * 4 + words * 4;
			struct vxlan_gpe_info info;

			for (size_t avail = 0; avail <= size; avail++)
				assert_int_equal(parse(frame, avail, size, &info),
					avail < headers ? VXLAN_GPE_TRUNCATED : VXLAN_GPE_OK);
		}
	}
}

static void
bytes_behind_the_frame_are_not_the_frame(void **state)
{
	uint8_t frame[PLAIN_SIZE];
	size_t size = plain_frame(frame);
	struct vxlan_gpe_info info;

	(void)state;
	assert_int_equal(parse(frame, size, size - 1, &info), VXLAN_GPE_IP_HEADER);
	assert_int_equal(parse(frame, size, 20, &info), VXLAN_GPE_TRUNCATED);
}

static void
info_is_not_written_unless_ok(void **state)
{
	uint8_t frame[PLAIN_SIZE];
	size_t size = plain_frame(frame);
	struct vxlan_gpe_info info, before;

	(void)state;
	frame[AT_FLAGS] = 0x0D;
	memset(&info, 0xEE, sizeof(info));
	memcpy(&before, &info, sizeof(info));
	assert_int_equal(vxlan_gpe_parse(frame, size, size, &info), VXLAN_GPE_OAM);
	assert_memory_equal(&info, &before, sizeof(info));
}

/* RFC 768 by the letter: pseudo header and datagram word by word. */
static uint16_t
slow_udp_sum(const uint8_t *frame)
{
	const uint8_t *udp = frame + AT_UDP;
	size_t size = (size_t)udp[4] << 8 | udp[5];
	uint32_t sum = 17 + (uint32_t)size;

	for (size_t i = AT_IP + 12; i < AT_UDP; i += 2)
		sum += (uint32_t)frame[i] << 8 | frame[i + 1];
	for (size_t i = 0; i < size; i++)
		sum += i % 2 == 0 ? (uint32_t)udp[i] << 8 : udp[i];
	while (sum >> 16)
		sum = (sum & 0xFFFF) + (sum >> 16);
	return (uint16_t)sum;
}

static void
udp_checksum_makes_the_datagram_sum_to_ffff(void **state)
{
	(void)state;
	for (uint8_t udp_size = 16; udp_size <= 104; udp_size++) {
		uint8_t frame[PLAIN_SIZE];
		size_t size = plain_frame(frame);
		uint16_t checksum;

		frame[AT_UDP_SIZE + 1] = udp_size;
		checksum = vxlan_gpe_udp_checksum(guarded(frame, size), size);
		assert_int_not_equal(checksum, 0);
		frame[AT_UDP_CHECKSUM] = (uint8_t)(checksum >> 8);
		frame[AT_UDP_CHECKSUM + 1] = (uint8_t)checksum;
		assert_int_equal(slow_udp_sum(frame), UINT16_MAX);
		/* The checksum it carries does not count. */
		assert_int_equal(vxlan_gpe_udp_checksum(guarded(frame, size), size), checksum);
	}
}

static void
udp_checksum_that_works_out_as_0_is_sent_as_ffff(void **state)
{
	uint8_t frame[PLAIN_SIZE];
	size_t size = plain_frame(frame);
	uint16_t checksum, word;

	(void)state;
	/* Adding the checksum to an even-placed payload word makes the sum 0xFFFF. */
	memset(frame + size - 2, 0, 2);
	checksum = vxlan_gpe_udp_checksum(frame, size);
	word = rte_cpu_to_be_16(checksum);
	memcpy(frame + size - 2, &word, sizeof(word));
	assert_int_equal(slow_udp_sum(frame), UINT16_MAX);
	assert_int_equal(vxlan_gpe_udp_checksum(frame, size), UINT16_MAX);
}

static void
udp_checksum_of_a_refused_frame_is_0(void **state)
{
	uint8_t frame[PLAIN_SIZE];
	size_t size = plain_frame(frame);

	(void)state;
	frame[AT_FLAGS] = 0;
	assert_int_equal(vxlan_gpe_udp_checksum(frame, size), 0);
}

static void
every_verdict_has_its_own_name(void **state)
{
	(void)state;
	for (int a = VXLAN_GPE_OK; a <= VXLAN_GPE_NEXT_PROTO; a++) {
		assert_string_not_equal(vxlan_gpe_verdict_name(a), "gpe-unknown");
		for (int b = VXLAN_GPE_OK; b < a; b++)
			assert_string_not_equal(vxlan_gpe_verdict_name(a), vxlan_gpe_verdict_name(b));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(outer_bytes_are_those_of_the_draft),
		cmocka_unit_test(parse_gives_back_what_push_was_given),
		cmocka_unit_test(folded_checksum_is_right_for_every_id_tos_and_size),
		cmocka_unit_test(push_writes_50_bytes_at_any_alignment_and_none_more),
		cmocka_unit_test(n17_underlay_mtu_for_a_1514_byte_inner_frame),
		cmocka_unit_test(source_port_is_a_dynamic_port_that_depends_on_the_hash),
		cmocka_unit_test(frames_of_other_protocols_are_not_ours),
		cmocka_unit_test(ipv4_header_is_checked),
		cmocka_unit_test(udp_length_lies_between_the_headers_and_the_packet),
		cmocka_unit_test(g1_flags_are_checked_and_the_others_ignored),
		cmocka_unit_test(g2_next_protocol_is_1_to_5),
		cmocka_unit_test(g2_reserved_bits_are_ignored),
		cmocka_unit_test(udp_checksum_is_reported_and_not_judged),
		cmocka_unit_test(first_wrong_thing_is_the_verdict),
		cmocka_unit_test(tags_options_and_padding_are_stripped),
		cmocka_unit_test(options_are_covered_by_the_checksum),
		cmocka_unit_test(a_third_tag_is_not_ours),
		cmocka_unit_test(a_frame_cut_anywhere_is_refused_and_not_overread),
		cmocka_unit_test(headers_beyond_the_first_segment_are_truncated_payload_is_not),
		cmocka_unit_test(bytes_behind_the_frame_are_not_the_frame),
		cmocka_unit_test(info_is_not_written_unless_ok),
		cmocka_unit_test(udp_checksum_makes_the_datagram_sum_to_ffff),
		cmocka_unit_test(udp_checksum_that_works_out_as_0_is_sent_as_ffff),
		cmocka_unit_test(udp_checksum_of_a_refused_frame_is_0),
		cmocka_unit_test(every_verdict_has_its_own_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
