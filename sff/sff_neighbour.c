#include "sff_neighbour.h"

#include <stdlib.h>
#include <string.h>

struct sff_neighbours *
sff_neighbours_create(void)
{
	struct sff_neighbours *table = aligned_alloc(RTE_CACHE_LINE_SIZE, sizeof(*table));

	if (table != NULL) {
		memset(table, 0, sizeof(*table));
		table->planes = 1;
	}
	return table;
}

void
sff_neighbours_leave(struct sff_neighbours *table)
{
	if (table != NULL && --table->planes == 0)
		free(table);
}

static struct sff_neighbour *
find_next_hop(struct sff_neighbours *table, uint16_t port, uint8_t family, const union nsh_addr *address)
{
	uint16_t n = __atomic_load_n(&table->n, __ATOMIC_ACQUIRE);

	for (uint16_t i = 0; i < n; i++) {
		struct sff_neighbour *e = &table->entry[i];

		if (e->port == port && e->family == family && nsh_addr_equal(&e->address, address))
			return e;
	}
	return NULL;
}

uint16_t
sff_neighbours_add(struct sff_neighbours *table, uint16_t port, uint8_t family, const union nsh_addr *address,
	const union nsh_addr *own)
{
	struct sff_neighbour *e = find_next_hop(table, port, family, address);

	if (e == NULL) {
		if (table->n == SFF_NEXT_HOPS_MAX)
			return SFC_NONE;
		e = &table->entry[table->n];
		e->port = port;
		e->family = family;
		e->address = *address;
		e->own = *own;
		__atomic_store_n(&table->n, (uint16_t)(table->n + 1), __ATOMIC_RELEASE);
	}
	return (uint16_t)(e - table->entry);
}

static struct sff_neighbour *
bucket(struct sff_neighbours *table, uint16_t port, uint8_t family, const union nsh_addr *address)
{
	/* Fibonacci hashing (Knuth, TAOCP 3, 6.4): 2^64 over the golden ratio. */
	uint64_t hash = (address->half[0] ^ (address->half[1] << 32 | address->half[1] >> 32) ^
				(uint64_t)port << 8 ^ family) *
	                UINT64_C(0x9E3779B97F4A7C15);

	static_assert((SFF_HOSTS_MAX / SFF_HOST_WAYS & (SFF_HOSTS_MAX / SFF_HOST_WAYS - 1)) == 0, "a mask");
	return &table->entry[SFF_NEXT_HOPS_MAX +
			     (hash >> 40 & (SFF_HOSTS_MAX / SFF_HOST_WAYS - 1)) * SFF_HOST_WAYS];
}

/* Is this the entry of the host? Others may be writing it: then it is not. */
static bool
is_host(const struct sff_neighbour *e, uint16_t port, uint8_t family, const union nsh_addr *address,
	uint32_t *version)
{
	*version = atomic_load_explicit(&e->version, memory_order_acquire);
	return __atomic_load_n(&e->address.half[0], __ATOMIC_RELAXED) == address->half[0] &&
	       __atomic_load_n(&e->address.half[1], __ATOMIC_RELAXED) == address->half[1] &&
	       __atomic_load_n(&e->port, __ATOMIC_RELAXED) == port &&
	       __atomic_load_n(&e->family, __ATOMIC_RELAXED) == family && (*version & 1) == 0 &&
	       sff_neighbour_is_still(e, *version);
}

struct sff_neighbour *
sff_neighbours_host(struct sff_neighbours *table, uint16_t port, uint8_t family,
	const union nsh_addr *address, uint32_t *version)
{
	struct sff_neighbour *e = bucket(table, port, family, address);

	for (unsigned int way = 0; way < SFF_HOST_WAYS; way++)
		if (is_host(&e[way], port, family, address, version))
			return &e[way];
	return NULL;
}

/* Hold it as what it was at `version`; false = it is something else by now. Who gives an entry to another
 * host first makes the version odd and then looks for holders: one of the two sees the other. */
static bool
hold(struct sff_neighbour *e, uint32_t version)
{
	sff_neighbour_hold_more(e);
	if (atomic_load_explicit(&e->version, memory_order_seq_cst) == version)
		return true;
	sff_neighbour_release(e);
	return false;
}

