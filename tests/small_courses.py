"""Small courses in folders of their own, and what a reader may have set, to try commands on."""

from pathlib import Path

from nbformat import write
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

# Begins a program in which `course` works on the folder that is named by the first argument.
IN_FOLDER = """
import pathlib, sys
from course import commands, environment, execution, places
from course.__main__ import main
places.ROOT = pathlib.Path(sys.argv[1])
places.NOTEBOOKS, places.BUILD = places.ROOT / "notebooks", places.ROOT / "build"
"""


def variables(text: str, **places: Path) -> dict[str, str]:
    """Return what a text like ``A=1 B={home}/b`` sets, with the places put in."""
    words = (word.split("=", 1) for word in text.split())
    return {name: value.format(**places) for name, value in words}


def write_files(root: Path, files: dict[str, str | bytes]) -> None:
    """Write files below a folder, each by its path, and the folders that they need."""
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content.encode() if isinstance(content, str) else content)


def store(root: Path, name: str, *sources: str, tags: tuple[str, ...] = ()) -> Path:
    """Store a lesson with these code cells, below its title, and return its path."""
    cells = [new_markdown_cell(f"Words\n\n# Lesson {name}", id="title")]
    for number, source in enumerate(sources):
        cells.append(new_code_cell(source, id=f"code-{number}", metadata={"tags": list(tags)}))
    path = root / "notebooks" / f"{name}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    write(new_notebook(cells=cells), path)
    return path
