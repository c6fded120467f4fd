#include "sff_mirror.h"

#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_mbuf_dyn.h>
#include <rte_ring.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Packet buffers of copies per worker. Live: a device's transmit ring (1,024) and as many on their way to it.
 * Replay: a lockstep step of the largest frames (64 times 33 buffers of 2 KiB), in and out. */
#define LIVE_BUFFERS   2047u
#define REPLAY_BUFFERS 8191u
#define POOL_CACHE     64u
/* Copies on their way to a file, all workers: more than a worker has buffers. */
#define RING_SIZE 4096u
#define BATCH     64u

static int
compile(const char *expression, struct bpf_program *program, char *err, int err_size)
{
	/* As capture files are written: Ethernet, whole frames. */
	pcap_t *pcap = pcap_open_dead(DLT_EN10MB, UINT16_MAX);
	int rc;

	if (pcap == NULL) {
		snprintf(err, (size_t)err_size, "no memory");
		return -ENOMEM;
	}
	rc = pcap_compile(pcap, program, expression, 1, PCAP_NETMASK_UNKNOWN);
	if (rc != 0)
		snprintf(err, (size_t)err_size, "libpcap cannot compile it: %s", pcap_geterr(pcap));
	pcap_close(pcap);
	return rc == 0 ? 0 : -EINVAL;
}

int
sff_mirror_check(const struct sfc_mirror *mirror, char *err, int err_size)
{
	struct bpf_program program;
	int rc;

	if (mirror->filter == NULL)
		return 0;
	rc = compile(mirror->filter, &program, err, err_size);
	if (rc == 0)
		pcap_freecode(&program);
	return rc;
}

/* A mirror without ports is every node's that has an instance of its hop: without one it has nothing to do.
 */
static bool
is_here(const struct sff_plane *plane, const struct sfc_mirror *mirror)
{
	const struct sfc_config *config = plane->config;
	int function;

	if (mirror->node >= 0)
		return mirror->node == plane->table->node;
	function = config->path[mirror->from_path].hop[mirror->from_hop - 1];
	for (unsigned int i = 0; i < config->n_instances; i++)
		if (config->instance[i].function == function &&
			config->instance[i].node == plane->table->node)
			return true;
	return false;
}

static int
open_file(struct sff_mirrors *mirrors, struct sff_sink *sink, const struct sfc_mirror *conf, char *err,
	int err_size)
{
	char name[32];
	int rc = 0;

	sink->file = strdup(conf->to_file);
	if (sink->file == NULL) {
		snprintf(err, (size_t)err_size, "mirror '%s': no memory", conf->name);
		return -ENOMEM;
	}
	if (mirrors->captures == NULL)
		rc = pmd_captures_create(
			&(struct pmd_captures_conf){.loops = 1}, &mirrors->captures, err, err_size);
	if (rc == 0)
		rc = pmd_capture_open(
			mirrors->captures, conf->name, NULL, sink->file, &sink->pmd, err, err_size);
	if (rc != 0 || !mirrors->live)
		return rc;
	/* Writing to a file may take any time: lcores leave it to control. */
	snprintf(name, sizeof(name), "mirror-%u", mirrors->n_sinks);
	sink->ring = rte_ring_create(name, RING_SIZE, (int)rte_socket_id(), RING_F_SC_DEQ);
	if (sink->ring != NULL)
		return 0;
	snprintf(err, (size_t)err_size, "mirror '%s': %s", conf->name, rte_strerror(rte_errno));
	return -ENOMEM;
}

static int
open_sink(struct sff_mirrors *mirrors, struct sff_mirror *mirror, char *err, int err_size)
{
	const struct sfc_mirror *conf = mirror->conf;
	struct sff_sink *sink = mirrors->sink;
	struct sff_sink *end = sink + mirrors->n_sinks;

	while (sink < end &&
		(conf->to_file != NULL ? sink->file == NULL || strcmp(sink->file, conf->to_file) != 0
				       : sink->port != conf->to_port))
		sink++;
	mirror->sink = (uint16_t)(sink - mirrors->sink);
	sink->n_mirrors++;
	if (sink < end)
		return 0;
	mirrors->n_sinks++;
	sink->port = conf->to_file != NULL ? SFC_NONE : (uint16_t)conf->to_port;
	return conf->to_file != NULL ? open_file(mirrors, sink, conf, err, err_size) : 0;
}

