#include "sfc_ledger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
assert_json(json_t *have, const char *want)
{
	char *text = json_dumps(have, JSON_COMPACT);

	assert_non_null(text);
	assert_string_equal(text, want);
	free(text);
	json_decref(have);
}

static void
every_field_of_the_equation_counts(void **state)
{
	struct sfc_ledger l = {.received = 10, .originated = 2, .replicated = 1, .sent = 7, .in_flight = 1};
	(void)state;

	l.dropped[SFC_DROP_RULE] = 3;
	l.dropped[SFC_DROP_SHUTDOWN] = 2;
	assert_true(sfc_ledger_balanced(&l));
	uint64_t *fields[] = {&l.received, &l.originated, &l.replicated, &l.sent, &l.in_flight,
		&l.dropped[SFC_DROP_CAPTURE_SIZE], &l.dropped[SFC_DROP_SHUTDOWN]};
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		++*fields[i];
		assert_false(sfc_ledger_balanced(&l));
		--*fields[i];
	}
}

static void
ledger_lists_nonzero_drops_only(void **state)
{
	struct sfc_ledger l = {.received = 5, .sent = 4};
	(void)state;

	l.dropped[SFC_DROP_NO_HOP] = 1;
	assert_json(sfc_ledger_json(&l), "{\"balanced\":true,\"received\":5,\"sent\":4,\"originated\":0,"
					 "\"replicated\":0,\"in_flight\":0,\"dropped\":{\"no-hop\":1}}");
	l.dropped[SFC_DROP_NO_HOP] = 0;
	assert_json(sfc_ledger_json(&l), "{\"balanced\":false,\"received\":5,\"sent\":4,\"originated\":0,"
					 "\"replicated\":0,\"in_flight\":0,\"dropped\":{}}");
}

static void
report_has_the_shape_others_rely_on(void **state)
{
	static const struct sfc_report_path path = {.name = "web", .spi = 100, .in = 3, .out = 2};
	struct sfc_report_metric metric[] = {{.name = "drop.rule.1", .value = 1}, {.name = "bad\nname\xff"},
		{.name = "huge", .value = UINT64_MAX}};
	const struct sfc_report_instance instance = {.name = "fw-1",
		.runtime = "kvm",
		.boot_us = 4100,
		.rx = 3,
		.tx = 2,
		.metric = metric,
		.n_metrics = 3};
	struct sfc_report r = {.path = &path, .n_paths = 1, .instance = &instance, .n_instances = 1};
	(void)state;

	r.ledger.received = 3;
	r.ledger.sent = 2;
	r.ledger.dropped[SFC_DROP_SF_CONSUMED] = 1;
	assert_json(sfc_report_json(&r),
		"{\"ledger\":{\"balanced\":true,\"received\":3,\"sent\":2,\"originated\":0,\"replicated\":0,"
		"\"in_flight\":0,\"dropped\":{\"sf-consumed\":1}},"
		"\"paths\":[{\"name\":\"web\",\"spi\":100,\"in\":3,\"out\":2}],"
		"\"instances\":[{\"name\":\"fw-1\",\"runtime\":\"kvm\",\"boot_us\":4100,\"rx\":3,\"tx\":2,"
		"\"metrics\":{\"drop.rule.1\":1,\"bad_name_\":0,\"huge\":9223372036854775807}}]}");
}

static void
proxies_are_listed_when_there_are_any(void **state)
{
	static const struct sfc_report_proxy proxy = {.function = "plain",
		.saved = 1,
		.restored = 2,
		.templated = 3,
		.missed = 4,
		.evicted = 5,
		.answered = 6};
	struct sfc_report r = {.proxy = &proxy, .n_proxies = 1};
	(void)state;

	assert_json(sfc_report_json(&r),
		"{\"ledger\":{\"balanced\":true,\"received\":0,\"sent\":0,\"originated\":0,\"replicated\":0,"
		"\"in_flight\":0,\"dropped\":{}},\"paths\":[],\"instances\":[],"
		"\"proxies\":[{\"function\":\"plain\",\"saved\":1,\"restored\":2,\"templated\":3,\"missed\":"
		"4,"
		"\"evicted\":5,\"answered\":6}]}");
}

static void
steering_is_listed_when_there_was_any(void **state)
{
	struct sfc_steering s = {0};
	(void)state;

	assert_null(sfc_steering_json(&s));
	s.bypassed = 2;
	assert_json(sfc_steering_json(&s), "{\"bypassed\":2}");
	s.reclassified = 1;
	s.repinned = 3;
	assert_json(sfc_steering_json(&s), "{\"reclassified\":1,\"repinned\":3,\"bypassed\":2}");
}

static void
drop_names_are_unique_and_explained(void **state)
{
	(void)state;
	for (int i = 0; i < SFC_DROP_MAX; i++) {
		assert_true(strlen(sfc_drop_name((enum sfc_drop)i)) > 0);
		assert_true(strlen(sfc_drop_help((enum sfc_drop)i)) > 0);
		for (int k = 0; k < i; k++)
			assert_string_not_equal(
				sfc_drop_name((enum sfc_drop)i), sfc_drop_name((enum sfc_drop)k));
	}
	assert_string_equal(sfc_drop_name(SFC_DROP_SF_INDEX), "sf-index");
	assert_string_equal(sfc_drop_name(SFC_DROP_MAX), "unknown");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_field_of_the_equation_counts),
		cmocka_unit_test(ledger_lists_nonzero_drops_only),
		cmocka_unit_test(report_has_the_shape_others_rely_on),
		cmocka_unit_test(proxies_are_listed_when_there_are_any),
		cmocka_unit_test(steering_is_listed_when_there_was_any),
		cmocka_unit_test(drop_names_are_unique_and_explained),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
