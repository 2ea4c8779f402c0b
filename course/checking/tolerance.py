"""Outputs of notebooks compared within a tolerance, number by number.

nbval compares text outputs character by character. A long float32 training ends in slightly other
digits on another processor, so a cell that prints its log can carry the tag ``rtol=R`` with
``0 < R < 1``. In such a cell

- a *number* is written with a decimal point and digits on both sides of it (``0.25``, ``12.5`` in
  ``12.5%``), or with an exponent (``1e-05``, ``1.e-05``), with an optional ``-``; or it is ``nan``
  or ``inf``;
- two numbers agree when ``|now - stored| <= R * |stored|``, computed in decimal. A stored zero
  therefore agrees with zero alone (``-0.0`` included), two numbers of opposite sign never agree,
  ``nan`` agrees with ``nan`` and ``inf`` with ``inf`` of the same sign;
- everything else is text and is compared exactly: words, signs such as ``+`` and ``%``, integers,
  dotted versions such as ``1.2.3``, the ``1.`` that NumPy prints, the count of numbers, lines, the
  count, order and type of the outputs. Only the spaces in front of a number may change, and only
  so far that the right-aligned field keeps its width (``" 9.99"`` and ``"10.01"``);
- this holds for stdout and stderr, text/plain, text/html, text/latex and the message of an error.
"""

import copy
import re
from decimal import Decimal
from itertools import zip_longest

__all__ = [
    "NUMBER",
    "TEXT_TYPES",
    "compare_outputs",
    "compare_text",
    "tolerance_of",
    "with_stored_texts",
]

TEXT_TYPES = ("text/plain", "text/html", "text/latex")

NUMBER = re.compile(
    r"""
    (\ *                                              # the padding of a right-aligned field
     (?<![\w.]) -? (?:
        \d+ \. \d+ (?: [eE][-+]?\d{1,3} )? (?! \d | \.\d )       # 0.25, 1.5e-05
      | \d+ \.?    (?:  [eE][-+]?\d{1,3} ) (?! \w | \.\d )       # 1e-05, 1.e-05
      | (?: nan | inf ) (?! \w | \.\w )
     ))
    """,
    re.VERBOSE,
)


def tolerance_of(tags: list[str]) -> Decimal | None:
    """Return the tolerance that a cell's tags ask for, or None.

    Raises:
        ValueError: a tag that starts with ``rtol`` but is no ``rtol=R`` with ``0 < R < 1``, more
            than one of them, or one on a cell whose output is not compared at all.
    """
    asked = [tag for tag in tags if tag.strip().lower().startswith("rtol")]
    if not asked:
        return None
    if len(asked) > 1:
        raise ValueError(f"a cell takes one rtol tag, got {asked}")
    match = re.fullmatch(r"rtol=(\d+(?:\.\d+)?(?:e-?\d{1,3})?)", asked[0])
    if not match or not 0 < Decimal(match[1]) < 1:
        raise ValueError(
            f"the tag {asked[0]!r} must be rtol=R with a number R above 0 and below 1, as rtol=0.05"
        )
    exempt = {"nbval-ignore-output", "nbval-skip", "pytest-validate-ignore-output"}
    if both := sorted(exempt & set(tags)):
        raise ValueError(f"the tag {asked[0]!r} has no effect beside {both[0]!r}: remove one")
    return Decimal(match[1])


def compare_text(stored: str, now: str, rtol: Decimal) -> list[str]:
    """Return what differs between two texts, one line a difference; nothing means they agree."""
    stored_parts, now_parts = NUMBER.split(stored), NUMBER.split(now)
    # Even parts are text and odd parts are numbers, in both lists.
    if stored_parts[::2] != now_parts[::2]:
        return [_first_difference(stored_parts, now_parts)]
    problems, line = [], 1
    for index, (old, new) in enumerate(zip(stored_parts, now_parts, strict=True)):
        if index % 2 and (problem := _compare_number(old, new, rtol)):
            problems.append(f"line {line}: {problem}")
        line += old.count("\n")
    return problems


def _compare_number(old: str, new: str, rtol: Decimal) -> str | None:
    """Return the sentence that says how two numbers, each with its padding, disagree."""
    old_digits, new_digits = old.lstrip(" "), new.lstrip(" ")
    padding = len(old) - len(old_digits), len(new) - len(new_digits)
    a, b = Decimal(old_digits), Decimal(new_digits)
    if not (a.is_finite() and b.is_finite()):
        if old_digits != new_digits:
            return f"stored {old_digits}, now {new_digits}: nan and inf agree only with themselves"
    elif abs(b - a) > rtol * abs(a):
        if a == 0:
            return f"stored {old_digits}, now {new_digits}: zero agrees with zero alone"
        off = float(abs(b - a) / abs(a))
        return (
            f"stored {old_digits}, now {new_digits}: the relative difference {off:.4g} exceeds the "
            f"tolerance {rtol}"
        )
    if padding[0] != padding[1] and len(old) != len(new):
        return f"stored {old!r}, now {new!r}: the spacing changed"
    return None


def _first_difference(stored_parts: list[str], now_parts: list[str]) -> str:
    """Describe the first place where two texts differ in something other than a number."""
    # Numbers are masked, so that the line shown differs in its words.
    masked = [
        "".join("#" if index % 2 else part for index, part in enumerate(parts)).split("\n")
        for parts in (stored_parts, now_parts)
    ]
    whole = ["".join(parts).split("\n") for parts in (stored_parts, now_parts)]
    pairs = enumerate(zip_longest(*masked), start=1)
    line = next(line for line, (old, new) in pairs if old != new)
    shown = [repr(text[line - 1]) if line <= len(text) else "no such line" for text in whole]
    return (
        f"line {line}: stored {shown[0]}, now {shown[1]}: text, integers and the count of numbers "
        "must stay the same"
    )


def _texts(output: dict) -> dict[str, str]:
    """Return the texts of one output that a tolerance applies to, by name."""
    if output["output_type"] == "stream":
        return {"text": output["text"]}
    if output["output_type"] == "error":
        return {"evalue": output["evalue"]}
    return {kind: output["data"][kind] for kind in TEXT_TYPES if kind in output["data"]}


def _shape(output: dict) -> str:
    """Return an output's type in words: its kind, and the stream's name or the MIME types."""
    kind = output["output_type"]
    details = [output["name"]] if kind == "stream" else sorted(output.get("data", ()))
    return f"{kind} ({', '.join(details)})" if details else kind


def compare_outputs(stored: list[dict], now: list[dict], rtol: Decimal) -> list[str]:
    """Return what differs between two lists of outputs beyond the tolerance.

    Texts outside ``TEXT_TYPES`` and the names of errors are left to nbval.
    """
    shapes = [_shape(output) for output in stored], [_shape(output) for output in now]
    if shapes[0] != shapes[1]:
        return [f"stored outputs: {shapes[0] or 'none'}, now: {shapes[1] or 'none'}"]
    problems = []
    for old, new, shape in zip(stored, now, shapes[0], strict=True):
        new_texts = _texts(new)
        for name, text in _texts(old).items():
            label = shape if name in ("text", "evalue") else name
            problems += [
                f"{label}, {problem}" for problem in compare_text(text, new_texts[name], rtol)
            ]
    return problems


def with_stored_texts(stored: list[dict], now: list[dict]) -> list[dict]:
    """Return the new outputs with the stored texts in place of those found to agree."""
    agreed = copy.deepcopy(now)
    for old, new in zip(stored, agreed, strict=True):
        new.get("data", new).update(_texts(old))
    return agreed
