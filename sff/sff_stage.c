#include "sff_stage.h"
#include "sff_lcore.h"

#include "pmd_pool.h"

#include <string.h>

#define S(stage)  (UINT32_C(1) << SFF_STAGE_##stage)
#define D(reason) (UINT64_C(1) << SFC_DROP_##reason)

static_assert(SFC_DROP_MAX <= 64, "drop masks are 64 bits");
static_assert(SFF_STAGE_MAX + SFC_DROP_MAX <= SFF_NEXT_KEPT, "an edge is one byte");

const struct sff_stage_info sff_stages[SFF_STAGE_MAX] = {
	[SFF_STAGE_ACCESS_INPUT] = {"access_input", sff_access_input, S(CLASSIFY) | S(UNDERLAY_INPUT),
		D(ETH_TRUNCATED) | D(NSH_PORT) | D(OFFLOAD)},
	[SFF_STAGE_CLASSIFY] = {"classify", sff_classify, S(NSH_PUSH) | S(FORWARD), D(RULE) | D(DEFAULT)},
	[SFF_STAGE_NSH_PUSH] = {"nsh_push", sff_nsh_push, S(SFP_LOOKUP),
		D(NO_HEADROOM) | D(IP_PAYLOAD) | D(NSH_TTL)},
	[SFF_STAGE_TRANSPORT_INPUT] = {"transport_input", sff_transport_input,
		S(NSH_INPUT) | S(UNDERLAY_INPUT),
		D(ETH_TRUNCATED) | D(NOT_OURS) | D(OUTER_PEER) | D(OUTER_TRUNCATED) | D(OUTER_HEADER) |
			D(OUTER_CHECKSUM) | D(OUTER_FRAGMENT) | D(OUTER_VNI) | D(OUTER_ZERO) |
			D(OUTER_PROTO) | D(GPE_VERSION) | D(GPE_FLAGS) | D(GPE_OAM) | D(GPE_PROTO) |
			D(VXLAN_FLAGS) | D(GENEVE_VERSION) | D(GENEVE_OAM) | D(GENEVE_OPTIONS) |
			D(GENEVE_CRITICAL) | D(GRE_HEADER)},
	[SFF_STAGE_UNDERLAY_INPUT] = {"underlay_input", sff_underlay_input, S(CLASSIFY),
		D(NOT_NSH) | D(UNDERLAY) | D(ADDR_CONFLICT) | D(OUTER_HEADER)},
	[SFF_STAGE_NSH_INPUT] = {"nsh_input", sff_nsh_input, S(SFP_LOOKUP),
		D(NSH_TRUNCATED) | D(NSH_VERSION) | D(NSH_MD_TYPE) | D(NSH_LENGTH) | D(ECN) | D(NSH_TTL) |
			D(OAM) | D(NSH_PROTO)},
	[SFF_STAGE_NSH_TTL] = {"nsh_ttl", sff_nsh_ttl, S(SFP_LOOKUP), D(NSH_TTL) | D(OAM) | D(NSH_PROTO)},
	[SFF_STAGE_SF_INPUT] = {"sf_input", sff_sf_input, S(SFP_LOOKUP) | S(NSH_TTL),
		D(SF_FRAME) | D(SF_INDEX) | D(SF_RECLASSIFY) | D(NSH_TTL) | D(OAM) | D(NSH_PROTO) |
			D(NSH_TRUNCATED) | D(NSH_VERSION) | D(NSH_MD_TYPE) | D(NSH_LENGTH)},
	[SFF_STAGE_SFP_LOOKUP] = {"sfp_lookup", sff_sfp_lookup,
		S(SF_OUTPUT) | S(PROXY_OUTPUT) | S(REMOTE_OUTPUT) | S(TERMINAL),
		D(NO_PATH) | D(NO_HOP) | D(SI_ZERO) | D(SF_DOWN) | D(INSECURE)},
	[SFF_STAGE_SF_OUTPUT] = {"sf_output", sff_sf_output, S(PORT_TX), D(NO_HEADROOM) | D(MTU)},
	[SFF_STAGE_REMOTE_OUTPUT] = {"remote_output", sff_remote_output, S(PORT_TX),
		D(NO_HEADROOM) | D(MTU) | D(NO_NEIGHBOUR) | D(NEIGH_FULL)},
	[SFF_STAGE_TERMINAL] = {"terminal", sff_terminal, S(PORT_TX),
		D(NSH_PROTO) | D(ETH_TRUNCATED) | D(NSH_LEAK) | D(MTU) | D(IP_PAYLOAD) | D(NO_HEADROOM) |
			D(UNDERLAY) | D(NO_NEIGHBOUR) | D(NEIGH_FULL)},
	[SFF_STAGE_ATTACH_INPUT] = {"attach_input", sff_attach_input,
		S(TRANSPORT_INPUT) | S(SF_INPUT) | S(PROXY_INPUT), 0},
	[SFF_STAGE_PROXY_INPUT] = {"proxy_input", sff_proxy_input, S(SFP_LOOKUP) | S(PROXY_NEIGHBOR),
		D(SF_FRAME) | D(NSH_PORT) | D(PROXY_MISS) | D(SF_INDEX) | D(NO_HEADROOM)},
	[SFF_STAGE_PROXY_OUTPUT] = {"proxy_output", sff_proxy_output, S(PORT_TX),
		D(PROXY_METADATA) | D(NSH_PROTO) | D(ETH_TRUNCATED) | D(NSH_LEAK) | D(MTU) | D(NO_HEADROOM)},
	[SFF_STAGE_PROXY_NEIGHBOR] = {"proxy_neighbor", sff_proxy_neighbor, S(PORT_TX),
		D(PROXY_LOCAL) | D(NO_HEADROOM)},
	[SFF_STAGE_FORWARD] = {"forward", sff_forward, S(PORT_TX), D(NO_PEER) | D(MTU)},
	/* Last in every chain; what a port does not take is dropped at flush. */
	[SFF_STAGE_PORT_TX] = {"port_tx", sff_port_tx, 0, 0},
};

