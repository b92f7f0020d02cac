#!/usr/bin/env python3
"""What chaos.py counts and concludes by itself, without a broker."""
import pathlib
import struct
import sys
import tempfile
import unittest
from collections import Counter

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import chaos
import clients
import events
import segments
from checker import Sender


class Producer:
    """One that acknowledges some partitions, in the lines that come from now on."""

    def __init__(self, prefix, before, after, key=None):
        self.sender, self.before, self.after = Sender(prefix, key=key), before, after

    def lines(self):
        return ["x"] * self.before

    def partitions_acked(self, since):
        assert since == self.before
        return set(self.after)


def key(number):
    return b"%d" % number


class Progress(unittest.TestCase):
    every = range(events.PARTITIONS)

    def test_all_go_on(self):
        self.assertEqual(chaos.stuck([Producer("0", 7, self.every, key), Producer("1", 0, [3])], limit=0), [])

    def test_one_partition_is_missing(self):
        found = chaos.stuck([Producer("0", 7, [0, 1, 2, 4, 5], key), Producer("1", 0, self.every, key)], limit=0)
        self.assertEqual(len(found), 1)
        self.assertIn("producer 0 has no acknowledgement of partitions [3]", found[0])

    def test_without_keys_any_partition_will_do_but_not_none(self):
        self.assertEqual(len(chaos.stuck([Producer("1", 7, [])], limit=0)), 1)

    def test_lines_of_both_programs(self):
        success = '{"name":"producer_send_success","partition":4,"offset":1,"value":"0.1"}'
        error = '{"name":"producer_send_error","exception":"DELIVERY_TIMEOUT","value":"0.1"}'
        self.assertEqual([clients.Verifiable.partition(line) for line in (success, error)], [4, None])
        stream = ["ok\t17\t5\t100\t1", "failed\t18\tno\tDELIVERY_TIMEOUT\ttext", "done\t2\t1\t1"]
        self.assertEqual([clients.Stream.partition(line) for line in stream], [5, None, None])


class Counts(unittest.TestCase):
    def test_refusals(self):
        log = ("kurier debug produce.refused: KAFKA_STORAGE_ERROR (8 like it were left out)\n"
               "kurier debug produce.refused: NOT_LEADER_OR_FOLLOWER\n"
               "kurier info broker.throttles: broker-1:1 (id 1) for 7 ms\n")
        self.assertEqual(chaos.refusals([log, log]),
                         {"KAFKA_STORAGE_ERROR": 18, "NOT_LEADER_OR_FOLLOWER": 2, "throttled": 2})

    def test_every_codec_is_drawn(self):
        options = chaos.parse(["--seed", "5"])
        self.assertEqual(sorted(chaos.draw_codecs(options)), sorted([*segments.CODECS, "auto"]))
        self.assertEqual(chaos.draw_codecs(options), chaos.draw_codecs(options))
        self.assertNotIn("auto", chaos.draw_codecs(chaos.parse(["--client", "java"])))


class Segments(unittest.TestCase):
    @staticmethod
    def batch(codec, size=70):
        head = struct.pack(">qiibIh", 0, size - 12, 0, 2, 0, codec)
        return head.ljust(size, b"\0")

    def codecs(self, data):
        with tempfile.NamedTemporaryFile() as file:
            file.write(data)
            file.flush()
            return segments.codecs([pathlib.Path(file.name)])

    def test_counts_batches_by_codec(self):
        data = b"".join(self.batch(codec, size) for codec, size in ((0, 61), (3, 100), (3, 5000), (4, 70)))
        self.assertEqual(self.codecs(data), Counter(none=1, lz4=2, zstd=1))

    def test_other_bits_are_no_codec(self):
        self.assertEqual(self.codecs(self.batch(0b1111000 | 1)), {"gzip": 1})

    def test_half_a_batch_at_the_end(self):
        for more in (b"\0" * 100, self.batch(4)[:-1], self.batch(4)[:20]):
            self.assertEqual(self.codecs(self.batch(2) + more), {"snappy": 1})
        self.assertEqual(self.codecs(b""), {})


if __name__ == "__main__":
    result = unittest.main(exit=False, verbosity=1).result
    bad = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - bad} passed, {bad} failed")
    sys.exit(bool(bad))
