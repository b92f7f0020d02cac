"""The public headers as entries: each name with its declaration and its comment."""

import importlib.machinery
import importlib.util
import pathlib
import re
import sys
import textwrap
from dataclasses import dataclass, field

ROOT = pathlib.Path(__file__).resolve().parents[2]
INCLUDE = ROOT / "include"


def load(path):
    """A script without .py as a module."""
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(path.parent))
    loader = importlib.machinery.SourceFileLoader(path.name, str(path))
    spec = importlib.util.spec_from_loader(path.name, loader)
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


documented = load(ROOT / "tests/style/documented")
INTERNAL = documented.INTERNAL


@dataclass
class Entry:
    header: str
    name: str  # with its class: engine::flush; of data in a class ""
    code: str  # as it is declared; of data with the comment behind it
    comment: str
    function: bool = False
    members: list = field(default_factory=list)  # of a class


def words(lines):
    """A comment's text, from its lines with slashes."""
    return textwrap.dedent("\n".join(re.sub(r"^\s*//", "", line) for line in lines)).strip("\n")


def comment_above(lines, number):
    above = number
    while above > 0 and lines[above - 1].lstrip().startswith("//"):
        above -= 1
    found = words(lines[above:number])
    return "" if found.startswith("---") else found


def first_comment(header):
    return words((INCLUDE / header).read_text().split("#pragma once")[0].splitlines())


def to_semicolon(text, code, start):
    """A statement as it is written, with the comments in it and behind it."""
    depth, at = 0, start
    while code[at] != ";" or depth:
        depth += {"{": 1, "(": 1, "}": -1, ")": -1}.get(code[at], 0)
        at += 1
    return textwrap.dedent(text[text.rfind("\n", 0, start) + 1:text.find("\n", at)])


def declaration(text, start, end):
    """At the left margin, without how a constructor's initialisers begin."""
    begin = text.rfind("\n", 0, start) + 1
    shown = textwrap.dedent(" " * (start - begin) + text[start:end])
    shown = re.sub(r"//[^\n]*", "", shown)
    shown = re.sub(r"(\)(?: const)?(?: noexcept)?)\s*:\s*[\w:<>]+\s*$", r"\1", shown)
    return re.sub(r"\[\[\w+(::\w+)?\]\]\s*|\bKURIER(_TESTING)?_DECL\s+", "", shown).rstrip()


def without_template(flat):
    """What follows `template <...>` and its constraint."""
    while flat.startswith("template"):
        flat = flat[closing(flat, flat.index("<")):].strip()
    while re.match(r"requires\b|&&|\|\|", flat):
        flat = re.sub(r"^(requires|&&|\|\|) ?!?", "", flat)
        word = re.match(r"[\w:]*", flat)[0]
        flat = flat[len(word):]
        if flat[:1] in ("<", "("):
            flat = flat[closing(flat, 0):]
        flat = flat.strip()
    return flat


def closing(text, at):
    """Behind the bracket that closes the one at a place."""
    pairs = {"<": ">", "(": ")"}
    opens, closes, depth = text[at], pairs[text[at]], 0
    while at < len(text):
        depth += {opens: 1, closes: -1}.get(text[at], 0)
        at += 1
        if depth == 0:
            break
    return at


def type_name(flat):
    flat = without_template(flat)
    found = (re.match(r"(?:using|concept) (\w+) ?=", flat) or re.match(r"using (?:\w+::)+(\w+)$", flat) or re.match(r"(?:enum class|enum) (\w+)", flat)
             or re.match(r"(?:class|struct) ((?:\w+::)*\w+(?: ?<.*>)?)(?: final)?(?: :.*)?$", flat)
             or re.match(r"(?:inline |static )*constexpr [^=(]*?(\w+(?:<\w+>)?)(?: ?=.*)?$", flat))
    return found and found[1]


def is_class(flat):
    return re.match(r"(class|struct) ", without_template(flat))


def hidden(scopes, internal):
    return any(set(scope.removeprefix("kurier::").split("::")) & internal or access != "public" for _, scope, access in scopes)


def entries(header, internal=INTERNAL):
    """The public names of a header in its order; a class with its members."""
    text = (INCLUDE / header).read_text()
    lines, code = text.splitlines(), documented.blank(text)
    found, classes = [], {}
    for begin, head, scopes in documented.statements(code, classes=True):
        flat = re.sub(r"\s+", " ", re.sub(r"\[\[.*?\]\]|explicit\(false\)", "", head)).strip()
        if not flat or flat.startswith(",") or hidden(scopes, internal) or re.match(r"static_assert|friend (class|struct)|namespace ", flat):
            continue
        start, end = begin + len(head) - len(head.lstrip()), begin + len(head)
        owner = "::".join(scope for kind, scope, _ in scopes if kind != "namespace")
        comment = comment_above(lines, text.count("\n", 0, start))
        name = documented.function_name(flat)
        function = bool(name) or bool(re.search(r"\boperator\b", flat)) and code[end:end + 1] == "{"
        if is_class(flat):
            name, shown = type_name(flat), declaration(text, start, end)
            if code[end] != "{" or name.startswith("boost::") or name.split("::")[0] in internal:
                continue
        elif function:
            if name and f"::{name}" in flat:
                continue  # declared elsewhere
            shown = declaration(text, start, end)
            behind = re.search(r"//\s?(.*)", lines[text.count("\n", 0, begin + len(head.rstrip()))])
            comment = comment or (behind[1] if behind else "")
        else:
            shown, name = to_semicolon(text, code, start), type_name(flat)
        full = "::".join(part for part in (owner, name) if part) if name else ""
        entry = Entry(header, full, shown, comment, function)
        if is_class(flat):
            classes[bare(full)] = entry
        if owner in classes:
            classes[owner].members.append(entry)
        elif not owner:
            found.append(entry)
    return found


def bare(name):
    """Without template arguments."""
    return re.sub(r" ?<(?!=).*", "", name)
