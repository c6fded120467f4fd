/* The guest library's text: formats, addresses, counters, console. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "vnf_host.h"

const char vnf_name[] = "text-test";

enum vnf_verdict
vnf_packet(struct vnf_pkt *pkt)
{
	(void)pkt;
	return VNF_PASS;
}

static int
setup(void **state)
{
	(void)state;
	host_init();
	return 0;
}

#define SAME_AS_LIBC(...)                                                                                    \
	do {                                                                                                 \
		char ours[64], theirs[64];                                                                   \
                                                                                                             \
		assert_int_equal(vnf_format(ours, sizeof(ours), __VA_ARGS__),                                \
			snprintf(theirs, sizeof(theirs), __VA_ARGS__));                                      \
		assert_string_equal(ours, theirs);                                                           \
	} while (0)

static void
formats_are_those_of_libc(void **state)
{
	char text[8];

	(void)state;
	SAME_AS_LIBC("plain");
	SAME_AS_LIBC("%s|%c|%%|%s", "word", 'x', "");
	SAME_AS_LIBC("%u %u %u", 0u, 10u, UINT32_MAX);
	SAME_AS_LIBC("%d %d %d", 0, INT32_MAX, INT32_MIN);
	SAME_AS_LIBC("%ld %lu", INT64_MIN, UINT64_MAX);
	SAME_AS_LIBC("%zu", SIZE_MAX);
	SAME_AS_LIBC("%x %lx %02x %016lx", 0xbeefu, UINT64_MAX, 7u, 0x123456789abcdefUL);
	assert_int_equal(vnf_format(text, sizeof(text), "%s", "0123456789"), 10);
	assert_string_equal(text, "0123456");
	assert_int_equal(vnf_format(NULL, 0, "%u", 12345u), 5);
}

static void
check_address(const char *text)
{
	union vnf_addr addr, want = {{0}};
	unsigned version = inet_pton(AF_INET, text, want.byte) == 1    ? 4
	                   : inet_pton(AF_INET6, text, want.byte) == 1 ? 6
	                                                               : 0;

	if (vnf_addr_scan(text, strlen(text), &addr) != version)
		fail_msg("\"%s\" is version %u to libc", text, version);
	if (version)
		assert_memory_equal(&addr, &want, sizeof(addr));
}

static void
addresses_are_read_as_libc_does(void **state)
{
	static const char *const texts[] = {"10.0.0.1", "255.255.255.255", "0.0.0.0", "1.2.3", "1.2.3.4.5",
		"256.1.1.1", "01.2.3.4", "1..2.3", ".1.2.3", "1.2.3.4 ", "", ":", "::", ":::", "::1",
		"1::", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::8", "::2:3:4:5:6:7:8",
		"1:2:3:4:5:6:7::", "1::2::3", "12345::", "g::", "::ffff:10.0.0.1", "::1.2.3.4",
		"1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:7:1.2.3.4", "::1.2.3", "2001:DB8::aBcD", "1:", ":1",
		"1:2", "fe80::1%1", "1.2.3.4::", "::1.2.3.4:5"};
	static const char alphabet[] = "0123456789abf::..";

	(void)state;
	for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		check_address(texts[i]);
	srandom(1);
	for (unsigned i = 0; i < 300000; i++) {
		char text[24];
		unsigned len = (unsigned)random() % (sizeof(text) - 1);

		for (unsigned k = 0; k < len; k++)
			text[k] = alphabet[(unsigned)random() % (sizeof(alphabet) - 1)];
		text[len] = '\0';
		check_address(text);
	}
}

static void
addresses_are_written_as_libc_does(void **state)
{
	(void)state;
	srandom(2);
	for (unsigned i = 0; i < 200000; i++) {
		char ours[VNF_ADDR_TEXT], theirs[INET6_ADDRSTRLEN];
		union vnf_addr addr;

		for (unsigned k = 0; k < 16; k++)
			addr.byte[k] = random() % 3 ? 0 : (uint8_t)random();
		if (addr.half[0] == 0 && (addr.byte[8] | addr.byte[9] | addr.byte[10] | addr.byte[11]) == 0)
			addr.byte[0] = 0x20; /* libc still writes ::a.b.c.d, which RFC 5952 does not */
		inet_ntop(AF_INET6, addr.byte, theirs, sizeof(theirs));
		assert_int_equal(vnf_addr_format(ours, 6, &addr), strlen(theirs));
		assert_string_equal(ours, theirs);
		inet_ntop(AF_INET, addr.byte, theirs, sizeof(theirs));
		assert_int_equal(vnf_addr_format(ours, 4, &addr), strlen(theirs));
		assert_string_equal(ours, theirs);
	}
}

