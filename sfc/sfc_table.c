#include "sfc_table.h"

#include "sfc_group.h"
#include "sfc_position.h"
#include "sfc_way.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the building of one table knows. */
struct build {
	const struct sfc_config *config;
	struct sfc_table *table;
	char *err;
	int err_size;
	int *remote_of; /* node -> remote, -1 = this node or one that cannot be reached */
	int *blocker;   /* function -> a node with an instance that cannot be reached, -1 = none */
};

__attribute__((format(printf, 2, 3))) static int
invalid(const struct build *b, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(b->err, (size_t)b->err_size, format, args);
	va_end(args);
	return -EINVAL;
}

/* What this table's 16-bit indices and RFC 8300's fields can hold. */
static int
check_limits(const struct build *b)
{
	const struct sfc_config *c = b->config;
	const struct {
		const char *what;
		unsigned int n;
	} limits[] = {{"paths", c->n_paths}, {"functions", c->n_functions}, {"instances", c->n_instances},
		{"nodes", c->n_nodes}, {"ports", c->node[b->table->node].n_ports}};

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		if (limits[i].n > INT16_MAX)
			return invalid(
				b, "%u %s; at most %d are possible", limits[i].n, limits[i].what, INT16_MAX);
	for (unsigned int i = 0; i < c->n_paths; i++) {
		const struct sfc_path *path = &c->path[i];

		if (path->spi == 0 || path->spi > SFC_SPI_MAX)
			return invalid(b, "path '%s': SPI %u is not within 1..%u", path->name, path->spi,
				SFC_SPI_MAX);
		if (path->n_hops > path->initial_si)
			return invalid(b, "path '%s': %u hops do not fit below initial SI %u", path->name,
				path->n_hops, path->initial_si);
	}
	return 0;
}

static int
allocate(struct build *b)
{
	const struct sfc_config *c = b->config;
	struct sfc_table *t = b->table;
	uint32_t max_spi = 0;
	size_t n_entries = 0;
	size_t n_peers = 0;
	size_t n_branches = 0;

	for (unsigned int i = 0; i < c->n_paths; i++) {
		n_entries += c->path[i].n_hops + 1;
		if (c->path[i].spi > max_spi)
			max_spi = c->path[i].spi;
	}
	for (unsigned int i = 0; i < c->n_nodes; i++)
		n_peers += c->node[i].n_locators;
	for (unsigned int i = 0; i < c->n_functions; i++)
		n_branches += c->function[i].n_may_reclassify;
	/* One more of each, so that nothing is of size 0. */
	t->spi_limit = max_spi + 1;
	t->row_of = calloc(t->spi_limit, sizeof(*t->row_of));
	t->row = calloc(c->n_paths + 1, sizeof(*t->row));
	t->entry = calloc(n_entries + 1, sizeof(*t->entry));
	t->target = calloc(c->n_instances + 1, sizeof(*t->target));
	t->group = calloc(c->n_functions + 1, sizeof(*t->group));
	t->remote = calloc(c->n_nodes + 1, sizeof(*t->remote));
	t->path = calloc(c->n_paths + 1, sizeof(*t->path));
	t->peer4 = calloc(n_peers + 1, sizeof(*t->peer4));
	t->peer6 = calloc(n_peers + 1, sizeof(*t->peer6));
	t->peer_mac = calloc(n_peers + 1, sizeof(*t->peer_mac));
	t->branch = calloc(n_branches + 1, sizeof(*t->branch));
	b->remote_of = calloc(c->n_nodes + 1, sizeof(*b->remote_of));
	b->blocker = calloc(c->n_functions + 1, sizeof(*b->blocker));
	if (t->row_of == NULL || t->row == NULL || t->entry == NULL || t->target == NULL ||
		t->group == NULL || t->remote == NULL || t->path == NULL || t->peer4 == NULL ||
		t->peer6 == NULL || t->peer_mac == NULL || t->branch == NULL || b->remote_of == NULL ||
		b->blocker == NULL) {
		snprintf(b->err, (size_t)b->err_size, "no memory for the tables of %u paths", c->n_paths);
		return -ENOMEM;
	}
	t->n_rows = 1;
	return 0;
}

