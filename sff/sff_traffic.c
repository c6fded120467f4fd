#include "sff_traffic.h"

#include "pmd_capture_file.h"

#include <rte_byteorder.h>
#include <rte_common.h>
#include <rte_ip.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ETH_SIZE  14u
#define PROTO_UDP 17
#define PROTO_TCP 6

/* Addresses where a rule leaves them open: for benchmarks (RFC 2544, C.2.2; RFC 5180, 8). */
static const uint8_t bench4[2][4] = {{198, 18, 0, 0}, {198, 19, 0, 1}};
static const uint8_t bench6[2][16] = {{0x20, 0x01, 0x00, 0x02}, {0x20, 0x01, 0x00, 0x02, 0x80, [15] = 1}};

/* Sizes of a mix, in memory: 7 of 64, 4 of 570, 1 of 1,518, as the simple IMIX. */
static const uint16_t imix[] = {64, 570, 64, 64, 570, 64, 1518, 64, 570, 64, 570, 64};

static int
fail(int rc, char *err, int err_size, const char *format, const char *what)
{
	snprintf(err, (size_t)err_size, format, what);
	return rc;
}

/* The first rule that leads into a path from a port of ours. */
static const struct sfc_rule *
first_rule(const struct sfc_config *config, int node)
{
	for (unsigned int i = 0; i < config->n_rules; i++) {
		const struct sfc_rule *rule = &config->rule[i];

		if (rule->action == SFC_ACTION_PATH && (rule->match_node < 0 || rule->match_node == node))
			return rule;
	}
	return NULL;
}

static int
access_port(const struct sfc_node *node)
{
	for (unsigned int p = 0; p < node->n_ports; p++)
		if (node->port[p].role == SFC_ROLE_ACCESS)
			return (int)p;
	return -1;
}

/* What flows of a rule have in common, and how they may differ. */
struct shape {
	uint8_t family, protocol;
	uint8_t source[16], destination[16];
	uint32_t addresses; /* how many sources there are */
	uint16_t port_low, destination_port;
	uint32_t ports;  /* source ports in a row */
	uint16_t header; /* bytes up to the payload, the number included */
	uint16_t number_at;
};

static void
shape_of(const struct sfc_rule *rule, struct shape *s)
{
	unsigned int bits;

	memset(s, 0, sizeof(*s));
	s->family = rule->source.family == 6 || rule->destination.family == 6 ? 6 : 4;
	s->protocol = rule->protocol >= 0 ? (uint8_t)rule->protocol : PROTO_UDP;
	memcpy(s->source, s->family == 6 ? bench6[0] : bench4[0], s->family == 6 ? 16 : 4);
	memcpy(s->destination, s->family == 6 ? bench6[1] : bench4[1], s->family == 6 ? 16 : 4);
	bits = 16;
	if (rule->source.family != 0) {
		unsigned int whole = s->family == 6 ? 128 : 32;

		memcpy(s->source, rule->source.bytes, sizeof(s->source));
		bits = RTE_MIN(whole - rule->source.plen, 16u);
	}
	if (rule->destination.family != 0) {
		memcpy(s->destination, rule->destination.bytes, sizeof(s->destination));
		/* A host of the prefix. */
		if (rule->destination.plen < (s->family == 6 ? 128 : 32))
			s->destination[s->family == 6 ? 15 : 3] |= 1;
	}
	/* The first and the last address of a prefix are no hosts. */
	s->addresses = bits > 1 ? (1u << bits) - 2 : 1;
	s->port_low = rule->n_source_ports > 0 ? rule->source_port[0].low : 1024;
	s->ports = rule->n_source_ports > 0 ? rule->source_port[0].high - s->port_low + 1u : 60000;
	s->destination_port = rule->n_destination_ports > 0 ? rule->destination_port[0].low : 9; /* discard */
	s->number_at = (uint16_t)(ETH_SIZE + (s->family == 6 ? 40 : 20));
	s->number_at += s->protocol == PROTO_TCP ? 4 : 8; /* sequence number, or behind UDP and its like */
	s->header = (uint16_t)(s->number_at + (s->protocol == PROTO_TCP ? 16 : 8));
}

