/* One guest from its image to its exit code: the main thread. */
#include "hv.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#include "hv_control.h"
#include "hv_socket.h"
#include "hv_vhost.h"

#define MSEC            1000000ULL
#define BOOT_POLL_NS    (MSEC / 4)  /* at first; then a sixteenth of the time it took so far */
#define BOOT_POLL_MAX   (20 * MSEC) /* for a guest that never gets ready */
#define WATCH_NS        (200 * MSEC)
#define HANG_NS         (2000 * MSEC) /* of the guest's own CPU time without a heartbeat */
#define STOP_NS         (500 * MSEC)  /* from the polite STOP to the end */
#define CLOCK_FIRST_NS  (1000 * MSEC)
#define CLOCK_PERIOD_NS (60000 * MSEC)
#define COMPLAIN_NS     (1000 * MSEC) /* at most one message about back ends in this time */

struct runner {
	struct hv_guest guest;
	struct hv_vhost vhost;
	struct hv_control_server control;
	int signal_fd;
	int net_listener;
	int control_listener; /* -1: none */
	bool ready;
	bool stopping;
	uint64_t stop_ns;     /* when a polite stop ends, 0: none */
	uint64_t watch_ns;    /* next look at the heartbeat */
	uint64_t clock_ns;    /* next correction of the clock */
	uint64_t complain_ns; /* next message about a back end */
	uint64_t heartbeat;   /* last seen */
	uint64_t heartbeat_cpu_ns;
};

void
hv_guest_wait(struct hv_guest *guest, uint32_t timeout_us)
{
	struct pollfd fds[2 * HV_MAX_PAIRS + 1];
	uint32_t n = 2 * guest->options->pairs;
	struct timespec timeout = {timeout_us / 1000000, timeout_us % 1000000 * 1000L};
	uint64_t count;

	for (uint32_t q = 0; q < n; q++)
		fds[q] = (struct pollfd){.fd = guest->fds.call[q], .events = POLLIN};
	fds[n] = (struct pollfd){.fd = guest->fds.control, .events = POLLIN};
	if (ppoll(fds, n + 1, &timeout, NULL) <= 0)
		return;
	for (uint32_t i = 0; i <= n; i++)
		if ((fds[i].revents & POLLIN) && read(fds[i].fd, &count, sizeof(count)) < 0)
			continue; /* drained already */
}

