#include "cli_progress.h"

#include "cli_text.h"

#include <stdlib.h>
#include <unistd.h>

#define BAR_COLUMNS 30u

void
cli_progress_init(struct cli_progress *progress)
{
	*progress = (struct cli_progress){.on = isatty(STDERR_FILENO)};
}

void
cli_progress_clear(struct cli_progress *progress)
{
	if (progress->shown)
		fputs("\r\033[K", stderr);
	progress->shown = false;
}

static void
show(struct cli_progress *progress, const char *text)
{
	char *line = cli_cut(text, 78);

	cli_progress_clear(progress);
	fputs("  ", stderr);
	cli_put_clean(stderr, line);
	fflush(stderr);
	free(line);
	progress->shown = true;
}

void
cli_progress_start(struct cli_progress *progress, uint64_t vms)
{
	progress->vms = vms;
	if (progress->on && vms > 0)
		show(progress, "starting instances");
}

void
cli_progress_vm(struct cli_progress *progress, const char *name)
{
	progress->booted++;
	if (!progress->on)
		return;
	char *text = cli_format("starting instances: %llu of %llu, %s is up",
		(unsigned long long)progress->booted, (unsigned long long)progress->vms, name);

	show(progress, text);
	free(text);
}

void
cli_progress_frames(struct cli_progress *progress, uint64_t frames, uint64_t bytes, uint64_t total_bytes)
{
	double part = total_bytes == 0 || bytes > total_bytes ? 1 : (double)bytes / (double)total_bytes;
	unsigned int full = (unsigned int)(part * BAR_COLUMNS);
	char bar[BAR_COLUMNS * 3 + 1];
	char number[CLI_NUMBER];
	char *to = bar;

	if (!progress->on)
		return;
	for (unsigned int i = 0; i < BAR_COLUMNS; i++)
		to += sprintf(to, "%s", i < full ? (cli_utf8() ? "█" : "#") : (cli_utf8() ? "░" : "."));
	char *text = cli_format("%s %3.0f %%  %s frames", bar, part * 100, cli_number(number, frames));

	show(progress, text);
	free(text);
}

void
cli_progress_text(struct cli_progress *progress, const char *text)
{
	if (progress->on)
		show(progress, text);
}
