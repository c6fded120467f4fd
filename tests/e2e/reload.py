#!/usr/bin/python3
"""A live node that gets another configuration under load: SIGHUP, whole or not at all, and the books go on."""

import os
import re
import signal
import time

import e2e
import live
import supervise
from e2e import BIN, equal

FLOWS = 100
PORT = 9
COPIES = "hop.pcap"

# Sends to every flow in turn until it is killed; says how many frames it sent.
SEND = f"""
import signal, socket, struct, sys, time
flows = []
for n in range({FLOWS}):
    flow = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    flow.bind(("{live.CLIENT}", 20000 + n))
    flows.append(flow)
sent, going = 0, True
def stop(*_):
    global going
    going = False
signal.signal(signal.SIGTERM, stop)
while going:
    for flow in flows[sent // 10 % 10 :: 10]:
        flow.sendto(struct.pack("!Q", sent), ("{live.SERVER}", {PORT}))
        sent += 1
    time.sleep(0.01)
print(sent)
"""


class Running:
    """A live node under load whose file changes."""

    def __init__(self, work, network, tree):
        self.work, self.network, self.node = work, network, tree["sfc"]["node"][0]["name"]
        self.write(tree)
        self.said = open(work / "said.txt", "w+", encoding="utf-8")
        self.process = e2e.start(
            work, network.inside("node", BIN / "sff", "--config", work / "domain.yaml", "--json"), stderr=self.said
        )
        live.wait_for_traffic(network)
        self.sender = e2e.start(work, network.inside("client", "/usr/bin/python3", "-c", SEND))
        time.sleep(1)

    def write(self, tree):
        e2e.write_domain(self.work, tree)

    def lines(self, word):
        return [line for line in (self.work / "said.txt").read_text().splitlines() if word in line]

    def change(self, tree, word=": changed", settle=1.5):
        """Apply a configuration and wait for the answer, a line with this word."""
        before = len(self.lines(word))
        self.write(tree)
        self.process.send_signal(signal.SIGHUP)
        e2e.wait_for(lambda: len(self.lines(word)) > before, 20, f"no '{word}'")
        time.sleep(settle)

    def finish(self):
        self.sender.send_signal(signal.SIGTERM)
        sent = int(e2e.finish(self.sender, 0))
        time.sleep(0.5)
        self.process.send_signal(signal.SIGTERM)
        report = e2e.one_document(e2e.finish(self.process, 0, timeout=15))
        e2e.check_ledger(live.ledger_of(report))
        return sent, report

    def kill(self):
        for process in (self.sender, self.process):
            if process.poll() is None:
                process.kill()
                process.communicate()
        self.said.close()


def domain(work, node, names, **more):
    """Bridges by these names; `more` is admin by name."""
    tree = supervise.domain(node)
    sfc = tree["sfc"]
    template = sfc["function"][0]["instance"][0]
    sfc["function"][0]["instance"] = [
        {**template, "name": name, **({"admin": more[name]} if name in more else {})} for name in names
    ]
    sfc["mirror"] = [
        {"name": "hop", "from": {"path": "web", "hop": 1}, "direction": "in", "to": {"file": str(work / COPIES)}}
    ]
    return tree


def macs(work):
    """Per flow, the instances it met, by MAC address, in order and without repetition."""
    met = {}
    for line in e2e.fields(work, work / COPIES, "eth.dst", "udp.srcport"):
        mac, flow = line[0].split(",")[0], line[1]
        if not met.setdefault(flow, []) or met[flow][-1] != mac:
            met[flow].append(mac)
    return met


def check_no_loss(sent, report):
    ledger = live.ledger_of(report)
    equal(ledger["dropped"], {}, "drops")
    web = [path for path in report["paths"] if path["name"] == "web"][0]
    equal((web["in"], web["out"]), (sent, sent), "frames of the path, over all configurations")
    equal(ledger["replicated"], sent, "copies of the mirror, over all configurations")


