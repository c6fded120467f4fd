/**
 * The fixtures of the protocol's requirements: packets in, verdicts, packets out, counters after. They run on
 * the forwarder of tests/sff; the front of a test's name tells the requirements that it proves.
 *
 * Included by the tests of this folder.
 */
#ifndef TESTS_CONFORMANCE_H
#define TESTS_CONFORMANCE_H

#include "../sff/stages.h"

/* The NSH header of a frame that stands behind `at` bytes. */
static inline struct nsh_hdr *
nsh_at(struct frame *f, size_t at)
{
	return (struct nsh_hdr *)(f->bytes + at);
}

/* Make what is in the frame NSH's payload and send it from the other node. */
static inline void
over_the_wire(struct frame *f, uint32_t spi, uint8_t si, uint8_t ttl, uint8_t np)
{
	frame_md1(f, spi, si, ttl, np);
	frame_gpe(f, 50000);
}

static inline uint64_t
dropped(const struct fixture *f, enum sfc_drop reason)
{
	return f->lc->dropped[reason];
}

static inline uint64_t
all_dropped(const struct fixture *f)
{
	uint64_t n = 0;

	for (unsigned int d = 0; d < SFC_DROP_MAX; d++)
		n += f->lc->dropped[d];
	return n;
}

/* The counters of the path with this SPI. */
static inline const struct sff_path_count *
path_count(const struct fixture *f, uint32_t spi)
{
	const struct sfc_config *config = f->plane.config;
	uint16_t p = 0;

	while (p < config->n_paths && config->path[p].spi != spi)
		p++;
	assert_true(p < config->n_paths);
	return &f->lc->path[p];
}

#endif
