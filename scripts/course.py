"""The commands behind the Makefile: run, test, lab, regenerate and audit.

Windows readers call them as they are: ``.venv\\Scripts\\python -Es scripts/course.py run``, where
``-Es`` keeps Python's own environment variables and the user's packages out. The notebooks are
executed with nbclient, one kernel each, in the folder ``notebooks``.
"""

import argparse
import base64
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import environment
from ending import CourseError, Stopped, in_words
from execution import CELL_TIMEOUT, execute, read_notebook, title_of

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"
BUILD = ROOT / "build"

Result = TypeVar("Result")

WORKERS = 2  # files side by side in `test`, where the machine has that many cores

PICTURE = ("03_synthetic_training", "reversal-attention")  # lesson and cell of the README's picture

# The kernel and the language as they are stored: without the version of the reader's Python.
NOTEBOOK_METADATA = {
    "kernelspec": {
        "display_name": "Python 3 (ipykernel)",
        "language": "python",
        "name": "python3",
    },
    "language_info": {
        "codemirror_mode": {"name": "ipython", "version": 3},
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "nbconvert_exporter": "python",
        "pygments_lexer": "ipython3",
    },
}


# --------------------------------------------------------------------------------- notebooks


def find_notebooks(names: list[str] | None = None) -> list[Path]:
    """Return the notebooks in order, or those of the given names (with or without ``.ipynb``).

    Raises:
        CourseError: there are no notebooks, or none of such a name.
    """
    # Hidden ones are other programs': macOS writes ._01.ipynb, Emacs .#01.ipynb.
    found = sorted(path for path in NOTEBOOKS.glob("*.ipynb") if not path.name.startswith("."))
    if not found:
        raise CourseError("notebooks/ holds no notebook: a course without notebooks proves nothing")
    if not names:
        return found
    by_name = {path.stem: path for path in found}
    wanted = [Path(name).name.removesuffix(".ipynb") for name in names]
    if unknown := [name for name in wanted if name not in by_name]:
        known = ", ".join(by_name)
        raise CourseError(f"no notebook called {', '.join(unknown)} in notebooks/ (there: {known})")
    return [by_name[name] for name in wanted]


def if_readable(work: Callable[[Path], Result], path: Path) -> Result | None:
    """Do some work on a notebook; return None, having said why, if it cannot be read."""
    try:
        return work(path)
    except CourseError as error:
        print(error, file=sys.stderr, flush=True)
        return None


def sort_out(paths: list[Path]) -> tuple[dict[Path, str], list[Path]]:
    """Return the notebooks that can be read, with their titles, and the others, having said why."""
    titles = {path: if_readable(lambda path: title_of(read_notebook(path)), path) for path in paths}
    good = {path: title for path, title in titles.items() if title is not None}
    return good, [path for path in paths if path not in good]


# ----------------------------------------------------------------------------------- commands


def run_course(names: list[str]) -> int:
    """Execute the notebooks into pages under ``build/``; the stored ones stay untouched."""
    titles, unreadable = sort_out(find_notebooks(names))
    environment.use(environment.notebook_environment(BUILD))
    import pages  # now, for Jupyter looks for a home when it is imported

    for old in BUILD.glob("*.html"):
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
        write_atomically(BUILD / f"{run.name}.html", page.encode("utf-8"))
    index = BUILD / "index.html"
    write_atomically(index, pages.render_index(runs, unread).encode("utf-8"))
    print(f"\n{len(runs)} notebooks in {sum(run.seconds for run in runs) / 60:.1f} minutes.")
    print(f"Open {index}")
    return tell_failed("Failed", [*unread, *(run.name for run in runs if run.problem)])


def regenerate(names: list[str]) -> int:
    """Execute the notebooks in place; one that fails stays as it was."""
    import nbformat

    titles, unreadable = sort_out(find_notebooks(names))
    environment.use(environment.notebook_environment(BUILD))
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
                write_atomically(ROOT / "picture.png", picture_of(run.notebook, PICTURE[1]))
            except ValueError:
                print(f"{path.name} has no picture in a cell {PICTURE[1]!r}", file=sys.stderr)
                failed.append("picture.png")
    return tell_failed("Left as they were", failed)


def tell_failed(what: str, names: list[str]) -> int:
    """Say what failed, if anything did, and return the exit code."""
    if names:
        print(f"{what}: {', '.join(names)}", file=sys.stderr)
    return 1 if names else 0


def make_portable(notebook: dict) -> None:
    """Remove what depends on the machine: Python's version, timings, folders in tracebacks."""
    notebook["metadata"].update(NOTEBOOK_METADATA)
    notebook["metadata"].pop("widgets", None)
    shorten = _path_shortener()
    for cell in notebook["cells"]:
        cell["metadata"].pop("execution", None)
        for output in cell.get("outputs", []):
            if output["output_type"] == "error":
                output["traceback"] = [shorten(line) for line in output["traceback"]]


