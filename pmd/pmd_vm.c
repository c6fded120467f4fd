#include "pmd_pool.h"
#include "pmd_priv.h"
#include "pmd_vm_guard.h"
#include "pmd_vm_ring.h"

#include "hv_abi.h"

#include <rte_vhost.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* VERSION_1 with 12-byte headers, split or packed rings, buffers merged or not, used in order. No offloads,
 * so that nothing in a header needs to be believed; no indirect descriptors, no event index, no log. */
#define FEATURES                                                                                             \
	(1ULL << VIRTIO_F_VERSION_1 | 1ULL << VIRTIO_F_IN_ORDER | 1ULL << VIRTIO_F_RING_PACKED |             \
		1ULL << VIRTIO_NET_F_MRG_RXBUF | 1ULL << VIRTIO_NET_F_MQ | 1ULL << VIRTIO_NET_F_MTU |        \
		1ULL << VHOST_USER_F_PROTOCOL_FEATURES)
#define PROTOCOL_FEATURES                                                                                    \
	(1ULL << VHOST_USER_PROTOCOL_F_MQ | 1ULL << VHOST_USER_PROTOCOL_F_REPLY_ACK |                        \
		1ULL << VHOST_USER_PROTOCOL_F_NET_MTU | 1ULL << VHOST_USER_PROTOCOL_F_STATUS)

/* rte_vhost connects again at once; a front end that hangs up each time must not fill the event thread or the
 * log. */
#define RECONNECT_PAUSE_NS 50000000L
#define RECONNECT_QUICK_S  1

/* One direction of one pair. Its ring belongs to the lcore while the port is attached, else to the event
 * thread. */
struct vm_queue {
	struct pmd_vm_ring ring;
	bool enabled; /* by the front end; read by the lcore */
	int call;     /* our own copy of the eventfd, or -1 */
	uint64_t frames;
	uint64_t bad;
} __rte_cache_aligned;

struct vm_port {
	struct pmd_port port;
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	uint32_t rings;     /* 2 * pairs; even ones are received by the guest */
	bool attached;      /* workers may use the rings; written by the event thread */
	bool told;          /* why this connection is of no use */
	time_t connected_s; /* monotonic */
	uint64_t refused;
	struct pmd_vm_guard guard;
	struct pmd_vm_memory memory;
	struct vm_queue queue[];
};

/* Connections by rte_vhost's device number. */
static struct vm_port *connections[RTE_MAX_VHOST_DEVICE];

#define PORTS_MAX 256

static struct vm_port *ports[PORTS_MAX];
static pthread_mutex_t ports_lock = PTHREAD_MUTEX_INITIALIZER;

/* The queue of a worker if there is something to poll. */
static inline struct vm_queue *
live_queue(struct vm_port *p, uint32_t ring)
{
	struct vm_queue *q = &p->queue[ring];

	if (!__atomic_load_n(&p->attached, __ATOMIC_ACQUIRE))
		return NULL;
	return __atomic_load_n(&q->enabled, __ATOMIC_RELAXED) && !q->ring.broken ? q : NULL;
}

