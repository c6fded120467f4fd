/**
 * Running images under hv, with dpdk-testpmd as the back end. Included by test_vnf_run.c.
 */
#ifndef VNF_RUN_H
#define VNF_RUN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "hv_abi.h"

#define RUN_FRAME_MAX 9100u

#define RUN_PAIRS_MAX 4u

/* One runner and what it shares. */
struct run {
	unsigned pairs; /* queue pairs; 0 is 1 */
	pid_t pid;
	int control; /* socket */
	char net[64];
	const uint8_t *shared; /* memfd S, read only */
};

struct run_frame {
	uint32_t size;
	uint8_t bytes[RUN_FRAME_MAX];
};

/** A folder for sockets and files of this test program, removed by run_clean(). */
const char *run_dir(void);
void run_clean(void);

/**
 * Start an image and wait until it is ready. Fails the test when that takes more than 5 s.
 *
 * @param run      pairs is set, the rest is filled.
 * @param image    path.
 * @param runtime  kvm or process.
 * @param arg      arguments for the guest, NULL ends.
 */
void run_start(struct run *run, const char *image, const char *runtime, const char *const arg[]);

/** Start an image that ends by itself. @return its exit code; `output` gets what hv printed. */
int run_to_end(const char *image, const char *runtime, const char *const arg[], char *output, size_t size);

/** Send {"command":"..."}. @return hv's exit code. */
int run_command(struct run *run, const char *command);

const struct hv_status *run_status(const struct run *run);

/** Value of a metric; fails the test when there is none. */
uint64_t run_metric(const struct run *run, const char *name);

/** True when the console has this text. */
bool run_console_has(const struct run *run, const char *text);

/**
 * Send the same n frames through every queue pair with dpdk-testpmd, wait until the guest has taken all and
 * what it sent is written. Fails the test when the pairs do not return the same bytes.
 *
 * @param back  room for n frames.
 * @return      frames that came back through each pair, in order.
 */
unsigned run_frames(struct run *run, const struct run_frame *sent, unsigned n, struct run_frame *back);

/** Run a program. @return its exit code. */
int run_program(const char *const argv[]);

#endif
