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
#include "pmd.h"
#include "sfc_table.h"
#include "sff_identity.h"
#include "vxlan_gpe.h"

#include <stdbool.h>
#include <stdint.h>

enum sff_port_kind {
	SFF_PORT_ACCESS,
	SFF_PORT_TRANSPORT,
	SFF_PORT_SF, /* VM port of a local instance */
};

struct sff_port {
	/* SF: NULL while its VM is away. Written by control, read by lcores (sff_port_pmd), so never freed
	 * before all of them reported a quiescent state. */
	struct pmd_port *pmd;
	uint8_t kind;      /* enum sff_port_kind */
	bool secure;       /* NSH of secure paths may arrive here */
	uint8_t sf_mac[6]; /* SF: destination address of frames to it */
	uint16_t peer;     /* access: where unclassified frames go, SFC_NONE = nowhere */
	uint16_t instance; /* SF: index in the configuration */
	uint16_t function; /* SF: its function */
	uint32_t address;  /* transport: our locator's IPv4 address, host order, 0 = none */
	uint32_t vni;      /* transport: our locator's */
	/* SF: frames the guest says it finished without sending them on; hostile, clamped by the reader. NULL
	 * = 0. */
	const volatile uint64_t *consumed;
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
	struct sff_port
		*port; /* [0, n_external): the node's ports in file order; then one per local instance */
	uint16_t n_external;
	uint16_t n_ports;
	uint16_t *port_of_instance;        /* config instance -> port, SFC_NONE = not local */
	struct vxlan_gpe_template *remote; /* per table remote */
	struct nsh_template *impose;       /* per classifier verdict: the header to push */
	uint32_t n_verdicts;
	uint8_t *up;     /* per config instance: enum sfc_state. Written by control, read by lcores. */
	uint8_t *pinned; /* per group: flows stay with their instances. Written by control, read by lcores. */
	struct sff_identities identities;
	uint32_t hash_seed;  /* of flow hashes */
	bool learns_reverse; /* some path that ends here has a reverse path */
};

/** Our Ethernet address on VM ports; locally administered (IEEE 802, bit 1 of the first byte). */
extern const uint8_t sff_sf_side_mac[6];

/**
 * Build the plane around tables and open ports.
 *
 * @param plane  config, table, cls, port[], n_external, n_ports set by the caller; the rest is filled here.
 * @return       0 or -ENOMEM. Thread: control.
 */
int sff_plane_build(struct sff_plane *plane);

/** What the operator wants of an instance, as its state while it is healthy. */
enum sfc_state sff_plane_admin(const struct sfc_instance *instance);

/** Free what sff_plane_build allocated. */
void sff_plane_fini(struct sff_plane *plane);

#endif
