/* Good files: what stands in them arrives, what does not gets its default. */
#include "sfc_config.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define GOOD SOURCE_DIR "/tests/sfc/config/good/"

static struct sfc_config *
load(const char *file)
{
	struct sfc_config *config;
	struct sfc_errors errors;
	int rc = sfc_load(file, &config, &errors);

	for (unsigned int i = 0; i < errors.n; i++)
		print_error("%s:%u:%u: %s: %s\n", errors.error[i].file, errors.error[i].line,
			errors.error[i].column, errors.error[i].path, errors.error[i].reason);
	assert_int_equal(rc, 0);
	assert_int_equal(errors.n, 0);
	assert_non_null(config);
	assert_string_equal(config->file, file);
	return config;
}

static void
nodes_ports_and_locators_arrive(void **state)
{
	static const uint8_t core_mac[6] = {2, 0, 0, 0, 0x0a, 1}, other_mac[6] = {2, 0, 0, 0, 0x0b, 2};
	static const uint8_t v4[4] = {10, 99, 0, 1}, v6[16] = {0xfd, 0, 0, 0x99, [15] = 1};
	struct sfc_config *config = load(GOOD "full.yaml");
	const struct sfc_node *one = &config->node[0], *two = &config->node[1];

	(void)state;
	assert_int_equal(config->n_nodes, 2);
	assert_string_equal(one->name, "edge-1");
	assert_int_equal(one->workers, 2);
	assert_int_equal(one->memory_mib, 512);
	assert_int_equal(one->flows, 4096);
	assert_int_equal(one->n_ports, 3);
	assert_string_equal(one->port[0].name, "lan");
	assert_string_equal(one->port[0].device, "0000:03:00.0");
	assert_int_equal(one->port[0].role, SFC_ROLE_ACCESS);
	assert_int_equal(one->port[0].peer, 1);
	assert_int_equal(one->port[1].peer, 0);
	assert_false(one->port[0].has_mac);
	assert_int_equal(one->port[2].role, SFC_ROLE_TRANSPORT);
	assert_int_equal(one->port[2].peer, -1);
	assert_true(one->port[2].has_mac);
	assert_memory_equal(one->port[2].mac, core_mac, 6);
	assert_int_equal(one->port[2].n_addresses, 2);
	assert_int_equal(one->port[2].address[0].family, 4);
	assert_int_equal(one->port[2].address[0].plen, 24);
	assert_memory_equal(one->port[2].address[0].bytes, v4, 4);
	assert_int_equal(one->port[2].address[1].family, 6);
	assert_int_equal(one->port[2].address[1].plen, 64);
	assert_memory_equal(one->port[2].address[1].bytes, v6, 16);

	assert_int_equal(one->n_locators, 1);
	assert_int_equal(one->locator[0].port, 2);
	assert_int_equal(one->locator[0].vni, 100);
	assert_true(one->locator[0].has_mac); /* the port's */
	assert_memory_equal(one->locator[0].mac, core_mac, 6);

	assert_int_equal(two->n_ports, 0);
	assert_int_equal(two->workers, 1);
	assert_int_equal(two->memory_mib, 256);
	assert_int_equal(two->flows, 1048576);
	assert_int_equal(two->n_locators, 2);
	assert_int_equal(two->locator[0].vni, 101);
	assert_int_equal(two->locator[0].port, -1);
	assert_int_equal(two->locator[1].vni, 0);
	assert_memory_equal(two->locator[1].mac, other_mac, 6);
	sfc_config_free(config);
}

static void
functions_and_instances_arrive(void **state)
{
	struct sfc_config *config = load(GOOD "full.yaml");
	const struct sfc_function *fw = &config->function[0];
	const struct sfc_instance *instance = config->instance;

	(void)state;
	assert_int_equal(config->n_functions, 3);
	assert_string_equal(fw->name, "fw");
	assert_true(fw->nsh_aware);
	assert_int_equal(fw->on_failure, SFC_ON_FAILURE_BYPASS);
	assert_int_equal(fw->n_instances, 2);
	assert_int_equal(fw->instance[0], 0);
	assert_int_equal(fw->instance[1], 1);
	assert_int_equal(config->function[1].on_failure, SFC_ON_FAILURE_CLOSED);
	assert_true(config->function[1].nsh_aware);
	assert_int_equal(config->function[1].instance[0], 2);
	assert_int_equal(config->function[2].n_instances, 0);

	assert_int_equal(config->n_instances, 3);
	assert_string_equal(instance[0].name, "fw-1");
	assert_int_equal(instance[0].function, 0);
	assert_int_equal(instance[0].node, 0);
	assert_int_equal(instance[0].weight, 3);
	assert_string_equal(instance[0].image, "firewall");
	assert_int_equal(instance[0].memory_mib, 16);
	assert_int_equal(instance[0].runtime, SFC_RUNTIME_AUTO);
	assert_int_equal(instance[0].n_args, 4);
	assert_string_equal(instance[0].arg[0], "deny udp any any 53");
	assert_string_equal(instance[0].arg[1], "deny");
	assert_string_equal(instance[0].arg[2], "deny"); /* order and repetition stay */
	assert_string_equal(instance[0].arg[3], "80");
	assert_int_equal(instance[1].weight, 1);
	assert_int_equal(instance[1].node, 1);
	assert_int_equal(instance[1].runtime, SFC_RUNTIME_KVM);
	assert_int_equal(instance[1].memory_mib, 16);
	assert_int_equal(instance[2].function, 1);
	assert_int_equal(instance[2].memory_mib, 1022);
	assert_int_equal(instance[2].runtime, SFC_RUNTIME_PROCESS);
	sfc_config_free(config);
}

