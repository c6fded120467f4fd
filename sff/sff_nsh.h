/**
 * NSH checks that several stages share: from another node and from an SF the same header rules hold, and at
 * every border of the domain the same frames are NSH.
 *
 * Included by the stages that read NSH, and by those at the borders of the domain.
 */
#ifndef SFF_NSH_H
#define SFF_NSH_H

#include "sff_stage.h"

#include "eth.h"
#include "nsh_parse.h"

#include <rte_branch_prediction.h>

/** The drop edge of a verdict other than NSH_OK. */
static inline uint8_t
sff_nsh_verdict_drop(enum nsh_verdict verdict)
{
	static const uint8_t drop[] = {
		[NSH_TRUNCATED] = SFC_DROP_NSH_TRUNCATED,
		[NSH_VERSION] = SFC_DROP_NSH_VERSION,
		[NSH_MD_TYPE] = SFC_DROP_NSH_MD_TYPE,
		[NSH_LENGTH] = SFC_DROP_NSH_LENGTH,
	};

	return SFF_NEXT_DROP(drop[verdict]);
}

/** Check NSH at `data` and note it; SFF_STAGE_MAX = good, else the drop edge. */
static inline uint8_t
sff_nsh_check(const void *data, uint16_t avail, struct sff_meta *meta)
{
	const struct nsh_hdr *hdr = data;
	struct nsh_info info = {.size = NSH_MD1_SIZE};

	if (unlikely(!nsh_is_md1(hdr, avail))) {
		enum nsh_verdict verdict = nsh_parse(data, avail, &info);

		if (unlikely(verdict != NSH_OK))
			return sff_nsh_verdict_drop(verdict);
	}
	meta->sp = nsh_sp(hdr);
	meta->nsh_size = (uint8_t)info.size;
	meta->np = nsh_np(hdr);
	if (unlikely(nsh_oam(hdr)))
		meta->flags |= SFF_META_OAM;
	return SFF_STAGE_MAX;
}

/**
 * O bit and Next Protocol of a header that is carried on: RFC 9451 (without SFC OAM, O = 1 is discarded), RFC
 * 8300 2.2 (unknown next protocols are dropped silently), RFC 9516 (7 without O is invalid). 0-6 pass.
 */
static inline uint8_t
sff_nsh_payload_edge(const struct sff_meta *meta, uint8_t good)
{
	if (unlikely(meta->flags & SFF_META_OAM))
		return SFF_NEXT_DROP(SFC_DROP_OAM);
	if (unlikely(meta->np > NSH_NP_IOAM))
		return SFF_NEXT_DROP(SFC_DROP_NSH_PROTO);
	return good;
}

/** RFC 8300, 2.2: every SFF decrements the TTL once, before the look-up; 0 in becomes 63, 0 out is dropped.
 */
static inline uint8_t
sff_nsh_visit(struct nsh_hdr *hdr, const struct sff_meta *meta)
{
	if (unlikely(nsh_ttl_dec(hdr) == 0))
		return SFF_NEXT_DROP(SFC_DROP_NSH_TTL);
	return sff_nsh_payload_edge(meta, SFF_STAGE_SFP_LOOKUP);
}

/**
 * Is a frame NSH, behind up to two VLAN tags? Such a frame crosses no border of the domain (RFC 8300, 8). One
 * that is cut inside its tags is not.
 *
 * @param avail  readable bytes, ETH_HDR_SIZE or more.
 */
static inline bool
sff_frame_is_nsh(const void *frame, size_t avail)
{
	rte_be16_t type = ((const struct eth_hdr *)frame)->type;
	struct eth_info eth;

	if (likely(type == RTE_BE16(ETH_IPV4) || type == RTE_BE16(ETH_IPV6)))
		return false;
	return eth_parse(frame, avail, &eth) && eth.type == NSH_ETHERTYPE;
}

#endif
