#include "cli_json.h"
#include "cli_progress.h"
#include "cli_replay.h"
#include "cli_rundir.h"
#include "cli_start.h"
#include "cli_text.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* No line of a report is longer: 16,384 paths of 255 hops at some 60 bytes. */
#define LINE_MAX_BYTES (256u << 20)
/* Interrupts after which the dataplane is killed: one asks for the books so far, a second for an end now. */
#define PATIENCE 3

/* One run of the dataplane. */
struct run {
	struct cli_outcome *outcome;
	struct cli_progress progress;
	pid_t pid;
	int socket;
	int signals;
	unsigned int interrupts;
	int status; /* of waitid */
	char *line;
	size_t used, size;
};

/* Say what failed; the first failure is the one that scripts get to see. */
static void
failed(struct run *run, const char *text)
{
	cli_progress_clear(&run->progress);
	cli_fail(false, 0, "%s", text);
	if (run->outcome->error == NULL)
		run->outcome->error = strdup(text);
}

static void
on_event(struct run *run, json_t *event)
{
	const char *kind = cli_json_get_text(event, "event");

	if (strcmp(kind, "start") == 0) {
		cli_progress_start(&run->progress, cli_json_get_number(event, "vms"));
	} else if (strcmp(kind, "vm") == 0) {
		cli_progress_vm(&run->progress, cli_json_get_text(event, "name"));
	} else if (strcmp(kind, "progress") == 0) {
		cli_progress_frames(&run->progress, cli_json_get_number(event, "frames"),
			cli_json_get_number(event, "bytes"), cli_json_get_number(event, "total_bytes"));
	} else if (strcmp(kind, "step") == 0) {
		cli_progress_text(&run->progress, cli_json_get_text(event, "text"));
	} else if (strcmp(kind, "note") == 0) {
		cli_progress_clear(&run->progress);
		cli_put_clean(stderr, cli_json_get_text(event, "text"));
		fputc('\n', stderr);
	} else if (strcmp(kind, "error") == 0) {
		failed(run, cli_json_get_text(event, "text"));
	} else if (strcmp(kind, "report") == 0 && json_is_object(json_object_get(event, "report"))) {
		json_decref(run->outcome->report);
		run->outcome->report = json_incref(event);
	}
}

static void
on_line(struct run *run, const char *line, size_t size)
{
	json_error_t error;
	json_t *event = json_loadb(line, size, JSON_REJECT_DUPLICATES, &error);

	if (event == NULL)
		failed(run, "the dataplane sent a line that is not JSON");
	else
		on_event(run, event);
	json_decref(event);
}

