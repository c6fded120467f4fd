#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "guard.h"
#include "icmp.h"
#include "icmp_frames.h"

static union nsh_addr
own(enum nsh_family family)
{
	union nsh_addr address = {{0}};

	memcpy(address.bytes, family == NSH_IPV4 ? frame_dst4 : frame_dst6, family == NSH_IPV4 ? 4 : 16);
	return address;
}

static void
make_echo(struct frame *f, enum nsh_family family, unsigned int tags, size_t size)
{
	make_packet(f, family, tags, family == NSH_IPV4 ? 1 : 58, family == NSH_IPV4 ? 8 : 128, size);
}

static void
echo_is_answered_with_the_same_data(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 2 * 3 * 57; i++) {
		enum nsh_family family = i % 2 ? NSH_IPV6 : NSH_IPV4;
		unsigned int tags = i / 2 % 3;
		size_t size = 8 + i / 6, addresses = family == NSH_IPV4 ? 12 : 8;
		size_t address = family == NSH_IPV4 ? 4 : 16;
		union nsh_addr us = own(family);
		struct frame f;
		uint8_t *reply, *ip;

		make_echo(&f, family, tags, size);
		reply = guarded(f.bytes, f.size);
		ip = reply + f.ip_at;
		assert_true(icmp_echo_reply(reply, f.size, &us));
		assert_memory_equal(reply, frame_smac, 6);
		assert_memory_equal(reply + 6, frame_dmac, 6);
		assert_memory_equal(reply + 12, f.bytes + 12, f.ip_at - 12); /* tags and type */
		assert_memory_equal(ip + addresses, f.bytes + f.ip_at + addresses + address, address);
		assert_memory_equal(ip + addresses + address, f.bytes + f.ip_at + addresses, address);
		assert_int_equal(ip[family == NSH_IPV4 ? 8 : 7], 64);
		assert_int_equal(reply[f.l4_at], family == NSH_IPV4 ? 0 : 129);
		assert_int_equal(reply[f.l4_at + 1], 0);
		assert_memory_equal(reply + f.l4_at + 4, f.bytes + f.l4_at + 4, size - 4);
		assert_int_equal(
			slow_sum(reply + f.l4_at, size, family == NSH_IPV4 ? 0 : slow_pseudo(ip, 58, size)),
			UINT16_MAX);
		if (family == NSH_IPV4)
			assert_int_equal(slow_sum(ip, 20, 0), UINT16_MAX);
	}
}

/* One change that makes a frame no echo request to us. */
struct row {
	const char *what;
	bool from_l4; /* else from the IP header */
	int at;
	uint8_t value;
};

static void
check_rows(enum nsh_family family, const struct row *rows, size_t count)
{
	union nsh_addr us = own(family);

	for (size_t i = 0; i < count; i++) {
		struct frame f, before;
		uint8_t *l4;

		make_echo(&f, family, 1, 64);
		l4 = f.bytes + f.l4_at;
		f.bytes[(int)(rows[i].from_l4 ? f.l4_at : f.ip_at) + rows[i].at] = rows[i].value;
		/* All is wrong but the checksums. */
		fix_ip_checksum(f.bytes + f.ip_at);
		set16(l4 + 2, 0);
		set16(l4 + 2, (uint16_t)~slow_sum(l4, 64,
				      family == NSH_IPV4 ? 0 : slow_pseudo(f.bytes + f.ip_at, 58, 64)));
		before = f;
		if (icmp_echo_reply(f.bytes, f.size, &us))
			fail_msg("%s", rows[i].what);
		assert_memory_equal(f.bytes, before.bytes, f.size);
	}
}

