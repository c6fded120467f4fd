#!/usr/bin/python3
"""Instructions per packet of every case of bench/stage_cost, against the floor the tree has.

  bench/ir.py BUILD             measure and compare; exit 4 when a case costs more
  bench/ir.py BUILD --update    measure and write the floor anew
  bench/ir.py --commits [RANGE] every commit that raises a floor says why, in a line "Ir: ..."

Counted by callgrind, so the same on every machine and under any load; it knows no AVX-512, so the paths are those of
AVX2. Ir per packet = (Ir(2N) - Ir(N)) / N.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
FLOOR = HERE / "ir_floor.txt"
EAL_TRIES = 4
PACKETS = 1024
# A case may cost this much more: 2 %, or one instruction where that is less than one.
SHARE, ABSOLUTE = 0.02, 1.0
EXIT_USAGE, EXIT_FAILED, EXIT_SKIP = 1, 4, 77
HEAD = """\
# Instructions per packet of the cases of bench/stage_cost: bench/ir.py compares, bench/ir.py --update writes.
# A commit that raises one says why in a line of its message: "Ir: CASE +N, because ...".
# Compiler: {compiler}
"""


def limit(floor):
    """As the floor is written: to two places."""
    return round(floor + max(SHARE * floor, ABSOLUTE), 2)


def parse_floor(text):
    """(compiler, {case: Ir per packet})"""
    compiler = re.search(r"^# Compiler: (.*)$", text, re.M)
    rows = (line.split() for line in text.splitlines() if line and not line.startswith("#"))
    return (compiler.group(1) if compiler else "", {name: float(ir) for name, ir in rows})


def format_floor(compiler, counts):
    return HEAD.format(compiler=compiler) + "".join(f"{name:24} {ir:9.2f}\n" for name, ir in counts.items())


def compare(floor, counts):
    """Rows (case, floor, now, verdict)."""
    rows = []
    for name, now in counts.items():
        was = floor.get(name)
        if was is None:
            verdict = "new"
        elif round(now, 2) > limit(was):
            verdict = "MORE"
        elif now < was - max(SHARE * was, ABSOLUTE):
            verdict = "less"
        else:
            verdict = "ok"
        rows.append((name, was, now, verdict))
    rows += [(name, was, None, "gone") for name, was in floor.items() if name not in counts]
    return rows


def compiler_of(build):
    """Name and version, from CMake's own notes: other compilers make other instructions."""
    for notes in sorted(pathlib.Path(build).glob("CMakeFiles/*/CMakeCCompiler.cmake")):
        text = notes.read_text()
        found = [re.search(rf'set\(CMAKE_C_COMPILER_{key} "([^"]*)"\)', text) for key in ("ID", "VERSION")]
        if all(found):
            return " ".join(match.group(1) for match in found)
    return "unknown"


def is_release(build):
    cache = (pathlib.Path(build) / "CMakeCache.txt").read_text()
    sanitize = re.search(r"^SLUICE_SANITIZE:[A-Z]+=(.*)$", cache, re.M)
    kind = re.search(r"^CMAKE_BUILD_TYPE:[A-Z]+=(.*)$", cache, re.M)
    return not (sanitize and sanitize.group(1)) and bool(kind) and kind.group(1) in ("", "Release")


def read_dumps(folder, says):
    """Callgrind numbers its dumps; the program says, in the same order, what each one was."""
    counts = {}
    for number, (name, packets) in enumerate(says, 1):
        text = (pathlib.Path(folder) / f"out.{number}").read_text()
        total = int(re.search(r"^totals: (\d+)", text, re.M).group(1))
        counts.setdefault(name, []).append((packets, total))
    result = {}
    for name, pairs in counts.items():
        if name != "warm":
            (n, once), (n2, twice) = pairs
            if n2 != 2 * n:
                raise ValueError(f"{name}: {n} packets, then {n2}")
            result[name] = (twice - once) / n
    return result


