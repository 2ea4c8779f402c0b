"""Setting up ``.venv``, tried on a small course: made-up wheels, a local index, real pip."""

import http.server
import io
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import threading
import time
import zipfile
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

import psutil
import pytest

from course.places import ROOT, find_notebooks
from scripts import setup
from tests.children import as_in_the_foreground, as_ordinary_user, finished
from tests.local_server import serving
from tests.small_courses import variables, write_files

PATIENCE = 60  # seconds after which a test that waits has failed
TORCH = "torch==2.13.0"

posix = pytest.mark.skipif(os.name == "nt", reason="signals, permissions and terminals of POSIX")
linux = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere PyPI's torch is small")

# ----------------------------------------------------------------------------- a small course


def wheel(name, version, requires="", **files):
    """Return a wheel of an empty package, or of these files: its path in an index, its content."""
    info = f"{name}-{version}.dist-info/"
    described = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    files = files or {f"{name}/__init__.py": ""}
    files[info + "METADATA"] = described + (f"Requires-Dist: {requires}\n" if requires else "")
    files[info + "WHEEL"] = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    files[info + "RECORD"] = "".join(f"{path},,\n" for path in [*files, info + "RECORD"])
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        for path, text in files.items():
            file.writestr(path, text)
    return f"{name}/{name}-{version}-py3-none-any.whl", content.getvalue()


PYPI = [wheel("small", "1.0", "smaller"), wheel("smaller", "1.0"), wheel("torch", "2.13.0")]
CPU_TORCH, SMALLER = wheel("torch", "2.13.0+cpu"), PYPI[1]
ALL = ["small==1.0", "smaller==1.0", "torch==2.13.0"]  # as `installed` names them

# Installs `helpers` as setuptools does, which a test without a network cannot fetch.
BACKEND = """
import os, shutil

def build_editable(folder, config_settings=None, metadata_directory=None):
    return os.path.basename(shutil.copy("course/course-1-py3-none-any.whl", folder))
"""
PROJECT = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
REQUIREMENTS = f"{TORCH}  # a comment\nsmall==1.0\n-e .\n-c constraints.txt\n"


@pytest.fixture(scope="module")
def empty_environment(tmp_path_factory):
    folder = tmp_path_factory.mktemp("environment") / ".venv"
    subprocess.run([sys.executable, "-I", "-m", "venv", str(folder)], check=True)
    return folder


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A course that needs two made-up packages, in a folder with a space and Chinese letters."""
    root = tmp_path / "my 课程"
    course = wheel("course", "1", **{"course.pth": f"import sys; sys.path.append({str(root)!a})"})
    write_files(root, dict([course]) | {f"simple/{path}": content for path, content in PYPI})
    write_files(root, {"backend.py": BACKEND, "pyproject.toml": PROJECT, "helpers/__init__.py": ""})
    write_files(root, {"requirements.txt": REQUIREMENTS, "constraints.txt": "smaller==1.0\n"})
    write_files(root, {"scripts/setup.py": Path(setup.__file__).read_bytes()})
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.chdir(root)
    monkeypatch.setattr(setup, "ROOT", str(root))
    for name in ("ENVIRONMENT", "STAMP", "LOG"):
        relative = os.path.relpath(getattr(setup, name), ROOT)
        monkeypatch.setattr(setup, name, str(root / relative))
    return root


@pytest.fixture
def environment(folder, empty_environment):
    """The course's environment, installed once and out of date."""
    shutil.copytree(empty_environment, folder / ".venv", symlinks=True)
    Path(setup.STAMP).write_text(f"another\n{folder}\n", "utf-8")
    return folder / ".venv"


PLACES = "simple/small simple/smaller simple/torch"
OFFLINE = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": PLACES}
COMMAND = [sys.executable, "-Es", os.path.join("scripts", "setup.py")]


def set_up(*, preexec_fn=None, **given):
    """Set up the course in this folder, with these variables besides."""
    options = {"preexec_fn": preexec_fn, "encoding": "utf-8", "timeout": PATIENCE}
    return finished(COMMAND, env=os.environ | given, **options)


