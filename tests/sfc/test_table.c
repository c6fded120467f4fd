#include "domain.h"
#include "sfc_table.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct sfc_table *
build(struct domain *d, int node)
{
	struct sfc_table *table = NULL;
	char err[256] = "";

	if (sfc_table_build(&d->config, node, &table, err, sizeof(err)) < 0)
		fail_msg("%s", err);
	return table;
}

static void
refuse(struct domain *d, int node, const char *message)
{
	struct sfc_table *table = NULL;
	char err[256] = "";

	assert_int_equal(sfc_table_build(&d->config, node, &table, err, sizeof(err)), -EINVAL);
	assert_null(table);
	assert_string_equal(err, message);
}

static void
every_configured_spi_si_is_found_and_no_other(void **state)
{
	static const uint32_t spis[] = {1, 2, 100, 255, 256, 4097, 65536};
	static const uint8_t initial[] = {255, 254, 1, 3, 255, 128, 7};
	static const unsigned int hops[] = {255, 1, 1, 0, 4, 128, 7};
	struct domain d;
	struct sfc_table *t;
	(void)state;

	domain_init(&d);
	int fw = domain_function(&d, "fw");
	domain_instance(&d, fw, "fw-1", 0, 1);
	for (size_t i = 0; i < 7; i++)
		domain_path(&d, spis[i], fw, hops[i], initial[i], 0);
	t = build(&d, 0);
	for (uint32_t spi = 0; spi < 65540; spi++) {
		size_t p = 0;

		while (p < 7 && spis[p] != spi)
			p++;
		for (int si = 0; si < 256; si++) {
			int known = -1;
			const struct sfp_entry *e = sfp_lookup(t, spi << 8 | (uint32_t)si, &known);

			assert_int_equal(known, p < 7);
			if (p == 7 || si > initial[p] || si < (int)(initial[p] - hops[p])) {
				assert_null(e);
				continue;
			}
			assert_non_null(e);
			assert_int_equal(e->path, p);
			assert_int_equal(e->kind, si == (int)(initial[p] - hops[p]) ? SFP_TERMINAL : SFP_SF);
			assert_int_equal(e->index, 0);
		}
	}
	sfc_table_free(t);
	domain_fini(&d);
}

static void
spis_beyond_the_table_are_unknown(void **state)
{
	struct domain d;
	struct sfc_table *t;
	int known;
	(void)state;

	domain_init(&d);
	int fw = domain_function(&d, "fw");
	domain_instance(&d, fw, "fw-1", 0, 1);
	domain_path(&d, SFC_SPI_MAX, fw, 1, 255, 0);
	t = build(&d, 0);
	assert_non_null(sfp_lookup(t, 0xFFFFFFFFu, &known));
	assert_int_equal(known, 1);
	assert_null(sfp_lookup(t, 0xFFFFFEFFu, &known));
	assert_int_equal(known, 0);
	sfc_table_free(t);
	d.config.path[0].spi = 5;
	t = build(&d, 0);
	assert_null(sfp_lookup(t, 0xFFFFFFFFu, &known));
	assert_int_equal(known, 0);
	sfc_table_free(t);
	domain_fini(&d);
}

static void
an_empty_configuration_finds_nothing(void **state)
{
	struct domain d;
	struct sfc_table *t;
	int known;
	(void)state;

	domain_init(&d);
	t = build(&d, 0);
	assert_null(sfp_lookup(t, 0, &known));
	assert_int_equal(known, 0);
	assert_null(sfp_lookup(t, 0x1FF, &known));
	assert_int_equal(known, 0);
	sfc_table_free(t);
	domain_fini(&d);
}

static void
sixteen_thousand_paths_of_255_hops_fit(void **state)
{
	struct domain d;
	struct sfc_table *t;
	(void)state;

	domain_init(&d);
	int fw = domain_function(&d, "fw");
	domain_instance(&d, fw, "fw-1", 0, 1);
	d.config.path = NULL;
	for (uint32_t i = 0; i < 16384; i++)
		domain_path(&d, 1 + i * 1023, fw, 255, 255, 0);
	t = build(&d, 0);
	assert_int_equal(t->n_entries, 16384 * 256);
	for (uint32_t i = 0; i < 16384; i++) {
		int known;
		const struct sfp_entry *last = sfp_lookup(t, (1 + i * 1023) << 8, &known);

		assert_non_null(last);
		assert_int_equal(last->kind, SFP_TERMINAL);
		assert_int_equal(last->path, i);
	}
	sfc_table_free(t);
	domain_fini(&d);
}

