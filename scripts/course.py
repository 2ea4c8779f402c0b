"""The commands behind the Makefile: run, test, lab, regenerate and audit.

Windows readers call them as they are: ``.venv\\Scripts\\python scripts/course.py run``. The
notebooks are executed with nbclient, one kernel each, in the folder ``notebooks``.
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

from execution import CELL_TIMEOUT, execute, read_notebook, title_of

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"
BUILD = ROOT / "build"

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


class CourseError(Exception):
    """A message for the person at the keyboard; it ends the command with exit code 1."""


# ------------------------------------------------------------------------------- environment


def set_kernel_environment() -> None:
    """Make kernels started from here use this environment, one thread and a fixed hash seed."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("PYTHONHASHSEED", "0")
    # A kernel called python3 that the reader registered elsewhere must not take the place of ours,
    # and IPython puts the packages of an active foreign environment on the path.
    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"
    for name in ("JUPYTER_PATH", "VIRTUAL_ENV", "PYTHONHOME"):
        os.environ.pop(name, None)


def set_notebook_environment() -> None:
    """Set what notebooks are executed with: as kernels, no bars, no sliders, no user profile."""
    set_kernel_environment()
    os.environ.setdefault("TQDM_DISABLE", "1")
    os.environ["COURSE_STATIC"] = "1"  # pictures in the place of sliders
    profile = BUILD / "ipython"  # instead of the reader's own start-up files and settings
    profile.mkdir(parents=True, exist_ok=True)
    os.environ["IPYTHONDIR"] = str(profile)


# --------------------------------------------------------------------------------- notebooks


def find_notebooks(names: list[str] | None = None) -> list[Path]:
    """Return the notebooks in order, or those of the given names (with or without ``.ipynb``).

    Raises:
        CourseError: there are no notebooks, or none of such a name.
    """
    found = sorted(NOTEBOOKS.glob("*.ipynb"))
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


# ----------------------------------------------------------------------------------- commands


def run_course(names: list[str]) -> int:
    """Execute the notebooks into pages under ``build/``; the stored ones stay untouched."""
    import pages

    paths = find_notebooks(names)
    set_notebook_environment()
    for old in BUILD.glob("*.html"):
        old.unlink()
    runs = []
    for position, path in enumerate(paths):
        run = execute(path)
        runs.append(run)
        neighbours = [
            (paths[i].stem, title_of(read_notebook(paths[i]))) if 0 <= i < len(paths) else None
            for i in (position - 1, position + 1)
        ]
        page = pages.render_notebook(run.notebook, title=run.title or run.name, links=neighbours)
        (BUILD / f"{run.name}.html").write_text(page, encoding="utf-8")
    index = BUILD / "index.html"
    index.write_text(pages.render_index(runs), encoding="utf-8")
    failed = [run.name for run in runs if run.problem]
    print(f"\n{len(runs)} notebooks in {sum(run.seconds for run in runs) / 60:.1f} minutes.")
    if failed:
        print(f"Failed: {', '.join(failed)}", file=sys.stderr)
    print(f"Open {index}")
    return 1 if failed else 0


def regenerate(names: list[str]) -> int:
    """Execute the notebooks in place; one that fails stays as it was."""
    import nbformat

    paths = find_notebooks(names)
    set_notebook_environment()
    failed = []
    for path in paths:
        run = execute(path)
        if run.problem:
            failed.append(path.name)
            continue
        make_portable(run.notebook)
        text = nbformat.writes(run.notebook).rstrip("\n") + "\n"
        write_atomically(path, text.encode("utf-8"))
        if path.stem == PICTURE[0]:
            write_atomically(ROOT / "picture.png", picture_of(run.notebook, PICTURE[1]))
    if failed:
        print(f"Left as they were: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


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
    # IPython writes the home directory as ~.
    home = str(Path.home())
    for folder in [folder for folder in folders if folder.startswith(home + os.sep)]:
        folders["~" + folder[len(home) :]] = folders[folder]
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
    """Replace a file in one step, so that no reader and no interruption meets half of it."""
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            shutil.copymode(path, part)
        part.replace(path)
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
    notebooks = notebook_test_command(find_notebooks())
    return _run_all([*lint_commands(), pytest_command(), notebooks])


def audit(names: list[str]) -> int:
    """Execute the notebooks, then alter every stored output: the comparison must see it."""
    return _run_all([[*notebook_test_command(find_notebooks(names)), "-p", "nbval_audit"]])


def _run_all(commands: list[list[str]]) -> int:
    """Run commands of this Python one after the other, say which failed, return an exit code."""
    failed = []
    for arguments in commands:
        command = shlex.join(["python", *arguments])
        print(f"\n$ {command}", flush=True)
        if subprocess.run([sys.executable, *arguments], cwd=ROOT, check=False).returncode:
            failed.append(command)
    print()
    for command in failed:
        print(f"FAILED: {command}", file=sys.stderr)
    if not failed:
        print("All tests passed.")
    return 1 if failed else 0


def open_lab() -> int:
    """Open JupyterLab on the notebooks, and wait until it is closed."""
    set_kernel_environment()
    command = [sys.executable, "-m", "jupyterlab", "--notebook-dir", str(ROOT)]
    command += ["--LabApp.default_url=/lab/tree/notebooks"]
    try:
        return subprocess.run(command, cwd=ROOT, check=False).returncode
    except KeyboardInterrupt:
        return 0


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    parser = argparse.ArgumentParser(prog="course.py", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    for name, function in [("run", run_course), ("regenerate", regenerate), ("audit", audit)]:
        command = commands.add_parser(name, help=function.__doc__.splitlines()[0])
        command.add_argument("notebooks", nargs="*", help="names of notebooks; all of them if none")
        command.set_defaults(call=lambda args, function=function: function(args.notebooks))
    for name, function in [("test", test_course), ("lab", open_lab)]:
        command = commands.add_parser(name, help=function.__doc__.splitlines()[0])
        command.set_defaults(call=lambda args, function=function: function())
    arguments = parser.parse_args(argv)
    return in_words(lambda: arguments.call(arguments))


def run_with_names(work: Callable[[list[str]], int], description: str) -> int:
    """Run a script that takes names of notebooks and does one thing; return its exit code."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("notebooks", nargs="*", help="names of notebooks; all of them if none")
    names = parser.parse_args().notebooks
    return in_words(lambda: work(names))


def in_words(work: Callable[[], int]) -> int:
    """Return the exit code of some work; what stops it is said in one line, without a traceback."""
    try:
        return work()
    except CourseError as error:
        print(error, file=sys.stderr)
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