def installed():
    """Return which of the made-up packages the environment holds."""
    sites = [str(site) for site in Path(setup.ENVIRONMENT).rglob("site-packages")]
    found = [f"{one.name}=={one.version}" for one in metadata.distributions(path=sites)]
    return sorted(pin for pin in found if pin.startswith(("small", "torch")))


# ------------------------------------------------------------------------------------- refused

CHOOSE = re.escape(setup.CHOOSE)
PYTHONS = r"The course needs Python 3\.11, 3\.12 or 3\.13, and this is %d\.%d\.%d \(.*" + CHOOSE
UNFIT = [(3, 10, 13), (3, 14, 0), (2, 7, 18)]
NO_VENV = r"This Python .* sudo apt install python3\..*"
LACKS = r"This Python .* was built without %s, which the course needs\. Install %s "
LACKS += r"\(.*\) and build it again, .* pyenv install --force 3\.1.*" + CHOOSE


@pytest.mark.parametrize(
    ("before", "line"),
    [
        *((f"sys.version_info = {numbers}", PYTHONS % numbers) for numbers in UNFIT),
        *((f"sys.modules[{name!r}] = None", NO_VENV) for name in ("venv", "ensurepip")),
        *((f"sys.modules[{need[0]!r}] = None", LACKS % need) for need in setup.NEEDED.items()),
        (r"setup.ROOT = '/caf\udce9'", r"Python's venv makes no .* is not UTF-8: /caf\\udce9"),
        ("os.environ['TORCH'] = 'cpu'", r"TORCH must be cuda \(PyPI's torch.*, got 'cpu'"),
    ],
)
def test_what_cannot_set_up_the_course_is_refused_in_one_line(before, line):
    code = (
        f"import os, sys; sys.path.insert(0, 'scripts'); import setup; {before};"
        "setup.environment_runs = lambda: False; setup.install = None; sys.exit(setup.main())"
    )
    done = finished([sys.executable, "-c", code], cwd=ROOT)
    assert done.returncode == 1
    assert re.fullmatch(line + "\n", done.stderr), done.stderr


def test_lessons_do_without_what_a_python_may_lack():
    modules = {f"helpers.{path.stem}" for path in (ROOT / "helpers").glob("[!_]*.py")}
    modules |= {"ipykernel.ipkernel", "nbclient"}
    for path in find_notebooks():
        for cell in json.loads(path.read_text("utf-8"))["cells"]:
            modules |= set(re.findall(r"^(?:from|import) ([\w.]+)", "".join(cell["source"]), re.M))
    lacking = ["_lzma", "_bz2", "_hashlib", "readline", "_curses", "_tkinter", "_uuid", "_gdbm"]
    code = (
        f"import importlib, sys; sys.modules.update(dict.fromkeys({lacking}))\n"
        f"for name in {sorted(modules)}: importlib.import_module(name)"
    )
    done = finished([sys.executable, "-c", code], cwd=ROOT)
    assert done.returncode == 0, done.stderr


# -------------------------------------------------------------------------------------- stamps


ASTRAY = """
HOME={home} PYTHONPATH={home} PYTHONHOME=/nonexistent PYTHONUSERBASE={astray} VIRTUAL_ENV={astray}
PIP_CONFIG_FILE={home}/pip.conf PIP_PREFIX={astray} PIP_REPORT={astray} PIP_PYTHON=/nonexistent
PIP_NO_BINARY=:all: PIP_NO_DEPS=1 PIP_DRY_RUN=1 PIP_REQUIRE_HASHES=1
"""