static void
a_path_that_ends_elsewhere_ends_in_a_remote(void **state)
{
	struct domain d;
	struct sfc_table *t;
	int known;
	(void)state;

	domain_init(&d);
	int fw = domain_function(&d, "fw");
	domain_instance(&d, fw, "fw-1", 0, 1);
	domain_path(&d, 7, fw, 1, 255, 2);
	t = build(&d, 0);
	const struct sfp_entry *e = sfp_lookup(t, 7 << 8 | 254, &known);
	assert_non_null(e);
	assert_int_equal(e->kind, SFP_REMOTE);
	const struct sfc_remote *r = &t->remote[e->index];
	assert_int_equal(r->node, 2);
	assert_int_equal(r->port, 1);
	assert_memory_equal(&r->ours, &d.locator[0][0], sizeof(r->ours));
	assert_memory_equal(&r->theirs, &d.locator[2][0], sizeof(r->theirs));
	assert_true(r->has_dmac);
	assert_memory_equal(r->dmac, d.locator[2][0].mac, 6);
	assert_int_equal(r->next_hop.family, 0);
	sfc_table_free(t);
	/* On the node of the egress the same position is the terminal. */
	t = build(&d, 2);
	e = sfp_lookup(t, 7 << 8 | 254, &known);
	assert_non_null(e);
	assert_int_equal(e->kind, SFP_TERMINAL);
	assert_int_equal(e->index, 0);
	sfc_table_free(t);
	domain_fini(&d);
}

/* Frames enter the first path at node a. */
static void
enter_at_a(struct domain *d)
{
	static struct sfc_rule rule = {
		.match_node = 0, .match_port = 0, .action = SFC_ACTION_PATH, .path = 0};

	d->config.rule = &rule;
	d->config.n_rules = 1;
}

static const struct sfc_addr here6 = {.family = 6, .plen = 128, .bytes = {0xfd, [15] = 1}};
static const struct sfc_addr there6 = {.family = 6, .plen = 128, .bytes = {0xfd, [15] = 2}};

static void
the_first_locator_with_a_common_transport_and_family_is_taken(void **state)
{
	/* The second node's two locators, and which of them the first node, with its one, can send to. */
	static const struct {
		enum sfc_transport ours, first, second;
		bool ours6, first6, second6;
		int taken; /* -1 = none */
	} rows[] = {
		{SFC_TRANSPORT_VXLAN_GPE, SFC_TRANSPORT_VXLAN_GPE, SFC_TRANSPORT_VXLAN_GPE, 0, 0, 0, 0},
		{SFC_TRANSPORT_VXLAN_GPE, SFC_TRANSPORT_VXLAN_GPE, SFC_TRANSPORT_VXLAN_GPE, 0, 1, 0, 1},
		{SFC_TRANSPORT_VXLAN_GPE, SFC_TRANSPORT_GENEVE, SFC_TRANSPORT_VXLAN_GPE, 0, 0, 0, 1},
		{SFC_TRANSPORT_GENEVE, SFC_TRANSPORT_GENEVE, SFC_TRANSPORT_VXLAN_GPE, 1, 1, 0, 0},
		{SFC_TRANSPORT_GRE, SFC_TRANSPORT_GENEVE, SFC_TRANSPORT_VXLAN_GPE, 0, 0, 0, -1},
		{SFC_TRANSPORT_GENEVE, SFC_TRANSPORT_GENEVE, SFC_TRANSPORT_VXLAN_GPE, 1, 0, 1, -1},
	};
	(void)state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct domain d;
		struct sfc_table *t;

		domain_init(&d);
		int fw = domain_function(&d, "fw");
		domain_instance(&d, fw, "fw-1", 1, 1);
		domain_path(&d, 7, fw, 1, 255, 0);
		enter_at_a(&d);
		d.locator[0][0].transport = rows[i].ours;
		d.locator[1][1] = d.locator[1][0];
		d.locator[1][1].vni = 42;
		d.locator[1][0].transport = rows[i].first;
		d.locator[1][1].transport = rows[i].second;
		if (rows[i].ours6)
			d.locator[0][0].address = here6;
		if (rows[i].first6)
			d.locator[1][0].address = there6;
		if (rows[i].second6)
			d.locator[1][1].address = there6;
		d.node[1].n_locators = 2;
		if (rows[i].taken < 0) {
			refuse(&d, 0,
				"path 'path-7' leads to node 'b', but its locators and those of node 'a' "
				"have no "
				"transport and address family in common");
		} else {
			t = build(&d, 0);
			const struct sfc_remote *r = &t->remote[t->target[0].index];
			assert_memory_equal(&r->theirs, &d.locator[1][rows[i].taken], sizeof(r->theirs));
			sfc_table_free(t);
		}
		domain_fini(&d);
	}
}

