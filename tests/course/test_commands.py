"""The commands behind the Makefile, tried on small notebooks, and the pages they write."""

import json
import os
import re
import sys
from types import SimpleNamespace
from unittest.mock import patch

import pytest
from nbformat import read
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course import __main__ as cli
from course import commands, execution, pages, places
from course.ending import CourseError
from course.notebook import NOTEBOOK_METADATA, make_portable, read_notebook
from course.places import ROOT
from tests.children import finished
from tests.small_courses import IN_FOLDER, store

# ------------------------------------------------------------------------------------- formulas


@pytest.mark.parametrize(
    ("formula", "part"),
    [
        (r"\text{softmax}\left(\frac{QK^\top}{\sqrt{d_k}}\right)V", "<mfrac>"),
        (r"\mathrm{PE}_{(pos, 2i)}", "<mtext>PE</mtext>"),
        (r"\begin{aligned} a &= b \\ c &= d \end{aligned}", 'columnalign="left"'),
        (r"\begin{align} a &= b \\ c &= d \end{align}", 'columnalign="left"'),
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


def test_dollars_in_code_are_left_alone_and_unknown_formulas_shown_as_written():
    source = "Cost `a$b$c`, \\$5 and $x$\n\n```bash\necho $HOME $$ y $$\n```\n\n    $z$\n\n$$w$$"
    assert pages.formulas_in(source) == ["x", "w"]
    page = pages.render_markdown(source)
    assert "<code>a$b$c</code>" in page
    assert page.count("<math") == 2
    assert r"<code>\nonsense{x}</code>" in pages.render_markdown(r"so $\nonsense{x}$")


# ---------------------------------------------------------------------------------------- pages

LINKED = "# A & B\n\n$x_1$ and [next](02_b.ipynb#c), [far](https://x.org/a.ipynb)"
OUTPUTS = [
    new_output("stream", text="a < b\n"),
    new_output("display_data", {"image/png": "aGk=", "text/plain": "<Figure 1>"}),
    new_output("display_data", {"text/html": "<b>1</b>"}),
    new_output("display_data", {"text/latex": "$y^2$"}),
    new_output("error", ename="E", evalue="v", traceback=["\x1b[31mE\x1b[0m: v"]),
]


@pytest.fixture
def lesson_page():
    cells = [new_code_cell("1 < 2", outputs=[output]) for output in OUTPUTS]
    notebook = new_notebook(cells=[new_markdown_cell(LINKED), *cells])
    return pages.render_notebook(notebook, title="A & B", links=[None, ("02_b", "Lesson <B>")])


@pytest.fixture
def index_page():
    good = SimpleNamespace(name="01_a", title="A & B", seconds=90, problem="")
    bad = SimpleNamespace(name="02_b", title="", seconds=30, problem="no")
    return pages.render_index([good, bad], [])


# What a browser would fetch or execute.
LOADED = re.compile(
    r"<(script|link|iframe|object|embed|base)\b|\b(src|srcset|poster|data)\s*=\s*(?![\"']?data:)"
    r"|@import|url\(",
    re.IGNORECASE,
)


def test_pages_are_complete_without_a_network(lesson_page, index_page):
    assert LOADED.findall(lesson_page + index_page) == []


def test_a_page_shows_what_the_notebook_shows(lesson_page):
    assert lesson_page.count("<math") == 2
    assert "\x1b" not in lesson_page
    assert "<title>A &amp; B</title>" in lesson_page
    assert "<pre>a &lt; b\n</pre>" in lesson_page
    assert "<b>1</b>" in lesson_page
    assert 'href="02_b.html#c"' in lesson_page
    assert '<a href="02_b.html">Lesson &lt;B&gt;</a>' in lesson_page
    assert 'href="https://x.org/a.ipynb"' in lesson_page
    assert 'src="data:image/png;base64,aGk="' in lesson_page


def test_the_index_names_minutes_and_failures(index_page):
    assert index_page.count("stopped at an error") == 1
    assert '<a href="01_a.html">A &amp; B</a>' in index_page
    assert '<a href="02_b.html">02_b</a>' in index_page
    assert "1.5</td>" in index_page
    assert "2.0 minutes in all" in index_page


# ------------------------------------------------------------------------------------- notebooks

CONFLICT = """{
<<<<<<< HEAD
 "cells": []
=======
 "cells": [1]
>>>>>>> theirs
}"""


def cells(*ids):
    """Return a notebook whose cells have these ids, of which each may be missing."""
    code = {"cell_type": "code", "source": "", "metadata": {}, "outputs": []}
    stored = [{**code, "execution_count": None, **each} for each in ids]
    return json.dumps({"cells": stored, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


@pytest.mark.filterwarnings("ignore")  # as for a reader
@pytest.mark.parametrize(
    ("content", "why"),
    [
        (CONFLICT, "git has left both sides of a conflict in it, from line 2 on"),
        ("", "Notebook does not appear to be JSON"),
        ("[]", "'list' object has no attribute 'get'"),
        ('{"cells": [{}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}', "key: metadata"),
        ('{"cells": [], "metadata": {}, "nbformat": 9, "nbformat_minor": 0}', "9"),
        (cells({"id": "a"}, {"id": "a"}), "Non-unique cell id 'a'"),
        (cells({"id": "a"}, {}), "Cell is missing an id field"),
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
        read_notebook(path)
    words = str(caught.value)
    assert re.match(r"01_a\.ipynb cannot be read( as a notebook)?: ", words)
    assert why in words
    assert len(words) < 450
    assert "\n" not in words
    assert capfd.readouterr() == ("", "")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty course of its own, in a folder with a space in its name."""
    root = tmp_path / "my course"
    (root / "notebooks").mkdir(parents=True)
    monkeypatch.setattr(places, "ROOT", root)
    monkeypatch.setattr(places, "NOTEBOOKS", root / "notebooks")
    monkeypatch.setattr(places, "BUILD", root / "build")
    monkeypatch.setattr(os, "environ", os.environ.copy())
    return root


@pytest.mark.parametrize("command", ["run", "regenerate", "test", "audit"])
def test_a_course_without_notebooks_fails_in_words(folder, capsys, command):
    assert cli.main([command]) == 1
    assert "a course without notebooks proves nothing" in capsys.readouterr().err


def test_notebooks_are_found_in_order_and_by_name(folder):
    second, first = store(folder, "02_b"), store(folder, "01_a")
    for name in ("._01_a.ipynb", ".#01_a.ipynb"):  # files of other programs
        (folder / "notebooks" / name).write_bytes(b"\0")
    assert places.find_notebooks() == [first, second]
    assert places.find_notebooks(["02_b", "notebooks/01_a.ipynb"]) == [second, first]
    with pytest.raises(CourseError, match=r"no notebook called 03_c .*there: 01_a, 02_b"):
        places.find_notebooks(["03_c"])


# ------------------------------------------------------------------------------------- commands


def stored(folder):
    return {(path, path.read_bytes()) for path in folder.glob("notebooks/*.ipynb")}


def test_run_goes_on_after_a_failure_and_leaves_the_notebooks_alone(folder, capfd):
    module = folder / "notebooks" / "nought.py"
    module.write_text("def divide(x):\n    return x / 0\n", encoding="utf-8")
    store(folder, "01_a", "x = 1", "from nought import divide\ndivide(x)", "print(x)")
    store(folder, "02_b").write_text(CONFLICT, encoding="utf-8")
    store(folder, "03_c", "import pathlib; pathlib.Path('04_d.ipynb').unlink()")
    vanishes = store(folder, "04_d", "2")
    store(folder, "05_e", "print(7)")
    before = stored(folder) - {(vanishes, vanishes.read_bytes())}
    assert cli.main(["run"]) == 1
    assert stored(folder) == before
    out, err = capfd.readouterr()
    told = [r"01_a  Lesson 01_a \.\.\. .* s, FAILED\n"]
    told += [rf"{name}  Lesson {name} \.\.\. .* s.*\n" for name in ("03_c", "05_e")]
    told += [r"\n.*\n", re.escape(f"Open {folder / 'build' / 'index.html'}\n")]
    assert re.fullmatch("".join(told), out), out
    assert err.startswith("02_b.ipynb cannot be read as a notebook: git has left both sides")
    assert "01_a.ipynb: cell 3 of 4 (id 'code-1') failed:\n    from nought import divide" in err
    assert "ZeroDivisionError" in err
    vanished = "04_d.ipynb cannot be read: No such file or directory."
    assert err.splitlines()[-2:] == [vanished, "Failed: 02_b, 04_d, 01_a"]
    shown = {path.stem: path.read_text("utf-8") for path in folder.glob("build/*.html")}
    assert shown.keys() == {"01_a", "03_c", "05_e", "index"}
    assert "ZeroDivisionError" in shown["01_a"]
    assert str(folder) not in shown["01_a"], "a page tells nothing of the machine"
    assert "7" in shown["05_e"]
    for name in ("02_b", "04_d"):
        assert f'{name} <strong class="failed">cannot be read' in shown["index"]
        assert f"{name}.html" not in shown["index"]


def test_regenerate_is_stable_and_all_or_nothing(folder, capfd, monkeypatch):
    monkeypatch.setattr(commands, "PICTURE", ("01_a", "gone"))
    source = "import sys\nfor i in range(50):\n    print(i, flush=True)\nprint('no ' + 'version')"
    good = store(folder, "01_a", source, "1 / 0", tags=["raises-exception"])
    bad = store(folder, "02_b", "print(1)", "1 / 0")
    unreadable = store(folder, "03_c")
    unreadable.write_text(CONFLICT, encoding="utf-8")
    bad_before = bad.read_bytes()
    assert cli.main(["regenerate", "01_a"]) == 1
    assert capfd.readouterr().err.splitlines() == [
        "01_a.ipynb has no picture in a cell 'gone'",
        "Left as they were: picture.png",
    ]
    assert not (folder / "picture.png").exists()
    first = good.read_bytes()
    assert cli.main(["regenerate"]) == 1
    assert good.read_bytes() == first
    assert (bad.read_bytes(), unreadable.read_text("utf-8")) == (bad_before, CONFLICT)
    left = "Left as they were: 03_c.ipynb, picture.png, 02_b.ipynb"
    assert capfd.readouterr().err.splitlines()[-1] == left
    notebook = read(good, as_version=4)
    found = [(cell["id"], cell.get("execution_count")) for cell in notebook["cells"]]
    assert found == [("title", None), ("code-0", 1), ("code-1", 2)]
    assert len(notebook["cells"][1]["outputs"]) == 1, "the pieces of a stream are one output"
    assert notebook["metadata"] == NOTEBOOK_METADATA
    language = str(notebook["metadata"]["language_info"]).replace("'version': 3", "")
    assert "version" not in language
    assert not list(good.parent.glob(".*"))


@pytest.mark.parametrize("command", ["test", "audit"])
def test_an_unreadable_notebook_hinders_no_other_test(folder, capfd, monkeypatch, command):
    store(folder, "01_a").write_text(CONFLICT, encoding="utf-8")
    store(folder, "02_b", "print(7)")
    monkeypatch.setattr(commands, "lint_commands", lambda: [])
    monkeypatch.setattr(commands, "pytest_command", lambda workers=1: ["-c", ""])
    assert cli.main([command]) == 1
    out, err = capfd.readouterr()
    why, last = err.splitlines()
    assert why.startswith("01_a.ipynb cannot be read as a notebook: git has left")
    assert last == "FAILED: 01_a.ipynb cannot be read"
    assert "notebooks/02_b.ipynb" in out
    assert "01_a" not in out


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_a_folder_in_any_script_is_named_in_any_code_page(tmp_path, encoding):
    root = store(tmp_path / "глубокое обучение 深度学习", "01_a", "1").parent.parent
    code = f"{IN_FOLDER}\nsys.exit(main(['run']))"
    # Without -E, so that the code page is obeyed as a terminal's would be.
    env = {**os.environ, "PYTHONIOENCODING": encoding}
    done = finished([sys.executable, "-c", code, str(root)], env=env, encoding=encoding)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].startswith("Open ")


KILLED = "The system killed the kernel, most likely for want of memory"
no_signals = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")


@pytest.mark.parametrize(
    ("end", "why"),
    [
        ("os._exit(1)", "The kernel died (exit code 1)."),
        pytest.param("os.kill(os.getpid(), signal.SIGKILL)", KILLED, marks=no_signals),
    ],
)
def test_a_kernel_that_dies_is_a_failure_in_words(folder, capfd, end, why):
    run = execution.execute(store(folder, "01_a", "import os, signal", end, "print(2)"))
    place = "01_a.ipynb: cell 3 of 4 (id 'code-1') failed:"
    assert run.problem.startswith(f"{place}\n    {end}\n{why}")
    assert run.memory is None


def test_a_kernel_that_does_not_start_is_told_and_leaves_no_traceback(folder):
    code = """
from jupyter_client.manager import KernelManager
KernelManager.format_kernel_cmd = lambda *_, **__: [sys.executable, "-c", ""]
environment.use(environment.notebook_environment(places.BUILD))
execution.execute(pathlib.Path(sys.argv[2]))"""
    path = store(folder, "01_a", "1")
    done = finished([sys.executable, "-c", IN_FOLDER + code, str(folder), str(path)], check=True)
    assert re.fullmatch(r"01_a\.ipynb: its kernel did not start \(.*\).*\n\n", done.stderr)


def test_a_lesson_tells_the_memory_it_needed_at_its_peak(folder, capfd, monkeypatch):
    path = store(folder, "01_a", "x = b'1' * 400_000_000\ndel x\n", "print(1)")
    run = execution.execute(path)
    assert 0.4 < run.memory < 0.8
    assert f" s, {run.memory:.1f} GB\n" in capfd.readouterr().out
    assert not run.problem
    monkeypatch.setattr(execution, "MEMORY_LIMIT", 0.4)
    assert "01_a.ipynb needed 0." in execution.execute(path).problem
    assert capfd.readouterr().out.endswith(" GB, FAILED\n")


def test_a_file_is_replaced_in_one_step_or_not_at_all(tmp_path):
    path, witness = tmp_path / "a.ipynb", tmp_path / "witness"
    path.write_text("old", encoding="utf-8")
    os.link(path, witness)
    with patch("os.fsync", side_effect=KeyboardInterrupt), pytest.raises(KeyboardInterrupt):
        places.write_atomically(path, b"new")
    assert path.read_text(encoding="utf-8") == "old"
    assert set(tmp_path.iterdir()) == {path, witness}
    places.write_atomically(path, b"new")
    assert path.read_text(encoding="utf-8") == "new"
    assert witness.read_text(encoding="utf-8") == "old"


def test_tracebacks_lose_the_folders_of_the_machine():
    files = [ROOT / "helpers" / "running.py", os.__file__, pytest.__file__]
    lines = [f"File {file}:3" for file in files]
    error = new_output("error", ename="E", evalue="v", traceback=lines)
    notebook = new_notebook(cells=[new_code_cell("x", outputs=[error])])
    make_portable(notebook)
    [shown] = notebook["cells"][0]["outputs"]
    assert [line.replace("\\", "/") for line in shown["traceback"]] == [
        "File helpers/running.py:3",
        "File python/os.py:3",
        "File site-packages/pytest/__init__.py:3",
    ]


def test_the_tests_of_the_notebooks_are_strict(folder):
    command = commands.notebook_test_command([store(folder, "01_a"), store(folder, "02_b")])
    assert "--nbval" in command
    assert "--nbval-lax" not in command
    assert any(part.startswith("--nbval-cell-timeout=") for part in command)
    assert command[-2:] == ["notebooks/01_a.ipynb", "notebooks/02_b.ipynb"]


def test_ci_calls_the_one_command():
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    code = [line for line in lines if line and not line.startswith(("#", "set ", "cd "))]
    assert code == ["make test"]
