#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "guard.h"
#include "nd.h"
#include "outer_frames.h"

static const uint8_t our_mac[ETH_MAC_SIZE] = {2, 0, 0, 0, 0x0A, 1};
static const uint8_t their_mac[ETH_MAC_SIZE] = {2, 0, 0, 0, 0x0B, 1};
static const union nsh_addr us = {.bytes = {0xFD, 0, 0, 0x99, [13] = 0xAB, [14] = 0xCD, [15] = 1}};
static const union nsh_addr them = {.bytes = {0xFD, 0, 0, 0x99, [15] = 2}};
static const union nsh_addr unspecified;

/* A message with any options behind the target; the checksum is right. */
static size_t
make(uint8_t *packet, uint8_t type, uint8_t flags, const union nsh_addr *src, const union nsh_addr *dst,
	const union nsh_addr *target, const void *options, size_t size)
{
	memset(packet, 0, 64);
	packet[0] = 0x60;
	packet[5] = (uint8_t)(24 + size);
	packet[6] = 58;
	packet[7] = 255;
	memcpy(packet + 8, src->bytes, 16);
	memcpy(packet + 24, dst->bytes, 16);
	packet[40] = type;
	packet[44] = flags;
	memcpy(packet + 48, target->bytes, 16);
	if (size > 0)
		memcpy(packet + 64, options, size);
	set16(packet + 42, (uint16_t)~slow_sum(packet + 40, 24 + size, slow_pseudo(packet, 58, 24 + size)));
	return 64 + size;
}

static const uint8_t sll[8] = {1, 1, 2, 0, 0, 0, 0x0B, 1}, tll[8] = {2, 1, 2, 0, 0, 0, 0x0B, 1};

static size_t
make_solicitation(uint8_t *packet)
{
	union nsh_addr group = nd_solicited_node(&us);

	return make(packet, ND_SOLICITATION, 0, &them, &group, &us, sll, sizeof(sll));
}

static void
solicited_node_group_and_its_mac_are_those_of_the_rfcs(void **state)
{
	static const uint8_t group[16] = {0xFF, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xFF, 0xCD, 0, 1};
	static const uint8_t group_mac[ETH_MAC_SIZE] = {0x33, 0x33, 0xFF, 0xCD, 0, 1};
	union nsh_addr target = us, made;
	uint8_t mac[ETH_MAC_SIZE];

	(void)state;
	target.bytes[13] = 0xCD;
	target.bytes[14] = 0;
	made = nd_solicited_node(&target);
	assert_memory_equal(made.bytes, group, 16);
	nd_multicast_mac(&made, mac);
	assert_memory_equal(mac, group_mac, ETH_MAC_SIZE);
}

static void
solicitation_is_read(void **state)
{
	struct nd_info info;
	uint8_t packet[128];
	size_t size = make_solicitation(packet);

	(void)state;
	assert_int_equal(nd_parse(guarded(packet, size), size, size, &info), ND_OK);
	assert_int_equal(info.type, ND_SOLICITATION);
	assert_int_equal(info.flags, 0);
	assert_true(info.has_mac);
	assert_memory_equal(info.mac, their_mac, ETH_MAC_SIZE);
	assert_true(nsh_addr_equal(&info.src, &them));
	assert_true(nsh_addr_equal(&info.target, &us));
}

static void
built_messages_are_read_back_with_a_checksum_of_the_rfc(void **state)
{
	union nsh_addr group = nd_solicited_node(&them), all = {.bytes = {0xFF, 2, [15] = 1}};
	uint8_t packet[128], *out;
	struct nd_info info;

	(void)state;
	out = guarded(packet, ND_SIZE_MAX);
	assert_int_equal(nd_build_solicitation(out, &us, &group, &them, our_mac), ND_SIZE_MAX);
	assert_int_equal(slow_sum(out + 40, 32, slow_pseudo(out, 58, 32)), UINT16_MAX);
	assert_int_equal(nd_parse(out, ND_SIZE_MAX, ND_SIZE_MAX, &info), ND_OK);
	assert_int_equal(info.type, ND_SOLICITATION);
	assert_true(nsh_addr_equal(&info.src, &us) && nsh_addr_equal(&info.dst, &group));
	assert_true(nsh_addr_equal(&info.target, &them) && info.has_mac);
	assert_memory_equal(info.mac, our_mac, ETH_MAC_SIZE);

	assert_int_equal(nd_build_announcement(out, &us, our_mac), ND_SIZE_MAX);
	assert_int_equal(slow_sum(out + 40, 32, slow_pseudo(out, 58, 32)), UINT16_MAX);
	assert_int_equal(nd_parse(out, ND_SIZE_MAX, ND_SIZE_MAX, &info), ND_OK);
	assert_int_equal(info.type, ND_ADVERTISEMENT);
	assert_int_equal(info.flags, ND_OVERRIDE);
	assert_true(nsh_addr_equal(&info.dst, &all) && nsh_addr_equal(&info.target, &us));
}

