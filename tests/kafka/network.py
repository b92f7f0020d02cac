"""Brokers with names and addresses of their own, and packets that get lost, in a network namespace (namespaces.py).

    with Network() as network:
        network.name(1), network.address(1)         # what /etc/hosts says
        network.move(1)                             # another address; the old one is silent from now on
        network.drop("-d", network.address(2))      # packets vanish, nobody is told, until heal()
"""
import shutil
import tempfile

from process import run

HOSTS = "/etc/hosts"
SIZE = 2000                                         # of the hosts file: one write replaces it, nobody sees parts
UNREACHABLE = ("REJECT", "--reject-with", "icmp-host-unreachable")
FAULTS, APART, GONE = "KURIER_FAULTS", "KURIER_APART", "KURIER_GONE"
# A packet's sender is known only where it leaves
CHAINS = {FAULTS: "INPUT", APART: "OUTPUT", GONE: "INPUT"}


def missing():
    """Why there can't be such a network, or None; in the namespaces."""
    if not shutil.which("iptables"):
        return "no `iptables` (Debian: iptables)"
    try:
        with Network() as network:
            network.separate(1, [1], [2, 3])
            network.drop(share=0.5)
            network.drop(target=UNREACHABLE)
    except RuntimeError as error:
        return str(error)


class Network:
    """All of 127.0.0.0/8 is on the loopback interface: an address is free to take."""

    def __init__(self, brokers=3):
        self.moves = {i: 1 for i in range(1, brokers + 1)}

    def __enter__(self):
        self.file = tempfile.NamedTemporaryFile("r+b", buffering=0)
        self.publish()
        run("mount", "--bind", self.file.name, HOSTS)
        for chain, of in CHAINS.items():
            iptables("-N", chain)
            iptables("-A", of, "-j", chain)
        return self

    def __exit__(self, *_):
        for chain, of in CHAINS.items():
            iptables("-D", of, "-j", chain)
            iptables("-F", chain)
            iptables("-X", chain)
        run("umount", HOSTS)
        self.file.close()

    def name(self, broker):
        return f"broker-{broker}"

    def address(self, broker):
        return f"127.1.{broker}.{self.moves[broker]}"

    def publish(self, named=True):
        """The names and addresses as they are now, or nobody's."""
        lines = ["127.0.0.1 localhost\n"]
        if named:
            lines += [f"{self.address(i)} {self.name(i)}\n" for i in self.moves]
        text = "".join(lines).encode()
        self.file.seek(0)
        self.file.write(text.ljust(SIZE - 1) + b"\n")

    def move(self, broker):
        """To another address, at once in /etc/hosts. The old one is a black hole, not a port that refuses."""
        for side in ("-s", "-d"):
            iptables("-A", GONE, side, self.address(broker), "-j", "DROP")
        self.moves[broker] += 1
        self.publish()

    def drop(self, *match, share=1, target=("DROP",)):
        chance = ("-m", "statistic", "--mode", "random", "--probability", share) if share < 1 else ()
        iptables("-A", FAULTS, "-p", "tcp", *match, *chance, "-j", *target)

    def separate(self, group, own, others):
        """Processes of this group, which listen on ports `own`, and those on ports `others` hear nothing of each other.
        Answers pass: without requests there are none."""
        for who, ports in ((("--gid-owner", group), others), (("!", "--gid-owner", group), own)):
            iptables("-A", APART, "-p", "tcp", "-m", "owner", *who, "-m", "multiport", "--dports",
                     ",".join(map(str, ports)), "-j", "DROP")

    def dropped(self):
        """How many packets met the faults since heal()."""
        lines = [line for chain in (FAULTS, APART) for line in iptables("-L", chain, "-v", "-x", "-n").splitlines()[2:]]
        return sum(int(line.split()[0]) for line in lines)

    def heal(self):
        for chain in (FAULTS, APART):
            iptables("-F", chain)
        self.publish()


def iptables(*words):
    return run("iptables", "-w", *words)
