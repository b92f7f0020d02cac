#!/usr/bin/env python3
"""The checker finds each kind of violation when it is planted, and nothing in a clean log."""
import dataclasses
import pathlib
import random
import sys
import unittest
import zlib
from typing import NamedTuple, Optional

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import checker
from checker import Acked, Failed, Rules, Sender


class Record(NamedTuple):
    partition: int
    offset: int
    timestamp: int
    key: Optional[bytes]
    value: bytes


def key(number):
    return b"key-%d" % (number % 7)


class Checker(unittest.TestCase):
    def setUp(self):
        """Two senders' records, mixed over three partitions, all acknowledged; the last two of each failed."""
        self.senders = [Sender("a", key=key, size=20), Sender("1", key=key)]
        self.logs = [[], [], []]
        pick = random.Random(5)
        for number in range(200):
            for sender in self.senders:
                partition = zlib.crc32(key(number)) % 3
                log = self.logs[partition]
                if number < 198:
                    time = 1000 + pick.randrange(50)
                    sender.resolve(number, Acked(partition, len(log), time))
                    log.append(Record(partition, len(log), time, key(number), sender.value(number)))
                else:
                    sender.resolve(number, Failed("no", "RECORD_TOO_LARGE"))

    def found(self, **rules):
        log = [record for partition in self.logs for record in partition]
        violations = checker.check(log, self.senders, dataclasses.replace(Rules(), **rules))
        return {violation.kind for violation in violations}

    def renumber(self):
        """Offsets as a log has them; the client's reports follow, so that only what was planted is wrong."""
        for partition, log in enumerate(self.logs):
            seen = set()
            for offset, record in enumerate(log):
                log[offset] = record._replace(offset=offset)
                prefix, number = checker.identify(record.value)
                sender, = [s for s in self.senders if s.prefix == prefix]
                if isinstance(sender.outcomes.get(number), Acked) and record.value not in seen:
                    sender.outcomes[number] = Acked(partition, offset, record.timestamp)
                seen.add(record.value)

    def test_clean(self):
        self.assertEqual(self.found(), set())

    def test_lost(self):
        log = max(self.logs, key=len)
        log.pop(20)
        self.renumber()
        self.assertEqual(self.found(), {"lost"})
        self.assertEqual(self.found(durable=False), set())

    def test_lost_at_the_end(self):
        max(self.logs, key=len).pop()
        self.assertEqual(self.found(), {"lost"})

    def test_doubled(self):
        log = max(self.logs, key=len)
        log.append(log[-1])
        self.renumber()
        self.assertEqual(self.found(), {"doubled"})
        self.assertEqual(self.found(once=False), set())

    def test_doubled_in_another_partition(self):
        log = min(self.logs, key=len)
        record = max(self.logs, key=len)[-1]
        log.append(record._replace(partition=self.logs.index(log), offset=len(log)))
        self.assertEqual(self.found(), {"doubled"})

    def test_reordered(self):
        log = max(self.logs, key=len)
        log[10], log[30] = log[30], log[10]
        self.renumber()
        self.assertEqual(self.found(), {"reordered"})
        self.assertEqual(self.found(ordered=False), set())

    def test_order_of_what_failed_is_free(self):
        sender = self.senders[0]
        log = max(self.logs, key=len)
        index = next(i for i, record in enumerate(log) if record.value.startswith(b"a."))
        sender.outcomes[checker.identify(log[index].value)[1]] = Failed("possibly", "DELIVERY_TIMEOUT")
        log.append(log.pop(index))
        self.renumber()
        self.assertEqual(self.found(), set())

    def test_not_persisted_but_there(self):
        log = self.logs[0]
        log.append(Record(0, len(log), 1, key(199), self.senders[0].value(199)))
        self.assertEqual(self.found(), {"not persisted, it said"})

    def test_persisted_but_nowhere(self):
        self.senders[0].outcomes[199] = Failed("yes", "DUPLICATE_SEQUENCE_NUMBER")
        self.assertEqual(self.found(), {"persisted, it said"})

    def test_possibly_persisted_may_be_there_or_not(self):
        for sender in self.senders:
            sender.outcomes[199] = Failed("possibly", "DELIVERY_TIMEOUT")
        log = self.logs[0]
        log.append(Record(0, len(log), 1, key(199), self.senders[0].value(199)))
        self.assertEqual(self.found(), set())

    def test_failed_without_status(self):
        self.senders[0].outcomes[199] = Failed("", "X")
        self.assertEqual(self.found(), {"no status"})

    def misreport(self, **changed):
        sender = self.senders[0]
        sender.outcomes[50] = sender.outcomes[50]._replace(**changed)

    def test_wrong_offset(self):
        self.misreport(offset=self.senders[0].outcomes[50].offset + 1)
        self.assertEqual(self.found(), {"misreported"})

    def test_wrong_partition(self):
        self.misreport(partition=(self.senders[0].outcomes[50].partition + 1) % 3, offset=None)
        self.assertEqual(self.found(), {"misreported"})

    def test_wrong_timestamp(self):
        self.misreport(timestamp=77)
        self.assertEqual(self.found(), {"misreported time"})
        self.assertEqual(self.found(timestamps=False), set())

    def test_offset_that_the_client_was_not_told(self):
        self.misreport(offset=-1, timestamp=-1)
        self.assertEqual(self.found(), set())

    def test_offsets_of_two_records_exchanged(self):
        sender = self.senders[0]
        partition = sender.outcomes[0].partition
        first, second = [n for n, o in sender.outcomes.items() if isinstance(o, Acked) and o.partition == partition][:2]
        sender.outcomes[first], sender.outcomes[second] = sender.outcomes[second], sender.outcomes[first]
        self.assertIn("misreported", self.found())

    def alter(self, **changed):
        log = max(self.logs, key=len)
        index = next(i for i, record in enumerate(log) if record.value.startswith(b"a."))
        log[index] = log[index]._replace(**changed)
        return log[index]

    def test_altered_key(self):
        self.alter(key=b"other")
        self.assertEqual(self.found(), {"altered"})

    def test_altered_padding(self):
        record = self.alter()
        self.alter(value=record.value[:-1] + b"y")
        self.assertIn("altered", self.found())

    def test_record_that_nobody_sent(self):
        for value in (b"a.200", b"c.1", b"", None, b"a.x"):
            log = self.logs[1]
            log.append(Record(1, len(log), 1, None, value))
            self.assertEqual(self.found(), {"altered"})
            log.pop()

    def test_unresolved(self):
        del self.senders[1].outcomes[199]
        self.assertEqual(self.found(), {"unresolved"})
        self.assertEqual(self.found(complete=False), set())

    def test_unresolved_to_the_end(self):
        self.senders[1].sent += 1
        self.assertEqual(self.found(), {"unresolved"})

    def test_resolved_twice(self):
        self.senders[0].resolve(7, Failed("no", "X"))
        self.assertEqual(self.found(), {"resolved twice"})


if __name__ == "__main__":
    result = unittest.main(exit=False, verbosity=1).result
    bad = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - bad} passed, {bad} failed")
    sys.exit(bool(bad))
