#!/usr/bin/env python3
"""tests/support/steps.sh, with steps that are made up: what is counted, what fails, what runs beside what."""
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

STEPS = pathlib.Path(__file__).resolve().parent / "steps.sh"

RUN = """# Made-up steps:
#   usage
set -euo pipefail
cd "$(dirname "$0")/.."
source {steps}
install_packages() {{ :; }}
packages() {{ :; }}
until_exists() {{ local i; for ((i = 0; i < 600; ++i)); do [[ ! -e $1 ]] || return 0; sleep 0.05; done; echo "no $1"; return 1; }}
{functions}
steps()
{{
{table}
}}
main "$@"; exit
"""


class Steps(unittest.TestCase):
    def write(self, **steps):
        """By name: (tier, lane, body)."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        (self.folder / "tests").mkdir()
        functions = "\n".join(f"step_{name}() {{ {body}\n}}" for name, (_, _, body) in steps.items())
        table = "\n".join(f'    step {name} {tier} {lane} tests "about {name}"' for name, (tier, lane, _) in steps.items())
        (self.folder / "tests/run").write_text(RUN.format(steps=STEPS, functions=functions, table=table))

    def start(self, *arguments, **environment):
        return subprocess.Popen(["bash", "tests/run", *arguments], cwd=self.folder, stdout=subprocess.PIPE, text=True,
                                stderr=subprocess.STDOUT, env={"PATH": "/usr/bin:/bin", **environment}, start_new_session=True)

    def run_them(self, *arguments, **environment):
        process = self.start(*arguments, **environment)
        output = process.communicate(timeout=60)[0]
        return process.returncode, output, output.splitlines()[-1]

    def test_counts_of_all_steps_are_in_the_last_line(self):
        self.write(a=("quick", "build", 'echo "3 passed, 0 failed"; echo "x: 2 passed, 0 failed, 1 skipped"'),
                   b=("quick", "wait", 'echo "[doctest] test cases: 7 | 7 passed | 0 failed | 0 skipped"'),
                   c=("quick", "build", "true"))
        status, _, last = self.run_them()
        self.assertEqual((status, last), (0, "13 passed, 0 failed, 1 skipped"))

    def test_a_step_that_fails_is_shown_with_its_log_and_the_others_go_on(self):
        self.write(a=("quick", "build", "echo the reason; false; echo not reached"), b=("quick", "build", "true"))
        status, output, last = self.run_them()
        self.assertEqual((status, last), (1, "1 passed, 1 failed, 0 skipped"))
        self.assertIn("    | the reason", output)
        self.assertNotIn("    | not reached", output)
        self.assertIn("FAILED (exit status 1, build/tests/a.log)", output)

    def test_a_count_of_failures_fails_whatever_the_exit_status(self):
        self.write(a=("quick", "build", 'echo "3 passed, 2 failed"'))
        self.assertEqual(self.run_them()[::2], (1, "3 passed, 2 failed, 0 skipped"))

    def test_what_never_ends_is_stopped(self):
        self.write(a=("quick", "build", "sleep 100"))
        status, output, _ = self.run_them(KURIER_STEP_SECONDS="1")
        self.assertEqual(status, 1)
        self.assertIn("stopped after 1 s", output)

    def test_skipped_is_no_failure_unless_nothing_may_be_skipped(self):
        self.write(a=("quick", "build", "echo no Java; exit 77"))
        status, output, last = self.run_them()
        self.assertEqual((status, last), (0, "0 passed, 0 failed, 1 skipped"))
        self.assertIn("SKIPPED: no Java", output)
        self.assertEqual(self.run_them(KURIER_NO_SKIP="1")[::2], (1, "0 passed, 1 failed, 0 skipped"))

    def test_unsteady_is_named_and_counted_and_no_failure(self):
        self.write(a=("quick", "wait", 'echo "unsteady: 7 a thing"; echo "3 passed, 0 failed, 0 skipped, 1 unsteady"'))
        status, output, last = self.run_them()
        self.assertEqual((status, last), (0, "3 passed, 0 failed, 0 skipped, 1 unsteady"))
        self.assertIn("unsteady: 7 a thing", output)

    def test_tiers(self):
        self.write(a=("quick", "build", "true"), b=("commit", "build", "true"), c=("full", "build", "true"))
        for arguments, count in (("--quick",), 1), (("--commit",), 2), ((), 3), (("b", "--quick"), 1):
            self.assertEqual(self.run_them(*arguments)[2], f"{count} passed, 0 failed, 0 skipped")

    def test_an_unknown_step_or_option_runs_nothing(self):
        self.write(a=("quick", "build", "true"))
        for wrong in "b", "--fast":
            status, output, _ = self.run_them("a", wrong)
            self.assertEqual(status, 2)
            self.assertNotIn("about a", output)

    def test_list_shows_each_step(self):
        self.write(a=("quick", "build", "true"), b=("full", "wait:a", "true"))
        status, output, _ = self.run_them("--list")
        self.assertEqual(status, 0)
        self.assertRegex(output, r"a +quick +build +about a\nb +full +wait +about b\n")

    def test_the_two_lanes_run_side_by_side(self):
        self.write(a=("quick", "build", "touch a; until_exists b"), b=("quick", "wait", "touch b; until_exists a"))
        self.assertEqual(self.run_them()[2], "2 passed, 0 failed, 0 skipped")

    def test_a_step_that_needs_another_begins_after_it(self):
        self.write(a=("quick", "build", "sleep 0.3; touch a"), b=("quick", "wait:a", "[[ -e a ]]"))
        self.assertEqual(self.run_them()[2], "2 passed, 0 failed, 0 skipped")
        (self.folder / "a").unlink()
        self.assertEqual(self.run_them("b")[2], "0 passed, 1 failed, 0 skipped")  # not part of the run: it isn't waited for

    def test_nothing_runs_beside_a_step_that_must_be_alone(self):
        beside = "[[ ! -e alone ]]; sleep 0.2; [[ ! -e alone ]]"
        self.write(a=("quick", "alone", "touch alone; sleep 0.5; rm alone"), b=("quick", "build", "until_exists began; sleep 0.2"),
                   c=("quick", "wait", "touch began; " + beside), d=("quick", "wait", beside), e=("quick", "wait", beside))
        self.assertEqual(self.run_them()[2], "5 passed, 0 failed, 0 skipped")

    def test_a_step_can_have_the_machine_for_itself_for_a_while(self):
        take = 'flock -x "$KURIER_MACHINE_LOCK"; touch alone; sleep 0.5; rm alone; flock -s "$KURIER_MACHINE_LOCK"'
        self.write(a=("quick", "build", "until_exists began; sleep 0.2"), b=("quick", "wait", "touch began; " + take),
                   c=("quick", "build", "until_exists began; [[ ! -e alone ]]; sleep 0.3; [[ ! -e alone ]]"))
        self.assertEqual(self.run_them()[2], "3 passed, 0 failed, 0 skipped")

    def test_an_interrupt_ends_both_lanes(self):
        for number, send in (signal.SIGINT, os.killpg), (signal.SIGTERM, os.kill):  # Control-C goes to all of a group
            self.write(a=("quick", "build", "echo $BASHPID >a; sleep 77"), b=("quick", "wait", "echo $BASHPID >b; sleep 77"),
                       c=("quick", "build", "touch c"))
            process = self.start()
            began = time.monotonic()
            files = [self.folder / name for name in "ab"]
            while not all(file.exists() and file.read_text() for file in files) and time.monotonic() < began + 30:
                time.sleep(0.02)
            send(process.pid, number)
            output = process.communicate(timeout=30)[0]  # so long as a step lives, it holds the pipe
            self.assertEqual(process.returncode, 130)
            self.assertFalse((self.folder / "c").exists())
            self.assertNotRegex(output, r"passed")
            for file in files:
                self.assertFalse(pathlib.Path(f"/proc/{file.read_text().strip()}").exists())


if __name__ == "__main__":
    result = unittest.TextTestRunner(stream=sys.stdout).run(unittest.defaultTestLoader.loadTestsFromModule(sys.modules[__name__]))
    bad = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - bad} passed, {bad} failed")
    sys.exit(bool(bad))
