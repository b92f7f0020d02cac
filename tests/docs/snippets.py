"""Code and output in the pages of docs/pages are those of programs. Above a block of code stands

    <!-- code docs/snippets/02_keys.cpp -->       the part between `// snippet` and `// end`, or all of the file
    <!-- output docs/snippets/02_keys.cpp -->     what it prints; a port of 127.0.0.1 is shown as 9092

    <!-- bench CPU-s per million records -->      a table of the medians in bench/results, up to <!-- end of bench -->

The steps are one program, because that compiles in a tenth of the time."""

import pathlib
import re
import shutil
import subprocess

from site_pages import load

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = ROOT / "docs/pages"
STEPS = sorted((ROOT / "docs/snippets").glob("[0-9]*.cpp"))
OTHERS = [ROOT / "docs/snippets/coming_from.cpp", *sorted((ROOT / "docs/plugins").glob("*.hpp"))]
BLOCK = re.compile(r"(<!-- (code|output) (\S+) -->\n\n?```\w*\n).*?(```\n)", re.S)
FLAGS = ["-std=c++20", "-O0", "-Wall", "-Wextra", "-Werror", f"-I{ROOT / 'include'}"]

BENCH = re.compile(r"(<!-- bench (.*?) -->\n).*?(<!-- end of bench -->\n)", re.S)


draw = load(ROOT / "docs/draw")


def bench_table(measured):
    clients = ["kurier", "librdkafka", "franz-go", "java"]
    groups = {}
    for server, workload, what, client, median in draw.table_rows():
        if what == measured and client in clients:
            groups.setdefault((server, workload), {})[client] = median
    lines = ["| server | workload | " + " | ".join(clients) + " |", "|---|---|" + "---:|" * len(clients)]
    for (server, workload), values in groups.items():
        cells = [f"{values[c]:,g}" if c in values else "" for c in clients]
        lines.append(f"| {server} | {workload} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def compiler():
    return (["ccache"] if shutil.which("ccache") else []) + ["g++"]


def cut(where):
    """The part of a source that a page shows: PATH, or PATH#NAME for one that begins with `// snippet NAME`."""
    path, _, name = where.partition("#")
    text = (ROOT / path).read_text()
    part = re.search(rf"^// snippet{' ' + name if name else ''}\n(.*?)^// end\n", text, re.S | re.M)
    assert part or not name, where
    return part[1] if part else text.split("#pragma once\n\n")[-1]


def one_program():
    """All steps with their mains under other names, and a main that calls the one whose number it is given."""
    lines = []
    for number, step in enumerate(STEPS):
        lines += [f"#define main step_{number}", f'#include "{step}"', "#undef main"]
    lines += ["#include <cstdlib>", "int main(int, char** argv)", "{", "    switch (std::atoi(argv[1])) {"]
    for number, step in enumerate(STEPS):
        whole = "int argc" in step.read_text()
        lines.append(f"    case {number}: return step_{number}({'1, argv' if whole else ''});")
    return "\n".join(lines + ["    }", "    return 1;", "}", ""])


def outputs(folder):
    """By path, what each step prints. Raises when a step fails."""
    source, program = folder / "steps.cpp", folder / "steps"
    source.write_text(one_program())
    subprocess.run([*compiler(), *FLAGS, "-c", source, "-o", folder / "steps.o"], check=True)
    subprocess.run(["g++", folder / "steps.o", "-o", program, "-pthread"], check=True)
    printed = {}
    for number, step in enumerate(STEPS):
        done = subprocess.run([program, str(number)], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"{step.name}: {done.stderr}"
        printed[step.relative_to(ROOT).as_posix()] = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:9092", done.stdout)
    return printed


def renewed(text, printed):
    def block(found):
        content = cut(found[3]) if found[2] == "code" else printed[found[3]]
        return found[1] + content.strip("\n") + "\n" + found[4]
    text = BENCH.sub(lambda found: found[1] + "\n" + bench_table(found[2]) + "\n" + found[3], text)
    return BLOCK.sub(block, text)


def pages():
    return sorted(PAGES.rglob("*.md"))


def compiles(paths, folder):
    """Code that is not run: of the other pages. One source, because that is quicker."""
    source = folder / "pages.cpp"
    source.write_text("".join(f'#include "{path}"\n' for path in paths))
    return subprocess.run([*compiler(), *FLAGS, "-c", source, "-o", folder / "pages.o"]).returncode == 0


def skeleton(page):
    """What two languages of a page have in common: its steps and their blocks."""
    text = page.read_text()
    return [len(re.findall(r"^## \d+\. ", text, re.M))] + re.findall(r"<!-- (?:code|output) \S+ -->", text)


def results(write=False):
    (ROOT / "build").mkdir(exist_ok=True)
    folder = ROOT / "build/docs"
    folder.mkdir(exist_ok=True)
    try:
        printed = outputs(folder)
    except (subprocess.CalledProcessError, AssertionError, subprocess.TimeoutExpired) as error:
        print(error)
        return [("the steps compile and run", False)]
    found = [("the steps compile and run", True), ("the code of the other pages compiles", compiles(OTHERS, folder))]
    for page in pages():
        text = page.read_text()
        new = renewed(text, printed)
        if write and new != text:
            page.write_text(new)
        found.append((f"{page.relative_to(ROOT)} shows the code and its output as they are (--write)", write or new == text))
    found.append(("the pictures are those of docs/pictures and bench/results (docs/draw)", not draw.stale()))
    for plugin in sorted((ROOT / "docs/plugins").glob("*.hpp")):
        lines = plugin.read_text().count("\n")
        found.append((f"{plugin.name} has {lines} lines, at most 40, and a page",
                      lines <= 40 and (PAGES / f"plugins/{plugin.stem}.md").exists()))
    shown = skeleton(PAGES / "staircase.md")
    for step in STEPS:
        name = step.relative_to(ROOT).as_posix()
        found.append((f"the staircase shows {name} and its output",
                      f"<!-- code {name} -->" in shown and f"<!-- output {name} -->" in shown))
    found.append(("the staircase has one step for each program, ten at most", shown[0] == len(STEPS) <= 10))
    found.append(("the Chinese staircase has the same steps", skeleton(PAGES / "zh/staircase.md") == shown))
    return found
