#include "nd.h"

#define HOP_LIMIT  255 /* shows that no router forwarded it; RFC 4861, 7.1.1 */
#define OPTION_SLL 1   /* source link-layer address; RFC 4861, 4.6.1 */
#define OPTION_TLL 2   /* target link-layer address */

/* Neighbour Solicitation or Advertisement behind the IPv6 header; RFC 4861, 4.3 and 4.4. */
struct message {
	uint8_t type;
	uint8_t code;
	rte_be16_t checksum;
	uint8_t flags;
	uint8_t reserved[3];
	uint8_t target[16];
} __attribute__((packed, may_alias));

/* Link-layer address option of Ethernet; RFC 4861, 4.6.1. */
struct option {
	uint8_t type;
	uint8_t size; /* in units of 8 bytes */
	uint8_t mac[ETH_MAC_SIZE];
} __attribute__((packed, may_alias));

static_assert(sizeof(struct message) == 24, "RFC 4861, 4.3");
static_assert(sizeof(struct option) == 8, "RFC 4861, 4.6.1");

static const union nsh_addr all_nodes = {.bytes = {0xFF, 0x02, [15] = 1}}; /* RFC 4291, 2.7.1 */

/* Walk the options; of those wanted the first one counts. */
static bool
parse_options(const uint8_t *options, size_t left, uint8_t wanted, struct nd_info *info)
{
	while (left > 0) {
		const struct option *option = (const struct option *)options;
		size_t size;

		if (left < 2 || option->size == 0)
			return false;
		size = (size_t)option->size * 8;
		if (size > left)
			return false;
		if (option->type == wanted && !info->has_mac) {
			if (eth_is_multicast(option->mac))
				return false;
			memcpy(info->mac, option->mac, ETH_MAC_SIZE);
			info->has_mac = true;
		}
		options += size;
		left -= size;
	}
	return true;
}

union nsh_addr
nd_solicited_node(const union nsh_addr *target)
{
	union nsh_addr group = {.bytes = {0xFF, 0x02, [11] = 1, [12] = 0xFF}};

	memcpy(group.bytes + 13, target->bytes + 13, 3);
	return group;
}

/* Rules that are about addresses; RFC 4861, 7.1.1 and 7.1.2. */
static bool
addresses_ok(const struct nd_info *info)
{
	union nsh_addr group = nd_solicited_node(&info->target);

	if (nsh_ipv6_is_multicast(info->target.bytes) || nsh_ipv6_is_multicast(info->src.bytes))
		return false;
	if (info->type == ND_ADVERTISEMENT)
		return !nsh_ipv6_is_multicast(info->dst.bytes) || !(info->flags & ND_SOLICITED);
	return !nsh_ipv6_is_unspecified(info->src.bytes) ||
	       (nsh_addr_equal(&info->dst, &group) && !info->has_mac);
}

enum nd_verdict
nd_parse(const void *packet, size_t avail, size_t packet_size, struct nd_info *info)
{
	const struct nsh_ipv6_hdr *ip = (const struct nsh_ipv6_hdr *)packet;
	const struct message *message = (const struct message *)(ip + 1);
	struct nd_info found = {0};
	size_t size;

	if (avail > packet_size)
		avail = packet_size;
	if (avail < NSH_IPV6_SIZE + sizeof(message->type) ||
		rte_be_to_cpu_32(ip->version_tc_label) >> 28 != 6 || ip->next_header != NSH_IPPROTO_ICMP6 ||
		(message->type != ND_SOLICITATION && message->type != ND_ADVERTISEMENT))
		return ND_OTHER;
	size = rte_be_to_cpu_16(ip->payload_size);
	if (size < sizeof(*message) || size > avail - NSH_IPV6_SIZE || ip->hop_limit != HOP_LIMIT ||
		message->code != 0)
		return ND_INVALID;
	if (nsh_sum_fold(nsh_sum_pseudo6(ip->src, ip->dst, NSH_IPPROTO_ICMP6, (uint32_t)size) +
			 nsh_sum(message, size)) != UINT16_MAX)
		return ND_INVALID;
	found.type = message->type;
	found.flags = found.type == ND_ADVERTISEMENT ? message->flags : 0;
	memcpy(found.src.bytes, ip->src, sizeof(ip->src));
	memcpy(found.dst.bytes, ip->dst, sizeof(ip->dst));
	memcpy(found.target.bytes, message->target, sizeof(message->target));
	if (!parse_options((const uint8_t *)(message + 1), size - sizeof(*message),
		    found.type == ND_SOLICITATION ? OPTION_SLL : OPTION_TLL, &found) ||
		!addresses_ok(&found))
		return ND_INVALID;
	*info = found;
	return ND_OK;
}

void
nd_multicast_mac(const union nsh_addr *group, uint8_t mac[ETH_MAC_SIZE])
{
	mac[0] = 0x33;
	mac[1] = 0x33;
	memcpy(mac + 2, group->bytes + 12, 4);
}

static size_t
build(void *out, enum nd_type type, uint8_t flags, const union nsh_addr *src, const union nsh_addr *dst,
	const union nsh_addr *target, const uint8_t *mac)
{
	struct {
		struct nsh_ipv6_hdr ip;
		struct message message;
		struct option option;
	} __attribute__((packed)) packet = {
		.ip = {.version_tc_label = RTE_BE32(NSH_IPV6_VERSION),
			.payload_size = RTE_BE16(sizeof(packet.message) + sizeof(packet.option)),
			.next_header = NSH_IPPROTO_ICMP6,
			.hop_limit = HOP_LIMIT},
		.message = {.type = (uint8_t)type, .flags = flags},
		.option = {.type = type == ND_SOLICITATION ? OPTION_SLL : OPTION_TLL, .size = 1},
	};
	const size_t size = sizeof(packet.message) + sizeof(packet.option);

	static_assert(sizeof(packet) == ND_SIZE_MAX, "RFC 4861, 4.3");
	memcpy(packet.ip.src, src->bytes, sizeof(packet.ip.src));
	memcpy(packet.ip.dst, dst->bytes, sizeof(packet.ip.dst));
	memcpy(packet.message.target, target->bytes, sizeof(packet.message.target));
	memcpy(packet.option.mac, mac, ETH_MAC_SIZE);
	packet.message.checksum =
		nsh_sum_checksum(nsh_sum_pseudo6(src->bytes, dst->bytes, NSH_IPPROTO_ICMP6, size) +
				 nsh_sum(&packet.message, size));
	memcpy(out, &packet, sizeof(packet));
	return sizeof(packet);
}

size_t
nd_build_solicitation(void *out, const union nsh_addr *src, const union nsh_addr *dst,
	const union nsh_addr *target, const uint8_t mac[ETH_MAC_SIZE])
{
	return build(out, ND_SOLICITATION, 0, src, dst, target, mac);
}

size_t
nd_build_answer(void *out, const struct nd_info *solicitation, const uint8_t mac[ETH_MAC_SIZE])
{
	const union nsh_addr *target = &solicitation->target;

	if (nsh_ipv6_is_unspecified(solicitation->src.bytes))
		return build(out, ND_ADVERTISEMENT, ND_OVERRIDE, target, &all_nodes, target, mac);
	return build(
		out, ND_ADVERTISEMENT, ND_SOLICITED | ND_OVERRIDE, target, &solicitation->src, target, mac);
}

size_t
nd_build_announcement(void *out, const union nsh_addr *address, const uint8_t mac[ETH_MAC_SIZE])
{
	return build(out, ND_ADVERTISEMENT, ND_OVERRIDE, address, &all_nodes, address, mac);
}
