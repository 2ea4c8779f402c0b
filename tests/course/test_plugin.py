"""The comparison of notebooks within a tolerance: the rules on texts, then whole runs of nbval."""

import json
import os
from decimal import Decimal

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course.checking.tolerance import compare_outputs, compare_text, tolerance_of
from tests.lessons import cells as made
from tests.lessons.cells import shown, stream

FIVE_PERCENT = Decimal("0.05")


AGREE = [
    ("loss 2.00", "loss 2.10"),  # exactly at the tolerance, which binary floats would miss
    *(("loss 1.00", "loss 1.05"), ("loss -2.00", "loss -1.90"), ("x=-2.0,y=3.0", "x=-2.1,y=2.9")),
    *(("12.5% of 8", "12.6% of 8"), ("in 3.51s (2.0x)", "in 3.52s (2.1x)")),
    *(("1.00e-05", "1.02e-05"), ("1e-05", "1.01e-05"), ("1e-05", "0.00001")),
    *(("1.e-05", "1.02e-05"), ("9.90E+09", "1.01E+10")),
    ("1.00e9999999", "1.01e9999999"),  # beyond any float: 1.00 is the number, the rest is text
    ("tensor([0.5000, 0.2500])", "tensor([0.5001, 0.2501])"),
    *(("<td>0.500</td>", "<td>0.501</td>"), ("range 0.100-0.200", "range 0.105-0.205")),
    *(("0.0 and -0.0", "-0.0 and 0.00"), ("nan inf -inf", "nan inf -inf")),
    ("about 0.5.", "about 0.51."),
    ("epoch 1 |   9.99 |", "epoch 1 |  10.01 |"),  # a field of seven, right-aligned
    *(("", ""), ("no number 12\n", "no number 12\n")),
]
OTHER_NUMBERS = [
    *(("loss 2.00", "loss 2.11"), ("loss 2.00", "loss 1.89"), ("loss 2.00", "loss -2.00")),
    *(("0.0", "1e-30"), ("1e-30", "0.0"), ("0.0", "nan"), ("nan", "0.5"), ("0.5", "nan")),
    *(("nan", "NaN"), ("inf", "-inf"), ("inf", "1e308"), ("12.5%", "13.9%")),
    *(("1e-05", "1e-04"), ("1.5e-05", "1.5e+05"), ("1.5", "1.5e3")),
    ("0.1 0.2", "0.1 0.9"),  # the second number counts too
]
OTHER_TEXTS = [
    *(("loss 0.5", "Loss 0.5"), ("0.5 cat", "0.5 dog"), ("banana 0.5", "bandit 0.5")),
    ("step 100 0.5", "step 101 0.5"),  # integers are exact, however near
    ("step 100.", "step 101."),  # at the end of a sentence as well
    *(("[1. 2.]", "[1. 3.]"), ("100", "100.0"), ("100.0", "100"), ("100%", "101%")),
    *(("0.5", "0.5 0.5"), ("0.5 0.5", "0.5"), ("0.5%", "0.5"), ("+0.5", "0.5")),
    *(("0.5\n", "0.5"), ("0.5\n0.6\n", "0.5\n"), ("0.5\n\n0.6", "0.5\n0.6")),
    *(("0.5  0.6", "0.5 0.6"), (" 0.5", "0.5")),  # the field's width changed
    *(("1.2.3", "1.2.4"), ("1.2.3", "1.21.3"), ("v1.25", "v1.26"), ("1,999.9", "2,000.1")),
    *(("0x1e5", "0x1e6"), ("30e5f", "31e5f"), ("a3e5", "a3.1e5"), ("a.5", "a.6")),
    ("100e9999999", "101e9999999"),
    ("−0.5", "0.5"),  # noqa: RUF001 - the minus sign of typography
]


@pytest.mark.parametrize(("stored", "now"), AGREE)
def test_texts_that_agree(stored, now):
    assert compare_text(stored, now, FIVE_PERCENT) == []
    assert compare_text(stored, stored, FIVE_PERCENT) == []


