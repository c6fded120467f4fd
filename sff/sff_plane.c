#include "sff_plane.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const uint8_t sff_sf_side_mac[6] = {0x02, 0x53, 0x46, 0x46, 0x00, 0x00};

/* IPv4 TTL of a tunnel: one underlay may have several routers (RFC 1700 suggests 64). */
#define UNDERLAY_TTL 64

/* How the header a verdict imposes looks: made once, copied per packet. */
static void
impose(struct nsh_template *t, const struct sfc_table *table, const struct cls_action *action)
{
	const struct sfc_table_path *path;

	if (action->kind != SFC_ACTION_PATH)
		return;
	path = &table->path[action->path];
	if (path->md_type == NSH_MD1)
		t->size =
			(uint16_t)nsh_build_md1(t->bytes, path->sp, path->ttl, NSH_NP_ETHERNET, action->word);
	else
		t->size = (uint16_t)nsh_build_md2(t->bytes, path->sp, path->ttl, NSH_NP_ETHERNET, NULL, 0);
}

int
sff_plane_build(struct sff_plane *plane)
{
	const struct sfc_config *config = plane->config;
	const struct sfc_table *table = plane->table;
	unsigned int n_instances = config->n_instances > 0 ? config->n_instances : 1;
	unsigned int n_remotes = table->n_remotes > 0 ? table->n_remotes : 1;

	plane->n_verdicts = cls_verdicts(plane->cls);
	plane->port_of_instance = calloc(n_instances, sizeof(plane->port_of_instance[0]));
	plane->up = calloc(n_instances, sizeof(plane->up[0]));
	plane->remote = calloc(n_remotes, sizeof(plane->remote[0]));
	plane->impose = calloc(plane->n_verdicts, sizeof(plane->impose[0]));
	if (plane->port_of_instance == NULL || plane->up == NULL || plane->remote == NULL ||
		plane->impose == NULL) {
		sff_plane_fini(plane);
		return -ENOMEM;
	}

	for (unsigned int i = 0; i < config->n_instances; i++) {
		plane->port_of_instance[i] = SFC_NONE;
		/* Health of another node's instances is not known here: they are taken as up. */
		plane->up[i] = config->instance[i].node != table->node;
	}
	for (uint16_t p = plane->n_external; p < plane->n_ports; p++)
		plane->port_of_instance[plane->port[p].instance] = p;
	for (uint32_t r = 0; r < table->n_remotes; r++) {
		const struct sfc_remote *remote = &table->remote[r];
		const uint8_t *smac = remote->has_smac ? remote->smac : plane->port[remote->port].pmd->mac;

		vxlan_gpe_template_init(&plane->remote[r], remote->dmac, smac, remote->source,
			remote->destination, remote->vni, UNDERLAY_TTL);
	}
	for (uint32_t v = 0; v < plane->n_verdicts; v++)
		impose(&plane->impose[v], table, cls_action(plane->cls, v));
	return 0;
}

void
sff_plane_fini(struct sff_plane *plane)
{
	free(plane->port_of_instance);
	free(plane->up);
	free(plane->remote);
	free(plane->impose);
	plane->port_of_instance = NULL;
	plane->up = NULL;
	plane->remote = NULL;
	plane->impose = NULL;
}
