/**
 * Mirrors (SPAN): copies of the frames that pass a port or a hop, to a port or a capture file.
 *
 * Where frames pass stands a tap: on a port as they are received, or as the port takes them; at a hop as its
 * local instances are given them, or give them back. A tap copies what its filter selects, whole, into a
 * buffer of the copy's destination (a sink), from packet buffers that only copies use. A copy that finds no
 * buffer, or whose destination has no room, is drop `mirror-full`: the frame it was made from never waits and
 * is never lost because of it. Included by the lcore loop, the stages around SFs, control and tests.
 */
#ifndef SFF_MIRROR_H
#define SFF_MIRROR_H

#include "sff_mirror_store.h"
#include "sff_plane.h"
#include "sff_stage.h"

#include <pcap/pcap.h>

struct sff_tap {
	uint32_t sp;    /* hop: SPI << 8 | SI that its frames have here, host order; 0 = all of the port */
	uint16_t index; /* of the mirror, of those of this node: its bit in a frame's mark */
	uint16_t sink;
	const struct bpf_program *filter; /* NULL = all */
};

/* Taps of one port in one direction. */
struct sff_taps {
	uint16_t n;
	bool hops;  /* some are hops */
	bool plain; /* frames received are Ethernet and NSH without tags: their (SPI, SI) can be seen at once
	             */
	struct sff_tap tap[];
};

/* Where copies go. Mirrors with the same destination share one. */
struct sff_sink {
	struct sff_mirror_file *file; /* NULL = a port */
	uint16_t port;                /* index in the plane; SFC_NONE = a file */
	uint16_t n_mirrors;
};

struct sff_mirror {
	const struct sfc_mirror *conf;
	uint32_t sp;  /* hop: as its instances get it; 0 = a port */
	int function; /* hop: whose instances; -1 = a port */
	uint16_t sink;
	bool has_filter;
	struct bpf_program filter;
};

/* The mirrors of a plane; constant while lcores run. */
struct sff_mirrors {
	struct sff_mirror_store *store;
	struct sff_mirror *mirror;
	struct sff_sink *sink;
	struct sff_taps **taps; /* per port: as it receives, as it takes; NULL = none */
	uint16_t n;
	uint16_t n_sinks;
	uint16_t n_ports;
};

struct sff_mirror_lcore;

/**
 * Can libpcap compile a mirror's filter?
 *
 * @return 0, or -EINVAL with why not in err. Thread: control.
 */
int sff_mirror_check(const struct sfc_mirror *mirror, char *err, int err_size);

/** Mirrors of the configuration that this node has something to do for. */
unsigned int sff_mirrors_count(const struct sff_plane *plane);

/**
 * Open the destinations of this node's mirrors and tap its ports.
 *
 * @param plane  built; its ports are described. Gets mirrors (NULL when the node has none).
 * @param store  kept, and must outlive the plane; may be NULL when the node has none.
 * @return       0, or -errno with one message in err. Thread: control.
 */
int sff_mirrors_open(struct sff_plane *plane, struct sff_mirror_store *store, char *err, int err_size);

/** Free the mirrors of a plane that no lcore works by any more. Thread: control. */
void sff_mirrors_close(struct sff_plane *plane);

/** A worker's part; `mirrors` may be NULL, then it is. 0 or -ENOMEM. Thread: control. */
int sff_mirror_lcore_create(const struct sff_mirrors *mirrors, struct sff_mirror_lcore **part);
void sff_mirror_lcore_destroy(struct sff_mirror_lcore *part);

/** Frames received on a port, before anything else is done with them. Thread: the lcore. */
void sff_mirror_in(struct sff_lcore *lc, uint16_t port, struct rte_mbuf *const *pkts, uint16_t n);

/** Frames of a burst turned out to come back from SFs: those of hops that are copied count. Thread: the
 * lcore.
 */
void sff_mirror_back(struct sff_lcore *lc, const struct sff_burst *b);

/** Note which frames of a burst go to SFs. Thread: the lcore. */
void sff_mirror_to_sf(struct sff_burst *b);

/** Mark which of the frames that go to SFs are of hops that are copied. Thread: the lcore. */
void sff_mirror_mark(struct sff_lcore *lc, const struct sff_burst *b);

/** Copy frames that are about to be given to a port. Thread: the lcore. */
void sff_mirror_out(struct sff_lcore *lc, uint16_t port, struct rte_mbuf *const *pkts, uint16_t n);

/** The port took the first `taken` of them: their copies count, the others never were. Thread: the lcore. */
void sff_mirror_taken(struct sff_lcore *lc, uint16_t taken);

/** Give copies to their destinations; what those do not take is dropped. Thread: the lcore. */
void sff_mirror_flush(struct sff_lcore *lc);

/** Drop what is held: the worker ends. Thread: the lcore. */
void sff_mirror_stop(struct sff_lcore *lc);

/** Copies held in buffers. Thread: the lcore, or after it ended. */
uint64_t sff_mirror_held(const struct sff_lcore *lc);

#endif
