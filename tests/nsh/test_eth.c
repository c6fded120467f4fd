#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "eth.h"
#include "guard.h"
#include "nsh_hdr.h"

static const uint8_t sf_mac[ETH_MAC_SIZE] = {2, 0, 0, 0, 0x0F, 1};
static const uint8_t sff_mac[ETH_MAC_SIZE] = {2, 0, 0, 0, 0x0A, 1};

struct row {
	const char *what;
	uint8_t types[10]; /* from the type field on */
	size_t avail;
	bool ok;
	uint16_t size, type, tci[2];
	uint8_t tags;
};

static void
tags_are_looked_through_zero_to_two_deep(void **state)
{
	static const struct row rows[] = {
		{"no tag", {0x89, 0x4F}, 14, true, 14, NSH_ETHERTYPE, {0, 0}, 0},
		{"one C-tag", {0x81, 0, 0x20, 0x1E, 0x89, 0x4F}, 18, true, 18, NSH_ETHERTYPE, {0x201E, 0}, 1},
		{"one S-tag", {0x88, 0xA8, 0, 7, 8, 0}, 18, true, 18, ETH_IPV4, {7, 0}, 1},
		{"S-tag and C-tag", {0x88, 0xA8, 0, 7, 0x81, 0, 0, 9, 0x86, 0xDD}, 22, true, 22, ETH_IPV6,
			{7, 9}, 2},
		{"C-tag and C-tag", {0x81, 0, 0, 7, 0x81, 0, 0, 9, 8, 6}, 22, true, 22, ETH_ARP, {7, 9}, 2},
		{"three tags", {0x81, 0, 0, 7, 0x81, 0, 0, 9, 0x81, 0}, 22, true, 22, ETH_VLAN, {7, 9}, 2},
		{"nothing", {0}, 0, false, 0, 0, {0, 0}, 0},
		{"header cut", {0x89}, 13, false, 0, 0, {0, 0}, 0},
		{"tag announced, none there", {0x81, 0}, 14, false, 0, 0, {0, 0}, 0},
		{"tag cut", {0x81, 0, 0, 7, 8}, 17, false, 0, 0, {0, 0}, 0},
		{"second tag cut", {0x81, 0, 0, 7, 0x81, 0, 0, 9, 8}, 21, false, 0, 0, {0, 0}, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *r = &rows[i];
		uint8_t frame[12 + sizeof(r->types)] = {0};
		struct eth_info info;

		memcpy(frame + 12, r->types, sizeof(r->types));
		if (eth_parse(guarded(frame, r->avail), r->avail, &info) != r->ok)
			fail_msg("%s", r->what);
		if (!r->ok)
			continue;
		assert_int_equal(info.size, r->size);
		assert_int_equal(info.type, r->type);
		assert_int_equal(info.tags, r->tags);
		for (uint8_t t = 0; t < r->tags; t++)
			assert_int_equal(info.tci[t], r->tci[t]);
	}
}

static void
frame_between_sff_and_sf_is_da_sa_894f(void **state)
{
	static const uint8_t wire[] = {2, 0, 0, 0, 0x0F, 1, 2, 0, 0, 0, 0x0A, 1, 0x89, 0x4F};
	uint8_t *dst = guarded(wire, ETH_HDR_SIZE);

	(void)state;
	memset(dst, 0xEE, ETH_HDR_SIZE);
	eth_build(dst, sf_mac, sff_mac, NSH_ETHERTYPE);
	assert_memory_equal(dst, wire, sizeof(wire));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tags_are_looked_through_zero_to_two_deep),
		cmocka_unit_test(frame_between_sff_and_sf_is_da_sa_894f),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
