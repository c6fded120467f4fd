#include "sff_plane.h"
#include "sfc_way.h"
#include "sff_stage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const uint8_t sff_sf_side_mac[6] = {0x02, 0x53, 0x46, 0x46, 0x00, 0x00};

/* IPv4 TTL of a tunnel: one underlay may have several routers (RFC 1700 suggests 64). */
#define UNDERLAY_TTL 64

/* How the header a verdict imposes looks: made once, copied per packet. */
static void
make_impose(struct sff_impose *impose, struct sff_plane *plane, const struct cls_action *action)
{
	struct nsh_template *t = &impose->header;
	const struct sfc_table_path *path;
	uint8_t np = NSH_NP_ETHERNET;

	if (action->kind != SFC_ACTION_PATH)
		return;
	path = &plane->table->path[action->path];
	if (plane->config->path[action->path].payload_ip) {
		np = NSH_NP_IPV4;
		plane->carries_ip = true;
	}
	if (path->md_type == NSH_MD1)
		t->size = (uint16_t)nsh_build_md1(t->bytes, path->sp, path->ttl, np, action->word);
	else
		t->size = (uint16_t)nsh_build_md2(t->bytes, path->sp, path->ttl, np, NULL, 0);
	/* RFC 8300, 2.2: as every SFF does before its look-up. */
	impose->spent = nsh_ttl_dec((struct nsh_hdr *)t->bytes) == 0;
}

static uint8_t
edge_of(const struct cls_action *action)
{
	if (action->kind == SFC_ACTION_PATH)
		return SFF_STAGE_NSH_PUSH;
	if (action->kind == SFC_ACTION_FORWARD)
		return SFF_STAGE_FORWARD;
	return SFF_NEXT_DROP(action->is_default ? SFC_DROP_DEFAULT : SFC_DROP_RULE);
}

static const uint8_t outer_transport[] = {
	[SFC_TRANSPORT_VXLAN_GPE] = OUTER_VXLAN_GPE,
	[SFC_TRANSPORT_VXLAN] = OUTER_VXLAN,
	[SFC_TRANSPORT_GENEVE] = OUTER_GENEVE,
	[SFC_TRANSPORT_GRE] = OUTER_GRE,
	[SFC_TRANSPORT_ETHERNET] = OUTER_ETHERNET,
	[SFC_TRANSPORT_UDP] = OUTER_UDP,
};

static union nsh_addr
addr(const struct sfc_addr *a)
{
	union nsh_addr address = {.half = {0, 0}};

	memcpy(address.bytes, a->bytes, a->family == 4 ? 4 : 16);
	return address;
}

/* The locators of the node, each port's side by side, and what the ports accept because of them. */
static void
describe_locators(struct sff_plane *plane)
{
	const struct sfc_node *node = &plane->config->node[plane->table->node];
	struct sff_locator *l = plane->locator;

	for (uint16_t p = 0; p < plane->n_external; p++) {
		struct sff_port *port = &plane->port[p];

		port->locator = l;
		port->n_locators = 0;
		port->has_gpe4 = false;
		port->accept = (struct outer_accept){.zero_checksum6 = node->port[p].udp_zero_checksum};
		for (unsigned int i = 0; i < node->n_locators; i++) {
			const struct sfc_locator *conf = &node->locator[i];

			if (conf->port != p)
				continue;
			*l = (struct sff_locator){
				.address = addr(&conf->address),
				.vni = conf->vni,
				.any_vni = conf->transport == SFC_TRANSPORT_GRE && !conf->has_key,
				.has_key = conf->has_key,
				.transport = outer_transport[conf->transport],
				.family = conf->address.family,
				.n_vlans = conf->n_vlans,
			};
			memcpy(l->vlan, conf->vlan, sizeof(l->vlan));
			memcpy(l->mac, conf->has_mac ? conf->mac : port->pmd->mac, sizeof(l->mac));
			port->accept.transports |= OUTER_BIT(l->transport);
			if (l->transport == OUTER_UDP)
				port->accept.nsh_udp_port = conf->udp_port;
			if (l->transport == OUTER_VXLAN_GPE && l->family == NSH_IPV4 && !port->has_gpe4) {
				outer_gpe4_match_init(&port->gpe4, l->address.v4, l->vni);
				port->has_gpe4 = true;
			}
			port->n_locators++;
			l++;
		}
	}
}

