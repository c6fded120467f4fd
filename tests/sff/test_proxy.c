/* The proxy's table: what it keeps, how long, and what makes way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../test_eal.h"

#include "nsh_build.h"
#include "sff_proxy.h"
#include "sff_proxy_key.h"

#include <string.h>

#define IDLE_S 10u

static const uint8_t macs[12] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};
static struct sff_proxy_saved saved;

static struct cls_key
key_of(uint32_t flow)
{
	struct cls_key key = {.family = 4, .protocol = 17, .has_ports = 1};

	memcpy(key.source, &flow, sizeof(flow));
	return key;
}

static uint16_t
header_of(uint8_t nsh[NSH_MAX_SIZE], uint32_t flow, uint16_t tlvs)
{
	uint8_t tlv[NSH_MAX_SIZE];
	uint32_t words[4] = {flow, flow + 1, flow + 2, flow + 3};

	memset(tlv, (int)(flow & 0xff), sizeof(tlv));
	if (tlvs == 0)
		return (uint16_t)nsh_build_md1(nsh, flow << 8 | 255, 63, NSH_NP_ETHERNET, words);
	return (uint16_t)nsh_build_md2(nsh, flow << 8 | 255, 63, NSH_NP_ETHERNET, tlv, tlvs);
}

static void
keep(struct sff_proxy *p, uint32_t flow, uint32_t now, uint16_t tlvs)
{
	uint8_t nsh[NSH_MAX_SIZE];
	struct cls_key key = key_of(flow);
	uint16_t size = header_of(nsh, flow, tlvs);

	sff_proxy_save(p, &key, now, nsh, size, macs);
}

/* Found, and then it is the right one. */
static bool
has(struct sff_proxy *p, uint32_t flow, uint32_t now, uint16_t tlvs)
{
	uint8_t nsh[NSH_MAX_SIZE];
	struct cls_key key = key_of(flow);
	uint16_t size = header_of(nsh, flow, tlvs);

	if (!sff_proxy_find(p, &key, now, &saved))
		return false;
	assert_int_equal(saved.size, size);
	assert_memory_equal(saved.nsh, nsh, size);
	assert_memory_equal(saved.macs, macs, sizeof(macs));
	return true;
}

static uint32_t
idle_ticks(void)
{
	return (uint32_t)(IDLE_S * rte_get_tsc_hz() >> SFF_PROXY_TICK_SHIFT);
}

static void
what_is_kept_comes_back(void **state)
{
	static const uint16_t tlvs[] = {0, 4, 16, 20, NSH_MAX_SIZE - NSH_BASE_SIZE};
	struct sff_proxy *p;

	(void)state;
	assert_int_equal(sff_proxy_create(64, IDLE_S, &p), 0);
	for (uint32_t i = 0; i < sizeof(tlvs) / sizeof(tlvs[0]); i++) {
		assert_false(has(p, i, 5, tlvs[i]));
		keep(p, i, 5, tlvs[i]);
		assert_true(has(p, i, 5, tlvs[i]));
	}
	/* Another header under the same key, longer and shorter than before. */
	keep(p, 0, 6, 100);
	assert_true(has(p, 0, 6, 100));
	keep(p, 0, 6, 0);
	assert_true(has(p, 0, 6, 0));
	assert_int_equal(sff_proxy_count(p)->saved, 5);
	sff_proxy_destroy(p);
}

static void
a_flow_is_forgotten_after_its_idle_time(void **state)
{
	uint32_t start = UINT32_MAX - 3, idle = idle_ticks(); /* the clock may wrap */
	struct sff_proxy *p;

	(void)state;
	assert_int_equal(sff_proxy_create(64, IDLE_S, &p), 0);
	keep(p, 1, start, 0);
	assert_true(has(p, 1, start + idle, 0)); /* use keeps it */
	assert_true(has(p, 1, start + 2 * idle, 0));
	assert_false(has(p, 1, start + 3 * idle + 1, 0));
	assert_false(has(p, 1, start + 3 * idle + 2, 0));
	keep(p, 1, start + 3 * idle + 3, 0);
	assert_true(has(p, 1, start + 3 * idle + 3, 0));
	sff_proxy_destroy(p);
}

