#!/usr/bin/python3
"""Measure what every row of the budget costs on this machine, now. `./dev bench` calls it.

  bench/bench.py BUILD [--quick | --full] [--base REV] [--json FILE]

  --quick  a few minutes (default)
  --full   pipelines run 10 trials of 1 s, stages ten times the windows
  --base   also compare with a revision, interleaved (bench/compare): all rows
  --json   append one object per result (default: BUILD/bench/results.jsonl)

Verdicts: ok = within the target; over = within the gate; OVER = over the gate, measured twice; void = the machine
did not hold still in four tries, so there is no verdict. Exit 4 when a row is OVER, a case slower than the base, or
a frame came out wrong.
"""

import argparse
import importlib.machinery
import importlib.util
import json
import os
import pathlib
import shutil
import sys
import time

import ir
import rows
import serve
import stats

HERE = pathlib.Path(__file__).resolve().parent
VOID_REPEATS = 3
QUICK = {"stage_cost": 2000, "pipeline": 2000, "e2e": 2000}
# A window is 30,000 cycles: 76,000 of them are about 1 s.
FULL = {"stage_cost": 20000, "pipeline": 76000, "e2e": 20000}
# The comparison of every row, within what --quick may take.
COMPARE_QUADS, COMPARE_WINDOWS = 10, 300


