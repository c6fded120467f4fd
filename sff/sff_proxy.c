#include "sff_proxy.h"

#include "nsh_hdr.h"

#include <rte_common.h>
#include <rte_hash_crc.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define WAYS 8u /* places of a line: tags and ages of eight fill 64 bytes */
/* Headers beyond MD type 1 are the exception: one block for sixteen flows, and some for small tables. */
#define FLOWS_PER_BLOCK 16u
#define BLOCKS_MIN      64u
#define BLOCK_SIZE      256u /* NSH_MAX_SIZE in whole cache lines */
#define NO_BLOCK        UINT32_MAX

/* Tags and times of one line of places. */
struct line {
	uint32_t tag[WAYS]; /* of the hash, 0 = empty */
	uint32_t used[WAYS];
} __rte_cache_aligned;

struct flow {
	struct cls_key key;
	uint8_t macs[2 * ETH_MAC_SIZE];
	uint32_t block; /* NO_BLOCK = the header is in header[] */
} __rte_cache_aligned;

static_assert(sizeof(struct line) == 64 && sizeof(struct flow) == 64, "a search reads two cache lines");

struct sff_proxy {
	struct line *line;
	struct flow *flow;               /* WAYS per line */
	uint8_t (*header)[NSH_MD1_SIZE]; /* per flow */
	uint8_t (*block)[BLOCK_SIZE];
	uint32_t *owner; /* per block: its flow; of a free one, the next free one */
	uint32_t mask;   /* lines - 1 */
	uint32_t n_blocks, free_block, hand;
	uint32_t idle; /* ticks */
	struct sff_proxy_count count;
};

static void *
lines(size_t n, size_t size)
{
	void *memory = aligned_alloc(RTE_CACHE_LINE_SIZE, RTE_ALIGN_CEIL(n * size, RTE_CACHE_LINE_SIZE));

	if (memory != NULL)
		memset(memory, 0, n * size);
	return memory;
}

int
sff_proxy_create(uint32_t flows, uint32_t idle_s, struct sff_proxy **out)
{
	struct sff_proxy *p = calloc(1, sizeof(*p));
	uint32_t n_lines = rte_align32pow2(RTE_MAX(flows, WAYS) / WAYS);
	uint32_t n = n_lines * WAYS;

	if (p == NULL)
		return -ENOMEM;
	p->mask = n_lines - 1;
	p->idle = (uint32_t)(idle_s * rte_get_tsc_hz() >> SFF_PROXY_TICK_SHIFT);
	p->n_blocks = RTE_MAX(n / FLOWS_PER_BLOCK, BLOCKS_MIN);
	p->line = lines(n_lines, sizeof(p->line[0]));
	p->flow = lines(n, sizeof(p->flow[0]));
	p->header = lines(n, sizeof(p->header[0]));
	p->block = lines(p->n_blocks, sizeof(p->block[0]));
	p->owner = calloc(p->n_blocks, sizeof(p->owner[0]));
	if (p->line == NULL || p->flow == NULL || p->header == NULL || p->block == NULL || p->owner == NULL) {
		sff_proxy_destroy(p);
		return -ENOMEM;
	}
	for (uint32_t b = 0; b < p->n_blocks; b++)
		p->owner[b] = b + 1 < p->n_blocks ? b + 1 : NO_BLOCK;
	*out = p;
	return 0;
}

void
sff_proxy_destroy(struct sff_proxy *p)
{
	if (p == NULL)
		return;
	free(p->line);
	free(p->flow);
	free(p->header);
	free(p->block);
	free(p->owner);
	free(p);
}

uint32_t
sff_proxy_size(const struct sff_proxy *p)
{
	return (p->mask + 1) * WAYS;
}

/* Line and tag are independent hashes, or all tags of a line would be alike. */
static uint32_t
place_of(const struct sff_proxy *p, const struct cls_key *key, uint32_t *tag)
{
	uint64_t words[sizeof(*key) /
		       sizeof(uint64_t)]; /* the CRC reads words; a key is aligned to two bytes */

	memcpy(words, key, sizeof(words));
	*tag = rte_hash_crc(words, sizeof(words), 1) | 1;
	return rte_hash_crc(words, sizeof(words), 0x9E3779B9) & p->mask;
}

