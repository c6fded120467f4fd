#include "rig.h"

#include "../test_eal.h"

#include "sfc_load.h"

#include <rte_malloc.h>

#include <stdarg.h>

#define POOL_BUFFERS 8191u
#define FLOWS        65536u
#define TSC_HZ       (UINT64_C(1) << SFF_PIN_TICK_BITS) /* a tick is a second */

static struct {
	struct rte_mempool *pool;
	struct rte_rcu_qsbr *qsbr;
	struct sfc_schema schema;
} shared;

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

/* Defined here, so that pmd_vm is not linked. */
bool
pmd_vm_up(const struct pmd_port *port)
{
	return ((const struct rig_port *)port)->up;
}

void
pmd_vm_queue_stats(const struct pmd_port *port, uint16_t queue, struct pmd_vm_queue_stats *stats)
{
	must(queue == 0, "queue %u", queue);
	*stats = ((const struct rig_port *)port)->stats;
}

static uint16_t
fake_rx(struct pmd_port *pmd, uint16_t queue, struct rte_mbuf **pkts, uint16_t n)
{
	struct rig_port *p = (struct rig_port *)pmd;
	uint16_t got = 0;

	must(queue == 0, "queue %u", queue);
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
	struct rig_port *p = (struct rig_port *)pmd;

	must(queue == 0, "queue %u", queue);
	if (!p->up)
		return 0;
	for (uint16_t i = 0; i < n; i++) {
		must(p->n_out < RIG_QUEUE, "%s: too many frames", p->pmd.name);
		p->out[p->n_out++] = pkts[i];
	}
	p->stats.enqueued += n;
	return n;
}

static const struct pmd_ops fake_ops = {.name = "fake", .rx = fake_rx, .tx = fake_tx};

static void
shared_close(void)
{
	sfc_schema_destroy(&shared.schema);
	rte_mempool_free(shared.pool);
	rte_free(shared.qsbr);
}