static void
mapped_and_unspecified_addresses_are_written(void **state)
{
	union vnf_addr addr = {{0}};
	char text[VNF_ADDR_TEXT];

	(void)state;
	vnf_addr_format(text, 6, &addr);
	assert_string_equal(text, "::");
	addr.byte[15] = 1;
	vnf_addr_format(text, 6, &addr);
	assert_string_equal(text, "::1");
	memset(addr.byte + 10, 0xff, 2);
	vnf_addr_format(text, 6, &addr);
	assert_string_equal(text, "::ffff:0.0.0.1");
	memset(addr.byte, 0xff, 16);
	assert_int_equal(vnf_addr_format(text, 6, &addr), 39);
}

static void
a_counter_is_named_and_counts(void **state)
{
	struct vnf_counter *counter = vnf_counter("port.%u\x01%s", 7u, "\xff");

	(void)state;
	vnf_count(counter, 3);
	vnf_count(counter, 4);
	assert_int_equal(host_metric("port.7??"), 7);
	vnf_counter("%s", "12345678901234567890123456789012345678901234567890123456789");
	assert_true(host_has_metric("1234567890123456789012345678901234567890123456789012345"));
}

static void
counters_beyond_the_last_are_harmless(void **state)
{
	uint32_t most = sizeof(vnf_env.metrics->metric) / sizeof(vnf_env.metrics->metric[0]);

	(void)state;
	assert_int_equal(most, 4095);
	for (uint32_t i = vnf_env.metrics->count; i < most + 10; i++)
		vnf_count(vnf_counter("n.%u", i), i);
	assert_int_equal(vnf_env.metrics->count, most);
	assert_int_equal(host_metric("n.4094"), 4094);
	assert_false(host_has_metric("n.4095"));
}

static void
the_console_keeps_the_newest_text(void **state)
{
	char *end;

	(void)state;
	vnf_log("one %d", 1);
	assert_string_equal(host_console(), "text-test: one 1\n");
	vnf_log("bell \x07");
	assert_non_null(strstr(host_console(), "text-test: bell ?\n"));
	for (unsigned i = 0; i < 2000; i++)
		vnf_log("line %u of a flood", i);
	end = strstr(host_console(), "line 1999 of a flood\n");
	assert_non_null(end);
	assert_true(vnf_env.console->written > HV_CONSOLE_DATA);
	assert_int_equal((unsigned)(end + 21 - host_console()), vnf_env.console->written % HV_CONSOLE_DATA);
}

static void
memory_is_zero_aligned_and_ends(void **state)
{
	size_t left = vnf_alloc_left();
	uint8_t *first = vnf_alloc(1), *second = vnf_alloc(100);

	(void)state;
	assert_int_equal((uintptr_t)first % 64, 0);
	assert_int_equal((uintptr_t)second % 64, 0);
	assert_true(second > first);
	assert_true(vnf_alloc_left() <= left - 101);
	host_exit_expected = true;
	if (setjmp(host_exit) == 0) {
		vnf_alloc(vnf_alloc_left() + 1);
		fail_msg("memory came from nowhere");
	}
	assert_int_equal(host_exit_code, HV_EXIT_MEMORY);
	assert_non_null(strstr(host_console(), "out of memory"));
}

static void
a_failed_assertion_says_where(void **state)
{
	(void)state;
	VNF_ASSERT(1 + 1 == 2);
	host_exit_expected = true;
	if (setjmp(host_exit) == 0)
		VNF_ASSERT(vnf_alloc_left() == 1);
	assert_int_equal(host_exit_code, HV_EXIT_ASSERT);
	assert_non_null(strstr(host_console(), "test_vnf_text.c:"));
	assert_non_null(strstr(host_console(), "vnf_alloc_left() == 1"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(formats_are_those_of_libc, setup),
		cmocka_unit_test_setup(addresses_are_read_as_libc_does, setup),
		cmocka_unit_test_setup(addresses_are_written_as_libc_does, setup),
		cmocka_unit_test_setup(mapped_and_unspecified_addresses_are_written, setup),
		cmocka_unit_test_setup(a_counter_is_named_and_counts, setup),
		cmocka_unit_test_setup(counters_beyond_the_last_are_harmless, setup),
		cmocka_unit_test_setup(the_console_keeps_the_newest_text, setup),
		cmocka_unit_test_setup(memory_is_zero_aligned_and_ends, setup),
		cmocka_unit_test_setup(a_failed_assertion_says_where, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
