"""Topics that come, go and grow; records that a broker refuses; quotas."""
import time

import clients
from checker import Acked, Failed
from clients import Stream
from harness import THREE, scenario
from jars import Unavailable


def expect_failure(outcome, errors, persisted="no"):
    assert isinstance(outcome, Failed), f"{outcome} instead of {errors}"
    assert outcome.error in errors, f"{outcome} instead of {errors}"
    assert outcome.persisted == persisted, f"{outcome}: {persisted} persisted was expected"
    assert outcome.text, f"{outcome} says nothing"


@scenario("5 unknown topic is created automatically")
def automatic(bench, cluster):
    topic = bench.topic("automatic")
    given = [(topic, "-", "-", f"={n}", f"={n}", "") for n in range(50)]
    outcomes, _ = clients.send(bench.client, cluster.bootstrap, given)
    assert all(isinstance(outcome, Acked) for outcome in outcomes), outcomes
    assert sorted(int(record.value) for record in bench.kafka.read(topic)) == list(range(50))


@scenario("5 unknown topic without automatic creation: an error after max.block.ms", THREE)
def unknown(bench, cluster):
    known = bench.topic("known", partitions=1, replicas=3)
    given = [("nobody-made-this", "-", "-", "-", "=lost", ""), (known, "-", "-", "-", "=v", "")]
    outcomes, seconds = clients.send(bench.client, cluster.bootstrap, given, {"max.block.ms": 2000})
    expect_failure(outcomes[0], ["MAX_BLOCK_EXCEEDED", "UNKNOWN_TOPIC_OR_PARTITION"])
    assert isinstance(outcomes[1], Acked), outcomes[1]
    assert 1.9 <= seconds < 20, f"{seconds:.1f} s"


@scenario("5 topic that is created while a record waits for it", THREE)
def created_late(bench, cluster):
    topic = bench.topic("late")
    stream = Stream(bench.client, cluster.bootstrap, topic, "late", records=100,
                    properties={"max.block.ms": 60000, "metadata.max.age.ms": 1000})
    time.sleep(3)
    bench.kafka.create_topic(topic, partitions=2, replicas=3)
    bench.judge(topic, [stream.finish(90)])
    assert stream.sender.counts()[0] == 100


@scenario("5 topic deleted and created again while sending", THREE)
def recreated(bench, cluster):
    topic = bench.topic("reborn", partitions=3, replicas=3)
    stream = Stream(bench.client, cluster.bootstrap, topic, "r", keys=20, throughput=500,
                    properties={"metadata.max.age.ms": 1000, "delivery.timeout.ms": 20000, "request.timeout.ms": 5000})
    stream.wait_acked(1000)
    bench.kafka.delete_topic(topic)
    time.sleep(2)
    bench.kafka.create_topic(topic, partitions=3, replicas=3)
    for partition in range(3):
        bench.kafka.wait_leader(topic, partition)
    settled = stream.highest()
    stream.wait_lines(len(stream.lines()) + 2000, 90, having="")
    settled_later = stream.highest()
    stream.wait_acked(stream.acked() + 1000, 60)
    sender = stream.end()

    def forgive(violation):
        """What was acknowledged before, or while it was not clear which topic it is, went with the old one."""
        number = int(violation.text.split(",")[0].split(" ")[0].rsplit(".", 1)[1]) if "." in violation.text else -1
        return violation.kind in ("lost", "misreported") and number <= max(settled, settled_later)
    bench.judge(topic, [sender], forgive=forgive)
    acked = [number for number, outcome in sender.outcomes.items() if isinstance(outcome, Acked)]
    assert sum(number > settled_later for number in acked) >= 900, "the producer did not recover"


@scenario("5 partitions that are added are used")
def grown(bench, cluster):
    topic = bench.topic("grown", partitions=2)
    stream = Stream(bench.client, cluster.bootstrap, topic, "g", throughput=2000, value_size=200,
                    properties={"metadata.max.age.ms": 1000, "batch.size": 2000})
    stream.wait_acked(1000)
    bench.kafka.add_partitions(topic, partitions=6)

    def partitions():
        return {line.split("\t")[2] for line in stream.lines() if line.startswith("ok")}
    end = time.monotonic() + 40
    while len(partitions()) < 6 and time.monotonic() < end:
        time.sleep(0.2)
    sender = stream.end()
    bench.judge(topic, [sender])
    assert len(partitions()) == 6, f"only {sorted(partitions())} are used"


