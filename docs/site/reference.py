"""The reference: pages by what one wants to do, made from the headers and their comments, with tables made by tables.cpp.

Each page is a list of headers. A member that stands in a page is taken out of its class and put there."""

import re
import shutil
import subprocess
import textwrap

from headers import INCLUDE, INTERNAL, ROOT, bare, entries, first_comment, load

api = load(ROOT / "packaging/api")

PAGES = {
    "start": ("Start", "A producer, the engine below it, and whether it can reach its cluster.",
              ["producer.hpp", "engine.hpp", "engine_user.hpp", "connect_error.hpp", "version.hpp", "config.hpp"]),
    "send": ("Send", "Records, and what they are made of.",
             ["producer::send", "producer::try_send", "producer::send_large", "producer::send_all", "record/record.hpp", "bytes.hpp",
              "record/header.hpp", "record/headers_builder.hpp", "record/timestamp.hpp", "record/large_value.hpp", "topic.hpp",
              "uuid.hpp"]),
    "wait": ("Wait", "For one record, for many, for room, for the end.",
             ["delivery.hpp", "record/record_metadata.hpp", "send_summary.hpp", "engine::flush", "engine::close", "engine::ready",
              "engine::partitions_for"]),
    "fail": ("Fail", "What a failure says, and every error code with what to do about it.",
             ["delivery_error.hpp", "error.hpp", "broker_errc.hpp"]),
    "configure": ("Configure", "All settings, as fields and as text; secrets; compression; TLS and logins.",
                  ["producer_config.hpp", "properties.hpp", "secret.hpp", "compression/gzip.hpp", "compression/lz4.hpp",
                   "compression/snappy.hpp", "compression/zstd.hpp", "tls.hpp", "sasl.hpp", "scram.hpp", "plain.hpp", "oauthbearer.hpp",
                   "oidc.hpp", "oauth/options.hpp", "oauth_token.hpp", "sasl/scram.hpp", "sasl/oauthbearer.hpp"]),
    "extend": ("Extend", "What your own serializer, partitioner, codec, log sink, login or transport has to be.",
               ["serializer.hpp", "serializers/bytes.hpp", "serializers/floating.hpp", "serializers/integral.hpp", "serializers/null.hpp",
                "serializers/optional.hpp", "serializers/string.hpp", "serializers/uuid.hpp", "record/byte_writer.hpp",
                "partitioner.hpp", "partitioners/default.hpp", "partitioners/murmur2.hpp", "partitioners/crc32.hpp",
                "partitioners/fnv1a.hpp", "partitioners/round_robin.hpp", "partitioners/manual.hpp", "compression.hpp",
                "engine_parts.hpp", "io/transport.hpp", "io/resolver.hpp", "sasl/mechanism.hpp"]),
    "observe": ("Observe", "Metrics, events and the log.",
                ["metrics.hpp", "observer.hpp", "log.hpp", "instant.hpp", "engine::metrics", "engine::dump", "engine::observe"]),
    "test": ("Test", "A broker inside your test program.",
             ["testing/embedded_broker.hpp", "testing/cluster_options.hpp", "testing/cluster_model.hpp", "testing/stored_record.hpp",
              "testing/memory_network.hpp", "testing/tls_broker.hpp", "testing/scram_users.hpp"]),
}
OPEN = {"io/transport.hpp": {"io"}, "io/resolver.hpp": {"io"}}  # namespaces that are internal elsewhere
ONLY = {"sasl/scram.hpp": {"scram_options"}, "sasl/oauthbearer.hpp": {"token_extension"}}  # the rest is inside of a login
LEFT_OUT = {
    "kurier/sasl/scram_keys.hpp": "inside of a login",
    "kurier/tls/transport.hpp": "made by tls.hpp",
    "kurier/http/exchange.hpp": "called by oidc.hpp",
    "kurier/oauth/assertion.hpp": "called by oidc.hpp",
    "kurier/oauth/from_config.hpp": "called by oidc.hpp",
    "kurier/oauth/source.hpp": "called by oidc.hpp",
    "kurier/group_wait.hpp": "what send_all is made of",
    "kurier/producer_parts.hpp": "what a producer is made of",
    "kurier/broker_errors.hpp": "the table of errors, in the page Fail",
    "kurier/src.hpp": "defines functions, declares nothing",
}
UNSEEN = "delivery::awaiter",  # what co_await calls

HEADINGS = ("Completion signature", "Errors", "Cancellation", "Lifetimes", "Executor", "Exceptions", "Thread safety", "Order", "Contract")
CODE = re.compile(r"`[^`]*`|\"[^\"]*\"|(?<![\w`])(?:void\([^()]*(?:\([^()]*\)[^()]*)*\)|(?:kurier|std|boost|asio)?(?:::)?[A-Za-z_]\w*(?:::\w+)+(?:<[^<> ]*>|\(\))?"
                  r"|(?:\w+/)*\w+\.[hi]pp|\w+(?:_\w+)+(?:\(\))?|\w+<[^<>]*>|\w+\([^() ]*\)|[a-z]+(?:\.[a-z]+)+(?:=[\w-]+)?|<[\w/.]+>)(?![\w`])")


