#!/usr/bin/env python3
"""Real Apache Kafka on loopback: one broker or three, out of Maven Central, gone when the test ends.

    with Cluster(brokers=3) as cluster:
        cluster.bootstrap                         # what a client is given
        cluster.node(1).kill(); cluster.node(1).start()

From a shell it stays in the foreground; faults are lines on its standard input (`kill 1`, `start 1`, `help`):

    tests/kafka/cluster.py [--version 3.9.2] [--brokers 3] [--property key=value]... [-- COMMAND ARGS...]

With a COMMAND it runs that with KAFKA_BOOTSTRAP set, and ends with it.
"""
import argparse
import base64
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid

import jars
import process
from disk import Disk
from jars import Unavailable, number
from secure import Security

HOST = "127.0.0.1"
FIRST_GROUP = 20000                                 # a broker's group id tells its packets from the others
SMALL_JVM = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-Djava.net.preferIPv4Stack=true"]
# Old Kafka reflects into the JDK, which Java 17 has to be told to let pass
OPEN_JDK = [f"--add-opens=java.base/{package}=ALL-UNNAMED"
            for package in ("java.nio", "sun.nio.ch", "java.lang", "java.util")]
LOG4J_1 = """log4j.rootLogger=INFO, out
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=[%d] %p %m (%c)%n
"""
LOG4J_2 = """appender.out.type=Console
appender.out.name=out
appender.out.target={to}
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=[%d] %p %m (%c)%n
rootLogger.level={level}
rootLogger.appenderRef.out.ref=out
"""


def java():
    home = os.environ.get("JAVA_HOME")
    found = os.path.join(home, "bin", "java") if home else shutil.which("java")
    if not found:
        raise Unavailable("no `java` (Debian: openjdk-17-jdk-headless)")
    return found


def free_ports(count):
    """Below the range that the kernel takes client ports from: a port must still be free when its broker is
    started again."""
    sockets = []
    try:
        while len(sockets) < count:
            s = socket.socket()
            try:
                s.bind((HOST, random.randint(15000, 32000)))
                sockets.append(s)
            except OSError:
                s.close()
        return [s.getsockname()[1] for s in sockets]
    finally:
        for s in sockets:
            s.close()


def kafka_uuid():
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=").replace("-", "A", 1)


def logging_flags(version, folder, level="INFO", to="SYSTEM_OUT"):
    if number(version) >= (4, 0):
        file = folder / "log4j2.properties"
        file.write_text(LOG4J_2.format(level=level, to=to))
        return [f"-Dlog4j2.configurationFile={file}"]
    file = folder / "log4j.properties"
    file.write_text(LOG4J_1)
    return [f"-Dlog4j.configuration=file:{file}"]


def sweep(runs):
    """What a run that was killed could not erase."""
    for folder in runs.glob("*-*-*"):
        if not pathlib.Path("/proc", folder.name.split("-")[1]).exists():
            shutil.rmtree(folder, ignore_errors=True)


