#!/usr/bin/python3
"""Two live nodes with a wire of veth between them: next hops are resolved, every transport carries a chain both ways."""

import contextlib
import os
import signal
import time

import e2e
from e2e import BIN, equal

CLIENT, SERVER = "10.1.0.11", "10.2.0.10"
CHAIN = ("client", "edge-1", "edge-2", "server")
# Transports of the wire; each is one run. None says where its neighbour is: ARP and neighbour discovery do.
TRANSPORTS = {
    "vxlan-gpe over IPv4": [{"transport": "vxlan-gpe", "address": "10.99.0.{}", "vni": 100}],
    "vxlan-gpe over IPv6": [{"transport": "vxlan-gpe", "address": "fd00:99::{}", "vni": 100}],
    "geneve over IPv6": [{"transport": "geneve", "address": "fd00:99::{}", "vni": 7}],
    "gre over IPv4": [{"transport": "gre", "address": "10.99.0.{}"}],
}


class Wires:
    """client - lan | edge-1 | core - core | edge-2 | wan - server, each in a namespace."""

    def __init__(self, work):
        self.work = work
        self.names = {}

    def ip(self, *words, code=0):
        return e2e.run(self.work, ["ip", *words], code=code)

    def inside(self, place, *words):
        return ["ip", "netns", "exec", self.names[place], *words]

    def __enter__(self):
        for place in CHAIN:
            name = f"e2e-{os.getpid()}-{place}"
            if self.ip("netns", "add", name, code=None).returncode:
                self.__exit__()
                raise e2e.Skip("no network namespaces here")
            self.names[place] = name
        self.join("client", "eth0", "edge-1", "lan0", 1500)
        self.join("edge-1", "core0", "edge-2", "core0", 1800)
        self.join("edge-2", "wan0", "server", "eth0", 1500)
        for place, address in (("client", CLIENT), ("server", SERVER)):
            self.ip("-n", self.names[place], "addr", "add", f"{address}/8", "dev", "eth0")
        return self

    def join(self, a, port_a, b, port_b, mtu):
        words = ["link", "add", port_a, "type", "veth", "peer", "name", port_b, "netns", self.names[b]]
        if self.ip("-n", self.names[a], *words, code=None).returncode:
            self.__exit__()
            raise e2e.Skip("no veth pairs here")
        for place, port in ((a, port_a), (b, port_b)):
            # No IPv6 of the kernel's on the wires: every frame there is of a node.
            flag = f"net.ipv6.conf.{port}.disable_ipv6=1"
            e2e.run(self.work, self.inside(place, "sysctl", "-qw", flag), code=None)
            self.ip("-n", self.names[place], "link", "set", port, "mtu", str(mtu), "up")
            words = ["ethtool", "-K", port, "tx", "off", "tso", "off", "gso", "off", "gro", "off"]
            e2e.run(self.work, self.inside(place, *words), code=None)

    def __exit__(self, *_):
        for name in self.names.values():
            self.ip("netns", "del", name, code=None)
        self.names = {}


def node(number, access, locators):
    core = {
        "name": "core",
        "device": "net_af_packet0,iface=core0",
        "role": "transport",
        "mtu": 1800,
        "address": [f"10.99.0.{number}/24", f"fd00:99::{number}/64"],
    }
    located = [{k: v.format(number) if k == "address" else v for k, v in one.items()} for one in locators]
    return {
        "name": f"edge-{number}",
        "port": [{"name": access, "device": f"net_af_packet1,iface={access}0", "role": "access"}, core],
        "locator": located,
    }


def domain_of(locators, tag):
    nodes = [node(1, "lan", locators), node(2, "wan", locators)]
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


def ping(wires, place, address, count=5, *more):
    words = ["ping", "-n", "-q", "-i", "0.1", "-W", "2", "-c", str(count), *more, address]
    done = e2e.run(wires.work, wires.inside(place, *words), code=None)
    for line in done.stdout.splitlines():
        if "received" in line:
            return int(line.split(" received")[0].split()[-1])
    return 0


@contextlib.contextmanager
def live(wires, config, names):
    """Both nodes; on leaving each gets SIGTERM and its report is in the yielded dict."""
    reports, running = {}, []
    try:
        for cpu, (place, name) in enumerate(zip(("edge-1", "edge-2"), names)):
            words = wires.inside(place, "taskset", "-c", str(cpu % os.cpu_count()))
            running.append(e2e.start(wires.work, [*words, BIN / "sff", "--config", config, "--node", name, "--json"]))
        e2e.wait_for(lambda: ping(wires, "client", SERVER, 1) == 1, 30, "no answer to a ping")
        yield reports
        for process, name in zip(running, names):
            process.send_signal(signal.SIGTERM)
        for process, name in zip(running, names):
            reports[name] = e2e.one_document(e2e.finish(process, 0, timeout=20))
    finally:
        for process in running:
            if process.poll() is None:
                process.kill()
                print(*process.communicate(), sep="\n")


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


def check_wire(wires, path, spi):
    """What came over the wire: an independent decoder finds NSH, and nothing to complain about."""
    odd = decode(wires, path, "-Y", "_ws.expert.severity >= 6291456", "-T", "fields", "-e", "frame.number", "-e", "_ws.expert.message")
    equal(odd, [], "what tshark complains about")
    seen = set(decode(wires, path, "-Y", "nsh", "-T", "fields", "-e", "nsh.spi", "-e", "nsh.si"))
    equal(seen, {f"{spi}\t254"}, "positions on the wire")


def run_transport(work, what, locators):
    tag = f"{os.getpid()}"
    domain = domain_of(locators, tag)
    names = [one["name"] for one in domain["sfc"]["node"]]
    config = e2e.write_domain(work, domain)
    # A socket sees what a port receives; what a node sends passes by those of its own side.
    wire = {"edge-1": work / "to-1.pcap", "edge-2": work / "to-2.pcap"}
    with Wires(work) as wires:
        with capture(wires, "edge-1", "core0", wire["edge-1"]), capture(wires, "edge-2", "core0", wire["edge-2"]):
            with live(wires, config, names) as reports:
                equal(ping(wires, "client", SERVER), 5, f"{what}: answers to the client")
                equal(ping(wires, "server", CLIENT), 5, f"{what}: answers to the server")
                equal(ping(wires, "client", SERVER, 3, "-s", "1400"), 3, f"{what}: answers to large pings")
        check_wire(wires, wire["edge-1"], 101)
        check_wire(wires, wire["edge-2"], 100)
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
    for what, locators in TRANSPORTS.items():
        run_transport(work, what, locators)


e2e.main()