static int
open_mirror(const struct sff_plane *plane, struct sff_mirrors *mirrors, const struct sfc_mirror *conf,
	char *err, int err_size)
{
	struct sff_mirror *mirror = &mirrors->mirror[mirrors->n++];

	mirror->conf = conf;
	mirror->function = -1;
	if (conf->from_path >= 0) {
		const struct sfc_path *path = &plane->config->path[conf->from_path];

		mirror->sp = path->spi << 8 | (path->initial_si - (conf->from_hop - 1));
		mirror->function = path->hop[conf->from_hop - 1];
		mirrors->hops = true;
	}
	if (conf->filter != NULL) {
		int rc = compile(conf->filter, &mirror->filter, err, err_size);

		if (rc != 0)
			return rc;
		mirror->has_filter = true;
	}
	return open_sink(mirrors, mirror, err, err_size);
}

static int
open_memory(struct sff_mirrors *mirrors, uint16_t workers, char *err, int err_size)
{
	static const struct rte_mbuf_dynfield field = {
		.name = "sluice_mirror_mark",
		.size = sizeof(uint64_t),
		.align = _Alignof(uint64_t),
	};
	unsigned int n = mirrors->live ? LIVE_BUFFERS : REPLAY_BUFFERS;

	mirrors->pool = calloc(workers, sizeof(mirrors->pool[0]));
	for (uint16_t w = 0; mirrors->pool != NULL && w < workers; w++) {
		char name[32];

		snprintf(name, sizeof(name), "mirror-%u", w);
		mirrors->pool[w] = rte_pktmbuf_pool_create(
			name, n, POOL_CACHE, 0, RTE_MBUF_DEFAULT_BUF_SIZE, (int)rte_socket_id());
		if (mirrors->pool[w] == NULL)
			break;
		mirrors->n_pools++;
	}
	if (mirrors->n_pools < workers) {
		snprintf(err, (size_t)err_size, "mirrors: no room for %u packet buffers per worker: %s", n,
			rte_strerror(rte_errno));
		return -ENOMEM;
	}
	if (!mirrors->hops)
		return 0;
	mirrors->mark_offset = rte_mbuf_dynfield_register(&field);
	if (mirrors->mark_offset >= 0)
		return 0;
	snprintf(err, (size_t)err_size, "mirrors: no room in packet buffers: %s", rte_strerror(rte_errno));
	return -rte_errno;
}

static bool
passes(const struct sff_plane *plane, const struct sff_mirror *mirror, uint16_t port)
{
	if (mirror->function < 0)
		return mirror->conf->from_port == port;
	return plane->port[port].kind == SFF_PORT_SF && plane->port[port].function == mirror->function;
}

/* The taps of a port in one direction of its own; none is NULL. */
static int
make_taps(const struct sff_plane *plane, uint16_t port, bool out, const struct sff_taps **made)
{
	const struct sff_mirrors *mirrors = plane->mirrors;
	struct sff_taps **taps = &mirrors->taps[2 * port + out];
	uint16_t n = 0;

	free(*taps);
	*taps = NULL;
	for (uint16_t i = 0; i < mirrors->n; i++) {
		const struct sff_mirror *mirror = &mirrors->mirror[i];
		bool hop = mirror->function >= 0;
		/* What goes into a hop goes out of the port it is behind. */
		unsigned int direction = hop == out ? SFC_DIRECTION_IN : SFC_DIRECTION_OUT;

		if (!(mirror->conf->direction & direction) || !passes(plane, mirror, port))
			continue;
		if (*taps == NULL)
			*taps = calloc(1, sizeof(**taps) + mirrors->n * sizeof((*taps)->tap[0]));
		if (*taps == NULL)
			return -ENOMEM;
		(*taps)->hops |= hop;
		(*taps)->tap[n] = (struct sff_tap){
			/* RFC 8300, 2.3: an SF takes one off the SI. A hop is never at SI 0. */
			.sp = hop && !out ? mirror->sp - 1 : mirror->sp,
			.index = i,
			.sink = mirror->sink,
			.filter = mirror->has_filter ? &mirror->filter : NULL,
		};
		(*taps)->n = ++n;
	}
	*made = *taps;
	return 0;
}

int
sff_mirrors_tap(struct sff_plane *plane, uint16_t port)
{
	int rc = 0;

	if (plane->mirrors == NULL)
		return 0;
	rc = make_taps(plane, port, false, &plane->port[port].tap_in);
	return rc != 0 ? rc : make_taps(plane, port, true, &plane->port[port].tap_out);
}

int
sff_mirrors_open(
	struct sff_plane *plane, uint16_t workers, struct pmd_captures *captures, char *err, int err_size)
{
	const struct sfc_config *config = plane->config;
	struct sff_mirrors *mirrors;
	unsigned int n = 0;
	int rc = 0;

