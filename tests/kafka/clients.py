"""The programs under test, and what they print.

Three programs of kurier, in the folder $KURIER_BIN (build/release/bin): console_producer and verifiable_producer as
Kafka's tools of those names, and kafka_driver, for what these have no words for:

    kafka_driver serializers --bootstrap-server B --topic T [--command-property k=v]...
        One record for each built-in serializer, its bytes as key and as value; headers `case` (a name),
        `key-type` and `value-type` (the Java deserializer) and the values of `CASES` in scenarios.py.
    kafka_driver send --bootstrap-server B [--command-property k=v]...
        A record for each line of standard input, six fields between tabs:
            topic  partition  timestamp  key  value  headers
        partition, timestamp: a number or `-`. key, value: `-` null, `=text`, `xHEX`, `*N` (N times the letter x).
        headers: `name:VALUE`, separated by commas, with VALUE as above. Every record is sent when its line is read,
        without waiting for those before.
    kafka_driver stream --bootstrap-server B --topic T --prefix P [--records N] [--first F] [--keys K]
                        [--value-size S] [--throughput R] [--window W] [--log debug] [--command-property k=v]...
        Records with value `P.F`, `P.F+1`, ..., padded to S bytes by `|xxx`, and key `key-(number % K)` (null if K is
        0), at R a second (-1: as fast as it goes), at most W without an answer (100000); N of them, or until SIGTERM,
        which ends it as N would. With `--log debug` the log on standard error tells of every refused batch.

Each prints a line as soon as a record's fate is known, tab-separated, flushed at least every 0.1 s, ID being the
serializer's case, the line's number from 0, or the record's number:

    ok      ID  partition  offset  timestamp           (offset -1: the broker did not say)
    failed  ID  no|possibly|yes  ERROR_NAME  text

and `stream` at the end `done  sent  acked  failed`. The status is 0 when all that was asked for was done, whether
records failed or not (`stream`: 1 if any failed).
"""
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import time

import jars
import jvm
import process
from checker import Acked, Failed, Sender

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Kurier:
    name = "kurier"

    def __init__(self, folder=None):
        self.folder = pathlib.Path(folder or os.environ.get("KURIER_BIN") or ROOT / "build" / "release" / "bin")

    def command(self, program):
        file = self.folder / program
        if not file.exists():
            raise jars.Unavailable(f"{program} is not in {self.folder} (cmake --build --preset release, or KURIER_BIN)")
        return [file]

    def driver(self, what):
        return [*self.command("kafka_driver"), what]


class Java:
    """Kafka's own producer in kurier's place: what it can't pass, the scenarios ask too much of."""
    name = "java"

    def command(self, program):
        if program == "verifiable_producer":
            return jvm.command("org.apache.kafka.tools.VerifiableProducer")
        return jvm.command("Driver", program)

    def driver(self, what):
        return jvm.command("Driver", what)


def arguments(options):
    """`--name value` pairs; a dict of properties becomes one --command-property each."""
    for name, value in options.items():
        if isinstance(value, dict):
            for key, text in value.items():
                yield from ("--command-property", f"{key}={text}")
        elif value is not None:
            yield from ("--" + name.replace("_", "-"), str(value))


class Run:
    """A running program; its lines are read while and after it runs."""

    def __init__(self, command, given=None):
        self.output = tempfile.TemporaryFile("w+", dir=jars.home(), encoding="utf-8")
        self.errors = tempfile.TemporaryFile("w+", dir=jars.home(), encoding="utf-8", errors="replace")
        self.begin = time.monotonic()
        self.seen = []
        self.rest = ""
        self.process = process.start(command, stdin=given or subprocess.DEVNULL, stdout=self.output, stderr=self.errors)

    def lines(self):
        """All complete lines up to now."""
        self.rest += self.read_more()
        *more, self.rest = self.rest.split("\n")
        self.seen += more
        return self.seen

    def read_more(self):
        with open(f"/proc/self/fd/{self.output.fileno()}", encoding="utf-8") as file:
            file.seek(getattr(self, "place", 0))
            text = file.read()
            self.place = file.tell()
        return text

    def partitions_acked(self, since=0):
        """By its lines from that one on."""
        return {self.partition(line) for line in self.lines()[since:]} - {None}

    def wait_lines(self, count, limit=60, having=""):
        def enough():
            found = sum(having in line for line in self.lines())
            if found < count and self.process.poll() is not None:
                raise RuntimeError(f"ended with {found} of {count} lines: {self.last_errors()}")
            return found >= count
        process.wait_until(enough, limit, f"{count} lines {having}")

    def finish(self, limit=180):
        """Waits for the end by itself; a program that hangs is killed, its records stay without an outcome."""
        try:
            self.process.wait(limit)
        except subprocess.TimeoutExpired:
            pass
        self.hung = self.process.poll() is None
        process.stop(self.process, signal.SIGKILL)
        self.seconds = time.monotonic() - self.begin
        return self.lines()

    def end(self, limit=180):
        process.send(self.process, signal.SIGTERM)
        return self.finish(limit)

    def all_errors(self):
        self.errors.seek(0)
        return self.errors.read()

    def last_errors(self):
        return self.all_errors()[-2000:].strip()


