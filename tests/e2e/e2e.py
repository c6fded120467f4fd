"""What the end-to-end tests share: a domain to start from, the command, and what must be true after every run.

A test is a script that defines functions test_*(work), each given an empty directory, and calls main(). It is run as

  /usr/bin/python3 tests/e2e/NAME.py BUILD_DIR [kvm|process]

After each function no process of BUILD_DIR may be left, nor any runtime directory or socket. Exit 0, 1 (something
failed), or 77 with the line "SKIP: reason".
"""

import ctypes
import fcntl
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

sys.dont_write_bytecode = True

ROOT = pathlib.Path(__file__).resolve().parents[2]
PCAPS = ROOT / "pcaps"
sys.path.insert(0, str(PCAPS))

BUILD = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build").resolve()
BIN = BUILD / "bin"
# How the instances run; tests that take no runtime leave it to "auto".
RUNTIME = sys.argv[2] if len(sys.argv) > 2 else "auto"
SANITIZED = "SLUICE_SANITIZE:STRING=address" in (BUILD / "CMakeCache.txt").read_text()
# A machine under load, and sanitizers, make everything slower; a test that hangs still ends.
TIMEOUT = 240
# What must be gone after this long, when it was killed.
GONE_SECONDS = 2
KVM_GET_API_VERSION = 0xAE00  # linux/kvm.h
PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
# The words with which sanitizers and the C library report a defect.
DEFECTS = ("AddressSanitizer", "LeakSanitizer", "runtime error:", "Assertion `", "stack smashing", "core dumped")

OUR_PROGRAMS = ("sluice", "sff", "hv")

LAN_FILTER = "src net 10.1.0.0/16 or src net 10.3.0.0/16 or src net fd00:1::/64"
WAN_FILTER = "dst net 10.1.0.0/16 or dst net 10.3.0.0/16 or dst net fd00:1::/64"
# What the firewall of every domain here denies.
DENIED = "udp dst port 53"


class Skip(Exception):
    """The machine lacks what the test needs."""


def check(condition, text):
    if not condition:
        raise AssertionError(text)


def equal(got, expected, what):
    check(got == expected, f"{what}: got {got!r}, expected {expected!r}")


def need_kvm():
    try:
        with open("/dev/kvm", "rb+", buffering=0) as kvm:
            fcntl.ioctl(kvm, KVM_GET_API_VERSION)
    except OSError as e:
        raise Skip(f"/dev/kvm does not work here: {e.strerror}") from e


def need_root(why):
    if os.geteuid() != 0:
        raise Skip(f"not root: {why}")


# --- domains


def node_port(name, role, **more):
    return {"name": name, "device": "net_null0", "role": role, **more}


def vm(name, node, image, *args, **more):
    return {"name": name, "node": node, "vm": {"image": image, "args": list(args), **more}}


def one_node():
    """lan -> firewall -> monitor -> wan on one node, and back; rules take everything from lan."""
    return {
        "sfc": {
            "node": [
                {
                    "name": "edge",
                    "port": [
                        node_port("lan", "access", peer="wan"),
                        node_port("wan", "access", peer="lan"),
                        node_port("core", "transport", mac="02:00:00:00:0b:01", address="10.99.0.2/24"),
                    ],
                    "locator": {"transport": "vxlan-gpe", "address": "10.99.0.2", "vni": 100, "port": "core"},
                },
                {
                    "name": "peer",
                    "locator": {"transport": "vxlan-gpe", "address": "10.99.0.1", "vni": 100, "mac": "02:00:00:00:0a:01"},
                },
            ],
            "function": [
                {"name": "fw", "instance": [vm("fw-1", "edge", "firewall", "deny udp any any 53")]},
                {"name": "ids", "instance": [vm("ids-1", "edge", "monitor")]},
            ],
            "path": [
                {"name": "web", "spi": 100, "hops": ["fw", "ids"], "egress": "wan", "reverse": "web-back"},
                {"name": "web-back", "spi": 101, "hops": ["ids", "fw"], "egress": "lan"},
            ],
            "rule": [{"name": "all", "match": {"port": "lan"}, "action": {"path": "web"}}],
            "default": "forward",
        }
    }