def load_compare():
    """bench/compare is a program first: its name has no .py."""
    loader = importlib.machinery.SourceFileLoader("compare", str(HERE / "compare"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("compare", loader))
    loader.exec_module(module)
    return module


class Bench:
    """The programs of one build tree, each in a process that answers for its cases."""

    def __init__(self, build, windows, environment, new_server=serve.Server):
        self.build = build
        self.windows = windows
        self.environment = environment
        self.new_server = new_server
        self.server = {}

    def of(self, bench):
        if bench not in self.server:
            program = self.build / "bench" / bench
            self.server[bench] = self.new_server(program, self.windows[bench], self.environment)
        return self.server[bench]

    def renew(self, bench):
        if bench in self.server:
            self.server.pop(bench).close()

    def measure(self, row):
        """The result, or None: void, after VOID_REPEATS repeats."""
        for _ in range(1 + VOID_REPEATS):
            server = self.of(row.bench)
            before = server.calibrate()
            result = server.run(row.case)
            if not stats.preempted([result]) and not stats.drifted(before, server.calibrate()):
                return result
        return None

    def judge(self, row):
        """(result or None, verdict). Over the gate counts when it is so twice, in two calibrated runs."""
        result = self.measure(row)
        if result is None:
            return None, "void"
        verdict = rows.verdict(row, result["p10"])
        if verdict != "OVER":
            return result, verdict
        self.renew(row.bench)
        again = self.measure(row)
        if again is None:
            return None, "void"
        better = min(result, again, key=lambda r: r["p10"])
        return better, rows.verdict(row, better["p10"])

    def close(self):
        for bench in list(self.server):
            self.renew(bench)


def say(text=""):
    print(text, flush=True)


def head(env):
    random = "/".join(f"{tc:.0f}" for tc in env["random_tc"])
    say(f"{env['model']} ({env['cpu']}), TSC {env['tsc_hz'] / 1e6:.0f} MHz, core/TSC {env['core_tsc']}, "
        f"DPDK {env['dpdk']}")
    say(f"cycles per load: L1 {env['l1_tc']}, L2 {env['l2_tc']}, random 1/4/16/64 MiB {random}, "
        f"256 MiB {env['dram_tc']:.0f}; ping-pong {env['pp_tc']:.0f}")
    say(f"load {env['load']}, steal {100 * env['steal']:.1f} %. TSC cycles per packet, burst 32.\n")
    say(f"{'row':28} {'frame':>5} {'ws':>5} {'lo':>7} {'p10':>7} {'med':>7} {'p90':>7} {'Ir':>6} {'Mpps':>6}"
        f" {'target':>6} {'gate':>5}  verdict")


def line(row, result, verdict, count):
    """One row of the table; what was not measured is a dash."""
    gate = f"{row.gate:g}" if row.gate is not None else "-"
    measured = ["-"] * 8
    if result is not None:
        mpps = result["env"]["tsc_hz"] / result["p10"] / 1e6 if result["p10"] > 0 else 0
        measured = [str(result["cfg"]["frame"]), result["cfg"]["ws"]]
        measured += [f"{result[key]:.1f}" for key in ("lo", "p10", "med", "p90")]
        measured += ["-" if count is None else f"{count:.0f}", f"{mpps:.1f}"]
    cells = (f"{cell:>{width}}" for cell, width in zip(measured, (5, 5, 7, 7, 7, 7, 6, 6)))
    return f"{row.title:28} {' '.join(cells)} {row.target:6g} {gate:>5}  {verdict}"


def instructions(build):
    """{case: Ir per packet} where it can be counted."""
    if shutil.which("valgrind") is None:
        say("no valgrind: instructions are not counted")
        return {}
    return ir.measure(build)


def run_rows(bench, which, counts, out):
    """Measure, print and write every row; returns the titles that failed."""
    env = bench.of("stage_cost").ask("calibrate full")
    head(env)
    failed = []
    for row in which:
        try:
            result, verdict = bench.judge(row)
        except serve.Failed as failure:
            bench.server.pop(row.bench, None)
            say(f"{row.title:28} FAILED: {failure}")
            failed.append(row.title)
            continue
        count = counts.get(row.case) if row.bench == "stage_cost" else None
        if result is not None:
            moving = {key: result["env"][key] for key in ("core_tsc", "load", "steal")}
            result = {**result, "env": {**env, **moving}, "ir": count and round(count, 2)}
            out.write(json.dumps({**result, "target": row.target, "gate": row.gate, "verdict": verdict}) + "\n")
        say(line(row, result, verdict, count))
        if verdict == "OVER":
            failed.append(row.title)
    return failed


def run_compare(build, revision, which, out):
    compare = load_compare()
    slower = []
    for bench in ("stage_cost", "pipeline"):
        cases = [row.case for row in which if row.bench == bench]
        base = compare.build_base(revision, [bench]) if revision != "head" else build / "bench"
        options = compare.parse(["--quads", str(COMPARE_QUADS), "--windows", str(COMPARE_WINDOWS)])
        found = compare.compare(base / bench, build / "bench" / bench, cases, options)
        say(f"\n{bench}: {revision} against this tree, p10")
        compare.table(found)
        for row in found:
            out.write(json.dumps({**row, "cmp": f"{revision}..head"}) + "\n")
        slower += [row["case"] for row in found if row["verdict"] == "slower"]
    return slower


def parse(arguments):
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("build", nargs="?", type=pathlib.Path)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--base")
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--help", "-h", action="store_true")
    return parser.parse_args(arguments)


def main(arguments):
    o = parse(arguments)
    if o.help or o.build is None:
        print(__doc__.strip())
        return 0 if o.help else 1
    start = time.monotonic()
    build = o.build.resolve()
    json_path = o.json or build / "bench" / "results.jsonl"
    environment = {**os.environ, "BENCH_COMMIT": load_compare().commit_name()}
    bench = Bench(build, FULL if o.full else QUICK, environment)
    which = [row for row in rows.ROWS if (build / "bench" / row.bench).exists()]
    with open(json_path, "a", encoding="utf-8") as out:
        try:
            over = run_rows(bench, which, instructions(build), out)
        finally:
            bench.close()
        slower = run_compare(build, o.base, which, out) if o.base else []
    say(f"\n{time.monotonic() - start:.0f} s; results are in {json_path}")
    for name in over:
        say(f"FAIL {name}: over its gate twice, or wrong")
    for name in slower:
        say(f"FAIL {name}: slower than {o.base}")
    return 4 if over or slower else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
