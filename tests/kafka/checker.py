"""Compares what a client said about its records with what Kafka's own consumer found in the log.

Each record's value names its sender and its place in the order of sending: `PREFIX.NUMBER`, perhaps with `|PADDING`.
"""
import dataclasses
from collections import Counter
from typing import Callable, NamedTuple, Optional


class Acked(NamedTuple):
    partition: int
    offset: Optional[int]                           # None or negative: the client was not told (acks=0, duplicate)
    timestamp: Optional[int] = None


class Failed(NamedTuple):
    persisted: str                                  # "no", "possibly", "yes"
    error: str
    text: str = ""


class Violation(NamedTuple):
    kind: str
    text: str


@dataclasses.dataclass
class Rules:
    """What may be relied on; all of it with acks=all and idempotence."""
    durable: bool = True                            # acknowledged means written
    once: bool = True
    ordered: bool = True
    complete: bool = True                           # every record that was sent has an outcome
    timestamps: bool = True


class Sender:
    """One producer's records, in its order of sending: numbers `first` and up."""

    def __init__(self, prefix, key: Optional[Callable] = None, size=0, first=0):
        self.prefix, self.key, self.size, self.first = str(prefix), key, size, first
        self.outcomes = {}                          # number: Acked or Failed
        self.sent = 0                               # how many were handed to the producer
        self.twice = []                             # numbers with a second outcome

    def resolve(self, number, outcome):
        if number in self.outcomes:
            self.twice.append(number)
        else:
            self.outcomes[number] = outcome
        self.sent = max(self.sent, number - self.first + 1)

    def value(self, number):
        text = f"{self.prefix}.{number}"
        if len(text) < self.size:
            text += "|" + "x" * (self.size - len(text) - 1)
        return text.encode()

    def counts(self):
        acked = sum(isinstance(outcome, Acked) for outcome in self.outcomes.values())
        failed = Counter(outcome.persisted for outcome in self.outcomes.values() if isinstance(outcome, Failed))
        return acked, failed


def identify(value):
    """(prefix, number) of a record's value, or None."""
    prefix, dot, number = (value or b"").split(b"|", 1)[0].rpartition(b".")
    return (prefix.decode(errors="replace"), int(number)) if dot and number.isdigit() else None


class Places:
    """Where each record of each sender is in the log; what is wrong with the log by itself is found on the way."""

    def __init__(self, log, senders, rules, wrong):
        self.of = {prefix: {} for prefix in senders}
        last = {}                                   # (partition, prefix): number
        for record in log:
            who = identify(record.value)
            sender = senders.get(who[0]) if who else None
            if not sender or not sender.first <= who[1] < sender.first + sender.sent:
                wrong("altered", f"nobody sent {describe(record)}")
                continue
            prefix, number = who
            if record.value != sender.value(number) or (sender.key and record.key != sender.key(number)):
                wrong("altered", f"{prefix}.{number} became {describe(record)}")
            before = self.of[prefix].setdefault(number, record)
            if before is not record:
                if rules.once:
                    wrong("doubled", f"{prefix}.{number} at {at(before)} and {at(record)}")
                continue
            if not rules.ordered or isinstance(sender.outcomes.get(number), Failed):
                continue
            earlier = last.get((record.partition, prefix), -1)
            if earlier > number:
                wrong("reordered", f"{prefix}.{number} at {at(record)} comes after {prefix}.{earlier}")
            else:
                last[record.partition, prefix] = number


def at(record):
    return f"{record.partition}:{record.offset}"


def describe(record):
    return f"{at(record)} key {record.key!r} value {(record.value or b'')[:60]!r}"


def check(log, senders, rules=Rules()):
    """The list of violations. `log`: records in offset order within each partition."""
    violations = []

    def wrong(kind, text):
        violations.append(Violation(kind, text))

    senders = {sender.prefix: sender for sender in senders}
    places = Places(log, senders, rules, wrong)
    by_place = {(record.partition, record.offset): record for record in log}
    for prefix, sender in senders.items():
        for number in sender.twice:
            wrong("resolved twice", f"{prefix}.{number}")
        if rules.complete:
            for number in range(sender.first, sender.first + sender.sent):
                if number not in sender.outcomes:
                    wrong("unresolved", f"{prefix}.{number}")
        for number, outcome in sender.outcomes.items():
            record = places.of[prefix].get(number)
            if isinstance(outcome, Failed):
                check_failed(prefix, number, outcome, record, wrong)
            else:
                reported = by_place.get((outcome.partition, outcome.offset))
                if reported and identify(reported.value) == (prefix, number):
                    record = reported               # of two, which "doubled" tells of
                check_acked(prefix, number, outcome, record, rules, wrong)
    return violations


def check_failed(prefix, number, outcome, record, wrong):
    if outcome.persisted not in ("no", "possibly", "yes"):
        wrong("no status", f"{prefix}.{number}: {outcome}")
    elif outcome.persisted == "no" and record:
        wrong("not persisted, it said", f"{prefix}.{number} is at {at(record)}; {outcome}")
    elif outcome.persisted == "yes" and not record:
        wrong("persisted, it said", f"{prefix}.{number} is nowhere; {outcome}")


def check_acked(prefix, number, outcome, record, rules, wrong):
    if not record:
        if rules.durable:
            wrong("lost", f"{prefix}.{number}, acknowledged as {outcome}")
        return
    told = outcome.offset is not None and outcome.offset >= 0
    if outcome.partition != record.partition or (told and outcome.offset != record.offset):
        wrong("misreported", f"{prefix}.{number} is at {at(record)}, not {outcome}")
    elif rules.timestamps and told and outcome.timestamp not in (None, record.timestamp):
        wrong("misreported time", f"{prefix}.{number} has timestamp {record.timestamp}, not {outcome}")


def summarize(violations, limit=5):
    """A few lines: how many of each kind, with examples."""
    lines = []
    for kind, count in Counter(violation.kind for violation in violations).most_common():
        lines.append(f"{count} x {kind}")
        lines += [f"    {violation.text}" for violation in violations if violation.kind == kind][:limit]
    return lines
