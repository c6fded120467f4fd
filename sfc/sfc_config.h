/**
 * The service-plane configuration as plain C: what the file says, checked, with defaults filled in.
 *
 * Included by everything that compiles it to tables (sfc_table, classifier) and by sff. Made by sfc_load.
 * References are indices into the arrays of struct sfc_config; -1 = none. Read only after load; any thread.
 */
#ifndef SFC_CONFIG_H
#define SFC_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

/* IPv4 or IPv6 address or prefix, network byte order. */
struct sfc_addr {
	uint8_t family; /* 4 or 6; 0 = any */
	uint8_t plen;   /* prefix length in bits */
	uint8_t bytes[16];
};

enum sfc_transport {
	SFC_TRANSPORT_VXLAN_GPE,
	SFC_TRANSPORT_VXLAN, /* NSH in an inner Ethernet frame */
	SFC_TRANSPORT_GENEVE,
	SFC_TRANSPORT_GRE,
	SFC_TRANSPORT_ETHERNET, /* 0x894F, 0-2 VLAN tags */
	SFC_TRANSPORT_UDP,      /* NSH right after UDP, on a configured port */
};

#define SFC_VLANS_MAX 2 /* tags of a frame we look at or send: service and customer (IEEE 802.1Q) */

enum sfc_role {
	SFC_ROLE_ACCESS,
	SFC_ROLE_TRANSPORT,
};

struct sfc_locator {
	enum sfc_transport transport;
	struct sfc_addr address; /* family 0: an Ethernet locator */
	uint32_t vni;            /* SFC_TRANSPORT_GRE: the Key, with has_key */
	bool has_key;
	bool inner_ethernet;          /* SFC_TRANSPORT_GENEVE: NSH in an Ethernet frame; VXLAN always */
	uint16_t udp_port;            /* SFC_TRANSPORT_UDP */
	uint16_t vlan[SFC_VLANS_MAX]; /* SFC_TRANSPORT_ETHERNET: VIDs, outer first */
	uint8_t n_vlans;
	bool has_mac; /* given, or that of the port it names */
	uint8_t mac[6];
	int port; /* index in the node's ports, -1 when the node has none */
};

struct sfc_port {
	char *name;
	char *device;
	enum sfc_role role;
	int peer; /* index in the node's ports, -1 = none */
	bool has_mac;
	uint8_t mac[6];
	struct sfc_addr *address;
	unsigned int n_addresses;
	uint16_t mtu;             /* IP MTU in bytes, 0 = the device's (1500 unless it says otherwise) */
	struct sfc_addr gateway4; /* next hop for locators off the link; family 0 = none */
	struct sfc_addr gateway6;
	bool udp_zero_checksum; /* RFC 6935: IPv6 UDP without checksum, both ways */
	bool secure;            /* the link is protected */
};

struct sfc_node {
	char *name;
	uint32_t workers;
	uint32_t memory_mib;
	uint32_t flows;
	struct sfc_port *port;
	unsigned int n_ports;
	struct sfc_locator *locator;
	unsigned int n_locators;
};

enum sfc_runtime {
	SFC_RUNTIME_AUTO,
	SFC_RUNTIME_KVM,
	SFC_RUNTIME_PROCESS,
};

enum sfc_admin {
	SFC_ADMIN_UP,
	SFC_ADMIN_DRAIN, /* keeps its live flows, gets no new ones */
	SFC_ADMIN_DOWN,
};

/* An SF that is no VM of ours: behind a transport port, a MAC and 0-2 VLAN tags. */
struct sfc_attach {
	bool present;
	int port; /* index in the ports of the instance's node */
	uint8_t mac[6];
	uint16_t vlan[SFC_VLANS_MAX]; /* outer first */
	uint8_t n_vlans;
};

struct sfc_instance {
	char *name;   /* unique in the domain */
	int function; /* owner */
	int node;
	uint32_t weight; /* 1..255 */
	enum sfc_admin admin;
	struct sfc_attach attach; /* present: not a VM, the fields below are empty */
	char *image; /* of its VM: a name, or a path already made absolute from the file's folder */
	uint32_t memory_mib;
	enum sfc_runtime runtime;
	char **arg;
	unsigned int n_args;
};

enum sfc_on_failure {
	SFC_ON_FAILURE_CLOSED,
	SFC_ON_FAILURE_BYPASS,
};

/* How an SFC proxy knows a frame that comes back from an SF without NSH (RFC 7665, 4.6). */
enum sfc_proxy_style {
	SFC_PROXY_STATIC, /* by its circuit alone */
	SFC_PROXY_FLOW,   /* by its inner flow */
	SFC_PROXY_VLAN,   /* by its VLAN tag, one per (SPI, SI) */
	SFC_PROXY_MAC,    /* by its source MAC, one per (SPI, SI) */
};

