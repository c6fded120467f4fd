#!/usr/bin/python3
"""A live node between two network namespaces: real traffic through the chain, restart, and a balanced end."""

import contextlib
import os
import signal
import time

import e2e
import wires
from e2e import BIN, equal

CLIENT, SERVER = "10.1.0.11", "10.2.0.10"
SERVE = (
    "import http.server, functools;"
    "http.server.ThreadingHTTPServer(('0.0.0.0', 80),"
    " functools.partial(http.server.SimpleHTTPRequestHandler, directory='{}')).serve_forever()"
)
FETCH = "import sys, urllib.request; sys.stdout.buffer.write(urllib.request.urlopen('http://{}/page', timeout=10).read())"
PAGE = b"sluice" * 20000  # of several segments


class Network:
    """Client - lan0 | dataplane | wan0 - server; each in a network namespace."""

    def __init__(self, work):
        self.work = work
        self.names = {}

    def ip(self, *words, code=0):
        return e2e.run(self.work, ["ip", *words], code=code)

    def inside(self, place, *words):
        return ["ip", "netns", "exec", self.names[place], *words]

    def __enter__(self):
        for place in ("client", "node", "server"):
            self.add(place)
        self.join("client", "lan0", CLIENT)
        self.join("server", "wan0", SERVER)
        return self

    def add(self, place):
        name = f"e2e-{os.getpid()}-{place}"
        if self.ip("netns", "add", name, code=None).returncode:
            self.__exit__()
            raise e2e.Skip("no network namespaces here")
        self.names[place] = name

    def join(self, place, port, address):
        end, far = self.names[place], self.names["node"]
        if self.ip("-n", end, "link", "add", "eth0", "type", "veth", "peer", "name", port, "netns", far, code=None).returncode:
            self.__exit__()
            raise e2e.Skip("no veth pairs here")
        self.ip("-n", end, "link", "set", "lo", "up")
        self.ip("-n", end, "link", "set", "eth0", "up")
        self.ip("-n", far, "link", "set", port, "up")
        # One subnet: the dataplane is a wire with functions on it.
        self.ip("-n", end, "addr", "add", f"{address}/8", "dev", "eth0")
        # The dataplane gets what is on the wire: whole frames with checksums.
        for name, interface in ((place, "eth0"), ("node", port)):
            words = ["ethtool", "-K", interface, "tx", "off", "tso", "off", "gso", "off", "gro", "off"]
            e2e.run(self.work, self.inside(name, *words), code=None)

    def __exit__(self, *_):
        for name in self.names.values():
            self.ip("netns", "del", name, code=None)
        self.names = {}


def live_domain(node):
    domain = e2e.one_node()
    sfc = domain["sfc"]
    sfc["node"] = sfc["node"][:1]
    sfc["node"][0]["name"] = node
    del sfc["node"][0]["locator"]
    sfc["node"][0]["port"] = [
        {"name": "lan", "device": "net_af_packet0,iface=lan0", "role": "access", "peer": "wan"},
        {"name": "wan", "device": "net_af_packet1,iface=wan0", "role": "access", "peer": "lan"},
    ]
    for function in sfc["function"]:
        function["instance"][0]["node"] = node
    return domain


def ping(network, place, address, count=5):
    """How many of the first `count` echo requests were answered."""
    return sum(number <= count for number in wires.ping(network, place, address, count))


def wait_for_traffic(network):
    e2e.wait_for(lambda: ping(network, "client", SERVER, 1) == 1, 30, "no answer to a ping")


@contextlib.contextmanager
def live(network, config, expect=0):
    """A live node; on leaving it gets SIGTERM and its report is in `ledger` of the yielded dict."""
    result = {}
    process = e2e.start(network.work, network.inside("node", BIN / "sff", "--config", config, "--json"))
    result["process"] = process
    try:
        wait_for_traffic(network)
        yield result
        process.send_signal(signal.SIGTERM)
        result["report"] = e2e.one_document(e2e.finish(process, expect, timeout=15))
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


