"""A TCP proxy with faults, between a client and each broker: delay, trickle, silence, a cut at byte k, per direction.

    with Proxy() as proxy, Cluster(advertise=proxy.advertise) as cluster:
        link = proxy.links[1]                       # of broker 1
        link.down.hold()                            # its answers stop, the connections stay
        link.down.cut(100)                          # reset after 100 more bytes of answers
        link.up.delay = 0.3; link.up.rate = 5000    # seconds, bytes a second
        link.heal()
"""
import asyncio
import random
import socket
import struct
import threading

HOST = "127.0.0.1"


class Direction:
    """Set from any thread; read by the proxy's."""

    def __init__(self):
        self.seed = random.Random(1)
        self.bytes = 0
        self.heal()

    def heal(self):
        self.delay = 0.0                            # of each piece, seconds; order is kept
        self.jitter = 0.0                           # up to so much more
        self.rate = 0                               # bytes a second, 0: no limit
        self.holding = False
        self.cut_after = None

    def hold(self):
        """Silence: nothing passes, nothing is lost, until heal()."""
        self.holding = True

    def cut(self, after=0):
        """Resets the connection that carries the n-th further byte, which is not delivered any more."""
        self.cut_after = after

    def due(self, now):
        return now + self.delay + self.seed.random() * self.jitter


class Link:
    """One broker's port: `up` is what clients send, `down` what the broker answers."""

    def __init__(self, proxy, target, host=HOST):
        self.proxy, self.target = proxy, target
        self.up, self.down = Direction(), Direction()
        self.refusing = False
        self.connections = set()
        self.accepted = 0
        self.port = 0
        self.listen(host)

    def listen(self, host):
        listener = socket.create_server((host, self.port))
        self.host, self.port = listener.getsockname()
        start = asyncio.start_server(self.serve, sock=listener)
        self.server = asyncio.run_coroutine_threadsafe(start, self.proxy.loop).result(10)

    def move(self, host):
        """To another address, same port; its broker goes with it."""
        self.close()
        self.accepted = 0
        self.listen(host)

    def close(self):
        self.proxy.loop.call_soon_threadsafe(self.server.close)
        self.reset()

    def heal(self):
        self.refusing = False
        self.up.heal()
        self.down.heal()

    def hold(self):
        self.up.hold()
        self.down.hold()

    def refuse(self):
        """Resets what there is and every new connection."""
        self.refusing = True
        self.reset()

    def reset(self):
        self.proxy.loop.call_soon_threadsafe(lambda: [reset(*pair) for pair in list(self.connections)])

    async def serve(self, client_reader, client_writer):
        self.accepted += 1
        if self.refusing:
            return reset(client_writer)
        try:
            reader, writer = await asyncio.open_connection(self.host, self.target)
        except OSError:
            return reset(client_writer)
        pair = (client_writer, writer)
        self.connections.add(pair)
        try:
            await asyncio.gather(pump(client_reader, writer, self.up, pair),
                                 pump(reader, client_writer, self.down, pair))
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self.connections.discard(pair)
            reset(*pair)


def reset(*writers):
    for writer in writers:
        sock = writer.get_extra_info("socket")
        if sock and sock.fileno() >= 0:
            try:                                    # an RST instead of a FIN
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            except OSError:
                pass
        writer.transport.abort()


async def pump(reader, writer, direction, pair):
    """Reads on while what was read waits for its time: a delay is no limit on the rate."""
    loop = asyncio.get_running_loop()
    queue = asyncio.Queue(64)

    async def deliver():
        while (item := await queue.get()) is not None:
            due, data = item
            while direction.holding:
                await asyncio.sleep(0.01)
            if due > loop.time():
                await asyncio.sleep(due - loop.time())
            await write(writer, direction, data, pair)
        if not writer.is_closing():
            writer.write_eof()

    delivery = asyncio.ensure_future(deliver())
    try:
        while data := await reader.read(65536):
            await queue.put((direction.due(loop.time()), data))
        await queue.put(None)
        await delivery
    finally:
        delivery.cancel()


async def write(writer, direction, data, pair):
    direction.bytes += len(data)
    if direction.cut_after is not None:
        if len(data) > direction.cut_after:
            writer.write(data[:direction.cut_after])
            direction.cut_after = None
            await asyncio.sleep(0.005)              # so that what came before the cut arrives
            reset(*pair)
            raise ConnectionResetError
        direction.cut_after -= len(data)
    while direction.rate and data:
        piece = max(1, direction.rate // 20)
        writer.write(data[:piece])
        await writer.drain()
        data = data[piece:]
        await asyncio.sleep(0.05)
    writer.write(data)
    await writer.drain()


class Proxy:
    """`address`: of a broker, by its number; its link listens there too."""

    def __init__(self, address=lambda broker: HOST):
        self.address = address

    def __enter__(self):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.links = {}
        return self

    def __exit__(self, *_):
        for link in self.links.values():
            link.close()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)

    def advertise(self, broker, port):
        self.links[broker] = Link(self, port, self.address(broker))
        return self.links[broker].port

    def heal(self):
        for link in self.links.values():
            link.heal()
