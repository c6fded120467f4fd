/* Counts what passes, changes nothing. Metrics: proto.NAME.packets and .bytes for tcp, udp, icmp, icmp6,
 * sctp, other-ip, arp and other; packets per flow under the names of mon_flow_name(); flows.active, and
 * flows.untracked: packets of flows the full table has no place for. Bytes are those of the inner packet. */
#include "mon_flow.h"

VNF_IMAGE("monitor", .ram_mib = 2);

#define ETHER_TYPE_ARP 0x0806u

struct total {
	struct vnf_counter *packets, *bytes;
};

static struct total by_proto[256], other_ip, arp, other;
static struct vnf_counter *flows_active, *flows_untracked;
static struct mon_table *table;

static struct total
total(const char *name)
{
	return (struct total){vnf_counter("proto.%s.packets", name), vnf_counter("proto.%s.bytes", name)};
}

int
vnf_init(int argc, char **argv)
{
	if (argc > 0) {
		vnf_log("takes no arguments, got \"%s\"", argv[0]);
		return 1;
	}
	flows_active = vnf_counter("flows.active");
	flows_untracked = vnf_counter("flows.untracked");
	other_ip = total("other-ip");
	for (unsigned i = 0; i < 256; i++)
		by_proto[i] = mon_proto_name((uint8_t)i) ? total(mon_proto_name((uint8_t)i)) : other_ip;
	arp = total("arp");
	other = total("other");
	table = vnf_alloc(sizeof(*table));
	return 0;
}

static void
count_flow(const struct vnf_ip *ip)
{
	struct mon_flow flow = mon_flow_of(ip);
	struct mon_entry *entry = mon_table_get(table, &flow);

	if (!entry) {
		vnf_count(flows_untracked, 1);
		return;
	}
	if (!entry->packets) {
		char name[HV_METRIC_NAME], full[MON_NAME_FULL];

		/* At most MON_FLOWS_MAX such lines, ever. */
		if (mon_flow_name(&flow, name, full))
			vnf_log("%s is %s", name + HV_METRIC_NAME - 1 - 17, full);
		entry->packets = vnf_counter("%s", name);
		vnf_count(flows_active, 1);
	}
	vnf_count(entry->packets, 1);
}

enum vnf_verdict
vnf_packet(struct vnf_pkt *pkt)
{
	const struct total *seen;
	struct vnf_ip ip;

	if (vnf_ip_parse(pkt, &ip)) {
		seen = &by_proto[ip.proto];
		count_flow(&ip);
	} else {
		seen = ip.ether_type == ETHER_TYPE_ARP ? &arp : &other;
	}
	vnf_count(seen->packets, 1);
	vnf_count(seen->bytes, pkt->inner_size);
	return VNF_PASS;
}