static inline void
add(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

/* After a burst: wake the guest if it sleeps, tell when it broke the ring. */
static inline void
settle(struct vm_queue *q, uint16_t used_before)
{
	if (q->ring.last_used != used_before && q->call >= 0 && pmd_vm_ring_wants_call(&q->ring)) {
		const uint64_t one = 1;
		ssize_t rc = write(q->call, &one, sizeof(one));
		(void)rc; /* full: the guest has a call waiting */
	}
}

static uint16_t
vm_rx(struct pmd_port *port, uint16_t queue, struct rte_mbuf **pkts, uint16_t n)
{
	struct vm_queue *q = live_queue((struct vm_port *)port, 2u * queue + 1);
	uint64_t bad = 0;

	if (q == NULL)
		return 0;
	uint16_t before = q->ring.last_used;
	uint16_t count = pmd_vm_ring_dequeue(&q->ring, pmd_env.pool, pkts, n, &bad);
	if (q->ring.last_used == before)
		return 0;
	add(&q->frames, count);
	add(&q->bad, bad);
	settle(q, before);
	return count;
}

static uint16_t
vm_tx(struct pmd_port *port, uint16_t queue, struct rte_mbuf **pkts, uint16_t n)
{
	struct vm_queue *q = live_queue((struct vm_port *)port, 2u * queue);
	uint64_t bad = 0;

	if (q == NULL || n == 0)
		return 0;
	uint16_t before = q->ring.last_used;
	uint16_t done = pmd_vm_ring_enqueue(&q->ring, pkts, n, &bad);
	if (done == 0)
		return 0;
	add(&q->frames, done - bad);
	add(&q->bad, bad);
	settle(q, before);
	pmd_pool_return(pkts, done);
	return done;
}

static int
vm_flush(struct pmd_port *port)
{
	(void)port;
	return 0;
}

static void
vm_stats(const struct pmd_port *port, struct pmd_stats *stats)
{
	const struct vm_port *p = (const struct vm_port *)port;

	memset(stats, 0, sizeof(*stats));
	for (uint32_t i = 0; i < p->rings; i += 2)
		stats->tx_errors += __atomic_load_n(&p->queue[i].bad, __ATOMIC_RELAXED);
}

/* A part of a ring lies inside one region of guest memory. */
static bool
is_mapped(const struct pmd_vm_memory *memory, const void *part, uint64_t size)
{
	uintptr_t at = (uintptr_t)part;

	for (uint32_t i = 0; i < memory->count; i++) {
		uintptr_t start = (uintptr_t)memory->region[i].host;
		if (at >= start && at - start < memory->region[i].size &&
			size <= memory->region[i].size - (at - start))
			return true;
	}
	return false;
}

static const char *
attach_ring(struct vm_port *p, int vid, uint16_t index, uint64_t features)
{
	struct vm_queue *q = &p->queue[index];
	struct rte_vhost_vring v;
	uint16_t last_avail, last_used;

	memset(&v, 0, sizeof(v));
	if (rte_vhost_get_vhost_vring(vid, index, &v) != 0 ||
		rte_vhost_get_vring_base(vid, index, &last_avail, &last_used) != 0)
		return "ring is missing";
	q->ring = (struct pmd_vm_ring){
		.desc = v.desc,
		.avail = v.avail,
		.used = v.used,
		.memory = &p->memory,
		.size = v.size,
		.packed = (features & 1ULL << VIRTIO_F_RING_PACKED) != 0,
		.in_order = (features & 1ULL << VIRTIO_F_IN_ORDER) != 0,
		.mergeable = (features & 1ULL << VIRTIO_NET_F_MRG_RXBUF) != 0,
	};
	/* virtio 1.1, 2.6 and 2.7.10: descriptors of 16 bytes each; then two arrays, or two event words. */
	uint64_t avail_size = sizeof(struct vring_avail) + v.size * sizeof(uint16_t);
	uint64_t used_size = sizeof(struct vring_used) + v.size * sizeof(struct vring_used_elem);
	if (q->ring.packed)
		avail_size = used_size = sizeof(struct vring_packed_desc_event);
	/* rte_vhost calls a ring ready that it could map only in part. */
	if (!is_mapped(&p->memory, v.desc, v.size * sizeof(struct vring_desc)) ||
		!is_mapped(&p->memory, v.avail, avail_size) || !is_mapped(&p->memory, v.used, used_size))
		return "ring is not in guest memory";
	if (pmd_vm_ring_init(&q->ring, last_avail, last_used) != 0)
		return "ring has a wrong size, alignment or index";
	q->call = v.callfd >= 0 ? fcntl(v.callfd, F_DUPFD_CLOEXEC, 0) : -1;
	return v.callfd >= 0 && q->call < 0 ? strerror(errno) : NULL;
}

static const char *
attach_memory(struct vm_port *p, int vid)
{
	struct rte_vhost_memory *table;

	if (rte_vhost_get_mem_table(vid, &table) != 0)
		return "no guest memory";
	p->memory.count = 0;
	for (uint32_t i = 0; i < table->nregions && i < PMD_VM_REGIONS; i++) {
		const struct rte_vhost_mem_region *r = &table->regions[i];
		p->memory.region[p->memory.count++] = (struct pmd_vm_region){
			.guest = r->guest_phys_addr,
			.size = r->size,
			.host = (uint8_t *)(uintptr_t)r->host_user_addr,
		};
	}
	free(table);
	return NULL;
}

static void
detach_calls(struct vm_port *p)
{
	for (uint32_t i = 0; i < p->rings; i++) {
		if (p->queue[i].call >= 0)
			close(p->queue[i].call);
		p->queue[i].call = -1;
	}
}

static bool
all_enabled(const struct vm_port *p)
{
	for (uint32_t i = 0; i < p->rings; i++) {
		if (!__atomic_load_n(&p->queue[i].enabled, __ATOMIC_RELAXED))
			return false;
	}
	return true;
}

/* One line for a run of quick connections. */
static void
tell(struct vm_port *p, const char *what, const char *why)
{
	if (!p->told)
		PMD_LOG(WARNING, "port '%s': %s: %s\n", p->port.name, what, why);
	p->told = true;
}

/* rte_vhost asks again after each message until this succeeds: it may be ready with the first pair alone. */
static int
new_device(int vid)
{
	struct vm_port *p = connections[vid];
	uint64_t features = 0;
	const char *why;

	if (p == NULL || p->guard.attached || !all_enabled(p))
		return -1;
	rte_vhost_get_negotiated_features(vid, &features);
	why = (features & 1ULL << VIRTIO_F_VERSION_1) != 0 ? attach_memory(p, vid)
	                                                   : "VIRTIO_F_VERSION_1 is wanted";
	for (uint16_t i = 0; why == NULL && i < p->rings; i++)
		why = attach_ring(p, vid, i, features);
	if (why != NULL) {
		tell(p, "guest cannot be attached", why);
		detach_calls(p);
		return -1;
	}
	p->guard.attached = true;
	p->guard.messages = 0;
	__atomic_store_n(&p->attached, true, __ATOMIC_RELEASE);
	PMD_LOG(INFO, "port '%s': attached\n", p->port.name);
	return 0;
}

static void
destroy_device(int vid)
{
	struct vm_port *p = connections[vid];

	if (p == NULL || !p->guard.attached)
		return;
	__atomic_store_n(&p->attached, false, __ATOMIC_RELEASE);
	/* After this no worker has a pointer into guest memory. */
	rte_rcu_qsbr_synchronize(pmd_env.qsbr, RTE_QSBR_THRID_INVALID);
	for (uint16_t i = 0; i < p->rings; i++)
		rte_vhost_set_vring_base(vid, i, p->queue[i].ring.last_avail, p->queue[i].ring.last_used);
	detach_calls(p);
	p->guard.attached = false;
	PMD_LOG(INFO, "port '%s': detached\n", p->port.name);
}

/* Called with locks of rte_vhost held: note it and return. */
static int
vring_state_changed(int vid, uint16_t ring, int enable)
{
	struct vm_port *p = connections[vid];

	if (p != NULL && ring < p->rings)
		__atomic_store_n(&p->queue[ring].enabled, enable != 0, __ATOMIC_RELAXED);
	return 0;
}

static enum rte_vhost_msg_result
before_message(int vid, void *msg)
{
	struct vm_port *p = connections[vid];
	const char *why;

	if (p == NULL)
		return RTE_VHOST_MSG_RESULT_ERR;
	enum rte_vhost_msg_result rc = pmd_vm_guard_check(&p->guard, msg, &why);
	if (rc == RTE_VHOST_MSG_RESULT_ERR) {
		tell(p, "front end refused", why);
		add(&p->refused, 1);
	}
	return rc;
}

static void
pause_if_quick(struct vm_port *p)
{
	const struct timespec pause = {.tv_nsec = RECONNECT_PAUSE_NS};
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	bool quick = p->connected_s != 0 && now.tv_sec - p->connected_s <= RECONNECT_QUICK_S;
	p->connected_s = now.tv_sec;
	if (quick)
		nanosleep(&pause, NULL);
	else
		p->told = false;
}

static int
new_connection(int vid)
{
	static const struct rte_vhost_user_extern_ops guard_ops = {.pre_msg_handle = before_message};
	char path[PATH_MAX] = "";
	struct vm_port *p = NULL;

	if (rte_vhost_get_ifname(vid, path, sizeof(path)) != 0)
		return -1;
	pthread_mutex_lock(&ports_lock);
	for (int i = 0; i < PORTS_MAX && p == NULL; i++) {
		if (ports[i] != NULL && strcmp(ports[i]->path, path) == 0)
			p = ports[i];
	}
	pthread_mutex_unlock(&ports_lock);
	if (p == NULL)
		return -1;

	pause_if_quick(p);
	pmd_vm_guard_timeouts(p->path);
	p->guard = (struct pmd_vm_guard){.rings = p->rings};
	for (uint32_t i = 0; i < p->rings; i++)
		__atomic_store_n(&p->queue[i].enabled, false, __ATOMIC_RELAXED);
	connections[vid] = p;
	return rte_vhost_extern_callback_register(vid, &guard_ops, NULL);
}

static void
destroy_connection(int vid)
{
	connections[vid] = NULL;
}

static const struct rte_vhost_device_ops device_ops = {
	.new_device = new_device,
	.destroy_device = destroy_device,
	.vring_state_changed = vring_state_changed,
	.new_connection = new_connection,
	.destroy_connection = destroy_connection,
};

static void
forget(struct vm_port *p)
{
	pthread_mutex_lock(&ports_lock);
	for (int i = 0; i < PORTS_MAX; i++) {
		if (ports[i] == p)
			ports[i] = NULL;
	}
	pthread_mutex_unlock(&ports_lock);
	for (int i = 0; i < RTE_MAX_VHOST_DEVICE; i++) {
		if (connections[i] == p)
			connections[i] = NULL;
	}
	free(p);
}

static void
vm_close(struct pmd_port *port)
{
	struct vm_port *p = (struct vm_port *)port;

	/* Ends the connection through destroy_device. */
	rte_vhost_driver_unregister(p->path);
	forget(p);
}

static const struct pmd_ops vm_ops = {
	.name = "vm",
	.rx = vm_rx,
	.tx = vm_tx,
	.flush = vm_flush,
	.stats = vm_stats,
	.close = vm_close,
};

static int
remember(struct vm_port *p)
{
	int rc = -ENOSPC;

	pthread_mutex_lock(&ports_lock);
	for (int i = 0; i < PORTS_MAX && rc == -ENOSPC; i++) {
		if (ports[i] != NULL && strcmp(ports[i]->path, p->path) == 0)
			rc = -EEXIST;
	}
	for (int i = 0; i < PORTS_MAX && rc == -ENOSPC; i++) {
		if (ports[i] == NULL) {
			ports[i] = p;
			rc = 0;
		}
	}
	pthread_mutex_unlock(&ports_lock);
	return rc;
}

int
pmd_vm_open(
	const char *name, const char *socket, uint16_t pairs, struct pmd_port **port, char *err, int err_size)
{
	int rc;

	if (pairs == 0 || pairs > HV_MAX_PAIRS)
		return pmd_fail(-EINVAL, err, err_size, "port '%s': %u queue pairs: 1 to %u", name, pairs,
			HV_MAX_PAIRS);
	if (strlen(socket) >= sizeof(((struct vm_port *)NULL)->path))
		return pmd_fail(-ENAMETOOLONG, err, err_size,
			"port '%s': socket path '%s' is longer than %zu bytes", name, socket,
			sizeof(((struct vm_port *)NULL)->path) - 1);
	size_t size = sizeof(struct vm_port) + 2u * pairs * sizeof(struct vm_queue);
	struct vm_port *p =
		aligned_alloc(RTE_CACHE_LINE_SIZE, RTE_ALIGN_CEIL(size, (size_t)RTE_CACHE_LINE_SIZE));
	if (p == NULL)
		return pmd_fail(-ENOMEM, err, err_size, "port '%s': no memory", name);
	memset(p, 0, size);
	pmd_port_init(&p->port, &vm_ops, name, pairs);
	strcpy(p->path, socket);
	p->rings = 2u * pairs;
	for (uint32_t i = 0; i < p->rings; i++)
		p->queue[i].call = -1;

	rc = remember(p);
	if (rc < 0) {
		free(p);
		return pmd_fail(rc, err, err_size, "port '%s': socket '%s': %s", name, socket,
			rc == -EEXIST ? "belongs to another port" : "256 VM ports at most");
	}
	if (rte_vhost_driver_register(socket, RTE_VHOST_USER_CLIENT) != 0) {
		forget(p);
		return pmd_fail(
			-EIO, err, err_size, "port '%s': socket '%s' cannot be registered", name, socket);
	}
	if (rte_vhost_driver_set_features(socket, FEATURES) != 0 ||
		rte_vhost_driver_set_protocol_features(socket, PROTOCOL_FEATURES) != 0 ||
		rte_vhost_driver_callback_register(socket, &device_ops) != 0 ||
		rte_vhost_driver_start(socket) != 0) {
		vm_close(&p->port);
		return pmd_fail(
			-EIO, err, err_size, "port '%s': socket '%s' cannot be started", name, socket);
	}
	*port = &p->port;
	return 0;
}

bool
pmd_vm_up(const struct pmd_port *port)
{
	const struct vm_port *p = (const struct vm_port *)port;

	if (!__atomic_load_n(&p->attached, __ATOMIC_ACQUIRE) || !all_enabled(p))
		return false;
	for (uint32_t i = 0; i < p->rings; i++) {
		if (__atomic_load_n(&p->queue[i].ring.broken, __ATOMIC_RELAXED))
			return false;
	}
	return true;
}

bool
pmd_vm_attached(const struct pmd_port *port)
{
	const struct vm_port *p = (const struct vm_port *)port;

	/* The event thread clears the first, waits for the workers, then clears the second. */
	return __atomic_load_n(&p->attached, __ATOMIC_ACQUIRE) ||
	       __atomic_load_n(&p->guard.attached, __ATOMIC_ACQUIRE);
}

void
pmd_vm_count_anew(struct pmd_port *port)
{
	struct vm_port *p = (struct vm_port *)port;

	for (uint32_t i = 0; i < p->rings; i++) {
		__atomic_store_n(&p->queue[i].frames, 0, __ATOMIC_RELAXED);
		__atomic_store_n(&p->queue[i].bad, 0, __ATOMIC_RELAXED);
	}
}

void
pmd_vm_faults(const struct pmd_port *port, struct pmd_vm_faults *faults)
{
	const struct vm_port *p = (const struct vm_port *)port;

	memset(faults, 0, sizeof(*faults));
	faults->refused = __atomic_load_n(&p->refused, __ATOMIC_RELAXED);
	for (uint32_t i = 0; i < p->rings; i++) {
		faults->frames += __atomic_load_n(&p->queue[i].bad, __ATOMIC_RELAXED);
		faults->broken += __atomic_load_n(&p->queue[i].ring.broken, __ATOMIC_RELAXED);
	}
}

void
pmd_vm_queue_stats(const struct pmd_port *port, uint16_t queue, struct pmd_vm_queue_stats *stats)
{
	const struct vm_port *p = (const struct vm_port *)port;

	stats->enqueued = __atomic_load_n(&p->queue[2u * queue].frames, __ATOMIC_RELAXED);
	stats->dequeued = __atomic_load_n(&p->queue[2u * queue + 1].frames, __ATOMIC_RELAXED);
	stats->oversize = __atomic_load_n(&p->queue[2u * queue].bad, __ATOMIC_RELAXED);
	stats->malformed = __atomic_load_n(&p->queue[2u * queue + 1].bad, __ATOMIC_RELAXED);
}
