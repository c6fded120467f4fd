#!/usr/bin/python3
"""Rules of the comparison (bench/stats.py, bench/compare) against machines made of numbers."""

import pathlib
import random
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench"))
import bench
import stats

compare = bench.load_compare()


def noisy_quads(ratio, noise, seed, n=10):
    """Quads whose head costs `ratio` times the base; a process is off by up to `noise`, a run by a third of it."""
    draw = random.Random(seed)
    quads = []
    for _ in range(n):
        a, b = (1 + draw.uniform(-noise, noise) for _ in "AB")
        run = [1 + draw.uniform(-noise, noise) / 3 for _ in range(4)]
        quads.append([100 * a * run[0], 100 * ratio * b * run[1], 100 * ratio * b * run[2], 100 * a * run[3]])
    return quads


class Interval(unittest.TestCase):
    def test_same_costs_give_one(self):
        self.assertEqual(stats.interval([[10, 10, 10, 10]] * 10), (1, 1, 1))

    def test_the_interval_holds_the_median(self):
        middle, low, high = stats.interval(noisy_quads(1.0, 0.05, 1))
        self.assertTrue(low <= middle <= high)

    def test_more_noise_gives_a_wider_interval(self):
        _, low, high = stats.interval(noisy_quads(1.0, 0.01, 2))
        _, wide_low, wide_high = stats.interval(noisy_quads(1.0, 0.10, 2))
        self.assertLess(high - low, wide_high - wide_low)

    def test_drift_between_runs_of_a_quad_cancels(self):
        """A B B A: a machine that gets slower all the time favours nobody."""
        quads = [[100 + t, 101 + t, 102 + t, 103 + t] for t in range(0, 40, 4)]
        middle, _, _ = stats.interval(quads)
        self.assertAlmostEqual(middle, 1.0, places=3)


class Verdict(unittest.TestCase):
    def test_slower_needs_the_whole_interval_above(self):
        self.assertEqual(stats.verdict(1.031, 1.06), "slower")
        self.assertEqual(stats.verdict(1.029, 1.06), "ok")

    def test_faster_needs_the_whole_interval_below(self):
        self.assertEqual(stats.verdict(0.90, 0.97), "faster")
        self.assertEqual(stats.verdict(0.90, 0.98), "ok")

    def test_five_percent_is_found_under_noise_and_nothing_where_nothing_is(self):
        for seed in range(100):
            _, low, high = stats.interval(noisy_quads(1.05, 0.01, seed), seed)
            self.assertEqual(stats.verdict(low, high), "slower", seed)
            _, low, high = stats.interval(noisy_quads(1.0, 0.03, seed), seed)
            self.assertEqual(stats.verdict(low, high), "ok", seed)


class Void(unittest.TestCase):
    still = {"core_tsc": 1.4, "random_1m_tc": 15.0}

    def test_a_machine_that_holds_still_is_no_drift(self):
        self.assertFalse(stats.drifted(self.still, {"core_tsc": 1.46, "random_1m_tc": 14.5}))

    def test_another_clock_or_another_cache_is_drift(self):
        self.assertTrue(stats.drifted(self.still, {"core_tsc": 1.3, "random_1m_tc": 15.0}))
        self.assertTrue(stats.drifted(self.still, {"core_tsc": 1.4, "random_1m_tc": 16.0}))

    def test_more_than_thirty_percent_preempted_is_void(self):
        self.assertFalse(stats.preempted([{"preempted": 0.30}]))
        self.assertTrue(stats.preempted([{"preempted": 0.0}, {"preempted": 0.31}]))


class FakeServer:
    """A bench program: its costs come from a list, its calibrations too, the last one for ever."""

    made = 0

    def __init__(self, p10, preempted=(0.0,), core=(1.4,)):
        self.p10, self.preempted, self.core = list(p10), list(preempted), list(core)

    def take(self, values):
        return values.pop(0) if len(values) > 1 else values[0]

    def calibrate(self):
        return {"core_tsc": self.take(self.core), "random_1m_tc": 15.0}

    def run(self, case):
        return {"case": case, "p10": self.take(self.p10), "preempted": self.take(self.preempted)}

    def close(self):
        pass


