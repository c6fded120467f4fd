#include "sff_underlay.h"

#include "sff_lcore.h"
#include "sff_tx.h"

#include "arp.h"
#include "nd.h"

#include <string.h>

static const uint8_t broadcast[ETH_MAC_SIZE] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

static void
put(struct sff_lcore *lc, uint16_t port, struct rte_mbuf *pkt)
{
	struct sff_tx *tx = &lc->tx[port];

	if (unlikely(tx->n == SFF_TX_BUFFER))
		sff_tx_flush(lc, port, true);
	tx->pkt[tx->n++] = pkt;
}

void
sff_underlay_send(struct sff_lcore *lc, uint16_t port, struct rte_mbuf *pkt)
{
	lc->underlay.originated++;
	put(lc, port, pkt);
}

struct rte_mbuf *
sff_underlay_answer_to(struct sff_lcore *lc, const struct rte_mbuf *cause)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(lc->pool);

	if (m != NULL)
		memcpy(m->dynfield1, cause->dynfield1, sizeof(m->dynfield1));
	return m;
}

bool
sff_rate_take(struct sff_rate *rate, uint64_t now, uint64_t hz, uint32_t per_second)
{
	if (now - rate->since >= hz) {
		rate->since = now;
		rate->used = 0;
	}
	if (rate->used >= per_second)
		return false;
	rate->used++;
	return true;
}

/* ARP request or solicitation: to all when the MAC is not known, else to the neighbour itself. */
static void
ask(struct sff_lcore *lc, const struct sff_neighbour *n, uint64_t word)
{
	const uint8_t *mac = lc->plane->port[n->port].pmd->mac;
	struct rte_mbuf *m = rte_pktmbuf_alloc(lc->pool);
	union nsh_addr group;
	uint8_t to[ETH_MAC_SIZE];
	uint8_t *frame;
	size_t size;

	if (unlikely(m == NULL))
		return;
	frame = rte_pktmbuf_mtod(m, uint8_t *);
	memcpy(to, word != 0 ? (const uint8_t *)&word : broadcast, sizeof(to));
	if (n->family == NSH_IPV4) {
		arp_build_request(frame + ETH_HDR_SIZE, mac, n->own.v4, n->address.v4);
		size = ARP_SIZE;
	} else {
		group = word != 0 ? n->address : nd_solicited_node(&n->address);
		if (word == 0)
			nd_multicast_mac(&group, to);
		size = nd_build_solicitation(frame + ETH_HDR_SIZE, &n->own, &group, &n->address, mac);
	}
	eth_build(frame, to, mac, n->family == NSH_IPV4 ? ETH_ARP : ETH_IPV6);
	m->data_len = (uint16_t)(ETH_HDR_SIZE + size);
	m->pkt_len = m->data_len;
	sff_underlay_send(lc, n->port, m);
}

/* One worker asks, and not before the last question had its time. */
static void
ask_in_turn(struct sff_lcore *lc, struct sff_neighbour *n, uint64_t word)
{
	struct sff_underlay *u = &lc->underlay;
	uint64_t at = atomic_load_explicit(&n->ask_at, memory_order_relaxed);

	if (u->now >= at &&
		atomic_compare_exchange_strong_explicit(&n->ask_at, &at, u->now + SFF_PROBE_SECONDS * u->hz,
			memory_order_relaxed, memory_order_relaxed))
		ask(lc, n, word);
}

static void
send_to(struct sff_lcore *lc, struct rte_mbuf *pkt, const struct sff_neighbour *n, uint64_t word)
{
	memcpy(rte_pktmbuf_mtod(pkt, uint8_t *), &word, ETH_MAC_SIZE);
	put(lc, n->port, pkt);
}

void
sff_underlay_settle(struct sff_lcore *lc)
{
	struct sff_underlay *u = &lc->underlay;
	uint32_t kept = 0;

	for (uint32_t i = 0; i < u->n_held; i++) {
		struct sff_held h = u->held[i];
		struct sff_neighbour *n = &lc->plane->neighbours->entry[h.neighbour];
		uint64_t word = atomic_load_explicit(&n->mac, memory_order_acquire);

		if (word == 0 && u->now < u->deadline[h.neighbour]) {
			ask_in_turn(lc, n, word);
			u->held[kept++] = h;
			continue;
		}
		if (--u->waiting[h.neighbour] == 0)
			sff_neighbour_release(n);
		if (word != 0)
			send_to(lc, h.pkt, n, word);
		else
			sff_drop(lc, &h.pkt, 1, SFC_DROP_NEIGH_TIMEOUT);
	}
	u->n_held = kept;
}