static void
images_with_a_slash_become_absolute_from_the_folder_of_the_file(void **state)
{
	struct sfc_config *config = load(GOOD "full.yaml");

	(void)state;
	assert_string_equal(config->instance[1].image, GOOD "./images/fw");
	assert_string_equal(config->instance[2].image, "/opt/monitor");
	sfc_config_free(config);

	assert_int_equal(chdir(SOURCE_DIR "/tests/sfc/config"), 0);
	config = load("good/full.yaml");
	assert_string_equal(config->instance[1].image, GOOD "./images/fw");
	sfc_config_free(config);
	assert_int_equal(chdir(GOOD), 0);
	config = load("full.yaml");
	assert_string_equal(config->instance[1].image, GOOD "./images/fw");
	sfc_config_free(config);
}

static void
paths_arrive(void **state)
{
	struct sfc_config *config = load(GOOD "full.yaml");
	const struct sfc_path *path = config->path;

	(void)state;
	assert_int_equal(config->n_paths, 3);
	assert_string_equal(path[0].name, "web");
	assert_int_equal(path[0].spi, 100);
	assert_int_equal(path[0].n_hops, 3);
	assert_int_equal(path[0].hop[0], 0);
	assert_int_equal(path[0].hop[1], 1);
	assert_int_equal(path[0].hop[2], 0);
	assert_int_equal(path[0].egress_node, 0);
	assert_int_equal(path[0].egress_port, 1);
	assert_int_equal(path[0].reverse, 1);
	assert_int_equal(path[0].initial_si, 255);
	assert_int_equal(path[0].ttl, 63);
	assert_int_equal(path[0].md_type, 1);
	assert_int_equal(path[1].spi, 0xffffff);
	assert_int_equal(path[1].reverse, -1);
	assert_int_equal(path[1].egress_port, 0);
	assert_int_equal(path[1].initial_si, 2);
	assert_int_equal(path[1].ttl, 1);
	assert_int_equal(path[1].md_type, 2);
	assert_int_equal(path[2].egress_port, 2);
	assert_int_equal(path[2].reverse, 1); /* several paths may share one */
	sfc_config_free(config);
}

static void
rules_arrive_in_order(void **state)
{
	static const uint8_t ten[16] = {10}, host[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};
	static const uint8_t half[16] = {0x20, 0x01, 0x0d, 0xb8, 0x80};
	struct sfc_config *config = load(GOOD "full.yaml");
	const struct sfc_rule *rule = config->rule;

	(void)state;
	assert_int_equal(config->n_rules, 4);
	assert_string_equal(rule[0].name, "web-v4");
	assert_int_equal(rule[0].match_node, 0);
	assert_int_equal(rule[0].match_port, 0);
	assert_int_equal(rule[0].source.family, 4);
	assert_int_equal(rule[0].source.plen, 8);
	assert_memory_equal(rule[0].source.bytes, ten, 16); /* 10.1.2.3/8 without its host bits */
	assert_int_equal(rule[0].destination.family, 0);
	assert_int_equal(rule[0].protocol, 6);
	assert_int_equal(rule[0].n_source_ports, 0);
	assert_int_equal(rule[0].n_destination_ports, 3);
	assert_int_equal(rule[0].destination_port[1].low, 443);
	assert_int_equal(rule[0].destination_port[1].high, 443);
	assert_int_equal(rule[0].destination_port[2].low, 8000);
	assert_int_equal(rule[0].destination_port[2].high, 8080);
	assert_int_equal(rule[0].action, SFC_ACTION_PATH);
	assert_int_equal(rule[0].path, 0);
	assert_int_equal(rule[0].word[0], 1);
	assert_true(rule[0].word[1] == 0xffffffff);
	assert_int_equal(rule[0].word[2], 1);
	assert_int_equal(rule[0].word[3], 0);

	assert_int_equal(rule[1].match_port, 1);
	assert_int_equal(rule[1].source.plen, 128);
	assert_memory_equal(rule[1].source.bytes, host, 16);
	assert_int_equal(rule[1].destination.plen, 33);
	assert_memory_equal(rule[1].destination.bytes, half, 16);
	assert_int_equal(rule[1].protocol, 58);
	assert_int_equal(rule[1].path, 2);

	assert_int_equal(rule[2].match_node, -1);
	assert_int_equal(rule[2].match_port, -1);
	assert_int_equal(rule[2].protocol, -1);
	assert_int_equal(rule[2].n_source_ports, 1);
	assert_int_equal(rule[2].action, SFC_ACTION_DROP);
	assert_int_equal(rule[2].path, -1);
	assert_int_equal(rule[3].action, SFC_ACTION_FORWARD);
	assert_int_equal(config->default_action, SFC_ACTION_DROP);
	sfc_config_free(config);
}