class Node:
    """One server process: its folder, ports and faults."""

    def __init__(self, folder, command, ready, disk=None, group=None, **ports):
        self.folder, self.command, self.ready, self.ports = folder, command, ready, ports
        self.disk, self.group = disk, group
        self.process = None
        self.log = folder / "log.txt"
        self.frozen = False

    def launch(self):
        assert not self.up(), f"{self.folder.name} is running"
        with open(self.log, "ab") as log:
            self.log_start = log.tell()
            self.process = process.start(self.command, stdin=subprocess.DEVNULL, stdout=log,
                                         stderr=subprocess.STDOUT, cwd=self.folder, group=self.group)

    def wait_ready(self, limit=120):
        """The server itself says when it is ready: with KRaft only after its broker was unfenced."""
        def ready():
            text = self.said()
            if re.search(self.ready, text):
                return True
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.folder.name} ended while starting:\n{text[-3000:]}")
        process.wait_until(ready, limit, f"{self.folder.name} ready ({self.log})")

    def said(self):
        """Since it was started."""
        with open(self.log, "rb") as log:
            log.seek(self.log_start)
            return log.read().decode(errors="replace")

    def start(self):
        self.launch()
        self.wait_ready()

    def log_dirs(self):
        return [self.folder / "data", *([self.disk.folder / "data"] if self.disk else [])]

    def up(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        process.stop(self.process, signal.SIGKILL)
        self.frozen = False

    def terminate(self, limit=60):
        process.stop(self.process, signal.SIGTERM, limit)
        self.frozen = False

    def restart(self):
        self.terminate()
        self.start()

    def freeze(self):
        process.send(self.process, signal.SIGSTOP)
        self.frozen = True

    def thaw(self):
        process.send(self.process, signal.SIGCONT)
        self.frozen = False


class Cluster:
    """`properties` are added to each server.properties; `advertise`, if given, is called with (broker id, real port)
    and returns the port that clients are told (a proxy's). Brokers among themselves use a listener of their own.
    `network`: gives each broker a name, an address and a group id of its own. `disks`: a second log directory for each
    broker, on a disk that can fail (disk.py). `secure`: a listener for each way in (secure.py), for one broker."""

    def __init__(self, version=jars.NEWEST, brokers=1, properties=None, advertise=None, heap="256m",
                 session_ms=3000, network=None, disks=False, secure=False):
        self.version, self.count, self.heap, self.session_ms = version, brokers, heap, session_ms
        self.extra, self.advertise = properties or {}, advertise
        self.network, self.disks, self.secure = network, disks, secure
        self.security = None
        self.zookeeper = number(version) < (3, 0)
        self.nodes, self.keeper = {}, None

    def __enter__(self):
        begin = time.monotonic()
        self.classes = jars.class_path(self.version)
        # The temporary folder is often in memory; a broker's data can be large
        runs = jars.home() / "run"
        runs.mkdir(parents=True, exist_ok=True)
        sweep(runs)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"{self.version}-{os.getpid()}-", dir=runs))
        process.erase_at_exit(self.folder)
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        self.start_seconds = time.monotonic() - begin
        return self

    def __exit__(self, *_):
        self.stop()

    def node(self, i):
        return self.nodes[i]

    def name(self, i):
        return self.network.name(i) if self.network else HOST

    @property
    def bootstrap(self):
        return ",".join(f"{self.name(i)}:{node.ports['advertised']}" for i, node in self.nodes.items())

    def listener(self, name):
        """Of the first broker: one of secure.LISTENERS, or CLIENT."""
        return self.bootstrap if name == "CLIENT" else f"{HOST}:{self.secure_ports[name]}"

    @property
    def direct(self):
        """Around a proxy: for the tests' own administration and reading back."""
        return ",".join(f"{HOST}:{node.ports['internal']}" for node in self.nodes.values())

    def start(self):
        ids = range(1, self.count + 1)
        ports = {i: dict(zip(("client", "internal", "controller"), free_ports(3))) for i in ids}
        if self.zookeeper:
            self.start_zookeeper()
        if self.secure:
            self.security = Security(self.folder, self.version)
            self.security.start()
            self.secure_ports = dict(zip(self.security.listeners, free_ports(len(self.security.listeners))))
        for i in ids:
            ports[i]["advertised"] = self.advertise(i, ports[i]["client"]) if self.advertise else ports[i]["client"]
            folder = self.folder / f"broker-{i}"
            folder.mkdir()
            disk = Disk(folder / "disk") if self.disks else None
            if disk:
                disk.mount()
            command = [java(), f"-Xmx{self.heap}", "-Xms64m", *SMALL_JVM, *logging_flags(self.version, folder),
                       *(OPEN_JDK if number(self.version) < (3, 7) else []),
                       *(self.security.jvm_flags() if self.security else []),
                       "-cp", self.classes, "kafka.Kafka", folder / "server.properties"]
            ready = r"\[KafkaServer id=\d+\] started" if self.zookeeper else "Kafka Server started"
            self.nodes[i] = Node(folder, command, ready, disk, FIRST_GROUP + i if self.network else None, **ports[i])
        for i in ids:
            self.write_properties(i)
        if not self.zookeeper:
            self.format()
        for node in self.nodes.values():
            node.launch()
        for node in self.nodes.values():
            node.wait_ready()

    def write_properties(self, i):
        """With the address that the network has for it now."""
        node, ports = self.nodes[i], {j: other.ports for j, other in self.nodes.items()}
        address = self.network.address(i) if self.network else HOST
        replicas = min(3, self.count)
        in_sync = 2 if replicas == 3 else 1
        values = {
            "log.dirs": ",".join(map(str, node.log_dirs())),
            "listeners": f"CLIENT://{address}:{ports[i]['client']},INTERNAL://{HOST}:{ports[i]['internal']}",
            "advertised.listeners":
                f"CLIENT://{self.name(i)}:{ports[i]['advertised']},INTERNAL://{HOST}:{ports[i]['internal']}",
            "listener.security.protocol.map": "CLIENT:PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "inter.broker.listener.name": "INTERNAL",
            "num.partitions": 3, "default.replication.factor": replicas, "min.insync.replicas": in_sync,
            "offsets.topic.replication.factor": replicas, "offsets.topic.num.partitions": 2,
            "transaction.state.log.replication.factor": replicas, "transaction.state.log.min.isr": in_sync,
            "transaction.state.log.num.partitions": 2, "group.initial.rebalance.delay.ms": 0,
            "num.network.threads": 2, "num.io.threads": 4, "num.recovery.threads.per.data.dir": 1,
            "log.cleaner.dedupe.buffer.size": 4194304, "log.segment.delete.delay.ms": 1000,
            "log.retention.ms": -1,                 # records may carry any timestamp
            "unclean.leader.election.enable": "false", "auto.leader.rebalance.enable": "false",
        }
        if self.zookeeper:
            values |= {"broker.id": i, "zookeeper.connect": f"{HOST}:{self.keeper.ports['client']}",
                       "zookeeper.session.timeout.ms": self.session_ms}
        else:
            values["listeners"] += f",CONTROLLER://{HOST}:{ports[i]['controller']}"
            values |= {"node.id": i, "process.roles": "broker,controller", "metadata.log.dir": node.log_dirs()[0],
                       "controller.listener.names": "CONTROLLER",
                       "controller.quorum.voters":
                           ",".join(f"{j}@{HOST}:{port['controller']}" for j, port in ports.items()),
                       "broker.session.timeout.ms": self.session_ms,
                       "broker.heartbeat.interval.ms": max(100, self.session_ms // 6),
                       "controller.quorum.election.timeout.ms": 500,
                       "controller.quorum.fetch.timeout.ms": 1000}
        if self.security:
            addresses = "".join(f",{name}://{HOST}:{port}" for name, port in self.secure_ports.items())
            values["listeners"] += addresses
            values["advertised.listeners"] += addresses
            values["listener.security.protocol.map"] += "".join(
                f",{name}:{protocol}" for name, protocol in self.security.listeners.items())
            values |= self.security.properties()
        values |= self.extra
        (node.folder / "server.properties").write_text("".join(f"{key}={value}\n" for key, value in values.items()))

    def start_zookeeper(self):
        folder = self.folder / "zookeeper"
        folder.mkdir()
        port, = free_ports(1)
        (folder / "zoo.cfg").write_text(f"dataDir={folder}/data\nclientPort={port}\nclientPortAddress={HOST}\n"
                                        "maxClientCnxns=0\nadmin.enableServer=false\ntickTime=500\n")
        # Its JMX beans of log4j 1 are not in the replacement for log4j 1
        command = [java(), "-Xmx96m", *SMALL_JVM, "-Dzookeeper.jmx.log4j.disable=true",
                   *logging_flags(self.version, folder), "-cp", self.classes,
                   "org.apache.zookeeper.server.quorum.QuorumPeerMain", folder / "zoo.cfg"]
        self.keeper = Node(folder, command, "binding to port", client=port)
        self.keeper.start()

    def format(self):
        """Formats one node by Kafka's tool; the others get copies with a node id of their own: a JVM less for each."""
        first, *others = self.nodes.items()
        command = [java(), "-Xmx128m", *SMALL_JVM, *logging_flags(self.version, self.folder), "-cp", self.classes,
                   "kafka.tools.StorageTool", "format", "-t", kafka_uuid(), "-c",
                   first[1].folder / "server.properties", *(self.security.format_flags() if self.security else [])]
        result = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                text=True)
        if result.returncode:
            raise RuntimeError(f"formatting failed:\n{result.stdout[-3000:]}")
        for i, node in others:
            for source, target in zip(first[1].log_dirs(), node.log_dirs()):
                shutil.copytree(source, target)
                file = target / "meta.properties"
                text = re.sub(r"node\.id=.*", f"node.id={i}", file.read_text())
                file.write_text(re.sub(r"directory\.id=.*", f"directory.id={kafka_uuid()}", text))

    def stop(self):
        """Kills: nobody waits for the orderly end of a throw-away cluster."""
        for node in [*self.nodes.values(), *([self.keeper] if self.keeper else [])]:
            if node.process:
                node.kill()
            if node.disk:
                node.disk.unmount()
        self.nodes, self.keeper = {}, None
        if self.security:
            self.security.stop()
        if not os.environ.get("KURIER_KAFKA_KEEP"):
            shutil.rmtree(self.folder, ignore_errors=True)


