#include "pmd_priv.h"

#include <rte_dev.h>
#include <rte_ethdev.h>
#include <rte_ether.h>
#include <rte_pci.h>

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Descriptors per queue, before the device adjusts them: 16 bursts of 64. */
#define DESCRIPTORS 1024

/* Own counters of one queue, written by its lcore. */
struct ethdev_queue {
	uint64_t tx_errors;
} __rte_cache_aligned;

struct ethdev_port {
	struct pmd_port port;
	uint16_t id;
	bool created;     /* by us, so close removes it */
	bool multi_seg;   /* the device sends chained mbufs */
	uint32_t payload; /* the device's MTU: bytes after the Ethernet header and its tags */
	struct rte_device *device;
	struct rte_eth_stats base; /* at open */
	struct ethdev_queue queue[];
};

static bool in_use[RTE_MAX_ETHPORTS]; /* control thread only */

/* A frame may be longer than the MTU by its Ethernet header and up to two VLAN tags. */
static bool
fits(const struct ethdev_port *p, const struct rte_mbuf *m)
{
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);
	const rte_be16_t *type = &eth->ether_type;
	uint32_t limit = p->payload + RTE_ETHER_HDR_LEN;

	if (m->pkt_len <= limit)
		return true;
	for (uint32_t at = RTE_ETHER_HDR_LEN; m->pkt_len > limit; at += RTE_VLAN_HLEN) {
		bool tag = *type == RTE_BE16(RTE_ETHER_TYPE_VLAN) || *type == RTE_BE16(RTE_ETHER_TYPE_QINQ);
		if (!tag || limit >= p->port.mtu || m->data_len < at + RTE_VLAN_HLEN)
			return false;
		limit += RTE_VLAN_HLEN;
		type += RTE_VLAN_HLEN / sizeof(*type);
	}
	return true;
}

static uint16_t
ethdev_rx(struct pmd_port *port, uint16_t queue, struct rte_mbuf **pkts, uint16_t n)
{
	const struct ethdev_port *p = (const struct ethdev_port *)port;

	return rte_eth_rx_burst(p->id, queue, pkts, n);
}

/* One by one, for bursts with a frame the device would not send as it is. */
static uint16_t
tx_checked(struct ethdev_port *p, uint16_t queue, struct rte_mbuf **pkts, uint16_t n)
{
	for (uint16_t i = 0; i < n; i++) {
		struct rte_mbuf *m = pkts[i];
		bool ok = fits(p, m) && (p->multi_seg || rte_pktmbuf_linearize(m) == 0);

		if (!ok) {
			rte_pktmbuf_free(m);
			p->queue[queue].tx_errors++;
		} else if (rte_eth_tx_burst(p->id, queue, &pkts[i], 1) == 0) {
			return i;
		}
	}
	return n;
}

static uint16_t
ethdev_tx(struct pmd_port *port, uint16_t queue, struct rte_mbuf **pkts, uint16_t n)
{
	struct ethdev_port *p = (struct ethdev_port *)port;
	uint32_t longest = 0;
	uint16_t segments = 1;

	for (uint16_t i = 0; i < n; i++) {
		longest = RTE_MAX(longest, pkts[i]->pkt_len);
		segments = RTE_MAX(segments, pkts[i]->nb_segs);
	}
	if (longest <= p->payload + RTE_ETHER_HDR_LEN && (segments == 1 || p->multi_seg))
		return rte_eth_tx_burst(p->id, queue, pkts, n);
	return tx_checked(p, queue, pkts, n);
}

static int
ethdev_flush(struct pmd_port *port)
{
	(void)port;
	return 0;
}

static void
ethdev_stats(const struct pmd_port *port, struct pmd_stats *stats)
{
	const struct ethdev_port *p = (const struct ethdev_port *)port;
	struct rte_eth_stats now;

	memset(stats, 0, sizeof(*stats));
	if (rte_eth_stats_get(p->id, &now) == 0) {
		stats->rx_missed = now.imissed - p->base.imissed + now.rx_nombuf - p->base.rx_nombuf;
		stats->tx_errors = now.oerrors - p->base.oerrors;
	}
	for (uint16_t q = 0; q < port->queues; q++)
		stats->tx_errors += p->queue[q].tx_errors;
}

static void
ethdev_close(struct pmd_port *port)
{
	struct ethdev_port *p = (struct ethdev_port *)port;

	rte_eth_dev_stop(p->id);
	in_use[p->id] = false;
	if (p->created) {
		rte_eth_dev_close(p->id);
		rte_dev_remove(p->device);
	}
	free(p);
}

