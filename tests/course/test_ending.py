"""A command that is told to stop stops, and what stops a command is said in words.

The commands run in processes of their own, on small courses: some of them in a terminal.
"""

import os
import re
import signal
import subprocess
import sys
import time

import psutil
import pytest

from tests.children import as_in_the_foreground, as_ordinary_user, finished
from tests.small_courses import IN_FOLDER, store

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals and terminals of POSIX")

COURSE = f"""{IN_FOLDER}
commands.lint_commands = lambda: []
commands.pytest_command = lambda workers=1: ["test_that_never_ends.py"]
sys.exit(main(sys.argv[2:]))
"""
ANOTHER_USER = "It may belong to another user since a `sudo make`: sudo chown"

PIPES = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}

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
# Code of a lesson whose kernel dies where nobody watches it: when it is asked for its memory.
DIES_AT_THE_END = f"""{NOTE_PID}
import signal
shell = get_ipython()
plain = shell.user_expressions
def die(asked):
    return os.kill(os.getpid(), signal.SIGKILL) if asked else plain(asked)
shell.user_expressions = die
"""


@pytest.fixture
def short_course(tmp_path):
    return store(tmp_path / "my course", "02_b", "1").parent.parent


@pytest.fixture
def endless_course(short_course):
    """A course whose first lesson never ends, and neither do its tests."""
    store(short_course, "01_a", NOTE_PID, "while True: pass")
    (short_course / "test_that_never_ends.py").write_text(NEVER, "utf-8")
    return short_course


def command(root, *words):
    return [sys.executable, "-Es", "-c", COURSE, str(root), *words]


def has_ended(process):
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def stored(root):
    """Return the notebooks and the pages of a course."""
    paths = [*root.glob("notebooks/*"), *root.glob("build/*.html")]
    return {path: path.read_bytes() for path in paths}


def take_the_terminal():
    import fcntl
    import termios

    as_in_the_foreground()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class InTerminal:
    """A command that runs in a terminal of its own, and the process whose number it noted."""

    def __init__(self, root, *words, prepare=take_the_terminal):
        self.root, self.before = root, stored(root)
        self.keyboard, terminal = os.openpty()
        how = dict.fromkeys(("stdin", "stdout", "stderr"), terminal)
        how |= {"start_new_session": True, "preexec_fn": prepare}
        self.process = subprocess.Popen(command(root, *words), **how)
        os.close(terminal)
        note, end = root / "pid", time.monotonic() + 60
        while not note.exists() and self.process.poll() is None and time.monotonic() < end:
            time.sleep(0.05)
        self.started = psutil.Process(int(note.read_text()))
        time.sleep(0.3)

    def exit_code(self):
        """Return it when the command has ended within 2 seconds, and has left nothing behind."""
        try:
            code = self.process.wait(2)
        finally:
            self.process.kill()
        assert has_ended(self.started)
        assert stored(self.root) == self.before
        assert not list(self.root.rglob("*.part"))
        return code

    def said(self):
        """Return what stands in the terminal, and close it."""
        shown = b""
        try:
            while chunk := os.read(self.keyboard, 10_000):
                shown += chunk
        except OSError:  # Linux says so when the other end was closed
            pass
        os.close(self.keyboard)
        return shown.decode().replace("\r", "")


# ----------------------------------------------------------------------------------- told to stop


@pytest.mark.parametrize("words", ["run", "regenerate", "test"])
def test_control_c_in_a_terminal_stops_everything(endless_course, words):
    run = InTerminal(endless_course, words)
    os.write(run.keyboard, b"\x03")
    assert run.exit_code() == 128 + signal.SIGINT
    said = run.said()
    assert "\nStopped by SIGINT." in said
    assert "Traceback" not in said
    assert "02_b" not in said


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGQUIT", "SIGRTMAX"])
def test_every_signal_that_can_be_caught_stops_everything(endless_course, name):
    run = InTerminal(endless_course, "run")
    run.process.send_signal(getattr(signal, name))
    assert run.exit_code() == 128 + getattr(signal, name)
    assert f"Stopped by {name}." in run.said()


