#include "cases.h"
#include "frames.h"

#include "sff_stage.h"

/* Rows of performance.md, 2, then each stage by itself. */
static struct bench_case cases[] = {
	{.name = "mbuf_bulk", .ws = "L1", .open = case_mbuf_open, .run = case_mbuf_run},
	{.name = "mbuf_raw", .ws = "L1", .open = case_mbuf_open, .run = case_mbuf_raw_run},
	{.name = "ring", .ws = "L1", .open = case_ring_open, .run = case_ring_run},
	{.name = "sff_fwd",
		.frame = 138,
		.paths = 16,
		.ws = "L2",
		.open = case_path_open,
		.arg = FRAME_OF_TRANSPORT},
	{.name = "sff_fwd_256",
		.frame = 138,
		.paths = 256,
		.ws = "L2",
		.open = case_path_open,
		.arg = FRAME_OF_TRANSPORT},
	{.name = "cls_hit_64k",
		.frame = 64,
		.paths = 16,
		.flows = 1 << 16,
		.ws = "spill",
		.open = case_path_open,
		.arg = FRAME_OF_ACCESS},
	{.name = "cls_hit_1m",
		.frame = 64,
		.paths = 16,
		.flows = 1 << 20,
		.ws = "spill",
		.open = case_path_open,
		.arg = FRAME_OF_ACCESS},
	{.name = "cls_miss_1k", .paths = 16, .ws = "L2", .open = case_miss_open, .arg = 1000},
	{.name = "copy_in_64", .frame = 64, .ws = "L2", .open = case_copy_in_open},
	{.name = "copy_in_138", .frame = 138, .ws = "L2", .open = case_copy_in_open},
	{.name = "copy_in_1500", .frame = 1500, .ws = "L2", .open = case_copy_in_open},
	{.name = "copy_out_64", .frame = 64, .ws = "L2", .open = case_copy_out_open},
	{.name = "copy_out_138", .frame = 138, .ws = "L2", .open = case_copy_out_open},
	{.name = "copy_out_1500", .frame = 1500, .ws = "L2", .open = case_copy_out_open},
	{.name = "copy_in_138_packed",
		.frame = 138,
		.ws = "L2",
		.open = case_copy_in_open,
		.arg = CASE_PACKED},
	{.name = "copy_out_138_packed",
		.frame = 138,
		.ws = "L2",
		.open = case_copy_out_open,
		.arg = CASE_PACKED},
	{.name = "guest", .frame = 102, .ws = "L2", .open = case_guest_open},
	{.name = "drop", .frame = 138, .paths = 16, .ws = "L2", .open = case_drop_open},
#define STAGE(label, stage, bytes)                                                                           \
	{                                                                                                    \
		.name = "stage_" label, .frame = bytes, .paths = 16, .ws = "L2", .open = case_stage_open,    \
		.arg = SFF_STAGE_##stage                                                                     \
	}
	STAGE("access_input", ACCESS_INPUT, 64),
	STAGE("classify", CLASSIFY, 64),
	STAGE("nsh_push", NSH_PUSH, 64),
	STAGE("transport_input", TRANSPORT_INPUT, 138),
	STAGE("nsh_input", NSH_INPUT, 138),
	STAGE("sf_input", SF_INPUT, 102),
	STAGE("sfp_lookup", SFP_LOOKUP, 138),
	STAGE("sf_output", SF_OUTPUT, 138),
	STAGE("remote_output", REMOTE_OUTPUT, 138),
	STAGE("terminal", TERMINAL, 138),
	STAGE("forward", FORWARD, 64),
	STAGE("port_tx", PORT_TX, 138),
};

int
main(int argc, char **argv)
{
	return bench_main("stage_cost", cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
