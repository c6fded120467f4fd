#include "domain.h"
#include "sfc_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define HASHES 65536u

/* A table of node `node` with one function whose instances are given by name, weight and node. */
struct member {
	const char *name;
	uint32_t weight;
	int node;
};

static struct sfc_table *
group_of(const struct member *member, unsigned int n, int node)
{
	struct domain d;
	struct sfc_table *table = NULL;
	char err[256] = "";

	domain_init(&d);
	int function = domain_function(&d, "fw");
	for (unsigned int i = 0; i < n; i++)
		domain_instance(&d, function, member[i].name, member[i].node, member[i].weight);
	if (sfc_table_build(&d.config, node, &table, err, sizeof(err)) < 0)
		fail_msg("%s", err);
	domain_fini(&d);
	return table;
}

/* The instance (index in `member`) of a hash, or -1. */
static int
chosen(const struct sfc_table *table, const uint8_t *up, uint32_t hash, int local_only)
{
	uint16_t t = sfc_group_choose(table, &table->group[0], up, hash, local_only);

	return t == SFC_NONE ? -1 : table->target[t].instance;
}

static uint32_t
spread(uint32_t i)
{
	return i * 2654435761u;
}

/* Part of all hashes, in percent, that moves when the fifth of five equal instances is added. */
static double
moved_by_a_fifth(const struct member five[5])
{
	static const uint8_t up[5] = {1, 1, 1, 1, 1};
	struct sfc_table *before = group_of(five, 4, 0);
	struct sfc_table *after = group_of(five, 5, 0);
	unsigned int moved = 0;

	for (uint32_t i = 0; i < SFC_GROUP_SLOTS; i++) {
		int now = chosen(after, up, i, 0);

		if (now == chosen(before, up, i, 0))
			continue;
		assert_int_equal(now, 4); /* only to the new one */
		moved++;
	}
	sfc_table_free(before);
	sfc_table_free(after);
	return 100.0 * moved / SFC_GROUP_SLOTS;
}

static void
a6_a_fifth_instance_moves_at_most_22_percent(void **state)
{
	static const char *const prefixes[] = {
		"fw-", "ids-", "monitor-", "a", "nat-edge-1-", "lb.", "dpi_", ""};
	double sum = 0, squares = 0;
	(void)state;

	for (int p = 0; p < 8; p++)
		for (int first = 1; first < 26; first++) {
			struct member five[5];
			char names[5][32];

			for (int i = 0; i < 5; i++) {
				snprintf(names[i], sizeof(names[i]), "%s%d", prefixes[p], first + i);
				five[i] = (struct member){names[i], 1, 0};
			}
			double moved = moved_by_a_fifth(five);
			assert_true(moved > 0 && moved <= 22);
			sum += moved;
			squares += moved * moved;
		}
	/* 200 sets of names: even in the mean, and the spread that SFC_GROUP_SLOTS was chosen for. */
	double mean = sum / 200, variance = squares / 200 - mean * mean;
	assert_true(mean > 19.8 && mean < 20.2);
	assert_true(variance < 0.7 * 0.7);
}

static void
weights_are_respected_within_three_percent(void **state)
{
	static const struct member members[] = {
		{"fw-1", 1, 0}, {"fw-2", 2, 0}, {"fw-3", 4, 0}, {"fw-4", 1, 0}, {"heavy", 8, 0}};
	static const uint8_t up[5] = {1, 1, 1, 1, 1};
	struct sfc_table *t = group_of(members, 5, 0);
	unsigned int share[5] = {0};
	(void)state;

	for (uint32_t i = 0; i < HASHES; i++)
		share[chosen(t, up, spread(i), 0)]++;
	for (int i = 0; i < 5; i++) {
		double want = members[i].weight / 16.0;
		double have = share[i] / (double)HASHES;

		assert_true(have > want - 0.03 && have < want + 0.03);
	}
	sfc_table_free(t);
}

static void
sixty_four_equal_instances_all_get_flows(void **state)
{
	struct member members[64];
	char names[64][8];
	uint8_t up[64];
	unsigned int share[64] = {0};
	struct sfc_table *t;
	(void)state;

	for (int i = 0; i < 64; i++) {
		snprintf(names[i], sizeof(names[i]), "fw-%d", i);
		members[i] = (struct member){names[i], 1, 0};
		up[i] = 1;
	}
	t = group_of(members, 64, 0);
	for (uint32_t i = 0; i < HASHES; i++)
		share[chosen(t, up, spread(i), 0)]++;
	for (int i = 0; i < 64; i++)
		assert_true(share[i] > 0);
	sfc_table_free(t);
}

static void
a5_every_node_chooses_the_same_instance(void **state)
{
	static const struct member members[] = {
		{"fw-1", 3, 0}, {"fw-2", 1, 1}, {"fw-3", 2, 2}, {"fw-4", 1, 0}};
	static const uint8_t up[4] = {1, 1, 1, 1};
	struct sfc_table *a = group_of(members, 4, 0);
	struct sfc_table *c = group_of(members, 4, 2);
	(void)state;

	for (uint32_t i = 0; i < HASHES; i++)
		assert_int_equal(chosen(a, up, spread(i), 0), chosen(c, up, spread(i), 0));
	sfc_table_free(a);
	sfc_table_free(c);
}

