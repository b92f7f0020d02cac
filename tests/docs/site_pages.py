"""The reference of docs/site: every public name has a section with something in it, every setting, error, metric and event
a row, every page a place in the navigation, and no link is dead. Also without mkdocs, which docs/build gets from PyPI."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "docs/site"))

import assemble  # noqa: E402
import digest  # noqa: E402
import reference  # noqa: E402
from headers import bare, first_comment, load  # noqa: E402, F401

SITE = ROOT / "build/docs/site"
LINK = re.compile(r"!?\[[^\]\n]*\]\(([^)\s]+)\)")


def without_code(text):
    return re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.S)


def anchors(page):
    """As mkdocs and GitHub name the headings of a page."""
    heads = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```", "", page.read_text(), flags=re.S | re.M), re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


def dead_links(page):
    for link in LINK.findall(without_code(page.read_text())):
        path, _, anchor = link.partition("#")
        if "://" in link or link.startswith("mailto:"):
            continue
        target = (page.parent / path).resolve() if path else page
        if not target.is_file() or SITE not in target.parents or anchor and anchor not in anchors(target):
            yield link


def link_results():
    for page in sorted(SITE.rglob("*.md")):
        dead = list(dead_links(page))
        yield f"the links of {page.relative_to(SITE)} lead somewhere {' '.join(dead)}".strip(), not dead


def navigation_results():
    """mkdocs.yml names each page once, and none that isn't there."""
    text = (ROOT / "docs/site/mkdocs.yml").read_text()
    named = re.findall(r"([\w/-]+\.md)$", text.split("\nnav:")[1], re.M)
    there = {page.relative_to(SITE).as_posix() for page in SITE.rglob("*.md")}
    yield "the navigation has each page once", sorted(named) == sorted(there)


def header_results():
    """Each public header is in a page or left out for a reason."""
    public = {name for name, _ in reference.api.public_headers()}
    public |= set(reference.api.exported()[0])
    shown = {"kurier/" + header for page in reference.PAGES for header in reference.headers_of(page)}
    for header in sorted(public | set(reference.LEFT_OUT)):
        yield f"{header} is in the reference, or left out", (header in shown) != (header in reference.LEFT_OUT)


def headings():
    found = set()
    for name in reference.PAGES:
        found |= set(re.findall(r"^#{2,5} (\S+)", (SITE / f"reference/{name}.md").read_text(), re.M))
    return found


def name_results():
    """What `import kurier;` brings, and each type that a public header has, is a heading."""
    there = headings()
    for name in reference.api.exported()[1]:
        yield f"the reference has a section {name}", name in there
    for page in reference.PAGES:
        for header in reference.headers_of(page):
            if not first_comment("kurier/" + header):
                yield f"{header} begins with a comment", False
            silent = [name for name, found in reference.grouped(reference.of_header(header))
                      if not any(e.comment or "//" in e.code or any(m.comment or "//" in m.code for m in e.members) for e in found)
                      and not re.search(rf"\b{re.escape(bare(name))}\b", first_comment("kurier/" + header))]
            # The first comment of a header is also that of the name that it is about
            subjects = re.findall(r"[a-z0-9]+?(?=s?[/.])", header)
            silent = [name for number, name in enumerate(silent) if number or not any(word in name for word in subjects)]
            yield f"the names of {header} are explained {' '.join(silent)}".strip(), not silent


def rows(page):
    return re.findall(r"^\|(.*)\|$", (SITE / f"reference/{page}.md").read_text(), re.M)


def values_of(enumeration, header):
    (entry,) = [e for e in reference.of_header(header) if e.name == enumeration]
    return re.findall(r"^\s*(\w+)(?: = -?\d+)?,", entry.code, re.M)


def told(rows_of_page, name):
    """Has it a row whose columns are not all empty but the first?"""
    return any(f"`{name}`" in row.split("|")[0] and any(cell.strip() for cell in row.split("|")[2:]) for row in rows_of_page)


def table_results():
    fail, configure, observe = rows("fail"), rows("configure"), rows("observe")
    for code in values_of("errc", "error.hpp"):
        yield f"the reference explains errc::{code}", told(fail, f"errc::{code}")
    text = (SITE / "reference/fail.md").read_text()
    for code in values_of("broker_errc", "broker_errc.hpp"):
        yield f"the reference names {code.upper()}", f"`{code.upper()}`" in text
    keys = re.findall(r"^\| `([^`]+)`", reference.made("readme"), re.M)
    named = reference.fields()
    for key in keys:
        yield f"the reference explains {key}", told(configure, key)
    config = next(e for e in reference.of_header("producer_config.hpp") if e.name == "producer_config")
    for member in config.members:
        for name in re.findall(r"(\w+)(?:\{[^}]*\}| = [^;]*)?[;,]", "" if member.function else member.code.split("//")[0]):
            yield f"the field {name} has a setting", name in named.values() and len(keys) == len(set(keys))
    metrics = next(e for e in reference.of_header("metrics.hpp") if e.name == "producer_metrics")
    for member in metrics.members:
        if name := re.match(r"[\w:]+ (\w+)(?: = 0)?;", member.code):
            yield f"the reference explains the metric {name[1]}", told(observe, name[1])
    yield "the reference has DESIGN.md's table of events", reference.events().strip() in (SITE / "reference/observe.md").read_text()


def results():
    assemble.assemble(SITE)
    size = len((SITE / "llms.txt").read_bytes())
    yield f"llms.txt has {size} bytes, less than {digest.LIMIT}", size < digest.LIMIT
    for check in (header_results, name_results, table_results, navigation_results, link_results):
        yield from check()


if __name__ == "__main__":
    for what, good in results():
        if not good or "--all" in sys.argv:
            print("ok" if good else "FAILED", what)
