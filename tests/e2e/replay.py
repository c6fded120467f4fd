#!/usr/bin/python3
"""A capture through a chain of two VMs: what arrives, and what the report says of it."""

import e2e
from e2e import PCAPS, equal

MIXED = PCAPS / "mixed.pcap"


def test_one_node_delivers_what_the_firewall_lets_through(work):
    config = e2e.write_domain(work, e2e.one_node())
    report = e2e.replay(work, config, "--in", f"lan={MIXED}", "--out", f"wan={work}/wan.pcap")
    e2e.compare(work, MIXED, work / "wan.pcap", "--per-flow", "--without-bpf", e2e.DENIED)

    sent, allowed = len(e2e.frames(MIXED)), len(e2e.without_denied(work, MIXED))
    ledger = report["ledger"]
    equal((ledger["received"], ledger["sent"]), (sent, allowed), "received, sent")
    equal((ledger["originated"], ledger["replicated"]), (0, 0), "originated, replicated")
    equal(e2e.drops(report), {"sf-consumed": sent - allowed}, "drops")
    paths = e2e.by_name(report["paths"])
    equal(paths["web"], {"name": "web", "spi": 100, "in": sent, "out": allowed}, "path web")
    equal(paths["web-back"], {"name": "web-back", "spi": 101, "in": 0, "out": 0}, "path web-back")
    instances = e2e.by_name(report["instances"])
    equal(set(instances), {"fw-1", "ids-1"}, "instances")
    equal((instances["fw-1"]["rx"], instances["fw-1"]["tx"]), (sent, allowed), "rx, tx of fw-1")
    equal((instances["ids-1"]["rx"], instances["ids-1"]["tx"]), (allowed, allowed), "rx, tx of ids-1")
    equal(instances["fw-1"]["metrics"]["rule.1.packets"], sent - allowed, "denied by the firewall's count")
    equal(instances["fw-1"]["metrics"]["default.packets"], allowed, "passed by the firewall's count")
    for instance in instances.values():
        e2e.check(instance["boot_us"] > 0, f"boot time of {instance}")
        if e2e.RUNTIME != "auto":
            equal(instance["runtime"], e2e.RUNTIME, "runtime")


def test_two_nodes_deliver_what_the_firewall_lets_through(work):
    config = e2e.write_domain(work, e2e.two_nodes())
    core = work / "core.pcap"
    first = e2e.replay(work, config, "--node", "edge-1", "--in", f"lan={MIXED}", "--out", f"core={core}")
    second = e2e.replay(work, config, "--node", "edge-2", "--in", f"core={core}", "--out", f"wan={work}/wan.pcap")
    e2e.compare(work, MIXED, work / "wan.pcap", "--per-flow", "--without-bpf", e2e.DENIED)
    equal(second["ledger"]["received"], first["ledger"]["sent"], "sent by edge-1, received by edge-2")
    equal(e2e.drops(second), {}, "drops of edge-2")
    equal([i["name"] for i in first["instances"]], ["fw-1"], "instances of edge-1")
    equal([i["name"] for i in second["instances"]], ["ids-1"], "instances of edge-2")
    allowed = len(e2e.without_denied(work, MIXED))
    equal(e2e.by_name(first["paths"])["web"]["out"], allowed, "out of web on edge-1")
    equal(e2e.by_name(second["paths"])["web"]["in"], allowed, "in of web on edge-2")


def test_answers_take_the_reverse_path(work):
    config = e2e.write_domain(work, e2e.one_node())
    lan = e2e.select(MIXED, e2e.LAN_FILTER, work / "lan.pcap", work)
    wan = e2e.select(MIXED, e2e.WAN_FILTER, work / "wan.pcap", work)
    report = e2e.replay(
        work,
        config,
        *("--in", f"lan={lan}", f"wan={wan}", "--lockstep"),
        *("--out", f"wan={work}/to-wan.pcap", "--out", f"lan={work}/to-lan.pcap"),
    )
    e2e.compare(work, lan, work / "to-wan.pcap", "--without-bpf", e2e.DENIED)
    e2e.compare(work, wan, work / "to-lan.pcap")
    paths = e2e.by_name(report["paths"])
    equal(paths["web"]["in"], len(e2e.frames(lan)), "into web")
    # Answers to queries that the firewall denied belong to no flow that went out; every other one takes the path.
    back = e2e.frames(e2e.select(wan, "not udp src port 53", work / "back.pcap", work))
    e2e.check(
        len(back) * 0.9 < paths["web-back"]["in"] <= len(e2e.frames(wan)),
        f"{paths['web-back']['in']} frames into web-back, {len(back)} expected",
    )
    equal(paths["web-back"]["in"], paths["web-back"]["out"], "in and out of web-back")


