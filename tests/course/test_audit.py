"""The audit alters what it says, and sees a comparison that does not bite."""

from collections import Counter
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_output

from course.checking.alterations import KINDS, alterations, beyond
from course.checking.tolerance import compare_text
from tests.lessons.cells import code, markdown, notebook, run_nbval, stream


@pytest.mark.parametrize(
    ("number", "rtol", "expected"),
    [
        ("0.25", None, ["0.26", "0.24"]),
        ("9.9", None, ["10.0", "9.8"]),
        ("0.00", None, ["0.01", "-0.01"]),
        ("1.5e-05", None, ["1.6e-05", "1.4e-05"]),
        ("1e+20", None, ["2e+20", "0e+20"]),
        ("nan", "0.5", ["0.0"]),
        ("-inf", None, ["0.0"]),
    ],
)
def test_the_nearest_number_that_must_be_refused(number, rtol, expected):
    assert beyond(number, rtol and Decimal(rtol)) == expected


@given(number=st.decimals(-1000, 1000, places=3), rtol=st.decimals("0.001", "0.9", places=3))
def test_beyond_is_beyond_and_only_just(number, rtol):
    above, below = beyond(str(number), rtol)
    assert compare_text(above, str(number), rtol)
    assert compare_text(below, str(number), rtol)
    if number:
        nearer = Decimal(above) - (Decimal("0.001") if number > 0 else Decimal("-0.001"))
        assert compare_text(str(nearer), str(number), rtol) == []


def test_each_part_of_an_output_is_altered():
    text = "step 10  loss 0.50\n\n  done, 1,024 in [1. 2.5]\n"
    cell = new_code_cell("work()", outputs=[stream(text)], execution_count=1)
    found = list(alterations(cell))
    assert Counter(alteration.kind for alteration in found) == {
        "number": 4,
        "integer": 4,  # 10, 1, 024 and 1.
        "word": 2,
        "line": 2,
        "extra output": 2,
        "removed output": 1,
        "unrun": 2,
        "exempted": 5,
    }
    texts = [a.cell["outputs"][0]["text"] for a in found if a.kind in KINDS[:4]]
    assert len(set(texts) - {text}) == len(texts)
    swaps = [("0.50", "0.51"), ("024", "025"), ("[1.", "[2."), ("done", "DONE")]
    expected = {text.replace(old, new) for old, new in swaps} | {"step 10  loss 0.50\n\n"}
    assert expected <= set(texts)
    assert cell["outputs"][0]["text"] == text
    assert all(a.cell != cell for a in found)


def test_every_output_of_every_kind_is_altered():
    outputs = [
        new_output("display_data", {"image/png": "aGk=", "text/plain": "<Figure>"}),
        new_output("execute_result", {"text/html": "<b>0.5</b>", "text/plain": "x 1"}),
        new_output("display_data", {"text/latex": "$a_2$"}),
        new_output("error", ename="KeyError", evalue="no 3", traceback=["line 7"]),
    ]
    cell = new_code_cell("work()", outputs=outputs, metadata={"tags": ["raises-exception"]})
    changes = {a.change.split(":")[0] for a in alterations(cell) if a.kind in KINDS[:4]}
    assert changes == {
        *("output 1, text/plain", "output 2, text/html", "output 2, text/plain"),
        *("output 3, text/latex", "output 4, ename", "output 4, evalue"),
    }
    assert sum(a.kind == "removed output" for a in alterations(cell)) == len(outputs)


def test_an_exempt_cell_is_not_altered_where_nothing_is_compared():
    tagged = {"tags": ["nbval-ignore-output"]}
    cell = new_code_cell("work()", outputs=[stream("0.5")], metadata=tagged)
    assert {alteration.kind for alteration in alterations(cell)} == {"unrun", "exempted"}


# ------------------------------------------------------------------------------- whole audits


@pytest.fixture
def run_audit(pytester, monkeypatch):
    """Return a function that audits a lesson of three cells, with a `conftest.py` of the test's."""
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)

    def run(conftest="", first="0.5 of 4 cats\n"):
        error = new_output("error", ename="KeyError", evalue="7", traceback=[])
        cells = [
            markdown("first", "Print:"),
            code("exact", stream(first), source="print('0.5 of 4 cats')"),
            markdown("second", "Return:"),
            code("near", stream("loss 2.00\n"), tags=["rtol=0.05"], source="print('loss 2.04')"),
            markdown("third", "Raise:"),
            code("fail", error, tags=["raises-exception"], source="raise KeyError(7)"),
        ]
        declared = (
            "from course.rules.tags import DECLARED\nDECLARED['Title'] = {'near': 'rtol=0.05'}\n"
        )
        pytester.makeconftest(declared + conftest)
        return run_nbval(pytester, notebook(*cells), "-p", "course.checking.audit")

    return run


def test_a_comparison_that_bites_passes(run_audit):
    run = run_audit()
    run.assert_outcomes(passed=3)
    row = next(line.split() for line in run.outlines if line.startswith("lesson "))
    assert row[1:7] == ["3", "3", "2", "1", "0", "100.0%"]
    caught, tried = zip(*(cell.split("/") for cell in row[7:]), strict=True)
    assert caught == tried
    assert dict(zip(KINDS, map(int, tried), strict=True)) == {
        "number": 4,
        "integer": 2,
        "word": 3,
        "line": 4,
        "extra output": 6,
        "removed output": 3,
        "unrun": 6,
        "exempted": 14,
    }


AGREES_ALWAYS = """
from nbval.plugin import IPyNbCell
IPyNbCell.compare_outputs = lambda *arguments: True
"""
TEN_TIMES_AS_WIDE = """
from course.checking import plugin
before = plugin.tolerance_of
plugin.tolerance_of = lambda tags: before(tags) and 10 * before(tags)
"""
WITHOUT_RULE = "from course.rules import structure\nstructure.RULES.remove(structure.{})\n"


@pytest.mark.parametrize(
    ("conftest", "slipped", "failed"),
    [
        (AGREES_ALWAYS, "*number: output 1, text: 0.5 -> 0.6", 2),
        (TEN_TIMES_AS_WIDE, "*number: output 1, text: 2.04 -> 2.15", 1),
        # The third must show its error.
        (WITHOUT_RULE.format("executed_in_order"), "*unrun: no execution count and no outputs", 2),
        (WITHOUT_RULE.format("tags_are_declared"), "*exempted: tag nbval-ignore-output", 3),
    ],
)
def test_what_slips_through_fails_the_audit(run_audit, conftest, slipped, failed):
    run = run_audit(conftest)
    run.assert_outcomes(failed=failed, passed=3 - failed)
    run.stdout.fnmatch_lines(["*alterations slip through:*", slipped])


def test_a_cell_that_fails_anyway_is_not_audited(run_audit):
    run = run_audit(first="0.5 of 4 dogs\n")
    run.assert_outcomes(failed=1, passed=2)
    run.stdout.fnmatch_lines(["*Cell outputs differ*"])


def test_a_notebook_that_breaks_a_rule_proves_nothing(run_audit):
    run = run_audit("from course.rules.tags import DECLARED\nDECLARED['Title'] = {}\n")
    run.assert_outcomes(failed=3)
    run.stdout.fnmatch_lines(["*the unaltered notebook breaks tags_are_declared*"])
