"""Counts, not times: they don't depend on how busy the machine is, so they can fail a build.

Two runs that differ only in their number of records have the same start-up; the difference of their counts, divided by
the difference of their records, is what a record costs. Allocations are those of a run's second half."""
import argparse
import dataclasses
import os
import re
import shutil
import subprocess
import tempfile

import build
import servers
from paths import loud, say


@dataclasses.dataclass(frozen=True)
class Count:
    name: str
    limit: float                        # of kurier's
    unit: str


LIMITS = [
    Count("instructions-100B", 800, "user-space instructions per record: 100 B"),
    Count("instructions-100B-keys12", 1000, "the same: 100 B, keys, 12 partitions"),
    Count("instructions-idle-partitions", 1.1, "instructions with 10,000 idle partitions known, of those with 12"),
    Count("allocations-callback", 0.0005, "heap allocations per record: callbacks"),
    Count("allocations-batch", 0.0005, "heap allocations per record: batch form"),
    Count("allocations-coroutine", 0.0005, "heap allocations per record: coroutines, besides their frames"),
    Count("allocations-per-batch", 0.5, "heap allocations per batch"),
    Count("system-calls", 4, "system calls for each full Produce request"),
    Count("clock-reads", 2, "clock reads in a turn of the event loop"),
    Count("timer-arms", 1, "timer re-arms for each batch"),
]
CALL_RUNS = 3
IDLE_TOPICS = 2_500                     # both servers make a topic that is asked for, with 4 partitions
FULL_BATCHES = 1000                     # ms of linger: a client that is slowed down by counting fills its batches all the same


class Client:
    """Commands for one client: `records` of 100 B."""

    def __init__(self, name):
        self.name = name
        self.program = {"kurier": build.producer_perf, "floor": build.floor, "librdkafka": build.librdkafka_client}[name]()

    def command(self, server, records, *, partitions=1, keys=0, api="callback", idle=0):
        payload = build.payload(100)
        if self.name == "kurier":
            made = [self.program, "--json", "--bootstrap-server", server, "--topic", f"bench-{partitions}", "--num-records", records,
                    "--payload-file", payload, "--api", api, "--timed-of", 0]
            # So many coroutines fill several batches, but not the last one of a round
            made += (["--coroutines", 10_000, "--command-property", "linger.ms=5"] if api == "coroutine"
                     else ["--command-property", f"linger.ms={FULL_BATCHES}"])
            if keys:
                made += ["--record-key-range", keys, "--key-distribution", "range", "--key-size", 12]
            if idle:
                made += ["--known-topics", f"idle:{idle}"]
        else:
            made = [self.program, f"bootstrap={server}", f"topic=bench-{partitions}", f"records={records}", f"payload={payload}",
                    f"linger_ms={FULL_BATCHES}", f"keys={keys}"]
            made += ([f"x.partitions={partitions}", "batch_bytes=262144"] if self.name == "floor"
                     else ["x.queue.buffering.max.messages=1000000"])  # or it is full before 12 batches are
        return [str(word) for word in made]


def run(command, **options):
    try:
        result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120, **options)
    except subprocess.TimeoutExpired as error:
        raise build.Unavailable(f"`{' '.join(command)}` took longer than 120 s") from error
    if result.returncode:
        raise build.Unavailable(f"`{' '.join(command)}` failed: {(result.stderr or result.stdout)[-500:]}")


class Counter:
    def __init__(self, client, server, scratch):
        self.client, self.server, self.scratch = client, server, scratch

    def instructions(self, few=150_000, many=250_000, **workload):
        def total(records):
            out = os.path.join(self.scratch, "callgrind.out")
            run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}",
                 *self.client.command(self.server, records, **workload)])
            with open(out, encoding="utf-8", errors="replace") as file:
                return int(re.search(r"^(?:summary|totals): (\d+)", file.read(), re.M)[1])
        return (total(many) - total(few)) / (many - few)

    def calls(self, few=500_000, many=1_500_000, **workload):
        """Differences of what the interposer counted, by name, and `records`; of allocations what a record and a request
        took in the second half of the longer run."""
        def counted(records):
            out = os.path.join(self.scratch, "counts")
            run(self.client.command(self.server, records, **workload),
                env=os.environ | {"LD_PRELOAD": str(build.interposer()), "KURIER_COUNTS": out})
            with open(out, encoding="ascii") as file:
                return {name: int(value) for name, value in (line.split() for line in file)}
        first, second = counted(few), counted(many)
        late = second["late_allocations"] / second["late_requests"]
        return {name: second[name] - first[name] for name in second} | {
            "records": many - few, "allocations_of_request": late,
            "allocations_of_record": late * second["produce_requests"] / many}

    def traced_calls(self, few=500_000, many=1_500_000, **workload):
        """Every system call, of any kind, as strace sees them; nothing where tracing is not allowed."""
        def total(records):
            out = os.path.join(self.scratch, "strace.out")
            run(["strace", "-f", "-c", "-o", out, *self.client.command(self.server, records, **workload)])
            with open(out, encoding="utf-8") as file:
                return int(re.search(r"^\s*100\.00\s+\S+\s+(?:\S+\s+)?(\d+)\s+(?:\d+\s+)?total", file.read(), re.M)[1])
        try:
            return total(many) - total(few)
        except (build.Unavailable, OSError, TypeError):
            return None


