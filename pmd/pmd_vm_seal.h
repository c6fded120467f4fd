/**
 * Guest memory that cannot be pulled away under the dataplane. Included by the VM port and its tests.
 */
#ifndef PMD_VM_SEAL_H
#define PMD_VM_SEAL_H

#include <stdint.h>

/* One region of a vhost-user memory table as the front end claims it. */
struct pmd_vm_claim {
	uint64_t guest; /* guest physical address */
	uint64_t size;
	uint64_t user;   /* address in the front end */
	uint64_t offset; /* in its file */
};

/**
 * Check a memory table before anything is mapped.
 *
 * Each file must be a memfd open for reading and writing, sealed against shrinking and growing but not
 * against writing, and hold the region; regions must not wrap or overlap. Without the seals one truncation
 * would kill the dataplane by SIGBUS.
 *
 * @return  NULL, or why not. Thread: any.
 */
const char *pmd_vm_seal_check(const struct pmd_vm_claim *claims, uint32_t count, const int *fds);

#endif
