#!/usr/bin/env python3
"""Each fault of the proxy does what it says, over an echo server."""
import pathlib
import socket
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from proxy import HOST, Proxy


class Echo(threading.Thread):
    def __init__(self):
        super().__init__(daemon=True)
        self.server = socket.create_server(("", 0))
        self.port = self.server.getsockname()[1]
        self.start()

    def run(self):
        while True:
            connection, _ = self.server.accept()
            threading.Thread(target=self.echo, args=[connection], daemon=True).start()

    @staticmethod
    def echo(connection):
        try:
            while data := connection.recv(65536):
                connection.sendall(data)
        except OSError:
            pass
        connection.close()


class Faults(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.proxy = Proxy().__enter__()
        cls.port = cls.proxy.advertise(1, Echo().port)
        cls.link = cls.proxy.links[1]

    @classmethod
    def tearDownClass(cls):
        cls.proxy.__exit__()

    def setUp(self):
        self.link.heal()
        self.connection = socket.create_connection((HOST, self.port))
        self.connection.settimeout(5)

    def tearDown(self):
        self.connection.close()

    def ask(self, data):
        self.connection.sendall(data)
        return self.receive(len(data))

    def receive(self, count):
        found = b""
        while len(found) < count:
            more = self.connection.recv(count - len(found))
            if not more:
                break
            found += more
        return found

    def test_passes_everything(self):
        data = bytes(range(256)) * 2000
        self.assertEqual(self.ask(data), data)

    def test_passes_the_end(self):
        self.connection.sendall(b"last")
        self.connection.shutdown(socket.SHUT_WR)
        self.assertEqual(self.receive(100), b"last")

    def test_delay(self):
        self.link.up.delay = self.link.down.delay = 0.15
        begin = time.monotonic()
        self.assertEqual(self.ask(b"x"), b"x")
        self.assertTrue(0.29 < time.monotonic() - begin < 2)

    def test_trickle(self):
        self.link.down.rate = 1000
        begin = time.monotonic()
        self.assertEqual(self.ask(b"x" * 500), b"x" * 500)
        self.assertGreater(time.monotonic() - begin, 0.4)

    def test_hold_keeps_what_it_has(self):
        self.ask(b"x")
        self.link.down.hold()
        self.connection.sendall(b"later")
        self.connection.settimeout(0.3)
        with self.assertRaises(TimeoutError):
            self.connection.recv(1)
        self.link.heal()
        self.connection.settimeout(5)
        self.assertEqual(self.receive(5), b"later")

    def test_cut_at_a_byte(self):
        for after in (0, 1, 700):
            with self.subTest(after=after):
                self.setUp()
                self.link.down.cut(after)
                self.connection.sendall(b"y" * 1000)
                found = b""
                with self.assertRaises(ConnectionResetError):
                    while True:
                        found += self.connection.recv(1000)
                        self.assertLessEqual(len(found), after)
                self.assertIn(len(found), (after, 0))   # a reset may overtake what was not read yet
                self.connection.close()

    def test_move(self):
        self.ask(b"x")
        self.link.move("127.0.0.2")
        with self.assertRaises(ConnectionResetError):
            self.connection.recv(1)
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection((HOST, self.port)).close()
        self.connection.close()
        self.connection = socket.create_connection(("127.0.0.2", self.port))
        self.assertEqual(self.ask(b"y"), b"y")
        self.assertEqual(self.link.accepted, 1)
        self.link.move(HOST)

    def test_reset_and_refuse(self):
        self.ask(b"x")
        self.link.refuse()
        with self.assertRaises(ConnectionResetError):
            self.connection.recv(1)
        with self.assertRaises(ConnectionResetError):
            self.connection.close()
            self.connection = socket.create_connection((HOST, self.port))
            self.connection.settimeout(5)
            self.connection.sendall(b"x")
            if not self.connection.recv(1):
                raise ConnectionResetError


if __name__ == "__main__":
    result = unittest.main(exit=False, verbosity=1).result
    bad = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - bad} passed, {bad} failed")
    sys.exit(bool(bad))
