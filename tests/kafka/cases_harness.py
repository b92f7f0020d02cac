"""The harness's own tests, and a short chaos: without a cluster of the scenarios."""
import pathlib
import random
import subprocess
import sys

import chaos
import checker
from harness import scenario


def unit_tests(bench, name):
    file = pathlib.Path(__file__).parent / name
    result = subprocess.run([sys.executable, file], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert result.returncode == 0, result.stdout
    bench.fact(", ".join(line for line in result.stdout.splitlines() if " passed" in line))


@scenario("0 the checker finds what is planted", None)
def planted(bench, _):
    unit_tests(bench, "test_checker.py")


@scenario("0 the proxy's faults do what they say", None)
def proxy(bench, _):
    unit_tests(bench, "test_proxy.py")


@scenario("9 a minute of chaos", None)
def minute_of_chaos(bench, _):
    settings = chaos.parse(["--minutes", "1", "--seed", str(random.randrange(1 << 31)), "--client", bench.client.name])
    print(chaos.replay(settings), flush=True)
    done, senders, wrong = chaos.run(settings)
    assert not wrong, "\n" + "\n".join(checker.summarize(wrong))
    bench.fact(chaos.summary(settings, done, senders, wrong))
