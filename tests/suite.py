#!/usr/bin/python3
"""Run what is checked before a change goes in, phase by phase; `./dev test` calls it.

  tests/suite.py PHASE...

  release         build with gcc and run every test
  asan            build with clang, AddressSanitizer and UndefinedBehaviorSanitizer, and run every test
  fuzz[=SECONDS]  run the fuzzers, SECONDS in all (default 60), from their seeds
  lint            formatting, scripts, sources, commit messages

The last line is "N passed, N failed, N skipped"; exit 0 only if nothing failed. A test that needs KVM may be skipped
only where KVM does not work.
"""

import concurrent.futures
import errno
import fcntl
import json
import os
import pathlib
import re
import subprocess
import sys
import time
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
JOBS = os.cpu_count() or 1
# Of a failed build or fuzzer; its reason stands at its end.
TAIL_LINES = 80
KVM_GET_API_VERSION = 0xAE00  # linux/kvm.h
KVM_API_VERSION = 12
# Tests that run whole programs: worker lcores that poll, VMs, time limits. They spare the unit tests' company.
WHOLE = "^(kvm|e2e|root)$"
# Measurements: run them by hand.
NOT_HERE = "^perf$"

passed = failed = 0
skipped = []
failures = []


def say(text):
    print(text, flush=True)


def good(name, note=""):
    global passed
    passed += 1
    say(f"PASS {name}{note}")


def bad(name, output=""):
    global failed
    failed += 1
    failures.append(name)
    if output:
        say("\n".join(output.splitlines()[-TAIL_LINES:]))
    say(f"FAIL {name}")


def skip(name, reason):
    skipped.append(name)
    say(f"SKIP {name}: {reason}")


