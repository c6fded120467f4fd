/* The rules of a configuration as one node sees them: what each leads to, and who wins where. */
#include "cls_rules.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static atomic_uint last_generation;

/* A rule that asks nothing of a frame but its port, and leads where it can go: not into a path that carries
 * IP.
 */
static bool
rule_takes_non_ip(const struct sfc_config *config, const struct sfc_rule *rule)
{
	if (rule->action == SFC_ACTION_PATH && config->path[rule->path].payload_ip)
		return false;
	return rule->source.family == 0 && rule->destination.family == 0 && rule->protocol < 0 &&
	       rule->n_source_ports == 0 && rule->n_destination_ports == 0;
}

/* First rule for frames that are not IP, for each port of this node and for all others. */
static void
fill_non_ip(struct cls *cls, const struct sfc_config *config, int node)
{
	for (uint32_t port = 0; port <= cls->n_ports; port++) {
		cls->non_ip[port] = cls->default_verdict;
		for (unsigned int i = 0; i < config->n_rules; i++) {
			const struct sfc_rule *rule = &config->rule[i];
			bool any_port = rule->match_port < 0;
			if (!cls_rule_is_here(rule, node) || !rule_takes_non_ip(config, rule))
				continue;
			if (any_port || (port < cls->n_ports && (uint32_t)rule->match_port == port)) {
				cls->non_ip[port] = CLS_FIRST_RULE + i;
				break;
			}
		}
	}
}

static void
fill_actions(struct cls *cls, const struct sfc_config *config)
{
	uint32_t n = CLS_FIRST_RULE + config->n_rules;

	cls->action[CLS_FORWARD] =
		(struct cls_action){.kind = SFC_ACTION_FORWARD, .is_default = 1, .rule = -1};
	cls->action[CLS_DROP] = (struct cls_action){.kind = SFC_ACTION_DROP, .is_default = 1, .rule = -1};
	for (unsigned int i = 0; i < config->n_rules; i++) {
		const struct sfc_rule *rule = &config->rule[i];
		struct cls_action *action = &cls->action[CLS_FIRST_RULE + i];
		*action = (struct cls_action){.kind = (uint8_t)rule->action, .rule = (int32_t)i};
		if (rule->action == SFC_ACTION_PATH)
			action->path = (uint16_t)rule->path;
		memcpy(action->word, rule->word, sizeof(action->word));
	}
	for (unsigned int i = 0; i < config->n_paths; i++) {
		int path = config->path[i].reverse;
		if (path < 0 || cls->reverse[path] != 0)
			continue;
		cls->action[n] = (struct cls_action){
			.kind = SFC_ACTION_PATH, .path = (uint16_t)path, .rule = CLS_RULE_REVERSE};
		cls->reverse[path] = n++;
	}
	cls->n_actions = n;
}

int
cls_create(const struct sfc_config *config, int node, struct cls **result, char *err, int err_size)
{
	struct cls *cls = calloc(1, sizeof(*cls));
	int rc = -ENOMEM;

	if (cls == NULL)
		goto no_memory;
	cls->generation = atomic_fetch_add(&last_generation, 1) + 1;
	cls->default_verdict = config->default_action == SFC_ACTION_DROP ? CLS_DROP : CLS_FORWARD;
	cls->n_ports = config->node[node].n_ports;
	cls->n_paths = config->n_paths;
	cls->non_ip = calloc(cls->n_ports + 1, sizeof(cls->non_ip[0]));
	cls->reverse = calloc(cls->n_paths + 1, sizeof(cls->reverse[0]));
	/* No more reverse paths than paths. */
	cls->action =
		calloc((size_t)CLS_FIRST_RULE + config->n_rules + config->n_paths, sizeof(cls->action[0]));
	if (cls->non_ip == NULL || cls->reverse == NULL || cls->action == NULL)
		goto no_memory;
	fill_non_ip(cls, config, node);
	fill_actions(cls, config);
	rc = cls_acl_build(config, node, 4, cls->generation, &cls->ipv4, err, err_size);
	if (rc != 0)
		goto fail;
	rc = cls_acl_build(config, node, 6, cls->generation, &cls->ipv6, err, err_size);
	if (rc != 0)
		goto fail;
	*result = cls;
	return 0;

no_memory:
	snprintf(err, (size_t)err_size, "rules: no memory for %u rules and %u paths", config->n_rules,
		config->n_paths);
fail:
	cls_destroy(cls);
	return rc;
}

void
cls_destroy(struct cls *cls)
{
	if (cls == NULL)
		return;
	cls_acl_free(&cls->ipv4);
	cls_acl_free(&cls->ipv6);
	cls_past_free(cls);
	free(cls->non_ip);
	free(cls->reverse);
	free(cls->action);
	free(cls);
}

uint32_t
cls_verdicts(const struct cls *cls)
{
	return cls->n_actions;
}

const struct cls_action *
cls_action(const struct cls *cls, uint32_t verdict)
{
	return &cls->action[verdict];
}
