#!/usr/bin/python3
"""Wrong configurations: refused whole, each error at its line and column, exit 2."""

import resource

import e2e
from e2e import PCAPS, equal

GOOD = """\
sfc:
  node:
    - name: edge
      dataplane: { memory: 256 }
      port:
        - { name: lan, device: net_null0, role: access, peer: wan }
        - { name: wan, device: net_null1, role: access, peer: lan }
  function:
    - name: fw
      instance:
        - { name: fw-1, node: edge, vm: { image: firewall } }
  path:
    - { name: web, spi: 100, hops: [fw], egress: wan }
  rule:
    - { name: all, match: { port: lan }, action: { path: web } }
"""
# Beyond this a file is refused unread.
HUGE = 100 * 1024 * 1024
# What no check of any file should need.
MEMORY = 512 * 1024 * 1024


def changed(old, new):
    e2e.check(old in GOOD, f"'{old}' is not in the good file")
    return GOOD.replace(old, new, 1)


def line_of(error):
    """How people get to see it; an error of the file as a whole has no place."""
    if not error["line"]:
        return f"{error['file']}: {error['reason']}"
    return f"{error['file']}:{error['line']}:{error['column']}: {error['path']}: {error['reason']}"


def refuse(work, text, reason):
    """The file `text` is refused for `reason` at the place marked by @@, by both verbs, in both forms."""
    before, mark, after = text.partition("@@")
    path = work / "bad.yaml"
    path.write_text(before + after)
    done = e2e.sluice(work, "check", path, "--json", code=2)
    errors = e2e.one_document(done.stdout)
    equal(set(errors), {"errors"}, "fields of the document")
    for error in errors["errors"]:
        equal(set(error), {"file", "line", "column", "path", "reason"}, "fields of an error")
        e2e.check(isinstance(error["line"], int) and isinstance(error["column"], int), f"{error}")
    found = [error for error in errors["errors"] if reason in error["reason"]]
    e2e.check(found, f"no error with '{reason}' in {errors['errors']}")
    if mark:
        place = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
        equal((found[0]["line"], found[0]["column"]), place, f"place of '{reason}'")
    lines = [line_of(error) for error in errors["errors"]]
    equal(e2e.sluice(work, "check", path, code=2).stderr.splitlines(), lines, "lines for people")
    replayed = e2e.run(work, e2e.replay_words(path, "--in", f"lan={PCAPS}/dns.pcap"), code=2)
    equal(e2e.messages(replayed.stderr), lines, "lines of replay")


def test_a_good_file_has_no_errors(work):
    (work / "good.yaml").write_text(GOOD)
    equal(e2e.one_document(e2e.sluice(work, "check", work / "good.yaml", "--json").stdout), {"errors": []}, "errors")


def test_the_examples_are_good(work):
    examples = sorted((e2e.ROOT / "sfc" / "examples").glob("*.yaml"))
    e2e.check(examples, "there are no examples")
    for example in examples:
        e2e.sluice(work, "check", example)


def test_the_example_of_the_readme_works(work):
    text = (e2e.ROOT / "README.md").read_text()
    (work / "chain.yaml").write_text(text.split("```yaml\n", 1)[1].split("```", 1)[0])
    e2e.sluice(work, "check", work / "chain.yaml")
    report = e2e.replay(work, work / "chain.yaml", "--in", f"lan={PCAPS}/mixed.pcap", "--out", f"wan={work}/out.pcap")
    e2e.check(e2e.drops(report).get("sf-consumed", 0) > 0, f"nothing was denied: {report['ledger']}")


def test_the_least_memory_of_the_model_is_enough(work):
    (work / "small.yaml").write_text(changed("memory: 256", "memory: 96"))
    e2e.replay(work, work / "small.yaml", "--in", f"lan={PCAPS}/mixed.pcap")


