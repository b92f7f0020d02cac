#!/usr/bin/env python3
"""Three real brokers under faults drawn from a seed, while several producers send through a faulty network.

    tests/kafka/chaos.py [--minutes 3] [--seed N] [--producers 6] [--throughput 500] [--client kurier|java]
                         [--program both|verifiable_producer|kafka_driver] [--events WORD,WORD] [--list]

After each event all producers must get acknowledgements of all partitions again. At the end Kafka's own consumer reads
the topic, and the checker compares. The last line says what was injected, what the producers reported and what was
found; the exit status is 0 when nothing was. The same seed draws the same events in the same order with the same
pauses.

As root on Linux all of it runs in namespaces of its own, for disks that fail, brokers that change their address and
packets that vanish. What of that can't be had is named; a tool that isn't installed fails with KURIER_NO_SKIP=1.
"""
import argparse
import contextlib
import os
import random
import re
import sys
import time
from collections import Counter
from typing import NamedTuple

import checker
import clients
import disk
import events
import jvm
import namespaces
import network
import process
import segments
from cluster import Cluster
from events import DISK, NETWORK, PARTITIONS, TOPIC, NoEffect, Scene
from jars import Unavailable
from proxy import Proxy

BASE = {"acks": "all", "enable.idempotence": "true", "retries": 2147483647, "request.timeout.ms": 3000,
        "metadata.max.age.ms": 5000, "retry.backoff.ms": 50, "reconnect.backoff.max.ms": 500}
# One hurries, so that records fail and have to say truthfully what became of them. It lingers a little: brokers on a
# busy machine that get each of its records alone may take longer than it waits, for ever
PRODUCERS = [{"delivery.timeout.ms": 60000},
             {"delivery.timeout.ms": 4000, "request.timeout.ms": 2000, "linger.ms": 5},
             {"delivery.timeout.ms": 60000, "linger.ms": 50, "batch.size": 65536,
              "max.in.flight.requests.per.connection": 1}]
# With the quorum's timeouts of the other tests a busy machine sees nothing but elections
BROKERS = {"auto.create.topics.enable": "false", "quota.window.num": 2, "controller.quorum.fetch.timeout.ms": 3000,
           "controller.quorum.election.timeout.ms": 1500}
PROGRAMS = ["verifiable_producer", "kafka_driver"]
GOES_ON = 90                                        # seconds: more than a connection's timeout and every backoff


def inject(scene, names, seconds):
    """Events until the time is over: how often each was done, how often not, and what went wrong, which ends it."""
    done, not_done, wrong = Counter(), Counter(), []
    end = time.monotonic() + seconds
    order = []
    while time.monotonic() < end and not wrong:
        if not order:                               # each once before one comes again
            order = scene.pick.sample(names, len(names))
        name, lasting, pause = order.pop(), scene.pick.uniform(0.5, 8), scene.pick.uniform(0.5, 3)
        print(f"{time.strftime('%H:%M:%S')} {name} for {lasting:.1f} s", flush=True)
        try:
            with events.events[name](scene):
                time.sleep(lasting)
            done[name] += 1
        except (jvm.KafkaError, RuntimeError, TimeoutError, NoEffect) as error:
            not_done[name] += 1
            print(f"    not done: {str(error)[:200]}", flush=True)
        begin = time.monotonic()
        events.heal(scene)
        healed = time.monotonic()
        wrong = [checker.Violation("does not go on", f"after `{name}`: {text}") for text in stuck(scene.producers)]
        print(f"    healed in {healed - begin:.1f} s, goes on in {time.monotonic() - healed:.1f} s", flush=True)
        time.sleep(pause)
    return done, not_done, wrong


