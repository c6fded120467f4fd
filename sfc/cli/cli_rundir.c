#include "cli_rundir.h"

#include "cli_text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PREFIX "sluice-replay-"
/* A directory without a lock file is one being made; after this long its maker died in between. */
#define UNLOCKED_SECONDS 60
/* Processes being killed may still make files while a directory is removed. */
#define REMOVE_TRIES 5

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	remove(path);
	return 0;
}

static void
remove_tree(const char *path)
{
	const struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};

	for (int i = 0; i < REMOVE_TRIES; i++) {
		nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
		if (access(path, F_OK) != 0)
			return;
		nanosleep(&pause, NULL);
	}
}

/* True when nobody lives from this directory. */
static bool
is_stale(const char *path)
{
	struct stat st;
	char *lock;
	bool stale;
	int fd;

	if (lstat(path, &st) < 0 || !S_ISDIR(st.st_mode) || st.st_uid != geteuid())
		return false;
	lock = cli_format("%s/lock", path);
	fd = open(lock, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	stale = fd < 0 && errno == ENOENT;
	free(lock);
	if (fd < 0)
		return stale && time(NULL) - st.st_mtime > UNLOCKED_SECONDS;
	stale = flock(fd, LOCK_EX | LOCK_NB) == 0;
	close(fd);
	return stale;
}

static void
sweep(const char *base)
{
	DIR *dir = opendir(base);
	const struct dirent *entry;

	if (dir == NULL)
		return;
	while ((entry = readdir(dir)) != NULL) {
		char *path;

		if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)) != 0)
			continue;
		path = cli_format("%s/%s", base, entry->d_name);
		if (is_stale(path))
			remove_tree(path);
		free(path);
	}
	closedir(dir);
}

static int
create_in(struct cli_rundir *dir, const char *base)
{
	char made[CLI_RUNDIR_SIZE + 16];
	char lock[CLI_RUNDIR_SIZE + 16];
	int rc;

	if (strlen(base) + sizeof("/" PREFIX "XXXXXX") > sizeof(dir->path))
		return -ENAMETOOLONG;
	sweep(base);
	snprintf(dir->path, sizeof(dir->path), "%s/" PREFIX "XXXXXX", base);
	if (mkdtemp(dir->path) == NULL)
		return -errno;
	/* The name `lock` appears only once it is locked, so that nobody can take us for dead. */
	snprintf(made, sizeof(made), "%s/lock.new", dir->path);
	snprintf(lock, sizeof(lock), "%s/lock", dir->path);
	dir->lock = open(made, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (dir->lock >= 0 && flock(dir->lock, LOCK_EX) == 0 && rename(made, lock) == 0)
		return 0;
	rc = -errno;
	if (dir->lock >= 0)
		close(dir->lock);
	remove_tree(dir->path);
	return rc;
}

int
cli_rundir_create(struct cli_rundir *dir, char *err, size_t err_size)
{
	const char *xdg = getenv("XDG_RUNTIME_DIR");
	const char *bases[3];
	unsigned int n = 0;
	int rc = -ENOENT;

	if (xdg != NULL && xdg[0] == '/')
		bases[n++] = xdg;
	if (geteuid() == 0 && (mkdir("/run/sluice", 0700) == 0 || errno == EEXIST))
		bases[n++] = "/run/sluice";
	bases[n++] = "/tmp";
	for (unsigned int i = 0; i < n; i++) {
		rc = create_in(dir, bases[i]);
		if (rc == 0)
			return 0;
		snprintf(err, err_size, "no runtime directory under %s: %s", bases[i], strerror(-rc));
	}
	return rc;
}

void
cli_rundir_remove(struct cli_rundir *dir)
{
	remove_tree(dir->path);
	close(dir->lock);
}