static void
a_full_table_forgets_what_was_used_longest_ago(void **state)
{
	struct sff_proxy *p;
	uint32_t n = 0, size;

	(void)state;
	/* One line: eight places. */
	assert_int_equal(sff_proxy_create(8, IDLE_S, &p), 0);
	size = sff_proxy_size(p);
	assert_int_equal(size, 8);
	for (uint32_t i = 0; i < size; i++)
		keep(p, i, 10 + i, 0);
	assert_true(has(p, 0, 20, 0)); /* now 1 is the oldest */
	keep(p, 100, 21, 0);
	assert_false(has(p, 1, 21, 0));
	assert_true(has(p, 100, 21, 0));
	for (uint32_t i = 0; i < size; i++)
		n += has(p, i, 21, 0);
	assert_int_equal(n, size - 1);
	assert_int_equal(sff_proxy_count(p)->evicted, 1);
	/* One that is idle for too long makes way before all, and is no loss. */
	keep(p, 200, 21 + 2 * idle_ticks(), 0);
	assert_int_equal(sff_proxy_count(p)->evicted, 1);
	sff_proxy_destroy(p);
}

static void
a_table_holds_nearly_as_many_flows_as_it_has_places(void **state)
{
	struct sff_proxy *p;
	uint32_t size, n = 0;

	(void)state;
	assert_int_equal(sff_proxy_create(4000, IDLE_S, &p), 0);
	size = sff_proxy_size(p);
	assert_true(size >= 4000);
	/* Half full, a line of eight rarely overflows: Poisson of mean 4, 2 % of lines. */
	for (uint32_t i = 0; i < size / 2; i++)
		keep(p, i, 1, 0);
	for (uint32_t i = 0; i < size / 2; i++)
		n += has(p, i, 1, 0);
	assert_true(n > size / 2 - size / 64);
	assert_int_equal(n, size / 2 - sff_proxy_count(p)->evicted);
	sff_proxy_destroy(p);
}

static void
long_headers_are_bounded_and_never_mixed_up(void **state)
{
	struct sff_proxy *p;
	uint32_t n = 0, size;

	(void)state;
	assert_int_equal(sff_proxy_create(4096, IDLE_S, &p), 0);
	size = sff_proxy_size(p);
	/* More of them than there are blocks: the first ones make way, in turn. */
	for (uint32_t i = 0; i < size / 4; i++)
		keep(p, i, 1, 200);
	for (uint32_t i = 0; i < size / 4; i++)
		n += has(p, i, 1, 200);
	assert_int_equal(n, size / 16);
	assert_true(has(p, size / 4 - 1, 1, 200));
	assert_false(has(p, 0, 1, 200));
	/* Any order of long and short ones. */
	for (uint32_t i = 0; i < 100000; i++) {
		uint32_t flow = size + i * 7919 % 1000;

		keep(p, flow, 2, flow % 3 ? 0 : 100);
		assert_true(has(p, flow, 2, flow % 3 ? 0 : 100));
		flow = size + i * 104729 % 1000;
		has(p, flow, 2, flow % 3 ? 0 : 100);
	}
	sff_proxy_destroy(p);
}

static void
x3_each_direction_and_each_attachment_has_its_own_key(void **state)
{
	uint8_t frame[64] = {0};
	struct sff_proxy_keys a, b;
	struct cls_key turned, back;

	(void)state;
	memcpy(frame + 12, "\x08\0\x45\0\0\x1c", 6);
	frame[23] = 17;
	memcpy(frame + 26, "\x0a\0\0\x01\x0a\0\0\x02\x12\x34\x56\x78", 12);
	sff_proxy_keys(frame, sizeof(frame), frame, 3, 0, &a);
	assert_true(a.has_flow && !a.has_fragment);
	sff_proxy_key_turn(&a.flow, &turned);
	assert_memory_not_equal(&a.flow, &turned, sizeof(turned));
	sff_proxy_key_turn(&turned, &back);
	assert_memory_equal(&a.flow, &back, sizeof(back));
	memcpy(frame + 26, "\x0a\0\0\x02\x0a\0\0\x01\x56\x78\x12\x34", 12);
	sff_proxy_keys(frame, sizeof(frame), frame, 3, 0, &b);
	assert_memory_equal(&b.flow, &turned, sizeof(turned));
	sff_proxy_keys(frame, sizeof(frame), frame, 4, 0, &a);
	assert_memory_not_equal(&a.flow, &b.flow, sizeof(turned));
	sff_proxy_keys(frame, sizeof(frame), frame, 3, 256, &a);
	assert_memory_not_equal(&a.flow, &b.flow, sizeof(turned));
}

static int
open_eal(void **state)
{
	(void)state;
	test_eal_init();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_kept_comes_back),
		cmocka_unit_test(a_flow_is_forgotten_after_its_idle_time),
		cmocka_unit_test(a_full_table_forgets_what_was_used_longest_ago),
		cmocka_unit_test(a_table_holds_nearly_as_many_flows_as_it_has_places),
		cmocka_unit_test(long_headers_are_bounded_and_never_mixed_up),
		cmocka_unit_test(x3_each_direction_and_each_attachment_has_its_own_key),
	};

	return cmocka_run_group_tests(tests, open_eal, NULL);
}
