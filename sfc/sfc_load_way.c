#include "sfc_load.h"
#include "sfc_way.h"

#include "nsh_hdr.h"

#include <errno.h>
#include <string.h>

/* Of one ordered pair of nodes: found once, asked by every path. */
struct sfc_load_way {
	bool known, said;
	int rc;            /* of sfc_way_find */
	uint32_t room;     /* bytes for NSH and payload */
	uint32_t overhead; /* bytes of IP packet before them */
};

int
sfc_load_ways_init(struct sfc_load *load, struct sfc_load_ways *ways, unsigned int words)
{
	size_t n = load->config->n_nodes;

	ways->words = words;
	ways->way = sfc_load_temp(load, n * n, sizeof(*ways->way));
	ways->at = sfc_load_temp(load, words, sizeof(*ways->at));
	return load->no_memory ? -ENOMEM : 0;
}

/* A locator that could not be read has its own error. */
static bool
is_whole(const struct sfc_node *node)
{
	for (unsigned int i = 0; i < node->n_locators; i++) {
		const struct sfc_locator *l = &node->locator[i];

		if ((l->address.family == 0 && (l->transport != SFC_TRANSPORT_ETHERNET || !l->has_mac)) ||
			(l->port < 0 && node->n_ports > 0))
			return false;
	}
	return node->n_locators > 0;
}

static uint32_t
mtu_of(const struct sfc_node *node, const struct sfc_locator *l)
{
	if (l->port < 0)
		return UINT32_MAX; /* not known here */
	return node->port[l->port].mtu ? node->port[l->port].mtu : SFC_MTU_DEFAULT;
}

static struct sfc_load_way *
find(struct sfc_load *load, struct sfc_load_ways *ways, unsigned int from, unsigned int to)
{
	const struct sfc_config *config = load->config;
	const struct sfc_node *a = &config->node[from], *b = &config->node[to];
	struct sfc_load_way *way = &ways->way[(size_t)from * config->n_nodes + to];
	struct sfc_way found;
	uint32_t mtu;

	if (way->known)
		return way;
	way->known = true;
	way->room = UINT32_MAX;
	if (!is_whole(a) || !is_whole(b))
		return way;
	way->rc = sfc_way_find(a, b, &found);
	if (way->rc)
		return way;
	way->overhead = sfc_way_overhead(found.theirs);
	mtu = mtu_of(a, found.ours);
	if (mtu_of(b, found.theirs) < mtu)
		mtu = mtu_of(b, found.theirs);
	if (mtu != UINT32_MAX)
		way->room = mtu > way->overhead ? mtu - way->overhead : 0;
	return way;
}

/* One pair of nodes of a path. @param sized  a link too small was named already. @return true = one is. */
static bool
check_pair(struct sfc_load *load, struct sfc_load_ways *ways, const struct sfc_path *path,
	const struct lyd_node *at, unsigned int from, unsigned int to, bool sized)
{
	const char *a = load->config->node[from].name, *b = load->config->node[to].name;
	struct sfc_load_way *way = find(load, ways, from, to);
	uint32_t need = SFC_FRAME_FULL + (path->md_type == NSH_MD1 ? NSH_MD1_SIZE : NSH_BASE_SIZE);

	if (path->payload_ip)
		need -= SFC_FRAME_FULL - SFC_MTU_DEFAULT;
	if (way->rc && !way->said) {
		way->said = true;
		if (way->rc == -ENOENT)
			sfc_load_error_node(load, at,
				"leads from node '%s' to node '%s', whose locators have no transport and "
				"address family in common",
				a, b);
		else
			sfc_load_error_node(load, at,
				"leads from node '%s' to node '%s', which is off its link: that needs a "
				"gateway, "
				"or a mac in the locator",
				a, b);
	}
	if (way->rc || way->room >= need || sized)
		return false;
	if (path->mtu_refuse)
		sfc_load_error_node(load, at,
			"a full frame needs an IP MTU of %u from node '%s' to node '%s', which is %u",
			need + way->overhead, a, b, way->room + way->overhead);
	else
		sfc_load_warning_node(load, at,
			"a full frame needs an IP MTU of %u from node '%s' to node '%s', which is %u: larger "
			"ones are dropped",
			need + way->overhead, a, b, way->room + way->overhead);
	return true;
}

static bool
set_has(const uint64_t *set, unsigned int bit)
{
	return set[bit / 64] >> (bit % 64) & 1;
}

void
sfc_load_ways(struct sfc_load *load, struct sfc_load_ways *ways, unsigned int index,
	const struct lyd_node *at, const uint64_t *ingress, const uint64_t *function)
{
	const struct sfc_config *config = load->config;
	const struct sfc_path *path = &config->path[index];
	bool sized = false;

	memcpy(ways->at, ingress, ways->words * sizeof(*ingress));
	for (unsigned int hop = 0; hop <= path->n_hops; hop++) {
		bool last = hop == path->n_hops;
		const uint64_t *to =
			last || path->hop[hop] < 0 ? NULL : function + (size_t)path->hop[hop] * ways->words;

		if ((!last && to == NULL) || (last && path->egress_node < 0))
			continue;
		for (unsigned int a = 0; a < config->n_nodes; a++)
			for (unsigned int b = 0; set_has(ways->at, a) && b < config->n_nodes; b++)
				if (a != b && (last ? (int)b == path->egress_node : set_has(to, b)) &&
					check_pair(load, ways, path, at, a, b, sized))
					sized = true;
		/* Frames are where an instance is; a function that may be bypassed leaves them where they
		 * were. */
		for (unsigned int w = 0; !last && w < ways->words; w++)
			ways->at[w] = config->function[path->hop[hop]].on_failure == SFC_ON_FAILURE_BYPASS
			                      ? ways->at[w] | to[w]
			                      : to[w];
	}
}
