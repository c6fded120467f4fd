#include "sff_node.h"
#include "sff_bench.h"
#include "sff_control.h"
#include "sff_eal.h"
#include "sff_mirror.h"
#include "sff_pool.h"
#include "sff_ports.h"
#include "sff_report.h"
#include "sff_stamp.h"
#include "sff_supervise.h"

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_malloc.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ERR_SIZE 512
/* A pool near the mempool's per-lcore cache stays in L2; this many hold a window of jumbo frames (SFF_WINDOW
 * times 33 buffers of 2 KiB) and the receive rings of some devices. */
#define POOL_BUFFERS 16383u
#define POOL_CACHE   512u /* RTE_MEMPOOL_CACHE_MAX_SIZE of DPDK 22.11 */

void
sff_say(const struct sff_options *options, const char *event, const char *format, ...)
{
	char text[2 * ERR_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (options->report_fd < 0) {
		fprintf(stderr, "sff: %s\n", text);
		return;
	}
	json_t *said = json_string(text);

	/* JSON holds UTF-8 only; a file name holds any bytes, and a long text may be cut inside a character.
	 */
	for (char *c = text; said == NULL && *c != '\0'; c++)
		if ((unsigned char)*c >= 0x80)
			*c = '?';
	if (said == NULL)
		said = json_string(text);
	sff_event_send(options->report_fd, json_pack("{s:s, s:o}", "event", event, "text", said));
}

static void
say_config_error(const struct sff_options *options, const struct sfc_error *e)
{
	if (e->line > 0)
		sff_say(options, "error", "%s:%u:%u: %s: %s", e->file, e->line, e->column, e->path,
			e->reason);
	else
		sff_say(options, "error", "%s: %s", e->file, e->reason);
}

/* Filters of mirrors are libpcap's language, which the loader does not know. */
static int
check_filters(const struct sff_options *options, const struct sfc_config *config)
{
	char err[ERR_SIZE];
	int rc = 0;

	for (unsigned int i = 0; i < config->n_mirrors; i++) {
		const struct sfc_mirror *mirror = &config->mirror[i];

		if (sff_mirror_check(mirror, err, sizeof(err)) == 0)
			continue;
		sff_say(options, "error", "%s:%u:%u: /sfc/mirror[name='%s']/filter: %s", config->file,
			mirror->filter_line, mirror->filter_column, mirror->name, err);
		rc = SFF_EXIT_CONFIG;
	}
	return rc;
}

int
sff_node_read(const struct sff_options *options, const char *name, struct sfc_config **config, int *index,
	struct sfc_table **table)
{
	struct sfc_errors errors = {0};
	char err[ERR_SIZE] = "";
	int rc = sfc_load(options->config, config, &errors);

	for (unsigned int i = 0; i < errors.n; i++)
		say_config_error(options, &errors.error[i]);
	sfc_errors_free(&errors);
	/* A file that cannot be read is not wrong in itself. */
	if (rc != 0)
		return rc == -EINVAL ? SFF_EXIT_CONFIG : SFF_EXIT_USAGE;
	*index = sfc_config_node(*config, name, err, sizeof(err));
	if (*index < 0) {
		sff_say(options, "error", "%s", err);
		return SFF_EXIT_USAGE;
	}
	if (sfc_table_build(*config, *index, table, err, sizeof(err)) != 0) {
		sff_say(options, "error", "%s: %s", options->config, err);
		return SFF_EXIT_CONFIG;
	}
	return check_filters(options, *config);
}

int
sff_node_load(struct sff_node *node)
{
	return sff_node_read(node->options, node->options->node, &node->config, &node->index, &node->table);
}

static bool
has_pci_port(const struct sfc_node *conf)
{
	unsigned int a, b, c, d;

	for (unsigned int p = 0; p < conf->n_ports; p++)
		if (conf->port[p].device != NULL &&
			(sscanf(conf->port[p].device, "%x:%x:%x.%x", &a, &b, &c, &d) == 4 ||
				sscanf(conf->port[p].device, "%x:%x.%x", &b, &c, &d) == 3))
			return true;
	return false;
}

/* Does a device reach into packet buffers by itself? Not those whose driver is known to copy. */
static bool
has_dma(const struct sfc_node *conf)
{
	static const char *const copies[] = {"net_af_packet", "net_tap", "net_null", "net_pcap"};

	for (unsigned int p = 0; p < conf->n_ports; p++) {
		const char *device = conf->port[p].device;
		bool dma = device != NULL;

		for (unsigned int i = 0; dma && i < RTE_DIM(copies); i++)
			dma = strncmp(device, copies[i], strlen(copies[i])) != 0;
		if (dma)
			return true;
	}
	return false;
}

static int
open_memory(struct sff_node *node, char *err)
{
	size_t size = rte_rcu_qsbr_get_memsize(RTE_MAX_LCORE);
	bool dma = !node->options->replay && has_dma(&node->config->node[node->index]);

	node->qsbr = rte_zmalloc("qsbr", size, RTE_CACHE_LINE_SIZE);
	node->pool = sff_pool_create("frames", POOL_BUFFERS, POOL_CACHE, dma);
	if (node->qsbr == NULL || node->pool == NULL || rte_rcu_qsbr_init(node->qsbr, RTE_MAX_LCORE) != 0) {
		snprintf(err, ERR_SIZE, "no room for %u packet buffers in %u MiB of dataplane memory: %s",
			POOL_BUFFERS, node->config->node[node->index].memory_mib, rte_strerror(rte_errno));
		return -ENOMEM;
	}
	return pmd_init(node->pool, node->qsbr);
}

void
sff_node_say_warnings(const struct sff_node *node)
{
	const struct sfc_errors *warnings = &node->config->warnings;

	for (unsigned int i = 0; i < warnings->n; i++)
		sff_say(node->options, "note", "%s:%u:%u: %s: %s", warnings->error[i].file,
			warnings->error[i].line, warnings->error[i].column, warnings->error[i].path,
			warnings->error[i].reason);
}

/* What a live node cannot send in one piece, and a replay not at all: it asks nobody for a MAC address. */
static void
say_links(const struct sff_node *node)
{
	if (node->options->replay && node->plane->neighbours->n > 0)
		sff_say(node->options, "note",
			"frames to %u next hops without a mac in the file are dropped as no-neighbour: a "
			"replay "
			"asks nobody",
			node->plane->neighbours->n);
	if (!node->options->replay)
		sff_node_say_warnings(node);
}

static int
open_all(struct sff_node *node, char *err)
{
	const struct sff_options *options = node->options;
	const struct sfc_node *conf = &node->config->node[node->index];
	struct sff_vms_conf vms = {
		.run_dir = node->run_dir.path,
		.pairs = node->workers,
		.runtime = options->runtime,
		.die_with_us = options->replay,
		.stamps = options->bench,
	};
	struct sff_eal_conf eal = {
		.run_dir = node->run_dir.path,
		.memory_mib = conf->memory_mib,
		.workers = node->workers,
		.pin = !options->replay || options->bench,
		.pci = !options->replay && has_pci_port(conf),
		.telemetry = !options->replay,
	};
	char note[ERR_SIZE];
	int rc;

	if (options->bench)
		sff_bench_keep_cpu(true);
	rc = sff_vms_start(node->config, node->index, &vms, &node->vms, err, ERR_SIZE);
	if (options->bench)
		sff_bench_keep_cpu(false);
	/* Guests boot while EAL starts. */
	if (rc == 0)
		rc = sff_eal_init(&eal, note, sizeof(note), err, ERR_SIZE);
	if (rc != 0)
		return rc;
	node->eal = true;
	if (note[0] != '\0')
		sff_say(options, "note", "%s", note);
	rc = open_memory(node, err);
	if (rc == 0)
		rc = cls_create(node->config, node->index, &node->cls, err, ERR_SIZE);
	node->metadata_said = calloc(node->config->n_paths + 1, sizeof(node->metadata_said[0]));
	if (rc == 0 && node->metadata_said == NULL)
		rc = -ENOMEM;
	node->plane = calloc(1, sizeof(*node->plane));
	if (node->plane == NULL)
		return -ENOMEM;
	node->plane->config = node->config;
	node->plane->table = node->table;
	node->plane->cls = node->cls;
	if (rc == 0)
		rc = sff_ports_open(node->plane, options, node->workers, &node->captures, err, ERR_SIZE);
	if (rc == 0 && options->bench)
		rc = sff_bench_open(node, err, ERR_SIZE);
	for (unsigned int i = 0; rc == 0 && i < node->vms.n; i++) {
		struct sff_vm *vm = &node->vms.vm[i];

		vm->port = (uint16_t)(node->plane->n_external + i);
		memcpy(node->plane->port[vm->port].sf_mac, vm->mac, sizeof(vm->mac));
	}
	if (rc == 0)
		rc = sff_plane_build(node->plane);
	if (rc == 0)
		say_links(node);
	if (rc == 0 && sff_mirrors_count(node->plane) > 0)
		rc = sff_mirror_store_create(node->workers, node->captures, &node->mirrors, err, ERR_SIZE);
	if (rc == 0)
		rc = sff_mirrors_open(node->plane, node->mirrors, err, ERR_SIZE);
	if (rc == 0 && options->replay && !options->bench)
		rc = sff_stamps_create(node->plane->n_ports, &node->stamps);
	return rc;
}

int
sff_node_open(struct sff_node *node)
{
	const struct sff_options *options = node->options;
	const struct sfc_node *conf = &node->config->node[node->index];
	char err[ERR_SIZE] = "";
	int rc;

	/* Capture files are one stream: one worker keeps its order. */
	node->workers = options->replay ? 1 : (uint16_t)conf->workers;
	if (options->replay && conf->workers > 1)
		sff_say(options, "note", "a replay runs 1 worker, not the %u of node '%s'", conf->workers,
			conf->name);
	rc = sff_run_dir_open(
		options->run_dir, options->replay ? NULL : conf->name, &node->run_dir, err, sizeof(err));
	if (rc == 0)
		rc = open_all(node, err);
	if (rc == 0)
		return 0;
	sff_say(options, "error", "%s", err[0] != '\0' ? err : strerror(-rc));
	return SFF_EXIT_USAGE;
}

int
sff_node_connect(struct sff_node *node)
{
	int waiting = 0;

	for (unsigned int i = 0; i < node->vms.n; i++) {
		struct sff_vm *vm = &node->vms.vm[i];
		int rc;

		if (vm->up)
			continue;
		rc = sff_supervise_port(node, node->plane, vm);
		if (rc != 0)
			return rc;
		if (!vm->up) {
			waiting++;
			continue;
		}
		if (node->options->report_fd >= 0)
			sff_event_send(node->options->report_fd,
				json_pack("{s:s, s:s, s:s, s:I}", "event", "vm", "name", vm->name, "runtime",
					vm->runtime, "boot_us", (json_int_t)vm->boot_us));
	}
	return waiting > 0 ? -EAGAIN : 0;
}

/* Memory for what flows met. Where nothing is remembered a live node has it for configurations to come, and
 * takes no pages for it. */
static int
create_pins(const struct sff_node *node, struct sff_lcore *lc)
{
	uint32_t g = 0;

	while (g < node->table->n_groups && !node->plane->pinned[g])
		g++;
	if (g == node->table->n_groups && node->options->replay)
		return 0;
	return sff_pins_create(node->config->node[node->index].flows / node->workers, rte_get_tsc_hz(),
		g < node->table->n_groups, &lc->pins);
}

int
sff_node_launch(struct sff_node *node)
{
	const struct sff_options *options = node->options;
	const struct sfc_node *conf = &node->config->node[node->index];
	/* A replay must repeat; a live node must not be predictable. */
	uint32_t seed = options->replay ? 0 : (uint32_t)rte_rdtsc();
	char err[ERR_SIZE] = "";

	node->plane->hash_seed = seed;
	for (uint16_t w = 0; w < node->workers; w++) {
		struct sff_lcore *lc;
		int rc = sff_lcore_create(node->plane, w, &lc);

		if (rc != 0) {
			sff_say(options, "error", "worker %u: %s", w, strerror(-rc));
			return SFF_EXIT_USAGE;
		}
		node->lcore[w] = lc;
		rc = cls_flows_create(conf->flows / node->workers, seed, (int)rte_socket_id(), &lc->flows,
			err, sizeof(err));
		if (rc != 0) {
			sff_say(options, "error", "worker %u: %s", w, err);
			return SFF_EXIT_USAGE;
		}
		rc = create_pins(node, lc);
		if (rc != 0) {
			sff_say(options, "error", "worker %u: no memory for pins", w);
			return SFF_EXIT_USAGE;
		}
		lc->qsbr = node->qsbr;
		lc->pool = node->pool;
		lc->stamps = node->stamps;
		lc->captures = options->bench ? NULL : node->captures;
		lc->probe = options->bench ? node->bench->probe : NULL;
		lc->lockstep = options->lockstep;
		if (!options->replay || options->bench || options->speed > 0)
			lc->feed = SFF_FEED_LIVE;
		else
			lc->feed = options->lockstep > 0 ? SFF_FEED_LOCKSTEP : SFF_FEED_LOSSLESS;
		rte_rcu_qsbr_thread_register(node->qsbr, w + 1u);
	}
	for (uint16_t w = 0; w < node->workers; w++)
		if (rte_eal_remote_launch(sff_lcore_main, node->lcore[w], w + 1u) != 0) {
			sff_say(options, "error", "worker %u: its lcore does not start", w);
			return SFF_EXIT_USAGE;
		}
	node->launched = true;
	return 0;
}

void
sff_node_close(struct sff_node *node)
{
	/* Before the VMs: rte_vhost must not hear of their end while its sockets are unregistered. */
	if (node->plane != NULL && node->plane->port != NULL)
		sff_ports_close(node->plane);
	for (unsigned int i = 0; i < node->vms.n; i++)
		if (node->vms.vm[i].closing != NULL)
			node->vms.vm[i].closing->ops->close(node->vms.vm[i].closing);
	sff_vms_stop(&node->vms);
	if (node->plane != NULL)
		sff_plane_fini(node->plane);
	for (uint16_t w = 0; w < node->workers; w++)
		if (node->lcore[w] != NULL) {
			if (node->lcore[w]->flows != NULL)
				cls_flows_destroy(node->lcore[w]->flows);
			sff_pins_destroy(node->lcore[w]->pins);
			sff_lcore_destroy(node->lcore[w]);
		}
	if (node->plane != NULL)
		sff_mirrors_close(node->plane);
	sff_mirror_store_destroy(node->mirrors);
	if (node->captures != NULL)
		pmd_captures_destroy(node->captures);
	sff_stamps_destroy(node->stamps);
	sff_bench_close(node);
	if (node->cls != NULL)
		cls_destroy(node->cls);
	if (node->eal) {
		rte_mempool_free(node->pool);
		rte_free(node->qsbr);
		rte_eal_cleanup();
	}
	sfc_table_free(node->table);
	sfc_config_free(node->config);
	free(node->metadata_said);
	sff_carried_free(&node->carried);
	free(node->plane);
	sff_run_dir_close(&node->run_dir);
}