def two_nodes():
    """lan -> firewall on edge-1 -> core -> monitor on edge-2 -> wan."""
    return {
        "sfc": {
            "node": [
                {
                    "name": "edge-1",
                    "port": [
                        node_port("lan", "access"),
                        node_port("core", "transport", mac="02:00:00:00:0a:01", address="10.99.0.1/24"),
                    ],
                    "locator": {"transport": "vxlan-gpe", "address": "10.99.0.1", "vni": 100, "port": "core"},
                },
                {
                    "name": "edge-2",
                    "port": [
                        node_port("core", "transport", mac="02:00:00:00:0b:01", address="10.99.0.2/24"),
                        node_port("wan", "access"),
                    ],
                    "locator": {"transport": "vxlan-gpe", "address": "10.99.0.2", "vni": 100, "port": "core"},
                },
            ],
            "function": [
                {"name": "fw", "instance": [vm("fw-1", "edge-1", "firewall", "deny udp any any 53")]},
                {"name": "ids", "instance": [vm("ids-1", "edge-2", "monitor")]},
            ],
            "path": [{"name": "web", "spi": 100, "hops": ["fw", "ids"], "egress": "wan"}],
            "rule": [
                {
                    "name": "all",
                    "match": {"port": "lan"},
                    "action": {"path": "web", "metadata": {"words": [1, 2, 3, 4294967295]}},
                }
            ],
        }
    }


def write_domain(work, domain, name="domain.yaml"):
    """JSON is YAML, too."""
    path = work / name
    path.write_text(json.dumps(domain, indent=2))
    return path


# --- the command


def environment(work):
    """The runtime directories of a test are its own; its path must be short, for sockets stand in it."""
    run = work / "run"
    run.mkdir(mode=0o700, exist_ok=True)
    return {**os.environ, "XDG_RUNTIME_DIR": str(run)}


def no_defect(name, text):
    for word in DEFECTS:
        check(word not in text, f"{name} reports a defect:\n{text}")


