#!/usr/bin/env python3
"""Every public header compiles alone, and all of them together define nothing twice.

    python3 tests/architecture/headers.py [--compiler NAME] [--together | --alone | --changed REF | HEADER...]

Alone: syntax only, without a warning. A header that passed is looked at again when it or a header of ours that it includes
has changed (build/tests/headers-*.json keeps which passed). Together: what two source files of one program may include must
define no strong symbol, with the bodies in the headers and with the bodies in libraries. --together and --alone: only this
part. --changed: alone only those that differ from a commit."""

import argparse
import concurrent.futures
import functools
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile

from layers import INCLUDE, includes

ROOT = INCLUDE.parent
sys.path.insert(0, str(ROOT / "tests/support"))
import changed
FLAGS = ["-std=c++20", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wsign-conversion", "-Wshadow", "-Werror",
         f"-I{INCLUDE}"]
APART = ["-DKURIER_SEPARATE_COMPILATION", "-DKURIER_SEPARATE_TESTING"]
NOT_ALONE = {"kurier/src.hpp", "kurier/testing/src.hpp"}  # the bodies themselves: for one source file of a program


def all_headers():
    return sorted({str(path.relative_to(INCLUDE)) for path in INCLUDE.rglob("*.hpp")} - NOT_ALONE)


def changed_headers(ref):
    """Those that differ from a commit, or are new; all, where there is no repository."""
    if subprocess.run(["git", "rev-parse"], cwd=ROOT, capture_output=True).returncode:
        return all_headers()
    names = set(changed.differing(ref))
    return [header for header in all_headers() if f"include/{header}" in names]


@functools.cache
def text_of(header):
    path = INCLUDE / header
    return path.read_text() if path.exists() else ""


def closure(header):
    """It and all headers of ours that it includes, directly or not."""
    seen, todo = set(), [header]
    while todo:
        one = todo.pop()
        if one not in seen:
            seen.add(one)
            todo += includes(one, text_of(one))
    return sorted(seen)


def fingerprint(header, compiler_says):
    digest = hashlib.sha256(compiler_says.encode())
    for one in closure(header):
        digest.update(one.encode() + text_of(one).encode())
    return digest.hexdigest()


def run(command, source):
    done = subprocess.run([*command, "-x", "c++", "-"], input=source, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def compiles_alone(compiler, header):
    return run([compiler, *FLAGS, *APART, "-fsyntax-only"], f"#include <{header}>\n")


def strong_symbols(compiler, flags, headers):
    """Of an object that includes all headers: (exit status, what is wrong)."""
    with tempfile.TemporaryDirectory() as folder:
        made = f"{folder}/all.o"
        status, output = run([compiler, *FLAGS, *flags, "-c", "-O0", "-o", made], "".join(f"#include <{h}>\n" for h in headers))
        if status:
            return status, output
        names = subprocess.run(["nm", "-C", "--defined-only", "--extern-only", made], check=True, capture_output=True, text=True).stdout
    strong = [line for line in names.splitlines() if line.split(maxsplit=2)[1] in "TDBRGSC"]
    return int(bool(strong)), "\n".join(["defined in each source file that includes it; is `inline` missing?", *strong])


def alone(compiler, headers):
    """Yields (what, exit status, output)."""
    says = " ".join([subprocess.run([compiler, "--version"], check=True, capture_output=True, text=True).stdout, *FLAGS, *APART])
    kept = ROOT / f"build/tests/headers-{pathlib.Path(compiler).name}.json"
    passed = json.loads(kept.read_text()) if kept.exists() else {}
    prints = {header: fingerprint(header, says) for header in headers}
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        todo = {header: pool.submit(compiles_alone, compiler, header) for header in headers if passed.get(header) != prints[header]}
        for header in headers:
            status, output = todo[header].result() if header in todo else (0, "")
            if status == 0:
                passed[header] = prints[header]
            yield f"{header} alone", status, output
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(passed))


def together(compiler, headers):
    modes = {"header-only": [], "compiled apart": APART}
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        todo = {name: pool.submit(strong_symbols, compiler, flags, headers) for name, flags in modes.items()}
        for name, one in todo.items():
            yield f"all headers together, {name}", *one.result()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--compiler", default="g++")
    parser.add_argument("--together", action="store_true")
    parser.add_argument("--alone", action="store_true")
    parser.add_argument("--changed", metavar="REF")
    parser.add_argument("headers", nargs="*")
    options = parser.parse_args()
    results = []
    if not options.headers and not options.alone:
        results += together(options.compiler, all_headers())
    if not options.together:
        chosen = changed_headers(options.changed) if options.changed else options.headers or all_headers()
        results += alone(options.compiler, chosen)
    failed = [(what, output) for what, status, output in results if status]
    for what, output in failed:
        print(f"FAILED {what}\n{output}")
    print(f"{len(results) - len(failed)} passed, {len(failed)} failed")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
