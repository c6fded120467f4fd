#include "sff_bench.h"
#include "sff_node.h"

#include <rte_cycles.h>
#include <rte_version.h>

#include <cpuid.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A ring that refused less than this share of the frames held nobody up. */
#define REFUSED_SHARE 0.005

/* "family/model/stepping", as bench/calibrate.c says it. */
static void
name_cpu(char *text, size_t size)
{
	unsigned int a = 0, b, c, d, family, model;

	__get_cpuid(1, &a, &b, &c, &d);
	family = (a >> 8 & 15) + ((a >> 8 & 15) == 15 ? a >> 20 & 255 : 0);
	model = (a >> 4 & 15) | (a >> 12 & 0xf0);
	snprintf(text, size, "%u/%u/%u", family, model, a & 15);
}

static json_t *
env_json(void)
{
	double load = 0;
	char cpu[32];

	name_cpu(cpu, sizeof(cpu));
	getloadavg(&load, 1);
	return json_pack("{s:s, s:I, s:i, s:f, s:s}", "cpu", cpu, "tsc_hz", (json_int_t)rte_get_tsc_hz(),
		"cpus", (int)sysconf(_SC_NPROCESSORS_ONLN), "load", load, "dpdk",
		rte_version() + sizeof("DPDK"));
}

static json_t *
cfg_json(const struct sff_node *node)
{
	const struct sff_traffic *t = &node->bench->traffic;
	const struct sfc_node *conf = &node->config->node[node->index];

	return json_pack("{s:s, s:s, s:s?, s:f, s:i, s:i, s:i}", "node", conf->name, "port",
		conf->port[t->port].name, "rule", t->rule, "frame", t->size, "flows", (int)t->flows, "paths",
		(int)node->config->n_paths, "vms", (int)node->vms.n);
}

/* What every result has. */
static json_t *
result(const struct sff_node *node, const char *name, const char *unit)
{
	return json_pack("{s:i, s:s, s:s, s:s, s:o, s:o, s:s, s:n, s:n, s:n, s:n}", "v", 1, "bench", "sluice",
		"case", name, "commit", SLUICE_VERSION, "cfg", cfg_json(node), "env", env_json(), "unit",
		unit, "pps", "loss", "goal", "hist");
}

void
sff_bench_report_mrr(
	struct sff_node *node, const struct sff_bench_trial *trials, unsigned int n, unsigned int middle)
{
	const struct sff_bench_trial *t = &trials[middle];
	json_t *object = result(node, "mrr", "frame/s"), *each = json_array();

	for (unsigned int i = 0; i < n; i++)
		json_array_append_new(each, json_real(trials[i].pps * (1 - trials[i].loss)));
	json_object_set_new(object, "pps", json_real(t->pps * (1 - t->loss)));
	json_object_set_new(object, "loss", json_real(t->loss));
	json_object_set_new(object, "offered_pps", json_real(t->pps));
	json_object_set_new(object, "trials", each);
	json_object_set_new(object, "cycles", json_real(t->cycles));
	json_array_append_new(node->bench->results, object);
}

void
sff_bench_report_rate(struct sff_node *node, const char *name, const struct sff_bench_rate *rate)
{
	const struct sff_rate_result *r = &rate->result;
	json_t *object = result(node, name, "frame/s");

	json_object_set_new(object, "pps", json_real(r->pps));
	json_object_set_new(object, "loss", json_real(r->loss));
	json_object_set_new(object, "goal",
		json_pack("{s:f, s:f, s:f, s:f, s:f}", "loss", rate->goal.loss, "exceed", 0.5, "width",
			rate->goal.width, "trial_s", rate->goal.trial_s, "sum_s", rate->goal.sum_s));
	json_object_set_new(object, "above_pps", json_real(r->above_pps));
	json_object_set_new(object, "trials", json_integer(r->trials));
	json_object_set_new(object, "exceeded", json_integer(r->exceeded));
	json_object_set_new(object, "trials_in_all", json_integer(r->all));
	json_array_append_new(node->bench->results, object);
}

static json_t *
shares_json(const struct pmd_hist *hist)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "frames", (json_int_t)hist->count, "p50",
		(json_int_t)pmd_hist_share(hist, 0.5), "p90", (json_int_t)pmd_hist_share(hist, 0.9), "p99",
		(json_int_t)pmd_hist_share(hist, 0.99), "p999", (json_int_t)pmd_hist_share(hist, 0.999),
		"max", (json_int_t)hist->max_ns);
}

