#include "sff_report.h"
#include "sff_mirror.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void
sff_books_add(struct sff_books *to, const struct sff_books *books)
{
	to->rx += books->rx;
	to->tx += books->tx;
	to->consumed += books->consumed;
	to->originated += books->originated;
	to->lost += books->lost;
	to->oversize += books->oversize;
	to->malformed += books->malformed;
}

void
sff_report_life(const struct pmd_port *pmd, const volatile uint64_t *consumed, unsigned int n_queues,
	struct sff_books *books, uint64_t *rest)
{
	struct sff_books life = {0};

	for (uint16_t q = 0; q < n_queues; q++) {
		struct pmd_vm_queue_stats stats;

		pmd_vm_queue_stats(pmd, q, &stats);
		life.rx += stats.enqueued;
		life.tx += stats.dequeued + stats.malformed;
		life.oversize += stats.oversize;
		life.malformed += stats.malformed;
	}
	*rest = 0;
	if (life.tx > life.rx) {
		life.originated = life.tx - life.rx;
	} else {
		*rest = life.rx - life.tx;
		if (consumed != NULL)
			life.consumed = RTE_MIN(*consumed, *rest);
		*rest -= life.consumed;
	}
	sff_books_add(books, &life);
}

/* The present life of the SF behind a port, and what is inside. */
static struct sff_books
present(const struct sff_sources *s, const struct sff_port *port, uint64_t *rest)
{
	struct pmd_port *pmd = sff_port_pmd(port);
	struct sff_books books = {0};

	*rest = 0;
	if (pmd != NULL)
		sff_report_life(pmd, port->consumed, s->n_lcores, &books, rest);
	return books;
}

static void
add_books(struct sfc_ledger *ledger, const struct sff_books *books)
{
	ledger->originated += books->originated;
	ledger->dropped[SFC_DROP_MTU] += books->oversize;
	ledger->dropped[SFC_DROP_SF_FRAME] += books->malformed;
	ledger->dropped[SFC_DROP_SF_CONSUMED] += books->consumed;
	ledger->dropped[SFC_DROP_SF_LOST] += books->lost;
}

static const struct sff_vm *
vm_of(const struct sff_sources *s, uint16_t port)
{
	for (unsigned int i = 0; i < s->vms->n; i++)
		if (s->vms->vm[i].state != SFF_VM_NONE && s->vms->vm[i].port == port)
			return &s->vms->vm[i];
	return NULL;
}

/* Nothing comes back over rings that the guest broke, whatever becomes of it. */
static bool
is_cut_off(const struct sff_port *port)
{
	const struct pmd_port *pmd = sff_port_pmd(port);
	struct pmd_vm_faults faults = {0};

	if (pmd != NULL)
		pmd_vm_faults(pmd, &faults);
	return faults.broken > 0;
}

/* What a port counted by itself was received or sent, too. */
static void
add_port(struct sfc_ledger *ledger, const struct sff_port *port)
{
	struct pmd_stats stats = {0};

	if (port->pmd == NULL || port->pmd->ops->stats == NULL)
		return;
	port->pmd->ops->stats(port->pmd, &stats);
	ledger->received += stats.rx_capture_size + stats.rx_missed;
	ledger->dropped[SFC_DROP_CAPTURE_SIZE] += stats.rx_capture_size;
	ledger->dropped[SFC_DROP_NO_MBUF] += stats.rx_missed;
	ledger->sent -= RTE_MIN(stats.tx_errors, ledger->sent);
	ledger->dropped[SFC_DROP_EGRESS_DOWN] += stats.tx_errors;
}

