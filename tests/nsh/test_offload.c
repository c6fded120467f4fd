#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "guard.h"
#include "icmp_frames.h"
#include "offload.h"

#define PAYLOAD 101 /* odd: a last byte to pad */

/* A packet whose checksum is right, or what Linux leaves to hardware: the pseudo header's sum. */
static void
make(struct frame *f, enum nsh_family family, unsigned int tags, uint8_t protocol, bool partial)
{
	size_t at = protocol == 6 ? 16 : 6, size = PAYLOAD + 20;
	uint8_t *l4;
	uint16_t sum;

	make_packet(f, family, tags, protocol, 7, size);
	l4 = f->bytes + f->l4_at;
	set16(l4 + at, 0);
	sum = slow_sum(NULL, 0, slow_pseudo(f->bytes + f->ip_at, protocol, size));
	if (!partial)
		sum = (uint16_t)~slow_sum(l4, size, slow_pseudo(f->bytes + f->ip_at, protocol, size));
	set16(l4 + at, sum);
}

static bool
is_offloaded(const struct frame *f, size_t avail)
{
	return nsh_is_offloaded(guarded(f->bytes, avail), avail, f->size);
}

static void
a_checksum_of_the_pseudo_header_alone_is_known(void **state)
{
	static const uint8_t protocols[] = {6, 17};
	struct frame f;

	(void)state;
	for (unsigned int i = 0; i < 2 * 3 * 2; i++) {
		enum nsh_family family = i % 2 ? NSH_IPV6 : NSH_IPV4;
		uint8_t protocol = protocols[i / 6];

		make(&f, family, i / 2 % 3, protocol, false);
		assert_false(is_offloaded(&f, f.size));
		make(&f, family, i / 2 % 3, protocol, true);
		assert_true(is_offloaded(&f, f.size));
		/* Bytes that cannot be read say nothing. */
		for (size_t avail = 0; avail < f.size; avail++)
			assert_false(is_offloaded(&f, avail));
		/* Wrong in another way is not ours to judge. */
		f.bytes[f.l4_at + (protocol == 6 ? 16 : 6)] ^= 0x10;
		assert_false(is_offloaded(&f, f.size));
	}
}

static void
a_right_checksum_may_equal_that_of_the_pseudo_header(void **state)
{
	struct frame f;
	uint8_t *l4;
	uint16_t sum;

	(void)state;
	make(&f, NSH_IPV4, 0, 17, true);
	l4 = f.bytes + f.l4_at;
	/* Two bytes of data make the whole right. */
	set16(l4 + 10, 0);
	sum = slow_sum(l4, PAYLOAD + 20, slow_pseudo(f.bytes + f.ip_at, 17, PAYLOAD + 20));
	set16(l4 + 10, (uint16_t)~sum);
	assert_false(is_offloaded(&f, f.size));
}

static void
a_packet_longer_than_its_frame_was_cut(void **state)
{
	struct frame f;

	(void)state;
	for (unsigned int i = 0; i < 2 * 3; i++) {
		make(&f, i % 2 ? NSH_IPV6 : NSH_IPV4, i / 2, 6, false);
		f.size -= 1;
		assert_true(is_offloaded(&f, f.size));
		assert_true(is_offloaded(&f, f.l4_at));
		/* What Ethernet pads is no part of the packet. */
		f.size += 7;
		assert_false(is_offloaded(&f, f.size));
	}
}

static void
what_has_no_such_checksum_is_let_through(void **state)
{
	struct frame f;

	(void)state;
	make(&f, NSH_IPV4, 0, 6, true);
	f.bytes[f.ip_at + 9] = 47; /* no TCP */
	assert_false(is_offloaded(&f, f.size));
	make(&f, NSH_IPV4, 0, 6, true);
	f.bytes[f.ip_at + 6] = 0x20; /* a fragment */
	assert_false(is_offloaded(&f, f.size));
	make(&f, NSH_IPV4, 0, 6, true);
	f.bytes[f.ip_at] = 0x55;
	assert_false(is_offloaded(&f, f.size));
	make(&f, NSH_IPV4, 0, 6, true);
	f.bytes[f.ip_at] = 0x44;
	assert_false(is_offloaded(&f, f.size));
	make(&f, NSH_IPV4, 0, 6, true);
	f.bytes[12] = 0x08;
	f.bytes[13] = 0x06; /* ARP */
	assert_false(is_offloaded(&f, f.size));
	/* Too short for a TCP header. */
	make_packet(&f, NSH_IPV4, 0, 6, 7, 19);
	set16(f.bytes + f.l4_at + 16, slow_sum(NULL, 0, slow_pseudo(f.bytes + f.ip_at, 6, 19)));
	assert_false(is_offloaded(&f, f.size));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_checksum_of_the_pseudo_header_alone_is_known),
		cmocka_unit_test(a_right_checksum_may_equal_that_of_the_pseudo_header),
		cmocka_unit_test(a_packet_longer_than_its_frame_was_cut),
		cmocka_unit_test(what_has_no_such_checksum_is_let_through),
	};

	return cmocka_run_group_tests_name("nsh/offload", tests, NULL, NULL);
}
