/* Every stage function is wrapped by the linker (-Wl,--wrap): its edges are noted and checked against the
 * graph.
 */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
fixture_note_edge(enum sff_stage stage, uint8_t edge)
{
	const struct sff_stage_info *info = &sff_stages[stage];
	bool is_drop = edge >= SFF_STAGE_MAX;
	unsigned int drop = is_drop ? (unsigned int)(edge - SFF_STAGE_MAX) : 0;

	if (edge == SFF_NEXT_KEPT && (stage == SFF_STAGE_REMOTE_OUTPUT || stage == SFF_STAGE_TERMINAL))
		return;
	if (is_drop && drop < SFC_DROP_MAX && (info->drops & UINT64_C(1) << drop)) {
		fixture_drops_seen[stage] |= UINT64_C(1) << drop;
		fixture_dropped_by = stage;
	} else if (!is_drop && (info->next & UINT32_C(1) << edge)) {
		fixture_next_seen[stage] |= UINT32_C(1) << edge;
	} else {
		fprintf(stderr, "broken: stage %s takes edge %u (%s), which it does not declare\n",
			info->name, edge,
			!is_drop              ? sff_stages[edge].name
			: drop < SFC_DROP_MAX ? sfc_drop_name(drop)
					      : "none");
		abort();
	}
}

/* No edge: a packet for which a stage writes nothing is found. */
#define POISON 0xee

static void
observe(enum sff_stage stage, sff_stage_fn *real, struct sff_lcore *lc, struct sff_burst *b)
{
	uint16_t n = b->n;

	memset(b->next, POISON, sizeof(b->next));
	real(lc, b);
	if (b->n != n) {
		fprintf(stderr, "broken: stage %s changed the burst\n", sff_stages[stage].name);
		abort();
	}
	for (uint16_t i = 0; i < n && stage != SFF_STAGE_PORT_TX; i++)
		fixture_note_edge(stage, b->next[i]);
}

#define WRAP(STAGE, stage)                                                                                   \
	sff_stage_fn __real_sff_##stage, __wrap_sff_##stage;                                                 \
	void __wrap_sff_##stage(struct sff_lcore *lc, struct sff_burst *b)                                   \
	{                                                                                                    \
		observe(SFF_STAGE_##STAGE, __real_sff_##stage, lc, b);                                       \
	}

WRAP(ACCESS_INPUT, access_input)
WRAP(CLASSIFY, classify)
WRAP(NSH_PUSH, nsh_push)
WRAP(TRANSPORT_INPUT, transport_input)
WRAP(UNDERLAY_INPUT, underlay_input)
WRAP(NSH_INPUT, nsh_input)
WRAP(NSH_TTL, nsh_ttl)
WRAP(SF_INPUT, sf_input)
WRAP(SFP_LOOKUP, sfp_lookup)
WRAP(SF_OUTPUT, sf_output)
WRAP(REMOTE_OUTPUT, remote_output)
WRAP(TERMINAL, terminal)
WRAP(FORWARD, forward)
WRAP(ATTACH_INPUT, attach_input)
WRAP(PROXY_INPUT, proxy_input)
WRAP(PROXY_OUTPUT, proxy_output)
WRAP(PROXY_NEIGHBOR, proxy_neighbor)
WRAP(PORT_TX, port_tx)
