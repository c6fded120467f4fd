#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "frames.h"

#include "outer.h"

#define SRC 0x0a630001u
#define DST 0x0a630002u

static struct frame_maker maker;
static struct rte_mbuf *m;

static const struct frame_expect expect = {
	.ttl = 62, .si = 255, .src = SRC, .dst = DST, .vni = 100, .spi_base = 100, .paths = 16};

static int
setup(void **state)
{
	(void)state;
	m = calloc(1, sizeof(*m) + 2048);
	if (m == NULL)
		return -1;
	m->buf_addr = m + 1;
	m->buf_len = 2048;
	m->nb_segs = 1;
	frame_maker_init(&maker, FRAME_OF_TRANSPORT, 255, 62, SRC, DST, 100);
	frame_put(&maker, m, 100 + 37 % 16, 37, 9);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	free(m);
	return 0;
}

static void
a_frame_as_made_is_right(void **state)
{
	uint32_t flow, sequence;

	(void)state;
	assert_null(frame_check(m, &expect, &flow, &sequence));
	assert_int_equal(flow, 37);
	assert_int_equal(sequence, 9);
}

/* The product's parser and the bench share no code. */
static void
the_product_reads_what_the_bench_makes(void **state)
{
	const uint8_t *at = rte_pktmbuf_mtod(m, const uint8_t *);
	static const struct outer_accept accept = {.transports = OUTER_BIT(OUTER_VXLAN_GPE)};
	struct outer_info info;

	(void)state;
	assert_int_equal(m->pkt_len, 138);
	assert_int_equal(outer_parse(&accept, at, m->data_len, m->pkt_len, &info), OUTER_OK);
	assert_int_equal(info.src.v4, rte_cpu_to_be_32(SRC));
	assert_int_equal(info.vni, 100);
	assert_int_equal(info.size, FRAME_OUTER);
	assert_int_equal(info.payload_size, FRAME_NSH + FRAME_INNER);
}

static void
every_damaged_header_byte_is_found(void **state)
{
	/* Not looked at, because the SFF may choose them: Ethernet addresses, type of service, identification
	 * and TTL of IPv4 (under its checksum), entropy bits, UDP checksum, NSH context. */
	static const uint8_t free_bytes[][2] = {{0, 12}, {34, 36}, {40, 42}, {58, 74}, {74 + 34, 74 + 36}};
	uint8_t *at = rte_pktmbuf_mtod(m, uint8_t *);
	uint32_t flow, sequence;

	(void)state;
	for (unsigned int i = 0; i < FRAME_OUTER + FRAME_NSH + 34; i++) {
		bool skip = false;

		for (size_t k = 0; k < sizeof(free_bytes) / sizeof(free_bytes[0]); k++)
			skip |= i >= free_bytes[k][0] && i < free_bytes[k][1];
		if (skip || (i >= 50 && i < 54)) /* the base header is tested by name below */
			continue;
		at[i] ^= 0x20;
		if (frame_check(m, &expect, &flow, &sequence) == NULL)
			fail_msg("byte %u may be damaged", i);
		at[i] ^= 0x20;
	}
	assert_null(frame_check(m, &expect, &flow, &sequence));
}

static void
wrong_ttl_si_and_size_are_named(void **state)
{
	struct frame_expect other = expect;
	uint32_t flow, sequence;

	(void)state;
	other.ttl = 61;
	assert_string_equal(frame_check(m, &other, &flow, &sequence), "NSH TTL");
	other = expect;
	other.si = 254;
	assert_string_equal(frame_check(m, &other, &flow, &sequence), "NSH SI");
	m->pkt_len--;
	assert_string_equal(frame_check(m, &expect, &flow, &sequence), "size");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_frame_as_made_is_right, setup, teardown),
		cmocka_unit_test_setup_teardown(the_product_reads_what_the_bench_makes, setup, teardown),
		cmocka_unit_test_setup_teardown(every_damaged_header_byte_is_found, setup, teardown),
		cmocka_unit_test_setup_teardown(wrong_ttl_si_and_size_are_named, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
