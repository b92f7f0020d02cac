"""What is measured: each row one workload, one server, several clients that do the same work on it."""
import dataclasses

from servers import Kind


@dataclasses.dataclass(frozen=True)
class Workload:
    name: str
    title: str
    server: Kind = Kind()
    size: int = 100                     # bytes of each value
    records: int = 2_000_000            # for librdkafka, scaled for each client so that runs take equally long
    keys: int = 0                       # distinct 12-byte keys; 0: none
    rate: int = 0                       # records a second; 0: as fast as they are taken
    burst: int = 1
    linger: float = -1                  # ms; -1: the client's default
    batch: int = 0                      # bytes; 0: the client's default
    codec: str = "none"
    headers: int = 0
    acks: str = "all"
    idempotent: bool = True
    api: str = "callback"               # kurier's: callback, coroutine or batch
    coroutines: int = 0
    idle_topics: int = 0                # of 4 partitions, known and not used
    one_core: bool = False              # the client on one processor, the server on another
    clients: tuple = ("kurier", "librdkafka")
    metrics: tuple = ("cpu_s_per_million",)
    quick: bool = False


CPU, SPEED, MEMORY = "cpu_s_per_million", "records_per_s", "peak_memory_kb"
LATENCY = ("send_p50_us", "send_p99_us", "due_p50_us", "due_p99_us", CPU)
WITH_FLOOR = ("kurier", "librdkafka", "floor")
REAL = ("kurier", "librdkafka", "franz-go", "java")


def mock_rows():
    one, twelve = Kind(), Kind(partitions=12)
    rows = [
        Workload("10B", "10 B", one, 10, 4_000_000, clients=WITH_FLOOR, quick=True),
        Workload("100B", "100 B", one, 100, 4_000_000, clients=WITH_FLOOR, metrics=(CPU, MEMORY), quick=True),
        Workload("1kB", "1 kB", one, 1_000, 1_000_000, clients=WITH_FLOOR, metrics=(CPU, MEMORY), quick=True),
        Workload("10kB", "10 kB", one, 10_000, 150_000, clients=WITH_FLOOR, quick=True),
        Workload("100B-keys12", "100 B, 100,000 keys, 12 partitions", twelve, 100, 2_000_000, keys=100_000,
                 clients=WITH_FLOOR, metrics=(CPU, MEMORY), quick=True),
        Workload("1kB-keys12", "1 kB, 100,000 keys, 12 partitions", twelve, 1_000, 600_000, keys=100_000, clients=WITH_FLOOR),
        Workload("100B-keys64", "100 B, 100,000 keys, 64 partitions", Kind(partitions=64), 100, 2_000_000, keys=100_000),
        Workload("100B-keys64x3", "100 B, 100,000 keys, 64 partitions on 3 brokers", Kind(brokers=3, partitions=64), 100,
                 2_000_000, keys=100_000, quick=True),
        Workload("1kB-keys64x3", "1 kB, 100,000 keys, 64 partitions on 3 brokers", Kind(brokers=3, partitions=64), 1_000,
                 600_000, keys=100_000),
        Workload("idle-partitions", "100 B, 100,000 keys, 12 partitions, 10,000 idle partitions known", twelve, 100,
                 2_000_000, keys=100_000, idle_topics=2_500),
        Workload("100B-batch-api", "100 B, kurier's batch form", one, 100, 4_000_000, api="batch"),
        Workload("100B-coroutines", "100 B, 10,000 coroutines each awaiting its record", one, 100, 2_000_000, api="coroutine",
                 coroutines=10_000, quick=True),
        Workload("100B-headers", "100 B and two headers", one, 100, 1_500_000, headers=2),
        Workload("100B-acks1", "100 B, acks=1 without idempotence", one, 100, 4_000_000, acks="1", idempotent=False),
        Workload("100B-one-core", "100 B, the whole client on one core", Kind(pin=1), 100, 4_000_000, one_core=True,
                 clients=WITH_FLOOR, metrics=(SPEED, CPU), quick=True),
    ]
    return rows + equal_rows() + codec_rows() + rate_rows()


def equal_rows():
    """The same batch size and linger for everybody."""
    same = {"linger": 5, "batch": 1_000_000}
    return [Workload("100B-equal", "100 B, batches of 1 MB, linger 5 ms", Kind(), 100, 4_000_000, clients=WITH_FLOOR,
                     metrics=(CPU, MEMORY), **same),
            Workload("1kB-equal", "1 kB, batches of 1 MB, linger 5 ms", Kind(), 1_000, 1_000_000, clients=WITH_FLOOR, **same),
            Workload("100B-keys12-equal", "100 B, 100,000 keys, 12 partitions, batches of 1 MB, linger 5 ms",
                     Kind(partitions=12), 100, 2_000_000, keys=100_000, clients=WITH_FLOOR, **same)]


