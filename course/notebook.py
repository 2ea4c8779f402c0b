"""A notebook as it is stored: read with its faults told in words, and kept free of this machine."""

import base64
import os
import re
import sys
import sysconfig
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from course import places
from course.ending import CourseError

if TYPE_CHECKING:
    from nbformat import NotebookNode

Result = TypeVar("Result")

PICTURE = ("03a_synthetic_training", "reversal-attention")  # lesson, cell of README's picture

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


def title_of(notebook: dict) -> str:
    """Return the first level-1 heading of a notebook, or an empty text."""
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            match = re.search(r"^#[ \t]+(.+?)[ \t#]*$", cell["source"], re.MULTILINE)
            if match:
                return match[1]
    return ""


def read_notebook(path: Path) -> "NotebookNode":
    """Read a notebook as it is stored.

    Raises:
        CourseError: it cannot be read; the message names the file and says what to do.
    """
    import nbformat
    from nbformat.warnings import DuplicateCellId, MissingIDFieldWarning

    try:
        text = path.read_text(encoding="utf-8")
        if conflict := re.search(r"^<{7} .*$", text, re.MULTILINE):
            line = text.count("\n", 0, conflict.start()) + 1
            raise ValueError(f"git has left both sides of a conflict in it, from line {line} on")
        with warnings.catch_warnings():  # nbformat would mend them here, and nbval refuse them
            warnings.simplefilter("error", MissingIDFieldWarning)
            warnings.simplefilter("error", DuplicateCellId)
            notebook = nbformat.reads(text, as_version=4)
        nbformat.validate(notebook)
    except OSError as error:
        raise CourseError(f"{path.name} cannot be read: {error.strerror}.") from error
    except Exception as error:  # nbformat raises many kinds
        why = next(iter(str(error).strip().splitlines()), "") or type(error).__name__
        raise CourseError(
            f"{path.name} cannot be read as a notebook: {why[:200]}. Mend it in a text editor, or "
            "take the course's own back, which loses what you changed in it: "
            f"git checkout HEAD -- {path.parent.name}/{path.name}"
        ) from error
    return notebook


def clear(notebook: dict) -> None:
    """Take away what the code cells showed when they were run, and that they were."""
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None


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
    folders = {str(places.ROOT): "", sysconfig.get_path("purelib"): "site-packages/"}
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
