#!/usr/bin/python3
"""Mirrors of ports and hops: the files hold the frames that passed, and nothing else changes."""

import signal
import struct

import e2e
from e2e import PCAPS, equal

MIXED = PCAPS / "mixed.pcap"
ETHERNET, NSH_MD1 = 14, 24


def mirror(name, source, to, direction="both", **more):
    return {"name": name, "from": source, "direction": direction, "to": to, **more}


def domain_with(*mirrors):
    domain = e2e.one_node()
    domain["sfc"]["node"][0]["port"].append(e2e.node_port("span", "access"))
    domain["sfc"]["mirror"] = list(mirrors)
    return domain


def positions(frames):
    """The (SPI, SI) of frames around NSH."""
    return {struct.unpack_from("!I", frame, ETHERNET + 4)[0] for frame in frames}


def test_files_hold_what_passed(work):
    domain = domain_with(
        mirror("lan", {"port": "lan"}, {"file": "lan.pcap"}, "in"),
        mirror("wan", {"port": "wan"}, {"file": "copies/wan.pcapng"}, "out"),
        mirror("dns", {"port": "lan"}, {"file": "dns.pcap"}, filter=e2e.DENIED),
        mirror("into-fw", {"path": "web", "hop": 1}, {"file": "into-fw.pcap"}, "in"),
        mirror("from-fw", {"path": "web", "hop": 1}, {"file": "from-fw.pcap"}, "out"),
        mirror("into-ids", {"path": "web", "hop": 2}, {"file": "into-ids.pcap"}, "in"),
        mirror("span", {"path": "web", "hop": 2}, {"port": "span"}, "out"),
        mirror("unused", {"path": "web-back", "hop": 1}, {"file": "unused.pcap"}),
    )
    (work / "copies").mkdir()
    config = e2e.write_domain(work, domain)
    # Files are beside the configuration, wherever the command is given.
    report = e2e.replay(
        work, config, "--in", f"lan={MIXED}", "--out", f"wan={work}/wan.pcap", "--out", f"span={work}/span.pcap", cwd="/"
    )
    e2e.compare(work, MIXED, work / "wan.pcap", "--per-flow", "--without-bpf", e2e.DENIED)
    e2e.compare(work, MIXED, work / "lan.pcap")
    e2e.compare(work, work / "wan.pcap", work / "copies/wan.pcapng")
    e2e.compare(work, e2e.select(MIXED, e2e.DENIED, work / "denied.pcap", work), work / "dns.pcap")
    equal(e2e.frames(work / "unused.pcap"), [], "frames of a path without any")

    into_fw, from_fw = e2e.frames(work / "into-fw.pcap"), e2e.frames(work / "from-fw.pcap")
    into_ids, from_ids = e2e.frames(work / "into-ids.pcap"), e2e.frames(work / "span.pcap")
    inside = [frame[ETHERNET + NSH_MD1 :] for frame in into_fw]
    equal(inside, e2e.frames(MIXED), "frames inside those into the firewall")
    equal([positions(f) for f in (into_fw, from_fw)], [{100 << 8 | 255}, {100 << 8 | 254}], "positions at the firewall")
    equal([positions(f) for f in (into_ids, from_ids)], [{100 << 8 | 254}, {100 << 8 | 253}], "positions at the monitor")
    equal([f[ETHERNET:] for f in into_ids], [f[ETHERNET:] for f in from_fw], "NSH from hop to hop")
    equal([f[ETHERNET + NSH_MD1 :] for f in from_ids], e2e.frames(work / "wan.pcap"), "frames at the end")

    sent, allowed = len(e2e.frames(MIXED)), len(e2e.without_denied(work, MIXED))
    copies = 2 * sent + (sent - allowed) + 4 * allowed
    ledger = report["ledger"]
    equal((ledger["received"], ledger["replicated"], ledger["sent"]), (sent, copies, allowed + copies), "ledger")
    equal(e2e.drops(report), {"sf-consumed": sent - allowed}, "drops")


