#include "sff_lcore.h"
#include "sff_mirror.h"
#include "sff_probe.h"
#include "sff_proxy.h"
#include "sff_stamp.h"
#include "sff_tx.h"

#include <rte_cycles.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_pause.h>

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

/* Frames taken from a queue at once: see performance notes on burst size in docs/architecture.md. */
#define RX_BURST 32u
/* Buffers a lossless feed leaves for frames that come back from guests (each up to 33 buffers of 2 KiB). */
#define POOL_RESERVE 2048u
/* Passes without work before a replay lets others run: guests share the CPUs with us. */
#define IDLE_PASSES 32u
/* A replay waits this long for a guest without any progress (design: `sf-stuck`). */
#define STUCK_SECONDS 2u
/* And this long when guests do move, but no frame enters and none leaves: far more than any chain takes. */
#define FUTILE_SECONDS 10u

/* Do frames come back from local instances of a function for which a header is kept? Also from those that
 * leave; of proxies, static ones keep nothing. */
static bool
keeps_headers(const struct sff_plane *plane, uint32_t g)
{
	for (uint16_t p = plane->n_external; p < plane->n_ports; p++) {
		const struct sff_port *port = &plane->port[p];

		if (port->function == g && port->sf.proxied && port->sf.style != SFC_PROXY_STATIC)
			return true;
	}
	return false;
}

static int
create_proxies(const struct sff_plane *plane, struct sff_proxy **proxy)
{
	uint32_t workers = RTE_MAX(plane->config->node[plane->table->node].workers, 1u);
	int rc = 0;

	for (uint32_t g = 0; rc == 0 && g < plane->table->n_groups; g++) {
		const struct sfc_function *function = &plane->config->function[g];

		if (!function->nsh_aware && keeps_headers(plane, g))
			rc = sff_proxy_create(
				function->proxy.flows / workers, function->proxy.idle_s, &proxy[g]);
	}
	return rc;
}

void
sff_view_destroy(struct sff_view *view)
{
	free(view->hop);
	free(view->path);
	free(view->tx);
	free(view->written_off);
	sff_mirror_lcore_destroy(view->mirror);
	for (uint32_t g = 0; view->proxy != NULL && g < view->plane->table->n_groups; g++)
		sff_proxy_destroy(view->proxy[g]);
	free(view->proxy);
	*view = (struct sff_view){0};
}

int
sff_view_create(const struct sff_plane *plane, struct sff_pins *pins, struct sff_view *view)
{
	*view = (struct sff_view){
		.plane = plane,
		.pins = pins,
		.hop = calloc(plane->table->n_entries + 1, sizeof(view->hop[0])),
		.path = calloc(plane->table->n_paths + 1, sizeof(view->path[0])),
		.tx = calloc(plane->n_ports + 1u, sizeof(view->tx[0])),
		.written_off = calloc(plane->n_ports + 1u, sizeof(view->written_off[0])),
		.proxy = calloc(plane->table->n_groups + 1, sizeof(view->proxy[0])),
	};
	if (view->hop != NULL && view->path != NULL && view->tx != NULL && view->written_off != NULL &&
		view->proxy != NULL && create_proxies(plane, view->proxy) == 0 &&
		sff_mirror_lcore_create(plane->mirrors, &view->mirror) == 0)
		return 0;
	sff_view_destroy(view);
	return -ENOMEM;
}

static void
exchange(struct sff_lcore *lc, struct sff_view *view)
{
	struct sff_view old = {
		.plane = lc->plane,
		.pins = lc->pins,
		.hop = lc->hop,
		.path = lc->path,
		.tx = lc->tx,
		.written_off = lc->written_off,
		.mirror = lc->mirror,
		.proxy = lc->proxy,
	};

	lc->plane = view->plane;
	lc->pins = view->pins;
	lc->hop = view->hop;
	lc->path = view->path;
	lc->tx = view->tx;
	lc->written_off = view->written_off;
	lc->mirror = view->mirror;
	lc->proxy = view->proxy;
	*view = old;
}

