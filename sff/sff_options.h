/**
 * Command line of the program `sff`.
 *
 * Included by main.c and control.
 */
#ifndef SFF_OPTIONS_H
#define SFF_OPTIONS_H

#include "sfc_config.h"

#include <stdbool.h>
#include <stdint.h>

/* A capture file and the port it stands for. */
struct sff_capture {
	char *port;
	char *file;
};

struct sff_options {
	const char *config;
	const char *node;    /* NULL: the only one, or the host's */
	const char *run_dir; /* NULL: made by us */
	bool replay;
	bool json;
	struct sff_capture *in;
	unsigned int n_in;
	struct sff_capture *out;
	unsigned int n_out;
	int runtime;       /* enum sfc_runtime for every instance, -1 = as the file says */
	uint16_t lockstep; /* frames per step, 0 = off */
	double speed;      /* 0 = max */
	uint64_t loops;
	int report_fd; /* -1 = none */
};

/**
 * Read the command line.
 *
 * @return  -1 to run; else the exit code (help, version, or usage: the message is printed).
 */
int sff_options_parse(int argc, char **argv, struct sff_options *options);
void sff_options_free(struct sff_options *options);

#endif
