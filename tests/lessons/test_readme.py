"""The README and its neighbours: what they name exists, and their picture is the course's own.

Their commands are tried in ``test_page_commands.py``.
"""

import re

import pytest

from course.notebook import PICTURE, picture_of, read_notebook
from course.places import NOTEBOOKS, ROOT, find_notebooks

PAGES = ["README.md", "CONTRIBUTING.md", "data/README.md", "data/LICENCES.md"]


@pytest.mark.parametrize("page", PAGES)
def test_links_inside_the_repository_lead_somewhere(page):
    folder = (ROOT / page).parent
    text = (ROOT / page).read_text(encoding="utf-8")
    targets = [t for t in re.findall(r"\]\(([^)#\s]+)", text) if not t.startswith("http")]
    missing = [target for target in targets if not (folder / target).exists()]
    assert missing == []


def test_every_lesson_is_in_the_table():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    linked = re.findall(r"^\| \[[^]]+\]\(notebooks/([^)]+)\) \|", text, re.MULTILINE)
    assert linked == [path.name for path in find_notebooks()]


@pytest.mark.parametrize("page", PAGES)
def test_paths_that_are_named_exist(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    paths = re.findall(r"`((?:helpers|course|tests|scripts|notebooks|benchmarks)/[\w./]*)`", text)
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_the_picture_is_the_output_of_its_cell():
    lesson, cell_id = PICTURE
    notebook = read_notebook(NOTEBOOKS / f"{lesson}.ipynb")
    assert (ROOT / "picture.png").read_bytes() == picture_of(notebook, cell_id)
