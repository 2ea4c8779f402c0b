"""A command that is told to stop stops, and what stops a command is said in words.

The commands run in processes of their own, on small courses: some of them in a terminal.
"""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from nbformat import write
from nbformat.v4 import new_code_cell, new_notebook

from children import as_in_the_foreground, as_ordinary_user

SCRIPTS = Path(__file__).parent.parent / "scripts"
posix = pytest.mark.skipif(os.name == "nt", reason="signals and terminals of POSIX")

# `course.py` on a course in another folder.
COURSE = f"""
import pathlib, sys
sys.path.insert(0, {str(SCRIPTS)!r})
import course
course.ROOT = pathlib.Path(sys.argv[1])
course.NOTEBOOKS, course.BUILD = course.ROOT / "notebooks", course.ROOT / "build"
course.lint_commands = lambda: []
course.pytest_command = lambda workers=1: ["test_that_never_ends.py"]
sys.exit(course.main(sys.argv[2:]))
"""
# A test run that heeds no Control-C, and starts a process in a session of its own, as kernels are.
NEVER = """
import os, pathlib, signal, subprocess, sys, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
sleeper = [sys.executable, "-c", "import time; time.sleep(600)"]
child = subprocess.Popen(sleeper, start_new_session=True)
pathlib.Path("pid.new").write_text(str(child.pid))
os.replace("pid.new", "pid")
time.sleep(600)
"""
NOTE_PID = """
import os, pathlib
pathlib.Path("../pid.new").write_text(str(os.getpid()))
os.replace("../pid.new", "../pid")
"""


@pytest.fixture
def course_folder(tmp_path):
    """A course whose first lesson never ends."""
    root = tmp_path / "my course"
    (root / "notebooks").mkdir(parents=True)
    (root / "test_that_never_ends.py").write_text(NEVER, encoding="utf-8")
    endless = [new_code_cell(NOTE_PID, id="pid"), new_code_cell("while True: pass", id="endless")]
    write(new_notebook(cells=endless), root / "notebooks" / "01_a.ipynb")
    write(new_notebook(cells=[new_code_cell("1", id="one")]), root / "notebooks" / "02_b.ipynb")
    return root


def command(root, *words):
    return [sys.executable, "-Es", "-c", COURSE, str(root), *words]


def take_the_terminal():
    import fcntl
    import termios

    as_in_the_foreground()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class InTerminal:
    """A command that runs in a terminal of its own, and the process whose number it noted."""

    def __init__(self, root, *words, prepare=take_the_terminal):
        self.keyboard, terminal = os.openpty()
        self.process = subprocess.Popen(
            command(root, *words),
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,
            preexec_fn=prepare,
        )
        os.close(terminal)
        note, end = root / "pid", time.monotonic() + 60
        while not note.exists() and self.process.poll() is None and time.monotonic() < end:
            time.sleep(0.05)
        self.started = psutil.Process(int(note.read_text()))
        time.sleep(0.3)

    def ended_within(self, seconds):
        """Return the exit code, or None after so many seconds."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return None

    def said(self):
        """Return what stands in the terminal."""
        shown = b""
        try:
            while chunk := os.read(self.keyboard, 10_000):
                shown += chunk
        except OSError:  # Linux says so when the other end was closed
            pass
        return shown.decode()


def has_ended(process):
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def assert_nothing_is_left(root, run, before):
    assert has_ended(run.started)
    assert {path: path.read_bytes() for path in root.glob("notebooks/*")} == before
    assert not list(root.rglob("*.part"))


def content(root):
    return {path: path.read_bytes() for path in root.glob("notebooks/*")}


@posix
@pytest.mark.parametrize("words", ["run", "regenerate", "test"])
def test_control_c_in_a_terminal_stops_everything(course_folder, words):
    before = content(course_folder)
    run = InTerminal(course_folder, words)
    os.write(run.keyboard, b"\x03")
    assert run.ended_within(2) == 128 + signal.SIGINT
    said = run.said()
    os.close(run.keyboard)
    assert "\nStopped by SIGINT." in said.replace("\r", "")
    assert "Traceback" not in said
    assert "02_b" not in said
    assert_nothing_is_left(course_folder, run, before)


@posix
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGQUIT", "SIGRTMAX"])
def test_every_signal_that_can_be_caught_stops_everything(course_folder, name):
    before = content(course_folder)
    run = InTerminal(course_folder, "run")
    run.process.send_signal(getattr(signal, name))
    assert run.ended_within(2) == 128 + getattr(signal, name)
    assert f"Stopped by {name}." in run.said()
    os.close(run.keyboard)
    assert_nothing_is_left(course_folder, run, before)


# Code of a lesson whose kernel dies where nobody watches it: when it is asked for its memory.
DIES_AT_THE_END = (
    NOTE_PID
    + """
import signal
shell = get_ipython()
plain = shell.user_expressions
def die(asked):
    return os.kill(os.getpid(), signal.SIGKILL) if asked else plain(asked)