def test_instances_come_drain_and_go_without_loss(work):
    e2e.need_root("network namespaces")
    node = f"load-{os.getpid()}"
    with live.Network(work) as network:
        running = Running(work, network, domain(work, node, ["a", "b", "c", "d"]))
        try:
            running.change(domain(work, node, ["e", "d", "a", "b", "c"]))
            equal(len(supervise.runners(node)), 5, "runners after one was added")
            first = macs(work)
            equal(len(first), FLOWS, "flows")
            e2e.check(all(len(met) == 1 for met in first.values()), f"flows moved: {first}")
            running.change(domain(work, node, ["e", "d", "a", "b", "c"], a="drain"))
            running.change(domain(work, node, ["b", "c", "d", "e"]))
            e2e.wait_for(lambda: len(supervise.runners(node)) == 4, 10, "the VM that left is still there")
            time.sleep(1)
            # The place of the one that left is another's.
            running.change(domain(work, node, ["f", "b", "c", "d", "e"]))
            equal(len(supervise.runners(node)), 5, "runners after its place was taken")
            # One that is wanted again while it leaves; then the other way round.
            running.change(domain(work, node, ["b", "c", "d", "e"]), settle=0)
            running.change(domain(work, node, ["f", "b", "c", "d", "e"]))
            equal(len(supervise.runners(node)), 5, "runners at the end")
            sent, report = running.finish()
        finally:
            running.kill()
    check_no_loss(sent, report)
    met = macs(work)
    moved = [flow for flow in met if len(met[flow]) > 1]
    e2e.check(all(len(met[flow]) <= 2 for flow in met), f"flows moved twice: {met}")
    # New flows may meet "f", no old one does, and it goes: those of "a" are all that move.
    gone = {met[flow][0] for flow in moved}
    equal(len(gone), 1, "instances that flows left")
    equal(sorted(moved), sorted(flow for flow in met if met[flow][0] in gone), "flows of the deleted instance")
    equal(report["steering"]["repinned"], len(moved), "flows that moved, as the node counts them")
    live.only_the_directory_is_left(work, node)


def test_a_function_with_one_instance_gets_another(work):
    e2e.need_root("network namespaces")
    node = f"two-{os.getpid()}"
    with live.Network(work) as network:
        running = Running(work, network, domain(work, node, ["a"]))
        try:
            running.change(domain(work, node, ["b", "a"]))
            running.change(domain(work, node, ["b", "a"], a="drain"))
            sent, report = running.finish()
        finally:
            running.kill()
    check_no_loss(sent, report)
    met = macs(work)
    e2e.check(all(len(met[flow]) == 1 for flow in met), f"flows moved: {met}")
    live.only_the_directory_is_left(work, node)


def test_a_wrong_file_changes_nothing(work):
    e2e.need_root("network namespaces")
    node = f"wrong-{os.getpid()}"
    tree = domain(work, node, ["a", "b"])
    with live.Network(work) as network:
        running = Running(work, network, tree)
        try:
            pids = supervise.runners(node)
            bad = domain(work, node, ["a", "b"])
            bad["sfc"]["path"][0]["egress"] = "nowhere"
            running.change(bad, "not changed: see above")
            (line,) = running.lines("no node has a port 'nowhere'")
            e2e.check(re.search(r"domain.yaml:\d+:\d+: /sfc/path", line), line)
            bad = domain(work, node, ["a", "b"])
            lan = bad["sfc"]["node"][0]["port"][0]
            lan["device"], lan["mtu"] = "net_null0", 9000
            bad["sfc"]["node"][0]["dataplane"] = {"flows": 1000}
            running.change(bad, "restart the node for it")
            for what in ("another device", "another MTU", "another number of flows"):
                equal(len(running.lines(what)), 1, f"lines with {what!r}")
            bad = domain(work, node, ["a", "b", "c"])
            for instance in bad["sfc"]["function"][0]["instance"]:
                instance["vm"] = {"image": "teleport"}
            running.change(bad, "not changed: instance 'c': image 'teleport'")
            equal(len(running.lines("image 'teleport'")), 3, "all of them are said")
            # It starts, and refuses its arguments.
            refused = {"image": "firewall", "args": ["permit everything"]}
            bad = domain(work, node, ["a", "c", "d", "b"])
            for instance in bad["sfc"]["function"][0]["instance"][1:3]:
                instance["vm"] = refused
            running.change(bad, "not changed: instance 'd'")
            equal(len(running.lines("not changed: instance 'c': its VM")), 1, "both are said")
            e2e.wait_for(lambda: supervise.runners(node) == pids, 10, "other runners")
            # Twice at once: both are done, one after the other.
            running.write(domain(work, node, ["a", "b", "c"]))
            running.process.send_signal(signal.SIGHUP)
            time.sleep(0.05)
            running.process.send_signal(signal.SIGHUP)
            e2e.wait_for(lambda: len(running.lines(": changed")) == 2, 20, "not changed twice")
            # Many, while another is under way: they end, and nothing is lost on the way.
            for n in range(20):
                running.write(domain(work, node, ["a", "b", "c", "d"][: 3 + n % 2]))
                running.process.send_signal(signal.SIGHUP)
                time.sleep(0.1)
            before = len(running.lines(": changed"))
            running.change(domain(work, node, ["a", "b", "c"]))
            e2e.check(before > 4, f"{before} changes")
            e2e.wait_for(lambda: len(supervise.runners(node)) == 3, 15, "the last file is not in force")
            sent, report = running.finish()
        finally:
            running.kill()
    check_no_loss(sent, report)
    live.only_the_directory_is_left(work, node)


