"""For every page of the course: where the numbers in its prose come from, one line a fragment."""

from importlib import import_module

from course.places import find_notebooks
from tests.lessons.prose.pages import PAGES

TABLES = PAGES | {
    path.stem: import_module(f"tests.lessons.prose.lesson_{path.stem.partition('_')[0]}").TABLE
    for path in find_notebooks()
}
