"""The embedded broker and Kafka are asked the same; what they answer is compared."""
import subprocess

import clients
from harness import SINGLE, scenario

LIMIT = 180                                         # seconds
OLD = ["--only", "sequences", "--except", "anew", "--before-kip-360"]


def compare(bench, cluster, options):
    port = cluster.bootstrap.rsplit(":", 1)[1]
    told = subprocess.run([*clients.Kurier().command("broker_parity"), port, *options], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=LIMIT)
    lines = told.stdout.strip().splitlines() or ["it says nothing"]
    assert told.returncode == 0, "\n".join(lines)
    compared, different = (int(word) for word in lines[-1].split() if word.isdigit())
    assert compared > 50 and different == 0, lines[-1]
    bench.fact(lines[-1])


@scenario("10 the embedded broker answers as Kafka does", SINGLE)
def newest(bench, cluster):
    compare(bench, cluster, [])


@scenario("10 the embedded broker answers as Kafka did before 2.5", "2.1.1")
def before_kip_360(bench, cluster):
    compare(bench, cluster, OLD)
