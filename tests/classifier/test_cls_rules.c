/* Compiled rules against a plain reading of the same rules, one after the other. */
#define ALLOW_EXPERIMENTAL_API /* rte_vect_set_max_simd_bitwidth, stable since DPDK 23.11 */
#include "../test_eal.h"
#include "cls_random.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <time.h>

#include <cmocka.h>
#include <rte_vect.h>

#define KEYS_PER_SET 2048

static bool
address_matches(const struct sfc_addr *prefix, const struct cls_key *key, const uint8_t address[16])
{
	if (prefix->family == 0)
		return true;
	if (prefix->family != key->family)
		return false;
	for (unsigned int bit = 0; bit < prefix->plen; bit++)
		if (((prefix->bytes[bit / 8] ^ address[bit / 8]) >> (7 - bit % 8) & 1) != 0)
			return false;
	return true;
}

static bool
port_matches(const struct sfc_range *range, unsigned int n, const struct cls_key *key, uint16_t port)
{
	if (n == 0)
		return true;
	for (unsigned int i = 0; i < n && key->has_ports; i++)
		if (ntohs(port) >= range[i].low && ntohs(port) <= range[i].high)
			return true;
	return false;
}

static bool
rule_matches(const struct sfc_rule *rule, const struct cls_key *key)
{
	bool l3 = rule->source.family != 0 || rule->destination.family != 0 || rule->protocol >= 0 ||
	          rule->n_source_ports != 0 || rule->n_destination_ports != 0;

	if (rule->match_port >= 0 && (rule->match_node != 0 || rule->match_port != key->port))
		return false;
	if (key->family == 0)
		return !l3;
	return (rule->protocol < 0 || rule->protocol == key->protocol) &&
	       address_matches(&rule->source, key, key->source) &&
	       address_matches(&rule->destination, key, key->destination) &&
	       port_matches(rule->source_port, rule->n_source_ports, key, key->source_port) &&
	       port_matches(rule->destination_port, rule->n_destination_ports, key, key->destination_port);
}

/* The rule that wins, -1 = the default. */
static int
first_match(const struct sfc_config *config, const struct cls_key *key)
{
	for (unsigned int i = 0; i < config->n_rules; i++)
		if (rule_matches(&config->rule[i], key))
			return (int)i;
	return -1;
}

static void
check_action(const struct sfc_config *config, const struct cls_action *action, int rule)
{
	assert_int_equal(action->rule, rule);
	assert_int_equal(action->is_default, rule < 0);
	if (rule < 0) {
		assert_int_equal(action->kind, config->default_action);
		return;
	}
	assert_int_equal(action->kind, config->rule[rule].action);
	if (action->kind == SFC_ACTION_PATH)
		assert_int_equal(action->path, config->rule[rule].path);
	assert_memory_equal(action->word, config->rule[rule].word, sizeof(action->word));
}

/* How keys were decided, to see that the tests ask all kinds of questions. */
struct tally {
	unsigned int keys;
	unsigned int by_default;
	unsigned int by_later_rule; /* than the first */
};

/* Random keys in bursts of every size. */
static void
check_keys(const struct sfc_config *config, const struct cls *cls, unsigned int n_keys, struct tally *tally)
{
	struct cls_key key[CLS_BURST_MAX];
	const struct cls_key *keys[CLS_BURST_MAX];
	uint32_t verdict[CLS_BURST_MAX];

	for (unsigned int done = 0, n = 1; done < n_keys; done += n, n = n % CLS_BURST_MAX + 1) {
		for (unsigned int i = 0; i < n; i++) {
			random_key(config, &key[i]);
			keys[i] = &key[i];
		}
		memset(verdict, 0xff, sizeof(verdict));
		cls_match(cls, keys, n, verdict);
		for (unsigned int i = 0; i < n; i++) {
			int rule = first_match(config, &key[i]);
			check_action(config, cls_action(cls, verdict[i]), rule);
			tally->keys++;
			tally->by_default += rule < 0;
			tally->by_later_rule += rule > 0;
		}
	}
}

static void
check_sets(unsigned int sets, unsigned int rules_max, struct tally *tally)
{
	for (unsigned int set = 0; set < sets; set++) {
		char err[256] = "";
		struct sfc_config *config = random_config(1 + random_below(rules_max));
		struct cls *cls = NULL;
		if (cls_create(config, 0, &cls, err, sizeof(err)) != 0)
			fail_msg("%s", err);
		check_keys(config, cls, KEYS_PER_SET, tally);
		cls_destroy(cls);
		random_config_free(config);
	}
}

