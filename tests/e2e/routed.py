#!/usr/bin/python3
"""Paths of IP payload between two subnets: ping and HTTP, IPv4 and IPv6, on one live node and over two."""

import os
import time

import e2e
from e2e import equal
from underlay import capture
from wires import Wires, live, ping

CLIENT, SERVER = ("10.1.0.11", "fd00:1::11"), ("10.2.0.10", "fd00:2::10")
FIVE = [1, 2, 3, 4, 5]
EDGE = ("client", "edge-1", "edge-2", "server")
PAGE = b"sluice" * 20000  # of several segments
SERVE = """
import functools, http.server, socket
class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory={!r})
Server(("::", 80), handler).serve_forever()
"""
FETCH = "import sys, urllib.request; sys.stdout.buffer.write(urllib.request.urlopen('http://{}/page', timeout=20).read())"


class Subnets(Wires):
    """Client and server are in subnets of their own, and have the nodes for routers."""

    addresses = {
        "client": [f"{CLIENT[0]}/16", f"{CLIENT[1]}/64"],
        "server": [f"{SERVER[0]}/16", f"{SERVER[1]}/64"],
    }
    routes = {
        place: [["route", "add", "default", "via", f"10.{n}.0.1"], ["-6", "route", "add", "default", "via", f"fd00:{n}::1"]]
        for place, n in (("client", 1), ("server", 2))
    }


def access(port, number, device):
    addresses = [f"10.{number}.0.1/16", f"fd00:{number}::1/64"]
    return {"name": port, "device": f"net_af_packet{device},iface={port}0", "role": "access", "address": addresses}


def core(number):
    return {
        "name": "core",
        "device": "net_af_packet0,iface=core0",
        "role": "transport",
        "mtu": 1800,
        "address": [f"10.99.0.{number}/24"],
    }


def located(number):
    return {"transport": "geneve", "address": f"10.99.0.{number}", "vni": 5}


def domain_of(nodes, near, far):
    return {
        "sfc": {
            "node": nodes,
            "function": [
                {"name": "near", "instance": [e2e.vm("near-1", near, "firewall", "deny udp any any 53", runtime="process")]},
                {"name": "far", "instance": [e2e.vm("far-1", far, "monitor", runtime="process")]},
            ],
            "path": [
                {"name": "out", "spi": 100, "hops": ["near", "far"], "egress": "wan", "payload": "ip"},
                {"name": "back", "spi": 101, "hops": ["far", "near"], "egress": "lan", "payload": "ip", "md-type": 2},
            ],
            "rule": [
                {"name": "out", "match": {"port": "lan"}, "action": {"path": "out"}},
                {"name": "back", "match": {"port": "wan"}, "action": {"path": "back"}},
            ],
            "default": "drop",
        }
    }


def converse(wires):
    """Everything works that hosts in two subnets do."""
    for client, server in zip(CLIENT, SERVER):
        equal(ping(wires, "client", server), FIVE, f"answers to the client from {server}")
        equal(ping(wires, "server", client), FIVE, f"answers to the server from {client}")
        equal(ping(wires, "client", server, 3, "-s", "1300"), FIVE[:3], f"answers to large pings of {server}")
        router = client.rsplit(":" if ":" in client else ".", 1)[0] + (":1" if ":" in client else ".1")
        equal(ping(wires, "client", router, 3), FIVE[:3], f"answers of the node itself, {router}")
    (wires.work / "page").write_bytes(PAGE)
    words = ["/usr/bin/python3", "-c", SERVE.format(str(wires.work))]
    web = e2e.start(wires.work, wires.inside("server", *words))
    try:
        time.sleep(1)
        for server in SERVER:
            url = f"[{server}]" if ":" in server else server
            fetch = wires.inside("client", "/usr/bin/python3", "-c", FETCH.format(url))
            got = e2e.run(wires.work, fetch).stdout.encode()
            e2e.check(got == PAGE, f"{server}: {len(got)} bytes fetched, {len(PAGE)} expected")
    finally:
        web.kill()
        web.communicate()


def check_books(reports, name):
    ledger = reports[name].get("ledger", reports[name])
    e2e.check_ledger(ledger)
    e2e.check(ledger["sent"] > 100 and ledger["originated"] >= 2, f"{name}: {ledger}")
    # Until the other node is there, nobody answers for its address.
    fine = ("underlay", "default", "shutdown", "neigh-timeout")
    lost = {reason: n for reason, n in ledger["dropped"].items() if reason not in fine}
    equal({reason: n for reason, n in lost.items() if n}, {}, f"drops of {name}")


def test_one_node_joins_two_subnets(work):
    e2e.need_root("network namespaces")
    name = f"edge-{os.getpid()}"
    node = {"name": name, "port": [access("lan", 1, 0), access("wan", 2, 1)]}
    config = e2e.write_domain(work, domain_of([node], name, name))
    links = [("client", "eth0", "edge-1", "lan0", 1500), ("edge-1", "wan0", "server", "eth0", 1500)]
    with Subnets(work, ("client", "edge-1", "server"), links) as wires:
        with live(wires, [("edge-1", config, name)]) as reports:
            converse(wires)
    check_books(reports, name)
    e2e.shutil.rmtree(work / "run" / "sluice")


def test_two_nodes_join_two_subnets(work):
    e2e.need_root("network namespaces")
    if e2e.shutil.which("tcpdump") is None or e2e.shutil.which("tshark") is None:
        raise e2e.Skip("no tcpdump and tshark")
    names = [f"edge-{n}-{os.getpid()}" for n in (1, 2)]
    nodes = [
        {"name": names[0], "port": [core(1), access("lan", 1, 1)], "locator": located(1)},
        {"name": names[1], "port": [core(2), access("wan", 2, 1)], "locator": located(2)},
    ]
    config = e2e.write_domain(work, domain_of(nodes, *names))
    links = [
        ("client", "eth0", "edge-1", "lan0", 1500),
        ("edge-1", "core0", "edge-2", "core0", 1800),
        ("edge-2", "wan0", "server", "eth0", 1500),
    ]
    wire = work / "wire.pcap"
    with Subnets(work, EDGE, links) as wires:
        with capture(wires, "edge-2", "core0", wire):
            with live(wires, [("edge-1", config, names[0]), ("edge-2", config, names[1])]) as reports:
                converse(wires)
        # An independent decoder finds IP right behind NSH, and nothing to complain about.
        rows = e2e.fields(work, wire, "nsh.spi", "nsh.nextproto", "ip.src", "ipv6.src", where="nsh")
        seen = {(row[0], int(row[1], 0), row[2].split(",")[-1] if row[1] in ("1", "0x01") else row[3]) for row in rows}
        e2e.check({("100", 1, CLIENT[0]), ("100", 2, CLIENT[1])} <= seen, f"packets on the wire: {seen}")
        odd = e2e.fields(work, wire, "frame.number", "_ws.expert.message", where="nsh && _ws.expert.severity == error")
        equal(odd, [], "what tshark complains about")
    for name in names:
        check_books(reports, name)
    e2e.shutil.rmtree(work / "run" / "sluice")


if __name__ == "__main__":
    e2e.main()
