/* What the operator says of instances, branches and secure paths: from the file to the tables. */
#include "sfc_load.h"
#include "sfc_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

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

static struct sfc_config *
load(const char *text)
{
	struct sfc_config *config;
	struct sfc_errors errors;

	if (sfc_load_memory(&schema, "x", text, strlen(text), &config, &errors) != 0)
		fail_msg("%u: %s", errors.error[0].line, errors.error[0].reason);
	return config;
}

#define NODES(secure_a, secure_b)                                                                            \
	"sfc:\n"                                                                                             \
	" node:\n"                                                                                           \
	"  - name: a\n"                                                                                      \
	"    port:\n"                                                                                        \
	"     - { name: lan, device: n0, role: access }\n"                                                   \
	"     - { name: core, device: n1, role: transport, address: 10.99.0.1/24,"                           \
	"         mac: '02:00:00:00:0a:01', secure: " secure_a " }\n"                                        \
	"    locator: { transport: vxlan-gpe, address: 10.99.0.1 }\n"                                        \
	"  - name: b\n"                                                                                      \
	"    port:\n"                                                                                        \
	"     - { name: core, device: n1, role: transport, address: 10.99.0.2/24,"                           \
	"         mac: '02:00:00:00:0b:01', secure: " secure_b " }\n"                                        \
	"    locator: { transport: vxlan-gpe, address: 10.99.0.2 }\n"
#define FUNCTIONS                                                                                            \
	" function:\n"                                                                                       \
	"  - name: fw\n"                                                                                     \
	"    may-reclassify: [two, one]\n"                                                                   \
	"    instance:\n"                                                                                    \
	"     - { name: fw-1, node: a, vm: { image: fw } }\n"                                                \
	"     - { name: fw-2, node: a, admin: drain, vm: { image: fw } }\n"                                  \
	"     - { name: fw-3, node: a, admin: down, vm: { image: fw } }\n"                                   \
	"  - { name: ids, may-reclassify: two, instance: [ { name: ids-1, node: b, vm: { image: m } } ] }\n"
#define PATHS                                                                                                \
	" path:\n"                                                                                           \
	"  - { name: one, spi: 1, hops: [fw], egress: lan, secure: true }\n"                                 \
	"  - { name: two, spi: 2, initial-si: 9, hops: [ids, fw], egress: lan, secure: true }\n"             \
	"  - { name: three, spi: 3, hops: [ids], egress: lan }\n"

static void
admin_branches_and_secure_arrive(void **state)
{
	struct sfc_config *c = load(NODES("true", "true") FUNCTIONS PATHS);

	(void)state;
	assert_false(c->node[0].port[0].secure);
	assert_true(c->node[0].port[1].secure);
	assert_int_equal(c->instance[0].admin, SFC_ADMIN_UP);
	assert_int_equal(c->instance[1].admin, SFC_ADMIN_DRAIN);
	assert_int_equal(c->instance[2].admin, SFC_ADMIN_DOWN);
	assert_int_equal(c->function[0].n_may_reclassify, 2);
	assert_int_equal(c->function[0].may_reclassify[0], 1);
	assert_int_equal(c->function[0].may_reclassify[1], 0);
	assert_int_equal(c->function[1].n_may_reclassify, 1);
	assert_int_equal(c->function[1].may_reclassify[0], 1);
	assert_true(c->path[0].secure);
	assert_false(c->path[2].secure);
	sfc_config_free(c);
}

static void
tables_know_branches_and_secure_paths(void **state)
{
	struct sfc_config *c = load(NODES("true", "true") FUNCTIONS PATHS);
	struct sfc_table *t;
	char err[256];
	int known;

	(void)state;
	assert_int_equal(sfc_table_build(c, 0, &t, err, sizeof(err)), 0);
	assert_true(sfc_group_may_branch(t, &t->group[0], 0));
	assert_true(sfc_group_may_branch(t, &t->group[0], 1));
	assert_false(sfc_group_may_branch(t, &t->group[0], 2));
	assert_false(sfc_group_may_branch(t, &t->group[1], 0));
	assert_true(sfc_group_may_branch(t, &t->group[1], 1));
	for (uint32_t si = 7; si <= 9; si++)
		assert_int_equal(sfp_lookup(t, 2 << 8 | si, &known)->flags, SFP_SECURE);
	assert_int_equal(sfp_lookup(t, 3 << 8 | 255, &known)->flags, 0);
	assert_int_equal(sfp_first(t, 2 << 8 | 1), 2 << 8 | 9);
	assert_true(sfp_has_function(t, 2, 0));
	assert_true(sfp_has_function(t, 2, 1));
	assert_false(sfp_has_function(t, 1, 1));
	assert_false(sfp_has_function(t, 77, 0));
	sfc_table_free(t);
	sfc_config_free(c);
}

/* No rule leads into it: that a function here may branch to it is enough. */
static void
a_path_that_is_only_branched_to_needs_its_way(void **state)
{
	static const char text[] =
		"sfc:\n"
		" node:\n"
		"  - { name: a, port: [ { name: lan, device: n0, role: access } ] }\n"
		"  - { name: b, port: [ { name: wan, device: n0, role: access } ] }\n"
		" function:\n"
		"  - name: fw\n"
		"    may-reclassify: far\n"
		"    instance: [ { name: fw-1, node: a, vm: { image: fw } } ]\n"
		"  - { name: ids, instance: [ { name: ids-1, node: b, vm: { image: m } } ] }\n"
		" path: [ { name: far, spi: 2, hops: [ids], egress: wan } ]\n";
	struct sfc_config *config;
	struct sfc_errors errors;

	(void)state;
	assert_int_not_equal(sfc_load_memory(&schema, "x", text, sizeof(text) - 1, &config, &errors), 0);
	assert_int_equal(errors.n, 2);
	assert_string_equal(
		errors.error[0].reason, "node 'a' needs a locator: path 'far' goes over several nodes");
	sfc_errors_free(&errors);
}

static void
one_port_that_is_not_secure_is_enough(void **state)
{
	static const char text[] = NODES("true", "false") FUNCTIONS PATHS;
	struct sfc_config *config;
	struct sfc_errors errors;

	(void)state;
	assert_int_not_equal(sfc_load_memory(&schema, "x", text, sizeof(text) - 1, &config, &errors), 0);
	assert_int_equal(errors.n, 1); /* path one stays on node a */
	assert_string_equal(errors.error[0].path, "/sfc/path[name='two']/secure");
	assert_string_equal(
		errors.error[0].reason, "its NSH may cross port 'core' of node 'b', which is not secure");
	sfc_errors_free(&errors);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(admin_branches_and_secure_arrive),
		cmocka_unit_test(tables_know_branches_and_secure_paths),
		cmocka_unit_test(a_path_that_is_only_branched_to_needs_its_way),
		cmocka_unit_test(one_port_that_is_not_secure_is_enough),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
