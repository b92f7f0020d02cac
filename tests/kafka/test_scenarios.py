#!/usr/bin/env python3
"""What becomes of a scenario that fails: once more, alone, and then it is failed or unsteady, never forgotten."""
import contextlib
import io
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import scenarios
from harness import Scenario
from jars import Unavailable


class Bench:
    """Has no cluster; notes when it was thrown away."""

    def __init__(self):
        self.facts, self.discarded = [], 0

    def cluster(self, _):
        return None

    def discard(self):
        self.discarded += 1


def failing(times):
    """A scenario that fails so often, and then passes."""
    left = [times]

    def function(_bench, _cluster):
        left[0] -= 1
        assert left[0] < 0, "this time"
    return Scenario(f"1 fails {times} times", None, function)


def unavailable(_bench, _cluster):
    raise Unavailable("no disk")


class RunAll(unittest.TestCase):
    def run_all(self, *given):
        self.bench, output = Bench(), io.StringIO()
        with contextlib.redirect_stdout(output):
            counts = scenarios.run_all(given, self.bench)
        return counts, output.getvalue()

    def test_one_that_fails_once_is_unsteady_and_named(self):
        counts, output = self.run_all(failing(0), failing(1))
        self.assertEqual(counts, {"passed": 1, "failed": 0, "skipped": 0, "unsteady": 1})
        self.assertIn("failed: 1 fails 1 times", output)
        self.assertIn("unsteady: 1 fails 1 times", output)

    def test_one_that_fails_again_has_failed(self):
        counts, output = self.run_all(failing(2), failing(0))
        self.assertEqual(counts, {"passed": 1, "failed": 1, "skipped": 0, "unsteady": 0})
        self.assertNotIn("unsteady", output)

    def test_it_runs_again_after_the_others_with_a_cluster_of_its_own(self):
        _, output = self.run_all(failing(1), failing(0))
        self.assertLess(output.index("passed: 1 fails 0 times"), output.index("once more, alone: 1 fails 1 times"))
        self.assertEqual(self.bench.discarded, 2)  # when it failed, and before it ran again

    def test_what_cannot_run_is_skipped_not_tried_again(self):
        counts, output = self.run_all(Scenario("1 no disk", None, unavailable))
        self.assertEqual(counts, {"passed": 0, "failed": 0, "skipped": 1, "unsteady": 0})
        self.assertIn("skipped: 1 no disk: no disk", output)


if __name__ == "__main__":
    result = unittest.TextTestRunner(stream=sys.stdout).run(unittest.defaultTestLoader.loadTestsFromModule(sys.modules[__name__]))
    bad = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - bad} passed, {bad} failed")
    sys.exit(bool(bad))