static void
put_transport(const struct shape *s, uint8_t *at, uint16_t size, uint32_t port)
{
	uint16_t ports[2] = {
		rte_cpu_to_be_16((uint16_t)(s->port_low + port)), rte_cpu_to_be_16(s->destination_port)};

	if (s->protocol != PROTO_UDP && s->protocol != PROTO_TCP)
		return;
	memcpy(at, ports, sizeof(ports));
	if (s->protocol == PROTO_UDP) {
		uint16_t length = rte_cpu_to_be_16(size);

		memcpy(at + 4, &length, sizeof(length));
	} else {
		at[12] = 5 << 4; /* words of the header */
		at[13] = 0x10;   /* ACK */
		at[14] = at[15] = 0xff;
	}
}

/* The number and its complement add nothing to a one's complement sum, whatever the number is. */
static void
put_checksum(const struct shape *s, uint8_t *ip, uint8_t *at)
{
	uint16_t sum, place = s->protocol == PROTO_TCP ? 16 : 6;
	uint32_t number[2] = {0, UINT32_MAX};

	if (s->protocol != PROTO_UDP && s->protocol != PROTO_TCP)
		return;
	memcpy(ip - ETH_SIZE + s->number_at, number, sizeof(number));
	sum = s->family == 6 ? rte_ipv6_udptcp_cksum((const struct rte_ipv6_hdr *)ip, at)
	                     : rte_ipv4_udptcp_cksum((const struct rte_ipv4_hdr *)ip, at);
	memcpy(at + place, &sum, sizeof(sum));
}

static void
put_frame(const struct shape *s, uint8_t *frame, uint16_t size, uint32_t flow)
{
	static const uint8_t macs[12] = {2, 0, 0, 0, 0, 0x11, 2, 0, 0, 0, 0, 0x22};
	uint8_t *ip = frame + ETH_SIZE, *at = ip + (s->family == 6 ? 40 : 20);
	uint32_t host = flow % s->addresses + (s->addresses > 1), low;
	uint16_t ip_size = (uint16_t)(size - ETH_SIZE);
	uint8_t *source;

	memset(frame, 0, size);
	memcpy(frame, macs, sizeof(macs));
	if (s->family == 6) {
		struct rte_ipv6_hdr *h = (struct rte_ipv6_hdr *)ip;

		frame[12] = 0x86;
		frame[13] = 0xdd;
		h->vtc_flow = rte_cpu_to_be_32(6u << 28);
		h->payload_len = rte_cpu_to_be_16((uint16_t)(ip_size - 40));
		h->proto = s->protocol;
		h->hop_limits = 64;
		memcpy(h->src_addr, s->source, 16);
		memcpy(h->dst_addr, s->destination, 16);
		source = h->src_addr + 12;
	} else {
		struct rte_ipv4_hdr *h = (struct rte_ipv4_hdr *)ip;

		frame[12] = 0x08;
		h->version_ihl = 0x45;
		h->total_length = rte_cpu_to_be_16(ip_size);
		h->fragment_offset = rte_cpu_to_be_16(0x4000); /* DF */
		h->time_to_live = 64;
		h->next_proto_id = s->protocol;
		memcpy(&h->src_addr, s->source, 4);
		memcpy(&h->dst_addr, s->destination, 4);
		source = ip + 12;
	}
	/* A prefix of all bits has one host: it stays as it is. */
	if (s->addresses > 1) {
		memcpy(&low, source, sizeof(low));
		low = rte_cpu_to_be_32(rte_be_to_cpu_32(low) + host);
		memcpy(source, &low, sizeof(low));
	}
	if (s->family == 4)
		((struct rte_ipv4_hdr *)ip)->hdr_checksum = rte_ipv4_cksum((const struct rte_ipv4_hdr *)ip);
	put_transport(s, at, (uint16_t)(size - (at - frame)), flow / s->addresses % s->ports);
	put_checksum(s, ip, at);
}