@pytest.mark.parametrize(("stored", "now"), OTHER_NUMBERS + OTHER_TEXTS)
def test_texts_that_disagree(stored, now):
    assert compare_text(stored, now, FIVE_PERCENT) != []


def test_the_message_shows_both_numbers_and_how_far_they_are_apart():
    (problem,) = compare_text("step 1\nloss 2.000 5.0", "step 1\nloss 2.500 5.1", FIVE_PERCENT)
    assert problem == (
        "line 2: stored 2.000, now 2.500: the relative difference 0.25 exceeds the tolerance 0.05"
    )
    (problem,) = compare_text("0.00", "0.01", FIVE_PERCENT)
    assert problem == "line 1: stored 0.00, now 0.01: zero agrees with zero alone"
    (problem,) = compare_text("inf", "-inf", FIVE_PERCENT)
    assert problem.startswith("line 1: stored inf, now -inf: nan and inf")


def test_the_message_shows_the_line_whose_words_differ():
    (problem,) = compare_text("a 0.1\nb 0.2\n", "a 0.9\nc 0.2\n", FIVE_PERCENT)
    assert problem.startswith("line 2: stored 'b 0.2', now 'c 0.2': text, integers and the count")
    (problem,) = compare_text("a 0.1", "a 0.1\nmore", FIVE_PERCENT)
    assert problem.startswith("line 2: stored no such line, now 'more'")


def test_tags_that_are_understood():
    assert tolerance_of([]) is tolerance_of(["raises-exception"]) is None
    assert tolerance_of(["rtol=0.05"]) == FIVE_PERCENT
    assert tolerance_of(["raises-exception", "rtol=1e-3"]) == Decimal("0.001")
    assert tolerance_of(["rtol=0.999"]) == Decimal("0.999")


@pytest.mark.parametrize(
    "tag",
    [
        *("rtol", "rtol=", "rtol=abc", "rtol=0", "rtol=0.0", "rtol=1", "rtol=1.5", "rtol=-1"),
        *("rtol=nan", "rtol=inf", "rtol=0,05", "rtol = 0.05", " rtol=0.05", "RTOL=0.05", "rtol=5%"),
    ],
)
def test_malformed_tags_are_refused(tag):
    with pytest.raises(ValueError, match=r"must be rtol=R with a number R above 0 and below 1"):
        tolerance_of([tag])


def test_tags_that_contradict_are_refused():
    with pytest.raises(ValueError, match="a cell takes one rtol tag, got"):
        tolerance_of(["rtol=0.1", "rtol=0.1"])
    with pytest.raises(ValueError, match="no effect beside 'nbval-ignore-output'"):
        tolerance_of(["rtol=0.1", "nbval-ignore-output"])


def result(text, **more):
    return new_output("execute_result", {"text/plain": text} | more, execution_count=1)


def error(name, message):
    return new_output("error", ename=name, evalue=message, traceback=[])


@pytest.mark.parametrize(
    ("stored", "now"),
    [
        ([stream("0.5")], []),
        ([], [stream("0.5")]),
        ([stream("0.5")], [stream("0.5"), stream("0.5")]),
        ([stream("0.5")], [stream("0.5", "stderr")]),
        ([stream("0.5")], [result("0.5")]),
        ([shown(text_plain="0.5")], [result("0.5")]),
        ([result("0.5")], [result("0.5", **{"text/html": "0.5"})]),
        ([result("0.5"), stream("0.5")], [stream("0.5"), result("0.5")]),
        ([stream("0.5")], [stream("0.6")]),
        ([result("0.5")], [result("0.6")]),
        ([shown(text_html="0.5")], [shown(text_html="0.6")]),
        ([shown(text_latex="$0.5$")], [shown(text_latex="$0.6$")]),
        ([error("E", "loss 0.5")], [error("E", "loss 0.6")]),
    ],
)
def test_outputs_that_disagree(stored, now):
    assert compare_outputs(stored, now, FIVE_PERCENT) != []
    assert compare_outputs(stored, stored, FIVE_PERCENT) == []


