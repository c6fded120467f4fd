#!/usr/bin/python3
"""Check that capture B is capture A, or what a filter leaves of A.

  pcaps/compare.py A B [--without-bpf FILTER] [--per-flow]

Exit 0 if the frames of B are, byte for byte, those of A minus the frames that match FILTER
(a tcpdump expression; tcpdump does the splitting), in the same order. With --per-flow only
the order within each flow counts, as in check-order.py. Prints one line; exit 1 if the
captures differ or cannot be read. Reads pcap and pcapng.
Example: pcaps/compare.py mixed.pcap out.pcap --without-bpf 'udp dst port 53'
"""

import argparse
import itertools
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
from lib import capture


def split(path, expression, into):
    """Write the frames of `path` for which the tcpdump expression holds to the file `into`."""
    with open(path, "rb") as source, open(into, "wb") as target:
        done = subprocess.run(
            ["tcpdump", "-r", "-", "-w", "-", expression],
            stdin=source,
            stdout=target,
            stderr=subprocess.PIPE,
            check=False,
        )
    if done.returncode:
        reason = done.stderr.decode(errors="replace").strip().splitlines()
        raise capture.Damaged(f"{path}: {reason[-1] if reason else 'tcpdump failed'}")


def in_order(expected, got):
    """(frames expected, None or what is different first)."""
    count = 0
    for number, (a, b) in enumerate(itertools.zip_longest(expected, got), 1):
        count += a is not None
        if a == b:
            continue
        if b is None:
            return count, f"B ends before expected frame {number} ({len(a)} bytes)"
        if a is None:
            return count, f"B has frame {number} ({len(b)} bytes) after the last expected one"
        at = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
        return count, f"frame {number} of B differs at byte {at} ({len(b)} bytes, expected {len(a)})"
    return count, None


def by_flow(expected, got):
    total, _, lost, extra, late = capture.differences(expected, got)
    if lost or extra or late:
        return total, f"{lost} lost, {extra} extra or changed, {late} out of order"
    return total, None


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("a", metavar="A")
    parser.add_argument("b", metavar="B")
    parser.add_argument("--without-bpf", metavar="FILTER", help="frames of A that must not be in B")
    parser.add_argument(
        "--per-flow", action="store_true", help="frames of different flows may overtake each other"
    )
    args = parser.parse_args()
    check = by_flow if args.per_flow else in_order
    denied = 0
    with tempfile.TemporaryDirectory() as tmp:
        source = args.a
        if args.without_bpf:
            source = tmp + "/kept"
            split(args.a, f"not ({args.without_bpf})", source)
            split(args.a, args.without_bpf, tmp + "/denied")
            denied = sum(1 for _ in capture.frames(tmp + "/denied"))
        total, difference = check(capture.frames(source), capture.frames(args.b))
    left_out = f", {denied} filtered out" if args.without_bpf else ""
    if difference:
        print(f"differ: {difference}")
        return 1
    print(f"equal: {total} frames{left_out}, {'each flow ' if args.per_flow else ''}in order")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except capture.Damaged as e:
        sys.exit(f"compare: {e}")
    except OSError as e:
        sys.exit(f"compare: {e.filename}: {e.strerror}")
