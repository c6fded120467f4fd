/* The compiled rules of one node. Included by the files of this room only. */
#ifndef CLS_RULES_H
#define CLS_RULES_H

#include "cls_acl.h"

#define CLS_RULE_REVERSE (-2)

/* Changes of the rules that a way back outlives while its flow is silent. */
#define CLS_PAST_MAX 8u

/* An earlier rule set: what its verdicts are worth here. */
struct cls_past {
	uint32_t generation;
	uint32_t n;
	uint32_t *verdict; /* by verdict of that rule set; 0 = ask the rules */
};

/* Immutable once built. */
struct cls {
	struct cls_acl ipv4;
	struct cls_acl ipv6;
	uint32_t generation; /* never 0, of no other rule set of this process: what a flow's verdict is good
	                        for */
	uint32_t default_verdict;
	uint32_t n_ports;
	uint32_t n_paths;
	uint32_t
		*non_ip; /* per ingress port: verdict of frames that are not IP; [n_ports] = any other port */
	uint32_t *reverse; /* per path: verdict of a reverse flow into it, 0 = it is no path's reverse */
	struct cls_action *action; /* per verdict */
	uint32_t n_actions;
	uint32_t n_past;
	struct cls_past past[CLS_PAST_MAX]; /* the last one first */
};

void cls_past_free(struct cls *cls);

/** What the verdict of an earlier rule set is now, 0 = ask the rules. */
uint32_t cls_past_verdict(const struct cls *cls, uint32_t generation, uint32_t verdict);

#endif
