#!/usr/bin/python3
"""Stands where the program sff does, and speaks its side of the report contract.

What it says and how it ends is in the file `scenario` beside it: Python, run with the names below.
"""
import argparse
import json
import os
import signal
import sys
import time

p = argparse.ArgumentParser(allow_abbrev=False)
what = p.add_mutually_exclusive_group(required=True)
what.add_argument("--replay", action="store_true")
what.add_argument("--bench", action="store_true")
p.add_argument("--config", required=True)
p.add_argument("--node", required=True)
p.add_argument("--in", dest="inputs", action="append", default=[])
p.add_argument("--out", dest="outputs", action="append", default=[])
p.add_argument("--runtime")
p.add_argument("--lockstep")
p.add_argument("--speed")
p.add_argument("--loop")
for option in "size", "flows", "trial", "sum", "width":
    p.add_argument("--" + option)
p.add_argument("--run-dir", required=True)
p.add_argument("--report-fd", type=int, required=True)
args = p.parse_args()


def raw(data):
    while data:
        data = data[os.write(args.report_fd, data):]


def say(event, **fields):
    raw(json.dumps({"event": event, **fields}).encode() + b"\n")


def report(received=3, sent=2, dropped=None, balanced=True, **fields):
    say("report", report={
        "ledger": {"balanced": balanced, "received": received, "sent": sent, "originated": 0, "replicated": 0,
                   "in_flight": 0, "dropped": {"rule": 1} if dropped is None else dropped},
        "paths": [], "instances": []}, hops=[], rates={}, consumed=[], **fields)


here = os.path.dirname(os.path.abspath(__file__))
exec(compile(open(os.path.join(here, "scenario"), encoding="utf-8").read(), "scenario", "exec"))
