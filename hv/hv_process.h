/**
 * The two halves of the process runtime: hv_process.c (runner's side) and hv_process_child.c (the side that
 * becomes the guest). Included by these two only.
 */
#ifndef HV_PROCESS_H
#define HV_PROCESS_H

#include <time.h>

#include "hv.h"

struct process_state {
	int pid;
	int go_read, go_write; /* pipe: the runner lets the guest run; its end tells the child it is alone */
	uint64_t *go_tsc;      /* shared: TSC when it did */
	clockid_t cpu_clock;   /* of the child */
};

/** Become the guest: map, lock, wait for the runner's word, jump. Never returns. */
void hv_process_child(struct hv_guest *guest) __attribute__((noreturn));

#endif