static void
compiled_rules_choose_as_a_linear_reading_does(void **state)
{
	static const uint16_t simd[] = {
		RTE_VECT_SIMD_DISABLED, RTE_VECT_SIMD_128, RTE_VECT_SIMD_256, RTE_VECT_SIMD_512};
	uint16_t before = rte_vect_get_max_simd_bitwidth();

	struct tally tally = {0};

	(void)state;
	/* rte_acl takes the widest code allowed when the rules are compiled. */
	for (size_t i = 0; i < sizeof(simd) / sizeof(simd[0]); i++) {
		assert_int_equal(rte_vect_set_max_simd_bitwidth(simd[i]), 0);
		check_sets(10, 12, &tally);
		check_sets(3, 150, &tally);
		check_sets(1, 800, &tally); /* enough for rules in classes */
	}
	assert_int_equal(rte_vect_set_max_simd_bitwidth(before), 0);
	assert_true(tally.by_default > tally.keys / 20);
	assert_true(tally.by_later_rule > tally.keys / 4);
}

static void
no_rules_leave_the_default(void **state)
{
	struct sfc_config *config = random_config(0);
	const struct cls_key ipv4 = {.family = 4}, ipv6 = {.family = 6}, other = {.family = 0};
	const struct cls_key *key[] = {&ipv4, &ipv6, &other};
	char err[256];

	(void)state;
	for (int drop = 0; drop < 2; drop++) {
		struct cls *cls;
		uint32_t verdict[3];
		config->default_action = drop ? SFC_ACTION_DROP : SFC_ACTION_FORWARD;
		assert_int_equal(cls_create(config, 0, &cls, err, sizeof(err)), 0);
		cls_match(cls, key, 3, verdict);
		for (int i = 0; i < 3; i++) {
			assert_int_equal(verdict[i], drop ? CLS_DROP : CLS_FORWARD);
			check_action(config, cls_action(cls, verdict[i]), -1);
		}
		cls_destroy(cls);
	}
	random_config_free(config);
}

static void
rule_for_a_port_of_another_node_is_left_out(void **state)
{
	struct sfc_config *config = random_config(1);
	struct sfc_rule *rule = &config->rule[0];
	const struct cls_key key = {.family = 4, .port = 1};
	const struct cls_key *keys[] = {&key};
	char err[256];

	(void)state;
	rule->source = rule->destination = (struct sfc_addr){.family = 0};
	rule->protocol = -1;
	rule->n_source_ports = rule->n_destination_ports = 0;
	rule->match_node = 1;
	rule->match_port = 1;
	for (int node = 0; node < 2; node++) {
		struct cls *cls;
		uint32_t verdict;
		assert_int_equal(cls_create(config, node, &cls, err, sizeof(err)), 0);
		cls_match(cls, keys, 1, &verdict);
		assert_int_equal(cls_action(cls, verdict)->rule, node == 1 ? 0 : -1);
		cls_destroy(cls);
	}
	random_config_free(config);
}

static struct sfc_range *
single_ports(unsigned int n)
{
	struct sfc_range *range = calloc(n, sizeof(*range));

	for (unsigned int i = 0; i < n; i++)
		range[i] = (struct sfc_range){(uint16_t)(2 * i), (uint16_t)(2 * i)};
	return range;
}

static void
too_many_port_combinations_are_refused_by_name(void **state)
{
	struct sfc_config *config = random_config(2);
	struct sfc_rule *rule = &config->rule[1];
	struct cls *cls = NULL;
	char err[256] = "";

	(void)state;
	free(rule->source_port);
	free(rule->destination_port);
	rule->source_port = single_ports(32);
	rule->destination_port = single_ports(33);
	rule->n_source_ports = 32;
	rule->n_destination_ports = 32;
	rule->match_node = rule->match_port = -1;
	assert_int_equal(cls_create(config, 0, &cls, err, sizeof(err)), 0);
	cls_destroy(cls);
	cls = NULL;
	rule->n_destination_ports = 33;
	assert_int_equal(cls_create(config, 0, &cls, err, sizeof(err)), -E2BIG);
	assert_null(cls);
	assert_non_null(strstr(err, rule->name));
	assert_non_null(strstr(err, "1056"));
	random_config_free(config);
}