def count_instructions(counter, found):
    if not shutil.which("valgrind"):
        loud("no `valgrind` (Debian: valgrind): instructions are not counted")
        return
    found["instructions-100B"] = counter.instructions()
    found["instructions-100B-keys12"] = counter.instructions(partitions=12, keys=10_000)
    if counter.client.name == "kurier":
        found["instructions-idle-partitions"] = (counter.instructions(partitions=12, keys=10_000, idle=IDLE_TOPICS)
                                                 / found["instructions-100B-keys12"])


def calls_per_request(counted):
    entered = sum(counted[name] for name in ("event_waits", "writes", "reads", "timer_arms", "other_calls"))
    return entered / counted["produce_requests"]


def count_calls(counter, found):
    forms = ("callback", "batch", "coroutine") if counter.client.name == "kurier" else ("callback",)
    for form in forms:
        runs = [counter.calls(api=form) for _ in range(CALL_RUNS)]
        # What each record or batch allocates is in every run. What is only in some is memory that is kept: a run whose
        # busiest moment comes late, as on a machine that is busy with other things, still grows in its second half.
        found[f"allocations-{form}"] = min(counted["allocations_of_record"] for counted in runs)
        if form != "callback":
            continue
        found["allocations-per-batch"] = min(counted["allocations_of_request"] for counted in runs)
        # Such a machine also wakes the client up for less at a time: the best of the runs counts
        counted = min(runs, key=calls_per_request)
        requests = counted["produce_requests"]
        found["system-calls"] = calls_per_request(counted)
        # A full request takes a turn at least, even if the turn finds its work without waiting for it
        found["clock-reads"] = counted["clock_reads"] / max(counted["event_waits"], requests)
        found["timer-arms"] = counted["timer_arms"] / requests
        say(f"{requests} full requests of {counted['sent_bytes'] / requests / 1024:.0f} KiB; for each "
            + ", ".join(f"{counted[name] / requests:.2f} {name}" for name in
                        ("event_waits", "writes", "reads", "empty_reads", "timer_arms", "clock_reads")))
        traced = counter.traced_calls()
        if traced is not None:
            say(f"under strace, which slows the client down: {traced / requests:.2f} system calls of any kind for each")


def print_counts(found, check):
    """How many are above kurier's limits."""
    above = 0
    for count in LIMITS:
        if count.name not in found:
            continue
        value = found[count.name]
        good = value <= count.limit
        above += not good
        verdict = f" limit {count.limit:g} {'ok' if good else 'TOO MANY'}" if check else ""
        print(f"COUNT {count.name} {value:.4g}{verdict}  # {count.unit}", flush=True)
    return above


def main(words):
    parser = argparse.ArgumentParser(prog="bench/run counts", description=__doc__.split("\n")[0])
    parser.add_argument("--client", default="kurier", choices=["kurier", "floor", "librdkafka"])
    parser.add_argument("--server", default="embedded", choices=["embedded", "mock"])
    parser.add_argument("--only", default="", choices=["", "instructions", "calls"])
    parser.add_argument("--check", action="store_true", help="fail if kurier is above a limit")
    options = parser.parse_args(words)
    pool = servers.Servers()
    found = {}
    try:
        server = pool.get(servers.Kind(options.server, topic_list=("bench-1:1", "bench-12:12")))
        with tempfile.TemporaryDirectory() as scratch:
            counter = Counter(Client(options.client), server.bootstrap, scratch)
            if options.only != "calls":
                count_instructions(counter, found)
            if options.only != "instructions":
                count_calls(counter, found)
    except build.Unavailable as error:
        loud(str(error))
        return 1
    finally:
        pool.stop_all()
    above = print_counts(found, options.check)
    return 1 if options.check and above else 0