def test_a_new_course_is_set_up_once_and_nothing_leads_packages_astray(folder, tmp_path):
    home, astray = tmp_path / "home", tmp_path / "astray"
    conf = f"[global]\ntarget={astray}\n[install]\nuser=true\nroot={astray}\n"
    write_files(home, {"pip.conf": conf, ".pydistutils.cfg": f"[install]\nprefix={astray}\n"})
    write_files(home, {"sitecustomize.py": "raise SystemExit('astray')"})
    write_files(folder, {"pip.py": "raise SystemExit('astray')"})
    given = variables(ASTRAY, home=home, astray=astray)
    done = set_up(**OFFLINE, **given)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "Done: .venv is ready."
    assert Path(setup.STAMP).read_text("utf-8") == setup.wanted_stamp()
    assert installed() == ALL
    assert not astray.exists()
    again = set_up(**given)
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    for name in ("requirements.txt", "constraints.txt", "pyproject.toml"):
        (folder / name).write_text("changed", "utf-8")
        stamp, before = setup.wanted_stamp(), setup.found_stamp()
        assert stamp != before
        Path(setup.STAMP).write_text(stamp, "utf-8")


@pytest.mark.parametrize("failing", ["venv", "ensurepip", "install"])
def test_a_half_finished_installation_has_no_stamp(environment, monkeypatch, capsys, failing):
    if failing != "install":  # a folder that was moved is set up anew
        Path(setup.STAMP).write_text("another\nanother\n", "utf-8")
    real = setup.run

    def run(command, *arguments, **options):
        return 7 if failing in command else real(command, *arguments, **options)

    monkeypatch.setattr(setup, "run", run)
    monkeypatch.setattr(os, "environ", os.environ | OFFLINE)
    assert setup.main() == 1
    assert not Path(setup.STAMP).exists()
    assert capsys.readouterr().err.endswith(f"{setup.UNFINISHED}\n")
    if failing == "ensurepip":  # leaves most to be done by the next call
        assert set_up().returncode == 0
        assert Path(setup.STAMP).read_text("utf-8") == setup.wanted_stamp()


# -------------------------------------------------------------------------- what pip is told

PIP_CONF = """
[global] quiet=3 python=/nonexistent log=pip.conf/log cert=one.pem index-url=http://a timeout=11
    proxy=http://p user=true site=true find-links=,one,http://two
[install] proxy=http://q no-deps=true prefix=x constraint=c.txt,d.txt
[download] retries=9
"""


def test_settings_that_say_where_from_are_kept(environment, monkeypatch):
    Path("pip.conf").write_text("\n".join(PIP_CONF.split()).replace(",", "\n    "), "utf-8")
    given = "PIP_CONFIG_FILE=pip.conf PIP_INDEX_URL=http://b PIP_DEFAULT_TIMEOUT=12 PIP_DRY_RUN=1"
    given += " PIP_PYTHON=/nonexistent PIP_REQUIRE_HASHES=1 PIP_QUIET=2 PIP_CERT="
    monkeypatch.setattr(os, "environ", os.environ | variables(given))
    settings = setup.pip_settings()
    expected = {
        "index-url": "http://b",
        "timeout": "12",
        "proxy": "http://q",
        "cert": "one.pem",
        "find-links": "\none\nhttp://two",
        "constraint": "c.txt\nd.txt",
        "no-cache-dir": "1",
    }
    assert expected.items() <= settings.items()
    assert set(settings) <= setup.WHERE_FROM - {"retries"}
    env = setup.pip_environment(settings)
    ours = {"config-file", "no-input", "disable-pip-version-check", "progress-bar", "no-color"}
    names = {f"PIP_{name.upper().replace('-', '_')}" for name in ours | set(settings)}
    assert {name for name in env if name.startswith("PIP_")} == names
    assert (env["PIP_CONFIG_FILE"], env["PIP_TIMEOUT"]) == (os.devnull, "12")
    assert setup.pip_environment({})["PIP_TIMEOUT"] == "60"


def test_relative_paths_keep_their_meaning(environment, tmp_path, monkeypatch):
    for place in (tmp_path, environment.parent):
        (place / "c.txt").touch()
    monkeypatch.setenv("PIP_CONSTRAINT", "c.txt http://a/d.txt")
    assert setup.pip_settings()["constraint"] == "c.txt http://a/d.txt"
    monkeypatch.chdir(tmp_path)
    assert setup.pip_settings()["constraint"] == f"{tmp_path / 'c.txt'} http://a/d.txt"


