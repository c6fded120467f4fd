/**
 * What control built and every lcore reads: tables, ports, header templates. Constant while lcores run, but
 * for the up flags.
 *
 * Included by the stages, the lcore loop and control.
 */
#ifndef SFF_PLANE_H
#define SFF_PLANE_H

#include "cls.h"
#include "nsh_build.h"
#include "outer_push.h"
#include "pmd.h"
#include "sfc_table.h"
#include "sff_identity.h"
#include "sff_neighbour.h"
#include "sff_sf.h"

#include <rte_common.h>

#include <stdbool.h>
#include <stdint.h>

enum sff_port_kind {
	SFF_PORT_ACCESS,
	SFF_PORT_TRANSPORT,
	SFF_PORT_SF,       /* VM port of a local instance */
	SFF_PORT_ATTACHED, /* a local instance behind a transport port: no port of its own, pmd is NULL */
};

/* Where NSH for this node arrives on a port. */
struct sff_locator {
	union nsh_addr address;
	uint32_t vni;                 /* GRE: its Key */
	bool any_vni;                 /* GRE without a Key of its own: none, or whatever a peer sends */
	bool has_key;                 /* GRE: a frame must have it */
	uint16_t vlan[SFC_VLANS_MAX]; /* Ethernet: VIDs, outer first */
	uint8_t transport;            /* enum outer_transport */
	uint8_t family;               /* enum nsh_family */
	uint8_t n_vlans;
	uint8_t mac[6]; /* Ethernet */
};

/* An address that this node answers for on a port. */
struct sff_own {
	union nsh_addr address;
	union nsh_addr mask; /* of the link: the prefix that the address is in; of a locator all ones */
	uint8_t family;      /* enum nsh_family */
};

/* How to send to another node. */
struct sff_remote {
	struct outer_template outer; /* first: its head and VXLAN-GPE over IPv4 are one cache line */
	uint32_t room;               /* most bytes of NSH and payload that the link takes */
	uint16_t port;
	bool plain;         /* VXLAN-GPE over IPv4 without checksum, to a known MAC */
	uint16_t neighbour; /* in plane->neighbours: whose MAC to fill in; SFC_NONE = it is in the template */
} __rte_cache_aligned;

/* What a verdict imposes. */
struct sff_impose {
	struct nsh_template header; /* the TTL already decremented: this SFF is the first that is visited */
	bool spent;                 /* and so it is 0 */
} __rte_cache_aligned;

/* What an entry of the table comes to on this node, found once. */
struct sff_next {
	uint8_t stage; /* the output stage; SFF_STAGE_SFP_LOOKUP: an instance is to be chosen first */
	uint8_t flags; /* SFP_SECURE */
	uint16_t to;   /* REMOTE_OUTPUT: the remote; else the port */
	uint16_t path;
	uint16_t instance; /* place in plane->up that must be SFC_UP for this; else look at the group. Written
	                    * by control, read by lcores. */
};

struct sff_port {
	/* SF: NULL while its VM is away. Written by control, read by lcores (sff_port_pmd), so never freed
	 * before all of them reported a quiescent state. */
	struct pmd_port *pmd;
	uint8_t kind;      /* enum sff_port_kind */
	bool secure;       /* NSH of secure paths may arrive here */
	uint8_t sf_mac[6]; /* SF: destination address of frames to it */
	uint16_t peer;     /* access: where unclassified frames go, SFC_NONE = nowhere */
	uint16_t instance; /* SF: index in the configuration; SFC_NONE: it leaves */
	uint16_t function; /* SF: its function; SFC_NONE: it is gone */
	uint16_t n_locators;
	const struct sff_locator *locator; /* transport: ours on this port */
	struct outer_accept accept;        /* transport: theirs */
	bool has_gpe4;                     /* transport: one of the locators is VXLAN-GPE over IPv4 */
	struct outer_gpe4_match gpe4;      /* what arrives there most */
	const struct sff_own *own;         /* external: addresses to answer for */
	uint16_t n_own;
	uint16_t gateway4, gateway6; /* external: in plane->neighbours, SFC_NONE = none */
	/* SF: frames the guest says it finished without sending them on; hostile, clamped by the reader. NULL
	 * = 0. */
	const volatile uint64_t *consumed;
	struct sff_sf sf;    /* SF, attached: how frames go there and come from it */
	uint16_t n_attached; /* transport: SFs behind it */
};