/* The way that holds the key and is not too old, or WAYS. */
static uint32_t
search(const struct sff_proxy *p, uint32_t l, uint32_t tag, const struct cls_key *key, uint32_t now)
{
	const struct line *line = &p->line[l];

	for (uint32_t w = 0; w < WAYS; w++)
		if (line->tag[w] == tag && now - line->used[w] <= p->idle &&
			memcmp(&p->flow[l * WAYS + w].key, key, sizeof(*key)) == 0)
			return w;
	return WAYS;
}

static void
free_block(struct sff_proxy *p, struct flow *flow)
{
	if (flow->block == NO_BLOCK)
		return;
	p->owner[flow->block] = p->free_block;
	p->free_block = flow->block;
	flow->block = NO_BLOCK;
}

/* A block for a flow; when none is free the next in turn is taken from its owner, which is forgotten. */
static uint32_t
take_block(struct sff_proxy *p, uint32_t f)
{
	uint32_t b = p->free_block;

	if (b == NO_BLOCK) {
		uint32_t victim;

		b = p->hand;
		p->hand = b + 1 < p->n_blocks ? b + 1 : 0;
		victim = p->owner[b];
		p->flow[victim].block = NO_BLOCK;
		p->line[victim / WAYS].tag[victim % WAYS] = 0;
		p->count.evicted++;
	} else {
		p->free_block = p->owner[b];
	}
	p->owner[b] = f;
	return b;
}

/* The way for a new flow of a line: empty, else the one used longest ago. */
static uint32_t
make_room(struct sff_proxy *p, uint32_t l, uint32_t now)
{
	struct line *line = &p->line[l];
	uint32_t oldest = 0;

	for (uint32_t w = 0; w < WAYS; w++) {
		if (line->tag[w] == 0) {
			p->flow[l * WAYS + w].block = NO_BLOCK;
			return w;
		}
		if (now - line->used[w] > now - line->used[oldest])
			oldest = w;
	}
	if (now - line->used[oldest] <= p->idle)
		p->count.evicted++;
	free_block(p, &p->flow[l * WAYS + oldest]);
	return oldest;
}

void
sff_proxy_save(struct sff_proxy *p, const struct cls_key *key, uint32_t now, const uint8_t *nsh,
	uint16_t size, const uint8_t macs[2 * ETH_MAC_SIZE])
{
	uint32_t tag, l = place_of(p, key, &tag), w = search(p, l, tag, key, now), f;
	struct flow *flow;

	if (w == WAYS) {
		w = make_room(p, l, now);
		p->flow[l * WAYS + w].key = *key;
		p->count.saved++;
	}
	f = l * WAYS + w;
	flow = &p->flow[f];
	p->line[l].tag[w] = tag;
	p->line[l].used[w] = now;
	memcpy(flow->macs, macs, sizeof(flow->macs));
	if (likely(size <= NSH_MD1_SIZE)) {
		free_block(p, flow);
		memcpy(p->header[f], nsh, size);
	} else {
		if (flow->block == NO_BLOCK)
			flow->block = take_block(p, f);
		memcpy(p->block[flow->block], nsh, size);
	}
}

bool
sff_proxy_find(struct sff_proxy *p, const struct cls_key *key, uint32_t now, struct sff_proxy_saved *saved)
{
	uint32_t tag, l = place_of(p, key, &tag), w = search(p, l, tag, key, now), f = l * WAYS + w;

	if (w == WAYS)
		return false;
	p->line[l].used[w] = now;
	saved->nsh = p->flow[f].block == NO_BLOCK ? p->header[f] : p->block[p->flow[f].block];
	saved->size = nsh_size((const struct nsh_hdr *)saved->nsh);
	memcpy(saved->macs, p->flow[f].macs, sizeof(saved->macs));
	return true;
}

struct sff_proxy_count *
sff_proxy_count(struct sff_proxy *p)
{
	return &p->count;
}
