"""What `make browser` judges and prepares, tried without a browser."""

import base64
import io
import json
import math
import socket
import sys
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

import browser
import own_lab
import verdict
from ending import CourseError, in_words

PNG = new_output("display_data", {"image/png": "iVBORw0KGgo=", "text/plain": "<Figure>"})
ERROR = new_output("error", ename="ValueError", evalue="too small", traceback=[])
WARNING = new_output("stream", name="stderr", text="UserWarning: hm\n")


def code(count, *outputs, tags=(), source="1"):
    """A code cell as JupyterLab saves it."""
    return new_code_cell(
        source, execution_count=count, outputs=list(outputs), metadata={"tags": list(tags)}
    )


def notebook(*cells):
    """A notebook under a title; the cells are called cell-1, cell-2 and so on."""
    made = new_notebook(cells=[new_markdown_cell("# Title"), *cells])
    for number, cell in enumerate(made["cells"]):
        cell["id"] = f"cell-{number}"
    return made


@pytest.fixture
def work(tmp_path, monkeypatch):
    """An own place for what JupyterLab works with."""
    monkeypatch.setattr(own_lab, "WORK", tmp_path / "browser")
    monkeypatch.setattr(own_lab, "LESSONS", tmp_path / "browser" / "lessons")
    return own_lab.WORK


# ------------------------------------------------------------------------------------- verdict


def test_a_run_in_order_is_good():
    meant = code(2, ERROR, tags=["raises-exception"])
    saved = notebook(code(1, PNG), new_markdown_cell("and"), meant, code(3))
    assert verdict.run_problems(saved) == []


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        ([code(1), code(None)], "cell 'cell-2' was not run"),
        ([code(2), code(3)], "cell 'cell-1' was run as number 2, expected 1"),
        ([code(1), code(3)], "cell 'cell-2' was run as number 3, expected 2"),
        ([code(1, PNG, ERROR)], "cell 'cell-1' failed: ValueError: too small"),
        ([code(1, tags=["raises-exception"])], "cell 'cell-1' raised nothing, expected an error"),
        ([code(1, WARNING)], "cell 'cell-1' wrote to stderr: UserWarning: hm"),
    ],
)
def test_what_went_wrong_is_said(cells, problem):
    assert verdict.run_problems(notebook(*cells))[0].startswith(problem)


def test_a_run_ends_with_its_last_cell_or_with_a_failure_that_is_not_meant():
    meant = code(1, ERROR, tags=["raises-exception"])
    assert not verdict.has_ended(notebook(code(None), code(None)))
    assert not verdict.has_ended(notebook(meant, code(None)))
    assert not verdict.has_ended(notebook(code(1, WARNING), code(None)))
    assert verdict.has_ended(notebook(code(1, ERROR), code(None)))
    assert verdict.has_ended(notebook(meant, code(2)))


def test_pictures_are_compared_cell_by_cell():
    stored = notebook(code(1, PNG, PNG), code(2), code(3, PNG))
    assert verdict.picture_problems(stored, [0, 2, 0, 1]) == []
    assert verdict.picture_problems(stored, [0, 1, 1, 1]) == [
        "cell 'cell-1' shows 1 pictures, expected 2",
        "cell 'cell-2' shows 1 pictures, expected 0",
    ]
    assert verdict.picture_problems(stored, [0, 2, 0]) == ["the page holds 3 cells, expected 4"]


def test_sliders_are_promised_by_code_only():
    assert verdict.promises_sliders(notebook(code(1, source="interact(f, x=slider)")))
    assert not verdict.promises_sliders(notebook(new_markdown_cell("interact(f, x=slider)")))


def test_pixels_do_not_depend_on_how_the_picture_is_written():
    def address(colour, **options):
        file = io.BytesIO()
        Image.new("RGB", (5, 3), colour).save(file, "png", **options)
        return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()

    plain, stored = address("red"), address("red", dpi=(72, 72))
    assert plain != stored
    assert verdict.pixels(plain) == verdict.pixels(stored)
    assert verdict.pixels(plain) != verdict.pixels(address("blue"))
    assert verdict.pixels(None) is None


# ------------------------------------------------------------------------------------- waiting


def kernel(state, message):
    return {"execution_state": state, "last_activity": message}


class ScriptedLesson(browser.Lesson):
    """A lesson whose kernel and whose saved notebooks are written down beforehand."""

    def __init__(self, kernels, notebooks):
        self.page = SimpleNamespace(wait_for_timeout=lambda milliseconds: None)
        self.lab = SimpleNamespace(kernel=lambda name: kernels.pop(0))
        self.path = SimpleNamespace(name="lesson.ipynb")
        self.kernels, self.notebooks, self.said = kernels, notebooks, []

    def save(self):
        return self.notebooks.pop(0)

    def complaints(self):
        return self.said


