/**
 * A node in memory: real configuration, tables, classifier, plane and worker between memory ports.
 *
 * Included by the cases. Node `here` (10.99.0.1) has access ports lan and wan, transport port core and one
 * local SF; node `there` (10.99.0.2) is the next SFF. EAL starts once, as the product starts it.
 */
#ifndef BENCH_WORLD_H
#define BENCH_WORLD_H

#include "frames.h"
#include "memory_port.h"

#include "sff_lcore.h"

#include <stdbool.h>
#include <stdint.h>

enum world_port {
	WORLD_LAN,
	WORLD_WAN,
	WORLD_CORE,
	WORLD_SF,
	WORLD_PORTS,
};

#define WORLD_HERE  0x0a630001u
#define WORLD_THERE 0x0a630002u
#define WORLD_VNI   100u
#define WORLD_SPI   100u /* of the first path; its hop is on the other node */
#define WORLD_LAST  90u  /* SPI of the path that ends here: the local SF, then port wan */
#define WORLD_SI    255u
#define WORLD_TTL   63u

struct world_conf {
	uint16_t paths; /* 1..16384, SPI WORLD_SPI and up; the first 16 have rules */
	uint16_t rules; /* more rules, for the classifier's misses */
	uint32_t flows; /* of the flow table */
	bool near;      /* paths pass the local SF first */
};

struct world {
	struct sfc_config *config;
	struct sfc_table *table;
	struct cls *cls;
	struct sff_plane plane;
	struct sff_lcore *lc;
	struct memory_port *port; /* WORLD_PORTS of them; the SF's is unused when a case brings a real one */
};

/** Start EAL with the product's own arguments, on the CPU we are pinned to. 0 or -1, said. */
int world_eal(void);

/** A directory of this run for sockets and files, removed at exit. */
const char *world_dir(void);

/** Packet buffers, made like those of the product. */
struct rte_mempool *world_pool(void);

/** Build a node. 0 or -1, said. */
int world_open(const struct world_conf *conf, struct world *w);

/** One more worker of a node, with queue `queue` on every port. 0 or -1, said. */
int world_worker(struct world *w, uint16_t queue, uint32_t flows, struct sff_lcore **lc);

/** Take packet buffers that the caller keeps for good. 0 or -1, said. */
int world_buffers(struct rte_mbuf **m, unsigned int n);

/** Are the pool's buffers where they must be: with those who keep them, all others back? 0 or -1, said. */
int world_check_buffers(const char *name);

/** Name the drops there were, on stderr. */
void world_say_drops(const struct world *w);

/** The same, and: frames the node received are those it sent and those it dropped by name. */
int world_check(const struct world *w, const char *name);

#endif