static void
the_next_hop_is_the_locator_on_the_link_and_the_gateway_off_it(void **state)
{
	struct sfc_addr prefix = {.family = 4, .plen = 24, .bytes = {10, 99, 0, 1}};
	struct domain d;
	struct sfc_table *t;
	(void)state;

	domain_init(&d);
	int fw = domain_function(&d, "fw");
	domain_instance(&d, fw, "fw-1", 1, 1);
	domain_path(&d, 7, fw, 1, 255, 0);
	enter_at_a(&d);
	d.port[1].address = &prefix;
	d.port[1].n_addresses = 1;
	d.locator[1][0].has_mac = false;
	t = build(&d, 0);
	assert_false(t->remote[t->target[0].index].has_dmac);
	assert_memory_equal(
		&t->remote[t->target[0].index].next_hop, &d.locator[1][0].address, sizeof(struct sfc_addr));
	sfc_table_free(t);

	d.locator[1][0].address.bytes[2] = 9;
	refuse(&d, 0,
		"path 'path-7' leads to node 'b', which is off the link of port 'core': that needs a "
		"gateway, or "
		"a mac in the locator");
	d.port[1].gateway4 = (struct sfc_addr){.family = 4, .plen = 32, .bytes = {10, 99, 0, 254}};
	t = build(&d, 0);
	assert_false(t->remote[t->target[0].index].has_dmac);
	assert_memory_equal(
		&t->remote[t->target[0].index].next_hop, &d.port[1].gateway4, sizeof(struct sfc_addr));
	sfc_table_free(t);
	/* A mac of its own is where the frame goes, whatever stands between. */
	d.locator[1][0].has_mac = true;
	t = build(&d, 0);
	assert_true(t->remote[t->target[0].index].has_dmac);
	sfc_table_free(t);
	/* That of its port is of no use behind a gateway. */
	d.port[1].has_mac = true;
	memcpy(d.port[1].mac, d.locator[1][0].mac, 6);
	t = build(&d, 0);
	assert_false(t->remote[t->target[0].index].has_dmac);
	sfc_table_free(t);
	domain_fini(&d);
}

static void
peers_are_the_other_nodes_addresses(void **state)
{
	static const uint8_t stranger_mac[6] = {2, 0, 0, 0, 0, 9};
	union nsh_addr a = {.half = {0, 0}};
	struct domain d;
	struct sfc_table *t;
	(void)state;

	domain_init(&d);
	d.locator[1][1] = d.locator[1][0];
	d.locator[1][1].address = there6;
	d.node[1].n_locators = 2;
	d.locator[2][1] = d.locator[2][0];
	d.locator[2][1].transport = SFC_TRANSPORT_ETHERNET;
	d.locator[2][1].address = (struct sfc_addr){0};
	d.node[2].n_locators = 2;
	t = build(&d, 0);
	for (unsigned int host = 0; host < 256; host++) {
		a = nsh_addr_of4(RTE_BE32(0x0a630000) | rte_cpu_to_be_32(host));
		assert_int_equal(sfc_is_peer(t, NSH_IPV4, &a), host == 2 || host == 3);
		assert_false(sfc_is_peer(t, NSH_IPV6, &a));
		memcpy(a.bytes, there6.bytes, 16);
		a.bytes[15] = (uint8_t)host;
		assert_int_equal(sfc_is_peer(t, NSH_IPV6, &a), host == 2);
	}
	assert_true(sfc_is_peer_mac(t, d.locator[2][1].mac));
	assert_false(sfc_is_peer_mac(t, d.locator[1][0].mac)); /* its transports have addresses */
	assert_false(sfc_is_peer_mac(t, stranger_mac));
	sfc_table_free(t);
	domain_fini(&d);
}