def unaware(work, node, to, *mirrors):
    """Bridges that know no NSH; `to` is the path that traffic takes. Path `long` is there when it is taken."""
    tree = domain(work, node, ["a", "b"])
    sfc = tree["sfc"]
    sfc["function"][0].update({"nsh-aware": False, "proxy": {"style": "flow"}})
    if to != "web":
        # In front: every index of the others is another one.
        sfc["function"].insert(0, {"name": "ids", "instance": [e2e.vm("ids-1", node, "monitor")]})
        sfc["function"][0]["instance"][0]["vm"]["runtime"] = "process"
        sfc["path"].insert(0, {"name": "long", "spi": 50, "hops": ["fw", "ids"], "egress": "wan"})
    sfc["rule"][0]["action"] = {"path": "web" if to == "both" else to}
    sfc["mirror"] = [
        {"name": name, "from": {"port": "lan"}, "direction": "in", "filter": "udp", "to": {"file": str(work / name)}}
        for name in mirrors
    ]
    return tree


def test_paths_rules_and_mirrors_change_and_proxies_remember(work):
    e2e.need_root("network namespaces")
    node = f"paths-{os.getpid()}"
    with live.Network(work) as network:
        running = Running(work, network, unaware(work, node, "web"))
        try:
            running.change(unaware(work, node, "web", "one.pcap"))
            running.change(unaware(work, node, "long", "two.pcap", "one.pcap"))
            # First another way for what comes, then the old way goes: nothing is inside any more.
            running.change(unaware(work, node, "both", "two.pcap"))
            running.change(unaware(work, node, "web", "two.pcap"))
            running.change(unaware(work, node, "web"))
            # The last instance goes with frames inside, another comes.
            tree = unaware(work, node, "web")
            tree["sfc"]["function"][0]["instance"] = [{**tree["sfc"]["function"][0]["instance"][0], "name": "c"}]
            running.change(tree)
            sent, report = running.finish()
        finally:
            running.kill()
    ledger = live.ledger_of(report)
    equal(ledger["dropped"], {}, "drops")
    # One table, whatever stood around it: nothing was missed, nothing forgotten.
    (proxy,) = report["proxies"]
    equal((proxy["function"], proxy["restored"], proxy["missed"]), ("fw", sent, 0), f"proxy: {proxy}")
    (web,) = report["paths"]
    e2e.check(web["in"] == web["out"] and 0 < web["in"] < sent, f"path: {web}, {sent} frames in all")
    one, two = (len(e2e.fields(work, work / name, "udp.srcport")) for name in ("one.pcap", "two.pcap"))
    equal(ledger["replicated"], one + two, "copies, as the node counts them")
    e2e.check(0 < one < sent and 0 < two < sent, f"copies: {one}, {two} of {sent} frames")
    live.only_the_directory_is_left(work, node)


def test_a_change_asked_for_while_the_node_starts_is_made(work):
    e2e.need_root("network namespaces")
    node = f"early-{os.getpid()}"
    with live.Network(work) as network, open(work / "said.txt", "w+", encoding="utf-8") as said:
        e2e.write_domain(work, domain(work, node, ["a"]))
        process = e2e.start(
            work, network.inside("node", BIN / "sff", "--config", work / "domain.yaml", "--json"), stderr=said
        )
        try:
            # A runner is there: the file was read, the node is not up.
            e2e.wait_for(lambda: supervise.runners(node), 20, "no runner")
            e2e.write_domain(work, domain(work, node, ["a", "b"]))
            process.send_signal(signal.SIGHUP)
            e2e.wait_for(lambda: ": changed" in (work / "said.txt").read_text(), 20, "not changed")
            equal(len(supervise.runners(node)), 2, "runners")
            live.wait_for_traffic(network)
            process.send_signal(signal.SIGTERM)
            e2e.check_ledger(live.ledger_of(e2e.one_document(e2e.finish(process, 0, timeout=15))))
        finally:
            if process.poll() is None:
                process.kill()
                process.communicate()
    live.only_the_directory_is_left(work, node)


if __name__ == "__main__":
    e2e.main()