def test_lockstep_writes_the_same_files(work):
    # Two instances of each function: frames overtake each other inside.
    domain = domain_with(
        mirror("hops", {"path": "web", "hop": 1}, {"file": "all.pcap"}),
        mirror("more", {"path": "web", "hop": 2}, {"file": "all.pcap"}),
        mirror("lan", {"port": "lan"}, {"file": "lan.pcapng"}),
    )
    for function in domain["sfc"]["function"]:
        first = function["instance"][0]
        function["instance"].append({**first, "name": first["name"][:-1] + "2"})
    config = e2e.write_domain(work, domain)
    written = []
    for _ in (1, 2):
        e2e.replay(work, config, "--lockstep", "16", "--in", f"lan={MIXED}", "--out", f"wan={work}/wan.pcap")
        written.append([(work / name).read_bytes() for name in ("all.pcap", "lan.pcapng")])
    e2e.check(written[0] == written[1], "two lockstep runs wrote different copies")
    e2e.compare(work, MIXED, work / "lan.pcapng")
    times = e2e.fields(work, MIXED, "frame.time_epoch")
    equal(e2e.fields(work, work / "lan.pcapng", "frame.time_epoch"), times, "times of copies")


def test_a_filter_that_is_none_is_an_error_at_its_place(work):
    config = work / "domain.yaml"
    domain = e2e.json.dumps(domain_with(mirror("m", {"port": "lan"}, {"file": "m.pcap"}, filter="tcp port")), indent=1)
    config.write_text(domain)
    line = 1 + domain[: domain.index('"tcp port"')].count("\n")
    done = e2e.run(work, [*e2e.replay_words(config, "--in", f"lan={MIXED}")], 2)
    e2e.check(f"{config}:{line}:" in done.stderr + done.stdout, f"no place in {done.stderr!r}")
    e2e.check("/sfc/mirror[name='m']/filter: libpcap cannot compile it" in done.stderr, f"said {done.stderr!r}")
    e2e.check(not (work / "m.pcap").exists(), "a file was made")


def test_an_input_is_not_overwritten(work):
    source = work / "in.pcap"
    source.write_bytes(MIXED.read_bytes())
    config = e2e.write_domain(work, domain_with(mirror("m", {"port": "lan"}, {"file": "./in.pcap"})))
    done = e2e.run(work, e2e.replay_words(config, "--in", f"lan={source}"), 1)
    e2e.check("is read or written by another port" in done.stderr, f"said {done.stderr!r}")
    e2e.check(source.read_bytes() == MIXED.read_bytes(), "the input changed")


def test_a_live_node_writes_along(work):
    domain = domain_with(mirror("lan", {"port": "lan"}, {"file": "lan.pcap"}, "in"))
    ports = domain["sfc"]["node"][0]["port"]
    ports[0]["device"] = f"net_pcap0,rx_pcap={MIXED},tx_pcap={work}/lan-out.pcap"
    for i, port in enumerate(ports[1:], 1):
        port["device"] = f"net_null{i}"
    config = e2e.write_domain(work, domain)
    node = e2e.start(work, [e2e.BIN / "sff", "--config", config, "--node", "edge", "--json"])
    copies, count = work / "lan.pcap", len(e2e.frames(MIXED))
    # While it runs: who watches the file sees frames as they come.
    e2e.wait_for(
        lambda: node.poll() is not None or (copies.exists() and copies.stat().st_size >= MIXED.stat().st_size),
        e2e.TIMEOUT,
        "all copies in the file",
    )
    node.send_signal(signal.SIGTERM)
    report = e2e.one_document(e2e.finish(node, 0))
    ledger = report["ledger"]
    equal((ledger["balanced"], ledger["replicated"]), (True, count), "balanced, replicated")
    e2e.compare(work, MIXED, copies)
    now = e2e.time.time()
    for (stamp,) in e2e.fields(work, copies, "frame.time_epoch"):
        e2e.check(now - 600 < float(stamp) < now + 1, f"a copy is of {stamp}")
    e2e.shutil.rmtree(work / "run" / "sluice")  # stays for the next start


if __name__ == "__main__":
    e2e.main()
