#include "sff_eal.h"

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_ARGS 24

/* Free memory in 2 MiB hugepages. */
static uint64_t
free_hugepages_mib(void)
{
	FILE *file = fopen("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "re");
	unsigned long long pages = 0;

	if (file == NULL)
		return 0;
	if (fscanf(file, "%llu", &pages) != 1)
		pages = 0;
	fclose(file);
	return pages * 2;
}

/* "0@(0,1),1@(1)": control anywhere, workers pinned from the last allowed CPU down, or anywhere too. */
static int
lcore_map(const struct sff_eal_conf *conf, char *map, size_t size, char *err, int err_size)
{
	char all[512] = "";
	int cpu[CPU_SETSIZE], n = 0;
	size_t at;
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return -errno;
	for (int c = 0; c < CPU_SETSIZE; c++)
		if (CPU_ISSET(c, &set) && strlen(all) + 8 < sizeof(all)) {
			snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%d", n > 0 ? "," : "", c);
			cpu[n++] = c;
		}
	if (conf->workers >= RTE_MAX_LCORE || (conf->pin && conf->workers > n)) {
		snprintf(err, (size_t)err_size, "%u workers wanted, but this machine lets us use %d CPUs",
			conf->workers, n);
		return -EINVAL;
	}
	at = (size_t)snprintf(map, size, "--lcores=0@(%s)", all);
	for (uint16_t w = 0; w < conf->workers && at < size; w++) {
		if (conf->pin)
			at += (size_t)snprintf(map + at, size - at, ",%u@(%d)", w + 1, cpu[n - 1 - w]);
		else
			at += (size_t)snprintf(map + at, size - at, ",%u@(%s)", w + 1, all);
	}
	if (at < size)
		return 0;
	snprintf(err, (size_t)err_size, "too many CPUs for one EAL lcore map: %d", n);
	return -E2BIG;
}

int
sff_eal_init(const struct sff_eal_conf *conf, char *note, int note_size, char *err, int err_size)
{
	char map[8192], memory[24], prefix[48];
	char *argv[MAX_ARGS];
	int argc = 0, rc;
	bool huge = !conf->small_pages && free_hugepages_mib() >= conf->memory_mib;

	note[0] = '\0';
	rc = lcore_map(conf, map, sizeof(map), err, err_size);
	if (rc != 0)
		return rc;
	/* EAL's own directory stands under ours (it reads this variable first). */
	if (setenv("RUNTIME_DIRECTORY", conf->run_dir, 1) != 0)
		return -errno;
	snprintf(memory, sizeof(memory), "%u", conf->memory_mib);
	snprintf(prefix, sizeof(prefix), "--file-prefix=sluice-%d", getpid());
	argv[argc++] = "sff";
	argv[argc++] = map;
	argv[argc++] = "-m";
	argv[argc++] = memory;
	argv[argc++] = prefix;
	argv[argc++] = "--log-level=*:error";
	/* Anonymous hugepages leave nothing behind, however we end. */
	if (huge) {
		argv[argc++] = "--in-memory";
	} else {
		argv[argc++] = "--no-huge";
		argv[argc++] = "--no-shconf";
		snprintf(note, (size_t)note_size, "no %u MiB of free hugepages: using 4 KiB pages",
			conf->memory_mib);
	}
	if (!conf->pci)
		argv[argc++] = "--no-pci";
	if (!conf->telemetry)
		argv[argc++] = "--no-telemetry";
	argv[argc] = NULL;
	if (rte_eal_init(argc, argv) >= 0)
		return 0;
	rc = rte_errno != 0 ? rte_errno : EIO;
	snprintf(err, (size_t)err_size, "EAL did not start with %u MiB of memory: %s", conf->memory_mib,
		rte_strerror(rc));
	return -rc;
}
