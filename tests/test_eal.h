/**
 * EAL for unit tests: no hugepages, no PCI, nothing shared, nothing left behind.
 *
 * Included by each test that needs EAL, as "../test_eal.h"; a test is one program and calls test_eal_init()
 * once or more. Two tests side by side never meet: each has its own runtime directory, removed at exit.
 */
#ifndef TEST_EAL_H
#define TEST_EAL_H

#include <errno.h>
#include <fts.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEST_EAL_MEMORY "128" /* MiB */
#define TEST_EAL_SKIP   77    /* SKIP_RETURN_CODE of ctest */

static char test_eal_dir[] = "/tmp/sluice-test-XXXXXX";
static pid_t test_eal_owner;

static inline void
test_eal_remove(void)
{
	char *const roots[] = {test_eal_dir, NULL};
	FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);

	for (FTSENT *e = tree != NULL ? fts_read(tree) : NULL; e != NULL; e = fts_read(tree))
		if (e->fts_info != FTS_D) /* a folder comes again after its content */
			remove(e->fts_path);
	if (tree != NULL)
		fts_close(tree);
}

/* A forked child that calls exit() must not take the parent's EAL down. */
static inline void
test_eal_fini(void)
{
	if (getpid() != test_eal_owner)
		return;
	rte_eal_cleanup();
	test_eal_remove();
}

/* The CPUs this process may run on, as the kernel writes them and EAL reads them: "0-3,8". */
static inline int
test_eal_cpus(char *text, size_t size)
{
	char line[1024];
	FILE *file = fopen("/proc/self/status", "r");
	int rc = -ENOENT;

	while (file != NULL && rc != 0 && fgets(line, sizeof(line), file) != NULL) {
		char list[1024];
		if (sscanf(line, "Cpus_allowed_list: %1023s", list) == 1 && strlen(list) < size) {
			strcpy(text, list);
			rc = 0;
		}
	}
	if (file != NULL)
		fclose(file);
	return rc;
}

/**
 * Start EAL: main lcore 0 and one sleeping worker lcore 1, both on any CPU of this process.
 *
 * @return 0, also when EAL runs already. Exits with 77 and the reason when this machine cannot run EAL.
 */
static inline int
test_eal_init(void)
{
	char prefix[32], lcores[1100], cpus[512];

	if (test_eal_owner != 0)
		return 0;
	if (mkdtemp(test_eal_dir) == NULL || test_eal_cpus(cpus, sizeof(cpus)) != 0) {
		printf("skip: no folder or no CPU list for EAL: %s\n", strerror(errno));
		exit(TEST_EAL_SKIP);
	}
	setenv("RUNTIME_DIRECTORY", test_eal_dir, 1);
	snprintf(prefix, sizeof(prefix), "test%d", (int)getpid());
	snprintf(lcores, sizeof(lcores), "0@(%s),1@(%s)", cpus, cpus);

	/* EAL may reorder its arguments and write into them. */
	char args[][24] = {"test", "--no-huge", "-m", TEST_EAL_MEMORY, "--no-pci", "--no-shconf",
		"--no-telemetry", "--log-level", "*:error", "--file-prefix", "", "--lcores", ""};
	int argc = (int)(sizeof(args) / sizeof(args[0]));
	char *argv[sizeof(args) / sizeof(args[0]) + 1] = {NULL};
	for (int i = 0; i < argc; i++)
		argv[i] = args[i];
	argv[argc - 3] = prefix;
	argv[argc - 1] = lcores;
	if (rte_eal_init(argc, argv) < 0) {
		printf("skip: rte_eal_init: %s\n", rte_strerror(rte_errno));
		test_eal_remove();
		exit(TEST_EAL_SKIP);
	}
	test_eal_owner = getpid();
	atexit(test_eal_fini);
	return 0;
}

#endif