void
sff_underlay_stop(struct sff_lcore *lc)
{
	struct sff_underlay *u = &lc->underlay;

	for (uint32_t i = 0; i < u->n_held; i++) {
		uint16_t index = u->held[i].neighbour;

		sff_drop(lc, &u->held[i].pkt, 1, SFC_DROP_SHUTDOWN);
		if (--u->waiting[index] == 0)
			sff_neighbour_release(&lc->plane->neighbours->entry[index]);
	}
	u->n_held = 0;
}

static uint8_t
hold(struct sff_lcore *lc, struct rte_mbuf *pkt, uint16_t index)
{
	struct sff_underlay *u = &lc->underlay;
	struct sff_neighbour *n = &lc->plane->neighbours->entry[index];

	/* A replay sends nothing unasked, so nobody would answer. */
	if (lc->captures != NULL)
		return SFF_NEXT_DROP(SFC_DROP_NO_NEIGHBOUR);
	if (u->waiting[index] >= SFF_HELD_PER_NEIGHBOUR || u->n_held >= SFF_HELD_MAX)
		return SFF_NEXT_DROP(SFC_DROP_NEIGH_FULL);
	if (u->waiting[index] == 0) {
		sff_neighbour_hold_more(n);
		u->deadline[index] = u->now + SFF_PROBES * SFF_PROBE_SECONDS * u->hz;
	}
	u->held[u->n_held++] = (struct sff_held){pkt, index};
	u->waiting[index]++;
	ask_in_turn(lc, n, 0);
	return SFF_NEXT_KEPT;
}

/* A MAC that was not confirmed for a while: used on while its owner is asked; given up when it is silent. */
static uint64_t
doubt(struct sff_lcore *lc, struct sff_neighbour *n, uint64_t word)
{
	struct sff_underlay *u = &lc->underlay;
	uint64_t since = atomic_load_explicit(&n->doubted, memory_order_relaxed);

	if (lc->captures != NULL)
		return word;
	if (since != 0 && u->now - since >= SFF_PROBES * SFF_PROBE_SECONDS * u->hz) {
		/* Unless somebody just heard of it. */
		if (atomic_compare_exchange_strong(&n->mac, &word, 0))
			atomic_store_explicit(&n->doubted, 0, memory_order_relaxed);
		return atomic_load_explicit(&n->mac, memory_order_acquire);
	}
	if (since == 0)
		atomic_store_explicit(&n->doubted, u->now | 1, memory_order_relaxed);
	ask_in_turn(lc, n, word);
	return word;
}

uint8_t
sff_underlay_resolve(struct sff_lcore *lc, struct rte_mbuf *pkt, uint16_t index)
{
	struct sff_underlay *u = &lc->underlay;
	struct sff_neighbour *n = &lc->plane->neighbours->entry[index];
	uint64_t word = atomic_load_explicit(&n->mac, memory_order_acquire);

	if (word != 0 && u->waiting[index] > 0)
		sff_underlay_settle(lc); /* those that came before go first */
	if (word != 0 && !sff_neighbour_is_fresh(n, u->now, u->hz))
		word = doubt(lc, n, word);
	if (word == 0)
		return hold(lc, pkt, index);
	memcpy(rte_pktmbuf_mtod(pkt, uint8_t *), &word, ETH_MAC_SIZE);
	return SFF_STAGE_PORT_TX;
}

uint8_t
sff_underlay_resolve_host(struct sff_lcore *lc, struct rte_mbuf *pkt, uint16_t port, uint8_t family,
	const union nsh_addr *address, const union nsh_addr *own)
{
	struct sff_neighbours *table = lc->plane->neighbours;
	struct sff_underlay *u = &lc->underlay;
	uint32_t version;
	struct sff_neighbour *n = sff_neighbours_host(table, port, family, address, &version);
	uint8_t edge;

	if (likely(n != NULL)) {
		uint64_t word = atomic_load_explicit(&n->mac, memory_order_acquire);
		bool good = word != 0 && u->waiting[n - table->entry] == 0 &&
		            sff_neighbour_is_fresh(n, u->now, u->hz);

		/* Nobody is to write here for each packet. */
		good = good && u->now - atomic_load_explicit(&n->used, memory_order_relaxed) < u->hz;
		if (likely(good && sff_neighbour_is_still(n, version))) {
			memcpy(rte_pktmbuf_mtod(pkt, uint8_t *), &word, ETH_MAC_SIZE);
			return SFF_STAGE_PORT_TX;
		}
	}
	n = sff_neighbours_hold_host(table, port, family, address, own, u->now, u->hz);
	if (unlikely(n == NULL))
		return SFF_NEXT_DROP(SFC_DROP_NEIGH_FULL);
	edge = sff_underlay_resolve(lc, pkt, (uint16_t)(n - table->entry));
	sff_neighbour_release(n);
	return edge;
}
