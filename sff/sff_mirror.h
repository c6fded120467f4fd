/**
 * Mirrors (SPAN): copies of the frames that pass a port or a hop, to a port or a capture file.
 *
 * Where frames pass stands a tap: on a port as they are received, or as the port takes them; at a hop as its
 * local instance is given them, or gives them back. A tap copies what its filter selects, whole, into a
 * buffer of the copy's destination (a sink), from packet buffers that only copies use. A copy that finds no
 * buffer, or whose destination has no room, is drop `mirror-full`: the frame it was made from never waits and
 * is never lost because of it. Included by the lcore loop, the stages that tap, control and tests.
 */
#ifndef SFF_MIRROR_H
#define SFF_MIRROR_H

#include "sff_plane.h"
#include "sff_stage.h"

#include <pcap/pcap.h>

struct sff_tap {
	uint32_t sp;    /* hop: SPI << 8 | SI that its frames carry here, host order; 0 = all of the port */
	uint16_t index; /* of the mirror, of those of this node: its bit in a frame's mark */
	uint16_t sink;
	const struct bpf_program *filter; /* NULL = all */
};

/* Taps of one port in one direction. */
struct sff_taps {
	uint16_t n;
	bool hops; /* some are hops */
	struct sff_tap tap[];
};

/* Where copies go. Several mirrors may share one. */
struct sff_sink {
	char *file;            /* NULL = a port of the node */
	uint16_t port;         /* index in the plane; SFC_NONE = a file */
	struct pmd_port *pmd;  /* a file: its writer */
	struct rte_ring *ring; /* a file of a live node: copies on their way to control, which writes them */
	uint16_t n_mirrors;
};

struct sff_mirror {
	const struct sfc_mirror *conf;
	uint32_t sp;  /* hop: as given to its instance; 0 = a port */
	int function; /* hop: whose instances; -1 = a port */
	uint16_t sink;
	bool has_filter;
	struct bpf_program filter;
};

/* What control built; constant while lcores run. */
struct sff_mirrors {
	struct sff_mirror *mirror;
	struct sff_sink *sink;
	uint16_t n;
	uint16_t n_sinks;
	uint32_t n_taps;
	struct sff_taps **taps; /* per port and direction */
	bool hops;       /* some mirror copies a hop: frames to SFs are marked */
	bool live;       /* copies are stamped with the time of day; a replay's keep that of their frame */
	int mark_offset; /* dynamic mbuf field: bit per mirror that wants the frame as a hop's */
	uint16_t n_pools;
	struct rte_mempool **pool;     /* per worker */
	struct pmd_captures *captures; /* the files' set; not owned in a replay */
};

struct sff_mirror_lcore;

/**
 * Can libpcap compile a mirror's filter?
 *
 * @return 0, or -EINVAL with why not in err. Thread: control.
 */
int sff_mirror_check(const struct sfc_mirror *mirror, char *err, int err_size);

/**
 * Open the destinations of this node's mirrors, after its ports; then tap the ports.
 *
 * @param plane     built; its external ports are open. Gets mirrors (NULL when the node has none).
 * @param workers   lcores: each copies from buffers of its own.
 * @param captures  replay: the set of its capture ports; NULL for a live node.
 * @return          0, or -errno with one message in err. Thread: control.
 */
int sff_mirrors_open(
	struct sff_plane *plane, uint16_t workers, struct pmd_captures *captures, char *err, int err_size);

/** Tap an SF port once it is known whose it is. 0 or -ENOMEM. Thread: control. */
int sff_mirrors_tap(struct sff_plane *plane, uint16_t port);

/** Live: write what lcores copied for files. Thread: control. */
void sff_mirrors_drain(struct sff_mirrors *mirrors);

/** Write out everything; no lcore runs any more. 0, or -errno of the first file that failed. */
int sff_mirrors_flush(struct sff_mirrors *mirrors);

/** Why writing failed first, or NULL. */
const char *sff_mirrors_error(const struct sff_mirrors *mirrors);

/** Copies that files took and could not write. */
uint64_t sff_mirrors_errors(const struct sff_mirrors *mirrors);

/** Close files, free everything. The ports are closed: what they held of copies went back. Thread: control. */
void sff_mirrors_close(struct sff_plane *plane);

/** A worker's part; `mirrors` may be NULL, then it is. 0 or -ENOMEM. Thread: control. */
int sff_mirror_lcore_create(
	const struct sff_mirrors *mirrors, uint16_t worker, struct sff_mirror_lcore **part);
void sff_mirror_lcore_destroy(struct sff_mirror_lcore *part);

/** Frames received on a tapped port, before anything else is done with them. Thread: the lcore. */
void sff_mirror_in(
	struct sff_lcore *lc, const struct sff_taps *taps, struct rte_mbuf *const *pkts, uint16_t n);

/** Note which frames of a burst go to an SF as a hop that is copied. Thread: the lcore. */
void sff_mirror_mark(struct sff_lcore *lc, const struct sff_burst *b);

/** Copy frames that are about to be given to a tapped port. Thread: the lcore. */
void sff_mirror_out(
	struct sff_lcore *lc, const struct sff_taps *taps, struct rte_mbuf *const *pkts, uint16_t n);

/** The port took the first `taken` of them: their copies count, the others never were. Thread: the lcore. */
void sff_mirror_taken(struct sff_lcore *lc, uint16_t taken);

/** Give copies to their destinations; what those do not take is dropped. Thread: the lcore. */
void sff_mirror_flush(struct sff_lcore *lc);

/** Drop what is held: the worker ends. Thread: the lcore. */
void sff_mirror_stop(struct sff_lcore *lc);

/** Copies held in buffers. Thread: the lcore, or after it ended. */
uint64_t sff_mirror_held(const struct sff_lcore *lc);

#endif
