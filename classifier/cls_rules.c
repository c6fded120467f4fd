/* Compile the rules of a configuration for one node: first match becomes highest priority in rte_acl. */
#include "cls_rules.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_acl.h>
#include <rte_byteorder.h>
#include <rte_errno.h>
#include <rte_memory.h>

/* One rule of ours becomes one of rte_acl for each pair of a source and a destination port range. */
#define EXPANSION_MAX 1024u
#define ACL_RULES_MAX 65536u /* of one family, all rules together */

#define ADDRESS_WORDS_MAX 4 /* 32-bit words of an IPv6 address */

/* Fields in the order of rte_acl's levels: the first is one byte, then groups of four. */
#define FIELDS_FIXED 6
#define FIELDS_MAX   (FIELDS_FIXED + 2 * ADDRESS_WORDS_MAX)

RTE_ACL_RULE_DEF(acl_rule, FIELDS_MAX);

/* How rte_acl sees struct cls_key for one family. */
struct layout {
	uint8_t family;
	uint8_t words; /* of an address */
};

static const struct layout layout_ipv4 = {4, 1};
static const struct layout layout_ipv6 = {6, ADDRESS_WORDS_MAX};

static atomic_uint last_generation;

static void
add_def(struct rte_acl_config *acl, uint8_t type, uint8_t size, uint8_t input, size_t offset)
{
	acl->defs[acl->num_fields] = (struct rte_acl_field_def){
		.type = type,
		.size = size,
		.field_index = (uint8_t)acl->num_fields,
		.input_index = input,
		.offset = (uint32_t)offset,
	};
	acl->num_fields++;
}

/* The order must be that of fill_rule(). */
static void
fill_config(struct rte_acl_config *acl, const struct layout *layout)
{
	uint8_t input = 0;

	*acl = (struct rte_acl_config){.num_categories = 1};
	add_def(acl, RTE_ACL_FIELD_TYPE_MASK, 1, input++, offsetof(struct cls_key, has_ports));
	for (size_t i = 0; i < layout->words; i++)
		add_def(acl, RTE_ACL_FIELD_TYPE_MASK, 4, input++, offsetof(struct cls_key, source) + 4 * i);
	for (size_t i = 0; i < layout->words; i++)
		add_def(acl, RTE_ACL_FIELD_TYPE_MASK, 4, input++,
			offsetof(struct cls_key, destination) + 4 * i);
	add_def(acl, RTE_ACL_FIELD_TYPE_RANGE, 2, input, offsetof(struct cls_key, source_port));
	add_def(acl, RTE_ACL_FIELD_TYPE_RANGE, 2, input++, offsetof(struct cls_key, destination_port));
	add_def(acl, RTE_ACL_FIELD_TYPE_MASK, 2, input, offsetof(struct cls_key, port));
	add_def(acl, RTE_ACL_FIELD_TYPE_MASK, 1, input, offsetof(struct cls_key, protocol));
	add_def(acl, RTE_ACL_FIELD_TYPE_MASK, 1, input, offsetof(struct cls_key, family));
}

static bool
rule_is_here(const struct sfc_rule *rule, int node)
{
	return rule->match_node < 0 || rule->match_node == node;
}

/* Can this rule match any packet of the family? */
static bool
rule_has_family(const struct sfc_rule *rule, uint8_t family)
{
	return (rule->source.family == 0 || rule->source.family == family) &&
	       (rule->destination.family == 0 || rule->destination.family == family);
}

/* A rule that asks nothing of a frame but its port. */
static bool
rule_takes_non_ip(const struct sfc_rule *rule)
{
	return rule->source.family == 0 && rule->destination.family == 0 && rule->protocol < 0 &&
	       rule->n_source_ports == 0 && rule->n_destination_ports == 0;
}

/* rte_acl rules that a rule becomes, at most 2^64 - 1. */
static uint64_t
rule_expansion(const struct sfc_rule *rule)
{
	return (uint64_t)(rule->n_source_ports != 0 ? rule->n_source_ports : 1) *
	       (rule->n_destination_ports != 0 ? rule->n_destination_ports : 1);
}

static struct rte_acl_field *
put_exact(struct rte_acl_field *field, uint32_t value, bool given, uint32_t bits)
{
	field->value.u32 = given ? value : 0;
	field->mask_range.u32 = given ? bits : 0;
	return field + 1;
}

static struct rte_acl_field *
put_address(struct rte_acl_field *field, const struct sfc_addr *addr, uint32_t words)
{
	uint32_t left = addr->family != 0 ? addr->plen : 0;

	for (uint32_t i = 0; i < words; i++) {
		uint32_t bits = left < 32 ? left : 32;
		rte_be32_t word;
		memcpy(&word, addr->bytes + 4 * i, sizeof(word));
		field = put_exact(field, rte_be_to_cpu_32(word), bits != 0, bits);
		left -= bits;
	}
	return field;
}

static struct rte_acl_field *
put_range(struct rte_acl_field *field, const struct sfc_range *range)
{
	field->value.u16 = range != NULL ? range->low : 0;
	field->mask_range.u16 = range != NULL ? range->high : UINT16_MAX;
	return field + 1;
}

