"""What happens to brokers, disks and the network in chaos.py. An event begins something, and undoes it when its time is
over."""
import contextlib
import re
import time

import network
import process

TOPIC = "chaos"
PARTITIONS = 6
NETWORK, DISK = "network", "disk"                   # what some events need


class NoEffect(Exception):
    """An event that nobody has noticed tests nothing."""


class Scene:
    """What events act on."""

    def __init__(self, pick, cluster, proxy, kafka, producers, network=None):
        self.pick, self.cluster, self.proxy, self.kafka = pick, cluster, proxy, kafka
        self.producers, self.network = producers, network

    def node(self):
        return self.cluster.node(self.pick.randint(1, 3))

    def leader(self):
        partition = self.pick.randrange(PARTITIONS)
        return self.cluster.node(self.kafka.wait_leader(TOPIC, partition))

    def on_disk(self):
        """A broker that leads a partition which it has on the disk that can fail."""
        found = [(partition, i) for partition in range(PARTITIONS) for i, node in self.cluster.nodes.items()
                 if (node.log_dirs()[1] / f"{TOPIC}-{partition}").exists()]
        if not found:
            raise NoEffect("no partition is on a disk that can fail")
        partition, broker = self.pick.choice(found)
        self.lead(partition, broker)
        return self.cluster.node(broker)

    def lead(self, partition, broker):
        """Makes a broker that has the partition its leader."""
        others = self.pick.sample([i for i in self.cluster.nodes if i != broker], 2)
        self.kafka.reassign(TOPIC, partition=partition, replicas=[broker, *others])

        def leads():
            self.kafka.elect(TOPIC, partitions=[partition])
            return self.kafka.leader(TOPIC, partition) == broker
        process.wait_until(leads, 60, f"broker {broker} leads {TOPIC}-{partition}", every=0.2)

    def links(self):
        """One broker's, sometimes all."""
        links = list(self.proxy.links.values())
        return links if self.pick.random() < 0.25 else [self.pick.choice(links)]

    def numbered_links(self):
        """Those of brokers that are sent something: of a leader, sometimes of all."""
        every = list(self.proxy.links.items())
        leader = self.leader()
        return every if self.pick.random() < 0.25 else [pair for pair in every if self.cluster.node(pair[0]) is leader]

    def directions(self):
        sides = self.pick.choice([("up",), ("down",), ("up", "down")])
        return [getattr(link, side) for link in self.links() for side in sides]


events = {}
needs = {}                                          # what an event can't do without, by name


def event(name, need=None):
    def register(function):
        events[name] = contextlib.contextmanager(function)
        needs[name] = need
        return function
    return register


@event("kill the leader")
def kill_leader(scene):
    node = scene.leader()
    node.kill()
    yield
    node.start()


@event("kill a broker")
def kill_broker(scene):
    node = scene.node()
    node.kill()
    yield
    node.start()


@event("stop the leader cleanly")
def stop_leader(scene):
    node = scene.leader()
    node.terminate()
    yield
    node.start()


@event("stop a broker cleanly")
def stop_broker(scene):
    node = scene.node()
    node.terminate()
    yield
    node.start()


@event("bounce the leader")
def bounce_leader(scene):
    """Five times, cleanly or not, as Kafka's own replication test does."""
    for _ in range(5):
        node = scene.leader()
        scene.pick.choice([node.kill, node.terminate])()
        node.start()
        scene.kafka.wait_in_sync(TOPIC, 3, limit=120)
    yield


@event("kill the controller")
def kill_controller(scene):
    node = scene.cluster.node(scene.kafka.controller())
    node.kill()
    yield
    node.start()


@event("stop the controller cleanly")
def stop_controller(scene):
    node = scene.cluster.node(scene.kafka.controller())
    node.terminate()
    yield
    node.start()


@event("freeze the leader")
def freeze_leader(scene):
    node = scene.leader()
    node.freeze()
    yield
    node.thaw()


@event("freeze two brokers")
def freeze_two(scene):
    nodes = scene.pick.sample(list(scene.cluster.nodes.values()), 2)
    for node in nodes:
        node.freeze()
    yield
    for node in nodes:
        node.thaw()


@event("restart all brokers one by one")
def rolling_restart(scene):
    for node in scene.cluster.nodes.values():
        node.restart()
        scene.kafka.wait_in_sync(TOPIC, 3)
    yield


@event("move leaders")
def move_leaders(scene):
    for partition in range(PARTITIONS):
        replicas = scene.pick.sample([1, 2, 3], 3)
        scene.kafka.reassign(TOPIC, partition=partition, replicas=replicas)
    yield
    scene.kafka.elect(TOPIC, partitions=list(range(PARTITIONS)))


@event("move replicas away and back")
def move_replicas(scene):
    partition, away = scene.pick.randrange(PARTITIONS), scene.pick.randint(1, 3)
    scene.kafka.reassign(TOPIC, partition=partition, replicas=[i for i in (1, 2, 3) if i != away])
    yield
    scene.kafka.reassign(TOPIC, partition=partition, replicas=scene.pick.sample([1, 2, 3], 3))


@event("delay")
def delay(scene):
    for direction in scene.directions():
        direction.delay, direction.jitter = scene.pick.uniform(0, 0.3), scene.pick.uniform(0, 0.5)
    yield


