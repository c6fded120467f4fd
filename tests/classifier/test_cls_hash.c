/* The flow hash: what it must not depend on, what it must, and how it spreads. */
#include "cls.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SEED 0xfeedu

static struct cls_key
flow(uint32_t source, uint32_t destination, uint16_t source_port, uint16_t destination_port)
{
	struct cls_key key = {.family = 4, .protocol = IPPROTO_TCP, .has_ports = 1};

	source = htonl(source);
	destination = htonl(destination);
	memcpy(key.source, &source, 4);
	memcpy(key.destination, &destination, 4);
	key.source_port = htons(source_port);
	key.destination_port = htons(destination_port);
	return key;
}

static struct cls_key
reversed(const struct cls_key *key)
{
	struct cls_key reverse = *key;

	memcpy(reverse.source, key->destination, 16);
	memcpy(reverse.destination, key->source, 16);
	reverse.source_port = key->destination_port;
	reverse.destination_port = key->source_port;
	return reverse;
}

static void
a5_both_directions_have_one_hash(void **state)
{
	(void)state;
	srand(1);
	for (int i = 0; i < 10000; i++) {
		struct cls_key key;
		for (size_t b = 0; b < sizeof(key); b++)
			((uint8_t *)&key)[b] = (uint8_t)rand();
		key.family = i % 2 == 0 ? 4 : 6;
		key.fragment = i % 3 == 0;
		struct cls_key reverse = reversed(&key);
		reverse.port = (uint16_t)(key.port + 1);
		assert_int_equal(cls_hash(&key, SEED), cls_hash(&reverse, SEED));
	}
}

static void
all_fragments_of_a_datagram_have_one_hash(void **state)
{
	struct cls_key first = flow(0x0a000001, 0x0a000002, 1000, 80), later = first;

	(void)state;
	first.fragment = later.fragment = 1;
	later.has_ports = 0;
	later.source_port = later.destination_port = 0;
	assert_int_equal(cls_hash(&first, SEED), cls_hash(&later, SEED));
	/* IPv6: the protocol may be hidden behind options in the first fragment. */
	later.protocol = 0;
	assert_int_equal(cls_hash(&first, SEED), cls_hash(&later, SEED));
}

static void
each_part_of_the_flow_and_the_seed_count(void **state)
{
	const struct cls_key key = flow(0x0a000001, 0x0a000002, 1000, 80);
	struct cls_key other[] = {flow(0x0a000003, 0x0a000002, 1000, 80),
		flow(0x0a000001, 0x0a000003, 1000, 80), flow(0x0a000001, 0x0a000002, 1001, 80),
		flow(0x0a000001, 0x0a000002, 1000, 81),
		/* the same ports and addresses, but not at the same ends */
		flow(0x0a000001, 0x0a000002, 80, 1000), key, key};

	(void)state;
	other[5].protocol = IPPROTO_UDP;
	other[6].source[15] = 1;
	for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++)
		assert_int_not_equal(cls_hash(&key, SEED), cls_hash(&other[i], SEED));
	assert_int_not_equal(cls_hash(&key, SEED), cls_hash(&key, SEED + 1));
}

/* Chi-squared over 64 buckets, 63 degrees of freedom: above 120 happens once in 50,000 times by chance. */
static double
chi_squared(const unsigned int bucket[64], unsigned int n)
{
	double sum = 0, expected = n / 64.0;

	for (int i = 0; i < 64; i++)
		sum += (bucket[i] - expected) * (bucket[i] - expected) / expected;
	return sum;
}

static void
flows_of_one_network_spread_evenly(void **state)
{
	enum { N = 1 << 16 };
	unsigned int low[64], high[64];

	(void)state;
	for (int shape = 0; shape < 4; shape++) {
		memset(low, 0, sizeof(low));
		memset(high, 0, sizeof(high));
		for (uint32_t i = 0; i < N; i++) {
			struct cls_key key;
			if (shape == 0) /* clients of one server */
				key = flow(0x0a000000 + i, 0xc0a80001, 40000, 443);
			else if (shape == 1) /* ports of one client */
				key = flow(0x0a000001, 0xc0a80001, (uint16_t)i, 443);
			else if (shape == 2) /* both addresses count up together */
				key = flow(0x0a000000 + i, 0x0a800000 + i, 5000, 5000);
			else /* a grid */
				key = flow(0x0a000000 + i % 256, 0xc0a80000 + i / 256, 5000, 5000);
			uint32_t hash = cls_hash(&key, SEED);
			low[hash & 63]++;
			high[hash >> 26]++;
		}
		assert_true(chi_squared(low, N) < 120);
		assert_true(chi_squared(high, N) < 120);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a5_both_directions_have_one_hash),
		cmocka_unit_test(all_fragments_of_a_datagram_have_one_hash),
		cmocka_unit_test(each_part_of_the_flow_and_the_seed_count),
		cmocka_unit_test(flows_of_one_network_spread_evenly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
