"""The SFF and Open vSwitch with DPDK, side by side: the same job on the same frames, in turns.

  bench/compare ovs [--flows N]... [--rounds N] [--window SECONDS] [--json FILE] [--verify]

The job: frames of 138 bytes, NSH (MD type 1) in VXLAN-GPE; match SPI and SI, TTL - 1, SI - 1, send to the next SFF over
VXLAN-GPE. Source net_pcap infinite_rx, sink net_null, one polling thread on the last CPU, hugepages: the same for
both, and for dpdk-testpmd io and mac, whose io is the cost of source and sink and is subtracted from both. First each
side's output is looked at frame by frame. Then rounds of windows, io ovs sff mac and back, for 1, 1,000 and 10,000
inner flows (--flows); the ratio is ovs by sff, each without io, the median of the pairs with its 95 % interval by
bootstrap over whole rounds. --verify looks at the output only.

Needs root, two CPUs, dpdk-testpmd (dpdk-dev) and ovs-vswitchd-dpdk (openvswitch-switch-dpdk); about 1.1 GiB of
hugepages are reserved and given back. Exit 1 and one line where something of it is missing.
"""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import sys
import tempfile

import hugepages
import peer_frames
import peers
import serve
import stats

BUILD = peers.ROOT / "build"
FLOWS = (1, 1000, 10000)
CHECKED = 100_000  # frames that are sent to see whether the job is done
ROUNDS = 10
WINDOW_SECONDS = 0.25
NEEDED = (
    ("dpdk-testpmd", "dpdk-dev"),
    (peers.VSWITCHD, "openvswitch-switch-dpdk"),
    ("ovs-vsctl", "openvswitch-switch"),
    ("ip", "iproute2"),
)
ORDER = ("io", "ovs", "sff", "mac")


def missing():
    """What this machine lacks, in one line; or None."""
    if os.geteuid() != 0:
        return "not root: hugepages and a network namespace are needed"
    for program, package in NEEDED:
        if shutil.which(program) is None:
            return f"no {os.path.basename(program)} here: apt-get install {package}"
    return None


def sides_of(work):
    return {
        "io": peers.Testpmd("io", work),
        "ovs": peers.Switch(work),
        "sff": peers.Sff(work, BUILD),
        "mac": peers.Testpmd("mac", work),
    }


def stop(sides):
    for side in sides.values():
        side.stop()


def verify(work, flows):
    """Do both forwarders do the job?"""
    capture = peer_frames.write(work / "in.pcap", flows, CHECKED // max(flows, peer_frames.FEWEST) + 1)
    sides = {name: side for name, side in sides_of(work).items() if name in ("ovs", "sff")}
    try:
        for side in sides.values():
            side.verify(flows, capture)
    finally:
        stop(sides)


def measure(work, flows, o, tsc_ghz):
    """({side: [cycles per packet of each window]}, what the switch says of itself)"""
    capture = peer_frames.write(work / "in.pcap", flows)
    sides = sides_of(work)
    found = {name: [] for name in ORDER}
    try:
        for side in sides.values():
            side.start(f"rx_pcap={capture},infinite_rx=1")
            side.window(WINDOW_SECONDS, tsc_ghz)
        for _ in range(o.rounds):
            for name in (*ORDER, *reversed(ORDER)):
                found[name].append(sides[name].window(o.window, tsc_ghz))
        own = sides["ovs"].resume_and_count()
    finally:
        stop(sides)
    return found, own


def summarise(flows, found, own):
    """The object of one number of flows, as it is written to JSON."""
    floor = statistics.median(found["io"])
    net = {name: [cost - floor for cost in found[name]] for name in ("ovs", "sff")}
    pairs = range(0, len(found["io"]), 2)
    quads = [(net["sff"][i], net["ovs"][i], net["ovs"][i + 1], net["sff"][i + 1]) for i in pairs]
    ratio, low, high = stats.interval(quads) if min(net["sff"]) > 0 else (None, None, None)
    return {
        "bench": "peers",
        "cmp": "ovs/sff",
        "flows": flows,
        "unit": "tc/pkt",
        **{name: round(statistics.median(costs), 1) for name, costs in found.items()},
        "ovs_net": round(statistics.median(net["ovs"]), 1),
        "sff_net": round(statistics.median(net["sff"]), 1),
        "ovs_own": own,
        "ratio": ratio and round(ratio, 2),
        "ci": ratio and [round(low, 2), round(high, 2)],
        "pairs": len(found["io"]),
    }


def table(rows):
    print(f"{'flows':>6} {'io':>7} {'mac':>7} {'sff':>7} {'ovs':>7}   {'sff-io':>7} {'ovs-io':>7}  {'ratio':>6}  {'[95 %]':13} ovs says")
    for row in rows:
        ci = f"[{row['ci'][0]:.2f} {row['ci'][1]:.2f}]" if row["ratio"] else "sff below io"
        ratio = f"{row['ratio']:6.2f}" if row["ratio"] else "  void"
        print(
            f"{row['flows']:6} {row['io']:7.1f} {row['mac']:7.1f} {row['sff']:7.1f} {row['ovs']:7.1f}   "
            f"{row['sff_net']:7.1f} {row['ovs_net']:7.1f}  {ratio}  {ci:13} {row['ovs_own'] or 0:8.1f}"
        )


def tsc_ghz():
    with serve.Server(BUILD / "bench" / "stage_cost", 100, os.environ) as server:
        return server.ask("calibrate full")["tsc_hz"] / 1e9


def run(o):
    rows = []
    with tempfile.TemporaryDirectory(prefix="peer-") as name, hugepages.at_least(5 * peers.MEMORY):
        work = pathlib.Path(name)
        ghz = None if o.verify else tsc_ghz()
        for flows in o.flows or FLOWS:
            (work / str(flows) / "v").mkdir(parents=True)
            verify(work / str(flows) / "v", flows)
            if not o.verify:
                rows.append(summarise(flows, *measure(work / str(flows), flows, o, ghz)))
    return rows


def main(arguments):
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--flows", type=int, action="append")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--window", type=float, default=WINDOW_SECONDS)
    parser.add_argument("--json")
    parser.add_argument("--verify", action="store_true")
    parser.add_argument("--help", "-h", action="store_true")
    o = parser.parse_args(arguments)
    if o.help:
        print(__doc__.strip())
        return 0
    lacks = missing()
    if lacks:
        sys.exit(f"compare: {lacks}")
    try:
        rows = run(o)
    except (peers.Failed, hugepages.Refused, serve.Failed) as failure:
        sys.exit(f"compare: {failure}")
    except KeyboardInterrupt:
        sys.exit("compare: interrupted; nothing is left behind")
    if o.verify:
        print("every frame left as an SFF must send it, from both")
        return 0
    print("TSC cycles per packet, 138-byte frames of NSH in VXLAN-GPE; Open vSwitch as packaged")
    table(rows)
    if o.json:
        with open(o.json, "a", encoding="utf-8") as out:
            for row in rows:
                out.write(json.dumps(row) + "\n")
    return 0