static int
make(const struct sfc_config *config, int node, const struct sff_options *options, struct sff_traffic *t,
	char *err, int err_size)
{
	const struct sfc_node *conf = &config->node[node];
	const struct sfc_rule *rule = first_rule(config, node);
	uint16_t largest = options->frame_size > 0 ? options->frame_size : imix[6];
	uint64_t total = 0, most;
	struct shape shape;
	int port;

	if (rule == NULL)
		return fail(-EINVAL, err, err_size,
			"node '%s': no rule leads into a path; give it frames to send, --in PORT=CAPTURE",
			conf->name);
	port = rule->match_port >= 0 ? rule->match_port : access_port(conf);
	if (port < 0)
		return fail(-EINVAL, err, err_size, "node '%s' has no access port for frames to enter",
			conf->name);
	shape_of(rule, &shape);
	if ((options->frame_size > 0 ? options->frame_size : imix[0]) < shape.header) {
		snprintf(err, (size_t)err_size,
			"rule '%s': frames of %u bytes are too small for its headers, %u at least",
			rule->name, options->frame_size > 0 ? options->frame_size : imix[0], shape.header);
		return -EINVAL;
	}
	most = (uint64_t)shape.addresses * shape.ports;
	t->flows = (uint32_t)RTE_MIN(options->flows, most);
	t->n = options->frame_size > 0 ? t->flows : t->flows * (uint32_t)RTE_DIM(imix);
	t->frame = calloc(t->n, sizeof(t->frame[0]));
	t->bytes = malloc((size_t)t->n * largest);
	if (t->frame == NULL || t->bytes == NULL)
		return fail(-ENOMEM, err, err_size, "no memory for the frames%s", "");
	for (uint32_t i = 0; i < t->n; i++) {
		uint16_t size = options->frame_size > 0 ? options->frame_size : imix[i % RTE_DIM(imix)];
		uint8_t *at = t->bytes + (size_t)i * largest;

		put_frame(&shape, at, size, i % t->flows);
		t->frame[i] =
			(struct pmd_load_frame){.bytes = at, .size = size, .number_at = shape.number_at};
		total += size;
	}
	t->port = (uint16_t)port;
	t->rule = rule->name;
	t->size = (double)total / t->n;
	return 0;
}

static int
read_capture(const struct sfc_node *conf, const struct sff_capture *capture, struct sff_traffic *t, char *err,
	int err_size)
{
	struct pmd_reader *reader;
	struct pmd_record record;
	size_t used = 0;
	int rc;

	while (t->port < conf->n_ports && strcmp(conf->port[t->port].name, capture->port) != 0)
		t->port++;
	if (t->port == conf->n_ports)
		return fail(-EINVAL, err, err_size, "--in: the node has no port '%s'", capture->port);
	rc = pmd_reader_open(capture->file, &reader, err, err_size);
	if (rc != 0)
		return rc;
	t->frame = calloc(SFF_TRAFFIC_FRAMES, sizeof(t->frame[0]));
	t->bytes = malloc(SFF_TRAFFIC_BYTES);
	rc = t->frame != NULL && t->bytes != NULL ? 1 : -ENOMEM;
	while (rc > 0 && t->n < SFF_TRAFFIC_FRAMES) {
		rc = pmd_reader_next(reader, &record, err, err_size);
		if (rc <= 0 || used + record.size > SFF_TRAFFIC_BYTES)
			break;
		memcpy(t->bytes + used, record.bytes, record.size);
		t->frame[t->n++] =
			(struct pmd_load_frame){.bytes = t->bytes + used, .size = (uint16_t)record.size};
		used += record.size;
	}
	pmd_reader_close(reader);
	if (rc < 0)
		return rc;
	t->size = t->n > 0 ? (double)used / t->n : 0;
	return t->n > 0 ? 0 : fail(-EINVAL, err, err_size, "%s: no frame to send", capture->file);
}

int
sff_traffic_create(const struct sfc_config *config, int node, const struct sff_options *options,
	struct sff_traffic *t, char *err, int err_size)
{
	int rc;

	*t = (struct sff_traffic){0};
	rc = options->n_in > 0 ? read_capture(&config->node[node], &options->in[0], t, err, err_size)
	                       : make(config, node, options, t, err, err_size);
	if (rc != 0)
		sff_traffic_free(t);
	return rc;
}

void
sff_traffic_free(struct sff_traffic *t)
{
	free(t->frame);
	free(t->bytes);
	*t = (struct sff_traffic){0};
}
