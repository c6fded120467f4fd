#!/usr/bin/python3
"""One path over several transports: what comes out at its end is what a path on one node gives, byte for byte."""

import e2e
from e2e import PCAPS, equal

MIXED = PCAPS / "mixed.pcap"
MAC = "02:00:00:00:{}:0{}"


def transport_port(name, number, *addresses):
    return e2e.node_port(name, "transport", mac=MAC.format("0a", number), address=list(addresses))


def chain():
    """a -- VXLAN-GPE/IPv6 -- b -- Geneve/IPv4 -- c -- Ethernet, two tags -- d, with a function on b and one on c."""
    gpe = [{"transport": "vxlan-gpe", "vni": 7, "address": f"fd00:1::{n}", "port": "left" if n == 2 else "right"} for n in (1, 2)]
    geneve = [{"transport": "geneve", "vni": 8, "address": f"10.1.0.{n}", "port": "left" if n == 3 else "right"} for n in (2, 3)]
    wire = [{"transport": "ethernet", "vlan": [100, 200], "port": "left" if n == 4 else "right"} for n in (3, 4)]
    nodes = {
        "a": ([e2e.node_port("lan", "access"), transport_port("right", 1, "fd00:1::1/64")], [gpe[0]]),
        "b": (
            [transport_port("left", 2, "fd00:1::2/64"), transport_port("right", 3, "10.1.0.2/24")],
            [gpe[1], geneve[0]],
        ),
        "c": ([transport_port("left", 4, "10.1.0.3/24"), transport_port("right", 5)], [geneve[1], wire[0]]),
        "d": ([transport_port("left", 6), e2e.node_port("wan", "access")], [wire[1]]),
    }
    return {
        "sfc": {
            "node": [{"name": name, "port": port, "locator": locator} for name, (port, locator) in nodes.items()],
            "function": [
                {"name": "one", "instance": [e2e.vm("one-1", "b", "monitor")]},
                {"name": "two", "instance": [e2e.vm("two-1", "c", "monitor")]},
            ],
            "path": [{"name": "far", "spi": 100, "hops": ["one", "two"], "egress": "wan"}],
            "rule": [{"name": "all", "match": {"port": "lan"}, "action": {"path": "far"}}],
        }
    }


def local():
    domain = e2e.one_node()
    domain["sfc"]["function"] = [
        {"name": "one", "instance": [e2e.vm("one-1", "edge", "monitor")]},
        {"name": "two", "instance": [e2e.vm("two-1", "edge", "monitor")]},
    ]
    domain["sfc"]["path"] = [{"name": "far", "spi": 100, "hops": ["one", "two"], "egress": "wan"}]
    domain["sfc"]["rule"] = [{"name": "all", "match": {"port": "lan"}, "action": {"path": "far"}}]
    return domain


def test_a_path_over_three_transports_delivers_what_a_local_one_does(work):
    config = e2e.write_domain(work, chain())
    hops = [("a", "lan", "right"), ("b", "left", "right"), ("c", "left", "right"), ("d", "left", "wan")]
    carried, wires = MIXED, []
    for name, enter, leave in hops:
        out = work / f"{name}.pcap"
        report = e2e.replay(work, config, "--node", name, "--lockstep", "--in", f"{enter}={carried}", "--out", f"{leave}={out}")
        e2e.check_report(report)
        equal(e2e.drops(report), {}, f"drops of node {name}")
        wires.append(out)
        carried = out
    expected = work / "local.pcap"
    one = e2e.write_domain(work, local(), "local.yaml")
    e2e.replay(work, one, "--lockstep", "--in", f"lan={MIXED}", "--out", f"wan={expected}")
    e2e.check(len(e2e.frames(expected)) > 50, "too few frames to tell anything")
    equal(e2e.frames(carried), e2e.frames(expected), "frames at the end of the path")
    for wire, what in zip(wires, ("ipv6 && udp.port == 4790", "ip && geneve", "vlan.id == 200 && nsh")):
        equal(len(e2e.fields(work, wire, "frame.number", where=f"nsh && {what}")), len(e2e.frames(expected)), what)
        equal(e2e.fields(work, wire, "frame.number", where="_ws.expert.severity == error && !(icmp || tcp || udp.length.bad)"), [], what)


e2e.main()
