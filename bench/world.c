#include "world.h"

#include "sff_eal.h"
#if __has_include("sff_pool.h")
#include "sff_pool.h"
#endif
#include "sff_ports.h"
#include "sff_run_dir.h"

#include <rte_malloc.h>

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* As sff_node.c has them. */
#define POOL_BUFFERS 16383u
#define POOL_CACHE   512u
#define MEMORY_MIB   256u

static struct {
	struct sff_run_dir dir;
	struct rte_mempool *pool;
	struct rte_rcu_qsbr *qsbr;
	unsigned int kept; /* packet buffers with those who keep them */
} here = {.dir = {.lock = -1}};

static int
said(const char *what, const char *why)
{
	fprintf(stderr, "bench: %s: %s\n", what, why);
	return -1;
}

static void
remove_dir(void)
{
	sff_run_dir_close(&here.dir);
}

const char *
world_dir(void)
{
	return here.dir.path;
}

/* As the revision under test has them. */
static struct rte_mempool *
create_pool(void)
{
#if __has_include("sff_pool.h")
	return sff_pool_create("frames", POOL_BUFFERS, POOL_CACHE, false);
#else
	return rte_pktmbuf_pool_create(
		"frames", POOL_BUFFERS, POOL_CACHE, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
#endif
}

int
world_eal(void)
{
	/* valgrind has not the address space that EAL reserves for hugepages. */
	struct sff_eal_conf conf = {
		.memory_mib = MEMORY_MIB, .small_pages = getenv("BENCH_SMALL_PAGES") != NULL};
	char note[256], err[512] = "";

	if (here.pool != NULL)
		return 0;
	if (sff_run_dir_open(NULL, NULL, &here.dir, err, sizeof(err)) != 0)
		return said("run directory", err);
	atexit(remove_dir);
	conf.run_dir = here.dir.path;
	if (sff_eal_init(&conf, note, sizeof(note), err, sizeof(err)) != 0)
		return said("EAL", err);
	here.qsbr = rte_zmalloc("qsbr", rte_rcu_qsbr_get_memsize(RTE_MAX_LCORE), RTE_CACHE_LINE_SIZE);
	here.pool = create_pool();
	if (here.qsbr == NULL || here.pool == NULL || rte_rcu_qsbr_init(here.qsbr, RTE_MAX_LCORE) != 0 ||
		pmd_init(here.pool, here.qsbr) != 0)
		return said("EAL", "no memory");
	return 0;
}

struct rte_mempool *
world_pool(void)
{
	return here.pool;
}

int
world_buffers(struct rte_mbuf **m, unsigned int n)
{
	if (rte_pktmbuf_alloc_bulk(here.pool, m, n) != 0)
		return said("packet buffers", "the pool has too few");
	here.kept += n;
	return 0;
}

int
world_check_buffers(const char *name)
{
	unsigned int used = rte_mempool_in_use_count(here.pool);

	if (used == here.kept)
		return 0;
	fprintf(stderr, "bench: %s: %u packet buffers in use, %u are known\n", name, used, here.kept);
	return -1;
}

/* Rules no flow of ours matches in a row: prefixes, protocols and port ranges as access lists have them. */
static void
write_rules(FILE *f, const struct world_conf *conf)
{
	for (unsigned int i = 0; i < RTE_MIN(conf->paths, FRAME_FLOW_PATHS); i++)
		fprintf(f,
			"    - { name: p%u, match: { port: lan, source: 10.%u.0.0/16 }, action: { path: p%u "
			"} }\n",
			i, i, i);
	for (unsigned int i = 0; i < conf->rules; i++)
		fprintf(f,
			"    - { name: r%u, match: { port: lan, source: 172.%u.%u.0/24, destination: "
			"192.168.%u.0/24, "
			"protocol: %s, destination-port: \"%u-%u\" }, action: { path: p%u } }\n",
			i, 16 + i % 16, i / 16 % 256, i % 256, i % 2 ? "tcp" : "udp", 1 + 13 * (i % 5000),
			13 * (i % 5000) + 20, i % conf->paths);
}

static int
write_config(const char *path, const struct world_conf *conf)
{
	FILE *f = fopen(path, "we");

	if (f == NULL)
		return -1;
	fputs("sfc:\n"
	      "  node:\n"
	      "    - name: here\n"
	      "      port:\n"
	      "        - { name: lan, device: none, role: access }\n"
	      "        - { name: wan, device: none, role: access, peer: lan }\n"
	      "        - { name: core, device: none, role: transport, mac: \"02:00:00:00:00:0a\", "
	      "address: 10.99.0.1/24 }\n"
	      "      locator: { transport: vxlan-gpe, address: 10.99.0.1, vni: 100, port: core }\n"
	      "    - name: there\n"
	      "      port:\n"
	      "        - { name: core, device: none, role: transport, mac: \"02:00:00:00:00:0b\", "
	      "address: 10.99.0.2/24 }\n"
	      "        - { name: out, device: none, role: access }\n"
	      "      locator: { transport: vxlan-gpe, address: 10.99.0.2, vni: 100, port: core }\n"
	      "  function:\n"
	      "    - { name: near, instance: [ { name: near-1, node: here, vm: { image: bridge } } ] }\n"
	      "    - { name: far, instance: [ { name: far-1, node: there, vm: { image: bridge } } ] }\n"
	      "  path:\n"
	      "    - { name: last, spi: 90, hops: [near], egress: here/wan }\n",
		f);
	for (unsigned int i = 0; i < conf->paths; i++)
		fprintf(f, "    - { name: p%u, spi: %u, hops: [%sfar], egress: there/out }\n", i,
			WORLD_SPI + i, conf->near ? "near, " : "");
	fputs("  rule:\n", f);
	write_rules(f, conf);
	fputs("  default: forward\n", f);
	return fclose(f);
}

static int
load(const struct world_conf *conf, struct world *w)
{
	struct sfc_errors errors = {0};
	char path[PATH_MAX + 16], err[512] = "";
	int rc;

	snprintf(path, sizeof(path), "%s/bench.yaml", here.dir.path);
	if (write_config(path, conf) != 0)
		return said(path, "cannot be written");
	rc = sfc_load(path, &w->config, &errors);
	for (unsigned int i = 0; i < errors.n; i++)
		fprintf(stderr, "bench.yaml:%u: %s\n", errors.error[i].line, errors.error[i].reason);
	sfc_errors_free(&errors);
	unlink(path);
	if (rc != 0)
		return -1;
	if (sfc_table_build(w->config, 0, &w->table, err, sizeof(err)) != 0)
		return said("table", err);
	if (cls_create(w->config, 0, &w->cls, err, sizeof(err)) != 0)
		return said("classifier", err);
	return 0;
}

/* The product opens and describes the ports; memory takes the place of the null devices of a replay. */
static int
open_ports(struct world *w)
{
	static const char *const name[WORLD_PORTS] = {"lan", "wan", "core", "near-1"};
	static const uint8_t sf_mac[6] = {0x02, 0x56, 0x4d, 0, 0, 0};
	struct sff_options options = {.replay = true, .loops = 1, .report_fd = -1};
	struct pmd_captures *captures = NULL;
	char err[512] = "";

	w->plane = (struct sff_plane){.config = w->config, .table = w->table, .cls = w->cls};
	if (sff_ports_open(&w->plane, &options, 1, &captures, err, sizeof(err)) != 0)
		return said("ports", err);
	w->port = calloc(WORLD_PORTS, sizeof(*w->port));
	if (w->port == NULL || w->plane.n_ports != WORLD_PORTS)
		return said("ports", "not those of the bench's node");
	for (unsigned int p = 0; p < WORLD_PORTS; p++) {
		struct pmd_port *pmd = w->plane.port[p].pmd;

		memory_port_init(&w->port[p], name[p]);
		if (pmd != NULL) {
			memcpy(w->port[p].pmd.mac, pmd->mac, sizeof(pmd->mac));
			pmd->ops->close(pmd);
		}
		w->plane.port[p].pmd = &w->port[p].pmd;
	}
	pmd_captures_destroy(captures); /* empty: no port names a file */
	w->plane.port[WORLD_SF].kind = SFF_PORT_SF;
	w->plane.port[WORLD_SF].peer = SFC_NONE;
	w->plane.port[WORLD_SF].instance = 0;
	w->plane.port[WORLD_SF].function = (uint16_t)w->config->instance[0].function;
	memcpy(w->plane.port[WORLD_SF].sf_mac, sf_mac, sizeof(sf_mac));
	return 0;
}

int
world_worker(struct world *w, uint16_t queue, uint32_t flows, struct sff_lcore **lc)
{
	char err[512] = "";

	if (sff_lcore_create(&w->plane, queue, lc) != 0)
		return said("worker", "no memory");
	if (cls_flows_create(flows > 0 ? flows : 64, 0, -1, &(*lc)->flows, err, sizeof(err)) != 0)
		return said("flow table", err);
	(*lc)->feed = SFF_FEED_LIVE;
	(*lc)->pool = here.pool;
	(*lc)->qsbr = here.qsbr;
	return 0;
}

int
world_open(const struct world_conf *conf, struct world *w)
{
	memset(w, 0, sizeof(*w));
	if (world_eal() != 0 || load(conf, w) != 0 || open_ports(w) != 0)
		return -1;
	if (sff_plane_build(&w->plane) != 0)
		return said("plane", "no memory");
	w->plane.up[0] = 1;
	return world_worker(w, 0, conf->flows, &w->lc);
}

void
world_say_drops(const struct world *w)
{
	for (unsigned int d = 0; d < SFC_DROP_MAX; d++)
		if (w->lc->dropped[d] > 0)
			fprintf(stderr, "bench: %llu dropped as %s\n", (unsigned long long)w->lc->dropped[d],
				sfc_drop_name((enum sfc_drop)d));
}

int
world_check(const struct world *w, const char *name)
{
	uint64_t dropped = 0;

	for (unsigned int d = 0; d < SFC_DROP_MAX; d++)
		dropped += w->lc->dropped[d];
	if (w->lc->received != w->lc->sent + dropped) {
		fprintf(stderr, "bench: %s: received %llu frames, but sent %llu and dropped %llu by name\n",
			name, (unsigned long long)w->lc->received, (unsigned long long)w->lc->sent,
			(unsigned long long)dropped);
		world_say_drops(w);
		return -1;
	}
	return world_check_buffers(name);
}
