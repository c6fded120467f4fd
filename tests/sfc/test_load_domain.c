/* What nodes need to reach each other, and domains of many paths and rules. */
#include "sfc_load.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static struct sfc_schema schema;

static int
setup(void **state)
{
	(void)state;
	return sfc_schema_create(&schema);
}

static int
teardown(void **state)
{
	(void)state;
	sfc_schema_destroy(&schema);
	return 0;
}

/* Reasons of all errors, one per line. */
static const char *
reasons(const char *text)
{
	static char all[4096];
	struct sfc_config *config;
	struct sfc_errors errors;
	size_t used = 0;

	sfc_load_memory(&schema, "x", text, strlen(text), &config, &errors);
	all[0] = '\0';
	for (unsigned int i = 0; i < errors.n; i++)
		used += (size_t)snprintf(all + used, sizeof(all) - used, "%u: %s\n", errors.error[i].line,
			errors.error[i].reason);
	assert_true(used < sizeof(all));
	sfc_errors_free(&errors);
	sfc_config_free(config);
	return all;
}

#define PORTS_A "port: [ { name: lan, device: n0, role: access } ]"
#define PORTS_B "port: [ { name: wan, device: n0, role: access } ]"
#define CORE_A                                                                                               \
	"port: [ { name: lan, device: n0, role: access }, { name: core, device: n1, role: transport } ]"
#define CORE_B                                                                                               \
	"port: [ { name: wan, device: n0, role: access }, { name: core, device: n1, role: transport, mtu: "  \
	"9000, "                                                                                             \
	"address: [10.0.0.2/24, \"fd00::2/64\"] } ]"
#define FW_ON_A "function: [ { name: fw, instance: [ { name: fw-1, node: a, vm: { image: fw } } ] } ]"

static void
one_node_needs_no_locator(void **state)
{
	(void)state;
	assert_string_equal(reasons("sfc:\n"
				    " node: [ { name: a, " PORTS_A " }, { name: b, " PORTS_B " } ]\n"
				    " " FW_ON_A "\n"
				    " path: [ { name: p, spi: 1, hops: [fw], egress: lan } ]\n"
				    " rule: [ { name: r, match: { port: lan }, action: { path: p } } ]\n"),
		"");
}

static void
rule_without_a_port_lets_every_node_with_an_access_port_take_part(void **state)
{
	(void)state;
	assert_string_equal(reasons("sfc:\n"
				    " node:\n"
				    "  - { name: a, " PORTS_A " }\n"
				    "  - { name: b, " PORTS_B " }\n"
				    "  - { name: c }\n"
				    " " FW_ON_A "\n"
				    " path: [ { name: p, spi: 1, hops: [fw], egress: lan } ]\n"
				    " rule: [ { name: r, action: { path: p } } ]\n"),
		"3: node 'a' needs a locator: path 'p' goes over several nodes\n"
		"4: node 'b' needs a locator: path 'p' goes over several nodes\n");
}

static void
nodes_that_talk_need_a_transport_in_common(void **state)
{
	(void)state;
	assert_string_equal(
		reasons("sfc:\n"
			" node:\n"
			"  - { name: a, " CORE_A ", locator: { transport: geneve, address: 10.0.0.1 } }\n"
			"  - { name: b, " CORE_B ", locator: { transport: vxlan-gpe, address: 10.0.0.2 } }\n"
			" " FW_ON_A "\n"
			" path: [ { name: p, spi: 1, hops: [fw], egress: b/core } ]\n"
			" rule: [ { name: r, match: { port: wan }, action: { path: p } } ]\n"),
		"6: leads from node 'b' to node 'a', whose locators have no transport and address family in "
		"common\n"
		"6: leads from node 'a' to node 'b', whose locators have no transport and address family in "
		"common\n");
}

