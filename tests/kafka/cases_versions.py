"""Old and new brokers, each with a plain, an idempotent and an acks=0 producer."""
import jars
from clients import Stream
from harness import scenario

PRODUCERS = {
    "plain": {"acks": "1", "enable.idempotence": "false"},
    "idempotent": {"acks": "all", "enable.idempotence": "true"},
    "acks=0": {"acks": "0", "enable.idempotence": "false"},
}


def works(bench, cluster, properties):
    topic = bench.topic("versions", partitions=4)
    stream = Stream(bench.client, cluster.bootstrap, topic, "v", keys=500, value_size=50, records=20000,
                    properties=properties)
    sender = stream.finish(90)
    bench.judge(topic, [sender], patience=30 if properties["acks"] == "0" else 0)
    assert sender.counts()[0] == 20000, sender.counts()


def creates(bench, cluster):
    topic = bench.topic("automatic")
    sender = Stream(bench.client, cluster.bootstrap, topic, "c", records=100).finish(90)
    bench.judge(topic, [sender])
    assert sender.counts()[0] == 100, sender.counts()


for version in jars.VERSIONS:
    for word, settings in PRODUCERS.items():
        scenario(f"7 Kafka {version}, {word}", version)(
            lambda bench, cluster, properties=settings: works(bench, cluster, properties))
    scenario(f"7 Kafka {version}, automatic topic", version)(creates)
