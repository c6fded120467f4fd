#!/usr/bin/python3
"""Rules of the instruction gate (bench/ir.py)."""

import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench"))
import ir


class Compare(unittest.TestCase):
    def verdict(self, floor, now):
        return ir.compare({"case": floor}, {"case": now})[0][3]

    def test_two_percent_more_passes_and_beyond_fails(self):
        self.assertEqual(self.verdict(500.0, 510.0), "ok")
        self.assertEqual(self.verdict(500.0, 510.1), "MORE")

    def test_one_instruction_more_passes_where_that_is_more_than_two_percent(self):
        self.assertEqual(self.verdict(20.0, 21.0), "ok")
        self.assertEqual(self.verdict(20.0, 21.1), "MORE")
        self.assertEqual(self.verdict(27.85, 28.853), "ok")  # both are kept to two places

    def test_fewer_is_said_but_passes(self):
        self.assertEqual(self.verdict(500.0, 480.0), "less")

    def test_cases_that_came_or_went_are_named(self):
        rows = ir.compare({"old": 1.0}, {"fresh": 2.0})
        self.assertEqual([(row[0], row[3]) for row in rows], [("fresh", "new"), ("old", "gone")])


class Files(unittest.TestCase):
    def test_floor_survives_writing_and_reading(self):
        counts = {"sff_fwd": 535.37, "ring": 10.48}
        self.assertEqual(ir.parse_floor(ir.format_floor("GNU 12.2.0", counts)), ("GNU 12.2.0", counts))

    def test_the_floor_of_this_tree_can_be_read(self):
        compiler, counts = ir.parse_floor(ir.FLOOR.read_text())
        self.assertTrue(compiler.startswith("GNU "))
        self.assertIn("sff_fwd", counts)

    def test_ir_is_the_difference_of_two_runs(self):
        with tempfile.TemporaryDirectory() as folder:
            says = [("warm", 256), ("a", 100), ("a", 200), ("warm", 256), ("b", 100), ("b", 200)]
            for number, total in enumerate([7777, 1500, 2500, 8888, 40, 80], 1):
                (pathlib.Path(folder) / f"out.{number}").write_text(f"events: Ir\nsummary: {total}\ntotals: {total}\n")
            self.assertEqual(ir.read_dumps(folder, says), {"a": 10.0, "b": 0.4})

    def test_raised_floors_are_those_that_went_up(self):
        self.assertEqual(ir.raised({"a": 1.0, "b": 2.0, "c": 3.0}, {"a": 1.5, "b": 2.0, "c": 1.0, "d": 9.0}), ["a"])


if __name__ == "__main__":
    unittest.main()
