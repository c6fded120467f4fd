/* Functions without NSH and attached instances: from the file to the tables a proxy reads. */
#include "sfc_config.h"
#include "sfc_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

enum { PLAIN, NAT, ONCE, SWITCH, BOX };

static struct sfc_config *config;
static struct sfc_table *table;

static int
open_domain(void **state)
{
	struct sfc_errors errors;
	char err[200];

	(void)state;
	if (sfc_load(SOURCE_DIR "/tests/sfc/config/good/proxy.yaml", &config, &errors) != 0)
		return -1;
	return sfc_table_build(config, 0, &table, err, sizeof(err));
}

static int
close_domain(void **state)
{
	(void)state;
	sfc_table_free(table);
	sfc_config_free(config);
	return 0;
}

static void
a_proxy_has_its_defaults(void **state)
{
	const struct sfc_function *plain = &config->function[PLAIN];

	(void)state;
	assert_false(plain->nsh_aware);
	assert_int_equal(plain->proxy.style, SFC_PROXY_FLOW);
	assert_false(plain->proxy.miss_template);
	assert_int_equal(plain->proxy.idle_s, 60);
	assert_int_equal(plain->proxy.flows, 65536);
	assert_false(plain->proxy.carry_opaque);
	assert_true(config->function[BOX].nsh_aware);
}

static void
a_proxy_is_what_the_file_says(void **state)
{
	const struct sfc_proxy *nat = &config->function[NAT].proxy;

	(void)state;
	assert_int_equal(nat->style, SFC_PROXY_VLAN);
	assert_true(nat->miss_template);
	assert_int_equal(nat->idle_s, 5);
	assert_int_equal(nat->flows, 100);
	assert_true(nat->carry_opaque);
	assert_int_equal(config->function[ONCE].proxy.style, SFC_PROXY_STATIC);
	assert_int_equal(config->function[SWITCH].proxy.style, SFC_PROXY_MAC);
}

static void
an_attached_instance_is_what_the_file_says(void **state)
{
	static const uint8_t mac[6] = {0x02, 0, 0, 0, 0x0f, 0x01};
	const struct sfc_attach *attach = &config->instance[config->function[NAT].instance[1]].attach;

	(void)state;
	assert_true(attach->present);
	assert_int_equal(attach->port, 1);
	assert_memory_equal(attach->mac, mac, 6);
	assert_int_equal(attach->n_vlans, 2);
	assert_int_equal(attach->vlan[0], 30);
	assert_int_equal(attach->vlan[1], 31);
	/* The same station behind another tag is another instance. */
	attach = &config->instance[config->function[BOX].instance[0]].attach;
	assert_int_equal(attach->n_vlans, 1);
	assert_int_equal(attach->vlan[0], 32);
	assert_false(config->instance[config->function[NAT].instance[0]].attach.present);
}

static uint16_t
vlan_of(uint32_t spi, uint8_t si)
{
	int known;

	return sfp_lookup(table, spi << 8 | si, &known)->vlan;
}

static void
positions_are_numbered_in_file_order(void **state)
{
	const struct sfc_group *nat = &table->group[NAT];
	const uint32_t *position = &table->position[nat->first_position];

	(void)state;
	assert_int_equal(nat->n_positions, 3);
	assert_int_equal(position[0], 10 << 8 | 255);
	assert_int_equal(position[1], 10 << 8 | 253);
	assert_int_equal(position[2], 20 << 8 | 6);
	for (uint16_t i = 0; i < 3; i++)
		assert_int_equal(vlan_of(position[i] >> 8, (uint8_t)position[i]), i + 1);
	assert_int_equal(table->group[PLAIN].n_positions, 1);
	assert_int_equal(vlan_of(10, 254), 0); /* another style has no tags */
	assert_int_equal(table->group[BOX].n_positions, 0);
	assert_int_equal(table->position[table->group[ONCE].first_position], 10 << 8 | 252);
	assert_int_equal(table->position[table->group[SWITCH].first_position], 20 << 8 | 5);
}

static void
n12_a_rule_that_gives_words_makes_the_layout_of_a_path_known(void **state)
{
	(void)state;
	assert_int_equal(table->path[0].has_words, 1);
	assert_int_equal(table->path[1].has_words, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_proxy_has_its_defaults),
		cmocka_unit_test(a_proxy_is_what_the_file_says),
		cmocka_unit_test(an_attached_instance_is_what_the_file_says),
		cmocka_unit_test(positions_are_numbered_in_file_order),
		cmocka_unit_test(n12_a_rule_that_gives_words_makes_the_layout_of_a_path_known),
	};

	return cmocka_run_group_tests(tests, open_domain, close_domain);
}
