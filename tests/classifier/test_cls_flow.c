/* The flow table against the rules it stands in front of, and against a plain list of what it was taught. */
#include "../test_eal.h"
#include "cls_random.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define SEED 0x1234567u

static struct cls *
create_rules(const struct sfc_config *config)
{
	struct cls *cls = NULL;
	char err[256] = "";

	if (cls_create(config, 0, &cls, err, sizeof(err)) != 0)
		fail_msg("%s", err);
	return cls;
}

static struct cls_flows *
create_flows(uint32_t n)
{
	struct cls_flows *flows = NULL;
	char err[256] = "";

	if (cls_flows_create(n, SEED, -1, &flows, err, sizeof(err)) != 0)
		fail_msg("%s", err);
	return flows;
}

static struct cls_stats
stats_of(const struct cls_flows *flows)
{
	struct cls_stats stats;

	cls_flows_stats(flows, &stats);
	return stats;
}

static uint32_t
classify_one(const struct cls *cls, struct cls_flows *flows, const struct cls_key *key)
{
	uint32_t hash = cls_hash(key, SEED);
	uint32_t verdict = UINT32_MAX;

	cls_classify(cls, flows, &key, &hash, 1, &verdict);
	return verdict;
}

static uint32_t
match_one(const struct cls *cls, const struct cls_key *key)
{
	uint32_t verdict = UINT32_MAX;

	cls_match(cls, &key, 1, &verdict);
	return verdict;
}

/* Flow number n, all different. */
static struct cls_key
numbered_flow(uint32_t n)
{
	struct cls_key key = {
		.family = 4, .protocol = IPPROTO_UDP, .has_ports = 1, .destination_port = htons(53)};

	memcpy(key.source, &n, sizeof(n));
	return key;
}

static struct cls_key
reversed(const struct cls_key *key, uint16_t port)
{
	struct cls_key reverse = *key;

	memcpy(reverse.source, key->destination, sizeof(reverse.source));
	memcpy(reverse.destination, key->source, sizeof(reverse.destination));
	reverse.source_port = key->destination_port;
	reverse.destination_port = key->source_port;
	reverse.port = port;
	return reverse;
}

static void
any_stream_gets_the_verdicts_of_the_rules(void **state)
{
	static const uint32_t sizes[] = {1, 64, 100000};

	(void)state;
	for (size_t t = 0; t < sizeof(sizes) / sizeof(sizes[0]); t++) {
		struct sfc_config *config = random_config(40);
		struct cls *cls = create_rules(config);
		struct cls_flows *flows = create_flows(sizes[t]);
		uint64_t packets = 0;
		static struct cls_key pool[1000];
		for (size_t i = 0; i < 1000; i++)
			random_key(config, &pool[i]);
		for (unsigned int round = 0; round < 1000; round++) {
			const struct cls_key *key[CLS_BURST_MAX];
			uint32_t hash[CLS_BURST_MAX], verdict[CLS_BURST_MAX], expected[CLS_BURST_MAX];
			uint32_t n = round % CLS_BURST_MAX + 1;
			uint32_t spread =
				round % 3 == 0 ? 10 : 1000; /* the same flow often, or seldom, in a burst */
			for (uint32_t i = 0; i < n; i++) {
				key[i] = &pool[random_below(spread)];
				hash[i] = cls_hash(key[i], SEED);
			}
			cls_match(cls, key, n, expected);
			cls_classify(cls, flows, key, hash, n, verdict);
			assert_memory_equal(verdict, expected, n * sizeof(verdict[0]));
			packets += n;
		}
		struct cls_stats stats = stats_of(flows);
		assert_int_equal(stats.hits + stats.misses, packets);
		assert_true(stats.hits > 0 && stats.misses > 0);
		/* What went in is still there or was evicted; two lines per flow, eight at least. */
		assert_true(stats.inserts - stats.evictions <= (sizes[t] < 4 ? 8 : 4 * sizes[t]));
		assert_int_equal(stats.evictions > 0, sizes[t] < 1000);
		cls_flows_destroy(flows);
		cls_destroy(cls);
		random_config_free(config);
	}
}