/* The first `plen` bits. */
static union nsh_addr
mask(uint8_t plen)
{
	union nsh_addr m = {.half = {0, 0}};

	for (unsigned int i = 0; i < plen; i++)
		m.bytes[i / 8] |= (uint8_t)(0x80 >> i % 8);
	return m;
}

/* Addresses of the ports, and of locators behind them. */
static void
describe_own(struct sff_plane *plane)
{
	const struct sfc_node *node = &plane->config->node[plane->table->node];
	struct sff_own *own = plane->own;

	for (uint16_t p = 0; p < plane->n_external; p++) {
		struct sff_port *port = &plane->port[p];

		port->own = own;
		for (unsigned int i = 0; i < node->port[p].n_addresses; i++)
			*own++ = (struct sff_own){addr(&node->port[p].address[i]),
				mask(node->port[p].address[i].plen), node->port[p].address[i].family};
		for (uint16_t l = 0; l < port->n_locators; l++)
			if (port->locator[l].family != NSH_NO_IP)
				*own++ = (struct sff_own){port->locator[l].address,
					mask(port->locator[l].family == NSH_IPV4 ? 32 : 128),
					port->locator[l].family};
		port->n_own = (uint16_t)(own - port->own);
	}
}

static void
leads_into(struct sff_plane *plane, uint16_t *seen, int path, uint16_t port)
{
	plane->ingress[path] = seen[path] == 0 || plane->ingress[path] == port ? port : SFC_NONE;
	seen[path]++;
}

/* Which access port of ours frames of a path come from, where that is one. */
static int
find_ingress(struct sff_plane *plane)
{
	const struct sfc_config *config = plane->config;
	const struct sfc_node *node = &config->node[plane->table->node];
	uint16_t *seen = calloc(config->n_paths + 1, sizeof(*seen));

	if (seen == NULL)
		return -ENOMEM;
	for (unsigned int i = 0; i < config->n_paths; i++)
		plane->ingress[i] = SFC_NONE;
	for (unsigned int r = 0; r < config->n_rules; r++) {
		const struct sfc_rule *rule = &config->rule[r];

		for (uint16_t p = 0; rule->action == SFC_ACTION_PATH && p < plane->n_external; p++)
			if (rule->match_node < 0
					? node->port[p].role == SFC_ROLE_ACCESS
					: rule->match_node == plane->table->node && rule->match_port == p)
				leads_into(plane, seen, rule->path, p);
	}
	for (unsigned int i = 0; i < config->n_paths; i++)
		if (config->path[i].reverse >= 0 && config->path[i].egress_node == plane->table->node)
			leads_into(
				plane, seen, config->path[i].reverse, (uint16_t)config->path[i].egress_port);
	free(seen);
	return 0;
}

/* Our address on the link of a next hop; questions come from there. */
static union nsh_addr
own_towards(const struct sfc_port *port, const struct sfc_addr *next_hop, const struct sfc_locator *ours)
{
	for (unsigned int i = 0; i < port->n_addresses; i++) {
		const struct sfc_port one = {.address = &port->address[i], .n_addresses = 1};

		if (port->address[i].family == next_hop->family && sfc_port_on_link(&one, next_hop))
			return addr(&port->address[i]);
	}
	return addr(&ours->address);
}

/* Where a port sends packets that are for no host on its link: 0, -ENOSPC. */
static int
find_gateway(struct sff_plane *plane, uint16_t p, const struct sfc_addr *gateway, uint16_t *index)
{
	union nsh_addr next_hop = addr(gateway);
	const struct sff_own *own;

	*index = SFC_NONE;
	if (gateway->family == 0)
		return 0;
	/* An IPv6 link-local one is on no prefix of ours. */
	own = sff_port_own_towards(plane, p, gateway->family, &next_hop);
	if (own == NULL)
		own = &plane->port[p].own[0];
	for (uint16_t i = 0; own->family != gateway->family && i < plane->port[p].n_own; i++)
		own = &plane->port[p].own[i];
	if (own->family != gateway->family)
		return 0;
	*index = sff_neighbours_add(plane->neighbours, p, gateway->family, &next_hop, &own->address);
	return *index != SFC_NONE ? 0 : -ENOSPC;
}

