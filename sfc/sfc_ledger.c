#include "sfc_ledger.h"

#include <string.h>

static uint64_t
dropped(const struct sfc_ledger *ledger)
{
	uint64_t sum = 0;

	for (int i = 0; i < SFC_DROP_MAX; i++)
		sum += ledger->dropped[i];
	return sum;
}

bool
sfc_ledger_balanced(const struct sfc_ledger *ledger)
{
	uint64_t debit = ledger->received + ledger->originated + ledger->replicated;

	return debit == ledger->sent + dropped(ledger) + ledger->in_flight;
}

/* JSON integers have 63 bits here; a guest writes what it likes into a metric. */
static json_t *
integer(uint64_t value)
{
	return json_integer((json_int_t)(value < INT64_MAX ? value : INT64_MAX));
}

json_t *
sfc_ledger_json(const struct sfc_ledger *ledger)
{
	json_t *drops = json_object();

	for (int i = 0; i < SFC_DROP_MAX; i++)
		if (ledger->dropped[i] > 0)
			json_object_set_new(
				drops, sfc_drop_name((enum sfc_drop)i), integer(ledger->dropped[i]));
	return json_pack("{s:b, s:o, s:o, s:o, s:o, s:o, s:o}", "balanced", sfc_ledger_balanced(ledger),
		"received", integer(ledger->received), "sent", integer(ledger->sent), "originated",
		integer(ledger->originated), "replicated", integer(ledger->replicated), "in_flight",
		integer(ledger->in_flight), "dropped", drops);
}

json_t *
sfc_steering_json(const struct sfc_steering *s)
{
	const struct {
		const char *name;
		uint64_t n;
	} counter[] = {
		{"reclassified", s->reclassified}, {"repinned", s->repinned}, {"bypassed", s->bypassed}};
	json_t *object = NULL;

	for (size_t i = 0; i < sizeof(counter) / sizeof(counter[0]); i++) {
		if (counter[i].n == 0)
			continue;
		if (object == NULL)
			object = json_object();
		json_object_set_new(object, counter[i].name, integer(counter[i].n));
	}
	return object;
}

/* Metric names are a guest's own words: what is not printable ASCII becomes '_', so that JSON stays JSON. */
static json_t *
metrics(const struct sfc_report_instance *instance)
{
	json_t *object = json_object();

	for (unsigned int i = 0; i < instance->n_metrics; i++) {
		const struct sfc_report_metric *metric = &instance->metric[i];
		size_t size = strnlen(metric->name, sizeof(metric->name));
		char name[sizeof(metric->name) + 1];

		for (size_t c = 0; c < size; c++)
			name[c] = metric->name[c] > ' ' && metric->name[c] < 0x7f ? metric->name[c] : '_';
		name[size] = '\0';
		json_object_set_new(object, name, integer(metric->value));
	}
	return object;
}

static json_t *
proxies(const struct sfc_report *report)
{
	json_t *list = report->n_proxies > 0 ? json_array() : NULL;

	for (unsigned int i = 0; i < report->n_proxies; i++) {
		const struct sfc_report_proxy *p = &report->proxy[i];

		json_array_append_new(
			list, json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "function", p->function,
				      "saved", integer(p->saved), "restored", integer(p->restored),
				      "templated", integer(p->templated), "missed", integer(p->missed),
				      "evicted", integer(p->evicted), "answered", integer(p->answered)));
	}
	return list;
}

json_t *
sfc_report_json(const struct sfc_report *report)
{
	json_t *paths = json_array();
	json_t *instances = json_array();

	for (unsigned int i = 0; i < report->n_paths; i++) {
		const struct sfc_report_path *path = &report->path[i];

		json_array_append_new(paths,
			json_pack("{s:s, s:o, s:o, s:o}", "name", path->name, "spi", integer(path->spi), "in",
				integer(path->in), "out", integer(path->out)));
	}
	for (unsigned int i = 0; i < report->n_instances; i++) {
		const struct sfc_report_instance *instance = &report->instance[i];

		json_array_append_new(
			instances, json_pack("{s:s, s:s, s:o, s:o, s:o, s:o}", "name", instance->name,
					   "runtime", instance->runtime, "boot_us",
					   integer(instance->boot_us), "rx", integer(instance->rx), "tx",
					   integer(instance->tx), "metrics", metrics(instance)));
	}
	return json_pack("{s:o, s:o, s:o, s:o*, s:o*}", "ledger", sfc_ledger_json(&report->ledger), "paths",
		paths, "instances", instances, "steering", sfc_steering_json(&report->steering), "proxies",
		proxies(report));
}