def prose(comment):
    """A comment as Markdown: code is recognised, indented lines are blocks of code, headings are bold."""
    parts, block, listed = [[]], False, False
    for line in comment.splitlines():
        listed = line.startswith("- ") or listed and line.startswith("  ")
        if not line.strip() or (line.startswith("  ") and not listed) == block:
            parts[-1].append(line)
        else:
            block = not block
            parts.append([line])
    return "\n\n".join(as_code(part) if number % 2 else as_text(part) for number, part in enumerate(parts)).strip()


def as_code(lines):
    text = textwrap.dedent("\n".join(lines)).rstrip()
    return f"```{'cpp' if lines[0].startswith('    ') else 'text'}\n{text}\n```"


def as_text(lines):
    text = "\n".join(lines)
    for heading in HEADINGS:
        text = re.sub(rf"(^|[.:] ){heading}: ?", rf"\1\n\n**{heading}:** ", text, flags=re.M)
    return inline(re.sub(r"\n(?=- )", "\n\n", text).replace(" \n", "\n"))


def inline(text):
    out, at = [], 0
    for found in CODE.finditer(text):
        out.append(escaped(text[at:found.start()]))
        what = found[0]
        out.append(what if what[0] == "`" else f"`{what}`" if what[0] != '"' or "\n" not in what else escaped(what))
        at = found.end()
    return "".join(out + [escaped(text[at:])])


def escaped(text):
    text = re.sub(r"(?<!\*)\*(?!\*)", r"\\*", text)
    return text.replace("<", "&lt;").replace("[", "\\[").replace("]", "\\]").replace("_", "\\_")


def is_long(entry):
    return "\n" in entry.comment or len(entry.comment) > 90 or any(f"{h}:" in entry.comment for h in HEADINGS)


def synopsis(entry, elsewhere):
    """A class as its public declarations."""
    lines = [entry.code, "{"]
    for member in entry.members:
        if member.members or member.name in UNSEEN or bare(member.name) in UNSEEN or "class " + member.name.split("::")[-1] == member.code:
            continue
        if member.comment and not is_long(member) and not member.function:
            lines.append("    // " + member.comment)
        code = member.code + ";" if member.function else member.code
        if member.function and member.comment and not is_long(member):
            behind = f"{code} // {member.comment}"
            code = behind if len(behind.splitlines()[-1]) <= 96 else f"// {member.comment}\n{code}"
        elif member.name in elsewhere:
            code += f" // see {PAGES[elsewhere[member.name]][0]}"
        lines += ["    " + line for line in code.splitlines()]
    if entry.code.startswith("enum"):
        return entry.code
    return "\n".join(lines + ["};"]) if len(lines) > 2 else entry.code + " {};"


def signature(entry):
    return entry.code + ";" if entry.function else entry.code


def section(level, title, blocks, comments):
    out = [f"{'#' * level} {title}", ""]
    for block, comment in zip(blocks, comments):
        out += ["```cpp", block, "```", ""]
        if comment:
            out += [prose(comment), ""]
    return out


def grouped(members):
    """Overloads of a name together, in the order of the first."""
    groups = {}
    for member in members:
        groups.setdefault(bare(member.name), []).append(member)
    return groups.items()


def headers_of(page):
    return [name for name in PAGES[page][2] if name.endswith(".hpp")]


def elsewhere():
    """By name of a member, the page that it was put into."""
    return {name: page for page, (_, _, names) in PAGES.items() for name in names if not name.endswith(".hpp")}


def of_header(header):
    found = entries("kurier/" + header, INTERNAL - OPEN.get(header, set()))
    return [entry for entry in found if header not in ONLY or entry.name in ONLY[header]]


def member_sections(entry, taken, level):
    """Functions of a class that have something to say."""
    out = []
    for name, members in grouped(m for m in entry.members if m.function and m.name and m.name not in taken):
        if any(is_long(m) for m in members):
            title = name if not name.endswith(f"::{entry.name.split('::')[-1]}") else f"{name} (constructor)"
            out += section(level, title, merged([signature(m) for m in members], members), merged_comments(members))
    for member in entry.members:
        if member.members and bare(member.name) not in UNSEEN:
            out += class_section(member, taken, level)
        elif not member.function and is_long(member) and member.comment and not member.members and member.name:
            out += section(level, member.name, [member.code], [member.comment])
    return out


def class_section(entry, taken, level):
    out = section(level, entry.name, [synopsis(entry, taken)], [entry.comment])
    return out + member_sections(entry, taken, level + 1)


def is_type(entry):
    return bool(entry.members) or re.search(r"^(class|struct) |> ?(class|struct) |^\s*(class|struct) ", entry.code, re.M) and not entry.function


