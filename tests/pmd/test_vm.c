#include "fake_front.h"
#include "test_pmd.h"

#include "pmd_vm_guard.h"

#include <rte_launch.h>
#include <rte_lcore.h>

#include <dirent.h>
#include <time.h>

#define SIZE   64
#define BUFFER 2048u
#define RX     0 /* ring the guest receives from */
#define TX     1

static char dir[] = "/tmp/sluice-vm-XXXXXX";
static char path[64];
static uint8_t frame[PMD_FRAME_MAX], got[PMD_FRAME_MAX];
static struct front front;
static struct pmd_port *port;
static int files_before;

static int
open_files(void)
{
	int n = 0;
	DIR *d = opendir("/proc/self/fd");

	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

static int
setup(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL || test_pmd_init() != 0)
		return -1;
	fill(frame, sizeof(frame), 7);
	snprintf(path, sizeof(path), "%s/sock", dir);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir);
}

static void
nap(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

/* Wait up to 5 s for the port to be up or not. */
static bool
becomes(bool up)
{
	for (int i = 0; i < 5000; i++) {
		if (pmd_vm_up(port) == up)
			return true;
		nap();
	}
	return false;
}

static void
open_port(uint16_t pairs)
{
	char err[256] = "";

	unlink(path);
	assert_int_equal(front_listen(&front, path), 0);
	if (pmd_vm_open("vm", path, pairs, &port, err, sizeof(err)) != 0)
		fail_msg("%s", err);
	assert_false(pmd_vm_up(port));
	assert_int_equal(front_accept(&front, 3000), 0);
}

static void
open_running_port(uint16_t pairs)
{
	open_port(pairs);
	assert_int_equal(front_memory(&front, 2u * pairs, SIZE, BUFFER, FRONT_SEALS), 0);
	assert_int_equal(front_start(&front), 0);
	assert_true(becomes(true));
}

static void
close_port(void)
{
	port->ops->close(port);
	front_close(&front);
	assert_no_mbuf_lost();
}

/* One frame there and back. */
static void
assert_echo(uint16_t queue, uint32_t size)
{
	struct guest_ring *rx = &front.ring[2 * queue + RX], *tx = &front.ring[2 * queue + TX];
	struct rte_mbuf *m;

	guest_send(tx, frame, size);
	assert_int_equal(pmd_rx(port, queue, &m, 1), 1);
	assert_frame(m, frame, size);
	assert_int_equal(guest_used(tx), 1);
	tx->last_used++;
	guest_post(rx, (uint16_t)((size + GUEST_HEADER + BUFFER - 1) / BUFFER));
	assert_int_equal(pmd_tx(port, queue, &m, 1), 1);
	assert_int_equal(guest_receive(rx, got), size);
	assert_memory_equal(got, frame, size);
}

static void
frames_of_all_sizes_pass_both_ways_on_each_pair(void **state)
{
	static const uint32_t sizes[] = {14, 60, 1514, 2048, 9014, 65535};
	struct pmd_vm_queue_stats stats;

	(void)state;
	open_running_port(3);
	for (uint16_t q = 0; q < 3; q++) {
		for (size_t i = 0; i < RTE_DIM(sizes); i++)
			assert_echo(q, sizes[i]);
		pmd_vm_queue_stats(port, q, &stats);
		assert_int_equal(stats.enqueued, RTE_DIM(sizes));
		assert_int_equal(stats.dequeued, RTE_DIM(sizes));
	}
	close_port();
}

static void
full_ring_takes_the_first_frames_and_frees_them(void **state)
{
	struct rte_mbuf *pkts[32];

	(void)state;
	open_running_port(1);
	guest_post(&front.ring[RX], 20);
	for (int i = 0; i < 32; i++)
		pkts[i] = pmd_mbuf_copy(frame, 60);
	assert_int_equal(pmd_tx(port, 0, pkts, 32), 20);
	assert_int_equal(rte_mempool_avail_count(test_pool), POOL_SIZE - 12);
	assert_int_equal(pmd_tx(port, 0, pkts + 20, 12), 0);
	rte_pktmbuf_free_bulk(pkts + 20, 12);
	close_port();
}

static void
guest_that_sleeps_is_called_and_one_that_polls_is_not(void **state)
{
	struct rte_mbuf *m;
	uint64_t calls;

	(void)state;
	open_running_port(1);
	struct guest_ring *rx = &front.ring[RX];
	guest_post(rx, 2);
	rx->avail->flags = VRING_AVAIL_F_NO_INTERRUPT;
	m = pmd_mbuf_copy(frame, 60);
	assert_int_equal(pmd_tx(port, 0, &m, 1), 1);
	assert_int_equal(read(front.call[RX], &calls, sizeof(calls)), -1);
	rx->avail->flags = 0;
	m = pmd_mbuf_copy(frame, 60);
	assert_int_equal(pmd_tx(port, 0, &m, 1), 1);
	assert_int_equal(read(front.call[RX], &calls, sizeof(calls)), sizeof(calls));
	assert_int_equal(calls, 1);
	/* Nor is it asked to kick. */
	assert_int_equal(front.ring[TX].used->flags, VRING_USED_F_NO_NOTIFY);
	assert_int_equal(rx->used->flags, VRING_USED_F_NO_NOTIFY);
	close_port();
}

static void
only_plain_features_are_offered(void **state)
{
	uint64_t features, pairs;

	(void)state;
	open_port(3);
	assert_int_equal(front_ask(&front, FRONT_GET_FEATURES, &features), 0);
	assert_true(features == (1ull << 3 | 1ull << 15 | 1ull << 22 | 1ull << 30 | 1ull << 32 | 1ull << 35));
	assert_int_equal(front_ask(&front, FRONT_GET_QUEUE_NUM, &pairs), 0);
	assert_int_equal(pairs, 3);
	close_port();
}

static void
port_is_up_only_with_all_pairs(void **state)
{
	(void)state;
	open_port(2);
	assert_int_equal(front_memory(&front, 4, SIZE, BUFFER, FRONT_SEALS), 0);
	assert_int_equal(front_negotiate(&front, UINT64_MAX) | front_set_memory(&front), 0);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(front_set_ring(&front, i), 0);
	assert_int_equal(front_number(&front, FRONT_SET_STATUS, FRONT_STATUS_OK), 0);
	for (int i = 0; i < 50; i++)
		nap();
	assert_false(pmd_vm_up(port));
	assert_int_equal(front_set_ring(&front, 3), 0);
	assert_true(becomes(true));
	assert_echo(1, 60);

	/* A ring that is disabled is not served, and is again later. */
	struct rte_mbuf *m;
	assert_int_equal(front_state(&front, FRONT_SET_VRING_ENABLE, 3, 0), 0);
	assert_true(becomes(false));
	guest_send(&front.ring[3], frame, 60);
	assert_int_equal(pmd_rx(port, 1, &m, 1), 0);
	assert_int_equal(front_state(&front, FRONT_SET_VRING_ENABLE, 3, 1), 0);
	assert_true(becomes(true));
	assert_int_equal(pmd_rx(port, 1, &m, 1), 1);
	rte_pktmbuf_free(m);
	close_port();
}

static void
guest_may_stop_and_start_its_rings(void **state)
{
	uint64_t base;

	(void)state;
	open_running_port(1);
	for (int i = 0; i < 5; i++)
		assert_echo(0, 60);
	for (uint32_t i = 0; i < 2; i++) {
		assert_int_equal(front_state(&front, FRONT_GET_VRING_BASE, i, 0), 0);
		base = front_reply(&front);
		assert_int_equal(base >> 32, 5); /* what we have taken, not what rte_vhost would have */
	}
	assert_false(pmd_vm_up(port));
	assert_int_equal(front_set_memory(&front), 0);
	assert_int_equal(front_set_ring(&front, 0) | front_set_ring(&front, 1), 0);
	assert_true(becomes(true));
	assert_echo(0, 61);
	close_port();
}

static void
runner_may_come_back_with_new_memory(void **state)
{
	struct pmd_vm_faults faults;

	(void)state;
	open_running_port(1);
	assert_echo(0, 60);
	for (int i = 0; i < 2; i++) {
		struct rte_mbuf *m = pmd_mbuf_copy(frame, 60);
		front_close(&front);
		assert_true(becomes(false));
		assert_int_equal(pmd_tx(port, 0, &m, 1), 0);
		rte_pktmbuf_free(m);
		unlink(path);
		assert_int_equal(front_listen(&front, path), 0);
		assert_int_equal(front_accept(&front, 3000), 0);
		assert_int_equal(front_memory(&front, 2, SIZE, BUFFER, FRONT_SEALS), 0);
		assert_int_equal(front_start(&front), 0);
		assert_true(becomes(true));
		assert_echo(0, 1514);
	}
	pmd_vm_faults(port, &faults);
	assert_int_equal(faults.refused, 0);
	close_port();
}

static void
back_end_goes_on_where_it_stopped(void **state)
{
	char err[256];

	(void)state;
	open_running_port(1);
	for (int i = 0; i < 10; i++)
		assert_echo(0, 60);
	/* The dataplane restarts; the runner keeps its memory. */
	port->ops->close(port);
	front_hang_up(&front);
	assert_int_equal(pmd_vm_open("vm", path, 1, &port, err, sizeof(err)), 0);
	assert_int_equal(front_accept(&front, 3000), 0);
	assert_int_equal(front_start(&front), 0);
	assert_true(becomes(true));
	assert_echo(0, 61);
	close_port();
}

static volatile bool worker_stops;
static uint64_t worker_frames;

/* A worker that sends back what it gets, as the dataplane does. */
static int
echo_worker(void *arg)
{
	struct rte_mbuf *pkts[32];

	(void)arg;
	rte_rcu_qsbr_thread_register(test_qsbr, 0);
	rte_rcu_qsbr_thread_online(test_qsbr, 0);
	while (!worker_stops) {
		uint16_t n = pmd_rx(port, 0, pkts, 32);
		uint16_t sent = n > 0 ? pmd_tx(port, 0, pkts, n) : 0;
		rte_pktmbuf_free_bulk(pkts + sent, (unsigned int)(n - sent));
		worker_frames += n;
		rte_rcu_qsbr_quiescent(test_qsbr, 0);
	}
	rte_rcu_qsbr_thread_offline(test_qsbr, 0);
	rte_rcu_qsbr_thread_unregister(test_qsbr, 0);
	return 0;
}

static void
runner_may_vanish_in_full_traffic(void **state)
{
	const unsigned int lcore = 1;

	(void)state;
	worker_stops = false;
	open_running_port(1);
	assert_int_equal(rte_eal_remote_launch(echo_worker, NULL, lcore), 0);
	for (int round = 0; round < 20; round++) {
		uint64_t before = worker_frames;
		guest_post(&front.ring[RX], SIZE);
		for (int i = 0; i < 2000 && worker_frames < before + 200; i++) {
			struct guest_ring *tx = &front.ring[TX], *rx = &front.ring[RX];
			if ((uint16_t)(tx->avail->idx - tx->used->idx) < SIZE)
				guest_send(tx, frame, 60);
			else
				nap();
			while (guest_receive(rx, got) >= 0)
				guest_post(rx, 1);
		}
		assert_true(worker_frames > before);
		front_close(&front);
		unlink(path);
		assert_int_equal(front_listen(&front, path), 0);
		assert_int_equal(front_accept(&front, 3000), 0);
		assert_int_equal(front_memory(&front, 2, SIZE, BUFFER, FRONT_SEALS), 0);
		assert_int_equal(front_start(&front), 0);
		assert_true(becomes(true));
	}
	worker_stops = true;
	assert_int_equal(rte_eal_wait_lcore(lcore), 0);
	close_port();
}

static void
broken_ring_takes_the_port_down_and_nothing_else(void **state)
{
	struct pmd_vm_faults faults;
	struct rte_mbuf *m;

	(void)state;
	open_running_port(2);
	guest_send(&front.ring[TX], frame, 60);
	front.ring[TX].desc[0].addr = 1;
	assert_int_equal(pmd_rx(port, 0, &m, 1), 0);
	assert_false(pmd_vm_up(port));
	pmd_vm_faults(port, &faults);
	assert_int_equal(faults.broken, 1);
	assert_int_equal(pmd_rx(port, 0, &m, 1), 0);
	assert_echo(1, 60);
	close_port();
}

/* After a step the connection ends and is counted. */
static void
assert_refused(const char *what)
{
	struct pmd_vm_faults faults;

	if (!front_was_dropped(&front, 3000))
		fail_msg("%s: not refused", what);
	assert_false(pmd_vm_up(port));
	pmd_vm_faults(port, &faults);
	if (faults.refused < 1)
		fail_msg("%s: not counted", what);
}

enum memory_lie {
	UNSEALED,
	SHRINK_ONLY,
	GROW_ONLY,
	WRITE_SEALED,
	READ_ONLY,
	NO_MEMFD,
	TOO_SHORT,
	OFFSET_WRAPS,
	GUEST_WRAPS,
	USER_WRAPS,
	EMPTY,
	NO_REGION,
	NINE_REGIONS,
	OVERLAP,
	NO_FILE,
	SURPLUS_FILE,
	TABLE_CUT,
	LIES
};

static void
send_lie(enum memory_lie lie)
{
	static const int seals[LIES] = {
		[UNSEALED] = 0, [SHRINK_ONLY] = F_SEAL_SHRINK, [GROW_ONLY] = F_SEAL_GROW};
	struct front_message m;
	struct front_region *r = m.payload.memory.region;
	unsigned int files = 1;
	int fds[9];

	assert_int_equal(
		front_memory(&front, 2, SIZE, BUFFER, lie <= GROW_ONLY ? seals[lie] : FRONT_SEALS), 0);
	assert_int_equal(front_negotiate(&front, UINT64_MAX), 0);
	front_table(&front, &m);
	for (int i = 0; i < 9; i++)
		fds[i] = front.memory_fd;
	switch (lie) {
	case WRITE_SEALED:
		assert_int_equal(fcntl(front.memory_fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE), 0);
		break;
	case READ_ONLY: {
		char name[32];
		snprintf(name, sizeof(name), "/proc/self/fd/%d", front.memory_fd);
		fds[0] = open(name, O_RDONLY | O_CLOEXEC);
		break;
	}
	case NO_MEMFD:
		fds[0] = open("/dev/zero", O_RDWR | O_CLOEXEC);
		break;
	case TOO_SHORT:
		r->size += 1;
		break;
	case OFFSET_WRAPS:
		r->offset = UINT64_MAX - 4095;
		break;
	case GUEST_WRAPS:
		r->guest = UINT64_MAX - 4095;
		break;
	case USER_WRAPS:
		r->user = UINT64_MAX - 4095;
		break;
	case EMPTY:
		r->size = 0;
		break;
	case NO_REGION:
		m.payload.memory.count = 0;
		m.size = 8;
		files = 0;
		break;
	case NINE_REGIONS:
		m.payload.memory.count = 9;
		for (uint64_t i = 0; i < 9; i++)
			r[i] = (struct front_region){
				FRONT_GUEST + (i << 40), 4096, FRONT_USER + (i << 40), 0};
		m.size = 8 + 9 * 32;
		files = 8; /* the protocol allows no more in a message */
		break;
	case OVERLAP:
		m.payload.memory.count = 2;
		r[1] = r[0];
		r[1].guest += 4096;
		r[1].user += 1ull << 40;
		m.size = 8 + 2 * 32;
		files = 2;
		break;
	case NO_FILE:
		files = 0;
		break;
	case SURPLUS_FILE:
		files = 3;
		break;
	case TABLE_CUT:
		m.size -= 8;
		break;
	default:
		break;
	}
	assert_int_equal(front_send(&front, &m, fds, files), 0);
	if (fds[0] != front.memory_fd)
		close(fds[0]);
}

static void
memory_that_could_vanish_or_lies_is_refused(void **state)
{
	(void)state;
	files_before = open_files();
	for (int lie = 0; lie < LIES; lie++) {
		char what[32];
		snprintf(what, sizeof(what), "memory lie %d", lie);
		open_port(1);
		send_lie((enum memory_lie)lie);
		assert_refused(what);
		close_port();
	}
	assert_in_range(open_files(), files_before, files_before + 1); /* a log or a pipe of EAL at most */
}

static void
sealed_memory_cannot_be_shrunk_afterwards(void **state)
{
	(void)state;
	open_running_port(1);
	assert_int_equal(ftruncate(front.memory_fd, 4096), -1);
	assert_int_equal(errno, EPERM);
	assert_echo(0, 60);
	close_port();
}

/* Messages that no front end may send, before or after the rings run. */
struct hostile {
	const char *what;
	bool running;
	struct front_message message;
};

static const struct hostile hostiles[] = {
	{"ring above the port's", false, {FRONT_SET_VRING_NUM, 1, 8, {.state = {2, 64}}}},
	{"ring 255", false, {FRONT_SET_VRING_NUM, 1, 8, {.state = {255, 64}}}},
	{"ring 256", false, {FRONT_SET_VRING_NUM, 1, 8, {.state = {256, 64}}}},
	{"ring 65536", false, {FRONT_SET_VRING_NUM, 1, 8, {.state = {65536, 64}}}},
	{"ring 2^32-1", false, {FRONT_GET_VRING_BASE, 1, 8, {.state = {UINT32_MAX, 0}}}},
	{"enable ring 200", false, {FRONT_SET_VRING_ENABLE, 1, 8, {.state = {200, 1}}}},
	{"size 0", false, {FRONT_SET_VRING_NUM, 1, 8, {.state = {0, 0}}}},
	{"size 3", false, {FRONT_SET_VRING_NUM, 1, 8, {.state = {0, 3}}}},
	{"size 65536", false, {FRONT_SET_VRING_NUM, 1, 8, {.state = {0, 65536}}}},
	{"size 3, acknowledged", false, {FRONT_SET_VRING_NUM, 9, 8, {.state = {0, 3}}}},
	{"addresses before size", false, {FRONT_SET_VRING_ADDR, 1, 40, {.addr = {.index = 0}}}},
	{"base above 16 bits", false, {FRONT_SET_VRING_BASE, 1, 8, {.state = {0, 65536}}}},
	{"kick without file", false, {FRONT_SET_VRING_KICK, 1, 8, {.u64 = 0}}},
	{"call of ring 200 without file", false, {FRONT_SET_VRING_CALL, 1, 8, {.u64 = 0x1c8}}},
	{"call with high bits", false, {FRONT_SET_VRING_CALL, 1, 8, {.u64 = 1ull << 40 | 0x100}}},
	{"features nobody offered", false, {FRONT_SET_FEATURES, 1, 8, {.u64 = UINT64_MAX}}},
	{"log", false, {FRONT_SET_LOG_BASE, 1, 16, {.u64 = UINT64_MAX}}},
	{"reset owner", false, {FRONT_RESET_OWNER, 1, 0, {.u64 = 0}}},
	{"rarp", false, {FRONT_SEND_RARP, 1, 8, {.u64 = 1}}},
	{"slave channel", false, {FRONT_SET_SLAVE_REQ_FD, 1, 8, {.u64 = 1}}},
	{"iotlb", false, {FRONT_IOTLB, 1, 32, {.u64 = 1}}},
	{"postcopy", false, {FRONT_POSTCOPY_ADVISE, 1, 0, {.u64 = 0}}},
	{"inflight out", false, {FRONT_GET_INFLIGHT, 1, 24, {.bytes = {[16] = 0xff, 0xff, 0xff, 0xff}}}},
	{"inflight in", false, {FRONT_SET_INFLIGHT, 1, 24, {.bytes = {[16] = 1, 0, 0xff, 0xff}}}},
	{"request 0", false, {0, 1, 0, {.u64 = 0}}},
	{"request 23", false, {23, 1, 0, {.u64 = 0}}},
	{"request 4 billion", false, {UINT32_MAX, 1, 0, {.u64 = 0}}},
	{"version 0", false, {FRONT_SET_OWNER, 0, 0, {.u64 = 0}}},
	{"a reply", false, {FRONT_SET_OWNER, 5, 0, {.u64 = 0}}},
	{"message too short", false, {FRONT_SET_FEATURES, 1, 4, {.u64 = 0}}},
	{"message too long", false, {FRONT_SET_FEATURES, 1, 16, {.u64 = 0}}},
	{"live size", true, {FRONT_SET_VRING_NUM, 1, 8, {.state = {0, 32768}}}},
	{"live size, acknowledged", true, {FRONT_SET_VRING_NUM, 9, 8, {.state = {0, 32768}}}},
	{"live addresses", true, {FRONT_SET_VRING_ADDR, 1, 40, {.addr = {.index = 0}}}},
	{"live base", true, {FRONT_SET_VRING_BASE, 1, 8, {.state = {0, 9}}}},
	{"live features", true, {FRONT_SET_FEATURES, 1, 8, {.u64 = 0}}},
	{"live call", true, {FRONT_SET_VRING_CALL, 1, 8, {.u64 = 0x100}}},
	{"live kick", true, {FRONT_SET_VRING_KICK, 1, 8, {.u64 = 0x100}}},
};

static void
malformed_messages_end_the_connection_only(void **state)
{
	(void)state;
	for (size_t i = 0; i < RTE_DIM(hostiles); i++) {
		const struct hostile *h = &hostiles[i];
		if (h->running)
			open_running_port(1);
		else
			open_port(1);
		if (!h->running)
			assert_int_equal(front_memory(&front, 2, SIZE, BUFFER, FRONT_SEALS), 0);
		if (front_send_part(&front, &h->message, 12 + (size_t)h->message.size, NULL, 0) != 0)
			fail_msg("%s: not sent", h->what);
		/* Some are refused by rte_vhost itself. */
		if (!front_was_dropped(&front, 3000))
			fail_msg("%s: not refused", h->what);
		assert_true(becomes(false));
		/* It comes again and is served. */
		front_hang_up(&front);
		assert_int_equal(front_accept(&front, 5000), 0);
		if (front_start(&front) != 0 || !becomes(true))
			fail_msg("%s: no service afterwards", h->what);
		assert_echo(0, 60);
		close_port();
	}
}

static void
files_of_wrong_kind_or_number_are_refused(void **state)
{
	int pipe_fds[2];

	(void)state;
	assert_int_equal(pipe(pipe_fds), 0);
	open_port(1);
	/* A worker would block in a full pipe. */
	assert_int_equal(front_file(&front, FRONT_SET_VRING_CALL, 0, pipe_fds[1]), 0);
	assert_refused("call to a pipe");
	close_port();

	open_port(1);
	struct front_message owner = {.request = FRONT_SET_OWNER};
	assert_int_equal(front_send(&front, &owner, pipe_fds, 2), 0);
	assert_refused("files where none belong");
	close_port();

	open_port(1);
	struct front_message kick = {.request = FRONT_SET_VRING_KICK, .size = 8};
	assert_int_equal(front_send(&front, &kick, pipe_fds, 2), 0);
	assert_refused("two files");
	close_port();
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

static void
ring_that_does_not_fit_its_memory_is_not_served(void **state)
{
	(void)state;
	open_port(1);
	assert_int_equal(front_memory(&front, 2, SIZE, BUFFER, FRONT_SEALS), 0);
	assert_int_equal(front_negotiate(&front, UINT64_MAX) | front_set_memory(&front), 0);
	assert_int_equal(front_set_ring(&front, 0), 0);
	/* The used ring of ring 1 ends behind the memory. */
	front.ring[1].used = (struct vring_used *)(front.memory + front.memory_size - 16);
	assert_int_equal(front_set_ring(&front, 1), 0);
	assert_int_equal(front_number(&front, FRONT_SET_STATUS, FRONT_STATUS_OK), 0);
	for (int i = 0; i < 100; i++)
		nap();
	assert_false(pmd_vm_up(port));
	close_port();
}

static void
front_end_may_stop_at_every_step(void **state)
{
	(void)state;
	open_port(1);
	assert_int_equal(front_memory(&front, 2, SIZE, BUFFER, FRONT_SEALS), 0);
	for (int steps = 0; steps < 8; steps++) {
		if (steps > 0)
			assert_int_equal(front_negotiate(&front, UINT64_MAX), 0);
		if (steps > 1)
			assert_int_equal(front_set_memory(&front), 0);
		if (steps > 2)
			assert_int_equal(front_state(&front, FRONT_SET_VRING_NUM, 0, SIZE), 0);
		if (steps > 3)
			assert_int_equal(front_addr(&front, 0), 0);
		if (steps > 4)
			assert_int_equal(front_set_ring(&front, 1), 0);
		if (steps > 5)
			assert_int_equal(front_file(&front, FRONT_SET_VRING_KICK, 0, front.kick[0]), 0);
		if (steps > 6)
			assert_int_equal(front_file(&front, FRONT_SET_VRING_CALL, 0, front.call[0]), 0);
		front_hang_up(&front);
		assert_int_equal(front_accept(&front, 5000), 0);
	}
	assert_int_equal(front_start(&front), 0);
	assert_true(becomes(true));
	assert_echo(0, 60);
	close_port();
}

static void
message_that_never_ends_does_not_hold_up_other_ports(void **state)
{
	struct front_message m = {.request = FRONT_SET_FEATURES, .flags = 1, .size = 8};
	struct front stuck;
	struct pmd_port *stuck_port;
	char err[256], stuck_path[80];

	(void)state;
	snprintf(stuck_path, sizeof(stuck_path), "%s/stuck", dir);
	assert_int_equal(front_listen(&stuck, stuck_path), 0);
	assert_int_equal(pmd_vm_open("stuck", stuck_path, 1, &stuck_port, err, sizeof(err)), 0);
	assert_int_equal(front_accept(&stuck, 3000), 0);
	assert_int_equal(front_send_part(&stuck, &m, 12, NULL, 0), 0);
	open_running_port(1);
	assert_echo(0, 60);
	close_port();
	assert_true(front_was_dropped(&stuck, 3000));
	stuck_port->ops->close(stuck_port);
	front_close(&stuck);
	unlink(stuck_path);
}

static void
wrong_settings_are_named(void **state)
{
	struct pmd_port *other;
	char err[256], longest[120];

	(void)state;
	assert_int_equal(pmd_vm_open("vm", path, 0, &other, err, sizeof(err)), -EINVAL);
	assert_int_equal(pmd_vm_open("vm", path, 17, &other, err, sizeof(err)), -EINVAL);
	assert_string_equal(err, "port 'vm': 17 queue pairs: 1 to 16");
	memset(longest, 'x', sizeof(longest));
	longest[108] = '\0';
	assert_int_equal(pmd_vm_open("vm", longest, 1, &other, err, sizeof(err)), -ENAMETOOLONG);
	open_port(1);
	assert_int_equal(pmd_vm_open("other", path, 1, &other, err, sizeof(err)), -EEXIST);
	assert_non_null(strstr(err, "port 'other': socket '"));
	close_port();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_of_all_sizes_pass_both_ways_on_each_pair),
		cmocka_unit_test(full_ring_takes_the_first_frames_and_frees_them),
		cmocka_unit_test(guest_that_sleeps_is_called_and_one_that_polls_is_not),
		cmocka_unit_test(only_plain_features_are_offered),
		cmocka_unit_test(port_is_up_only_with_all_pairs),
		cmocka_unit_test(guest_may_stop_and_start_its_rings),
		cmocka_unit_test(runner_may_come_back_with_new_memory),
		cmocka_unit_test(back_end_goes_on_where_it_stopped),
		cmocka_unit_test(runner_may_vanish_in_full_traffic),
		cmocka_unit_test(broken_ring_takes_the_port_down_and_nothing_else),
		cmocka_unit_test(memory_that_could_vanish_or_lies_is_refused),
		cmocka_unit_test(sealed_memory_cannot_be_shrunk_afterwards),
		cmocka_unit_test(malformed_messages_end_the_connection_only),
		cmocka_unit_test(files_of_wrong_kind_or_number_are_refused),
		cmocka_unit_test(ring_that_does_not_fit_its_memory_is_not_served),
		cmocka_unit_test(front_end_may_stop_at_every_step),
		cmocka_unit_test(message_that_never_ends_does_not_hold_up_other_ports),
		cmocka_unit_test(wrong_settings_are_named),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