class Judge(unittest.TestCase):
    row = bench.rows.Row("stage_cost", "case", "a case", 30, 45)

    def judge(self, server):
        made = []

        def new_server(*_):
            made.append(server)
            return server

        harness = bench.Bench(pathlib.Path("/nowhere"), bench.QUICK, {}, new_server)
        result, verdict = harness.judge(self.row)
        self.processes = len(made)
        return result, verdict

    def test_within_target_and_within_gate(self):
        self.assertEqual(self.judge(FakeServer([29.0]))[1], "ok")
        self.assertEqual(self.judge(FakeServer([40.0]))[1], "over")

    def test_over_the_gate_once_is_measured_again_by_a_new_process(self):
        result, verdict = self.judge(FakeServer([60.0, 40.0]))
        self.assertEqual((result["p10"], verdict, self.processes), (40.0, "over", 2))

    def test_over_the_gate_twice_fails(self):
        self.assertEqual(self.judge(FakeServer([60.0, 61.0]))[1], "OVER")

    def test_a_preempted_run_is_repeated(self):
        result, verdict = self.judge(FakeServer([99.0, 25.0], preempted=[0.5, 0.0]))
        self.assertEqual((result["p10"], verdict), (25.0, "ok"))

    def test_void_after_three_repeats_and_never_a_pass(self):
        server = FakeServer([1.0, 2.0, 3.0, 4.0, 5.0], preempted=[0.5])
        self.assertEqual(self.judge(server), (None, "void"))
        self.assertEqual(server.p10, [5.0])

    def test_drift_is_void_too(self):
        self.assertEqual(self.judge(FakeServer([1.0], core=[1.4, 1.2] * 20))[1], "void")


class Compare(unittest.TestCase):
    def compare(self, base, head, options):
        parsed = compare.parse(options)
        comparison = compare.Comparison("base", "head", parsed)
        made = []

        def new_server(program, *_):
            made.append(program)
            return base() if program == "base" else head()

        before, compare.serve.Server = compare.serve.Server, new_server
        try:
            quads = comparison.run(["case"])["case"]
        finally:
            compare.serve.Server = before
        self.processes = made
        return compare.summarise("case", quads, parsed.quads)

    def test_a_slower_head_is_slower(self):
        row = self.compare(lambda: FakeServer([100.0]), lambda: FakeServer([106.0]), ["--quads", "10"])
        self.assertEqual((row["verdict"], row["ratio"], row["pairs"]), ("slower", 1.06, 20))

    def test_base_and_head_take_turns_in_coming_first(self):
        self.compare(lambda: FakeServer([100.0]), lambda: FakeServer([100.0]), ["--quads", "4"])
        self.assertEqual(self.processes, ["base", "head", "head", "base"] * 2)

    def test_a_restless_machine_gives_void_after_three_repeats(self):
        row = self.compare(
            lambda: FakeServer([100.0], preempted=[0.9]), lambda: FakeServer([50.0]), ["--quads", "2"]
        )
        self.assertEqual((row["verdict"], row["ratio"]), ("void", None))
        self.assertEqual(len(self.processes), 2 * 2 * 4)


class Table(unittest.TestCase):
    env = {"tsc_hz": 2300000000}
    result = {"cfg": {"frame": 138, "ws": "L2"}, "env": env, "lo": 1.0, "p10": 23.0, "med": 24.0, "p90": 25.0}

    def test_a_row_says_what_was_measured_and_what_it_may_cost(self):
        row = bench.rows.Row("stage_cost", "case", "a case", 30, 45)
        text = bench.line(row, self.result, "ok", 535.4)
        self.assertEqual(text.split(), "a case 138 L2 1.0 23.0 24.0 25.0 535 100.0 30 45 ok".split())
        self.assertLessEqual(len(text), 110)

    def test_void_and_missing_values_are_dashes(self):
        row = bench.rows.Row("e2e", "case", "a case", 260, None)
        self.assertEqual(bench.line(row, None, "void", None).split(), "a case - - - - - - - - 260 - void".split())

    def test_every_row_has_its_gate_above_its_target(self):
        for row in bench.rows.ROWS:
            self.assertTrue(row.gate is None or row.gate > row.target, row)


if __name__ == "__main__":
    unittest.main()
