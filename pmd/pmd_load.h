/**
 * Ports that load a chain for a measurement: one gives frames at times fixed in advance, all take frames
 * back.
 *
 * Included by sff's bench. The source models the receive ring of a device: what the worker does not take in
 * time is missed, oldest first, and is lost. Latency counts from the moment a frame was meant to be sent
 * (open loop), so that a worker that was away does not hide it.
 */
#ifndef PMD_LOAD_H
#define PMD_LOAD_H

#include "pmd.h"
#include "pmd_hist.h"

#include <stdatomic.h>

#define PMD_LOAD_RING 1024u /* frames that wait for the worker; as the default ring of common devices */
/* A worker that was away for so long was preempted: no pass of its own takes so long. */
#define PMD_LOAD_GAP_NS 50000u

/* One frame to send, again and again. */
struct pmd_load_frame {
	const uint8_t *bytes;
	uint16_t size;
	/* Where a 32-bit number and its complement go, so that each frame is another one and one's complement
	 * checksums hold; 0 = nowhere. */
	uint16_t number_at;
};

struct pmd_load_trial {
	double pps; /* 0 = as fast as the worker takes them */
	double seconds;
	uint32_t sample; /* stamp one frame in so many; 0 = none */
};

struct pmd_load_count {
	uint64_t offered; /* frames that were to be sent */
	uint64_t given;   /* that the worker took */
	uint64_t missed;  /* that it did not take in time */
	uint64_t back;    /* that came out of the chain */
};

struct pmd_load;

/** A dynamic field: when a stamped frame came to where it is, TSC. */
extern int pmd_load_since_offset;
/** The bit of ol_flags that marks a stamped frame; pmd_stamp() is its intended time, TSC. */
extern uint64_t pmd_load_mark;

static inline uint64_t *
pmd_load_since(struct rte_mbuf *m)
{
	return RTE_MBUF_DYNFIELD(m, pmd_load_since_offset, uint64_t *);
}

/**
 * @param frames  sent in turn; kept by the caller.
 * @return        0, -ENOMEM or -errno of registering the fields. Thread: control; after pmd_init.
 */
int pmd_load_create(const struct pmd_load_frame *frames, uint32_t n, struct pmd_load **load);
/** After its ports are closed. */
void pmd_load_destroy(struct pmd_load *load);

/** Open a port; one of them may be the source. One lcore polls them all. */
int pmd_load_open(struct pmd_load *load, const char *name, bool source, struct pmd_port **port);

/** Begin a trial; the one before is over. Thread: control. */
void pmd_load_start(struct pmd_load *load, const struct pmd_load_trial *trial);

/** Has the source given all that it was to give? Thread: control. */
bool pmd_load_over(const struct pmd_load *load);

/** Counts since the trial began. Thread: any; exact once the trial is over and drained. */
void pmd_load_count(const struct pmd_load *load, struct pmd_load_count *count);

/** Something was preempted until `tsc`: stamped frames that were on their way are not clean. Thread: the
 * lcore. */
void pmd_load_disturbed(struct pmd_load *load, uint64_t tsc);

/** Cycles that the worker spent away, in passes above PMD_LOAD_GAP_NS, since the trial began. */
uint64_t pmd_load_away(const struct pmd_load *load);

/** Latencies of the trial: of all stamped frames, of those that nothing disturbed. At rest. */
const struct pmd_hist *pmd_load_latency(const struct pmd_load *load);
const struct pmd_hist *pmd_load_clean(const struct pmd_load *load);
/** From the last SF, or the source where there was none, to the port. */
const struct pmd_hist *pmd_load_egress(const struct pmd_load *load);

#endif