def test_the_wait_is_not_deceived_by_an_idle_kernel():
    not_begun, begun = [kernel("idle", 0)] * 3, [kernel("busy", 1)] * 2
    between, end = [kernel("idle", n) for n in (2, 3, 5)], [kernel("idle", 7)] * 2
    unfinished, finished = notebook(code(None)), notebook(code(1))
    lesson = ScriptedLesson(not_begun + begun + between + end, [unfinished] * 2 + [finished])
    assert lesson.wait_for_run() is finished
    assert not lesson.kernels
    assert not lesson.notebooks


@pytest.mark.parametrize("lost", [{}, kernel("dead", 1), kernel("restarting", 1)])
def test_a_lost_kernel_ends_the_wait(lost):
    lesson = ScriptedLesson([kernel("busy", 0), lost], [])
    with pytest.raises(CourseError, match=r"the kernel is (gone|dead|restarting) in the"):
        lesson.wait_for_run()


@pytest.mark.parametrize("state", ["busy", "idle"])
def test_too_long_a_silence_ends_the_wait(state, monkeypatch):
    monkeypatch.setattr(browser, "CELL_TIMEOUT", 0)
    lesson = ScriptedLesson([kernel(state, 0)] * 2, [notebook(code(None))])
    with pytest.raises(CourseError, match="nothing has come for 0 s"):
        lesson.wait_for_run()


def test_a_dialog_ends_the_wait():
    lesson = ScriptedLesson([], [])
    lesson.said = ["JupyterLab says: Kernel Restarting"]
    with pytest.raises(CourseError, match="Kernel Restarting"):
        lesson.wait_for_run()


class Page:
    """A page whose answers are heard by those who listen."""

    def __init__(self):
        self.listeners = []

    def on(self, event, listener):
        self.listeners.append(listener)

    def remove_listener(self, event, listener):
        self.listeners.remove(listener)

    def wait_for_timeout(self, milliseconds):
        pass

    def answer(self, method, address):
        for listener in self.listeners:
            request = SimpleNamespace(method=method)
            listener(SimpleNamespace(request=request, url=f"http://127.0.0.1:8081/api/{address}"))


@pytest.mark.parametrize("deaf_for", [0, 2, math.inf])
def test_a_save_that_is_dropped_is_asked_for_again(deaf_for, work, monkeypatch):
    monkeypatch.setattr(browser, "SAVING", 0)
    monkeypatch.setattr(browser, "PATIENCE", 0.3)
    own_lab.prepare([])
    nbformat.write(notebook(code(1)), work / "lessons" / "lesson.ipynb")
    lesson = ScriptedLesson([], [])
    lesson.page = page = Page()
    wishes = []

    def menu(title, command):
        wishes.append(command)
        page.answer("GET", "contents/lesson.ipynb")
        page.answer("PUT", "contents/other.ipynb")
        if len(wishes) > deaf_for:
            page.answer("PUT", "contents/lesson.ipynb")

    lesson.menu = menu
    if deaf_for == math.inf:
        with pytest.raises(CourseError, match="was not saved"):
            browser.Lesson.save(lesson)
    else:
        assert browser.Lesson.save(lesson)["cells"][1]["execution_count"] == 1
        assert wishes == ["docmanager:save"] * (deaf_for + 1)
    assert page.listeners == []


# --------------------------------------------------------------------------------- preparation


def test_copies_are_made_without_outputs(work, tmp_path):
    path = tmp_path / "lesson.ipynb"
    nbformat.write(notebook(code(1, PNG)), path)
    before = path.read_bytes()
    leftover = work / "lessons" / "old.ipynb"
    leftover.parent.mkdir(parents=True)
    leftover.touch()
    own_lab.prepare([path])
    copy = nbformat.read(work / "lessons" / "lesson.ipynb", as_version=4)
    assert [(cell["outputs"], cell["execution_count"]) for cell in copy["cells"][1:]] == [
        ([], None)
    ]
    assert path.read_bytes() == before
    assert not leftover.exists()


def test_jupyterlab_knows_the_settings_that_it_is_given():
    """A setting under a wrong name would be ignored without a word."""
    schemas = Path(sys.prefix) / "share" / "jupyter" / "lab" / "schemas"
    for name, values in own_lab.SETTINGS.items():
        schema = json.loads((schemas / "@jupyterlab" / f"{name}.json").read_text(encoding="utf-8"))
        assert values.keys() <= schema["properties"].keys()


