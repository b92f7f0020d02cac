#!/usr/bin/env python3
"""Checks that a header includes only its own layer and those before it, that the inner layers know no Asio,
clock or thread, and that <kurier/producer.hpp> needs nothing but Boost. Prints one line for each violation."""

import pathlib
import posixpath
import re
import sys

INCLUDE = pathlib.Path(__file__).resolve().parents[2] / "include"

# From the bytes outwards. A name is a folder, or a header with its extension.
LAYERS = [
    ("base", "version.hpp config.hpp bytes.hpp uuid.hpp instant.hpp broker_errc.hpp broker_errors.hpp error.hpp"),
    ("wire", "wire"),
    ("names", "delivery_error.hpp connect_error.hpp topic.hpp"),
    ("protocol", "protocol"),
    ("record", "record"),
    ("serializer", "serializer.hpp serializers"),
    ("partitioner", "partitioner.hpp partitioners"),
    ("compression", "compression.hpp compression"),
    ("security", "secret.hpp security sasl oauth_token.hpp"),
    ("config", "config properties.hpp producer_config.hpp log.hpp metrics.hpp observer.hpp"),
    ("core", "core"),
    ("io", "io"),
    ("tls", "tls tls.hpp"),
    ("http", "http"),
    ("producer", "delivery.hpp engine.hpp engine_user.hpp engine_parts.hpp group_wait.hpp send_summary.hpp producer_parts.hpp producer.hpp src.hpp"),
    ("extras", "schema_registry metrics plain.hpp scram.hpp oauthbearer.hpp sasl.hpp oauth oidc.hpp"),
    ("testing", "testing"),
    ("all", "kurier.hpp"),
]
ASIO_STARTS_AT = "io"

# Inside core/, from the data outwards; headers of core/ itself come last.
CORE_FOLDERS = "state support net batching cluster produce transaction identity intake".split()

IMPURE = re.compile(
    r"boost/asio|\basio::|(steady|system|high_resolution)_clock::now|"
    r"std::(jthread|thread|mutex|recursive_mutex|shared_mutex|condition_variable|call_once|this_thread)\b|"
    r"#include <(thread|mutex|condition_variable|future|sys/socket\.h|unistd\.h)>|\b(thread_local|gettimeofday)\b")

# Bytes go through io/transport.hpp, so only TCP itself has a socket, and the broker for tests
SOCKET = re.compile(r"\btcp::socket\b|basic_stream_socket")
SOCKET_OWNERS = {"kurier/io/tcp_transport.hpp", "kurier/testing/impl/embedded_broker.ipp"}

# Every name is in the inline namespace that kurier/config.hpp names
PLAIN_NAMESPACE = re.compile(r"\bnamespace kurier(?!::inline KURIER_ABI\b)[^;={]*{")
CONFIG = "kurier/config.hpp"

# What <kurier/producer.hpp> must not need, directly or through another header
FOREIGN = re.compile(r"<(boost/(beast|json|url)|openssl/|zlib\.h|zstd|lz4|snappy)|<boost/asio\.hpp>|<boost/asio/ssl")

ORDER = {name: index for index, (_, names) in enumerate(LAYERS) for name in names.split()}
FIRST_IMPURE = next(index for index, (layer, _) in enumerate(LAYERS) if layer == ASIO_STARTS_AT)


def layer_of(header):
    """The place of a header, given as kurier/..., in LAYERS; None when it is in none."""
    parts = header.split("/")
    return ORDER.get(parts[1])


def core_folder(header):
    """The place of a header inside core/; None when it is not there."""
    parts = header.split("/")
    if parts[1] != "core":
        return None
    return CORE_FOLDERS.index(parts[2]) if parts[2] in CORE_FOLDERS else len(CORE_FOLDERS)


def without_comments(text):
    text = re.sub(r"/\*.*?\*/", lambda m: re.sub(r"[^\n]", "", m[0]), text, flags=re.S)
    return re.sub(r"//[^\n]*", "", text)


