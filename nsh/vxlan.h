/*
 * The header of VXLAN (RFC 7348, 5) and of VXLAN-GPE (draft-ietf-nvo3-vxlan-gpe, 3), which gives its reserved
 * bits a meaning.
 *
 * Included by outer.h.
 */
#ifndef VXLAN_H
#define VXLAN_H

#include <assert.h>

#include <rte_byteorder.h>

/* IANA "Service Name and Transport Protocol Port Number". */
#define VXLAN_PORT     4789
#define VXLAN_GPE_PORT 4790

#define VXLAN_HDR_SIZE 8        /* RFC 7348, 5 */
#define VXLAN_VNI_MAX  0xFFFFFF /* 24 bits; RFC 7348, 5 */

/* The first word in host order; RFC 7348, 5 and draft-ietf-nvo3-vxlan-gpe, 3. Other bits are reserved. */
#define VXLAN_I                UINT32_C(0x08000000) /* the VNI is valid */
#define VXLAN_GPE_VERSION_MASK UINT32_C(0x30000000)
#define VXLAN_GPE_P            UINT32_C(0x04000000) /* Next Protocol is valid; 0 = the payload is Ethernet */
#define VXLAN_GPE_O            UINT32_C(0x01000000) /* OAM of the tunnel, not of NSH */
#define VXLAN_GPE_NP_MASK      UINT32_C(0x000000FF) /* 1-5 mean what they mean in NSH (enum nsh_np) */

/** Header as on the wire; alignment 1. */
struct vxlan_hdr {
	rte_be32_t flags_np; /* GPE: R R Ver 2 I P B O, reserved 16, Next Protocol 8. VXLAN: I alone */
	rte_be32_t vni;      /* VNI 24, reserved 8 */
} __attribute__((packed, may_alias));

static_assert(sizeof(struct vxlan_hdr) == VXLAN_HDR_SIZE, "RFC 7348, 5");

#endif
