/**
 * Which instance a flow met: one worker's memory of it, so that live flows stay where they are while
 * instances come and go.
 *
 * Consulted only for functions with a choice (sff_plane.pinned). Bounded: a flow replaces the one of its line
 * that was silent for longest. Entries name function and instance by identities that outlive a change of
 * configuration, never by index. Included by stage_sfp_lookup.c, the lcore loop, control and the tests.
 */
#ifndef SFF_PIN_H
#define SFF_PIN_H

#include <rte_common.h>

#include <nmmintrin.h>

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SFF_PIN_LINE 4u
/* A flow silent for longer is a new one: RFC 4787, REQ-5 recommends 5 minutes for UDP mappings. */
#define SFF_PIN_IDLE_S 300u
/* The clock ticks every 2^30 TSC cycles, about 0.4 s: coarse, so that a flow stores it rarely. */
#define SFF_PIN_TICK_BITS 30

struct sff_pin {
	uint64_t key;      /* function << 32 | flow hash; 0 = free */
	uint32_t instance; /* identity */
	uint32_t used;     /* tick of its last frame */
};

static_assert(sizeof(struct sff_pin) * SFF_PIN_LINE == RTE_CACHE_LINE_SIZE, "one line per look-up");

/* lcore: rw */
struct sff_pins {
	struct sff_pin *pin;
	uint32_t mask; /* lines - 1 */
	uint32_t now;  /* tick */
	uint32_t idle; /* SFF_PIN_IDLE_S in ticks */
	size_t map_size;
};

/**
 * Room for this many flows, twice that in lines so that few collide; 1..2^26.
 *
 * @param tsc_hz  of the clock.
 * @param now     take the memory now; else page by page, when it is first used.
 * @return        0 or -ENOMEM. Thread: control.
 */
int sff_pins_create(uint32_t flows, uint64_t tsc_hz, bool now, struct sff_pins **pins);
void sff_pins_destroy(struct sff_pins *pins);

/** The key of a flow at a function. Flows of one hash share everything: choice looks at the hash alone. */
static inline uint64_t
sff_pin_key(uint32_t function, uint32_t hash)
{
	return (uint64_t)function << 32 | hash;
}

/** The pin of a key, idle or not; NULL = none. Thread: the lcore. */
static inline struct sff_pin *
sff_pin_find(struct sff_pins *pins, uint64_t key)
{
	struct sff_pin *line = &pins->pin[(_mm_crc32_u64(0, key) & pins->mask) * SFF_PIN_LINE];

	for (uint32_t i = 0; i < SFF_PIN_LINE; i++)
		if (line[i].key == key)
			return &line[i];
	return NULL;
}

static inline bool
sff_pin_is_live(const struct sff_pins *pins, const struct sff_pin *pin)
{
	return pins->now - pin->used <= pins->idle;
}

/** Its flow lives. Stores at most once per tick. */
static inline void
sff_pin_touch(const struct sff_pins *pins, struct sff_pin *pin)
{
	if (pin->used != pins->now)
		pin->used = pins->now;
}

/** Remember a key that has no pin, in place of the one of its line that is silent for longest. */
static inline void
sff_pin_add(struct sff_pins *pins, uint64_t key, uint32_t instance)
{
	struct sff_pin *line = &pins->pin[(_mm_crc32_u64(0, key) & pins->mask) * SFF_PIN_LINE];
	struct sff_pin *oldest = line;

	for (uint32_t i = 0; i < SFF_PIN_LINE && oldest->key != 0; i++)
		if (line[i].key == 0 || pins->now - line[i].used > pins->now - oldest->used)
			oldest = &line[i];
	*oldest = (struct sff_pin){.key = key, .instance = instance, .used = pins->now};
}

#endif
