#!/usr/bin/python3
"""How costs grow: curves of one thing at a time, measured now, drawn by gnuplot.

  bench/scaling.py BUILD [--axis NAME]... [--series NAME] [--windows N] [--out DIR] [--draw]

  --axis     paths, rules, flows, frame, metadata, burst, workers, chain (default: all, some minutes)
  --series   one curve of these only (process, miss, copy-in, ...)
  --windows  of each point (1000)
  --out      where results.jsonl and the drawings go (default: docs/scaling); other curves in it are kept
  --draw     measure nothing, draw what is there

Points are measured by BUILD/bench/scaling, one process each, twice; the lowest p10 counts. The chain is
BUILD/bin/sluice bench on 1 to 8 bridges.
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
REPEATS = 2
CHAIN = range(1, 9)
SIZES = [64, 128, 256, 512, 1024, 1518, 2048, 4096, 9000]
FLOWS = [1, 16, 256, 4096, 16384, 65536, 1 << 18, 1 << 20, 1 << 22]
METADATA = [("MD1", []), ("MD2", ["--tlvs", "0"]), ("MD2, 1 TLV", ["--tlvs", "1"]), ("MD2, 4 TLVs", ["--tlvs", "4"])]

# Of a drawing: title, label of x, label of y, logarithmic x.
DRAWINGS = {
    "paths": ("SFF, number of paths", "paths", "cycles per packet", True),
    "rules": ("classifier, number of rules", "rules", "cycles per packet", True),
    "flows": ("classifier hit, number of flows", "flows", "cycles per packet", True),
    "frame": ("bytes of the inner frame", "bytes", "cycles per packet", True),
    "metadata": ("SFF, metadata", "", "cycles per packet", False),
    "burst": ("packets in a burst", "packets", "cycles per packet", True),
    "workers": ("SFF, workers at once", "workers", "Mpps in all", False),
    "chain": ("PDR, VMs in a chain, all on one CPU", "VMs", "frames/s", False),
}


def points(axis):
    """[(series, x, words of bench/scaling)]"""
    if axis == "paths":
        return [("forward", n, ["forward", "--paths", n, "--flows", max(n, 4096)]) for n in (4**k for k in range(8))]
    if axis == "rules":
        steps = [1, 10, 100, 1000, 10000]
        return [
            (name, n, [what, "--rules", n]) for name, what in (("miss", "match"), ("hit", "classify")) for n in steps
        ]
    if axis == "flows":
        return [
            (name, n, ["classify", "--flows", n, *more])
            for name, more in (("uniform", []), ("Zipf 1.0", ["--zipf"]))
            for n in FLOWS
        ]
    if axis == "frame":
        return [
            (what, n, [what, "--frame", n]) for what in ("forward", "copy-in", "copy-out") for n in (*SIZES, "imix")
        ]
    if axis == "metadata":
        return [("forward", name, ["forward", *words]) for name, words in METADATA]
    if axis == "burst":
        return [(what, n, [what, "--burst", n]) for what in ("forward", "classify") for n in (1, 8, 32, 64)]
    if axis == "workers":
        return [("forward", n, ["workers", "--workers", n]) for n in (1, 2)]
    return []


def measure_point(build, axis, series, x, words, windows):
    best = None
    for _ in range(REPEATS):
        command = [build / "bench" / "scaling", *map(str, words), "--windows", str(windows)]
        result = json.loads(subprocess.run(command, text=True, capture_output=True, check=True).stdout)
        if best is None or result["p10"] < best["p10"]:
            best = result
    env = {key: best["env"][key] for key in ("cpu", "model", "tsc_hz", "core_tsc", "load", "steal", "dpdk")}
    keys = (
        "what",
        "paths",
        "rules",
        "flows",
        "zipf",
        "frame",
        "md",
        "tlvs",
        "burst",
        "workers",
        "lo",
        "p10",
        "med",
        "p90",
        "preempted",
    )
    line = {"axis": axis, "series": series, "x": x, "unit": "tc/pkt", **{key: best[key] for key in keys}, "env": env}
    if axis == "workers":
        line["mpps"] = round(best["workers"] * env["tsc_hz"] / best["p10"] / 1e6, 2)
    return line


def chain_config(vms):
    names = [f"f{i}" for i in range(1, vms + 1)]
    return {
        "sfc": {
            "node": [
                {
                    "name": "a",
                    "dataplane": {"flows": 65536},
                    "port": [
                        {"name": "lan", "device": "none", "role": "access"},
                        {"name": "wan", "device": "none", "role": "access"},
                    ],
                }
            ],
            "function": [
                {"name": n, "instance": [{"name": f"{n}-1", "node": "a", "vm": {"image": "bridge"}}]} for n in names
            ],
            "path": [{"name": "p", "spi": 1, "hops": names, "egress": "wan"}],
            "rule": [{"name": "r", "match": {"port": "lan"}, "action": {"path": "p"}}],
        }
    }


def measure_chain(build, runtime, vms):
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as config:
        json.dump(chain_config(vms), config)
        config.flush()
        command = [
            build / "bin" / "sluice",
            "bench",
            config.name,
            "--runtime",
            runtime,
            "--trial",
            "0.1",
            "--sum",
            "0.3",
            "--width",
            "5",
            "--json",
        ]
        done = subprocess.run(command, text=True, capture_output=True, check=True)
    results = {result["case"]: result for result in json.loads(done.stdout)["results"]}
    half = results["latency_50"]
    return {
        "axis": "chain",
        "series": runtime,
        "x": vms,
        "unit": "tc/pkt",
        "cycles": round(half["cycles"], 1),
        "pdr_pps": round(results["pdr"]["pps"]),
        "mrr_pps": round(results["mrr"]["pps"]),
        "p50_ns": half["latency"]["p50"],
        "idle_p50_ns": results["latency_none"]["latency"]["p50"],
        "env": half["env"],
    }


def measure(build, axis, only, windows):
    lines = []
    for series, x, words in points(axis):
        if only not in (None, series):
            continue
        lines.append(measure_point(build, axis, series, x, words, windows))
        print(f"{axis:9} {series:9} {x!s:>12} {lines[-1]['p10']:8.1f}", flush=True)
    if axis == "chain":
        for runtime in ("process", "kvm") if only is None else (only,):
            for vms in CHAIN:
                try:
                    lines.append(measure_chain(build, runtime, vms))
                except subprocess.CalledProcessError as failure:
                    print(f"chain     {runtime:9} {vms:12} failed: {failure.stdout.strip()}{failure.stderr.strip()}")
                    continue
                print(
                    f"chain     {runtime:9} {vms:12} {lines[-1]['cycles']:8.1f} cycles, PDR {lines[-1]['pdr_pps']}",
                    flush=True,
                )
    return lines


def value(axis, line):
    return line[{"workers": "mpps", "chain": "pdr_pps"}.get(axis, "p10")]


def place(x):
    """Of a mix: its mean size."""
    return round((7 * 64 + 4 * 570 + 1518) / 12) if x == "imix" else x


def shrink(text):
    """What gnuplot writes, without what shows nothing: the drawings are kept in the repository."""
    before = None
    while text != before:
        before = text
        text = re.sub(r"<g\b[^>]*>\s*</g>", "", text)
    for name in re.findall(r"<(?:path|circle|rect|use|filter)\b[^>]*\bid='([^']+)'", text):
        if text.count(f"#{name}'") + text.count(f"#{name})") == 0:
            text = re.sub(rf"<filter id='{name}'.*?</filter>|<\w+\b[^>]*\bid='{name}'[^>]*/>", "", text, flags=re.S)
    return re.sub(r"[ \t]*\n\s*", "\n", text)


def gnuplot(axis, lines, path):
    title, x_label, y_label, log = DRAWINGS[axis]
    series = list(dict.fromkeys(line["series"] for line in lines))
    words = [
        "set terminal svg size 560,320 font 'sans-serif,11' background '#ffffff'",
        f"set title '{title}'",
        f"set xlabel '{x_label}'",
        f"set ylabel '{y_label}'",
        "set grid",
        "set yrange [0:*]",
        "set key below",
    ]
    if log:
        words += ["set logscale x", "set format x '%.0s%c'"]
    if axis == "metadata":
        words += ["set style fill solid 0.5", "set boxwidth 0.5", "unset key", "set xrange [-0.7:3.7]"]
    if axis == "workers":
        words += ["set style fill solid 0.5", "set boxwidth 0.3", "unset key", "set xrange [0.3:2.7]", "set xtics 1"]
    if axis == "burst":
        words += ["set xtics (1, 8, 32, 64)"]
    plots, data = [], []
    for name in series:
        rows = [line for line in lines if line["series"] == name]
        if axis == "metadata":
            plots.append("'-' using 1:2:xtic(3) with boxes lc 1")
            data += [f"{i} {value(axis, line)} \"{line['x']}\"" for i, line in enumerate(rows)] + ["e"]
            continue
        style = "with boxes lc 1" if axis == "workers" else "with linespoints pt 7 ps 0.5"
        plots.append(f"'-' using 1:2 {style} title '{name}'")
        rows.sort(key=lambda line: place(line["x"]))
        data += [f"{place(line['x'])} {value(axis, line)}" for line in rows] + ["e"]
    words.append("plot " + ", ".join(plots))
    done = subprocess.run(["gnuplot"], input="\n".join(words + data) + "\n", text=True, check=True, capture_output=True)
    path.write_text(shrink(done.stdout))


def draw(lines, out):
    for axis in DRAWINGS:
        mine = [line for line in lines if line["axis"] == axis]
        if mine:
            gnuplot(axis, mine, out / f"{axis}.svg")


def main(arguments):
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("build", nargs="?", type=pathlib.Path)
    parser.add_argument("--axis", action="append", choices=list(DRAWINGS))
    parser.add_argument("--series")
    parser.add_argument("--windows", type=int, default=1000)
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "docs" / "scaling")
    parser.add_argument("--draw", action="store_true")
    parser.add_argument("--help", "-h", action="store_true")
    o = parser.parse_args(arguments)
    if o.help or o.build is None:
        print(__doc__.strip())
        return 0 if o.help else 1
    o.out.mkdir(parents=True, exist_ok=True)
    path = o.out / "results.jsonl"
    lines = [json.loads(text) for text in path.read_text().splitlines()] if path.exists() else []
    for axis in [] if o.draw else o.axis or DRAWINGS:
        fresh = measure(o.build.resolve(), axis, o.series, o.windows)
        lines = [line for line in lines if line["axis"] != axis or o.series not in (None, line["series"])] + fresh
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    draw(lines, o.out)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
