#!/usr/bin/python3
"""Check that a capture came through complete and in order.

  pcaps/check-order.py IN OUT

Exit 0 if OUT holds exactly the frames of IN, byte for byte, and the frames of each flow
stand in the order IN has them; frames of different flows may overtake each other. A flow
is VLAN tags, addresses, protocol and ports, one direction. Prints one line; exit 1 if the
captures differ or cannot be read. Reads pcap and pcapng.
"""

import argparse
import sys

sys.dont_write_bytecode = True
from lib import capture


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("input", metavar="IN")
    parser.add_argument("output", metavar="OUT")
    args = parser.parse_args()
    total, flows, lost, extra, late = capture.differences(
        capture.frames(args.input), capture.frames(args.output)
    )
    if lost or extra or late:
        print(
            f"differ: {total} frames in {flows} flows expected; {lost} lost, {extra} extra or changed, "
            f"{late} out of order"
        )
        return 1
    print(f"equal: {total} frames in {flows} flows, none lost, each flow in order")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except capture.Damaged as e:
        sys.exit(f"check-order: {e}")
    except OSError as e:
        sys.exit(f"check-order: {e.filename}: {e.strerror}")