def _path_shortener() -> Callable[[str], str]:
    """Return a function that cuts the leading folders off the paths in a traceback."""
    folders = {str(ROOT): "", sysconfig.get_path("purelib"): "site-packages/"}
    folders[sysconfig.get_path("stdlib")] = "python/"
    # The longest first: .venv lies inside the root.
    ordered = sorted(folders.items(), key=lambda item: -len(item[0]))

    def shorten(line: str) -> str:
        for folder, replacement in ordered:
            line = line.replace(folder + os.sep, replacement)
        return line

    return shorten


def picture_of(notebook: dict, cell_id: str) -> bytes:
    """Return the PNG that a cell shows."""
    [cell] = [cell for cell in notebook["cells"] if cell["id"] == cell_id]
    data = [output.get("data", {}) for output in cell["outputs"]]
    [png] = [kinds["image/png"] for kinds in data if "image/png" in kinds]
    return base64.b64decode(png)


def write_atomically(path: Path, data: bytes) -> None:
    """Replace a file in one step, so that no reader and no interruption meets half of it.

    Raises:
        OSError: it cannot be written; the error names it.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            shutil.copymode(path, part)
        part.replace(path)
    except OSError as error:
        raise OSError(error.errno, os.strerror(error.errno), str(path)) from error
    finally:
        part.unlink(missing_ok=True)


def lint_commands() -> list[list[str]]:
    """Return the commands that check the style of the code, in modules and in notebooks."""
    return [["-m", "ruff", "check"], ["-m", "ruff", "format", "--check"]]


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
    return [*command, *(f"{NOTEBOOKS.name}/{path.name}" for path in paths)]


def test_course() -> int:
    """Lint, run the unit tests, then compare every notebook with its stored outputs."""
    return _run_all([*lint_commands(), pytest_command()], find_notebooks())


def audit(names: list[str]) -> int:
    """Execute the notebooks, then alter every stored output: the comparison must see it."""
    return _run_all([], find_notebooks(names), "-p", "nbval_audit")


def _run_all(commands: list[list[str]], paths: list[Path], *options: str) -> int:
    """Run commands of this Python, compare notebooks, say what failed, return an exit code."""
    readable, unreadable = sort_out(paths)
    if readable:
        commands = [*commands, [*notebook_test_command(list(readable)), *options]]
    environment.use(environment.kernel_environment(BUILD))
    failed = [f"{path.name} cannot be read" for path in unreadable]
    for arguments in commands:
        command = shlex.join(["python", *arguments])
        print(f"\n$ {command}", flush=True)
        if subprocess.run([sys.executable, *arguments], cwd=ROOT, check=False).returncode:
            failed.append(command)
    print()
    for failure in failed:
        print(f"FAILED: {failure}", file=sys.stderr)
    if not failed:
        print("All tests passed.")
    return 1 if failed else 0


def open_lab(options: list[str]) -> int:
    """Open JupyterLab on the notebooks, and wait until it is closed."""
    environment.use(environment.lab_environment(BUILD))
    command = [sys.executable, "-m", "jupyterlab", "--notebook-dir", str(ROOT)]
    command += ["--LabApp.default_url=/lab/tree/notebooks"]
    if is_root():  # as in most containers; JupyterLab would refuse
        command.append("--allow-root")
    try:
        return subprocess.run([*command, *options], cwd=ROOT, check=False).returncode
    except Stopped:  # as JupyterLab is closed from the terminal
        return 0


def is_root() -> bool:
    """Tell whether this is the administrator, to whom JupyterLab and Chromium make conditions."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    parser = argparse.ArgumentParser(prog="course.py", description="The commands of the course.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, function, words in [
        ("run", run_course, "execute the notebooks into pages under build/"),
        ("regenerate", regenerate, "execute the notebooks in place"),
        ("audit", audit, "alter every stored output in turn: the comparison must see it"),
    ]:
        command = commands.add_parser(name, help=words)
        command.add_argument("notebooks", nargs="*", help="names of notebooks; all of them if none")
        command.set_defaults(call=lambda args, function=function: function(args.notebooks))
    command = commands.add_parser("test", help="lint, unit tests, then all stored outputs")
    command.set_defaults(call=lambda args: test_course())
    command = commands.add_parser("lab", help="open the notebooks in JupyterLab")
    command.set_defaults(call=lambda args: open_lab(args.options))
    arguments, options = parser.parse_known_args(argv)
    if options and arguments.command != "lab":
        parser.error(f"unrecognized arguments: {' '.join(options)}")
    arguments.options = options
    return in_words(lambda: arguments.call(arguments))


def run_with_names(work: Callable[[list[str]], int], description: str) -> int:
    """Run a script that takes names of notebooks and does one thing; return its exit code."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("notebooks", nargs="*", help="names of notebooks; all of them if none")
    names = parser.parse_args().notebooks
    return in_words(lambda: work(names))


if __name__ == "__main__":
    sys.exit(main())
