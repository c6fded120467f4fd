#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "arp.h"
#include "guard.h"

static const uint8_t our_mac[ETH_MAC_SIZE] = {2, 0, 0, 0, 0x0A, 1};
static const rte_be32_t us = RTE_BE32(0x0A630001), them = RTE_BE32(0x0A630002);

/* Who has 10.99.0.1? Tell 10.99.0.2, which is at 02:00:00:00:0b:01. */
static const uint8_t request[ARP_SIZE] = {
	0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0x0B, 1, 10, 99, 0, 2, 0, 0, 0, 0, 0, 0, 10, 99, 0, 1};

static void
request_is_read(void **state)
{
	struct arp_info info;

	(void)state;
	assert_true(arp_parse(guarded(request, ARP_SIZE), ARP_SIZE, &info));
	assert_int_equal(info.op, ARP_REQUEST);
	assert_int_equal(info.sender, them);
	assert_int_equal(info.target, us);
	assert_memory_equal(info.sender_mac, request + 8, ETH_MAC_SIZE);
}

static void
reply_gives_the_mac_of_the_target_to_who_asked(void **state)
{
	static const uint8_t wire[ARP_SIZE] = {
		0, 1, 8, 0, 6, 4, 0, 2, 2, 0, 0, 0, 0x0A, 1, 10, 99, 0, 1, 2, 0, 0, 0, 0x0B, 1, 10, 99, 0, 2};
	uint8_t *reply = guarded(wire, ARP_SIZE);
	struct arp_info info;

	(void)state;
	assert_true(arp_parse(request, ARP_SIZE, &info));
	memset(reply, 0xEE, ARP_SIZE);
	arp_build_reply(reply, &info, our_mac);
	assert_memory_equal(reply, wire, ARP_SIZE);
	assert_true(arp_parse(reply, ARP_SIZE, &info));
	assert_int_equal(info.op, ARP_REPLY);
	assert_int_equal(info.sender, us);
	assert_memory_equal(info.sender_mac, our_mac, ETH_MAC_SIZE);
}

static void
request_and_announcement_are_those_of_the_rfcs(void **state)
{
	static const uint8_t asks[ARP_SIZE] = {
		0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0x0A, 1, 10, 99, 0, 1, 0, 0, 0, 0, 0, 0, 10, 99, 0, 2};
	static const uint8_t announces[ARP_SIZE] = {
		0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0x0A, 1, 10, 99, 0, 1, 0, 0, 0, 0, 0, 0, 10, 99, 0, 1};
	uint8_t packet[ARP_SIZE];

	(void)state;
	arp_build_request(packet, our_mac, us, them);
	assert_memory_equal(packet, asks, ARP_SIZE);
	arp_build_announcement(packet, our_mac, us);
	assert_memory_equal(packet, announces, ARP_SIZE);
}

static void
what_is_no_arp_of_one_host_is_refused(void **state)
{
	static const struct {
		const char *what;
		uint8_t at, count, bytes[6];
		bool ok;
	} rows[] = {
		{"hardware 6", 0, 2, {0, 6}, false},
		{"protocol IPv6", 2, 2, {0x86, 0xDD}, false},
		{"hardware size 8", 4, 1, {8}, false},
		{"protocol size 16", 5, 1, {16}, false},
		{"opcode 0", 6, 2, {0, 0}, false},
		{"opcode 3: reverse", 6, 2, {0, 3}, false},
		{"opcode 257", 6, 2, {1, 1}, false},
		{"opcode 2", 6, 2, {0, 2}, true},
		{"sender MAC multicast", 8, 1, {1}, false},
		{"sender MAC broadcast", 8, 6, {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}, false},
		{"sender MAC 0", 8, 6, {0, 0, 0, 0, 0, 0}, false},
		{"sender 0: a probe", 14, 4, {0, 0, 0, 0}, true},
		{"sender 0.0.0.1", 14, 4, {0, 0, 0, 1}, false},
		{"sender loopback", 14, 4, {127, 0, 0, 1}, false},
		{"sender multicast", 14, 4, {224, 0, 0, 1}, false},
		{"sender broadcast", 14, 4, {255, 255, 255, 255}, false},
		{"target MAC of any kind", 18, 6, {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t packet[ARP_SIZE];
		struct arp_info info;

		memcpy(packet, request, ARP_SIZE);
		memcpy(packet + rows[i].at, rows[i].bytes, rows[i].count);
		if (arp_parse(packet, ARP_SIZE, &info) != rows[i].ok)
			fail_msg("%s", rows[i].what);
	}
}

static void
a_packet_cut_anywhere_is_refused_and_padding_is_not_read(void **state)
{
	struct arp_info info, before;

	(void)state;
	memset(&info, 0xEE, sizeof(info));
	memcpy(&before, &info, sizeof(info));
	for (size_t cut = 0; cut < ARP_SIZE; cut++)
		assert_false(arp_parse(guarded(request, cut), cut, &info));
	assert_memory_equal(&info, &before, sizeof(info));
	/* 46 bytes announced are more than need be readable. */
	assert_true(arp_parse(guarded(request, ARP_SIZE), 46, &info));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request_is_read),
		cmocka_unit_test(reply_gives_the_mac_of_the_target_to_who_asked),
		cmocka_unit_test(request_and_announcement_are_those_of_the_rfcs),
		cmocka_unit_test(what_is_no_arp_of_one_host_is_refused),
		cmocka_unit_test(a_packet_cut_anywhere_is_refused_and_padding_is_not_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
