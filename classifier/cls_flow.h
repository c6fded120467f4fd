/* The flow table inside. Included by the files of this room only. */
#ifndef CLS_FLOW_H
#define CLS_FLOW_H

#include "cls.h"

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

/* Lines a flow may be in. At one flow per two lines, 8 leave less than 1 % without a place (Poisson), 4 leave
 * 4 %. */
#define CLS_FLOW_BLOCK 8u

/* One flow, one line. Index and generation instead of pointers. */
struct cls_flow {
	struct cls_key key;
	uint32_t verdict;
	uint32_t generation; /* of the rules that made the verdict; 0 = never used */
	uint8_t used;        /* since the hand of evict() last passed */
	uint8_t pad[7];
};

static_assert(sizeof(struct cls_flow) == 64 && _Alignof(struct cls_flow) <= 64, "one line");
static_assert(CLS_FLOW_BLOCK == sizeof(uint64_t), "the tags of a block are one word");

struct cls_flows {
	struct cls_flow *line;
	/* Per line: a byte of its key's hash. A hint only: says which line of a block to look at first, and
	 * eight are read at once. */
	uint8_t *tag;
	uint32_t mask; /* number of lines - 1 */
	uint32_t seed;
	uint32_t hand;
	struct cls_stats stats; /* owner: rw, others: ro */
	size_t map_size;
	void *map;
};

#endif
