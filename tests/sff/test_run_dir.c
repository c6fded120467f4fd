#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "sff_run_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char top[] = "/tmp/sluice-run-dir-XXXXXX";
static struct sff_run_dir dir;
static char err[512];

static int
setup(void **state)
{
	(void)state;
	memcpy(top + sizeof(top) - 7, "XXXXXX", 6);
	return mkdtemp(top) == NULL;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int
teardown(void **state)
{
	(void)state;
	return nftw(top, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static const char *
under(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", top, name);
	return path;
}

static void
touch(const char *folder, const char *name)
{
	char path[PATH_MAX + 64];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
}

static bool
exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

static void
a_replay_has_a_directory_of_its_own_that_goes_with_it(void **state)
{
	struct sff_run_dir other;
	char path[PATH_MAX], deep[PATH_MAX + 8];
	struct stat st;

	(void)state;
	assert_int_equal(sff_run_dir_open(NULL, NULL, &dir, err, sizeof(err)), 0);
	assert_int_equal(sff_run_dir_open(NULL, NULL, &other, err, sizeof(err)), 0);
	assert_string_not_equal(dir.path, other.path);
	assert_int_equal(stat(dir.path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	touch(dir.path, "socket");
	snprintf(deep, sizeof(deep), "%s/dpdk", dir.path);
	assert_int_equal(mkdir(deep, 0700), 0);
	touch(deep, "config");
	strcpy(path, dir.path);
	sff_run_dir_close(&dir);
	assert_false(exists(path));
	assert_true(exists(other.path));
	sff_run_dir_close(&other);
	assert_string_equal(other.path, "");
	sff_run_dir_close(&other); /* nothing more to do */
}

static void
a_directory_that_was_there_stays_with_what_is_in_it(void **state)
{
	(void)state;
	touch(top, "precious");
	assert_int_equal(sff_run_dir_open(top, NULL, &dir, err, sizeof(err)), 0);
	assert_string_equal(dir.path, top);
	sff_run_dir_close(&dir);
	assert_true(exists(under("precious")));
}

static void
a_directory_that_we_made_goes(void **state)
{
	(void)state;
	assert_int_equal(sff_run_dir_open(under("new"), NULL, &dir, err, sizeof(err)), 0);
	touch(dir.path, "socket");
	sff_run_dir_close(&dir);
	assert_false(exists(under("new")));
}

static void
a_directory_that_others_may_write_is_refused_and_kept(void **state)
{
	(void)state;
	touch(top, "precious");
	assert_int_equal(chmod(top, 0777), 0);
	assert_int_equal(sff_run_dir_open(top, NULL, &dir, err, sizeof(err)), -EPERM);
	assert_non_null(strstr(err, top));
	sff_run_dir_close(&dir);
	assert_true(exists(under("precious")));
}

static void
a_link_or_a_file_is_no_directory(void **state)
{
	char target[128];

	(void)state;
	touch(top, "file");
	strcpy(target, under("file"));
	assert_int_equal(sff_run_dir_open(target, NULL, &dir, err, sizeof(err)), -ENOTDIR);
	sff_run_dir_close(&dir);
	assert_true(exists(target));
	assert_int_equal(mkdir(under("real"), 0700), 0);
	strcpy(target, under("real"));
	assert_int_equal(symlink(target, under("link")), 0);
	assert_int_equal(sff_run_dir_open(under("link"), NULL, &dir, err, sizeof(err)), -ENOTDIR);
	sff_run_dir_close(&dir);
	assert_true(exists(target));
}

static void
a_directory_that_cannot_be_made_is_named(void **state)
{
	(void)state;
	assert_int_equal(sff_run_dir_open(under("no/such"), NULL, &dir, err, sizeof(err)), -ENOENT);
	assert_non_null(strstr(err, "no/such"));
	sff_run_dir_close(&dir);
}

static void
a_live_node_runs_once_and_its_directory_stays(void **state)
{
	struct sff_run_dir second;

	(void)state;
	assert_int_equal(sff_run_dir_open(under("edge"), "edge", &dir, err, sizeof(err)), 0);
	assert_true(dir.lock >= 0);
	assert_int_equal(sff_run_dir_open(under("edge"), "edge", &second, err, sizeof(err)), -EBUSY);
	assert_non_null(strstr(err, "'edge' is running already"));
	sff_run_dir_close(&second);
	touch(dir.path, "vm.net");
	sff_run_dir_close(&dir);
	/* Its VMs live on in there. */
	assert_true(exists(under("edge/vm.net")));
	assert_int_equal(sff_run_dir_open(under("edge"), "edge", &dir, err, sizeof(err)), 0);
	sff_run_dir_close(&dir);
}

static void
a_lock_that_is_a_link_is_not_followed(void **state)
{
	(void)state;
	assert_int_equal(symlink("/dev/null", under("lock")), 0);
	assert_int_equal(sff_run_dir_open(top, "edge", &dir, err, sizeof(err)), -ELOOP);
	sff_run_dir_close(&dir);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_replay_has_a_directory_of_its_own_that_goes_with_it),
		TEST(a_directory_that_was_there_stays_with_what_is_in_it),
		TEST(a_directory_that_we_made_goes),
		TEST(a_directory_that_others_may_write_is_refused_and_kept),
		TEST(a_link_or_a_file_is_no_directory),
		TEST(a_directory_that_cannot_be_made_is_named),
		TEST(a_live_node_runs_once_and_its_directory_stays),
		TEST(a_lock_that_is_a_link_is_not_followed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
