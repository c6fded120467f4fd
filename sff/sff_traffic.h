/**
 * What a bench sends: the frames of a capture, or frames made to match the node's first rule.
 *
 * Included by sff_bench.c and its test.
 */
#ifndef SFF_TRAFFIC_H
#define SFF_TRAFFIC_H

#include "pmd_load.h"
#include "sfc_config.h"
#include "sff_options.h"

#define SFF_TRAFFIC_FRAMES 65536u      /* of a capture; the rest is left out */
#define SFF_TRAFFIC_BYTES  (64u << 20) /* likewise */

struct sff_traffic {
	uint8_t *bytes;
	struct pmd_load_frame *frame;
	uint32_t n;
	uint32_t flows;   /* of made frames; 0 = a capture's */
	uint16_t port;    /* index in the node's ports: where they enter */
	const char *rule; /* they are made for; NULL = a capture */
	double size;      /* mean, bytes */
};

/**
 * Prepare what `options` ask for.
 *
 * @return 0, -ENOMEM, or -EINVAL with one message in err: no rule leads into a path, a capture without
 * frames, a size that is too small. Thread: control.
 */
int sff_traffic_create(const struct sfc_config *config, int node, const struct sff_options *options,
	struct sff_traffic *traffic, char *err, int err_size);
void sff_traffic_free(struct sff_traffic *traffic);

#endif
