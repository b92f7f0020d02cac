"""Puts the site together, as Markdown: python3 docs/site/assemble.py FOLDER

The pages of docs/pages, the reference, README.md in three parts, other documents of the repository, and llms.txt. A link
from one of them to another leads to its page; a link to a file that is no page becomes the file's name."""

import pathlib
import re
import shutil
import sys

import digest
import reference
from headers import ROOT

# By path in the repository, the page; README.md is cut in parts
DOCUMENTS = {
    "DESIGN.md": "how/design.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "docs/security-settings.md": "security-settings.md",
    "packaging/PLATFORMS.md": "platforms.md",
    "bench/README.md": "how/bench.md",
    "README.md": "index.md",
}
LINK = re.compile(r"(!?)\[([^\]\n]*)\]\(([^)\s]+)\)")
PROMISES = "Why", "Quick start"
INSTALL = "In your project", "A warning about g++ 12"
ELSEWHERE = "Documentation", "Settings"  # the navigation, the reference


def sections(text):
    """By heading, README's sections; the first, without one, is under ""."""
    first, *rest = re.split(r"^## (.*)\n", text, flags=re.M)
    return {"": first} | dict(zip(rest[::2], rest[1::2]))


def parts():
    """README.md as three pages."""
    found = sections((ROOT / "README.md").read_text())
    last = "How it is tested", "Status", "Licence"
    index = [found[""]] + [f"## {name}\n{found[name]}" for name in (*PROMISES, *last)]
    install = ["# In your project\n", found[INSTALL[0]], f"## {INSTALL[1]}\n{found[INSTALL[1]]}"]
    known = {"", *PROMISES, *INSTALL, *ELSEWHERE, *last}
    guide = ["# Guide\n\n"] + [f"## {name}\n{text}" for name, text in found.items() if name not in known]
    return {"index.md": "".join(index), "install.md": "".join(install), "guide.md": "".join(guide)}


def relative(page, target):
    """A link from one page to another."""
    import os.path
    return os.path.relpath(target, pathlib.PurePosixPath(page).parent.as_posix() or ".")


def relinked(text, source, page):
    """A document's links as those of a page."""
    def link(found):
        picture, words, target = found.groups()
        if "://" in target or target.startswith(("#", "mailto:")):
            return found[0]
        path, _, anchor = target.partition("#")
        inside = (ROOT / source).parent.joinpath(path).resolve().relative_to(ROOT).as_posix()
        if inside.startswith("docs/pages/"):
            to = inside.removeprefix("docs/pages/")
        elif inside in DOCUMENTS:
            to = DOCUMENTS[inside]
        else:
            return f"`{inside}`" if words.strip("`") == inside or picture else f"{words} (`{inside}`)"
        return f"{picture}[{words}]({relative(page, to)}{'#' + anchor if anchor else ''})"
    pieces = re.split(r"(^```.*?^```$)", text, flags=re.S | re.M)
    return "".join(piece if piece.startswith("```") else LINK.sub(link, piece) for piece in pieces)


def assemble(folder):
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "docs/pages", folder)
    reference.write(folder / "reference")
    for page, text in parts().items():
        (folder / page).write_text(relinked(text, "README.md", page))
    for source, page in DOCUMENTS.items():
        if source != "README.md":
            (folder / page).write_text(relinked((ROOT / source).read_text(), source, page))
    (folder / "llms.txt").write_text(digest.text(folder))


if __name__ == "__main__":
    assemble(pathlib.Path(sys.argv[1]))
