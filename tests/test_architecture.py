"""Who imports whom, held by reading the imports: they run downward, and circles cannot be."""

import ast
import re

import pytest

from course.places import ROOT

# Package -> topic -> floors, lowest first. A module imports only what stands on a lower floor of
# its own topic or on the base. A new one is added here, with a thought on where it belongs.
HOUSE = {
    "helpers": {
        "base": [["refusals"], ["contracts"], ["running"]],
        "transformer": [
            ["transformer.attention"],
            ["transformer.layers"],
            ["transformer.models", "transformer.classifiers"],
            ["transformer"],  # hands on what the others make public
        ],
        "figures": [
            ["figures.canvas"],
            ["figures.plotting", "figures.heatmaps", "figures.pictures", "figures.diagrams"],
            ["figures"],
        ],
        "data": [
            ["data.entries", "data.sources", "data.synthetic"],
            ["data.text", "data.reviews", "data.digits", "data.numerals"],
            ["data.ngrams"],
            ["data"],
        ],
        "training": [["weights"], ["training"]],
        "vision": [["vision.alexnet", "vision.gan", "vision.gan_metrics"], ["vision"]],
        "loan": [["loan"]],
    },
    "course": {
        "base": [["ending", "environment", "memory"], ["places"], ["notebook"]],
        "work": [
            ["execution", "pages", "checking.tolerance", "checking.table", "checking.no_network"],
            ["checking.alterations", "checking.plugin", "rules.pictures", "rules.tags"],
            ["rules.structure"],
            ["checking.audit", "prose.pages", "prose.minutes"],
            ["prose.numbers", "commands"],
            ["matrix", "mutants"],
            ["__main__"],
        ],
        "folders": [["checking", "rules", "prose"]],
    },
}
PLACES = {
    package: {
        module: (topic, height)
        for topic, floors in topics.items()
        for height, floor in enumerate(floors)
        for module in floor
    }
    for package, topics in HOUSE.items()
}
# What a package must not import, besides other packages of this project.
FOREIGN = {
    "helpers": {"IPython", "ipywidgets", "jupyter", "nbformat", "pytest"},
    "course": {"torch", "matplotlib"},
}
OURS = {"helpers", "course", "benchmarks", "tests", "scripts", "notebooks"}


def imported(source: str) -> set[str]:
    """Return the dotted names of all that a source imports; of ``from a import b``, ``a.b``."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "imports name their package"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def violations(package: str, module: str, source: str) -> list[str]:
    """Return what a module imports against the rules, one line each."""
    places, found = PLACES[package], []
    if module not in places:
        return [f"{package}.{module} has no place: add it to HOUSE in tests/test_architecture.py"]
    topic, floor = places[module]
    for name in sorted(imported(source)):
        origin, _, rest = name.partition(".")
        target = rest if rest in places else rest.rpartition(".")[0]  # a module, or what is in one
        if origin in FOREIGN[package] | (OURS - {package}):
            found.append(f"{module} imports {name}: {package} knows nothing of {origin}")
        elif origin == "torchtext" and module != "data.text":
            found.append(f"{module} imports {name}: only data.text does")
        elif origin == package and target not in places:
            found.append(f"{module} imports {name}, which has no place in HOUSE")
        elif origin == package and places[target][0] not in ("base", topic):
            found.append(f"{module} ({topic}) imports {name} ({places[target][0]})")
        elif origin == package and places[target][0] == topic and places[target][1] >= floor:
            found.append(f"{module} imports {name}, which does not stand lower")
    return found


MODULES = {
    (package, ".".join(path.relative_to(ROOT / package).with_suffix("").parts)): path
    for package in HOUSE
    for path in sorted((ROOT / package).rglob("*.py"))
    if path != ROOT / package / "__init__.py"
}
MODULES = {(package, name.removesuffix(".__init__")): at for (package, name), at in MODULES.items()}


@pytest.mark.parametrize(("package", "module"), MODULES, ids=".".join)
def test_imports_run_downward(package, module):
    source = MODULES[package, module].read_text(encoding="utf-8")
    assert violations(package, module, source) == []


@pytest.mark.parametrize("package", HOUSE)
def test_every_place_is_taken_and_the_package_itself_imports_nothing(package):
    assert set(PLACES[package]) == {module for owner, module in MODULES if owner == package}
    assert imported((ROOT / package / "__init__.py").read_text("utf-8")) == set()


@pytest.mark.parametrize(
    ("package", "module", "source", "complaint"),
    [
        ("helpers", "contracts", "from helpers import running", "does not stand lower"),
        ("helpers", "contracts", "from helpers.running import set_threads", "does not stand lower"),
        ("helpers", "figures.plotting", "import helpers.figures.diagrams", "does not stand lower"),
        ("helpers", "loan", "def f():\n    import helpers.figures", r"loan \(loan\) imports"),
        ("helpers", "loan", "from IPython.display import display", "knows nothing of IPython"),
        ("helpers", "loan", "from course.places import ROOT", "knows nothing of course"),
        ("helpers", "data.reviews", "from torchtext.vocab import Vocab", "only data.text does"),
        ("helpers", "data.reviews", "from helpers.nowhere import x", "has no place in HOUSE"),
        ("helpers", "nowhere", "", "has no place: add it"),
        ("course", "notebook", "from course.execution import execute", r"\(base\) imports"),
    ],
)
def test_a_violation_is_seen(package, module, source, complaint):
    (found,) = violations(package, module, source)
    assert re.search(complaint, found)
