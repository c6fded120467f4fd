#!/usr/bin/python3
"""Functions that know no NSH: the SFF is their proxy, in every style."""

import copy

import e2e
from e2e import PCAPS, equal

MIXED = PCAPS / "mixed.pcap"
STYLES = ("static", "flow", "vlan", "mac")


def unaware(name, style, *instances, **more):
    return {"name": name, "nsh-aware": False, "proxy": {"style": style, **more}, "instance": list(instances)}


def one_function(style, image="bridge", *args):
    domain = e2e.one_node()
    sfc = domain["sfc"]
    sfc["function"] = [unaware("plain", style, e2e.vm("plain-1", "edge", image, *args))]
    sfc["path"] = [{"name": "web", "spi": 100, "hops": ["plain"], "egress": "wan"}]
    return domain


def test_every_frame_comes_through_unchanged_in_every_style(work):
    for style in STYLES:
        config = e2e.write_domain(work, one_function(style))
        out = work / f"{style}.pcap"
        report = e2e.replay(work, config, "--lockstep", "--in", f"lan={MIXED}", "--out", f"wan={out}")
        equal(e2e.drops(report), {}, f"{style}: drops")
        e2e.compare(work, MIXED, out)
        instance = e2e.by_name(report["instances"])["plain-1"]
        equal((instance["rx"], instance["tx"]), (len(e2e.frames(MIXED)),) * 2, f"{style}: frames of the instance")
        if style == "static":
            equal(report.get("proxies"), None, "a static proxy keeps nothing")
            continue
        (proxy,) = report["proxies"]
        equal(proxy["function"], "plain", f"{style}: function")
        equal(proxy["restored"], len(e2e.frames(MIXED)), f"{style}: frames that got their header back")
        e2e.check(0 < proxy["saved"] <= proxy["restored"], f"{style}: {proxy}")
        equal([proxy[name] for name in ("templated", "missed", "evicted")], [0, 0, 0], f"{style}: {proxy}")


def test_without_lockstep_too(work):
    for style in ("flow", "vlan"):
        config = e2e.write_domain(work, one_function(style))
        out = work / f"{style}.pcap"
        report = e2e.replay(work, config, "--in", f"lan={MIXED}", "--out", f"wan={out}")
        equal(e2e.drops(report), {}, f"{style}: drops")
        equal(sorted(e2e.frames(out)), sorted(e2e.frames(MIXED)), f"{style}: frames")


def test_a_firewall_without_nsh_denies(work):
    for style in STYLES:
        config = e2e.write_domain(work, one_function(style, "firewall", "deny udp any any 53"))
        out = work / f"{style}.pcap"
        report = e2e.replay(work, config, "--lockstep", "--in", f"lan={MIXED}", "--out", f"wan={out}")
        allowed = e2e.without_denied(work, MIXED)
        equal(e2e.frames(out), allowed, f"{style}: frames")
        equal(e2e.drops(report), {"sf-consumed": len(e2e.frames(MIXED)) - len(allowed)}, f"{style}: drops")


def test_both_directions_and_two_functions(work):
    lan = e2e.select(MIXED, e2e.LAN_FILTER, work / "lan.pcap", work)
    wan = e2e.select(MIXED, e2e.WAN_FILTER, work / "wan.pcap", work)
    for style in ("flow", "vlan", "mac"):
        domain = e2e.one_node()
        domain["sfc"]["function"] = [
            unaware("plain", style, e2e.vm("plain-1", "edge", "bridge")),
            {"name": "ids", "instance": [e2e.vm("ids-1", "edge", "monitor")]},
        ]
        for path in domain["sfc"]["path"]:
            path["hops"] = ["plain" if hop == "fw" else hop for hop in path["hops"]]
        config = e2e.write_domain(work, domain)
        to_wan, to_lan = work / "to-wan.pcap", work / "to-lan.pcap"
        report = e2e.replay(
            work, config, "--lockstep", "--in", f"lan={lan}", "--in", f"wan={wan}", "--out", f"wan={to_wan}",
            "--out", f"lan={to_lan}",
        )
        equal(e2e.drops(report), {}, f"{style}: drops")
        e2e.compare(work, lan, to_wan)
        e2e.compare(work, wan, to_lan)
        paths = e2e.by_name(report["paths"])
        e2e.check(paths["web-back"]["in"] > 0, f"{style}: nothing took the reverse path")