static void
targets_of_this_node_come_first(void **state)
{
	struct domain d;
	struct sfc_table *t;
	(void)state;

	domain_init(&d);
	int fw = domain_function(&d, "fw");
	int remote = domain_instance(&d, fw, "fw-1", 1, 1);
	int local = domain_instance(&d, fw, "fw-2", 0, 1);
	domain_path(&d, 7, fw, 1, 255, 0);
	t = build(&d, 0);
	const struct sfc_group *g = &t->group[0];
	assert_int_equal(g->n_targets, 2);
	assert_int_equal(g->n_local, 1);
	assert_int_equal(t->target[g->first_target].instance, local);
	assert_int_equal(t->target[g->first_target].kind, SFC_TARGET_LOCAL);
	assert_int_equal(t->target[g->first_target].index, local);
	assert_int_equal(t->target[g->first_target + 1].instance, remote);
	sfc_table_free(t);
	domain_fini(&d);
}

static void
reverse_is_known_where_the_egress_is(void **state)
{
	struct domain d;
	struct sfc_table *t;
	(void)state;

	domain_init(&d);
	int fw = domain_function(&d, "fw");
	domain_instance(&d, fw, "fw-1", 0, 1);
	domain_path(&d, 100, fw, 1, 255, 0);
	domain_path(&d, 101, fw, 1, 9, 0);
	d.config.path[0].reverse = 1;
	t = build(&d, 0);
	assert_int_equal(t->path[0].sp, 100 << 8 | 255);
	assert_int_equal(t->path[0].reverse_port, 0);
	assert_int_equal(t->path[0].reverse, 1);
	assert_int_equal(t->path[1].sp, 101 << 8 | 9);
	assert_int_equal(t->path[1].reverse_port, -1);
	assert_int_equal(t->path[1].reverse, SFC_NONE);
	sfc_table_free(t);
	t = build(&d, 1);
	assert_int_equal(t->path[0].reverse_port, -1);
	assert_int_equal(t->path[0].reverse, SFC_NONE);
	sfc_table_free(t);
	domain_fini(&d);
}

static void
what_cannot_be_reached_is_refused_by_name(void **state)
{
	struct domain d;
	(void)state;

	domain_init(&d);
	int fw = domain_function(&d, "fw");
	domain_instance(&d, fw, "fw-1", 1, 1);
	domain_path(&d, 7, fw, 1, 255, 0);
	enter_at_a(&d);
	d.node[1].n_locators = 0;
	refuse(&d, 0,
		"path 'path-7' leads to node 'b', but its locators and those of node 'a' have no transport "
		"and "
		"address family in common");
	d.node[1].n_locators = 1;
	d.node[0].n_ports = 0;
	d.locator[0][0].port = -1;
	refuse(&d, 0, "path 'path-7' leads to node 'b', but no locator of node 'a' names a port");
	domain_fini(&d);
}

static void
paths_of_other_nodes_need_no_way_from_here(void **state)
{
	struct domain d;
	struct sfc_table *t;
	int known;
	(void)state;

	domain_init(&d);
	int fw = domain_function(&d, "fw");
	domain_instance(&d, fw, "fw-1", 1, 1);
	domain_path(&d, 7, fw, 1, 255, 1);
	d.node[0].n_locators = 0;
	t = build(&d, 0);
	assert_null(sfp_lookup(t, 7 << 8 | 255, &known));
	assert_int_equal(known, 0);
	sfc_table_free(t);
	/* A rule that sends frames of this node into it makes it ours. */
	struct sfc_rule rule = {.match_node = -1, .match_port = -1, .action = SFC_ACTION_PATH, .path = 0};
	d.config.rule = &rule;
	d.config.n_rules = 1;
	refuse(&d, 0,
		"path 'path-7' leads to node 'b', but its locators and those of node 'a' have no transport "
		"and "
		"address family in common");
	domain_fini(&d);
}

