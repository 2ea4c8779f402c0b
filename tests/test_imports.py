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
    "base": [{"refusals"}, {"contracts"}, {"running"}],
    "transformer": [
        {"transformer.attention"},
        {"transformer.layers"},
        {"transformer.models", "transformer.classifiers"},
        {"transformer"},  # hands on what the others make public
    ],
    "figures": [
        {"figures.canvas"},
        {"figures.plotting", "figures.heatmaps", "figures.pictures", "figures.diagrams"},
        {"figures"},
    ],
    "data": [
        {"data.entries", "data.sources", "data.synthetic"},
        {"data.text", "data.reviews", "data.digits"},
        {"data.ngrams"},
        {"data"},
    ],
    "training": [{"weights"}, {"training"}],
    "vision": [
        {"vision.alexnet", "vision.gan", "vision.gan_metrics"},
        {"vision"},
    ],
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
        return [f"helpers.{module} has no place: add it to TOPICS in tests/test_imports.py"]
    topic, level = PLACE[module]
    found = []
    for name in sorted(imported(source)):
        package, _, rest = name.partition(".")
        if package in FORBIDDEN:
            found.append(f"{module} imports {name}: helpers know no notebooks and no tests")
        elif package == "torchtext" and module != "data.text":
            found.append(f"{module} imports {name}: only data.text does")
        elif package == "helpers":
            # ``from helpers import x`` may name a module, ``from helpers.x import y`` never does.
            if rest not in PLACE:
                found.append(f"{module} imports {name}, which has no place in TOPICS")
            elif PLACE[rest][0] not in ("base", topic):
                found.append(f"{module} ({topic}) imports {name} ({PLACE[rest][0]})")
            elif PLACE[rest][0] == topic and PLACE[rest][1] >= level:
                found.append(f"{module} imports {name}, which does not stand lower")
    return found


MODULES = {
    ".".join(path.relative_to(HELPERS).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(HELPERS.rglob("*.py"))
}


@pytest.mark.parametrize("module", MODULES)
def test_imports_run_downward(module):
    source = MODULES[module].read_text(encoding="utf-8")
    if module == "__init__":
        assert imported(source) == set()
    else:
        assert violations(module, source) == []


def test_every_place_is_taken():
    assert set(PLACE) == set(MODULES) - {"__init__"}


@pytest.mark.parametrize(
    ("module", "source", "complaint"),
    [
        ("transformer.layers", "from helpers.transformer import models", "not stand lower"),
        ("transformer.layers", "from helpers.transformer.models import x", "not stand lower"),
        ("figures.plotting", "import helpers.figures.diagrams", "does not stand lower"),
        ("contracts", "from helpers.running import set_threads", "does not stand lower"),
        ("contracts", "from . import running", "does not stand lower"),
        ("contracts", "from .running import set_threads", "does not stand lower"),
        ("training", "from helpers import transformer", r"training \(training\) imports"),
        ("transformer.models", "def f():\n    import helpers.figures", r"helpers.figures \(fig"),
        (
            "transformer.layers",
            "from helpers.data.text import PAD",
            r"layers \(transformer\) imports",
        ),
        ("figures.plotting", "from IPython.display import display", "know no notebooks"),
        ("data.reviews", "from torchtext.vocab import Vocab", "only data.text does"),
        ("data.reviews", "from helpers.nowhere import x", "has no place in TOPICS"),
        ("nowhere", "", "has no place: add it"),
    ],
)
def test_a_violation_is_seen(module, source, complaint):
    (found,) = violations(module, source)
    assert re.search(complaint, found)


def test_what_is_allowed_is_let_through():
    source = (
        "import torch\nfrom helpers.contracts import Size\nimport helpers.transformer.attention"
    )
    assert violations("transformer.layers", source) == []
    assert violations("data.text", "from torchtext.vocab import Vocab") == []
