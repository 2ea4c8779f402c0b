"""Where the course keeps its notebooks and what it builds, and how a file takes its place there."""

import os
import shutil
from pathlib import Path

from course.ending import CourseError

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = ROOT / "notebooks"
BUILD = ROOT / "build"


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
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        part.unlink(missing_ok=True)
