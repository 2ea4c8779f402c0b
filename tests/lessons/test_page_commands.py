"""Every command on the pages is run in a copy of the course, or checked, and both are listed.

``pytest tests/lessons/test_page_commands.py --collect-only -q`` lists what is run, under what its
page promises of it, and what is only checked, with the reason.
"""

import json
import os
import re
import runpy
import shlex
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from course.places import ROOT
from tests.children import finished
from tests.lessons import page_commands

# Not run by a test of this file, by the reason: commands of the pages, between bars.
NOT_RUN = {
    "takes minutes": """
        make run | make test | make regenerate | make audit | make matrix | make mutants
        make mutants MODULES=gan | make bench | make bench SUBJECTS=text | QUICK=1 make bench
        .venv/bin/python -Es -m course run | .venv/bin/python -Es -m course test
        python -m benchmarks ablation | unshare -rn sh -c 'ip link set lo up && make test'
    """,
    "stays open": """
        make lab | make lab OPTIONS="--no-browser --port 9999"
        .venv/bin/python -Es -m course lab
    """,
    "downloads": """
        make run TORCH=cuda | pip install -r requirements.txt | sudo apt-get install chromium
        .venv/bin/python -m pip install --no-user -r requirements-checks.txt
        python -m benchmarks official
    """,
    "for Windows": r"""
        py -3.12 -Es scripts\setup.py | .venv\Scripts\python | .venv\Scripts\activate
        .venv\Scripts\python -Es -m course run
        .venv\Scripts\python -Es -m course test
        .venv\Scripts\python -Es -m course lab
        certutil -hashfile aclImdb_v1.tar.gz SHA256
    """,
    "needs that Python": "make run PYTHON=python3.12 | python3.12 -Es scripts/setup.py",
    "needs a network": "make vulnerabilities | git pull",
    "needs a browser": "make browser",
    "needs results": "python -m benchmarks --publish",
    "needs an administrator": 'sudo chown -R "$(id -un)" .',
    "after git clone": "cd course",
    "is of the system's own making": """
        sha256sum aclImdb_v1.tar.gz | shasum -a 256 aclImdb_v1.tar.gz
        source .venv/bin/activate
        git checkout HEAD -- notebooks/06_loan_calculator.ipynb
    """,
}
CHECKED = {
    command: why
    for why, commands in NOT_RUN.items()
    for command in re.split(r" \| |\n\s*", commands.strip())
}

# Looks like a command and is none of a page's: messages, mark-up, and a part of every lesson.
NO_COMMAND = {
    "%matplotlib inline",
    "index out of range in self",
    "d1 d2 million d3 hundred and d4 d5 thousand d6 hundred and d7 d8",
    "No module named 'helpers'",
    "OSError: Could not load this library: libtorchtext.so",
    "<br />",
}

RUN: list[str] = []


def runs(*commands: str) -> Callable:
    """Mark a test that runs each of these commands and looks at what it promises."""
    RUN.extend(commands)
    return pytest.mark.parametrize(
        "command", [pytest.param(each, id=each, marks=needs(each.split()[0])) for each in commands]
    )


def needs(program: str) -> pytest.MarkDecorator:
    """Skip a test where a program of the system is not installed."""
    system = program in ("git", "make")
    missing = system and shutil.which(program) is None
    return pytest.mark.skipif(missing, reason=f"{program} is not installed")


# ------------------------------------------------------------------------------ what is run where