# ------------------------------------------------------------------------------ whole runs


COST = r"^lesson  (\d+\.\d) s, (?:{}) GB$"


@pytest.fixture
def run_nbval(pytester, monkeypatch):
    """Return a function that stores cells as a notebook and runs nbval over it, as a reader does.

    A cell is its source, its stored outputs and its tags.
    """
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)

    def run(*cells, arguments=()):
        stored = [new_markdown_cell("# A notebook")]
        for count, (source, outputs, tags) in enumerate(cells, start=1):
            extra = {"metadata": {"tags": tags}, "execution_count": count}
            stored.append(new_code_cell(source, outputs=outputs, **extra))
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        notebook = new_notebook(cells=stored, metadata={"kernelspec": kernel})
        return made.run_nbval(pytester, notebook, *arguments)

    return run


def test_a_run_within_tolerance_passes(run_nbval):
    html = result("<IPython.core.display.HTML object>", **{"text/html": "<b>0.5</b>"})
    raised = error("ValueError", "loss 0.5")
    settings = ("TQDM_DISABLE", "OMP_NUM_THREADS", "COURSE_STATIC")
    run_nbval(
        ("print('loss', 2.04)", [stream("loss 2.0\n")], ["rtol=0.05"]),
        ("0.51", [result("0.5")], ["rtol=0.05"]),
        ("from IPython.display import HTML\nHTML('<b>0.51</b>')", [html], ["rtol=0.05"]),
        ("raise ValueError('loss 0.51')", [raised], ["rtol=0.05", "raises-exception"]),
        (f"import os\n[os.environ[name] for name in {settings}]", [result("['1', '1', '1']")], []),
    ).assert_outcomes(passed=5)


def test_what_is_outside_the_tolerance_or_tagged_amiss_fails(run_nbval):
    run = run_nbval(
        ("print('loss 2.2')", [stream("loss 2.0\n")], ["rtol=0.05"]),
        ("print('cat 2.0')", [stream("dog 2.0\n")], ["rtol=0.05"]),
        ("print('step 101')", [stream("step 100\n")], ["rtol=0.05"]),
        ("raise KeyError(0.5)", [error("ValueError", "0.5")], ["rtol=0.05", "raises-exception"]),
        ("print(0.51)", [stream("0.5\n")], []),  # no tag, no tolerance
        ("print(0.5)", [stream("0.5\n")], []),
        # A faulty tag fails its cell and no other.
        ("a = 0.5", [], ["rtol=abc"]),
        ("print(a)", [stream("0.5\n")], ["rtol=0.1"]),
        ("# NBVAL_IGNORE_OUTPUT\nprint(a)", [stream("0.6\n")], ["rtol=0.1"]),
        ("print(b)", [stream("0.6\n")], ["rtol=0.1", "nbval-skip"]),
    )
    run.assert_outcomes(failed=8, passed=2)
    run.stdout.fnmatch_lines(
        [
            "*line 1: stored 2.0, now 2.2: the relative difference 0.1 exceeds the tolerance 0.05",
            "*the tag 'rtol=abc' must be rtol=R*",
            "*the rtol tag has no effect in a cell whose output is not compared*",
            "*the tag 'rtol=0.1' has no effect beside 'nbval-skip'*",
        ]
    )


def test_a_lesson_that_opens_a_connection_fails(run_nbval):
    connect = "import socket\nsocket.getaddrinfo('example.org', 443)"
    swallow = "try:\n    socket.getaddrinfo('example.org', 443)\nexcept OSError:\n    pass"
    clean = "'forbid_network' in globals() or 'sys' in globals()"
    run = run_nbval((connect, [], []), (swallow, [], []), (clean, [result("False")], []))
    run.assert_outcomes(failed=2, passed=1)
    run.stdout.fnmatch_lines(["*NetworkError*: socket.getaddrinfo to example.org*"])


