#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "guard.h"
#include "outer_frames.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define UDP         17

/* Extension headers behind an IPv6 header that announces `next`, then 8 bytes of upper layer. */
struct row {
	const char *what;
	uint8_t next, count, bytes[72];
	enum nsh_ipv6_verdict verdict;
	uint8_t protocol; /* with OK and FRAGMENT */
	bool first;
};

static size_t
make(uint8_t *packet, const struct row *r)
{
	memset(packet, 0, 40);
	packet[0] = 0x60;
	packet[5] = (uint8_t)(r->count + 8);
	packet[6] = r->next;
	memcpy(packet + 40, r->bytes, r->count);
	memset(packet + 40 + r->count, 0x5A, 8);
	return 40 + (size_t)r->count + 8;
}

static void
check_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct row *r = &rows[i];
		struct nsh_ipv6_upper upper;
		uint8_t packet[128];
		size_t size = make(packet, r);
		enum nsh_ipv6_verdict verdict = nsh_ipv6_walk(guarded(packet, size), size, size, &upper);

		if (verdict != r->verdict)
			fail_msg("%s: got %d", r->what, verdict);
		if (verdict != NSH_IPV6_OK && verdict != NSH_IPV6_FRAGMENT)
			continue;
		if (upper.protocol != r->protocol || upper.first != r->first || upper.at != 40 + r->count ||
			upper.size != 8)
			fail_msg("%s: protocol %u at %u, %u bytes", r->what, upper.protocol, upper.at,
				upper.size);
	}
}

static void
rfc8200_4_extension_headers_are_walked(void **state)
{
	static const struct row rows[] = {
		{"none", UDP, 0, {0}, NSH_IPV6_OK, UDP, true},
		{"Hop-by-Hop, PadN", 0, 8, {UDP, 0, 1, 4}, NSH_IPV6_OK, UDP, true},
		{"Hop-by-Hop, six Pad1", 0, 8, {UDP, 0}, NSH_IPV6_OK, UDP, true},
		{"Router Alert may be skipped", 0, 8, {58, 0, 5, 2, 0, 0, 1, 0}, NSH_IPV6_OK, 58, true},
		{"Destination Options of 16 bytes", 60, 16, {UDP, 1, 0x1E, 12}, NSH_IPV6_OK, UDP, true},
		{"Routing with no segment left", 43, 8, {UDP, 0, 4, 0}, NSH_IPV6_OK, UDP, true},
		{"four of them", 0, 32,
			{60, 0, 1, 4, 0, 0, 0, 0, 43, 0, 1, 4, 0, 0, 0, 0, 60, 0, 4, 0, 0, 0, 0, 0, UDP, 0, 1,
				4},
			NSH_IPV6_OK, UDP, true},
		{"an unknown one is a protocol", 135, 0, {0}, NSH_IPV6_OK, 135, true},
		{"of 64 bytes", 60, 64, {UDP, 7, 1, 60}, NSH_IPV6_OK, UDP, true},
	};

	(void)state;
	check_rows(rows, COUNT(rows));
}

static void
what_must_be_discarded_or_is_malformed_is_refused(void **state)
{
	static const struct row rows[] = {
		{"option: discard", 0, 8, {UDP, 0, 0x40, 4}, NSH_IPV6_HEADER, 0, false},
		{"option: discard and tell", 60, 8, {UDP, 0, 0x80, 4}, NSH_IPV6_HEADER, 0, false},
		{"option: jumbo payload", 0, 8, {UDP, 0, 0xC2, 4, 0, 1, 0, 0}, NSH_IPV6_HEADER, 0, false},
		{"option overruns its header", 60, 8, {UDP, 0, 1, 5}, NSH_IPV6_HEADER, 0, false},
		{"option without length", 60, 8, {UDP, 0, 1, 3, 0, 0, 0, 1}, NSH_IPV6_HEADER, 0, false},
		{"Routing with a segment left", 43, 8, {UDP, 0, 4, 1}, NSH_IPV6_HEADER, 0, false},
		{"Hop-by-Hop that is not the first", 60, 16, {0, 0, 1, 4, 0, 0, 0, 0, UDP, 0, 1, 4},
			NSH_IPV6_HEADER, 0, false},
		{"header beyond the packet", 60, 8, {UDP, 2, 1, 4}, NSH_IPV6_HEADER, 0, false},
		{"header of 72 bytes", 60, 72, {UDP, 8, 1, 68}, NSH_IPV6_HEADER, 0, false},
		{"five of them", 60, 40,
			{60, 0, 1, 4, 0, 0, 0, 0, 60, 0, 1, 4, 0, 0, 0, 0, 60, 0, 1, 4, 0, 0, 0, 0, 60, 0, 1,
				4, 0, 0, 0, 0, UDP, 0, 1, 4},
			NSH_IPV6_HEADER, 0, false},
	};

	(void)state;
	check_rows(rows, COUNT(rows));
}

