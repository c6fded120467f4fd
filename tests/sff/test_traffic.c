#include "../test_eal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sff_traffic.h"

#include "cls.h"

#include <rte_ip.h>

#include <stdio.h>
#include <string.h>

static char err[256];

/* One node with an access port and these rules. */
static struct sfc_config *
load(const char *rules)
{
	char path[] = "/tmp/sluice-traffic-XXXXXX";
	struct sfc_errors errors = {0};
	struct sfc_config *config = NULL;
	int fd = mkstemp(path);
	FILE *f = fdopen(fd, "w");

	assert_non_null(f);
	fprintf(f,
		"sfc:\n"
		"  node:\n"
		"    - { name: a, port: [ { name: core, device: x, role: access }, { name: lan, device: x, "
		"role: access } ] }\n"
		"  function: [ { name: fw, instance: [ { name: fw-1, node: a, vm: { image: bridge } } ] } ]\n"
		"  path: [ { name: p, spi: 1, hops: [fw], egress: lan } ]\n"
		"  rule:\n%s",
		rules);
	fclose(f);
	if (sfc_load(path, &config, &errors) != 0)
		fail_msg("%s", errors.n > 0 ? errors.error[0].reason : "cannot be loaded");
	sfc_errors_free(&errors);
	remove(path);
	return config;
}

static struct sff_options
options(uint32_t flows, uint16_t size)
{
	return (struct sff_options){.flows = flows, .frame_size = size};
}

/* The rule that a frame meets, as the classifier says. */
static int
rule_of(const struct cls *cls, const struct sff_traffic *t, uint32_t i)
{
	const struct cls_key *keys[1];
	struct cls_key key;
	uint32_t verdict;

	cls_parse(t->frame[i].bytes, t->frame[i].size, 0, t->port, &key);
	keys[0] = &key;
	cls_match(cls, keys, 1, &verdict);
	return cls_action(cls, verdict)->rule;
}

/* Every frame is one that the first rule with a path matches, and its checksums hold. */
static void
each_frame_matches_its_rule(void **state)
{
	static const struct {
		const char *match;
		uint8_t family, protocol;
		uint32_t flows; /* that come out of 1,000 wanted */
	} rows[] = {
		{"port: lan", 4, 17, 1000},
		{"source: 10.1.0.0/16, protocol: udp, destination-port: 53", 4, 17, 1000},
		{"source: 10.1.2.3/32, protocol: tcp, source-port: 7-8, destination-port: \"80,443\"", 4, 6,
			2},
		{"source: 192.0.2.0/24, destination: 203.0.113.0/24", 4, 17, 1000},
		{"source: \"2001:db8::/64\", protocol: tcp", 6, 6, 1000},
		{"destination: \"2001:db8::1/128\", protocol: udp", 6, 17, 1000},
		{"protocol: icmp", 4, 1, 1000},
	};

	(void)state;
	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
		char rules[512];
		struct sff_options o = options(1000, 128);
		struct sff_traffic t;
		struct sfc_config *config;
		struct cls *cls;

		snprintf(rules, sizeof(rules),
			"    - { name: no, match: { source: 10.9.0.0/16 }, action: { forwarding: drop } }\n"
			"    - { name: yes, match: { %s }, action: { path: p } }\n",
			rows[r].match);
		config = load(rules);
		assert_int_equal(sff_traffic_create(config, 0, &o, &t, err, sizeof(err)), 0);
		assert_int_equal(t.n, rows[r].flows);
		assert_string_equal(t.rule, "yes");
		assert_int_equal(cls_create(config, 0, &cls, err, sizeof(err)), 0);
		for (uint32_t i = 0; i < t.n; i++) {
			const uint8_t *ip = t.frame[i].bytes + 14;

			assert_int_equal(t.frame[i].size, 128);
			assert_int_equal(ip[0] >> 4, rows[r].family);
			assert_int_equal(rows[r].family == 4 ? ip[9] : ip[6], rows[r].protocol);
			if (rows[r].family == 4)
				assert_int_equal(rte_raw_cksum(ip, 20), 0xffff);
			assert_int_equal(rule_of(cls, &t, i), 1);
			if (rows[r].protocol == 1)
				continue;
			/* With any number and its complement in its place. */
			uint8_t copy[128];
			uint16_t sum;
			uint32_t number[2] = {i * 2654435761u, ~(i * 2654435761u)};

			memcpy(copy, t.frame[i].bytes, sizeof(copy));
			memcpy(copy + t.frame[i].number_at, number, sizeof(number));
			/* A sum over itself is 0, which UDP writes as 0xffff. */
			sum = rows[r].family == 4
			              ? rte_ipv4_udptcp_cksum((const void *)(copy + 14), copy + 34)
			              : rte_ipv6_udptcp_cksum((const void *)(copy + 14), copy + 54);
			assert_int_equal(sum, rows[r].protocol == 17 ? 0xffff : 0);
		}
		/* Flows differ from each other. */
		for (uint32_t i = 1; i < t.n; i++)
			assert_memory_not_equal(t.frame[i].bytes, t.frame[i - 1].bytes, 64);
		cls_destroy(cls);
		sff_traffic_free(&t);
		sfc_config_free(config);
	}
}

static void
the_mix_has_sizes_of_7_4_and_1(void **state)
{
	struct sfc_config *config = load("    - { name: r, match: { port: lan }, action: { path: p } }\n");
	struct sff_options o = options(10, 0);
	unsigned int small = 0, middle = 0, large = 0;
	struct sff_traffic t;

	(void)state;
	assert_int_equal(sff_traffic_create(config, 0, &o, &t, err, sizeof(err)), 0);
	for (uint32_t i = 0; i < t.n; i++) {
		small += t.frame[i].size == 64;
		middle += t.frame[i].size == 570;
		large += t.frame[i].size == 1518;
	}
	assert_int_equal(small, 70);
	assert_int_equal(middle, 40);
	assert_int_equal(large, 10);
	assert_int_equal(t.port, 1);
	sff_traffic_free(&t);
	sfc_config_free(config);
}

static void
what_cannot_be_made_is_said(void **state)
{
	struct sfc_config *config;
	struct sff_options o = options(10, 64);
	struct sff_capture in = {"nowhere", "/dev/null"};
	struct sff_traffic t;

	(void)state;
	config = load("    - { name: r, match: { port: lan }, action: { forwarding: drop } }\n");
	assert_int_equal(sff_traffic_create(config, 0, &o, &t, err, sizeof(err)), -EINVAL);
	assert_non_null(strstr(err, "no rule leads into a path"));
	o.in = &in;
	o.n_in = 1;
	assert_int_equal(sff_traffic_create(config, 0, &o, &t, err, sizeof(err)), -EINVAL);
	assert_non_null(strstr(err, "no port 'nowhere'"));
	sfc_config_free(config);
	config = load(
		"    - { name: r, match: { source: \"fd00::/8\", protocol: tcp }, action: { path: p } }\n");
	o = options(10, 64);
	assert_int_equal(sff_traffic_create(config, 0, &o, &t, err, sizeof(err)), -EINVAL);
	assert_non_null(strstr(err, "74 at least"));
	sfc_config_free(config);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_frame_matches_its_rule),
		cmocka_unit_test(the_mix_has_sizes_of_7_4_and_1),
		cmocka_unit_test(what_cannot_be_made_is_said),
	};

	test_eal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