static json_t *
hist_json(const struct pmd_hist *hist)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < PMD_HIST_BUCKETS; i++)
		if (hist->bucket[i] > 0)
			json_array_append_new(list, json_pack("[I, I]", (json_int_t)pmd_hist_low(i),
							    (json_int_t)hist->bucket[i]));
	return list;
}

static json_t *
hops_json(const struct sff_node *node)
{
	static const char *const name[SFF_PROBE_PARTS] = {"sff", "ring", "guest", "return"};
	json_t *list = json_array();

	for (unsigned int i = 0; i < node->vms.n; i++) {
		const struct sff_vm *vm = &node->vms.vm[i];
		struct sff_probe_count count;
		json_t *hop;

		sff_probe_counts(node->bench->probe, vm->port, &count);
		if (count.given == 0)
			continue;
		hop = json_pack("{s:s, s:I, s:I}", "instance", vm->name, "given", (json_int_t)count.given,
			"known", (json_int_t)count.known);
		for (int part = 0; part < SFF_PROBE_PARTS; part++)
			json_object_set_new(hop, name[part],
				shares_json(sff_probe_hist(node->bench->probe, vm->port, part)));
		json_array_append_new(list, hop);
	}
	return list;
}

void
sff_bench_report_latency(struct sff_node *node, const char *name)
{
	const struct sff_bench *bench = node->bench;
	const struct sff_bench_trial *t = &bench->last;
	const struct pmd_hist *all = pmd_load_latency(bench->load), *clean = pmd_load_clean(bench->load);
	char label[32];
	json_t *object;

	snprintf(label, sizeof(label), "latency_%s", name);
	object = result(node, label, "ns");
	json_object_set_new(object, "pps", json_real(t->pps));
	json_object_set_new(object, "loss", json_real(t->loss));
	json_object_set_new(object, "cycles", json_real(t->cycles));
	json_object_set_new(object, "hist", hist_json(all));
	json_object_set_new(object, "latency", shares_json(all));
	json_object_set_new(object, "clean", shares_json(clean));
	json_object_set_new(object, "preempted",
		json_real(all->count > 0 ? 1 - (double)clean->count / (double)all->count : 0));
	json_object_set_new(object, "hops", hops_json(node));
	json_object_set_new(object, "egress", shares_json(pmd_load_egress(bench->load)));
	json_array_append_new(bench->results, object);
}

void
sff_bench_find_bottleneck(struct sff_node *node, const double *busy)
{
	struct sff_bench *bench = node->bench;
	const struct sff_bench_trial *t = &bench->last;
	uint64_t most = 0;
	unsigned int at = 0;
	char text[256];

	for (unsigned int i = 0; i < node->vms.n; i++) {
		struct sff_probe_count count;

		sff_probe_counts(bench->probe, node->vms.vm[i].port, &count);
		if (count.refused <= most)
			continue;
		most = count.refused;
		at = i;
	}
	json_decref(bench->bottleneck);
	if ((double)most > REFUSED_SHARE * (double)t->offered) {
		snprintf(text, sizeof(text),
			"its ring had no room for %.1f %% of the frames; its guest worked %.0f %% of the "
			"time",
			100 * (double)most / (double)t->offered, 100 * busy[at]);
		bench->bottleneck = json_pack(
			"{s:s, s:s, s:s}", "kind", "instance", "name", node->vms.vm[at].name, "why", text);
	} else {
		snprintf(text, sizeof(text),
			"no ring was full; %.0f cycles of the worker per frame, making it and taking it back "
			"included",
			t->cycles);
		bench->bottleneck =
			json_pack("{s:s, s:s, s:s}", "kind", "worker", "name", "worker", "why", text);
	}
	/* Threads that poll: the worker, and one per guest. */
	if (sysconf(_SC_NPROCESSORS_ONLN) < 1 + (long)node->vms.n) {
		snprintf(text, sizeof(text), "%u VMs and a worker share %ld CPUs: they take turns",
			node->vms.n, sysconf(_SC_NPROCESSORS_ONLN));
		json_object_set_new(bench->bottleneck, "note", json_string(text));
	}
}