static void
the_sum_of_port_combinations_is_limited_too(void **state)
{
	struct sfc_config *config = random_config(65);
	struct cls *cls = NULL;
	char err[256] = "";

	(void)state;
	for (unsigned int i = 0; i < config->n_rules; i++) {
		struct sfc_rule *rule = &config->rule[i];
		free(rule->source_port);
		rule->source_port = single_ports(1024);
		rule->n_source_ports = 1024;
		rule->n_destination_ports = 0;
		rule->match_node = rule->match_port = -1;
		rule->source.family = rule->destination.family = 0;
	}
	assert_int_equal(cls_create(config, 0, &cls, err, sizeof(err)), -E2BIG);
	assert_null(cls);
	assert_non_null(strstr(err, config->rule[64].name));
	assert_non_null(strstr(err, "66560"));
	random_config_free(config);
}

static void
ten_thousand_rules_compile_in_seconds(void **state)
{
	struct sfc_config *config = random_config(10000);
	struct cls *cls = NULL;
	struct timespec from, to;
	char err[256] = "";

	(void)state;
	for (unsigned int i = 0; i < config->n_rules; i++) {
		/* Shape of an access list: a network each side, one destination port or range. */
		struct sfc_rule *rule = &config->rule[i];
		uint8_t family = i % 8 == 0 ? 6 : 4; /* more IPv4 rules of a kind than one context holds */
		for (int side = 0; side < 2; side++) {
			struct sfc_addr *addr = side == 0 ? &rule->source : &rule->destination;
			*addr = (struct sfc_addr){.family = family,
				.plen = (uint8_t)(family == 4 ? 16 + random_below(17)
							      : 48 + random_below(81))};
			for (int b = 0; b < (family == 4 ? 4 : 16); b++)
				addr->bytes[b] = (uint8_t)random_below(256);
		}
		rule->match_node = rule->match_port = -1;
		rule->protocol = IPPROTO_TCP;
		rule->n_source_ports = 0;
		rule->n_destination_ports = i % 3 != 0;
		uint16_t low = (uint16_t)random_below(60000);
		rule->destination_port[0] = (struct sfc_range){low, (uint16_t)(low + i % 2 * 100)};
	}
	clock_gettime(CLOCK_MONOTONIC, &from);
	if (cls_create(config, 0, &cls, err, sizeof(err)) != 0)
		fail_msg("%s", err);
	clock_gettime(CLOCK_MONOTONIC, &to);
	print_message("10000 rules: %.2f s\n",
		(double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9);
	struct tally tally = {0};
	check_keys(config, cls, 256, &tally);
	assert_true(tally.by_later_rule > tally.keys / 8);
	cls_destroy(cls);
	random_config_free(config);
}

static void
rules_on_sources_and_rules_on_destinations_do_not_multiply(void **state)
{
	struct sfc_config *config = random_config(10000);
	struct cls *cls = NULL;
	struct tally tally = {0};
	char err[256] = "";

	(void)state;
	for (unsigned int i = 0; i < config->n_rules; i++) {
		struct sfc_rule *rule = &config->rule[i];
		struct sfc_addr *addr = i % 2 == 0 ? &rule->source : &rule->destination;
		rule->source = rule->destination = (struct sfc_addr){.family = 0};
		*addr = (struct sfc_addr){.family = 4, .plen = (uint8_t)(8 + random_below(25))};
		for (int b = 0; b < 4; b++)
			addr->bytes[b] = (uint8_t)random_below(256);
		rule->match_node = rule->match_port = rule->protocol = -1;
		rule->n_source_ports = rule->n_destination_ports = 0;
	}
	if (cls_create(config, 0, &cls, err, sizeof(err)) != 0)
		fail_msg("%s", err);
	check_keys(config, cls, 256, &tally);
	assert_true(tally.by_later_rule > tally.keys / 8);
	cls_destroy(cls);
	random_config_free(config);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(compiled_rules_choose_as_a_linear_reading_does),
		cmocka_unit_test(no_rules_leave_the_default),
		cmocka_unit_test(rule_for_a_port_of_another_node_is_left_out),
		cmocka_unit_test(too_many_port_combinations_are_refused_by_name),
		cmocka_unit_test(the_sum_of_port_combinations_is_limited_too),
		cmocka_unit_test(ten_thousand_rules_compile_in_seconds),
		cmocka_unit_test(rules_on_sources_and_rules_on_destinations_do_not_multiply),
	};

	test_eal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