def run(work, command, code=0, timeout=TIMEOUT, **more):
    """Run to the end; the exit code must be the expected one (None: any)."""
    done = subprocess.run(
        [str(word) for word in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        timeout=timeout,
        check=False,
        **{"env": environment(work), "stdin": subprocess.DEVNULL, **more},
    )
    no_defect(command[0], done.stderr)
    check(
        code is None or done.returncode == code,
        f"{' '.join(str(word) for word in command)}:\nexit code {done.returncode}, expected {code}\n"
        f"{done.stdout[-3000:]}{done.stderr[-3000:]}",
    )
    return done


def sluice(work, *words, code=0, **more):
    return run(work, [BIN / "sluice", *words], code, **more)


def replay_words(config, *words):
    runtime = [] if RUNTIME == "auto" else ["--runtime", RUNTIME]
    node = [] if "--node" in words else ["--node", "edge"]
    return [BIN / "sluice", "replay", config, *runtime, *node, *words]


def replay(work, config, *words, code=0, **more):
    """The report of a replay, with its books checked."""
    done = run(work, [*replay_words(config, *words), "--json"], code, **more)
    report = one_document(done.stdout)
    check_report(report)
    return report


def start(work, command, **more):
    """Start a program whose output is a pipe."""
    return subprocess.Popen(
        [str(word) for word in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        errors="replace",
        **{"env": environment(work), "stderr": subprocess.PIPE, **more},
    )


def finish(process, code, timeout=TIMEOUT):
    """Wait for a started program; its stdout. What it said on stderr is in process.said."""
    try:
        out, err = process.communicate(timeout=timeout)
        process.said = err
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise AssertionError(f"did not end in {timeout} s\n{out[-3000:]}{err[-3000:]}") from None
    err = err or ""  # it went to a file
    no_defect(process.args[0], err)
    check(
        code is None or process.returncode == code,
        f"exit code {process.returncode}, expected {code}\n{out[-3000:]}{err[-3000:]}",
    )
    return out


def one_document(text):
    """With --json, stdout is one JSON document and nothing else."""
    try:
        return json.loads(text)
    except ValueError as e:
        raise AssertionError(f"stdout is not one JSON document: {e}\n{text[:2000]}") from e


def is_count(value):
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


LEDGER_FIELDS = {"balanced", "received", "sent", "originated", "replicated", "in_flight", "dropped"}
PATH_FIELDS = {"name", "spi", "in", "out"}
INSTANCE_FIELDS = {"name", "runtime", "boot_us", "rx", "tx", "metrics"}


def check_ledger(ledger):
    equal(set(ledger), LEDGER_FIELDS, "fields of the ledger")
    for name in LEDGER_FIELDS - {"balanced", "dropped"}:
        check(is_count(ledger[name]), f"ledger: {name} is {ledger[name]!r}")
    for name, value in ledger["dropped"].items():
        check(is_count(value), f"ledger: dropped {name} is {value!r}")
    equal(ledger["in_flight"], 0, "in flight at the end")
    debit = ledger["received"] + ledger["originated"] + ledger["replicated"]
    equal(ledger["sent"] + sum(ledger["dropped"].values()), debit, f"books {ledger}")
    check(ledger["balanced"] is True, f"ledger says it is not balanced: {ledger}")


def check_report(report):
    equal(set(report) - {"steering", "proxies"}, {"ledger", "paths", "instances"}, "fields of the report")
    check_ledger(report["ledger"])
    for path in report["paths"]:
        equal(set(path), PATH_FIELDS, "fields of a path")
        check(all(is_count(path[name]) for name in PATH_FIELDS - {"name"}), f"path {path}")
        check(isinstance(path["name"], str), f"path {path}")
    for instance in report["instances"]:
        equal(set(instance), INSTANCE_FIELDS, "fields of an instance")
        check(all(is_count(instance[name]) for name in ("boot_us", "rx", "tx")), f"instance {instance}")
        check(instance["runtime"] in ("kvm", "process"), f"instance {instance}")
        check(all(is_count(value) for value in instance["metrics"].values()), f"instance {instance}")


def by_name(items):
    return {item["name"]: item for item in items}


def drops(report):
    return {name: count for name, count in report["ledger"]["dropped"].items() if count}


# --- captures


def frames(path):
    from lib import capture

    return [bytes(frame) for frame in capture.frames(path)]


def select(source, expression, target, work):
    """Write the frames of a capture that a tcpdump expression selects."""
    with open(source, "rb") as file:
        run(work, ["tcpdump", "-r", "-", "-w", target, expression], stdin=file)
    return target


def compare(work, a, b, *words, code=0):
    return run(work, [PCAPS / "compare.py", a, b, *words], code).stdout


def without_denied(work, source):
    """What the firewall leaves of a capture."""
    return frames(select(source, f"not ({DENIED})", work / "allowed.pcap", work))


def tshark(work, path, *words):
    """Rows of tab-separated fields."""
    done = run(work, ["tshark", "-n", "-r", path, *words], timeout=TIMEOUT)
    return [line.split("\t") for line in done.stdout.splitlines()]


def fields(work, path, *names, where=""):
    words = ["-T", "fields"]
    for name in names:
        words += ["-e", name]
    return tshark(work, path, *(["-Y", where] if where else []), *words)


def messages(text):
    """Lines of stderr, without the note on how memory is mapped here."""
    return [line for line in text.splitlines() if "hugepages" not in line]


# --- what is left behind


def stat(pid):
    """(name, state, parent) of a process; None once it is gone."""
    try:
        name, rest = pathlib.Path(f"/proc/{pid}/stat").read_text().split("(", 1)[1].rsplit(")", 1)
    except OSError:
        return None
    return name, rest.split()[0], int(rest.split()[1])


def processes(ending=False):
    """Process id -> name, of the programs this test started; also of some that are about to end."""
    found = {}
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        pid = int(entry.name)
        about = stat(pid)
        if about is None or about[1] == "Z" or not descends(pid, os.getpid()):
            continue
        try:
            program = os.readlink(entry / "exe").removesuffix(" (deleted)")
        except OSError:
            # A process that is ending has no memory any more, but still holds its files.
            program = f"{BIN}/{about[0]}" if ending and about[0] in OUR_PROGRAMS else ""
        if program.startswith(f"{BIN}/"):
            found[pid] = os.path.basename(program)
    return found


def pids(name, of=None):
    """Processes of this name; with `of`, only descendants of that process."""
    return [pid for pid, program in sorted(processes().items()) if program == name and (of is None or descends(pid, of))]


def descends(pid, ancestor):
    while pid > 1:
        if pid == ancestor:
            return True
        about = stat(pid)
        if about is None:
            return False
        pid = about[2]
    return False


def traces(work):
    """Files and sockets in the runtime directory of this test."""
    found = {str(path) for path in (work / "run").rglob("*")}
    for line in pathlib.Path("/proc/net/unix").read_text().splitlines()[1:]:
        words = line.split(None, 7)
        if len(words) == 8 and str(work) in words[7]:
            found.add("socket " + words[7])
    return found


def wait_for(condition, seconds, text):
    end = time.monotonic() + seconds
    while not condition():
        check(time.monotonic() < end, f"{text} within {seconds} s")
        time.sleep(0.02)


def nothing_left(work, before):
    """Fail if a process, runtime directory or socket is left GONE_SECONDS after now."""
    end = time.monotonic() + GONE_SECONDS
    while True:
        alive, left = processes(ending=True), traces(work) - before
        if not alive and not left:
            return
        if time.monotonic() >= end:
            raise AssertionError(f"left behind: processes {alive}, files {sorted(left)}")
        time.sleep(0.05)


def kill_all():
    for pid in processes():
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


# --- the runner

PASSED, FAILED, SKIPPED = range(3)


def run_one(function):
    """PASSED, FAILED or SKIPPED."""
    work = pathlib.Path(tempfile.mkdtemp(prefix="e2e-"))
    environment(work)
    before = traces(work)
    start_time = time.monotonic()
    try:
        function(work)
        nothing_left(work, before)
    except Skip as reason:
        # The words of cmocka, so that one reader of test output is enough.
        print(f"SKIP: {reason}\n[  SKIPPED ] {function.__name__}", flush=True)
        return SKIPPED
    except Exception as e:
        if isinstance(e, AssertionError):
            where = traceback.extract_tb(e.__traceback__)[-2:]
            print("".join(f"  {frame.filename}:{frame.lineno} in {frame.name}\n" for frame in where) + f"  {e}")
        else:
            traceback.print_exc(file=sys.stdout)
        print(f"FAIL {function.__name__}", flush=True)
        kill_all()
        return FAILED
    finally:
        shutil.rmtree(work, ignore_errors=True)
    print(f"ok   {function.__name__} ({time.monotonic() - start_time:.1f} s)", flush=True)
    return PASSED


def main():
    # Whoever loses its parent stays a descendant of ours, and so in sight.
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    module = sys.modules["__main__"]
    functions = [value for name, value in vars(module).items() if name.startswith("test_")]
    only = sys.argv[3:]
    try:
        if RUNTIME == "kvm":
            need_kvm()
    except Skip as reason:
        print(f"SKIP: {reason}")
        sys.exit(77)
    results = [run_one(function) for function in functions if not only or function.__name__ in only]
    if FAILED in results:
        sys.exit(1)
    sys.exit(0 if PASSED in results else 77)