static void
second_packet_of_a_flow_is_a_hit(void **state)
{
	struct sfc_config *config = random_config(20);
	struct cls *cls = create_rules(config);
	struct cls_flows *flows = create_flows(1024);
	struct cls_key key = numbered_flow(7);

	(void)state;
	assert_int_equal(classify_one(cls, flows, &key), match_one(cls, &key));
	assert_int_equal(classify_one(cls, flows, &key), match_one(cls, &key));
	struct cls_stats stats = stats_of(flows);
	assert_int_equal(stats.misses, 1);
	assert_int_equal(stats.hits, 1);
	assert_int_equal(stats.inserts, 1);
	cls_flows_destroy(flows);
	cls_destroy(cls);
	random_config_free(config);
}

static void
flow_twice_in_a_burst_is_remembered_once(void **state)
{
	struct sfc_config *config = random_config(20);
	struct cls *cls = create_rules(config);
	struct cls_flows *flows = create_flows(1024);
	struct cls_key flow = numbered_flow(7);
	const struct cls_key *key[CLS_BURST_MAX];
	uint32_t hash[CLS_BURST_MAX], verdict[CLS_BURST_MAX];

	(void)state;
	for (uint32_t i = 0; i < CLS_BURST_MAX; i++) {
		key[i] = &flow;
		hash[i] = cls_hash(&flow, SEED);
	}
	cls_classify(cls, flows, key, hash, CLS_BURST_MAX, verdict);
	assert_int_equal(stats_of(flows).misses, CLS_BURST_MAX);
	assert_int_equal(stats_of(flows).inserts, 1);
	cls_flows_destroy(flows);
	cls_destroy(cls);
	random_config_free(config);
}

static void
frames_that_are_not_ip_are_not_remembered(void **state)
{
	struct sfc_config *config = random_config(20);
	struct cls *cls = create_rules(config);
	struct cls_flows *flows = create_flows(1024);
	struct cls_key key = {.port = 1};

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(classify_one(cls, flows, &key), match_one(cls, &key));
	cls_learn_reverse(cls, flows, &key, cls_hash(&key, SEED), 2, 1);
	assert_int_equal(stats_of(flows).misses, 3);
	assert_int_equal(stats_of(flows).inserts, 0);
	cls_flows_destroy(flows);
	cls_destroy(cls);
	random_config_free(config);
}

static void
table_holds_the_flows_it_was_made_for(void **state)
{
	const uint32_t n = 1u << 14;
	struct sfc_config *config = random_config(5);
	struct cls *cls = create_rules(config);
	struct cls_flows *flows = create_flows(n);

	(void)state;
	for (int pass = 0; pass < 2; pass++) {
		for (uint32_t i = 0; i < n; i++) {
			struct cls_key key = numbered_flow(i * 2654435761u);
			classify_one(cls, flows, &key);
		}
	}
	/* Less than 1 % find their block full; each of them takes the line of another, which then does the
	 * same. */
	struct cls_stats stats = stats_of(flows);
	assert_in_range(stats.hits, n * 97 / 100, n);
	assert_true(stats.evictions < n * 4 / 100);
	cls_flows_destroy(flows);
	cls_destroy(cls);
	random_config_free(config);
}

static void
new_rules_count_at_once_for_old_flows(void **state)
{
	struct sfc_config *config[2] = {random_config(30), random_config(30)};
	struct cls_flows *flows = create_flows(4096);
	static struct cls_key pool[500];
	unsigned int changed = 0;

	(void)state;
	for (size_t i = 0; i < 500; i++)
		random_key(config[i % 2], &pool[i]);
	for (int round = 0; round < 6; round++) {
		struct cls *cls = create_rules(config[round % 2]);
		struct cls_stats before = stats_of(flows);
		for (size_t i = 0; i < 500; i++) {
			uint32_t verdict = classify_one(cls, flows, &pool[i]);
			assert_int_equal(verdict, match_one(cls, &pool[i]));
			changed += verdict != (round % 2 == 0 ? CLS_FORWARD : CLS_DROP);
		}
		assert_true(stats_of(flows).inserts - before.inserts > 100);
		assert_int_equal(stats_of(flows).evictions, 0); /* lines of old rules are free */
		cls_destroy(cls);
	}
	assert_true(changed > 0);
	cls_flows_destroy(flows);
	random_config_free(config[0]);
	random_config_free(config[1]);
}