CODECS = ("gzip", "snappy", "lz4", "zstd")          # at Kafka's default levels, which are everybody's


def codec_row(codec, size, server, before, clients):
    of_all = 50_000_000 if codec == "gzip" else 200_000_000
    text = "1 kB" if size == 1_000 else f"{size} B"
    return Workload(f"{before}{text.replace(' ', '')}-{codec}", f"{text}, {codec}", server, size, of_all // size, codec=codec,
                    clients=clients, metrics=(CPU, MEMORY))


def codec_rows():
    return [codec_row(codec, size, Kind(), "", ("kurier", "librdkafka")) for codec in CODECS for size in (100, 1_000)]


def rate_rows():
    rows = []
    for linger in (0, 5):
        for rate, burst, seconds in ((1_000, 1, 3), (10_000, 1, 4), (100_000, 100, 3)):
            text = f"{rate:,}/s" + (f" in bursts of {burst}" if burst > 1 else "") + f", linger {linger} ms"
            rows.append(Workload(f"rate-{rate}-linger{linger}", text, Kind(), 100, rate * seconds, rate=rate, burst=burst,
                                 linger=linger, clients=WITH_FLOOR, metrics=LATENCY,
                                 quick=(rate, linger) == (10_000, 0)))
    return rows


def kafka_rows():
    kafka = Kind("kafka", partitions=12)
    return [
        Workload("kafka-100B", "100 B, 12 partitions", kafka, 100, 2_000_000, clients=REAL, metrics=(CPU, MEMORY), quick=True),
        Workload("kafka-100B-keys12", "100 B, 100,000 keys, 12 partitions", kafka, 100, 2_000_000, keys=100_000, clients=REAL,
                 quick=True),
        Workload("kafka-1kB", "1 kB, 12 partitions", kafka, 1_000, 400_000, clients=REAL, quick=True),
        Workload("kafka-10kB", "10 kB, 12 partitions", kafka, 10_000, 40_000, clients=REAL),
        Workload("kafka-100B-equal", "100 B, 12 partitions, batches of 1 MB, linger 5 ms", kafka, 100, 2_000_000, linger=5,
                 batch=1_000_000, clients=REAL),
        Workload("kafka-100B-keys12-equal", "100 B, 100,000 keys, 12 partitions, batches of 128 kB, linger 5 ms", kafka, 100,
                 2_000_000, keys=100_000, linger=5, batch=131_072, clients=REAL),
        Workload("kafka-100B-lz4", "100 B, 12 partitions, lz4", kafka, 100, 2_000_000, codec="lz4", clients=REAL),
        Workload("kafka-rate-10000-linger0", "10,000/s, linger 0 ms", Kind("kafka"), 100, 40_000, rate=10_000, linger=0,
                 clients=REAL, metrics=LATENCY),
        Workload("kafka-100B-java-tool", "100 B, 12 partitions, against Kafka's own kafka-producer-perf-test", kafka, 100,
                 2_000_000, clients=("kurier", "java-perf-test")),
        Workload("kafka3-100B-keys64", "100 B, 100,000 keys, 64 partitions on 3 brokers, 3 replicas",
                 Kind("kafka", brokers=3, partitions=64), 100, 1_000_000, keys=100_000, clients=REAL),
    ]


def embedded_rows():
    """A quick broker that every client can talk to."""
    one, twelve = Kind("embedded"), Kind("embedded", partitions=12)
    return [
        Workload("embedded-100B", "100 B", one, 100, 2_000_000, clients=REAL),
        Workload("embedded-100B-keys12", "100 B, 100,000 keys, 12 partitions", twelve, 100, 2_000_000, keys=100_000,
                 clients=REAL),
        Workload("embedded-1kB", "1 kB", one, 1_000, 600_000, clients=REAL),
        *(codec_row(codec, size, one, "embedded-", embedded_codec_clients(codec)) for codec in CODECS for size in (100, 1_000)),
    ]


def embedded_codec_clients(codec):
    """librdkafka asks a broker for consumers' APIs to see whether it knows lz4 and zstd. The embedded broker has none of
    those, so librdkafka would send everything uncompressed."""
    return tuple(client for client in REAL if client != "librdkafka" or codec not in ("lz4", "zstd"))


def all_rows():
    return mock_rows() + embedded_rows() + kafka_rows()
