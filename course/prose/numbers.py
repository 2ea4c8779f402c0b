"""Numbers in prose: found, read as they are written, and held against what is stored.

The tables in ``tests/lessons/prose/`` have one line for each fragment of a page that gives numbers:

- ``(sentence, source, pattern)`` binds the numbers that stand at the ``{}`` of the sentence to the
  groups of the pattern in the source. A fourth element computes them from the groups.
- ``(sentence, reason)`` declares the numbers of the sentence as facts that no cell computes.

``pages`` says what pages and sources are. A number is given rightly if the computed
one, rounded to the digits that are written, is the same. The words in front of a ``{}`` change that
as ``RELATIONS`` says.
"""

import re
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from functools import cache
from typing import NamedTuple

from course.prose.pages import Mismatch, Page, pages_of, place_of, stored

# Why no cell computes a number.
CITED = "cited from a source that the lesson or the page names"
NOTES = "recorded in the course's original notes"
YEAR = "a year"
HAND = "worked out by hand, in the sentence or its neighbours"
EXAMPLE = "an example, a question or a task for the reader"
TRIAL = "measured by the author in trials that no cell repeats"
READING = "minutes to read, by the count of course/prose/minutes.py"
LIBRARY = "a release of a library that is not installed, or a default of one that is"
MINUTES = "measured with make run and stored nowhere; the lesson's own line is bound to it"
CHECKED = "held against the installed file by a test of its own"
REASONS = (CITED, NOTES, YEAR, HAND, EXAMPLE, TRIAL, READING, LIBRARY, MINUTES, CHECKED)

# --------------------------------------------------------------------- reading what is written

