#include "stages.h"

/* Last: every edge the graph declares was taken by some frame above, and the names say which was not. */
static void
every_edge_of_the_graph_was_taken(void **state)
{
	unsigned int missing = 0;

	(void)state;
	for (unsigned int s = 0; s < SFF_STAGE_MAX; s++) {
		const struct sff_stage_info *info = &sff_stages[s];

		for (unsigned int e = 0; e < SFF_STAGE_MAX; e++)
			if ((info->next & ~fixture_next_seen[s]) & UINT32_C(1) << e) {
				print_error("not taken: %s -> %s\n", info->name, sff_stages[e].name);
				missing++;
			}
		for (unsigned int d = 0; d < SFC_DROP_MAX; d++)
			if ((info->drops & ~fixture_drops_seen[s]) & UINT64_C(1) << d) {
				print_error("not taken: %s drops %s\n", info->name, sfc_drop_name(d));
				missing++;
			}
	}
	assert_int_equal(missing, 0);
}

static void
stages_have_names_of_their_own_and_functions(void **state)
{
	(void)state;
	for (unsigned int s = 0; s < SFF_STAGE_MAX; s++) {
		assert_non_null(sff_stages[s].fn);
		for (unsigned int t = 0; t < s; t++)
			assert_string_not_equal(sff_stages[s].name, sff_stages[t].name);
	}
}

int
main(void)
{
	const struct CMUnitTest graph[] = {
		cmocka_unit_test(every_edge_of_the_graph_was_taken),
		cmocka_unit_test(stages_have_names_of_their_own_and_functions),
	};
	int failed = stages_access();

	failed += stages_transport();
	failed += stages_transport_nsh();
	failed += stages_sf();
	failed += stages_output();
	failed += stages_proxy();
	failed += stages_attach();
	failed += stages_mix();
	failed += stages_underlay();
	failed += stages_ip();
	return failed + cmocka_run_group_tests_name("graph", graph, NULL, NULL);
}
