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

struct sff_neighbour *
sff_neighbours_find(
	struct sff_neighbours *table, uint16_t port, uint8_t family, const union nsh_addr *address)
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
	struct sff_neighbour *e = sff_neighbours_find(table, port, family, address);

	if (e == NULL) {
		if (table->n == SFF_NEIGHBOURS_MAX)
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
