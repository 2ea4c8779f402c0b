"""Nothing that a reader has set reaches kernels, tests, or what is compared and published."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from nbformat import read, write
from nbformat.v4 import new_code_cell, new_notebook

import course
import environment
from children import as_ordinary_user

ROOT = Path(__file__).parent.parent
FIGURE = "tests/helpers/figures/test_figures.py::test_lines"
SPOILER = 'raise SystemExit("the reader\'s own file was run")\n'


@pytest.fixture
def reader(tmp_path):
    """The variables of a reader who has set everything that can be set, in files and without."""
    home = tmp_path / "home"
    packages = home / "packages"
    packages.mkdir(parents=True)
    for name in ("helpers", "nbformat", "execution", "pytest_spoiler", "startup", "json"):
        (packages / f"{name}.py").write_text(SPOILER, encoding="utf-8")
    style = "text.usetex: True\naxes.grid: True\nfigure.dpi: 31\nfont.size: 30\nbackend: nonsense\n"
    for folder in (".config/matplotlib", ".matplotlib", "ipython/profile_default/startup"):
        (home / folder).mkdir(parents=True)
        (home / folder / "matplotlibrc").write_text(style, encoding="utf-8")
    (home / "ipython/profile_default/startup/00.py").write_text(SPOILER, encoding="utf-8")
    kernel = {"argv": ["/nonexistent", "{connection_file}"], "display_name": "x", "language": "y"}
    for folder in ("kernels/python3", ".local/share/jupyter/kernels/python3"):
        (home / folder).mkdir(parents=True)
        (home / folder / "kernel.json").write_text(json.dumps(kernel), encoding="utf-8")
    return {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "PYTHONPATH": str(packages),
        "PYTHONSTARTUP": str(packages / "startup.py"),
        "PYTHONSAFEPATH": "1",
        "PYTHONOPTIMIZE": "2",
        "PYTHONIOENCODING": "cp1252",
        "PYTHONWARNINGS": "error",
        "PYTHONHOME": str(home),
        "PYTHONHASHSEED": "77",
        "MATPLOTLIBRC": str(home / ".config/matplotlib"),
        "MPLCONFIGDIR": str(home / ".config/matplotlib"),
        "MPLBACKEND": "nonsense",
        "IPYTHONDIR": str(home / "ipython"),
        "JUPYTER_PATH": str(home),
        "JUPYTER_DATA_DIR": str(home),
        "JUPYTER_CONFIG_DIR": str(home),
        "VIRTUAL_ENV": str(home),
        "PYTEST_ADDOPTS": "--no-such-option",
        "PYTEST_PLUGINS": "pytest_spoiler",
        "RUFF_CONFIG": str(home / "no.toml"),
        "TQDM_ASCII": "1",
    }


def run_script(code, given, **options):
    """Run code after `import course`, as make starts it, with these variables besides."""
    paths = f"import pathlib, sys; sys.path.insert(0, {str(ROOT / 'scripts')!r}); import course\n"
    return subprocess.run(
        [sys.executable, "-Es", "-c", paths + code],
        env=os.environ | given,
        capture_output=True,
        text=True,
        check=False,
        **options,
    )


LOOK = """%matplotlib inline
import json, os, sys
import matplotlib
import helpers
kept = ["HTTPS_PROXY", "SSL_CERT_FILE", "OPENBLAS_CORETYPE", "COURSE_THREADS", "PATH"]
print(json.dumps({
    "python": sys.executable,
    "helpers": helpers.__path__[0],
    "optimize": sys.flags.optimize,
    "hash": os.environ["PYTHONHASHSEED"],
    "threads": os.environ["OMP_NUM_THREADS"],
    "static": os.environ["COURSE_STATIC"],
    "grid": matplotlib.rcParams["axes.grid"],
    "size": matplotlib.rcParams["font.size"],
    "backend": matplotlib.get_backend(),
    "cache": matplotlib.get_cachedir(),
    "environment": sorted(os.environ),
    "kept": {name: os.environ[name] for name in kept},
}))"""


def test_no_setting_of_the_reader_reaches_a_kernel(reader, tmp_path):
    """Neither what Python, matplotlib, IPython and Jupyter read, nor how the command is started."""
    root = tmp_path / "my course"
    (root / "notebooks").mkdir(parents=True)
    path = root / "notebooks" / "01_a.ipynb"
    write(new_notebook(cells=[new_code_cell(LOOK, id="look")]), path)
    kept = {"HTTPS_PROXY": "http://127.0.0.1:9", "SSL_CERT_FILE": "/etc/certs"}
    kept |= {"OPENBLAS_CORETYPE": "Haswell", "COURSE_THREADS": "1"}
    code = f"""
course.ROOT = pathlib.Path({str(root)!r})
course.NOTEBOOKS, course.BUILD = course.ROOT / "notebooks", course.ROOT / "build"
sys.exit(course.main(["regenerate"]))"""
    noisy = {"OMP_NUM_THREADS": "two", "OMP_DISPLAY_ENV": "true", "MKL_VERBOSE": "1"}
    done = run_script(code, reader | kept | noisy)
    assert done.returncode == 0, done.stdout + done.stderr
    [output] = read(path, as_version=4)["cells"][0]["outputs"]
    seen = json.loads(output["text"])
    assert seen["python"] == sys.executable
    assert seen["helpers"] == str(ROOT / "helpers")
    assert (seen["optimize"], seen["hash"], seen["static"]) == (0, "0", "1")
    assert seen["threads"] == "1"
    assert (seen["grid"], seen["size"]) == (False, 10.0)
    assert "inline" in seen["backend"]
    assert seen["cache"] == str(root / "build" / "home" / "matplotlib")
    assert seen["kept"] == {**kept, "PATH": os.environ["PATH"]}
    assert {name for name in seen["environment"] if name.startswith("PYTHON")} == {"PYTHONHASHSEED"}
    spoilt = {"VIRTUAL_ENV", "TQDM_ASCII", "XDG_CONFIG_HOME", "OMP_DISPLAY_ENV", "MKL_VERBOSE"}
    assert not spoilt & set(seen["environment"])


def test_no_setting_of_the_reader_reaches_a_test(reader):
    """`make test` hands on no path, no plugin and no option, to ruff and to pytest."""
    code = f"""
