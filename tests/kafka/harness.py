"""What scenarios share: a registry, one cluster at a time, fresh topics, the checker's verdict."""
import dataclasses
import itertools
import time
from typing import Callable, NamedTuple, Optional

import checker
import jvm
from cluster import Cluster

# By name: the keyword arguments of Cluster
SINGLE = "one broker"
THREE = "three brokers"
SECURE = "every way in"
SECURE_OLD = "every way in, Kafka 2.1.1"
CLUSTERS = {
    SINGLE: {"properties": {"quota.window.num": 2, "auto.create.topics.enable": "true"}},
    THREE: {"brokers": 3, "properties": {"auto.create.topics.enable": "false"}},
    SECURE: {"secure": True},
    SECURE_OLD: {"secure": True, "version": "2.1.1"},
}


class Scenario(NamedTuple):
    name: str
    cluster: Optional[str]                          # of CLUSTERS, or a version of Kafka, or none
    function: Callable


scenarios = []


def scenario(name, cluster=SINGLE):
    def register(function):
        scenarios.append(Scenario(name, cluster, function))
        return function
    return register


class Bench:
    """The client under test and the cluster that is up at the moment."""

    def __init__(self, client, million):
        self.client, self.million = client, million
        self.current, self.of, self.numbers, self.facts = None, None, itertools.count(1), []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.discard()

    def cluster(self, name):
        if self.of != name:
            self.discard()
            if name is None:
                return None
            self.client.command("kafka_driver")     # nothing is started for a client that isn't there
            jvm.class_path()
            settings = CLUSTERS.get(name) or {"version": name, "properties": CLUSTERS[SINGLE]["properties"]}
            self.current = Cluster(**settings).__enter__()
            self.of = name
            self.kafka = jvm.Kafka(self.current.direct)
        return self.current

    def discard(self):
        if self.current:
            self.current.__exit__()
            self.kafka.forget()
        self.current, self.of = None, None

    def fact(self, text):
        self.facts.append(text)

    def topic(self, word, **settings):
        """A new topic, whose leaders are known."""
        name = f"{word}-{next(self.numbers)}"
        if settings:
            self.kafka.create_topic(name, **settings)
            count = len(settings.get("assignment", [])) or settings["partitions"]
            for partition in range(count):
                self.kafka.wait_leader(name, partition)
        return name

    def judge(self, topic, senders, rules=checker.Rules(), forgive=lambda violation: False, patience=0):
        """Reads the topic back and fails when a rule is broken; returns what was read. `patience`: with acks=0 nobody
        says when a broker has written what the socket took, so for this many seconds it may still be about to."""
        end = time.monotonic() + patience
        if self.client.name == "java":
            # To a batch that it already has a broker answers with the batch's highest timestamp as the time of
            # appending, whatever the topic's timestamp type; the Java client takes it for that
            rules = dataclasses.replace(rules, timestamps=False)
        while True:
            log = self.kafka.read(topic)
            violations = [v for v in checker.check(log, senders, rules) if not forgive(v)]
            if not violations or time.monotonic() >= end:
                break
            time.sleep(0.5)
        assert not violations, "\n" + "\n".join(checker.summarize(violations))
        for sender in senders:
            acked, failed = sender.counts()
            self.fact(f"{sender.sent} sent, {acked} acknowledged" +
                      "".join(f", {count} failed ({persisted} persisted)" for persisted, count in failed.items()))
        return log
