"""Installs and builds the clients, the servers and the small helpers. Each function returns the program's path, or
raises Unavailable with a sentence that says what is missing; everything is built once and kept in the cache."""
import functools
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile

from paths import BENCH, BIN, CACHE, PAYLOADS, ROOT, loud, say

import jars

NPM_PACKAGE = "@confluentinc/kafka-javascript"     # carries the source of the newest librdkafka
KURIER = [f"-I{ROOT}/include", *([f"-isystem{os.environ['BOOST_ROOT']}/include"] if "BOOST_ROOT" in os.environ else [])]
WARNINGS = "-Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow".split()


class Unavailable(Exception):
    pass


# The functions that build a program are cached: one run measures one build, whatever happens to its sources meanwhile.


def run(command, **options):
    result = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            **options)
    if result.returncode:
        raise Unavailable(f"`{' '.join(map(str, command))}` failed:\n{result.stdout[-3000:]}")
    return result.stdout


def need(command, package):
    """A program that must be there. Root on a Debian machine gets it installed."""
    if not shutil.which(command):
        install(package)
    if not shutil.which(command):
        raise Unavailable(f"no `{command}` (Debian: {package})")
    return command


def install(package):
    if os.geteuid() == 0 and shutil.which("apt-get"):
        say(f"installing {package}")
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "install", "-y", "-q", package], env=environment, stdout=subprocess.DEVNULL)


@functools.cache
def compiler():
    need("pkg-config", "pkg-config")
    if not pathlib.Path("/usr/include/boost/asio.hpp").exists() and "BOOST_ROOT" not in os.environ:
        install("libboost1.81-dev")
    return os.environ.get("CXX") or need("g++", "g++")


def stamp(*parts):
    """A short digest of the contents of files and folders and of words: a built program carries it in its name's
    stamp file, so that it is rebuilt exactly when something it is made from has changed."""
    digest = hashlib.sha256()
    for part in parts:
        path = part if isinstance(part, pathlib.Path) else None
        files = sorted(path.rglob("*")) if path and path.is_dir() else [path] if path else []
        for file in files:
            if file.is_file():
                digest.update(str(file).encode() + b"\0" + file.read_bytes())
        digest.update(repr(part).encode())
    return digest.hexdigest()[:16]


def built(name, fingerprint, make):
    """The program `name`, made by make(path) unless one with the same fingerprint is there."""
    BIN.mkdir(parents=True, exist_ok=True)
    path, mark = BIN / name, BIN / f".{name}.stamp"
    if not path.exists() or not mark.exists() or mark.read_text() != fingerprint:
        say(f"building {name}")
        mark.unlink(missing_ok=True)
        make(path)
        mark.write_text(fingerprint)
    return path


def compile_cpp(name, source, *, flags=(), link=(), depends=()):
    cxx = compiler()
    command = [cxx, "-std=c++20", "-O2", "-g", "-DNDEBUG", *WARNINGS, *map(str, flags)]
    ccache = [shutil.which("ccache")] if shutil.which("ccache") else []

    def make(path):
        run([*ccache, *command, "-c", source, "-o", f"{path}.o"])
        run([cxx, f"{path}.o", "-o", path, "-pthread", *link])
        pathlib.Path(f"{path}.o").unlink()

    return built(name, stamp(source, *depends, " ".join([*command, *map(str, link)])), make)


def shared_headers():
    return sorted(BENCH.glob("*.hpp"))


# kurier's own

LIBRARIES = {"libzstd": "libzstd-dev", "liblz4": "liblz4-dev", "zlib": "zlib1g-dev", "snappy": "libsnappy-dev"}


def codec_flags():
    found = []
    for library, package in LIBRARIES.items():
        command = ["pkg-config", "--libs", library]
        if subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode:
            install(package)
        found += run(command).split()
    return found


@functools.cache
def producer_perf():
    return compile_cpp("producer_perf", BENCH / "producer_perf.cpp", flags=KURIER, link=codec_flags(),
                       depends=[ROOT / "include", BENCH / "producer_perf", *shared_headers()])


@functools.cache
def floor():
    return compile_cpp("floor", BENCH / "floor" / "floor.cpp", flags=KURIER,
                       depends=[ROOT / "include", BENCH / "floor", *shared_headers()])


@functools.cache
def embedded_broker():
    return compile_cpp("embedded_broker", BENCH / "embedded_broker" / "embedded_broker.cpp", flags=KURIER,
                       link=codec_flags(), depends=[ROOT / "include"])


@functools.cache
def calibrate():
    return compile_cpp("calibrate", BENCH / "quiet" / "calibrate.cpp")


@functools.cache
def interposer():
    return compile_cpp("interpose.so", BENCH / "counting" / "interpose.cpp", flags=["-fPIC"], link=["-shared"])


# librdkafka: the newest, from the npm package; otherwise Debian's