/* Does a path end on this port, or begin on it? Only then packets leave that the port has to find a MAC for.
 */
static bool
may_send_ip(const struct sff_plane *plane, uint16_t p)
{
	for (unsigned int i = 0; i < plane->config->n_paths; i++)
		if (plane->config->path[i].egress_node == plane->table->node &&
			plane->config->path[i].egress_port == p)
			return true;
	return plane->port[p].kind == SFF_PORT_ACCESS;
}

static int
find_gateways(struct sff_plane *plane)
{
	const struct sfc_node *node = &plane->config->node[plane->table->node];
	int rc = 0;

	for (uint16_t p = 0; rc == 0 && p < plane->n_external; p++) {
		struct sff_port *port = &plane->port[p];

		port->gateway4 = port->gateway6 = SFC_NONE;
		if (port->n_own == 0 || !may_send_ip(plane, p))
			continue;
		rc = find_gateway(plane, p, &node->port[p].gateway4, &port->gateway4);
		if (rc == 0)
			rc = find_gateway(plane, p, &node->port[p].gateway6, &port->gateway6);
	}
	return rc;
}

static int
make_remote(struct sff_plane *plane, const struct sfc_remote *conf, struct sff_remote *remote)
{
	const struct sfc_port *port = &plane->config->node[plane->table->node].port[conf->port];
	struct outer_conf outer = {
		.transport = outer_transport[conf->theirs.transport],
		.family = conf->theirs.address.family,
		.src = addr(&conf->ours.address),
		.dst = addr(&conf->theirs.address),
		.vni = conf->theirs.vni,
		.has_key = conf->theirs.has_key,
		.inner_ethernet = conf->theirs.inner_ethernet,
		.udp_port = conf->theirs.udp_port,
		.ttl = UNDERLAY_TTL,
		.tags = conf->theirs.n_vlans,
		.checksum = OUTER_CHECKSUM_DEFAULT,
	};

	if (conf->theirs.address.family == 6 && port->udp_zero_checksum)
		outer.checksum = OUTER_CHECKSUM_OFF;
	for (uint8_t i = 0; i < outer.tags; i++)
		outer.tag[i] = (struct outer_vlan){
			.type = i + 1 < outer.tags ? ETH_QINQ : ETH_VLAN, .tci = conf->theirs.vlan[i]};
	memcpy(outer.smac, conf->ours.has_mac ? conf->ours.mac : plane->port[conf->port].pmd->mac, 6);
	memcpy(outer.inner_smac, outer.smac, 6);
	memcpy(outer.inner_dmac, conf->theirs.has_mac ? conf->theirs.mac : sff_sf_side_mac, 6);
	memcpy(outer.dmac, conf->dmac, 6);
	remote->port = conf->port;
	remote->neighbour = SFC_NONE;
	if (!conf->has_dmac) {
		union nsh_addr next_hop = addr(&conf->next_hop),
			       own = own_towards(port, &conf->next_hop, &conf->ours);

		remote->neighbour = sff_neighbours_add(
			plane->neighbours, conf->port, conf->next_hop.family, &next_hop, &own);
		if (remote->neighbour == SFC_NONE)
			return -ENOSPC;
	}
	if (outer_template_init(&remote->outer, &outer) != 0)
		return -EINVAL;
	remote->plain = remote->outer.shape == OUTER_SHAPE_GPE4 && remote->neighbour == SFC_NONE;
	return 0;
}

