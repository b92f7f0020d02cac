"""llms.txt: what kurier is, where its pages are, and its API in less than 30 kB, for readers with little room."""

import re

import reference
from headers import ROOT, bare, first_comment, without_template

LIMIT = 30_000
longest = 0  # characters of a comment: as many as there is room for
BRIEF = """\
# kurier

> A Kafka producer for C++20 coroutine servers on Boost.Asio: header-only, no threads of its own, no librdkafka.

- Needs g++ 12 or clang 16 and the headers of Boost 1.81. Link `-pthread`; codecs, TLS and SCRAM bring their libraries.
- `co_await producer.send({...})` returns `record_metadata` or throws `delivery_error`; other completion tokens work too.
- A producer, its engine and their operations belong to one executor: an io_context that one thread runs, or a strand.
- The record is serialized inside `send`; what it refers to need not live longer.
- With g++ 12, name an aggregate that owns memory before the co_await expression that uses it.
- Await `close()` before the producer is destroyed, or what is pending fails with `errc::aborted`.

"""
TERSE = ("compression.hpp", "record/headers_builder.hpp", "testing/memory_network.hpp", "testing/tls_broker.hpp", "testing/scram_users.hpp",
         "io/transport.hpp", "io/resolver.hpp", "sasl/mechanism.hpp", "bytes.hpp", "uuid.hpp", "topic.hpp", "secret.hpp", "engine_user.hpp",
         "compression/gzip.hpp", "compression/lz4.hpp", "compression/snappy.hpp", "compression/zstd.hpp", "producer_config.hpp",
         "testing/cluster_model.hpp", "testing/stored_record.hpp", "partitioner.hpp", "record/byte_writer.hpp", "oauthbearer.hpp",
         "testing/cluster_options.hpp", "instant.hpp", "record/timestamp.hpp", "engine_parts.hpp")  # names only
HEAD_ONLY = "log_rate_limit", "line_log", "write_to_stderr", "log_field", "connection_filter", "in", "argument", "duration_metric"


def example():
    text = (ROOT / "docs/snippets/01_hello.cpp").read_text()
    return "## Example\n\n```cpp\n" + text.strip() + "\n```\n\n"


def links(folder):
    out = ["## Docs", ""]
    for page in sorted(folder.rglob("*.md")):
        title = re.search(r"^# (.*)", page.read_text(), re.M)[1]
        out.append(f"- [{title}]({page.relative_to(folder).with_suffix('.html').as_posix()})")
    return "\n".join(out) + "\n\n"


def short(comment):
    """The first sentence, unless it is longer than there is room for."""
    flat = re.sub(r"\s+", " ", comment.split("\n\n")[0])
    first = re.split(r"(?<=[.:;])\s", flat)[0].rstrip(":.;")
    return first if len(first) <= longest else ""


def one_line(code):
    code = re.sub(r"//[^\n]*", "", code)
    code = re.sub(r"\s+", " ", code).strip().rstrip(";")
    token = re.search(r"completion_token_for<(void\(.*?\))> ?Token", code)
    if not re.match(r"template <.*> (class|struct|using) ", code) or "requires" in code:
        code = without_template(code)
    if token:
        code = re.sub(r"^auto (.*)\bToken&& token = \{\}", rf"\1token: {token[1]}", code)
    code = re.sub(r" noexcept\b| override\b| = 0$|\{\}$", "", code)
    return re.sub(r"\binline |\bconstexpr |\bexplicit |\bvirtual |\[\[nodiscard\]\] |\bstd::(?=\w)|\bboost::|\bKURIER\w+ ", "", code)


def told(entry):
    behind = re.search(r"//\s?(.*?)(?: \[[a-z -]+\])?$", entry.code, re.M)
    comment = short(entry.comment) or (behind[1] if behind and not entry.code.startswith("enum") else "")
    return one_line(entry.code) + (f" // {comment}" if comment else "")


def trivial(member):
    name = bare(member.name).split("::")[-1]
    return (name.startswith(("~", "operator")) and name != "operator()" or "= default" in member.code or "= delete" in member.code
            or re.search(r"\boperator(==|<=>|=)", member.code) or re.search(r"&& other|const \w+& other\)", member.code)
            or name in ("check", "make_login", "make_transport", "log_by", "what", "get_executor")
            or re.search(r"\boperator\b", member.code) and not member.name.endswith("operator()"))


def api():
    out = []
    for page, (title, _, _) in reference.PAGES.items():
        out += [f"## API: {title}", ""]
        for header in reference.headers_of(page):
            entries = reference.of_header(header)
            if not entries:
                continue
            out.append(f"<kurier/{header}>")
            if header.startswith(("serializers/", "partitioners/")):
                out[-1] += f" {' '.join(sorted({bare(entry.name) for entry in entries}))}: {short(first_comment('kurier/' + header))}"
                continue
            if header in TERSE:
                out.append("  " + ", ".join(names(entries)))
                continue
            for entry in entries:
                out += lines_of(entry)
        out.append("")
    return "\n".join(out)


def names(entries):
    """Of types with those of their members."""
    for name, found in reference.grouped(entry for entry in entries if entry.name and not entry.name.startswith("operator")):
        members = {bare(m.name).split("::")[-1] for m in found[0].members if m.function and m.name and not trivial(m)} - {name}
        yield name + (f"{{{' '.join(sorted(members))}}}" if members else "")


def lines_of(entry):
    if entry.name == "broker_errc":
        return ["  enum broker_errc // Kafka's error codes, in snake_case: broker_errc::message_too_large"]
    if entry.name in reference.UNSEEN or entry.name.startswith("operator"):
        return []
    if re.search(r"\bconcept\b", entry.code):
        return [f"  concept {entry.name} // {short(entry.comment)}"]
    if "<" in entry.name or entry.code.startswith("{"):
        return []  # a specialisation
    lines = ["  " + told(entry)]
    if entry.name in HEAD_ONLY:
        return lines
    for member in entry.members:
        if not trivial(member) and not member.members and bare(member.name) not in reference.UNSEEN:
            lines.append("    " + told(member))
    return lines


def settings():
    rows = [re.split(r"(?<!\\) \| ", line.strip("| ")) for line in reference.made("readme").splitlines()[2:]]
    return "## Settings (field: key in snake_case, without .ms)\n\n" + "".join(
        f"{cells[0].strip('` ')}={cells[1].strip('` ') if len(cells) > 1 else ''}\n" for cells in rows) + "\n"


def text(folder):
    global longest
    for longest in (90, 75, 60, 45, 30, 0):
        made = BRIEF + example() + links(folder) + api() + "\n" + settings()
        if len(made.encode()) < LIMIT * 0.95:
            break
    return made
