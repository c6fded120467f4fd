/*
 * Rules with L3 and L4 fields in rte_acl: one set of contexts for IPv4, one for IPv6.
 *
 * rte_acl multiplies out what it compiles together: of 5,000 rules on sources and 5,000 on destinations it
 * makes up to 25 million pairs. So many rules are put into classes by the fields they give, and a class into
 * contexts of a limited size. Verdicts count up with the order of the rules, so the lowest verdict of all
 * contexts is that of the first rule that matches.
 */
#include "cls_acl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_acl.h>
#include <rte_byteorder.h>
#include <rte_errno.h>
#include <rte_memory.h>

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

/* Can this rule match any packet of the family? */
static bool
rule_has_family(const struct sfc_rule *rule, uint8_t family)
{
	return (rule->source.family == 0 || rule->source.family == family) &&
	       (rule->destination.family == 0 || rule->destination.family == family);
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

/* Which of the large fields a rule gives. */
static unsigned int
rule_class(const struct sfc_rule *rule)
{
	return (rule->source.family != 0) + 2u * (rule->destination.family != 0) +
	       4u * (rule->n_source_ports != 0) + 8u * (rule->n_destination_ports != 0);
}

/* The part of rule_class() that tells classes apart: few rules may share a context, which is faster to
 * search. */
static unsigned int
class_mask(uint32_t count)
{
	return count <= CLS_ACL_FEW ? 0 : count <= CLS_ACL_SOME ? 3 : CLS_ACL_CLASSES - 1;
}

/* Rules on their way into contexts. */
struct build {
	const struct layout *layout;
	struct rte_acl_config acl;
	struct cls_acl *to;
	uint32_t generation;
	uint32_t capacity; /* of each context of this class */
	uint32_t left;     /* in the context that is being filled */
	int node;
	unsigned int class_mask;
};

static int
open_context(struct build *build)
{
	char name[RTE_ACL_NAMESIZE]; /* rte_acl gives back an old context of the same name */
	snprintf(name, sizeof(name), "cls%u-%u-%u", build->layout->family, build->generation, build->to->n);
	struct rte_acl_param param = {
		.name = name,
		.socket_id = SOCKET_ID_ANY,
		.rule_size = (uint32_t)RTE_ACL_RULE_SZ(build->acl.num_fields),
		.max_rule_num = build->capacity,
	};
	struct rte_acl_ctx *ctx = rte_acl_create(&param);

	if (ctx == NULL)
		return rte_errno != 0 ? -rte_errno : -ENOMEM;
	build->to->ctx[build->to->n++] = ctx;
	build->left = build->capacity;
	return 0;
}

/* Add one rte_acl rule; a context that is full with it is compiled. */
static int
add_one(struct build *build, const struct acl_rule *rule)
{
	int rc = build->left == 0 ? open_context(build) : 0;
	if (rc != 0)
		return rc;

	struct rte_acl_ctx *ctx = build->to->ctx[build->to->n - 1];
	rc = rte_acl_add_rules(ctx, (const struct rte_acl_rule *)rule, 1);
	if (rc == 0 && --build->left == 0)
		rc = rte_acl_build(ctx, &build->acl);
	return rc;
}

static int
add_rule(struct build *build, const struct sfc_rule *rule, uint32_t verdict)
{
	for (unsigned int s = 0; s < RTE_MAX(rule->n_source_ports, 1u); s++) {
		for (unsigned int d = 0; d < RTE_MAX(rule->n_destination_ports, 1u); d++) {
			struct acl_rule acl = {.data = {.category_mask = 1,
						       .priority = (int32_t)(RTE_ACL_MAX_PRIORITY - verdict),
						       .userdata = verdict}};
			fill_rule(&acl, rule, build->layout,
				rule->n_source_ports != 0 ? &rule->source_port[s] : NULL,
				rule->n_destination_ports != 0 ? &rule->destination_port[d] : NULL);
			int rc = add_one(build, &acl);
			if (rc != 0)
				return rc;
		}
	}
	return 0;
}

static bool
is_of_class(const struct build *build, const struct sfc_rule *rule, unsigned int class)
{
	return cls_rule_is_here(rule, build->node) && rule_has_family(rule, build->layout->family) &&
	       (rule_class(rule) & build->class_mask) == class;
}

static int
build_class(struct build *build, const struct sfc_config *config, unsigned int class)
{
	uint64_t count = 0;
	int rc = 0;

	for (unsigned int i = 0; i < config->n_rules; i++)
		if (is_of_class(build, &config->rule[i], class))
			count += rule_expansion(&config->rule[i]);
	build->capacity = (uint32_t)RTE_MIN(count, CLS_ACL_CONTEXT_RULES);
	build->left = 0;
	for (unsigned int i = 0; i < config->n_rules && rc == 0; i++)
		if (is_of_class(build, &config->rule[i], class))
			rc = add_rule(build, &config->rule[i], CLS_FIRST_RULE + i);
	if (rc == 0 && build->left != 0) /* the last context of a class may not be full */
		rc = rte_acl_build(build->to->ctx[build->to->n - 1], &build->acl);
	return rc;
}

/* How many rte_acl rules the family needs. */
static int
count_rules(
	const struct sfc_config *config, int node, uint8_t family, uint32_t *count, char *err, int err_size)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < config->n_rules; i++) {
		const struct sfc_rule *rule = &config->rule[i];
		if (!cls_rule_is_here(rule, node) || !rule_has_family(rule, family))
			continue;
		uint64_t n = rule_expansion(rule);
		sum += n;
		if (n > CLS_ACL_EXPANSION_MAX) {
			snprintf(err, (size_t)err_size,
				"rule '%s': %u source and %u destination port ranges make %llu combinations, "
				"limit %u",
				rule->name, rule->n_source_ports, rule->n_destination_ports,
				(unsigned long long)n, CLS_ACL_EXPANSION_MAX);
			return -E2BIG;
		}
		if (sum > CLS_ACL_RULES_MAX) {
			snprintf(err, (size_t)err_size,
				"rule '%s': with it the rules for IPv%u make %llu combinations of port "
				"ranges, "
				"limit %u",
				rule->name, family, (unsigned long long)sum, CLS_ACL_RULES_MAX);
			return -E2BIG;
		}
	}
	*count = (uint32_t)sum;
	return 0;
}