def test_lockstep_gives_the_same_bytes_in_the_order_of_the_input(work):
    config = e2e.write_domain(work, e2e.two_nodes())
    for run in (1, 2):
        core, wan = work / f"core-{run}.pcap", work / f"wan-{run}.pcap"
        e2e.replay(work, config, "--node", "edge-1", "--lockstep", "--in", f"lan={MIXED}", "--out", f"core={core}")
        e2e.replay(work, config, "--node", "edge-2", "--lockstep", "8", "--in", f"core={core}", "--out", f"wan={wan}")
    for name in ("core", "wan"):
        e2e.check(
            (work / f"{name}-1.pcap").read_bytes() == (work / f"{name}-2.pcap").read_bytes(),
            f"two lockstep runs wrote different {name} captures",
        )
    e2e.compare(work, MIXED, work / "wan-1.pcap", "--without-bpf", e2e.DENIED)


def test_an_output_frame_has_the_time_of_its_input_frame(work):
    config = e2e.write_domain(work, e2e.one_node())
    out = work / "wan.pcapng"
    e2e.replay(work, config, "--lockstep", "--in", f"lan={MIXED}", "--out", f"wan={out}")
    expected = e2e.fields(work, e2e.select(MIXED, f"not ({e2e.DENIED})", work / "allowed.pcap", work), "frame.time_epoch")
    equal(e2e.fields(work, out, "frame.time_epoch"), expected, "times")


def test_a_loop_sends_everything_again(work):
    config = e2e.write_domain(work, e2e.one_node())
    report = e2e.replay(work, config, "--in", f"lan={PCAPS}/http.pcap", "--loop", "5", "--out", f"wan={work}/o.pcap")
    count = 5 * len(e2e.frames(PCAPS / "http.pcap"))
    equal((report["ledger"]["received"], report["ledger"]["sent"]), (count, count), "received, sent")
    equal(len(e2e.frames(work / "o.pcap")), count, "frames written")


def test_recorded_time_is_kept(work):
    config = e2e.write_domain(work, e2e.one_node())
    start = e2e.time.monotonic()
    report = e2e.replay(work, config, "--in", f"lan={MIXED}", "--speed", "2", "--out", f"wan={work}/o.pcap")
    seconds = e2e.time.monotonic() - start
    equal(report["ledger"]["received"], len(e2e.frames(MIXED)), "received")
    # The capture is 2.9 seconds long.
    e2e.check(seconds > 1.4, f"took {seconds:.2f} s, at least 1.4 expected")


def test_two_replays_side_by_side(work):
    config = e2e.write_domain(work, e2e.one_node())
    started = [
        e2e.start(
            work,
            [*e2e.replay_words(config, "--in", f"lan={MIXED}", "--loop", "3", "--out", f"wan={work}/{n}.pcap"), "--json"],
        )
        for n in range(2)
    ]
    for process in started:
        report = e2e.one_document(e2e.finish(process, 0))
        e2e.check_report(report)
        equal(report["ledger"]["received"], 3 * len(e2e.frames(MIXED)), "received")
    allowed = 3 * len(e2e.without_denied(work, MIXED))
    for n in range(2):
        equal(len(e2e.frames(work / f"{n}.pcap")), allowed, f"frames written by replay {n}")


def test_the_report_for_people_fits_100_columns(work):
    config = e2e.write_domain(work, e2e.one_node())
    # A relative name: lines to be copied are not cut.
    (work / "in.pcap").write_bytes(MIXED.read_bytes())
    out = e2e.run(
        work, e2e.replay_words(config.name, "--in", "lan=in.pcap", "--out", "wan=out.pcap"), cwd=work
    ).stdout
    long = [line for line in out.splitlines() if len(line) > 100]
    equal(long, [], "lines of more than 100 columns")
    for word in ("fw-1", "ids-1", "balanced", "sf-consumed", "tshark -r out.pcap"):
        e2e.check(word in out, f"'{word}' is not in:\n{out}")


e2e.main()
