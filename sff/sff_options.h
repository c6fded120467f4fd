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

#define SFF_OPTIONS_FLOWS 65536u /* most flows of a bench */
#define SFF_OPTIONS_SIZE  9000u  /* bytes of its largest frame */

/* A capture file and the port it stands for. */
struct sff_capture {
	char *port;
	char *file;
};

struct sff_options {
	const char *config;
	const char *node;    /* NULL: the only one, or the host's */
	const char *run_dir; /* NULL: made by us */
	bool replay;         /* also of a bench */
	bool bench;
	bool json;
	struct sff_capture *in;
	unsigned int n_in;
	struct sff_capture *out;
	unsigned int n_out;
	int runtime;       /* enum sfc_runtime for every instance, -1 = as the file says */
	uint16_t lockstep; /* frames per step, 0 = off */
	double speed;      /* 0 = max */
	uint64_t loops;
	int report_fd; /* of a replay or bench, -1 = none */
	/* bench: */
	uint32_t flows;      /* of made frames */
	uint16_t frame_size; /* bytes, 0 = a mix */
	double trial_s;      /* of one trial */
	double sum_s;        /* of the trials of one load */
	double width;        /* relative, of the interval that holds a rate */
};

/**
 * Read the command line.
 *
 * @return  -1 to run; else the exit code (help, version, or usage: the message is printed).
 */
int sff_options_parse(int argc, char **argv, struct sff_options *options);
void sff_options_free(struct sff_options *options);

#endif
