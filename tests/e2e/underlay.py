#!/usr/bin/python3
"""Two live nodes with a wire of veth between them: next hops are resolved, every transport carries a chain both ways."""

import contextlib
import os
import signal
import time

import e2e
from e2e import equal
from wires import CLIENT, SERVER, Wires, live, ping

FIVE = [1, 2, 3, 4, 5]
CHAIN = ("client", "edge-1", "edge-2", "server")
LINKS = [
    ("client", "eth0", "edge-1", "lan0", 1500),
    ("edge-1", "core0", "edge-2", "core0", 1800),
    ("edge-2", "wan0", "server", "eth0", 1500),
]
# Transports of the wire; each is one run: the locator, what only that of edge-2 has, and what tells the headers of
# frames to it. None says where its neighbour is: ARP and neighbour discovery do.
TRANSPORTS = {
    "vxlan-gpe over IPv4": ({"transport": "vxlan-gpe", "address": "10.99.0.{}", "vni": 100}, {}, "vxlan.vni == 100"),
    "vxlan-gpe over IPv6": ({"transport": "vxlan-gpe", "address": "fd00:99::{}", "vni": 100}, {}, "ipv6 && vxlan.vni == 100"),
    "geneve over IPv6": (
        {"transport": "geneve", "address": "fd00:99::{}", "vni": 7},
        {"inner-ethernet": True},
        "geneve.proto_type == 0x6558",
    ),
    "gre over IPv4": ({"transport": "gre", "address": "10.99.0.{}"}, {"key": 4000000000}, "gre.key == 4000000000"),
}


def node(number, access, locator):
    core = {
        "name": "core",
        "device": "net_af_packet0,iface=core0",
        "role": "transport",
        "mtu": 1800,
        "address": [f"10.99.0.{number}/24", f"fd00:99::{number}/64"],
    }
    return {
        "name": f"edge-{number}",
        "port": [{"name": access, "device": f"net_af_packet1,iface={access}0", "role": "access"}, core],
        "locator": {**locator, "address": locator["address"].format(number)},
    }


def domain_of(locator, of_second, tag):
    nodes = [node(1, "lan", locator), node(2, "wan", {**locator, **of_second})]
    for number, one in enumerate(nodes, 1):
        one["name"] = f"edge-{number}-{tag}"
    return {
        "sfc": {
            "node": nodes,
            "function": [
                {"name": "near", "instance": [e2e.vm("near-1", nodes[0]["name"], "monitor", runtime="process")]},
                {"name": "far", "instance": [e2e.vm("far-1", nodes[1]["name"], "monitor", runtime="process")]},
            ],
            "path": [
                {"name": "out", "spi": 100, "hops": ["near", "far"], "egress": "wan"},
                {"name": "back", "spi": 101, "hops": ["far", "near"], "egress": "lan"},
            ],
            "rule": [
                {"name": "out", "match": {"port": "lan"}, "action": {"path": "out"}},
                {"name": "back", "match": {"port": "wan"}, "action": {"path": "back"}},
            ],
        }
    }


@contextlib.contextmanager
def capture(wires, place, port, path):
    words = wires.inside(place, "tcpdump", "-q", "-n", "-U", "-s", "0", "-i", port, "-w", str(path))
    process = e2e.start(wires.work, words)
    try:
        e2e.wait_for(lambda: path.exists() and path.stat().st_size >= 24, 10, "tcpdump did not start")
        yield
        time.sleep(0.3)
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate()


def decode(wires, path, *words):
    return e2e.run(wires.work, ["tshark", "-n", "-r", str(path), *words]).stdout.splitlines()


def check_wire(wires, path, spi, where):
    """What came over the wire: an independent decoder finds NSH, and nothing to complain about."""
    odd = decode(wires, path, "-Y", "_ws.expert.severity >= 6291456", "-T", "fields", "-e", "frame.number", "-e", "_ws.expert.message")
    equal(odd, [], "what tshark complains about")
    seen = set(decode(wires, path, "-Y", "nsh", "-T", "fields", "-e", "nsh.spi", "-e", "nsh.si"))
    equal(seen, {f"{spi}\t254"}, "positions on the wire")
    equal(decode(wires, path, "-Y", f"nsh && !({where})"), [], f"frames that are not {where}")


def run_transport(work, what, locator, of_second, header):
    tag = f"{os.getpid()}"
    domain = domain_of(locator, of_second, tag)
    names = [one["name"] for one in domain["sfc"]["node"]]
    config = e2e.write_domain(work, domain)
    ends = [("edge-1", config, names[0]), ("edge-2", config, names[1])]
    # A socket sees what a port receives; what a node sends passes by those of its own side.
    wire = {"edge-1": work / "to-1.pcap", "edge-2": work / "to-2.pcap"}
    with Wires(work, CHAIN, LINKS) as wires:
        with capture(wires, "edge-1", "core0", wire["edge-1"]), capture(wires, "edge-2", "core0", wire["edge-2"]):
            with live(wires, ends) as reports:
                equal(ping(wires, "client", SERVER), FIVE, f"{what}: answers to the client")
                equal(ping(wires, "server", CLIENT), FIVE, f"{what}: answers to the server")
                equal(ping(wires, "client", SERVER, 3, "-s", "1400"), [1, 2, 3], f"{what}: answers to large pings")
        check_wire(wires, wire["edge-1"], 101, f"!({header})" if of_second else header)
        check_wire(wires, wire["edge-2"], 100, header)
        for name in names:
            ledger = reports[name].get("ledger", reports[name])
            e2e.check_ledger(ledger)
            e2e.check(ledger["originated"] >= 1, f"{what}: {name} asked nobody: {ledger}")
            e2e.check(ledger["dropped"].get("underlay", 0) >= 1, f"{what}: {name} heard no answer: {ledger}")
            e2e.shutil.rmtree(work / "run" / "sluice" / name, ignore_errors=True)
    e2e.shutil.rmtree(work / "run" / "sluice", ignore_errors=True)
    for path in wire.values():
        path.unlink()


def test_next_hops_are_resolved_and_every_transport_carries_the_chain(work):
    e2e.need_root("network namespaces")
    for program in ("tcpdump", "tshark", "ethtool"):
        if e2e.shutil.which(program) is None:
            raise e2e.Skip(f"no {program}")
    for what, how in TRANSPORTS.items():
        run_transport(work, what, *how)


if __name__ == "__main__":
    e2e.main()
