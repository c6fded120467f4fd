/**
 * Start DPDK's EAL for this node: memory, lcores and files as the machine allows.
 *
 * Included by control.
 */
#ifndef SFF_EAL_H
#define SFF_EAL_H

#include <stdbool.h>
#include <stdint.h>

struct sff_eal_conf {
	const char *run_dir;
	uint32_t memory_mib;
	uint16_t workers;
	bool pin; /* each worker on a CPU of its own; a replay floats, it shares the machine with its guests
	           */
	bool pci; /* some port is a PCI device */
	bool telemetry;   /* live node */
	bool small_pages; /* leave hugepages alone */
};

/**
 * Start EAL. Lcore 0 is control's, 1..workers are the workers'.
 *
 * @param note  what the machine did not offer, one line, or empty.
 * @return      0 or -errno with one message in err. Once per process. Thread: control, first.
 */
int sff_eal_init(const struct sff_eal_conf *conf, char *note, int note_size, char *err, int err_size);

#endif
