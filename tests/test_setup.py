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
from hashlib import sha256
from pathlib import Path

import psutil
import pytest

import setup
from children import as_in_the_foreground, as_ordinary_user
from course import find_notebooks
from local_server import serving

ROOT = Path(__file__).parent.parent
PATIENCE = 60  # seconds after which a test that waits has failed
TORCH = "torch==2.13.0"

posix = pytest.mark.skipif(os.name == "nt", reason="signals, permissions and terminals of POSIX")
linux = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere PyPI's torch is small")

# ----------------------------------------------------------------------------------- refused


def refused(before, **environment):
    """Run set-up in a process that has run the code ``before``; return its one line."""
    code = (
        f"import sys; sys.path.insert(0, 'scripts'); {before}; import setup;"
        "setup.environment_runs = lambda: False; setup.install = None; sys.exit(setup.main())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


@pytest.mark.parametrize("version", [(3, 10, 13), (3, 14, 0), (2, 7, 18)])
def test_an_unsupported_python_is_refused_in_one_line(version):
    line = refused(f"sys.version_info = {version}")
    found = ".".join(map(str, version))
    assert line.startswith(f"The course needs Python 3.11, 3.12 or 3.13, and this is {found}")
    assert setup.CHOOSE in line


def test_a_python_without_venv_is_refused_in_one_line():
    assert "sudo apt install python3." in refused("sys.modules['ensurepip'] = None")


@pytest.mark.parametrize(("module", "package"), setup.NEEDED.items())
def test_a_python_that_lacks_what_is_needed_is_refused_in_one_line(module, package):
    line = refused(f"sys.modules[{module!r}] = None")
    assert f"was built without {module}, which the course needs. Install {package} " in line
    assert "pyenv install --force 3.1" in line
    assert setup.CHOOSE in line


@linux
def test_a_folder_whose_name_is_not_utf_8_is_refused_in_one_line(folder):
    place = folder.rename(folder.with_name(os.fsdecode(b"caf\xe9")))
    done = set_up(place, **offline(place))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith(rf"whose name is not UTF-8: {place.parent}/caf\udce9" + "\n")
    assert done.stderr.count("\n") == 1


def test_an_unknown_torch_is_refused_in_one_line():
    assert "TORCH must be cuda (PyPI's torch" in refused("0", TORCH="cpu")
    assert "got 'cpu'" in refused("0", TORCH="cpu")


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
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


# ----------------------------------------------------------------------------- a small course


def wheel(name, version, *requires):
    """Return a wheel with an empty package."""
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    files = {
        f"{name}/__init__.py": "",
        f"{info}/METADATA": metadata + "".join(f"Requires-Dist: {one}\n" for one in requires),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        for path, text in files.items():
            file.writestr(path, text)
    return content.getvalue()


SMALL = {
    "small-1.0-py3-none-any.whl": wheel("small", "1.0", "smaller"),
    "smaller-1.0-py3-none-any.whl": wheel("smaller", "1.0"),
}
CPU_TORCH = {"torch-2.13.0+cpu-py3-none-any.whl": wheel("torch", "2.13.0+cpu")}
PYPI = {**SMALL, "torch-2.13.0-py3-none-any.whl": wheel("torch", "2.13.0")}

# Installs `helpers` as setuptools does, which a test without a network cannot fetch.
BACKEND = """
import os, zipfile

def build_editable(folder, config_settings=None, metadata_directory=None):
    info = "course-1.dist-info/"
    with zipfile.ZipFile(os.path.join(folder, "course-1-py3-none-any.whl"), "w") as file:
        file.writestr("course.pth", "import sys; sys.path.append(%a)" % os.getcwd())
        file.writestr(info + "METADATA", "Metadata-Version: 2.1\\nName: course\\nVersion: 1\\n")
        file.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\n")
        file.writestr(info + "RECORD", "course.pth,,\\n")
    return "course-1-py3-none-any.whl"
"""


class Index(http.server.BaseHTTPRequestHandler):
    """An index for each first part of the path: what it does there is told by its name."""

    def do_GET(self):
        _, source, project, file = self.path.split("/")
        self.server.asked.append(source)
        wheels = {"simple": PYPI, "wrong": CPU_TORCH, "gone": CPU_TORCH, "good": CPU_TORCH}
        wheels = wheels.get(source, {})
        if source == "hang":
            self.server.go_on.wait(PATIENCE)
        elif source == "broken":
            self.send_error(500)
        elif source == "trickle":
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            while not self.server.go_on.wait(0.2):
                self.wfile.write(b"<!-- -->")
        elif file and source != "gone":
            self.answer(wheels[file.replace("%2B", "+")])
        elif file or not any(name.startswith(project + "-") for name in wheels):
            self.send_error(404)
        else:
            names = [name for name in wheels if name.startswith(project + "-")]
            wrong = "#sha256=" + sha256(b"another").hexdigest() if source == "wrong" else ""
            links = [f'<a href="{n.replace("+", "%2B")}{wrong}">{n}</a>' for n in names]
            self.answer("\n".join(links).encode())

    def answer(self, content):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *args):
        pass  # a client that was ended


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    index = Server(("127.0.0.1", 0), Index)
    index.asked, index.go_on = [], threading.Event()
    index.url = f"http://127.0.0.1:{index.server_port}/"
    with serving(index):
        yield index


@pytest.fixture(scope="module")
def empty_environment(tmp_path_factory):
    folder = tmp_path_factory.mktemp("environment") / ".venv"
    subprocess.run([sys.executable, "-I", "-m", "venv", str(folder)], check=True)
    return folder


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A course that needs two made-up packages, in a folder with a space and Chinese letters."""
    root = tmp_path / "my 课程"
    (root / "helpers").mkdir(parents=True)
    (root / "helpers" / "__init__.py").touch()
    (root / "backend.py").write_text(BACKEND, "utf-8")
    (root / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n', "utf-8"
    )
    (root / "requirements.txt").write_text(
        f"{TORCH}  # a comment\nsmall==1.0\n-e .\n-c constraints.txt\n", "utf-8"
    )
    (root / "constraints.txt").write_text("smaller==1.0\n", "utf-8")
    (root / "wheels").mkdir()
    for name, content in PYPI.items():
        (root / "wheels" / name).write_bytes(content)
    (root / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "setup.py", root / "scripts")
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


def offline(folder):
    return {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "wheels"}


def command_and_environment(environment):
    return [sys.executable, "-Es", os.path.join("scripts", "setup.py")], os.environ | environment


def set_up(folder, *, preexec_fn=None, **environment):
    command, env = command_and_environment(environment)
    return subprocess.run(
        command,
        cwd=folder,
        env=env,
        preexec_fn=preexec_fn,
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
    )


def installed(*names):
    """Return the versions in the environment, "" for what is not there."""
    code = (
        "import sys; from importlib import metadata\n"
        "for name in sys.argv[1:]:\n"
        "    print(*[one.version for one in metadata.distributions(name=name)])"
    )
    command = [setup.environment_python(), "-I", "-c", code, *names]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


# -------------------------------------------------------------------------------------- stamps


def test_the_stamp_knows_the_folder_and_the_requirements(folder):
    first = setup.wanted_stamp()
    assert first.splitlines()[1:] == [str(folder)]
    assert setup.wanted_stamp() == first
    (folder / "requirements.txt").write_text("two", "utf-8")
    assert setup.wanted_stamp() != first
    assert setup.found_stamp() == ""


def test_a_new_course_is_set_up_once(folder):
    done = set_up(folder, **offline(folder))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "Done: .venv is ready."
    assert done.stderr == ""
    assert Path(setup.STAMP).read_text("utf-8") == setup.wanted_stamp()
    assert installed("torch", "small", "smaller") == ["2.13.0", "1.0", "1.0"]
    again = set_up(folder, PYTHONHOME="/nonexistent")
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")


@pytest.mark.parametrize("failing", ["venv", "ensurepip", "install"])
def test_a_half_finished_installation_has_no_stamp(environment, monkeypatch, capsys, failing):
    folder = environment.parent
    if failing != "install":  # a folder that was moved is set up anew
        Path(setup.STAMP).write_text("another\nanother\n", "utf-8")
    real = setup.run

    def run(command, *arguments, **options):
        return 7 if failing in command else real(command, *arguments, **options)

    monkeypatch.setattr(setup, "run", run)
    for name, value in offline(folder).items():
        monkeypatch.setenv(name, value)
    assert setup.main() == 1
    assert not Path(setup.STAMP).exists()
    assert capsys.readouterr().err.endswith(f"{setup.UNFINISHED}\n")
    assert set_up(folder).returncode == 0
    assert Path(setup.STAMP).read_text("utf-8") == setup.wanted_stamp()


# -------------------------------------------------------------------------- what pip is told


def test_settings_that_say_where_from_are_kept(environment, monkeypatch):
    file = environment.parent / "pip.conf"
    file.write_text(
        f"[global]\nquiet = 3\npython = /nonexistent\nlog = {file}/log\ncert = one.pem\n"
        "index-url = http://a\ntimeout = 11\nproxy = http://p\nuser = true\nsite = true\n"
        "find-links =\n    one\n    http://two\n"
        "[install]\nproxy = http://q\nno-deps = true\nprefix = x\nconstraint = c.txt\n    d.txt\n"
        "[download]\nretries = 9\n",
        "utf-8",
    )
    for name, value in {
        "CONFIG_FILE": str(file),
        "INDEX_URL": "http://b",
        "DEFAULT_TIMEOUT": "12",
        "DRY_RUN": "1",
        "PYTHON": "/nonexistent",
        "REQUIRE_HASHES": "1",
        "QUIET": "2",
        "CERT": "",
    }.items():
        monkeypatch.setenv(f"PIP_{name}", value)
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
    assert set(settings) <= setup.WHERE_FROM
    assert "retries" not in settings
    env = setup.pip_environment(settings)
    assert {name for name in env if name.startswith("PIP_")} == {
        f"PIP_{name.upper().replace('-', '_')}"
        for name in {*settings, "config-file", "no-input", "disable-pip-version-check"}
        | {"progress-bar", "no-color"}
    }
    assert env["PIP_CONFIG_FILE"] == os.devnull
    assert env["PIP_FIND_LINKS"] == "\none\nhttp://two"
    assert env["PIP_TIMEOUT"] == "12"
    assert setup.pip_environment({})["PIP_TIMEOUT"] == "60"


def test_relative_paths_keep_their_meaning(environment, tmp_path, monkeypatch):
    for place in (tmp_path, environment.parent):
        (place / "c.txt").touch()
    monkeypatch.setenv("PIP_CONSTRAINT", "c.txt http://a/d.txt")
    assert setup.pip_settings()["constraint"] == "c.txt http://a/d.txt"
    monkeypatch.chdir(tmp_path)
    assert setup.pip_settings()["constraint"] == f"{tmp_path / 'c.txt'} http://a/d.txt"


def test_settings_that_pip_cannot_read_are_named(environment, monkeypatch):
    file = environment.parent / "pip.conf"
    file.write_text("[global\n", "utf-8")
    done = set_up(environment.parent, PIP_CONFIG_FILE=str(file))
    assert done.returncode == 1
    assert "contains no section headers" in done.stderr
    assert "pip cannot read its settings: mend them" in done.stderr
    assert "Traceback" not in done.stderr
    assert not Path(setup.STAMP).exists()


def test_nothing_leads_packages_elsewhere_or_leaves_them_out(environment, tmp_path):
    folder, home = environment.parent, tmp_path / "home"
    home.mkdir()
    astray = str(tmp_path / "astray")
    (home / "pip.conf").write_text(
        f"[global]\ntarget = {astray}\n[install]\nuser = true\nroot = {astray}\n", "utf-8"
    )
    (home / ".pydistutils.cfg").write_text(f"[install]\nprefix = {astray}\n", "utf-8")
    (home / "sitecustomize.py").write_text("raise SystemExit('astray')", "utf-8")
    (folder / "pip.py").write_text("raise SystemExit('astray')", "utf-8")
    done = set_up(
        folder,
        HOME=str(home),
        PIP_CONFIG_FILE=str(home / "pip.conf"),
        PIP_NO_DEPS="1",
        PIP_DRY_RUN="1",
        PIP_PREFIX=astray,
        PIP_REPORT=astray,
        PIP_PYTHON="/nonexistent",
        PIP_REQUIRE_HASHES="1",
        PIP_NO_BINARY=":all:",
        PYTHONPATH=str(home),
        PYTHONHOME="/nonexistent",
        PYTHONUSERBASE=astray,
        VIRTUAL_ENV=astray,
        **offline(folder),
    )
    assert done.returncode == 0, done.stderr
    assert installed("torch", "small", "smaller") == ["2.13.0", "1.0", "1.0"]
    assert not Path(astray).exists()


# ------------------------------------------------------------------------ what is really there


def add(environment, name, content):
    site = next(environment.rglob("site-packages"))
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        file.extractall(site)
    return site


def test_what_is_missing_is_named(environment, tmp_path):
    helpers = environment.parent / "helpers" / "__init__.py"
    site = add(environment, "torch", CPU_TORCH["torch-2.13.0+cpu-py3-none-any.whl"])
    wanted = [TORCH, "small==1.0", "torch==2.1", "sMaller==1.0"]
    add(environment, "smaller", SMALL["smaller-1.0-py3-none-any.whl"])
    assert setup.missing(wanted, str(helpers)) == [
        "small==1.0 (not there)",
        "torch==2.1 (there is 2.13.0+cpu)",
        "helpers of this folder (not there)",
    ]
    line = f"import sys; sys.path.append({str(environment.parent)!a})"
    (site / "course.pth").write_text(line, "utf-8")
    assert setup.missing([TORCH], str(helpers)) == []
    other = tmp_path / "helpers" / "__init__.py"
    other.parent.mkdir()
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
    assert "Done" not in out
    assert not Path(setup.STAMP).exists()


def test_the_pins_of_the_course_are_read():
    lines = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    assert setup.pins() == [line.split()[0] for line in lines if not line.startswith("-")]
    assert any(pin.startswith("torch==") for pin in setup.pins())


def test_what_pip_complained_of_is_shown_and_the_log_named(environment, monkeypatch):
    done = set_up(environment.parent, PIP_NO_INDEX="1", TORCH="cuda")
    assert done.returncode == 1
    first, *_, log, last = done.stderr.splitlines()
    assert first.startswith("ERROR: Could not find a version that satisfies the requirement torch")
    assert log == f"All that pip said is in {setup.LOG}"
    assert last == setup.UNFINISHED
    assert "Looking" not in done.stderr
    assert TORCH in Path(setup.LOG).read_text("utf-8")


def test_what_is_drawn_can_be_drawn_in_any_code_page(environment):
    Path(setup.LOG).write_text("Collecting small\nProcessing /home/课程/small\n", "utf-8")
    assert setup.what_pip_is_at().startswith(r"Processing /home/\xe8\xaf\xbe")


def test_a_code_page_without_the_letters_of_the_folder_is_no_error(environment):
    env = {"PIP_NO_INDEX": "1", "TORCH": "cuda", "PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"}
    env["LC_ALL"] = "C.UTF-8"  # so that the folder's name can be read
    command = [sys.executable, os.path.join("scripts", "setup.py")]  # without -E, which ignores it
    done = subprocess.run(command, env=os.environ | env, capture_output=True, check=False)
    assert done.returncode == 1
    assert b"my \\u8bfe\\u7a0b" in done.stderr
    assert done.stderr.endswith(setup.UNFINISHED.encode() + os.linesep.encode())


# --------------------------------------------------------------------------------------- torch


def reader(server, environment, monkeypatch, source="simple", **settings):
    """Let the reader's index be one of the server's, and PyTorch's another."""
    monkeypatch.setattr(setup, "CPU_INDEX", server.url + source)
    monkeypatch.setattr(setup, "CPU_INDEX_SECONDS", 2)
    return {"index-url": server.url + "simple", "retries": "0", "no-cache-dir": "1", **settings}


def test_torch_comes_without_graphics_cards(server, environment, monkeypatch, capsys):
    settings = reader(server, environment, monkeypatch, "good")
    setup.install_cpu_torch(TORCH, settings)
    assert installed("torch") == ["2.13.0+cpu"]
    assert capsys.readouterr().out == (
        f"Asking {setup.CPU_INDEX} for a small {TORCH} (TORCH=cuda takes PyPI's) ...\n"
    )
    assert not setup.pip_install(setup.pip_environment(settings), "--requirement=requirements.txt")
    assert installed("torch", "small") == ["2.13.0+cpu", "1.0"]
    server.asked.clear()
    setup.install_cpu_torch(TORCH, settings)
    assert server.asked == [], "a torch that is there is left alone"


@pytest.mark.parametrize("source", ["hang", "trickle", "broken", "lacks"])
def test_an_index_that_does_not_serve_costs_seconds(
    server, environment, monkeypatch, capsys, source
):
    settings = reader(server, environment, monkeypatch, source)
    settings["extra-index-url"] = server.url + "simple"  # has a torch, which is no answer
    begun = time.monotonic()
    setup.install_cpu_torch(TORCH, settings)
    assert time.monotonic() - begun < 8  # 2 of them for the index, the others for starting pip
    assert source in server.asked
    assert installed("torch") == [""]
    assert capsys.readouterr().out.splitlines()[1] == (
        "That index has not offered it within 2 seconds: PyPI's is taken, gigabytes with what it"
        " needs."
    )


@pytest.mark.parametrize("source", ["gone", "wrong"])
def test_an_index_that_breaks_its_promise_is_left(server, environment, monkeypatch, capsys, source):
    setup.install_cpu_torch(TORCH, reader(server, environment, monkeypatch, source))
    assert installed("torch") == [""]
    assert "could not be installed from there: PyPI's is taken" in capsys.readouterr().out


@linux
def test_the_way_back_to_pypi(server, environment, capsys):
    script = environment.parent / "scripts" / "setup.py"
    source = script.read_text("utf-8")
    source = source.replace(setup.CPU_INDEX, server.url + "hang").replace(
        "SECONDS = 8", "SECONDS = 1"
    )
    script.write_text(source, "utf-8")
    done = set_up(environment.parent, PIP_INDEX_URL=server.url + "simple")
    assert done.returncode == 0, done.stderr
    assert [line.split(" ")[0] for line in done.stdout.splitlines()] == [
        "Setting",
        "Asking",
        "That",
        "Done:",
    ]
    assert installed("torch", "small") == ["2.13.0", "1.0"]


def test_the_readers_own_torch_is_left_as_it_is(server, environment, monkeypatch, capsys):
    settings = reader(server, environment, monkeypatch, "good", **{"find-links": "wheels"})
    setup.install_cpu_torch(TORCH, settings)
    setup.install_cpu_torch(TORCH, reader(server, environment, monkeypatch, **{"no-index": "1"}))
    assert server.asked == []
    assert capsys.readouterr().out == ""


def test_torch_for_graphics_cards_on_request(server, environment, monkeypatch):
    monkeypatch.setattr(setup, "install_cpu_torch", None)
    for name, value in {"TORCH": "cuda", "PIP_INDEX_URL": server.url + "simple"}.items():
        monkeypatch.setenv(name, value)
    assert setup.main() == 0
    assert installed("torch") == ["2.13.0"]


def test_the_course_names_pytorchs_own_index():
    assert setup.CPU_INDEX == "https://download.pytorch.org/whl/cpu"
    assert setup.CPU_INDEX_SECONDS <= 10


# -------------------------------------------------------------------- a terminal, and its end


def hanging(folder, server, preexec_fn=as_in_the_foreground):
    """Start set-up with an index that never answers; return when pip has asked it."""
    command, env = command_and_environment({"PIP_INDEX_URL": server.url + "hang", "TORCH": "cuda"})
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        preexec_fn=preexec_fn,
    )
    deadline = time.monotonic() + PATIENCE
    while not server.asked and time.monotonic() < deadline:
        time.sleep(0.05)
    assert server.asked
    return process