void
sff_report_ledger(const struct sff_sources *s, struct sfc_ledger *ledger)
{
	uint64_t unwritten;

	*ledger = (struct sfc_ledger){0};
	for (unsigned int l = 0; l < s->n_lcores; l++) {
		const struct sff_lcore *lc = s->lcore[l];

		ledger->received += lc->received;
		ledger->sent += lc->sent;
		ledger->replicated += lc->replicated;
		ledger->originated += lc->underlay.originated;
		ledger->in_flight += lc->underlay.n_held;
		ledger->in_flight += sff_mirror_held(lc);
		for (unsigned int d = 0; d < SFC_DROP_MAX; d++)
			ledger->dropped[d] += lc->dropped[d];
		for (uint16_t p = 0; p < s->plane->n_ports; p++)
			ledger->in_flight += lc->tx[p].n;
	}
	for (uint16_t p = 0; p < s->plane->n_ports; p++) {
		const struct sff_port *port = &s->plane->port[p];
		const struct sff_vm *vm;
		struct sff_books books;
		uint64_t rest;

		if (port->kind != SFF_PORT_SF) {
			add_port(ledger, port);
			continue;
		}
		books = present(s, port, &rest);
		add_books(ledger, &books);
		vm = vm_of(s, p);
		if ((vm != NULL && vm->state == SFF_VM_ENDED) || is_cut_off(port))
			ledger->dropped[SFC_DROP_SF_LOST] += rest;
		else if (s->ended)
			ledger->dropped[SFC_DROP_SF_STUCK] += rest;
		else
			ledger->in_flight += rest;
	}
	for (unsigned int i = 0; i < s->vms->n; i++)
		if (s->vms->vm[i].state != SFF_VM_NONE)
			add_books(ledger, &s->vms->vm[i].past);
	add_books(ledger, &s->vms->past);
	unwritten = sff_mirror_store_errors(s->mirrors);
	ledger->sent -= RTE_MIN(unwritten, ledger->sent);
	ledger->dropped[SFC_DROP_EGRESS_DOWN] += unwritten;
}

void
sff_report_steering(const struct sff_sources *s, struct sfc_steering *steering)
{
	*steering = (struct sfc_steering){0};
	for (unsigned int l = 0; l < s->n_lcores; l++) {
		steering->reclassified += s->lcore[l]->steering.reclassified;
		steering->repinned += s->lcore[l]->steering.repinned;
		steering->bypassed += s->lcore[l]->steering.bypassed;
	}
}

/* A guest's metrics, copied and cleaned: it may change them while we look. Returns how many. */
static unsigned int
read_metrics(const struct sff_vm *vm, struct sfc_report_metric **out)
{
	uint32_t max = sizeof(vm->shared->metrics.metric) / sizeof(vm->shared->metrics.metric[0]);
	uint32_t count, n = 0;
	struct sfc_report_metric *metric;

	*out = NULL;
	if (vm->shared == NULL)
		return 0;
	count = vm->shared->metrics.count;
	count = RTE_MIN(count, max);
	metric = calloc(count + 1, sizeof(*metric));
	if (metric == NULL)
		return 0;
	for (uint32_t i = 0; i < count; i++) {
		const volatile struct hv_metric *from = &vm->shared->metrics.metric[i];
		unsigned int c = 0;

		for (; c < HV_METRIC_NAME - 1 && from->name[c] != '\0'; c++) {
			char ch = from->name[c];

			metric[n].name[c] = ch > ' ' && ch <= '~' && ch != '"' && ch != '\\' ? ch : '_';
		}
		metric[n].name[c] = '\0';
		metric[n].value = from->value;
		if (c > 0)
			n++;
	}
	*out = metric;
	return n;
}

static json_t *
consumed_json(const struct sff_vm *vm, const struct sfc_report_metric *metric, unsigned int n, uint64_t left)
{
	json_t *list = json_array();

	/* By convention of the guest library its own drops are counters named drop.*; never beyond the
	 * difference. */
	for (unsigned int i = 0; i < n && left > 0; i++) {
		uint64_t frames = RTE_MIN(metric[i].value, left);

		if (strncmp(metric[i].name, "drop.", 5) != 0 || frames == 0)
			continue;
		left -= frames;
		json_array_append_new(list, json_pack("{s:s, s:s, s:I}", "instance", vm->name, "counter",
						    metric[i].name, "frames", (json_int_t)frames));
	}
	return list;
}

