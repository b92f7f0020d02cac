"""The harness's own tests, and a short chaos: without a cluster of the scenarios."""
import pathlib
import subprocess
import sys

from harness import scenario
from jars import Unavailable

SKIPPED = 77                                        # the status of a program that can't run here


def unit_tests(bench, name):
    file = pathlib.Path(__file__).parent / name
    result = subprocess.run([sys.executable, file], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert result.returncode == 0, result.stdout
    for line in result.stdout.splitlines():
        if line.startswith("skipped:"):
            raise Unavailable(line)
    bench.fact(", ".join(line for line in result.stdout.splitlines() if " passed" in line))


@scenario("0 the checker finds what is planted", None)
def planted(bench, _):
    unit_tests(bench, "test_checker.py")


@scenario("0 the proxy's faults do what they say", None)
def proxy(bench, _):
    unit_tests(bench, "test_proxy.py")


@scenario("0 the parts of chaos", None)
def parts_of_chaos(bench, _):
    unit_tests(bench, "test_chaos.py")


@scenario("0 a network and disks that fail", None)
def faulty_machine(bench, _):
    unit_tests(bench, "test_network.py")


@scenario("9 a minute of chaos", None)
def minute_of_chaos(bench, _):
    """By itself, for it goes into namespaces of its own."""
    file = pathlib.Path(__file__).parent / "chaos.py"
    result = subprocess.run([sys.executable, file, "--minutes", "1", "--client", bench.client.name],
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    print(result.stdout, flush=True)
    last = result.stdout.rstrip().split("\n")[-1]
    if result.returncode == SKIPPED:
        raise Unavailable(last)
    assert result.returncode == 0, last
    bench.fact(last)
