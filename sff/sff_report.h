/**
 * The books of a node, drawn from counters: ledger, paths, instances, hops; and the event stream to whoever
 * started a replay.
 *
 * Included by control. Counters are summed here, by the reader, never on the packet path.
 */
#ifndef SFF_REPORT_H
#define SFF_REPORT_H

#include "sff_carry.h"
#include "sff_lcore.h"
#include "sff_vm.h"

#include "sfc_ledger.h"

#include <stdio.h>

struct sff_sources {
	const struct sff_plane *plane;
	struct sff_lcore *const *lcore;
	unsigned int n_lcores;
	const struct sff_vms *vms;
	const struct sff_carried *carried;      /* NULL = nothing */
	const struct sff_mirror_store *mirrors; /* NULL = none */
	bool ended; /* everything was drained or given up: frames still in a live SF are stuck, not in flight
	             */
	double seconds; /* from the first frame to the end */
};

void sff_books_add(struct sff_books *to, const struct sff_books *books);

/**
 * Add what the present life of an instance did to its books.
 *
 * @param consumed  as the guest says, NULL = 0; clamped.
 * @param rest      out: frames inside, neither back nor consumed.
 * Thread: control; exact once nobody polls the port.
 */
void sff_report_life(const struct pmd_port *pmd, const volatile uint64_t *consumed, unsigned int n_queues,
	struct sff_books *books, uint64_t *rest);

/** Sum the ledger alone. Thread: control; exact once the lcores have ended. */
void sff_report_ledger(const struct sff_sources *sources, struct sfc_ledger *ledger);

/** Sum what was steered away from its first way. Thread: control. */
void sff_report_steering(const struct sff_sources *sources, struct sfc_steering *steering);

/**
 * Everything a replay reports: {"event":"report","report":{...},"hops":[...],"rates":{...},"consumed":[...]}.
 *
 * @param ledger  out.
 * @return        new reference, or NULL without memory.
 */
json_t *sff_report_event(const struct sff_sources *sources, struct sfc_ledger *ledger);

/** Print a ledger for people. */
void sff_report_print(FILE *file, const struct sfc_ledger *ledger);
/** Print what was steered away from its first way, if anything was. */
void sff_report_print_steering(FILE *file, const struct sfc_steering *steering);

/** Write one JSON document and a newline to `fd` (-1: nothing) and release it. */
void sff_event_send(int fd, json_t *event);

#endif