static void
mirrors_arrive_with_their_files_beside_the_configuration(void **state)
{
	struct sfc_config *config = load(GOOD "full.yaml");
	const struct sfc_mirror *mirror = config->mirror;

	(void)state;
	assert_int_equal(config->n_mirrors, 3);
	assert_string_equal(mirror[0].name, "tap");
	assert_int_equal(mirror[0].node, 0);
	assert_int_equal(mirror[0].from_port, 0);
	assert_int_equal(mirror[0].from_path, -1);
	assert_int_equal(mirror[0].direction, SFC_DIRECTION_BOTH);
	assert_int_equal(mirror[0].to_port, 1);
	assert_null(mirror[0].to_file);
	assert_null(mirror[0].filter);

	assert_int_equal(mirror[1].node, -1); /* wherever the hop has an instance */
	assert_int_equal(mirror[1].from_port, -1);
	assert_int_equal(mirror[1].from_path, 0);
	assert_int_equal(mirror[1].from_hop, 2);
	assert_int_equal(mirror[1].direction, SFC_DIRECTION_IN);
	assert_string_equal(mirror[1].filter, "udp port 53");
	assert_true(mirror[1].filter_line > mirror[0].filter_line && mirror[1].filter_column > 0);
	assert_int_equal(mirror[1].to_port, -1);
	assert_string_equal(mirror[1].to_file, GOOD "./dns.pcapng");

	assert_int_equal(mirror[2].direction, SFC_DIRECTION_OUT);
	assert_string_equal(mirror[2].to_file, "/tmp/core.pcap");
	sfc_config_free(config);
}

static void
least_file_is_a_node(void **state)
{
	struct sfc_config *config = load(GOOD "least.yaml");

	(void)state;
	assert_int_equal(config->n_nodes, 1);
	assert_int_equal(config->node[0].workers, 1);
	assert_int_equal(config->n_paths + config->n_rules + config->n_functions + config->n_instances, 0);
	assert_int_equal(config->default_action, SFC_ACTION_FORWARD);
	sfc_config_free(config);
}

static void
json_goes_the_same_way(void **state)
{
	struct sfc_config *config = load(GOOD "least.json");

	(void)state;
	assert_string_equal(config->node[0].port[0].device, "null0");
	assert_int_equal(config->path[0].spi, 7);
	assert_string_equal(config->rule[0].name, "80");
	assert_int_equal(config->rule[0].path, 0);
	sfc_config_free(config);
}

static void
examples_load(void **state)
{
	struct sfc_config *config = load(SOURCE_DIR "/sfc/examples/one-node.yaml");

	(void)state;
	assert_int_equal(config->n_paths, 2);
	sfc_config_free(config);
	config = load(SOURCE_DIR "/sfc/examples/two-nodes.yaml");
	assert_int_equal(config->path[0].egress_node, 1);
	assert_true(config->node[1].locator[0].has_mac);
	sfc_config_free(config);
	config = load(SOURCE_DIR "/sfc/examples/routed.yaml");
	assert_true(config->path[0].payload_ip && config->path[1].payload_ip);
	assert_int_equal(config->node[0].port[1].n_addresses, 2);
	sfc_config_free(config);
}

static void
node_to_run_is_named_or_the_only_one_or_the_host(void **state)
{
	struct sfc_config *config = load(GOOD "full.yaml");
	char host[256] = "", err[256] = "";

	(void)state;
	assert_int_equal(sfc_config_node(config, "edge-2", err, sizeof(err)), 1);
	assert_int_equal(sfc_config_node(config, "edge-3", err, sizeof(err)), -2);
	assert_string_equal(err, "no node 'edge-3' in " GOOD "full.yaml");
	assert_int_equal(gethostname(host, sizeof(host) - 1), 0);
	assert_int_equal(sfc_config_node(config, NULL, err, sizeof(err)), -2);
	assert_non_null(strstr(err, "2 nodes"));
	assert_non_null(strstr(err, host));
	free(config->node[1].name);
	config->node[1].name = strdup(host);
	assert_int_equal(sfc_config_node(config, NULL, err, sizeof(err)), 1);
	sfc_config_free(config);

	config = load(GOOD "least.yaml");
	assert_int_equal(sfc_config_node(config, NULL, err, sizeof(err)), 0);
	sfc_config_free(config);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nodes_ports_and_locators_arrive),
		cmocka_unit_test(functions_and_instances_arrive),
		cmocka_unit_test(images_with_a_slash_become_absolute_from_the_folder_of_the_file),
		cmocka_unit_test(paths_arrive),
		cmocka_unit_test(rules_arrive_in_order),
		cmocka_unit_test(mirrors_arrive_with_their_files_beside_the_configuration),
		cmocka_unit_test(least_file_is_a_node),
		cmocka_unit_test(json_goes_the_same_way),
		cmocka_unit_test(examples_load),
		cmocka_unit_test(node_to_run_is_named_or_the_only_one_or_the_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
