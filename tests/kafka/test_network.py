#!/usr/bin/env python3
"""What a network of its own and a disk that fails must do, in namespaces; named where these can't be had."""
import errno
import pathlib
import socket
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import disk
import namespaces
import network


def look_up(name):
    """As a new process finds it: this one's resolver may remember."""
    told = subprocess.run(["getent", "ahostsv4", name], stdout=subprocess.PIPE, text=True)
    return told.stdout.split()[0] if told.stdout else None


class Addresses(unittest.TestCase):
    def setUp(self):
        self.network = network.Network().__enter__()
        self.server = socket.create_server((self.network.address(1), 0))
        self.place = self.server.getsockname()

    def tearDown(self):
        self.server.close()
        self.network.__exit__()

    def connect(self):
        return socket.create_connection(self.place, 0.3)

    def test_names(self):
        for broker in (1, 2, 3):
            self.assertEqual(look_up(self.network.name(broker)), self.network.address(broker))
        self.assertEqual(look_up("localhost"), "127.0.0.1")

    def test_no_names(self):
        self.network.publish(named=False)
        self.assertIsNone(look_up(self.network.name(1)))
        self.network.heal()
        self.assertEqual(look_up(self.network.name(1)), self.network.address(1))

    def test_a_moved_broker_has_a_new_address_and_the_old_one_is_silent_for_ever(self):
        self.connect().close()
        self.network.move(1)
        self.network.heal()
        self.assertNotEqual(self.network.address(1), self.place[0])
        self.assertEqual(look_up(self.network.name(1)), self.network.address(1))
        with self.assertRaises(TimeoutError):
            self.connect()
        socket.create_server((self.network.address(1), self.place[1])).close()

    def test_dropped_packets_are_counted_and_come_back(self):
        self.network.drop("-d", self.place[0], "--dport", str(self.place[1]))
        self.assertEqual(self.network.dropped(), 0)
        with self.assertRaises(TimeoutError):
            self.connect()
        self.assertGreater(self.network.dropped(), 0)
        self.network.heal()
        self.connect().close()
        self.assertEqual(self.network.dropped(), 0)

    def test_unreachable(self):
        self.network.drop("-d", self.place[0], target=network.UNREACHABLE)
        with self.assertRaises(OSError) as raised:
            self.connect()
        self.assertEqual(raised.exception.errno, errno.EHOSTUNREACH)

    def test_apart_is_who_has_the_group(self):
        port = self.place[1]
        self.network.separate(4711, own=[port], others=[1])
        with self.assertRaises(TimeoutError):
            self.connect()
        self.network.heal()
        self.network.separate(4711, own=[1], others=[port])
        self.connect().close()
        program = f"import socket; socket.create_connection(({self.place[0]!r}, {port}), 0.3)"
        told = subprocess.run([sys.executable, "-c", program], group=4711, stderr=subprocess.PIPE, text=True)
        self.assertIn("timed out", told.stderr)


class Disks(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.disk = disk.Disk(pathlib.Path(self.folder.name, "disk"), megabytes=64)
        self.disk.mount()
        self.file = open(self.disk.folder / "file", "wb", buffering=0)
        self.file.write(b"x" * 5000)

    def tearDown(self):
        self.file.close()
        self.disk.unmount()
        self.folder.cleanup()

    def fails(self, number):
        with self.assertRaises(OSError) as raised:
            self.file.write(b"y" * 100000)
        self.assertEqual(raised.exception.errno, number)

    def test_fails_and_is_whole_again(self):
        self.disk.fail()
        self.fails(errno.EIO)
        self.is_whole_again()

    def test_full_and_empty_again(self):
        self.disk.fill()
        self.fails(errno.ENOSPC)
        self.is_whole_again()

    def is_whole_again(self):
        self.file.close()
        self.disk.repair()
        self.file = open(self.disk.folder / "other", "wb", buffering=0)
        self.file.write(b"y" * 100000)


def main():
    reason = namespaces.enter() or network.missing() or disk.missing()
    if reason and namespaces.forbidden(reason):
        print(f"not allowed here: {reason}\n0 passed, 0 failed")
        return 0
    if reason:
        print(f"skipped: namespaces: {reason}\n0 passed, 0 failed, 1 skipped")
        return 0
    result = unittest.main(exit=False, verbosity=1).result
    bad = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - bad} passed, {bad} failed")
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
