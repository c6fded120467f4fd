/*
 * The flow table of one lcore: verdicts of flows seen before, one 64-byte line each.
 *
 * A flow lives in one of the eight lines of its block: its home line, else the next free one in the order
 * home ^ 1, home ^ 2, ... A line is valid for the rule set that made it, so a change of rules empties the
 * table without touching it. As lines of the present rule set are only ever replaced, never removed, a search
 * may stop at the first line that is not valid. What an earlier rule set knew of a flow is looked at once,
 * when its line is made anew (cls_inherit). All work per packet is bounded by the block, whatever the flows.
 * Half of the lines are used, so a third of the flows are not at home: a byte per line tells which one to
 * try.
 */
#include "cls_flow.h"

#include "cls_rules.h"

#include <nmmintrin.h>
#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_common.h>
#include <rte_prefetch.h>

static inline bool
key_equal(const struct cls_key *a, const struct cls_key *b)
{
	const __m128i *x = (const __m128i *)a;
	const __m128i *y = (const __m128i *)b;
	__m128i differ = _mm_or_si128(_mm_xor_si128(_mm_loadu_si128(x), _mm_loadu_si128(y)),
		_mm_or_si128(_mm_xor_si128(_mm_loadu_si128(x + 1), _mm_loadu_si128(y + 1)),
			_mm_xor_si128(_mm_loadu_si128(x + 2), _mm_loadu_si128(y + 2))));

	return _mm_testz_si128(differ, differ) != 0;
}

/* Where a flow belongs: its home line from the low bits of this, its tag from the high ones. The ingress port
 * takes part, so that the two directions of a flow, of one hash, have different homes. */
static inline uint32_t
place_of(const struct cls_flows *flows, uint32_t hash, uint16_t port)
{
	return (uint32_t)_mm_crc32_u64(flows->seed, hash | (uint64_t)port << 32);
}

static inline uint8_t
tag_of(uint32_t place)
{
	return (uint8_t)(place >> 24);
}

/* Of the lines of a flow's block the first with its tag, else its home. */
static inline uint32_t
guess(const struct cls_flows *flows, uint32_t place)
{
	uint32_t home = place & flows->mask, block = home & ~(CLS_FLOW_BLOCK - 1);
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t differ, zero;

	memcpy(&differ, &flows->tag[block], sizeof(differ));
	differ ^= tag_of(place) * ones;
	zero = (differ - ones) & ~differ & ones << 7; /* its lowest bit is that of the first byte that is 0 */
	return zero != 0 ? block + ((uint32_t)__builtin_ctzll(zero) >> 3) : home;
}

/* Stored once per second chance, not per packet: a line that is only read needs no writing back. */
static inline void
mark_used(struct cls_flow *line)
{
	if (line->used == 0)
		line->used = 1;
}

/*
 * A line of a full block for a new flow: the first, from a hand that moves on, whose flow was not used since
 * the hand last passed. A flood of one-packet flows so replaces itself, not the flows that live.
 */
static struct cls_flow *
evict(struct cls_flows *flows, uint32_t home)
{
	uint32_t block = home & ~(CLS_FLOW_BLOCK - 1);
	uint32_t hand = flows->hand++;
	struct cls_flow *line = &flows->line[block + hand % CLS_FLOW_BLOCK];

	for (uint32_t i = 0; i < CLS_FLOW_BLOCK && line->used != 0; i++) {
		line->used = 0;
		line = &flows->line[block + ++hand % CLS_FLOW_BLOCK];
	}
	flows->stats.evictions++;
	return line;
}

/*
 * The line of a key, *found = it holds the key; else its old content may be overwritten, and *inherited is
 * the verdict that an earlier rule set's is worth, 0 = none.
 */
static struct cls_flow *
find_or_take(struct cls_flows *flows, const struct cls *cls, const struct cls_key *key, uint32_t hash,
	bool *found, uint32_t *inherited)
{
	uint32_t home = place_of(flows, hash, key->port) & flows->mask;
	struct cls_flow *take = NULL;

	*found = false;
	*inherited = 0;
	for (uint32_t i = 0; i < CLS_FLOW_BLOCK; i++) {
		struct cls_flow *line = &flows->line[home ^ i];
		bool valid = line->generation == cls->generation;

		if (valid && take == NULL) {
			*found = key_equal(&line->key, key);
			if (*found)
				return line;
			continue;
		}
		if (take == NULL)
			take = line;
		/* Beyond a line that was never used there is none of this flow. */
		if (cls->n_past == 0 || line->generation == 0)
			break;
		if (!key_equal(&line->key, key))
			continue;
		*inherited = cls_past_verdict(cls, line->generation, line->verdict);
		/* Its own line becomes that of the flow whose line it takes. */
		*line = *take;
		break;
	}
	return take != NULL ? take : evict(flows, home);
}

static inline void
fill_line(struct cls_flows *flows, struct cls_flow *line, uint32_t generation, const struct cls_key *key,
	uint32_t hash, uint32_t verdict)
{
	flows->tag[line - flows->line] = tag_of(place_of(flows, hash, key->port));
	*line = (struct cls_flow){.key = *key, .verdict = verdict, .generation = generation};
	flows->stats.inserts++;
}

