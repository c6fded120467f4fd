"""Statistics and verdicts of the benches: performance.md, 4 and 6. No input, no output."""

import random
import statistics

# A change counts when its whole interval lies beyond this ratio, either way.
SLOWER = 1.03
FASTER = 1 / 1.03
# A run in which more windows than this were preempted says nothing.
VOID_PREEMPTED = 0.30
# Nor does one in which the machine changed by more than this between A and B.
VOID_DRIFT = 0.05
RESAMPLES = 2000
CONFIDENCE = 0.95


def pairs(quads):
    """Ratios head to base of quads (A, B, B, A) of p10: two of each."""
    return [[b1 / a1, b2 / a2] for a1, b1, b2, a2 in quads]


def interval(quads, seed=1):
    """(median ratio, low, high). Pairs of one quad share their processes, so whole quads are drawn."""
    ratios = pairs(quads)
    draw = random.Random(seed)
    medians = sorted(
        statistics.median(ratio for quad in draw.choices(ratios, k=len(ratios)) for ratio in quad)
        for _ in range(RESAMPLES)
    )
    tail = int(RESAMPLES * (1 - CONFIDENCE) / 2)
    middle = statistics.median(ratio for quad in ratios for ratio in quad)
    return middle, medians[tail], medians[-1 - tail]


def verdict(low, high):
    if low > SLOWER:
        return "slower"
    if high < FASTER:
        return "faster"
    return "ok"


def drifted(before, after):
    """Did the machine change between two calibrations?"""
    return any(abs(after[key] / before[key] - 1) > VOID_DRIFT for key in ("core_tsc", "random_1m_tc"))


def preempted(results):
    return any(result["preempted"] > VOID_PREEMPTED for result in results)