struct sfc_proxy {
	enum sfc_proxy_style style;
	bool miss_template; /* a frame of no known flow takes the circuit's default header; else it is dropped
	                     */
	uint32_t idle_s;    /* seconds a flow's header is kept without use */
	uint32_t flows;     /* most headers kept, over all workers */
	bool carry_opaque;  /* take MD type 1 context of unknown layout along (RFC 8300, 2.4) */
};

struct sfc_function {
	char *name;
	bool nsh_aware;
	struct sfc_proxy proxy; /* nsh_aware: unused */
	int *may_reclassify;    /* paths its SFs may move a packet to */
	unsigned int n_may_reclassify;
	enum sfc_on_failure on_failure;
	int *instance; /* indices in sfc_config.instance */
	unsigned int n_instances;
};

struct sfc_path {
	char *name;
	uint32_t spi; /* 1..0xFFFFFF */
	int *hop;     /* functions in order */
	unsigned int n_hops;
	int egress_node;
	int egress_port; /* index in that node's ports */
	int reverse;     /* path, -1 = none */
	uint8_t initial_si;
	uint8_t ttl;
	uint8_t md_type; /* 1 or 2 */
	bool payload_ip; /* NSH carries IP (Next Protocol 1 or 2), not the Ethernet frame */
	bool secure;     /* fail closed: no bypass, no unprotected link */
	bool mtu_refuse; /* a link too small for a full frame is an error, not a warning */
};

struct sfc_range {
	uint16_t low, high; /* inclusive, host order */
};

enum sfc_action {
	SFC_ACTION_PATH,
	SFC_ACTION_FORWARD,
	SFC_ACTION_DROP,
};

struct sfc_rule {
	char *name;
	int match_node;         /* node that has the port; -1 when no port is named */
	int match_port;         /* index in that node's ports; -1 = any access port of any node */
	struct sfc_addr source; /* family 0 = any */
	struct sfc_addr destination;
	int protocol; /* IP protocol number, -1 = any */
	struct sfc_range *source_port;
	unsigned int n_source_ports; /* 0 = any */
	struct sfc_range *destination_port;
	unsigned int n_destination_ports;
	enum sfc_action action;
	int path;
	uint32_t word[4]; /* MD type 1 context, host order; zero when not given */
};

enum sfc_direction {
	SFC_DIRECTION_IN = 1,
	SFC_DIRECTION_OUT = 2,
	SFC_DIRECTION_BOTH = 3,
};

/* A copy of what passes a port or a hop (SPAN). Ports are indices in the node's; -1 = none. */
struct sfc_mirror {
	char *name;
	int node;      /* that has the ports; -1 = every node with an instance of the hop (to a file) */
	int from_port; /* or: */
	int from_path;
	unsigned int from_hop; /* 1..n_hops */
	enum sfc_direction direction;
	char *filter; /* BPF expression, NULL = everything. Its syntax is libpcap's: not checked here */
	unsigned int filter_line, filter_column; /* where it stands in the file */
	int to_port;                             /* or: */
	char *to_file;                           /* already made absolute from the file's folder */
};

/* One thing wrong in a file. Line and column count from 1; 0 = the whole file. */
struct sfc_error {
	char *file;
	unsigned int line;
	unsigned int column;
	char *path; /* where in the model: /sfc/path[name='web']/spi */
	char *reason;
};

struct sfc_errors {
	struct sfc_error *error;
	unsigned int n;
};

struct sfc_config {
	char *file;
	struct sfc_node *node;
	unsigned int n_nodes;
	struct sfc_function *function;
	unsigned int n_functions;
	struct sfc_instance *instance;
	unsigned int n_instances;
	struct sfc_path *path;
	unsigned int n_paths;
	struct sfc_rule *rule;
	unsigned int n_rules;
	struct sfc_mirror *mirror;
	unsigned int n_mirrors;
	enum sfc_action default_action; /* SFC_ACTION_FORWARD or SFC_ACTION_DROP */
	struct sfc_errors warnings;     /* what is not wrong, but should be known */
};

/**
 * Load a YAML or JSON configuration file.
 *
 * @param file    path; images with a slash are relative to its folder.
 * @param config  on success the configuration, owned by the caller (sfc_config_free).
 * @param errors  everything that is wrong, in file order; owned by the caller (sfc_errors_free), empty on
 * success.
 * @return        0, -EINVAL (errors says what), -ENOMEM, or -errno of reading the file (errors names it too).
 * Thread: control.
 */
int sfc_load(const char *file, struct sfc_config **config, struct sfc_errors *errors);

void sfc_config_free(struct sfc_config *config);
void sfc_errors_free(struct sfc_errors *errors);

/**
 * The node to run: by name, else the only node, else the one named as this host.
 *
 * @return index, or -ENOENT with one message in err.
 */
int sfc_config_node(const struct sfc_config *config, const char *name, char *err, int err_size);

#endif