def across(style, **more):
    """lan on edge-1 -> plain on edge-2 -> out on edge-1: NSH is on the wire before and behind the proxy."""
    domain = copy.deepcopy(e2e.two_nodes())
    sfc = domain["sfc"]
    sfc["node"][0]["port"].append(e2e.node_port("out", "access"))
    sfc["function"] = [unaware("plain", style, e2e.vm("plain-1", "edge-2", "bridge"), **more)]
    sfc["path"] = [{"name": "web", "spi": 100, "hops": ["plain"], "egress": "edge-1/out"}]
    return domain


def hop(work, config, node, **ports):
    words = [word for name, value in ports.items() for word in (f"--{name}", value)]
    return e2e.replay(work, config, "--node", node, "--lockstep", *words)


def test_metadata_crosses_the_proxy(work):
    for style in ("flow", "vlan", "mac"):
        config = e2e.write_domain(work, across(style))
        first, second, out = work / "first.pcap", work / "second.pcap", work / "out.pcap"
        hop(work, config, "edge-1", **{"in": f"lan={MIXED}", "out": f"core={first}"})
        report = hop(work, config, "edge-2", **{"in": f"core={first}", "out": f"core={second}"})
        equal(e2e.drops(report), {}, f"{style}: drops")
        names = ("nsh.spi", "nsh.si", "nsh.ttl", "nsh.mdtype", "nsh.nextproto", "nsh.contextheader")
        rows = e2e.fields(work, second, *names)
        equal(len(rows), len(e2e.frames(MIXED)), f"{style}: frames")
        found = {(*(int(field, 0) for field in row[:5]), row[5].replace(",", "").replace(":", "")) for row in rows}
        equal(found, {(100, 254, 61, 1, 3, "000000010000000200000003ffffffff")}, f"{style}: NSH behind the proxy")
        hop(work, config, "edge-1", **{"in": f"core={second}", "out": f"out={out}"})
        e2e.compare(work, MIXED, out)


def test_a_static_proxy_loses_metadata(work):
    config = e2e.write_domain(work, across("static"))
    first, second = work / "first.pcap", work / "second.pcap"
    hop(work, config, "edge-1", **{"in": f"lan={MIXED}", "out": f"core={first}"})
    hop(work, config, "edge-2", **{"in": f"core={first}", "out": f"core={second}"})
    rows = e2e.fields(work, second, "nsh.spi", "nsh.si", "nsh.ttl", "nsh.contextheader")
    found = {(*(int(field, 0) for field in row[:3]), row[3].replace(",", "").replace(":", "")) for row in rows}
    equal(found, {(100, 254, 63, "0" * 32)}, "NSH behind the proxy")


def test_metadata_of_unknown_layout_is_said_once_per_path(work):
    domain = across("flow")
    config = e2e.write_domain(work, domain)
    first, second = work / "first.pcap", work / "second.pcap"
    hop(work, config, "edge-1", **{"in": f"lan={MIXED}", "out": f"core={first}"})
    # The second node's file gives no words to the path: it does not know what they are.
    del domain["sfc"]["rule"][0]["action"]["metadata"]
    config = e2e.write_domain(work, domain)
    report = hop(work, config, "edge-2", **{"in": f"core={first}", "out": f"core={second}"})
    n = len(e2e.frames(MIXED))
    equal(e2e.drops(report), {"proxy-metadata": n}, "drops")
    done = e2e.run(work, e2e.replay_words(config, "--node", "edge-2", "--in", f"core={first}", "--out", f"core={second}"))
    said = [line for line in done.stderr.splitlines() if "path 'web', SPI 100" in line]
    equal(len(said), 1, f"lines that say so in {done.stderr!r}")
    domain["sfc"]["function"][0]["proxy"]["carry-opaque"] = True
    config = e2e.write_domain(work, domain)
    report = hop(work, config, "edge-2", **{"in": f"core={first}", "out": f"core={second}"})
    equal(e2e.drops(report), {}, "drops with carry-opaque")
    equal(len(e2e.frames(second)), n, "frames with carry-opaque")


e2e.main()
