"""Nothing that a reader has set reaches kernels, tests, or what is compared and published."""

import json
import os
import re
import subprocess
import sys

import pytest
from nbformat import read

from course import __main__ as cli
from course import commands, environment
from course.places import ROOT
from tests.children import as_ordinary_user, finished
from tests.small_courses import IN_FOLDER, store, variables, write_files

FIGURE = "tests/helpers/figures/test_figures.py::test_each_figure_looks_as_it_did[lines]"
SPOILER = 'raise SystemExit("the reader\'s own file was run")\n'
STYLE = "text.usetex: True\naxes.grid: True\nfigure.dpi: 31\nfont.size: 30\nbackend: nonsense\n"
KERNEL = {"argv": ["/nonexistent", "{connection_file}"], "display_name": "x", "language": "y"}

SETTINGS = """
HOME={home} PYTHONHOME={home} PYTHONPATH={home}/packages PYTHONSTARTUP={home}/packages/startup.py
PYTHONSAFEPATH=1 PYTHONOPTIMIZE=2 PYTHONIOENCODING=cp1252 PYTHONWARNINGS=error PYTHONHASHSEED=77
MATPLOTLIBRC={home}/.config/matplotlib MPLCONFIGDIR={home}/.config/matplotlib MPLBACKEND=nonsense
JUPYTER_PATH={home} JUPYTER_DATA_DIR={home} JUPYTER_CONFIG_DIR={home} IPYTHONDIR={home}/ipython
PYTEST_ADDOPTS=--no-such-option PYTEST_PLUGINS=pytest_spoiler RUFF_CONFIG={home}/no.toml
VIRTUAL_ENV={home} XDG_CONFIG_HOME={home}/.config TQDM_ASCII=1
"""


@pytest.fixture
def reader(tmp_path):
    """The variables of a reader who has set everything that can be set, in files and without."""
    home = tmp_path / "home"
    modules = ("helpers", "nbformat", "course", "pytest_spoiler", "startup", "json")
    files = {f"packages/{name}.py": SPOILER for name in modules}
    files |= {f"{folder}/matplotlibrc": STYLE for folder in (".config/matplotlib", ".matplotlib")}
    files["ipython/profile_default/startup/00.py"] = SPOILER
    for folder in ("kernels/python3", ".local/share/jupyter/kernels/python3"):
        files[f"{folder}/kernel.json"] = json.dumps(KERNEL)
    write_files(home, files)
    return variables(SETTINGS, home=home)


def run_script(code, given, folder=ROOT, **options):
    """Run code after `IN_FOLDER`, as make starts it, with these variables besides."""
    command = [sys.executable, "-Es", "-c", IN_FOLDER + code, str(folder)]
    return finished(command, env=os.environ | given, **options)


LOOK = """%matplotlib inline
import json, os, sys
import matplotlib
import helpers
print(json.dumps({
    "python": sys.executable,
    "helpers": helpers.__path__[0],
    "optimize": sys.flags.optimize,
    "grid": matplotlib.rcParams["axes.grid"],
    "size": matplotlib.rcParams["font.size"],
    "inline": "inline" in matplotlib.get_backend(),
    "cache": matplotlib.get_cachedir(),
    "environment": dict(os.environ),
}))"""


def test_no_setting_of_the_reader_reaches_a_kernel(reader, tmp_path):
    """Neither what Python, matplotlib, IPython and Jupyter read, nor how the command is started."""
    root = tmp_path / "my course"
    path = store(root, "01_a", LOOK)
    kept = {"HTTPS_PROXY": "http://127.0.0.1:9", "SSL_CERT_FILE": "/etc/certs"}
    kept |= {"OPENBLAS_CORETYPE": "Haswell", "COURSE_THREADS": "1"}
    noisy = {"OMP_NUM_THREADS": "two", "OMP_DISPLAY_ENV": "true", "MKL_VERBOSE": "1"}
    done = run_script("sys.exit(main(['regenerate']))", reader | kept | noisy, root)
    assert done.returncode == 0, done.stdout + done.stderr
    [output] = read(path, as_version=4)["cells"][1]["outputs"]
    seen = json.loads(output["text"])
    given = seen.pop("environment")
    assert seen == {
        "python": sys.executable,
        "helpers": str(ROOT / "helpers"),
        "optimize": 0,
        "grid": False,
        "size": 10.0,
        "inline": True,
        "cache": str(root / "build" / "home" / "matplotlib"),
    }
    kept |= {"OMP_NUM_THREADS": "1", "COURSE_STATIC": "1", "PATH": os.environ["PATH"]}
    assert kept.items() <= given.items()
    pythons = {name: given[name] for name in given if name.startswith("PYTHON")}
    assert pythons == {"PYTHONHASHSEED": "0"}
    spoilt = {"VIRTUAL_ENV", "TQDM_ASCII", "XDG_CONFIG_HOME", "OMP_DISPLAY_ENV", "MKL_VERBOSE"}
    assert not spoilt & given.keys()