static void
flow_in_use_survives_a_flood(void **state)
{
	struct sfc_config *config = random_config(5);
	struct cls *cls = create_rules(config);
	struct cls_flows *flows = create_flows(4); /* one block */
	struct cls_key live = numbered_flow(0);

	(void)state;
	classify_one(cls, flows, &live);
	classify_one(cls, flows, &live);
	uint32_t flood = 1;
	for (unsigned int round = 0; round < 1000; round++) {
		for (unsigned int i = 0; i < 4; i++) {
			struct cls_key key = numbered_flow(flood++);
			classify_one(cls, flows, &key);
		}
		uint64_t misses = stats_of(flows).misses;
		classify_one(cls, flows, &live);
		assert_int_equal(stats_of(flows).misses, misses);
	}
	assert_int_equal(stats_of(flows).evictions, stats_of(flows).inserts - 8);
	cls_flows_destroy(flows);
	cls_destroy(cls);
	random_config_free(config);
}

static void
flows_of_one_hash_are_told_apart(void **state)
{
	struct sfc_config *config = random_config(40);
	struct cls *cls = create_rules(config);
	struct cls_flows *flows = create_flows(4096);

	(void)state;
	for (unsigned int round = 0; round < 200; round++) {
		struct cls_key key[CLS_BURST_MAX];
		const struct cls_key *keys[CLS_BURST_MAX];
		uint32_t hash[CLS_BURST_MAX], verdict[CLS_BURST_MAX], expected[CLS_BURST_MAX];
		for (uint32_t i = 0; i < CLS_BURST_MAX; i++) {
			random_key(config, &key[i]);
			keys[i] = &key[i];
			hash[i] = 42;
		}
		cls_match(cls, keys, CLS_BURST_MAX, expected);
		for (int again = 0; again < 2; again++) {
			cls_classify(cls, flows, keys, hash, CLS_BURST_MAX, verdict);
			assert_memory_equal(verdict, expected, sizeof(verdict));
		}
	}
	/* One block for each ingress port, as many as it has lines. */
	struct cls_stats stats = stats_of(flows);
	assert_true(stats.inserts - stats.evictions <= 8 * (RANDOM_PORTS + 1));
	cls_flows_destroy(flows);
	cls_destroy(cls);
	random_config_free(config);
}

static void
learned_reverse_goes_before_any_rule(void **state)
{
	struct sfc_config *config = random_config(20);
	struct cls_flows *flows = create_flows(1024);
	struct cls_key flow = numbered_flow(9);
	struct cls_key back = reversed(&flow, 2), elsewhere = reversed(&flow, 1);

	(void)state;
	for (unsigned int i = 0; i < config->n_rules; i++)
		if (config->rule[i].path == 1)
			config->rule[i].path = 2;
	struct cls *cls = create_rules(config);
	classify_one(cls, flows, &back); /* seen before it was known whose reverse it is */
	for (int again = 0; again < 2; again++) {
		cls_learn_reverse(cls, flows, &flow, cls_hash(&flow, SEED), 2, 1);
		const struct cls_action *action = cls_action(cls, classify_one(cls, flows, &back));
		assert_int_equal(action->kind, SFC_ACTION_PATH);
		assert_int_equal(action->path, 1);
		assert_int_equal(action->rule, -2);
		assert_int_equal(action->is_default, 0);
	}
	assert_int_equal(stats_of(flows).inserts, 1);
	assert_int_equal(classify_one(cls, flows, &elsewhere), match_one(cls, &elsewhere));
	assert_int_equal(classify_one(cls, flows, &flow), match_one(cls, &flow));
	cls_flows_destroy(flows);
	cls_destroy(cls);
	random_config_free(config);
}

/* Other rules, and no frame of the flows meanwhile: its way back is known all the same, by the path's name.
 */