@posix
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"])
def test_a_signal_stops_pip_too(server, environment, name):
    number = getattr(signal, name)
    process = hanging(environment.parent, server)
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
def test_a_signal_that_was_ignored_stays_so(server, environment):
    def nohup():
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    process = hanging(environment.parent, server, preexec_fn=nohup)
    process.send_signal(signal.SIGHUP)
    time.sleep(0.6)
    assert process.poll() is None
    process.terminate()
    process.communicate(timeout=PATIENCE)
    assert process.returncode == 128 + signal.SIGTERM


@posix
def test_something_moves_on_a_terminal(environment, server):
    import pty

    command, env = command_and_environment(
        {"PIP_INDEX_URL": server.url + "hang", "TORCH": "cuda", "COLUMNS": "50"}
    )
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        command, cwd=environment.parent, env=env, stdout=theirs, stderr=theirs
    ) as process:
        os.close(theirs)
        shown = b""
        while b" 2 s" not in shown and select.select([ours], [], [], 10)[0]:
            shown += os.read(ours, 1000)
        process.terminate()
    os.close(ours)
    lines = shown.decode("ascii").split("\r")
    drawn = [line for line in lines if " s  " in line]
    assert {line[:6] for line in drawn} >= {"   0 s", "   1 s", "   2 s"}
    assert drawn[-1][8:].strip()
    assert drawn[-1][8:] in Path(setup.LOG).read_text("utf-8")
    assert {len(line) for line in drawn} == {49}


