"""Three brokers with replication, and what happens to them while records are sent."""
import time

from checker import Failed, Rules
from clients import Stream
from harness import THREE, scenario

# Short enough to see them expire here
PATIENT = {"request.timeout.ms": 3000, "delivery.timeout.ms": 90000, "metadata.max.age.ms": 5000}


def start(bench, cluster, word, properties=None, partitions=3, throughput=2000, **options):
    topic = bench.topic(word, partitions=partitions, replicas=3)
    bench.kafka.wait_in_sync(topic, 3)
    stream = Stream(bench.client, cluster.bootstrap, topic, word, keys=60, throughput=throughput, value_size=100,
                    properties=PATIENT | (properties or {}), **options)
    stream.wait_acked(1000)
    return topic, stream


def go_on(stream, records=3000, limit=90):
    """Until so many more were acknowledged: the producer works again."""
    stream.wait_acked(stream.acked() + records, limit)


def nothing_failed(sender):
    acked, failed = sender.counts()
    assert not failed, f"failed: {failed}, such as {[o for o in sender.outcomes.values() if isinstance(o, Failed)][:2]}"


def heal(bench, cluster, topic):
    for node in cluster.nodes.values():
        if node.up():
            node.thaw()
        else:
            node.start()
    bench.kafka.wait_in_sync(topic, 3)


@scenario("4 kill -9 the leader in mid-stream", THREE)
def kill_leader(bench, cluster):
    topic, stream = start(bench, cluster, "killed")
    cluster.node(bench.kafka.leader(topic, 0)).kill()
    go_on(stream, 8000)
    heal(bench, cluster, topic)
    go_on(stream)
    bench.judge(topic, [stream.end()])
    nothing_failed(stream.sender)


@scenario("4 freeze the leader past the request timeout", THREE)
def freeze_leader(bench, cluster):
    topic, stream = start(bench, cluster, "frozen")
    leader = cluster.node(bench.kafka.leader(topic, 0))
    leader.freeze()
    time.sleep(6)
    go_on(stream, 3000)
    leader.thaw()
    go_on(stream, 6000)
    bench.kafka.wait_in_sync(topic, 3)
    bench.judge(topic, [stream.end()])
    nothing_failed(stream.sender)


@scenario("4 restart all brokers one by one", THREE)
def rolling_restart(bench, cluster):
    topic, stream = start(bench, cluster, "rolling")
    for node in cluster.nodes.values():
        node.restart()
        bench.kafka.wait_in_sync(topic, 3)
        go_on(stream, 1000)
    bench.judge(topic, [stream.end()])
    nothing_failed(stream.sender)


@scenario("4 records that expire while the leader is frozen tell the truth", THREE)
def expire(bench, cluster):
    topic, stream = start(bench, cluster, "expired", partitions=1,
                          properties={"delivery.timeout.ms": 2000, "request.timeout.ms": 1500, "linger.ms": 5})
    leader = cluster.node(bench.kafka.leader(topic, 0))
    leader.freeze()
    time.sleep(5)
    leader.thaw()
    go_on(stream, 3000)
    bench.kafka.wait_in_sync(topic, 3)
    bench.judge(topic, [stream.end()])
    assert stream.sender.counts()[1], "nothing expired"


@scenario("4 kill -9 without idempotence: nothing lost", THREE)
def kill_plain(bench, cluster):
    topic, stream = start(bench, cluster, "plain", properties={"enable.idempotence": "false", "acks": "all"})
    cluster.node(bench.kafka.leader(topic, 0)).kill()
    go_on(stream, 5000)
    heal(bench, cluster, topic)
    go_on(stream)
    sender = stream.end()
    bench.judge(topic, [sender], Rules(once=False, ordered=False))
    nothing_failed(sender)


@scenario("4 leaders are moved while sending", THREE)
def move_leaders(bench, cluster):
    topic, stream = start(bench, cluster, "moved")
    for _ in range(4):
        for partition, state in enumerate(bench.kafka.describe(topic)["partitions"]):
            replicas = state["replicas"][1:] + state["replicas"][:1]
            bench.kafka.reassign(topic, partition=partition, replicas=replicas)
            bench.kafka.wait_in_sync(topic, 3)
            bench.kafka.elect(topic, partitions=[partition])
        go_on(stream, 1000)
    bench.judge(topic, [stream.end()])
    nothing_failed(stream.sender)


@scenario("6 not enough replicas", THREE)
def not_enough_replicas(bench, cluster):
    topic = bench.topic("insync", assignment=[[1, 2]], configs={"min.insync.replicas": "2"})
    stream = Stream(bench.client, cluster.bootstrap, topic, "n", throughput=200,
                    properties={"delivery.timeout.ms": 3000, "request.timeout.ms": 1000, "retry.backoff.ms": 100})
    stream.wait_acked(200)
    cluster.node(2).kill()
    stream.wait_lines(100, 60, having="failed\t")
    cluster.node(2).start()
    go_on(stream, 400)
    sender = stream.end()
    bench.judge(topic, [sender])
    errors = {outcome.error for outcome in sender.outcomes.values() if isinstance(outcome, Failed)}
    assert errors <= {"NOT_ENOUGH_REPLICAS", "NOT_ENOUGH_REPLICAS_AFTER_APPEND", "DELIVERY_TIMEOUT", "BATCH_EXPIRED",
                      "RETRIES_EXHAUSTED"}, errors
    bench.fact(", ".join(sorted(errors)))
