#include "pmd_vm_seal.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define SIZE 65536u

static int
make(int seals)
{
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, SIZE), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

static const struct pmd_vm_claim whole = {.guest = 0x40000000, .size = SIZE, .user = 0x7000000, .offset = 0};

static const char *
check(struct pmd_vm_claim claim, int fd)
{
	return pmd_vm_seal_check(&claim, 1, &fd);
}

static void
sealed_memory_as_large_as_claimed_is_good(void **state)
{
	int fd = make(F_SEAL_SHRINK | F_SEAL_GROW);
	struct pmd_vm_claim part = {.guest = 0, .size = SIZE - 4096, .user = 0, .offset = 4096};

	(void)state;
	assert_null(check(whole, fd));
	assert_null(check(part, fd));
	close(fd);
	fd = make(F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
	assert_null(check(whole, fd));
	close(fd);
}

static void
missing_or_wrong_seals_are_refused(void **state)
{
	static const int seals[] = {0, F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE,
		F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE};

	(void)state;
	for (size_t i = 0; i < sizeof(seals) / sizeof(seals[0]); i++) {
		int fd = make(seals[i]);
		assert_non_null(check(whole, fd));
		close(fd);
	}
}

static void
what_is_no_memfd_is_refused(void **state)
{
	int pipe_fds[2], fd;

	(void)state;
	assert_int_equal(pipe(pipe_fds), 0);
	assert_non_null(check(whole, pipe_fds[0]));
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	fd = open("/dev/zero", O_RDWR | O_CLOEXEC);
	assert_non_null(check(whole, fd));
	close(fd);
	assert_non_null(check(whole, -1));
}

static void
claim_beyond_the_file_is_refused(void **state)
{
	int fd = make(F_SEAL_SHRINK | F_SEAL_GROW);
	static const struct pmd_vm_claim lies[] = {
		{.guest = 0, .size = SIZE + 1, .user = 0, .offset = 0},
		{.guest = 0, .size = SIZE, .user = 0, .offset = 1},
		{.guest = 0, .size = 1, .user = 0, .offset = SIZE},
		{.guest = 0, .size = UINT64_MAX, .user = 0, .offset = 0},
		{.guest = 0, .size = 2, .user = 0, .offset = UINT64_MAX},
		{.guest = UINT64_MAX, .size = SIZE, .user = 0, .offset = 0},
		{.guest = 0, .size = SIZE, .user = UINT64_MAX - 1, .offset = 0},
		{.guest = 0, .size = 0, .user = 0, .offset = 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		if (check(lies[i], fd) == NULL)
			fail_msg("lie %zu", i);
	}
	close(fd);
}

static void
regions_may_touch_but_not_overlap(void **state)
{
	int fd = make(F_SEAL_SHRINK | F_SEAL_GROW);
	int fds[2] = {fd, fd};
	struct pmd_vm_claim claims[2] = {whole, whole};

	(void)state;
	claims[1].guest += SIZE;
	claims[1].user += SIZE;
	assert_null(pmd_vm_seal_check(claims, 2, fds));
	claims[1].guest -= 1;
	assert_non_null(pmd_vm_seal_check(claims, 2, fds));
	claims[1].guest += 1;
	claims[1].user -= 1;
	assert_non_null(pmd_vm_seal_check(claims, 2, fds));
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sealed_memory_as_large_as_claimed_is_good),
		cmocka_unit_test(missing_or_wrong_seals_are_refused),
		cmocka_unit_test(what_is_no_memfd_is_refused),
		cmocka_unit_test(claim_beyond_the_file_is_refused),
		cmocka_unit_test(regions_may_touch_but_not_overlap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