# ------------------------------------------------------------------------ what is really there


def test_what_is_missing_is_named(environment, tmp_path):
    for _, content in (CPU_TORCH, SMALLER):
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            file.extractall(site := next(environment.rglob("site-packages")))
    helpers = environment.parent / "helpers" / "__init__.py"
    assert setup.missing([TORCH, "small==1.0", "torch==2.1", "sMaller==1.0"], str(helpers)) == [
        "small==1.0 (not there)",
        "torch==2.1 (there is 2.13.0+cpu)",
        "helpers of this folder (not there)",
    ]
    line = f"import sys; sys.path.append({str(environment.parent)!a})"
    (site / "course.pth").write_text(line, "utf-8")
    assert setup.missing([TORCH], str(helpers)) == []
    other = tmp_path / "helpers.py"
    other.touch()
    assert setup.missing([], str(other)) == [f"helpers of this folder (there is {helpers})"]


def test_a_success_that_pip_only_reports_is_none(environment, monkeypatch, capsys):
    monkeypatch.setattr(setup, "pip_install", lambda *_: "")
    monkeypatch.setenv("TORCH", "cuda")
    assert setup.main() == 1
    out, err = capsys.readouterr()
    assert err.splitlines() == [
        "pip reports success, but .venv lacks torch==2.13.0 (not there), small==1.0 (not there),"
        " helpers of this folder (not there)",
        setup.UNFINISHED,
    ]
    assert out.count("\n") == 1, "neither is PyTorch's index asked, nor is it done"
    assert not Path(setup.STAMP).exists()


def test_what_pip_complained_of_is_shown_in_any_code_page_and_the_log_named(environment):
    env = variables("PIP_NO_INDEX=1 TORCH=cuda PYTHONIOENCODING=cp1252 PYTHONUTF8=0 LC_ALL=C.UTF-8")
    command = [word for word in COMMAND if word != "-Es"]  # -E would ignore the code page
    done = finished(command, env=os.environ | env)
    assert done.returncode == 1
    first, *_, log, last = done.stderr.splitlines()
    assert first.startswith("ERROR: Could not find a version that satisfies the requirement torch")
    assert log == f"All that pip said is in {ascii(setup.LOG)[1:-1]}"
    assert last == setup.UNFINISHED
    assert "Looking" not in done.stderr
    assert TORCH in Path(setup.LOG).read_text("utf-8")


def test_what_is_drawn_can_be_drawn_in_any_code_page(environment):
    Path(setup.LOG).write_text("Collecting small\nProcessing /home/课程/small\n", "utf-8")
    assert setup.what_pip_is_at().startswith(r"Processing /home/\xe8\xaf\xbe")


# --------------------------------------------------------------------------------------- torch


class Index(http.server.SimpleHTTPRequestHandler):
    """Serves this folder, in which some folders are indexes. The others do what they are called."""

    def do_GET(self):
        source = self.path.split("/")[1]
        self.server.asked.append(source)
        if source == "hang":
            self.server.go_on.wait(PATIENCE)
        elif source == "trickle":
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            while not self.server.go_on.wait(0.2):
                self.wfile.write(b"<!-- -->")
        else:
            super().do_GET()

    def log_message(self, *args):
        pass


@pytest.fixture
def server(folder):
    path, content = CPU_TORCH
    write_files(folder, {f"good/{path}": content, f"wrong/{path}": "no wheel"})
    index = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Index)
    index.handle_error = lambda *_: None  # a client that was ended
    index.asked, index.go_on = [], threading.Event()
    index.url = f"http://127.0.0.1:{index.server_port}/"
    with serving(index):
        yield index