static void
build_remotes(struct build *b)
{
	const struct sfc_config *c = b->config;
	struct sfc_table *t = b->table;
	const struct sfc_node *us = &c->node[t->node];

	for (unsigned int i = 0; i < c->n_nodes; i++) {
		struct sfc_remote *r = &t->remote[t->n_remotes];
		struct sfc_way way;

		b->remote_of[i] = -1;
		if ((int)i == t->node || sfc_way_find(us, &c->node[i], &way) != 0 || way.ours->port < 0)
			continue;
		r->node = (uint16_t)i;
		r->port = (uint16_t)way.ours->port;
		r->ours = *way.ours;
		r->theirs = *way.theirs;
		r->has_dmac = way.has_mac;
		memcpy(r->dmac, way.mac, sizeof(r->dmac));
		r->next_hop = way.next_hop;
		b->remote_of[i] = (int)t->n_remotes++;
	}
}

static int
order_addr(const void *a, const void *b)
{
	const union nsh_addr *x = a;
	const union nsh_addr *y = b;
	int high = (x->half[0] > y->half[0]) - (x->half[0] < y->half[0]);

	return high != 0 ? high : (x->half[1] > y->half[1]) - (x->half[1] < y->half[1]);
}

static int
order_u64(const void *a, const void *b)
{
	const uint64_t *x = a;
	const uint64_t *y = b;

	return (*x > *y) - (*x < *y);
}

/* Sorted, and each once. */
static uint32_t
settle_addrs(union nsh_addr *peer, uint32_t n)
{
	uint32_t kept = 0;

	qsort(peer, n, sizeof(*peer), order_addr);
	for (uint32_t i = 0; i < n; i++)
		if (i == 0 || !nsh_addr_equal(&peer[i], &peer[i - 1]))
			peer[kept++] = peer[i];
	return kept;
}

static void
build_peers(const struct build *b)
{
	const struct sfc_config *c = b->config;
	struct sfc_table *t = b->table;
	uint32_t kept = 0;

	for (unsigned int i = 0; i < c->n_nodes; i++)
		for (unsigned int l = 0; (int)i != t->node && l < c->node[i].n_locators; l++) {
			const struct sfc_locator *locator = &c->node[i].locator[l];

			if (locator->address.family == 4)
				memcpy(t->peer4[t->n_peers4++].bytes, locator->address.bytes, 4);
			else if (locator->address.family == 6)
				memcpy(t->peer6[t->n_peers6++].bytes, locator->address.bytes, 16);
			else
				t->peer_mac[t->n_peers_mac++] = sfc_mac_key(locator->mac);
		}
	t->n_peers4 = settle_addrs(t->peer4, t->n_peers4);
	t->n_peers6 = settle_addrs(t->peer6, t->n_peers6);
	qsort(t->peer_mac, t->n_peers_mac, sizeof(*t->peer_mac), order_u64);
	for (uint32_t i = 0; i < t->n_peers_mac; i++)
		if (i == 0 || t->peer_mac[i] != t->peer_mac[i - 1])
			t->peer_mac[kept++] = t->peer_mac[i];
	t->n_peers_mac = kept;
}

static void
add_targets(struct build *b, const struct sfc_function *function, bool local)
{
	struct sfc_table *t = b->table;

	for (unsigned int i = 0; i < function->n_instances; i++) {
		int instance = function->instance[i];
		int node = b->config->instance[instance].node;
		struct sfc_target *target = &t->target[t->n_targets];

		if ((node == t->node) != local || (!local && b->remote_of[node] < 0))
			continue;
		target->kind = local ? SFC_TARGET_LOCAL : SFC_TARGET_REMOTE;
		target->index = (uint16_t)(local ? instance : b->remote_of[node]);
		target->instance = (uint16_t)instance;
		t->n_targets++;
	}
}

static int
order_u16(const void *a, const void *b)
{
	const uint16_t *x = a;
	const uint16_t *y = b;

	return (*x > *y) - (*x < *y);
}

static void
add_branches(const struct build *b, const struct sfc_function *function, struct sfc_group *g)
{
	struct sfc_table *t = b->table;

	g->first_branch = t->n_branches;
	g->n_branches = function->n_may_reclassify;
	for (unsigned int i = 0; i < function->n_may_reclassify; i++)
		t->branch[t->n_branches++] = (uint16_t)function->may_reclassify[i];
	qsort(&t->branch[g->first_branch], g->n_branches, sizeof(t->branch[0]), order_u16);
}