@pytest.mark.parametrize("words", ["run", "test"])
def test_a_closed_terminal_stops_everything(endless_course, words):
    run = InTerminal(endless_course, words)
    os.close(run.keyboard)
    assert run.exit_code()


def test_a_run_that_waits_for_a_dead_kernel_stops_as_well(endless_course):
    store(endless_course, "01_a", DIES_AT_THE_END)
    run = InTerminal(endless_course, "run")
    time.sleep(2)
    assert run.process.poll() is None
    run.process.terminate()
    assert run.exit_code() == 128 + signal.SIGTERM
    assert "Stopped by SIGTERM." in run.said()


def test_a_run_under_nohup_outlives_its_terminal(endless_course):
    def ignore_hangup():
        take_the_terminal()
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    run = InTerminal(endless_course, "run", prepare=ignore_hangup)
    run.process.send_signal(signal.SIGHUP)
    time.sleep(1)
    assert run.started.is_running()
    run.process.terminate()
    assert run.exit_code() == 128 + signal.SIGTERM
    assert "Stopped by SIGTERM." in run.said()


@pytest.mark.parametrize("moment", [0.0, 0.15, 0.3, 0.5])
def test_a_kernel_that_is_starting_does_not_delay_the_end(endless_course, moment):
    run = subprocess.Popen(command(endless_course, "run"), **PIPES, preexec_fn=as_in_the_foreground)
    while not (kernels := psutil.Process(run.pid).children()):
        time.sleep(0.01)
    time.sleep(moment)
    begun = time.monotonic()
    run.send_signal(signal.SIGINT)
    _, said = run.communicate(timeout=30)
    assert time.monotonic() - begun < 2
    assert run.returncode == 128 + signal.SIGINT
    assert said == "\nStopped by SIGINT.\n"
    assert all(map(has_ended, kernels))


def test_a_reader_who_stops_reading_stops_the_run(short_course):
    with subprocess.Popen(command(short_course, "run"), **PIPES) as run:
        run.stdout.close()  # as `| head` does
        assert run.stderr.read() == "Stopped: what reads the output has gone.\n"
        assert run.wait(30)


def test_a_closed_output_is_no_error(short_course):
    run = finished(command(short_course, "run"), preexec_fn=lambda: os.close(1))
    assert (run.returncode, run.stderr) == (0, "")


# ------------------------------------------------------------------------ errors of the file system


@pytest.mark.parametrize(
    ("unwritable", "words", "named"),
    [
        (".", "run", "build"),
        (".", "test", "build"),
        ("build", "run", "build/"),
        ("build/home/ipython/profile_default", "run", "build/home/ipython/profile_default"),
        ("build/home/ipython/profile_default", "test", "build/home/ipython/profile_default"),
        ("notebooks", "regenerate", "notebooks/02_b.ipynb"),
    ],
)
def test_what_cannot_be_written_is_named_and_kept(short_course, unwritable, words, named):
    if unwritable.startswith("build"):
        assert finished(command(short_course, "run")).returncode == 0
    place, before = short_course / unwritable, stored(short_course)
    place.chmod(0o555)
    try:
        done = finished(command(short_course, words), preexec_fn=as_ordinary_user)
    finally:
        place.chmod(0o755)
    assert done.returncode == 1, done.stdout
    path = re.escape(f"{short_course}/{named}")
    assert re.match(rf"{path}.*: Permission denied\. {ANOTHER_USER}", done.stderr)
    assert "Traceback" not in done.stderr
    assert stored(short_course) == before
    assert not list(short_course.rglob("*.part"))


def test_a_full_disk_leaves_no_half_of_a_page(short_course):
    import resource

    def with_little_room():
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    done = finished(command(short_course, "run"), preexec_fn=with_little_room)
    assert done.returncode == 1
    assert done.stderr == f"{short_course / 'build' / '02_b.html'}: File too large.\n"
    assert not list((short_course / "build").glob("*.html"))
    assert not list(short_course.rglob("*.part"))