static void
rfc4861_7_2_4_answer_goes_to_who_asked_or_to_all_nodes(void **state)
{
	union nsh_addr group = nd_solicited_node(&us), all = {.bytes = {0xFF, 2, [15] = 1}};
	struct nd_info asked, info;
	uint8_t packet[128], out[ND_SIZE_MAX];
	size_t size = make_solicitation(packet);

	(void)state;
	assert_int_equal(nd_parse(packet, size, size, &asked), ND_OK);
	assert_int_equal(nd_build_answer(out, &asked, our_mac), ND_SIZE_MAX);
	assert_int_equal(nd_parse(out, ND_SIZE_MAX, ND_SIZE_MAX, &info), ND_OK);
	assert_int_equal(info.type, ND_ADVERTISEMENT);
	assert_int_equal(info.flags, ND_SOLICITED | ND_OVERRIDE);
	assert_true(nsh_addr_equal(&info.src, &us) && nsh_addr_equal(&info.dst, &them));
	assert_true(nsh_addr_equal(&info.target, &us) && info.has_mac);
	assert_memory_equal(info.mac, our_mac, ETH_MAC_SIZE);

	/* Duplicate address detection. */
	size = make(packet, ND_SOLICITATION, 0, &unspecified, &group, &us, NULL, 0);
	assert_int_equal(nd_parse(packet, size, size, &asked), ND_OK);
	assert_false(asked.has_mac);
	assert_int_equal(nd_build_answer(out, &asked, our_mac), ND_SIZE_MAX);
	assert_int_equal(nd_parse(out, ND_SIZE_MAX, ND_SIZE_MAX, &info), ND_OK);
	assert_int_equal(info.flags, ND_OVERRIDE);
	assert_true(nsh_addr_equal(&info.dst, &all));
}

/* Change a byte of a good message, with and without a new checksum. */
static enum nd_verdict
changed(const uint8_t *good, size_t size, size_t at, uint8_t value)
{
	struct nd_info info;
	uint8_t packet[128];

	memcpy(packet, good, size);
	packet[at] = value;
	set16(packet + 42, 0);
	set16(packet + 42, (uint16_t)~slow_sum(packet + 40, size - 40, slow_pseudo(packet, 58, size - 40)));
	return nd_parse(guarded(packet, size), size, size, &info);
}

