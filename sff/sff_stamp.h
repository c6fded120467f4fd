/**
 * Time stamps across SFs, for replay: an output frame carries the stamp of the input frame it came from.
 *
 * A guest copies frames, so what belongs to a buffer is lost on the way. Each VM port therefore keeps a queue
 * of (stamp, sequence, fingerprint of the payload) of the frames inside; a frame that comes back takes the
 * entry with its fingerprint, also when it overtook others or was overtaken. A payload that the SF changed
 * matches none: it takes the first entry behind all that came back, as a function that keeps order would have
 * it. Included by sff_tx.c, sff_lcore.c and tests. Thread: the lcore.
 */
#ifndef SFF_STAMP_H
#define SFF_STAMP_H

#include <rte_mbuf.h>

#include <stdint.h>

struct sff_stamps;

/** @param n_ports  ports of the plane. @return 0, -ENOMEM or -errno of registering the sequence field. */
int sff_stamps_create(uint16_t n_ports, struct sff_stamps **stamps);
void sff_stamps_destroy(struct sff_stamps *stamps);

/** Number frames in the order in which they were read. */
void sff_stamps_number(struct sff_stamps *stamps, struct rte_mbuf **pkts, uint16_t n);

/** Frames (Ethernet, NSH, payload) about to be given to an SF port; sff_stamps_keep tells how many it took.
 */
void sff_stamps_note(struct sff_stamps *stamps, uint16_t port, struct rte_mbuf **pkts, uint16_t n);
void sff_stamps_keep(struct sff_stamps *stamps, uint16_t port, uint16_t taken);

/** Give frames that came from an SF port their stamp and number back. */
void sff_stamps_restore(struct sff_stamps *stamps, uint16_t port, struct rte_mbuf **pkts, uint16_t n);

/** Put frames in the order in which they were read. */
void sff_stamps_sort(const struct sff_stamps *stamps, struct rte_mbuf **pkts, uint16_t n);

#endif