void
sff_plane_set_room(struct sff_plane *plane)
{
	const struct sfc_node *node = &plane->config->node[plane->table->node];

	for (uint32_t r = 0; r < plane->table->n_remotes; r++) {
		const struct sfc_remote *conf = &plane->table->remote[r];
		struct sff_remote *remote = &plane->remote[r];
		const struct pmd_port *pmd = plane->port[remote->port].pmd;
		uint32_t link = ETH_HDR_SIZE + ETH_TAG_SIZE * (uint32_t)conf->theirs.n_vlans;
		uint32_t frame = pmd->mtu;

		if (pmd->ip_mtu > 0)
			frame = RTE_MIN(frame, pmd->ip_mtu + link);
		if (node->port[remote->port].mtu > 0)
			frame = RTE_MIN(frame, node->port[remote->port].mtu + link);
		remote->room = frame > remote->outer.size ? frame - remote->outer.size : 0;
		remote->room = RTE_MIN(remote->room, (uint32_t)remote->outer.payload_max);
	}
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

/* A function of one instance, whose flows need not be remembered, is no choice. */
static bool
resolve_group(const struct sff_plane *plane, uint16_t g, struct sff_next *next)
{
	const struct sfc_table *table = plane->table;
	const struct sfc_target *target = &table->target[table->group[g].first_target];

	if (table->group[g].n_targets != 1 || plane->pinned[g])
		return false;
	next->instance = target->instance;
	if (target->kind == SFC_TARGET_REMOTE) {
		next->stage = SFF_STAGE_REMOTE_OUTPUT;
		next->to = target->index;
		return true;
	}
	next->to = plane->port_of_instance[target->instance];
	if (next->to == SFC_NONE)
		return false;
	next->stage = plane->port[next->to].sf.proxied ? SFF_STAGE_PROXY_OUTPUT : SFF_STAGE_SF_OUTPUT;
	return true;
}

/* Places in plane->up behind the instances. */
static uint16_t
always(const struct sff_plane *plane)
{
	return (uint16_t)plane->config->n_instances;
}

static uint16_t
never(const struct sff_plane *plane)
{
	return (uint16_t)(plane->config->n_instances + 1);
}

static void
resolve(struct sff_plane *plane)
{
	for (uint32_t i = 0; i < plane->table->n_entries; i++) {
		const struct sfp_entry *entry = &plane->table->entry[i];
		struct sff_next *next = &plane->next[i];

		*next = (struct sff_next){.flags = entry->flags, .path = entry->path, .to = entry->index};
		next->instance = always(plane);
		if (entry->kind == SFP_TERMINAL) {
			next->stage = SFF_STAGE_TERMINAL;
		} else if (entry->kind == SFP_REMOTE) {
			next->stage = SFF_STAGE_REMOTE_OUTPUT;
		} else if (!resolve_group(plane, entry->index, next)) {
			next->stage = SFF_STAGE_SFP_LOOKUP;
			next->instance = never(plane);
		}
	}
}

void
sff_plane_learn(struct sff_plane *plane, uint16_t group)
{
	__atomic_store_n(&plane->pinned[group], 1, __ATOMIC_RELAXED);
	for (uint32_t i = 0; i < plane->table->n_entries; i++) {
		const struct sfp_entry *entry = &plane->table->entry[i];

		if (entry->kind == SFP_SF && entry->index == group)
			__atomic_store_n(&plane->next[i].instance, never(plane), __ATOMIC_RELAXED);
	}
}

static unsigned int
count_own(const struct sfc_node *node)
{
	unsigned int n = node->n_locators;

	for (unsigned int p = 0; p < node->n_ports; p++)
		n += node->port[p].n_addresses;
	return n;
}

int
sff_plane_build(struct sff_plane *plane)
{
	const struct sfc_config *config = plane->config;
	const struct sfc_table *table = plane->table;
	unsigned int n_remotes = table->n_remotes > 0 ? table->n_remotes : 1;

	plane->n_verdicts = cls_verdicts(plane->cls);
	plane->port_of_instance = calloc(config->n_instances + 1, sizeof(plane->port_of_instance[0]));
	plane->up = calloc(config->n_instances + 2, sizeof(plane->up[0]));
	plane->next = calloc(table->n_entries + 1, sizeof(plane->next[0]));
	plane->remote = aligned_alloc(RTE_CACHE_LINE_SIZE, n_remotes * sizeof(plane->remote[0]));
	plane->locator = calloc(config->node[table->node].n_locators + 1, sizeof(plane->locator[0]));
	plane->own = calloc(count_own(&config->node[table->node]) + 1, sizeof(plane->own[0]));
	plane->ingress = calloc(config->n_paths + 1, sizeof(plane->ingress[0]));
	if (plane->neighbours != NULL)
		plane->neighbours->planes++;
	else
		plane->neighbours = sff_neighbours_create();
	plane->impose = aligned_alloc(RTE_CACHE_LINE_SIZE, plane->n_verdicts * sizeof(plane->impose[0]));
	plane->verdict_edge = calloc(plane->n_verdicts, sizeof(plane->verdict_edge[0]));
	if (build_pinned(plane) != 0 || plane->port_of_instance == NULL || plane->up == NULL ||
		plane->next == NULL || plane->remote == NULL || plane->locator == NULL ||
		plane->impose == NULL || plane->verdict_edge == NULL || plane->own == NULL ||
		plane->ingress == NULL || plane->neighbours == NULL || find_ingress(plane) != 0) {
		sff_plane_fini(plane);
		return -ENOMEM;
	}

	memset(plane->remote, 0, n_remotes * sizeof(plane->remote[0]));
	describe_locators(plane);
	describe_own(plane);
	for (unsigned int i = 0; i < config->n_instances; i++) {
		plane->port_of_instance[i] = SFC_NONE;
		/* Health of another node's instances is not known here, nor that of what is no VM: they are
		 * as the operator says. */
		plane->up[i] = config->instance[i].node == table->node && !config->instance[i].attach.present
		                       ? SFC_DOWN
		                       : sff_plane_admin(&config->instance[i]);
	}
	/* A VM that leaves is no instance any more: its port is as it was. */
	for (uint16_t p = plane->n_external; p < plane->n_ports; p++)
		if (plane->port[p].instance != SFC_NONE)
			plane->port_of_instance[plane->port[p].instance] = p;
	for (uint16_t p = plane->n_external; p < plane->n_ports; p++)
		if (plane->port[p].instance != SFC_NONE)
			sff_sf_describe(plane, p);
	if (sff_attach_build(plane) != 0) {
		sff_plane_fini(plane);
		return -ENOMEM;
	}
	for (uint32_t r = 0; r < table->n_remotes; r++) {
		if (make_remote(plane, &table->remote[r], &plane->remote[r]) != 0) {
			sff_plane_fini(plane);
			return -EINVAL;
		}
	}
	if (find_gateways(plane) != 0) {
		sff_plane_fini(plane);
		return -EINVAL;
	}
	plane->up[always(plane)] = SFC_UP;
	resolve(plane);
	sff_plane_set_room(plane);
	memset(plane->impose, 0, plane->n_verdicts * sizeof(plane->impose[0]));
	for (uint32_t v = 0; v < plane->n_verdicts; v++) {
		make_impose(&plane->impose[v], plane, cls_action(plane->cls, v));
		plane->verdict_edge[v] = edge_of(cls_action(plane->cls, v));
	}
	return 0;
}

void
sff_plane_fini(struct sff_plane *plane)
{
	free(plane->port_of_instance);
	free(plane->attach);
	free(plane->up);
	free(plane->next);
	free(plane->pinned);
	sff_identities_fini(&plane->identities);
	free(plane->remote);
	free(plane->locator);
	free(plane->own);
	free(plane->ingress);
	sff_neighbours_leave(plane->neighbours);
	free(plane->impose);
	free(plane->verdict_edge);
	plane->port_of_instance = NULL;
	plane->attach = NULL;
	plane->up = NULL;
	plane->next = NULL;
	plane->pinned = NULL;
	plane->remote = NULL;
	plane->locator = NULL;
	plane->own = NULL;
	plane->ingress = NULL;
	plane->neighbours = NULL;
	plane->impose = NULL;
	plane->verdict_edge = NULL;
}
