"""Reads what llvm-cov exports and prints a table, or what is missing in one file; see tests/coverage."""
import collections
import json
import pathlib
import sys

FOLDERS = ("core", "protocol", "record", "wire")
ROOT = pathlib.Path(__file__).resolve().parents[2] / "include" / "kurier"


def relative(name):
    try:
        path = pathlib.Path(name).resolve().relative_to(ROOT)
    except ValueError:
        return None
    return str(path) if path.parts[0] in FOLDERS else None


def collect(data):
    """By file: lines {number: executed}, branches {(line, column): [taken, not taken]}. A template's instances add up."""
    lines = collections.defaultdict(lambda: collections.defaultdict(int))
    branches = collections.defaultdict(lambda: collections.defaultdict(lambda: [0, 0]))
    for function in data["functions"]:
        names = [relative(name) for name in function["filenames"]]
        for region in function["regions"]:
            first, _, last, _, count, file, _, kind = region
            if names[file] and kind == 0:
                for line in (first, last):          # the inner ones belong to smaller regions, or to none
                    lines[names[file]][line] = max(lines[names[file]][line], count)
        for branch in function.get("branches", []):
            line, column, _, _, taken, refused, file, *_ = branch
            if names[file]:
                sides = branches[names[file]][line, column]
                sides[0] += taken
                sides[1] += refused
    return lines, branches


def exact_lines(data, lines):
    """Lines as the segments of whole files have them."""
    for file in data["files"]:
        name = relative(file["filename"])
        if not name:
            continue
        found = {}
        segments = file["segments"]
        for here, there in zip(segments, segments[1:]):
            if here[3]:                             # it has a count
                for line in range(here[0], there[0] + 1):
                    if line != here[0] or here[4]:
                        found[line] = max(found.get(line, 0), here[2])
        lines[name] = found


def table(lines, branches):
    sums = collections.defaultdict(lambda: [0, 0, 0, 0])
    print(f"{'file':42} {'lines':>14} {'branches':>18}")
    for name in sorted(lines):
        counted = [sum(1 for count in lines[name].values() if count), len(lines[name]),
                   sum((taken > 0) + (refused > 0) for taken, refused in branches[name].values()),
                   2 * len(branches[name])]
        print_row(name, counted)
        for i, count in enumerate(counted):
            sums[name.split("/")[0]][i] += count
    for folder in FOLDERS:
        print_row(folder + "/", sums[folder])


def print_row(name, counted):
    def share(done, of):
        return f"{done}/{of} {100 * done / of:5.1f}%" if of else "-"
    print(f"{name:42} {share(counted[0], counted[1]):>16} {share(counted[2], counted[3]):>18}")


def missed(name, lines, branches):
    text = (ROOT / name).read_text().splitlines()
    for line in sorted(number for number, count in lines[name].items() if not count):
        print(f"{name}:{line}: not executed: {text[line - 1].strip()}")
    for (line, column), (taken, refused) in sorted(branches[name].items()):
        if taken == 0 or refused == 0:
            side = "neither way" if taken == refused == 0 else "never true" if taken == 0 else "never false"
            print(f"{name}:{line}:{column}: {side}: {text[line - 1][column - 1:].strip()}")


def main():
    data = json.load(open(sys.argv[1]))["data"][0]
    lines, branches = collect(data)
    exact_lines(data, lines)
    if "--missed" in sys.argv:
        for name in sys.argv[sys.argv.index("--missed") + 1:] or sorted(branches):
            missed(name, lines, branches)
    else:
        table(lines, branches)


if __name__ == "__main__":
    main()
