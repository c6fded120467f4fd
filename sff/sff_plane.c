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

enum sfc_state
sff_plane_admin(const struct sfc_instance *instance)
{
	static const uint8_t state[] = {
		[SFC_ADMIN_UP] = SFC_UP,
		[SFC_ADMIN_DRAIN] = SFC_DRAINING,
		[SFC_ADMIN_DOWN] = SFC_DOWN,
	};

	return state[instance->admin];
}

/* Flows are remembered where there is a choice, or where new ones are told from old ones. */
static int
build_pinned(struct sff_plane *plane)
{
	const struct sfc_table *table = plane->table;
	int rc = sff_identities_build(plane->config, table, &plane->identities);

	plane->pinned = calloc(table->n_groups + 1, sizeof(plane->pinned[0]));
	if (rc != 0 || plane->pinned == NULL)
		return -ENOMEM;
	for (uint32_t g = 0; g < table->n_groups; g++) {
		const struct sfc_group *group = &table->group[g];
		const struct sfc_target *target = &table->target[group->first_target];

		plane->pinned[g] = group->n_targets > 1;
		if (group->n_targets == 1)
			plane->pinned[g] = plane->config->instance[target->instance].admin == SFC_ADMIN_DRAIN;
	}
	return 0;
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
	if (build_pinned(plane) != 0 || plane->port_of_instance == NULL || plane->up == NULL ||
		plane->remote == NULL || plane->impose == NULL) {
		sff_plane_fini(plane);
		return -ENOMEM;
	}

	for (unsigned int i = 0; i < config->n_instances; i++) {
		plane->port_of_instance[i] = SFC_NONE;
		/* Health of another node's instances is not known here: they are as the operator says. */
		plane->up[i] = config->instance[i].node == table->node
		                       ? SFC_DOWN
		                       : sff_plane_admin(&config->instance[i]);
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
	free(plane->pinned);
	sff_identities_fini(&plane->identities);
	free(plane->remote);
	free(plane->impose);
	plane->port_of_instance = NULL;
	plane->up = NULL;
	plane->pinned = NULL;
	plane->remote = NULL;
	plane->impose = NULL;
}
