"""Ways in which a stored notebook could say something else than the code does.

`alterations` takes a code cell that agrees with its run and returns copies that do not, each with
the name of what was done. Whoever compares notebooks should refuse every one of them; `make audit`
tries them all on the comparison that CI uses (``audit``).

The copies are made from what the run printed, not from what was stored: within a tolerance the two
may differ, and then "just outside" would depend on the processor.
"""

import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from nbformat.v4 import new_output

from course.checking.tolerance import NUMBER, TEXT_TYPES, tolerance_of

KINDS = (
    "number",
    "integer",
    "word",
    "line",
    "extra output",
    "removed output",
    "unrun",
    "exempted",
)
EXEMPT = {"nbval-ignore-output", "nbval-skip"}
EXEMPTING_TAGS = ("nbval-ignore-output", "nbval-skip", "raises-exception", "rtol=0.999")
INTEGER = re.compile(r"(?<![\w.])\d+(?!\w|\.\d)")
WORD = re.compile(r"[^\W\d_]{2,}")


@dataclass(frozen=True)
class Alteration:
    """One altered copy of a cell: the kind (one of ``KINDS``), what was done, and the copy."""

    kind: str
    change: str
    cell: dict


def beyond(number: str, rtol: Decimal | None) -> list[str]:
    """Return the nearest numbers, written with as many digits, that a comparison must refuse.

    One lies above and one below. Without a tolerance they are one unit of the last digit away; with
    one they are the first for which ``|number - stored| > rtol * |stored|``.
    """
    value = Decimal(number)
    if not value.is_finite():
        return ["0.0"]
    mantissa, _, exponent = number.lower().partition("e")
    unit = Decimal(1).scaleb(int(exponent or 0) - len(mantissa.partition(".")[2]))
    size, slack = abs(value), rtol or Decimal(0)
    upper = (size / (1 - slack) / unit).to_integral_value(ROUND_FLOOR) * unit + unit
    lower = (size / (1 + slack) / unit).to_integral_value(ROUND_CEILING) * unit - unit
    if rtol is None:
        upper, lower = size + unit, size - unit
    sign = -1 if value < 0 else 1
    return [_as_written(sign * bound, number) for bound in (upper, lower)]


def _as_written(value: Decimal, like: str) -> str:
    """Write a number with the decimals, and the exponent if there is one, of another."""
    mantissa = re.sub(r"[eE].*", "", like)
    exponent = like.removeprefix(mantissa)
    shift = int(exponent[1:] or 0)
    places = len(mantissa.partition(".")[2])
    return f"{value.scaleb(-shift):.{places}f}{exponent}"


def _altered_texts(text: str, rtol: Decimal | None) -> Iterator[tuple[str, str, str]]:
    """Yield kind, description and result of every change to one text."""
    for match in NUMBER.finditer(text):
        number = match[1].lstrip(" ")
        for other in beyond(number, rtol):
            yield "number", f"{number} -> {other}", _replaced(text, match.end(), number, other)
    numbers = [match.span() for match in NUMBER.finditer(text)]
    for match in INTEGER.finditer(text):
        if not any(start < match.end() and match.start() < end for start, end in numbers):
            digits = match[0].rstrip(".")
            other = str(int(digits) + 1).zfill(len(digits)) + match[0][len(digits) :]
            yield "integer", f"{match[0]} -> {other}", _replaced(text, match.end(), match[0], other)
    lines = text.splitlines(keepends=True)
    for index, line in enumerate(lines):
        before, after = "".join(lines[:index]), "".join(lines[index + 1 :])
        if word := WORD.search(line):
            other = word[0].swapcase()
            changed = line[: word.start()] + other + line[word.end() :]
            yield "word", f"{word[0]} -> {other}", before + changed + after
        if line.strip():
            yield "line", f"without {line.strip()!r}", before + after


def _replaced(text: str, end: int, old: str, new: str) -> str:
    """Return the text with what stands in front of ``end`` replaced."""
    return text[: end - len(old)] + new + text[end:]


def _texts(output: dict) -> Iterator[tuple[dict, str]]:
    """Yield where the compared texts of an output are kept: a dictionary and its key."""
    if output["output_type"] == "stream":
        yield output, "text"
    elif output["output_type"] == "error":
        yield from ((output, key) for key in ("ename", "evalue"))
    else:
        data = output["data"]
        yield from ((data, kind) for kind in (*TEXT_TYPES, "image/svg+xml") if kind in data)


def alterations(cell: dict) -> Iterator[Alteration]:
    """Yield every altered copy of a code cell.

    Outputs are altered where they are compared: not in a cell that is exempt. Of a picture, the
    text beside it is altered (nbval does not look at the picture).
    """
    tags = cell["metadata"].get("tags", [])
    if not EXEMPT & set(tags):
        yield from _altered_outputs(cell, tolerance_of(tags))

    unrun = copy.deepcopy(cell)
    unrun["execution_count"] = None
    yield Alteration("unrun", "no execution count", unrun)
    unrun = copy.deepcopy(unrun)
    unrun["outputs"] = []
    yield Alteration("unrun", "no execution count and no outputs", unrun)

    for tag in EXEMPTING_TAGS:
        if tag not in tags:
            tagged = copy.deepcopy(cell)
            tagged["metadata"]["tags"] = [*(t for t in tags if not t.startswith("rtol")), tag]
            yield Alteration("exempted", f"tag {tag}", tagged)
    if not EXEMPT & set(tags):  # nbval takes no comment beside a tag of the same kind
        commented = copy.deepcopy(cell)
        commented["source"] = "# NBVAL_IGNORE_OUTPUT\n" + cell["source"]
        yield Alteration("exempted", "comment NBVAL_IGNORE_OUTPUT", commented)


def _altered_outputs(cell: dict, rtol: Decimal | None) -> Iterator[Alteration]:
    for index, output in enumerate(cell["outputs"]):
        for position, (holder, key) in enumerate(_texts(output)):
            for kind, change, text in _altered_texts(holder[key], rtol):
                altered = copy.deepcopy(cell)
                other, key = list(_texts(altered["outputs"][index]))[position]
                other[key] = text
                yield Alteration(kind, f"output {index + 1}, {key}: {change}", altered)
        altered = copy.deepcopy(cell)
        del altered["outputs"][index]
        yield Alteration("removed output", f"output {index + 1}", altered)

    for extra in (
        new_output("stream", name="stdout", text="and more\n"),
        new_output("display_data", {"text/plain": "'and more'"}),
    ):
        altered = copy.deepcopy(cell)
        altered["outputs"].append(extra)
        yield Alteration("extra output", extra["output_type"], altered)
