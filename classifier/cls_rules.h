/* The compiled rules of one node. Included by the files of this room only. */
#ifndef CLS_RULES_H
#define CLS_RULES_H

#include "cls_acl.h"

#define CLS_RULE_REVERSE (-2)

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
};

#endif
