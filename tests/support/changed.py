"""Prints the test programs that have to be built or run again because of what differs from a commit:

    python3 tests/support/changed.py BUILD_FOLDER REF

These are the tests with an object that is made of a file that differs, or that is not built yet or out of date."""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def output_of(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout


def differing(ref):
    """Paths of files that differ from the commit, or are new."""
    names = output_of("git", "diff", "--name-only", ref).splitlines()
    return names + output_of("git", "ls-files", "--others", "--exclude-standard").splitlines()


def dependencies(build):
    """By object, the files that it was made of, as absolute paths."""
    objects = {}
    for block in filter(None, output_of("ninja", "-C", build, "-t", "deps").strip().split("\n\n")):
        first, *files = block.splitlines()
        objects[first.split(": #deps")[0]] = {str((pathlib.Path(build) / name.strip()).resolve()) for name in files}
    return objects


def inputs(build, target):
    """Everything that Ninja makes the target of."""
    return set(output_of("ninja", "-C", build, "-t", "inputs", target).splitlines())


def outdated(build, name, files):
    """Whether an object is missing or older than what it is made of."""
    made = pathlib.Path(build, name)
    return not files or not made.exists() or any(
        not pathlib.Path(file).exists() or pathlib.Path(file).stat().st_mtime > made.stat().st_mtime for file in files)


def main():
    build, ref = str(pathlib.Path(sys.argv[1]).resolve()), sys.argv[2]
    changed, known = {str(ROOT / name) for name in differing(ref)}, dependencies(build)
    for program in re.findall(r"Test +#\d+: (\S+)", output_of("ctest", "--test-dir", build, "-N")):
        objects = {name: known.get(name, set()) for name in inputs(build, program) if name.endswith(".o")}
        if any(files & changed or outdated(build, name, files) for name, files in objects.items()):
            print(program)


if __name__ == "__main__":
    main()