LEFT_OUT = shutil.ignore_patterns(
    *(".git", ".venv", "build", "handout", "aclImdb*"),
    *("__pycache__", ".*_cache", ".hypothesis", ".ipynb_checkpoints", "*.egg-info"),
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a copy of the course as a zip file brings it, in a folder with a blank in its name."""
    return Path(shutil.copytree(ROOT, tmp_path / "the course", ignore=LEFT_OUT))


@pytest.fixture
def ready(folder: Path) -> Path:
    """Return a copy that is set up: its ``.venv`` leads to the environment of this Python."""
    if os.name == "nt":
        pytest.skip("without bash and symbolic links, on Windows, commands are only checked")
    setup = runpy.run_path(str(folder / "scripts/setup.py"))
    environment = Path(setup["ENVIRONMENT"])
    environment.mkdir()
    for path in Path(sys.prefix).iterdir():
        if not path.name.startswith("course-"):  # what setup.py itself writes there
            (environment / path.name).symlink_to(path)
    Path(setup["STAMP"]).write_text(setup["wanted_stamp"](), encoding="utf-8")
    return folder


def run(command: str | list[str], folder: Path, **environment: str) -> str:
    """Run a command, a text in a shell as a reader does, and return what it prints."""
    words = ["bash", "-c", command] if isinstance(command, str) else command
    handed_down = ("MAKE", "MFLAGS", "PYTEST", "GIT_")  # by make, pytest or git, if they started us
    env = {name: os.environ[name] for name in os.environ if not name.startswith(handed_down)}
    env |= {"PYTHON": sys.executable, "PIP_NO_INDEX": "1", **environment}
    done = finished(words, cwd=folder, env=env, encoding="utf-8", timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def contents(folder: Path, pattern: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob(pattern)}


def cells(text: bytes, left_out: tuple[str, ...] = ()) -> list[dict]:
    """Return the cells of a notebook, without some of their fields."""
    stored = json.loads(text)["cells"]
    return [{name: cell[name] for name in cell if name not in left_out} for cell in stored]


# ------------------------------------------------------------------------------------ what is run


@runs("make help")
def test_help_lists_every_target_of_the_page(command, ready):
    table = (ready / "CONTRIBUTING.md").read_text(encoding="utf-8")
    targets = re.findall(r"^\| `(make .*?)`", table, re.MULTILINE)
    assert targets
    assert set(targets) <= set(re.findall(r"^ *(make .*?)  ", run(command, ready), re.MULTILINE))


@runs("make clean")
def test_clean_removes_the_environment_and_the_pages_and_nothing_else(command, ready):
    before = {path for path in ready.rglob("*") if ".venv" not in path.parts}
    (ready / "build").mkdir()
    (ready / "build" / "index.html").touch()
    run(command, ready)
    assert set(ready.rglob("*")) == before


@runs("make run NOTEBOOKS=06_loan_calculator")
def test_one_lesson_is_run_into_its_page(command, ready):
    before = contents(ready, "notebooks/*")
    printed = run(command, ready)
    assert set(contents(ready, "build/*.html")) == {"06_loan_calculator.html", "index.html"}
    assert f"Open {ready / 'build/index.html'}" in printed
    assert contents(ready, "notebooks/*") == before


@runs("make regenerate NOTEBOOKS=06_loan_calculator")
def test_one_lesson_is_executed_in_place(command, ready):
    path = ready / "notebooks/06_loan_calculator.ipynb"
    stored = path.read_bytes()
    path.write_bytes(re.sub(rb'"execution_count": \d+', b'"execution_count": 0', stored))
    run(command, ready)
    # What the outputs say is nbval's matter.
    assert cells(path.read_bytes(), ("outputs",)) == cells(stored, ("outputs",))


@runs(
    ".venv/bin/python -m nbconvert --ClearOutputPreprocessor.enabled=True --to notebook"
    " --output-dir handout notebooks/*.ipynb"
)
def test_a_handout_holds_the_lessons_without_outputs_and_leaves_them_alone(command, ready):
    lessons = contents(ready, "notebooks/*")
    # The shells of Windows leave the asterisk to nbconvert, as quotes do.
    for typed in (command, shlex.join(shlex.split(command))):
        run(typed, ready)
        assert contents(ready, "notebooks/*") == lessons
        handout = contents(ready, "handout/*")
        assert set(handout) == set(lessons)
        results = ("outputs", "execution_count")
        for name, text in handout.items():
            assert cells(text, results) == cells(lessons[name], results)
            assert not any(cell.get(result) for cell in cells(text) for result in results)
        shutil.rmtree(ready / "handout")


@runs(
    ".venv/bin/python -m pytest tests/helpers/figures/test_figures.py "
    "--mpl-generate-path=tests/helpers/figures/baselines"
)
def test_the_figures_of_the_helpers_are_drawn_anew(command, ready):
    baselines = "tests/helpers/figures/baselines"
    before = contents(ready, f"{baselines}/*.png")
    for name in before:
        (ready / baselines / name).unlink()
    run(command, ready)
    assert set(contents(ready, f"{baselines}/*.png")) == set(before)


@runs(".venv/bin/python -m pytest tests/lessons/test_page_commands.py --collect-only -q")
def test_both_what_is_run_and_what_is_only_checked_is_listed(command, ready):
    listed = run(command, ready).replace("\\\\", "\\")
    for each in RUN:
        assert f"[{each}]" in listed
    for each, why in CHECKED.items():
        assert f"[{each} ({why})]" in listed


@runs("git clone ADDRESS course")
def test_a_clone_holds_the_same_bytes_on_every_system(command, folder):
    home, clone = folder.parent / "home", folder.parent / "course"
    home.mkdir()
    # As git often is on Windows, where it writes CRLF.
    settings = "[core]\n autocrlf = true\n[user]\n name = reader\n email = reader@example.org\n"
    (home / ".gitconfig").write_text(settings, encoding="utf-8")
    env = {"HOME": str(home), "XDG_CONFIG_HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1"}
    for each in ("git init --quiet", "git add .", "git commit --quiet --message stored"):
        run(each.split(), folder, **env)
    run(shlex.split(command.replace("ADDRESS", shlex.quote(folder.name))), home.parent, **env)
    names = run(["git", "ls-files"], folder, **env).splitlines()
    assert {".ci/run", "Makefile", "picture.png", "notebooks/05_gan.ipynb"} <= set(names)
    assert [n for n in names if (clone / n).read_bytes() != (folder / n).read_bytes()] == []


# ------------------------------------------------------------------------- what is only checked


@pytest.mark.parametrize(
    "command",
    [pytest.param(command, id=f"{command} ({why})") for command, why in CHECKED.items()],
)
def test_a_command_is_understood_by_what_it_calls(command):
    page_commands.check(command)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("make data", "make data does nothing"),
        ("make run NOTEBOOKS=07_nothing", "run knows no 07_nothing"),
        ("make run NOTEBOOK=06_loan_calculator", "nothing reads the setting NOTEBOOK"),
        ("make run PYTHON=python3.9", r"the course does not run on Python 3\.9"),
        ("make mutants MODULES=nothing", "mutants knows no nothing"),
        ("make lab OPTIONS=--nothing", "lab knows no --nothing"),
        ("python -m benchmarks --nothing", "unrecognized arguments: --nothing"),
        ("python scripts/nothing.py", "there is no scripts/nothing.py"),
        (r".venv\Scripts\python -Es -m course fly", "invalid choice: 'fly'"),
        ("py -3.9 -Es scripts/setup.py", r"the course does not run on Python 3\.9"),
        ("pip install -r nothing.txt", "there is no nothing.txt"),
        ("unshare -rn sh -c 'ip link set lo up && make nothing'", "nothing"),
        ("sha256sum file # Linux", "a remark after a command"),
    ],
)
def test_a_wrong_command_is_refused(command, words):
    if "make" in command and shutil.which("make") is None:
        pytest.skip("make is not installed")
    with pytest.raises(ValueError, match=words):
        page_commands.check(command)


# ------------------------------------------------------------------------------- what is found


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        ("~~~powershell\nmake run\n~~~\n\n    nothing known", ["make run", "nothing known"]),
        ("- so:\n\n  ```sh\n  a b \\\n    c\n  ```", ["a b    c"]),
        ("`./run`, `jupyter --version`, `ls ../x`", ["./run", "jupyter --version", "ls ../x"]),
        ("**Then make test.**", ["make test."]),
        ("<pre>a b</pre>", ["<pre>a b</pre>"]),
        ("`x = a - b`, `x[i]`, `a if b else c`, `make`, `build/`, `rtol=0.05`", []),
        ("```python\nx = a - b\n```\nThis will make it run.", []),
    ],
)
def test_commands_are_found_where_the_pages_have_none_yet(text, commands):
    assert list(page_commands.commands_in_markdown(text)) == commands


def test_commands_are_found_in_a_code_cell():
    cell = "import os, subprocess, torch\n%matplotlib inline\nif os:\n    !pip install torch\n"
    cell += "files = !ls\nos.system('ls')\nsubprocess.run(['ls'])\nprint('!ls', 7 % 5)"
    found = ["%matplotlib inline", "!pip install torch", "!ls"]
    found += ["os.system('ls')", "subprocess.run(['ls'])"]
    assert page_commands.commands_in_code(cell) == found
    assert page_commands.commands_in_code("%%bash\nls") == ["%%bash"]


def test_every_command_of_the_pages_is_run_or_checked_and_every_line_here_is_on_a_page():
    found = page_commands.commands_found()
    listed = {*RUN, *CHECKED, *NO_COMMAND}
    new = "\n".join(f"{c}  ({', '.join(found[c])})" for c in found if c not in listed)
    assert not new, (
        f"New on a page:\n{new}\nA command that is offline and takes less than a minute gets a "
        "test with @runs in this file; any other is listed in NOT_RUN, by the reason. "
        "What is no command gets a line in NO_COMMAND; what a command prints, a block of ```text."
    )
    gone = "\n".join(listed - set(found))
    assert not gone, f"On no page any more, so take it out of this file:\n{gone}"