static void
rfc8200_4_5_fragments_are_told_apart(void **state)
{
	static const struct row rows[] = {
		{"atomic, RFC 6946", 44, 8, {UDP, 0, 0, 0, 1, 2, 3, 4}, NSH_IPV6_OK, UDP, true},
		{"reserved bits are ignored", 44, 8, {UDP, 9, 0, 6, 1, 2, 3, 4}, NSH_IPV6_OK, UDP, true},
		{"first", 44, 8, {UDP, 0, 0, 1, 1, 2, 3, 4}, NSH_IPV6_FRAGMENT, UDP, true},
		{"middle", 44, 8, {UDP, 0, 0, 9, 1, 2, 3, 4}, NSH_IPV6_FRAGMENT, UDP, false},
		{"last", 44, 8, {58, 0, 0xFF, 0xF8, 1, 2, 3, 4}, NSH_IPV6_FRAGMENT, 58, false},
	};

	(void)state;
	check_rows(rows, COUNT(rows));
}

static void
header_and_lengths_are_checked(void **state)
{
	static const struct row row = {"none", UDP, 0, {0}, NSH_IPV6_OK, UDP, true};
	struct nsh_ipv6_upper upper;
	uint8_t packet[128];
	size_t size = make(packet, &row);

	(void)state;
	for (unsigned int version = 0; version < 16; version++) {
		packet[0] = (uint8_t)(version << 4);
		assert_int_equal(nsh_ipv6_walk(packet, size, size, &upper),
			version == 6 ? NSH_IPV6_OK : NSH_IPV6_HEADER);
	}
	packet[0] = 0x60;
	assert_int_equal(nsh_ipv6_walk(packet, size, size - 1, &upper), NSH_IPV6_HEADER);
	/* Padding behind the packet is not the packet. */
	assert_int_equal(nsh_ipv6_walk(packet, size + 6, size + 6, &upper), NSH_IPV6_OK);
	assert_int_equal(upper.size, 8);
	packet[5] = 0;
	assert_int_equal(nsh_ipv6_walk(packet, size, size, &upper), NSH_IPV6_OK);
	assert_int_equal(upper.size, 0);
}

static void
an_extension_header_that_the_packet_ends_in_is_refused(void **state)
{
	static const uint8_t types[] = {0, 43, 44, 60};
	static const struct row row = {"none", UDP, 0, {0}, NSH_IPV6_OK, UDP, true};
	struct nsh_ipv6_upper upper;
	uint8_t packet[128];
	size_t size = make(packet, &row);

	(void)state;
	memset(packet + 40, 0, 8);
	for (size_t i = 0; i < sizeof(types); i++) {
		packet[6] = types[i];
		for (packet[5] = 0; packet[5] < 8; packet[5]++)
			assert_int_equal(nsh_ipv6_walk(packet, size, size, &upper), NSH_IPV6_HEADER);
	}
}

static void
a_packet_cut_anywhere_is_not_overread(void **state)
{
	static const struct row row = {"three", 0, 32,
		{60, 0, 1, 4, 0, 0, 0, 0, 44, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, UDP, 0, 0, 0},
		NSH_IPV6_OK, UDP, true};
	uint8_t packet[128];
	size_t size = make(packet, &row);

	(void)state;
	for (size_t cut = 0; cut <= size; cut++) {
		struct nsh_ipv6_upper upper;
		const uint8_t *copy = guarded(packet, cut);

		assert_int_equal(
			nsh_ipv6_walk(copy, cut, size, &upper), cut < 72 ? NSH_IPV6_TRUNCATED : NSH_IPV6_OK);
		assert_int_equal(nsh_ipv6_walk(copy, cut, cut, &upper), cut < 40     ? NSH_IPV6_TRUNCATED
									: cut < size ? NSH_IPV6_HEADER
										     : NSH_IPV6_OK);
	}
}

static void
pseudo_header_sums_are_those_of_the_rfcs(void **state)
{
	rte_be32_t src4, dst4;

	(void)state;
	memcpy(&src4, frame_src4, 4);
	memcpy(&dst4, frame_dst4, 4);
	for (uint32_t size = 0; size <= UINT16_MAX; size += 257) {
		uint8_t pseudo4[12] = {10, 99, 0, 1, 10, 99, 0, 2, 0, UDP};
		uint8_t pseudo6[40] = {[39] = 58};

		set16(pseudo4 + 10, size);
		assert_int_equal(
			rte_be_to_cpu_16(nsh_sum_fold(nsh_sum_pseudo4(src4, dst4, UDP, (uint16_t)size))),
			slow_sum(pseudo4, sizeof(pseudo4), 0));
		memcpy(pseudo6, frame_src6, 16);
		memcpy(pseudo6 + 16, frame_dst6, 16);
		set16(pseudo6 + 34, size);
		assert_int_equal(
			rte_be_to_cpu_16(nsh_sum_fold(nsh_sum_pseudo6(frame_src6, frame_dst6, 58, size))),
			slow_sum(pseudo6, sizeof(pseudo6), 0));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc8200_4_extension_headers_are_walked),
		cmocka_unit_test(what_must_be_discarded_or_is_malformed_is_refused),
		cmocka_unit_test(rfc8200_4_5_fragments_are_told_apart),
		cmocka_unit_test(header_and_lengths_are_checked),
		cmocka_unit_test(an_extension_header_that_the_packet_ends_in_is_refused),
		cmocka_unit_test(a_packet_cut_anywhere_is_not_overread),
		cmocka_unit_test(pseudo_header_sums_are_those_of_the_rfcs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