void
sff_drop(struct sff_lcore *lc, struct rte_mbuf **pkts, uint16_t n, enum sfc_drop reason)
{
	lc->dropped[reason] += n;
	pmd_pool_return(pkts, n);
}

/* Packets of an edge that leads to no stage. */
static void
end_here(struct sff_lcore *lc, struct sff_burst *b, uint8_t next)
{
	if (next != SFF_NEXT_KEPT)
		sff_drop(lc, b->pkt, b->n, next - SFF_STAGE_MAX);
}

static bool
uniform(const struct sff_burst *b)
{
	/* Each is as the one before it. */
	return memcmp(b->next, b->next + 1, b->n - 1u) == 0;
}

/* Take the packets with edge `next` out of `b` into `out`, both in their order. */
static void
part(struct sff_burst *b, struct sff_burst *out, uint8_t next)
{
	uint16_t kept = 0;

	out->n = 0;
	for (uint16_t i = 0; i < b->n; i++) {
		if (b->next[i] == next) {
			out->pkt[out->n] = b->pkt[i];
			out->meta[out->n++] = b->meta[i];
		} else if (kept != i) {
			b->next[kept] = b->next[i];
			b->pkt[kept] = b->pkt[i];
			b->meta[kept++] = b->meta[i];
		} else {
			kept++;
		}
	}
	b->n = kept;
}

void
sff_run(struct sff_lcore *lc, struct sff_burst *b, enum sff_stage stage)
{
	while (b->n > 0) {
		uint8_t next;

		sff_stages[stage].fn(lc, b);
		lc->stage[stage].calls++;
		lc->stage[stage].packets += b->n;
		if (stage == SFF_STAGE_PORT_TX)
			return;
		/* The way most bursts go: all packets take one edge and nothing is moved. */
		while (!uniform(b)) {
			struct sff_burst *out = &lc->burst[++lc->depth];

			next = b->next[0];
			part(b, out, next);
			if (next >= SFF_STAGE_MAX)
				end_here(lc, out, next);
			else
				sff_run(lc, out, next);
			lc->depth--;
		}
		next = b->next[0];
		if (next >= SFF_STAGE_MAX) {
			end_here(lc, b, next);
			return;
		}
		stage = next;
	}
}