int
cls_acl_build(const struct sfc_config *config, int node, uint8_t family, uint32_t generation,
	struct cls_acl *acl, char *err, int err_size)
{
	struct build build = {.layout = family == 4 ? &layout_ipv4 : &layout_ipv6,
		.to = acl,
		.generation = generation,
		.node = node};
	uint32_t count;
	int rc = count_rules(config, node, family, &count, err, err_size);

	if (rc != 0)
		return rc;
	build.class_mask = class_mask(count);
	fill_config(&build.acl, build.layout);
	for (unsigned int class = 0; class < CLS_ACL_CLASSES && rc == 0; class ++)
		rc = build_class(&build, config, class);
	if (rc != 0)
		snprintf(err, (size_t)err_size, "rules for IPv%u: %u combinations cannot be compiled: %s",
			family, count, rte_strerror(-rc));
	return rc;
}

void
cls_acl_free(struct cls_acl *acl)
{
	for (uint32_t i = 0; i < acl->n; i++)
		rte_acl_free(acl->ctx[i]);
	acl->n = 0;
}

void
cls_acl_match(const struct cls_acl *acl, const uint8_t *key[], uint32_t n, uint32_t verdict[])
{
	uint32_t result[CLS_BURST_MAX];

	memset(verdict, 0, n * sizeof(verdict[0]));
	for (uint32_t c = 0; c < acl->n; c++) {
		/* Fails only on a number of categories that it does not like; 1 is fine. */
		if (rte_acl_classify(acl->ctx[c], key, result, n, 1) != 0)
			continue;
		for (uint32_t i = 0; i < n; i++)
			verdict[i] = result[i] - 1 < verdict[i] - 1 ? result[i] : verdict[i]; /* 0 is last */
	}
}