def includes(header, text):
    """The kurier headers that it includes, by their full names; a short name in quotes is a neighbour."""
    for bracket, name in re.findall(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', text, flags=re.M):
        if name.startswith("kurier/"):
            yield name
        elif bracket == '"':
            yield posixpath.normpath(posixpath.join(posixpath.dirname(header), name))


def check_header(header, text, known):
    place = layer_of(header)
    if place is None:
        yield f"{header}: belongs to no layer; give it one in {pathlib.Path(__file__).name}"
        return
    for other in includes(header, text):
        if other not in known:
            yield f"{header}: includes <{other}>, which does not exist"
        elif (layer_of(other) or 0) > place:
            yield f"{header} ({LAYERS[place][0]}) includes <{other}> of the later layer {LAYERS[layer_of(other)][0]}"
        elif None not in (core_folder(header), core_folder(other)) and core_folder(other) > core_folder(header):
            yield f"{header} includes <{other}> of a later folder of core"
    if place < FIRST_IMPURE:
        for number, line in enumerate(text.splitlines(), 1):
            if found := IMPURE.search(line):
                yield f"{header}:{number}: names {found[0]}, but Asio, clocks and threads start in {ASIO_STARTS_AT}/"
    for found in PLAIN_NAMESPACE.finditer(text):
        yield f"{header}: {found[0]}: what is linked has the version in its name: namespace kurier::inline KURIER_ABI"
    if "KURIER_ABI" in text and header != CONFIG and CONFIG not in reachable(header, known):
        yield f"{header}: KURIER_ABI is a macro of <{CONFIG}>, which it doesn't include"
    if header not in SOCKET_OWNERS and SOCKET.search(text):
        yield f"{header}: names a socket; that is for {' and '.join(sorted(SOCKET_OWNERS))}"
    if "#pragma once" not in text:
        yield f"{header}: no #pragma once"


def reachable(start, texts):
    """Every header that `start` includes, and the path to it."""
    paths, queue = {start: [start]}, [start]
    while queue:
        header = queue.pop()
        for other in includes(header, texts.get(header, "")):
            if other not in paths:
                paths[other] = paths[header] + [other]
                queue.append(other)
    return paths


def check_producer(texts):
    for header, path in reachable("kurier/producer.hpp", texts).items():
        if found := FOREIGN.search(texts.get(header, "")):
            yield f"{' -> '.join(path)} includes {found[0]}...: not for every user of producer.hpp"


def check_cycles(texts):
    state = {}

    def visit(header, path):
        if state.get(header) == "done" or header not in texts:
            return
        if state.get(header) == "open":
            yield "cycle: " + " -> ".join(path[path.index(header):] + [header])
            return
        state[header] = "open"
        for other in includes(header, texts[header]):
            if not other.endswith(".ipp"):  # the bodies of what the header has declared, at its end
                yield from visit(other, path + [header])
        state[header] = "done"

    for header in texts:
        yield from visit(header, [])


def violations(texts):
    for header, text in texts.items():
        yield from check_header(header, text, texts)
    if "kurier/producer.hpp" in texts:
        yield from check_producer(texts)
    yield from check_cycles(texts)


def self_check():
    """The rules find what they are meant to find."""
    head = "#pragma once\n"
    wrong = [
        ({"kurier/wire/a.hpp": head + "#include <kurier/core/b.hpp>\n", "kurier/core/b.hpp": head}, "later layer"),
        ({"kurier/core/net/a.hpp": head + "#include <kurier/core/produce/b.hpp>\n",
          "kurier/core/produce/b.hpp": head}, "later folder"),
        ({"kurier/core/state/a.hpp": head + "#include <kurier/core/b.hpp>\n", "kurier/core/b.hpp": head}, "later folder"),
        ({"kurier/core/a.hpp": head + "auto t = std::chrono::steady_clock::now();\n"}, "steady_clock::now"),
        ({"kurier/core/a.hpp": head + "#include <boost/asio/ip/tcp.hpp>\n"}, "boost/asio"),
        ({"kurier/io/a.hpp": head + "tcp::socket s;\n"}, "names a socket"),
        ({"kurier/odd.hpp": head}, "no layer"),
        ({"kurier/bytes.hpp": head + "namespace kurier::core {\n}"}, "version in its name"),
        ({"kurier/bytes.hpp": head + "namespace kurier::inline KURIER_ABI::core {\n}"}, "which it doesn't include"),
        ({"kurier/wire/a.hpp": head + "#include <kurier/wire/a.hpp>\n"}, "cycle"),
        ({"kurier/wire/a.hpp": head + '#include "../core/b.hpp"\n', "kurier/core/b.hpp": head}, "later layer"),
        ({"kurier/producer.hpp": head + "#include <kurier/compression/zstd.hpp>\n",
          "kurier/compression/zstd.hpp": head + "#include <zstd.h>\n"}, "not for every user"),
    ]
    for texts, expected in wrong:
        assert any(expected in line for line in violations(texts)), f"not found: {expected}"
    assert not list(violations({"kurier/core/a.hpp": head + without_comments("// no std::thread here\n")}))


def main():
    self_check()
    files = sorted(INCLUDE.rglob("*.[hi]pp"))
    texts = {file.relative_to(INCLUDE).as_posix(): without_comments(file.read_text()) for file in files}
    found = list(violations(texts))
    print(*found, sep="\n")
    bad = len({line.split(":")[0].split()[0] for line in found})
    print(f"{max(len(texts) - bad, 0)} passed, {bad} failed")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