def test_the_plugin_works_on_xdist_workers(run_nbval):
    cells = [("print(2.04)", [stream("2.0\n")], [f"rtol={rtol}"]) for rtol in ("0.05", "0.01")]
    workers = ["-n", "1", "--dist", "loadfile"]
    result = run_nbval(*cells, arguments=workers)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.re_match_lines([COST.format(r"0\.0[3-9]|0\.1\d")])


def test_what_a_notebook_took_is_told(run_nbval, pytester):
    cells = ["block = bytearray(700_000_000); del block", "import time; time.sleep(1.2)"]
    result = run_nbval(*((source, [], []) for source in cells))
    result.stdout.re_match_lines([COST.format(r"0\.[78]\d")])
    told = json.loads((pytester.path / "build" / "compared.json").read_text("utf-8"))["lesson"]
    assert 1.2 < told["seconds"] < result.duration
    assert 0.7 < told["peak"] < 0.9
    assert told["cells"] == {"code": 2, "with_output": 0, "exact": 0, "tolerant": 0, "exempt": 0}


def test_a_kernel_that_died_is_noticed_at_once(run_nbval):
    cells = [("import os; os._exit(1)", [], []), ("2", [result("2")], [])]
    died = run_nbval(*cells, arguments=["--nbval-cell-timeout=60"])
    died.assert_outcomes(failed=1, xfailed=1)
    died.stdout.fnmatch_lines(["*Cell 0: The kernel died (exit code 1).*"])
    died.stdout.re_match_lines([COST.format(r"\?")])
    assert died.duration < 20


def test_a_kernel_that_died_between_two_cells_is_no_pass(run_nbval, pytester):
    pytester.makeconftest("""
import pytest
@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item):
    if item.name == "Cell 0":
        item.parent.kernel.km.provisioner.process.kill()
        item.parent.kernel.km.provisioner.process.wait()
""")
    cells = [("1", [result("1")], []), ("2", [result("2")], []), ("3", [result("3")], [])]
    died = run_nbval(*cells)
    died.assert_outcomes(passed=1, errors=1, xfailed=1)
    assert died.ret == 1


def test_a_kernel_that_does_not_start_is_told_in_a_line_a_cell(run_nbval, pytester):
    start = "jupyter_client.manager.KernelManager.format_kernel_cmd = lambda *_, **__: ['true']"
    pytester.makeconftest(f"import jupyter_client.manager\n{start}")
    # nbval leaves a file open then, which would be told at the very end.
    failed = run_nbval(*[("1", [], [])] * 2, arguments=["-p", "no:unraisableexception"])
    failed.assert_outcomes(errors=2)
    failed.stdout.fnmatch_lines(["the kernel did not start (*); is there memory left?"])
    assert len(failed.outlines) < 100


@pytest.mark.skipif(os.name == "nt", reason="a file that is no folder, as POSIX tells it")
def test_a_folder_that_cannot_be_made_is_told_in_a_line(run_nbval, pytester):
    nowhere = "import pathlib; plugin.BUILD = pathlib.Path('/dev/null')"
    pytester.makeconftest(f"from course.checking import plugin; {nowhere}")
    stopped = run_nbval(("1", [], []))
    assert stopped.ret == pytest.ExitCode.USAGE_ERROR
    assert stopped.errlines == ["ERROR: /dev/null/home: Not a directory.", ""]


def test_an_endless_cell_still_ends_at_the_timeout(run_nbval):
    late = run_nbval(("while True: pass", [], []), arguments=["--nbval-cell-timeout=2"])
    late.assert_outcomes(failed=1)
    late.stdout.fnmatch_lines(["*Timeout of 2 seconds exceeded*"])