def measure(build, cases=()):
    with tempfile.TemporaryDirectory() as folder:
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out", "--collect-atstart=no"]
        command += ["--toggle-collect=bench_once_run", "--dump-after=bench_once_end", "--quiet"]
        command += [f"{build}/bench/stage_cost", "--once", str(PACKETS)]
        for case in cases:
            command += ["--case", case]
        environment = {**os.environ, "BENCH_SMALL_PAGES": "1"}
        # EAL looks for a place in an address space that valgrind has its own things in, and now and then finds none.
        for _ in range(EAL_TRIES):
            done = subprocess.run(command, cwd=folder, text=True, capture_output=True, check=False, env=environment)
            if not done.returncode or "Cannot get a virtual area" not in done.stderr:
                break
        if done.returncode:
            sys.exit(f"ir: stage_cost ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        says = re.findall(r"^once (\S+) (\d+)$", done.stdout, re.M)
        return read_dumps(folder, [(name, int(packets)) for name, packets in says])


def git(*arguments):
    command = ["git", "-c", f"safe.directory={HERE.parent}", *arguments]
    return subprocess.run(command, cwd=HERE.parent, text=True, capture_output=True, check=False)


def raised(before, after):
    """Cases whose floor went up at all."""
    return [name for name, ir in after.items() if name in before and ir > before[name]]


def check_commits(revisions):
    if git("rev-parse", "HEAD").returncode:
        print("SKIP: no git history here")
        return EXIT_SKIP
    if not revisions:
        upstream = "@{upstream}..HEAD"
        revisions = [upstream] if git("rev-list", upstream).stdout.strip() else ["-1", "HEAD"]
    name = FLOOR.relative_to(HERE.parent)
    status = 0
    for commit in git("rev-list", "--no-merges", *revisions, "--", str(name)).stdout.split():
        before = parse_floor(git("show", f"{commit}~:{name}").stdout)[1]
        after = parse_floor(git("show", f"{commit}:{name}").stdout)[1]
        message = git("log", "-1", "--format=%B", commit).stdout
        up = raised(before, after)
        if up and not re.search(r"^Ir: \S", message, re.M):
            print(f'{commit[:9]}: raises the floor of {", ".join(up)} without a line "Ir: ..." that says why')
            status = EXIT_FAILED
    return status


def main(arguments):
    if arguments[:1] == ["--commits"]:
        return check_commits(arguments[1:])
    update = "--update" in arguments
    arguments = [a for a in arguments if a not in ("--update", "--json")]
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print(__doc__.strip())
        return EXIT_USAGE
    build = pathlib.Path(os.path.abspath(arguments[0]))
    if shutil.which("valgrind") is None:
        print("SKIP: valgrind is not installed")
        return EXIT_SKIP
    compiler = compiler_of(build)
    expected, floor = parse_floor(FLOOR.read_text()) if FLOOR.exists() else ("", {})
    if not is_release(build) or (floor and not update and compiler != expected):
        print(f"SKIP: the floor is that of a release build with {expected}, this one has {compiler}")
        return EXIT_SKIP
    counts = measure(build)
    if "--json" in sys.argv:
        print(json.dumps(counts))
        return 0
    if update:
        FLOOR.write_text(format_floor(compiler, counts))
    rows = compare(floor, counts)
    print(f"{'case':24} {'floor':>9} {'now':>9} {'limit':>9}  verdict")
    for name, was, now, verdict in rows:
        text = [f"{value:9.2f}" if value is not None else f"{'-':>9}" for value in (was, now, was and limit(was))]
        print(f"{name:24} {' '.join(text)}  {verdict}")
    if update:
        print(f"written to {FLOOR}")
        return 0
    bad = [name for name, _, _, verdict in rows if verdict in ("MORE", "new", "gone")]
    if bad:
        print(f"\nOver the floor, or not in it: {', '.join(bad)}")
        print('If that is worth it: bench/ir.py BUILD --update, and a line "Ir: ..." in the commit that says why.')
    return EXIT_FAILED if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
