/* Frames of every shape a key is made from, whole and cut off at every length. */
#include "cls.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PORT     3 /* ingress */
#define FRAME    512
#define PARTS    14
#define ETH_SIZE 14

enum part_kind {
	END,
	TAG,   /* a = TPID */
	OTHER, /* a = EtherType, b = bytes */
	IPV4,  /* a = flags and fragment offset, b = words of options */
	IPV6,
	EXT, /* a = header type, b = its length field; of a Fragment header: offset and M */
	L4,  /* a = protocol, b = bytes, the first four are the ports below */
	PAD, /* b = bytes of Ethernet padding, which look like ports */
};

struct part {
	enum part_kind kind;
	uint16_t a, b;
	int lie; /* added to the length in an IP header */
};

#define P(KIND, A, B)                                                                                        \
	{                                                                                                    \
		.kind = KIND, .a = A, .b = B                                                                 \
	}

static const uint8_t ports[] = {0x04, 0x57, 0x08, 0xae}; /* 1111, 2222 */

struct row {
	const char *name;
	struct part part[PARTS];
	uint8_t family, protocol, has_ports, fragment; /* expected */
};

static const struct row rows[] = {
	{"tcp", {P(IPV4, 0, 0), P(L4, 6, 20)}, 4, 6, 1, 0},
	{"udp with only the ports", {P(IPV4, 0, 0), P(L4, 17, 4)}, 4, 17, 1, 0},
	{"udp, one byte short of ports", {P(IPV4, 0, 0), P(L4, 17, 3)}, 4, 17, 0, 0},
	{"sctp", {P(IPV4, 0, 0), P(L4, 132, 12)}, 4, 132, 1, 0},
	{"udp-lite", {P(IPV4, 0, 0), P(L4, 136, 8)}, 4, 136, 1, 0},
	{"dccp", {P(IPV4, 0, 0), P(L4, 33, 16)}, 4, 33, 1, 0},
	{"icmp has no ports", {P(IPV4, 0, 0), P(L4, 1, 8)}, 4, 1, 0, 0},
	{"gre has no ports", {P(IPV4, 0, 0), P(L4, 47, 8)}, 4, 47, 0, 0},
	{"one tag", {P(TAG, 0x8100, 0), P(IPV4, 0, 0), P(L4, 6, 20)}, 4, 6, 1, 0},
	{"service tag", {P(TAG, 0x88a8, 0), P(TAG, 0x8100, 0), P(IPV4, 0, 0), P(L4, 6, 20)}, 4, 6, 1, 0},
	{"old service tag", {P(TAG, 0x9100, 0), P(TAG, 0x8100, 0), P(IPV6, 0, 0), P(L4, 6, 20)}, 6, 6, 1, 0},
	{"three tags hide IP",
		{P(TAG, 0x8100, 0), P(TAG, 0x8100, 0), P(TAG, 0x8100, 0), P(IPV4, 0, 0), P(L4, 6, 20)}, 0, 0,
		0, 0},
	{"arp", {P(OTHER, 0x0806, 28)}, 0, 0, 0, 0},
	{"802.3 length", {P(OTHER, 46, 46)}, 0, 0, 0, 0},
	{"nothing behind the tag", {P(TAG, 0x8100, 0)}, 0, 0, 0, 0},
	{"options", {P(IPV4, 0, 3), P(L4, 17, 8)}, 4, 17, 1, 0},
	{"all the options there can be", {P(IPV4, 0, 10), P(L4, 17, 8)}, 4, 17, 1, 0},
	{"don't fragment is no fragment", {P(IPV4, 0x4000, 0), P(L4, 17, 8)}, 4, 17, 1, 0},
	{"first fragment", {P(IPV4, 0x2000, 0), P(L4, 17, 8)}, 4, 17, 1, 1},
	{"middle fragment", {P(IPV4, 0x2001, 0), P(L4, 17, 8)}, 4, 17, 0, 1},
	{"last fragment", {P(IPV4, 0x1fff, 0), P(L4, 17, 8)}, 4, 17, 0, 1},
	{"padding is not ports", {P(IPV4, 0, 0), P(L4, 17, 0), P(PAD, 0, 26)}, 4, 17, 0, 0},
	{"padding completes no ports", {P(IPV4, 0, 0), P(L4, 17, 2), P(PAD, 0, 26)}, 4, 17, 0, 0},
	{"padding after ports", {P(IPV4, 0, 0), P(L4, 17, 8), P(PAD, 0, 18)}, 4, 17, 1, 0},
	{"total length beyond the frame", {{.kind = IPV4, .lie = 1000}, P(L4, 6, 20)}, 4, 6, 1, 0},
	{"total length inside the header", {{.kind = IPV4, .lie = -21}, P(L4, 6, 20)}, 4, 6, 0, 0},
	{"total length ends with the header", {{.kind = IPV4, .lie = -20}, P(L4, 6, 20)}, 4, 6, 0, 0},
	{"ipv6 tcp", {P(IPV6, 0, 0), P(L4, 6, 20)}, 6, 6, 1, 0},
	{"ipv6 icmp", {P(IPV6, 0, 0), P(L4, 58, 8)}, 6, 58, 0, 0},
	{"ipv6 no next header", {P(IPV6, 0, 0), P(L4, 59, 8)}, 6, 59, 0, 0},
	{"ipv6 esp", {P(IPV6, 0, 0), P(L4, 50, 16)}, 6, 50, 0, 0},
	{"ipv6 padding is not ports", {P(IPV6, 0, 0), P(L4, 17, 0), P(PAD, 0, 8)}, 6, 17, 0, 0},
	{"ipv6 payload length beyond the frame", {{.kind = IPV6, .lie = 1000}, P(L4, 6, 20)}, 6, 6, 1, 0},
	{"ipv6 payload length 0", {{.kind = IPV6, .lie = -20}, P(L4, 6, 20)}, 6, 6, 0, 0},
	{"hop-by-hop", {P(IPV6, 0, 0), P(EXT, 0, 0), P(L4, 17, 8)}, 6, 17, 1, 0},
	{"long destination options", {P(IPV6, 0, 0), P(EXT, 60, 5), P(L4, 17, 8)}, 6, 17, 1, 0},
	{"routing", {P(IPV6, 0, 0), P(EXT, 43, 2), P(L4, 6, 20)}, 6, 6, 1, 0},
	{"authentication", {P(IPV6, 0, 0), P(EXT, 51, 4), P(L4, 6, 20)}, 6, 6, 1, 0},
	{"chain",
		{P(IPV6, 0, 0), P(EXT, 0, 0), P(EXT, 60, 1), P(EXT, 43, 2), P(EXT, 44, 0), P(EXT, 51, 4),
			P(EXT, 60, 0), P(L4, 6, 20)},
		6, 6, 1, 0},
	{"eight extension headers",
		{P(IPV6, 0, 0), P(EXT, 60, 0), P(EXT, 60, 0), P(EXT, 60, 0), P(EXT, 60, 0), P(EXT, 60, 0),
			P(EXT, 60, 0), P(EXT, 60, 0), P(EXT, 60, 0), P(L4, 6, 20)},
		6, 6, 1, 0},
	{"nine are too many",
		{P(IPV6, 0, 0), P(EXT, 60, 0), P(EXT, 60, 0), P(EXT, 60, 0), P(EXT, 60, 0), P(EXT, 60, 0),
			P(EXT, 60, 0), P(EXT, 60, 0), P(EXT, 60, 0), P(EXT, 60, 0), P(L4, 6, 20)},
		6, 0, 0, 0},
	{"ipv6 first fragment", {P(IPV6, 0, 0), P(EXT, 44, 0x0001), P(L4, 17, 8)}, 6, 17, 1, 1},
	{"ipv6 first fragment, then options",
		{P(IPV6, 0, 0), P(EXT, 44, 0x0001), P(EXT, 60, 0), P(L4, 17, 8)}, 6, 17, 1, 1},
	{"ipv6 later fragment", {P(IPV6, 0, 0), P(EXT, 44, 0x0009), P(L4, 17, 8)}, 6, 17, 0, 1},
	{"ipv6 last fragment", {P(IPV6, 0, 0), P(EXT, 44, 0x0008), P(L4, 17, 8)}, 6, 17, 0, 1},
	{"ipv6 later fragment of options", {P(IPV6, 0, 0), P(EXT, 44, 0x0008), P(EXT, 60, 0), P(L4, 17, 8)},
		6, 0, 0, 1},
	{"ipv6 fragment that is whole", {P(IPV6, 0, 0), P(EXT, 44, 0x0000), P(L4, 17, 8)}, 6, 17, 1, 0},
	{"reserved bits are no offset", {P(IPV6, 0, 0), P(EXT, 44, 0x0006), P(L4, 17, 8)}, 6, 17, 1, 0},
	{"extension header longer than the packet", {P(IPV6, 0, 0), P(EXT, 60, 0), P(EXT, 43, 0)}, 6, 0, 0,
		0},
	{"tagged ipv6 with options",
		{P(TAG, 0x88a8, 0), P(TAG, 0x9100, 0), P(IPV6, 0, 0), P(EXT, 0, 1), P(L4, 17, 8)}, 6, 17, 1,
		0},
};