static json_t *
hops_json(const struct sff_sources *s)
{
	const struct sfc_config *config = s->plane->config;
	const struct sfc_table *table = s->plane->table;
	json_t *list = json_array();

	for (unsigned int p = 0; p < config->n_paths; p++) {
		const struct sfc_path *path = &config->path[p];

		for (unsigned int h = 0; h < path->n_hops; h++) {
			uint8_t si = (uint8_t)(path->initial_si - h);
			int known_spi;
			const struct sfp_entry *entry = sfp_lookup(table, path->spi << 8 | si, &known_spi);
			uint64_t in = 0, out = 0;

			if (entry == NULL)
				continue;
			if (s->carried != NULL && s->carried->hop != NULL) {
				in = s->carried->hop[entry - table->entry].in;
				out = s->carried->hop[entry - table->entry].out;
			}
			for (unsigned int l = 0; l < s->n_lcores; l++) {
				in += s->lcore[l]->hop[entry - table->entry].in;
				out += s->lcore[l]->hop[entry - table->entry].out;
			}
			/* Thousands of paths may be configured; those that were used are news. */
			if (in == 0 && out == 0)
				continue;
			json_array_append_new(
				list, json_pack("{s:s, s:i, s:s, s:i, s:I, s:I}", "path", path->name, "hop",
					      (int)h + 1, "function", config->function[path->hop[h]].name,
					      "si", (int)si, "in", (json_int_t)in, "out", (json_int_t)out));
		}
	}
	return list;
}

static json_t *
rates_json(const struct sff_sources *s, const struct sfc_ledger *ledger)
{
	double per = s->seconds > 0 ? 1 / s->seconds : 0;
	uint64_t frames = 0, bytes = 0, total = 0;

	if (s->n_lcores > 0 && s->lcore[0]->captures != NULL)
		pmd_captures_progress(s->lcore[0]->captures, &frames, &bytes, &total);
	return json_pack("{s:f, s:f, s:f}", "seconds", s->seconds, "frames_per_second",
		(double)ledger->received * per, "bits_per_second", (double)bytes * 8 * per);
}

/* Proxies that did anything, into a list that has room for every function. Returns how many. */
static unsigned int
read_proxies(const struct sff_sources *s, struct sfc_report_proxy *list)
{
	static const struct sfc_report_proxy nothing;
	unsigned int n = 0;

	for (uint32_t g = 0; g < s->plane->table->n_groups; g++) {
		struct sfc_report_proxy *p = &list[n];

		*p = s->carried != NULL && s->carried->proxy != NULL ? s->carried->proxy[g] : nothing;
		for (unsigned int l = 0; l < s->n_lcores; l++)
			sff_carried_add_proxy(p, s->lcore[l]->proxy[g]);
		if (memcmp(p, &nothing, sizeof(nothing)) == 0)
			continue;
		p->function = s->plane->config->function[g].name;
		n++;
	}
	return n;
}

