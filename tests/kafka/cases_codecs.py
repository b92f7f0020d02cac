"""Every codec, both ways: kurier's batches read by Kafka's consumer, by its kafka-dump-log and by kcat; the Java
producer's read by kurier. And values of many megabytes."""
import concurrent.futures
import os
import random
import shutil
import subprocess
import zlib
from typing import NamedTuple

import clients
import jvm
from harness import scenario
from jars import Unavailable

LIMIT = 120                                         # seconds
MEBIBYTE = 1 << 20
WIDE = {"max.message.bytes": str(80 * MEBIBYTE)}

# codec, level, the largest record: slow levels get less to do
CHOICES = [("none", None, 10 * MEBIBYTE), ("gzip", 1, 10 * MEBIBYTE), ("gzip", -1, 1_000_000), ("gzip", 9, 100_000),
           ("snappy", None, 10 * MEBIBYTE), ("lz4", 1, 1_000_000), ("lz4", 9, 10 * MEBIBYTE), ("lz4", 17, 100_000),
           ("zstd", -5, 1_000_000), ("zstd", 3, 10 * MEBIBYTE), ("zstd", 19, 100_000), ("auto", None, 1_000_000)]


def settings(codec, level=None):
    found = {"compression.type": codec, "max.request.size": 12_000_000, "linger.ms": 20, "batch.size": 100_000}
    if codec == "auto":                             # by no clock, which a busy machine slows down
        found["kurier.compression.goal"] = "bytes"
    return found if level is None else found | {f"compression.{codec}.level": level}


def driver(what, *words, **options):
    told = subprocess.run([str(word) for word in (*clients.Kurier().command("codec_driver"), what, *words,
                                                  *clients.arguments(options))],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=LIMIT)
    assert told.returncode == 0, f"{what} {words} {options}: {told.stderr[-2000:]}"
    return told.stdout.split()[1:]


class Sent(NamedTuple):
    records: int
    crc: int                                        # of the values
    size: int
    codec: str


def send(cluster, topic, codec, level, largest, **more):
    count, crc, size, used = driver("send", bootstrap_server=cluster.bootstrap, topic=topic, largest=largest,
                                    properties=settings(codec, level), **more)
    return Sent(int(count), int(crc), int(size), used)


def send_all(cluster, choices, **more):
    """One after the other on each processor; of (topic, partition, codec, level, largest)."""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(lambda c: send(cluster, c[0], *c[2:], partition=c[1], **more), choices))


def segments(cluster, topic, partition=0):
    return sorted((cluster.node(1).folder / "data" / f"{topic}-{partition}").glob("*.log"))


def is_consumed(bench, topic, sent):
    """Does Kafka's consumer read just that, partition for partition?"""
    found = bench.kafka.summary(topic)
    for partition, what in enumerate(sent):
        read = found[partition]
        assert (read["records"], read["values_crc32"]) == what[:2], f"{topic}-{partition}: {what}, but reads {read}"


@scenario("11 each codec at several levels, read by Kafka's consumer and by kafka-dump-log")
def codecs(bench, cluster):
    topic = bench.topic("codecs", partitions=len(CHOICES), configs=WIDE)
    sent = send_all(cluster, [(topic, partition, *choice) for partition, choice in enumerate(CHOICES)])
    is_consumed(bench, topic, sent)
    logs = []
    for partition, ((codec, level, _), what) in enumerate(zip(CHOICES, sent)):
        logs += segments(cluster, topic, partition)
        stored = sum(file.stat().st_size for file in segments(cluster, topic, partition))
        assert codec == "none" or stored < 0.75 * what.size, f"{codec} {level}: {what.size} bytes became {stored}"
        assert what.codec == codec or codec == "auto" and what.codec != "none", what
    dump(bench, logs)


def dump(bench, logs):
    told = subprocess.run([str(word) for word in jvm.command(
        "org.apache.kafka.tools.DumpLogSegments", "--deep-iteration", "--files", ",".join(map(str, logs)))],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=LIMIT)
    assert told.returncode == 0, told.stdout[-2000:]
    batches = [line for line in told.stdout.splitlines() if line.startswith("baseOffset:")]
    assert batches and all("isvalid: true" in line for line in batches), told.stdout[-2000:]
    found = {line.split("compresscodec: ")[1].split()[0].lower() for line in batches}
    assert found == {"none", "gzip", "snappy", "lz4", "zstd"}, found
    bench.fact(f"{len(logs)} logs, {len(batches)} batches")


