/* Rules with L3 and L4 fields, as rte_acl keeps them. Included by the files of this room only. */
#ifndef CLS_ACL_H
#define CLS_ACL_H

#include "cls.h"

struct rte_acl_ctx;

#define CLS_FIRST_RULE 2u /* verdict of the configuration's rule 0, after CLS_FORWARD and CLS_DROP */

/* One rule becomes one of rte_acl for each pair of a source and a destination port range. */
#define CLS_ACL_EXPANSION_MAX 1024u
#define CLS_ACL_RULES_MAX     65536u /* of one family, all rules together */
/* rte_acl rules in one context: time and memory of a compilation may grow with the square of it. */
#define CLS_ACL_CONTEXT_RULES 4096u
/* Up to here all rules share a context; up to there they are told apart by addresses only. The worst of seven
 * random shapes took 0.2 s and 8 MiB of EAL's heap for the first, 1.4 s and 25 MiB for the second. */
#define CLS_ACL_FEW          256u
#define CLS_ACL_SOME         2048u
#define CLS_ACL_CLASSES      16u
#define CLS_ACL_CONTEXTS_MAX (CLS_ACL_RULES_MAX / CLS_ACL_CONTEXT_RULES + CLS_ACL_CLASSES)

/* The rules of one family: of several contexts that match, the lowest verdict wins. */
struct cls_acl {
	uint32_t n;
	struct rte_acl_ctx *ctx[CLS_ACL_CONTEXTS_MAX];
};

static inline bool
cls_rule_is_here(const struct sfc_rule *rule, int node)
{
	return rule->match_node < 0 || rule->match_node == node;
}

/**
 * Compile the rules of one family, 4 or 6.
 *
 * @param generation  of the rule set, for the contexts' names.
 * @param acl         zeroed; free it after a failure too.
 * @return            0, -E2BIG, -ENOMEM; one message in err. Thread: control.
 */
int cls_acl_build(const struct sfc_config *config, int node, uint8_t family, uint32_t generation,
	struct cls_acl *acl, char *err, int err_size);
void cls_acl_free(struct cls_acl *acl);

/**
 * Verdicts of up to CLS_BURST_MAX keys of the family; 0 = no rule matches. Thread: any.
 */
void cls_acl_match(const struct cls_acl *acl, const uint8_t *key[], uint32_t n, uint32_t verdict[]);

#endif
