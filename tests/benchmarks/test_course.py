"""The benchmark of the whole course: what it measures on small cases, and its sentences."""

import sys

from benchmarks import course
from tests.benchmarks.made_up import published

SLEEPER = """
import pathlib, subprocess, sys
from course.checking.table import Compared, as_json
block = bytearray(100_000_000)
code = "import time; block = bytearray(100_000_000); time.sleep(0.6)"
subprocess.run([sys.executable, "-c", code])
print("FAILED tests/test_x.py::test_y")
ran, died = Compared("02_theory.ipynb", None, 12.42, 0.503), Compared("06_loan.ipynb", None, 6.6)
pathlib.Path("build").mkdir()
pathlib.Path("build/compared.json").write_text(as_json([ran, died]))
sys.exit(3)
"""


LESSONS = [
    {"name": "02_theory", "seconds": "12.4", "peak": "0.50"},
    {"name": "06_loan", "seconds": "6.6", "peak": "?"},
]


def test_every_module_of_the_helpers_is_timed():
    modules = course.helper_modules()
    assert {"helpers.data.text", "helpers.figures.canvas", "helpers.loan"} <= set(modules)
    assert "helpers.__init__" not in modules


def test_an_import_is_timed_after_torch():
    torch_alone, after, matplotlib = course.timed_import("time.sleep(0.05); import helpers.running")
    assert torch_alone > 0
    assert after >= 0.05
    assert not matplotlib


def test_memory_of_a_child_counts_and_a_failure_is_kept(monkeypatch, tmp_path):
    monkeypatch.setattr(course, "ROOT", tmp_path)
    watched = course.run_and_watch([sys.executable, "-c", SLEEPER], interval=0.1)
    assert watched["exit"] == 3
    assert watched["said"] == ["FAILED tests/test_x.py::test_y"]
    assert watched["lessons"] == LESSONS
    assert watched["seconds"] > 0.6
    assert 0.2 < watched["peak"] < 0.6  # two processes of 0.1 GB each, and their interpreters
    assert watched["samples"] > 2


def test_success_keeps_no_output_and_nothing_of_an_earlier_run(monkeypatch, tmp_path):
    monkeypatch.setattr(course, "ROOT", tmp_path)
    (tmp_path / "build").mkdir()
    (tmp_path / course.COMPARED).write_text("{}")
    watched = course.run_and_watch([sys.executable, "-c", "print('fine')"], interval=0.1)
    assert (watched["exit"], watched["said"], watched["lessons"]) == (0, [], [])


def test_failures_are_told_in_words(tmp_path):
    results = published("course")
    results["test"] |= {"exit": 1, "said": ["FAILED: python -m pytest"], "seconds": 600.0}
    told = course.tell(results, tmp_path)
    assert "`make test` **failed with exit code 1** after 10.0 minutes" in told
    assert "```\nFAILED: python -m pytest\n```" in told