static void
shared_open(void)
{
	if (shared.pool != NULL)
		return;
	test_eal_init();
	must(sfc_schema_create(&shared.schema) == 0, "schema");
	shared.pool =
		rte_pktmbuf_pool_create("rig", POOL_BUFFERS, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	shared.qsbr = rte_zmalloc("qsbr", rte_rcu_qsbr_get_memsize(1), RTE_CACHE_LINE_SIZE);
	must(shared.pool != NULL && shared.qsbr != NULL && rte_rcu_qsbr_init(shared.qsbr, 1) == 0, "memory");
	must(pmd_init(shared.pool, shared.qsbr) == 0, "pmd_init");
	atexit(shared_close);
}

static struct rig_port *
find_port(struct rig *r, const char *name)
{
	struct rig_port *p = r->ports;

	while (p != NULL && strcmp(p->pmd.name, name) != 0)
		p = p->next;
	return p;
}

struct rig_port *
rig_port(struct rig *r, const char *name)
{
	struct rig_port *p = find_port(r, name);

	must(p != NULL, "no port '%s'", name);
	return p;
}

static struct pmd_port *
open_port(struct rig *r, const char *name)
{
	struct rig_port *p = find_port(r, name);

	if (p == NULL) {
		p = calloc(1, sizeof(*p));
		must(p != NULL, "memory");
		p->pmd = (struct pmd_port){.ops = &fake_ops, .queues = 1, .mtu = UINT16_MAX};
		snprintf(p->pmd.name, sizeof(p->pmd.name), "%s", name);
		p->up = true;
		p->next = r->ports;
		r->ports = p;
	}
	return &p->pmd;
}

static void
open_ports(struct rig *r, struct rig_world *w)
{
	const struct sfc_node *node = &w->config->node[0];
	uint16_t n = 0;

	w->plane.port = calloc(node->n_ports + w->config->n_instances + 1, sizeof(w->plane.port[0]));
	must(w->plane.port != NULL, "memory");
	for (; n < node->n_ports; n++) {
		struct sff_port *port = &w->plane.port[n];

		port->pmd = open_port(r, node->port[n].name);
		port->kind = node->port[n].role == SFC_ROLE_ACCESS ? SFF_PORT_ACCESS : SFF_PORT_TRANSPORT;
		port->peer = node->port[n].peer < 0 ? SFC_NONE : (uint16_t)node->port[n].peer;
		port->secure = node->port[n].secure;
	}
	w->plane.n_external = n;
	for (uint16_t i = 0; i < w->config->n_instances; i++) {
		struct sff_port *port = &w->plane.port[n];

		if (w->config->instance[i].node != 0)
			continue;
		port->pmd = open_port(r, w->config->instance[i].name);
		port->kind = SFF_PORT_SF;
		port->instance = i;
		port->function = (uint16_t)w->config->instance[i].function;
		n++;
	}
	w->plane.n_ports = n;
}

static struct rig_world *
world_open(struct rig *r, const char *yaml)
{
	struct rig_world *w = calloc(1, sizeof(*w));
	struct sfc_errors errors;
	char err[512] = "";

	must(w != NULL, "memory");
	if (sfc_load_memory(&shared.schema, "rig", yaml, strlen(yaml), &w->config, &errors) != 0)
		must(false, "%u:%u: %s", errors.error[0].line, errors.error[0].column,
			errors.error[0].reason);
	must(sfc_table_build(w->config, 0, &w->table, err, sizeof(err)) == 0, "table: %s", err);
	must(cls_create(w->config, 0, &w->cls, err, sizeof(err)) == 0, "classifier: %s", err);
	w->plane.config = w->config;
	w->plane.table = w->table;
	w->plane.cls = w->cls;
	open_ports(r, w);
	must(sff_plane_build(&w->plane) == 0, "plane");
	for (uint16_t p = w->plane.n_external; p < w->plane.n_ports; p++) {
		uint16_t i = w->plane.port[p].instance;

		if (((struct rig_port *)w->plane.port[p].pmd)->up)
			w->plane.up[i] = (uint8_t)sff_plane_admin(&w->config->instance[i]);
	}
	return w;
}

static void
world_close(struct rig_world *w)
{
	sff_plane_fini(&w->plane);
	free(w->plane.port);
	cls_destroy(w->cls);
	sfc_table_free(w->table);
	sfc_config_free(w->config);
	free(w);
}

struct rig *
rig_open(const char *yaml)
{
	struct rig *r = calloc(1, sizeof(*r));
	char err[512] = "";

	shared_open();
	must(r != NULL, "memory");
	r->now = world_open(r, yaml);
	must(sff_lcore_create(&r->now->plane, 0, &r->lc) == 0, "lcore");
	must(cls_flows_create(FLOWS, 0, -1, &r->lc->flows, err, sizeof(err)) == 0, "flows: %s", err);
	must(sff_pins_create(FLOWS, TSC_HZ, true, &r->lc->pins) == 0, "pins");
	r->lc->pins->now = 1;
	r->lc->feed = SFF_FEED_LIVE;
	r->lc->pool = shared.pool;
	r->lc->qsbr = shared.qsbr;
	return r;
}

void
rig_close(struct rig *r)
{
	struct rig_port *p;

	while ((p = r->ports) != NULL) {
		rte_pktmbuf_free_bulk(&p->in[p->at_in], p->n_in - p->at_in);
		rte_pktmbuf_free_bulk(p->out, p->n_out);
		r->ports = p->next;
		free(p);
	}
	must(rte_mempool_in_use_count(shared.pool) == 0, "packet buffers are lost");
	sff_pins_destroy(r->lc->pins);
	cls_flows_destroy(r->lc->flows);
	sff_lcore_destroy(r->lc);
	world_close(r->now);
	free(r);
}

void
rig_apply(struct rig *r, const char *yaml)
{
	struct rig_world *w = world_open(r, yaml);
	struct sff_view view;

	must(cls_inherit(w->cls, w->config, r->now->cls, r->now->config) == 0, "memory");
	must(sff_view_create(&w->plane, r->lc->pins, &view) == 0, "memory");
	sff_lcore_exchange(r->lc, &view);
	must(view.plane == &r->now->plane, "another plane");
	sff_view_destroy(&view);
	world_close(r->now);
	r->now = w;
}

uint16_t
rig_instance(const struct rig *r, const char *name)
{
	uint16_t i = 0;

	while (i < r->now->config->n_instances && strcmp(r->now->config->instance[i].name, name) != 0)
		i++;
	must(i < r->now->config->n_instances, "no instance '%s'", name);
	return i;
}

void
rig_set_state(struct rig *r, const char *instance, enum sfc_state state)
{
	r->now->plane.up[rig_instance(r, instance)] = (uint8_t)state;
}

void
rig_put(struct rig *r, const char *port, const struct frame *frame)
{
	struct rig_port *p = rig_port(r, port);
	struct rte_mbuf *m = rte_pktmbuf_alloc(shared.pool);

	must(m != NULL && p->n_in < RIG_QUEUE, "%s: too many frames", port);
	memcpy(rte_pktmbuf_append(m, (uint16_t)frame->size), frame->bytes, frame->size);
	p->in[p->n_in++] = m;
}

uint64_t
rig_dropped(const struct rig *r)
{
	uint64_t n = 0;

	for (unsigned int d = 0; d < SFC_DROP_MAX; d++)
		n += r->lc->dropped[d];
	return n;
}

/* received = sent + dropped + inside SFs + lost with them */
static void
check(struct rig *r)
{
	uint64_t inside = 0, buffers = 0;

	for (struct rig_port *p = r->ports; p != NULL; p = p->next) {
		bool external = false;

		for (uint16_t e = 0; e < r->now->plane.n_external; e++)
			external |= r->now->plane.port[e].pmd == &p->pmd;
		if (!external)
			inside += p->n_out + (unsigned int)(p->n_in - p->at_in);
		buffers += p->n_out + (unsigned int)(p->n_in - p->at_in);
	}
	must(r->lc->received == r->lc->sent + rig_dropped(r) + inside + r->lost,
		"received %llu, sent %llu, dropped %llu, inside %llu, lost %llu",
		(unsigned long long)r->lc->received, (unsigned long long)r->lc->sent,
		(unsigned long long)rig_dropped(r), (unsigned long long)inside, (unsigned long long)r->lost);
	must(rte_mempool_in_use_count(shared.pool) == buffers, "packet buffers are lost");
}

void
rig_run(struct rig *r)
{
	while (sff_lcore_poll(r->lc, true) > 0)
		;
	check(r);
}

static void
serve(struct rig_port *p, uint16_t at)
{
	struct rte_mbuf *m = p->out[at];
	struct nsh_hdr *nsh = rte_pktmbuf_mtod_offset(m, struct nsh_hdr *, ETH_HDR_SIZE);

	p->out[at] = p->out[--p->n_out];
	nsh_sp_set(nsh, nsh_sp(nsh) - 1);
	must(p->n_in < RIG_QUEUE, "%s: too many frames", p->pmd.name);
	p->in[p->n_in++] = m;
}

const char *
rig_holder(struct rig *r)
{
	for (uint16_t i = r->now->plane.n_external; i < r->now->plane.n_ports; i++) {
		struct rig_port *p = (struct rig_port *)r->now->plane.port[i].pmd;

		if (p->n_out > 0) {
			serve(p, 0);
			return p->pmd.name;
		}
	}
	return NULL;
}

void
rig_settle(struct rig *r)
{
	bool moved = true;

	rig_run(r);
	while (moved) {
		moved = false;
		for (uint16_t i = r->now->plane.n_external; i < r->now->plane.n_ports; i++) {
			struct rig_port *p = (struct rig_port *)r->now->plane.port[i].pmd;

			moved |= p->n_out > 0;
			while (p->n_out > 0)
				serve(p, 0);
		}
		rig_run(r);
	}
}

void
rig_kill(struct rig *r, const char *instance)
{
	struct rig_port *p = rig_port(r, instance);
	uint16_t n = (uint16_t)(p->n_in - p->at_in);

	rig_set_state(r, instance, SFC_DOWN);
	rte_pktmbuf_free_bulk(&p->in[p->at_in], n);
	rte_pktmbuf_free_bulk(p->out, p->n_out);
	r->lost += n + p->n_out;
	p->at_in = p->n_in = p->n_out = 0;
	p->up = false;
}

unsigned int
rig_forget(struct rig *r, const char *port)
{
	struct rig_port *p = rig_port(r, port);
	unsigned int n = p->n_out;

	rte_pktmbuf_free_bulk(p->out, p->n_out);
	p->n_out = 0;
	return n;
}