def header_sections(header, tables):
    out = [f"## {header}", "", f"`#include <kurier/{header}>`", "", prose(first_comment("kurier/" + header)), ""]
    taken = elsewhere()
    if macros := re.findall(r"^#define KURIER_VERSION.*$", (INCLUDE / "kurier" / header).read_text(), re.M):
        out += ["```cpp", *macros, "```", ""]
    for name, found in grouped(of_header(header)):
        if name in tables:
            out += [f"### {name}", "", prose(found[0].comment), "", tables[name], ""]
        elif is_type(found[0]) and len(found) == 1:
            out += class_section(found[0], taken, 3)
        else:
            blocks = [synopsis(e, taken) if is_type(e) else signature(e) for e in found]
            out += section(3, name, merged(blocks, found), [c for c in merged_comments(found)])
    return out


def merged(blocks, found):
    """Those without a comment of their own join the block before them."""
    out = []
    for block, entry in zip(blocks, found):
        if entry.comment or not out:
            out.append(block)
        else:
            out[-1] += "\n" + block
    return out


def merged_comments(found):
    return [entry.comment for number, entry in enumerate(found) if entry.comment or not number]


def moved(name):
    """A member that stands in this page, away from its class."""
    owner = name.split("::")[0]
    (entry,) = [e for e in of_header(owner + ".hpp") if bare(e.name) == owner]
    members = [m for m in entry.members if m.name == name]
    assert members, name
    return section(2, name, merged([signature(m) for m in members], members), merged_comments(members))


def page(name, tables):
    title, intro, what = PAGES[name]
    out = [f"# {title}", "", intro, ""]
    for item in what:
        out += header_sections(item, tables) if item.endswith(".hpp") else moved(item)
    for heading, table in tables.get(name, {}).items():
        out += [f"## {heading}", "", table, ""]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(out)).rstrip() + "\n"


def made(table):
    """A table that tables.cpp prints."""
    program = ROOT / "build/docs/tables"
    source = ROOT / "docs/site/tables.cpp"
    if not made.built:
        program.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([*compiler(), "-std=c++20", "-O0", f"-I{INCLUDE}", "-c", source, "-o", f"{program}.o"], check=True)
        subprocess.run(["g++", f"{program}.o", "-o", program], check=True)
        made.built = True
    return subprocess.run([program, table], check=True, capture_output=True, text=True).stdout


made.built = False


def compiler():
    return (["ccache"] if shutil.which("ccache") else []) + ["g++"]


def fields():
    """By key, the member of producer_config."""
    text = (INCLUDE / "kurier/config/table.hpp").read_text()
    text = text[text.index("setting_rows{"):]
    found = re.findall(r"\w+_row<&settings::(\w+)>\(\s*\"([^\"]+)\"", text)
    found += [(field, key) for key, field in re.findall(r"\w+_row\(\s*\"([^\"]+)\",\s*&settings::(\w+)", text)]
    return {key: field for field, key in found} | {"bootstrap.servers": "bootstrap_servers",
                                                   "kurier.compression.topics": "compression_topics",
                                                   "sasl.jaas.config": "sasl_username"}


def settings():
    """The table of settings, with their fields."""
    named = fields()
    cell = lambda found: f"| `{found[1]}`<br>`{named[found[1]]}` |"  # noqa: E731
    return re.sub(r"^\| `([^`]+)` \|", cell, made("settings"), flags=re.M).replace("| setting |", "| setting, field |")


def metrics():
    """Each member of producer_metrics, with Kafka's name."""
    (entry,) = [e for e in of_header("metrics.hpp") if e.name == "producer_metrics"]
    out = ["| metric | Kafka's name | meaning |", "|---|---|---|"]
    for member in entry.members:
        if found := re.fullmatch(r"[\w:]+ (\w+)(?: = 0)?; *(?:// (.*?) ?(?:\[(.*)\])?)?", member.code):
            out.append(f"| `{found[1]}` | {found[3] or ''} | {inline(found[2] or '')} |")
    return "\n".join(out)


def events():
    """DESIGN.md's table, which tests/docs/run compares with the code."""
    text = (ROOT / "DESIGN.md").read_text().split("\n## Log events\n")[1]
    return re.search(r"(^\|.*\n)+", text, re.M)[0]


def tables():
    return {
        "errc": "In logs and metrics its name is in capitals: `RECORD_TOO_LARGE` (`error_name`).\n\n" + made("errors"),
        "broker_errc": "In the log? says what a Produce response with it means for the batch.\n\n" + made("broker_errors") + "\nThe other numbers are Kafka's too, but no answer to a producer: " + made("other_broker_errors"),
        "configure": {"All settings": settings()},
        "observe": {"All metrics": metrics(), "All log events": events()},
    }


def write(folder):
    """The pages of the reference into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    found = tables()
    for name in PAGES:
        (folder / f"{name}.md").write_text(page(name, found))