static void
build_groups(struct build *b)
{
	const struct sfc_config *c = b->config;
	struct sfc_table *t = b->table;

	for (unsigned int i = 0; i < c->n_functions; i++) {
		const struct sfc_function *function = &c->function[i];
		struct sfc_group *g = &t->group[t->n_groups++];

		g->function = (uint16_t)i;
		g->on_failure = (uint8_t)function->on_failure;
		g->first_target = t->n_targets;
		add_targets(b, function, true);
		g->n_local = (uint16_t)(t->n_targets - g->first_target);
		add_targets(b, function, false);
		g->n_targets = (uint16_t)(t->n_targets - g->first_target);
		sfc_group_fill(c, t->target, g);
		add_branches(b, function, g);

		b->blocker[i] = -1;
		for (unsigned int k = 0; k < function->n_instances; k++) {
			int node = c->instance[function->instance[k]].node;

			if (node != t->node && b->remote_of[node] < 0)
				b->blocker[i] = node;
		}
	}
}

/* A node that frames of this path go to from somewhere and cannot from here, or -1. */
static int
path_blocker(const struct build *b, const struct sfc_path *path)
{
	for (unsigned int i = 0; i < path->n_hops; i++)
		if (b->blocker[path->hop[i]] >= 0)
			return b->blocker[path->hop[i]];
	if (path->egress_node != b->table->node && b->remote_of[path->egress_node] < 0)
		return path->egress_node;
	return -1;
}

/* Do frames enter this path here: by a rule, as the way back of another, or branching to it? */
static bool
path_begins_here(const struct build *b, int index)
{
	const struct sfc_config *c = b->config;
	int node = b->table->node;

	for (unsigned int i = 0; i < c->n_paths; i++)
		if (c->path[i].reverse == index && c->path[i].egress_node == node)
			return true;
	for (unsigned int i = 0; i < c->n_functions; i++)
		if (b->table->group[i].n_local > 0 &&
			sfc_group_may_branch(b->table, &b->table->group[i], (uint16_t)index))
			return true;
	for (unsigned int i = 0; i < c->n_rules; i++) {
		const struct sfc_rule *rule = &c->rule[i];

		if (rule->action != SFC_ACTION_PATH || rule->path != index)
			continue;
		if (rule->match_node == node)
			return true;
		for (unsigned int p = 0; rule->match_node < 0 && p < c->node[node].n_ports; p++)
			if (c->node[node].port[p].role == SFC_ROLE_ACCESS)
				return true;
	}
	return false;
}

/* True when frames of this path can be on this node: they start, are served or end here. */
static bool
path_is_ours(const struct build *b, int index)
{
	const struct sfc_path *path = &b->config->path[index];

	if (path->egress_node == b->table->node)
		return true;
	for (unsigned int i = 0; i < path->n_hops; i++)
		if (b->table->group[path->hop[i]].n_local > 0)
			return true;
	return path_begins_here(b, index);
}

/* A node that this one has to send frames of the path to and cannot, or -1: a frame is here before its hop
 * when it began or was served here. A path may go on by transports that we do not speak. */
static int
path_obstacle(const struct build *b, int index)
{
	const struct sfc_path *path = &b->config->path[index];
	bool here = path_begins_here(b, index);

	for (unsigned int i = 0; i < path->n_hops; i++) {
		const struct sfc_group *group = &b->table->group[path->hop[i]];

		if (here && b->blocker[path->hop[i]] >= 0)
			return b->blocker[path->hop[i]];
		here = group->n_local > 0 || (here && group->on_failure == SFC_ON_FAILURE_BYPASS);
	}
	if (here && path->egress_node != b->table->node && b->remote_of[path->egress_node] < 0)
		return path->egress_node;
	return -1;
}

static int
unreachable(const struct build *b, const struct sfc_path *path, int node)
{
	const struct sfc_node *us = &b->config->node[b->table->node];
	const struct sfc_node *them = &b->config->node[node];
	struct sfc_way way;

	if (sfc_way_find(us, them, &way) == -ENETUNREACH)
		return invalid(b,
			"path '%s' leads to node '%s', which is off the link of port '%s': that needs a "
			"gateway, "
			"or a mac in the locator",
			path->name, them->name, us->port[way.ours->port].name);
	if (way.ours != NULL)
		return invalid(b, "path '%s' leads to node '%s', but no locator of node '%s' names a port",
			path->name, them->name, us->name);
	return invalid(b,
		"path '%s' leads to node '%s', but its locators and those of node '%s' have no transport and "
		"address family in common",
		path->name, them->name, us->name);
}

