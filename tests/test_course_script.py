"""The commands behind the Makefile, tried on small notebooks, and the pages they write."""

import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import pytest
from nbformat import read, write
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

import course
import execution
import pages
from ending import CourseError

ROOT = Path(__file__).parent.parent

# ------------------------------------------------------------------------------------- formulas


@pytest.mark.parametrize(
    ("formula", "part"),
    [
        (r"\text{softmax}\left(\frac{QK^\top}{\sqrt{d_k}}\right)V", "<mfrac>"),
        (r"\operatorname{Var}[q \cdot k] = d_k", "<mo>Var</mo>"),
        (r"\mathrm{PE}_{(pos, 2i)}", "<mtext>PE</mtext>"),
        (r"\begin{pmatrix} a & b \\ c & d \end{pmatrix}", "<mtd><mi>d</mi></mtd>"),
        (r"\begin{aligned} a &= b \\ c &= d \end{aligned}", 'columnalign="left"'),
        (r"\begin{align} a &= b \\ c &= d \end{align}", 'columnalign="left"'),
        (r"\begin{cases} 1 & x > 0 \\ 0 & \text{otherwise} \end{cases}", "<mtext>otherwise"),
        (r"\mathbb{E}_{x \sim p}[\log D(x)]", "&#x1D53C;"),
        (r"x \in \mathbb{R}^{T \times D}, t = 1, \dots, T", "&#x02026;"),
        (r"\sum_{i=1}^{n} \ln \hat{y}_i < \lVert x \rVert_2", "&#x0003C;"),
        (r"\{ 10\,000 \mid 20\% \}", "&#x00025;"),
    ],
)
def test_formulas_become_mathml(formula, part):
    mathml = pages.formula_to_mathml(formula)
    assert mathml.startswith("<math")
    assert part in mathml
    assert "(1)" not in mathml, "equations are not numbered in the notebooks either"


@pytest.mark.parametrize("formula", [r"\nonsense{x}", r"\frac{a}{b", "a & b"])
def test_formulas_that_are_not_understood_are_refused(formula):
    with pytest.raises(ValueError, match=r"the formula .* (cannot be shown|do not match)"):
        pages.formula_to_mathml(formula)


def test_dollars_in_code_are_left_alone():
    source = "Cost `a$b$c`, \\$5 and $x$\n\n```bash\necho $HOME $$ y $$\n```\n\n    $z$\n\n$$w$$"
    assert pages.formulas_in(source) == ["x", "w"]
    page = pages.render_markdown(source)
    assert "<code>a$b$c</code>" in page
    assert page.count("<math") == 2


def test_a_formula_beyond_us_is_shown_as_it_is_written():
    assert r"<code>\nonsense{x}</code>" in pages.render_markdown(r"so $\nonsense{x}$")


# ---------------------------------------------------------------------------------------- pages


class Loads(HTMLParser):
    """Collects what a browser would fetch or execute."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if tag in ("script", "link", "iframe", "object", "embed", "base"):
            self.found.append(tag)
        for name in ("src", "srcset", "poster", "data"):
            if not (attributes.get(name) or "data:").startswith("data:"):
                self.found.append(attributes[name])


def sample():
    picture = new_output("display_data", {"image/png": "aGk=", "text/plain": "<Figure 1>"})
    return new_notebook(
        cells=[
            new_markdown_cell(
                "# A & B\n\n$x_1$ and [next](02_b.ipynb#c), [far](https://x.org/a.ipynb)"
            ),
            new_code_cell("1 < 2", outputs=[new_output("stream", text="a < b\n"), picture]),
            new_code_cell("html", outputs=[new_output("display_data", {"text/html": "<b>1</b>"})]),
            new_code_cell("tex", outputs=[new_output("display_data", {"text/latex": "$y^2$"})]),
            new_code_cell(
                "fail",
                outputs=[
                    new_output("error", ename="E", evalue="v", traceback=["\x1b[31mE\x1b[0m: v"])
                ],
            ),
        ]
    )


def test_pages_are_complete_without_a_network():
    links = [None, ("02_b", "Lesson <B>")]
    page = pages.render_notebook(sample(), title="A & B", links=links)
    index = pages.render_index(
        [SimpleNamespace(name="01_a", title="A & B", seconds=90, problem="")], []
    )
    for text in (page, index):
        loads = Loads()
        loads.feed(text)
        assert loads.found == []
        assert "@import" not in text
        assert "url(" not in text


def test_a_page_shows_what_the_notebook_shows():
    page = pages.render_notebook(sample(), title="A & B", links=[None, ("02_b", "Lesson <B>")])
    assert "<title>A &amp; B</title>" in page
    assert page.count("<math") == 2
    assert 'href="02_b.html#c"' in page
    assert 'href="https://x.org/a.ipynb"' in page
    assert '<a href="02_b.html">Lesson &lt;B&gt;</a>' in page
    assert "<pre>a &lt; b\n</pre>" in page
    assert 'src="data:image/png;base64,aGk="' in page
    assert "<b>1</b>" in page
    assert "\x1b" not in page


def test_the_index_names_minutes_and_failures():
    runs = [
        SimpleNamespace(name="01_a", title="A & B", seconds=90, problem=""),
        SimpleNamespace(name="02_b", title="", seconds=30, problem="no"),
    ]
    index = pages.render_index(runs, [])
    assert '<a href="01_a.html">A &amp; B</a>' in index
    assert '<a href="02_b.html">02_b</a>' in index
    assert index.count("stopped at an error") == 1
    assert "1.5</td>" in index
    assert "2.0 minutes in all" in index


# ------------------------------------------------------------------------------------- commands


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty course of its own, in a folder with a space in its name."""
    root = tmp_path / "my course"
    (root / "notebooks").mkdir(parents=True)
    monkeypatch.setattr(course, "ROOT", root)
    monkeypatch.setattr(course, "NOTEBOOKS", root / "notebooks")
    monkeypatch.setattr(course, "BUILD", root / "build")
    monkeypatch.setattr(os, "environ", os.environ.copy())
    return root


