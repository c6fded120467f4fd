"""Network namespaces joined by veth, and live nodes in them. Included by the tests of live nodes that talk to each other."""

import contextlib
import os
import re
import signal

import e2e
from e2e import BIN

CLIENT, SERVER = "10.1.0.11", "10.2.0.10"
CLIENT6, SERVER6 = "fd00:1::11", "fd00:1::10"
# An answer may be late on a busy machine: two workers poll here, and switches have threads of their own.
ANSWER_SECONDS = 20


class Wires:
    """Places in namespaces, joined by veth pairs: (place, port, place, port, MTU). Client and server have addresses."""

    # place -> addresses with their lengths, and routes as words of "ip route add"
    addresses = {"client": [f"{CLIENT}/8", f"{CLIENT6}/64"], "server": [f"{SERVER}/8", f"{SERVER6}/64"]}
    routes = {}

    def __init__(self, work, places, links):
        self.work = work
        self.places = places
        self.links = links
        self.names = {}

    def ip(self, *words, code=0):
        return e2e.run(self.work, ["ip", *words], code=code)

    def inside(self, place, *words):
        return ["ip", "netns", "exec", self.names[place], *words]

    def __enter__(self):
        for place in self.places:
            name = f"e2e-{os.getpid()}-{place}"
            if self.ip("netns", "add", name, code=None).returncode:
                self.__exit__()
                raise e2e.Skip("no network namespaces here")
            self.names[place] = name
        for link in self.links:
            self.join(*link)
        for place, addresses in self.addresses.items():
            for address in addresses:
                self.ip("-n", self.names[place], "addr", "add", address, "dev", "eth0", *self.six(place, address))
        for place, routes in self.routes.items():
            for words in routes:
                self.ip("-n", self.names[place], *words)
        return self

    def six(self, place, address):
        """Words for an address of IPv6, which is switched on for it."""
        if ":" not in address:
            return []
        e2e.run(self.work, self.inside(place, "sysctl", "-qw", "net.ipv6.conf.eth0.disable_ipv6=0"), code=None)
        return ["nodad"]

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


def ping(wires, place, address, count=5, *more):
    """Which questions were answered, by number, until `count` of them were: [1, 2, 3, 4, 5] when none was lost. (With a
    deadline alone ping waits for late answers; else for two round-trip times.)"""
    words = ["ping", "-n", "-i", "0.1", "-w", str(ANSWER_SECONDS + count // 10), "-c", str(count), *more, address]
    done = e2e.run(wires.work, wires.inside(place, *words), code=None)
    return sorted({int(number) for number in re.findall(r"bytes from .*icmp_seq=(\d+) ", done.stdout)})


@contextlib.contextmanager
def live(wires, ends):
    """Nodes, each a (place, configuration, name); on leaving each gets SIGTERM and its report is in the yielded dict."""
    reports, running = {}, []
    try:
        for cpu, (place, config, name) in enumerate(ends):
            words = wires.inside(place, "taskset", "-c", str(cpu % os.cpu_count()))
            running.append(e2e.start(wires.work, [*words, BIN / "sff", "--config", config, "--node", name, "--json"]))
        e2e.wait_for(lambda: ping(wires, "client", SERVER, 1), 60, "no answer to a ping")
        yield reports
        for process in running:
            process.send_signal(signal.SIGTERM)
        for process, (_, _, name) in zip(running, ends):
            reports[name] = e2e.one_document(e2e.finish(process, 0, timeout=20))
    finally:
        for process in running:
            if process.poll() is None:
                process.kill()
                print(*process.communicate(), sep="\n")