static void
a_way_back_outlives_changes_of_the_rules(void **state)
{
	struct sfc_config *config = random_config(20), *other = random_config(20);
	struct cls_flows *flows = create_flows(64);
	struct cls_key flow[20], back[20];
	char name[RANDOM_PATHS][2] = {"a", "b", "c", "d"};
	struct cls *cls[12];

	(void)state;
	for (unsigned int i = 0; i < config->n_rules; i++)
		config->rule[i].path = other->rule[i].path = 0;
	/* Path 1 of one is path 2 of the other. */
	for (unsigned int p = 0; p < RANDOM_PATHS; p++) {
		config->path[p].reverse = other->path[p].reverse = -1;
		config->path[p].name = name[p];
		other->path[p].name = name[p == 1 ? 2 : p == 2 ? 1 : p];
	}
	config->path[0].reverse = 1;
	other->path[0].reverse = 2;
	cls[0] = create_rules(config);
	for (uint32_t i = 0; i < 20; i++) {
		flow[i] = numbered_flow(i);
		back[i] = reversed(&flow[i], 2);
		classify_one(cls[0], flows, &flow[i]);
		cls_learn_reverse(cls[0], flows, &flow[i], cls_hash(&flow[i], SEED), 2, 1);
	}
	for (unsigned int c = 1; c < 12; c++) {
		const struct sfc_config *was = c % 2 == 0 ? other : config, *is = c % 2 == 0 ? config : other;

		cls[c] = create_rules(is);
		assert_int_equal(cls_inherit(cls[c], is, cls[c - 1], was), 0);
		/* Flow 0 speaks all the time, the others once in a while. */
		for (uint32_t i = 0; i < (c % 4 == 1 ? 20 : 1); i++) {
			const struct cls_action *action;

			assert_int_equal(classify_one(cls[c], flows, &flow[i]), match_one(cls[c], &flow[i]));
			action = cls_action(cls[c], classify_one(cls[c], flows, &back[i]));
			assert_int_equal(action->rule, -2);
			assert_int_equal(action->path, c % 2 == 0 ? 1 : 2);
		}
	}
	/* The path is nobody's way back any more: rules alone count, whatever comes after. */
	cls_destroy(cls[0]);
	other->path[0].reverse = -1;
	cls[0] = create_rules(other);
	assert_int_equal(cls_inherit(cls[0], other, cls[11], other), 0);
	assert_int_equal(classify_one(cls[0], flows, &back[1]), match_one(cls[0], &back[1]));
	cls_destroy(cls[1]);
	cls[1] = create_rules(config);
	assert_int_equal(cls_inherit(cls[1], config, cls[0], other), 0);
	assert_int_equal(classify_one(cls[1], flows, &back[1]), match_one(cls[1], &back[1]));
	assert_int_equal(classify_one(cls[1], flows, &back[2]), match_one(cls[1], &back[2]));
	for (unsigned int c = 0; c < 12; c++)
		cls_destroy(cls[c]);
	cls_flows_destroy(flows);
	random_config_free(config);
	random_config_free(other);
}

static void
path_that_is_no_reverse_is_not_learned(void **state)
{
	struct sfc_config *config = random_config(20);
	struct cls *cls = create_rules(config);
	struct cls_flows *flows = create_flows(1024);
	struct cls_key flow = numbered_flow(9);

	(void)state;
	cls_learn_reverse(cls, flows, &flow, cls_hash(&flow, SEED), 2, 0);
	cls_learn_reverse(cls, flows, &flow, cls_hash(&flow, SEED), 2, RANDOM_PATHS);
	cls_learn_reverse(cls, flows, &flow, cls_hash(&flow, SEED), 2, UINT16_MAX);
	assert_int_equal(stats_of(flows).inserts, 0);
	cls_flows_destroy(flows);
	cls_destroy(cls);
	random_config_free(config);
}

static void
rule_into_the_same_path_keeps_its_metadata(void **state)
{
	struct sfc_config *config = random_config(1);
	struct sfc_rule *rule = &config->rule[0];
	struct cls_key flow = numbered_flow(9), back = reversed(&flow, 2);

	(void)state;
	rule->source = rule->destination = (struct sfc_addr){.family = 0};
	rule->protocol = rule->match_node = rule->match_port = -1;
	rule->n_source_ports = rule->n_destination_ports = 0;
	rule->action = SFC_ACTION_PATH;
	rule->word[0] = 99;
	for (int path = 1; path < 3; path++) {
		rule->path = path;
		struct cls *cls = create_rules(config);
		struct cls_flows *flows = create_flows(1024);
		classify_one(cls, flows, &back);
		cls_learn_reverse(cls, flows, &flow, cls_hash(&flow, SEED), 2, 1);
		const struct cls_action *action = cls_action(cls, classify_one(cls, flows, &back));
		assert_int_equal(action->path, 1);
		assert_int_equal(action->word[0], path == 1 ? 99 : 0);
		cls_flows_destroy(flows);
		cls_destroy(cls);
	}
	random_config_free(config);
}