def outcome(fields):
    """Of the fields of an `ok` or `failed` line."""
    if fields[0] == "ok":
        return Acked(int(fields[2]), int(fields[3]), int(fields[4]))
    return Failed(*fields[2:5])


class Stream(Run):
    """`kafka_driver stream`; finish() gives the Sender for the checker."""

    def __init__(self, client, bootstrap, topic, prefix, properties=None, keys=0, value_size=0, first=0, **options):
        self.sender = Sender(prefix, size=value_size, first=first,
                             key=(lambda number: b"key-%d" % (number % keys)) if keys else None)
        super().__init__([*client.driver("stream"), *arguments(
            {"bootstrap_server": bootstrap, "topic": topic, "prefix": prefix, "keys": keys, "value_size": value_size,
             "first": first, "properties": properties or {}} | options)])

    @staticmethod
    def partition(line):
        return int(line.split("\t")[2]) if line.startswith("ok") else None

    def acked(self):
        return sum(line.startswith("ok") for line in self.lines())

    def wait_acked(self, count, limit=60):
        self.wait_lines(count, limit, having="ok\t")

    def highest(self):
        """The highest number that has an outcome."""
        return max((int(line.split("\t")[1]) for line in self.lines() if not line.startswith("done")), default=-1)

    def finish(self, limit=180):
        for line in super().finish(limit):
            fields = line.split("\t")
            if fields[0] == "done":
                self.sender.sent = max(self.sender.sent, int(fields[1]))
            else:
                self.sender.resolve(int(fields[1]), outcome(fields))
        if self.hung or not self.lines() or not self.lines()[-1].startswith("done"):
            raise RuntimeError(f"{'hangs' if self.hung else 'ended'}, status {self.process.returncode}, after "
                               f"{self.lines()[-1:]}: {self.last_errors()}")
        return self.sender


def send(client, bootstrap, records, properties=None, limit=180):
    """`kafka_driver send`: the outcome of each record, in the order given."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as given:
        given.write("".join("\t".join(map(str, record)) + "\n" for record in records))
        given.seek(0)
        run = Run([*client.driver("send"), *arguments({"bootstrap_server": bootstrap, "properties": properties or {}})],
                  given)
        found = {}
        for line in run.finish(limit):
            fields = line.split("\t")
            assert int(fields[1]) not in found, f"two outcomes: {line}"
            found[int(fields[1])] = outcome(fields)
    missing = [number for number in range(len(records)) if number not in found]
    assert not missing, f"no outcome of {missing[:10]}, status {run.process.returncode}: {run.last_errors()}"
    return [found[number] for number in range(len(records))], run.seconds


class Verifiable(Run):
    """`verifiable_producer`, Kafka's own contract for system tests; keys as it makes them: 0 to K - 1 in turn."""

    def __init__(self, client, bootstrap, topic, prefix, properties, keys=0, throughput=-1, messages=-1):
        self.config = tempfile.NamedTemporaryFile("w", suffix=".properties")
        self.config.write("".join(f"{key}={value}\n" for key, value in properties.items()))
        self.config.flush()
        self.sender = Sender(prefix, key=(lambda number: b"%d" % (number % keys)) if keys else None)
        super().__init__([*client.command("verifiable_producer"), *arguments(
            {"bootstrap_server": bootstrap, "topic": topic, "value_prefix": prefix, "throughput": throughput,
             "max_messages": messages, "command_config": self.config.name, "repeating_keys": keys or None})])

    @staticmethod
    def partition(line):
        return json.loads(line)["partition"] if "producer_send_success" in line else None

    def wait_acked(self, count, limit=60):
        self.wait_lines(count, limit, having="producer_send_success")

    def finish(self, limit=180):
        complete = False
        for line in super().finish(limit):
            event = json.loads(line)
            if event["name"] in ("producer_send_success", "producer_send_error"):
                number = int(event["value"].rsplit(".", 1)[1])
                self.sender.resolve(number, self.event_outcome(event))
            elif event["name"] == "tool_data":
                self.sender.sent = max(self.sender.sent, event["sent"])
            complete |= event["name"] == "shutdown_complete"
        if not complete:
            raise RuntimeError(f"{'hangs' if self.hung else 'ended'}, status {self.process.returncode}: "
                               f"{self.last_errors()}")
        return self.sender

    @staticmethod
    def event_outcome(event):
        if event["name"] == "producer_send_success":
            return Acked(event["partition"], event["offset"])
        # Kafka's tool does not say what was written; kurier's adds it
        return Failed(event.get("persisted", "possibly"), event["exception"], event["message"])
