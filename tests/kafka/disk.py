"""A disk that fails: a file system on a loop device, in a mount namespace (namespaces.py), which unmounts it at its end.

    disk = Disk(folder / "disk")
    disk.mount(); disk.fail(); disk.unmount(); disk.mount()
"""
import errno
import fcntl
import os
import pathlib
import shutil
import struct
import tempfile

from process import run

SHUTDOWN = 0x8004587D                               # EXT4_IOC_SHUTDOWN
WITHOUT_LOG = struct.pack("I", 2)                   # what was not written yet is lost, as with the power


def missing():
    """Why there can't be such a disk, or None; in the namespaces."""
    if not shutil.which("mkfs.ext4"):
        return "no `mkfs.ext4` (Debian: e2fsprogs)"
    with tempfile.TemporaryDirectory() as folder:
        try:
            disk = Disk(pathlib.Path(folder, "disk"), megabytes=8)
            disk.mount()
            try:
                disk.fail()
            finally:
                disk.unmount()
        except (RuntimeError, OSError) as error:
            return str(error)


class Disk:
    def __init__(self, folder, megabytes=2048):
        self.folder, self.image = pathlib.Path(folder), pathlib.Path(f"{folder}.img")
        self.folder.mkdir()
        with open(self.image, "wb") as file:        # takes no more room than what is written
            file.truncate(megabytes << 20)
        run("mkfs.ext4", "-q", "-F", self.image)

        self.whole = True

    def mount(self):
        run("mount", "-o", "loop", self.image, self.folder)

    def unmount(self):
        run("umount", self.folder)

    def fail(self):
        """From now on the kernel answers EIO to whatever is done with its files."""
        self.whole = False
        directory = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.ioctl(directory, SHUTDOWN, WITHOUT_LOG)
        finally:
            os.close(directory)

    def fill(self):
        """Not a block is left."""
        self.whole = False
        piece = 1 << 30
        with open(self.filler(), "ab") as file:
            while piece >= 512:
                try:
                    os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), piece)
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    piece //= 2

    def repair(self):
        """When nobody uses it any more. What had not reached it before it failed is gone."""
        self.unmount()
        self.mount()
        self.filler().unlink(missing_ok=True)
        self.whole = True

    def filler(self):
        return self.folder / "filler.tmp"