static void
reverse_path_is_entered_at_the_egress_of_the_other(void **state)
{
	(void)state;
	assert_string_equal(
		reasons("sfc:\n"
			" node:\n"
			"  - { name: a, " CORE_A ", locator: { transport: gre, address: \"fd00::1\" } }\n"
			"  - { name: b, " CORE_B ", locator: { transport: gre, address: 10.0.0.2 } }\n"
			" function: [ { name: fw, instance: [ { name: fw-1, node: a, vm: { image: fw } } ] } "
			"]\n"
			" path:\n"
			"  - { name: p, spi: 1, hops: [fw], egress: lan, reverse: q }\n"
			"  - { name: q, spi: 2, hops: [fw], egress: wan }\n"),
		"8: leads from node 'a' to node 'b', whose locators have no transport and address family in "
		"common\n");
}

/* Warnings of a path from a to b over a link of this IP MTU, NULL = one that says nothing. */
static char *
warnings_of(const char *mtu, const char *transport, const char *path)
{
	static char text[1024], said[512];
	struct sfc_config *config;
	struct sfc_errors errors;

	snprintf(text, sizeof(text),
		"sfc:\n"
		" node:\n"
		"  - name: a\n"
		"    port:\n"
		"     - { name: lan, device: n0, role: access }\n"
		"     - { name: core, device: n1, role: transport, address: [10.0.0.1/24, \"fd00::1/64\"] "
		"%s%s }\n"
		"    locator: { transport: %s1\" }\n"
		"  - { name: b, " CORE_B ", locator: { transport: %s2\" } }\n"
		" " FW_ON_A "\n"
		" path: [ { name: p, spi: 1, hops: [fw], egress: wan, %s } ]\n",
		mtu ? ", mtu: " : "", mtu ? mtu : "", transport, transport, path);
	assert_int_equal(sfc_load_memory(&schema, "x", text, strlen(text), &config, &errors), 0);
	said[0] = '\0';
	for (unsigned int i = 0; i < config->warnings.n; i++) {
		const struct sfc_error *e = &config->warnings.error[i];

		assert_int_equal(e->line, 10);
		assert_string_equal(e->path, "/sfc/path[name='p']");
		snprintf(said, sizeof(said), "%s", e->reason);
	}
	sfc_config_free(config);
	return said;
}

/* Protocols N17 and the sizes of the headers: what a full frame needs. */
static void
m2_links_too_small_for_a_full_frame_are_warned_of(void **state)
{
	static const struct {
		const char *transport, *path;
		unsigned int need;
	} rows[] = {
		{"vxlan-gpe, address: \"10.0.0.", "md-type: 2", 1558},
		{"vxlan-gpe, address: \"10.0.0.", "md-type: 1", 1574},
		{"vxlan-gpe, address: \"fd00::", "md-type: 1", 1594},
		{"vxlan, address: \"10.0.0.", "md-type: 1", 1588},
		{"geneve, address: \"fd00::", "md-type: 2", 1578},
		{"geneve, inner-ethernet: true, address: \"10.0.0.", "md-type: 2", 1572},
		{"gre, address: \"10.0.0.", "md-type: 1", 1562},
		{"gre, key: 0, address: \"10.0.0.", "md-type: 1", 1566},
		{"udp, udp-port: 7000, address: \"10.0.0.", "md-type: 1", 1566},
		{"ethernet, mac: \"02:00:00:00:00:0", "md-type: 1", 1538},
	};
	char want[256], mtu[16];
	(void)state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(mtu, sizeof(mtu), "%u", rows[i].need);
		assert_string_equal(warnings_of(mtu, rows[i].transport, rows[i].path), "");
		snprintf(mtu, sizeof(mtu), "%u", rows[i].need - 1);
		snprintf(want, sizeof(want),
			"a full frame needs an IP MTU of %u from node 'a' to node 'b', which is %u: larger "
			"ones "
			"are dropped",
			rows[i].need, rows[i].need - 1);
		assert_string_equal(warnings_of(mtu, rows[i].transport, rows[i].path), want);
		/* A link that says nothing is Ethernet as usual. */
		snprintf(want, sizeof(want),
			"a full frame needs an IP MTU of %u from node 'a' to node 'b', which is 1500: larger "
			"ones "
			"are dropped",
			rows[i].need);
		assert_string_equal(warnings_of(NULL, rows[i].transport, rows[i].path), want);
	}
}