static const struct pmd_ops ethdev_ops = {
	.name = "ethdev",
	.rx = ethdev_rx,
	.tx = ethdev_tx,
	.flush = ethdev_flush,
	.stats = ethdev_stats,
	.close = ethdev_close,
};

/* The ethdev of a device string, created when it does not exist. */
static int
find_device(const char *name, const char *device, uint16_t *id, bool *created, char *err, int err_size)
{
	char ethdev[RTE_ETH_NAME_MAX_LEN];
	struct rte_pci_addr pci;
	size_t size = strcspn(device, ",");

	if (size == 0 || size >= sizeof(ethdev))
		return pmd_fail(-EINVAL, err, err_size,
			"port '%s': device '%s': name of 1 to %zu bytes wanted", name, device,
			sizeof(ethdev) - 1);
	memcpy(ethdev, device, size);
	ethdev[size] = '\0';
	if (rte_pci_addr_parse(ethdev, &pci) == 0)
		rte_pci_device_name(&pci, ethdev, sizeof(ethdev));

	*created = false;
	if (rte_eth_dev_get_port_by_name(ethdev, id) != 0) {
		int rc = rte_dev_probe(device);
		if (rc < 0)
			return pmd_fail(rc, err, err_size, "port '%s': device '%s' cannot be opened: %s",
				name, device, strerror(-rc));
		if (rte_eth_dev_get_port_by_name(ethdev, id) != 0)
			return pmd_fail(-ENODEV, err, err_size, "port '%s': device '%s' is no network device",
				name, device);
		*created = true;
	}
	if (in_use[*id])
		return pmd_fail(-EBUSY, err, err_size, "port '%s': device '%s' belongs to another port", name,
			device);
	return 0;
}

/* The kernel's MTU for devices that sit on one of its interfaces, else what the device says. */
static uint32_t
device_mtu(const struct rte_eth_dev_info *info, uint16_t current)
{
	struct ifreq request;
	uint32_t mtu = current;
	int fd;

	memset(&request, 0, sizeof(request));
	if (info->if_index == 0 || if_indextoname(info->if_index, request.ifr_name) == NULL)
		return mtu;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return mtu;
	if (ioctl(fd, SIOCGIFMTU, &request) == 0 && request.ifr_mtu > 0)
		mtu = (uint32_t)request.ifr_mtu;
	close(fd);
	if (info->max_mtu >= RTE_ETHER_MIN_MTU)
		mtu = RTE_MIN(mtu, (uint32_t)info->max_mtu);
	return mtu;
}

/* Does it read an interface of the kernel? A NIC may have one beside it, too, but reads its own wire. */
static bool
is_on_kernel(const struct rte_eth_dev_info *info)
{
	static const char *const drivers[] = {"net_af_packet", "net_af_xdp", "net_pcap"};

	for (size_t i = 0; info->if_index != 0 && i < RTE_DIM(drivers); i++)
		if (strcmp(info->driver_name, drivers[i]) == 0)
			return true;
	return false;
}

static int
set_up_queues(struct ethdev_port *p)
{
	uint16_t rx_descriptors = DESCRIPTORS, tx_descriptors = DESCRIPTORS;
	int socket = rte_eth_dev_socket_id(p->id);
	int rc = rte_eth_dev_adjust_nb_rx_tx_desc(p->id, &rx_descriptors, &tx_descriptors);

	for (uint16_t q = 0; rc == 0 && q < p->port.queues; q++) {
		rc = rte_eth_rx_queue_setup(
			p->id, q, rx_descriptors, (unsigned int)socket, NULL, pmd_env.pool);
		if (rc == 0)
			rc = rte_eth_tx_queue_setup(p->id, q, tx_descriptors, (unsigned int)socket, NULL);
	}
	return rc;
}

