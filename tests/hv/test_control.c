/* What the control socket makes of a client's message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "hv_control.h"

static const struct {
	const char *json;
	enum hv_command command;
} rows[] = {
	{"{\"command\":\"stop\"}", HV_COMMAND_STOP},
	{"{\"command\":\"drain\"}", HV_COMMAND_DRAIN},
	{" {\t\"command\" :\r\n\"stop\" } ", HV_COMMAND_STOP},
	{"", HV_COMMAND_WRONG},
	{"{", HV_COMMAND_WRONG},
	{"{}", HV_COMMAND_WRONG},
	{"{\"command\"}", HV_COMMAND_WRONG},
	{"{\"command\":\"stop\"", HV_COMMAND_WRONG},
	{"{\"command\":\"stop\"}}", HV_COMMAND_WRONG},
	{"{\"command\":\"stopp\"}", HV_COMMAND_WRONG},
	{"{\"command\":\"STOP\"}", HV_COMMAND_WRONG},
	{"{\"command\":stop}", HV_COMMAND_WRONG},
	{"[\"stop\"]", HV_COMMAND_WRONG},
	{"{\"command\":\"stop\",\"x\":1}", HV_COMMAND_WRONG},
};

static void
only_known_commands_are_taken(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (hv_control_parse((const uint8_t *)rows[i].json, strlen(rows[i].json)) != rows[i].command)
			fail_msg("%s", rows[i].json);
}

static void
a_nul_byte_does_not_hide_what_follows(void **state)
{
	static const uint8_t json[] = "{\"command\":\"stop\"}\0";

	(void)state;
	assert_int_equal(hv_control_parse(json, sizeof(json)), HV_COMMAND_WRONG);
}

static void
too_long_is_wrong(void **state)
{
	uint8_t json[HV_CONTROL_MESSAGE + 1];

	(void)state;
	memset(json, ' ', sizeof(json));
	memcpy(json, "{\"command\":\"stop\"}", 18);
	assert_int_equal(hv_control_parse(json, sizeof(json)), HV_COMMAND_WRONG);
	assert_int_equal(hv_control_parse(json, sizeof(json) - 1), HV_COMMAND_STOP);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_known_commands_are_taken),
		cmocka_unit_test(a_nul_byte_does_not_hide_what_follows),
		cmocka_unit_test(too_long_is_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
