#include "cli_json.h"
#include "cli_replay.h"
#include "cli_text.h"

#include <stdlib.h>
#include <string.h>

static double
real(const json_t *object, const char *key)
{
	return json_number_value(json_object_get(object, key));
}

static bool
is_latency(const json_t *result)
{
	return strncmp(cli_json_get_text(result, "case"), "latency_", 8) == 0;
}

/* "35 us", in two or three digits. */
static const char *
time_ns(char text[CLI_NUMBER], uint64_t ns)
{
	if (ns < 1000)
		snprintf(text, CLI_NUMBER, "%llu ns", (unsigned long long)ns);
	else if (ns < 1000000)
		snprintf(text, CLI_NUMBER, "%.*f us", ns < 10000, (double)ns / 1e3);
	else
		snprintf(text, CLI_NUMBER, "%.*f ms", ns < 10000000, (double)ns / 1e6);
	return text;
}

static void
print_traffic(const struct cli_replay *r, const json_t *cfg)
{
	char flows[CLI_NUMBER];

	printf("node %s of %s: ", cli_json_get_text(cfg, "node"), r->file);
	if (json_is_string(json_object_get(cfg, "rule")))
		printf("frames of %.0f bytes, %s flows, made for rule %s, into port %s\n", real(cfg, "frame"),
			cli_number(flows, cli_json_get_number(cfg, "flows")), cli_json_get_text(cfg, "rule"),
			cli_json_get_text(cfg, "port"));
	else
		printf("frames of a capture, %.0f bytes on average, into port %s\n", real(cfg, "frame"),
			cli_json_get_text(cfg, "port"));
}

static void
print_rates(const json_t *results)
{
	static const struct {
		const char *name, *label;
	} rows[] = {{"mrr", "MRR"}, {"pdr", "PDR"}, {"ndr", "NDR"}};
	struct cli_table table = {.n_columns = 5, .align = "lrrrl"};
	const char *const heading[] = {"rate", "frame/s", "loss", "trials", ""};
	size_t i;
	json_t *result;

	cli_heading(stdout, "rates");
	cli_table_row(&table, heading);
	json_array_foreach(results, i, result)
	{
		const json_t *trials = json_object_get(result, "trials"),
			     *goal = json_object_get(result, "goal");
		char pps[CLI_NUMBER], above[CLI_NUMBER], loss[CLI_NUMBER], n[CLI_NUMBER];
		const char *label = NULL;
		char *note;

		for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++)
			if (strcmp(cli_json_get_text(result, "case"), rows[k].name) == 0)
				label = rows[k].label;
		if (label == NULL)
			continue;
		if (json_is_object(goal))
			note = cli_format("loss goal %g %%, %llu of its trials lost more%s%s",
				100 * real(goal, "loss"),
				(unsigned long long)cli_json_get_number(result, "exceeded"),
				real(result, "above_pps") > 0 ? "; not " : "",
				real(result, "above_pps") > 0
					? cli_number(above, (uint64_t)real(result, "above_pps"))
					: "");
		else
			note = cli_format("at full load, %.0f cycles a frame", real(result, "cycles"));
		snprintf(loss, sizeof(loss), "%.2f %%", 100 * real(result, "loss"));
		const char *const row[] = {label, cli_number(pps, (uint64_t)real(result, "pps")), loss,
			cli_number(n, json_is_array(trials) ? json_array_size(trials)
							    : (uint64_t)json_integer_value(trials)),
			note};

		cli_table_row(&table, row);
		free(note);
	}
	cli_table_print(&table, stdout);
}

static void
print_latency(const json_t *results)
{
	struct cli_table table = {.n_columns = 8, .align = "lrrrrrrr"};
	static const char *const heading[] = {
		"load", "frame/s", "p50", "p90", "p99", "p99.9", "max", "preempted"};
	static const char *const keys[] = {"p50", "p90", "p99", "p999", "max"};
	size_t i;
	json_t *result;

	json_array_foreach(results, i, result)
	{
		const json_t *all = json_object_get(result, "latency");
		char pps[CLI_NUMBER], away[CLI_NUMBER], time[5][CLI_NUMBER];
		const char *load = cli_json_get_text(result, "case") + 8;
		char *label;

		if (!is_latency(result))
			continue;
		if (table.n_rows == 0) {
			cli_heading(stdout, "latency, from when a frame was meant to be sent");
			cli_table_row(&table, heading);
		}
		label = strcmp(load, "none") == 0 ? cli_format("none") : cli_format("%s %% of PDR", load);
		for (size_t k = 0; k < 5; k++)
			time_ns(time[k], cli_json_get_number(all, keys[k]));
		snprintf(away, sizeof(away), "%.1f %%", 100 * real(result, "preempted"));
		const char *const row[] = {label, cli_number(pps, (uint64_t)real(result, "pps")), time[0],
			time[1], time[2], time[3], time[4], away};

		cli_table_row(&table, row);
		free(label);
	}
	cli_table_print(&table, stdout);
}

/* "1.5 us / 22 us": p50 and p99; "-" when nothing was measured. Owned by the caller. */
static char *
part_text(const json_t *part)
{
	char p50[CLI_NUMBER], p99[CLI_NUMBER];

	if (cli_json_get_number(part, "frames") == 0)
		return cli_format("-");
	return cli_format("%s / %s", time_ns(p50, cli_json_get_number(part, "p50")),
		time_ns(p99, cli_json_get_number(part, "p99")));
}

static void
hop_row(struct cli_table *table, const char *load, const char *name, const json_t *const part[4])
{
	char *text[4];

	for (int k = 0; k < 4; k++)
		text[k] = part_text(part[k]);
	const char *const row[] = {load, name, text[0], text[1], text[2], text[3]};

	cli_table_row(table, row);
	for (int k = 0; k < 4; k++)
		free(text[k]);
}

static void
print_hops(const json_t *results)
{
	struct cli_table table = {.n_columns = 6, .align = "llrrrr"};
	static const char *const heading[] = {"load", "hop", "forwarder", "ring", "guest", "return"};
	size_t i, k;
	json_t *result, *hop;

	cli_heading(stdout, "by hop, p50 / p99");
	cli_table_row(&table, heading);
	json_array_foreach(results, i, result)
	{
		const char *load = cli_json_get_text(result, "case") + 8;
		const json_t *egress[4] = {json_object_get(result, "egress")};

		if (!is_latency(result))
			continue;
		json_array_foreach(json_object_get(result, "hops"), k, hop)
		{
			const json_t *part[4] = {json_object_get(hop, "sff"), json_object_get(hop, "ring"),
				json_object_get(hop, "guest"), json_object_get(hop, "return")};

			hop_row(&table, k == 0 ? load : "", cli_json_get_text(hop, "instance"), part);
		}
		hop_row(&table, k == 0 ? load : "", "egress", egress);
	}
	cli_table_print(&table, stdout);
}

void
cli_bench_print(const struct cli_replay *r, const json_t *event)
{
	const json_t *results = json_object_get(event, "results");
	const json_t *bottleneck = json_object_get(event, "bottleneck");
	const json_t *first = json_array_get(results, 0);
	const char *note = cli_json_get_text(bottleneck, "note");

	print_traffic(r, json_object_get(first, "cfg"));
	print_rates(results);
	cli_heading(stdout, "bottleneck");
	printf("  %s: %s\n", cli_json_get_text(bottleneck, "name"), cli_json_get_text(bottleneck, "why"));
	if (note[0] != '\0')
		printf("  %s\n", note);
	print_latency(results);
	print_hops(results);
	printf("\n%s\n", cli_report_balanced(event) ? "balanced" : "NOT BALANCED");
}