static int
configure(struct ethdev_port *p, const struct rte_eth_dev_info *info)
{
	struct rte_eth_conf conf;
	uint16_t mtu = RTE_ETHER_MTU;
	uint32_t room = rte_pktmbuf_data_room_size(pmd_env.pool) - RTE_PKTMBUF_HEADROOM;

	rte_eth_dev_get_mtu(p->id, &mtu);
	p->payload = device_mtu(info, mtu);
	p->port.ip_mtu = (uint16_t)RTE_MIN(p->payload, PMD_FRAME_MAX);
	p->multi_seg = (info->tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS) != 0;
	memset(&conf, 0, sizeof(conf));
	conf.rxmode.mtu = p->payload;
	/* What stands on an interface of the kernel takes its frames, whatever it claims (af_packet: 1,518).
	 */
	if (info->if_index != 0 && info->max_rx_pktlen > RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN)
		conf.rxmode.mtu =
			RTE_MIN(p->payload, info->max_rx_pktlen - RTE_ETHER_HDR_LEN - RTE_ETHER_CRC_LEN);
	if (p->multi_seg)
		conf.txmode.offloads |= RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
	if (p->payload + RTE_ETHER_HDR_LEN + 2 * RTE_VLAN_HLEN > room)
		conf.rxmode.offloads |= info->rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER;
	if (p->port.queues > 1) {
		conf.rx_adv_conf.rss_conf.rss_hf =
			info->flow_type_rss_offloads & (RTE_ETH_RSS_IP | RTE_ETH_RSS_UDP | RTE_ETH_RSS_TCP);
		if (conf.rx_adv_conf.rss_conf.rss_hf != 0)
			conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
	}
	int rc = rte_eth_dev_configure(p->id, p->port.queues, p->port.queues, &conf);
	p->port.mtu = (uint16_t)RTE_MIN(p->payload + RTE_ETHER_HDR_LEN + 2 * RTE_VLAN_HLEN, PMD_FRAME_MAX);
	return rc < 0 ? rc : set_up_queues(p);
}

/* The address and what else is let in. A device that cannot change its address gets everything let in. */
static int
set_filters(struct ethdev_port *p, const uint8_t *mac, bool promiscuous)
{
	struct rte_ether_addr addr;
	int rc = rte_eth_macaddr_get(p->id, &addr);

	if (rc < 0)
		return rc;
	if (mac != NULL && memcmp(mac, addr.addr_bytes, sizeof(addr.addr_bytes)) != 0) {
		memcpy(addr.addr_bytes, mac, sizeof(addr.addr_bytes));
		rc = rte_eth_dev_default_mac_addr_set(p->id, &addr);
		if (rc < 0 && rte_eth_promiscuous_enable(p->id) < 0)
			return rc;
	}
	memcpy(p->port.mac, addr.addr_bytes, sizeof(p->port.mac));
	rc = promiscuous ? rte_eth_promiscuous_enable(p->id) : 0;
	/* Neighbour discovery comes by multicast. Devices without filters have neither switch. */
	if (!promiscuous)
		rte_eth_allmulticast_enable(p->id);
	return rc == -ENOTSUP ? 0 : rc;
}

int
pmd_ethdev_open(const char *name, const char *device, uint16_t queues, const uint8_t *mac, bool promiscuous,
	struct pmd_port **port, char *err, int err_size)
{
	struct rte_eth_dev_info info;
	const char *step = "cannot tell its limits";
	bool created = false;
	uint16_t id;
	int rc = find_device(name, device, &id, &created, err, err_size);
	if (rc < 0)
		return rc;

	struct ethdev_port *p = NULL;
	size_t size = sizeof(*p) + queues * sizeof(p->queue[0]);
	rc = rte_eth_dev_info_get(id, &info);
	if (rc < 0)
		goto fail;
	uint16_t limit = RTE_MIN(info.max_rx_queues, info.max_tx_queues);
	if (queues == 0 || queues > limit) {
		rc = pmd_fail(-E2BIG, err, err_size, "port '%s': device has %u queues, %u workers wanted",
			name, limit, queues);
		goto remove;
	}
	p = aligned_alloc(RTE_CACHE_LINE_SIZE, RTE_ALIGN_CEIL(size, (size_t)RTE_CACHE_LINE_SIZE));
	step = "no memory";
	rc = -ENOMEM;
	if (p == NULL)
		goto fail;
	memset(p, 0, size);
	pmd_port_init(&p->port, &ethdev_ops, name, queues);
	p->id = id;
	p->created = created;
	p->device = info.device;

	step = "cannot be configured";
	rc = configure(p, &info);
	if (rc < 0)
		goto fail;
	step = "cannot be started";
	rc = rte_eth_dev_start(id);
	if (rc < 0)
		goto fail;
	step = "refuses its address or promiscuous mode";
	rc = set_filters(p, mac, promiscuous);
	if (rc < 0)
		goto stop;
	rte_eth_stats_get(id, &p->base);
	in_use[id] = true;
	p->port.on_kernel = is_on_kernel(&info);
	*port = &p->port;
	return 0;
stop:
	rte_eth_dev_stop(id);
fail:
	pmd_fail(rc, err, err_size, "port '%s': device '%s' %s: %s", name, device, step, strerror(-rc));
remove:
	if (created) {
		rte_eth_dev_close(id);
		rte_dev_remove(info.device);
	}
	free(p);
	return rc;
}