	for (unsigned int i = 0; i < config->n_mirrors; i++)
		n += is_here(plane, &config->mirror[i]);
	if (n == 0)
		return 0;
	mirrors = calloc(1, sizeof(*mirrors));
	plane->mirrors = mirrors;
	if (mirrors != NULL) {
		mirrors->mirror = calloc(n, sizeof(mirrors->mirror[0]));
		mirrors->sink = calloc(n, sizeof(mirrors->sink[0]));
		mirrors->taps = calloc(2u * plane->n_ports, sizeof(mirrors->taps[0]));
		mirrors->n_taps = 2u * plane->n_ports;
		mirrors->captures = captures;
		mirrors->live = captures == NULL;
	}
	if (mirrors == NULL || mirrors->mirror == NULL || mirrors->sink == NULL ||
		mirrors->taps == NULL) {
		snprintf(err, (size_t)err_size, "mirrors: no memory");
		rc = -ENOMEM;
	}
	for (unsigned int i = 0; rc == 0 && i < config->n_mirrors; i++)
		if (is_here(plane, &config->mirror[i]))
			rc = open_mirror(plane, mirrors, &config->mirror[i], err, err_size);
	if (rc == 0)
		rc = open_memory(mirrors, workers, err, err_size);
	for (uint16_t p = 0; rc == 0 && p < plane->n_external; p++) {
		rc = sff_mirrors_tap(plane, p);
		if (rc != 0)
			snprintf(err, (size_t)err_size, "mirrors: no memory");
	}
	if (rc != 0)
		sff_mirrors_close(plane);
	return rc;
}

void
sff_mirrors_drain(struct sff_mirrors *mirrors)
{
	for (uint16_t s = 0; mirrors != NULL && s < mirrors->n_sinks; s++) {
		struct sff_sink *sink = &mirrors->sink[s];
		struct rte_mbuf *pkt[BATCH];
		unsigned int n, all = 0;

		if (sink->ring == NULL)
			continue;
		while (all < RING_SIZE &&
			(n = rte_ring_sc_dequeue_burst(sink->ring, (void **)pkt, BATCH, NULL)) > 0) {
			pmd_tx(sink->pmd, 0, pkt, (uint16_t)n);
			all += n;
		}
		/* So that others can read along. */
		if (all > 0)
			sink->pmd->ops->flush(sink->pmd);
	}
}

int
sff_mirrors_flush(struct sff_mirrors *mirrors)
{
	int rc = 0;

	sff_mirrors_drain(mirrors);
	for (uint16_t s = 0; mirrors != NULL && s < mirrors->n_sinks; s++) {
		struct pmd_port *pmd = mirrors->sink[s].pmd;
		int failed = pmd != NULL ? pmd->ops->flush(pmd) : 0;

		if (rc == 0)
			rc = failed;
	}
	return rc;
}

const char *
sff_mirrors_error(const struct sff_mirrors *mirrors)
{
	return mirrors != NULL && mirrors->captures != NULL ? pmd_captures_error(mirrors->captures) : NULL;
}

uint64_t
sff_mirrors_errors(const struct sff_mirrors *mirrors)
{
	uint64_t n = 0;

	for (uint16_t s = 0; mirrors != NULL && s < mirrors->n_sinks; s++) {
		const struct pmd_port *pmd = mirrors->sink[s].pmd;
		struct pmd_stats stats = {0};

		if (pmd != NULL)
			pmd->ops->stats(pmd, &stats);
		n += stats.tx_errors;
	}
	return n;
}

void
sff_mirrors_close(struct sff_plane *plane)
{
	struct sff_mirrors *mirrors = plane->mirrors;

	if (mirrors == NULL)
		return;
	plane->mirrors = NULL;
	sff_mirrors_drain(mirrors);
	for (uint16_t s = 0; s < mirrors->n_sinks; s++) {
		rte_ring_free(mirrors->sink[s].ring);
		if (mirrors->sink[s].pmd != NULL)
			mirrors->sink[s].pmd->ops->close(mirrors->sink[s].pmd);
		free(mirrors->sink[s].file);
	}
	if (mirrors->live && mirrors->captures != NULL)
		pmd_captures_destroy(mirrors->captures);
	for (uint16_t i = 0; i < mirrors->n; i++)
		if (mirrors->mirror[i].has_filter)
			pcap_freecode(&mirrors->mirror[i].filter);
	for (uint16_t w = 0; w < mirrors->n_pools; w++)
		rte_mempool_free(mirrors->pool[w]);
	for (uint32_t i = 0; mirrors->taps != NULL && i < mirrors->n_taps; i++)
		free(mirrors->taps[i]);
	free(mirrors->taps);
	free(mirrors->pool);
	free(mirrors->mirror);
	free(mirrors->sink);
	free(mirrors);
}