SCALES = {"hundred": 100, "thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000}
_TO_TWELVE = "zero one two three four five six seven eight nine ten eleven twelve"
COUNTS = {word: number for number, word in enumerate(_TO_TWELVE.split(" "))}
COUNTS |= {"a": 1, "an": 1, "twice": 2, "thirteen": 13, "fifteen": 15, "twenty": 20}
COUNTS |= {"fifty": 50, "eighty": 80}
PARTS = {"half": 2, "third": 3, "quarter": 4, "fifth": 5, "eighth": 8, "ninth": 9, "tenth": 10}
PARTS |= {"twelfth": 12, "hundredth": 100, "thousandth": 1000}

_DIGITS = r"\d(?:[\d,_]*\d)?(?:\.\d+)*(?:e[-+]?\d+)?"
_NUMERAL = rf"{_DIGITS}(?:\s?%|\s(?:percent|{'|'.join(SCALES)})\b)?"
_WORD = rf"(?:{'|'.join([*COUNTS, *SCALES])}|(?:{'|'.join(PARTS)})s?)\b"
_WORDS = rf"\b{_WORD}(?:\s{_WORD})?"
_HOLE = rf"((?i:(?:{_NUMERAL}|{_WORDS})(?:\s(?:in|of|out of)\s(?:{_DIGITS}|{_WORDS}))?))"


class Written(NamedTuple):
    """A number as a sentence gives it: its value, and what one more in its last digit is worth."""

    value: Decimal
    step: Decimal


def read_numeral(text: str) -> Decimal | str:
    """Return the value of a numeral such as ``1,498``, ``25 %`` or ``61 million``, or the text.

    A percentage is a number of hundredths. What is no single number, such as ``0.6.0``, stays text.
    """
    match = re.fullmatch(rf"\s*([-+]?{_DIGITS})\s?(%|\w+)?\s*", text)
    if not match or match[1].count(".") > 1 or match[2] not in (None, "%", "percent", *SCALES):
        return text.strip()
    number = Decimal(re.sub("[,_]", "", match[1]))
    return number / 100 if match[2] in ("%", "percent") else number * SCALES.get(match[2], 1)


def read(text: str) -> Written | str:
    """Return what a sentence writes, in digits or in words; a version such as 0.6.0 stays text."""
    text = text.lower()
    if share := re.fullmatch(r"(.+?)\s(?:in|of|out of)\s(.+)", text):
        part, whole = read(share[1]), read(share[2])
        if isinstance(part, str) or isinstance(whole, str):
            return text
        value = part.value / whole.value
        return Written(value, 1 / whole.value if text[-1].isdigit() else value / 10)
    if not text[0].isdigit():
        return _read_words(text.split())
    number = read_numeral(text)
    if isinstance(number, str):
        return number
    mantissa = re.sub("[,_]", "", re.split(r"[^\d,_.]", text, maxsplit=1)[0])
    unit = number / Decimal(mantissa) if number else Decimal(1)
    return Written(number, unit / 10 ** len(mantissa.partition(".")[2]))


def _read_words(words: list[str]) -> Written:
    value, step = Decimal(1), Decimal(1)
    for word in words:
        if word in COUNTS or word in SCALES:
            step = Decimal(SCALES.get(word, 1))
            value *= COUNTS.get(word, step)
        else:  # a part in words is right to a twentieth of it
            value /= PARTS[word if word in PARTS else word.removesuffix("s")]
            step = value / 10
    return Written(value, step)


def _rounds(written: Written, computed: Decimal) -> bool:
    return abs(computed - written.value) <= written.step / 2


def _about(written: Written, computed: Decimal) -> bool:
    return _rounds(written, computed) or 10 * abs(computed - written.value) <= written.value


# What the words in front of a written number say of the computed one. The first that fits counts.
RELATIONS: dict[str, Callable[[Written, Decimal], bool]] = {
    "at most|no more than|never above|up to|within a factor of": lambda w, c: c <= w.value,
    "little more than": lambda w, c: _about(w, c) and c > w.value,
    "little less than|nearly|almost": lambda w, c: _about(w, c) and c < w.value,
    "more than|above": lambda w, c: c > w.value,
    "less than|fewer than|below|hardly": lambda w, c: c < w.value,
    "at least": lambda w, c: c >= w.value,
    "about|around|roughly|near|close to": _about,
}


def relation_in(before: str) -> Callable[[Written, Decimal], bool]:
    """Return the relation that the words before a number state; without any, rounding."""
    for words, relation in RELATIONS.items():
        if re.search(rf"(?i)\b(?:{words})(?: the)?\W*$", before):
            return relation
    return _rounds


# ------------------------------------------------------------------------------ finding numbers

_NUMBERING = r"(?i)\b(?:section|figure|table|lesson|page|exercise)s?\s$"


def numbers_in(page: Page) -> list[re.Match]:
    """Return the numbers that have to be accounted for.

    These are the numerals with a decimal point, a per cent sign, a word such as million, or three
    digits or more, except where they number a section, a figure, a table, a page or the like, or
    belong to a name (Apache-2.0, float64).
    """
    return [
        match
        for match in re.finditer(rf"(?<![\w.,·])(?<!\w-){_NUMERAL}", page.prose)
        if re.search(r"[.%a-z]|\d\D*\d\D*\d", match[0])
        if not re.search(_NUMBERING, page.prose[: match.start()])
    ]


# ------------------------------------------------------------------------- lines of the tables

Line = tuple  # (sentence, reason) or (sentence, source, pattern[, function])
Table = dict[str, list[Line]]  # by page


@cache
def _pattern(sentence: str) -> re.Pattern:
    return re.compile(_HOLE.join(re.escape(part) for part in sentence.split("{}")))


def find(sentence: str, page: Page) -> re.Match:
    """Return the one place of a page where a sentence stands, a group for each of its ``{}``."""
    matches = list(_pattern(sentence).finditer(page.text))
    if len(matches) != 1:
        raise Mismatch(f"{sentence!r} stands {len(matches)} times on the page, expected once")
    return matches[0]


def compute(line: Line, text: str) -> list[Decimal | str]:
    """Return the numbers that a line finds in the text of its source."""
    _, source, pattern, *function = line
    found = {match.groups() for match in re.finditer(pattern, text, re.MULTILINE)}
    if len(found) != 1:
        raise Mismatch(f"{pattern!r} finds {len(found)} different things in {source}, expected one")
    numbers = [read_numeral(group) for group in found.pop()]
    if function:
        numbers = function[0](*numbers)
        numbers = list(numbers) if isinstance(numbers, tuple) else [numbers]
    return [n if isinstance(n, str) else Decimal(n) for n in numbers]


def complaints(line: Line, page: Page, text: str) -> list[str]:
    """Say where the sentence of a binding quotes another number than its source holds."""
    sentence, source = line[:2]
    match, numbers = find(sentence, page), compute(line, text)
    if len(numbers) != len(match.groups()):
        raise Mismatch(f"{sentence!r} has {len(match.groups())} numbers, {source} {len(numbers)}")
    found = []
    literals = sentence.split("{}")
    for before, quoted, number in zip(literals, match.groups(), numbers, strict=False):
        written = read(quoted)
        if isinstance(written, str) or isinstance(number, str):
            right = quoted == str(number)
        else:
            right = relation_in(before)(written, number)
        if not right:
            shown = number if isinstance(number, str) else f"{round(number, 9).normalize():,f}"
            found.append(f"{match[0]!r} quotes {quoted}, but {place_of(source)} gives {shown}")
    return found


def unaccounted(page: Page, lines: list[Line]) -> list[str]:
    """Return the numbers of a page, in their sentences, that no line of its table covers."""
    covered: set[int] = set()
    for line in lines:
        with suppress(Mismatch):  # a sentence that is gone covers nothing
            match = find(line[0], page)
            for group in range(1, len(match.groups()) + 1) if len(line) > 2 else [0]:
                covered.update(range(*match.span(group)))
    return [
        f"{match[0]} in '… {page.text[max(0, match.start() - 50) : match.end() + 30]} …'"
        for match in numbers_in(page)
        if not covered >= set(range(*match.span()))
    ]


def wrong_numbers(document: str, table: Table) -> list[str]:
    """Return what is wrong with the numbers that the table of a document knows."""
    pages, wrong = pages_of(document), []
    for name, line in [(name, line) for name, lines in table.items() for line in lines]:
        try:
            if name not in pages:
                raise Mismatch("the table names this page, and the document has none such")
            find(line[0], pages[name])
            found = complaints(line, pages[name], stored(line[1], document)) if line[2:] else []
        except Mismatch as mismatch:
            found = [str(mismatch)]
        wrong += [f"{document}, {name}: {complaint}" for complaint in found]
    return wrong


def forgotten_numbers(document: str, table: Table) -> list[str]:
    """Return the numbers of a document that no line of its table accounts for."""
    return [
        f"{document}, {name}: {number}"
        for name, page in pages_of(document).items()
        for number in unaccounted(page, table.get(name, []))
    ]
