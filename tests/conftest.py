"""Shared by all tests. The plugin for notebooks is loaded by pyproject.toml (``-p nbval_rtol``)."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

import environment
import no_network
from course import BUILD

pytest_plugins = ["pytester"]

no_network.forbid_network()
os.environ.pop("MATPLOTLIBRC", None)
os.environ.update(environment.homes(BUILD))  # before matplotlib looks for its settings


@pytest.hookimpl(tryfirst=True)  # before pytest-mpl reads its options
def pytest_configure(config: pytest.Config) -> None:
    """Compare figures in every run, and keep what differs in the build folder of the course."""
    config.option.mpl = True
    config.option.mpl_results_path = str(BUILD / "figures")


@pytest.fixture(autouse=True)
def no_connection_that_nobody_asked_for() -> Iterator[None]:
    """Fail a test in which this process tried to reach another machine, swallowed or not."""
    no_network.attempts.clear()
    yield
    assert no_network.attempts == []


# A busy machine is no error, and the same inputs are drawn in every run.
settings.register_profile("course", deadline=None, derandomize=True, database=None)
settings.load_profile("course")