def store(root, name, *sources, tags=()):
    cells = [new_markdown_cell(f"Words\n\n# Lesson {name}", id="title")]
    for number, source in enumerate(sources):
        metadata = {"tags": list(tags)}
        cells.append(new_code_cell(source, id=f"code-{number}", metadata=metadata))
    path = root / "notebooks" / f"{name}.ipynb"
    write(new_notebook(cells=cells), path)
    return path


def test_a_course_without_notebooks_fails_in_words(folder, capsys):
    for command in (["run"], ["regenerate"], ["test"], ["audit"]):
        assert course.main(command) == 1
        assert "a course without notebooks proves nothing" in capsys.readouterr().err


def test_notebooks_are_found_in_order_and_by_name(folder):
    second, first = store(folder, "02_b"), store(folder, "01_a")
    assert course.find_notebooks() == [first, second]
    assert course.find_notebooks(["02_b", "notebooks/01_a.ipynb"]) == [second, first]
    with pytest.raises(CourseError, match=r"no notebook called 03_c .*there: 01_a, 02_b"):
        course.find_notebooks(["03_c"])


def test_run_goes_on_after_a_failure_and_leaves_the_notebooks_alone(folder, capfd):
    module = folder / "notebooks" / "nought.py"
    module.write_text("def divide(x):\n    return x / 0\n", encoding="utf-8")
    fail = "from nought import divide\ndivide(x)"
    paths = [store(folder, "01_a", "x = 1", fail, "print(x)"), store(folder, "02_b", "print(7)")]
    before = [path.read_bytes() for path in paths]
    assert course.main(["run"]) == 1
    assert [path.read_bytes() for path in paths] == before
    out, err = capfd.readouterr()
    lines = out.splitlines()
    assert lines[0].startswith("01_a  Lesson 01_a ... ")
    assert lines[0].endswith(" s, FAILED")
    assert lines[1].startswith("02_b  Lesson 02_b ... ")
    assert lines[-1] == f"Open {folder / 'build' / 'index.html'}"
    assert "01_a.ipynb: cell 3 of 4 (id 'code-1') failed:\n    from nought import divide" in err
    assert "ZeroDivisionError" in err
    failed = (folder / "build" / "01_a.html").read_text("utf-8")
    assert "ZeroDivisionError" in failed
    assert str(folder) not in failed, "a page tells nothing of the machine"
    assert "7" in (folder / "build" / "02_b.html").read_text("utf-8")


