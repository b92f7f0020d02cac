"""Where things are: the repository, the cache of built programs and downloaded peers, the results."""
import os
import pathlib
import sys

BENCH = pathlib.Path(__file__).resolve().parent.parent
ROOT = BENCH.parent
RESULTS = BENCH / "results"
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "kurier-bench"
BIN = CACHE / "bin"
PAYLOADS = CACHE / "payloads"

sys.path.append(str(ROOT / "tests" / "kafka"))  # the harness of real Kafka clusters


def say(text):
    print(text, flush=True)


def loud(text):
    """Something that changes what the results mean."""
    notes.append(text)
    print(f"\n*** {text}\n", file=sys.stderr, flush=True)


notes = []
