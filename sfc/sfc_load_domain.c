#include "sfc_load.h"

#include <string.h>

/* Nodes as bit sets: a path may have 255 hops, a domain 65,534 paths. */
struct domain {
	struct sfc_load *load;
	unsigned int words;   /* of a set */
	uint64_t *function;   /* a set per function: where its instances are */
	uint64_t *ingress;    /* a set per path: where frames enter it */
	uint64_t *access;     /* nodes with an access port */
	const char **part_of; /* per node: a path over several nodes that it takes part in */
};

static void
set_add(uint64_t *set, int bit)
{
	if (bit >= 0)
		set[bit / 64] |= UINT64_C(1) << (bit % 64);
}

static bool
set_has(const uint64_t *set, unsigned int bit)
{
	return set[bit / 64] >> (bit % 64) & 1;
}

static void
set_join(uint64_t *set, const uint64_t *more, unsigned int words)
{
	unsigned int i;

	for (i = 0; i < words; i++)
		set[i] |= more[i];
}

static unsigned int
set_count(const uint64_t *set, unsigned int words)
{
	unsigned int i, n = 0;

	for (i = 0; i < words; i++)
		n += (unsigned int)__builtin_popcountll(set[i]);
	return n;
}

static void
find_instances(struct domain *domain)
{
	const struct sfc_config *config = domain->load->config;
	unsigned int i, k;

	for (i = 0; i < config->n_instances; i++)
		set_add(domain->function + (size_t)config->instance[i].function * domain->words,
			config->instance[i].node);
	for (i = 0; i < config->n_nodes; i++) {
		for (k = 0; k < config->node[i].n_ports; k++) {
			if (config->node[i].port[k].role == SFC_ROLE_ACCESS)
				set_add(domain->access, (int)i);
		}
	}
}

/* Frames enter a path at the ports of its rules, and a reverse path at the other's egress. */
static void
find_ingress(struct domain *domain)
{
	const struct sfc_config *config = domain->load->config;
	unsigned int i;

	for (i = 0; i < config->n_rules; i++) {
		const struct sfc_rule *rule = &config->rule[i];
		uint64_t *ingress =
			domain->ingress + (size_t)(rule->path < 0 ? 0 : rule->path) * domain->words;

		if (rule->path < 0)
			continue;
		if (rule->match_node >= 0)
			set_add(ingress, rule->match_node);
		else
			set_join(ingress, domain->access, domain->words);
	}
	/* ... and where a function may branch to it. */
	for (i = 0; i < config->n_functions; i++) {
		const struct sfc_function *function = &config->function[i];
		unsigned int k;

		for (k = 0; k < function->n_may_reclassify; k++)
			set_join(domain->ingress + (size_t)function->may_reclassify[k] * domain->words,
				domain->function + (size_t)i * domain->words, domain->words);
	}
	for (i = 0; i < config->n_paths; i++) {
		if (config->path[i].reverse >= 0)
			set_add(domain->ingress + (size_t)config->path[i].reverse * domain->words,
				config->path[i].egress_node);
	}
}

static void
find_hops(struct domain *domain, const struct sfc_path *path, uint64_t *ingress, uint64_t *targets)
{
	const struct sfc_config *config = domain->load->config;
	unsigned int i;

	memset(targets, 0, domain->words * sizeof(*targets));
	for (i = 0; i < path->n_hops; i++) {
		if (path->hop[i] >= 0)
			set_join(targets, domain->function + (size_t)path->hop[i] * domain->words,
				domain->words);
	}
	set_add(targets, path->egress_node);
	set_join(ingress, targets, domain->words);
	if (path->secure)
		sfc_load_secure(domain->load, path, ingress);
	if (set_count(ingress, domain->words) < 2)
		return; /* all on one node */
	for (i = 0; i < config->n_nodes; i++) {
		if (set_has(ingress, i) && !domain->part_of[i])
			domain->part_of[i] = path->name;
	}
}

static void
check_node(struct domain *domain, unsigned int index, const struct lyd_node *data)
{
	struct sfc_load *load = domain->load;
	const struct sfc_node *node = &load->config->node[index];

	if (!domain->part_of[index] || (node->n_locators == 0 && sfc_data_refused(data, "locator")))
		return;
	if (node->n_locators == 0)
		sfc_load_error_node(load, data,
			"node '%s' needs a locator: path '%s' goes over several nodes", node->name,
			domain->part_of[index]);
}

void
sfc_load_domain(struct sfc_load *load)
{
	const struct sfc_config *config = load->config;
	const struct lyd_node *node = NULL, *path = NULL;
	struct sfc_load_ways ways;
	struct domain domain = {.load = load, .words = (config->n_nodes + 63) / 64};
	uint64_t *targets;
	unsigned int i;

	domain.function = sfc_load_temp(load, config->n_functions, domain.words * sizeof(uint64_t));
	domain.ingress = sfc_load_temp(load, config->n_paths, domain.words * sizeof(uint64_t));
	domain.access = sfc_load_temp(load, domain.words, sizeof(uint64_t));
	targets = sfc_load_temp(load, domain.words, sizeof(uint64_t));
	domain.part_of = sfc_load_temp(load, config->n_nodes, sizeof(*domain.part_of));
	if (load->no_memory || sfc_load_ways_init(load, &ways, domain.words))
		return;
	find_instances(&domain);
	find_ingress(&domain);
	for (i = 0; i < config->n_paths && (path = sfc_data_next(load->tree, path, "path")); i++) {
		uint64_t *ingress = domain.ingress + (size_t)i * domain.words;

		sfc_load_ways(load, &ways, i, path, ingress, domain.function);
		find_hops(&domain, &config->path[i], ingress, targets);
	}
	for (i = 0; (node = sfc_data_next(load->tree, node, "node")); i++)
		check_node(&domain, i, node);
}