/* The order must be that of fill_config(). */
static void
fill_rule(struct acl_rule *acl, const struct sfc_rule *rule, const struct layout *layout,
	const struct sfc_range *source_port, const struct sfc_range *destination_port)
{
	struct rte_acl_field *field = acl->field;

	field = put_exact(field, 1, source_port != NULL || destination_port != NULL, 8);
	field = put_address(field, &rule->source, layout->words);
	field = put_address(field, &rule->destination, layout->words);
	field = put_range(field, source_port);
	field = put_range(field, destination_port);
	/* The key has the port in host order and rte_acl reads it as big-endian. */
	field = put_exact(field, rte_cpu_to_be_16((uint16_t)rule->match_port), rule->match_port >= 0, 16);
	field = put_exact(field, (uint32_t)rule->protocol, rule->protocol >= 0, 8);
	put_exact(field, 0, false, 8);
}

static int
add_rule(struct rte_acl_ctx *ctx, const struct sfc_rule *rule, uint32_t verdict, int32_t priority,
	const struct layout *layout)
{
	for (unsigned int s = 0; s < RTE_MAX(rule->n_source_ports, 1u); s++) {
		for (unsigned int d = 0; d < RTE_MAX(rule->n_destination_ports, 1u); d++) {
			struct acl_rule acl = {
				.data = {.category_mask = 1, .priority = priority, .userdata = verdict}};
			fill_rule(&acl, rule, layout,
				rule->n_source_ports != 0 ? &rule->source_port[s] : NULL,
				rule->n_destination_ports != 0 ? &rule->destination_port[d] : NULL);
			int rc = rte_acl_add_rules(ctx, (const struct rte_acl_rule *)&acl, 1);
			if (rc != 0)
				return rc;
		}
	}
	return 0;
}

/* How many rte_acl rules one family needs. */
static int
count_rules(const struct sfc_config *config, int node, const struct layout *layout, uint32_t *count,
	char *err, int err_size)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < config->n_rules; i++) {
		const struct sfc_rule *rule = &config->rule[i];
		if (!rule_is_here(rule, node) || !rule_has_family(rule, layout->family))
			continue;
		uint64_t n = rule_expansion(rule);
		sum += n;
		if (n > EXPANSION_MAX) {
			snprintf(err, (size_t)err_size,
				"rule '%s': %u source and %u destination port ranges make %llu combinations, "
				"limit %u",
				rule->name, rule->n_source_ports, rule->n_destination_ports,
				(unsigned long long)n, EXPANSION_MAX);
			return -E2BIG;
		}
		if (sum > ACL_RULES_MAX) {
			snprintf(err, (size_t)err_size,
				"rule '%s': with it the rules for IPv%u make %llu combinations of port "
				"ranges, "
				"limit %u",
				rule->name, layout->family, (unsigned long long)sum, ACL_RULES_MAX);
			return -E2BIG;
		}
	}
	*count = (uint32_t)sum;
	return 0;
}

static int
build_family(const struct sfc_config *config, int node, const struct layout *layout, uint32_t generation,
	struct rte_acl_ctx **result, char *err, int err_size)
{
	uint32_t count;
	int rc = count_rules(config, node, layout, &count, err, err_size);
	if (rc != 0 || count == 0)
		return rc;

	char name[RTE_ACL_NAMESIZE]; /* rte_acl gives back an old context of the same name */
	struct rte_acl_config acl;
	fill_config(&acl, layout);
	snprintf(name, sizeof(name), "cls%u-%u", layout->family, generation);
	struct rte_acl_param param = {
		.name = name,
		.socket_id = SOCKET_ID_ANY,
		.rule_size = (uint32_t)RTE_ACL_RULE_SZ(acl.num_fields),
		.max_rule_num = count,
	};
	struct rte_acl_ctx *ctx = rte_acl_create(&param);
	if (ctx == NULL) {
		rc = rte_errno != 0 ? -rte_errno : -ENOMEM;
	} else {
		for (unsigned int i = 0; i < config->n_rules && rc == 0; i++) {
			const struct sfc_rule *rule = &config->rule[i];
			if (rule_is_here(rule, node) && rule_has_family(rule, layout->family))
				rc = add_rule(ctx, rule, CLS_FIRST_RULE + i, (int32_t)(config->n_rules - i),
					layout);
		}
		if (rc == 0)
			rc = rte_acl_build(ctx, &acl);
	}
	if (rc != 0) {
		snprintf(err, (size_t)err_size, "rules for IPv%u: %u of them cannot be compiled: %s",
			layout->family, count, rte_strerror(-rc));
		rte_acl_free(ctx);
		return rc;
	}
	*result = ctx;
	return 0;
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
			if (!rule_is_here(rule, node) || !rule_takes_non_ip(rule))
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
	rc = build_family(config, node, &layout_ipv4, cls->generation, &cls->ipv4, err, err_size);
	if (rc != 0)
		goto fail;
	rc = build_family(config, node, &layout_ipv6, cls->generation, &cls->ipv6, err, err_size);
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
	rte_acl_free(cls->ipv4);
	rte_acl_free(cls->ipv6);
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