/* A function that stays keeps what its proxy knows: frames are inside its instances. */
static void
keep_proxies(struct sff_lcore *lc, struct sff_view *view)
{
	for (uint32_t g = 0; g < view->plane->table->n_groups; g++) {
		const struct sfc_function *function = &view->plane->config->function[g];

		for (uint32_t old = 0; view->proxy[g] != NULL && old < lc->plane->table->n_groups; old++) {
			const struct sfc_function *was = &lc->plane->config->function[old];
			struct sff_proxy *proxy = lc->proxy[old];

			if (proxy == NULL || strcmp(function->name, was->name) != 0 ||
				function->proxy.style != was->proxy.style ||
				function->proxy.idle_s != was->proxy.idle_s ||
				sff_proxy_size(proxy) != sff_proxy_size(view->proxy[g]))
				continue;
			lc->proxy[old] = view->proxy[g];
			view->proxy[g] = proxy;
			break;
		}
	}
}

void
sff_lcore_exchange(struct sff_lcore *lc, struct sff_view *view)
{
	for (uint16_t p = 0; p < lc->plane->n_ports; p++)
		sff_tx_flush(lc, p, true);
	if (lc->mirror != NULL)
		sff_mirror_flush(lc);
	if (view->plane->neighbours != lc->plane->neighbours)
		sff_underlay_stop(lc);
	keep_proxies(lc, view);
	exchange(lc, view);
}

int
sff_lcore_create(const struct sff_plane *plane, uint16_t queue, struct sff_lcore **out)
{
	struct sff_lcore *lc = aligned_alloc(RTE_CACHE_LINE_SIZE, sizeof(*lc));
	struct sff_view view;

	if (lc == NULL)
		return -ENOMEM;
	memset(lc, 0, sizeof(*lc));
	if (sff_view_create(plane, NULL, &view) != 0) {
		sff_lcore_destroy(lc);
		return -ENOMEM;
	}
	exchange(lc, &view);
	lc->queue = queue;
	lc->underlay.hz = rte_get_tsc_hz();
	*out = lc;
	return 0;
}

void
sff_lcore_destroy(struct sff_lcore *lc)
{
	if (lc == NULL)
		return;
	for (uint32_t g = 0; lc->proxy != NULL && g < lc->plane->table->n_groups; g++)
		sff_proxy_destroy(lc->proxy[g]);
	free(lc->proxy);
	free(lc->hop);
	free(lc->path);
	free(lc->tx);
	free(lc->written_off);
	sff_mirror_lcore_destroy(lc->mirror);
	free(lc);
}

/* Frames inside one SF that may still come back. The guest's own count is believed only within what it got.
 */
static uint64_t
in_sf(const struct sff_lcore *lc, uint16_t p)
{
	const struct sff_port *port = &lc->plane->port[p];
	struct pmd_port *pmd = sff_port_pmd(port);
	const volatile uint64_t *consumed = __atomic_load_n(&port->consumed, __ATOMIC_ACQUIRE);
	struct pmd_vm_queue_stats stats;
	uint64_t gone;

	if (pmd == NULL || !pmd_vm_up(pmd))
		return 0;
	pmd_vm_queue_stats(pmd, lc->queue, &stats);
	gone = stats.dequeued + stats.malformed + lc->written_off[p];
	if (consumed != NULL)
		gone += RTE_MIN(*consumed, stats.enqueued);
	return gone < stats.enqueued ? stats.enqueued - gone : 0;
}

uint64_t
sff_lcore_in_flight(const struct sff_lcore *lc)
{
	uint64_t n = lc->underlay.n_held;

	for (uint16_t p = 0; p < lc->plane->n_ports; p++) {
		n += lc->tx[p].n;
		if (lc->plane->port[p].kind == SFF_PORT_SF)
			n += in_sf(lc, p);
	}
	return n;
}

static enum sff_stage
first_stage(const struct sff_port *port)
{
	if (port->kind == SFF_PORT_ACCESS)
		return SFF_STAGE_ACCESS_INPUT;
	if (port->kind == SFF_PORT_SF)
		return port->sf.proxied ? SFF_STAGE_PROXY_INPUT : SFF_STAGE_SF_INPUT;
	return port->n_attached > 0 ? SFF_STAGE_ATTACH_INPUT : SFF_STAGE_TRANSPORT_INPUT;
}

