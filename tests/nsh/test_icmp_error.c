#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "guard.h"
#include "icmp.h"
#include "icmp_frames.h"

static void
m3_message_goes_back_and_quotes_the_packet(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 2 * 3 * 2; i++) {
		enum nsh_family family = i % 2 ? NSH_IPV6 : NSH_IPV4;
		unsigned int tags = i / 2 % 3;
		size_t payload = i < 6 ? 1480 : 100, ip_size = family == NSH_IPV4 ? 20 : 40;
		size_t most = family == NSH_IPV4 ? 576 - 28 : 1280 - 48;
		size_t quoted = ip_size + payload < most ? ip_size + payload : most;
		uint8_t out[ICMP_TOO_BIG_MAX], *ip, *icmp;
		struct frame f;
		size_t size;

		make_packet(&f, family, tags, 17, 0x13, payload);
		memset(out, 0xEE, sizeof(out));
		size = icmp_too_big(out, guarded(f.bytes, f.size), f.size, 1400, NULL);
		assert_int_equal(size, f.ip_at + ip_size + 8 + quoted);
		if (size < sizeof(out))
			assert_int_equal(out[size], 0xEE);
		assert_memory_equal(out, frame_smac, 6);
		assert_memory_equal(out + 6, frame_dmac, 6);
		assert_memory_equal(out + 12, f.bytes + 12, f.ip_at - 12);
		ip = out + f.ip_at;
		icmp = ip + ip_size;
		if (family == NSH_IPV4) {
			assert_int_equal(ip[0], 0x45);
			assert_int_equal(ip[1], 0xC0);
			assert_int_equal(ip[2] << 8 | ip[3], 28 + quoted);
			assert_int_equal(ip[6] & 0x3F, 0);
			assert_int_equal(ip[9], 1);
			assert_memory_equal(ip + 12, frame_dst4, 4);
			assert_memory_equal(ip + 16, frame_src4, 4);
			assert_int_equal(slow_sum(ip, 20, 0), UINT16_MAX);
			assert_int_equal(slow_sum(icmp, 8 + quoted, 0), UINT16_MAX);
			/* RFC 1191, 4: type 3, code 4, the MTU in the low half. */
			assert_memory_equal(icmp, ((const uint8_t[]){3, 4}), 2);
			assert_memory_equal(icmp + 4, ((const uint8_t[]){0, 0, 0x05, 0x78}), 4);
		} else {
			assert_int_equal(ip[0] >> 4, 6);
			assert_int_equal(ip[4] << 8 | ip[5], 8 + quoted);
			assert_int_equal(ip[6], 58);
			assert_memory_equal(ip + 8, frame_dst6, 16);
			assert_memory_equal(ip + 24, frame_src6, 16);
			assert_int_equal(
				slow_sum(icmp, 8 + quoted, slow_pseudo(ip, 58, 8 + quoted)), UINT16_MAX);
			/* RFC 4443, 3.2: type 2, code 0, the MTU in 32 bits. */
			assert_memory_equal(icmp, ((const uint8_t[]){2, 0}), 2);
			assert_memory_equal(icmp + 4, ((const uint8_t[]){0, 0, 0x05, 0x78}), 4);
		}
		assert_memory_equal(icmp + 8, f.bytes + f.ip_at, quoted);
	}
}

static void
message_may_come_from_an_address_of_ours(void **state)
{
	const union nsh_addr ours = {.bytes = {10, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};
	uint8_t out[ICMP_TOO_BIG_MAX];
	struct frame f;

	(void)state;
	make_packet(&f, NSH_IPV4, 0, 17, 0, 1480);
	assert_int_not_equal(icmp_too_big(out, f.bytes, f.size, 1400, &ours), 0);
	assert_memory_equal(out + 14 + 12, ours.bytes, 4);
	make_packet(&f, NSH_IPV6, 0, 17, 0, 1480);
	assert_int_not_equal(icmp_too_big(out, f.bytes, f.size, 1400, &ours), 0);
	assert_memory_equal(out + 14 + 8, ours.bytes, 16);
	assert_int_equal(slow_sum(out + 54, 1240, slow_pseudo(out + 14, 58, 1240)), UINT16_MAX);
}

/* A change to a big UDP packet, and whether there is still a message about it. */
struct row {
	const char *what;
	int at; /* from the IP header */
	uint8_t count, bytes[16];
	bool told;
};

static void
check_rows(enum nsh_family family, const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint8_t out[ICMP_TOO_BIG_MAX];
		struct frame f;

		make_packet(&f, family, 1, 17, 0, 1480);
		memcpy(f.bytes + (int)f.ip_at + rows[i].at, rows[i].bytes, rows[i].count);
		fix_ip_checksum(f.bytes + f.ip_at);
		if ((icmp_too_big(out, guarded(f.bytes, f.size), f.size, 1400, NULL) != 0) != rows[i].told)
			fail_msg("%s", rows[i].what);
	}
}