static void
what_is_no_echo_request_to_us_is_not_answered(void **state)
{
	static const struct row rows4[] = {
		{"an echo reply", true, 0, 0},
		{"a time stamp request", true, 0, 13},
		{"code 1", true, 1, 1},
		{"to another address", false, 19, 9},
		{"to a broadcast", false, 16, 255},
		{"from multicast", false, 12, 224},
		{"from broadcast", false, 12, 255},
		{"from this network", false, 12, 0},
		{"from loopback", false, 12, 127},
		{"More Fragments", false, 6, 0x20},
		{"last fragment", false, 7, 1},
		{"UDP", false, 9, 17},
		{"IPv4 options", false, 0, 0x46},
		{"version 5", false, 0, 0x55},
		{"total length below the message", false, 3, 27},
		{"total length beyond the frame", false, 3, 85},
		{"ARP", false, -1, 6},
		{"to a multicast MAC", false, -18, 1},
		{"from a multicast MAC", false, -12, 1},
	};
	static const struct row rows6[] = {
		{"an echo reply", true, 0, 129},
		{"a neighbour solicitation", true, 0, 135},
		{"code 1", true, 1, 1},
		{"to another address", false, 39, 9},
		{"from multicast", false, 8, 0xFF},
		{"UDP", false, 6, 17},
		{"version 4", false, 0, 0x4B},
		{"payload below the message", false, 5, 7},
		{"payload beyond the frame", false, 5, 65},
	};

	(void)state;
	check_rows(NSH_IPV4, rows4, sizeof(rows4) / sizeof(rows4[0]));
	check_rows(NSH_IPV6, rows6, sizeof(rows6) / sizeof(rows6[0]));
}

static void
a_message_with_any_bit_flipped_is_not_answered(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		enum nsh_family family = i % 2 ? NSH_IPV6 : NSH_IPV4;
		union nsh_addr us = own(family);
		struct frame f;

		make_echo(&f, family, 0, 41);
		for (size_t at = family == NSH_IPV4 ? f.ip_at : f.ip_at + 8; at < f.size; at++) {
			for (unsigned int bit = 0; bit < 8; bit++) {
				f.bytes[at] ^= (uint8_t)(1 << bit);
				assert_false(icmp_echo_reply(f.bytes, f.size, &us));
				f.bytes[at] ^= (uint8_t)(1 << bit);
			}
		}
		assert_true(icmp_echo_reply(f.bytes, f.size, &us));
	}
}

static void
from_the_unspecified_or_loopback_address_is_not_answered(void **state)
{
	union nsh_addr us = own(NSH_IPV6);

	(void)state;
	for (uint8_t last = 0; last < 3; last++) {
		struct frame f;
		uint8_t *ip, *l4;

		make_echo(&f, NSH_IPV6, 0, 16);
		ip = f.bytes + f.ip_at;
		l4 = f.bytes + f.l4_at;
		memset(ip + 8, 0, 16);
		ip[23] = last;
		set16(l4 + 2, 0);
		set16(l4 + 2, (uint16_t)~slow_sum(l4, 16, slow_pseudo(ip, 58, 16)));
		assert_int_equal(icmp_echo_reply(f.bytes, f.size, &us), last == 2);
	}
}

static void
a_frame_cut_anywhere_is_not_answered_and_not_overread(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 6; i++) {
		enum nsh_family family = i % 2 ? NSH_IPV6 : NSH_IPV4;
		union nsh_addr us = own(family);
		struct frame f;

		make_echo(&f, family, i / 2, 40);
		for (size_t cut = 0; cut < f.size; cut++)
			assert_false(icmp_echo_reply(guarded(f.bytes, cut), cut, &us));
		/* Padding is not the message. */
		assert_true(icmp_echo_reply(f.bytes, f.size + 6, &us));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(echo_is_answered_with_the_same_data),
		cmocka_unit_test(what_is_no_echo_request_to_us_is_not_answered),
		cmocka_unit_test(a_message_with_any_bit_flipped_is_not_answered),
		cmocka_unit_test(from_the_unspecified_or_loopback_address_is_not_answered),
		cmocka_unit_test(a_frame_cut_anywhere_is_not_answered_and_not_overread),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
