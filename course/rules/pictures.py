"""What counts as a fact about a picture, which nbval cannot see: a compared line with a value.

A value is a number, a truth value or a quoted word. It does not count in what matplotlib and Pillow
say of their own objects (``<Figure size 500x300 with 1 Axes>``), nor in a sentence that the source
holds ready, since that is printed whatever the data are.
"""

import ast
import builtins
import re
from collections.abc import Iterable

__all__ = ["is_picture", "names_read", "names_used", "states_value", "tools"]

VALUE = re.compile(r"\d|\b(?:True|False)\b|(?<!\w)'[^']+'(?!\w)")
OBJECT = re.compile(
    r"<(?:Axes|Figure|a list of|[\w.]+ (?:object|at) |PIL\.)"
    r"|\b(?:Axes|AxesImage|Figure|Line2D|Rectangle|Text)\("
)


def is_picture(output: dict) -> bool:
    """Return whether an output shows a picture, as itself or inside HTML."""
    data = output.get("data", {})
    return any(kind.startswith("image/") for kind in data) or bool(
        re.search(r"<(?:img|svg)\b", data.get("text/html", ""))
    )


def states_value(texts: Iterable[str], source: str) -> bool:
    """Return whether a line of the outputs holds a value that the code in ``source`` computed."""
    lines = [line.strip() for text in texts for line in text.splitlines()]
    return any(
        VALUE.search(line)
        and not OBJECT.search(line)
        and f'"{line}"' not in source
        and f"'{line}'" not in source
        for line in lines
    )


def _nodes(source: str) -> list[ast.AST]:
    """Return the nodes of the code in a cell, lines of IPython's own left out."""
    lines = [line for line in source.splitlines() if not line.startswith(("%", "!"))]
    return list(ast.walk(ast.parse("\n".join(lines))))


def tools(sources: Iterable[str]) -> set[str]:
    """Return the names that hold no data: Python's own, what is imported and what is defined."""
    names = set(dir(builtins))
    for node in (node for source in sources for node in _nodes(source)):
        if isinstance(node, ast.alias):
            names.add((node.asname or node.name).split(".")[0])
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
    return names


def names_used(source: str) -> set[str]:
    """Return the names that the code of a cell reads or sets."""
    return {node.id for node in _nodes(source) if isinstance(node, ast.Name)}


def names_read(source: str) -> set[str]:
    """Return the names that the code of a cell reads and does not set itself."""
    names = [node for node in _nodes(source) if isinstance(node, ast.Name)]
    return {n.id for n in names} - {n.id for n in names if isinstance(n.ctx, ast.Store)}