@scenario("6 record too large for max.request.size, and for the topic")
def too_large(bench, cluster):
    topic = bench.topic("large", partitions=1, configs={"max.message.bytes": "20000"})
    given = [(topic, "-", "-", "-", "*30000", ""), (topic, "-", "-", "-", "*2000000", "")]
    outcomes, _ = clients.send(bench.client, cluster.bootstrap, given)
    expect_failure(outcomes[0], ["MESSAGE_TOO_LARGE", "RECORD_TOO_LARGE"])
    expect_failure(outcomes[1], ["RECORD_TOO_LARGE"])
    assert bench.kafka.read(topic) == []


@scenario("6 record too large for the topic in a batch with others")
def too_large_beside_others(bench, cluster):
    if bench.client.name == "java":
        raise Unavailable("the Java producer splits such a batch again and again until its stack overflows")
    topic = bench.topic("large", partitions=1, configs={"max.message.bytes": "20000"})
    given = [(topic, "-", "-", "-", text, "") for text in ("=first", "=second", "*30000", "=third", "*25000", "=last")]
    outcomes, _ = clients.send(bench.client, cluster.bootstrap, given, {"batch.size": 100000, "linger.ms": 200})
    for number in (2, 4):
        expect_failure(outcomes[number], ["MESSAGE_TOO_LARGE", "RECORD_TOO_LARGE"])
    assert all(isinstance(outcomes[number], Acked) for number in (0, 1, 3, 5)), outcomes
    assert [record.value for record in bench.kafka.read(topic)] == [b"first", b"second", b"third", b"last"]


@scenario("6 a batch of good records that together are too large for the topic is split")
def split(bench, cluster):
    topic = bench.topic("split", partitions=1, configs={"max.message.bytes": "5000"})
    stream = Stream(bench.client, cluster.bootstrap, topic, "s", records=3000, value_size=400,
                    properties={"batch.size": 100000, "linger.ms": 50})
    sender = stream.finish()
    bench.judge(topic, [sender])
    assert sender.counts()[0] == 3000, sender.counts()


@scenario("6 invalid timestamp")
def invalid_timestamp(bench, cluster):
    topic = bench.topic("time", partitions=1, configs={"message.timestamp.before.max.ms": "3600000",
                                                       "message.timestamp.after.max.ms": "3600000"})
    old = [(topic, "-", 1000, "-", "=old", "")]
    outcomes, _ = clients.send(bench.client, cluster.bootstrap, old)
    expect_failure(outcomes[0], ["INVALID_TIMESTAMP", "INVALID_RECORD"])
    good = [(topic, "-", "-", "-", "=good", "")]
    outcomes, _ = clients.send(bench.client, cluster.bootstrap, good + old + good, {"linger.ms": 100})
    expect_failure(outcomes[1], ["INVALID_TIMESTAMP", "INVALID_RECORD"])
    present = [record.value for record in bench.kafka.read(topic)]
    acked = sum(isinstance(outcome, Acked) for outcome in outcomes)
    assert present == [b"good"] * acked, f"{present} after {outcomes}"
    for outcome in outcomes:
        assert isinstance(outcome, Acked) or outcome.persisted == "no", outcome


@scenario("6 a broker's quota slows down, and loses nothing")
def quota(bench, cluster):
    rate, size, records = 200_000, 1000, 1500
    bench.kafka.quota(client="limited", rate=rate)
    topic = bench.topic("quota", partitions=3)
    stream = Stream(bench.client, cluster.bootstrap, topic, "q", value_size=size, records=records,
                    properties={"client.id": "limited", "request.timeout.ms": 5000})
    sender = stream.finish()
    bench.judge(topic, [sender])
    bench.kafka.quota(client="limited", rate=None)
    assert sender.counts()[0] == records
    # The first window's worth passes before the broker notices
    assert stream.seconds > (records * size / rate - 2) * 0.5, f"not slowed down: {stream.seconds:.1f} s"
    bench.fact(f"{stream.seconds:.1f} s")
