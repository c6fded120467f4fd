#include "sff_mirror.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* Mirrors to one port or file share a sink, so that their copies stay in order. */
static int
find_sink(struct sff_mirrors *mirrors, struct sff_mirror *mirror, struct sff_mirror_store *store, char *err,
	int err_size)
{
	const struct sfc_mirror *conf = mirror->conf;
	struct sff_sink wanted = {.port = SFC_NONE}, *sink = mirrors->sink;

	if (conf->to_file == NULL) {
		wanted.port = (uint16_t)conf->to_port;
	} else {
		int rc = sff_mirror_store_open(store, conf->to_file, &wanted.file, err, err_size);

		if (rc != 0)
			return rc;
	}
	while (sink < mirrors->sink + mirrors->n_sinks &&
		(sink->file != wanted.file || sink->port != wanted.port))
		sink++;
	mirror->sink = (uint16_t)(sink - mirrors->sink);
	if (mirror->sink == mirrors->n_sinks) {
		*sink = wanted;
		mirrors->n_sinks++;
	}
	sink->n_mirrors++;
	return 0;
}

static int
open_mirror(const struct sff_plane *plane, const struct sfc_mirror *conf, struct sff_mirror_store *store,
	char *err, int err_size)
{
	struct sff_mirrors *mirrors = plane->mirrors;
	struct sff_mirror *mirror = &mirrors->mirror[mirrors->n++];

	mirror->conf = conf;
	mirror->function = -1;
	if (conf->from_path >= 0) {
		const struct sfc_path *path = &plane->config->path[conf->from_path];

		mirror->sp = path->spi << 8 | (path->initial_si - (conf->from_hop - 1));
		mirror->function = path->hop[conf->from_hop - 1];
	}
	if (conf->filter != NULL) {
		int rc = compile(conf->filter, &mirror->filter, err, err_size);

		if (rc != 0)
			return rc;
		mirror->has_filter = true;
	}
	return find_sink(mirrors, mirror, store, err, err_size);
}

/* A hop's frames pass every port with an instance behind it: its own, or that of an attached one's link. */
static bool
passes(const struct sff_plane *plane, const struct sff_mirror *mirror, uint16_t port)
{
	if (mirror->function < 0)
		return mirror->conf->from_port == port;
	for (uint16_t p = plane->n_external; p < plane->n_ports; p++) {
		const struct sff_port *sf = &plane->port[p];

		if (sf->function == mirror->function && sf->sf.out == port)
			return true;
	}
	return false;
}

/* The taps of a port in one direction of its own; none is NULL. */
static int
make_taps(const struct sff_plane *plane, uint16_t p, bool out)
{
	struct sff_mirrors *mirrors = plane->mirrors;
	const struct sff_port *port = &plane->port[p];
	struct sff_taps *taps = NULL;

	for (uint16_t i = 0; i < mirrors->n; i++) {
		const struct sff_mirror *mirror = &mirrors->mirror[i];
		bool hop = mirror->function >= 0;
		/* What goes into a hop goes out of the port it is behind. */
		unsigned int direction = hop == out ? SFC_DIRECTION_IN : SFC_DIRECTION_OUT;

		if (!(mirror->conf->direction & direction) || !passes(plane, mirror, p))
			continue;
		if (taps == NULL) {
			taps = calloc(1, sizeof(*taps) + mirrors->n * sizeof(taps->tap[0]));
			if (taps == NULL)
				return -ENOMEM;
			mirrors->taps[2 * p + out] = taps;
			taps->plain = port->kind == SFF_PORT_SF && !port->sf.proxied;
		}
		taps->hops |= hop;
		taps->tap[taps->n++] = (struct sff_tap){
			/* RFC 8300, 2.3: an SF takes one off the SI. A hop is never at SI 0. */
			.sp = hop && !out ? mirror->sp - 1 : mirror->sp,
			.index = i,
			.sink = mirror->sink,
			.filter = mirror->has_filter ? &mirror->filter : NULL,
		};
	}
	return 0;
}

static int
create(struct sff_plane *plane, unsigned int n, struct sff_mirror_store *store)
{
	struct sff_mirrors *mirrors = calloc(1, sizeof(*mirrors));

	plane->mirrors = mirrors;
	if (mirrors == NULL)
		return -ENOMEM;
	mirrors->store = store;
	mirrors->n_ports = plane->n_ports;
	mirrors->mirror = calloc(n, sizeof(mirrors->mirror[0]));
	mirrors->sink = calloc(n, sizeof(mirrors->sink[0]));
	mirrors->taps = calloc(2u * plane->n_ports, sizeof(mirrors->taps[0]));
	return mirrors->mirror != NULL && mirrors->sink != NULL && mirrors->taps != NULL ? 0 : -ENOMEM;
}

unsigned int
sff_mirrors_count(const struct sff_plane *plane)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < plane->config->n_mirrors; i++)
		n += is_here(plane, &plane->config->mirror[i]);
	return n;
}

int
sff_mirrors_open(struct sff_plane *plane, struct sff_mirror_store *store, char *err, int err_size)
{
	const struct sfc_config *config = plane->config;
	unsigned int n = sff_mirrors_count(plane);
	int rc;

	plane->mirrors = NULL;
	if (n == 0)
		return 0;
	snprintf(err, (size_t)err_size, "mirrors: no memory");
	rc = create(plane, n, store);
	for (unsigned int i = 0; rc == 0 && i < config->n_mirrors; i++)
		if (is_here(plane, &config->mirror[i]))
			rc = open_mirror(plane, &config->mirror[i], store, err, err_size);
	for (uint16_t p = 0; rc == 0 && p < plane->n_ports; p++) {
		rc = make_taps(plane, p, false);
		if (rc == 0)
			rc = make_taps(plane, p, true);
	}
	if (rc != 0)
		sff_mirrors_close(plane);
	return rc;
}

void
sff_mirrors_close(struct sff_plane *plane)
{
	struct sff_mirrors *mirrors = plane->mirrors;

	plane->mirrors = NULL;
	if (mirrors == NULL)
		return;
	for (uint16_t i = 0; i < mirrors->n; i++)
		if (mirrors->mirror[i].has_filter)
			pcap_freecode(&mirrors->mirror[i].filter);
	for (uint32_t i = 0; mirrors->taps != NULL && i < 2u * mirrors->n_ports; i++)
		free(mirrors->taps[i]);
	free(mirrors->taps);
	free(mirrors->mirror);
	free(mirrors->sink);
	free(mirrors);
}