json_t *
sff_report_event(const struct sff_sources *s, struct sfc_ledger *ledger)
{
	const struct sfc_config *config = s->plane->config;
	struct sfc_report_path *path = calloc(config->n_paths + 1, sizeof(*path));
	struct sfc_report_instance *instance = calloc(s->vms->n + 1, sizeof(*instance));
	struct sfc_report_proxy *proxy = calloc(s->plane->table->n_groups + 1, sizeof(*proxy));
	struct sfc_report report = {.path = path, .instance = instance, .proxy = proxy};
	json_t *consumed = json_array(), *event = NULL;

	sff_report_ledger(s, ledger);
	if (path == NULL || instance == NULL || proxy == NULL)
		goto out;
	report.ledger = *ledger;
	report.n_proxies = read_proxies(s, proxy);
	sff_report_steering(s, &report.steering);
	for (unsigned int p = 0; p < config->n_paths; p++) {
		path[p] = (struct sfc_report_path){.name = config->path[p].name, .spi = config->path[p].spi};
		if (s->carried != NULL && s->carried->path != NULL) {
			path[p].in = s->carried->path[p].in;
			path[p].out = s->carried->path[p].out;
		}
		for (unsigned int l = 0; l < s->n_lcores; l++) {
			path[p].in += s->lcore[l]->path[p].in;
			path[p].out += s->lcore[l]->path[p].out;
		}
	}
	report.n_paths = config->n_paths;
	for (uint16_t p = s->plane->n_external; p < s->plane->n_ports; p++) {
		const struct sff_port *port = &s->plane->port[p];
		const struct sff_vm *vm = port->kind == SFF_PORT_SF ? vm_of(s, p) : NULL;
		struct sfc_report_instance *i = &instance[report.n_instances];
		struct sfc_report_metric *metric;
		struct sff_books books;
		uint64_t rest;
		json_t *list;

		if (vm == NULL)
			continue;
		books = present(s, port, &rest);
		i->name = vm->name;
		i->runtime = vm->runtime;
		i->boot_us = vm->boot_us;
		i->rx = books.rx + vm->past.rx;
		i->tx = books.tx + vm->past.tx;
		i->died = vm->state == SFF_VM_ENDED;
		i->n_metrics = read_metrics(vm, &metric);
		i->metric = metric;
		report.n_instances++;
		list = consumed_json(vm, metric, i->n_metrics, books.consumed);
		json_array_extend(consumed, list);
		json_decref(list);
	}
	event = json_pack("{s:s, s:o, s:o, s:o, s:O}", "event", "report", "report", sfc_report_json(&report),
		"hops", hops_json(s), "rates", rates_json(s, ledger), "consumed", consumed);
out:
	json_decref(consumed);
	for (unsigned int i = 0; i < report.n_instances; i++)
		free((void *)(uintptr_t)instance[i].metric);
	free(instance);
	free(path);
	free(proxy);
	return event;
}

void
sff_report_print(FILE *file, const struct sfc_ledger *ledger)
{
	fprintf(file, "received    %12llu\n", (unsigned long long)ledger->received);
	if (ledger->originated > 0)
		fprintf(file, "originated  %12llu\n", (unsigned long long)ledger->originated);
	if (ledger->replicated > 0)
		fprintf(file, "replicated  %12llu\n", (unsigned long long)ledger->replicated);
	fprintf(file, "sent        %12llu\n", (unsigned long long)ledger->sent);
	for (unsigned int d = 0; d < SFC_DROP_MAX; d++)
		if (ledger->dropped[d] > 0)
			fprintf(file, "dropped     %12llu  %s: %s\n", (unsigned long long)ledger->dropped[d],
				sfc_drop_name(d), sfc_drop_help(d));
	fprintf(file, "in flight   %12llu\n", (unsigned long long)ledger->in_flight);
	fprintf(file, "%s\n", sfc_ledger_balanced(ledger) ? "balanced" : "NOT BALANCED");
}

void
sff_report_print_steering(FILE *file, const struct sfc_steering *steering)
{
	if (steering->reclassified > 0)
		fprintf(file, "reclassified %11llu  moved to another path by a function\n",
			(unsigned long long)steering->reclassified);
	if (steering->repinned > 0)
		fprintf(file, "repinned    %12llu  flows moved from an instance that was down\n",
			(unsigned long long)steering->repinned);
	if (steering->bypassed > 0)
		fprintf(file, "bypassed    %12llu  steps over a function that was down\n",
			(unsigned long long)steering->bypassed);
}

void
sff_event_send(int fd, json_t *event)
{
	char *text = event != NULL ? json_dumps(event, JSON_COMPACT) : NULL;
	size_t size = text != NULL ? strlen(text) : 0, sent = 0;

	if (fd >= 0 && text != NULL) {
		text[size++] = '\n'; /* in place of the terminator */
		while (sent < size) {
			ssize_t n = send(fd, text + sent, size - sent, MSG_NOSIGNAL);

			if (n < 0 && errno == EINTR)
				continue;
			if (n <= 0)
				break;
			sent += (size_t)n;
		}
	}
	free(text);
	json_decref(event);
}
