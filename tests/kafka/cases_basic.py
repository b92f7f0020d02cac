"""Serializers, keys, acknowledgements, real input: one broker, no faults."""
import json
import random
import tempfile
import time
import zlib

import clients
import jars
from checker import Acked
from clients import Stream
from harness import scenario

# By case of `kafka_driver serializers`: what Java's deserializer must make of it
CASES = {
    "string": "string gr\u00fc\u00dfe \u2603", "string_view": "string view", "c_string": "string literal",
    "empty_string": "string ", "int16": "short -12345", "int32": "integer -1234567890",
    "int64": "long -1234567890123456789", "float": "float -1.5E-7", "double": "double 3.141592653589793",
    "uuid": "uuid 01234567-89ab-cdef-fedc-ba9876543210", "bytes": "bytes 00ff807f", "vector": "bytes 010203",
    "null": "void null", "optional_empty": "string null", "optional_full": "integer 42",
}


@scenario("1 every serializer is read by Java's deserializer")
def serializers(bench, cluster):
    topic = bench.topic("types", partitions=3)
    run = clients.Run([*bench.client.driver("serializers"),
                       *clients.arguments({"bootstrap_server": cluster.bootstrap, "topic": topic})])
    reported = {}
    for line in run.finish(60):
        status, case, *rest = line.split("\t")
        assert status == "ok", line
        reported[tuple(int(number) for number in rest)] = case
    assert sorted(reported.values()) == sorted(CASES), f"reported {sorted(reported.values())}, {run.last_errors()}"
    for record in bench.kafka.deserialize(topic):
        case = reported.pop((record["partition"], record["offset"], record["timestamp"]))
        assert record["key"] == record["value"] == CASES[case], f"{case}: Java reads {record}"
    assert not reported, f"not in the log: {reported}"
    bench.fact(f"{len(CASES)} types")


@scenario("1 headers, nulls, timestamps, partitions")
def records(bench, cluster):
    topic = bench.topic("records", partitions=4)
    now = int(time.time() * 1000)
    given = [
        (topic, 0, now - 5000, "=key", "=value", ""), (topic, 1, "-", "-", "=null key", ""),
        (topic, 2, "-", "=", "=", ""), (topic, 3, "-", "=tombstone", "-", ""), (topic, 0, 0, "-", "-", ""),
        (topic, 1, "-", "=k", "=v", "one:=1,two:=2,one:=again,null:-,empty:=,raw:x00ff0a"),
        (topic, 2, now + 1000, "x00ff00", "x80", "h:x"), (topic, 3, "-", "=large", "*900000", ""),
    ]
    expected = [(b"key", b"value", []), (None, b"null key", []), (b"", b"", []), (b"tombstone", None, []),
                (None, None, []),
                (b"k", b"v", [("one", b"1"), ("two", b"2"), ("one", b"again"), ("null", None), ("empty", b""),
                              ("raw", b"\x00\xff\n")]),
                (b"\x00\xff\x00", b"\x80", [("h", b"")]), (b"large", b"x" * 900000, [])]
    outcomes, _ = clients.send(bench.client, cluster.bootstrap, given)
    log = {(record.partition, record.offset): record for record in bench.kafka.read(topic)}
    assert len(log) == len(given), f"{len(log)} records"
    for line, (key, value, headers), outcome in zip(given, expected, outcomes):
        assert isinstance(outcome, Acked), f"{line[:5]}: {outcome}"
        record = log[outcome.partition, outcome.offset]
        assert (record.key, record.value, record.headers) == (key, value, headers), f"{line} became {record}"
        assert record.partition == line[1] and record.timestamp == outcome.timestamp, f"{outcome} is {record}"
        asked = line[2]
        assert record.timestamp == asked if asked != "-" else abs(record.timestamp - now) < 60000, record


@scenario("1 time of appending, from the broker")
def append_time(bench, cluster):
    topic = bench.topic("appended", partitions=1, configs={"message.timestamp.type": "LogAppendTime"})
    outcomes, _ = clients.send(bench.client, cluster.bootstrap, [(topic, "-", 12345, "-", "=v", "")] * 3)
    log = bench.kafka.read(topic)
    assert [record.timestamp_type for record in log] == ["append"] * 3
    assert [outcome.timestamp for outcome in outcomes] == [record.timestamp for record in log], (outcomes, log)
    assert abs(log[0].timestamp - time.time() * 1000) < 60000


