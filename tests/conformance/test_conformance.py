#!/usr/bin/python3
"""What conformance.py takes from a run, and what it refuses."""

import os
import pathlib
import tempfile
import unittest

import conformance

LIST = """# A comment.
== First
N1 | RFC 1 | Do this
   and that.
N2 | RFC 2 | Do more.
"""


def report(*cases):
    """A JUnit report of (program, output) in a file that is gone after the test."""
    text = "".join(f'<testcase name="{name}"><system-out>{output}</system-out></testcase>' for name, output in cases)
    fd, path = tempfile.mkstemp(suffix=".xml")
    with os.fdopen(fd, "w") as file:
        file.write(f"<testsuite>{text}</testsuite>")
    return path


class Conformance(unittest.TestCase):
    def results(self, *cases):
        path = report(*cases)
        self.addCleanup(pathlib.Path(path).unlink)
        return conformance.read_results(path)

    def wrong(self, results):
        return list(conformance.complaints(conformance.read_list(LIST), results))

    def test_a_list_has_groups_of_requirements(self):
        (group,) = conformance.read_list(LIST)
        self.assertEqual(group.title, "First")
        self.assertEqual(group.requirements[0], ["N1", "RFC 1", "Do this and that."])
        with self.assertRaises(SystemExit):
            conformance.read_list("N1 | no group | here\n")
        with self.assertRaises(SystemExit):
            conformance.read_list("== First\nN1 | no demand\n")

    def test_only_tests_that_ended_count(self):
        found = self.results(
            ("a/b", "[ RUN      ] n1_begun\n[ RUN      ] n1_n2_ended\n[       OK ] n1_n2_ended\n[       OK ] other")
        )
        self.assertEqual(found, {"N1": [("a/b", "n1_n2_ended", "pass")], "N2": [("a/b", "n1_n2_ended", "pass")]})
        self.assertEqual(self.wrong(found), [])

    def test_names_that_only_look_like_ids_do_not_count(self):
        found = self.results(("a", "[       OK ] rfc1071_sum\n[       OK ] n1x_a\n[  PASSED  ] 2 test(s)."))
        self.assertEqual(found, {})

    def test_a_requirement_without_a_test_that_passed_is_wrong(self):
        ok = "[       OK ] n1_a\n"
        self.assertEqual(self.wrong(self.results(("a", ok))), ["N2: no test that passed"])
        self.assertEqual(
            self.wrong(self.results(("a", ok + "[  SKIPPED ] n2_a"))), ["N2: no test that passed"]
        )

    def test_a_failure_is_wrong_whatever_else_passed(self):
        found = self.results(("a", "[       OK ] n1_n2_a\n[  FAILED  ] n2_b\n[  FAILED  ] 1 test(s), listed below:"))
        self.assertEqual(self.wrong(found), ["N2: a: n2_b failed"])

    def test_an_id_that_is_not_in_the_list_is_wrong(self):
        found = self.results(("a", "[       OK ] n1_n2_a\n[       OK ] n3_b"))
        self.assertEqual(len(self.wrong(found)), 1)
        self.assertIn("N3", self.wrong(found)[0])

    def test_the_page_is_sorted_and_says_what_is_missing(self):
        groups = conformance.read_list(LIST)
        one = self.results(("b", "[       OK ] n1_b"), ("a", "[       OK ] n1_z"))
        two = self.results(("a", "[       OK ] n1_z"), ("b", "[       OK ] n1_b"))
        page = conformance.make_page(groups, one)
        self.assertEqual(page, conformance.make_page(groups, two))
        self.assertIn("| N1 | Do this and that. (RFC 1) | a: z | pass |\n|  |  | b: b | pass |", page)
        self.assertIn("| N2 | Do more. (RFC 2) | no test | none |", page)


if __name__ == "__main__":
    unittest.main()