def test_text_that_is_no_yaml(work):
    refuse(work, "sfc:\n  node: [\n", "not YAML")
    refuse(work, "sfc: { node: [ } ]\n", "not YAML")
    refuse(work, "", "")
    refuse(work, "just words\n", "must be a mapping")


def test_aliases_anchors_and_merge_keys(work):
    refuse(work, changed("name: edge\n", "name: &edge @@edge\n"), "anchors are not accepted")
    refuse(work, changed("node: edge,", "node: *@@edge,"), "alias")
    refuse(work, changed("    - name: edge\n", "    - @@<<: { name: edge }\n"), "merge keys are not accepted")
    refuse(work, changed("spi: 100", "spi: !!int @@100"), "tags are not accepted")


def test_aliases_that_would_grow_without_bound(work):
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    refuse(work, "\n".join(levels) + "\n", "")


def test_a_key_twice(work):
    refuse(work, changed("spi: 100,", "spi: 100, @@spi: 101,"), "duplicate 'spi'")


def test_an_unknown_leaf(work):
    refuse(work, changed("role: access, peer: wan", "role: access, @@colour: red, peer: wan"), "unknown leaf 'colour'")


def test_a_path_of_a_function_that_is_not_there(work):
    refuse(work, changed("hops: [fw]", "hops: [fw, @@nat]"), "no function 'nat'")


def test_an_spi_twice(work):
    again = GOOD.replace("  rule:\n", "    - { name: mail, spi: @@100, hops: [fw], egress: wan }\n  rule:\n")
    refuse(work, again, "already the spi of path 'web'")


def test_more_hops_than_a_service_index_counts(work):
    refuse(work, changed("hops: [fw]", f"hops: [{', '.join(['fw'] * 256)}]"), "")


def test_255_hops_are_good(work):
    (work / "long.yaml").write_text(changed("hops: [fw]", f"hops: [{', '.join(['fw'] * 255)}]"))
    e2e.sluice(work, "check", work / "long.yaml")


def test_a_value_out_of_range(work):
    refuse(work, changed("spi: 100", "spi: @@16777216"), "1 to 16777215")
    refuse(work, changed("memory: 256", "memory: @@many"), "number")


def test_all_errors_at_once(work):
    path = work / "bad.yaml"
    path.write_text(changed("spi: 100", "spi: 0").replace("egress: wan", "egress: wann").replace("path: web", "path: wob"))
    done = e2e.sluice(work, "check", path, "--json", code=2)
    equal(len(e2e.one_document(done.stdout)["errors"]), 3, "errors")


def test_deep_nesting(work):
    refuse(work, "sfc: " + "[" * 100000 + "\n", "")
    refuse(work, "sfc: " + "{a: " * 100000 + "\n", "")


def test_a_huge_file(work):
    path = work / "huge.yaml"
    with open(path, "wb") as file:
        file.write(GOOD.encode())
        line = b"# " + b"x" * 1021 + b"\n"
        for _ in range(HUGE // len(line) + 1):
            file.write(line)
    # Sanitizers reserve terabytes of address space.
    limit = None if e2e.SANITIZED else lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    done = e2e.sluice(work, "check", path, code=2, timeout=20, preexec_fn=limit)
    equal(len(e2e.messages(done.stderr)), 1, "lines")


def test_a_binary_file(work):
    path = work / "binary.yaml"
    path.write_bytes(bytes(range(256)) * 16)
    e2e.check(e2e.sluice(work, "check", path, code=2).stderr, "no message")


def test_arguments_the_image_refuses(work):
    bad = changed("image: firewall", 'image: firewall, args: ["deny everything"]')
    (work / "bad.yaml").write_text(bad)
    done = e2e.run(work, e2e.replay_words(work / "bad.yaml", "--in", f"lan={PCAPS}/dns.pcap"), code=2)
    e2e.check("fw-1" in done.stderr and "deny everything" in done.stderr, f"message: {done.stderr!r}")
    equal(len(e2e.messages(done.stderr)), 1, f"lines of {done.stderr!r}")


e2e.main()
