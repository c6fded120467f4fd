#include "cli_json.h"
#include "cli_replay.h"
#include "cli_text.h"
#include "sfc_drop.h"

#include <stdlib.h>
#include <string.h>

/* Counters of a guest beside its row, those that are not 0; the rest are counted. */
#define METRICS_SHOWN 8u

static uint64_t
sum_dropped(const json_t *ledger)
{
	const char *name;
	json_t *value;
	uint64_t sum = 0;

	json_object_foreach(json_object_get(ledger, "dropped"), name, value)
	{
		sum += (uint64_t)json_integer_value(value);
	}
	return sum;
}

static uint64_t
debit(const json_t *ledger)
{
	return cli_json_get_number(ledger, "received") + cli_json_get_number(ledger, "originated") +
	       cli_json_get_number(ledger, "replicated");
}

static uint64_t
credit(const json_t *ledger)
{
	return cli_json_get_number(ledger, "sent") + sum_dropped(ledger) +
	       cli_json_get_number(ledger, "in_flight");
}

bool
cli_report_balanced(const json_t *event)
{
	const json_t *ledger = json_object_get(json_object_get(event, "report"), "ledger");

	return json_is_true(json_object_get(ledger, "balanced")) && debit(ledger) == credit(ledger);
}

static void
print_hops(const json_t *hops)
{
	struct cli_table table = {.n_columns = 6, .align = "lrlrrr"};
	const char *const heading[] = {"path", "hop", "function", "SI", "in", "out"};
	size_t i;
	json_t *hop;

	json_array_foreach(hops, i, hop)
	{
		char number[4][CLI_NUMBER];
		const char *const row[] = {cli_json_get_text(hop, "path"),
			cli_number(number[0], cli_json_get_number(hop, "hop")),
			cli_json_get_text(hop, "function"),
			cli_number(number[1], cli_json_get_number(hop, "si")),
			cli_number(number[2], cli_json_get_number(hop, "in")),
			cli_number(number[3], cli_json_get_number(hop, "out"))};

		if (cli_json_get_number(hop, "in") == 0 && cli_json_get_number(hop, "out") == 0)
			continue;
		if (table.n_rows == 0)
			cli_table_row(&table, heading);
		cli_table_row(&table, row);
	}
	if (table.n_rows > 0)
		cli_heading(stdout, "hops");
	cli_table_print(&table, stdout);
}

/* "pass 10, drop.rule.1 2, and 3 more". Owned by the caller. */
static char *
metrics_text(const json_t *metrics)
{
	char *text = cli_format("%s", "");
	unsigned int shown = 0;
	const char *name;
	json_t *value;

	json_object_foreach(json_object_get(metrics, "metrics"), name, value)
	{
		char number[CLI_NUMBER];
		char *longer;

		if (json_integer_value(value) == 0 || shown++ >= METRICS_SHOWN)
			continue;
		longer = cli_format("%s%s%s %s", text, text[0] == '\0' ? "" : ", ", name,
			cli_number(number, (uint64_t)json_integer_value(value)));
		free(text);
		text = longer;
	}
	if (shown > METRICS_SHOWN) {
		char *longer = cli_format("%s, and %u more", text, shown - METRICS_SHOWN);

		free(text);
		text = longer;
	}
	return text;
}

static void
print_instances(const json_t *instances)
{
	struct cli_table table = {.n_columns = 6, .align = "llrrrl"};
	const char *const heading[] = {"instance", "runtime", "boot", "rx", "tx", "counters"};
	size_t i;
	json_t *instance;

	if (json_array_size(instances) == 0)
		return;
	cli_heading(stdout, "instances");
	cli_table_row(&table, heading);
	json_array_foreach(instances, i, instance)
	{
		char boot[CLI_NUMBER], rx[CLI_NUMBER], tx[CLI_NUMBER];
		char *metrics = metrics_text(instance);
		const char *const row[] = {cli_json_get_text(instance, "name"),
			cli_json_get_text(instance, "runtime"),
			cli_time_us(boot, cli_json_get_number(instance, "boot_us")),
			cli_number(rx, cli_json_get_number(instance, "rx")),
			cli_number(tx, cli_json_get_number(instance, "tx")), metrics};

		cli_table_row(&table, row);
		free(metrics);
	}
	cli_table_print(&table, stdout);
}

static const char *
drop_help(const char *name)
{
	for (int i = 0; i < SFC_DROP_MAX; i++)
		if (strcmp(sfc_drop_name((enum sfc_drop)i), name) == 0)
			return sfc_drop_help((enum sfc_drop)i);
	return "";
}

static void
ledger_row(struct cli_table *table, const char *indent, const char *name, uint64_t frames, const char *help)
{
	char number[CLI_NUMBER];
	char *label = cli_format("%s%s", indent, name);
	const char *const row[] = {label, cli_number(number, frames), help};

	cli_table_row(table, row);
	free(label);
}

static void
print_ledger(const json_t *ledger, const json_t *consumed)
{
	static const struct {
		const char *name, *help;
		bool always;
	} credits[] = {{"received", "taken from external ports", true},
		{"originated", "made by instances", false}, {"replicated", "copied by mirrors", false},
		{"sent", "given to external ports", true}, {"in_flight", "still inside", false}};
	struct cli_table table = {.n_columns = 3, .align = "lrl"};
	const char *name;
	json_t *value;

	cli_heading(stdout, "ledger");
	for (size_t i = 0; i < sizeof(credits) / sizeof(credits[0]); i++) {
		uint64_t frames = cli_json_get_number(ledger, credits[i].name);

		if (credits[i].always || frames > 0)
			ledger_row(&table, "", credits[i].name, frames, credits[i].help);
	}
	ledger_row(&table, "", "dropped", sum_dropped(ledger), "");
	json_object_foreach(json_object_get(ledger, "dropped"), name, value)
	{
		ledger_row(&table, "  ", name, (uint64_t)json_integer_value(value), drop_help(name));
		if (strcmp(name, sfc_drop_name(SFC_DROP_SF_CONSUMED)) != 0)
			continue;
		size_t i;
		json_t *item;

		json_array_foreach(consumed, i, item)
		{
			char *label = cli_format("%s %s", cli_json_get_text(item, "instance"),
				cli_json_get_text(item, "counter"));

			ledger_row(&table, "    ", label, cli_json_get_number(item, "frames"), "");
			free(label);
		}
	}
	cli_table_print(&table, stdout);
}

