#!/usr/bin/python3
"""testpmd as the source of traffic, by every kind of port it shares with us: the scripts of bench/testpmd."""

import os
import re

import e2e
from e2e import equal

SCRIPTS = e2e.ROOT / "bench" / "testpmd"
# Every kind of port and every kind of traffic at least once.
RUNS = (
    ("memif", "plain"),
    ("memif", "flowgen"),
    ("memif", "nsh"),
    ("vhost", "nsh"),
    ("af_packet", "plain"),
    ("af_xdp", "nsh"),
)
SECONDS = 1
# A burst and a bit: they show that frames pass, not how many.
AT_LEAST = 40


# Leaks of a build with sanitizers that are not ours: libxdp keeps what it allocated for a umem.
LEAKS = "leak:xsk_umem__create\n"


def run_script(work, link, traffic):
    (work / "leaks").write_text(LEAKS)
    environment = {
        **e2e.environment(work),
        "BUILD": str(e2e.BUILD),
        "TMPDIR": str(work),
        "LSAN_OPTIONS": f"suppressions={work}/leaks:print_suppressions=0",
    }
    done = e2e.run(work, [SCRIPTS / f"{link}.sh", traffic, SECONDS], code=None, timeout=90, env=environment)
    what = f"{link} {traffic}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    if done.returncode == 77:
        raise e2e.Skip(done.stdout.strip().splitlines()[-1].removeprefix("SKIP: "))
    equal(done.returncode, 0, what)
    counts = dict(re.findall(r"^(received|sent) +([\d,]+)$", done.stdout, flags=re.MULTILINE))
    received, sent = (int(counts[name].replace(",", "")) for name in ("received", "sent"))
    e2e.check(received >= AT_LEAST, f"{received} frames arrived: {what}")
    equal(sent, received, f"sent of {received}: {what}")
    e2e.check("\nbalanced" in done.stdout, what)


def test_testpmd_sends_to_a_node_by_every_kind_of_port(work):
    for link, traffic in RUNS:
        if link.startswith("af_"):
            e2e.need_root("network interfaces")
        run_script(work, link, traffic)
    equal([name for name in os.listdir("/sys/class/net") if re.fullmatch(r"tp\d+[ab]", name)], [], "interfaces left")


e2e.main()
