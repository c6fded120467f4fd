#include "sff_lcore.h"
#include "sff_mbuf.h"
#include "sff_nsh.h"

#include "nsh_ipv6.h"
#include "offload.h"

/* From an interface of the kernel: frames that no wire has carried, and that none can. */
static __rte_noinline void
refuse_offloaded(const struct pmd_port *pmd, struct sff_burst *b)
{
	for (uint16_t i = 0; i < b->n; i++) {
		const struct rte_mbuf *m = b->pkt[i];

		if (b->next[i] == SFF_STAGE_CLASSIFY &&
			(m->pkt_len > pmd->mtu ||
				nsh_is_offloaded(rte_pktmbuf_mtod(m, void *), m->data_len, m->pkt_len)))
			b->next[i] = SFF_NEXT_DROP(SFC_DROP_OFFLOAD);
	}
}

/* Frames that a port with addresses looks at as a host does: ARP, neighbour discovery, and IP to it. */
static bool
is_for_host(const struct sff_plane *plane, uint16_t port, const uint8_t *frame, uint16_t avail)
{
	const uint8_t *packet = frame + ETH_HDR_SIZE;
	union nsh_addr dst = {.half = {0, 0}};

	switch ((uint16_t)(frame[12] << 8 | frame[13])) {
	case ETH_ARP:
		return true;
	case ETH_IPV4:
		if (avail < ETH_HDR_SIZE + NSH_IPV4_SIZE)
			return false;
		memcpy(&dst.v4, &((const struct nsh_ipv4_hdr *)packet)->dst, sizeof(dst.v4));
		return sff_port_owns(plane, port, NSH_IPV4, &dst);
	case ETH_IPV6:
		if (avail < ETH_HDR_SIZE + NSH_IPV6_SIZE)
			return false;
		if (((const struct nsh_ipv6_hdr *)packet)->next_header == NSH_IPPROTO_ICMP6)
			return true;
		memcpy(dst.bytes, ((const struct nsh_ipv6_hdr *)packet)->dst, sizeof(dst.bytes));
		return sff_port_owns(plane, port, NSH_IPV6, &dst);
	default:
		return false;
	}
}

static __rte_noinline void
look_for_host(const struct sff_plane *plane, struct sff_burst *b)
{
	for (uint16_t i = 0; i < b->n; i++)
		if (b->next[i] == SFF_STAGE_CLASSIFY &&
			is_for_host(plane, b->meta[i].port, rte_pktmbuf_mtod(b->pkt[i], const uint8_t *),
				b->pkt[i]->data_len))
			b->next[i] = SFF_STAGE_UNDERLAY_INPUT;
}

/* A frame from outside the SFC domain. NSH has no business here (RFC 8300, 8; RFC 7665, 4.4). */
void
sff_access_input(struct sff_lcore *lc, struct sff_burst *b)
{
	/* All of a burst is of one port. */
	const struct sff_port *port = &lc->plane->port[b->meta[0].port];

	for (uint16_t i = 0; i < b->n; i++) {
		struct rte_mbuf *m = b->pkt[i];
		uint16_t avail = sff_mbuf_contiguous(m, SFF_HEADERS_MAX);

		if (unlikely(avail < ETH_HDR_SIZE)) {
			b->next[i] = SFF_NEXT_DROP(SFC_DROP_ETH_TRUNCATED);
			continue;
		}
		/* A frame cut inside its VLAN tag is still a frame: it is forwarded as it came. */
		if (unlikely(sff_frame_is_nsh(rte_pktmbuf_mtod(m, void *), avail))) {
			b->next[i] = SFF_NEXT_DROP(SFC_DROP_NSH_PORT);
			continue;
		}
		b->next[i] = SFF_STAGE_CLASSIFY;
	}
	if (unlikely(port->pmd->on_kernel))
		refuse_offloaded(port->pmd, b);
	if (unlikely(port->n_own > 0))
		look_for_host(lc->plane, b);
}
