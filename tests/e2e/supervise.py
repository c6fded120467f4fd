#!/usr/bin/python3
"""VMs of a live node that die: they start again, only flows of the dead move, and the books say what was lost."""

import os
import random
import signal
import time

import e2e
import live
from e2e import BIN, equal

INSTANCES = 10
FLOWS = 200
SECONDS = 12
KILLS = 24
PORT = 9

# Sends to every flow in turn, about 2,000 frames a second; each flow is a socket of its own.
SEND = f"""
import socket, struct, time
flows = []
for n in range({FLOWS}):
    flow = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    flow.bind(("{live.CLIENT}", 20000 + n))
    flows.append(flow)
end, sent = time.monotonic() + {SECONDS}, 0
while time.monotonic() < end:
    for flow in flows[sent % 10 :: 10]:
        flow.sendto(struct.pack("!Q", sent), ("{live.SERVER}", {PORT}))
    sent += 1
    time.sleep(0.01)
"""


def domain(node, **function):
    tree = live.live_domain(node)
    sfc = tree["sfc"]
    instances = [e2e.vm(f"fw-{i}", node, "bridge") for i in range(INSTANCES)]
    for instance in instances:
        instance["vm"]["runtime"] = "process"
    sfc["function"] = [{"name": "fw", "instance": instances, **function}]
    sfc["path"] = [{"name": "web", "spi": 100, "hops": ["fw"], "egress": "wan"}]
    sfc["rule"] = [{"name": "udp", "match": {"port": "lan", "protocol": "udp"}, "action": {"path": "web"}}]
    return tree


def runners(node):
    """MAC address -> process id, of the runners of a node."""
    found = {}
    for pid in e2e.pids("hv"):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                words = file.read().decode().split("\0")
        except OSError:
            continue
        # A guest that is a process has its runner's name and words.
        is_guest = any(e2e.descends(pid, other) for other in e2e.pids("hv") if other != pid)
        if any(f"/{node}/" in word for word in words) and "--mac" in words and not is_guest:
            found[words[words.index("--mac") + 1]] = pid
    return found


def kill_at_random(node):
    """[(time, MAC)] of the deaths."""
    chance, deaths = random.Random(1), []
    for _ in range(KILLS):
        alive = runners(node)
        mac = chance.choice(sorted(alive))
        deaths.append((time.time(), mac))
        os.kill(alive[mac], signal.SIGKILL)
        time.sleep(SECONDS * 0.8 / KILLS)
    return deaths


def moves(work, path):
    """[(flow, from, last there, to, first here)] in the copies of what instances were given."""
    seen, found = {}, []
    for line in e2e.fields(work, path, "frame.time_epoch", "eth.dst", "udp.srcport"):
        # The MAC address of the instance comes first, then that of the frame inside.
        when, macs, flow = float(line[0]), line[1].split(","), line[2]
        mac = macs[0]
        if flow in seen and seen[flow][0] != mac:
            found.append((flow, seen[flow][0], seen[flow][1], mac, when))
        seen[flow] = (mac, when)
    return seen, found


def test_ten_instances_die_at_random_and_only_their_flows_move(work):
    e2e.need_root("network namespaces")
    node = f"die-{os.getpid()}"
    tree = domain(node)
    copies = work / "hop.pcap"
    tree["sfc"]["mirror"] = [
        {"name": "hop", "from": {"path": "web", "hop": 1}, "direction": "in", "to": {"file": str(copies)}}
    ]
    config = e2e.write_domain(work, tree)
    with live.Network(work) as network:
        with live.live(network, config) as running:
            equal(len(runners(node)), INSTANCES, "runners")
            sender = e2e.start(work, network.inside("client", "/usr/bin/python3", "-c", SEND))
            try:
                time.sleep(SECONDS * 0.1)
                deaths = kill_at_random(node)
                e2e.check(sender.wait(timeout=SECONDS) == 0, "the sender failed")
            finally:
                sender.kill()
                sender.communicate()
            e2e.wait_for(lambda: len(runners(node)) == INSTANCES, 10, "not all VMs are there again")
            time.sleep(0.5)
        report = running["report"]
    ledger = live.ledger_of(report)
    e2e.check_ledger(ledger)
    e2e.check(
        set(ledger["dropped"]) <= {"sf-lost", "sf-down", "sf-ring-full"}, f"drops are {ledger['dropped']}"
    )
    e2e.check(ledger["received"] > 100 * SECONDS, f"ledger: {ledger}")
    equal(len(report["instances"]), INSTANCES, "instances")
    said = [line for line in e2e.messages(running["process"].said) if "its VM" in line]
    equal(len(said), len(deaths), f"deaths that were said: {said}")
    seen, moved = moves(work, copies)
    equal(len(seen), FLOWS, "flows that met an instance")
    e2e.check(moved, "no flow moved")
    equal(report["steering"]["repinned"], len(moved), "flows that moved, as the node counts them")
    for flow, was, last, now, first in moved:
        # It died after the last frame it got, give or take that control sees it within some milliseconds.
        near = [death for death, mac in deaths if mac == was and last - 1 <= death <= first]
        e2e.check(near, f"flow {flow} moved from {was} to {now} at {first}, and nothing had died: {deaths}")
    live.only_the_directory_is_left(work, node)


def test_a_vm_that_cannot_start_waits_longer_each_time_and_comes_back(work):
    e2e.need_root("network namespaces")
    node = f"loop-{os.getpid()}"
    tree = domain(node, **{"on-failure": "bypass"})
    image, good = work / "bridge", e2e.BUILD / "lib" / "sluice" / "vnf" / "bridge"
    image.write_bytes(good.read_bytes())
    tree["sfc"]["function"][0]["instance"] = tree["sfc"]["function"][0]["instance"][:1]
    tree["sfc"]["function"][0]["instance"][0]["vm"]["image"] = str(image)
    tree["sfc"]["rule"][0]["match"]["protocol"] = "any"
    config = e2e.write_domain(work, tree)
    with live.Network(work) as network:
        with live.live(network, config) as running:
            (pid,) = runners(node).values()
            # From now on no VM starts from it.
            image.write_bytes(b"no ELF at all")
            os.kill(pid, signal.SIGKILL)
            equal(live.ping(network, "client", live.SERVER, 20), 20, "answers while the function is bypassed")
            image.write_bytes(good.read_bytes())
            e2e.wait_for(lambda: runners(node), 10, "no VM is there again")
            equal(live.ping(network, "client", live.SERVER), 5, "answers when it is back")
        report = running["report"]
    e2e.check_ledger(live.ledger_of(report))
    e2e.check(report["steering"]["bypassed"] >= 20, f"steering is {report['steering']}")
    lines = [line for line in e2e.messages(running["process"].said) if "fw-0" in line]
    delays = [float(line.rsplit(" ", 2)[1]) for line in lines]
    e2e.check(len(delays) >= 2, f"it died {len(delays)} times: {lines}")
    equal(delays, [min(0.1 * 2**n, 5.0) for n in range(len(delays))], "seconds until the next start")
    live.only_the_directory_is_left(work, node)


if __name__ == "__main__":
    e2e.main()
