#!/usr/bin/python3
"""Processes that are killed, and interrupts, in the middle of a replay."""

import fcntl
import os
import signal
import time

import e2e
from e2e import PCAPS, equal

MIXED = PCAPS / "mixed.pcap"
# Far more than passes before the test is over.
FOREVER = "1000000"
FLOWING = 16384  # bytes: frames have come out at the end of the chain
TRANSMIT_BUFFER = 256  # frames: SFF_TX_BUFFER


def started(work, *words, domain=None, json=True):
    """A replay that runs, and the process ids of its dataplane and VMs."""
    config = e2e.write_domain(work, domain or e2e.one_node())
    out = work / "wan.pcap"
    words = [*(words or ("--loop", FOREVER)), "--in", f"lan={MIXED}", "--out", f"wan={out}"]
    process = e2e.start(work, [*e2e.replay_words(config, *words), *(["--json"] if json else [])])
    e2e.wait_for(lambda: out.exists() and out.stat().st_size > FLOWING, 40, "no frames came out")
    (dataplane,) = e2e.pids("sff", process.pid)
    return process, dataplane, e2e.pids("hv", process.pid)


def is_free(lock):
    with open(lock, "rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def test_a_killed_vm_is_a_failed_replay_with_balanced_books(work):
    process, _, vms = started(work, "--speed", "1")
    os.kill(vms[0], signal.SIGKILL)
    report = e2e.one_document(e2e.finish(process, 4))
    e2e.check_report(report)
    equal(report["ledger"]["received"], len(e2e.frames(MIXED)), "received")
    drops = e2e.drops(report)
    e2e.check("sf-down" in drops or "sf-lost" in drops, f"drops are {drops}")


def test_a_vm_killed_under_load_loses_only_what_was_inside(work):
    process, _, vms = started(work)
    os.kill(vms[-1], signal.SIGKILL)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    report = e2e.one_document(e2e.finish(process, 4))
    e2e.check_report(report)
    e2e.check("sf-down" in e2e.drops(report), f"drops are {e2e.drops(report)}")


def test_a_bypassed_function_that_is_down_loses_only_what_was_inside(work):
    domain = e2e.one_node()
    domain["sfc"]["function"][1]["on-failure"] = "bypass"
    process, _, vms = started(work, "--speed", "1", domain=domain)
    monitor = [pid for pid in vms if "monitor" in open(f"/proc/{pid}/cmdline", encoding="utf-8").read()]
    os.kill(monitor[0], signal.SIGKILL)
    report = e2e.one_document(e2e.finish(process, 4))
    e2e.check_report(report)
    drops = e2e.drops(report)
    # What stood in its transmit buffer is lost too, under the name of a function that is down.
    e2e.check(drops.get("sf-down", 0) <= TRANSMIT_BUFFER, f"drops are {drops}")
    e2e.check(report["steering"]["bypassed"] > 0, f"steering is {report['steering']}")
    equal(
        report["ledger"]["sent"] + sum(drops.get(name, 0) for name in ("sf-lost", "sf-stuck", "sf-down")),
        len(e2e.without_denied(work, MIXED)),
        f"sent and lost, of what the firewall let through (drops {drops})",
    )


def test_an_interrupt_prints_the_partial_ledger(work):
    process, _, _ = started(work)
    process.send_signal(signal.SIGINT)
    report = e2e.one_document(e2e.finish(process, None, timeout=10))
    e2e.check_report(report)
    e2e.check(report["ledger"]["received"] > 0, "nothing was received")


def test_an_interrupt_prints_the_partial_ledger_for_people(work):
    process, _, _ = started(work, json=False)
    process.send_signal(signal.SIGINT)
    out = e2e.finish(process, None, timeout=10)
    e2e.check("ledger" in out and "balanced" in out, f"no ledger in:\n{out}")


def test_termination_ends_a_replay(work):
    process, _, _ = started(work)
    process.send_signal(signal.SIGTERM)
    e2e.check_report(e2e.one_document(e2e.finish(process, None, timeout=10)))


def test_nothing_outlives_a_killed_command(work):
    process, _, _ = started(work)
    process.kill()
    process.wait()
    process.stdout.close()
    process.stderr.close()


def test_nothing_outlives_a_killed_dataplane(work):
    process, dataplane, _ = started(work)
    os.kill(dataplane, signal.SIGKILL)
    e2e.finish(process, 1)


def test_what_two_killed_processes_left_is_swept_by_the_next_replay(work):
    process, dataplane, _ = started(work)
    process.send_signal(signal.SIGSTOP)
    os.kill(dataplane, signal.SIGKILL)
    process.kill()
    process.wait()
    process.stdout.close()
    process.stderr.close()
    # The threads of a killed process end one by one; the last one lets go of the lock.
    (lock,) = (work / "run").glob("*/lock")
    e2e.wait_for(lambda: is_free(lock), e2e.GONE_SECONDS, "the directory's lock is not free")
    e2e.replay(work, work / "domain.yaml", "--in", f"lan={PCAPS}/dns.pcap")


e2e.main()