@event("long delay")
def long_delay(scene):
    """Answers that come after the request timed out: written, but nobody was told."""
    for direction in scene.directions():
        direction.delay = scene.pick.uniform(2, 5)
    yield


@event("trickle")
def trickle(scene):
    for direction in scene.directions():
        direction.rate = scene.pick.randrange(500, 20000)
    yield


@event("silence")
def silence(scene):
    for direction in scene.directions():
        direction.hold()
    yield


@event("cut")
def cut(scene):
    directions = scene.directions()
    for _ in range(10):
        for direction in directions:
            direction.cut(scene.pick.randrange(3000))
        time.sleep(0.2)
    yield


@event("refuse connections")
def refuse(scene):
    for link in scene.links():
        link.refuse()
    yield


@event("reset connections")
def reset(scene):
    for _ in range(5):
        for link in scene.links():
            link.reset()
        time.sleep(scene.pick.uniform(0.05, 0.5))
    yield


@event("quota")
def quota(scene):
    names = [producer.sender.prefix for producer in scene.producers]
    for name in names:
        scene.kafka.quota(client=f"chaos-{name}", rate=5000)
    yield
    for name in names:
        scene.kafka.quota(client=f"chaos-{name}", rate=None)


@event("a disk fails", DISK)
def fail_disk(scene):
    """Every file of one log directory answers EIO; the broker goes on with the other. The disk comes back without
    what had not been written to it yet."""
    node = scene.on_disk()
    node.disk.fail()
    yield
    wait_offline(node)


@event("a disk is full", DISK)
def fill_disk(scene):
    node = scene.on_disk()
    node.disk.fill()
    yield
    wait_offline(node)


def wait_offline(node):
    pattern = f"Stopping serving logs in dir {re.escape(str(node.log_dirs()[1]))}"
    process.wait_until(lambda: re.search(pattern, node.said()), 30, f"{node.folder.name} says that its disk has failed")


@event("packets vanish", NETWORK)
def vanish(scene):
    """No reset, no answer; to or from a broker, or both. TCP sends again what was lost."""
    lose(scene)
    yield
    was_lost(scene)


@event("packets get lost", NETWORK)
def loss(scene):
    lose(scene, share=scene.pick.uniform(0.05, 0.5))
    yield
    was_lost(scene)


@event("brokers are unreachable", NETWORK)
def unreachable(scene):
    """The network says so, to new connections too."""
    for i, link in scene.numbered_links():
        scene.network.drop("-d", scene.network.address(i), "--dport", link.port, target=network.UNREACHABLE)
        link.reset()
    yield
    was_lost(scene)


def lose(scene, **options):
    sides = scene.pick.choice([("d",), ("s",), ("d", "s")])
    for i, link in scene.numbered_links():
        for side in sides:
            scene.network.drop(f"-{side}", scene.network.address(i), f"--{side}port", link.port, **options)


def was_lost(scene):
    if not scene.network.dropped():
        raise NoEffect("no packet came by")


@event("the leader hears nothing of the other brokers", NETWORK)
def separate_leader(scene):
    """But clients reach it: it can't know yet that it leads no more."""
    separate(scene, scene.leader())
    yield
    was_lost(scene)


@event("the controller hears nothing of the other brokers", NETWORK)
def separate_controller(scene):
    separate(scene, scene.cluster.node(scene.kafka.controller()))
    yield
    was_lost(scene)


def separate(scene, node):
    def ports(of):
        return [of.ports["internal"], of.ports["controller"]]
    others = [port for other in scene.cluster.nodes.values() if other is not node for port in ports(other)]
    scene.network.separate(node.group, own=ports(node), others=others)


@event("names have no address", NETWORK)
def nameless(scene):
    scene.network.publish(named=False)
    for link in scene.proxy.links.values():
        link.reset()
    yield


@event("a broker moves to another address", NETWORK)
def move_address(scene):
    """Its machine is gone without a word, another one takes its disks and its name. It must get records there."""
    partition = scene.pick.randrange(PARTITIONS)
    broker = scene.kafka.wait_leader(TOPIC, partition)
    node, link = scene.cluster.node(broker), scene.proxy.links[broker]
    scene.network.move(broker)
    node.kill()
    link.move(scene.network.address(broker))
    scene.cluster.write_properties(broker)
    yield
    node.start()
    scene.kafka.wait_in_sync(TOPIC, 3, limit=120)
    scene.lead(partition, broker)


def heal(scene, limit=600):
    """A broker on a busy machine may give up while it starts; it is started again."""
    end = time.monotonic() + limit
    while True:
        try:
            return mend(scene)
        except (RuntimeError, TimeoutError) as error:
            if time.monotonic() > end:
                raise
            print(f"    not healed yet: {str(error)[:100]}", flush=True)


def mend(scene):
    scene.proxy.heal()
    if scene.network:
        scene.network.heal()
    for node in scene.cluster.nodes.values():
        if node.disk and not node.disk.whole:
            scene.pick.choice([node.kill, node.terminate])()
            node.disk.repair()
        if node.up():
            node.thaw()
        else:
            node.start()
    scene.kafka.wait_in_sync(TOPIC, 3, limit=120)