static void
rfc4861_7_1_invalid_messages_are_discarded(void **state)
{
	union nsh_addr multicast = {.bytes = {0xFF, 2, [15] = 9}};
	union nsh_addr group = nd_solicited_node(&us);
	struct nd_info info;
	uint8_t ns[128], na[128], packet[128];
	size_t size = make_solicitation(ns);
	static const uint8_t twice[16] = {1, 1, 2, 0, 0, 0, 0x0B, 1, 1, 1, 2, 9, 9, 9, 9, 9};
	static const uint8_t unknown[16] = {14, 1, 1, 2, 3, 4, 5, 6, 1, 1, 2, 0, 0, 0, 0x0B, 1};

	(void)state;
	make(na, ND_ADVERTISEMENT, ND_SOLICITED | ND_OVERRIDE, &them, &us, &them, tll, sizeof(tll));
	assert_int_equal(nd_parse(na, size, size, &info), ND_OK);
	assert_int_equal(info.flags, ND_SOLICITED | ND_OVERRIDE);
	assert_memory_equal(info.mac, their_mac, ETH_MAC_SIZE);
	for (const uint8_t *good = ns; good != NULL; good = good == ns ? na : NULL) {
		assert_int_equal(changed(good, size, 0, 0x60), ND_OK);
		assert_int_equal(changed(good, size, 7, 254), ND_INVALID);   /* hop limit */
		assert_int_equal(changed(good, size, 41, 1), ND_INVALID);    /* code */
		assert_int_equal(changed(good, size, 65, 0), ND_INVALID);    /* option of length 0 */
		assert_int_equal(changed(good, size, 65, 2), ND_INVALID);    /* option beyond the message */
		assert_int_equal(changed(good, size, 66, 3), ND_INVALID);    /* multicast MAC */
		assert_int_equal(changed(good, size, 48, 0xFF), ND_INVALID); /* multicast target */
		assert_int_equal(changed(good, size, 8, 0xFF), ND_INVALID);  /* multicast source */
		assert_int_equal(changed(good, size, 45, 0xFF), ND_OK);      /* reserved */
		assert_int_equal(changed(good, size, 64, 14), ND_OK);        /* unknown option */
		for (size_t at = 8; at < size; at++) {
			memcpy(packet, good, size);
			packet[at] ^= 0x10;
			/* The type decides whether it is ours at all. */
			assert_int_equal(
				nd_parse(packet, size, size, &info), at == 40 ? ND_OTHER : ND_INVALID);
		}
	}
	/* No option at all. */
	size = make(packet, ND_ADVERTISEMENT, ND_SOLICITED, &them, &us, &them, NULL, 0);
	assert_int_equal(nd_parse(packet, size, size, &info), ND_OK);
	assert_false(info.has_mac);
	/* A solicited advertisement to a group. */
	size = make(packet, ND_ADVERTISEMENT, ND_SOLICITED, &them, &multicast, &them, tll, sizeof(tll));
	assert_int_equal(nd_parse(packet, size, size, &info), ND_INVALID);
	size = make(packet, ND_ADVERTISEMENT, 0, &them, &multicast, &them, tll, sizeof(tll));
	assert_int_equal(nd_parse(packet, size, size, &info), ND_OK);
	/* From the unspecified address only to the solicited-node group, and without a source MAC. */
	size = make(packet, ND_SOLICITATION, 0, &unspecified, &group, &us, sll, sizeof(sll));
	assert_int_equal(nd_parse(packet, size, size, &info), ND_INVALID);
	size = make(packet, ND_SOLICITATION, 0, &unspecified, &multicast, &us, NULL, 0);
	assert_int_equal(nd_parse(packet, size, size, &info), ND_INVALID);
	size = make(packet, ND_SOLICITATION, 0, &unspecified, &us, &us, NULL, 0);
	assert_int_equal(nd_parse(packet, size, size, &info), ND_INVALID);
	/* A last byte that is no option; of two MACs the first counts; bytes behind the frame are not read.
	 */
	size = make(packet, ND_SOLICITATION, 0, &them, &us, &us, sll, 1);
	assert_int_equal(nd_parse(packet, size, size, &info), ND_INVALID);
	size = make(packet, ND_SOLICITATION, 0, &them, &us, &us, twice, sizeof(twice));
	assert_int_equal(nd_parse(packet, size, size, &info), ND_OK);
	assert_memory_equal(info.mac, their_mac, ETH_MAC_SIZE);
	assert_int_equal(nd_parse(packet, size, size - 1, &info), ND_INVALID);
	/* What is behind an unknown option counts. */
	size = make(packet, ND_SOLICITATION, 0, &them, &us, &us, unknown, sizeof(unknown));
	assert_int_equal(nd_parse(packet, size, size, &info), ND_OK);
	assert_true(info.has_mac);
}

static void
what_is_no_neighbour_message_is_other(void **state)
{
	uint8_t packet[128];
	size_t size = make_solicitation(packet);

	(void)state;
	assert_int_equal(changed(packet, size, 0, 0x40), ND_OTHER);
	assert_int_equal(changed(packet, size, 6, 17), ND_OTHER);
	assert_int_equal(changed(packet, size, 6, 0), ND_OTHER);
	assert_int_equal(changed(packet, size, 40, 128), ND_OTHER);
	assert_int_equal(changed(packet, size, 40, 134), ND_OTHER);
	assert_int_equal(changed(packet, size, 40, 137), ND_OTHER);
}

static void
a_message_cut_anywhere_is_refused_and_not_overread(void **state)
{
	struct nd_info info;
	uint8_t packet[128];
	size_t size = make_solicitation(packet);

	(void)state;
	for (size_t cut = 0; cut < size; cut++) {
		enum nd_verdict want = cut <= 40 ? ND_OTHER : ND_INVALID;

		assert_int_equal(nd_parse(guarded(packet, cut), cut, size, &info), want);
		assert_int_equal(nd_parse(guarded(packet, cut), cut, cut, &info), want);
	}
	/* Ethernet padding is not the message. */
	memset(packet + size, 0xEE, 8);
	assert_int_equal(nd_parse(packet, size + 8, size + 8, &info), ND_OK);
	for (uint8_t length = 0; length < 24; length++) {
		packet[5] = length;
		assert_int_equal(nd_parse(packet, size, size, &info), ND_INVALID);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(solicited_node_group_and_its_mac_are_those_of_the_rfcs),
		cmocka_unit_test(solicitation_is_read),
		cmocka_unit_test(built_messages_are_read_back_with_a_checksum_of_the_rfc),
		cmocka_unit_test(rfc4861_7_2_4_answer_goes_to_who_asked_or_to_all_nodes),
		cmocka_unit_test(rfc4861_7_1_invalid_messages_are_discarded),
		cmocka_unit_test(what_is_no_neighbour_message_is_other),
		cmocka_unit_test(a_message_cut_anywhere_is_refused_and_not_overread),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
