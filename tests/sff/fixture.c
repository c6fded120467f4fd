#include "fixture.h"

#include "../test_eal.h"

#include "sff_mirror.h"
#include "sff_report.h"
#include "sff_stamp.h"

#include <rte_malloc.h>

#include <stdarg.h>

#if defined(__SANITIZE_ADDRESS__)
#define FIXTURE_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FIXTURE_ASAN 1
#endif
#endif
#ifdef FIXTURE_ASAN
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(at, size)   ((void)(at), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(at, size) ((void)(at), (void)(size))
#endif

#define POOL_BUFFERS 8191u
#define FLOWS        4096u
#define PASSES       64

/* What every forwarder of this program shares. */
static struct {
	struct rte_mempool *pool;
	struct rte_rcu_qsbr *qsbr;
	struct sfc_config *config;
	struct sfc_table *table;
	struct cls *cls, *cls_drop; /* default: forward, drop */
} domain;

uint32_t fixture_next_seen[SFF_STAGE_MAX];
uint64_t fixture_drops_seen[SFF_STAGE_MAX];
enum sff_stage fixture_dropped_by;

static void __attribute__((format(printf, 2, 3))) must(bool ok, const char *format, ...)
{
	va_list args;

	if (ok)
		return;
	va_start(args, format);
	fputs("broken: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	abort();
}

/* What sff_lcore.c, sff_tx.c and sff_report.c ask a VM port: defined here, so that pmd_vm is not linked. */
bool
pmd_vm_up(const struct pmd_port *port)
{
	return ((const struct fixture_port *)port)->up;
}

void
pmd_vm_queue_stats(const struct pmd_port *port, uint16_t queue, struct pmd_vm_queue_stats *stats)
{
	must(queue == 0, "queue %u", queue);
	*stats = ((const struct fixture_port *)port)->stats;
}

void
pmd_vm_faults(const struct pmd_port *port, struct pmd_vm_faults *faults)
{
	*faults = (struct pmd_vm_faults){.broken = ((const struct fixture_port *)port)->broken};
}

static uint16_t
fake_rx(struct pmd_port *pmd, uint16_t queue, struct rte_mbuf **pkts, uint16_t n)
{
	struct fixture_port *p = (struct fixture_port *)pmd;
	uint16_t got = 0;

	must(queue == 0 && n > 0 && n <= SFF_BURST, "rx of %u frames from queue %u", n, queue);
	while (got < n && p->at_in < p->n_in)
		pkts[got++] = p->in[p->at_in++];
	if (p->at_in == p->n_in)
		p->at_in = p->n_in = 0;
	p->stats.dequeued += got;
	return got;
}

static uint16_t
fake_tx(struct pmd_port *pmd, uint16_t queue, struct rte_mbuf **pkts, uint16_t n)
{
	struct fixture_port *p = (struct fixture_port *)pmd;
	uint16_t took = 0;

	must(queue == 0 && n > 0 && n <= SFF_TX_BUFFER, "tx of %u frames to queue %u", n, queue);
	while (took < n && p->room > 0) {
		must(p->n_out < FIXTURE_QUEUE, "%s: more frames than a test may send", p->pmd.name);
		must(pkts[took]->pkt_len <= p->pmd.mtu, "%s: frame of %u bytes, MTU %u", p->pmd.name,
			pkts[took]->pkt_len, p->pmd.mtu);
		p->out[p->n_out++] = pkts[took++];
		if (p->room != FIXTURE_FULL)
			p->room--;
	}
	p->stats.enqueued += took;
	return took;
}

/* Buffers whose unused tail is poisoned: until the run they are in is over, when the pool may give them to
 * whoever asks for one. */
static struct {
	struct rte_mbuf *m[FIXTURE_QUEUE];
	unsigned int n;
} poisoned;

/* ARP and neighbour solicitations are answered in the buffer they came in, which grows. */
static bool
is_answered_in_place(const struct rte_mbuf *m)
{
	const uint8_t *bytes = rte_pktmbuf_mtod(m, const uint8_t *);
	struct eth_info eth;

	if (!eth_parse(bytes, m->data_len, &eth))
		return false;
	return eth.type == ETH_ARP || (eth.type == ETH_IPV6 && m->data_len > eth.size + 40 &&
					      bytes[eth.size + 6] == 58 && bytes[eth.size + 40] == 135);
}

static void
poison_tail(struct rte_mbuf *m)
{
	if (m->nb_segs > 1 || poisoned.n == FIXTURE_QUEUE || is_answered_in_place(m))
		return;
	poisoned.m[poisoned.n++] = m;
	ASAN_POISON_MEMORY_REGION(rte_pktmbuf_mtod_offset(m, char *, m->data_len), rte_pktmbuf_tailroom(m));
}

static void
unpoison_all(void)
{
	while (poisoned.n > 0) {
		const struct rte_mbuf *m = poisoned.m[--poisoned.n];

		ASAN_UNPOISON_MEMORY_REGION(m->buf_addr, m->buf_len);
	}
}

static const struct pmd_ops fake_ops = {.name = "fake", .rx = fake_rx, .tx = fake_tx};

static void
domain_close(void)
{
	unpoison_all();
	cls_destroy(domain.cls);
	cls_destroy(domain.cls_drop);
	sfc_table_free(domain.table);
	sfc_config_free(domain.config);
	rte_mempool_free(domain.pool);
	rte_free(domain.qsbr);
}

static void
domain_open(void)
{
	struct sfc_errors errors = {0};
	char err[512] = "";
	int rc;

	if (domain.pool != NULL)
		return;
	test_eal_init();
	domain.pool = rte_pktmbuf_pool_create(
		"frames", POOL_BUFFERS, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	domain.qsbr = rte_zmalloc("qsbr", rte_rcu_qsbr_get_memsize(1), RTE_CACHE_LINE_SIZE);
	must(domain.pool != NULL && domain.qsbr != NULL && rte_rcu_qsbr_init(domain.qsbr, 1) == 0, "memory");
	must(pmd_init(domain.pool, domain.qsbr) == 0, "pmd_init");
	rc = sfc_load(SOURCE_DIR "/tests/sff/domain.yaml", &domain.config, &errors);
	for (unsigned int i = 0; i < errors.n; i++)
		fprintf(stderr, "domain.yaml:%u: %s\n", errors.error[i].line, errors.error[i].reason);
	sfc_errors_free(&errors);
	must(rc == 0, "domain.yaml: %s", strerror(-rc));
	must(sfc_table_build(domain.config, 0, &domain.table, err, sizeof(err)) == 0, "table: %s", err);
	must(cls_create(domain.config, 0, &domain.cls, err, sizeof(err)) == 0, "classifier: %s", err);
	domain.config->default_action = SFC_ACTION_DROP;
	must(cls_create(domain.config, 0, &domain.cls_drop, err, sizeof(err)) == 0, "classifier: %s", err);
	domain.config->default_action = SFC_ACTION_FORWARD;
	/* After that of EAL, so before it at exit. */
	atexit(domain_close);
}

static void
open_ports(struct fixture *f)
{
	const struct sfc_node *node = &domain.config->node[0];

	for (uint16_t p = 0; p < FIXTURE_PORTS; p++) {
		struct fixture_port *fake = &f->fake[p];
		struct sff_port *port = &f->port[p];

		fake->pmd = (struct pmd_port){.ops = &fake_ops, .queues = 1, .mtu = UINT16_MAX};
		fake->room = FIXTURE_FULL;
		fake->up = true;
		port->pmd = &fake->pmd;
		port->peer = SFC_NONE;
		if (p < node->n_ports) {
			snprintf(fake->pmd.name, sizeof(fake->pmd.name), "%s", node->port[p].name);
			memcpy(fake->pmd.mac, node->port[p].mac, sizeof(fake->pmd.mac));
			port->kind =
				node->port[p].role == SFC_ROLE_ACCESS ? SFF_PORT_ACCESS : SFF_PORT_TRANSPORT;
			port->secure = node->port[p].secure;
			if (node->port[p].has_mac)
				memcpy(fake->pmd.mac, node->port[p].mac, sizeof(fake->pmd.mac));
			if (node->port[p].peer >= 0)
				port->peer = (uint16_t)node->port[p].peer;
		}
	}
	must(f->port[CORE].kind == SFF_PORT_TRANSPORT && node->n_ports == FW_1, "domain.yaml");
	for (uint16_t i = 0, p = FW_1; i < domain.config->n_instances; i++) {
		const struct sfc_instance *instance = &domain.config->instance[i];
		static const uint8_t mac[6] = {0x02, 0x56, 0x4d, 0, 0, 0};

		if (instance->node != 0)
			continue;
		snprintf(f->fake[p].pmd.name, sizeof(f->fake[p].pmd.name), "%s", instance->name);
		f->port[p].kind = SFF_PORT_SF;
		f->port[p].instance = i;
		f->port[p].function = (uint16_t)instance->function;
		memcpy(f->port[p].sf_mac, mac, sizeof(mac));
		f->port[p].sf_mac[5] = (uint8_t)p;
		f->port[p].consumed = &f->fake[p].consumed;
		if (instance->attach.present) {
			f->port[p].kind = SFF_PORT_ATTACHED;
			f->port[p].pmd = NULL;
			memcpy(f->port[p].sf_mac, instance->attach.mac, sizeof(mac));
		}
		p++;
	}
}

int
fixture_path(const char *name)
{
	unsigned int p = 0;

	domain_open();
	while (p < domain.config->n_paths && strcmp(domain.config->path[p].name, name) != 0)
		p++;
	must(p < domain.config->n_paths, "no path %s", name);
	return (int)p;
}

struct fixture *
fixture_open(const struct fixture_conf *conf)
{
	struct fixture *f = calloc(1, sizeof(*f));
	char err[512] = "";

	domain_open();
	must(f != NULL, "memory");
	f->fake = calloc(FIXTURE_PORTS, sizeof(*f->fake));
	must(f->fake != NULL, "memory");
	f->headroom = RTE_PKTMBUF_HEADROOM;
	open_ports(f);
	f->config = *domain.config;
	f->config.mirror = conf->mirror;
	f->config.n_mirrors = conf->n_mirrors;
	f->plane = (struct sff_plane){
		.config = &f->config,
		.table = domain.table,
		.cls = conf->drop_default ? domain.cls_drop : domain.cls,
		.port = f->port,
		.n_external = FW_1,
		.n_ports = FIXTURE_PORTS,
	};
	must(sff_plane_build(&f->plane) == 0, "plane");
	for (uint16_t p = FW_1; p < FIXTURE_PORTS; p++)
		f->plane.up[f->port[p].instance] = 1;
	if (conf->n_mirrors > 0)
		must(sff_mirror_store_create(1, conf->captures, &f->mirrors, err, sizeof(err)) == 0,
			"store: %s", err);
	must(sff_mirrors_open(&f->plane, f->mirrors, err, sizeof(err)) == 0, "mirrors: %s", err);
	must(sff_lcore_create(&f->plane, 0, &f->lc) == 0, "lcore");
	must(cls_flows_create(FLOWS, 0, -1, &f->lc->flows, err, sizeof(err)) == 0, "flows: %s", err);
	if (conf->stamps)
		must(sff_stamps_create(FIXTURE_PORTS, &f->lc->stamps) == 0, "stamps");
	f->lc->feed = (uint8_t)conf->feed;
	f->lc->lockstep = conf->lockstep;
	f->lc->pool = domain.pool;
	f->lc->qsbr = domain.qsbr;
	return f;
}

void
fixture_forget(struct fixture *f)
{
	for (uint16_t p = 0; p < FIXTURE_PORTS; p++) {
		struct fixture_port *fake = &f->fake[p];

		while (fake->at_out < fake->n_out)
			rte_pktmbuf_free(fake->out[fake->at_out++]);
		fake->at_out = fake->n_out = 0;
	}
}

void
fixture_close(struct fixture *f)
{
	fixture_check(f);
	sff_underlay_stop(f->lc);
	fixture_forget(f);
	for (uint16_t p = 0; p < FIXTURE_PORTS; p++) {
		struct fixture_port *fake = &f->fake[p];

		while (fake->at_in < fake->n_in)
			rte_pktmbuf_free(fake->in[fake->at_in++]);
		rte_pktmbuf_free_bulk(f->lc->tx[p].pkt, f->lc->tx[p].n);
	}
	must(rte_mempool_in_use_count(domain.pool) == 0, "packet buffers are lost");
	sff_stamps_destroy(f->lc->stamps);
	cls_flows_destroy(f->lc->flows);
	sff_lcore_destroy(f->lc);
	sff_mirrors_close(&f->plane);
	sff_mirror_store_destroy(f->mirrors);
	sff_plane_fini(&f->plane);
	free(f->fake);
	free(f);
}

/* A buffer whose bytes outside of the frame may be written, but not read, where a sanitizer can tell. */
static struct rte_mbuf *
buffer(uint16_t headroom)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(domain.pool);

	must(m != NULL, "packet buffers");
	ASAN_UNPOISON_MEMORY_REGION(m->buf_addr, m->buf_len);
	memset(m->buf_addr, 0xa5, m->buf_len);
	m->data_off = headroom;
	return m;
}

static void
queue_in(struct fixture *f, enum fixture_port_index port, struct rte_mbuf *m)
{
	struct fixture_port *fake = &f->fake[port];

	must(fake->n_in < FIXTURE_QUEUE, "more frames than a test may queue");
	/* A guest copies frames: what comes from it has no stamp. */
	*pmd_stamp(m) = port < FW_1 ? f->stamp++ : UINT64_MAX;
	fake->in[fake->n_in++] = m;
}

/* Bytes [from, to) of a frame at the end of a chain. */
static void
append(struct fixture *f, struct rte_mbuf **head, const struct frame *frame, uint32_t from, uint32_t to)
{
	do {
		struct rte_mbuf *m = buffer(f->headroom);
		uint16_t n = (uint16_t)RTE_MIN(to - from, (uint32_t)rte_pktmbuf_tailroom(m));

		memcpy(rte_pktmbuf_append(m, n), frame->bytes + from, n);
		from += n;
		if (*head == NULL)
			*head = m;
		else
			must(rte_pktmbuf_chain(*head, m) == 0, "chain");
	} while (from < to);
}

void
fixture_put_split(struct fixture *f, enum fixture_port_index port, const struct frame *frame,
	const uint16_t *cut, unsigned int n)
{
	struct rte_mbuf *head = NULL;
	uint32_t at = 0;

	for (unsigned int i = 0; i < n; i++) {
		uint32_t to = RTE_MIN((uint32_t)cut[i], frame->size);

		append(f, &head, frame, at, RTE_MAX(to, at));
		at = RTE_MAX(to, at);
	}
	append(f, &head, frame, at, frame->size);
	poison_tail(head);
	queue_in(f, port, head);
}

void
fixture_put(struct fixture *f, enum fixture_port_index port, const struct frame *frame)
{
	fixture_put_split(f, port, frame, NULL, 0);
}

static uint64_t
segments(struct rte_mbuf *const *pkts, uint16_t from, uint16_t to)
{
	uint64_t n = 0;

	for (uint16_t i = from; i < to; i++) {
		rte_mbuf_sanity_check(pkts[i], 1);
		/* Copies of mirrors have buffers of their own. */
		if (pkts[i]->pool == domain.pool)
			n += pkts[i]->nb_segs;
	}
	return n;
}

/* Copies that went to files: what was sent, and not by a port. */
static uint64_t
in_files(const struct fixture *f)
{
	const struct sff_mirrors *mirrors = f->plane.mirrors;
	uint64_t by_ports = 0;
	bool files = false;

	for (uint16_t s = 0; mirrors != NULL && s < mirrors->n_sinks; s++)
		files |= mirrors->sink[s].file != NULL;
	for (uint16_t p = 0; p < FW_1; p++)
		by_ports += f->fake[p].stats.enqueued;
	return files ? f->lc->sent - by_ports : 0;
}

void
fixture_check(struct fixture *f)
{
	const struct sff_lcore *lc = f->lc;
	struct sff_vms no_vms = {0};
	struct sff_sources sources = {
		.plane = &f->plane, .lcore = &f->lc, .n_lcores = 1, .vms = &no_vms, .mirrors = f->mirrors};
	struct sfc_ledger ledger;
	uint64_t in = lc->replicated + lc->underlay.originated;
	uint64_t out = sff_mirror_held(lc) + lc->underlay.n_held, buffers = 0;

	for (uint16_t p = 0; p < FIXTURE_PORTS; p++) {
		const struct fixture_port *fake = &f->fake[p];

		in += fake->stats.dequeued;
		out += fake->stats.enqueued + lc->tx[p].n;
		buffers += segments(fake->in, fake->at_in, fake->n_in);
		buffers += segments(fake->out, fake->at_out, fake->n_out);
		buffers += segments(lc->tx[p].pkt, 0, lc->tx[p].n);
	}
	for (uint32_t h = 0; h < lc->underlay.n_held; h++)
		buffers += segments(&lc->underlay.held[h].pkt, 0, 1);
	for (unsigned int d = 0; d < SFC_DROP_MAX; d++)
		out += lc->dropped[d];
	out += in_files(f);
	must(in == out, "%llu frames came in, %llu went somewhere", (unsigned long long)in,
		(unsigned long long)out);
	must(lc->depth == 0, "depth %u", lc->depth);
	sff_report_ledger(&sources, &ledger);
	must(sfc_ledger_balanced(&ledger), "the books do not balance");
	must(rte_mempool_in_use_count(domain.pool) == buffers, "%u packet buffers in use, %llu are known",
		rte_mempool_in_use_count(domain.pool), (unsigned long long)buffers);

	in = out = 0;
	for (uint16_t p = 0; p < FW_1; p++) {
		in += f->fake[p].stats.dequeued;
		out += f->fake[p].stats.enqueued;
	}
	out += in_files(f);
	must(lc->received == in && lc->sent == out, "received %llu of %llu, sent %llu of %llu",
		(unsigned long long)lc->received, (unsigned long long)in, (unsigned long long)lc->sent,
		(unsigned long long)out);
}

uint32_t
fixture_poll(struct fixture *f)
{
	uint32_t work = sff_lcore_poll(f->lc, true);

	unpoison_all();
	fixture_check(f);
	return work;
}

uint32_t
fixture_run(struct fixture *f)
{
	uint32_t work, all = 0;

	for (int pass = 0; pass < PASSES; pass++) {
		work = sff_lcore_poll(f->lc, true);
		all += work;
		if (work == 0)
			break;
	}
	unpoison_all();
	fixture_check(f);
	return all;
}

const char *
fixture_verdict(struct fixture *f)
{
	static char text[96];
	uint64_t sent[FIXTURE_PORTS], before[SFC_DROP_MAX], n = 0;

	for (uint16_t p = 0; p < FIXTURE_PORTS; p++)
		sent[p] = f->fake[p].stats.enqueued;
	memcpy(before, f->lc->dropped, sizeof(before));
	fixture_dropped_by = SFF_STAGE_MAX;
	snprintf(text, sizeof(text), "held");
	fixture_run(f);
	for (uint16_t p = 0; p < FIXTURE_PORTS; p++) {
		if (f->fake[p].stats.enqueued == sent[p])
			continue;
		n += f->fake[p].stats.enqueued - sent[p];
		snprintf(text, sizeof(text), "to %s", f->fake[p].pmd.name);
	}
	for (int d = 0; d < SFC_DROP_MAX; d++) {
		if (f->lc->dropped[d] == before[d])
			continue;
		n += f->lc->dropped[d] - before[d];
		snprintf(text, sizeof(text), "%s: %s",
			fixture_dropped_by == SFF_STAGE_MAX ? "flush" : sff_stages[fixture_dropped_by].name,
			sfc_drop_name((enum sfc_drop)d));
	}
	if (n > 1)
		snprintf(text, sizeof(text), "%llu verdicts", (unsigned long long)n);
	return text;
}

const char *
fixture_send(struct fixture *f, enum fixture_port_index port, const struct frame *frame)
{
	fixture_put(f, port, frame);
	return fixture_verdict(f);
}

unsigned int
fixture_waiting(const struct fixture *f, enum fixture_port_index port)
{
	return (unsigned int)(f->fake[port].n_out - f->fake[port].at_out);
}

bool
fixture_take_stamped(struct fixture *f, enum fixture_port_index port, struct frame *frame, uint64_t *stamp)
{
	struct fixture_port *fake = &f->fake[port];
	struct rte_mbuf *m;

	if (fake->at_out == fake->n_out)
		return false;
	m = fake->out[fake->at_out++];
	if (fake->at_out == fake->n_out)
		fake->at_out = fake->n_out = 0;
	frame->size = 0;
	*stamp = *pmd_stamp(m);
	for (const struct rte_mbuf *s = m; s != NULL; s = s->next) {
		must(frame->size + s->data_len <= sizeof(frame->bytes), "frame too large");
		memcpy(frame->bytes + frame->size, rte_pktmbuf_mtod(s, char *), s->data_len);
		frame->size += s->data_len;
	}
	must(frame->size == m->pkt_len, "segments have %u bytes, the frame %u", frame->size, m->pkt_len);
	rte_pktmbuf_free(m);
	return true;
}

bool
fixture_take(struct fixture *f, enum fixture_port_index port, struct frame *frame)
{
	uint64_t stamp;

	return fixture_take_stamped(f, port, frame, &stamp);
}

void
fixture_examine(struct fixture *f)
{
	static struct frame frame;
	static const struct outer_accept accept = {.transports = OUTER_BIT(OUTER_VXLAN_GPE)},
					 any = {.transports = UINT32_MAX, .nsh_udp_port = 7001};
	struct outer_info outer;
	struct nsh_info nsh = {0};
	const uint8_t *at;

	while (fixture_take(f, CORE, &frame)) {
		/* To an SF behind the port: its own tests look. */
		if (frame.bytes[4] == 0x0f)
			continue;
		must(outer_parse(&accept, frame.bytes, frame.size, frame.size, &outer) == OUTER_OK,
			"outer headers");
		must(outer.src.v4 == RTE_BE32(ADDRESS_HERE) && outer.dst.v4 == RTE_BE32(ADDRESS_THERE) &&
				outer.vni == VNI_THERE,
			"outer fields");
		must(outer.src_port >= OUTER_SRC_PORT_MIN, "source port %u", outer.src_port);
		must(outer.size + outer.payload_size == frame.size, "outer length");
		at = frame.bytes + outer.size;
		must(nsh_parse(at, outer.payload_size, &nsh) == NSH_OK && !nsh.oam, "NSH on the wire");
	}
	for (enum fixture_port_index p = FW_1; p < FIXTURE_PORTS; p++)
		while (fixture_take(f, p, &frame)) {
			at = frame.bytes + ETH_HDR_SIZE;
			if (f->port[p].sf.proxied) {
				must(frame.size >= ETH_HDR_SIZE && (at[-2] != 0x89 || at[-1] != 0x4f),
					"no plain Ethernet to an SF without NSH");
				continue;
			}
			must(frame.size >= ETH_HDR_SIZE && frame.bytes[12] == 0x89 && frame.bytes[13] == 0x4f,
				"Ethernet to an SF");
			must(nsh_parse(at, frame.size - ETH_HDR_SIZE, &nsh) == NSH_OK && !nsh.oam,
				"NSH to an SF");
			must(nsh_sp_si(nsh.sp) > 0, "SI 0 to an SF");
		}
	/* Besides NSH, MIX sends questions and answers. */
	while (fixture_take(f, MIX, &frame))
		if (outer_parse(&any, frame.bytes, frame.size, frame.size, &outer) != OUTER_NOT_OURS) {
			must(outer_parse(&any, frame.bytes, frame.size, frame.size, &outer) == OUTER_OK &&
					outer_check(frame.bytes, &outer),
				"outer headers");
			must(nsh_parse(frame.bytes + outer.size, outer.payload_size, &nsh) == NSH_OK &&
					!nsh.oam,
				"NSH on the wire");
		}
	for (enum fixture_port_index p = LAN; p < FW_1; p++)
		while (fixture_take(f, p, &frame))
			must(frame.size >= ETH_HDR_SIZE &&
					(frame.bytes[12] != 0x89 || frame.bytes[13] != 0x4f),
				"no plain Ethernet: %u bytes sent", frame.size);
}

unsigned int
fixture_serve(struct fixture *f, enum fixture_port_index port)
{
	static struct frame frame;
	unsigned int n = 0;

	for (; fixture_take(f, port, &frame); n++) {
		if (f->port[port].sf.proxied) {
			fixture_put(f, port, &frame);
			continue;
		}
		must(nsh_si_dec((struct nsh_hdr *)(frame.bytes + ETH_HDR_SIZE)), "an SF got SI 0");
		frame_pull(&frame, ETH_HDR_SIZE);
		fixture_wrap_sf(f, port, &frame);
		fixture_put(f, port, &frame);
	}
	return n;
}

void
fixture_settle(struct fixture *f)
{
	unsigned int work;

	do {
		work = fixture_run(f);
		for (uint16_t p = FW_1; p < FIXTURE_PORTS; p++)
			work += fixture_serve(f, p);
	} while (work > 0);
}

void
fixture_wrap_sf(const struct fixture *f, enum fixture_port_index port, struct frame *frame)
{
	uint8_t eth[ETH_HDR_SIZE];

	eth_build(eth, sff_sf_side_mac, f->port[port].sf_mac, NSH_ETHERTYPE);
	frame_push(frame, eth, sizeof(eth));
}