# ----------------------------------------------------------------------------- the file system


@pytest.mark.parametrize("name", ["requirements.txt", "constraints.txt", "pyproject.toml"])
def test_a_file_of_the_course_that_is_missing_is_named_in_words(environment, name):
    (environment.parent / name).unlink()
    done = set_up(environment.parent)
    assert done.returncode == 1
    assert done.stderr.startswith("[Errno 2] No such file or directory: ")
    assert name in done.stderr
    assert done.stderr.count("\n") == 2


@posix
@pytest.mark.parametrize("place", [".", ".venv", ".venv/lib"])
def test_a_folder_that_cannot_be_written_is_named_in_words(environment, place):
    folder = environment.parent
    if place != ".venv":  # to be made afresh
        Path(setup.STAMP).unlink()
    if place == ".":
        shutil.rmtree(environment)
    (folder / place).chmod(0o555)
    try:
        done = set_up(folder, preexec_fn=as_ordinary_user, **offline(folder))
    finally:
        (folder / place).chmod(0o755)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "Permission denied" in done.stderr
    assert "sudo chown -R" in done.stderr
    assert done.stderr.count("\n") == 3
    assert done.stderr.endswith(f"{setup.UNFINISHED}\n")


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        ("ERROR: an OSError: [Errno 28] No space left on device\n", "The disk is full"),
        ("[Errno 13] Permission denied: 'x'", "chown" if os.name != "nt" else "JupyterLab"),
        ("WARNING: Retrying (Retry(total=0)): /x\nERROR: No matching", "is there a network"),
        ("ERROR: something else", None),
    ],
)
def test_a_complaint_says_what_may_help(said, hint):
    lines = setup.complaint("begun\n" * 20 + said).splitlines()
    if said.startswith("ERROR"):
        assert len(lines) == (2 if hint else 1)
    assert len(lines) <= 11
    assert lines[-1] == said if hint is None else hint in lines[-1]