static void
locator_without_a_port_takes_the_transport_port_with_its_address(void **state)
{
	static const char text[] = "sfc:\n"
				   " node:\n"
				   "  - name: a\n"
				   "    port:\n"
				   "     - { name: x, device: n0, role: transport, address: 10.0.1.1/24 }\n"
				   "     - { name: y, device: n1, role: transport, address: 10.0.2.1/24 }\n"
				   "    locator:\n"
				   "     - { transport: vxlan-gpe, address: 10.0.2.1 }\n"
				   "     - { transport: vxlan-gpe, address: 10.0.1.1 }\n"
				   "  - { name: b, port: [ { name: z, device: n0, role: transport } ],\n"
				   "      locator: { transport: vxlan-gpe, address: 10.0.3.1 } }\n";
	struct sfc_config *config;
	struct sfc_errors errors;

	(void)state;
	assert_int_equal(sfc_load_memory(&schema, "x", text, sizeof(text) - 1, &config, &errors), 0);
	assert_int_equal(config->node[0].locator[0].port, 1);
	assert_int_equal(config->node[0].locator[1].port, 0);
	assert_int_equal(config->node[1].locator[0].port, 0); /* the only one */
	sfc_config_free(config);
}

#define PATHS 16384u
#define RULES 10000u

static void
many_paths_and_rules_load_in_seconds(void **state)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	struct sfc_config *config;
	struct sfc_errors errors;
	struct timespec from, to;
	double took;

	(void)state;
	assert_non_null(out);
	fprintf(out, "sfc:\n node: [ { name: a, " PORTS_A " } ]\n " FW_ON_A "\n path:\n");
	for (unsigned int i = 1; i <= PATHS; i++)
		fprintf(out, "  - { name: p%u, spi: %u, hops: [fw, fw], egress: lan, reverse: p%u }\n", i,
			i * 1000, i % PATHS + 1);
	fprintf(out, " rule:\n");
	for (unsigned int i = 0; i < RULES; i++)
		fprintf(out,
			"  - { name: r%u, match: { port: lan, source: 10.%u.%u.0/24, protocol: udp,\n"
			"      destination-port: %u }, action: { path: p%u, metadata: { words: [%u] } } }\n",
			i, i >> 8, i & 255, i, i + 1, i);
	fclose(out);
	clock_gettime(CLOCK_MONOTONIC, &from);
	assert_int_equal(sfc_load_memory(&schema, "x", text, size, &config, &errors), 0);
	clock_gettime(CLOCK_MONOTONIC, &to);
	took = (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
	print_message("%u paths and %u rules, %.1f MB: %.2f s\n", PATHS, RULES, (double)size / 1e6, took);
	assert_true(took < 60); /* about 1 s; quadratic would be minutes */
	assert_int_equal(config->n_paths, PATHS);
	assert_int_equal(config->path[PATHS - 1].spi, PATHS * 1000);
	assert_int_equal(config->path[PATHS - 1].reverse, 0);
	assert_int_equal(config->rule[RULES - 1].word[0], RULES - 1);
	assert_int_equal(config->rule[RULES - 1].path, RULES - 1);
	sfc_config_free(config);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_node_needs_no_locator),
		cmocka_unit_test(rule_without_a_port_lets_every_node_with_an_access_port_take_part),
		cmocka_unit_test(nodes_that_talk_need_a_transport_in_common),
		cmocka_unit_test(reverse_path_is_entered_at_the_egress_of_the_other),
		cmocka_unit_test(m2_links_too_small_for_a_full_frame_are_warned_of),
		cmocka_unit_test(locator_without_a_port_takes_the_transport_port_with_its_address),
		cmocka_unit_test(many_paths_and_rules_load_in_seconds),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