def test_the_lab_sees_nothing_of_the_reader(work, monkeypatch):
    for name in ("COURSE_STATIC", "TQDM_DISABLE", "JUPYTER_CONFIG_PATH"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", "of-the-reader")
    environment = own_lab.lab_environment("secret")
    assert not {"COURSE_STATIC", "TQDM_DISABLE", "JUPYTER_CONFIG_PATH"} & environment.keys()
    assert {environment[name] for name in own_lab.FOLDERS} == {
        str(work / folder) for folder in own_lab.FOLDERS.values()
    }
    assert environment["JUPYTER_TOKEN"] == "secret"


def test_the_port_is_read_once_it_is_written(work):
    (work / "runtime").mkdir(parents=True)
    file = work / "runtime" / "jpserver-7.json"
    file.write_text('{"port": ')
    looks = []

    def poll():
        looks.append(1)
        if len(looks) > 1:
            file.write_text('{"port": 8081}')

    assert own_lab.find_port(SimpleNamespace(poll=poll)) == 8081
    assert len(looks) == 2


def test_a_server_that_ends_at_once_is_reported(work):
    with pytest.raises(CourseError, match="JupyterLab did not start"):
        own_lab.find_port(SimpleNamespace(poll=lambda: 1))


def test_a_server_that_is_gone_is_reported():
    with socket.socket() as taken:  # bound, and nobody listens
        taken.bind(("127.0.0.1", 0))
        lab = own_lab.Lab(f"http://127.0.0.1:{taken.getsockname()[1]}", "secret")
        with pytest.raises(CourseError, match="JupyterLab does not answer"):
            lab.kernel("lesson.ipynb")


def test_the_kernel_of_a_notebook_is_found_by_its_name(monkeypatch):
    sessions = [{"path": "a.ipynb", "kernel": {"id": "7"}}, {"path": "b.ipynb", "kernel": {}}]
    asked = []

    def ask(lab, address, method="GET"):
        asked.append(f"{method} {address}")
        return json.dumps(sessions).encode()

    monkeypatch.setattr(own_lab.Lab, "ask", ask)
    lab = own_lab.Lab("http://127.0.0.1:8081", "secret")
    assert lab.kernel("a.ipynb") == {"id": "7"}
    assert lab.kernel("c.ipynb") == {}
    lab.stop_kernel("c.ipynb")
    assert asked == ["GET sessions"] * 3
    lab.stop_kernel("a.ipynb")
    assert asked[3:] == ["GET sessions", "DELETE kernels/7"]


# ------------------------------------------------------------------------------------- browser


@pytest.mark.parametrize(
    ("url", "foreign"),
    [
        ("http://127.0.0.1:8081/lab?next=http://elsewhere", False),
        ("ws://127.0.0.1:8081/api/kernels", False),
        ("data:image/png;base64,AA//", False),
        ("blob:http://127.0.0.1:8081/7", False),
        ("http://127.0.0.1:8089/lab", True),
        ("https://127.0.0.1.example.org:8081/", True),
        ("wss://example.org/127.0.0.1:8081", True),
    ],
)
def test_addresses_of_other_servers_are_seen(url, foreign):
    assert browser.is_foreign(url, "http://127.0.0.1:8081") is foreign


def test_the_first_browser_that_there_is_gets_used(monkeypatch):
    monkeypatch.delenv("CHROMIUM", raising=False)
    there = {"google-chrome": "/c", "chromium-browser": "/b", "mine": "/m"}
    monkeypatch.setattr(browser.shutil, "which", there.get)
    assert browser.find_chromium() == "/b"
    monkeypatch.setenv("CHROMIUM", "mine")
    assert browser.find_chromium() == "/m"
    monkeypatch.setenv("CHROMIUM", "none")  # the one that was asked for, and no other
    with pytest.raises(CourseError, match="no browser called none: install Chromium"):
        browser.find_chromium()


def test_what_is_missing_is_named_in_one_line(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "playwright", None)
    assert in_words(lambda: browser.check_lessons([])) == 1
    said = capsys.readouterr().err
    assert said.startswith("the package playwright is not installed: ")
    assert said.endswith("pip install --no-user -r requirements-checks.txt\n")
    assert said.count("\n") == 1


def test_an_unknown_lesson_is_named(capsys):
    assert in_words(lambda: browser.check_lessons(["no_such_lesson"])) == 1
    assert "no notebook called no_such_lesson" in capsys.readouterr().err
