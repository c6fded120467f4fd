#include "cli_start.h"

#include "cli_text.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct words {
	char **word;
	size_t n;
};

static void
add(struct words *words, const char *first, const char *second)
{
	char **grown = reallocarray(words->word, words->n + 3, sizeof(*grown));

	if (grown == NULL)
		return;
	words->word = grown;
	words->word[words->n++] = cli_format("%s", first);
	if (second != NULL)
		words->word[words->n++] = cli_format("%s", second);
	words->word[words->n] = NULL;
}

static void
command_line(struct words *words, const struct cli_replay *r, const char *program, const char *run_dir,
	int report_fd)
{
	char *fd = cli_format("%d", report_fd);

	add(words, program, r->bench ? "--bench" : "--replay");
	add(words, "--config", r->file);
	add(words, "--node", r->config->node[r->node].name);
	for (unsigned int i = 0; i < r->in.n; i++)
		add(words, "--in", r->in.item[i]);
	for (unsigned int i = 0; i < r->out.n; i++)
		add(words, "--out", r->out.item[i]);
	if (r->runtime != NULL)
		add(words, "--runtime", r->runtime);
	if (r->lockstep != NULL)
		add(words, "--lockstep", r->lockstep[0] == '\0' ? "1" : r->lockstep);
	if (r->speed != NULL)
		add(words, "--speed", r->speed);
	if (r->loop != NULL)
		add(words, "--loop", r->loop);
	if (r->size != NULL)
		add(words, "--size", r->size);
	if (r->flows != NULL)
		add(words, "--flows", r->flows);
	if (r->trial != NULL)
		add(words, "--trial", r->trial);
	if (r->sum != NULL)
		add(words, "--sum", r->sum);
	if (r->width != NULL)
		add(words, "--width", r->width);
	add(words, "--run-dir", run_dir);
	add(words, "--report-fd", fd);
	free(fd);
}

int
cli_sff_start(const struct cli_replay *r, const char *program, const struct cli_rundir *dir, int report_fd,
	pid_t *pid)
{
	extern char **environ;
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	struct words words = {0};
	sigset_t none;
	int rc;

	command_line(&words, r, program, dir->path, report_fd);
	sigemptyset(&none);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setpgroup(&attributes, 0);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(
		&files, STDERR_FILENO, STDOUT_FILENO); /* our stdout is the report's */
	posix_spawn_file_actions_adddup2(
		&files, report_fd, report_fd); /* onto itself: no longer close-on-exec */
	posix_spawn_file_actions_adddup2(&files, dir->lock, dir->lock);
	rc = posix_spawn(pid, program, &files, &attributes, words.word, environ);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attributes);
	for (size_t i = 0; i < words.n; i++)
		free(words.word[i]);
	free(words.word);
	return -rc;
}

char *
cli_sff_program(void)
{
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (n < 0)
		return cli_format("sff");
	self[n] = '\0';
	slash = strrchr(self, '/');
	if (slash != NULL)
		*slash = '\0';
	return cli_format("%s/sff", self);
}