static inline struct pmd_port *
sff_port_pmd(const struct sff_port *port)
{
	return __atomic_load_n(&port->pmd, __ATOMIC_ACQUIRE);
}

struct sff_plane {
	const struct sfc_config *config;
	const struct sfc_table *table;
	const struct cls *cls;
	struct sff_port *port; /* [0, n_external): the node's ports in file order; then one per local VM, then
	                        * one per attached instance */
	uint16_t n_external;
	uint16_t n_ports;
	uint16_t *port_of_instance;  /* config instance -> port, SFC_NONE = not local */
	struct sff_remote *remote;   /* per table remote */
	struct sff_locator *locator; /* the node's, by port */
	struct sff_own *own;         /* the node's, by port */
	uint16_t *ingress;           /* per path: our one access port that leads into it, else SFC_NONE */
	struct sff_neighbours *neighbours; /* shared with the planes before and after this one */
	struct sff_impose *impose;         /* per classifier verdict; of a path of IP payload the Next
	                                    * Protocol stands for both IP versions */
	uint8_t *verdict_edge;             /* per classifier verdict: the edge of stage classify */
	uint32_t n_verdicts;
	struct sff_next *next; /* per entry of the table */
	uint8_t *up;     /* per config instance: enum sfc_state. Written by control, read by lcores. Behind
	                  * them one that is always up, and one that never is. */
	uint8_t *pinned; /* per group: flows stay with their instances. Written by control, read by lcores. */
	struct sff_identities identities;
	uint32_t hash_seed;        /* of flow hashes */
	struct sff_attach *attach; /* hash table, for sff_attach_find() */
	uint32_t attach_mask;
	bool carries_ip;             /* some path has IP payload */
	struct sff_mirrors *mirrors; /* NULL = none */
};

/** Our Ethernet address on VM ports; locally administered (IEEE 802, bit 1 of the first byte). */
extern const uint8_t sff_sf_side_mac[6];

/**
 * Build the plane around tables and open ports.
 *
 * @param plane  config, table, cls, port[], n_external, n_ports set by the caller; the rest is filled here.
 * neighbours may be set, then its next hops are kept, and it has one user more.
 * @return       0, -ENOMEM, or -EINVAL for a remote that makes no header. Thread: control.
 */
int sff_plane_build(struct sff_plane *plane);

/** Does this node answer for an address on a port? Thread: any. */
static inline bool
sff_port_owns(const struct sff_plane *plane, uint16_t port, uint8_t family, const union nsh_addr *address)
{
	const struct sff_port *p = &plane->port[port];

	for (uint16_t i = 0; i < p->n_own; i++)
		if (p->own[i].family == family && nsh_addr_equal(&p->own[i].address, address))
			return true;
	return false;
}

/** The first of our addresses of a family on a port, or NULL. Thread: any. */
static inline const union nsh_addr *
sff_port_own(const struct sff_plane *plane, uint16_t port, uint8_t family)
{
	const struct sff_port *p = &plane->port[port];

	for (uint16_t i = 0; i < p->n_own; i++)
		if (p->own[i].family == family)
			return &p->own[i].address;
	return NULL;
}

/** Remember the flows of a function from now on. Thread: control; lcores may run. */
void sff_plane_learn(struct sff_plane *plane, uint16_t group);

/** Our address on the link of a port that an address is on, or NULL: it is on none. Thread: any. */
static inline const struct sff_own *
sff_port_own_towards(
	const struct sff_plane *plane, uint16_t port, uint8_t family, const union nsh_addr *address)
{
	const struct sff_port *p = &plane->port[port];

	for (uint16_t i = 0; i < p->n_own; i++) {
		const struct sff_own *own = &p->own[i];

		if (own->family == family &&
			(((own->address.half[0] ^ address->half[0]) & own->mask.half[0]) |
				((own->address.half[1] ^ address->half[1]) & own->mask.half[1])) == 0)
			return own;
	}
	return NULL;
}

/** Find again what fits each remote, after the MTU of a port changed. Thread: control, no lcore runs. */
void sff_plane_set_room(struct sff_plane *plane);

/** What the operator wants of an instance, as its state while it is healthy. */
enum sfc_state sff_plane_admin(const struct sfc_instance *instance);

/** Free what sff_plane_build allocated. */
void sff_plane_fini(struct sff_plane *plane);

#endif
