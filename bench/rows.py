"""The rows of performance.md, 2: what each costs now is held against target and gate. TSC cycles per packet, p10."""

from typing import NamedTuple, Optional


class Row(NamedTuple):
    bench: str
    case: str
    title: str
    target: float
    gate: Optional[float]  # None: only the ratio to a baseline counts


ROWS = [
    Row("stage_cost", "mbuf_bulk", "mbuf take + return, bulk", 4, 8),
    Row("stage_cost", "ring", "in-process ring, enq + deq", 2, 4),
    Row("stage_cost", "sff_fwd", "SFF, 16 paths", 30, 45),
    Row("stage_cost", "sff_fwd_256", "SFF, 256 paths", 34, 50),
    Row("stage_cost", "cls_hit_64k", "classifier hit, 64K flows", 45, 65),
    Row("stage_cost", "cls_hit_1m", "classifier hit, 1M flows", 75, 100),
    Row("stage_cost", "cls_miss_1k", "classifier miss, 1K rules", 60, 90),
    Row("stage_cost", "copy_in_64", "virtio copy in, 64 B", 14, 25),
    Row("stage_cost", "copy_in_138", "virtio copy in, 138 B", 20, 35),
    Row("stage_cost", "copy_in_1500", "virtio copy in, 1500 B", 120, 160),
    Row("stage_cost", "copy_out_64", "virtio copy out, 64 B", 14, 25),
    Row("stage_cost", "copy_out_138", "virtio copy out, 138 B", 20, 35),
    Row("stage_cost", "copy_out_1500", "virtio copy out, 1500 B", 100, 140),
    Row("stage_cost", "guest", "guest reap + touch + post", 8, 15),
    Row("stage_cost", "drop", "malformed to named drop", 30, 60),
    Row("pipeline", "sff_fwd", "pipeline: SFF forward", 60, 90),
    Row("pipeline", "cls_64k", "pipeline: classifier, 64K", 80, 110),
    Row("pipeline", "cls_1m", "pipeline: classifier, 1M", 110, 145),
    Row("pipeline", "fused", "pipeline: classifier + SFF", 110, 150),
    Row("e2e", "vm_hop", "SFF -> VM -> SFF, host core", 260, None),
]


def verdict(row, p10):
    """ok, over (its target), OVER (its gate)."""
    if row.gate is not None and p10 > row.gate:
        return "OVER"
    return "over" if p10 > row.target else "ok"