static void
print_steering(const json_t *steering)
{
	static const struct {
		const char *name, *help;
	} rows[] = {{"reclassified", "frames moved to another path by a function"},
		{"repinned", "flows moved from an instance that was down"},
		{"bypassed", "steps over a function that was down"}};
	struct cli_table table = {.n_columns = 3, .align = "lrl"};

	if (steering == NULL)
		return;
	cli_heading(stdout, "steering");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (cli_json_get_number(steering, rows[i].name) > 0)
			ledger_row(&table, "", rows[i].name, cli_json_get_number(steering, rows[i].name),
				rows[i].help);
	cli_table_print(&table, stdout);
}

static void
print_proxies(const json_t *proxies)
{
	static const char *const columns[] = {
		"function", "saved", "restored", "templated", "missed", "evicted", "answered"};
	struct cli_table table = {.n_columns = 7, .align = "lrrrrrr"};
	size_t i;
	json_t *proxy;

	if (json_array_size(proxies) == 0)
		return;
	cli_heading(stdout, "proxies");
	cli_table_row(&table, columns);
	json_array_foreach(proxies, i, proxy)
	{
		char number[7][CLI_NUMBER];
		const char *row[7] = {cli_json_get_text(proxy, columns[0])};

		for (size_t c = 1; c < 7; c++)
			row[c] = cli_number(number[c], cli_json_get_number(proxy, columns[c]));
		cli_table_row(&table, row);
	}
	cli_table_print(&table, stdout);
}

static void
print_verdict(const json_t *event, const json_t *ledger)
{
	static const char *const extra[] = {"originated", "replicated"};
	bool balanced = cli_report_balanced(event);
	bool colour = cli_colour(stdout);
	char number[CLI_NUMBER];

	printf("\n%s%s%s: %s received",
		!colour    ? ""
		: balanced ? "\033[1;32m"
			   : "\033[1;31m",
		balanced ? "balanced" : "NOT BALANCED", colour ? "\033[0m" : "",
		cli_number(number, cli_json_get_number(ledger, "received")));
	for (size_t i = 0; i < 2; i++)
		if (cli_json_get_number(ledger, extra[i]) > 0)
			printf(" + %s %s", cli_number(number, cli_json_get_number(ledger, extra[i])),
				extra[i]);
	printf(" %s %s sent", debit(ledger) == credit(ledger) ? "=" : "is not",
		cli_number(number, cli_json_get_number(ledger, "sent")));
	printf(" + %s dropped", cli_number(number, sum_dropped(ledger)));
	if (cli_json_get_number(ledger, "in_flight") > 0)
		printf(" + %s in flight", cli_number(number, cli_json_get_number(ledger, "in_flight")));
	printf("\n");
}

static void
print_rates(const json_t *rates)
{
	double seconds = json_number_value(json_object_get(rates, "seconds"));
	char frames[CLI_NUMBER], bits[CLI_NUMBER], time[CLI_NUMBER];

	if (seconds > 0)
		printf("%s: %s, %s\n", cli_time_us(time, (uint64_t)(seconds * 1e6)),
			cli_rate(frames, json_number_value(json_object_get(rates, "frames_per_second")),
				"frame/s"),
			cli_rate(
				bits, json_number_value(json_object_get(rates, "bits_per_second")), "bit/s"));
}

/* Not cut: these lines are there to be copied. */
static void
print_captures(const struct cli_replay *r)
{
	const struct sfc_node *node = &r->config->node[r->node];
	unsigned int outputs = 0;

	cli_heading(stdout, "captures");
	for (unsigned int i = 0; i < r->n_captures; i++) {
		const struct cli_capture *capture = &r->capture[i];

		printf("  %s %s %s\n", capture->port_name, capture->output ? "sent" : "received",
			capture->file);
		outputs += capture->output;
	}
	if (outputs > 0)
		cli_heading(stdout, "to look at what was sent");
	for (unsigned int i = 0; i < r->n_captures; i++) {
		const struct cli_capture *capture = &r->capture[i];
		char *file = cli_shell_word(capture->file);

		if (capture->output && node->port[capture->port].role == SFC_ROLE_TRANSPORT)
			printf("  tshark -r %s -Y nsh -T fields -e nsh.spi -e nsh.si -e nsh.ttl\n", file);
		else if (capture->output)
			printf("  tshark -r %s\n", file);
		free(file);
	}
}

void
cli_report_print(const struct cli_replay *r, const json_t *event)
{
	const json_t *report = json_object_get(event, "report");
	const json_t *ledger = json_object_get(report, "ledger");

	printf("node %s replayed %s\n", r->config->node[r->node].name, r->file);
	cli_chain_print(r, report);
	print_hops(json_object_get(event, "hops"));
	print_instances(json_object_get(report, "instances"));
	print_proxies(json_object_get(report, "proxies"));
	print_ledger(ledger, json_object_get(event, "consumed"));
	print_steering(json_object_get(report, "steering"));
	print_captures(r);
	print_verdict(event, ledger);
	print_rates(json_object_get(event, "rates"));
}
