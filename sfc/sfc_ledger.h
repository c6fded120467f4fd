/**
 * The books: received + originated + replicated = sent + dropped + in flight.
 *
 * Included by sff, which fills a report, and by the `sluice` command, which prints it. JSON shapes are a
 * contract.
 */
#ifndef SFC_LEDGER_H
#define SFC_LEDGER_H

#include "sfc_drop.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* Frames. `received` and `sent` count external ports only. */
struct sfc_ledger {
	uint64_t received;
	uint64_t sent;
	uint64_t originated;
	uint64_t replicated;
	uint64_t in_flight;
	uint64_t dropped[SFC_DROP_MAX];
};

/* True when the equation above holds. */
bool sfc_ledger_balanced(const struct sfc_ledger *ledger);

/* Frames that did not go where their flow or path first said. Not part of the equation. */
struct sfc_steering {
	uint64_t reclassified; /* moved to another path by a function that may */
	uint64_t repinned;     /* flows that moved to another instance because theirs was down */
	uint64_t bypassed;     /* steps over a function that was down */
};

struct sfc_report_path {
	const char *name;
	uint32_t spi;
	uint64_t in;  /* first look-ups on this node */
	uint64_t out; /* sent to egress or to the next SFF */
};

struct sfc_report_metric {
	char name[64];
	uint64_t value; /* JSON says at most 2^63 - 1 */
};

struct sfc_report_instance {
	const char *name;
	const char *runtime; /* "kvm" or "process" */
	uint64_t boot_us;
	uint64_t rx; /* frames the guest took */
	uint64_t tx; /* frames taken from it */
	const struct sfc_report_metric *metric;
	unsigned int n_metrics;
	bool died;
};

/* What the proxy of a function without NSH did with headers on this node, all its instances. */
struct sfc_report_proxy {
	const char *function;
	uint64_t saved;     /* flows whose header was kept */
	uint64_t restored;  /* frames that got their header back */
	uint64_t templated; /* frames that got a header made anew */
	uint64_t missed;    /* frames whose flow was not known: templated, or dropped as proxy-miss */
	uint64_t evicted;   /* flows that made way before their time */
	uint64_t answered;  /* ARP and neighbour solicitations of its instances */
};

struct sfc_report {
	struct sfc_ledger ledger;
	struct sfc_steering steering;
	const struct sfc_report_path *path;
	unsigned int n_paths;
	const struct sfc_report_instance *instance;
	unsigned int n_instances;
	const struct sfc_report_proxy *proxy; /* those that did anything */
	unsigned int n_proxies;
};

/** {"balanced":..,"received":..,...,"dropped":{REASON:N}}: only reasons with N > 0. New reference. */
json_t *sfc_ledger_json(const struct sfc_ledger *ledger);

/** {"reclassified":N,"repinned":N,"bypassed":N}: only those with N > 0; NULL when there is none. New
 * reference. */
json_t *sfc_steering_json(const struct sfc_steering *steering);

/** {"ledger":L,"paths":[...],"instances":[...]}, and "steering" and "proxies" when there was any. New
 * reference. */
json_t *sfc_report_json(const struct sfc_report *report);

#endif
