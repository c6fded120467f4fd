#!/usr/bin/python3
"""Make the hand-shaped edge cases: odd frames, NSH frames, damaged capture files.

  pcaps/make-edge.py [DIR]

Writes DIR (default: edge/ beside this script) and DIR/frames.tsv, which says of every frame
what it is: file, frame number, bytes, description. The output is the same on every run.
"""

import argparse
import pathlib
import sys

sys.dont_write_bytecode = True
from lib import capture, capture_files, nsh_frames, odd_frames


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("dir", metavar="DIR", nargs="?", default=str(pathlib.Path(__file__).parent / "edge"))
    out = pathlib.Path(parser.parse_args().dir)
    out.mkdir(exist_ok=True)
    lines = ["file\tframe\tbytes\twhat\n"]
    for make in odd_frames.CAPTURES + nsh_frames.CAPTURES:
        name = make.__name__.replace("_", "-") + ".pcap"
        described = list(make())
        (out / name).write_bytes(capture_files.pcap(frame for _, frame in described))
        lines += [f"{name}\t{n}\t{len(frame)}\t{what}\n" for n, (what, frame) in enumerate(described, 1)]
    for name, data, what in capture_files.everything():
        (out / name).write_bytes(data)
        lines.append(f"{name}\t-\t{len(data)}\t{what}\n")
    (out / "frames.tsv").write_text("".join(lines))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except OSError as e:
        sys.exit(f"make-edge: {e.filename}: {e.strerror}")