def kvm_works():
    try:
        fd = os.open("/dev/kvm", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return fcntl.ioctl(fd, KVM_GET_API_VERSION) == KVM_API_VERSION
    except OSError:
        return False
    finally:
        os.close(fd)


def run(command, **more):
    """The finished command, its output as one text."""
    return subprocess.run(
        command,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
        **more,
    )


def build(variant):
    say(f"\n== build {variant}")
    start = time.monotonic()
    done = run(["./dev", "build", variant])
    if done.returncode:
        bad(f"build {variant}", done.stdout)
        return False
    good(f"build {variant}", f" ({time.monotonic() - start:.0f} s)")
    return True


def reason_of(output):
    """Why a test was skipped: what it says after SKIP, or its last line."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    for line in lines:
        if line.upper().startswith("SKIP"):
            return re.sub(r"^skip(ped)?[: ]*", "", line, flags=re.IGNORECASE) or line
    return lines[-1] if lines else "no reason given"


def skipped_inside(output):
    """Of a cmocka binary that passed: test -> reason, for tests that were skipped. cmocka prints no reason."""
    found = {}
    before = ""
    for line in output.splitlines():
        if line.startswith("[  SKIPPED ]") and "test(s)" not in line:
            reason = "" if before.startswith("[") else before.strip().removeprefix("SKIP:").strip()
            found.setdefault(line.split("]", 1)[1].strip(), reason or "its source says when it cannot run")
        before = line
    return found


def count_case(case, prefix, must_run):
    """Take one test of a JUnit report into the books."""
    name = prefix + case.get("name")
    output = case.findtext("system-out") or ""
    if case.get("status") == "run" and case.find("failure") is None:
        if must_run and "[  PASSED  ] 0 test(s)" in output:
            bad(f"{name}: all of it skipped, but KVM works here", output)
            return
        for test, reason in skipped_inside(output).items():
            skip(f"{name}: {test}", reason)
        good(name)
    elif case.find("skipped") is not None:
        if must_run:
            bad(f"{name}: skipped, but KVM works here: {reason_of(output)}")
        else:
            skip(name, reason_of(output))
    else:
        bad(name)  # ctest has shown its output


def tests_with_label(directory, label):
    """Names of the tests that have a label; ctest leaves labels out of its report."""
    done = run(["ctest", "--test-dir", directory, "--show-only=json-v1", "-L", f"^{label}$"])
    start = done.stdout.find("{")
    return {test["name"] for test in json.loads(done.stdout[start:])["tests"]} if start >= 0 else set()


def ctest(directory, prefix, title, options, kvm, report="report.xml"):
    say(f"\n== {title}")
    report = directory / report
    report.unlink(missing_ok=True)
    subprocess.run(
        [
            "ctest",
            "--test-dir",
            directory,
            "--output-on-failure",
            "--output-junit",
            report,
            "--test-output-size-passed",
            "1048576",
            "--test-output-size-failed",
            "1048576",
            *options,
        ],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    try:
        cases = xml.etree.ElementTree.parse(report).getroot().findall("testcase")
    except (OSError, xml.etree.ElementTree.ParseError) as e:
        bad(f"{prefix}ctest: no report: {e}")
        return
    must_run = tests_with_label(directory, "kvm") if kvm else set()
    for case in cases:
        count_case(case, prefix, case.get("name") in must_run)


def tests(variant, directory, prefix):
    if not build(variant):
        return
    kvm = kvm_works()
    if not kvm:
        say("KVM does not work here: tests that need it are skipped")
    together = ["-j", str(JOBS), "-LE", f"{WHOLE}|{NOT_HERE}"]
    ctest(directory, prefix, f"{variant}: unit tests", together, kvm, "units.xml")
    ctest(directory, prefix, f"{variant}: end to end, and with VMs", ["-j", str(JOBS), "-L", WHOLE, "-LE", NOT_HERE], kvm)


def release():
    (BUILD / "units.xml").unlink(missing_ok=True)
    tests("release", BUILD, "")
    done = run(["tests/conformance/conformance.py", BUILD / "units.xml"])
    if done.returncode:
        bad("conformance", done.stdout)
    else:
        good("conformance")


def sanitizer_environment():
    os.environ.setdefault("UBSAN_OPTIONS", "print_stacktrace=1")
    for symbolizer in ("/usr/bin/llvm-symbolizer-14", "/usr/lib/llvm-14/bin/llvm-symbolizer"):
        if os.path.exists(symbolizer):
            os.environ.setdefault("ASAN_SYMBOLIZER_PATH", symbolizer)
            break


def asan():
    sanitizer_environment()
    tests("asan", BUILD / "asan", "asan/")


def fuzz_one(name, seconds):
    corpus = BUILD / "fuzz" / "corpus" / name
    artifacts = BUILD / "fuzz" / "artifacts" / name
    corpus.mkdir(parents=True, exist_ok=True)
    artifacts.mkdir(parents=True, exist_ok=True)
    command = [
        BUILD / "fuzz" / "tests" / f"fuzz_{name}",
        f"-max_total_time={seconds}",
        "-timeout=10",
        "-rss_limit_mb=2048",
        f"-artifact_prefix={artifacts}/",
        "-print_final_stats=1",
        corpus,
    ]
    seeds = ROOT / "tests" / "fuzz" / "regress" / name
    if seeds.is_dir():
        command.append(seeds)
    try:
        return run(command, timeout=seconds * 3 + 60)
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 1, "did not end in time")


def executions(output):
    for line in output.splitlines():
        if line.startswith("stat::number_of_executed_units:"):
            return line.split()[-1]
    return "?"


def fuzz(seconds):
    if not build("fuzz"):
        return
    sanitizer_environment()
    names = sorted(
        source.stem[len("fuzz_") :]
        for source in (ROOT / "tests" / "fuzz").glob("fuzz_*.c")
        if source.stem != "fuzz_main"
    )
    share = max(1, seconds * JOBS // max(1, len(names)))
    say(f"\n== fuzz: {len(names)} targets, {share} s each")
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        for name, done in zip(names, pool.map(lambda name: fuzz_one(name, share), names)):
            if done.returncode:
                bad(f"fuzzer/{name}", done.stdout)
            else:
                good(f"fuzzer/{name}", f" ({executions(done.stdout)} runs)")


def files(*suffixes):
    """Files of the tree with these suffixes, without what was built."""
    found = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = sorted(f for f in folders if f not in (".git", "__pycache__") and ROOT / folder / f != BUILD)
        found += [os.path.join(folder, name) for name in sorted(names) if name.endswith(suffixes)]
    return [os.path.relpath(path, ROOT) for path in found]


def lint_command(name, command):
    done = run(command)
    if done.returncode == 77:
        skip(f"lint/{name}", reason_of(done.stdout))
    elif done.returncode:
        bad(f"lint/{name}", done.stdout)
    else:
        good(f"lint/{name}")


def python_syntax():
    wrong = []
    for path in files(".py"):
        try:
            compile((ROOT / path).read_bytes(), path, "exec")
        except SyntaxError as e:
            wrong.append(f"{path}:{e.lineno}: {e.msg}")
    if wrong:
        bad("lint/python", "\n".join(wrong))
    else:
        good("lint/python")


def lint():
    say("\n== lint")
    lint_command("format", ["clang-format-14", "--dry-run", "-Werror", *files(".c", ".h")])
    lint_command("shell", ["shellcheck", "dev", ".ci/run", *files(".sh")])
    python_syntax()
    lint_command("sources", ["tests/style/check-sources.sh"])
    lint_command("commits", ["tests/style/check-commits.sh"])


def main():
    phases = sys.argv[1:]
    if not phases or "--help" in phases:
        print(__doc__.strip())
        return 0 if phases else 1
    for phase in phases:
        name, _, value = phase.partition("=")
        if name not in ("release", "asan", "fuzz", "lint") or (value and (name != "fuzz" or not value.isdigit())):
            sys.exit(f"suite: '{phase}' is no phase; see tests/suite.py --help")
    start = time.monotonic()
    for phase in phases:
        name, _, value = phase.partition("=")
        if name == "fuzz":
            fuzz(int(value or 60))
        else:
            {"release": release, "asan": asan, "lint": lint}[name]()
    say(f"\n== done in {time.monotonic() - start:.0f} s")
    for name in failures:
        say(f"FAIL {name}")
    say(f"{passed} passed, {failed} failed, {len(skipped)} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(errno.EINTR)