/* Make an entry that of another host, and hold it; false = somebody else has it. */
static bool
take(struct sff_neighbour *e, uint32_t version, uint16_t port, uint8_t family, const union nsh_addr *address,
	const union nsh_addr *own, uint64_t now)
{
	if ((version & 1) != 0 || !atomic_compare_exchange_strong(&e->version, &version, version + 1))
		return false;
	if (atomic_load_explicit(&e->holders, memory_order_seq_cst) != 0) {
		atomic_store_explicit(&e->version, version + 2, memory_order_release);
		return false;
	}
	sff_neighbour_hold_more(e);
	atomic_thread_fence(memory_order_release);
	for (unsigned int i = 0; i < 2; i++) {
		__atomic_store_n(&e->address.half[i], address->half[i], __ATOMIC_RELAXED);
		__atomic_store_n(&e->own.half[i], own->half[i], __ATOMIC_RELAXED);
	}
	__atomic_store_n(&e->port, port, __ATOMIC_RELAXED);
	__atomic_store_n(&e->family, family, __ATOMIC_RELAXED);
	atomic_store_explicit(&e->mac, 0, memory_order_relaxed);
	atomic_store_explicit(&e->confirmed, 0, memory_order_relaxed);
	atomic_store_explicit(&e->doubted, 0, memory_order_relaxed);
	atomic_store_explicit(&e->ask_at, 0, memory_order_relaxed);
	atomic_store_explicit(&e->used, now, memory_order_relaxed);
	atomic_store_explicit(&e->version, version + 2, memory_order_release);
	return true;
}

/* The entry of a bucket that is free, or that nobody used for longest; NULL = all are in use. */
static struct sff_neighbour *
find_idle(struct sff_neighbour *e, uint64_t now, uint64_t hz, uint32_t *version)
{
	int64_t longest = (int64_t)(SFF_HOST_IDLE_SECONDS * hz);
	struct sff_neighbour *idle = NULL;

	for (unsigned int way = 0; way < SFF_HOST_WAYS; way++) {
		uint32_t v = atomic_load_explicit(&e[way].version, memory_order_acquire);
		/* Workers' clocks differ: it may be used in the future. */
		int64_t age = (int64_t)(now - atomic_load_explicit(&e[way].used, memory_order_relaxed));

		if (__atomic_load_n(&e[way].family, __ATOMIC_RELAXED) == NSH_NO_IP)
			age = INT64_MAX;
		if (age <= longest || atomic_load_explicit(&e[way].holders, memory_order_relaxed) != 0)
			continue;
		longest = age;
		idle = &e[way];
		*version = v;
	}
	return idle;
}

struct sff_neighbour *
sff_neighbours_hold_host(struct sff_neighbours *table, uint16_t port, uint8_t family,
	const union nsh_addr *address, const union nsh_addr *own, uint64_t now, uint64_t hz)
{
	/* Each turn that fails is one in which another worker got on. */
	for (unsigned int turn = 0; turn < SFF_HOST_WAYS; turn++) {
		uint32_t version;
		struct sff_neighbour *e = sff_neighbours_host(table, port, family, address, &version);

		if (e != NULL) {
			if (!hold(e, version))
				continue;
			atomic_store_explicit(&e->used, now, memory_order_relaxed);
			return e;
		}
		e = find_idle(bucket(table, port, family, address), now, hz, &version);
		if (e == NULL)
			return NULL;
		if (take(e, version, port, family, address, own, now))
			return e;
	}
	return NULL;
}

struct sff_neighbour *
sff_neighbours_hold(
	struct sff_neighbours *table, uint16_t port, uint8_t family, const union nsh_addr *address)
{
	struct sff_neighbour *e = find_next_hop(table, port, family, address);
	uint32_t version;

	if (e != NULL) {
		sff_neighbour_hold_more(e);
		return e;
	}
	e = sff_neighbours_host(table, port, family, address, &version);
	return e != NULL && hold(e, version) ? e : NULL;
}

void
sff_neighbour_learn(struct sff_neighbour *neighbour, const uint8_t mac[6], enum sff_heard heard, uint64_t now,
	uint64_t hz)
{
	uint64_t word = sfc_mac_key(mac) | SFF_NEIGHBOUR_KNOWN;
	uint64_t before = atomic_load_explicit(&neighbour->mac, memory_order_relaxed);

	if (heard == SFF_HEARD_CLAIM && word == before)
		return;
	atomic_store_explicit(&neighbour->confirmed,
		heard == SFF_HEARD_ANSWER ? now : now - SFF_REACHABLE_SECONDS * hz, memory_order_relaxed);
	atomic_store_explicit(&neighbour->doubted, 0, memory_order_relaxed);
	atomic_store_explicit(&neighbour->mac, word, memory_order_release);
}

void
sff_neighbour_doubt(struct sff_neighbour *neighbour, uint64_t now, uint64_t hz)
{
	if (sff_neighbour_is_fresh(neighbour, now, hz))
		atomic_store_explicit(
			&neighbour->confirmed, now - SFF_REACHABLE_SECONDS * hz, memory_order_relaxed);
}
