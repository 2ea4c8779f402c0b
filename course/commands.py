"""The commands behind the Makefile that execute or compare the lessons.

The notebooks are executed with nbclient, one kernel each, in the folder ``notebooks``.
"""

import os
import shlex
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import nbformat

from course import environment, places
from course.ending import CourseError, Stopped
from course.execution import CELL_TIMEOUT, execute
from course.notebook import PICTURE, if_readable, make_portable, picture_of, sort_out
from course.places import find_notebooks, write_atomically

WORKERS = 2  # files side by side in `test`, where the machine has that many cores


def run_course(names: list[str]) -> int:
    """Execute the notebooks into pages under ``build/``; the stored ones stay untouched."""
    titles, unreadable = sort_out(find_notebooks(names))
    environment.use(environment.notebook_environment(places.BUILD))
    from course import pages  # now, for Jupyter looks for a home when it is imported

    for old in places.BUILD.glob("*.html"):
        old.unlink()
    runs, unread = [], [path.stem for path in unreadable]
    links = [None, *((path.stem, title) for path, title in titles.items()), None]
    for path, before, after in zip(titles, links, links[2:], strict=False):
        if not (run := if_readable(execute, path)):
            unread.append(path.stem)
            continue
        runs.append(run)
        make_portable(run.notebook)
        page = pages.render_notebook(
            run.notebook, title=run.title or run.name, links=[before, after]
        )
        write_atomically(places.BUILD / f"{run.name}.html", page.encode("utf-8"))
    index = places.BUILD / "index.html"
    write_atomically(index, pages.render_index(runs, unread).encode("utf-8"))
    print(f"\n{len(runs)} notebooks in {sum(run.seconds for run in runs) / 60:.1f} minutes.")
    print(f"Open {index}")
    return tell_failed("Failed", [*unread, *(run.name for run in runs if run.problem)])


def regenerate(names: list[str]) -> int:
    """Execute the notebooks in place; one that fails stays as it was."""
    titles, unreadable = sort_out(find_notebooks(names))
    environment.use(environment.notebook_environment(places.BUILD))
    failed = [path.name for path in unreadable]
    for path in titles:
        run = if_readable(execute, path)
        if not run or run.problem:
            failed.append(path.name)
            continue
        make_portable(run.notebook)
        text = nbformat.writes(run.notebook).rstrip("\n") + "\n"
        write_atomically(path, text.encode("utf-8"))
        if path.stem == PICTURE[0]:
            try:
                write_atomically(places.ROOT / "picture.png", picture_of(run.notebook, PICTURE[1]))
            except ValueError:
                print(f"{path.name} has no picture in a cell {PICTURE[1]!r}", file=sys.stderr)
                failed.append("picture.png")
    return tell_failed("Left as they were", failed)


def tell_failed(what: str, names: list[str]) -> int:
    """Say what failed, if anything did, and return the exit code."""
    if names:
        print(f"{what}: {', '.join(names)}", file=sys.stderr)
    return 1 if names else 0


def lint_commands() -> list[list[str]]:
    """Return the commands that check style, in modules and notebooks, and types, in modules."""
    return [["-m", "ruff", "check"], ["-m", "ruff", "format", "--check"], ["-m", "mypy"]]


def pytest_command(workers: int = WORKERS) -> list[str]:
    """Return the command that runs the tests, those of a file on one worker and in order."""
    command = ["-m", "pytest"]
    if min(workers, os.cpu_count() or 1) > 1:
        command += ["-n", str(workers), "--dist", "loadfile"]
    return command


def notebook_test_command(paths: list[Path], workers: int = WORKERS) -> list[str]:
    """Return the command that executes notebooks and compares the stored outputs.

    The cells of a notebook share one kernel, so they stay on one worker, too.
    """
    command = [*pytest_command(workers), "--nbval", "--nbval-current-env"]
    command += [f"--nbval-cell-timeout={CELL_TIMEOUT}", "-p", "no:cacheprovider"]
    return [*command, *(f"{places.NOTEBOOKS.name}/{path.name}" for path in paths)]


def test_course() -> int:
    """Lint, run the unit tests, then compare every notebook with its stored outputs."""
    return _run_all([*lint_commands(), pytest_command()], find_notebooks())


def audit(names: list[str]) -> int:
    """Execute the notebooks, then alter every stored output: the comparison must see it."""
    return _run_all([], find_notebooks(names), "-p", "course.checking.audit")


def _run_all(commands: list[list[str]], paths: list[Path], *options: str) -> int:
    """Run commands of this Python, compare notebooks, say what failed, return an exit code."""
    readable, unreadable = sort_out(paths)
    if readable:
        commands = [*commands, [*notebook_test_command(list(readable)), *options]]
    environment.use(environment.kernel_environment(places.BUILD))
    failed = [f"{path.name} cannot be read" for path in unreadable]
    for arguments in commands:
        command = shlex.join(["python", *arguments])
        print(f"\n$ {command}", flush=True)
        if subprocess.run([sys.executable, *arguments], cwd=places.ROOT, check=False).returncode:
            failed.append(command)
    print()
    for failure in failed:
        print(f"FAILED: {failure}", file=sys.stderr)
    if not failed:
        print("All tests passed.")
    return 1 if failed else 0


def browse(names: list[str]) -> int:
    """Run the notebooks in JupyterLab in a browser, and move their sliders.

    Raises:
        CourseError: pytest-playwright is not installed; requirements.txt does not list it.
    """
    if not find_spec("pytest_playwright"):
        remedy = f"{sys.executable} -m pip install --no-user -r requirements-checks.txt"
        raise CourseError(f"pytest-playwright is not installed: {remedy}")
    readable, unreadable = sort_out(find_notebooks(names))
    environment.use(environment.kernel_environment(places.BUILD))
    command = ["-m", "pytest", "tests/browser", "-k", " or ".join(path.stem for path in readable)]
    seen = places.BUILD / "browser" / "seen"
    command += [f"--output={seen}", "--screenshot=only-on-failure"]
    command += ["-W", "ignore::pytest.PytestRemovedIn10Warning"]  # of pytest-base-url's making
    done = subprocess.run([sys.executable, *command], cwd=places.ROOT, check=False)
    return done.returncode or bool(unreadable)


def open_lab(options: list[str]) -> int:
    """Open JupyterLab on the notebooks, and wait until it is closed."""
    environment.use(environment.lab_environment(places.BUILD))
    command = [sys.executable, "-m", "jupyterlab", "--notebook-dir", str(places.ROOT)]
    command += ["--LabApp.default_url=/lab/tree/notebooks"]
    if is_root():  # as in most containers; JupyterLab would refuse
        command.append("--allow-root")
    try:
        return subprocess.run([*command, *options], cwd=places.ROOT, check=False).returncode
    except Stopped:  # as JupyterLab is closed from the terminal
        return 0


def is_root() -> bool:
    """Tell whether this is the administrator, to whom JupyterLab and Chromium make conditions."""
    return hasattr(os, "geteuid") and os.geteuid() == 0
