#!/usr/bin/env python3
"""Three real brokers under faults drawn from a seed, while several producers send through a faulty network.

    tests/kafka/chaos.py [--minutes 3] [--seed N] [--producers 3] [--throughput 1000] [--client kurier|java]
                         [--program verifiable_producer|kafka_driver] [--events WORD,WORD] [--list]

Kafka's own consumer then reads the topic, and the checker compares. The last line says what was injected, what the
producers reported and what was found; the exit status is 0 when nothing was. The same seed draws the same events in
the same order with the same pauses.
"""
import argparse
import contextlib
import random
import sys
import time
from collections import Counter

import checker
import clients
import jvm
import process
from cluster import Cluster
from jars import Unavailable
from proxy import Proxy

TOPIC = "chaos"
PARTITIONS = 6
BASE = {"acks": "all", "enable.idempotence": "true", "retries": 2147483647, "request.timeout.ms": 3000,
        "metadata.max.age.ms": 5000, "retry.backoff.ms": 50, "reconnect.backoff.max.ms": 500}
# One hurries, so that records fail and have to say truthfully what became of them
PRODUCERS = [{"delivery.timeout.ms": 60000}, {"delivery.timeout.ms": 4000, "request.timeout.ms": 2000},
             {"delivery.timeout.ms": 60000, "linger.ms": 50, "batch.size": 65536,
              "max.in.flight.requests.per.connection": 1}]


class Scene:
    """What events act on. An event begins something and undoes it when its time is over."""

    def __init__(self, pick, cluster, proxy, kafka):
        self.pick, self.cluster, self.proxy, self.kafka = pick, cluster, proxy, kafka

    def node(self):
        return self.cluster.node(self.pick.randint(1, 3))

    def leader(self):
        partition = self.pick.randrange(PARTITIONS)
        return self.cluster.node(self.kafka.wait_leader(TOPIC, partition))

    def links(self):
        """One broker's, sometimes all."""
        links = list(self.proxy.links.values())
        return links if self.pick.random() < 0.25 else [self.pick.choice(links)]

    def directions(self):
        sides = self.pick.choice([("up",), ("down",), ("up", "down")])
        return [getattr(link, side) for link in self.links() for side in sides]


events = {}


def event(name):
    def register(function):
        events[name] = contextlib.contextmanager(function)
        return function
    return register


@event("kill the leader")
def kill_leader(scene):
    node = scene.leader()
    node.kill()
    yield
    node.start()


@event("kill a broker")
def kill_broker(scene):
    node = scene.node()
    node.kill()
    yield
    node.start()


@event("stop the leader cleanly")
def stop_leader(scene):
    node = scene.leader()
    node.terminate()
    yield
    node.start()


@event("stop a broker cleanly")
def stop_broker(scene):
    node = scene.node()
    node.terminate()
    yield
    node.start()


@event("bounce the leader")
def bounce_leader(scene):
    """Five times, cleanly or not, as Kafka's own replication test does."""
    for _ in range(5):
        node = scene.leader()
        scene.pick.choice([node.kill, node.terminate])()
        node.start()
        scene.kafka.wait_in_sync(TOPIC, 3, limit=120)
    yield


@event("kill the controller")
def kill_controller(scene):
    node = scene.cluster.node(scene.kafka.controller())
    node.kill()
    yield
    node.start()


@event("stop the controller cleanly")
def stop_controller(scene):
    node = scene.cluster.node(scene.kafka.controller())
    node.terminate()
    yield
    node.start()


@event("freeze the leader")
def freeze_leader(scene):
    node = scene.leader()
    node.freeze()
    yield
    node.thaw()


@event("freeze two brokers")
def freeze_two(scene):
    nodes = scene.pick.sample(list(scene.cluster.nodes.values()), 2)
    for node in nodes:
        node.freeze()
    yield
    for node in nodes:
        node.thaw()


@event("restart all brokers one by one")
def rolling_restart(scene):
    for node in scene.cluster.nodes.values():
        node.restart()
        scene.kafka.wait_in_sync(TOPIC, 3)
    yield


@event("move leaders")
def move_leaders(scene):
    for partition in range(PARTITIONS):
        replicas = scene.pick.sample([1, 2, 3], 3)
        scene.kafka.reassign(TOPIC, partition=partition, replicas=replicas)
    yield
    scene.kafka.elect(TOPIC, partitions=list(range(PARTITIONS)))


@event("move replicas away and back")
def move_replicas(scene):
    partition, away = scene.pick.randrange(PARTITIONS), scene.pick.randint(1, 3)
    scene.kafka.reassign(TOPIC, partition=partition, replicas=[i for i in (1, 2, 3) if i != away])
    yield
    scene.kafka.reassign(TOPIC, partition=partition, replicas=scene.pick.sample([1, 2, 3], 3))


@event("delay")
def delay(scene):
    for direction in scene.directions():
        direction.delay, direction.jitter = scene.pick.uniform(0, 0.3), scene.pick.uniform(0, 0.5)
    yield


@event("long delay")
def long_delay(scene):
    """Answers that come after the request timed out: written, but nobody was told."""
    for direction in scene.directions():
        direction.delay = scene.pick.uniform(2, 5)
    yield


