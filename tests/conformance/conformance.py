#!/usr/bin/python3
"""Make docs/conformance.md from the tests that ran, or check that it is what they show.

  conformance.py [--write] REPORT

REPORT is what `ctest --output-junit` wrote. A test proves the requirements that the front of its name tells:
n3_n4_first_wire_hop_shows_62 those of N3 and N4. The names are read from the output of the test programs, which
print them as each test ends; source text counts for nothing.

Without --write: exit 1 if the page is not the one that this run makes, if a requirement has no test that passed, or if
a test names a requirement that is not in requirements.txt.
"""

import collections
import difflib
import pathlib
import re
import sys
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
LIST = pathlib.Path(__file__).resolve().parent / "requirements.txt"
NOTES = pathlib.Path(__file__).resolve().parent / "notes.md"
PAGE = ROOT / "docs" / "conformance.md"

# What cmocka prints when a test ends. The summary repeats failures with "[  FAILED  ] name" and counts of tests.
END = re.compile(r"^\[ +(OK|FAILED|SKIPPED|PASSED) +\] (\w+)$")
IDS = re.compile(r"^((?:[a-z]\d+_)+)")
RESULT = {"OK": "pass", "FAILED": "fail", "SKIPPED": "skipped"}

HEAD = """# Conformance

What the protocol demands, and the tests that show it. This page is made from a run of the tests
(`tests/conformance/conformance.py`): a test stands here because it ran, with the result it had. `./dev test` fails when
a requirement has no test that passed, or when this page is not what the run shows.

"""


class Group:
    def __init__(self, title):
        self.title = title
        self.requirements = []


def read_list(text):
    """The groups of requirements.txt, each requirement as [id, source, demand]."""
    groups = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith("== "):
            groups.append(Group(line[3:]))
        elif line[0].isspace() and groups and groups[-1].requirements:
            groups[-1].requirements[-1][2] += " " + line.strip()
        else:
            fields = [field.strip() for field in line.split("|")]
            if len(fields) != 3 or not groups:
                sys.exit(f"{LIST.name}:{number}: not 'ID | source | demand' in a group")
            groups[-1].requirements.append(fields)
    return groups


def read_results(report):
    """id -> sorted [(program, test, result)], of all tests that ended in this run."""
    found = collections.defaultdict(dict)
    for case in xml.etree.ElementTree.parse(report).getroot().findall("testcase"):
        program = case.get("name")
        for line in (case.findtext("system-out") or "").splitlines():
            end = END.match(line)
            ids = IDS.match(end.group(2)) if end else None
            if not ids or end.group(1) not in RESULT:
                continue
            for name in ids.group(1).upper().rstrip("_").split("_"):
                key = (program, end.group(2))
                # A name that failed once did not pass.
                if found[name].get(key) != "fail":
                    found[name][key] = RESULT[end.group(1)]
    return {name: sorted((*key, result) for key, result in tests.items()) for name, tests in found.items()}


def make_page(groups, results):
    lines = [HEAD]
    for group in groups:
        lines.append(f"## {group.title}\n\n| id | what is demanded | shown by | result |\n|---|---|---|---|\n")
        for name, source, demand in group.requirements:
            first = f"{name} | {demand} ({source})"
            for program, test, result in results.get(name, [("", "no test", "none")]):
                shown = f"{program}: {test[IDS.match(test).end():]}" if program else test
                lines.append(f"| {first} | {shown.replace('_', ' ')} | {result} |\n")
                first = " | "
        lines.append("\n")
    return "".join(lines) + NOTES.read_text()


def complaints(groups, results):
    known = [requirement[0] for group in groups for requirement in group.requirements]
    for name in known:
        if not any(result == "pass" for _, _, result in results.get(name, [])):
            yield f"{name}: no test that passed"
        for program, test, result in results.get(name, []):
            if result == "fail":
                yield f"{name}: {program}: {test} failed"
    for name in sorted(set(known)):
        if known.count(name) > 1:
            yield f"{name}: twice in {LIST.name}"
    for name in sorted(set(results) - set(known)):
        yield f"{name}: not in {LIST.name}, but {results[name][0][1]} names it"


def main():
    arguments = sys.argv[1:]
    write = "--write" in arguments
    if write:
        arguments.remove("--write")
    if len(arguments) != 1 or arguments[0].startswith("-"):
        sys.exit(__doc__.strip())
    groups = read_list(LIST.read_text())
    try:
        results = read_results(arguments[0])
    except (OSError, xml.etree.ElementTree.ParseError) as e:
        sys.exit(f"{arguments[0]}: {e}")
    page = make_page(groups, results)
    wrong = list(complaints(groups, results))
    if write:
        PAGE.write_text(page)
    elif not PAGE.exists() or PAGE.read_text() != page:
        old = PAGE.read_text() if PAGE.exists() else ""
        sys.stdout.writelines(difflib.unified_diff(old.splitlines(True), page.splitlines(True), "page", "run", n=0))
        wrong.append(f"docs/conformance.md is not what this run shows; conformance.py --write {arguments[0]} makes it")
    for line in wrong:
        print(line)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
