/**
 * What paths and hops counted under the configurations before the present one, so that reports go on.
 *
 * Included by sff_report.h (who adds it to what workers count) and sff_reload.c (who makes it).
 */
#ifndef SFF_CARRY_H
#define SFF_CARRY_H

#include "sff_lcore.h"

/* By the indices of one plane. All NULL = nothing was counted before. */
struct sff_carried {
	struct sff_path_count *path;    /* per path */
	struct sff_hop_count *hop;      /* per table entry */
	struct sfc_report_proxy *proxy; /* per function; names are not set */
};

/** All zero, for a plane. 0 or -ENOMEM. Thread: control. */
int sff_carried_create(const struct sff_plane *plane, struct sff_carried *carried);
void sff_carried_free(struct sff_carried *carried);

/** Add what a proxy counted; NULL is nothing. Thread: control; the worker may be counting. */
void sff_carried_add_proxy(struct sfc_report_proxy *to, struct sff_proxy *from);

/** Add what a worker counted by its view of a plane, which it does not use any more. */
void sff_carried_add_view(struct sff_carried *carried, const struct sff_view *view);

/**
 * Add counts by one plane to those by another: of paths and functions by their name, of hops by path, place
 * and function.
 *
 * @param from_plane  of `from`; when `from` is all NULL nothing is added.
 */
void sff_carried_add(struct sff_carried *to, const struct sff_plane *to_plane, const struct sff_carried *from,
	const struct sff_plane *from_plane);

#endif