static void
m3_rfc1122_3_2_2_no_message_about_these(void **state)
{
	static const struct row rows[] = {
		{"UDP", 9, 1, {17}, true},
		{"DF clear: the sender may be fragmented", 6, 2, {0, 0}, false},
		{"a fragment but the first", 6, 2, {0x40, 1}, false},
		{"the first fragment", 6, 2, {0x60, 0}, true},
		{"to multicast", 16, 4, {224, 0, 0, 1}, false},
		{"to broadcast", 16, 4, {255, 255, 255, 255}, false},
		{"from 0.0.0.0", 12, 4, {0, 0, 0, 0}, false},
		{"from loopback", 12, 4, {127, 0, 0, 1}, false},
		{"from multicast", 12, 4, {239, 1, 1, 1}, false},
		{"from broadcast", 12, 4, {255, 255, 255, 255}, false},
		{"from class E", 12, 4, {240, 0, 0, 1}, false},
		{"frame to broadcast", -18, 6, {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}, false},
		{"frame to multicast", -18, 1, {1}, false},
		{"frame from multicast", -12, 1, {3}, false},
		{"version 6", 0, 1, {0x65}, false},
		{"header of 4 words", 0, 1, {0x44}, false},
		{"no room for 8 bytes of payload", 2, 2, {0, 27}, false},
		{"ARP", -2, 2, {8, 6}, false},
	};
	static const uint8_t told[] = {0, 8, 9, 10, 13, 14};

	(void)state;
	check_rows(NSH_IPV4, rows, sizeof(rows) / sizeof(rows[0]));
	for (unsigned int type = 0; type < 256; type++) {
		uint8_t out[ICMP_TOO_BIG_MAX];
		struct frame f;

		make_packet(&f, NSH_IPV4, 0, 1, (uint8_t)type, 1480);
		assert_int_equal(icmp_too_big(out, f.bytes, f.size, 1400, NULL) != 0,
			memchr(told, (int)type, sizeof(told)) != NULL);
	}
}

static void
m3_rfc4443_2_4_e_no_message_about_these(void **state)
{
	static const struct row rows[] = {
		{"UDP", 6, 1, {17}, true},
		{"No Next Header", 6, 1, {59}, true},
		{"to multicast", 24, 1, {0xFF}, false},
		{"from multicast", 8, 1, {0xFF}, false},
		{"from ::", 8, 16, {0}, false},
		{"from ::1", 8, 16, {[15] = 1}, false},
		{"frame to multicast", -18, 2, {0x33, 0x33}, false},
		{"version 4", 0, 1, {0x45}, false},
		{"extension headers we do not see through", 6, 1, {60}, false},
	};
	static const uint8_t fragments[][8] = {{17, 0, 0, 1}, {17, 0, 0, 9}, {58, 0, 0, 8}, {17, 0, 0, 0}};

	(void)state;
	check_rows(NSH_IPV6, rows, sizeof(rows) / sizeof(rows[0]));
	for (unsigned int type = 0; type < 256; type++) {
		uint8_t out[ICMP_TOO_BIG_MAX];
		struct frame f;

		make_packet(&f, NSH_IPV6, 0, 58, (uint8_t)type, 1480);
		assert_int_equal(
			icmp_too_big(out, f.bytes, f.size, 1400, NULL) != 0, type >= 128 && type != 137);
	}
	for (size_t i = 0; i < 4; i++) {
		uint8_t out[ICMP_TOO_BIG_MAX];
		struct frame f;

		make_packet(&f, NSH_IPV6, 0, 44, 0, 1480);
		memcpy(f.bytes + f.l4_at, fragments[i], 8);
		assert_int_equal(icmp_too_big(out, f.bytes, f.size, 1400, NULL) != 0, i == 0 || i == 3);
	}
}