CONFLICT = """{
<<<<<<< HEAD
 "cells": []
=======
 "cells": [1]
>>>>>>> theirs
}"""


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (CONFLICT, "git has left both sides of a conflict in it, from line 2 on"),
        ('{"cells": [', "Notebook does not appear to be JSON"),
        ("", "Notebook does not appear to be JSON"),
        ("[]", "'list' object has no attribute 'get'"),
        ('{"cells": [{}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}', "key: metadata"),
        ('{"cells": [], "metadata": {}, "nbformat": 9, "nbformat_minor": 0}', "9"),
        (b"\xff\xfe{}", "'utf-8' codec can't decode byte 0xff"),
        (None, "Is a directory."),
    ],
)
def test_a_notebook_that_cannot_be_read_is_named(tmp_path, content, why, capfd):
    path = tmp_path / "01_a.ipynb"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(CourseError) as caught:
        execution.read_notebook(path)
    words = str(caught.value)
    assert re.match(r"01_a\.ipynb cannot be read( as a notebook)?: ", words)
    assert why in words
    assert len(words) < 450
    assert "\n" not in words
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("ids", [("a", "a"), ("a", None)])
def test_cells_without_ids_of_their_own_are_named(tmp_path, ids):
    notebook = new_notebook(cells=[new_code_cell("1"), new_code_cell("2")])
    for cell, name in zip(notebook["cells"], ids, strict=True):
        cell["id"] = name
        if name is None:
            del cell["id"]
    path = tmp_path / "01_a.ipynb"
    path.write_text(json.dumps(notebook), encoding="utf-8")
    with pytest.raises(CourseError, match=r"01_a\.ipynb cannot be read as a notebook: .*\bid\b"):
        execution.read_notebook(path)


def test_files_of_other_programs_are_no_lessons(folder):
    lesson = store(folder, "01_a")
    for name in ("._01_a.ipynb", ".#01_a.ipynb"):
        (folder / "notebooks" / name).write_bytes(b"\0")
    assert course.find_notebooks() == [lesson]


def test_a_notebook_that_vanishes_during_a_run_stops_no_other(folder, capfd):
    store(folder, "01_a", "import pathlib; pathlib.Path('02_b.ipynb').unlink()")
    store(folder, "02_b", "2")
    store(folder, "03_c", "3")
    assert course.main(["run"]) == 1
    out, err = capfd.readouterr()
    assert "03_c  Lesson 03_c ... " in out
    assert err.splitlines()[-2:] == [
        "02_b.ipynb cannot be read: No such file or directory.",
        "Failed: 02_b",
    ]
    assert "02_b" in (folder / "build" / "index.html").read_text("utf-8")


def test_a_lesson_without_the_picture_leaves_the_picture_alone(folder, capfd, monkeypatch):
    monkeypatch.setattr(course, "PICTURE", ("01_a", "gone"))
    store(folder, "01_a", "1")
    other = store(folder, "02_b", "2")
    assert course.main(["regenerate"]) == 1
    assert "01_a.ipynb has no picture in a cell 'gone'" in capfd.readouterr().err
    assert not (folder / "picture.png").exists()
    assert read(other, as_version=4)["cells"][1]["execution_count"] == 1


def test_an_unreadable_notebook_stops_no_other(folder, capfd):
    bad, good = folder / "notebooks" / "01_a.ipynb", store(folder, "02_b", "print(7)")
    bad.write_text(CONFLICT, encoding="utf-8")
    assert course.main(["run"]) == 1
    assert course.main(["regenerate"]) == 1
    out, err = capfd.readouterr()
    first, *others = err.splitlines()
    assert first.startswith("01_a.ipynb cannot be read as a notebook: git has left both sides")
    assert others == ["Failed: 01_a", first, "Left as they were: 01_a.ipynb"]
    assert out.count("02_b  Lesson 02_b ... ") == 2
    assert (folder / "build" / "02_b.html").exists()
    index = (folder / "build" / "index.html").read_text("utf-8")
    assert '01_a <strong class="failed">cannot be read' in index
    assert "01_a.html" not in index
    assert read(good, as_version=4)["cells"][1]["outputs"][0]["text"] == "7\n"
    assert bad.read_text(encoding="utf-8") == CONFLICT


@pytest.mark.parametrize("command", ["test", "audit"])
def test_an_unreadable_notebook_fails_the_tests_and_the_others_are_compared(
    folder, capfd, monkeypatch, command
):
    (folder / "notebooks" / "01_a.ipynb").write_text(CONFLICT, encoding="utf-8")
    store(folder, "02_b", "print(7)")
    monkeypatch.setattr(course, "lint_commands", lambda: [])
    monkeypatch.setattr(course, "pytest_command", lambda workers=1: ["-c", ""])
    assert course.main([command]) == 1
    out, err = capfd.readouterr()
    assert err.splitlines()[0].startswith("01_a.ipynb cannot be read as a notebook: git has left")
    assert err.splitlines()[-1] == "FAILED: 01_a.ipynb cannot be read"
    assert "notebooks/02_b.ipynb" in out
    assert "01_a" not in out


def test_a_kernel_that_dies_is_a_failure_in_words(folder, capfd):
    path = store(folder, "01_a", "print(1)", "import os; os._exit(1)", "print(2)")
    run = course.execute(path)
    assert run.problem.startswith("01_a.ipynb: cell 3 of 4 (id 'code-1') failed:\n    import os")
    assert "The kernel died (exit code 1)." in run.problem
    assert run.memory is None


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_a_kernel_that_the_system_killed_is_told_to_want_memory(folder, capfd):
    kill = "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"
    run = course.execute(store(folder, "01_a", kill))
    assert "The system killed the kernel, most likely for want of memory" in run.problem


