#!/usr/bin/python3
"""Processes that are killed, and interrupts, in the middle of a replay."""

import fcntl
import os
import signal
import subprocess
import time

import e2e
from e2e import PCAPS, equal

MIXED = PCAPS / "mixed.pcap"
# Far more than passes before the test is over.
FOREVER = "1000000"
FLOWING = 16384  # bytes: frames have come out at the end of the chain


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


# Serves four frames, then does what its argument says; the replay is over before anybody looks at it.
BRIEF = """
#include "guest.h"
VNF_IMAGE("brief", .ram_mib = 2);
static char what;
static unsigned seen;
int vnf_init(int argc, char **argv) { what = argc ? argv[0][0] : 0; return 0; }
enum vnf_verdict vnf_packet(struct vnf_pkt *pkt)
{
	(void)pkt;
	if (++seen == 5 && what == 'c')
		*(volatile int *)8 = 1;
	if (seen == 5 && what == 'e')
		vnf_exit(0);
	if (seen == 5 && what == 'r') {
		((volatile struct vring_avail *)(uintptr_t)vnf_env.boot->net[0].queue[1].avail)->idx += 9999;
		for (;;)
			;
	}
	while (seen == 5 && what == 'l') {
		++*(volatile uint64_t *)&vnf_env.status->heartbeat;
		*(volatile uint64_t *)&vnf_env.status->consumed ^= 1;
	}
	return VNF_PASS;
}
"""


def test_a_vm_that_fails_at_the_end_of_a_short_replay_fails_it_and_is_named(work):
    (work / "brief.c").write_text(BRIEF)
    guest = e2e.ROOT / "hv" / "guest"
    subprocess.run([e2e.BIN / "vnf-cc", "-I", guest, "-I", guest.parent, "-o", work / "brief", work / "brief.c"], check=True)
    for what, drop, words in (
        ("crash", "sf-lost", "guest crashed"), ("exit", "sf-lost", "ended with code 0"), ("ring", "sf-lost", "its rings"),
        ("lie", "sf-stuck", "kept frames"),
    ):
        domain = e2e.one_node()
        domain["sfc"]["function"][0]["instance"] = [e2e.vm("fw-1", "edge", "./brief", what)]
        config = e2e.write_domain(work, domain)
        done = e2e.run(work, [*e2e.replay_words(config, "--in", f"lan={PCAPS}/dns.pcap"), "--json"], code=4)
        report = e2e.one_document(done.stdout)
        e2e.check_report(report)
        e2e.check(drop in e2e.drops(report), f"{what}: drops are {e2e.drops(report)}")
        e2e.check("'fw-1'" in done.stderr and words in done.stderr, f"{what}: {done.stderr!r}")


def test_a_bypassed_function_that_is_down_loses_only_what_was_inside(work):
    domain = e2e.one_node()
    domain["sfc"]["function"][1]["on-failure"] = "bypass"
    process, _, vms = started(work, "--speed", "1", domain=domain)
    monitor = [pid for pid in vms if "monitor" in open(f"/proc/{pid}/cmdline", encoding="utf-8").read()]
    os.kill(monitor[0], signal.SIGKILL)
    report = e2e.one_document(e2e.finish(process, 4))
    e2e.check_report(report)
    drops = e2e.drops(report)
    # What stood in its transmit buffer goes the way of what comes later. At recorded speed nothing waits for a ring
    # that nobody empties any more until the death is known.
    equal(drops.get("sf-down", 0), 0, f"frames of {drops} that could have gone on")
    e2e.check(report["steering"]["bypassed"] > 0, f"steering is {report['steering']}")
    # At recorded speed a frame the firewall would deny may not even reach it: its ring is full, too.
    expected = {"sf-lost", "sf-stuck", "sf-ring-full", "sf-consumed"}
    e2e.check(set(drops) <= expected, f"drops are {drops}")
    denied = report["ledger"]["received"] - len(e2e.without_denied(work, MIXED))
    e2e.check(drops.get("sf-consumed", 0) <= denied, f"{denied} frames may be denied, drops are {drops}")


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
