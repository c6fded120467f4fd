#include "sff_run_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Depth of what EAL and we make in there. */
#define OPEN_DIRS 8
/* How `sluice replay` names the directory it makes for us (sfc/cli/cli_rundir.c). */
#define REPLAY_PREFIX "sluice-replay-"

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
	nftw(path, remove_one, OPEN_DIRS, FTW_DEPTH | FTW_PHYS);
}

/* EAL makes a directory per process and leaves it; of a live node one of each run would stay. */
static void
remove_eal_files(const struct sff_run_dir *dir)
{
	char path[PATH_MAX + 8];

	snprintf(path, sizeof(path), "%s/dpdk", dir->path);
	remove_tree(path);
}

/* Somebody else's directory would let them swap our sockets. */
static int
check_owner(const char *path)
{
	struct stat st;

	if (lstat(path, &st) != 0)
		return -errno;
	if (!S_ISDIR(st.st_mode))
		return -ENOTDIR;
	return st.st_uid == geteuid() && (st.st_mode & 022) == 0 ? 0 : -EPERM;
}

static int
base_dir(char *path, size_t size)
{
	const char *user = getenv("XDG_RUNTIME_DIR");

	if (user != NULL && user[0] == '/')
		snprintf(path, size, "%s/sluice", user);
	else if (geteuid() == 0)
		snprintf(path, size, "/run/sluice");
	else
		snprintf(path, size, "/tmp/sluice-%u", geteuid());
	return mkdir(path, 0700) == 0 || errno == EEXIST ? check_owner(path) : -errno;
}

static int
lock(struct sff_run_dir *dir)
{
	char path[PATH_MAX + 8];

	snprintf(path, sizeof(path), "%s/lock", dir->path);
	dir->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (dir->lock < 0)
		return -errno;
	if (flock(dir->lock, LOCK_EX | LOCK_NB) == 0)
		return 0;
	close(dir->lock);
	dir->lock = -1;
	return -EBUSY;
}

int
sff_run_dir_open(const char *given, const char *node, struct sff_run_dir *dir, char *err, int err_size)
{
	char base[PATH_MAX - 300];
	int rc = 0;

	*dir = (struct sff_run_dir){.lock = -1};
	if (given != NULL) {
		snprintf(dir->path, sizeof(dir->path), "%s", given);
		/* What was there before us is not ours to remove. */
		if (mkdir(dir->path, 0700) == 0)
			dir->remove = node == NULL;
		else if (errno != EEXIST)
			rc = -errno;
	} else {
		rc = base_dir(base, sizeof(base));
		snprintf(dir->path, sizeof(dir->path), "%s/%s", base, node != NULL ? node : "replay-XXXXXX");
		if (rc == 0 && node == NULL) {
			dir->remove = mkdtemp(dir->path) != NULL;
			rc = dir->remove ? 0 : -errno;
		}
		if (rc == 0 && node != NULL && mkdir(dir->path, 0700) != 0 && errno != EEXIST)
			rc = -errno;
	}
	if (rc == 0)
		rc = check_owner(dir->path);
	if (rc == 0 && node != NULL)
		rc = lock(dir);
	if (rc == 0 && node != NULL)
		remove_eal_files(dir); /* of one that was killed */
	if (rc == -EBUSY)
		snprintf(err, (size_t)err_size, "node '%s' is running already: %s/lock is held", node,
			dir->path);
	else if (rc != 0)
		snprintf(err, (size_t)err_size, "runtime directory %s: %s", dir->path, strerror(-rc));
	return rc;
}

void
sff_run_dir_inherit(struct sff_run_dir *dir)
{
	const char *name = strrchr(dir->path, '/');

	if (name != NULL && strncmp(name + 1, REPLAY_PREFIX, strlen(REPLAY_PREFIX)) == 0)
		dir->remove = true;
}

void
sff_run_dir_close(struct sff_run_dir *dir)
{
	if (dir->remove && dir->path[0] != '\0')
		remove_tree(dir->path);
	else if (dir->lock >= 0)
		remove_eal_files(dir);
	if (dir->lock >= 0)
		close(dir->lock);
	*dir = (struct sff_run_dir){.lock = -1};
}
