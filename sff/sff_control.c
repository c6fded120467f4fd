#include "sff_control.h"
#include "sff_bench.h"
#include "sff_metadata.h"
#include "sff_mirror.h"
#include "sff_node.h"
#include "sff_ports.h"
#include "sff_reload.h"
#include "sff_report.h"
#include "sff_supervise.h"

#include <rte_cycles.h>
#include <rte_launch.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* A guest that is not ready by then never will be: it boots in milliseconds, under sanitizers and load in
 * seconds. */
#define BOOT_SECONDS 30
/* How often control looks around: progress, VM ports, lcores. */
#define TICK_MS 10
/* Between progress events. */
#define PROGRESS_MS 200
/* Longest a live node waits for frames inside SFs when it is told to stop. */
#define DRAIN_MS 1000
/* Longest wait for the exit code of a VM whose port went down: its runner writes a crash report first. */
#define DEATH_MS 500

enum verdict {
	GO_ON,
	PARENT_GONE, /* whoever started the replay closed its end */
	SIGNALLED,
};

static uint64_t
now_ms(void)
{
	return rte_rdtsc() / (rte_get_tsc_hz() / 1000);
}

/* One round of control: VM events, signals, the parent. */
static enum verdict
look(struct sff_node *node, int signals)
{
	struct signalfd_siginfo info;
	struct pollfd parent = {.fd = node->options->report_fd, .events = POLLIN};
	enum verdict verdict = GO_ON;

	sff_vms_poll(&node->vms, signals, TICK_MS);
	while (read(signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
		if (info.ssi_signo == SIGHUP && !node->options->replay)
			node->change_asked = true;
		else if (info.ssi_signo != SIGCHLD)
			verdict = SIGNALLED;
	if (parent.fd >= 0 && poll(&parent, 1, 0) > 0 && (parent.revents & (POLLIN | POLLHUP | POLLERR))) {
		char byte;

		/* It never sends: readable means closed. */
		if (read(parent.fd, &byte, 1) <= 0) {
			sff_run_dir_inherit(&node->run_dir);
			return PARENT_GONE;
		}
	}
	return verdict;
}

/* A VM that ended takes no more packets; why is said once. */
static unsigned int
note_deaths(struct sff_node *node, int *code)
{
	unsigned int died = 0;

	for (unsigned int i = 0; i < node->vms.n; i++) {
		struct sff_vm *vm = &node->vms.vm[i];
		char text[512];
		int refused;

		/* A child's exit code comes a moment after its socket closes. */
		if (vm->state != SFF_VM_ENDED)
			continue;
		died++;
		__atomic_store_n(&node->plane->up[vm->index], 0, __ATOMIC_RELAXED);
		if (vm->said || (!vm->adopted && vm->pid > 0))
			continue;
		vm->said = true;
		refused = sff_vm_reason(vm, text, sizeof(text));
		sff_say(node->options, "error", "%s", text);
		if (refused && *code != SFF_EXIT_CONFIG)
			*code = SFF_EXIT_CONFIG;
		else if (*code == SFF_EXIT_DONE)
			*code = SFF_EXIT_USAGE;
	}
	return died;
}

/* Until every VM is up. 0, or an exit code; -1 when told to stop. */
static int
boot(struct sff_node *node, int signals)
{
	uint64_t start = now_ms();
	int code = SFF_EXIT_DONE;

	if (node->options->report_fd >= 0)
		sff_event_send(node->options->report_fd,
			json_pack("{s:s, s:i}", "event", "start", "vms", (int)node->vms.n));
	for (;;) {
		int rc = sff_node_connect(node);

		if (rc == 0)
			return 0;
		if (rc != -EAGAIN)
			return SFF_EXIT_USAGE;
		if (look(node, signals) != GO_ON)
			return -1;
		if (note_deaths(node, &code) > 0 && code != SFF_EXIT_DONE)
			return code;
		if (now_ms() - start > BOOT_SECONDS * 1000) {
			for (unsigned int i = 0; i < node->vms.n; i++)
				if (!node->vms.vm[i].up)
					sff_say(node->options, "error", "instance '%s': not ready after %d s",
						node->vms.vm[i].name, BOOT_SECONDS);
			return SFF_EXIT_USAGE;
		}
	}
}

static void
progress(const struct sff_node *node, uint64_t *last)
{
	uint64_t frames, bytes, total;

	if (node->captures == NULL || node->options->report_fd < 0 || now_ms() - *last < PROGRESS_MS)
		return;
	*last = now_ms();
	pmd_captures_progress(node->captures, &frames, &bytes, &total);
	sff_event_send(node->options->report_fd,
		json_pack("{s:s, s:I, s:I, s:I}", "event", "progress", "frames", (json_int_t)frames, "bytes",
			(json_int_t)bytes, "total_bytes", (json_int_t)total));
}

static void
tell_lcores(struct sff_node *node, enum sff_lcore_order order)
{
	for (uint16_t w = 0; w < node->workers; w++)
		atomic_store_explicit(&node->lcore[w]->order, order, memory_order_relaxed);
}

static bool
lcores_done(const struct sff_node *node)
{
	bool done = true;

	for (uint16_t w = 0; w < node->workers; w++)
		done &= atomic_load_explicit(&node->lcore[w]->done, memory_order_acquire);
	return done;
}

/* A round over what a live node can heal or change. */
static void
tend(struct sff_node *node, enum verdict seen)
{
	sff_supervise(node, now_ms());
	if (seen == GO_ON)
		sff_reload_step(node, now_ms());
	else
		sff_reload_abandon(node);
}

/* Until the input is played, or somebody says stop. */
static enum verdict
run(struct sff_node *node, int signals, bool *died)
{
	enum verdict verdict = GO_ON;
	uint64_t last_progress = 0, stop_at = 0;
	int ignored = SFF_EXIT_DONE;

	while (!lcores_done(node)) {
		enum verdict seen = look(node, signals);

		if (node->options->replay)
			*died |= note_deaths(node, &ignored) > 0;
		else if (verdict == GO_ON)
			tend(node, seen);
		progress(node, &last_progress);
		sff_mirror_store_drain(node->mirrors);
		sff_metadata_look(node);
		if (seen != GO_ON && verdict == GO_ON) {
			verdict = seen;
			stop_at = now_ms() + DRAIN_MS;
			/* Nobody waits for the books of a replay whose parent is gone. */
			tell_lcores(node, seen == PARENT_GONE ? SFF_ORDER_STOP : SFF_ORDER_DRAIN);
		} else if (seen != GO_ON || (verdict != GO_ON && now_ms() > stop_at)) {
			tell_lcores(node, SFF_ORDER_STOP);
		}
	}
	rte_eal_mp_wait_lcore();
	sff_metadata_look(node);
	return verdict;
}

struct watch {
	struct sff_node *node;
	int signals;
	enum verdict verdict;
	bool died;
};

/* A VM that died ends a bench: what it would say of the chain is not asked any more. */
static bool
go_on(void *arg)
{
	struct watch *watch = arg;
	int ignored = SFF_EXIT_DONE;

	watch->verdict = look(watch->node, watch->signals);
	watch->died |= note_deaths(watch->node, &ignored) > 0;
	return watch->verdict == GO_ON && !watch->died;
}

/* All trials, then until frames inside came out. */
static enum verdict
bench(struct sff_node *node, int signals, bool *died, int *code)
{
	struct watch watch = {.node = node, .signals = signals, .verdict = GO_ON};
	uint64_t stop_at;

	*code = sff_bench_run(node, go_on, &watch);
	tell_lcores(node, SFF_ORDER_DRAIN);
	stop_at = now_ms() + DRAIN_MS;
	while (!lcores_done(node) && now_ms() < stop_at)
		look(node, signals);
	tell_lcores(node, SFF_ORDER_STOP);
	rte_eal_mp_wait_lcore();
	*died = watch.died;
	return watch.verdict;
}

static void
print_report(const struct sff_options *options, json_t *event, const struct sfc_ledger *ledger,
	const struct sfc_steering *steering)
{
	if (options->report_fd >= 0) {
		sff_event_send(options->report_fd, event);
		return;
	}
	if (options->json) {
		json_dumpf(json_object_get(event, "report"), stdout, JSON_INDENT(2));
		fputc('\n', stdout);
	} else {
		sff_report_print(stdout, ledger);
		sff_report_print_steering(stdout, steering);
	}
	fflush(stdout);
	json_decref(event);
}

/* Books after the run: the exit code says whether they are right. */
static int
settle(struct sff_node *node, bool died, enum verdict verdict)
{
	const struct sff_lcore *first = node->lcore[0];
	struct sff_sources sources = {
		.plane = node->plane,
		.lcore = node->lcore,
		.n_lcores = node->workers,
		.vms = &node->vms,
		.carried = &node->carried,
		.mirrors = node->mirrors,
		.ended = node->options->replay && verdict == GO_ON,
		.seconds = (double)(first->last_tsc - first->begin_tsc) / (double)rte_get_tsc_hz(),
	};
	const char *failure = NULL;
	struct sfc_steering steering;
	struct sfc_ledger ledger;
	int flushed = sff_ports_flush(node->plane);
	int copied = sff_mirror_store_flush(node->mirrors);

	json_t *event = sff_report_event(&sources, &ledger);

	if (node->bench != NULL) {
		json_object_set(event, "results", node->bench->results);
		json_object_set(event, "bottleneck", node->bench->bottleneck);
	}

	if (flushed == 0)
		flushed = copied;
	sff_report_steering(&sources, &steering);
	print_report(node->options, event, &ledger, &steering);
	if (node->captures != NULL)
		failure = pmd_captures_error(node->captures);
	if (failure == NULL)
		failure = sff_mirror_store_error(node->mirrors);
	if (failure != NULL)
		sff_say(node->options, "error", "%s", failure);
	else if (flushed != 0)
		sff_say(node->options, "error", "a port could not be flushed: %s", strerror(-flushed));
	if (!sfc_ledger_balanced(&ledger)) {
		sff_say(node->options, "error", "the books do not balance");
		return SFF_EXIT_UNBALANCED;
	}
	if (died && node->options->replay)
		return SFF_EXIT_FAILED;
	if (failure != NULL || flushed != 0)
		return SFF_EXIT_USAGE;
	/* A replay that was interrupted did not do what it was asked. */
	return node->options->replay && verdict != GO_ON ? SFF_EXIT_USAGE : SFF_EXIT_DONE;
}

static int
open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	signal(SIGPIPE, SIG_IGN);
	/* Before any other thread starts, so that all inherit it. */
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return -errno;
	return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

/* Has control heard all that there is to hear of a VM whose port is down? */
static bool
is_clear(const struct sff_node *node, unsigned int i)
{
	const struct pmd_port *pmd = node->plane->port[node->plane->n_external + i].pmd;
	struct pmd_vm_faults faults;

	if (node->vms.vm[i].state == SFF_VM_ENDED)
		return node->vms.vm[i].said;
	if (pmd == NULL || pmd_vm_up(pmd))
		return true;
	pmd_vm_faults(pmd, &faults);
	return faults.broken > 0;
}

/* Workers see a port go down before control hears that its VM ended, and a run may be over in between. */
static void
await_deaths(struct sff_node *node)
{
	uint64_t until = now_ms() + DEATH_MS;
	int ignored = SFF_EXIT_DONE;
	bool clear;

	do {
		clear = true;
		note_deaths(node, &ignored);
		for (unsigned int i = 0; i < node->vms.n; i++)
			clear = clear && is_clear(node, i);
		if (!clear)
			sff_vms_poll(&node->vms, -1, TICK_MS);
	} while (!clear && now_ms() < until);
}

/* True when a VM ended, or lives but failed; the latter is said here. */
static bool
any_failed(const struct sff_node *node)
{
	bool failed = false;

	for (unsigned int i = 0; i < node->vms.n; i++) {
		const struct sff_vm *vm = &node->vms.vm[i];
		const struct pmd_port *pmd = node->plane->port[node->plane->n_external + i].pmd;
		struct pmd_vm_faults faults = {0};
		const char *why = NULL;

		if (pmd != NULL)
			pmd_vm_faults(pmd, &faults);
		if (faults.broken > 0)
			why = "broke the rules of its rings and was cut off";
		else if (pmd != NULL && !pmd_vm_up(pmd))
			why = "hung up";
		else if (!node->plane->up[vm->index])
			why = "kept frames, did not move any more and was given up";
		if (vm->state != SFF_VM_ENDED && why != NULL)
			sff_say(node->options, "error", "instance '%s': its VM %s", vm->name, why);
		failed |= vm->state == SFF_VM_ENDED || why != NULL;
	}
	return failed;
}

static int
run_node(struct sff_node *node, int signals)
{
	enum verdict verdict;
	bool died = false;
	int code = boot(node, signals), failed = SFF_EXIT_DONE;

	if (code != 0)
		return code < 0 ? SFF_EXIT_USAGE : code;
	code = sff_node_launch(node);
	if (code != 0)
		return code;
	verdict = node->options->bench ? bench(node, signals, &died, &failed) : run(node, signals, &died);
	if (node->options->replay) {
		await_deaths(node);
		died |= any_failed(node);
	}
	code = settle(node, died, verdict);
	return code != SFF_EXIT_DONE ? code : failed;
}

int
sff_control_run(const struct sff_options *options)
{
	struct sff_node *node = calloc(1, sizeof(*node));
	int signals, code;

	if (node == NULL)
		return SFF_EXIT_USAGE;
	node->options = options;
	node->vms.lifeline[0] = node->vms.lifeline[1] = -1;
	node->run_dir.lock = -1;
	signals = open_signals();
	code = signals >= 0 ? sff_node_load(node) : SFF_EXIT_USAGE;
	if (code == 0)
		code = sff_node_open(node);
	if (code == 0)
		code = run_node(node, signals);
	sff_node_close(node);
	free(node);
	if (signals >= 0)
		close(signals);
	return code;
}
