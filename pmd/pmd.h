/**
 * Poll-mode ports: everything frames enter or leave by, behind one small ops struct.
 *
 * Included by sff. A port is any DPDK ethdev (pmd_ethdev), a capture file pair (pmd_capture), nothing
 * (pmd_null) or the VM port (pmd_vm: vhost-user, we are the device side and connect to the runner's socket).
 * Control opens and closes; each queue is polled by one lcore only.
 */
#ifndef PMD_H
#define PMD_H

#include <rte_mbuf.h>
#include <rte_mbuf_dyn.h>
#include <rte_mempool.h>
#include <rte_rcu_qsbr.h>

#include <stdbool.h>
#include <stdint.h>

struct pmd_port;

/* What a port counted by itself, summed over queues; frames. */
struct pmd_stats {
	uint64_t rx_capture_size; /* records of length 0 or above 65,535: received and dropped by the port */
	uint64_t rx_missed;       /* the device had no buffer or ring space */
	uint64_t tx_errors;       /* taken by tx() but not delivered */
};

struct pmd_ops {
	const char *name;
	/* Take up to n frames from a queue. The caller owns them. Thread: the queue's lcore. */
	uint16_t (*rx)(struct pmd_port *port, uint16_t queue, struct rte_mbuf **pkts, uint16_t n);
	/* Give n frames; returns how many were taken (the first ones). Those belong to the port and are freed
	 * by it, the rest stay the caller's. Thread: the queue's lcore. */
	uint16_t (*tx)(struct pmd_port *port, uint16_t queue, struct rte_mbuf **pkts, uint16_t n);
	/* Send what is buffered (capture: flush to the file). Thread: control, no lcore polls. 0 or -errno.
	 */
	int (*flush)(struct pmd_port *port);
	void (*stats)(const struct pmd_port *port, struct pmd_stats *stats);
	void (*close)(struct pmd_port *port);
};

/* Common head of every port. */
struct pmd_port {
	const struct pmd_ops *ops;
	char name[64];
	uint16_t queues; /* rx and tx queue pairs */
	uint8_t mac[6];  /* the port's own address */
	uint16_t mtu;    /* largest frame without FCS it takes, bytes; 65535 = any */
	bool on_kernel;  /* on an interface of the kernel, which hands over what was never on a wire */
	uint16_t ip_mtu; /* most bytes behind the Ethernet header and its tags; 0 = as the frame fits */
};

static inline uint16_t
pmd_rx(struct pmd_port *port, uint16_t queue, struct rte_mbuf **pkts, uint16_t n)
{
	return port->ops->rx(port, queue, pkts, n);
}

static inline uint16_t
pmd_tx(struct pmd_port *port, uint16_t queue, struct rte_mbuf **pkts, uint16_t n)
{
	return port->ops->tx(port, queue, pkts, n);
}

/**
 * What all ports need. Call once after rte_eal_init.
 *
 * @param pool  packet buffers, RTE_MBUF_DEFAULT_DATAROOM with the default headroom; kept, not owned.
 * @param qsbr  workers report quiescent states here, offline while they sleep; a VM port that goes away waits
 * for them before it unmaps.
 * @return      0 or -errno. Thread: control.
 */
int pmd_init(struct rte_mempool *pool, struct rte_rcu_qsbr *qsbr);

/**
 * Open a DPDK ethdev.
 *
 * @param device  EAL device string: a vdev ("net_af_packet0,iface=eth1") is created, a PCI address is probed;
 * a name that exists already (net_ring made by a test) is taken.
 * @param queues  rx and tx queue pairs wanted, one per worker.
 * @param mac     to set, or NULL for the device's own.
 * @param promiscuous  access ports.
 * @return        0, or -errno with one message (object, value, limit) in err.
 */
int pmd_ethdev_open(const char *name, const char *device, uint16_t queues, const uint8_t *mac,
	bool promiscuous, struct pmd_port **port, char *err, int err_size);

/** A port that receives nothing and counts and frees what is sent. */
int pmd_null_open(const char *name, struct pmd_port **port, char *err, int err_size);

/* Capture ports that are replayed together: frames come in the order of their time stamps over all inputs. */
struct pmd_captures;

