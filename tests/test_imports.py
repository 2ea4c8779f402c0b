"""The architecture of the helpers, held by reading their imports.

A module imports from ``helpers`` only what stands lower in its own topic, or the base. So models
know nothing of figures, data or training, and training knows nothing of any model.
"""

import ast
import re
from pathlib import Path

import pytest

HELPERS = Path(__file__).parent.parent / "helpers"

# Topic -> levels, lowest first. A new module is added here, with a thought on where it belongs.
TOPICS = {
    "base": [{"checks"}, {"seeding", "progress", "modes"}],
    "transformer": [{"attention"}, {"layers"}, {"transformer", "classifiers"}],
    "figures": [{"canvas"}, {"plotting", "heatmaps", "pictures", "diagrams"}],
    "data": [{"text", "archive"}, {"packaged", "ngrams"}, {"datasets", "digits"}],
    "training": [{"weights"}, {"training"}],
    "alexnet": [{"alexnet"}],
    "gan": [{"gan", "gan_metrics"}],
    "loan": [{"loan"}],
}
PLACE = {
    module: (topic, level)
    for topic, levels in TOPICS.items()
    for level, modules in enumerate(levels)
    for module in modules
}
FORBIDDEN = {"IPython", "ipywidgets", "jupyter", "nbformat", "notebooks", "tests", "pytest"}


def imported(source: str) -> set[str]:
    """Return the dotted names of all modules that a source imports, at any depth of the code.

    ``from helpers import text`` counts as ``helpers.text``.
    """
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            origin = "helpers" if node.level else node.module
            if node.level and node.module:
                origin += f".{node.module}"
            if origin == "helpers":
                names |= {f"helpers.{alias.name}" for alias in node.names}
            else:
                names.add(origin)
    return names


def violations(module: str, source: str) -> list[str]:
    """Return what a module of the helpers imports against the rules, one line each."""
    if module not in PLACE:
        return [f"helpers/{module}.py has no place: add it to TOPICS in tests/test_imports.py"]
    topic, level = PLACE[module]
    found = []
    for name in sorted(imported(source)):
        package, _, rest = name.partition(".")
        if package in FORBIDDEN:
            found.append(f"{module} imports {name}: helpers know no notebooks and no tests")
        elif package == "torchtext" and module != "text":
            found.append(f"{module} imports {name}: only text does")
        elif package == "helpers":
            other = rest.partition(".")[0]
            if other not in PLACE:
                found.append(f"{module} imports {name}, which has no place in TOPICS")
            elif PLACE[other][0] not in ("base", topic):
                found.append(f"{module} ({topic}) imports {name} ({PLACE[other][0]})")
            elif PLACE[other][0] == topic and PLACE[other][1] >= level:
                found.append(f"{module} imports {name}, which does not stand lower")
    return found


@pytest.mark.parametrize("path", sorted(HELPERS.rglob("*.py")), ids=lambda path: path.stem)
def test_imports_run_downward(path: Path):
    source = path.read_text(encoding="utf-8")
    if path.name == "__init__.py":
        assert imported(source) == set()
    else:
        assert violations(path.stem, source) == []


def test_every_place_is_taken():
    missing = set(PLACE) - {path.stem for path in HELPERS.glob("*.py")}
    assert missing == set(), f"TOPICS names modules that do not exist: {missing}"


@pytest.mark.parametrize(
    ("module", "source", "complaint"),
    [
        ("attention", "from helpers.transformer import Transformer", "does not stand lower"),
        ("plotting", "import helpers.diagrams", "does not stand lower"),
        ("checks", "from helpers.seeding import set_threads", "does not stand lower"),
        ("checks", "from . import seeding", "does not stand lower"),
        ("checks", "from .seeding import set_threads", "does not stand lower"),
        ("training", "from helpers import transformer", r"training \(training\) imports"),
        ("transformer", "def f():\n    import helpers.plotting", r"imports helpers.plotting \(fig"),
        ("layers", "from helpers.text import PAD", r"layers \(transformer\) imports"),
        ("plotting", "from IPython.display import display", "know no notebooks"),
        ("datasets", "from torchtext.vocab import Vocab", "only text does"),
        ("datasets", "from helpers.nowhere import x", "has no place in TOPICS"),
        ("nowhere", "", "has no place: add it"),
    ],
)
def test_a_violation_is_seen(module, source, complaint):
    (found,) = violations(module, source)
    assert re.search(complaint, found)


def test_what_is_allowed_is_let_through():
    source = "import torch\nfrom helpers.checks import check_int\nfrom helpers import attention"
    assert violations("layers", source) == []
    assert violations("text", "from torchtext.vocab import Vocab") == []