#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

/* What names a part in the header before it. */
static uint16_t
selector(const struct part *part)
{
	switch (part->kind) {
	case IPV4:
		return 0x0800;
	case IPV6:
		return 0x86dd;
	case END:
	case PAD:
		return 0;
	default:
		return part->a;
	}
}

static void
put16(uint8_t *at, size_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static size_t
build(const struct row *row, uint8_t frame[FRAME])
{
	size_t size = ETH_SIZE, ip = 0, end = 0;
	const struct part *ip_part = NULL;

	memset(frame, 0, FRAME);
	put16(frame + 12, selector(&row->part[0]));
	for (const struct part *part = row->part; part->kind != END; part++) {
		uint8_t *at = frame + size;
		uint16_t next = selector(part + 1);
		switch (part->kind) {
		case TAG:
			put16(at + 2, next);
			size += 4;
			break;
		case IPV4:
			ip = size;
			ip_part = part;
			at[0] = (uint8_t)(0x45 + part->b);
			put16(at + 6, part->a);
			at[9] = (uint8_t)next;
			memcpy(at + 12, (const uint8_t[]){192, 0, 2, 1, 198, 51, 100, 2}, 8);
			size += 20u + 4u * part->b;
			break;
		case IPV6:
			ip = size;
			ip_part = part;
			at[0] = 0x60;
			at[6] = (uint8_t)next;
			memcpy(at + 8,
				(const uint8_t[]){0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1},
				16);
			memcpy(at + 24,
				(const uint8_t[]){0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2},
				16);
			size += 40;
			break;
		case EXT:
			at[0] = (uint8_t)next;
			if (part->a == 44)
				put16(at + 2, part->b);
			else
				at[1] = (uint8_t)part->b;
			size += part->a == 44 ? 8u : part->a == 51 ? (part->b + 2u) * 4 : (part->b + 1u) * 8;
			break;
		case L4:
			memcpy(at, ports, part->b < sizeof(ports) ? part->b : sizeof(ports));
			size += part->b;
			break;
		case PAD:
			end = size;
			memset(at, 0x11, part->b);
			size += part->b;
			break;
		default:
			size += part->b;
			break;
		}
	}
	end = end != 0 ? end : size;
	if (ip_part != NULL && ip_part->kind == IPV4)
		put16(frame + ip + 2, end - ip + (size_t)ip_part->lie);
	else if (ip_part != NULL)
		put16(frame + ip + 4, end - ip - 40 + (size_t)ip_part->lie);
	return size;
}

/* Parse from a buffer of exactly this size, so that a sanitizer sees a read past its end. */
/* Frames that were known at a glance. */
static unsigned int plain_frames;

static struct cls_key
parse(const uint8_t *data, size_t size, uint16_t ethertype)
{
	uint8_t *exact = malloc(size > 0 ? size : 1);
	struct cls_key key, plain;

	memset(&key, 0xff, sizeof(key));
	memset(&plain, 0xff, sizeof(plain));
	memcpy(exact, data, size);
	cls_parse(exact, size, ethertype, PORT, &key);
	/* What is plain is the same at a glance. */
	if (ethertype == 0 && cls_parse_plain(exact, size, PORT, &plain)) {
		assert_memory_equal(&plain, &key, sizeof(key));
		plain_frames++;
	}
	free(exact);
	return key;
}

static struct cls_key
expected_key(const struct row *row)
{
	struct cls_key key = {.port = PORT,
		.family = row->family,
		.protocol = row->protocol,
		.has_ports = row->has_ports,
		.fragment = row->fragment};

	if (row->family == 4) {
		memcpy(key.source, (const uint8_t[]){192, 0, 2, 1}, 4);
		memcpy(key.destination, (const uint8_t[]){198, 51, 100, 2}, 4);
	} else if (row->family == 6) {
		memcpy(key.source, (const uint8_t[]){0x20, 1, 0xd, 0xb8, [15] = 1}, 16);
		memcpy(key.destination, (const uint8_t[]){0x20, 1, 0xd, 0xb8, [7] = 1, [15] = 2}, 16);
	}
	if (row->has_ports) {
		key.source_port = htons(1111);
		key.destination_port = htons(2222);
	}
	return key;
}

static void
each_shape_gives_its_key(void **state)
{
	(void)state;
	for (size_t r = 0; r < N_ROWS; r++) {
		uint8_t frame[FRAME];
		size_t size = build(&rows[r], frame);
		struct cls_key key = parse(frame, size, 0), expected = expected_key(&rows[r]);
		if (memcmp(&key, &expected, sizeof(key)) != 0)
			fail_msg("%s: family %u protocol %u ports %u fragment %u", rows[r].name, key.family,
				key.protocol, key.has_ports, key.fragment);
	}
	/* tcp, udp with only the ports, DF, padding after ports, total length beyond the frame */
	assert_int_equal(plain_frames, 5);
}

static void
key_may_start_at_ip(void **state)
{
	unsigned int rows_used = 0;

	(void)state;
	for (size_t r = 0; r < N_ROWS; r++) {
		uint8_t frame[FRAME];
		size_t size = build(&rows[r], frame);
		uint16_t type = selector(&rows[r].part[0]);
		if (rows[r].part[0].kind != IPV4 && rows[r].part[0].kind != IPV6)
			continue;
		struct cls_key key = parse(frame + ETH_SIZE, size - ETH_SIZE, type);
		struct cls_key expected = expected_key(&rows[r]);
		assert_memory_equal(&key, &expected, sizeof(key));
		rows_used++;
	}
	assert_true(rows_used > 20);
}

static void
assert_absent_or_same(const void *cut, const void *whole, size_t size, const char *name, size_t length)
{
	static const uint8_t zero[16];

	if (memcmp(cut, zero, size) != 0 && memcmp(cut, whole, size) != 0)
		fail_msg("%s: a wrong value when cut to %zu bytes", name, length);
}

static void
what_is_cut_off_is_absent_and_the_rest_the_same(void **state)
{
	(void)state;
	for (size_t r = 0; r < N_ROWS; r++) {
		const char *name = rows[r].name;
		uint8_t frame[FRAME];
		size_t size = build(&rows[r], frame);
		struct cls_key whole = parse(frame, size, 0);
		for (size_t n = 0; n < size; n++) {
			struct cls_key cut = parse(frame, n, 0);
			assert_int_equal(cut.port, PORT);
			assert_absent_or_same(&cut.family, &whole.family, 1, name, n);
			assert_absent_or_same(&cut.protocol, &whole.protocol, 1, name, n);
			assert_absent_or_same(&cut.fragment, &whole.fragment, 1, name, n);
			assert_absent_or_same(&cut.has_ports, &whole.has_ports, 1, name, n);
			assert_absent_or_same(cut.source, whole.source, 16, name, n);
			assert_absent_or_same(cut.destination, whole.destination, 16, name, n);
			assert_absent_or_same(&cut.source_port, &whole.source_port, 2, name, n);
			assert_absent_or_same(&cut.destination_port, &whole.destination_port, 2, name, n);
			/* All of an address or nothing, and no ports without the flag. */
			assert_int_equal(cut.family != 0,
				memcmp(cut.source, whole.source, 16) == 0 && whole.family != 0);
			assert_int_equal(cut.has_ports, cut.source_port != 0);
			assert_int_equal(cut.has_ports, cut.destination_port != 0);
			assert_memory_equal(cut.pad, whole.pad, sizeof(cut.pad));
		}
	}
}

static void
header_that_is_not_what_its_type_says_is_not_ip(void **state)
{
	static const struct {
		uint16_t row_type;
		uint8_t first_byte;
	} bad[] = {{0x0800, 0x65}, {0x0800, 0x05}, {0x0800, 0x44}, {0x0800, 0x40}, {0x86dd, 0x45},
		{0x86dd, 0x00}};
	const struct row ipv4 = {"", {P(IPV4, 0, 0), P(L4, 6, 20)}, 0, 0, 0, 0};
	const struct row ipv6 = {"", {P(IPV6, 0, 0), P(L4, 6, 20)}, 0, 0, 0, 0};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint8_t frame[FRAME];
		size_t size = build(bad[i].row_type == 0x0800 ? &ipv4 : &ipv6, frame);
		frame[ETH_SIZE] = bad[i].first_byte;
		struct cls_key key = parse(frame, size, 0), expected = expected_key(&ipv4);
		assert_memory_equal(&key, &expected, sizeof(key));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_shape_gives_its_key),
		cmocka_unit_test(key_may_start_at_ip),
		cmocka_unit_test(what_is_cut_off_is_absent_and_the_rest_the_same),
		cmocka_unit_test(header_that_is_not_what_its_type_says_is_not_ip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
