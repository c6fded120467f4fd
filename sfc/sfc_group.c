#include "sfc_group.h"

#include <assert.h>

/* Fraction bits of the logarithm below: 24 keep L * weight (at most 65 * 2^24 * 255) in 64 bits with room. */
#define LOG_BITS 24
/* Slots looked at before all targets are: with half of the instances down, one hash in 65,536 gets further.
 */
#define PROBES 16u

#define SLOT_BITS 11
static_assert(SFC_GROUP_SLOTS == 1u << SLOT_BITS, "slots are chosen by a mask");

/* FNV-1a, 64 bits (draft-eastlake-fnv): offset basis and prime. */
uint64_t
sfc_name_hash(const char *name)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (; *name != '\0'; name++)
		h = (h ^ (uint8_t)*name) * 0x100000001b3u;
	return h;
}

/* SplitMix64 (Steele, Lea and Flood, 2014): every bit of the result depends on every bit of both inputs. */
static uint64_t
mix(uint64_t seed, uint32_t slot)
{
	uint64_t z = seed + (slot + 1) * 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/*
 * The draw of an instance for a slot, even in 0..2^64. Its high bits are a keyed permutation of the slots, so
 * every instance draws from each stratum once: shares come out closer than with independent draws.
 */
static uint64_t
draw(uint64_t seed, uint32_t slot)
{
	uint64_t low = mix(seed, slot);
	uint32_t x = slot;

	/* Each step is a bijection on SLOT_BITS bits: xor a key, multiply by an odd number, fold downwards.
	 */
	for (uint32_t round = 0; round < 4; round++) {
		uint64_t key = mix(seed, SFC_GROUP_SLOTS + round);

		x = ((x ^ (uint32_t)key) * (uint32_t)(key >> 32 | 1)) & (SFC_GROUP_SLOTS - 1);
		x ^= x >> (SLOT_BITS / 2);
	}
	return (uint64_t)x << (64 - SLOT_BITS) | low >> SLOT_BITS;
}

/* -log2(x / 2^64) with LOG_BITS fraction bits, in integers only: a libm may round differently elsewhere. */
static uint64_t
minus_log2(uint64_t x)
{
	int zeros = __builtin_clzll(x | 1);
	uint64_t m = (x | 1) << zeros; /* 1 <= m / 2^63 < 2 */
	uint64_t fraction = 0;

	for (int i = 0; i < LOG_BITS; i++) {
		unsigned __int128 square = (unsigned __int128)m * m >> 63;
		int carry = (int)(square >> 64);

		fraction = fraction << 1 | (uint64_t)carry;
		m = (uint64_t)(square >> carry);
	}
	return ((uint64_t)(zeros + 1) << LOG_BITS) - fraction;
}

static void
fill(const struct sfc_config *config, const struct sfc_target *target, uint32_t first, uint32_t n,
	uint16_t slot[SFC_GROUP_SLOTS])
{
	uint64_t best_cost[SFC_GROUP_SLOTS];
	uint64_t best_seed[SFC_GROUP_SLOTS];
	uint32_t best_weight[SFC_GROUP_SLOTS];

	for (uint32_t s = 0; s < SFC_GROUP_SLOTS; s++)
		slot[s] = SFC_NONE;
	for (uint32_t t = first; t < first + n; t++) {
		const struct sfc_instance *instance = &config->instance[target[t].instance];
		uint64_t seed = sfc_name_hash(instance->name);

		for (uint32_t s = 0; s < SFC_GROUP_SLOTS; s++) {
			uint64_t cost = minus_log2(draw(seed, s));

			/* cost / weight is the time of an exponential clock: the first to ring wins. */
			if (slot[s] != SFC_NONE) {
				uint64_t mine = cost * best_weight[s];
				uint64_t other = best_cost[s] * instance->weight;

				if (mine > other || (mine == other && seed >= best_seed[s]))
					continue;
			}
			slot[s] = (uint16_t)t;
			best_cost[s] = cost;
			best_seed[s] = seed;
			best_weight[s] = instance->weight;
		}
	}
}

void
sfc_group_fill(const struct sfc_config *config, const struct sfc_target *target, struct sfc_group *group)
{
	fill(config, target, group->first_target, group->n_targets, group->slot);
	fill(config, target, group->first_target, group->n_local, group->slot_local);
}

/* The target of this hash, or where its flows go while it is down: the owner of the next slot that is up. */
static uint16_t
choose(const struct sfc_table *table, uint32_t first, uint32_t n, const uint16_t slot[SFC_GROUP_SLOTS],
	const uint8_t *up, uint32_t hash)
{
	uint16_t chosen = SFC_NONE;
	uint32_t best = UINT16_MAX + 1; /* beyond every distance: the one just before the owner counts, too */
	uint16_t start;

	if (n == 0)
		return SFC_NONE;
	for (uint32_t i = 0; i < PROBES; i++) {
		uint16_t t = slot[(hash + i) & (SFC_GROUP_SLOTS - 1)];

		if (up[table->target[t].instance] == SFC_UP)
			return t;
	}
	/* The first one up after the owner, counted in the file's order, which every node shares. */
	start = table->target[slot[hash & (SFC_GROUP_SLOTS - 1)]].instance;
	for (uint32_t t = first; t < first + n; t++) {
		uint16_t distance = (uint16_t)(table->target[t].instance - start);

		if (up[table->target[t].instance] == SFC_UP && distance < best) {
			best = distance;
			chosen = (uint16_t)t;
		}
	}
	return chosen;
}

uint16_t
sfc_group_choose(const struct sfc_table *table, const struct sfc_group *group, const uint8_t *up,
	uint32_t hash, int local_only)
{
	if (local_only) {
		uint16_t t = choose(table, group->first_target, group->n_local, group->slot_local, up, hash);

		if (t != SFC_NONE)
			return t;
	}
	return choose(table, group->first_target, group->n_targets, group->slot, up, hash);
}