def stuck(producers, limit=GOES_ON):
    """Who gets no acknowledgement of which partitions, from now on. Without keys a producer stays with one partition
    for a whole batch.size, and keeps away from slow brokers: for it any will do."""
    marks = {producer: len(producer.lines()) for producer in producers}

    def missing():
        found = {}
        for producer, mark in marks.items():
            acked = producer.partitions_acked(mark)
            without = set(range(PARTITIONS)) - acked
            if without and not (acked and not producer.sender.key):
                found[producer] = without
        return found
    try:
        process.wait_until(lambda: not missing(), limit, "acknowledgements")
        return []
    except TimeoutError:
        return [f"producer {producer.sender.prefix} has no acknowledgement of partitions {sorted(without)} for {limit} s"
                for producer, without in missing().items()]


def finish(producers):
    """Their senders; a producer that hangs or crashes is a violation of its own."""
    found, wrong = [], []
    for producer in producers:
        process.send(producer.process, 15)
    for producer in producers:
        try:
            producer.finish(90)
        except RuntimeError as error:
            wrong.append(checker.Violation("ended badly", str(error)))
        found.append(producer.sender)
    return found, wrong


def chosen_client(options):
    return clients.Java() if options.client == "java" else clients.Kurier()


def draw_codecs(options):
    """All of them, when there are producers enough; apart from the events' draws."""
    known = [*segments.CODECS, *(["auto"] if options.client == "kurier" else [])]
    return random.Random(f"codecs {options.seed}").sample(known, len(known))


def start_producers(options, cluster):
    codecs = draw_codecs(options)
    producers = [start_producer(options, cluster, i, codecs[i % len(codecs)]) for i in range(options.producers)]
    for producer in producers:
        producer.wait_acked(100, limit=300)
    return producers, set(codecs[:options.producers])


