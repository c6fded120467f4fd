#!/usr/bin/python3
"""The harness measures itself on this machine: a planted slowdown is found, a tree equals itself.

  tests/bench/perf_self.py BUILD [RUNS]

A case of the head burns 5 % more inside the measured wrapper: `slower`. Then the tree is compared with itself, RUNS
times (10): never `slower`, never `faster`. Void is no verdict; a machine that is void throughout is a skip.
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench"))
import bench

PLANTED = "stage_transport_input"
CASES = ["sff_fwd", "cls_hit_64k", "copy_in_138", "drop"]
RUNS = 10
SKIP = 77


def main(arguments):
    compare = bench.load_compare()
    program = pathlib.Path(arguments[0]).resolve() / "bench" / "stage_cost"
    runs = int(arguments[1]) if len(arguments) > 1 else RUNS
    verdicts, wrong = [], []

    planted = compare.compare(program, program, [PLANTED], compare.parse(["--plant", f"{PLANTED}=5"]))
    compare.table(planted)
    verdicts.append(planted[0]["verdict"])
    if planted[0]["verdict"] not in ("slower", "void"):
        wrong.append(f"5 % more in {PLANTED} is '{planted[0]['verdict']}'")
    for number in range(runs):
        same = compare.compare(program, program, CASES, compare.parse([]))
        print(f"run {number + 1} of {runs}: the tree against itself")
        compare.table(same)
        sys.stdout.flush()
        verdicts += [row["verdict"] for row in same]
        wrong += [f"{row['case']} against itself is '{row['verdict']}'" for row in same
                  if row["verdict"] not in ("ok", "void")]
    for text in wrong:
        print(f"FAIL {text}")
    if set(verdicts) == {"void"}:
        print("SKIP: this machine does not hold still")
        return SKIP
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