static void
only_hops_that_are_sent_to_from_here_must_be_in_reach(void **state)
{
	struct domain d;
	struct sfc_table *t;
	int known;
	(void)state;

	/* a sends to b by VXLAN-GPE, b to c by Geneve: a cannot reach c and need not. */
	domain_init(&d);
	int on_b = domain_function(&d, "on-b");
	domain_instance(&d, on_b, "b-1", 1, 1);
	domain_path(&d, 7, on_b, 1, 255, 2);
	enter_at_a(&d);
	d.locator[1][1] = d.locator[1][0];
	d.locator[1][1].transport = SFC_TRANSPORT_GENEVE;
	d.node[1].n_locators = 2;
	d.locator[2][0].transport = SFC_TRANSPORT_GENEVE;
	t = build(&d, 0);
	assert_non_null(sfp_lookup(t, 7 << 8 | 255, &known));
	assert_null(sfp_lookup(t, 7 << 8 | 254, &known));
	assert_int_equal(known, 1);
	sfc_table_free(t);
	t = build(&d, 1);
	assert_int_equal(sfp_lookup(t, 7 << 8 | 254, &known)->kind, SFP_REMOTE);
	sfc_table_free(t);
	t = build(&d, 2);
	assert_int_equal(sfp_lookup(t, 7 << 8 | 254, &known)->kind, SFP_TERMINAL);
	sfc_table_free(t);
	/* Where the function may be passed by on a, a sends to c itself. */
	d.config.function[on_b].on_failure = SFC_ON_FAILURE_BYPASS;
	refuse(&d, 0,
		"path 'path-7' leads to node 'c', but its locators and those of node 'a' have no transport "
		"and "
		"address family in common");
	domain_fini(&d);
}

static void
impossible_paths_are_refused(void **state)
{
	struct domain d;
	(void)state;

	domain_init(&d);
	int fw = domain_function(&d, "fw");
	domain_instance(&d, fw, "fw-1", 0, 1);
	domain_path(&d, 7, fw, 3, 2, 0);
	refuse(&d, 0, "path 'path-7': 3 hops do not fit below initial SI 2");
	d.config.path[0].initial_si = 255;
	d.config.path[0].spi = 0;
	refuse(&d, 0, "path 'path-7': SPI 0 is not within 1..16777215");
	d.config.path[0].spi = 0x1000000;
	refuse(&d, 0, "path 'path-7': SPI 16777216 is not within 1..16777215");
	d.config.path[0].spi = 7;
	domain_path(&d, 7, fw, 1, 255, 0);
	refuse(&d, 0, "path 'path-7': SPI 7 is another path's too");
	domain_fini(&d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_configured_spi_si_is_found_and_no_other),
		cmocka_unit_test(spis_beyond_the_table_are_unknown),
		cmocka_unit_test(an_empty_configuration_finds_nothing),
		cmocka_unit_test(sixteen_thousand_paths_of_255_hops_fit),
		cmocka_unit_test(a_path_that_ends_elsewhere_ends_in_a_remote),
		cmocka_unit_test(the_first_locator_with_a_common_transport_and_family_is_taken),
		cmocka_unit_test(the_next_hop_is_the_locator_on_the_link_and_the_gateway_off_it),
		cmocka_unit_test(peers_are_the_other_nodes_addresses),
		cmocka_unit_test(targets_of_this_node_come_first),
		cmocka_unit_test(reverse_is_known_where_the_egress_is),
		cmocka_unit_test(what_cannot_be_reached_is_refused_by_name),
		cmocka_unit_test(paths_of_other_nodes_need_no_way_from_here),
		cmocka_unit_test(only_hops_that_are_sent_to_from_here_must_be_in_reach),
		cmocka_unit_test(impossible_paths_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