/* Ask the rules for what the table does not hold, and remember. */
static void
classify_misses(const struct cls *cls, struct cls_flows *flows, const struct cls_key *const key[],
	const uint32_t hash[], const uint8_t miss[], uint32_t n, uint32_t verdict[])
{
	const struct cls_key *missed[CLS_BURST_MAX];
	uint32_t result[CLS_BURST_MAX];

	for (uint32_t i = 0; i < n; i++)
		missed[i] = key[miss[i]];
	cls_match(cls, missed, n, result);
	for (uint32_t i = 0; i < n; i++) {
		verdict[miss[i]] = result[i];
		if (missed[i]->family == 0)
			continue;
		bool found; /* a packet of the same flow came earlier in this burst */
		uint32_t inherited;
		struct cls_flow *line =
			find_or_take(flows, cls, missed[i], hash[miss[i]], &found, &inherited);
		if (!found)
			fill_line(flows, line, cls->generation, missed[i], hash[miss[i]],
				inherited != 0 ? inherited : result[i]);
		verdict[miss[i]] = line->verdict;
	}
}

/* Flows that are not where they seemed to be: elsewhere in their block, or not at all. Returns how many are
 * not. */
static uint32_t
search(const struct cls_flows *flows, uint32_t generation, const struct cls_key *const key[],
	const uint32_t place[], uint8_t pending[], uint32_t n_pending, uint8_t miss[], uint32_t verdict[])
{
	uint32_t n_misses = 0;

	/* Each round looks at one line of every flow not yet found, and prefetches the line after it. */
	for (uint32_t round = 0; round < CLS_FLOW_BLOCK && n_pending != 0; round++) {
		uint32_t left = 0;
		for (uint32_t p = 0; p < n_pending; p++) {
			uint8_t i = pending[p];
			struct cls_flow *line = &flows->line[(place[i] & flows->mask) ^ round];
			if (line->generation != generation || key[i]->family == 0) {
				miss[n_misses++] = i;
			} else if (key_equal(&line->key, key[i])) {
				verdict[i] = line->verdict;
				mark_used(line);
			} else {
				pending[left++] = i;
				rte_prefetch0(&flows->line[(place[i] & flows->mask) ^
							   (round + 1) % CLS_FLOW_BLOCK]);
			}
		}
		n_pending = left;
	}
	memcpy(miss + n_misses, pending, n_pending); /* not in a block that is full */
	return n_misses + n_pending;
}

void
cls_classify(const struct cls *cls, struct cls_flows *flows, const struct cls_key *const key[],
	const uint32_t hash[], uint32_t n, uint32_t verdict[])
{
	uint32_t place[CLS_BURST_MAX];
	struct cls_flow *line[CLS_BURST_MAX];
	uint8_t pending[CLS_BURST_MAX];
	uint8_t miss[CLS_BURST_MAX];
	uint32_t n_pending = 0;
	uint32_t n_misses = 0;
	const uint32_t generation = cls->generation;

	for (uint32_t i = 0; i < n; i++) {
		place[i] = place_of(flows, hash[i], key[i]->port);
		rte_prefetch0(&flows->tag[place[i] & flows->mask]);
	}
	for (uint32_t i = 0; i < n; i++) {
		line[i] = &flows->line[guess(flows, place[i])];
		rte_prefetch0(line[i]);
	}
	/* Most are known and where they seem to be. */
	for (uint32_t i = 0; i < n; i++) {
		if (likely(line[i]->generation == generation && key_equal(&line[i]->key, key[i]))) {
			verdict[i] = line[i]->verdict;
			mark_used(line[i]);
		} else {
			pending[n_pending++] = (uint8_t)i;
		}
	}
	if (n_pending != 0)
		n_misses = search(flows, generation, key, place, pending, n_pending, miss, verdict);
	flows->stats.hits += n - n_misses;
	flows->stats.misses += n_misses;
	if (n_misses != 0)
		classify_misses(cls, flows, key, hash, miss, n_misses, verdict);
}

void
cls_learn_reverse(const struct cls *cls, struct cls_flows *flows, const struct cls_key *key, uint32_t hash,
	uint16_t port, uint16_t path)
{
	uint32_t verdict = path < cls->n_paths ? cls->reverse[path] : 0;

	if (key->family == 0 || verdict == 0)
		return;

	struct cls_key reverse = *key;
	memcpy(reverse.source, key->destination, sizeof(reverse.source));
	memcpy(reverse.destination, key->source, sizeof(reverse.destination));
	reverse.source_port = key->destination_port;
	reverse.destination_port = key->source_port;
	reverse.port = port;

	bool found;
	uint32_t inherited; /* says no more than what is learned here */
	struct cls_flow *line = find_or_take(flows, cls, &reverse, hash, &found, &inherited);
	if (!found) {
		fill_line(flows, line, cls->generation, &reverse, hash, verdict);
		return;
	}
	mark_used(line);
	/* A rule that leads into the same path stays: its metadata is part of it. */
	const struct cls_action *action = cls_action(cls, line->verdict);
	if (action->kind != SFC_ACTION_PATH || action->path != path)
		line->verdict = verdict;
}
