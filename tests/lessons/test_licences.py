"""`data/LICENCES.md` lists every package that pip installs for the course, under its licence."""

import re
from collections import defaultdict
from contextlib import suppress
from functools import cache
from importlib.metadata import Distribution, distributions
from typing import NamedTuple

import pytest
from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from course.places import ROOT

PAGE = ROOT / "data" / "LICENCES.md"
CUDA = "Only with PyTorch's CUDA build"  # the heading above what it brings
COURSE = "the course"  # needs what requirements.txt names
OTHERS = "others"  # stands for those that a long list leaves out

# Where the course runs: a package that only some of these need is listed all the same.
SYSTEMS = [("linux", "Linux", "posix"), ("darwin", "Darwin", "posix"), ("win32", "Windows", "nt")]
PLACES = [
    {"sys_platform": platform, "platform_system": system, "os_name": name, "python_version": python}
    for platform, system, name in SYSTEMS
    for python in ("3.11", "3.12", "3.13")
]

# What the older metadata say, in words that name a family of licences only.
FAMILIES = {
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Other/Proprietary License": "",
    "Python Software Foundation License": "PSF-2.0",
}
# Matplotlib's own licence follows Python's, under another name.
OWN_LICENCES = {"matplotlib": "LicenseRef-Matplotlib"}


class Row(NamedTuple):
    """A line of a table: a package's licence, who needs the package, and the heading above."""

    licence: str
    needed_by: set[str]
    heading: str


@cache
def rows() -> dict[str, Row]:
    """Return the lines of the tables by package."""
    found = {}
    line = re.compile(r"^\| `([^`]+)` \| (.+?) \| (.+?) \|$", re.MULTILINE)
    for section in re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE):
        for name, licence, needed_by in line.findall(section):
            assert name not in found, f"{name} is listed twice"
            found[name] = Row(licence, set(needed_by.split(", ")), section.partition("\n")[0])
    return found


@cache
def installed() -> dict[str, Distribution]:
    return {canonicalize_name(package.name): package for package in distributions()}


@cache
def needs() -> dict[str, set[str]]:
    """Return each package that some system needs, with those that need it.

    Read from the metadata of what is installed here; where a package is needed on another system
    only, what it needs in turn is not known.
    """
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    specs = [spec for line in lines if (spec := line.partition("#")[0].strip())]
    todo = [(COURSE, Requirement(spec)) for spec in specs if not spec.startswith("-")]
    found, seen = defaultdict(set), set()
    while todo:
        parent, wanted = todo.pop()
        name = canonicalize_name(wanted.name)
        found[name].add(parent)
        key = name, frozenset(wanted.extras)
        if key in seen or name not in installed():
            continue
        seen.add(key)
        requirements = map(Requirement, installed()[name].requires or [])
        todo += [(name, each) for each in requirements if is_needed(each, wanted.extras)]
    return dict(found)


def is_needed(requirement: Requirement, extras: set[str]) -> bool:
    """Tell whether a requirement holds in one of our places, for a package with these extras."""
    marker = requirement.marker
    return marker is None or any(
        marker.evaluate({**place, "extra": extra}) for place in PLACES for extra in {"", *extras}
    )


def stated_licence(package: Distribution) -> str | None:
    """Return the licence that a package states in SPDX's words, if it does."""
    for key in ("License-Expression", "License"):
        with suppress(InvalidLicenseExpression):
            return canonicalize_license_expression(package.metadata.get(key) or "")
    return None


def stated_families(package: Distribution) -> set[str]:
    """Return the licences that a package names as its classifiers do."""
    classifiers = package.metadata.get_all("Classifier") or []
    return {text.split(" :: ")[-1] for text in classifiers if text.startswith("License :: ")}


# -------------------------------------------------------------------------------------- the page


def test_every_package_is_listed():
    missing = []
    for name in sorted(needs().keys() - rows().keys()):
        package = installed().get(name)
        licence = (stated_licence(package) or stated_families(package)) if package else "?"
        missing.append(f"| `{name}` | {licence} | {', '.join(sorted(needs()[name]))} |")
    assert not missing, f"add to {PAGE.name}:\n" + "\n".join(missing)


def test_nothing_is_listed_that_is_not_needed_by_those_that_are_named():
    wrong = []
    for name, row in rows().items():
        if row.heading == CUDA and "cuda-toolkit" not in installed():
            continue  # the metadata here cannot bear it out
        actual, named = needs().get(name, set()), row.needed_by - {OTHERS}
        elsewhere = named - {COURSE} - installed().keys()
        if not actual or named - elsewhere - actual or (COURSE in actual) != (COURSE in named):
            wrong.append(f"{name} is needed by {', '.join(sorted(actual))}")
    assert wrong == []


def test_licences_are_those_that_the_packages_state():
    wrong = []
    for name in rows().keys() & installed().keys():
        listed, package = rows()[name].licence, installed()[name]
        stated = stated_licence(package) or OWN_LICENCES.get(name)
        families = () if stated else [FAMILIES.get(t, t) for t in stated_families(package)]
        if listed != (stated or listed):
            wrong.append(f"{name} is under {stated}, the page says {listed}")
        wrong += [f"{name}: {each}" for each in families if each not in listed]
    assert wrong == []


def test_licences_are_written_as_spdx_writes_them_and_no_package_is_under_a_gpl():
    """One that is would have to be spoken of on the page."""
    for licence in {row.licence for row in rows().values()} - {"none stated"}:
        assert canonicalize_license_expression(licence) == licence
        assert "GPL" not in licence


def test_every_version_is_pinned():
    """Otherwise a new release of some package far below could change what a reader sees."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = dict(line.split("==") for line in lines if not line.startswith("#"))
    assert list(pinned) == sorted(pinned)
    below = [name for name, parents in needs().items() if COURSE not in parents]
    found = {name: installed()[name].version for name in below if name in installed()}
    wrong = [f"{name}=={found[name]}" for name in sorted(found) if pinned.get(name) != found[name]]
    assert not wrong, "constraints.txt lacks what is installed:\n" + "\n".join(wrong)
    assert {rows()[name].heading for name in pinned.keys() - needs().keys()} <= {CUDA}


@pytest.mark.parametrize("python", ["3.11.0", "3.12.0", "3.13.0"])
def test_every_version_is_for_every_python_of_the_course(python):
    """A system's own Python is often years old: Debian 12 has 3.11.2."""
    wants = {one.name: one.metadata["Requires-Python"] or "" for one in distributions()}
    assert [name for name, want in wants.items() if python not in SpecifierSet(want)] == []