/* The reference: a list of flows, each with the verdict it was taught, if any. */
static void
table_agrees_with_a_plain_list(void **state)
{
	enum { N = 400 };
	static struct cls_key pool[2 * N];
	uint32_t taught[2 * N] = {0};
	struct sfc_config *config = random_config(30);
	struct cls *cls = create_rules(config);
	struct cls_flows *flows = create_flows(1u << 15);
	unsigned int reverse_hits = 0;

	(void)state;
	for (uint32_t i = 0; i < N; i++) {
		struct cls_key key;
		random_key(config, &key);
		key.port = 0;
		key.pad[0] = 0;
		key.source_port = (uint16_t)i; /* all different */
		pool[i] = key;
		pool[N + i] = reversed(&key, 2);
	}
	for (unsigned int step = 0; step < 20000; step++) {
		uint32_t what = random_below(1000);
		uint32_t i = random_below(N);
		if (what == 0) {
			struct cls *next = create_rules(config);
			cls_destroy(cls);
			cls = next;
			memset(taught, 0, sizeof(taught));
		} else if (what < 200) {
			cls_learn_reverse(cls, flows, &pool[i], cls_hash(&pool[i], SEED), 2, 1);
			const struct cls_action *rule = cls_action(cls, match_one(cls, &pool[N + i]));
			/* A rule's verdict for the same path stays if the table has it; either leads to
			 * path 1. */
			if (pool[i].family != 0)
				taught[N + i] = 1 + (rule->kind == SFC_ACTION_PATH && rule->path == 1);
		} else {
			i = random_below(2 * N);
			uint32_t verdict = classify_one(cls, flows, &pool[i]);
			const struct cls_action *action = cls_action(cls, verdict);
			if (taught[i] == 0) {
				assert_int_equal(verdict, match_one(cls, &pool[i]));
			} else {
				assert_int_equal(action->kind, SFC_ACTION_PATH);
				assert_int_equal(action->path, 1);
				assert_true(action->rule == -2 || taught[i] == 2);
				reverse_hits++;
			}
		}
	}
	assert_true(reverse_hits > 100);
	assert_int_equal(stats_of(flows).evictions, 0);
	cls_flows_destroy(flows);
	cls_destroy(cls);
	random_config_free(config);
}

static void
impossible_sizes_are_refused_with_a_message(void **state)
{
	static const uint32_t bad[] = {0, CLS_FLOWS_MAX + 1, UINT32_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct cls_flows *flows = NULL;
		char err[128] = "", number[16];
		assert_int_equal(cls_flows_create(bad[i], SEED, -1, &flows, err, sizeof(err)), -EINVAL);
		assert_null(flows);
		snprintf(number, sizeof(number), "%u", bad[i]);
		assert_non_null(strstr(err, number));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_stream_gets_the_verdicts_of_the_rules),
		cmocka_unit_test(second_packet_of_a_flow_is_a_hit),
		cmocka_unit_test(flow_twice_in_a_burst_is_remembered_once),
		cmocka_unit_test(frames_that_are_not_ip_are_not_remembered),
		cmocka_unit_test(table_holds_the_flows_it_was_made_for),
		cmocka_unit_test(new_rules_count_at_once_for_old_flows),
		cmocka_unit_test(flow_in_use_survives_a_flood),
		cmocka_unit_test(flows_of_one_hash_are_told_apart),
		cmocka_unit_test(learned_reverse_goes_before_any_rule),
		cmocka_unit_test(a_way_back_outlives_changes_of_the_rules),
		cmocka_unit_test(path_that_is_no_reverse_is_not_learned),
		cmocka_unit_test(rule_into_the_same_path_keeps_its_metadata),
		cmocka_unit_test(table_agrees_with_a_plain_list),
		cmocka_unit_test(impossible_sizes_are_refused_with_a_message),
	};

	test_eal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