static void
what_could_be_an_error_is_not_told_about(void **state)
{
	uint8_t out[ICMP_TOO_BIG_MAX];
	struct frame f;

	(void)state;
	/* ICMPv6 without a type, by its length and by what is there. */
	make_packet(&f, NSH_IPV6, 0, 58, 128, 1480);
	assert_int_equal(icmp_too_big(out, f.bytes, f.l4_at, 1400, NULL), 0);
	assert_int_not_equal(icmp_too_big(out, f.bytes, f.l4_at + 1, 1400, NULL), 0);
	set16(f.bytes + f.ip_at + 4, 0);
	assert_int_equal(icmp_too_big(out, f.bytes, f.size, 1400, NULL), 0);
}

static void
a_corrupt_header_is_not_answered(void **state)
{
	uint8_t out[ICMP_TOO_BIG_MAX];
	struct frame f;

	(void)state;
	make_packet(&f, NSH_IPV4, 0, 17, 0, 1480);
	f.bytes[f.ip_at + 8] ^= 1;
	assert_int_equal(icmp_too_big(out, f.bytes, f.size, 1400, NULL), 0);
}

static void
an_mtu_below_that_of_any_link_is_not_told(void **state)
{
	uint8_t out[ICMP_TOO_BIG_MAX];
	struct frame f;

	(void)state;
	make_packet(&f, NSH_IPV4, 0, 17, 0, 1480);
	assert_int_equal(icmp_too_big(out, f.bytes, f.size, 67, NULL), 0);
	assert_int_not_equal(icmp_too_big(out, f.bytes, f.size, 68, NULL), 0);
	make_packet(&f, NSH_IPV6, 0, 17, 0, 1480);
	assert_int_equal(icmp_too_big(out, f.bytes, f.size, 1279, NULL), 0);
	assert_int_not_equal(icmp_too_big(out, f.bytes, f.size, 1280, NULL), 0);
}

static void
only_what_is_there_is_quoted(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		enum nsh_family family = i % 2 ? NSH_IPV6 : NSH_IPV4;
		size_t least, ip_size = family == NSH_IPV4 ? 20 : 40;
		struct frame f;

		make_packet(&f, family, i / 2 * 2, 17, 0, 1480);
		least = f.ip_at + (family == NSH_IPV4 ? 28 : 40);
		for (size_t cut = 0; cut < 200; cut++) {
			uint8_t out[ICMP_TOO_BIG_MAX];
			size_t size = icmp_too_big(out, guarded(f.bytes, cut), cut, 1400, NULL);

			assert_int_equal(size, cut < least ? 0 : cut + ip_size + 8);
			if (size > 0)
				assert_memory_equal(
					out + f.ip_at + ip_size + 8, f.bytes + f.ip_at, cut - f.ip_at);
		}
	}
}

static void
padding_is_not_quoted(void **state)
{
	uint8_t out[ICMP_TOO_BIG_MAX];
	struct frame f;

	(void)state;
	make_packet(&f, NSH_IPV4, 0, 17, 0, 8);
	assert_int_equal(icmp_too_big(out, f.bytes, 60, 1400, NULL), 14 + 28 + 28);
	make_packet(&f, NSH_IPV6, 0, 17, 0, 8);
	assert_int_equal(icmp_too_big(out, f.bytes, 80, 1400, NULL), 14 + 48 + 48);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(m3_message_goes_back_and_quotes_the_packet),
		cmocka_unit_test(message_may_come_from_an_address_of_ours),
		cmocka_unit_test(m3_rfc1122_3_2_2_no_message_about_these),
		cmocka_unit_test(m3_rfc4443_2_4_e_no_message_about_these),
		cmocka_unit_test(what_could_be_an_error_is_not_told_about),
		cmocka_unit_test(a_corrupt_header_is_not_answered),
		cmocka_unit_test(an_mtu_below_that_of_any_link_is_not_told),
		cmocka_unit_test(only_what_is_there_is_quoted),
		cmocka_unit_test(padding_is_not_quoted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