def test_a_kernel_that_does_not_start_is_told_and_leaves_no_traceback(folder):
    store(folder, "01_a", "1")
    code = f"""
import pathlib, sys
sys.path.insert(0, {str(ROOT / "scripts")!r})
import course, environment
from jupyter_client.manager import KernelManager
KernelManager.format_kernel_cmd = lambda *_, **__: [sys.executable, "-c", ""]
environment.use(environment.notebook_environment(pathlib.Path({str(folder)!r})))
course.execute(pathlib.Path({str(folder / "notebooks" / "01_a.ipynb")!r}))"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert re.fullmatch(r"01_a\.ipynb: its kernel did not start \(.*\).*\n\n", done.stderr)


def test_a_lesson_tells_the_memory_it_needed_at_its_peak(folder, capfd, monkeypatch):
    large = "x = b'1' * 400_000_000\ndel x\n", "print(1)"
    run = course.execute(store(folder, "01_a", *large))
    assert 0.4 < run.memory < 0.8
    assert f" s, {run.memory:.1f} GB\n" in capfd.readouterr().out
    assert not run.problem
    monkeypatch.setattr(execution, "MEMORY_LIMIT", 0.4)
    assert "01_a.ipynb needed 0." in course.execute(store(folder, "01_a", *large)).problem
    assert capfd.readouterr().out.endswith(" GB, FAILED\n")


def test_regenerate_is_stable_and_all_or_nothing(folder, capfd):
    source = "import sys\nfor i in range(50):\n    print(i, flush=True)\nprint('no ' + 'version')"
    good = store(folder, "01_a", source, "1 / 0", tags=["raises-exception"])
    bad = store(folder, "02_b", "print(1)", "1 / 0")
    bad_before = bad.read_bytes()
    assert course.main(["regenerate", "01_a"]) == 0
    first = good.read_bytes()
    assert course.main(["regenerate"]) == 1
    assert good.read_bytes() == first
    assert bad.read_bytes() == bad_before
    assert "Left as they were: 02_b.ipynb" in capfd.readouterr().err
    notebook = read(good, as_version=4)
    assert [cell["id"] for cell in notebook["cells"]] == ["title", "code-0", "code-1"]
    assert [cell["execution_count"] for cell in notebook["cells"][1:]] == [1, 2]
    assert len(notebook["cells"][1]["outputs"]) == 1, "the pieces of a stream are one output"
    assert notebook["metadata"] == course.NOTEBOOK_METADATA
    assert "version" not in json.dumps(notebook["metadata"]["language_info"]).replace(
        '"version": 3', ""
    )
    assert not list(good.parent.glob(".*"))


def test_a_file_is_replaced_not_written_over(tmp_path):
    path, witness = tmp_path / "a.ipynb", tmp_path / "witness"
    path.write_text("old", encoding="utf-8")
    os.link(path, witness)
    course.write_atomically(path, b"new")
    assert path.read_text(encoding="utf-8") == "new"
    assert witness.read_text(encoding="utf-8") == "old"


def test_an_interrupted_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.ipynb"
    path.write_text("old", encoding="utf-8")

    def interrupted(descriptor):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        course.write_atomically(path, b"new")
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_tracebacks_lose_the_folders_of_the_machine():
    notebook = new_notebook(cells=[new_code_cell("x", outputs=[])])
    lines = [f"File {ROOT / 'helpers' / 'running.py'}:3", f"File {Path(os.__file__)}:5"]
    lines.append(f"File {Path(pytest.__file__)}:7")
    cell = notebook["cells"][0]
    cell["outputs"] = [new_output("error", ename="E", evalue="v", traceback=lines)]
    course.make_portable(notebook)
    assert [line.replace("\\", "/") for line in cell["outputs"][0]["traceback"]] == [
        "File helpers/running.py:3",
        "File python/os.py:5",
        "File site-packages/pytest/__init__.py:7",
    ]


def test_the_tests_of_the_notebooks_are_strict(folder):
    command = course.notebook_test_command([store(folder, "01_a"), store(folder, "02_b")])
    assert "--nbval" in command
    assert "--nbval-lax" not in command
    assert any(part.startswith("--nbval-cell-timeout=") for part in command)
    assert command[-2:] == ["notebooks/01_a.ipynb", "notebooks/02_b.ipynb"]


def test_ci_calls_the_one_command():
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    code = [line for line in lines if line and not line.startswith(("#", "set ", "cd "))]
    assert code == ["make test"]
