#!/usr/bin/env python3
"""packaging/single_header: every header in one file, each after those that it includes.

Bodies (.ipp) come last, so that a program of many files may still have them compiled once: it defines
KURIER_SEPARATE_COMPILATION everywhere, and KURIER_IMPLEMENTATION too in one source file."""

import argparse
import pathlib
import re
import sys

from components import ROOT, components, version

INCLUDE = ROOT / "include"
KURIER_INCLUDE = re.compile(r"\s*#\s*include\s*<(kurier/[^>]+)>")
FOREIGN_INCLUDE = re.compile(r"#include <([^>]+)>")
# A header includes its bodies at its end, under such a condition
BODIES = re.compile(r"#if !defined\((KURIER_SEPARATE_\w+)\)\n#include <([^>]+\.ipp)>\n#endif\n")

HEAD = """\
// kurier {version}: a Kafka producer for C++20 and Boost.Asio, all of it in this file{parts}.
// Made by packaging/single_header; the headers that it is made from are easier to read.
//
// A program of many files may compile the bodies once: define KURIER_SEPARATE_COMPILATION (and KURIER_SEPARATE_TESTING, for
// the embedded broker) everywhere, and KURIER_IMPLEMENTATION too before one of the includes.
//
{licence}
#ifndef KURIER_SINGLE_HEADER
#define KURIER_SINGLE_HEADER
"""


class Tree:
    """The headers, without what a single file has no need of, and the order of their includes."""

    def __init__(self):
        self.texts, self.bodies = {}, []  # bodies: (condition, file), in the order of their headers
        for path in sorted(INCLUDE.rglob("*.[hi]pp")):
            name = path.relative_to(INCLUDE).as_posix()
            text = path.read_text().replace("#pragma once\n", "", 1)
            self.bodies += [(name, *found) for found in BODIES.findall(text)]
            self.texts[name] = BODIES.sub("", text)

    def includes(self, name):
        return [found[1] for line in self.texts[name].splitlines() if (found := KURIER_INCLUDE.match(line))]

    def closure(self, roots):
        """Every header that these need, themselves too, each after what it includes."""
        order = []

        def visit(name):
            if name in seen:
                return
            seen.add(name)
            for other in self.includes(name):
                visit(other)
            order.append(name)

        seen = set()
        for root in roots:
            visit(root)
        return order


def public_headers(tree, chosen):
    """What a user may include: everything outside the inner folders, but of the components only those that were chosen."""
    optional = {header for component in components() for header in component.headers}
    wanted = [header for component in chosen for header in component.headers]
    plain = [name for name in tree.texts
             if re.fullmatch(r"kurier/((serializers|partitioners|config|record)/)?\w+\.hpp", name)
             and name != "kurier/src.hpp" and not optional & set(tree.closure([name]))]
    return plain + wanted


def section(tree, names):
    """These headers as text. What they include from elsewhere comes first, unless it depends on a condition."""
    foreign, parts = set(), []
    for name in names:
        depth, lines = 0, []
        for line in tree.texts[name].splitlines():
            depth += bool(re.match(r"\s*#\s*if", line)) - bool(re.match(r"\s*#\s*endif", line))
            if KURIER_INCLUDE.match(line):
                continue
            if depth == 0 and (found := FOREIGN_INCLUDE.match(line)):
                foreign.add(found[1])
                continue
            lines.append(line)
        text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")
        parts.append(f"// ---- {name}\n{text}\n")
    includes = sorted(foreign, key=lambda name: (not name.startswith("boost/"), "." in name, name))
    return "".join(f"#include <{name}>\n" for name in includes) + "\n" * bool(includes) + "\n".join(parts)


def single_header(chosen):
    tree = Tree()
    interface = tree.closure(public_headers(tree, chosen))
    bodies = [(condition, tree.closure([file])) for name, condition, file in tree.bodies if name in interface]
    # What the bodies of both need can stand under neither condition
    shared = [name for _, names in bodies for name in names
              if all(name in others for _, others in bodies) and len(bodies) > 1 and name not in interface]
    interface += dict.fromkeys(shared)
    licence = "".join(f"// {line}".rstrip() + "\n" for line in (ROOT / "LICENSE").read_text().splitlines())
    parts = ", with " + ", ".join(component.name for component in chosen) if chosen else ""
    text = HEAD.format(version=version(), parts=parts, licence=licence) + "\n" + section(tree, interface)
    for condition, names in bodies:
        rest = [name for name in names if name not in interface]
        text += f"\n#if !defined({condition}) || defined(KURIER_IMPLEMENTATION)\n\n{section(tree, rest)}\n#endif\n"
    return text + "\n#endif\n"


def main():
    parser = argparse.ArgumentParser(description="Writes kurier as one header.")
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--with", dest="names", default="", help="components, separated by commas")
    arguments = parser.parse_args()
    known = {component.name: component for component in components()}
    names = [name for name in arguments.names.split(",") if name]
    for name in names:
        if name not in known:
            sys.exit(f"kurier has no component '{name}'; it has: {' '.join(known)}")
    arguments.out.write_text(single_header([known[name] for name in known if name in names]))


if __name__ == "__main__":
    main()
