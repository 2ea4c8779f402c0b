"""The matrix: what its variables change, how it reads a report, and its table."""

import os
import platform
import sys

import pytest
from nbformat import write
from nbformat.v4 import new_notebook

from course import matrix
from course.ending import CourseError
from tests.children import finished

REPORT = """<testsuites><testsuite>
<testcase classname="notebooks.01_a.ipynb" name="Cell 0" />
<testcase classname="notebooks.01_a.ipynb" name="Cell 1"><failure message="m">t</failure></testcase>
<testcase classname="notebooks.01_a.ipynb" name="Cell 2"><error message="m">t</error></testcase>
<testcase classname="notebooks.02_b.ipynb" name="Cell 0" />
<testcase classname="notebooks.04_d.ipynb" name="Cell 7"><skipped message="m">t</skipped></testcase>
</testsuite></testsuites>"""


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="x86 has the sets")
def test_the_variables_choose_what_the_libraries_use():
    code = """
import numpy, torch
print(torch.backends.cpu.get_cpu_capability(), torch.get_num_threads())
print(numpy._core._multiarray_umath.__cpu_features__["X86_V3"])
print(numpy.show_runtime())
"""
    env = os.environ | matrix.environment_of("default", 2)
    done = finished([sys.executable, "-W", "error", "-c", code], env=env, check=True)
    assert done.stdout.splitlines()[:2] == ["DEFAULT 2", "False"]
    assert "Nehalem" in done.stdout


def test_only_what_the_machine_has_is_tried_whatever_the_reader_asks_of_it(monkeypatch):
    found = matrix.available()
    for asked in matrix.INSTRUCTION_SETS:
        monkeypatch.setenv("ATEN_CPU_CAPABILITY", asked)
        assert matrix.available() == found
    assert found[0] == "default"
    assert found == [name for name in matrix.INSTRUCTION_SETS if name in found]


def test_a_lesson_passes_when_all_its_cells_were_run_and_passed(tmp_path):
    path = tmp_path / "report.xml"
    path.write_text(REPORT, encoding="utf-8")
    assert matrix.verdicts(path, ["01_a", "02_b", "03_c", "04_d"]) == {
        "01_a": "Cell 1, Cell 2",
        "02_b": "pass",
        "03_c": "not run",
        "04_d": "Cell 7",
    }


def test_the_table_has_a_line_a_lesson():
    columns = {"default, 1 thread": {"01_a": "pass"}, "avx2, 1 thread": {"01_a": "Cell 7"}}
    assert matrix.format_matrix(columns) == (
        "lesson  default, 1 thread  avx2, 1 thread\n01_a    pass               Cell 7"
    )


@pytest.fixture
def one_lesson(tmp_path, monkeypatch):
    monkeypatch.setattr(matrix, "BUILD", tmp_path)
    monkeypatch.setattr(matrix, "ROOT", tmp_path)
    monkeypatch.setattr(matrix, "THREADS", (1,))
    monkeypatch.setattr(matrix, "available", lambda: ["default"])
    monkeypatch.setattr(os, "environ", os.environ.copy())
    write(new_notebook(cells=[]), tmp_path / "02_b.ipynb")
    monkeypatch.setattr(matrix, "find_notebooks", lambda names: [tmp_path / "02_b.ipynb"])
    return tmp_path


@pytest.mark.parametrize(
    ("report", "exit_code", "shown"),
    [(REPORT, 0, "02_b    pass"), (REPORT.replace("02_b", "05_e"), 1, "FAILED: 02_b")],
)
def test_one_failure_fails_the_matrix(one_lesson, monkeypatch, capsys, report, exit_code, shown):
    def pretend(command, env, **options):
        assert env["ATEN_CPU_CAPABILITY"] == "default"
        path = command[-1].removeprefix("--junitxml=")
        (one_lesson / path).write_text(report, encoding="utf-8")

    monkeypatch.setattr(matrix.subprocess, "run", pretend)
    assert matrix.run_matrix([]) == exit_code
    assert shown in capsys.readouterr().out


def test_a_lesson_that_cannot_be_read_fails_the_matrix(one_lesson, monkeypatch, capsys):
    monkeypatch.setattr(matrix, "compare", lambda *_: {"02_b": "pass"})
    assert matrix.run_matrix([]) == 0
    (one_lesson / "02_b.ipynb").write_text("<<<<<<< HEAD\n", encoding="utf-8")
    assert matrix.run_matrix([]) == 1
    assert "02_b.ipynb cannot be read as a notebook" in capsys.readouterr().err


def test_tests_that_never_ended_are_no_pass(one_lesson, monkeypatch):
    monkeypatch.setattr(matrix.subprocess, "run", lambda command, **options: None)
    with pytest.raises(CourseError, match="did not come to an end: see "):
        matrix.run_matrix([])
