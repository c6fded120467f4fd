#!/usr/bin/python3
"""Every hand-made capture, on an access and on a transport port: the books balance, whatever the bytes."""

import concurrent.futures

import e2e
from e2e import PCAPS, equal
from lib import capture

# Files that cannot be read to their end: exit 1, with the number of the frame, after what came before it.
REFUSED = {
    "damaged-block-caplen.pcapng", "damaged-block-interface.pcapng", "damaged-block.pcapng", "damaged-cut.pcapng",
    "damaged-empty.pcap", "damaged-file-header.pcap", "damaged-length.pcap", "damaged-magic.pcap",
    "damaged-record-header.pcap", "damaged-record.pcap", "format-raw-ip.pcap", "format-two-links.pcapng",
    "format-two-orders.pcapng",
}  # fmt: skip
# Of these the file header alone is wrong: nothing is replayed, and there is no report.
NO_REPORT = {
    "damaged-empty.pcap", "damaged-file-header.pcap", "damaged-magic.pcap", "format-raw-ip.pcap",
}  # fmt: skip


def readable(path):
    """How many frames stand before the damage."""
    count = 0
    try:
        for _ in capture.frames(path):
            count += 1
    except capture.Damaged:
        pass
    return count


def replay_one(work, config, path, port):
    done = e2e.run(
        work,
        [*e2e.replay_words(config, "--in", f"{port}={path}", "--out", f"wan={work}/{path.name}.{port}"), "--json"],
        code=None,
    )
    what = f"{path.name} on {port}"
    equal(done.returncode, 1 if path.name in REFUSED else 0, f"{what}: exit code ({done.stderr.strip()})")
    if path.name in REFUSED:
        lines = [line for line in done.stderr.splitlines() if path.name in line]
        e2e.check(lines, f"{what}: no line names the file: {done.stderr!r}")
    document = e2e.one_document(done.stdout)
    if path.name in NO_REPORT:
        equal(set(document), {"error"}, f"{what}: fields")
    else:
        e2e.check("ledger" in document, f"{what}: {document}")
        e2e.check_report(document)
        if path.name not in REFUSED:
            equal(document["ledger"]["received"], readable(path), f"{what}: received")
    return document


def replay_all(work, port):
    config = e2e.write_domain(work, e2e.one_node())
    paths = sorted(path for path in (PCAPS / "edge").iterdir() if path.name.endswith((".pcap", ".pcapng")))
    reports = {}
    wrong = []
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        started = [(path, pool.submit(replay_one, work, config, path, port)) for path in paths]
        for path, future in started:
            try:
                reports[path.name] = future.result()
            except AssertionError as e:
                wrong.append(str(e))
    e2e.check(not wrong, "\n".join(wrong))
    return reports


def test_every_capture_on_an_access_port(work):
    reports = replay_all(work, "lan")
    equal(e2e.drops(reports["capture-size.pcap"]).get("capture-size"), 3, "capture-size.pcap: capture-size")
    # Only frames with an Ethernet header can be classified.
    equal(e2e.drops(reports["truncated.pcap"]).get("eth-truncated"), 4, "truncated.pcap: eth-truncated")


def test_every_capture_on_a_transport_port(work):
    reports = replay_all(work, "core")
    for name, reason in {
        "nsh-lookup.pcap": "no-path",
        "nsh-version.pcap": "nsh-version",
        "nsh-length.pcap": "nsh-length",
        "nsh-md-type.pcap": "nsh-md-type",
        "nsh-next-protocol.pcap": "nsh-proto",
        "nsh-ttl.pcap": "nsh-ttl",
        "nsh-flags.pcap": "oam",
        "gpe-flags.pcap": "gpe-flags",
        "nsh-outer.pcap": "outer-checksum",
        "multicast.pcap": "not-nsh",
    }.items():
        e2e.check(reason in e2e.drops(reports[name]), f"{name}: no drop {reason}: {e2e.drops(reports[name])}")
    equal(reports["non-ip.pcap"]["ledger"]["sent"], 0, "non-ip.pcap: sent")
    e2e.check(reports["nsh-good.pcap"]["ledger"]["sent"] > 0, "nsh-good.pcap: nothing sent")


e2e.main()
