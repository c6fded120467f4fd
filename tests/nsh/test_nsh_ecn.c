#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "guard.h"
#include "nsh_ecn.h"
#include "nsh_hdr.h"
#include "outer_frames.h"

enum { NOT = NSH_ECN_NOT_ECT, ECT0 = NSH_ECN_ECT0, ECT1 = NSH_ECN_ECT1, CE = NSH_ECN_CE, DROP = -1 };

/* RFC 6040, 4.2, figure 4. */
static const struct {
	uint8_t inner, outer;
	int leaves;
} figure4[] = {
	{NOT, NOT, NOT},
	{NOT, ECT0, NOT},
	{NOT, ECT1, NOT},
	{NOT, CE, DROP},
	{ECT0, NOT, ECT0},
	{ECT0, ECT0, ECT0},
	{ECT0, ECT1, ECT1},
	{ECT0, CE, CE},
	{ECT1, NOT, ECT1},
	{ECT1, ECT0, ECT1},
	{ECT1, ECT1, ECT1},
	{ECT1, CE, CE},
	{CE, NOT, CE},
	{CE, ECT0, CE},
	{CE, ECT1, CE},
	{CE, CE, CE},
};

static void
u6_rfc6040_4_1_ecn_is_copied_and_dscp_by_model(void **state)
{
	(void)state;
	for (unsigned int tos = 0; tos < 256; tos++) {
		assert_int_equal(nsh_ecn_encap((uint8_t)tos, NSH_DSCP_UNIFORM, 46), tos);
		assert_int_equal(nsh_ecn_encap((uint8_t)tos, NSH_DSCP_PIPE, 46), 46 << 2 | (tos & 3));
		assert_int_equal(nsh_ecn_encap((uint8_t)tos, NSH_DSCP_PIPE, 0), tos & 3);
	}
}

static void
u6_rfc6040_4_2_ecn_that_leaves_is_that_of_figure_4(void **state)
{
	(void)state;
	for (size_t i = 0; i < 16; i++) {
		for (unsigned int dscp = 0; dscp < 256; dscp += 4)
			assert_int_equal(nsh_ecn_decap((uint8_t)(dscp | figure4[i].inner),
						 (uint8_t)((dscp * 3 & 0xFC) | figure4[i].outer)),
				figure4[i].leaves);
	}
}

/* A packet behind NSH, and where its IP header stands. */
static size_t
make_inner(struct frame *f, enum nsh_family family, uint8_t tos, unsigned int tags, uint8_t *np)
{
	memset(f, 0, sizeof(*f));
	*np = family == NSH_IPV4 ? NSH_NP_IPV4 : NSH_NP_IPV6;
	if (tags < 3) {
		*np = NSH_NP_ETHERNET;
		f->size = 12;
		for (unsigned int i = 0; i < tags; i++)
			put32(f, 0x81000005);
		put16(f, family == NSH_IPV4 ? 0x0800 : 0x86DD);
	}
	f->ip_at = f->size;
	if (family == NSH_IPV4) {
		put32(f, UINT32_C(0x45000014) | (uint32_t)tos << 16);
		put32(f, 0x1234);
		put32(f, 0x40110000);
		put(f, frame_src4, 4);
		put(f, frame_dst4, 4);
		fix_ip_checksum(f->bytes + f->ip_at);
	} else {
		put32(f, UINT32_C(0x600ABCDE) | (uint32_t)tos << 20);
		put32(f, 0x00003B40);
		put(f, frame_src6, 16);
		put(f, frame_dst6, 16);
	}
	return f->size;
}

static void
u6_mark_is_carried_into_the_packet_and_its_checksum_stays_right(void **state)
{
	(void)state;
	for (size_t i = 0; i < 16 * 2 * 4; i++) {
		enum nsh_family family = i / 16 % 2 ? NSH_IPV6 : NSH_IPV4;
		unsigned int tags = (unsigned int)(i / 32); /* 3 = no Ethernet header */
		int leaves = figure4[i % 16].leaves;
		uint8_t np, tos = (uint8_t)(0xB8 | figure4[i % 16].inner);
		struct frame f, want;
		size_t size = make_inner(&f, family, tos, tags, &np);
		uint8_t *payload = guarded(f.bytes, size);

		assert_int_equal(nsh_ecn_inner(payload, size, np), tos);
		assert_int_equal(nsh_ecn_apply(payload, size, np, (uint8_t)(0x48 | figure4[i % 16].outer)),
			leaves >= 0);
		make_inner(&want, family, leaves < 0 ? tos : (uint8_t)(0xB8 | leaves), tags, &np);
		assert_memory_equal(payload, want.bytes, size);
	}
}

static void
what_is_not_ip_or_cut_off_is_not_ecn_capable(void **state)
{
	struct frame f;
	uint8_t np;

	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		enum nsh_family family = i % 2 ? NSH_IPV6 : NSH_IPV4;
		size_t size = make_inner(&f, family, 0xFF, i < 2 ? 3 : 2, &np);

		for (size_t cut = 0; cut <= size; cut++) {
			uint8_t *payload = guarded(f.bytes, cut);
			bool whole = cut == size;

			assert_int_equal(nsh_ecn_inner(payload, cut, np), whole ? 0xFF : 0);
			assert_true(nsh_ecn_apply(payload, cut, np, ECT0));
			assert_int_equal(nsh_ecn_apply(payload, cut, np, CE), whole);
		}
		for (unsigned int other = 0; other < 256; other++) {
			if (other == np || other == NSH_NP_ETHERNET)
				continue;
			assert_int_equal(nsh_ecn_inner(f.bytes, size, (uint8_t)other), 0);
			assert_false(nsh_ecn_apply(f.bytes, size, (uint8_t)other, CE));
		}
		/* A version nibble that is not that of the type. */
		f.bytes[f.ip_at] ^= 0x20;
		assert_int_equal(nsh_ecn_inner(f.bytes, size, np), 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(u6_rfc6040_4_1_ecn_is_copied_and_dscp_by_model),
		cmocka_unit_test(u6_rfc6040_4_2_ecn_that_leaves_is_that_of_figure_4),
		cmocka_unit_test(u6_mark_is_carried_into_the_packet_and_its_checksum_stays_right),
		cmocka_unit_test(what_is_not_ip_or_cut_off_is_not_ecn_capable),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