static uint16_t
receive(struct sff_lcore *lc, uint16_t p, uint16_t want)
{
	const struct sff_port *port = &lc->plane->port[p];
	struct sff_burst *b = &lc->burst[0];
	struct pmd_port *pmd = sff_port_pmd(port);
	uint16_t n = likely(pmd != NULL) ? pmd_rx(pmd, lc->queue, b->pkt, want) : 0;

	if (n == 0)
		return 0;
	if (port->kind == SFF_PORT_SF) {
		if (lc->stamps != NULL)
			sff_stamps_restore(lc->stamps, p, b->pkt, n);
		if (unlikely(lc->probe != NULL))
			sff_probe_back(lc->probe, p, b->pkt, n);
	} else {
		lc->received += n;
		if (lc->stamps != NULL)
			sff_stamps_number(lc->stamps, b->pkt, n);
	}
	if (unlikely(lc->mirror != NULL))
		sff_mirror_in(lc, p, b->pkt, n);
	memset(b->meta, 0, n * sizeof(b->meta[0]));
	for (uint16_t i = 0; i < n; i++)
		b->meta[i].port = p;
	b->n = n;
	sff_run(lc, b, first_stage(port));
	return n;
}

/* Frames the external ports may give in this pass. */
static uint32_t
room(const struct sff_lcore *lc)
{
	uint64_t in_flight;

	if (lc->feed == SFF_FEED_LIVE)
		return UINT32_MAX;
	in_flight = sff_lcore_in_flight(lc);
	if (lc->feed == SFF_FEED_LOCKSTEP)
		return in_flight == 0 ? lc->lockstep : 0;
	if (in_flight >= SFF_WINDOW || rte_mempool_avail_count(lc->pool) < POOL_RESERVE)
		return 0;
	return (uint32_t)(SFF_WINDOW - in_flight);
}

static uint32_t
feed(struct sff_lcore *lc)
{
	uint32_t left = room(lc), got = 0, pass;

	do {
		pass = 0;
		for (uint16_t p = 0; p < lc->plane->n_external && left > 0; p++) {
			uint16_t n = receive(lc, p, (uint16_t)RTE_MIN(left, RX_BURST));

			pass += n;
			left -= n;
		}
		got += pass;
		/* A step is filled whatever ports its frames come from, so that its shape depends on the
		 * input only. */
	} while (lc->feed == SFF_FEED_LOCKSTEP && pass > 0 && left > 0);
	return got;
}

uint32_t
sff_lcore_flush(struct sff_lcore *lc)
{
	uint32_t taken = 0;
	bool step = lc->feed == SFF_FEED_LOCKSTEP;

	/* SF ports first: only when they are empty and drained is a step complete. */
	for (uint16_t p = lc->plane->n_external; p < lc->plane->n_ports; p++)
		taken += sff_tx_flush(lc, p, false);
	if (step) {
		for (uint16_t p = lc->plane->n_external; p < lc->plane->n_ports; p++)
			if (lc->tx[p].n > 0 || in_sf(lc, p) > 0)
				return taken;
	}
	for (uint16_t p = 0; p < lc->plane->n_external; p++)
		taken += sff_tx_flush(lc, p, false);
	if (unlikely(lc->mirror != NULL))
		sff_mirror_flush(lc);
	return taken;
}

uint32_t
sff_lcore_poll(struct sff_lcore *lc, bool external)
{
	uint32_t work = 0;

	if (unlikely(lc->underlay.n_held > 0))
		sff_underlay_settle(lc);
	for (uint16_t p = lc->plane->n_external; p < lc->plane->n_ports; p++)
		work += receive(lc, p, RX_BURST);
	if (likely(external))
		work += feed(lc);
	work += sff_lcore_flush(lc);
	return work;
}

/* A lossless replay gave up on guests that hold frames and do not move: they are down from here on. */
static void
write_off(struct sff_lcore *lc)
{
	for (uint16_t p = lc->plane->n_external; p < lc->plane->n_ports; p++) {
		uint64_t n = in_sf(lc, p);
		struct sff_tx *tx = &lc->tx[p];

		if (n == 0 && tx->n == 0)
			continue;
		__atomic_store_n(&lc->plane->up[lc->plane->port[p].instance], 0, __ATOMIC_RELAXED);
		lc->written_off[p] += n;
		sff_drop(lc, tx->pkt, tx->n, SFC_DROP_SF_STUCK);
		tx->n = 0;
	}
}

