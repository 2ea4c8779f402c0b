"""Cells, outputs and notebooks that tests make up, and a run of nbval over one of them."""

import copy

from nbformat import write
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course.notebook import NOTEBOOK_METADATA
from course.places import ROOT

OPENING = """# Title

**Objectives**

- add

**Before you start**: counting.

**Time**: 1.5 minutes on one thread."""


def stream(text, name="stdout"):
    return new_output("stream", name=name, text=text)


def shown(**data):
    return new_output("display_data", {kind.replace("_", "/"): v for kind, v in data.items()})


def raised(*traceback):
    error = {"ename": "ValueError", "evalue": "bad", "traceback": list(traceback)}
    return new_output("error", **error)


def markdown(name, source):
    return new_markdown_cell(source, id=name)


def code(name, *outputs, tags=(), source="work()"):
    metadata = {"tags": list(tags)} if tags else {}
    return new_code_cell(source, id=name, outputs=list(outputs), metadata=metadata)


def notebook(*cells):
    """Return a notebook with these cells between a right beginning and a right end."""
    end = "## Summary\n\nDone.\n\n## Exercises\n\nAgain.\n\n## Sources\n\nNone."
    cells = [markdown("title", OPENING), *cells, markdown("end", end)]
    for count, cell in enumerate([c for c in cells if c["cell_type"] == "code"], start=1):
        cell["execution_count"] = count
    return new_notebook(cells=cells, metadata=copy.deepcopy(NOTEBOOK_METADATA))


def run_nbval(pytester, lesson, *arguments):
    """Run nbval over a notebook as a reader does, in a folder and with settings of the test's."""
    write(lesson, pytester.path / "lesson.ipynb")
    options = ["-c", str(ROOT / "pyproject.toml"), "--rootdir", str(pytester.path), "--nbval"]
    options += ["--color=no", "-p", "no:cacheprovider", *arguments, "lesson.ipynb"]
    return pytester.runpytest_subprocess(*options, timeout=120)