@scenario("2 a million keyed records in the partitions of the Java producer, in order, once")
def keyed(bench, cluster):
    keys, partitions = 10000, 12
    topic = bench.topic("keyed", partitions=partitions)
    stream = Stream(bench.client, cluster.bootstrap, topic, "m", keys=keys, value_size=100, records=bench.million)
    sender = stream.finish(600)
    log = bench.judge(topic, [sender])
    assert len(log) == bench.million, f"{len(log)} records"
    java = bench.topic("java", partitions=partitions)
    names = [f"key-{number}" for number in range(min(keys, bench.million))]
    where = dict(zip((name.encode() for name in names), bench.kafka.partition_of(java, names)))
    differ = {record.key for record in log if record.partition != where[record.key]}
    assert not differ, f"Java sends {len(differ)} keys elsewhere, such as {sorted(differ)[:5]}"
    bench.fact(f"{stream.seconds:.1f} s")


ACKS = [("0", "false"), ("1", "false"), ("all", "false"), ("all", "true")]


def acknowledged(bench, cluster, acks, idempotent):
    topic = bench.topic("acks", partitions=3)
    stream = Stream(bench.client, cluster.bootstrap, topic, f"acks-{acks}", keys=100, records=50000,
                    properties={"acks": acks, "enable.idempotence": idempotent})
    sender = stream.finish()
    log = bench.judge(topic, [sender], patience=30 if acks == "0" else 0)
    assert len(log) == 50000, f"{len(log)} records"
    offsets = {outcome.offset >= 0 for outcome in sender.outcomes.values()}
    assert offsets == {acks != "0"}, "offsets are known if and only if the broker answers"


for acks_, idempotent_ in ACKS:
    scenario(f"3 acks={acks_}, idempotence {'on' if idempotent_ == 'true' else 'off'}")(
        lambda bench, cluster, a=acks_, i=idempotent_: acknowledged(bench, cluster, a, i))


def log_file(lines):
    """Like a web server's: repeated words, lines of unequal length, an empty line now and then."""
    pick = random.Random(8)
    file = tempfile.NamedTemporaryFile("w+b", dir=jars.home(), suffix=".log")
    paths = ["/", "/index.html", "/img/\u00fc.png", "/search?q=kafka+c%2B%2B", "/a/rather/long/path/" + "x" * 200]
    for number in range(lines):
        if number % 1000 == 999:
            file.write(b"\n")
            continue
        file.write(f"127.0.0.{pick.randrange(256)} - - [21/Nov/2026:04:{number // 60 % 60:02}:{number % 60:02}] "
                   f"\"GET {pick.choice(paths)} HTTP/1.1\" 200 {number}\n".encode())
    file.flush()
    file.seek(0)
    return file


@scenario("8 a log file of a million lines through console_producer and back")
def console(bench, cluster):
    topic = bench.topic("lines", partitions=6)
    with log_file(bench.million) as file:
        run = clients.Run([*bench.client.command("console_producer"), "--bootstrap-server", cluster.bootstrap,
                           "--topic", topic, "--print-metadata"], file)
        output = run.finish(600)
        file.seek(0)
        lines = file.read().split(b"\n")[:-1]
    assert run.process.returncode == 0, f"status {run.process.returncode}: {run.last_errors()}"
    assert len(output) == len(lines), f"{len(output)} answers for {len(lines)} lines"
    sums, last = {}, {}
    for number, (line, text) in enumerate(zip(lines, output), 1):
        told = json.loads(text)
        assert told.get("line") == number and told.get("topic") == topic and "timestamp" in told, text
        partition, offset = told["partition"], told["offset"]
        assert offset == last.get(partition, -1) + 1, f"line {number}: {text} comes after offset {last.get(partition)}"
        last[partition] = offset
        sums[partition] = zlib.crc32(line + b"\n", sums.get(partition, 0))
    found = bench.kafka.summary(topic)
    assert {p: values["values_crc32"] for p, values in found.items()} == sums, "checksums differ"
    assert sum(values["records"] for values in found.values()) == len(lines)
    bench.fact(f"{len(lines)} lines in {len(sums)} partitions, {run.seconds:.1f} s")