static void
the_order_in_the_file_does_not_matter(void **state)
{
	static const struct member forth[] = {{"fw-1", 3, 0}, {"fw-2", 1, 0}, {"fw-3", 2, 0}};
	static const struct member back[] = {{"fw-3", 2, 0}, {"fw-2", 1, 0}, {"fw-1", 3, 0}};
	static const uint8_t up[3] = {1, 1, 1};
	struct sfc_table *a = group_of(forth, 3, 0);
	struct sfc_table *b = group_of(back, 3, 0);
	(void)state;

	for (uint32_t i = 0; i < SFC_GROUP_SLOTS; i++)
		assert_int_equal(chosen(a, up, i, 0), 2 - chosen(b, up, i, 0));
	sfc_table_free(a);
	sfc_table_free(b);
}

static void
a6_a_down_instance_moves_only_its_own_flows(void **state)
{
	static const struct member members[] = {
		{"fw-1", 1, 0}, {"fw-2", 1, 0}, {"fw-3", 1, 0}, {"fw-4", 1, 0}};
	static const uint8_t all[4] = {1, 1, 1, 1};
	struct sfc_table *t = group_of(members, 4, 0);
	(void)state;

	for (int down = 0; down < 4; down++) {
		uint8_t up[4] = {1, 1, 1, 1};
		unsigned int got[4] = {0};

		up[down] = 0;
		for (uint32_t i = 0; i < HASHES; i++) {
			int before = chosen(t, all, spread(i), 0);
			int now = chosen(t, up, spread(i), 0);

			assert_true(now >= 0 && up[now]);
			if (before != down)
				assert_int_equal(now, before);
			else
				got[now]++;
		}
		/* The survivors share them: none gets more than half of what moved. */
		for (int i = 0; i < 4; i++)
			if (i != down)
				assert_true(got[i] > 0 && got[i] < HASHES / 8);
	}
	sfc_table_free(t);
}

static void
the_last_instance_up_gets_everything(void **state)
{
	/* The light one owns few slots or none: the probes miss it and the scan must find it. */
	static const struct member members[] = {{"a", 255, 0}, {"b", 255, 0}, {"c", 255, 0}, {"light", 1, 0}};
	static const uint8_t up[4] = {0, 0, 0, 1};
	static const uint8_t none[4] = {0};
	struct sfc_table *t = group_of(members, 4, 0);
	(void)state;

	for (uint32_t i = 0; i < SFC_GROUP_SLOTS; i++) {
		assert_int_equal(chosen(t, up, i, 0), 3);
		assert_int_equal(chosen(t, up, i, 1), 3);
		assert_int_equal(chosen(t, none, i, 0), -1);
		assert_int_equal(chosen(t, none, i, 1), -1);
	}
	sfc_table_free(t);
}

/* Wherever it stands in the file: also just before the owner of a slot. */
static void
any_instance_may_be_the_last_one_up(void **state)
{
	static const struct member members[] = {
		{"a", 1, 0}, {"b", 1, 0}, {"c", 1, 0}, {"d", 1, 0}, {"e", 1, 0}, {"f", 1, 0}, {"g", 1, 0}};
	struct sfc_table *t = group_of(members, 7, 0);
	(void)state;

	for (int last = 0; last < 7; last++) {
		uint8_t up[7] = {0};

		up[last] = SFC_UP;
		for (uint32_t i = 0; i < SFC_GROUP_SLOTS; i++)
			assert_int_equal(chosen(t, up, i, 0), last);
		/* One that drains is not chosen, even when it is the only one. */
		up[last] = SFC_DRAINING;
		for (uint32_t i = 0; i < SFC_GROUP_SLOTS; i++)
			assert_int_equal(chosen(t, up, i, 0), -1);
	}
	sfc_table_free(t);
}

static void
from_a_transport_a_local_instance_comes_first(void **state)
{
	static const struct member members[] = {{"r-1", 9, 1}, {"l-1", 1, 0}, {"l-2", 1, 0}, {"r-2", 9, 2}};
	static const uint8_t all[4] = {1, 1, 1, 1};
	static const uint8_t one[4] = {1, 0, 1, 1};
	static const uint8_t remotes[4] = {1, 0, 0, 1};
	struct sfc_table *t = group_of(members, 4, 0);
	unsigned int seen[4] = {0};
	(void)state;

	for (uint32_t i = 0; i < SFC_GROUP_SLOTS; i++) {
		int to = chosen(t, all, i, 1);

		seen[to]++;
		assert_true(to == 1 || to == 2);
		assert_int_equal(chosen(t, one, i, 1), 2);
		to = chosen(t, remotes, i, 1);
		assert_true(to == 0 || to == 3);
	}
	assert_true(seen[1] > 0 && seen[2] > 0);
	sfc_table_free(t);
}

static void
a_function_without_instances_has_no_choice(void **state)
{
	static const uint8_t up[1] = {1};
	struct sfc_table *t = group_of(NULL, 0, 0);
	(void)state;

	assert_int_equal(chosen(t, up, 5, 0), -1);
	assert_int_equal(chosen(t, up, 5, 1), -1);
	assert_int_equal(t->group[0].slot[0], SFC_NONE);
	sfc_table_free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a6_a_fifth_instance_moves_at_most_22_percent),
		cmocka_unit_test(weights_are_respected_within_three_percent),
		cmocka_unit_test(sixty_four_equal_instances_all_get_flows),
		cmocka_unit_test(a5_every_node_chooses_the_same_instance),
		cmocka_unit_test(the_order_in_the_file_does_not_matter),
		cmocka_unit_test(a6_a_down_instance_moves_only_its_own_flows),
		cmocka_unit_test(the_last_instance_up_gets_everything),
		cmocka_unit_test(any_instance_may_be_the_last_one_up),
		cmocka_unit_test(from_a_transport_a_local_instance_comes_first),
		cmocka_unit_test(a_function_without_instances_has_no_choice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