def test_no_setting_of_the_reader_reaches_a_test(reader):
    """`make test` hands on no path, no plugin and no option, to ruff and to pytest."""
    code = f"""
commands.find_notebooks = lambda: []
commands.lint_commands = lambda: [["-m", "ruff", "check", "--quiet", "course/commands.py"]]
commands.pytest_command = lambda: ["-m", "pytest", "-q", "{FIGURE}"]
sys.exit(main(["test"]))"""
    done = run_script(code, reader)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


def test_a_plain_pytest_draws_in_the_course_s_own_style(reader):
    style = {name: reader[name] for name in ("HOME", "MATPLOTLIBRC", "MPLCONFIGDIR")}
    command = [sys.executable, "-m", "pytest", "-q", FIGURE]
    done = finished(command, cwd=ROOT, env=os.environ | style)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_setting_of_the_reader_reaches_a_benchmark(reader):
    """Its pictures are published."""
    look = """
import runpy
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


@pytest.mark.skipif(os.name == "nt", reason="folders are made unwritable as on POSIX")
@pytest.mark.parametrize("home", ["read only", "missing", None])
def test_a_home_is_not_needed(tmp_path, home):
    """A figure leaves no warning where nothing can be kept at home."""
    (tmp_path / "read only").mkdir(mode=0o555)
    code = f"""
import os, subprocess
os.environ.pop("HOME")
os.environ.update({ {"HOME": str(tmp_path / home)} if home else {} })
environment.use(environment.notebook_environment(pathlib.Path(sys.argv[1])))
draw = "from helpers.figures import panels; import pathlib; pathlib.Path.home()"
sys.exit(subprocess.call([sys.executable, "-W", "error", "-c", draw]))"""
    done = run_script(code, {}, tmp_path, preexec_fn=as_ordinary_user)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_make_starts_python_without_its_variables():
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    started = re.findall(r"^VENV_PYTHON := .*|\"\$\(PYTHON\)\" .*\.py$", text, re.MULTILINE)
    assert len(started) == 3
    assert all(" -Es" in line for line in started)


# ------------------------------------------------------------------------------------- JupyterLab


def test_the_lab_is_the_readers_own_place(reader, tmp_path, monkeypatch):
    desktop = {"DISPLAY": ":1", "HTTP_PROXY": "http://127.0.0.1:9"}
    monkeypatch.setattr(os, "environ", os.environ | reader | desktop)
    monkeypatch.delenv("COURSE_STATIC", raising=False)
    given = environment.lab_environment(tmp_path / "build")
    for name in ("HOME", "JUPYTER_CONFIG_DIR", "MPLCONFIGDIR", "IPYTHONDIR"):
        assert given[name] == reader[name]
    assert desktop.items() <= given.items()
    assert {name for name in given if name.startswith("PYTHON")} == {"PYTHONHASHSEED"}
    assert not {"JUPYTER_PATH", "VIRTUAL_ENV", "COURSE_STATIC"} & given.keys()
    assert not (tmp_path / "build").exists()


@pytest.mark.parametrize("home", [{}, {"HOME": "/nowhere"}])
def test_a_reader_without_a_home_is_lent_one(tmp_path, monkeypatch, home):
    monkeypatch.setattr(os, "environ", home)
    given = environment.lab_environment(tmp_path)
    assert given["HOME"] == str(tmp_path / "home")
    assert os.access(given["JUPYTER_RUNTIME_DIR"], os.W_OK)


@pytest.mark.parametrize("root", [True, False])
def test_the_lab_takes_options_and_lets_a_container_s_root_in(monkeypatch, root):
    called = []

    def call(command, **_):
        called.append(command)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(os, "environ", os.environ.copy())
    monkeypatch.setattr(commands.subprocess, "run", call)
    monkeypatch.setattr(commands, "is_root", lambda: root)
    assert cli.main(["lab", "--no-browser", "--port", "9999"]) == 0
    assert called[0][-3:] == ["--no-browser", "--port", "9999"]
    assert ("--allow-root" in called[0]) == root