@pytest.fixture
def take_torch(server, environment, monkeypatch):
    """Install a torch for a reader who has an own index, and return the reader's settings."""

    def take(source, seconds=PATIENCE, **settings):
        monkeypatch.setattr(setup, "CPU_INDEX", server.url + source)
        monkeypatch.setattr(setup, "CPU_INDEX_SECONDS", seconds)
        own = {"index-url": server.url + "simple", "retries": "0", "no-cache-dir": "1"}
        setup.install_cpu_torch(TORCH, own | settings)
        return own | settings

    return take


def test_torch_comes_without_graphics_cards(server, take_torch, capsys):
    settings = take_torch("good")
    assert installed() == ["torch==2.13.0+cpu"]
    asking = f"Asking {setup.CPU_INDEX} for a small {TORCH} (TORCH=cuda takes PyPI's) ...\n"
    assert capsys.readouterr().out == asking
    assert not setup.pip_install(setup.pip_environment(settings), "--requirement=requirements.txt")
    assert installed() == ["small==1.0", "smaller==1.0", "torch==2.13.0+cpu"]
    server.asked.clear()
    take_torch("good")
    assert server.asked == [], "a torch that is there is left alone"


NOT_OFFERED = "has not offered it within {} seconds"
NOT_KEPT = "offers it, but it could not be installed from there"


@pytest.mark.parametrize(
    ("source", "limit", "problem"),
    [
        *((source, 4, NOT_OFFERED) for source in ("hang", "trickle")),
        ("lacks", PATIENCE, NOT_OFFERED),
        ("wrong", PATIENCE, NOT_KEPT),
    ],
)
def test_an_index_that_fails_costs_seconds(server, take_torch, capsys, source, limit, problem):
    begun = time.monotonic()
    # PyPI has a torch, which is no answer.
    take_torch(source, limit, **{"extra-index-url": server.url + "simple"})
    if problem == NOT_OFFERED:
        assert time.monotonic() - begun < 12  # most of them for starting pip
    assert source in server.asked
    assert installed() == []
    told = f"That index {problem.format(limit)}: PyPI's is taken, gigabytes with what it needs."
    assert capsys.readouterr().out.splitlines()[-1] == told


@linux
def test_the_way_back_to_pypi(server, environment, monkeypatch, capsys):
    monkeypatch.setattr(setup, "CPU_INDEX", server.url + "hang")
    monkeypatch.setattr(setup, "CPU_INDEX_SECONDS", 1)
    monkeypatch.setenv("PIP_INDEX_URL", server.url + "simple")
    assert setup.main() == 0
    words = [line.split(" ")[0] for line in capsys.readouterr().out.splitlines()]
    assert words == ["Setting", "Asking", "That", "Done:"]
    assert installed() == ALL


def test_the_readers_own_torch_is_left_as_it_is(server, take_torch, capsys):
    take_torch("good", **{"find-links": PLACES})
    take_torch("good", **{"no-index": "1"})
    assert server.asked == []
    assert capsys.readouterr().out == ""


# -------------------------------------------------------------------- a terminal, and its end


@contextmanager
def hanging(server, **options):
    """Run set-up with an index that never answers, from when pip has asked it."""
    given = {"PIP_INDEX_URL": server.url + "hang", "TORCH": "cuda", "COLUMNS": "50"}
    process = subprocess.Popen(COMMAND, env=os.environ | given, **options)
    try:
        deadline = time.monotonic() + PATIENCE
        while not server.asked and time.monotonic() < deadline:
            time.sleep(0.05)
        assert server.asked
        yield process
    finally:
        process.kill()
        process.wait()


@posix
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"])
def test_a_signal_stops_pip_too(server, environment, name):
    number = getattr(signal, name)
    options = {"stderr": subprocess.PIPE, "text": True, "preexec_fn": as_in_the_foreground}
    with hanging(server, **options) as process:
        children = psutil.Process(process.pid).children(recursive=True)
        assert children
        begun = time.monotonic()
        process.send_signal(number)
        _, err = process.communicate(timeout=PATIENCE)
    assert time.monotonic() - begun < 2
    assert process.returncode == 128 + number
    assert err == f"Stopped. {setup.UNFINISHED}\n"
    assert not [child for child in children if child.is_running()]
    assert not Path(setup.STAMP).exists()


