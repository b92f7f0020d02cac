"""What the clients send to. Every server is a process of its own, started once for all clients of its rows, and gone
when the run ends, however it ends."""
import dataclasses
import os
import subprocess

import build
import cluster
import jars
import process
from paths import say

HZ = os.sysconf("SC_CLK_TCK")


@dataclasses.dataclass(frozen=True)
class Kind:
    """`program`: mock, embedded or kafka."""
    program: str = "mock"
    brokers: int = 1
    partitions: int = 1
    pin: int = -1                       # processor of a server that leaves the others to the client
    topic_list: tuple = ()              # NAME:PARTITIONS, instead of the usual one

    def __str__(self):
        name = {"mock": "librdkafka's mock cluster", "embedded": "kurier's embedded broker",
                "kafka": f"Apache Kafka {jars.NEWEST}"}[self.program]
        return name + (f", {self.brokers} brokers" if self.brokers > 1 else "")


def processor_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / HZ


class Running:
    def __init__(self, kind, bootstrap, processes, topic="bench"):
        self.kind, self.bootstrap, self.processes, self.topic = kind, bootstrap, processes, topic

    def processor_seconds(self):
        return sum(processor_seconds(one.pid) for one in self.processes)


class Servers:
    """Keeps the servers of a run. Real Kafka is one cluster for each number of brokers, with a topic for each number of
    partitions; a mock or embedded broker is cheap, so each kind has its own."""

    def __init__(self):
        self.running = {}
        self.clusters = {}

    def get(self, kind):
        if kind not in self.running:
            self.running[kind] = self.kafka(kind) if kind.program == "kafka" else self.small(kind)
        return self.running[kind]

    def small(self, kind):
        program = build.mock_cluster() if kind.program == "mock" else build.embedded_broker()
        pin = ["taskset", "-c", str(kind.pin)] if kind.pin >= 0 else []
        topics = [f"topic={topic}" for topic in kind.topic_list or (f"bench:{kind.partitions}",)]
        server = process.start([*pin, program, f"brokers={kind.brokers}", *topics], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        return Running(kind, server.stdout.readline().strip(), [server])

    def kafka(self, kind):
        if kind.brokers not in self.clusters:
            say(f"starting Apache Kafka {jars.NEWEST}, {kind.brokers} broker(s)")
            limits = {"log.retention.bytes": 200_000_000, "log.segment.bytes": 100_000_000,
                      "log.retention.check.interval.ms": 5_000, "auto.create.topics.enable": "false"}
            try:
                started = cluster.Cluster(brokers=kind.brokers, properties=limits, heap="1g")
                started.__enter__()
            except jars.Unavailable as error:
                raise build.Unavailable(str(error)) from error
            self.clusters[kind.brokers] = started
        started = self.clusters[kind.brokers]
        topic = f"bench-{kind.partitions}"
        self.create_topic(started, topic, kind)
        return Running(kind, started.bootstrap, [node.process for node in started.nodes.values()], topic)

    @staticmethod
    def create_topic(started, topic, kind):
        build.run(["java", "-cp", jars.class_path(), "org.apache.kafka.tools.TopicCommand", "--bootstrap-server",
                   started.bootstrap, "--create", "--if-not-exists", "--topic", topic, "--partitions", kind.partitions,
                   "--replication-factor", min(3, kind.brokers)])

    def stop(self, kind):
        found = self.running.pop(kind, None)
        if found and kind.program != "kafka":
            found.processes[0].stdin.close()
            process.stop(found.processes[0])

    def retire(self, needed):
        """Ends the Kafka clusters that none of the kinds needs: even idle they take processor time."""
        for brokers in list(self.clusters):
            if not any(kind.program == "kafka" and kind.brokers == brokers for kind in needed):
                self.clusters.pop(brokers).stop()

    def stop_all(self):
        for kind in list(self.running):
            self.stop(kind)
        self.retire([])