@event("trickle")
def trickle(scene):
    for direction in scene.directions():
        direction.rate = scene.pick.randrange(500, 20000)
    yield


@event("silence")
def silence(scene):
    for direction in scene.directions():
        direction.hold()
    yield


@event("cut")
def cut(scene):
    directions = scene.directions()
    for _ in range(10):
        for direction in directions:
            direction.cut(scene.pick.randrange(3000))
        time.sleep(0.2)
    yield


@event("refuse connections")
def refuse(scene):
    for link in scene.links():
        link.refuse()
    yield


@event("reset connections")
def reset(scene):
    for _ in range(5):
        for link in scene.links():
            link.reset()
        time.sleep(scene.pick.uniform(0.05, 0.5))
    yield


@event("quota")
def quota(scene):
    for prefix in range(len(PRODUCERS)):
        scene.kafka.quota(client=f"chaos-{prefix}", rate=20000)
    yield
    for prefix in range(len(PRODUCERS)):
        scene.kafka.quota(client=f"chaos-{prefix}", rate=None)


def heal(scene):
    scene.proxy.heal()
    for node in scene.cluster.nodes.values():
        if node.up():
            node.thaw()
        else:
            node.start()
    scene.kafka.wait_in_sync(TOPIC, 3, limit=120)


def inject(scene, names, seconds):
    """Events until the time is over; returns how often each happened."""
    done = Counter()
    end = time.monotonic() + seconds
    order = []
    while time.monotonic() < end:
        if not order:                               # each once before one comes again
            order = scene.pick.sample(names, len(names))
        name, lasting, pause = order.pop(), scene.pick.uniform(0.5, 8), scene.pick.uniform(0.5, 3)
        print(f"{time.strftime('%H:%M:%S')} {name} for {lasting:.1f} s", flush=True)
        try:
            with events[name](scene):
                time.sleep(lasting)
            done[name] += 1
        except (jvm.KafkaError, TimeoutError) as error:
            print(f"    not done: {str(error)[:200]}", flush=True)
        heal(scene)
        time.sleep(pause)
    return done


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


def run(options):
    client = clients.Java() if options.client == "java" else clients.Kurier()
    client.command(options.program)
    pick = random.Random(options.seed)
    properties = {"auto.create.topics.enable": "false", "quota.window.num": 2}
    with Proxy() as proxy, Cluster(brokers=3, properties=properties, advertise=proxy.advertise) as cluster:
        kafka = jvm.Kafka(cluster.direct)
        kafka.create_topic(TOPIC, partitions=PARTITIONS, replicas=3)
        kafka.wait_in_sync(TOPIC, 3)
        program = clients.Verifiable if options.program == "verifiable_producer" else clients.Stream
        producers = [
            program(client, cluster.bootstrap, TOPIC, str(i), BASE | {"client.id": f"chaos-{i}"} |
                    PRODUCERS[i % len(PRODUCERS)], keys=50 if i % 2 == 0 else 0, throughput=options.throughput)
            for i in range(options.producers)]
        for producer in producers:
            producer.wait_acked(100)
        done = inject(Scene(pick, cluster, proxy, kafka), options.events, options.minutes * 60)
        time.sleep(5)
        senders, wrong = finish(producers)
        log = kafka.read(TOPIC, seconds=600)
    return done, senders, wrong + checker.check(log, senders, checker.Rules(timestamps=options.client != "java"))


def summary(options, done, senders, wrong):
    acked, failed = 0, Counter()
    for sender in senders:
        counts = sender.counts()
        acked += counts[0]
        failed += counts[1]
    return (f"chaos: seed {options.seed}, {options.minutes:g} minutes, events {sum(done.values())} of {len(done)} "
            f"kinds, sent {sum(sender.sent for sender in senders)}, acknowledged {acked}, "
            f"failed {sum(failed.values())} (persisted no {failed['no']}, possibly {failed['possibly']}, "
            f"yes {failed['yes']}), violations {len(wrong)}")


def replay(options):
    return (f"replay: tests/kafka/chaos.py --seed {options.seed} --minutes {options.minutes:g} "
            f"--producers {options.producers} --throughput {options.throughput} --program {options.program}")


def parse(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=3)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 31))
    parser.add_argument("--producers", type=int, default=3)
    parser.add_argument("--throughput", type=int, default=1000, help="records a second of each producer")
    parser.add_argument("--client", choices=["kurier", "java"], default="kurier")
    parser.add_argument("--program", choices=["verifiable_producer", "kafka_driver"], default="verifiable_producer")
    parser.add_argument("--events", help="only those with one of these words, separated by commas")
    parser.add_argument("--list", action="store_true", help="the events")
    options = parser.parse_args(arguments)
    words = (options.events or "").split(",")
    options.events = [name for name in events if any(word in name for word in words)]
    return options


def main():
    options = parse()
    if options.list:
        print("\n".join(options.events))
        return 0
    print(replay(options), flush=True)
    try:
        done, senders, wrong = run(options)
    except Unavailable as reason:
        print(f"skipped: chaos: {reason}")
        return 77
    for line in checker.summarize(wrong):
        print(line)
    for name, count in sorted(done.items()):
        print(f"{count:5} x {name}")
    print(summary(options, done, senders, wrong))
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