def ledger_of(report):
    return report.get("ledger", report)


def only_the_directory_is_left(work, node):
    """A live node's directory stays for the next start, with its lock; no socket, nothing of EAL."""
    left = work / "run" / "sluice" / node
    equal(sorted(path.name for path in left.iterdir()), ["lock"], f"left in the directory of node {node}")
    e2e.shutil.rmtree(left.parent)


def test_traffic_passes_and_the_books_balance_at_the_end(work):
    e2e.need_root("network namespaces")
    (work / "page").write_bytes(PAGE)
    node = f"live-{os.getpid()}"
    config = e2e.write_domain(work, live_domain(node))
    with Network(work) as network:
        with live(network, config) as running:
            equal(ping(network, "client", SERVER), 5, "answers to pings from the client")
            equal(ping(network, "server", CLIENT), 5, "answers to pings from the server")
            web = e2e.start(work, network.inside("server", "/usr/bin/python3", "-c", SERVE.format(work)))
            try:
                time.sleep(1)
                got = e2e.run(work, network.inside("client", "/usr/bin/python3", "-c", FETCH.format(SERVER))).stdout
            finally:
                web.kill()
                web.communicate()
            e2e.check(got.encode() == PAGE, f"{len(got)} bytes fetched, {len(PAGE)} expected")
        ledger = ledger_of(running["report"])
        e2e.check_ledger(ledger)
        e2e.check(ledger["sent"] > 100, f"ledger: {ledger}")
    only_the_directory_is_left(work, node)


def test_a_second_dataplane_of_the_same_node_is_refused(work):
    e2e.need_root("network namespaces")
    node = f"twice-{os.getpid()}"
    config = e2e.write_domain(work, live_domain(node))
    with Network(work) as network:
        with live(network, config):
            done = e2e.run(work, network.inside("node", BIN / "sff", "--config", config), code=1)
            equal(len(e2e.messages(done.stderr)), 1, f"lines of {done.stderr!r}")
            e2e.check("running already" in done.stderr, done.stderr)
            equal(ping(network, "client", SERVER), 5, "answers while a second one tried")
    only_the_directory_is_left(work, node)


def test_vms_survive_a_killed_dataplane_and_are_adopted(work):
    e2e.need_root("network namespaces")
    node = f"again-{os.getpid()}"
    config = e2e.write_domain(work, live_domain(node))
    with Network(work) as network:
        process = e2e.start(work, network.inside("node", BIN / "sff", "--config", config))
        try:
            wait_for_traffic(network)
            before = e2e.pids("hv")
            for pid in e2e.pids("sff"):
                os.kill(pid, signal.SIGKILL)
            process.communicate()
            time.sleep(0.5)
            equal(e2e.pids("hv"), before, "runners after the dataplane was killed")
            with live(network, config) as running:
                equal(e2e.pids("hv"), before, "runners of the next dataplane")
                equal(ping(network, "client", SERVER), 5, "answers after the restart")
            e2e.check_ledger(ledger_of(running["report"]))
        finally:
            if process.poll() is None:
                process.kill()
                process.communicate()
    only_the_directory_is_left(work, node)


# Three datagrams whose checksum is left to hardware, and two that are to be cut into ten segments each there.
# UDP_SEGMENT: linux/udp.h.
LEFT_TO_HARDWARE = f"""
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for _ in range(3):
    s.sendto(bytes(100), ("{SERVER}", 9))
s.setsockopt(socket.IPPROTO_UDP, 103, 1400)
for _ in range(2):
    s.sendto(bytes(14000), ("{SERVER}", 9))
"""


