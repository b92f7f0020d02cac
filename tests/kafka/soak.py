#!/usr/bin/env python3
"""Hours at a steady rate against real Kafka, with a fault each minute: does the producer's memory grow, does it keep
descriptors, is every record in the log exactly once?

    tests/kafka/soak.py [--minutes 60] [--throughput 100000] [--seed N]

Every second the process of the producer is looked at. Faults: the connections are reset, answers stop for some seconds,
the broker is killed and started again. The last line has the figures; the exit status is 0 when the producer has no more
allocated, no more descriptors and not much more resident memory in the last quarter than in the second one, and the log
has as many records as were acknowledged, and all of them were."""
import argparse
import json
import os
import pathlib
import random
import statistics
import struct
import subprocess
import sys
import tempfile
import time

import jvm
import process
from cluster import Cluster
from jars import Unavailable
from proxy import Proxy

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "bench/driver"))
import build  # noqa: E402  pylint: disable=wrong-import-position
TOPIC = "soak"
PARTITIONS = 12
SETTINGS = {"delivery.timeout.ms": 600000, "request.timeout.ms": 5000, "reconnect.backoff.max.ms": 500, "linger.ms": 5,
            "buffer.memory": 1 << 22}                # a fault fills it, so the first quarter sees all that it ever takes
HEAP_GROWTH_KB = 64                                 # of the least in a minute: objects that are kept for the next outage
RESIDENT_GROWTH_KB = 1024                           # the allocator's own unrest
BROKER = {"log.retention.bytes": 1 << 26, "log.segment.bytes": 1 << 25, "log.retention.check.interval.ms": 10000,
          "log.segment.delete.delay.ms": 1000}      # or the disk is full before the hour is over


class Watch:
    """Samples of a process: (seconds, resident kB, open descriptors, allocated kB)."""

    def __init__(self, pid, heap):
        self.folder, self.heap, self.begin, self.samples = pathlib.Path(f"/proc/{pid}"), heap, time.monotonic(), []

    def look(self):
        try:
            status = (self.folder / "status").read_text(encoding="ascii")
            resident = int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])
            descriptors = sum(1 for _ in (self.folder / "fd").iterdir())
            allocated = struct.unpack("q", self.heap.read_bytes())[0] // 1024
        except (OSError, StopIteration, struct.error):  # it begins, or ended in between
            return
        self.samples.append((time.monotonic() - self.begin, resident, descriptors, allocated))

    def __str__(self):
        seconds, resident, descriptors, allocated = self.samples[-1]
        return (f"{seconds / 60:.0f} min: resident {resident} kB, descriptors {descriptors}, allocated {allocated} kB, "
                f"in the last minute at least {min(sample[3] for sample in self.samples[-60:])} kB")

    def growth(self, column, of=statistics.median):
        """From the second quarter to the last one, the first is a warm-up: the median of what `of` says of each minute."""
        minutes = [of(sample[column] for sample in self.samples[i:i + 60]) for i in range(0, len(self.samples), 60)]
        size = max(len(minutes) // 4, 1)
        return statistics.median(minutes[3 * size:4 * size]) - statistics.median(minutes[size:2 * size])


def counted_heap(folder):
    """What counts the bytes that a program has allocated, and where: for its environment, and the file."""
    library, heap = folder / "live_heap.so", folder / "live_heap"
    subprocess.run(["c++", "-std=c++20", "-O2", "-shared", "-fPIC", ROOT / "tests/support/live_heap.cpp", "-o", library], check=True)
    return {"LD_PRELOAD": str(library), "LIVE_HEAP": str(heap)}, heap


def reset(link, _node, _pick):
    link.reset()


def silence(link, _node, pick):
    link.down.hold()
    time.sleep(pick.uniform(1, 8))                  # also longer than request.timeout.ms
    link.heal()


def kill(_link, node, _pick):
    node.kill()
    node.start()


def watch(producer, heap, link, node, pick):
    """Until it ends: how often each fault was done, and the samples."""
    seen, faults = Watch(producer.pid, heap), dict.fromkeys((reset, silence, kill), 0)
    next_fault = time.monotonic() + 60
    while producer.poll() is None:
        seen.look()
        if time.monotonic() >= next_fault:
            print(seen, flush=True)
            fault = pick.choice(list(faults))
            fault(link, node, pick)
            faults[fault] += 1
            next_fault += 60
        time.sleep(1)
    return seen, {fault.__name__: count for fault, count in faults.items()}


def command(options, bootstrap):
    records = int(options.minutes * 60 * options.throughput)
    settings = sum((["--command-property", f"{key}={value}"] for key, value in SETTINGS.items()), [])
    return records, [build.producer_perf(), "--json", "--bootstrap-server", bootstrap, "--topic", TOPIC,
                     "--num-records", str(records), "--record-size", "100", "--throughput", str(options.throughput),
                     "--burst", "100", "--record-key-range", "10000", "--key-distribution", "random", *settings]


def run(options):
    with tempfile.TemporaryDirectory() as folder, Proxy() as proxy, \
            Cluster(properties=BROKER, advertise=proxy.advertise) as cluster:
        kafka = jvm.Kafka(cluster.direct)
        kafka.create_topic(TOPIC, partitions=PARTITIONS, replicas=1)
        for partition in range(PARTITIONS):
            kafka.wait_leader(TOPIC, partition)
        records, words = command(options, cluster.bootstrap)
        counting, heap = counted_heap(pathlib.Path(folder))
        producer = process.start(words, stdout=subprocess.PIPE, text=True, env=os.environ | counting)
        seen, faults = watch(producer, heap, proxy.links[1], cluster.node(1), random.Random(options.seed))
        told = json.loads(producer.stdout.read().splitlines()[-1])
        written = sum(kafka.end_offset(TOPIC, partition=partition) for partition in range(PARTITIONS))
    return report(options, records, seen, faults, told, written)


def report(options, records, seen, faults, told, written):
    wrong = []
    if told["failed"] or told["records"] != records:
        wrong.append(f"{told['failed']} of {records} records failed")
    if written != records:
        wrong.append(f"the log has {written} records, {records} were acknowledged")
    if seen.growth(3, min) > HEAP_GROWTH_KB:
        wrong.append(f"it has {seen.growth(3, min):.0f} kB more allocated")
    if seen.growth(1) > RESIDENT_GROWTH_KB:
        wrong.append(f"resident memory grew by {seen.growth(1):.0f} kB")
    if seen.growth(2) > 0:
        wrong.append(f"{seen.growth(2):.0f} more descriptors")
    for line in wrong:
        print(line)
    _, resident, descriptors, _ = seen.samples[-1]
    print(f"soak: seed {options.seed}, {options.minutes:g} minutes, records {records}, faults "
          f"{', '.join(f'{name} {count}' for name, count in faults.items())}, allocated {seen.growth(3, min):+.0f} kB, "
          f"resident {resident} kB ({seen.growth(1):+.0f}), descriptors {descriptors}, violations {len(wrong)}")
    return bool(wrong)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--throughput", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 31))
    try:
        return run(parser.parse_args())
    except Unavailable as reason:
        print(f"skipped: soak: {reason}")
        return 77


if __name__ == "__main__":
    sys.exit(main())