FAULTS = {"kill": Node.kill, "start": Node.start, "term": Node.terminate, "restart": Node.restart,
          "freeze": Node.freeze, "thaw": Node.thaw}


def serve(cluster):
    print(f"BOOTSTRAP={cluster.bootstrap}\nDIRECT={cluster.direct}\nFOLDER={cluster.folder}\n"
          f"ready in {cluster.start_seconds:.1f} s; kill|term|start|restart|freeze|thaw N, end with EOF", flush=True)
    for line in sys.stdin:
        words = line.split()
        try:
            FAULTS[words[0]](cluster.node(int(words[1])))
            print("ok", flush=True)
        except (KeyError, IndexError, ValueError, AssertionError) as error:
            print(f"no: {error!r}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--version", default=jars.NEWEST, help=", ".join(jars.VERSIONS))
    parser.add_argument("--brokers", type=int, default=1)
    parser.add_argument("--property", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("command", nargs="*")
    options = parser.parse_args()
    properties = dict(pair.split("=", 1) for pair in options.property)
    with Cluster(options.version, options.brokers, properties) as cluster:
        if not options.command:
            return serve(cluster)
        environment = os.environ | {"KAFKA_BOOTSTRAP": cluster.bootstrap}
        return subprocess.run(options.command, env=environment).returncode


if __name__ == "__main__":
    sys.exit(main())
