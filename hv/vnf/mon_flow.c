#include "mon_flow.h"

static_assert(sizeof(struct mon_flow) == 40, "no hidden padding: compared and hashed as bytes");
static_assert(MON_FLOWS_MAX * 4 <= MON_SLOTS, "short probes");

struct mon_flow
mon_flow_of(const struct vnf_ip *ip)
{
	return (struct mon_flow){
		.src = ip->src,
		.dst = ip->dst,
		.sport = ip->sport,
		.dport = ip->dport,
		.version = ip->version,
		.proto = ip->proto,
		.has_ports = ip->has_ports,
	};
}

/* Multiply and fold, one word at a time; the constant is 2^64 divided by the golden ratio. */
static uint32_t
flow_hash(const struct mon_flow *flow)
{
	uint64_t word[5], hash = 0;

	memcpy(word, flow, sizeof(word));
	for (unsigned i = 0; i < 5; i++) {
		hash = (hash ^ word[i]) * 0x9e3779b97f4a7c15ULL;
		hash ^= hash >> 32;
	}
	return (uint32_t)hash;
}

struct mon_entry *
mon_table_get(struct mon_table *table, const struct mon_flow *flow)
{
	uint32_t at = flow_hash(flow);

	for (unsigned probe = 0; probe < MON_PROBES; probe++, at++) {
		uint16_t *slot = &table->slot[at & (MON_SLOTS - 1)];
		struct mon_entry *entry;

		if (*slot == 0) {
			if (table->count == MON_FLOWS_MAX)
				return NULL;
			entry = &table->entry[table->count++];
			entry->flow = *flow;
			entry->packets = NULL;
			*slot = (uint16_t)table->count;
			return entry;
		}
		entry = &table->entry[*slot - 1];
		if (memcmp(&entry->flow, flow, sizeof(*flow)) == 0)
			return entry;
	}
	return NULL;
}

const char *
mon_proto_name(uint8_t proto)
{
	switch (proto) {
	case 1:
		return "icmp";
	case 6:
		return "tcp";
	case 17:
		return "udp";
	case 58:
		return "icmp6";
	case 132:
		return "sctp";
	default:
		return NULL;
	}
}

static uint64_t
fnv1a(const char *text)
{
	uint64_t hash = 0xcbf29ce484222325ULL;

	for (; *text; text++)
		hash = (hash ^ (uint8_t)*text) * 0x100000001b3ULL;
	return hash;
}

static size_t
put_end(char *text, size_t size, const struct mon_flow *flow, const union vnf_addr *addr, uint16_t port)
{
	const char *open = flow->version == 6 ? "[" : "", *close = flow->version == 6 ? "]" : "";
	char address[VNF_ADDR_TEXT];

	vnf_addr_format(address, flow->version, addr);
	if (flow->has_ports)
		return vnf_format(text, size, "%s%s%s:%u", open, address, close, port);
	return vnf_format(text, size, "%s%s%s", open, address, close);
}

bool
mon_flow_name(const struct mon_flow *flow, char name[HV_METRIC_NAME], char full[MON_NAME_FULL])
{
	const char *proto = mon_proto_name(flow->proto);
	size_t len;

	if (proto)
		len = vnf_format(full, MON_NAME_FULL, "flow.%s.", proto);
	else
		len = vnf_format(full, MON_NAME_FULL, "flow.proto%u.", flow->proto);
	len += put_end(full + len, MON_NAME_FULL - len, flow, &flow->src, flow->sport);
	len += vnf_format(full + len, MON_NAME_FULL - len, ">");
	len += put_end(full + len, MON_NAME_FULL - len, flow, &flow->dst, flow->dport);
	if (len < HV_METRIC_NAME) {
		memcpy(name, full, len + 1);
		return false;
	}
	len = HV_METRIC_NAME - 1 - 17; /* "~" and 16 hex digits */
	memcpy(name, full, len);
	vnf_format(name + len, HV_METRIC_NAME - len, "~%016lx", fnv1a(full));
	return true;
}