course.find_notebooks = lambda: []
course.lint_commands = lambda: [["-m", "ruff", "check", "--quiet", "scripts/course.py"]]
course.pytest_command = lambda: ["-m", "pytest", "-q", "{FIGURE}"]
sys.exit(course.main(["test"]))"""
    done = run_script(code, reader)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


def test_a_plain_pytest_draws_in_the_course_s_own_style(reader):
    mpl = {name: value for name, value in reader.items() if name in ("HOME", "MATPLOTLIBRC")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", FIGURE],
        cwd=ROOT,
        env=os.environ | mpl | {"MPLCONFIGDIR": reader["MPLCONFIGDIR"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(os.name == "nt", reason="folders are made unwritable as on POSIX")
@pytest.mark.parametrize("home", ["read-only", "missing", "unset"])
def test_a_home_is_not_needed(tmp_path, home):
    """A figure leaves no warning where nothing can be kept at home."""
    place = tmp_path / "read only"
    place.mkdir(mode=0o555)
    home = {"read-only": str(place), "missing": str(place / "no")}.get(home)
    code = f"""
import environment, os, subprocess
home = {home!r}
os.environ.pop("HOME") if home is None else os.environ.update(HOME=home)
environment.use(environment.notebook_environment(pathlib.Path({str(tmp_path)!r})))
draw = "from helpers.figures import panels; import pathlib; pathlib.Path.home()"
sys.exit(subprocess.call([sys.executable, "-W", "error", "-c", draw]))"""
    done = run_script(code, {}, preexec_fn=as_ordinary_user)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


# ------------------------------------------------------------------------------------- JupyterLab


def test_the_lab_is_the_readers_own_place(reader, tmp_path, monkeypatch):
    for name, value in (reader | {"DISPLAY": ":1", "HTTP_PROXY": "http://127.0.0.1:9"}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("COURSE_STATIC", raising=False)
    given = environment.lab_environment(tmp_path / "build")
    for name in ("HOME", "JUPYTER_CONFIG_DIR", "MPLCONFIGDIR", "IPYTHONDIR"):
        assert given[name] == reader[name]
    assert (given["DISPLAY"], given["HTTP_PROXY"]) == (":1", "http://127.0.0.1:9")
    assert {name for name in given if name.startswith("PYTHON")} == {"PYTHONHASHSEED"}
    assert not {"JUPYTER_PATH", "VIRTUAL_ENV", "COURSE_STATIC"} & given.keys()
    assert not (tmp_path / "build").exists()


@pytest.mark.parametrize("home", [None, "nowhere"])
def test_a_reader_without_a_home_is_lent_one(tmp_path, monkeypatch, home):
    monkeypatch.delenv("USERPROFILE", raising=False)
    monkeypatch.delenv("HOME", raising=False)
    if home:
        monkeypatch.setenv("HOME", str(tmp_path / home))
    given = environment.lab_environment(tmp_path)
    assert given["HOME"] == str(tmp_path / "home")
    assert os.access(given["JUPYTER_RUNTIME_DIR"], os.W_OK)


@pytest.mark.parametrize(("root", "allowed"), [(True, True), (False, False)])
def test_the_lab_takes_options_and_lets_a_container_s_root_in(monkeypatch, root, allowed):
    commands = []

    def call(command, **_):
        commands.append(command)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(os, "environ", os.environ.copy())
    monkeypatch.setattr(course.subprocess, "run", call)
    monkeypatch.setattr(course, "is_root", lambda: root)
    assert course.main(["lab", "--no-browser", "--port", "9999"]) == 0
    assert commands[0][-3:] == ["--no-browser", "--port", "9999"]
    assert ("--allow-root" in commands[0]) == allowed


def test_only_the_lab_takes_unknown_options(capsys):
    with pytest.raises(SystemExit):
        course.main(["run", "--no-browser"])
    assert "unrecognized arguments: --no-browser" in capsys.readouterr().err


def test_make_starts_python_without_its_variables():
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    started = re.findall(r"^VENV_PYTHON := .*|\"\$\(PYTHON\)\" .*\.py$", text, re.MULTILINE)
    assert len(started) == 3
    assert all(" -Es" in line for line in started)


def test_no_setting_of_the_reader_reaches_a_benchmark(reader, tmp_path):
    """Its pictures are published."""
    look = """
import runpy, sys
import benchmarks.text
def measure(quick):
    import matplotlib
    print(quick, matplotlib.rcParams["axes.grid"])
    raise FileNotFoundError(2, "that is enough", "here")
benchmarks.text.measure = measure
sys.argv = ["benchmarks", "text"]
runpy.run_module("benchmarks", run_name="__main__")"""
    done = run_script(look, reader | {"QUICK": "1"}, cwd=ROOT)
    assert (done.returncode, done.stdout) == (1, "text ... True False\n")
    assert done.stderr == "here: that is enough.\n"
