"""Every notebook keeps every rule, and every rule can be broken."""

import pytest
from nbformat.v4 import new_output

from course.notebook import read_notebook
from course.places import find_notebooks
from course.rules import structure as rules
from tests.lessons.cells import OPENING, code, markdown, notebook, raised, shown, stream

PATHS = find_notebooks()


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_notebook_keeps(path, rule):
    complaints = rule(read_notebook(path))
    assert not complaints, "\n".join([rule.__doc__, *complaints])


def test_every_rule_is_applied():
    public = {
        value
        for name, value in vars(rules).items()
        if callable(value) and getattr(value, "__module__", "") == rules.__name__
        if not name.startswith("_") and name != "headings"
    }
    assert public == set(rules.RULES)


# ------------------------------------------------- a notebook that keeps the rules, and variations

DRAWING = """%matplotlib inline
import numpy as np
def twice(number):
    return 2 * number
heights = np.array([1, twice(1.5)])
plot(heights, max(heights))"""

FIRST_LINE = next(iter((rules.ROOT / "helpers/data/text.py").read_text("utf-8").splitlines()))
QUOTATION = f"\x1b[36mFile helpers/data/text.py:1\x1b[39m, in f(x)\n----> 1     {FIRST_LINE}\n"


def good():
    figure = shown(image_png="aGk=", text_plain="<Figure size 500x300 with 1 Axes>")
    return notebook(
        markdown(
            "first", "## Sums\n\nLook at $a_1 + \\text{b}$.\n\n```\n# no heading, $no$ formula"
        ),
        code("add", stream("0.5\n"), tags=["rtol=0.05"]),
        markdown("second", "### A picture"),
        code("picture", figure, source=DRAWING),
        markdown("third", "And the fact."),
        code("fact", stream("highest: 3\n"), source='print("highest:", max(heights))'),
        markdown("fourth", "On purpose:"),
        code("fail", raised(QUOTATION), tags=["raises-exception"]),
        markdown("fifth", "Seconds differ."),
        code("clock", stream("1.23 s\n"), tags=["nbval-ignore-output"]),
        markdown("sixth", "But it is fast."),
        code("fast", new_output("execute_result", {"text/plain": "True"}, execution_count=6)),
    )


@pytest.fixture(autouse=True)
def _tags_of_the_good_notebook(monkeypatch):
    tags = {"add": "rtol=0.05", "clock": "nbval-ignore-output"}
    monkeypatch.setitem(rules.DECLARED, "Title", tags)


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_a_good_notebook_keeps(rule):
    assert rule(good()) == []


def edited(name, **changes):
    """Return the good notebook with one cell changed."""
    changed = good()
    cell = next(cell for cell in changed["cells"] if cell["id"] == name)
    for key, value in changes.items():
        if key == "tags":
            cell["metadata"]["tags"] = value
        else:
            cell[key] = value
    return changed


def told_by(text):
    """Return the good notebook with other words where the fact about the picture stands."""
    return edited("fact", outputs=[stream(text)])


def quoting(old, new):
    """Return the good notebook with a traceback that quotes something else."""
    return edited("fail", outputs=[raised(QUOTATION.replace(old, new))])


def without(name):
    changed = good()
    changed["cells"] = [cell for cell in changed["cells"] if cell["id"] != name]
    return changed


def with_metadata(**metadata):
    changed = good()
    changed["metadata"].update(metadata)
    return changed


WIDGET = shown(**{rules.WIDGETS: {"model_id": "1"}, "text_plain": "bar"})
SWAPPED = "## Summary\n## Sources\n## Exercises"
UNEXPLAINED = edited("add", source="import math\nfrom helpers.figures import panels")
ELSEWHERE = quoting("text", "txt")
CLOCK_IGNORED = ["nbval-ignore-output"]
PICTURE = shown(image_png="aGk=", text_plain="<PIL.Image.Image image mode=L size=5x7>")
IMG = shown(text_html="<img src='width-3.png'>")

