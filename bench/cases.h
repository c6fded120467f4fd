/**
 * The cases of bench/stage_cost, by what they are about. Included by stage_cost.c and the cases_*.c.
 */
#ifndef BENCH_CASES_H
#define BENCH_CASES_H

#include "bench.h"

/* cases_memory.c */
int case_mbuf_open(struct bench_case *c, bool reduced);
uint32_t case_mbuf_run(struct bench_case *c);
uint32_t case_mbuf_raw_run(struct bench_case *c);
int case_ring_open(struct bench_case *c, bool reduced);
uint32_t case_ring_run(struct bench_case *c);

/* cases_stage.c: stages of the packet path. arg of a path case: enum frame_kind; of a stage case: the stage.
 */
int case_path_open(struct bench_case *c, bool reduced);
int case_stage_open(struct bench_case *c, bool reduced);
int case_drop_open(struct bench_case *c, bool reduced);
int case_miss_open(struct bench_case *c, bool reduced);

/* cases_virtio.c: our side of a ring. arg: enum case_layout. */
enum case_layout { CASE_SPLIT, CASE_PACKED };

int case_copy_in_open(struct bench_case *c, bool reduced);
int case_copy_out_open(struct bench_case *c, bool reduced);

/* case_guest.c: the guest's side of a pair. */
int case_guest_open(struct bench_case *c, bool reduced);

#endif