/* The whole file, in pages of our own: it may change or shrink while we look at it. */
static int
read_image(const char *path, uint64_t limit, uint8_t **bytes, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	const char *reason = NULL;
	struct stat st;
	size_t done = 0;

	if (fd < 0 || fstat(fd, &st) < 0) {
		hv_error("%s: cannot open image: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return HV_EXIT_IMAGE;
	}
	if (!S_ISREG(st.st_mode))
		reason = "not a regular file";
	else if (st.st_size == 0)
		reason = "empty file";
	else if ((uint64_t)st.st_size > limit)
		reason = "image larger than guest memory";
	if (reason != NULL) {
		hv_error("%s: %s (%lld bytes, limit %llu)", path, reason, (long long)st.st_size,
			(unsigned long long)limit);
		close(fd);
		return HV_EXIT_IMAGE;
	}
	*size = (size_t)st.st_size;
	*bytes = mmap(NULL, *size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (*bytes == MAP_FAILED) {
		hv_error("%s: no memory for the image: %s (%zu bytes)", path, strerror(errno), *size);
		close(fd);
		return HV_EXIT_NO_MEMORY;
	}
	while (done < *size) {
		ssize_t got = read(fd, *bytes + done, *size - done);
		if (got <= 0)
			break; /* shorter now than fstat said: the loader sees zeroes and refuses or not */
		done += (size_t)got;
	}
	*size = done;
	close(fd);
	return 0;
}

static int
load(struct hv_guest *guest)
{
	const struct hv_options *o = guest->options;
	uint64_t ram_size = o->memory_mib * HV_MIB;
	char error[HV_ERROR_SIZE];
	uint8_t *bytes;
	size_t size;
	int rc = read_image(o->image, ram_size, &bytes, &size);

	if (rc != 0)
		return rc;
	rc = HV_EXIT_IMAGE;
	if (hv_elf_parse(o->image, bytes, size, ram_size, &guest->image, error) < 0) {
		hv_error("%s", error);
	} else if (o->pairs > guest->image.note.pairs) {
		hv_error("%s: too many queue pairs for this image (%u, limit %u)", o->image, o->pairs,
			guest->image.note.pairs);
	} else {
		rc = hv_mem_init(&guest->mem, o->memory_mib, o->pairs);
		if (rc == 0)
			rc = hv_mem_load(&guest->mem, o->image, bytes, &guest->image);
	}
	munmap(bytes, size);
	return rc;
}

static int
make_eventfds(struct hv_guest *guest)
{
	bool ok = true;

	for (uint32_t q = 0; q < 2 * guest->options->pairs; q++) {
		guest->fds.kick[q] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		guest->fds.call[q] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		ok = ok && guest->fds.kick[q] >= 0 && guest->fds.call[q] >= 0;
	}
	guest->fds.control = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (!ok || guest->fds.control < 0) {
		hv_error("eventfd: %s", strerror(errno));
		return HV_EXIT_NO_MEMORY;
	}
	return 0;
}

static int
try_runtime(struct hv_guest *guest, const struct hv_runtime *runtime, char *error)
{
	uint64_t ns, tsc;

	guest->runtime = runtime;
	hv_boot_fill(guest);
	ns = hv_now_ns() - guest->options->main_ns;
	tsc = __rdtsc() - guest->options->main_tsc;
	hv_clock_init(guest, (uint64_t)((__uint128_t)tsc * 1000000000 / (ns != 0 ? ns : 1)));
	return runtime->create(guest, error);
}

static int
create_guest(struct hv_guest *guest)
{
	enum hv_runtime_kind kind = guest->options->runtime;
	char error[HV_ERROR_SIZE] = "";
	int rc = 0;

	if (kind != HV_RUNTIME_PROCESS) {
		rc = try_runtime(guest, &hv_runtime_kvm, error);
		if (rc == 0)
			return 0;
		hv_error("/dev/kvm: %s%s", error,
			kind == HV_RUNTIME_AUTO ? "; using a sandboxed process" : "");
		if (kind == HV_RUNTIME_KVM)
			return rc;
	}
	rc = try_runtime(guest, &hv_runtime_process, error);
	if (rc != 0)
		hv_error("process runtime: %s", error);
	return rc;
}

static void
set_link(struct runner *r, bool up)
{
	struct hv_control *control = hv_mem_control(&r->guest.mem);
	uint64_t one = 1;

	if (control->link_up == up)
		return;
	hv_control_set(&r->guest, &control->link_up, up);
	/* What the guest offered while nobody was there. A kick too many is harmless, and so is a full
	 * eventfd. */
	for (uint32_t q = 0; up && q < 2 * r->guest.options->pairs; q++)
		if (write(r->guest.fds.kick[q], &one, sizeof(one)) < 0)
			continue;
}

static void
end_vhost(struct runner *r, int rc)
{
	uint64_t now = hv_now_ns();

	if (rc != -ECONNRESET && now >= r->complain_ns) {
		hv_error("%s: back end dropped: %s", r->guest.options->net, r->vhost.error);
		r->complain_ns = now + COMPLAIN_NS;
	}
	set_link(r, false);
	hv_vhost_end(&r->vhost);
}

static void
net_event(struct runner *r)
{
	int rc;

	if (r->vhost.sock < 0) {
		int sock = hv_socket_accept(r->net_listener);
		if (sock < 0)
			return;
		rc = hv_vhost_begin(&r->vhost, sock);
	} else {
		rc = hv_vhost_readable(&r->vhost);
	}
	if (rc < 0)
		end_vhost(r, rc);
	else if (r->vhost.attached)
		set_link(r, true);
}

static void
request_stop(struct runner *r)
{
	if (r->stopping)
		return;
	r->stopping = true;
	r->stop_ns = hv_now_ns() + STOP_NS;
	hv_control_set(&r->guest, &hv_mem_control(&r->guest.mem)->request, HV_REQ_STOP);
}

static void
client_event(struct runner *r, struct hv_control_client *client)
{
	switch (hv_control_readable(client)) {
	case HV_COMMAND_STOP:
		request_stop(r);
		break;
	case HV_COMMAND_DRAIN:
		if (!r->stopping)
			hv_control_set(&r->guest, &hv_mem_control(&r->guest.mem)->request, HV_REQ_DRAIN);
		break;
	case HV_COMMAND_NONE:
	case HV_COMMAND_WRONG:
		break;
	}
}

/* Until the guest is ready: first heartbeat, memory, state. */
static void
watch_boot(struct runner *r)
{
	struct hv_guest *g = &r->guest;
	struct hv_status *status = hv_mem_status(&g->mem);

	if (atomic_load(&g->heartbeat_ns) == 0 &&
		__atomic_load_n(&status->heartbeat, __ATOMIC_RELAXED) != 0) {
		atomic_store(&g->heartbeat_ns, hv_now_ns());
		if (hv_mem_prefault(&g->mem) != 0) {
			atomic_store(&g->end_code, HV_EXIT_NO_MEMORY);
			return;
		}
		atomic_store(&g->prefaulted, true);
	}
	if (!atomic_load(&g->prefaulted) ||
		__atomic_load_n(&status->state, __ATOMIC_ACQUIRE) != HV_STATE_READY)
		return;
	r->ready = true;
	hv_control_ready(&r->control, g->runtime->name, getpid(), (hv_now_ns() - g->options->start_ns) / 1000,
		(atomic_load(&g->heartbeat_ns) - g->options->start_ns) / 1000);
}

/* A guest hangs when it uses CPU without a heartbeat; one that waits, or gets no CPU, does not, nor one whose
 * memory is being allocated on its vCPU thread. */
static void
watch_heartbeat(struct runner *r, uint64_t now)
{
	struct hv_guest *g = &r->guest;
	uint64_t beat = __atomic_load_n(&hv_mem_status(&g->mem)->heartbeat, __ATOMIC_RELAXED);
	uint64_t cpu_ns = g->runtime->cpu_ns(g);

	r->watch_ns = now + WATCH_NS;
	bool allocating = atomic_load(&g->heartbeat_ns) != 0 && !atomic_load(&g->prefaulted);
	if (beat != r->heartbeat || allocating) {
		r->heartbeat = beat;
		r->heartbeat_cpu_ns = cpu_ns;
	} else if (cpu_ns > r->heartbeat_cpu_ns + HANG_NS) {
		g->runtime->hang(g);
	}
}

/* Everything that is due. Returns the time of the next look. */
static uint64_t
tick(struct runner *r)
{
	uint64_t now = hv_now_ns(), next;

	if (!r->ready)
		watch_boot(r);
	if (now >= r->watch_ns)
		watch_heartbeat(r, now);
	if (now >= r->clock_ns) {
		hv_clock_refine(&r->guest);
		r->clock_ns = now + CLOCK_PERIOD_NS;
	}
	if (r->vhost.deadline_ns != 0 && now >= r->vhost.deadline_ns) {
		snprintf(r->vhost.error, sizeof(r->vhost.error), "no reply (2 s)");
		end_vhost(r, -ETIMEDOUT);
	}
	if (r->stop_ns != 0 && now >= r->stop_ns)
		atomic_store(&r->guest.end_code, HV_EXIT_DONE);

	next = r->watch_ns;
	if (!r->ready) {
		uint64_t pause = (now - r->guest.options->main_ns) / 16;

		pause = pause < BOOT_POLL_NS ? BOOT_POLL_NS : pause > BOOT_POLL_MAX ? BOOT_POLL_MAX : pause;
		if (now + pause < next)
			next = now + pause;
	}
	if (r->vhost.deadline_ns != 0 && r->vhost.deadline_ns < next)
		next = r->vhost.deadline_ns;
	if (r->stop_ns != 0 && r->stop_ns < next)
		next = r->stop_ns;
	return next > now ? next - now : 0;
}

enum slot { SLOT_SIGNAL, SLOT_GUEST, SLOT_NET, SLOT_LIFELINE, SLOT_CONTROL, SLOT_CLIENT };

/* One turn: wait, then handle what is readable. Returns false when the lifeline is cut. */
static bool
turn(struct runner *r)
{
	struct pollfd fds[SLOT_CLIENT + HV_CONTROL_CLIENTS];
	uint64_t wait_ns = tick(r);
	struct timespec timeout = {(time_t)(wait_ns / 1000000000), (long)(wait_ns % 1000000000)};

	fds[SLOT_SIGNAL].fd = r->signal_fd;
	fds[SLOT_GUEST].fd = r->guest.event_fd;
	fds[SLOT_NET].fd = r->vhost.sock >= 0 ? r->vhost.sock : r->net_listener;
	fds[SLOT_LIFELINE].fd = r->guest.options->lifeline;
	fds[SLOT_CONTROL].fd = r->control_listener;
	for (uint32_t i = 0; i < HV_CONTROL_CLIENTS; i++)
		fds[SLOT_CLIENT + i].fd = r->control.client[i].sock;
	for (uint32_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		fds[i].events = POLLIN;
		fds[i].revents = 0;
	}
	if (atomic_load(&r->guest.end_code) >= 0 ||
		ppoll(fds, sizeof(fds) / sizeof(fds[0]), &timeout, NULL) <= 0)
		return true;

	if (fds[SLOT_LIFELINE].revents) {
		char byte[64];
		ssize_t got = read(fds[SLOT_LIFELINE].fd, byte, sizeof(byte));
		if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
			return false;
	}
	if (fds[SLOT_SIGNAL].revents) {
		struct signalfd_siginfo info;
		if (read(r->signal_fd, &info, sizeof(info)) == sizeof(info))
			request_stop(r);
	}
	if (fds[SLOT_GUEST].revents)
		r->guest.runtime->event(&r->guest);
	if (fds[SLOT_NET].revents)
		net_event(r);
	for (uint32_t i = 0; i < HV_CONTROL_CLIENTS; i++)
		if (fds[SLOT_CLIENT + i].revents)
			client_event(r, &r->control.client[i]);
	if (fds[SLOT_CONTROL].revents)
		hv_control_accept(&r->control, r->control_listener);
	return true;
}

static void
block_signals(struct runner *r)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGQUIT);
	r->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

static int
listen_all(struct runner *r)
{
	const struct hv_options *o = r->guest.options;

	r->net_listener = hv_socket_listen(o->net);
	if (r->net_listener < 0)
		return HV_EXIT_SOCKET;
	if (o->control == NULL)
		return 0;
	r->control_listener = hv_socket_listen(o->control);
	return r->control_listener < 0 ? HV_EXIT_SOCKET : 0;
}

/* The guest has ended, or must: nothing of it stays. */
static int
finish(struct runner *r, bool lifeline)
{
	struct hv_guest *g = &r->guest;
	int code = atomic_load(&g->end_code);

	if (code < 0 || r->stopping)
		code = HV_EXIT_DONE;
	g->runtime->kill(g);
	if (!lifeline && !r->stopping && code >= HV_EXIT_ABI && code <= HV_EXIT_WATCHDOG)
		hv_report(g);
	else if (!lifeline && !r->stopping && code > HV_EXIT_DONE && code < HV_EXIT_ABI)
		hv_report_exit(g, code);
	hv_control_exit(&r->control, code);
	return code;
}

int
hv_run(const struct hv_options *options)
{
	static struct runner runner;
	struct runner *r = &runner;
	bool alive = true;
	int rc;

	r->guest.options = options;
	r->net_listener = r->control_listener = -1;
	atomic_store(&r->guest.end_code, -1);
	block_signals(r);
	rc = load(&r->guest);
	if (rc == 0)
		rc = make_eventfds(&r->guest);
	if (rc == 0)
		rc = listen_all(r);
	if (rc == 0)
		rc = create_guest(&r->guest);
	if (rc == 0) {
		hv_vhost_init(&r->vhost, &r->guest.mem, &hv_mem_boot(&r->guest.mem)->net[0], &r->guest.fds);
		hv_control_init(&r->control, r->guest.mem.shared_ro);
		rc = hv_sandbox_runner(&r->guest);
	}
	if (rc == 0) {
		r->clock_ns = hv_now_ns() + CLOCK_FIRST_NS;
		r->guest.runtime->start(&r->guest);
		while (alive && atomic_load(&r->guest.end_code) < 0)
			alive = turn(r);
		rc = finish(r, !alive);
	}
	if (r->net_listener >= 0)
		unlink(options->net);
	if (r->control_listener >= 0)
		unlink(options->control);
	return rc;
}
