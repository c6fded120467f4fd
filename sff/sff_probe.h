/**
 * Follows marked frames through SFs, for the latency of each hop.
 *
 * A guest copies nothing that is not in the frame, so a marked frame is known again by a fingerprint of what
 * it carries: not of what a function may change (addresses, NSH). The guest's own stamps (hv_abi.h) say when
 * it took the frame and when it sent it on. A frame that a function rewrites or consumes is not followed.
 *
 * Included by sff_lcore.c and sff_tx.c (one test each when nobody measures), by sff_bench.c and tests.
 */
#ifndef SFF_PROBE_H
#define SFF_PROBE_H

#include "hv_abi.h"
#include "pmd_load.h"

#include <rte_mbuf.h>

#include <stdint.h>

enum sff_probe_part {
	SFF_PROBE_SFF,    /* in the forwarder: until the port took it, the wait for the worker included */
	SFF_PROBE_RING,   /* in the ring, until the guest looked */
	SFF_PROBE_GUEST,  /* in the guest */
	SFF_PROBE_RETURN, /* in the ring back, until the worker looked */
	SFF_PROBE_PARTS,
};

struct sff_probe_count {
	uint64_t given;   /* marked frames given to the SF */
	uint64_t known;   /* of these, that came back and were known again */
	uint64_t refused; /* frames, marked or not, for which its ring had no room */
};

struct sff_probe;

/** @param n_ports  ports of the plane. @return 0 or -ENOMEM. */
int sff_probe_create(uint16_t n_ports, struct pmd_load *load, struct sff_probe **probe);
void sff_probe_destroy(struct sff_probe *probe);

/** The status memory of the guest behind an SF port. Hostile: each field is read once. */
void sff_probe_watch(struct sff_probe *probe, uint16_t port, const volatile struct hv_status *status);

/** Forget what was measured. @param marked  marked frames will come. Thread: control, while no frame is
 * inside. */
void sff_probe_reset(struct sff_probe *probe, bool marked);

/**
 * Frames about to be given to an SF port; sff_probe_given() tells how many it took.
 *
 * @param before  frames the port took in its life so far.
 * Thread: the lcore.
 */
void sff_probe_give(
	struct sff_probe *probe, uint16_t port, struct rte_mbuf **pkts, uint16_t n, uint64_t before);
void sff_probe_given(struct sff_probe *probe, uint16_t port, uint16_t taken);

/** Frames that came from an SF port: marked ones are marked again. Thread: the lcore. */
void sff_probe_back(struct sff_probe *probe, uint16_t port, struct rte_mbuf **pkts, uint16_t n);

const struct pmd_hist *sff_probe_hist(const struct sff_probe *probe, uint16_t port, enum sff_probe_part part);

void sff_probe_counts(const struct sff_probe *probe, uint16_t port, struct sff_probe_count *count);

#endif