static int
build_row(struct build *b, int index)
{
	const struct sfc_path *path = &b->config->path[index];
	struct sfc_table *t = b->table;
	struct sfp_row *row = &t->row[t->n_rows];
	bool ends_here = path->egress_node == t->node;
	bool blocked = path_blocker(b, path) >= 0;
	int obstacle = blocked ? path_obstacle(b, index) : -1;
	struct sfp_entry *e;

	if (obstacle >= 0)
		return unreachable(b, path, obstacle);
	if (blocked && !path_is_ours(b, index))
		return 0;
	if (t->row_of[path->spi] != 0)
		return invalid(b, "path '%s': SPI %u is another path's too", path->name, path->spi);
	row->base = t->n_entries;
	row->count = (uint16_t)(path->n_hops + 1);
	row->initial_si = path->initial_si;
	for (unsigned int i = 0; i < path->n_hops; i++) {
		e = &t->entry[t->n_entries++];
		e->kind = SFP_SF;
		e->index = (uint16_t)path->hop[i];
		e->path = (uint16_t)index;
	}
	if (ends_here || b->remote_of[path->egress_node] >= 0) {
		e = &t->entry[t->n_entries++];
		e->kind = ends_here ? SFP_TERMINAL : SFP_REMOTE;
		e->index = (uint16_t)(ends_here ? path->egress_port : b->remote_of[path->egress_node]);
		e->path = (uint16_t)index;
	} else {
		row->count--; /* its end is reached from other nodes only */
	}
	for (uint32_t i = row->base; path->secure && i < t->n_entries; i++)
		t->entry[i].flags |= SFP_SECURE;
	t->row_of[path->spi] = (uint16_t)t->n_rows++;
	return 0;
}

static int
build_paths(struct build *b)
{
	struct sfc_table *t = b->table;

	for (unsigned int i = 0; i < b->config->n_paths; i++) {
		const struct sfc_path *path = &b->config->path[i];
		struct sfc_table_path *p = &t->path[t->n_paths++];
		bool turns_here = path->reverse >= 0 && path->egress_node == t->node;
		int rc = build_row(b, (int)i);

		if (rc < 0)
			return rc;
		p->sp = path->spi << 8 | path->initial_si;
		p->ttl = path->ttl;
		p->md_type = path->md_type;
		p->reverse_port = (int16_t)(turns_here ? path->egress_port : -1);
		p->reverse = turns_here ? (uint16_t)path->reverse : SFC_NONE;
	}
	return 0;
}

bool
sfc_group_may_branch(const struct sfc_table *table, const struct sfc_group *group, uint16_t path)
{
	return bsearch(&path, &table->branch[group->first_branch], group->n_branches,
		       sizeof(table->branch[0]), order_u16) != NULL;
}

bool
sfp_has_function(const struct sfc_table *table, uint32_t spi, uint16_t function)
{
	const struct sfp_row *row = &table->row[spi < table->spi_limit ? table->row_of[spi] : 0];

	for (uint32_t i = row->base; i < row->base + row->count; i++)
		if (table->entry[i].kind == SFP_SF &&
			table->group[table->entry[i].index].function == function)
			return true;
	return false;
}

int
sfc_table_build(const struct sfc_config *config, int node, struct sfc_table **table, char *err, int err_size)
{
	struct build b = {.config = config, .err = err, .err_size = err_size};
	int rc;

	b.table = calloc(1, sizeof(*b.table));
	if (b.table == NULL) {
		snprintf(err, (size_t)err_size, "no memory for a table");
		return -ENOMEM;
	}
	b.table->node = node;
	rc = check_limits(&b);
	if (rc == 0)
		rc = allocate(&b);
	if (rc == 0) {
		build_remotes(&b);
		build_peers(&b);
		build_groups(&b);
		rc = build_paths(&b);
	}
	if (rc == 0)
		rc = sfc_positions_build(config, b.table);
	free(b.remote_of);
	free(b.blocker);
	if (rc < 0) {
		sfc_table_free(b.table);
		return rc;
	}
	*table = b.table;
	return 0;
}

void
sfc_table_free(struct sfc_table *table)
{
	if (table == NULL)
		return;
	free(table->row_of);
	free(table->row);
	free(table->entry);
	free(table->target);
	free(table->group);
	free(table->remote);
	free(table->path);
	free(table->peer4);
	free(table->peer6);
	free(table->peer_mac);
	free(table->branch);
	free(table->position);
	free(table);
}