# Code that tells no data of the picture, and outputs without a value of it.
NO_DATA = [
    *("print(len(others))", "heights = [3]\nheights", "print(max(3, 1))", "print(np.pi)"),
    *("print(twice(3))", "heights, 'highest: 3'", 'heights, "highest: 3"'),
]
NO_VALUES = [
    *("done\n", "<Axes: title={'center': 'highest: 3'}>", "Axes(0.125,0.11;0.775x0.77)\n"),
    *("[<matplotlib.lines.Line2D at 0x7f3>]", "<BarContainer object of 3 artists>"),
    *("<a list of 3 Patch objects>", "<PIL.Image.Image mode=L size=5x7>"),
]

BROKEN = [
    (rules.executed_in_order, edited("add", execution_count=None), "execution count None"),
    (rules.executed_in_order, edited("picture", execution_count=7), "count 7, expected 2"),
    (rules.nothing_on_stderr, edited("add", outputs=[stream("hm", "stderr")]), "wrote to stderr"),
    (rules.errors_only_where_tagged, edited("fail", tags=[]), "raised ValueError without the tag"),
    (rules.errors_only_where_tagged, edited("fail", outputs=[]), "and raised nothing"),
    (rules.tracebacks_quote_the_helpers, quoting("1", "2"), "quotes helpers/data/text.py:2 as"),
    (
        rules.tracebacks_quote_the_helpers,
        quoting("1", "99999"),
        "quotes helpers/data/text.py:99999",
    ),
    (rules.tracebacks_quote_the_helpers, ELSEWHERE, "quotes helpers/data/txt.py:1"),
    (rules.tracebacks_quote_the_helpers, quoting(FIRST_LINE, "return x"), "as 'return x'"),
    (rules.kernel_is_python3, with_metadata(kernelspec={"name": "mine"}), "kernel is 'mine'"),
    (rules.kernel_is_python3, with_metadata(kernelspec={}), "kernel is None"),
    (rules.kernel_is_python3, with_metadata(language_info={"version": "3.1"}), "version of Python"),
    (rules.cells_have_readable_ids, edited("add", id="3f2a91bc"), "not made of words"),
    (rules.cells_have_readable_ids, edited("add", id="Add_it"), "not made of words"),
    (rules.cells_have_readable_ids, edited("add", id=""), "not made of words"),
    (rules.cells_have_readable_ids, edited("add", id="first"), "taken by an earlier cell"),
    (rules.opens_with_title, without("title"), "does not begin with a title"),
    (rules.opens_with_title, edited("title", source="## " + OPENING), "does not begin with"),
    (rules.opens_with_title, edited("third", source="# Two"), "a second title, 'Two'"),
    (rules.opens_with_title, edited("title", source=OPENING.replace("**O", "O")), "lacks **Obj"),
    (rules.opens_with_title, edited("title", source=OPENING.replace("**B", "B")), "lacks **Bef"),
    (rules.opens_with_title, edited("title", source=OPENING.replace("**T", "T")), "lacks **Time"),
    (rules.opens_with_title, edited("title", source=OPENING.replace("1.5", "few")), "of minutes"),
    (rules.opens_with_title, notebook(*[]) | {"cells": []}, "first cell is not Markdown"),
    (rules.closes_with_sections, edited("end", source=SWAPPED), "the last sections are"),
    (rules.closes_with_sections, without("end"), "the last sections are ['Sums']"),
    (
        rules.headings_nest,
        edited("first", source="### Deep"),
        "'Deep' is of level 3, after level 1",
    ),
    (rules.headings_nest, edited("fourth", source="##### Deep"), "level 5, after level 3"),
    (rules.exempt_cells_are_followed_by_a_check, edited("fast", outputs=[]), "id 'clock'"),
    (rules.exempt_cells_are_followed_by_a_check, edited("fast", tags=CLOCK_IGNORED), "'clock'"),
    (rules.exempt_cells_are_followed_by_a_check, edited("fast", tags=["nbval-skip"]), "'fast'"),
    (rules.exempt_cells_are_followed_by_a_check, without("fast"), "id 'clock'"),
    (rules.figures_have_facts, edited("fact", outputs=[]), "id 'picture'"),
    (rules.figures_have_facts, edited("fact", tags=["nbval-skip"]), "id 'picture'"),
    (rules.figures_have_facts, edited("fact", outputs=[shown(image_png="aGk=")]), "id 'picture'"),
    (rules.figures_have_facts, edited("fact", outputs=[PICTURE]), "id 'fact'"),
    (rules.figures_have_facts, edited("fact", outputs=[PICTURE, stream("3\n")]), "id 'picture'"),
    (rules.figures_have_facts, edited("fact", outputs=[IMG]), "id 'fact'"),
    *((rules.figures_have_facts, edited("fact", source=x), "id 'picture'") for x in NO_DATA),
    *((rules.figures_have_facts, told_by(x), "id 'picture'") for x in NO_VALUES),
    (rules.code_is_introduced, without("second"), "id 'picture'): no Markdown"),
    (rules.code_is_introduced, edited("add", source=" \n"), "id 'add') is empty"),
    (rules.missing_helpers_are_explained, UNEXPLAINED, "cell 'add' imports helpers unexplained"),
    (rules.no_widgets, edited("add", outputs=[WIDGET]), "stored a widget"),
    (rules.no_widgets, with_metadata(widgets={"state": {}}), "widget state"),
    (rules.no_machine_paths, edited("add", outputs=[stream("at /home/ada/x.py")]), "'/home/ada"),
    (rules.no_machine_paths, edited("add", outputs=[shown(text_html="<i>C:\\Users\\a")]), "C:"),
    (rules.no_machine_paths, edited("fail", outputs=[raised("File /tmp/x.py:3")]), "'/tmp/x.py"),
    (rules.known_tags_only, edited("add", tags=["hide-input"]), "'hide-input' is unknown"),
    (rules.known_tags_only, edited("add", tags=["rtol=5"]), "above 0 and below 1"),
    (rules.known_tags_only, edited("first", metadata={"tags": ["nbval-skip"]}), "without code"),
    (rules.known_tags_only, edited("add", source="# NBVAL_IGNORE_OUTPUT\nx"), "use a tag"),
    (rules.tags_are_declared, edited("fact", tags=["nbval-skip"]), "'fact') has the tags ['nbval-"),
    (rules.tags_are_declared, edited("add", tags=["rtol=0.9"]), "'add') has the tags ['rtol=0.9']"),
    (rules.tags_are_declared, edited("add", tags=[]), "'add') has the tags []"),
    (rules.tags_are_declared, edited("title", source="# Other"), "'add') has the tags ['rtol=0.05"),
    (rules.tags_are_declared, without("add"), "no code cell has the declared id 'add'"),
    (rules.formulas_can_be_shown, edited("first", source=r"$\nonsense{x}$"), "cannot be shown"),
    (rules.formulas_can_be_shown, edited("first", source=r"$$\frac{a}{b$$"), "do not match"),
]


@pytest.mark.parametrize(
    "outputs",
    [
        [PICTURE, stream("highest: 3\n")],
        [PICTURE, PICTURE, stream("rising: True\n")],  # one cell, one text
        [stream("falling: False\n"), PICTURE],
        [stream("it is\n'high'\n"), PICTURE],
        [PICTURE, shown(text_html="<td>3</td>")],
    ],
)
def test_a_fact_may_stand_beside_its_picture(outputs):
    assert rules.figures_have_facts(notebook(code("picture", *outputs))) == []


@pytest.mark.parametrize(
    ("rule", "broken", "complaint"),
    BROKEN,
    ids=[f"{rule.__name__}-{number}" for number, (rule, _, _) in enumerate(BROKEN)],
)
def test_a_broken_rule_is_seen(rule, broken, complaint):
    assert complaint in "\n".join(rule(broken))


def test_every_rule_is_broken_once():
    assert {rule for rule, _, _ in BROKEN} == set(rules.RULES)


def test_headings_leave_fences_alone():
    source = "# A\n```python\n# not\n~~~\n```\n## B ##\n~~~~\n## not\n~~~\n~~~~\n### C\n#hash"
    assert rules.headings(source) == [(1, "A"), (2, "B"), (3, "C")]
