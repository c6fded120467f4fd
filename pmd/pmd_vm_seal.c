#include "pmd_vm_seal.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

static const char *
check_file(const struct pmd_vm_claim *claim, int fd)
{
	struct stat st;
	int seals = fcntl(fd, F_GET_SEALS);
	int flags = fcntl(fd, F_GETFL);

	if (seals < 0 || flags < 0 || fstat(fd, &st) != 0)
		return "memory is no memfd";
	if ((seals & F_SEAL_SHRINK) == 0 || (seals & F_SEAL_GROW) == 0)
		return "memory is not sealed against shrinking and growing";
	if ((seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) != 0 || (flags & O_ACCMODE) != O_RDWR)
		return "memory cannot be written";
	/* The sum was checked; the size cannot change any more. */
	if (st.st_size < 0 || (uint64_t)st.st_size < claim->offset + claim->size)
		return "memory is smaller than claimed";
	return NULL;
}

static bool
overlap(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
	return a < b + b_size && b < a + a_size;
}

static bool
wraps(uint64_t start, uint64_t size)
{
	uint64_t end;

	return __builtin_add_overflow(start, size, &end);
}

const char *
pmd_vm_seal_check(const struct pmd_vm_claim *claims, uint32_t count, const int *fds)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct pmd_vm_claim *c = &claims[i];
		if (c->size == 0 || wraps(c->guest, c->size) || wraps(c->user, c->size) ||
			wraps(c->offset, c->size))
			return "a memory region is empty or wraps";
		for (uint32_t j = 0; j < i; j++) {
			const struct pmd_vm_claim *d = &claims[j];
			if (overlap(c->guest, c->size, d->guest, d->size) ||
				overlap(c->user, c->size, d->user, d->size))
				return "memory regions overlap";
		}
		const char *why = check_file(c, fds[i]);
		if (why != NULL)
			return why;
	}
	return NULL;
}