def start_producer(options, cluster, i, codec):
    program = PROGRAMS[i // 3 % 2] if options.program == "both" else options.program
    start, more = ((clients.Verifiable, {}) if program == "verifiable_producer" else
                   (clients.Stream, {"value_size": 100, "log": "debug"}))
    properties = BASE | PRODUCERS[i % len(PRODUCERS)] | {"client.id": f"chaos-{i}", "compression.type": codec}
    return start(chosen_client(options), cluster.bootstrap, TOPIC, str(i), properties=properties,
                 keys=50 if i % 2 == 0 else 0, throughput=options.throughput, **more)


def keep_outputs(folder, producers):
    """Beside the brokers' logs, which stay when KURIER_KAFKA_KEEP is set."""
    for producer in producers:
        name = f"producer-{producer.sender.prefix}"
        (folder / f"{name}.txt").write_text("\n".join(producer.lines()))
        (folder / f"{name}.log.txt").write_text(producer.all_errors())


def refusals(logs):
    """What brokers have answered, as far as the producers' logs tell."""
    said = "".join(logs)
    found = Counter({"throttled": said.count("broker.throttles")})
    for error, more in re.findall(r"produce\.refused: (\w+)(?: \((\d+) like it)?", said):
        found[error] += 1 + int(more or 0)
    return found


def check_codecs(cluster, wanted):
    files = [file for node in cluster.nodes.values() for folder in node.log_dirs()
             for file in folder.glob(f"{TOPIC}-*/*.log")]
    found = segments.codecs(files)
    print("batches on all brokers:", ", ".join(f"{codec} {found[codec]}" for codec in segments.CODECS), flush=True)
    return [checker.Violation("no such batch", codec) for codec in wanted - {"auto"} if not found[codec]]


class Report(NamedTuple):
    done: Counter                                   # events
    not_done: Counter
    senders: list
    wrong: list                                     # violations


def run(options, lacking):
    names = [name for name in options.events if events.needs[name] not in lacking]
    with contextlib.ExitStack() as stack:
        net = None if NETWORK in lacking else stack.enter_context(network.Network())
        proxy = stack.enter_context(Proxy(net.address) if net else Proxy())
        cluster = stack.enter_context(Cluster(brokers=3, properties=BROKERS, advertise=proxy.advertise, network=net,
                                              disks=DISK not in lacking))
        kafka = jvm.Kafka(cluster.direct)
        kafka.create_topic(TOPIC, partitions=PARTITIONS, replicas=3)
        kafka.wait_in_sync(TOPIC, 3)
        producers, codecs = start_producers(options, cluster)
        slow = stuck(producers)                     # brokers that have just started
        if slow:
            raise RuntimeError(f"before any event: {slow}")
        scene = Scene(random.Random(options.seed), cluster, proxy, kafka, producers, net)
        done, not_done, wrong = inject(scene, names, options.minutes * 60)
        time.sleep(5)
        senders, ended_badly = finish(producers)
        keep_outputs(cluster.folder, producers)
        told = refusals(producer.all_errors() for producer in producers)
        print("producers were told:", ", ".join(f"{what} {count}" for what, count in told.most_common()))
        log = kafka.read(TOPIC, seconds=600)
        wrong += ended_badly + check_codecs(cluster, codecs)
    wrong += checker.check(log, senders, checker.Rules(timestamps=options.client != "java"))
    return Report(done, not_done, senders, wrong)


def what_is_lacking():
    """What of the machine can't be had, and why; starts this program anew where it can."""
    reason = namespaces.enter()
    found = {NETWORK: reason or network.missing(), DISK: reason or disk.missing()}
    return {need: why for need, why in found.items() if why}


def summary(options, report):
    acked, failed = 0, Counter()
    for sender in report.senders:
        counts = sender.counts()
        acked += counts[0]
        failed += counts[1]
    return (f"chaos: seed {options.seed}, {options.minutes:g} minutes, events {sum(report.done.values())} of "
            f"{len(report.done)} kinds, sent {sum(sender.sent for sender in report.senders)}, acknowledged {acked}, "
            f"failed {sum(failed.values())} (persisted no {failed['no']}, possibly {failed['possibly']}, "
            f"yes {failed['yes']}), violations {len(report.wrong)}")


def replay(options):
    return (f"replay: tests/kafka/chaos.py --seed {options.seed} --minutes {options.minutes:g} "
            f"--producers {options.producers} --throughput {options.throughput} --program {options.program}")


def parse(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=3)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 31))
    parser.add_argument("--producers", type=int, default=6)
    parser.add_argument("--throughput", type=int, default=500, help="records a second of each producer")
    parser.add_argument("--client", choices=["kurier", "java"], default="kurier")
    parser.add_argument("--program", choices=["both", *PROGRAMS], default="both")
    parser.add_argument("--events", help="only those with one of these words, separated by commas")
    parser.add_argument("--list", action="store_true", help="the events")
    options = parser.parse_args(arguments)
    words = (options.events or "").split(",")
    options.events = [name for name in events.events if any(word in name for word in words)]
    return options


def main():
    options = parse()
    if options.list:
        print("\n".join(options.events))
        return 0
    try:
        for program in PROGRAMS:
            chosen_client(options).command(program)
        jvm.class_path()                            # fetches what is not there yet: in the namespaces nothing can
    except Unavailable as reason:
        print(f"skipped: chaos: {reason}")
        return 77
    lacking = what_is_lacking()
    skipped = [name for name in options.events if events.needs[name] in lacking]
    if len(skipped) == len(options.events):
        print(f"skipped: chaos: no event is left: {lacking}")
        return 77
    print(replay(options), flush=True)
    report = run(options, lacking)
    for line in checker.summarize(report.wrong):
        print(line)
    for name in options.events:
        missed = f", {report.not_done[name]} not done" if report.not_done[name] else ""
        print(f"{report.done[name]:5} x {name}{missed}")
    reasons = {name: lacking[events.needs[name]] for name in skipped}
    for name, reason in reasons.items():
        print(f"{'not allowed here' if namespaces.forbidden(reason) else 'skipped'}: {name}: {reason}")
    print(summary(options, report))
    no_skip = os.environ.get("KURIER_NO_SKIP", "0") not in ("", "0")
    return bool(report.wrong or (no_skip and not all(map(namespaces.forbidden, reasons.values()))))


if __name__ == "__main__":
    sys.exit(main())
