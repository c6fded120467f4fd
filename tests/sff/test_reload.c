/* What a change of configuration takes over: counts of paths and hops, the ports of VMs, what proxies keep.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../test_eal.h"

#include "sfc_load.h"
#include "sff_carry.h"
#include "sff_ports.h"
#include "sff_proxy.h"

#define DOMAIN_HEAD                                                                                          \
	"sfc:\n"                                                                                             \
	"  node: [ { name: here, port: [ { name: wan, device: none, role: access } ] } ]\n"                  \
	"  function:\n"

/* A configuration and its tables, as much of a plane as is needed here. */
static void
open_plane(struct sff_plane *plane, const char *text)
{
	struct sfc_schema schema;
	struct sfc_errors errors;
	struct sfc_config *config;
	struct sfc_table *table;
	char err[256];

	assert_int_equal(sfc_schema_create(&schema), 0);
	if (sfc_load_memory(&schema, "test", text, strlen(text), &config, &errors) != 0)
		fail_msg("%u:%u: %s", errors.error[0].line, errors.error[0].column, errors.error[0].reason);
	assert_int_equal(sfc_table_build(config, 0, &table, err, sizeof(err)), 0);
	sfc_schema_destroy(&schema);
	*plane = (struct sff_plane){.config = config, .table = table};
}

static void
close_plane(struct sff_plane *plane)
{
	sfc_table_free((struct sfc_table *)(uintptr_t)plane->table);
	sfc_config_free((struct sfc_config *)(uintptr_t)plane->config);
}

static const struct sfp_entry *
entry_of(const struct sff_plane *plane, uint32_t spi, uint32_t si)
{
	int known;
	const struct sfp_entry *entry = sfp_lookup(plane->table, spi << 8 | si, &known);

	assert_non_null(entry);
	return entry;
}

static struct sff_hop_count *
hop_of(const struct sff_plane *plane, struct sff_hop_count *hop, uint32_t spi, uint32_t si)
{
	return &hop[entry_of(plane, spi, si) - plane->table->entry];
}

static void
counts_go_by_name_of_path_and_place_of_function(void **state)
{
	struct sff_plane a, b;
	struct sff_carried from, to;
	struct sff_view view;

	(void)state;
	open_plane(&a, DOMAIN_HEAD
		"    - { name: f, instance: [ { name: f-1, node: here, vm: { image: bridge } } ] }\n"
		"    - { name: g, instance: [ { name: g-1, node: here, vm: { image: bridge } } ] }\n"
		"  path:\n"
		"    - { name: gone, spi: 9, hops: [f], egress: wan }\n"
		"    - { name: kept, spi: 10, hops: [f, g], egress: wan }\n");
	open_plane(&b, DOMAIN_HEAD
		"    - { name: g, instance: [ { name: g-1, node: here, vm: { image: bridge } } ] }\n"
		"    - { name: f, instance: [ { name: f-1, node: here, vm: { image: bridge } } ] }\n"
		"  path:\n"
		"    - { name: kept, spi: 77, hops: [f, f], egress: wan }\n"
		"    - { name: new, spi: 9, hops: [f], egress: wan }\n");
	assert_int_equal(sff_carried_create(&a, &from), 0);
	assert_int_equal(sff_carried_create(&b, &to), 0);

	/* Two workers, then an earlier plane's. */
	view = (struct sff_view){.plane = &a,
		.path = calloc(a.table->n_paths, sizeof(view.path[0])),
		.hop = calloc(a.table->n_entries, sizeof(view.hop[0])),
		.proxy = calloc(a.table->n_groups, sizeof(view.proxy[0]))};
	test_eal_init();
	assert_int_equal(sff_proxy_create(8, 10, &view.proxy[1]), 0);
	sff_proxy_count(view.proxy[1])->missed = 21;
	view.path[0].in = 1000;
	view.path[1] = (struct sff_path_count){.in = 5, .out = 4, .unknown_context = 3};
	hop_of(&a, view.hop, 9, 255)->in = 1000;
	*hop_of(&a, view.hop, 10, 255) = (struct sff_hop_count){.in = 7, .out = 6};
	*hop_of(&a, view.hop, 10, 254) = (struct sff_hop_count){.in = 2, .out = 1};
	sff_carried_add_view(&from, &view);
	sff_carried_add_view(&from, &view);
	sff_carried_add(&to, &b, &from, &a);
	to.path[0].in += 100;
	assert_int_equal(to.path[0].in, 110);
	assert_int_equal(to.path[0].out, 8);
	assert_int_equal(to.path[0].unknown_context, 6);
	assert_int_equal(to.path[1].in, 0);
	/* Function g is the second one here, and the first there. */
	assert_int_equal(to.proxy[0].missed, 42);
	assert_int_equal(to.proxy[1].missed, 0);
	assert_int_equal(hop_of(&b, to.hop, 77, 255)->in, 14);
	assert_int_equal(hop_of(&b, to.hop, 77, 255)->out, 12);
	/* Another function stands there now, and another path has that number. */
	assert_int_equal(hop_of(&b, to.hop, 77, 254)->in, 0);
	assert_int_equal(hop_of(&b, to.hop, 9, 255)->in, 0);

	/* A node that did not change yet has nothing to add. */
	sff_carried_free(&from);
	sff_carried_add(&to, &b, &from, &a);
	assert_int_equal(to.path[0].in, 110);

	free(view.path);
	free(view.hop);
	sff_proxy_destroy(view.proxy[1]);
	free(view.proxy);
	sff_carried_free(&to);
	close_plane(&a);
	close_plane(&b);
}