def librdkafka_from_npm():
    need("npm", "npm")
    version = run(["npm", "view", NPM_PACKAGE, "version"], cwd=CACHE).split()[-1]
    prefix = CACHE / f"librdkafka-npm-{version}"
    if (prefix / ".complete").exists():
        return prefix
    say(f"building librdkafka out of {NPM_PACKAGE} {version}")
    source = CACHE / "librdkafka-source"
    shutil.rmtree(source, ignore_errors=True)
    source.mkdir(parents=True)
    packed = json.loads(run(["npm", "pack", "--silent", "--json", f"{NPM_PACKAGE}@{version}"], cwd=source).strip())
    archive = source / packed[0]["filename"].replace("@", "").replace("/", "-")
    with tarfile.open(archive) as tar:
        tar.extractall(source, members=[m for m in tar if m.name.startswith("package/deps/librdkafka/")])
    tree = source / "package" / "deps" / "librdkafka"
    for tool, package in (("make", "make"), ("gcc", "gcc")):
        need(tool, package)
    run(["bash", "./configure", f"--prefix={prefix}"], cwd=tree)
    run(["make", "-C", "src", f"-j{os.cpu_count()}"], cwd=tree)
    run(["make", "-C", "src", "install"], cwd=tree)
    shutil.rmtree(source)
    (prefix / ".complete").touch()
    return prefix


@functools.cache
def librdkafka():
    """Compiler and linker flags."""
    CACHE.mkdir(parents=True, exist_ok=True)
    complete = sorted(CACHE.glob("librdkafka-npm-*/.complete"), key=lambda path: path.stat().st_mtime)
    try:
        prefix = librdkafka_from_npm()
    except (Unavailable, OSError, ValueError) as error:
        if not complete:
            return librdkafka_from_debian(error)
        prefix = complete[-1].parent
        loud(f"Could not ask for the newest librdkafka; using {prefix.name} from the cache.")
    return {"flags": ["-isystem", prefix / "include"], "link": [f"-L{prefix}/lib", f"-Wl,-rpath,{prefix}/lib", "-lrdkafka"]}


def librdkafka_from_debian(reason):
    loud(f"The newest librdkafka could not be built, falling back to the one of the system, which is years older: {reason}")
    if not pathlib.Path("/usr/include/librdkafka/rdkafka_mock.h").exists():
        install("librdkafka-dev")
    return {"link": ["-lrdkafka"]}


@functools.cache
def librdkafka_client():
    return compile_cpp("librdkafka_client", BENCH / "peers" / "librdkafka" / "client.cpp", **librdkafka(),
                       depends=shared_headers())


@functools.cache
def mock_cluster():
    return compile_cpp("mock_cluster", BENCH / "mock_cluster" / "mock_cluster.cpp", **librdkafka())


# franz-go and Java

@functools.cache
def franz_client():
    need("go", "golang-go")
    folder = BENCH / "peers" / "franz"
    return built("franz_client", stamp(folder), lambda path: run(["go", "build", "-o", path, "."], cwd=folder))


@functools.cache
def java_client():
    """The class path."""
    need("java", "default-jdk-headless")
    need("javac", "default-jdk-headless")
    need("mvn", "maven")
    try:
        kafka = jars.class_path()
    except jars.Unavailable as error:
        raise Unavailable(str(error)) from error
    source = BENCH / "peers" / "java" / "Client.java"

    def make(path):
        shutil.rmtree(path, ignore_errors=True)
        run(["javac", "-d", path, "-cp", kafka, source])

    return f"{built('java', stamp(source), make)}:{kafka}"


# What is sent: the same file for every client

def payload(size, total=1 << 20):
    """Lines of `size` bytes that look like JSON logs; the 10-byte ones are slices of such text. Deterministic. Together
    1 MiB, or 8 MiB to compress: no line may come twice in one batch then."""
    path = PAYLOADS / f"{size}-{total}.txt"
    if not path.exists():
        PAYLOADS.mkdir(parents=True, exist_ok=True)
        scratch = path.with_suffix(f".{os.getpid()}")
        with open(scratch, "w", encoding="ascii") as out:
            lines = log_lines()
            text = ""
            for _ in range(max(64, total // (size + 1))):
                while len(text) < size:
                    text += next(lines)
                out.write(text[:size] + "\n")
                text = text[size:] if size < 64 else ""
        scratch.rename(path)
    return path


def log_lines():
    state = 0x9E3779B97F4A7C15
    services = ["checkout", "search", "basket", "login", "payments", "catalog", "edge", "stock"]
    paths = ["/api/v1/items/", "/api/v1/users/", "/api/v2/orders/", "/static/img/", "/health/", "/api/v1/cart/"]
    levels = ["DEBUG", "INFO", "INFO", "INFO", "WARN", "ERROR"]
    while True:
        draws = []
        for _ in range(3):
            state ^= state >> 12
            state = (state ^ state << 25) & (1 << 64) - 1
            state ^= state >> 27
            draws.append(state * 0x2545F4914F6CDD1D & (1 << 64) - 1)
        a, b, c = draws
        yield (f'{{"ts":17{a % 10**11:011},"lvl":"{levels[(a >> 40) % 6]}","svc":"{services[a >> 44 & 7]}",'
               f'"host":"web-{(a >> 48) % 40:02}","user":{(b >> 3) % 900000},"path":"{paths[(b >> 24) % 6]}'
               f'{(b >> 27) % 70000}","ms":{(b >> 44) % 300}.{(b >> 53) % 1000:03},"id":"{c:016x}"}} ')


if __name__ == "__main__":
    for target in sys.argv[1:]:
        print(globals()[target]())
