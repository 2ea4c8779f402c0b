"""The pages of the course in Markdown, and the stored texts that their numbers can come from.

A *page* is a Markdown cell of a lesson, or what stands under one heading of a Markdown file.

A *source* names a stored text: ``"train"`` is what the cell ``train`` of the same lesson prints,
``"train.code"`` its code, ``"01_alexnet:train"`` the same of another lesson, and a path is a file.
``"a + b"`` joins two.
"""

import json
import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import NamedTuple

from course.places import NOTEBOOKS, ROOT
from course.rules.structure import EXEMPT_TAGS

MARKDOWN = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "data/README.md", "data/LICENCES.md")

_NO_PROSE = re.compile(
    r"```.*?```|(?<=\n\n) {4}[^\n]*(?:\n {4}[^\n]*)*|`[^`]*`|\$\$.*?\$\$|\$[^$]+\$"
    r"|\]\([^)]*\)|<https?:[^>]*>",
    re.DOTALL,
)


class Mismatch(Exception):
    """A line of a table that does not fit its page or its source; the message says why."""


class Page(NamedTuple):
    """The text of a page on one line, and the same with code, formulas and addresses dotted out."""

    text: str
    prose: str


def page_of(source: str) -> Page:
    """Make a page of a Markdown source."""
    prose = _NO_PROSE.sub(lambda match: re.sub(r"\S", "·", match[0]), source)
    return Page(*(re.sub(r"\s+", " ", text).strip() for text in (source, prose)))


@cache
def cells_of(lesson: str) -> dict[str, dict]:
    """Return the cells of a stored lesson by their ids."""
    notebook = json.loads((NOTEBOOKS / f"{lesson}.ipynb").read_text(encoding="utf-8"))
    return {cell["id"]: cell for cell in notebook["cells"]}


def printed(cell: dict) -> str:
    """Return the texts that a code cell shows and that are compared when it is run again."""
    if EXEMPT_TAGS & set(cell["metadata"].get("tags", [])):
        raise Mismatch(f"the output of cell {cell['id']} is not compared: nothing is bound to it")
    texts = []
    for output in cell["outputs"]:
        shown = output.get("data", {}).get("text/plain", [])
        texts += [*output.get("text", []), output.get("evalue", ""), *shown, "\n"]
    return "".join(texts)


@cache
def stored(source: str, lesson: str) -> str:
    """Return the text that a source names, seen from a lesson."""
    if " + " in source:
        return "\n".join(stored(part, lesson) for part in source.split(" + "))
    if (ROOT / source).is_file():
        return (ROOT / source).read_text(encoding="utf-8")
    elsewhere, _, name = source.rpartition(":")
    name, _, code = name.partition(".")
    cell = cells_of(elsewhere or lesson).get(name)
    if cell is None or cell["cell_type"] != "code" or code not in ("", "code"):
        raise Mismatch(f"{source!r} names neither a file nor a code cell of {elsewhere or lesson}")
    return "".join(cell["source"]) if code else printed(cell)


def place_of(source: str) -> str:
    """Say in words which stored text a source names."""
    if " + " in source:
        return " and ".join(place_of(part) for part in source.split(" + "))
    if (ROOT / source).is_file():
        return source
    lesson, _, name = source.rpartition(":")
    what = "the code of" if name.endswith(".code") else "the output of"
    return f"{what} cell {name.removesuffix('.code')}" + (f" of {lesson}" if lesson else "")


@cache
def pages_of(document: str) -> dict[str, Page]:
    """Return the pages of a lesson by cell id, without its Sources, or of a file by heading."""
    if document not in MARKDOWN:
        return {
            name: page_of("".join(cell["source"]))
            for name, cell in cells_of(document).items()
            if cell["cell_type"] == "markdown" and cell["source"][:1] != ["## Sources\n"]
        }
    texts: dict[str, str] = {}
    for heading, part in sections_of((ROOT / document).read_text(encoding="utf-8")):
        texts[heading] = texts.get(heading, "") + part
    return {heading: page_of(text) for heading, text in texts.items()}


def sections_of(text: str) -> Iterator[tuple[str, str]]:
    """Yield the headings of a Markdown text ("" for what stands before the first) and their parts.

    A part begins with its heading and ends before the next one, of whatever level.
    """
    fences = [range(*match.span()) for match in re.finditer(r"```.*?```", text, re.DOTALL)]
    starts = [
        (match.start(), match[1])
        for match in re.finditer(r"^#+ (.*)$", text, re.MULTILINE)
        if not any(match.start() in fence for fence in fences)
    ]
    for (start, heading), (end, _) in pairwise([(0, ""), *starts, (len(text), "")]):
        yield heading, text[start:end]