shell.user_expressions = die
"""
)


@posix
def test_a_run_that_waits_for_a_dead_kernel_stops_as_well(course_folder):
    cells = [new_code_cell(DIES_AT_THE_END, id="dies")]
    write(new_notebook(cells=cells), course_folder / "notebooks" / "01_a.ipynb")
    run = InTerminal(course_folder, "run")
    time.sleep(2)
    assert run.process.poll() is None
    run.process.terminate()
    assert run.ended_within(2) == 128 + signal.SIGTERM
    os.close(run.keyboard)


@posix
@pytest.mark.parametrize("moment", [0.0, 0.15, 0.3, 0.5])
def test_a_kernel_that_is_starting_does_not_delay_the_end(course_folder, moment):
    process = subprocess.Popen(
        command(course_folder, "run"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=as_in_the_foreground,
    )
    while not psutil.Process(process.pid).children():
        time.sleep(0.01)
    kernels = psutil.Process(process.pid).children()
    time.sleep(moment)
    begun = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert time.monotonic() - begun < 2
    assert process.returncode == 128 + signal.SIGINT
    assert said == "\nStopped by SIGINT.\n"
    assert all(map(has_ended, kernels))


@posix
@pytest.mark.parametrize("words", ["run", "test"])
def test_a_closed_terminal_stops_everything(course_folder, words):
    before = content(course_folder)
    run = InTerminal(course_folder, words)
    os.close(run.keyboard)
    assert run.ended_within(2)
    assert_nothing_is_left(course_folder, run, before)


@posix
def test_a_run_under_nohup_outlives_its_terminal(course_folder):
    def ignore_hangup():
        take_the_terminal()
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    run = InTerminal(course_folder, "run", prepare=ignore_hangup)
    run.process.send_signal(signal.SIGHUP)
    time.sleep(1)
    assert run.started.is_running()
    run.process.terminate()
    assert run.ended_within(2) == 128 + signal.SIGTERM
    os.close(run.keyboard)


@posix
def test_a_reader_who_stops_reading_stops_the_run(course_folder):
    (course_folder / "notebooks" / "01_a.ipynb").unlink()
    run = subprocess.Popen(
        command(course_folder, "run"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    run.stdout.close()  # as `| head` does
    assert run.stderr.read() == "Stopped: what reads the output has gone.\n"
    run.stderr.close()
    assert run.wait(30)


# ----------------------------------------------------------------------------- in whatever letters


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_a_folder_in_any_script_is_named_in_any_code_page(tmp_path, encoding):
    root = tmp_path / "глубокое обучение 深度学习"
    (root / "notebooks").mkdir(parents=True)
    write(new_notebook(cells=[new_code_cell("1", id="one")]), root / "notebooks" / "01_a.ipynb")
    # Without -E, so that the code page is obeyed as a terminal's would be.
    done = subprocess.run(
        [sys.executable, "-c", COURSE, str(root), "run"],
        env={**os.environ, "PYTHONIOENCODING": encoding},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode(encoding).splitlines()[-1].startswith("Open ")


# ------------------------------------------------------------------------ errors of the file system


def fails_in_words(root, *words):
    """Run a command as somebody who is not almighty; return what it said, without a traceback."""
    done = subprocess.run(
        command(root, *words),
        preexec_fn=as_ordinary_user,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout
    assert "Traceback" not in done.stderr
    assert not list(root.rglob("*.part"))
    return done.stderr


@pytest.fixture
def short_course(course_folder):
    """A course that soon ends, and whose folders can be written again afterwards."""
    (course_folder / "notebooks" / "01_a.ipynb").unlink()
    yield course_folder
    for folder in course_folder.rglob("*"):
        if folder.is_dir():
            folder.chmod(0o755)
    course_folder.chmod(0o755)


MINE = re.compile(
    r"Permission denied. It may belong to another user since a `sudo make`: sudo chown"
)


@posix
def test_a_folder_that_cannot_be_made_is_named(short_course):
    short_course.chmod(0o555)
    for words in ("run", "test"):
        said = fails_in_words(short_course, words)
        assert said.startswith(str(short_course / "build"))
        assert MINE.search(said)


@posix
def test_a_build_folder_of_somebody_else_is_named(short_course):
    assert subprocess.run(command(short_course, "run"), capture_output=True).returncode == 0
    page = short_course / "build" / "02_b.html"
    before = page.read_bytes()
    (short_course / "build").chmod(0o555)
    assert MINE.search(fails_in_words(short_course, "run"))
    assert page.read_bytes() == before
    (short_course / "build").chmod(0o755)
    profile = short_course / "build" / "home" / "ipython" / "profile_default"
    profile.chmod(0o555)
    for words in ("run", "test"):
        said = fails_in_words(short_course, words)
        assert said.startswith(str(profile))
        assert MINE.search(said)


@posix
def test_a_closed_output_is_no_error(short_course):
    run = subprocess.run(
        command(short_course, "run"), preexec_fn=lambda: os.close(1), stderr=subprocess.PIPE
    )
    assert (run.returncode, run.stderr) == (0, b"")


@posix
def test_a_notebook_that_cannot_be_written_stays_as_it_was(short_course):
    notebook = short_course / "notebooks" / "02_b.ipynb"
    before = notebook.read_bytes()
    notebook.parent.chmod(0o555)
    said = fails_in_words(short_course, "regenerate")
    assert said.startswith(str(notebook))
    assert MINE.search(said)
    assert notebook.read_bytes() == before


@posix
def test_a_full_disk_leaves_no_half_of_a_page(short_course):
    import resource

    def with_little_room():
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    done = subprocess.run(
        command(short_course, "run"),
        preexec_fn=with_little_room,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith(f"{short_course / 'build' / '02_b.html'}: File too large.")
    assert done.stderr.count("\n") == 1
    assert not list((short_course / "build").glob("*.html"))
    assert not list(short_course.rglob("*.part"))
