/**
 * The flows the monitor image counts: key, table, name.
 *
 * Included by monitor.c and its tests. A flow is one direction: (addresses, protocol, ports).
 */
#ifndef MON_FLOW_H
#define MON_FLOW_H

#include "vnf.h"

#define MON_FLOWS_MAX 4000u  /* each takes one of the 4,095 metrics; the rest is for totals */
#define MON_SLOTS     16384u /* a power of two, at most a quarter full: short probes */
#define MON_PROBES    64u    /* longest probe; crafted collisions end as untracked */

struct mon_flow {
	union vnf_addr src, dst;
	uint16_t sport, dport;
	uint8_t version;
	uint8_t proto;
	uint8_t has_ports;
	uint8_t pad;
};

struct mon_entry {
	struct mon_flow flow;
	struct vnf_counter *packets;
};

struct mon_table {
	struct mon_entry entry[MON_FLOWS_MAX];
	uint16_t slot[MON_SLOTS]; /* entry number + 1, or 0 */
	uint32_t count;
};

/** Key of a packet; ip->version is not 0. */
struct mon_flow mon_flow_of(const struct vnf_ip *ip);

/**
 * The entry of a flow, made if it is new; a new one has packets == NULL.
 *
 * @return  NULL: the table is full.
 */
struct mon_entry *mon_table_get(struct mon_table *table, const struct mon_flow *flow);

/** Short name of an IP protocol: tcp, udp, icmp, icmp6, sctp, or NULL. */
const char *mon_proto_name(uint8_t proto);

/**
 * Metric name of a flow: flow.tcp.10.0.0.1:1234>10.0.0.2:80, flow.icmp6.[fe80::1]>[ff02::1],
 * flow.proto47.10.0.0.1>10.0.0.2. A name too long for a metric keeps its first 38 bytes, then ~ and the
 * 64-bit FNV-1a hash of the whole name in hex.
 *
 * @param full  the whole name, MON_NAME_FULL bytes.
 * @return      true: the name is shortened.
 */
#define MON_NAME_FULL 128u
bool mon_flow_name(const struct mon_flow *flow, char name[HV_METRIC_NAME], char full[MON_NAME_FULL]);

#endif