def test_a_signal_that_comes_early_leaves_a_finished_environment(environment, monkeypatch, capsys):
    monkeypatch.setattr(setup, "environment_runs", lambda: False)  # it was interrupted as well
    monkeypatch.setattr(setup, "stop_signals", [signal.SIGINT])
    assert setup.main() == 128 + signal.SIGINT
    assert capsys.readouterr() == ("", f"Stopped. {setup.UNFINISHED}\n")
    assert Path(setup.STAMP).exists()


@posix
def test_a_hangup_that_was_ignored_stays_so_and_a_terminal_shows_the_progress(server, environment):
    def nohup():
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    ours, theirs = os.openpty()
    with hanging(server, stdout=theirs, stderr=theirs, preexec_fn=nohup) as process:
        os.close(theirs)
        process.send_signal(signal.SIGHUP)
        shown = b""
        while b" 2 s" not in shown and select.select([ours], [], [], 10)[0]:
            shown += os.read(ours, 1000)
        assert process.poll() is None
        process.terminate()
        assert process.wait(PATIENCE) == 128 + signal.SIGTERM
    os.close(ours)
    drawn = [line for line in shown.decode("ascii").split("\r") if " s  " in line]
    assert {line[:6] for line in drawn} >= {"   0 s", "   1 s", "   2 s"}
    assert drawn[-1][8:].strip()
    assert drawn[-1][8:] in Path(setup.LOG).read_text("utf-8")
    assert {len(line) for line in drawn} == {49}


# ------------------------------------------------------------------------------------ in words


def fails(words, **given):
    """Let set-up fail with these words, a pattern, and no others but that it did not finish."""
    done = set_up(**given)
    assert done.returncode == 1
    assert re.fullmatch(f"{words}\n{re.escape(setup.UNFINISHED)}\n", done.stderr), done.stderr


def test_settings_that_pip_cannot_read_are_named(environment):
    Path("pip.conf").write_text("[global\n", "utf-8")
    words = r"(?s:(?!.*Traceback).*contains no section headers.*)pip cannot read .* mend them .*"
    fails(words, PIP_CONFIG_FILE="pip.conf")
    assert not Path(setup.STAMP).exists()


@pytest.mark.parametrize("name", ["requirements.txt", "constraints.txt", "pyproject.toml"])
def test_a_file_of_the_course_that_is_missing_is_named(environment, name):
    Path(name).unlink()
    fails(rf"\[Errno 2\] No such file or directory: .*{name}.*")


@posix
@pytest.mark.parametrize("place", [".", ".venv", ".venv/lib"])
def test_a_folder_that_cannot_be_written_is_named(environment, place):
    if place != ".venv":  # to be made afresh
        Path(setup.STAMP).unlink()
    if place == ".":
        shutil.rmtree(environment)
    Path(place).chmod(0o555)
    try:
        fails(".*Permission denied.*\n.*sudo chown -R.*", preexec_fn=as_ordinary_user, **OFFLINE)
    finally:
        Path(place).chmod(0o755)


@pytest.mark.parametrize(
    ("said", "shown", "hint"),
    [
        ("ERROR: an OSError: [Errno 28] No space left on device\n", 1, "The disk is full"),
        ("[Errno 13] Permission denied: 'x'", 10, "chown" if os.name != "nt" else "JupyterLab"),
        ("WARNING: Retrying (Retry(total=0)): /x\nERROR: No matching", 1, "is there a network"),
        ("ERROR: something else", 1, ""),
    ],
)
def test_a_complaint_says_what_may_help(said, shown, hint):
    lines = setup.complaint("begun\n" * 20 + said).splitlines()
    assert len(lines) == shown + (hint != "")
    assert (hint or said) in lines[-1]
