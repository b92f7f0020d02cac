"""A network and a mount namespace for a whole test: addresses, packet filters, file systems and /etc/hosts of its own,
which end with its last process. Needs root.

    reason = namespaces.enter()                     # None: this program runs in them, started anew
"""
import os
import shutil
import subprocess
import sys

INSIDE = "KURIER_IN_NAMESPACES"
UNSHARE = ["unshare", "--net", "--mount"]


def enter():
    """Starts this program anew in the namespaces; there it returns None, and where it can't be done the reason."""
    if os.environ.pop(INSIDE, None):
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        # Whoever looks names up with AI_ADDRCONFIG finds nothing where no other interface's address is
        subprocess.run(["ip", "address", "add", "10.255.255.1/32", "dev", "lo"], check=True)
        return None
    reason = missing()
    if reason:
        return reason
    sys.stdout.flush()
    os.execvpe(UNSHARE[0], [*UNSHARE, sys.executable, *sys.argv], os.environ | {INSIDE: "1"})


def forbidden(reason):
    """No package would help: the machine doesn't allow it, as in most containers. That is said, and is no failure."""
    return not reason.startswith("no `")


def missing():
    for tool, package in (("unshare", "util-linux"), ("ip", "iproute2")):
        if not shutil.which(tool):
            return f"no `{tool}` (Debian: {package})"
    told = subprocess.run([*UNSHARE, "true"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return told.stdout.strip() if told.returncode else None