static void
ports_of_vms_that_are_gone_are_not_kept(void **state)
{
	struct pmd_port kept, again, closed, opened, wire;
	uint64_t consumed;
	struct sff_vm vm[4] = {{.pending = false}, {.pending = false}, {.pending = true}, {.leaving = true}};
	const struct sff_vms vms = {.vm = vm, .n = 4};
	struct sff_port was[] = {
		{.pmd = &wire, .kind = SFF_PORT_TRANSPORT},
		{.pmd = &kept, .kind = SFF_PORT_SF, .consumed = &consumed},
		{.pmd = NULL, .kind = SFF_PORT_SF},
		{.kind = SFF_PORT_ATTACHED},
	};
	struct sff_port is[] = {
		{.pmd = &wire, .kind = SFF_PORT_TRANSPORT},
		{.pmd = &again, .kind = SFF_PORT_SF},
		{.pmd = &closed, .kind = SFF_PORT_SF, .consumed = &consumed},
		{.pmd = &opened, .kind = SFF_PORT_SF, .consumed = &consumed},
		{.pmd = &closed, .kind = SFF_PORT_SF, .consumed = &consumed},
		{.kind = SFF_PORT_ATTACHED},
	};
	const struct sff_plane from = {.port = was, .n_external = 1, .n_ports = 4};
	struct sff_plane plane = {.port = is, .n_external = 1, .n_ports = 6};

	(void)state;
	sff_ports_refresh(&plane, &from, &vms);
	assert_ptr_equal(is[0].pmd, &wire);
	assert_ptr_equal(is[1].pmd, &kept);
	assert_ptr_equal(is[1].consumed, &consumed);
	assert_null(is[2].pmd);
	assert_null(is[2].consumed);
	assert_ptr_equal(is[3].pmd, &opened); /* its VM is not known to the old plane */
	assert_ptr_equal(is[3].consumed, &consumed);
	assert_null(is[4].pmd);
	assert_null(is[5].pmd);
}

static void
a_function_whose_last_instance_leaves_keeps_headers(void **state)
{
	struct sff_port port[2] = {
		{.kind = SFF_PORT_ACCESS, .function = SFC_NONE},
		{
			.kind = SFF_PORT_SF,
			.instance = SFC_NONE,
			.function = 0,
			.sf = {.proxied = true, .style = SFC_PROXY_FLOW},
		},
	};
	struct sff_plane plane;
	struct sff_view view;

	(void)state;
	test_eal_init();
	open_plane(&plane, "sfc:\n"
			   "  node:\n"
			   "    - name: here\n"
			   "      locator: { transport: vxlan-gpe, address: 10.0.0.1, port: core }\n"
			   "      port:\n"
			   "        - { name: wan, device: none, role: access }\n"
			   "        - { name: core, device: none, role: transport, address: 10.0.0.1/24 }\n"
			   "    - { name: far, locator: { transport: vxlan-gpe, address: 10.0.0.2 } }\n"
			   "  function:\n"
			   "    - name: plain\n"
			   "      nsh-aware: false\n"
			   "      proxy: { style: flow }\n"
			   "      instance: [ { name: p-1, node: far, vm: { image: bridge } } ]\n"
			   "  path: [ { name: p, spi: 1, hops: [plain], egress: here/wan } ]\n");
	plane.port = port;
	plane.n_external = 1;
	plane.n_ports = 1;
	assert_int_equal(sff_view_create(&plane, NULL, &view), 0);
	assert_null(view.proxy[0]);
	sff_view_destroy(&view);
	/* Its frames come back for a while: they are looked for in the table. */
	plane.n_ports = 2;
	assert_int_equal(sff_view_create(&plane, NULL, &view), 0);
	assert_non_null(view.proxy[0]);
	sff_view_destroy(&view);
	close_plane(&plane);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_go_by_name_of_path_and_place_of_function),
		cmocka_unit_test(ports_of_vms_that_are_gone_are_not_kept),
		cmocka_unit_test(a_function_whose_last_instance_leaves_keeps_headers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