/* Take what is there. @return false at the end of the stream. */
static bool
on_readable(struct run *run)
{
	for (;;) {
		if (run->size - run->used < 65536 && run->size < LINE_MAX_BYTES) {
			char *grown = realloc(run->line, run->size * 2 + 65536);

			if (grown != NULL) {
				run->line = grown;
				run->size = run->size * 2 + 65536;
			}
		}
		if (run->size == run->used) {
			failed(run, "the dataplane sent a line too long to keep");
			return false;
		}
		ssize_t n = recv(run->socket, run->line + run->used, run->size - run->used, MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return true;
		if (n <= 0)
			return false;
		size_t scanned = run->used;
		size_t start = 0;
		char *newline;

		run->used += (size_t)n;
		while ((newline = memchr(run->line + scanned, '\n', run->used - scanned)) != NULL) {
			scanned = (size_t)(newline - run->line) + 1;
			on_line(run, run->line + start, scanned - start);
			start = scanned;
		}
		memmove(run->line, run->line + start, run->used - start);
		run->used -= start;
	}
}

/* @return true when the dataplane has ended; it is reaped with what is left of its process group. */
static bool
on_child(struct run *run)
{
	siginfo_t info = {0};

	if (waitid(P_PID, (id_t)run->pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0)
		return false;
	/* While it is not reaped, its number cannot be another's. */
	kill(-run->pid, SIGKILL);
	while (waitpid(run->pid, &run->status, 0) < 0 && errno == EINTR)
		;
	return true;
}

/* @return true when the dataplane has ended. */
static bool
on_signal(struct run *run)
{
	struct signalfd_siginfo signal;
	bool ended = false;

	while (read(run->signals, &signal, sizeof(signal)) == (ssize_t)sizeof(signal)) {
		if (signal.ssi_signo == SIGCHLD) {
			ended = ended || on_child(run);
		} else if (!ended) {
			run->interrupts++;
			kill(run->pid, run->interrupts >= PATIENCE  ? SIGKILL
				       : signal.ssi_signo == SIGINT ? SIGINT
								    : SIGTERM);
		}
	}
	return ended;
}

static void
follow(struct run *run)
{
	struct pollfd wait[2] = {
		{.fd = run->signals, .events = POLLIN}, {.fd = run->socket, .events = POLLIN}};

	for (;;) {
		if (poll(wait, 2, -1) < 0 && errno != EINTR)
			break;
		if (wait[1].revents != 0 && !on_readable(run))
			wait[1].fd = -1; /* said all it had to say; it ends soon */
		if (wait[0].revents != 0 && on_signal(run))
			break;
	}
	if (wait[1].fd >= 0)
		on_readable(run);
}

/* The exit code of this command from what the dataplane did and said. */
static void
conclude(struct run *run)
{
	struct cli_outcome *o = run->outcome;
	char *text = NULL;

	o->exit_code = CLI_USAGE;
	if (WIFSIGNALED(run->status)) {
		text = cli_format("the dataplane was killed by signal %d (%s)%s", WTERMSIG(run->status),
			strsignal(WTERMSIG(run->status)), o->report == NULL ? " before it reported" : "");
	} else if (WEXITSTATUS(run->status) > CLI_BOUND) {
		text = cli_format("the dataplane ended with exit code %d", WEXITSTATUS(run->status));
	} else if (o->report == NULL && (WEXITSTATUS(run->status) == CLI_DONE || o->error == NULL)) {
		text = run->interrupts > 0 ? cli_format("interrupted before there was anything to report")
		                           : cli_format("the dataplane ended without a report, exit code %d",
						     WEXITSTATUS(run->status));
	} else {
		o->exit_code = WEXITSTATUS(run->status);
	}
	if (text != NULL)
		failed(run, text);
	free(text);
}

static void
launch_and_follow(struct run *run, const struct cli_replay *replay, const struct cli_rundir *dir)
{
	char *program = cli_sff_program();
	int ends[2] = {-1, -1};
	int rc;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		rc = -errno;
	else
		rc = cli_sff_start(replay, program, dir, ends[1], &run->pid);
	if (ends[1] >= 0)
		close(ends[1]);
	if (rc < 0) {
		char *text = cli_format("cannot start %s: %s", program, strerror(-rc));

		failed(run, text);
		free(text);
		run->outcome->exit_code = CLI_USAGE;
	} else {
		run->socket = ends[0];
		follow(run);
		cli_progress_clear(&run->progress);
		conclude(run);
	}
	if (ends[0] >= 0)
		close(ends[0]);
	free(program);
}

void
cli_sff_replay(const struct cli_replay *replay, struct cli_outcome *outcome)
{
	struct run run = {.outcome = outcome};
	struct cli_rundir dir;
	sigset_t handled, before;
	char err[256];

	cli_progress_init(&run.progress);
	sigemptyset(&handled);
	sigaddset(&handled, SIGINT);
	sigaddset(&handled, SIGTERM);
	sigaddset(&handled, SIGHUP);
	sigaddset(&handled, SIGCHLD);
	/* From here on until the directory is gone, a signal is something to read. */
	signal(SIGCHLD, SIG_DFL);
	sigprocmask(SIG_BLOCK, &handled, &before);
	run.signals = signalfd(-1, &handled, SFD_NONBLOCK | SFD_CLOEXEC);
	outcome->exit_code = CLI_USAGE;
	if (run.signals < 0) {
		failed(&run, "signalfd failed");
	} else if (cli_rundir_create(&dir, err, sizeof(err)) < 0) {
		failed(&run, err);
	} else {
		launch_and_follow(&run, replay, &dir);
		cli_rundir_remove(&dir);
	}
	if (run.signals >= 0)
		close(run.signals);
	sigprocmask(SIG_SETMASK, &before, NULL);
	free(run.line);
}

void
cli_outcome_free(struct cli_outcome *outcome)
{
	json_decref(outcome->report);
	free(outcome->error);
}