def test_what_the_kernel_left_to_hardware_is_counted_by_name(work):
    e2e.need_root("network namespaces")
    node = f"offload-{os.getpid()}"
    config = e2e.write_domain(work, live_domain(node))
    with Network(work) as network:
        with live(network, config) as running:
            e2e.run(work, network.inside("client", "ethtool", "-K", "eth0", "tx", "on", "gso", "on", "tx-udp-segmentation", "on"))
            e2e.run(work, network.inside("client", "/usr/bin/python3", "-c", LEFT_TO_HARDWARE))
            equal(ping(network, "client", SERVER), 5, "answers to pings, whose checksum the kernel makes itself")
        ledger = ledger_of(running["report"])
        e2e.check_ledger(ledger)
        equal(ledger["dropped"], {"offload": 5}, "drops")
    only_the_directory_is_left(work, node)


BOX, WIRE = "02:00:00:00:0f:01", "02:00:00:00:0f:02"
# Two functions on a wire: one serves NSH (SI - 1), the other sends plain frames back; both to who sent them.
ON_THE_WIRE = f"""
import socket, sys, time
box, wire = bytes.fromhex("{BOX.replace(':', '')}"), bytes.fromhex("{WIRE.replace(':', '')}")
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
s.bind(("eth0", 0))
s.setsockopt(263, 1, socket.if_nametoindex("eth0").to_bytes(4, "little") + bytes([1, 0]) + bytes(10))  # promiscuous
s.settimeout(0.2)
end = time.monotonic() + 60
asked = 0
while time.monotonic() < end:
    try:
        frame = bytearray(s.recv(65536))
    except TimeoutError:
        continue
    if frame[0:6] == wire and frame[12:14] == b"\\x08\\x06" and frame[20:22] == b"\\0\\2" and asked == 1:
        print("answer", frame[22:28].hex(":"), flush=True)
        asked = 2
        continue
    if frame[0:6] not in (box, wire) or (frame[0:6] == box) != (frame[12:14] == b"\\x89\\x4f"):
        continue
    if frame[0:6] == box:
        frame[21] -= 1
    elif asked == 0:
        # It believes that it is a host on a link.
        s.send(b"\\xff" * 6 + wire + bytes.fromhex("080600010800060400 01".replace(" ", "")) + wire
               + bytes([10, 9, 0, 5]) + bytes(6) + bytes([10, 9, 0, 1]))
        asked = 1
    s.send(frame[6:12] + frame[0:6] + frame[12:])
"""


def test_functions_on_a_wire_take_part(work):
    e2e.need_root("network namespaces")
    node = f"live-{os.getpid()}"
    domain = live_domain(node)
    sfc = domain["sfc"]
    sfc["node"][0]["port"].append(
        {"name": "core", "device": "net_af_packet2,iface=core0", "role": "transport", "mac": "02:00:00:00:0b:01",
         "address": "10.99.0.2/24"}
    )
    sfc["node"][0]["locator"] = {"transport": "vxlan-gpe", "address": "10.99.0.2", "port": "core"}
    sfc["function"] = [
        {"name": "fw", "instance": [{"name": "box", "node": node, "attach": {"port": "core", "mac": BOX}}]},
        {"name": "ids", "nsh-aware": False, "proxy": {"style": "flow"},
         "instance": [{"name": "wire", "node": node, "attach": {"port": "core", "mac": WIRE}}]},
    ]
    config = e2e.write_domain(work, domain)
    with Network(work) as network:
        network.add("sf")
        network.join("sf", "core0", "10.99.0.9")
        served = e2e.start(work, network.inside("sf", "/usr/bin/python3", "-c", ON_THE_WIRE))
        try:
            with live(network, config) as running:
                equal(ping(network, "client", SERVER), 5, "answers to pings from the client")
                equal(ping(network, "server", CLIENT), 5, "answers to pings from the server")
        finally:
            served.kill()
            said = served.communicate()[0]
    e2e.check("answer 02:00:00:00:0b:01" in said, f"the port answers ARP of the function: {said!r}")
    report = running["report"]
    e2e.check_ledger(ledger_of(report))
    for path in report["paths"]:
        e2e.check(path["in"] >= 10 and path["out"] == path["in"], f"path {path}")
    only_the_directory_is_left(work, node)


if __name__ == "__main__":
    e2e.main()
