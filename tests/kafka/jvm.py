"""Kafka's own clients for the tests: java/*.java compiled once into the cache, one JVM kept running for all."""
import base64
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
from typing import NamedTuple, Optional

import cluster
import jars
import process

SOURCES = sorted((pathlib.Path(__file__).parent / "java").glob("*.java"))


def class_path():
    """Of the newest client, whatever the broker's version is; compiles what isn't compiled yet."""
    kafka = jars.class_path()
    state = hashlib.sha256(b"".join(source.read_bytes() for source in SOURCES)).hexdigest()[:16]
    folder = jars.home() / "classes" / state
    if not folder.exists():
        if not shutil.which("javac"):
            raise jars.Unavailable("no `javac` (Debian: openjdk-17-jdk-headless)")
        folder.parent.mkdir(parents=True, exist_ok=True)
        scratch = tempfile.mkdtemp(dir=folder.parent)
        command = ["javac", "-proc:none", "-cp", kafka, "-d", scratch, *map(str, SOURCES)]
        subprocess.run(command, check=True)
        cluster.logging_flags(jars.NEWEST, pathlib.Path(scratch), level="ERROR", to="SYSTEM_ERR")
        try:
            os.rename(scratch, folder)
        except OSError:                             # another run was faster
            shutil.rmtree(scratch)
    return f"{folder}:{kafka}"


def command(main, *arguments, heap="256m"):
    found = class_path()
    return [cluster.java(), f"-Xmx{heap}", *cluster.SMALL_JVM,
            f"-Dlog4j2.configurationFile={found.split(':')[0]}/log4j2.properties", "-cp", found, main, *arguments]


class Record(NamedTuple):
    partition: int
    offset: int
    timestamp: int
    timestamp_type: str                             # "create" or "append"
    key: Optional[bytes]
    value: Optional[bytes]
    headers: list                                   # of (name, value)


def unquote(text):
    if text == "-":
        return None
    return text[1:].encode() if text[0] == "=" else base64.b64decode(text[1:])


def record(line):
    partition, offset, timestamp, kind, key, value, headers = line.rstrip("\n").split("\t", 6)
    pairs = [(name, unquote(text)) for name, text in json.loads(headers)] if headers else []
    return Record(int(partition), int(offset), int(timestamp), kind, unquote(key), unquote(value), pairs)


class KafkaError(Exception):
    pass


class Kafka:
    """Administration and reading back, on a cluster's own listener: `kafka.create_topic("t", partitions=3)`. Each
    command of java/Daemon.java is a method with its fields as arguments."""

    process_ = None

    def __init__(self, bootstrap):
        self.bootstrap = bootstrap

    @classmethod
    def daemon(cls):
        if cls.process_ is None or cls.process_.poll() is not None:
            cls.process_ = process.start(command("Daemon", heap="384m"), stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, text=True)
        return cls.process_

    def ask(self, do, **fields):
        jvm = self.daemon()
        jvm.stdin.write(json.dumps({"do": do, "bootstrap": self.bootstrap} | fields) + "\n")
        jvm.stdin.flush()
        line = jvm.stdout.readline()
        if not line:
            raise KafkaError(f"the Java side ended, status {jvm.wait()}")
        answer = json.loads(line)
        if "error" in answer:
            raise KafkaError(f"{do}: {answer['error']}")
        return answer["ok"]

    def __getattr__(self, do):
        return lambda topic=None, **fields: self.ask(do, **(fields if topic is None else fields | {"topic": topic}))

    def read(self, topic, seconds=180):
        with tempfile.NamedTemporaryFile("r", dir=jars.home(), encoding="utf-8", newline="\n") as file:
            self.ask("read", topic=topic, file=file.name, seconds=seconds)
            return [record(line) for line in file]

    def partition_of(self, topic, keys):
        with tempfile.NamedTemporaryFile("w", encoding="utf-8") as file:
            file.write("".join(f"{key}\n" for key in keys))
            file.flush()
            return self.ask("partition_of", topic=topic, file=file.name)

    def summary(self, topic, seconds=180):
        return {int(p): values for p, values in self.ask("summary", topic=topic, seconds=seconds).items()}

    def leader(self, topic, partition=0):
        return self.describe(topic)["partitions"][partition]["leader"]

    def wait_leader(self, topic, partition=0, limit=30, other_than=None):
        """The leader, once it serves the partition: metadata name it before it knows of that, and to a request with
        acks=0 it says so by closing the connection."""
        def settled():
            try:
                leader = self.leader(topic, partition)
                if leader in (-1, None, other_than):
                    return None
                self.end_offset(topic, partition=partition)
                return leader
            except KafkaError:                      # just created, or its coordinator is away
                return None
        return process.wait_until(settled, limit, f"a leader of {topic}-{partition}", every=0.1)

    def wait_in_sync(self, topic, replicas, limit=60):
        def settled():
            try:
                partitions = self.describe(topic)["partitions"]
            except KafkaError:                      # while brokers start
                return False
            return all(len(p["isr"]) >= min(replicas, len(p["replicas"])) for p in partitions)
        process.wait_until(settled, limit, f"{replicas} replicas of {topic} in sync", every=0.2)
