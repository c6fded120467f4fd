#!/usr/bin/python3
"""Every kind of point that bench/scaling measures, at its edges, and the drawing of what it says.

  tests/bench/test_scaling.py BUILD
"""

import json
import os
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench"))
import scaling

PROGRAM = pathlib.Path(sys.argv.pop(1)).resolve() / "bench" / "scaling" if len(sys.argv) > 1 else None


class Points(unittest.TestCase):
    """A frame that is not forwarded ends the program: each run is a test of the frames, too."""

    def measure(self, *words, code=0):
        done = subprocess.run([PROGRAM, *words, "--windows", "10"], text=True, capture_output=True, check=False)
        self.assertEqual(done.returncode, code, f"{words}: {done.stdout}{done.stderr}")
        return json.loads(done.stdout) if code == 0 else done.stderr

    def test_each_thing_at_its_edges(self):
        for words in (
            ["forward", "--paths", "1000", "--burst", "1"],
            ["forward", "--frame", "9000", "--burst", "64"],
            ["forward", "--tlvs", "0"],
            ["forward", "--tlvs", "4", "--frame", "imix"],
            ["classify", "--flows", "5000", "--zipf", "--rules", "100"],
            ["match", "--rules", "100"],
            ["copy-in", "--frame", "9000"],
            ["copy-in", "--frame", "imix"],
            ["copy-out", "--frame", "9000"],
            ["copy-out", "--frame", "imix"],
        ):
            with self.subTest(words=words):
                point = self.measure(*words)
                self.assertEqual(point["what"], words[0])
                self.assertTrue(0 < point["lo"] <= point["p10"] <= point["med"] <= point["p90"], point)

    def test_workers_have_a_cpu_each(self):
        self.assertEqual(self.measure("workers", "--workers", "1")["workers"], 1)
        if os.cpu_count() < 8:
            self.assertIn("want a CPU each", self.measure("workers", "--workers", "8", code=4))

    def test_wrong_words_are_usage_errors(self):
        for words in (
            ["fly"],
            ["forward", "--paths", "0"],
            ["forward", "--paths", "16385"],
            ["forward", "--frame", "63"],
            ["forward", "--tlvs", "5"],
            ["forward", "--burst", "65"],
        ):
            self.assertIn("usage:", self.measure(*words, code=1))


class Drawing(unittest.TestCase):
    def test_every_axis_has_points_and_a_drawing(self):
        for axis in scaling.DRAWINGS:
            self.assertTrue(axis == "chain" or scaling.points(axis), axis)

    def test_the_mix_stands_at_its_mean(self):
        self.assertEqual(scaling.place("imix"), 354)
        self.assertEqual(scaling.place(64), 64)

    def test_what_shows_nothing_is_left_out(self):
        text = (
            "<svg>\n  <defs>\n<path id='gpPt0' d='M1'/>\n<circle id='gpPt5' r='1'/>\n"
            "<filter id='greybox'>\n<feFlood/>\n</filter></defs>\n<g a='1'>\n  <g>\n</g></g>\n"
            "<use xlink:href='#gpPt5'/>\n</svg>\n"
        )
        small = scaling.shrink(text)
        self.assertNotIn("gpPt0", small)
        self.assertNotIn("filter", small)
        self.assertNotIn("<g", small)
        self.assertIn("<circle id='gpPt5' r='1'/>", small)
        self.assertIn("#gpPt5", small)


if __name__ == "__main__":
    unittest.main()
