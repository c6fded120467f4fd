#!/usr/bin/python3
"""A million frames through two VMs: none lost, each flow in order."""

import e2e
from e2e import PCAPS, equal

COUNT = 1_000_000


def test_a_million_frames_come_through_complete_and_in_order(work):
    domain = e2e.one_node()
    domain["sfc"]["function"][0]["instance"][0]["vm"]["args"] = []  # deny nothing
    config = e2e.write_domain(work, domain)
    big, out = work / "big.pcap", work / "out.pcap"
    e2e.run(work, [PCAPS / "make-big.py", big, COUNT])
    report = e2e.replay(work, config, "--in", f"lan={big}", "--out", f"wan={out}")
    equal((report["ledger"]["received"], report["ledger"]["sent"]), (COUNT, COUNT), "received, sent")
    equal(e2e.drops(report), {}, "drops")
    e2e.run(work, [PCAPS / "check-order.py", big, out])


e2e.main()