/* True while frames are inside and nothing at all has happened for STUCK_SECONDS. */
static bool
is_stuck(const struct sff_lcore *lc, uint64_t *since, uint64_t *before, uint64_t now)
{
	uint64_t in_flight = sff_lcore_in_flight(lc);

	if (in_flight == 0 || in_flight != *before) {
		*before = in_flight;
		*since = now;
		return false;
	}
	return now - *since > STUCK_SECONDS * rte_get_tsc_hz();
}

/* What a replay got done. */
struct effort {
	uint64_t received;
	uint64_t least; /* frames inside since then */
	uint64_t since; /* when either last got better */
};

/* A guest that sends frames of its own, or lies about those it consumed, looks busy for ever. */
static bool
is_futile(const struct sff_lcore *lc, struct effort *effort, uint64_t now)
{
	uint64_t in_flight;

	if (lc->received != effort->received) {
		*effort = (struct effort){.received = lc->received, .least = UINT64_MAX, .since = now};
		return false;
	}
	in_flight = sff_lcore_in_flight(lc);
	if (in_flight < effort->least) {
		effort->least = in_flight;
		effort->since = now;
	}
	return now - effort->since > FUTILE_SECONDS * rte_get_tsc_hz();
}

/* Is a worker without work at its end? */
static bool
at_end(const struct sff_lcore *lc, uint8_t order)
{
	bool no_input = order == SFF_ORDER_DRAIN || (lc->captures != NULL && pmd_captures_done(lc->captures));

	return no_input && sff_lcore_in_flight(lc) == 0;
}

int
sff_lcore_main(void *arg)
{
	struct sff_lcore *lc = arg;
	unsigned int thread = rte_lcore_id();
	bool replay = lc->captures != NULL;
	uint64_t idle = 0, since = rte_rdtsc(), before = 0;
	struct effort effort = {.least = UINT64_MAX, .since = since};
	bool futile;
	uint8_t order;

	lc->begin_tsc = lc->last_tsc = since;
	rte_rcu_qsbr_thread_online(lc->qsbr, thread);
	while ((order = atomic_load_explicit(&lc->order, memory_order_relaxed)) != SFF_ORDER_STOP) {
		struct sff_view *next = atomic_load_explicit(&lc->next, memory_order_acquire);
		uint64_t start = rte_rdtsc();
		uint32_t work;

		if (unlikely(next != NULL)) {
			sff_lcore_exchange(lc, next);
			atomic_store_explicit(&lc->next, NULL, memory_order_release);
		}
		if (lc->pins != NULL)
			lc->pins->now = (uint32_t)(start >> SFF_PIN_TICK_BITS);
		lc->underlay.now = start;
		work = sff_lcore_poll(lc, order == SFF_ORDER_RUN);
		rte_rcu_qsbr_quiescent(lc->qsbr, thread);
		futile = replay && is_futile(lc, &effort, start);
		if (unlikely(futile)) {
			write_off(lc);
			if (at_end(lc, order))
				break;
		}
		if (work > 0) {
			lc->last_tsc = rte_rdtsc();
			lc->busy_cycles += lc->last_tsc - start;
			lc->busy_packets += work;
			idle = 0;
			since = start;
			continue;
		}
		if (++idle < IDLE_PASSES) {
			rte_pause();
			continue;
		}
		if (at_end(lc, order))
			break;
		if (!replay)
			continue;
		if (is_stuck(lc, &since, &before, start))
			write_off(lc);
		sched_yield();
	}
	sff_underlay_stop(lc);
	for (uint16_t p = 0; p < lc->plane->n_ports; p++) {
		sff_drop(lc, lc->tx[p].pkt, lc->tx[p].n, SFC_DROP_SHUTDOWN);
		lc->tx[p].n = 0;
	}
	sff_mirror_stop(lc);
	rte_rcu_qsbr_thread_offline(lc->qsbr, thread);
	atomic_store_explicit(&lc->done, true, memory_order_release);
	return 0;
}
