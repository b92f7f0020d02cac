#!/usr/bin/env python3
"""kurier against real Apache Kafka, read back by Kafka's own consumer.

    tests/kafka/scenarios.py [--client kurier|java] [--basics] [--list] [--times N] [WORD...]

runs the scenarios with these numbers or words in their names (or all; --basics: those of cases_basic.py), prints a line
for each and a count at the end. One that fails runs once more at the end, alone with a cluster of its own: if it passes then,
it is reported as unsteady and counted so, and the run doesn't fail for it. An unsteady scenario is a defect to be mended.
What can't run is skipped, by name and reason; with KURIER_NO_SKIP=1 that fails. clients.py says which programs are run, and
what they print; `--client java` puts Kafka's own producer in their place.
"""
import argparse
import contextlib
import fcntl
import os
import signal
import sys
import time
import traceback

import cases_basic                                  # noqa: F401 (they register scenarios)
import cases_topics                                 # noqa: F401
import cases_harness                                # noqa: F401
import cases_cluster                                # noqa: F401
import cases_codecs                                 # noqa: F401
import cases_parity                                 # noqa: F401
import cases_secure                                 # noqa: F401
import cases_versions                               # noqa: F401
import clients
import harness
import jars
from jars import Unavailable


def wanted(scenario, words):
    number, text = scenario.name.split(" ", 1)
    return not words or any(word == number if word.isdigit() else word in text for word in words)


def chosen(words, basics):
    """Those of one cluster follow each other."""
    order = [None, *harness.CLUSTERS, *jars.VERSIONS]
    found = [scenario for scenario in harness.scenarios if wanted(scenario, words)
             and (not basics or scenario.function.__module__ == cases_basic.__name__)]
    return sorted(found, key=lambda scenario: (order.index(scenario.cluster), scenario.name))


def run(scenario, bench):
    """"passed", "failed" or "skipped"."""
    begin = time.monotonic()
    bench.facts = []
    try:
        scenario.function(bench, bench.cluster(scenario.cluster))
        verdict, text = "passed", "; ".join(bench.facts)
    except Unavailable as reason:
        print(f"skipped: {scenario.name}: {reason}", flush=True)
        return "skipped"
    except Exception as error:
        verdict, text = "failed", f"{type(error).__name__}: {error}"
        if not isinstance(error, AssertionError):
            text += "\n" + traceback.format_exc()
        bench.discard()                             # whatever state it is in
    print(f"{verdict}: {scenario.name} ({time.monotonic() - begin:.1f} s) {text}", flush=True)
    return verdict


@contextlib.contextmanager
def machine_alone():
    """The other lane of tests/run, if there is one, waits between two of its steps (tests/support/steps.sh)."""
    lock = os.environ.get("KURIER_MACHINE_LOCK")
    if lock is None:
        yield
        return
    fcntl.flock(int(lock), fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(int(lock), fcntl.LOCK_SH)


def run_all(scenarios, bench):
    """How many passed, failed, were skipped, and were unsteady: failed among the others, but not alone."""
    counts = {"passed": 0, "failed": 0, "skipped": 0, "unsteady": 0}
    again = []
    for scenario in scenarios:
        verdict = run(scenario, bench)
        if verdict == "failed":
            again.append(scenario)
        else:
            counts[verdict] += 1
    for scenario in again:
        bench.discard()
        with machine_alone():
            print(f"once more, alone: {scenario.name}", flush=True)
            verdict = run(scenario, bench)
        if verdict == "passed":
            verdict = "unsteady"
            print(f"unsteady: {scenario.name}: failed among the others, passed alone", flush=True)
        counts[verdict] += 1
    return counts


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*", metavar="WORD")
    parser.add_argument("--client", choices=["kurier", "java"], default="kurier")
    parser.add_argument("--basics", action="store_true", help="only those of cases_basic.py")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--times", type=int, default=1, help="run everything so often")
    parser.add_argument("--records", type=int, default=1_000_000, help="of the scenarios with a million")
    options = parser.parse_args()
    if options.list:
        for scenario in chosen(options.words, options.basics):
            print(f"{scenario.name:90} {scenario.cluster or ''}")
        return 0
    client = clients.Java() if options.client == "java" else clients.Kurier()
    with harness.Bench(client, options.records) as bench:
        counts = run_all(chosen(options.words, options.basics) * options.times, bench)
    print("{passed} passed, {failed} failed, {skipped} skipped, {unsteady} unsteady".format(**counts))
    no_skip = os.environ.get("KURIER_NO_SKIP", "0") not in ("", "0")
    return int(counts["failed"] > 0 or (no_skip and counts["skipped"] > 0) or counts["passed"] + counts["skipped"] + counts["unsteady"] == 0)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(main())