struct pmd_captures_conf {
	double speed;   /* 0 = as fast as they are taken; else times recorded time */
	uint64_t loops; /* times each input is played, >= 1 */
};

int pmd_captures_create(
	const struct pmd_captures_conf *conf, struct pmd_captures **set, char *err, int err_size);

/**
 * Open a capture port: frames come from `in`, frames sent go to `out`; either may be NULL (nothing / counted
 * only).
 *
 * Reads pcap and pcapng of link type Ethernet. Writes pcap with nanoseconds, or pcapng when `out` ends in
 * .pcapng. rx() gives frames only while this port's next frame is the earliest of the set (and due, when
 * paced). Each mbuf carries its record's time stamp in the dynamic field below; tx() writes it. Loops keep
 * recorded stamps.
 */
int pmd_capture_open(struct pmd_captures *set, const char *name, const char *in, const char *out,
	struct pmd_port **port, char *err, int err_size);

/** True when every input is at its end (or failed). Thread: the polling lcore. */
bool pmd_captures_done(const struct pmd_captures *set);

/** The first failure while reading or writing ("FILE: frame N: reason"), or NULL. Set once, then stable. */
const char *pmd_captures_error(const struct pmd_captures *set);

/** Frames and bytes read so far and bytes in all inputs, for a progress bar. Thread: any; relaxed. */
void pmd_captures_progress(
	const struct pmd_captures *set, uint64_t *frames, uint64_t *bytes, uint64_t *total_bytes);
/* After the ports are closed. */
void pmd_captures_destroy(struct pmd_captures *set);

/* Time stamp of a frame in nanoseconds since 1970, a dynamic mbuf field registered by pmd_init. */
extern int pmd_stamp_offset;

static inline uint64_t *
pmd_stamp(struct rte_mbuf *m)
{
	return RTE_MBUF_DYNFIELD(m, pmd_stamp_offset, uint64_t *);
}

/* Counters of one queue pair of a VM port, frames. Written by its lcore. */
struct pmd_vm_queue_stats {
	uint64_t enqueued;  /* given to the guest */
	uint64_t dequeued;  /* taken from it */
	uint64_t oversize;  /* taken by tx(), but the guest has no room for such a frame: freed */
	uint64_t malformed; /* from the guest, of no bytes or above 65,535: freed, not in `dequeued` */
};

/* What the other side of a VM port did wrong; control decides what to do about it. */
struct pmd_vm_faults {
	uint64_t refused; /* connections ended because our checks refused a message */
	uint64_t frames;  /* frames of no bytes or above 65,535 from the guest, or that it has no room for */
	uint32_t broken;  /* rings not served any more because the guest broke them; 0 again after a new start
	                   */
};

/**
 * Open the VM port: connect to the runner's vhost-user socket (now or whenever it appears) and serve its
 * rings.
 *
 * Guest memory is mapped only when its memfd is sealed against shrinking and growing and as large as claimed
 * (hypervisor ABI); otherwise the connection is refused and counted.
 *
 * When nobody listens yet, the next try is up to one second later. The connection comes and goes by itself
 * (pmd_vm_up); frames for a guest that is away are not taken. A thread that polls is registered with the qsbr
 * of pmd_init and online while it polls; the one that opens and closes ports is not.
 *
 * @param pairs  queue pairs, one per worker, 1..HV_MAX_PAIRS; the guest must have as many.
 */
int pmd_vm_open(const char *name, const char *socket, uint16_t pairs, struct pmd_port **port, char *err,
	int err_size);

/** True while all rings are enabled, mapped and sound. Thread: any. */
bool pmd_vm_up(const struct pmd_port *port);

/** True while workers may use the rings of a connection; false: they are done with them. Thread: any. */
bool pmd_vm_attached(const struct pmd_port *port);

/**
 * Set the counters of pmd_vm_queue_stats to 0, for the next life of the guest. The port is not attached, and
 * its guest is dead: nothing counts meanwhile. Thread: control.
 */
void pmd_vm_count_anew(struct pmd_port *port);

/** Thread: any; relaxed. */
void pmd_vm_queue_stats(const struct pmd_port *port, uint16_t queue, struct pmd_vm_queue_stats *stats);

/** Thread: any; relaxed. */
void pmd_vm_faults(const struct pmd_port *port, struct pmd_vm_faults *faults);

#endif
