"""What is in a broker's own files: batches and their codecs, without unpacking them."""
import mmap
import struct
from collections import Counter

CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]  # as in the attributes of a batch
LENGTH, ATTRIBUTES, HEADER = 8, 21, 61              # places in it


def codecs(files):
    """How many batches each codec has packed."""
    found = Counter()
    for name in files:
        if name.stat().st_size:
            with open(name, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                found.update(CODECS[attributes & 7] for attributes in batches(data))
    return found


def batches(data):
    """The attributes of each whole batch."""
    place = 0
    while place + HEADER <= len(data):
        length, = struct.unpack_from(">i", data, place + LENGTH)
        after = place + LENGTH + 4 + length
        if length < HEADER - LENGTH - 4 or after > len(data):
            break
        yield struct.unpack_from(">h", data, place + ATTRIBUTES)[0]
        place = after