@scenario("11 compression on a thread pool")
def on_threads(bench, cluster):
    topic = bench.topic("threads", partitions=2, configs=WIDE)
    choices = [(topic, 0, "zstd", None, 10 * MEBIBYTE), (topic, 1, "auto", None, 1_000_000)]
    is_consumed(bench, topic, send_all(cluster, choices, threads=2))


@scenario("11 the topic's own compression.type changes nothing for a reader")
def recompressed(bench, cluster):
    pairs = [("lz4", "gzip"), ("zstd", "uncompressed"), ("gzip", "zstd"), ("none", "lz4")]
    topics = [bench.topic(f"broker-{by_broker}", partitions=1, configs=WIDE | {"compression.type": by_broker})
              for _, by_broker in pairs]
    sent = send_all(cluster, [(topic, 0, codec, None, 100_000) for topic, (codec, _) in zip(topics, pairs)])
    for topic, what, (_, by_broker) in zip(topics, sent, pairs):
        is_consumed(bench, topic, [what])
        *_, stored = driver("read", *segments(cluster, topic))
        assert stored == by_broker.replace("uncompressed", "none"), stored


@scenario("11 kcat reads each codec")
def by_kcat(bench, cluster):
    if not shutil.which("kcat"):
        raise Unavailable("no `kcat` (Debian: kcat)")
    names = ("gzip", "snappy", "lz4", "zstd")
    topic = bench.topic("kcat", partitions=len(names), configs=WIDE)
    sent = send_all(cluster, [(topic, partition, codec, None, 1_000_000) for partition, codec in enumerate(names)])
    for partition, what in enumerate(sent):
        told = subprocess.run(["kcat", "-C", "-b", cluster.bootstrap, "-t", topic, "-p", str(partition), "-e", "-q", "-u",
                               "-o", "beginning", "-D", "\n", "-X", "check.crcs=true"], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=LIMIT)
        assert told.returncode == 0, told.stderr[-500:]
        assert zlib.crc32(told.stdout) == what.crc, f"{what}: kcat reads something else ({len(told.stdout)} bytes)"


@scenario("11 batches of the Java producer, read by kurier")
def from_java(bench, cluster):
    pick = random.Random(11)
    words = ["time", "level", "info", "path", "/cart", "/login", "\u00fc", "user", "status", "200", "404"]
    texts = ["=" + " ".join(pick.choices(words, k=pick.randrange(1, 200))) for _ in range(2000)]
    hard = ["x" + pick.randbytes(pick.randrange(1, 3000)).hex() for _ in range(200)]
    large = [f"*{10 * MEBIBYTE}", "*1", "="]
    for codec, level in (("gzip", 9), ("snappy", None), ("lz4", 9), ("zstd", 3)):
        topic = bench.topic(f"java-{codec}", partitions=1, configs=WIDE)
        records = [(topic, 0, "-", "-", value, "") for value in texts + hard + large]
        clients.send(clients.Java(), cluster.bootstrap, records, properties=settings(codec, level))
        count, crc, _, used = driver("read", *segments(cluster, topic))
        is_consumed(bench, topic, [(int(count), int(crc))])
        assert int(count) == 2203 and codec in used.split(","), f"{count} records, {used}"


@scenario("11 a value of 64 MiB costs no memory but its own")
def large_value(bench, cluster):
    topic = bench.topic("large", partitions=1, configs=WIDE)
    size = 64 * MEBIBYTE
    crc, peak = driver("large", bootstrap_server=cluster.bootstrap, topic=topic, bytes=size,
                       properties={"max.request.size": size + 1000})
    assert int(peak) < size + MEBIBYTE, f"{int(peak) - size} bytes above the value and what was there before"
    count, _, total, _ = driver("read", *segments(cluster, topic))
    assert (int(count), int(total)) == (2, size + 4)
    assert driver("read", *segments(cluster, topic))[1] == crc
    bench.fact(f"peak {(int(peak) - size) // 1024} KiB above the value")
